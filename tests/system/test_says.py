# SPDX-License-Identifier: MIT
"""What a plugin passes on itself, chunks (emit_json) and late usage: by tests/plugins/says.c, which
does what the message tells it."""
import contextlib
import json
import unittest

import support


def chunk(content=None, finish=None, index=0, **delta):
    if content is not None:
        delta["content"] = content
    return json.dumps({"id": "of-the-vendor", "object": "chat.completion.chunk", "created": 1,
                       "model": "of-the-vendor",
                       "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
USAGE_CHUNK = json.dumps({"choices": [], "usage": USAGE})
HELLO = [chunk("", role="assistant"), chunk("hel"), chunk("lo")]


class SaysTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        place = stack.enter_context(support.folder())
        support.build_plugin(place, "says")
        cls.hb = stack.enter_context(support.gateway(
            workers=1, env={"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}))

    def ask(self, lines, stream=False, usage=False, **more):
        if usage:
            more["stream_options"] = {"include_usage": True}
        return self.hb.chat("\n".join(lines), "says", stream=stream, **more)

    def broken_off(self, lines):
        """The events of a stream that ends with an error, and without the last chunk of HTTP."""
        answer = self.ask(lines, stream=True)
        self.assertFalse(answer.complete)
        return answer.events()

    def both_threads(self, lines):
        yield from (lines, ["thread", *lines])


class EmitJsonTest(SaysTest):
    def stream(self, lines, **more):
        answer = self.ask(lines, stream=True, **more)
        self.assertEqual(answer.status, 200, answer.body)
        events = answer.events()
        self.assertEqual(events[-1], "[DONE]", events)
        return events[:-1]

    def test_stream_is_named_by_the_host(self):
        for lines in self.both_threads([*HELLO, chunk(finish="stop"), USAGE_CHUNK, "finish 0"]):
            events = self.stream(lines)
            self.assertEqual(support.stream_text(events), "hello")
            self.assertEqual(len({e["id"] for e in events}), 1)
            for event in events:
                self.assertRegex(event["id"], "^chatcmpl-hb_")
                self.assertGreater(event["created"], 1)
                self.assertEqual(event["model"], "says")
                self.assertTrue(event["choices"])  # nobody asked for the usage

    def test_long_chunk(self):
        text = "w" * (5 << 19)
        for lines in self.both_threads([chunk(text), "finish 0"]):
            self.assertEqual(support.stream_text(self.stream(lines)), text)

    def test_usage_chunk(self):
        """Exactly one when it is asked for, wherever the figures come from."""
        rows = {"the vendor's chunk": [chunk(finish="stop"), USAGE_CHUNK, "finish 0"],
                "before the end": [USAGE_CHUNK, chunk(finish="stop"), "finish 0"],
                "in the last chunk": [chunk(finish="stop")[:-1] + f',"usage":{json.dumps(USAGE)}}}',
                                      "finish 0"],
                "by usage()": [chunk(finish="stop"), "usage 3 2", "finish 0"]}
        for name, lines in rows.items():
            with self.subTest(name):
                events = self.stream(HELLO + lines, usage=True)
                found = [e for e in events if not e["choices"]]
                self.assertEqual([e["usage"] for e in found], [USAGE])
                self.assertEqual(found, events[-1:])
                self.assertEqual(len({e["id"] for e in events}), 1)

    def test_open_choices_end_with_finish(self):
        events = self.stream([chunk("a"), chunk("b", "stop", index=1), "finish 1"], n=2)
        ends = {c["index"]: c["finish_reason"] for e in events for c in e["choices"]
                if c["finish_reason"]}
        self.assertEqual(ends, {0: "length", 1: "stop"})

    def test_end_is_held_back(self):
        """Nobody reads that an answer is complete when it is not."""
        events = self.broken_off([*HELLO, chunk(finish="stop"), "delta x"])
        self.assertEqual(support.stream_text(events), "hello")
        self.assertNotIn('"stop"', json.dumps(events))
        self.assertIn("error", events[-1])

    def test_whole(self):
        calls = [{"index": 0, "id": "t1", "type": "function",
                  "function": {"name": "get", "arguments": '{"a"'}}]
        more = [{"index": 0, "function": {"arguments": ":1}"}}]
        for lines in self.both_threads([*HELLO, chunk(tool_calls=calls), chunk(tool_calls=more),
                                        chunk(finish="tool_calls"), USAGE_CHUNK, "finish 0"]):
            answer = self.ask(lines).json()
            self.assertEqual(answer["object"], "chat.completion")
            self.assertEqual(answer["model"], "says")
            self.assertEqual(answer["usage"], USAGE)
            choice, = answer["choices"]
            self.assertEqual(choice["finish_reason"], "tool_calls")
            message = choice["message"]
            self.assertEqual(message["content"], "hello")
            self.assertEqual(message["tool_calls"], [
                {"id": "t1", "type": "function",
                 "function": {"name": "get", "arguments": '{"a":1}'}}])

    def test_record(self):
        answer = self.ask([*HELLO, chunk(finish="length"), USAGE_CHUNK, "finish 0"])
        end = support.find_end(self.hb.state, answer.headers["x-request-id"])
        self.assertEqual(end["finish_reason"], "length")
        self.assertEqual(end["vendor_model"], "of-the-vendor")
        self.assertEqual(end["tokens"], {"input": 3, "output": 2})
        self.assertEqual((end["cost"], end["price_date"]), ("0.000007", "2026-11-21"))

    def test_refused(self):
        """What breaks the contract ends the call; another thread learns nothing but that."""
        rows = {"emit_json() after emit()": (["delta x", *HELLO, "finish 0"], True),
                "emit() after emit_json()": ([*HELLO, "delta x", "finish 0"], True),
                "no JSON": (["chunk {", "finish 0"], False),
                "the mark of the end": ([*HELLO, "chunk [DONE]", "finish 0"], True),
                "an error": (['{"error":{"message":"busy"}}', "finish 0"], False)}
        for name, (lines, has_begun) in rows.items():
            for told in self.both_threads(lines):
                with self.subTest(name, thread=told[0] == "thread"):
                    self.assertTrue(self.ask(told).error()["message"])
                    if has_begun:
                        self.assertTrue(self.broken_off(told)[-1]["error"]["message"])
                    else:
                        self.assertTrue(self.ask(told, stream=True).error()["message"])
        self.assertEqual(self.ask([*HELLO, "finish 0"]).text(), "hello")


class LateUsageTest(SaysTest):
    """The end line has what was said before it, an amend line what came until on_release()."""
    number = 0

    def mark(self):
        LateUsageTest.number += 1
        return f"late-{LateUsageTest.number}"

    def lines(self, mark, kind):
        return [x for x in self.hb.journal() if x["type"] == kind and x["request_id"] == mark]

    def amend(self, mark):
        line, = support.wait_for(f"amend line of '{mark}'", lambda: self.lines(mark, "amend"))
        return line

    def tell(self, lines, stream):
        mark = self.mark()
        answer = self.ask(lines, stream, headers={"x-request-id": mark})
        self.assertEqual(answer.status, 200, answer.body)
        return mark

    def leave(self, lines):
        """A client that goes away after the first text; the end line of its call."""
        mark = self.mark()
        stream = support.RawStream(self.hb.port, support.chat_body("\n".join(lines), "says",
                                                                   stream=True),
                                   f"x-request-id: {mark}\r\n")
        stream.read_until(b"hel")
        stream.close()
        end, = support.wait_for(f"end line of '{mark}'", lambda: self.lines(mark, "end"))
        self.assertEqual((end["status"], end["outcome"]), (200, "cancelled"))
        return mark, end

    def settled(self):
        """After a call in which nothing was late, what came before it is released."""
        self.ask([*HELLO, "finish 0"])
        return [x for x in self.hb.journal() if x["type"] == "amend"]

    def test_after_the_end(self):
        for stream in (False, True):
            mark = self.tell(["thread", *HELLO, "usage 3 2", "finish 0", "wait 200", "usage 3 5",
                              "usage 4 9"], stream)
            end = support.find_end(self.hb.state, mark)
            self.assertEqual((end["tokens"], end["cost"]), ({"input": 3, "output": 2}, "0.000007"))
            amend = self.amend(mark)
            self.assertEqual((amend["tokens"], amend["cost"], amend["currency"]),
                             ({"input": 4, "output": 9}, "0.000022", "USD"))
            self.assertEqual((amend["key"], amend["begin_ns"]), (end["key"], end["begin_ns"]))
            self.assertGreater(amend["amend_ns"], end["end_ns"])
            journal = self.hb.journal()
            self.assertLess(journal.index(end), journal.index(amend))
            self.assertEqual(len(self.lines(mark, "end")), 1)

    def test_nothing_is_late(self):
        """Said after finish(), but in the pass whose commit writes the end line."""
        before = self.settled()
        mark = self.tell([*HELLO, "usage 3 2", "finish 0", "usage 3 5"], False)
        self.assertEqual(support.find_end(self.hb.state, mark)["tokens"], {"input": 3, "output": 5})
        self.assertEqual(self.settled(), before)

    def test_on_cancel(self):
        before = self.settled()
        _, end = self.leave(["cancelled 7 1", HELLO[1], "stay"])
        self.assertEqual((end["tokens"], end["cost"]), ({"input": 7, "output": 1}, "0.000009"))
        self.assertEqual(self.settled(), before)

    def test_after_cancel(self):
        """The end line knows nothing of the cost, the thread learns it later."""
        mark, end = self.leave(["thread", HELLO[1], "wait 1000", "usage 7 3"])
        self.assertEqual((end["tokens"], end["cost"], end["cost_reason"]), ({}, None, "no_usage"))
        self.assertEqual(self.amend(mark)["cost"], "0.000013")

    def test_end_of_the_process(self):
        """SIGTERM waits for what a plugin has still to say."""
        with support.folder() as place:
            support.build_plugin(place, "says")
            with support.gateway(workers=1, env={
                    "HARBORAI_PLUGIN_PATH": support.plugin_path(place)},
                    state=f"{place}/state") as hb:
                hb.chat("\n".join(["thread", *HELLO, "finish 0", "wait 500", "usage 1 1"]), "says")
            amends = [x for x in support.journal(f"{place}/state") if x["type"] == "amend"]
            self.assertEqual([x["cost"] for x in amends], ["0.000003"])


if __name__ == "__main__":
    unittest.main()
