# SPDX-License-Identifier: MIT
"""Plugin wenxin: Baidu Qianfan's own words, in requests, answers and errors."""
import json
import unittest
from decimal import Decimal

import support
from support import find_end, stream_text
from test_http import FrontTest

KEY_FORM = "bce-v3/ALTAK-"
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def deltas(events, name):
    return "".join(e["choices"][0]["delta"].get(name) or "" for e in events
                   if isinstance(e, dict) and e.get("choices"))


class WenxinTest(FrontTest):
    number = 0
    maxDiff = None

    @classmethod
    def base_url(cls):
        return cls.sim.base_url.removesuffix("/v1") + "/v2"

    @classmethod
    def config(cls):
        return {"providers": {"wenxin": {"base_url": cls.base_url(), "api_key": support.KEY,
                                         "options": {"appid": "app-7"}}}}

    def call(self, content, model="ernie-5.1", **more):
        """(answer, end line, body that the vendor saw)."""
        WenxinTest.number += 1
        mark = f"wenxin-{WenxinTest.number}"
        answer = self.hb.chat(content, model, headers={"x-request-id": mark}, user=mark, **more)
        self.request = self.sim.request(f'"{mark}"')
        return answer, find_end(self.hb.state, mark), json.loads(self.request["body"])

    def test_appid_goes_out_as_a_header(self):
        self.call("a")
        self.assertEqual(self.request["headers"]["appid"], "app-7")

    def test_reasoning(self):
        for more, sent_words, changed in (
                ({"reasoning_effort": "high"}, {"reasoning_effort": "high", "enable_thinking": True}, None),
                ({"reasoning_effort": "max"}, {"reasoning_effort": "high", "enable_thinking": True},
                 "reasoning_effort;adapted"),
                ({"thinking": {"type": "enabled"}}, {"enable_thinking": True}, "thinking;adapted"),
                ({"enable_thinking": True, "thinking_budget": 200},
                 {"enable_thinking": True, "thinking_budget": 200}, None)):
            for stream in (False, True):
                with self.subTest(more, stream=stream):
                    answer, line, sent = self.call("one two", stream=stream, **more)
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertEqual(answer.headers.get("x-harborai-changed"), changed)
                    self.assertEqual({k: v for k, v in sent.items() if "think" in k or "effort" in k},
                                     sent_words)
                    if stream:
                        events = answer.events()
                        said = deltas(events, "reasoning_content"), stream_text(events)
                    else:
                        message = answer.json()["choices"][0]["message"]
                        said = message["reasoning_content"], message["content"]
                    self.assertEqual((bool(said[0]), said[1]), (True, "one two"))
                    self.assertGreater(line["tokens"]["reasoning"], 0)

    def test_no_reasoning(self):
        for more in ({}, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}):
            with self.subTest(more):
                answer, line, _ = self.call("one", **more)
                self.assertNotIn("reasoning_content", answer.json()["choices"][0]["message"])
                self.assertEqual(line["tokens"].get("reasoning", 0), 0)

    def test_hosted_models_have_another_switch(self):
        answer, line, sent = self.call("one", "wenxin/deepseek-v4-pro", enable_thinking=True)
        self.assertEqual(sent["thinking"], {"type": "enabled"})
        self.assertNotIn("enable_thinking", sent)
        self.assertTrue(answer.json()["choices"][0]["message"]["reasoning_content"])
        self.assertIsNone(line["cost"])

    def test_what_x1_turbo_does_not_take(self):
        """By the price book's list of the model; `params` decides what becomes of them."""
        more = {"seed": 1, "stop": ["x"], "response_format": {"type": "json_object"},
                "penalty_score": 1.1}
        answer, _, sent = self.call("hi", "ernie-x1-turbo-32k", **more)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertFalse(set(more) & set(sent), sent)
        for name in more:
            self.assertIn(f"{name};dropped", answer.headers["x-harborai-changed"])
        answer, _, sent = self.call("hi", **more)
        self.assertEqual({name: sent[name] for name in more}, more)
        config = self.config()
        config["providers"]["wenxin"]["params"] = "strict"
        with support.gateway(config) as hb:
            for more in ({"seed": 1}, {"reasoning_effort": "none"}):
                answer = hb.chat("hi", "ernie-x1-turbo-32k", **more)
                self.assert_error(answer, 400, message=next(iter(more)))
            answer = hb.chat("hi", "ernie-x1-turbo-32k", reasoning_effort="max")
            self.assertEqual(answer.status, 200, answer.body)

    def test_developer_is_system(self):
        messages = [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "hi"}]
        answer, _, sent = self.call("hi", messages=messages)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual([m["role"] for m in sent["messages"]], ["system", "user"])
        self.assertEqual(answer.headers["x-harborai-changed"], "messages/0/role;adapted")

    def test_own_members_survive_both_ways(self):
        web = {"enable": True, "search_mode": "auto"}
        answer, _, sent = self.call({"text": "so", "finish_reason": "content_filter"}, web_search=web,
                                    penalty_score=1.5)
        self.assertEqual((sent["web_search"], sent["penalty_score"]), (web, 1.5))
        choice = answer.json()["choices"][0]
        self.assertEqual((choice["finish_reason"], choice["flag"], choice["ban_round"]),
                         ("content_filter", 3, -1))
        self.assertTrue(answer.json()["id"].startswith("as-"))
        answer, line, _ = self.call({"text": "so", "finish_reason": "content_filter"}, stream=True)
        last = [e for e in answer.events() if isinstance(e, dict) and e.get("choices")][-1]
        self.assertEqual(last["choices"][0]["flag"], 3)
        self.assertEqual((line["outcome"], line["finish_reason"]), ("ok", "content_filter"))

    def test_tools_over_two_turns(self):
        script = {"tool_calls": [{"name": "f", "arguments": {"a": 1}}], "then": {"text": "done"}}
        for more in ({}, {"reasoning_effort": "low"}):
            answer, _, _ = self.call(script, tools=TOOLS, tool_choice="auto", **more)
            message = answer.json()["choices"][0]["message"]
            call = message["tool_calls"][0]
            self.assertEqual(json.loads(call["function"]["arguments"]), {"a": 1})
            turns = [{"role": "user", "content": "sim:" + json.dumps(script)},
                     {"role": "assistant", "content": message["content"], "tool_calls": [call]},
                     {"role": "tool", "tool_call_id": call["id"], "content": "42"}]
            answer, _, _ = self.call("x", messages=turns, tools=TOOLS, **more)
            self.assertEqual(answer.text(), "done")

    def test_cost(self):
        for prompt, prices in ((1000, ("4e-6", "18e-6")), (40000, ("6e-6", "22e-6"))):
            usage = {"prompt_tokens": prompt, "completion_tokens": 30, "total_tokens": prompt + 30}
            for stream in (False, True):
                _, line, _ = self.call({"text": "a", "usage": usage}, stream=stream)
                want = prompt * Decimal(prices[0]) + 30 * Decimal(prices[1])
                self.assertEqual((Decimal(line["cost"]), line["currency"]), (want, "CNY"))

    def test_errors(self):
        rows = [("invalid_iam_token", 502, "E_AUTH", "refused the gateway's key"),
                ("account_overdue", 502, "E_QUOTA", "no credit left"),
                ("tokens_too_long", 400, "E_CONTEXT", "too long"),
                ("characters_too_long", 400, "E_CONTEXT", "2000"),
                ("system_unsafe", 400, "E_FILTERED", "system field"),
                ("image_url_unsafe", 400, "E_FILTERED", "image_url"),
                ("no_parameter_permission", 400, "E_UNSUPPORTED", "parameter"),
                ("rpm_rate_limit_exceeded", 429, "E_RATE_LIMIT", "RPM"),
                ("output_tpm_rate_limit_exceeded", 429, "E_RATE_LIMIT", "TPM"),
                ("internal_error", 500, "E_VENDOR", "Internal error"),
                ("invalid_messages", 400, "E_INVALID", "not valid"),
                ("model_offline", 404, "E_NOT_FOUND", "offline")]
        for name, status, kind, message in rows:
            with self.subTest(name):
                answer, line, _ = self.call({"error": name})
                self.assert_error(answer, status, message=message)
                self.assertEqual(line["error"]["code"], kind)
                own = {"E_CONTEXT": "context_length_exceeded", "E_FILTERED": "content_filter"}.get(kind)
                if own:
                    error = answer.json()["error"]
                    self.assertEqual((error["type"], error["code"], error["vendor_code"]),
                                     ("invalid_request_error", own, name))
        answer, _, _ = self.call("x", "ernie-4.5-turbo-128k")
        self.assert_error(answer, 404, message="offline")

    def test_error_within_a_stream(self):
        answer, line, _ = self.call({"text": "a b c", "error_after_events": 2,
                                     "error": "tpm_rate_limit_exceeded"}, stream=True)
        self.assertIn("TPM", json.dumps(answer.events()[-1]))
        self.assertEqual(line["outcome"], "error")

    def test_keys(self):
        def ask(env, config, prompt="hello"):
            return support.harborai("chat", "-m", "ernie-5.1", prompt, env=env, config=config)
        config = {"providers": {"wenxin": {"base_url": self.base_url()}}}
        done = ask({"QIANFAN_API_KEY": "bce-v3/ALTAK-x/y"}, config)
        self.assertEqual((done.returncode, done.stdout), (0, "hello\n"), done.stderr)
        for name in ("WENXIN_API_KEY", "ERNIE_API_KEY"):
            done = ask({name: "bce-v3/ALTAK-x/y"}, config)
            self.assertEqual((done.returncode, done.stdout), (0, "hello\n"), done.stderr)
        done = ask({"DOUBAO_API_KEY": "k"}, config)
        self.assertIn("QIANFAN_API_KEY", done.stderr)
        self.assertNotEqual(done.returncode, 0)
        done = ask({"QIANFAN_API_KEY": "s3cret"}, config, 'sim:{"error":"invalid_iam_token"}')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(KEY_FORM, done.stderr)
        self.assertNotIn("s3cret", done.stderr)
        config["providers"]["wenxin"]["options"] = {"secret_key": "s3cret"}
        done = ask({"QIANFAN_API_KEY": "x"}, config)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(KEY_FORM, done.stderr)
        self.assertNotIn("s3cret", done.stderr)


if __name__ == "__main__":
    unittest.main()
