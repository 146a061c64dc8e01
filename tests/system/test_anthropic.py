# SPDX-License-Identifier: MIT
"""Plugin anthropic: chat completions in, the Messages API out, and back."""
import json
import unittest
from decimal import Decimal

import support
from support import find_end, stream_text
from test_http import FrontTest

TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather",
                                           "parameters": {"type": "object", "properties": {
                                               "city": {"type": "string"}}}}}]
# USD a token, from platform.claude.com/docs/en/about-claude/pricing as pricing/books/anthropic.json
# has it: input, cache read, cache write of 5 minutes, output
OPUS_5 = [Decimal(price) for price in ("5e-6", "0.5e-6", "6.25e-6", "25e-6")]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def deltas(events, name):
    found = [e["choices"][0]["delta"].get(name) for e in events
             if isinstance(e, dict) and e.get("choices")]
    return [value for value in found if value]


class AnthropicTest(FrontTest):
    number = 0
    options = {}

    @classmethod
    def config(cls):
        return {"providers": {"anthropic": {"base_url": cls.sim.base_url, "api_key": support.KEY,
                                            "options": cls.options}}}

    def call(self, content, model="claude-opus-5", **more):
        """(answer, end line, body that the vendor saw, that line of its log)."""
        AnthropicTest.number += 1
        mark = f"anthropic-{AnthropicTest.number}"
        answer = self.hb.chat(content, model, headers={"x-request-id": mark}, user=mark, **more)
        seen = self.sim.request(f'"{mark}"')
        return answer, find_end(self.hb.state, mark), json.loads(seen["body"]), seen


class ConversationTest(AnthropicTest):
    def test_whole_and_streamed(self):
        for model in ("claude-haiku-4-5", "claude-opus-5", "claude-fable-5-1"):
            with self.subTest(model):
                answer, line, sent, _ = self.call("one two", model)
                message = answer.json()["choices"][0]["message"]
                self.assertEqual(message["content"], "one two")
                self.assertEqual((line["outcome"], line["finish_reason"]), ("ok", "stop"))
                self.assertEqual((sent["stream"], sent["messages"]),
                                 (True, [{"role": "user", "content": [{"type": "text",
                                                                       "text": "one two"}]}]))
                answer, _, _, _ = self.call("one two", model, stream=True,
                                            stream_options={"include_usage": True})
                events = answer.events()
                self.assertEqual((stream_text(events), events[-1]), ("one two", "[DONE]"))
                self.assertEqual(events[-2]["choices"], [])
                self.assertIn("prompt_tokens", events[-2]["usage"])

    def test_versions(self):
        answer, _, sent, seen = self.call("a", "claude-opus-4-6", temperature=0.5)
        self.assertEqual((answer.status, sent["temperature"]), (200, 0.5))
        self.assertEqual((seen["headers"]["anthropic-version"], seen["key_end"]),
                         ("2023-06-01", support.KEY[-4:]))
        self.assertIn("x-api-key", seen["header_names"])
        self.assertNotIn("authorization", seen["header_names"])

    def test_reasoning(self):
        for model, more in (("claude-opus-4-5", {}), ("claude-opus-4-8", {}), ("claude-opus-5", {})):
            with self.subTest(model):
                answer, line, sent, _ = self.call("hello", model, reasoning_effort="high", **more)
                self.assertEqual(answer.status, 200, answer.body)
                message = answer.json()["choices"][0]["message"]
                self.assertEqual((message["reasoning_content"], message["content"]),
                                 ("let me think", "hello"))
                self.assertEqual(line["tokens"]["reasoning"], 3)
                answer, _, _, _ = self.call("hello", model, reasoning_effort="high", stream=True)
                self.assertEqual("".join(deltas(answer.events(), "reasoning_content")),
                                 "let me think")

    def test_off_where_it_can_be(self):
        for model in ("claude-opus-4-5", "claude-opus-4-7", "claude-opus-5", "claude-haiku-5-5"):
            with self.subTest(model):
                answer, line, _, _ = self.call("hello", model, reasoning_effort="none")
                self.assertNotIn("reasoning_content", answer.json()["choices"][0]["message"])
                self.assertNotIn("reasoning", line["tokens"])
        for model in ("claude-opus-5-5", "claude-fable-5-1", "claude-sonnet-5-5"):
            with self.subTest(model):
                answer, _, _, _ = self.call("hello", model, reasoning_effort="none")
                self.assertEqual(answer.status, 200, answer.body)

    def test_parallel_tools(self):
        calls = [{"name": "get_weather", "arguments": {"city": "Wien \"1\""}},
                 {"name": "get_weather", "arguments": {}}]
        for stream in (False, True):
            with self.subTest(stream=stream):
                answer, line, sent, _ = self.call({"tool_calls": calls}, stream=stream, tools=TOOLS)
                self.assertEqual(sent["tools"], [{"name": "get_weather", "description": "Weather",
                                                  "input_schema": TOOLS[0]["function"]["parameters"]}])
                self.assertEqual(line["finish_reason"], "tool_calls")
                if stream:
                    got = {}
                    for piece in sum(deltas(answer.events(), "tool_calls"), []):
                        call = got.setdefault(piece["index"], {"name": "", "arguments": ""})
                        for name in call:
                            call[name] += piece["function"].get(name) or ""
                    got = [got[i] for i in sorted(got)]
                else:
                    got = [c["function"] for c in answer.json()["choices"][0]["message"]["tool_calls"]]
                self.assertEqual([{**c, "arguments": json.loads(c["arguments"])} for c in got], calls)

    def test_tools_in_two_turns_with_reasoning(self):
        """The signed thinking goes out in reasoning_details and comes back as it was; redacted too."""
        script = {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}],
                  "then": {"text": "It rains."}}
        for model, more in (("claude-opus-4-5", {}), ("claude-opus-5", {}), ("claude-sonnet-5-5", {}),
                            ("claude-opus-4-5", {"redacted": True})):
            with self.subTest(model, **more):
                question = {"role": "user", "content": "sim:" + json.dumps({**script, **more})}
                answer, _, _, _ = self.call("x", model, messages=[question], tools=TOOLS,
                                            reasoning_effort="low")
                message = answer.json()["choices"][0]["message"]
                self.assertEqual(message["reasoning_details"][0]["provider"], "org.harborai.anthropic")
                turns = [question, message, {"role": "tool", "content": "rain",
                                             "tool_call_id": message["tool_calls"][0]["id"]}]
                answer, _, sent, _ = self.call("x", model, messages=turns, tools=TOOLS,
                                               reasoning_effort="low")
                self.assertEqual((answer.status, answer.status == 200 and answer.text()),
                                 (200, "It rains."), answer.body)
                block = sent["messages"][1]["content"][0]
                self.assertEqual(block, message["reasoning_details"][0]["data"])

    def test_reasoning_that_is_gone(self):
        call = {"id": "toolu_1", "type": "function", "function": {"name": "get_weather",
                                                                  "arguments": "{}"}}
        turns = [{"role": "user", "content": "begin"},
                 {"role": "assistant", "content": None, "tool_calls": [call]},
                 {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"}]
        answer, _, sent, _ = self.call("x", "claude-sonnet-4-5", messages=turns, tools=TOOLS,
                                       reasoning_effort="low")
        self.assertEqual((answer.status, answer.headers["x-harborai-changed"]),
                         (200, "reasoning_effort;off"), answer.body)
        self.assertNotIn("thinking", sent)
        for model in ("claude-opus-4-7", "claude-opus-5-5"):  # content without it
            answer, _, sent, _ = self.call("x", model, messages=turns, tools=TOOLS)
            self.assertEqual(answer.status, 200, answer.body)

    def test_no_tools_after_tools(self):
        turns = [{"role": "user", "content": "begin"},
                 {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {
                     "name": "f", "arguments": ""}}]},
                 {"role": "tool", "tool_call_id": "t", "content": "42"},
                 {"role": "user", "content": "and now?"}]
        answer, _, _, _ = self.call("x", messages=turns)
        self.assertEqual((answer.status, answer.text()), (200, "the tool said: 42"), answer.body)

    def test_image(self):
        url = "data:image/png;base64," + PIXEL
        parts = [{"type": "text", "text": "what is it?"},
                 {"type": "image_url", "image_url": {"url": url}}]
        answer, _, sent, _ = self.call("x", messages=[{"role": "user", "content": parts}])
        self.assertEqual((answer.status, answer.text()), (200, "what is it?"), answer.body)
        self.assertEqual(sent["messages"][0]["content"][1]["source"],
                         {"type": "base64", "media_type": "image/png", "data": PIXEL})

    def test_system_and_cache(self):
        mark = {"type": "ephemeral"}
        messages = [{"role": "system", "content": "be brief"},
                    {"role": "developer", "content": [{"type": "text", "text": "and kind",
                                                       "cache_control": mark}]},
                    {"role": "user", "content": "hello"}]
        answer, _, sent, _ = self.call("x", messages=messages)
        self.assertEqual(answer.text(), "hello")
        self.assertEqual(sent["system"], [{"type": "text", "text": "be brief"},
                                          {"type": "text", "text": "and kind", "cache_control": mark}])

    def test_members_that_are_changed(self):
        answer, _, sent, _ = self.call("a", temperature=0.3, seed=1, stop="END")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(set(answer.headers["x-harborai-changed"].split(", ")),
                         {"temperature;dropped", "seed;dropped"})
        self.assertEqual(sent["stop_sequences"], ["END"])
        answer, _, _, _ = self.call("a")
        self.assertNotIn("x-harborai-changed", answer.headers)


class AccountTest(AnthropicTest):
    def test_usage_and_cost(self):
        usage = {"input_tokens": 234566, "cache_read_input_tokens": 1000001,
                 "cache_creation_input_tokens": 5000, "output_tokens": 98765,
                 "cache_creation": {"ephemeral_5m_input_tokens": 5000, "ephemeral_1h_input_tokens": 0},
                 "output_tokens_details": {"thinking_tokens": 54321}}
        want = {"input": 234566, "cache_read": 1000001, "cache_write": 5000, "output": 44444,
                "reasoning": 54321}
        for stream in (False, True):
            with self.subTest(stream=stream):
                answer, line, _, _ = self.call({"text": "a", "usage": usage}, stream=stream,
                                               **({"stream_options": {"include_usage": True}}
                                                  if stream else {}))
                self.assertEqual({k: v for k, v in line["tokens"].items() if v}, want)
                paid, read, write, out = OPUS_5
                self.assertEqual(Decimal(line["cost"]),
                                 234566 * paid + 1000001 * read + 5000 * write + 98765 * out)
                self.assertEqual(line["currency"], "USD")
                self.assertIn("org.harborai.anthropic", line["price_source"])
                told = answer.events()[-2]["usage"] if stream else answer.json()["usage"]
                self.assertEqual((told["prompt_tokens"], told["completion_tokens"]),
                                 (234566 + 1000001 + 5000, 98765))

    def test_what_it_was_billed_as_decides_the_cost(self):
        rows = [({}, 1, None), ({"service_tier": "standard"}, 1, None),
                ({"service_tier": "batch"}, Decimal("0.5"), "batch"),
                ({"speed": "fast"}, 2, "fast"), ({"inference_geo": "us"}, Decimal("1.1"), "us"),
                ({"speed": "fast", "inference_geo": "us"}, Decimal("2.2"), "fast us"),
                ({"inference_geo": "global"}, 1, None), ({"service_tier": "priority"}, None, "priority")]
        usage = {"input_tokens": 1000, "output_tokens": 0, "cache_read_input_tokens": 0,
                 "cache_creation_input_tokens": 0}
        for more, factor, tier in rows:
            with self.subTest(more):
                _, line, _, _ = self.call({"text": "a", "usage": {**usage, **more}},
                                          model="claude-opus-5-5")
                self.assertEqual(line.get("service_tier"), tier)
                if factor is None:
                    self.assertIsNone(line["cost"])
                else:
                    self.assertEqual(Decimal(line["cost"]), 1000 * Decimal("4e-6") * factor)

    def test_errors(self):
        rows = [("auth", 502, None, None), ("quota", 502, "provider_quota", None),
                ("rate_limit", 429, None, None), ("overloaded", 529, None, "Overloaded"),
                ("spend_limit", 502, "provider_quota", None), ("too_long", 400, None, "too long"),
                ("server", 500, None, None), ("filtered", 400, None, "content filtering")]
        for name, status, code, message in rows:
            with self.subTest(name):
                answer, line, _, _ = self.call({"error": name})
                self.assert_error(answer, status, code=code, message=message)
                self.assertEqual(line["outcome"], "error")

    def test_no_such_model(self):
        answer, _, _, _ = self.call("x", "claude-opus-9")
        self.assert_error(answer, 404, message="does not have this model")

    def test_failures_within_a_stream(self):
        answer, line, _, _ = self.call({"text": "a b c", "error_after_events": 5}, "claude-opus-4-7",
                                       stream=True)
        self.assertIn("verloaded", answer.events()[-1]["error"]["message"])
        self.assertEqual(line["outcome"], "error")
        answer, _, _, _ = self.call({"text": "a b c", "error_after_events": 5}, "claude-opus-4-7")
        self.assert_error(answer, 503, message="verloaded")
        for script in ({"no_done": True}, {"cut_after_events": 5}):
            with self.subTest(script):
                answer, line, _, _ = self.call({"text": "a b c", **script}, "claude-opus-4-7",
                                               stream=True)
                self.assertIn("error", answer.events()[-1])
                self.assertEqual(line["outcome"], "error")

    def test_what_is_unusual_but_right(self):
        for more in ({"comments": True}, {"unknown_events": True}, {"crlf": True}, {"no_space": True},
                     {"split_bytes": 5}):
            for stream in (False, True):
                with self.subTest(stream=stream, **more):
                    answer, line, _, _ = self.call({"text": "zwölf Äpfel", **more}, stream=stream)
                    self.assertEqual(stream_text(answer.events()) if stream else answer.text(),
                                     "zwölf Äpfel")
                    self.assertEqual(line["outcome"], "ok")

    def test_refused_here(self):
        for more, param in (({"n": 2}, "n"), ({"audio": {"voice": "a"}}, "audio")):
            answer = self.hb.chat("a", "claude-opus-5", **more)
            self.assertEqual((answer.status, answer.error()["param"]), (400, param))

    def test_filtered(self):
        answer, line, _, _ = self.call({"text": "a", "finish_reason": "refusal"})
        self.assertEqual(answer.json()["choices"][0]["finish_reason"], "content_filter")
        answer, _, _, _ = self.call({"text": "a", "finish_reason": "model_context_window_exceeded"})
        self.assertEqual(answer.json()["choices"][0]["finish_reason"], "length")


class YoungerVersionTest(AnthropicTest):
    """anthropic_version 2026-10-21: no sampling parameters, whatever their value."""
    options = {"anthropic_version": "2026-10-21", "auth_style": "bearer", "beta": "context-1m"}

    def test_sampling_is_dropped(self):
        answer, _, sent, seen = self.call("a", "claude-opus-4-6", temperature=1, top_p=1, top_k=5)
        self.assertEqual((answer.status, answer.text()), (200, "a"), answer.body)
        self.assertFalse({"temperature", "top_p", "top_k"} & set(sent))
        self.assertEqual(set(answer.headers["x-harborai-changed"].split(", ")),
                         {"temperature;dropped", "top_p;dropped", "top_k;dropped"})
        self.assertEqual((seen["headers"]["anthropic-version"], seen["headers"]["anthropic-beta"],
                          seen["key_end"]), ("2026-10-21", "context-1m", support.KEY[-4:]))
        self.assertIn("authorization", seen["header_names"])
        self.assertNotIn("x-api-key", seen["header_names"])


class ConfigurationTest(support.WithSimulator):
    def test_an_option_that_is_not_known(self):
        done = support.harborai("chat", "-m", "claude-opus-5", "hello", config={"providers": {
            "anthropic": {"base_url": self.sim.base_url, "api_key": "k",
                          "options": {"anthropic_versoin": "2026-10-21"}}}})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("anthropic_versoin", done.stderr)

    def test_key_from_the_environment(self):
        done = support.harborai("chat", "-m", "claude-opus-5", "hello",
                                env={"ANTHROPIC_API_KEY": "sk-x"},
                                config={"providers": {"anthropic": {"base_url": self.sim.base_url}}})
        self.assertEqual((done.returncode, done.stdout), (0, "hello\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
