# SPDX-License-Identifier: MIT
"""What a plugin passes on itself, chunks (emit_json) and late usage: by tests/plugins/says.c, which
does what the message tells it."""
import contextlib
import json
import os
import subprocess
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


def build(place):
    root = support.ROOT
    target = os.path.join(place, "says.so")
    subprocess.run(["cc", "-std=gnu11", "-shared", "-fPIC", "-pthread",
                    f"-I{root}/plugin-sdk/include", f"-I{root}/plugin-sdk/lib",
                    f"{root}/tests/plugins/says.c", f"{root}/plugin-sdk/lib/json_value.c",
                    f"{root}/plugin-sdk/lib/json_scan.c", "-o", target], check=True)
    os.chmod(target, 0o755)


class SaysTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        place = stack.enter_context(support.folder())
        build(place)
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


if __name__ == "__main__":
    unittest.main()
