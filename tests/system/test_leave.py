# SPDX-License-Identifier: MIT
"""A client that left, and the setting `on_disconnect`: with drain the vendor is read to its end, and
the journal has the usage that the client would have had."""
import contextlib
import signal
import time
import unittest

import support
from support import chat_body


class LeaveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        place = stack.enter_context(support.folder())
        support.build_plugin(place, "says")
        cls.sim = stack.enter_context(support.simulator())
        cls.config = {"on_disconnect": "drain", "timeouts": {"idle": "2s"}, "providers": {
            "openai": {"base_url": cls.sim.base_url, "api_key": "none"},
            "says": {},
            "hasty": support.provider(cls.sim.base_url, "hasty", on_disconnect="cancel")}}
        cls.env = {"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}
        cls.hb = stack.enter_context(support.gateway(cls.config, workers=1, env=cls.env))

    number = 0

    def call(self, content, until=b"", model="gpt-4o", stream=True, hb=None):
        """A call whose client leaves when it has seen `until`; its mark."""
        LeaveTest.number += 1
        mark = f"leave-{LeaveTest.number}"
        body = chat_body(content, model, stream=stream)
        if model != "says":
            body["messages"].insert(0, {"role": "system", "content": mark})
        client = support.RawStream((hb or self.hb).port, body, f"x-request-id: {mark}\r\n")
        if until:
            client.read_until(until)
        elif model == "says":
            support.wait_for("begin line", lambda: [x for x in (hb or self.hb).journal()
                                                    if x["request_id"] == mark])
        else:
            self.sim.request(mark)
        client.close()
        return mark

    def end(self, mark, hb=None):
        end, = support.wait_for(f"end line of '{mark}'", lambda: [
            x for x in (hb or self.hb).journal()
            if x["request_id"] == mark and x["type"] == "end"])
        self.assertEqual((end["outcome"], end["error"]["code"]), ("cancelled", "E_CANCELLED"))
        return end

    def stayed(self, content, stream):
        """What the journal has of the same call when its client stays."""
        body = chat_body(content, stream=stream)
        body["messages"].insert(0, {"role": "system", "content": "stays"})
        answer = self.hb.request("POST", "/v1/chat/completions", body,
                                 {"x-request-id": self.id()})
        self.assertEqual(answer.status, 200, answer.body)
        return [x for x in self.hb.journal()
                if x["request_id"] == self.id() and x["type"] == "end"][-1]

    def test_usage_is_exact(self):
        """As if the client had stayed, but for what it has read."""
        rows = {"in mid-stream": ({"events": 100, "delay_ms": 10}, True, b"000003 "),
                "in a pause": ({"events": 9, "pause_ms_before_event": [4, 1000]}, True, b"000002 "),
                "before the head": ({"events": 9, "wait_ms": 1000}, True, b""),
                "whole": ({"text": "one two three", "wait_ms": 1000}, False, b"")}
        for name, (script, stream, until) in rows.items():
            with self.subTest(name):
                mark = self.call(script, until, stream=stream)
                self.assertFalse(self.sim.answer(mark)["peer_left"])
                end, want = self.end(mark), self.stayed(script, stream)
                for member in ("tokens", "usage", "finish_reason", "vendor_status",
                               "upstream_model"):
                    self.assertEqual(end[member], want[member], member)
                self.assertEqual(end["status"], 200 if until else 499)
                self.assertLess(end["bytes_out"], want["bytes_out"])
                self.assertTrue(end["tokens"]["output"])

    def test_plugin_that_emits(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                mark = self.call("\n".join(["thread", "delta hel", "wait 1000", "usage 7 3",
                                            "delta lo", "finish 1"]),
                                 b"hel" if stream else b"", "says", stream)
                end = self.end(mark)
                self.assertEqual((end["tokens"], end["cost"], end["finish_reason"]),
                                 ({"input": 7, "output": 3}, "0.000013", "length"))
                self.assertEqual((end["status"], end["bytes_out"] > 0),
                                 (200 if stream else 499, stream))

    def test_chunks_of_a_plugin(self):
        chunk = ('{"choices":[{"index":0,"delta":{"content":"hel"},"finish_reason":%s}],'
                 '"usage":%s}')
        usage = '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}'
        for stream in (False, True):
            mark = self.call("\n".join(["thread", chunk % ("null", "null"), "wait 1000",
                                        chunk % ("null", "null"), chunk % ('"length"', usage),
                                        "finish 0"]), b"hel" if stream else b"", "says", stream)
            end = self.end(mark)
            self.assertEqual((end["tokens"], end["finish_reason"]),
                             ({"input": 3, "output": 2}, "length"))

    def test_vendor_that_breaks_off(self):
        """The client left first: that is what the record says, with what is known."""
        for script in ({"cut_after_events": 6, "events": 20, "delay_ms": 20},
                       {"events": 9, "pause_ms_before_event": [4, 9000]}):
            mark = self.call(script, b"000002 ")
            end = self.end(mark)
            self.assertEqual((end["usage"], end["cost_reason"]), (None, "no_usage"))

    def test_of_one_provider(self):
        mark = self.call({"events": 9, "pause_ms_before_event": [4, 1500]}, b"000002 ", "hasty")
        self.assertTrue(self.sim.answer(mark)["peer_left"])
        self.assertIsNone(self.end(mark)["usage"])

    def test_graceful_stop(self):
        """It waits for the usage, and not longer than timeouts.shutdown."""
        rows = {"ends in time": ({"events": 9, "pause_ms_before_event": [4, 1500]}, True, 0.3, 8),
                "does not": ({"events": 9, "pause_ms_before_event": [4, 9000]}, False, 1.5, 8)}
        for name, (script, has_usage, least_s, most_s) in rows.items():
            config = {**self.config, "timeouts": {"shutdown": "2s"}}
            with self.subTest(name), support.gateway(config, workers=2, env=self.env) as hb:
                mark = self.call(script, b"000002 ", hb=hb)
                hb.process.send_signal(signal.SIGTERM)
                began = time.monotonic()
                hb.process.wait(60)
                took = time.monotonic() - began
                hb.killed = True
                self.assertEqual(hb.process.returncode, 0)
                self.assertEqual(self.end(mark, hb)["usage"] is not None, has_usage)
                self.assertTrue(least_s < took < most_s, took)

    def test_the_command_line_breaks_off(self):
        """Whoever presses Ctrl-C wants it stopped."""
        script = 'sim:{"events": 9, "pause_ms_before_event": [4, 1500]}'
        _, _, status = support.run_with_tty("chat", "-m", "hasty/hasty", f"{script}",
                                            config={**self.config, "providers": {
                                                "hasty": support.provider(
                                                    self.sim.base_url, "hasty")}},
                                            interrupt=b"000002 ")
        self.assertEqual(status, 130)
        request = self.sim.request("pause_ms_before_event")
        line = support.wait_for("the vendor's side", lambda: [
            x for x in self.sim.lines("answer") if x["seq"] == request["seq"]])
        self.assertTrue(line[0]["peer_left"])


if __name__ == "__main__":
    unittest.main()
