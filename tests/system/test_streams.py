# SPDX-License-Identifier: MIT
"""Servers that speak OpenAI's form nearly: what clients get of them, and how it is counted. Their
shapes, with sources, are those of tests/unit/chat/test_repair.c."""
import json
import re

import support
from test_http import FrontTest


def reply(body, content_type, split):
    """A script: these bytes as one answer, or each behind a pause."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n"
    if not split:
        return {"raw": f"{head}content-length: {len(body)}\r\n\r\n{body}"}
    chunks = "".join(f"1\r\n{byte}\r\n" for byte in body)
    return {"raw": f"{head}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"}


def chunk(delta, finish=None, **more):
    return json.dumps({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                       "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})


def call(name, arguments, **more):
    return {"function": {"name": name, "arguments": arguments}, **more}


GEMINI = [chunk({"role": "assistant", "tool_calls": [call("f", '{"x":1}', id="a", type="function")]}),
          chunk({"tool_calls": [call("f", '{"x":2}', id="b", type="function", index=0)]}),
          chunk({}, "stop")]
QWEN = [chunk({"tool_calls": [call("f", "", id="a", type="function", index=0)]}),
        chunk({"tool_calls": [call("", '{"x"', id="", type="function", index=0)]}),
        chunk({"tool_calls": [call(None, ":1}", id=None, index=0)]}),
        chunk({"tool_calls": [call("f", '{"x":1}', index=0)]}), chunk({}, "tool_calls")]


def collect(events):
    """As a client does that takes the API at its word: strings are appended, all of them."""
    calls, ends, text, thought, usages = {}, [], "", "", []
    for event in events:
        usages += [event["usage"]] if event.get("usage") else []
        for choice in event["choices"]:
            delta = choice["delta"]
            text += delta.get("content") or ""
            thought += delta.get("reasoning_content") or ""
            ends += [choice["finish_reason"]] if choice.get("finish_reason") else []
            for item in delta.get("tool_calls") or []:
                known = calls.setdefault(item["index"], {"id": "", "name": "", "arguments": ""})
                known["id"] += item.get("id", "")
                known["name"] += item.get("function", {}).get("name", "")
                known["arguments"] += item.get("function", {}).get("arguments", "")
    assert list(calls) == list(range(len(calls))), calls
    return {"text": text, "thought": thought, "ends": ends, "usages": usages,
            "calls": [(c["id"], c["name"], json.loads(c["arguments"])) for c in calls.values()]}


class RepairTest(FrontTest):
    def repairs(self):
        text = self.hb.request("GET", "/metrics").body.decode()
        series = dict(re.findall(r'(?m)^(harborai_stream_\w+_total{provider="openai"}) (\d+)$', text))
        return [int(series.get(f'harborai_stream_{what}_total{{provider="openai"}}', 0))
                for what in ("events", "repairs")]

    def streamed(self, events, repairs, ends="\n\n", field="data: ", **more):
        """The same whole and byte by byte."""
        found = []
        for split in (False, True):
            body = "".join(f"{field}{event}{ends}" for event in events)
            before = self.repairs()
            answer = self.hb.chat(reply(body, "text/event-stream", split), stream=True, **more)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.events()[-1], "[DONE]", answer.body)
            after = self.repairs()
            self.assertEqual(after[1] - before[1], repairs)
            self.assertGreaterEqual(after[0] - before[0], repairs)
            line = support.find_end(self.hb.state, answer.headers["x-request-id"])
            self.assertEqual(line.get("stream_repairs", 0), repairs)
            found.append(collect(answer.events()[:-1]))
        self.assertEqual(found[0], found[1])
        return found[0]

    def test_parallel_calls_without_indices(self):
        got = self.streamed(GEMINI, 3)
        self.assertEqual(got["calls"], [("a", "f", {"x": 1}), ("b", "f", {"x": 2})])
        self.assertEqual(got["ends"], ["tool_calls"])

    def test_names_again_and_arguments_again(self):
        got = self.streamed([*QWEN, "[DONE]"], 3)
        self.assertEqual(got["calls"], [("a", "f", {"x": 1})])

    def test_made_ids_differ_from_answer_to_answer(self):
        body = "".join(f"data: {event}\n\n" for event in (
            chunk({"tool_calls": [call("f", {"x": 1})]}), chunk(None, "stop")))
        ids = set()
        for _ in range(2):
            answer = self.hb.chat(reply(body, "text/event-stream", False), stream=True)
            (made, name, arguments), = collect(answer.events()[:-1])["calls"]
            self.assertEqual((name, arguments), ("f", {"x": 1}))
            self.assertRegex(made, "^call_[0-9a-f]{16}_0_0$")
            ids.add(made)
        self.assertEqual(len(ids), 2)

    def test_reasoning_and_usage(self):
        events = [chunk({"reasoning": "why"}), chunk({"content": "so"}, usage={"total_tokens": 1}),
                  chunk({}, "stop", usage={"prompt_tokens": 1, "completion_tokens": 2,
                                           "total_tokens": 3})]
        got = self.streamed(events, 3)
        self.assertEqual((got["thought"], got["text"], got["usages"]), ("why", "so", []))
        got = self.streamed(events, 3, stream_options={"include_usage": True})
        self.assertEqual([u["total_tokens"] for u in got["usages"]], [3])

    def test_line_ends_comments_and_one_bad_event(self):
        for ends, field in (("\n\n", "data:"), ("\r\n\r\n", "data: "), ("\r\r", "data:"),
                            ("\n\n: ping\n\ndata:\n\n", "event: message\ndata: ")):
            got = self.streamed([chunk({"content": "caf\\u00e9"}), "{oops", chunk({"content": "!"}),
                                 chunk({}, "stop"), "[DONE]"], 1, ends, field)
            self.assertEqual((got["text"], got["ends"]), ("caf\\u00e9!", ["stop"]))

    def test_what_conforms_is_not_touched(self):
        events = [chunk({"role": "assistant", "content": ""}), chunk({"content": "x", "new": {"a": 1}}),
                  chunk({}, "stop", more=[1, 2.50])]
        body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
        answer = self.hb.chat(reply(body, "text/event-stream", False), stream=True)
        self.assertEqual(answer.body.decode(), body)

    def test_calls_that_cannot_be(self):
        for events, message in (
                ([chunk({"tool_calls": [call("f", '{"x":', id="a", index=0)]}), chunk({}, "tool_calls")],
                 "'openai' sent a tool call whose arguments are not complete JSON"),
                ([chunk({"tool_calls": [call("", "{}", id="a", index=0)]}), chunk({}, "stop")],
                 "'openai' sent a tool call without a name")):
            with self.subTest(message):
                body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
                answer = self.hb.chat(reply(body, "text/event-stream", False), stream=True)
                last = answer.events()[-1]
                self.assertRegex(last["error"]["message"], message)
                self.assertNotIn(b"[DONE]", answer.body)
                self.assertNotIn(b'"finish_reason": "', answer.body)

    def whole(self, message, finish):
        body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                           "choices": [{"index": 0, "message": message, "finish_reason": finish}]})
        before = self.repairs()[1]
        answer = self.hb.chat(reply(body, "application/json", False))
        return body, answer, self.repairs()[1] - before

    def test_whole_answers(self):
        body, answer, repairs = self.whole({"role": "assistant", "content": "x"}, "stop")
        self.assertEqual((answer.body.decode(), repairs), (body, 0))
        _, answer, repairs = self.whole(
            {"role": "assistant", "reasoning": "why", "new": 1,
             "tool_calls": [call("f", {"x": 1}, index=0), call("g", "", id="b", type="function")]},
            "stop")
        choice = answer.json()["choices"][0]
        self.assertEqual((choice["finish_reason"], repairs), ("tool_calls", 1))
        message = choice["message"]
        self.assertEqual((message["content"], message["reasoning_content"], message["new"]),
                         (None, "why", 1))
        made = message["tool_calls"][0].pop("id")
        self.assertRegex(made, "^call_[0-9a-f]{16}_0_0$")
        self.assertEqual(message["tool_calls"],
                         [call("f", '{"x": 1}', type="function"),
                          call("g", "{}", id="b", type="function")])
        line = support.find_end(self.hb.state, answer.headers["x-request-id"])
        self.assertEqual((line["stream_repairs"], line["finish_reason"]), (1, "tool_calls"))
        _, answer, _ = self.whole({"role": "assistant", "content": None,
                                   "tool_calls": [call("f", "{", id="b", type="function")]}, "stop")
        self.assert_error(answer, 502, message="'openai' sent a tool call whose arguments are not "
                                               "complete JSON: ask again")
