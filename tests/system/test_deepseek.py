# SPDX-License-Identifier: MIT
"""Plugin deepseek: reasoning in and out, keep-alive bytes, retired names, errors, the cost by the hour."""
import datetime
import json
import unittest
from decimal import Decimal

import support
from support import chat_body, find_end, stream_text
from test_http import FrontTest

# USD a token off-peak: input that is not in the cache, that is, output
PRICES = {"deepseek-flash": ("0.15e-6", "0.003e-6", "0.6e-6"),
          "deepseek-v4-pro": ("0.66e-6", "0.022e-6", "1.98e-6")}
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def peak_factor(at_ns):
    """2 on weekdays from 01 to 04 and from 06 to 10 UTC. (The holidays that the book has are past.)"""
    at = datetime.datetime.fromtimestamp(at_ns // 10**9, datetime.timezone.utc)
    return 2 if at.weekday() < 5 and (1 <= at.hour < 4 or 6 <= at.hour < 10) else 1


def cost_of(model, tokens, at_ns):
    miss, hit, out = [Decimal(price) for price in PRICES[model]]
    return peak_factor(at_ns) * (tokens["input"] * miss + tokens["cache_read"] * hit +
                                 (tokens["output"] + tokens.get("reasoning", 0)) * out)


def reasoning_text(events):
    return "".join(e["choices"][0]["delta"].get("reasoning_content") or "" for e in events
                   if isinstance(e, dict) and e.get("choices"))


class DeepseekTest(FrontTest):
    number = 0

    @classmethod
    def config(cls):
        return {"providers": {"deepseek": {"base_url": cls.sim.base_url, "api_key": support.KEY}},
                "models": {"cheap": "deepseek/deepseek-chat"}}

    def call(self, content, model="deepseek-flash", **more):
        """(answer, end line, body that the vendor saw)."""
        DeepseekTest.number += 1
        mark = f"deepseek-{DeepseekTest.number}"
        answer = self.hb.chat(content, model, headers={"x-request-id": mark}, user=mark, **more)
        sent = json.loads(self.sim.request(f'"{mark}"')["body"])
        return answer, find_end(self.hb.state, mark), sent

    def test_reasoning_comes_out_whole_and_streamed(self):
        answer, _, sent = self.call("one two")
        message = answer.json()["choices"][0]["message"]
        self.assertEqual((message["reasoning_content"], message["content"]),
                         ("let me think", "one two"))
        self.assertNotIn("thinking", sent, "nothing is added for a model of today")
        answer, _, _ = self.call("one two", stream=True)
        events = answer.events()
        self.assertEqual((reasoning_text(events), stream_text(events)), ("let me think", "one two"))
        self.assertEqual(events[-1], "[DONE]")

    def test_reasoning_goes_back_in(self):
        turns = [{"role": "user", "content": "begin"},
                 {"role": "assistant", "content": "", "reasoning_content": "so far",
                  "tool_calls": [TOOL_CALL]},
                 {"role": "tool", "tool_call_id": "call_1", "content": "42"}]
        _, _, sent = self.call("x", messages=turns)
        self.assertEqual(sent["messages"], turns)

    def test_reasoning_that_is_gone_turns_thinking_off(self):
        """The vendor would refuse: the turn is answered without a thought, and that is told."""
        turns = [{"role": "user", "content": "begin"},
                 {"role": "assistant", "content": "", "tool_calls": [TOOL_CALL]},
                 {"role": "tool", "tool_call_id": "call_1", "content": "42"}]
        for stream in (False, True):
            answer, line, sent = self.call("x", messages=turns, stream=stream)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(sent["thinking"], {"type": "disabled"})
            self.assertEqual(answer.headers.get("x-harborai-changed"), "thinking;off")
            self.assertEqual(line["tokens"].get("reasoning", 0), 0)

    def test_strict(self):
        config = self.config()
        config["providers"]["deepseek"]["params"] = "strict"
        with support.gateway(config) as hb:
            self.assert_error(hb.chat("x", "deepseek-flash", temperature=0.1), 400,
                              message="temperature")
            self.assert_error(hb.chat("x", "deepseek-flash", seed=1), 400, message="seed")
            for more in ({"temperature": 0.1, "thinking": {"type": "disabled"}}, {"temperature": 1},
                         {"presence_penalty": 0, "n": 1}, {"max_completion_tokens": 7}):
                answer = hb.chat("x", "deepseek-flash", **more)
                self.assertEqual(answer.status, 200, answer.body)

    def test_a_forced_tool_turns_thinking_off(self):
        answer, _, sent = self.call("x", tools=[{"type": "function", "function": {"name": "f"}}],
                                    tool_choice="required")
        self.assertEqual(answer.json()["choices"][0]["finish_reason"], "tool_calls")
        self.assertEqual((sent["thinking"], answer.headers["x-harborai-changed"]),
                         ({"type": "disabled"}, "thinking;off"))

    def test_what_the_vendor_does_not_take(self):
        rows = [({"temperature": 0.1}, "temperature;dropped", "temperature"),
                ({"max_completion_tokens": 9}, "max_completion_tokens;adapted",
                 "max_completion_tokens"),
                ({"reasoning_effort": "none"}, "reasoning_effort;adapted", "reasoning_effort"),
                ({"enable_thinking": False}, "enable_thinking;adapted", "enable_thinking")]
        for members, changed, gone in rows:
            with self.subTest(changed):
                answer, _, sent = self.call("x", **members)
                self.assertEqual(answer.headers.get("x-harborai-changed"), changed)
                self.assertNotIn(gone, sent)
        answer, _, sent = self.call("x", reasoning_effort="high", thinking={"type": "enabled"})
        self.assertNotIn("x-harborai-changed", answer.headers)
        self.assertEqual(sent["reasoning_effort"], "high")

    def test_keep_alive_bytes_are_survived(self):
        whole = {"blank_lines": 600, "split_bytes": 50, "text": "after blanks"}
        answer, line, _ = self.call(whole)
        self.assertEqual((answer.text(), answer.body[:1]), ("after blanks", b"{"))
        self.assertEqual(line["outcome"], "ok")
        answer, line, _ = self.call({"comments": True, "split_bytes": 7, "text": "a b"}, stream=True)
        self.assertEqual((stream_text(answer.events()), line["outcome"]), ("a b", "ok"))
        self.assertNotIn(b": keep-alive", answer.body)

    def test_retired_names(self):
        """Flash with thinking off and on; the client's own word about thinking holds."""
        off, on = {"type": "disabled"}, {"type": "enabled"}
        rows = [("deepseek-chat", {}, off), ("deepseek-reasoner", {}, on), ("cheap", {}, off),
                ("deepseek/deepseek-chat", {"thinking": None}, off),
                ("deepseek-chat", {"thinking": on}, on), ("deepseek-reasoner", {"thinking": off}, off)]
        for model, more, thinking in rows:
            for stream in (False, True):
                with self.subTest(model, **more, stream=stream):
                    answer, line, sent = self.call("a", model, stream=stream, **more)
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertEqual((sent["model"], sent["thinking"]), ("deepseek-flash", thinking))
                    self.assertEqual(b"let me think" in answer.body.replace(b'"', b"") or
                                     b"reasoning_content" in answer.body, thinking == on)
                    self.assertEqual(Decimal(line["cost"]),
                                     cost_of("deepseek-flash", line["tokens"], line["begin_ns"]))

    def test_cost_is_exact(self):
        usage = {"prompt_tokens": 1234567, "prompt_cache_hit_tokens": 1000001,
                 "prompt_cache_miss_tokens": 234566, "completion_tokens": 98765,
                 "total_tokens": 1333332, "prompt_tokens_details": {"cached_tokens": 1000001},
                 "completion_tokens_details": {"reasoning_tokens": 54321}}
        want = {"input": 234566, "cache_read": 1000001, "output": 44444, "reasoning": 54321}
        for model in PRICES:
            for more in ({}, {"stream": True},
                         {"stream": True, "stream_options": {"include_usage": True}}):
                with self.subTest(model, **more):
                    _, line, _ = self.call({"text": "a", "usage": usage}, model, **more)
                    self.assertEqual(line["tokens"], want)
                    self.assertEqual((Decimal(line["cost"]), line["currency"]),
                                     (cost_of(model, want, line["begin_ns"]), "USD"))
                    self.assertIn("org.harborai.deepseek", line["price_source"])

    def test_errors(self):
        rows = [({"status": 402}, 502, "provider_quota", "'deepseek' has no credit left"),
                ({"error": "filtered"}, 400, "content_filter", "Content Exists Risk"),
                ({"error": "too_long"}, 400, "context_length_exceeded", "maximum context length"),
                ({"status": 422}, 422, None, "deserialize"),
                ({"status": 429}, 429, "rate_limit_exceeded", "Rate limit"),
                ({"status": 503}, 503, "overloaded", "overloaded"),
                ({"finish_reason": "insufficient_system_resource"}, 503, "overloaded",
                 "ran out of resources within its answer")]
        for script, status, code, message in rows:
            with self.subTest(script):
                answer, line, _ = self.call(script)
                self.assert_error(answer, status, code=code, message=message)
                self.assertEqual(line["outcome"], "error")
        answer, _, _ = self.call("x", "deepseek-v9")
        self.assert_error(answer, 404, message="does not have this model")

    def test_failure_at_the_end_of_a_stream(self):
        answer, line, _ = self.call({"text": "a b", "finish_reason": "insufficient_system_resource"},
                                    stream=True)
        last = answer.events()[-1]
        self.assertIn("ran out of resources", last["error"]["message"])
        self.assertEqual((line["outcome"], line["tokens"].get("output", 0)), ("error", 0))

    def test_key_from_the_environment(self):
        done = support.harborai("chat", "-m", "deepseek-chat", "hello",
                                env={"DEEPSEEK_API_KEY": "sk-x"},
                                config={"providers": {"deepseek": {"base_url": self.sim.base_url}}})
        self.assertEqual((done.returncode, done.stdout), (0, "hello\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
