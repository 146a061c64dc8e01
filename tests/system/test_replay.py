# SPDX-License-Identifier: MIT
"""What a plain client of OpenAI's API cannot carry from turn to turn: reasoning with tool calls, and
what a plugin wants back (tests/plugins/says.c). The gateway keeps it, for a while."""
import contextlib
import json
import re
import time
import unittest

import support
import test_says
from test_http import FrontTest

THOUGHT = 'so: "Zürich" \\ 苏黎世 😀'
REPLAYS = [{"signature": "c2ln", "of": [1, {"deep": None}]}, {"redacted": "\u00e9\n"}]
ARGUMENTS = '{"city": "Z\\u00fcrich \\ud83d\\ude00", "days": [1, 2.50], "where": "a\\/b"}'


def answer_lines(call_id="call_a1b2c3d4e5", name="get_weather", arguments=ARGUMENTS, more=()):
    middle = len(arguments) // 2
    return [f"reason {THOUGHT[:7]}", f"reason {THOUGHT[7:]}",
            *(f"replay {json.dumps(r)}" for r in REPLAYS),
            f"tool {call_id} {name} {arguments[:middle]}", f"input {arguments[middle:]}",
            *more, "finish 2"]


def collect(events):
    """A stream's message, as a client puts it together that knows OpenAI's members alone."""
    message = {"role": "assistant", "content": "", "tool_calls": []}
    for event in events:
        for choice in event["choices"] if isinstance(event, dict) else []:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            for piece in delta.get("tool_calls") or []:
                if piece["index"] == len(message["tool_calls"]):
                    message["tool_calls"].append(
                        {"id": piece["id"], "type": "function",
                         "function": {"name": piece["function"]["name"], "arguments": ""}})
                call = message["tool_calls"][piece["index"]]["function"]
                call["arguments"] += piece["function"].get("arguments") or ""
    return message


def plain(answer, stream):
    """The message that such a client sends back."""
    if stream:
        return collect(answer.events())
    message = answer.json()["choices"][0]["message"]
    return {name: message[name] for name in ("role", "content", "tool_calls") if name in message}


def wrapped(replays=None, provider="test.says"):
    return [{"provider": provider, "data": r} for r in (REPLAYS if replays is None else replays)]


def all_details(members):
    """An object whose reasoning_details may stand more than once."""
    found = dict(members)
    if "reasoning_details" in found:
        found["reasoning_details"] = [v for k, v in members if k == "reasoning_details"]
    return found


class Conversation:
    """Two turns: an answer with tool calls, and their results."""

    def __init__(self, hb, model, lines, stream=False, **more):
        self.hb, self.model, self.stream = hb, model, stream
        self.first = [{"role": "user", "content": "\n".join(lines)}]
        self.answer = hb.chat("", model, messages=self.first, stream=stream, **more)
        assert self.answer.status == 200, self.answer.body
        self.message = plain(self.answer, stream)

    def turns(self, message=None, script="seen\nfinish 0"):
        message = self.message if message is None else message
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "21"}
                   for call in message.get("tool_calls", [])]
        return [*self.first, message, *results, {"role": "user", "content": script}]

    def ask_again(self, message=None, model=None, first=None, **more):
        turns = self.turns(message)
        if first is not None:
            turns[:1] = first
        return turns, self.hb.chat("", model or self.model, messages=turns, **more)

    def seen(self, message=None, **more):
        """The messages that the plugin finds in the next request."""
        turns, answer = self.ask_again(message, **more)
        assert answer.status == 200, answer.body
        seen = json.loads(answer.text())
        assert seen[2:] == turns[2:], seen
        return seen[1]


def counts(hb):
    text = hb.request("GET", "/metrics").body.decode()
    found = dict(re.findall(r'^harborai_replays_total\{result="(\w+)"\} (\d+)$', text, re.M))
    found["bytes"] = re.search(r"^harborai_replay_bytes (\d+)$", text, re.M)[1]
    return {name: int(value) for name, value in found.items()}


@contextlib.contextmanager
def gateway(**settings):
    with support.folder() as place:
        support.build_plugin(place, "says")
        config = {"providers": {"says": {}, "twin": {"plugin": "says", "models": ["twin"]}}, **settings}
        with support.gateway(config, env={
                "HARBORAI_PLUGIN_PATH": support.plugin_path(place)}) as hb:
            yield hb


class ReplayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.hb = stack.enter_context(gateway())

    def talk(self, *arguments, model="says", **more):
        return Conversation(self.hb, model, answer_lines(*arguments), **more)

    def assert_given(self, seen, message, details=None):
        self.assertEqual(seen, {**message, "reasoning_content": THOUGHT,
                                "reasoning_details": wrapped() if details is None else details})

    def test_two_turns(self):
        for stream in (False, True):
            for lines in (answer_lines(), ["thread", *answer_lines()]):
                with self.subTest(stream=stream, thread=lines[0]):
                    talk = Conversation(self.hb, "says", lines, stream)
                    self.assert_given(talk.seen(), talk.message)
                    self.assert_given(talk.seen(), talk.message)  # and again

    def test_large_request(self):
        """Its body is made anew on another thread."""
        talk = self.talk("call_large123")
        long = [{"role": "user", "content": "w" * 200000}]
        turns = [*talk.first, talk.message, *talk.turns()[2:3], *long, talk.turns()[-1]]
        answer = self.hb.chat("", "says", messages=turns)
        seen = json.loads(answer.text())
        self.assert_given(seen.pop(1), talk.message)
        self.assertEqual(seen, [turns[0], *turns[2:]])

    def test_parallel_calls(self):
        more = ["tool call_second_one get_time {}", "tool - get_time", "tool call_last_one f"]
        for stream in (False, True):
            talk = Conversation(self.hb, "says", answer_lines("call_first_one", more=more), stream)
            calls = talk.message["tool_calls"]
            self.assertEqual(len({c["id"] for c in calls}), 4)
            self.assertEqual([c["function"]["arguments"] for c in calls[1:]], ["{}"] * 3)
            self.assert_given(talk.seen(), talk.message)
            for call in calls:  # whichever of them a client repeats
                message = {**talk.message, "tool_calls": [call]}
                self.assert_given(talk.seen(message), message)

    def test_repeated_call_is_given_once(self):
        talk = self.talk("call_repeated")
        again = [talk.message, {"role": "user", "content": "again"}] * 20
        answer = self.hb.chat("", "says", messages=[*talk.first, *again, talk.turns()[-1]])
        seen = json.loads(answer.text())
        self.assert_given(seen[1], talk.message)
        self.assertEqual(seen[2:-1], again[1:])

    def test_more_calls_than_an_answer_has(self):
        """Behind them nothing is looked for: a request may be full of them."""
        talk = self.talk("call_last_of_129")
        call = talk.message["tool_calls"][0]
        for count in (127, 128):
            others = [{**call, "id": f"call_other_{i:03}"} for i in range(count)]
            message = {**talk.message, "tool_calls": [*others, call]}
            turns = [*talk.first, message, talk.turns()[-1]]
            seen = json.loads(self.hb.chat("", "says", messages=turns).text())[1]
            if count < 128:
                self.assert_given(seen, message)
            else:
                self.assertEqual(seen, message)

    def test_client_that_writes_anew(self):
        for stream in (False, True):
            talk = self.talk(stream=stream)
            for ascii_only in (False, True):
                message = json.loads(json.dumps(talk.message))
                function = message["tool_calls"][0]["function"]
                function["arguments"] = json.dumps(json.loads(ARGUMENTS), ensure_ascii=ascii_only,
                                                   separators=(",", ":")).replace("2.5", "2.50")
                self.assertNotEqual(function["arguments"], ARGUMENTS)
                self.assert_given(talk.seen(message), message)

    def test_other_calls_get_nothing(self):
        talk = self.talk("call_x9y8z7w6")

        def changed(**change):
            call = json.loads(json.dumps(talk.message["tool_calls"][0]))
            call["id"] = change.get("id", call["id"])
            call["function"].update({k: v for k, v in change.items() if k != "id"})
            return {**talk.message, "tool_calls": [call]}

        rows = {"another id": changed(id="call_x9y8z7w7"), "another name": changed(name="get"),
                "other arguments": changed(arguments='{"city": "Zug"}'),
                "no JSON": changed(arguments='{"city'), "no id": changed(id=None),
                "no calls": {**talk.message, "tool_calls": []},
                "odd calls": {**talk.message, "tool_calls": [7]}}
        for name, message in rows.items():
            with self.subTest(name):
                _, answer = Conversation.ask_again(talk, message) if name != "odd calls" else (
                    None, self.hb.chat("", "says", messages=[
                        *talk.first, message, {"role": "user", "content": "seen\nfinish 0"}]))
                self.assertEqual(json.loads(answer.text())[1], message)
        self.assertEqual(talk.seen(model="twin"), talk.message)  # another provider
        self.assert_given(talk.seen(), talk.message)

    def test_signatures_are_of_a_model(self):
        talk = self.talk()
        self.assertEqual(talk.seen(model="says-2"), {**talk.message, "reasoning_content": THOUGHT})

    def test_many_that_nothing_is_given_to(self):
        """What was found for them is of another model, and they have their reasoning."""
        messages = []
        for answer in range(5):
            calls = [f"tool call_unused_{answer}_{i} f" for i in range(120)]
            talk = self.talk(f"call_unused_{answer}", more=calls)
            messages += [{**talk.message, "tool_calls": [call], "reasoning_content": "mine"}
                         for call in talk.message["tool_calls"]]
        turns = [*talk.first, *messages, talk.turns()[-1]]
        answer = self.hb.chat("", "says-2", messages=turns)
        self.assertEqual(json.loads(answer.text()), turns)

    def test_what_the_client_sends_stays(self):
        talk = self.talk()
        own = {"reasoning_content": "mine", "reasoning_details": wrapped([{"mine": 1}])}
        for name, value in own.items():
            want = {"reasoning_content": THOUGHT, "reasoning_details": wrapped(), name: value}
            self.assertEqual(talk.seen({**talk.message, name: value}), {**talk.message, **want})
        self.assertEqual(talk.seen({**talk.message, **own}), {**talk.message, **own})
        for reasoning in (5, [], {"x": 1}, False):
            seen = talk.seen({**talk.message, "reasoning_content": reasoning})
            self.assertEqual(seen["reasoning_content"], reasoning)
        for nothing in (None, ""):  # as clients write it that know the member and lost its text
            self.assert_given(talk.seen({**talk.message, "reasoning_content": nothing}), talk.message)

    def test_replays_of_others_are_taken_out(self):
        foreign = wrapped([{"x": 1}], "com.example.other")
        vendors = [{"type": "reasoning.text", "text": "hm"}]
        odd = [7, None, {"provider": 7, "data": {}}, {"provider": "com.example.other"}]
        talk = self.talk()
        rows = [(foreign, wrapped()), (foreign + vendors, vendors + wrapped()),
                (vendors + foreign + odd, vendors + odd + wrapped()),
                (foreign + wrapped([{"mine": 1}]), wrapped([{"mine": 1}])), ([], wrapped())]
        for sent, want in rows:
            self.assert_given(talk.seen({**talk.message, "reasoning_details": sent}), talk.message, want)
        other = {"role": "assistant", "content": "x"}  # without tool calls
        rows = [(foreign, None), (foreign + vendors, vendors), (vendors, vendors),
                (wrapped(), wrapped()), ([], [])]
        for sent, want in rows:
            seen = talk.seen({**other, "reasoning_details": sent})
            self.assertEqual(seen, other if want is None else {**other, "reasoning_details": want})

    def test_more_replays_of_others_than_edits(self):
        """A plugin may make 4,096 edits; of messages there may be more."""
        count, foreign = 5000, wrapped([{"x": 1}], "com.example.other")
        talk = self.talk("call_behind_many")
        many = [{"role": "assistant", "content": f"x{i}", "reasoning_details": foreign}
                for i in range(count)]
        last = {"role": "user", "content": "seen\nfinish 0"}
        answer = self.hb.chat("", "says", messages=[*many, talk.message, last])
        self.assertEqual(answer.status, 200, answer.body)
        seen = json.loads(answer.text())
        self.assertEqual(seen[:count], [{"role": m["role"], "content": m["content"]} for m in many])
        self.assert_given(seen[count], talk.message)

    def test_replays_of_others_that_stand_twice(self):
        """Nothing is given to such a message, but taken it is."""
        talk = self.talk("call_twice_said")
        foreign, own = wrapped([{"x": 1}], "com.example.other"), wrapped([{"mine": 1}])
        calls = talk.message["tool_calls"]
        for first, second, left in ((foreign, own, [own]), (own, foreign, [own]),
                                    (foreign, foreign, []), (own, own, [own, own]),
                                    (foreign + own, [7] + foreign, [own, [7]])):
            message = (f'{{"reasoning_details": {json.dumps(first)}, "role": "assistant", '
                       f'"reasoning_details" : {json.dumps(second)},"tool_calls":{json.dumps(calls)}}}')
            want = {"role": "assistant", "tool_calls": calls}
            self.assertEqual(self.seen_raw(message), {**want, "reasoning_details": left} if left else want)

    def test_replays_of_others_in_other_letters(self):
        foreign = json.dumps(wrapped([{"x": 1}], "com.example.other"))
        plain = {"role": "assistant", "content": "x"}
        for key in (r"reasoning\u005fdetails", r"reasoning\u005Fdetails", r"\u0072easoning_details",
                    r"reasoning_detail\u0073", "".join(rf"\u{ord(c):04x}" for c in "reasoning_details")):
            for more in ("", '"reasoning_details": [], '):
                message = f'{{"role": "assistant", "content": "x", {more}"{key}": {foreign}}}'
                with self.subTest(message):
                    self.assertEqual(self.seen_raw(message), plain)
        inside = r'"pro\u0076ider": "com.example.\u006fther", "d\u0061ta": 1'
        for item in (inside, '"provider": "test.says", "provider": "com.example.other", "data": 1',
                     '"provider": "com.example.other", "provider": "test.says", "data": 1',
                     '"provider": 7, "provider": "com.example.other", "data": 1',
                     '"provider": "test.says", "data": 1, "provider": "test.says"'):
            message = f'{{"role": "assistant", "content": "x", "reasoning_details": [{{{item}}}]}}'
            with self.subTest(message):
                self.assertEqual(self.seen_raw(message), plain)

    def test_calls_in_other_letters(self):
        talk = self.talk("call_in_letters")
        calls = json.dumps(talk.message["tool_calls"])
        message = r'{"role": "assistant", "content": null, "tool\u005fcalls": %s}' % calls
        self.assertEqual(self.seen_raw(message)["reasoning_content"], THOUGHT)

    def test_details_that_are_no_list(self):
        """They are nobody's to read; what stands beside them is."""
        talk = self.talk("call_odd_details")
        foreign = wrapped([{"x": 1}], "com.example.other")
        for odd in ({"x": foreign[0]}, foreign[0], {"x": wrapped()[0]}, {}, "text", "", 5, True):
            for more in (talk.message, {"role": "assistant", "content": "x"}):
                with self.subTest(odd=odd, calls=len(more)):
                    message = {**more, "reasoning_details": odd}
                    self.assertEqual(talk.seen(message), message)
            message = ('{"role": "assistant", "reasoning_details": %s, "content": "x", '
                       '"reasoning_details": %s}' % (json.dumps(foreign), json.dumps(odd)))
            self.assertEqual(self.seen_raw(message), {"role": "assistant", "content": "x",
                                                      "reasoning_details": [odd]})

    def seen_raw(self, message):
        """What the plugin finds of one that is written like this, its details as often as they stand."""
        last = {"role": "user", "content": "seen\nfinish 0"}
        body = json.dumps({"model": "says", "messages": ["MARK", last]}).replace('"MARK"', message)
        answer = self.hb.request("POST", "/v1/chat/completions", body.encode())
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.text(), object_pairs_hook=all_details)[0]

    def test_numbered_ids(self):
        """Moonshot's are the same in every conversation: the message before tells them apart."""
        talk = self.talk("functions.get_weather:0")
        self.assert_given(talk.seen(), talk.message)
        other = [{"role": "user", "content": "what else?"}]
        self.assertEqual(talk.seen(first=other), talk.message)
        talk = self.talk("call_f3dcba98")
        self.assert_given(talk.seen(first=other), talk.message)  # an id that is nobody else's

    def test_answers_that_do_not_end_well(self):
        for stream in (False, True):
            lines = answer_lines("call_broken_off")[:-1] + ["fail -9"]
            self.hb.chat("\n".join(lines), "says", stream=stream)
        talk = self.talk("call_complete")
        message = json.loads(json.dumps(talk.message).replace("call_complete", "call_broken_off"))
        self.assertEqual(talk.seen(message), message)

    def test_plugin_that_passes_chunks_on(self):
        call = {"index": 0, "id": "call_json12345", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}
        deltas = [{"role": "assistant", "reasoning_content": "h"}, {"reasoning_content": "m\\ \u00fc"},
                  {"tool_calls": [call]}]
        lines = [*(test_says.chunk(**d) for d in deltas), test_says.chunk(finish="tool_calls")]
        for stream in (False, True):
            talk = Conversation(self.hb, "says", [*lines, "finish 2"], stream)
            self.assertEqual(talk.seen(), {**talk.message, "reasoning_content": "hm\\ \u00fc"})

    def test_empty_reasoning(self):
        """As some vendors write it who did not think: there is nothing to keep, nor to give."""
        call = {"index": 0, "id": "call_empty_1234a", "type": "function",
                "function": {"name": "f", "arguments": "{}"}}
        lines = [test_says.chunk(role="assistant", reasoning_content=""),
                 test_says.chunk(tool_calls=[call]), test_says.chunk(finish="tool_calls"), "finish 2"]
        before = counts(self.hb)
        for stream in (False, True):
            talk = Conversation(self.hb, "says", lines, stream)
            self.assertEqual(talk.seen(), talk.message)
        after = counts(self.hb)
        self.assertEqual((after["kept"], after["given"], after["bytes"], after["missing"]),
                         (before["kept"], before["given"], before["bytes"], before["missing"] + 2))

    def test_too_large(self):
        before = counts(self.hb)
        for stream in (False, True):
            lines = [f"reason {'w' * (1 << 16)}"] * 9 + answer_lines("call_too_large")
            talk = Conversation(self.hb, "says", lines, stream)
            self.assertEqual(talk.seen(), talk.message)
        after = counts(self.hb)
        self.assertEqual((after["dropped"], after["kept"]), (before["dropped"] + 2, before["kept"]))

    def test_metrics(self):
        before = counts(self.hb)
        talk = self.talk("call_metrics_1")
        talk.seen()
        talk.seen(model="twin")
        after = counts(self.hb)
        for name, more in {"kept": 1, "given": 1, "missing": 1, "dropped": 0, "evicted": 0}.items():
            self.assertEqual(after[name], before[name] + more, name)
        self.assertGreater(after["bytes"], before["bytes"] + len(json.dumps(REPLAYS)))


class GoneTest(unittest.TestCase):
    def test_lifetime(self):
        with gateway(replay={"lifetime": "1ms"}) as hb:
            talk = Conversation(hb, "says", answer_lines())
            time.sleep(0.01)
            self.assertEqual(talk.seen(), talk.message)
            self.assertLessEqual({"expired": 1, "missing": 1, "bytes": 0}.items(), counts(hb).items())

    def test_off(self):
        with gateway(replay={"max_size": 0}) as hb:
            talk = Conversation(hb, "says", answer_lines())
            self.assertEqual(talk.seen(), talk.message)
            foreign = wrapped([{"x": 1}], "com.example.other")
            self.assertEqual(talk.seen({**talk.message, "reasoning_details": foreign}), talk.message)
            self.assertEqual((counts(hb)["dropped"], counts(hb)["bytes"]), (1, 0))

    def test_size(self):
        with gateway(replay={"max_size": "8KiB"}) as hb:
            talks = [Conversation(hb, "says", [f"reason {'w' * 1000}"] +
                                  answer_lines(f"call_number_{i}")) for i in range(9)]
            self.assertEqual(talks[0].seen(), talks[0].message)
            self.assertIn("reasoning_content", talks[8].seen())
            found = counts(hb)
            self.assertGreaterEqual(found["evicted"], 1)
            self.assertLessEqual(found["bytes"], 8192)


class VendorTest(FrontTest):
    """A plain client, and simulators that refuse as the vendors do."""
    number = 0
    tools = [{"type": "function", "function": {
        "name": "get_weather", "description": "Weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]

    @classmethod
    def config(cls):
        vendor = {"base_url": cls.sim.base_url, "api_key": support.KEY}
        return {"providers": {"deepseek": vendor, "anthropic": vendor,
                              "kimi": {**vendor, "preset": "moonshot"},
                              "qwen": {**vendor, "preset": "qwen"}}}

    def talk(self, model, stream, hb=None, script='{"tool_call":true}', **more):
        """(answer to the second turn, body that the vendor saw, messages that were sent)."""
        VendorTest.number += 1
        mark, hb = f"replay-{self.number}", hb or self.hb
        more = {"stream": stream, "tools": self.tools, **more}
        first = [{"role": "user", "content": "sim:" + script}]
        answer = hb.chat("", model, messages=first, **more)
        self.assertEqual(answer.status, 200, answer.body)
        message = plain(answer, stream)
        time.sleep(0.01)  # longer than a lifetime of 1 ms
        turns = [*first, message, *({"role": "tool", "content": "21", "tool_call_id": call["id"]}
                                    for call in message["tool_calls"])]
        self.assertGreater(len(turns), 2)
        answer = hb.chat("", model, messages=turns, user=mark, **more)
        self.assertEqual(answer.status, 200, answer.body)
        return answer, json.loads(self.sim.request(f'"{mark}"')["body"]), turns

    @contextlib.contextmanager
    def forgetful(self):
        with support.gateway({**self.config(), "replay": {"lifetime": "1ms"}}) as hb:
            yield hb


class DeepseekTest(VendorTest):
    """It refuses a turn with tool calls whose reasoning_content does not come back."""

    def test_two_turns(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                answer, sent, turns = self.talk("deepseek-flash", stream)
                self.assertEqual(sent["messages"][1], {**turns[1], "reasoning_content": "let me think"})
                self.assertEqual(sent["messages"][2:], turns[2:])
                self.assertIsNone(answer.headers["x-harborai-changed"])

    def test_it_is_gone(self):
        """Then it does not think, and says so."""
        with self.forgetful() as hb:
            for stream in (False, True):
                with self.subTest(stream=stream):
                    answer, sent, turns = self.talk("deepseek-flash", stream, hb)
                    self.assertEqual(sent["messages"], turns)
                    self.assertEqual(sent["thinking"], {"type": "disabled"})
                    self.assertIn("thinking;off", answer.headers["x-harborai-changed"])


class PresetTest(VendorTest):
    def test_two_turns(self):
        """Of servers with OpenAI's API each has its own rule."""
        script = '{"tool_call":true,"reasoning":"hm hm"}'
        for model, wanted in (("kimi-k2.6", {"reasoning_content": "hm hm"}), ("qwen-plus", {})):
            for stream in (False, True):
                with self.subTest(model, stream=stream):
                    _, sent, turns = self.talk(model, stream, script=script)
                    self.assertEqual(sent["messages"][1], {**turns[1], **wanted})


class AnthropicTest(VendorTest):
    """It wants its signed thoughts back, and those of the same model."""
    script = json.dumps({"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}},
                                        {"name": "get_weather", "arguments": {}}]})

    def test_two_turns(self):
        redacted = json.dumps({**json.loads(self.script), "redacted": True})
        for model, script in (("claude-opus-4-5", self.script), ("claude-opus-5", self.script),
                              ("claude-sonnet-5-5", self.script), ("claude-opus-4-5", redacted)):
            for stream in (False, True):
                with self.subTest(model, stream=stream, redacted=script == redacted):
                    answer, sent, _ = self.talk(model, stream, script=script, reasoning_effort="low")
                    kinds = [block["type"] for block in sent["messages"][1]["content"]]
                    thought = "redacted_thinking" if script == redacted else "thinking"
                    self.assertEqual(kinds, [thought, "tool_use", "tool_use"])
                    self.assertIsNone(answer.headers["x-harborai-changed"])

    def test_it_is_gone(self):
        with self.forgetful() as hb:
            for stream in (False, True):
                with self.subTest(stream=stream):
                    answer, sent, _ = self.talk("claude-opus-4-5", stream, hb, self.script,
                                                reasoning_effort="low")
                    self.assertNotIn("thinking", sent)
                    self.assertIn(";off", answer.headers["x-harborai-changed"])


if __name__ == "__main__":
    unittest.main()
