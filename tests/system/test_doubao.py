# SPDX-License-Identifier: MIT
"""Plugin doubao: Volcengine Ark's own words, in requests, answers and errors; endpoints."""
import json
import unittest
from decimal import Decimal

import support
from support import find_end, stream_text
from test_http import FrontTest

PRO = "doubao-seed-2-1-pro-260915"
ENDPOINT = "ep-20260915-abcde"
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
         for name in "fg"]


class DoubaoTest(FrontTest):
    number = 0
    maxDiff = None

    @classmethod
    def base_url(cls):
        return cls.sim.base_url.removesuffix("/v1") + "/api/v3"

    @classmethod
    def config(cls):
        return {"providers": {"doubao": {
            "base_url": cls.base_url(), "api_key": support.KEY,
            "options": {"endpoints": {ENDPOINT: "doubao-seed-1-8-251228"}}}}}

    def call(self, content, model=PRO, **more):
        """(answer, end line, body that the vendor saw)."""
        DoubaoTest.number += 1
        mark = f"doubao-{DoubaoTest.number}"
        answer = self.hb.chat(content, model, headers={"x-request-id": mark}, user=mark, **more)
        return answer, find_end(self.hb.state, mark), json.loads(self.sim.request(f'"{mark}"')["body"])

    def test_reasoning_comes_before_the_text(self):
        answer, line, sent = self.call("one two")
        message = answer.json()["choices"][0]["message"]
        self.assertEqual((message["reasoning_content"], message["content"]),
                         ("let me think", "one two"))
        self.assertNotIn("thinking", sent)
        self.assertEqual(line["tokens"]["reasoning"], 3)
        answer, line, _ = self.call("one two", stream=True)  # its events have no space behind data:
        events = [e for e in answer.events() if isinstance(e, dict) and e.get("choices")]
        kinds = ["reasoning_content" if e["choices"][0]["delta"].get("reasoning_content") else "content"
                 for e in events if any(e["choices"][0]["delta"].get(k)
                                        for k in ("reasoning_content", "content"))]
        self.assertEqual(kinds, sorted(kinds, reverse=True))
        self.assertEqual(set(kinds), {"content", "reasoning_content"})
        self.assertEqual(stream_text(events), "one two")
        self.assertEqual((line["tokens"]["reasoning"], line["outcome"]), (3, "ok"))

    def test_reasoning_in_its_words(self):
        off, on = {"thinking": {"type": "disabled"}}, {"thinking": {"type": "enabled"}}
        rows = [(PRO, {"reasoning_effort": "none"}, off, "reasoning_effort;adapted"),
                (PRO, {"enable_thinking": False}, off, "enable_thinking;adapted"),
                (PRO, {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"},
                 "reasoning_effort;adapted"),
                (PRO, {"reasoning_effort": "low"}, {"reasoning_effort": "low"}, None),
                (PRO, {**off, "reasoning_effort": "high"}, off, "reasoning_effort;dropped"),
                (PRO, {"thinking": {"type": "auto"}}, {}, "thinking;adapted"),
                ("doubao-seed-1-6-251015", {"thinking": {"type": "auto"}},
                 {"thinking": {"type": "auto"}}, None),
                ("doubao-seed-1-6-251015", {"reasoning_effort": "high"}, on, "reasoning_effort;adapted"),
                ("doubao-1-5-pro-32k-250115", {"reasoning_effort": "high"}, {},
                 "reasoning_effort;dropped")]
        for model, more, sent_words, changed in rows:
            for stream in (False, True):
                with self.subTest(model, **more, stream=stream):
                    answer, line, sent = self.call("a", model, stream=stream, **more)
                    self.assertEqual((answer.status, line["outcome"]), (200, "ok"), answer.body)
                    self.assertEqual({k: v for k, v in sent.items() if "think" in k or "effort" in k},
                                     sent_words)
                    self.assertEqual(answer.headers.get("x-harborai-changed"), changed)

    def test_one_limit_is_sent(self):
        answer, _, sent = self.call("a", max_tokens=9, max_completion_tokens=99)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertNotIn("max_tokens", sent)
        self.assertEqual((sent["max_completion_tokens"], answer.headers["x-harborai-changed"]),
                         (99, "max_tokens;adapted"))

    def test_parallel_tools_over_two_turns(self):
        script = {"tool_calls": [{"name": "f", "arguments": {"a": 1}},
                                 {"name": "g", "arguments": {"b": "x"}}], "then": {"text": "done"}}
        answer, _, _ = self.call(script, tools=TOOLS)
        message = answer.json()["choices"][0]["message"]
        self.assertEqual([c["function"]["name"] for c in message["tool_calls"]], ["f", "g"])
        turns = [{"role": "user", "content": "sim:" + json.dumps(script)}, message,
                 *({"role": "tool", "tool_call_id": c["id"], "content": "42"}
                   for c in message["tool_calls"])]
        answer, _, _ = self.call("x", messages=turns, tools=TOOLS)
        self.assertEqual(answer.text(), "done")

    def cost(self, model, prompt, output, stream=False):
        usage = {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output,
                 "prompt_tokens_details": {"cached_tokens": 0},
                 "completion_tokens_details": {"reasoning_tokens": 0}}
        _, line, _ = self.call({"text": "a", "usage": usage}, model, stream=stream)
        return line["cost"] and Decimal(line["cost"])

    def test_cost_by_length(self):
        for prompt, output, prices in ((1000, 200, ("0.8e-6", "2e-6")), (1000, 201, ("0.8e-6", "8e-6")),
                                       (40000, 10, ("1.2e-6", "16e-6"))):
            want = prompt * Decimal(prices[0]) + output * Decimal(prices[1])
            for model in ("doubao-seed-1-8-251228", ENDPOINT):
                for stream in (False, True):
                    with self.subTest(model, prompt=prompt, output=output, stream=stream):
                        self.assertEqual(self.cost(model, prompt, output, stream), want)
        self.assertIsNone(self.cost("ep-other", 10, 10))

    def test_errors(self):
        rows = [("AuthenticationError", 502, "E_AUTH", "refused the gateway's key"),
                ("AccountOverdueError", 502, "E_QUOTA", "no credit left"),
                ("QuotaExceeded", 502, "E_QUOTA", "no credit left"),
                ("SetLimitExceeded", 502, "E_QUOTA", "spending limit"),
                ("too_long", 400, "E_CONTEXT", "exceeds the maximum length"),
                ("InputTextSensitiveContentDetected", 400, "E_FILTERED", "sensitive"),
                ("SensitiveContentDetected.SevereViolation", 400, "E_FILTERED", "sensitive"),
                ("OutputTextRiskDetection", 400, "E_FILTERED", "sensitive"),
                ("InvalidEndpoint.ClosedEndpoint", 404, "E_NOT_FOUND", "closed"),
                ("ModelNotOpen", 404, "E_NOT_FOUND", "has not activated"),
                ("RateLimitExceeded.EndpointTPMExceeded", 429, "E_RATE_LIMIT", "limit"),
                ("RequestBurstTooFast", 429, "E_RATE_LIMIT", "limit"),
                ("ServerOverloaded", 503, "E_OVERLOADED", "overload"),
                ("InternalServiceError", 500, "E_VENDOR", "unexpected internal error"),
                ("InvalidParameter", 400, "E_INVALID", "not valid")]
        for name, status, kind, message in rows:
            with self.subTest(name):
                answer, line, _ = self.call({"error": name})
                self.assert_error(answer, status, message=message)
                self.assertEqual(line["error"]["code"], kind)
        answer, _, _ = self.call("x", "doubao-seed-9")
        self.assert_error(answer, 404, message="does not have this model")

    def test_filtered_within_a_stream(self):
        answer, line, _ = self.call({"text": "a b c", "error_after_events": 2,
                                     "error": "OutputTextRiskDetection"}, stream=True)
        self.assertIn("sensitive", json.dumps(answer.events()[-1]))
        self.assertEqual((line["outcome"], line["error"]["code"]), ("error", "E_FILTERED"))

    def test_content_filter_as_the_end(self):
        for stream in (False, True):
            _, line, _ = self.call({"text": "so", "finish_reason": "content_filter"}, stream=stream)
            self.assertEqual((line["outcome"], line["finish_reason"]), ("ok", "content_filter"))

    def test_configuration(self):
        config = {"providers": {"doubao": {"base_url": self.base_url(),
                                           "options": {"endpoints": ["ep-1"]}}}}
        done = support.harborai("chat", "-m", "doubao/x", "hello", env={"ARK_API_KEY": "k"},
                                config=config)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("options.endpoints' must be a mapping, not a list (the model behind ", done.stderr)
        del config["providers"]["doubao"]["options"]
        for name in ("ARK_API_KEY", "DOUBAO_API_KEY"):
            done = support.harborai("chat", "-m", PRO, "hello", env={name: "k"}, config=config)
            self.assertEqual((done.returncode, done.stdout), (0, "hello\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
