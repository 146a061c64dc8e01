#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The simulator's dialects, each as its vendor's documents describe it."""
import json
import unittest

import test_sim

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
OWN_TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]
CALLS = [{"name": "look", "arguments": {"a": "é 1", "b": [1, 2]}}, {"name": "look", "arguments": {}}]
PNG = "data:image/png;base64,iVBORw0KGgo="
PATHS = {"openai": "/v1/chat/completions", "deepseek": "/chat/completions",
         "wenxin": "/v2/chat/completions", "doubao": "/api/v3/chat/completions",
         "anthropic": "/v1/messages"}
MODELS = {"openai": "gpt-5-mini", "deepseek": "deepseek-flash", "wenxin": "ernie-5.1",
          "doubao": "doubao-seed-2-1-pro-260915", "anthropic": "claude-sonnet-4-5"}
SHAPED = ("openai", "deepseek", "wenxin", "doubao")  # as OpenAI's API is
THINK = {"openai": {"reasoning_effort": "low"}, "deepseek": {}, "wenxin": {"enable_thinking": True},
         "doubao": {}, "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}


class DialectTest(unittest.TestCase):
    setUpClass = classmethod(test_sim.SimulatorTest.setUpClass.__func__)
    tearDownClass = classmethod(test_sim.SimulatorTest.tearDownClass.__func__)
    setUp = test_sim.SimulatorTest.setUp

    def ask(self, vendor, content="one two  three", headers=None, key="k", **more):
        """(answer, parsed body or the events of a stream)"""
        if isinstance(content, dict):
            content = "sim:" + json.dumps(content)
        body = {"model": MODELS[vendor], "messages": [{"role": "user", "content": content}]}
        if vendor == "anthropic":
            body["max_tokens"] = 2000
            sent = {"x-api-key": key, "anthropic-version": "2023-06-01", **(headers or {})}
        else:
            sent = {"authorization": f"Bearer {key}", **(headers or {})}
        body = {k: v for k, v in {**body, **more}.items() if v is not None}
        self.client.close()  # the answer before this one may have ended with its connection
        self.client.request("POST", PATHS[vendor], json.dumps(body), sent)
        answer = self.client.getresponse()
        data = answer.read()
        if answer.headers["content-type"].startswith("text/event-stream"):
            return answer, self.events(data)
        return answer, json.loads(data)

    @staticmethod
    def events(data):
        found = []
        for event in data.decode().split("\n\n"):
            lines = [x for x in event.split("\n") if x and not x.startswith(":")]
            if lines and lines[-1].startswith("data:"):
                text = lines[-1][5:].lstrip(" ")
                found.append(text if text == "[DONE]" else json.loads(text))
        return found

    def refused(self, vendor, words, content="hi", status=400, **more):
        answer, value = self.ask(vendor, content, **more)
        self.assertEqual(answer.status, status, value)
        self.assertIn(words, value["error"]["message"])
        return value["error"]

    # ---- What all say ----

    def said(self, vendor, script, stream, **more):
        """(thought, text, calls, finish reason, usage) of a whole or streamed answer."""
        more = {**THINK[vendor], **more}
        if stream:
            more["stream"] = True
            if vendor != "anthropic":
                more["stream_options"] = {"include_usage": True}
        value = self.ask(vendor, script, **more)[1]
        if vendor == "anthropic":
            return self.blocks(self.joined(value) if stream else value)
        return self.joined_chunks(value) if stream else self.choice(value)

    @staticmethod
    def choice(value):
        message = value["choices"][0]["message"]
        calls = [(c["function"]["name"], c["function"]["arguments"])
                 for c in message.get("tool_calls", [])]
        return (message.get("reasoning_content") or "", message["content"] or "", calls,
                value["choices"][0]["finish_reason"], value["usage"])

    def joined_chunks(self, events):
        self.assertEqual(events.pop(), "[DONE]")
        usage = events.pop()
        self.assertEqual(usage["choices"], [])
        thought, text, calls, ends = "", "", {}, []
        for event in events:
            delta = event["choices"][0]["delta"]
            thought += delta.get("reasoning_content") or ""
            text += delta.get("content") or ""
            ends.append(event["choices"][0]["finish_reason"])
            for call in delta.get("tool_calls", []):
                if "id" in call:
                    self.assertNotIn(call["index"], calls)
                    calls[call["index"]] = [call["function"]["name"], ""]
                calls[call["index"]][1] += call["function"]["arguments"]
        self.assertEqual(set(ends[:-1]), {None})
        return (thought, text, [tuple(calls[i]) for i in sorted(calls)], ends[-1], usage["usage"])

    def joined(self, events):
        """Anthropic's events put together to the message."""
        types = [event["type"] for event in events]
        self.assertEqual((types[0], types[-2:]), ("message_start", ["message_delta", "message_stop"]))
        self.assertIn("ping", types)
        message = events[0]["message"]
        for event in events:
            if event["type"] == "content_block_start":
                self.assertEqual(event["index"], len(message["content"]))
                message["content"].append(dict(event["content_block"], json=""))
            elif event["type"] == "content_block_delta":
                block, delta = message["content"][event["index"]], event["delta"]
                member = {"input_json_delta": "json", "text_delta": "text",
                          "thinking_delta": "thinking", "signature_delta": "signature"}[delta["type"]]
                block[member] += delta.get("partial_json", delta.get(member))
            elif event["type"] == "message_delta":
                message.update(event["delta"], usage=event["usage"])
        for block in message["content"]:
            text = block.pop("json")
            if block["type"] == "tool_use":
                block["input"] = json.loads(text or "{}")
        return message

    @staticmethod
    def blocks(message):
        found = {kind: [b for b in message["content"] if b["type"] == kind]
                 for kind in ("thinking", "text", "tool_use")}
        calls = [(b["name"], json.dumps(b["input"], ensure_ascii=False, separators=(",", ":")))
                 for b in found["tool_use"]]
        return ("".join(b["thinking"] for b in found["thinking"]),
                "".join(b["text"] for b in found["text"]), calls, message["stop_reason"],
                message["usage"])

    def test_whole_and_streamed_say_the_same(self):
        scripts = ({"text": "a  b\nc", "reasoning": "hm  so"},
                   {"tool_calls": CALLS}, {"tool_calls": CALLS, "text": "so be it", "interleaved": True})
        for vendor in PATHS:
            for script in scripts:
                with self.subTest(vendor, **script):
                    whole, streamed = (self.said(vendor, script, s) for s in (False, True))
                    self.assertEqual(whole[:-1], streamed[:-1])
                    self.assertLessEqual(streamed[-1].items(), whole[-1].items())

    def test_tools_in_parallel(self):
        wanted = [("look", json.dumps(c["arguments"], ensure_ascii=False, separators=(",", ":")))
                  for c in CALLS]
        for vendor in PATHS:
            tools = OWN_TOOLS if vendor == "anthropic" else TOOLS
            with self.subTest(vendor):
                said = self.said(vendor, {"tool_calls": CALLS}, True, tools=tools)
                self.assertEqual((said[2], said[3]), (wanted, "tool_use" if vendor == "anthropic"
                                                      else "tool_calls"))

    def test_thought_and_its_tokens(self):
        for vendor in PATHS:
            with self.subTest(vendor):
                thought, text, _, _, usage = self.said(vendor, {"text": "x", "reasoning": "a b"}, False)
                self.assertEqual((thought, text), ("" if vendor == "openai" else "a b", "x"))
                details = usage.get("output_tokens_details") or usage["completion_tokens_details"]
                self.assertIn(2, details.values())
                self.assertEqual(usage.get("output_tokens", usage.get("completion_tokens")), 3)

    def test_usage_with_cache(self):
        for vendor in PATHS:
            with self.subTest(vendor):
                usage = self.ask(vendor, {"text": "x y", "cached": 1})[1]["usage"]
                if vendor == "anthropic":
                    self.assertEqual((usage["input_tokens"], usage["cache_read_input_tokens"]), (4, 1))
                else:
                    self.assertEqual((usage["prompt_tokens"],
                                      usage["prompt_tokens_details"]["cached_tokens"]), (5, 1))

    def test_the_next_turn_has_a_script_of_its_own(self):
        script = "sim:" + json.dumps({"tool_calls": CALLS[:1], "then": {"text": "done"}})
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        turns = [{"role": "user", "content": script},
                 {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call]},
                 {"role": "tool", "tool_call_id": "c1", "content": "42"}]
        for vendor in SHAPED:
            with self.subTest(vendor):
                value = self.ask(vendor, messages=turns)[1]
                self.assertEqual(value["choices"][0]["message"]["content"], "done")
        turns[0]["content"] = "and now?"
        value = self.ask("deepseek", messages=turns)[1]
        self.assertEqual(value["choices"][0]["message"]["content"], "the tool said: 42")

    def test_errors_that_all_have(self):
        for vendor in PATHS:
            for name in ("server", "auth", "rate_limit", "quota", "overloaded", "filtered", "too_long"):
                with self.subTest(vendor, name=name):
                    answer, value = self.ask(vendor, {"error": name, "retry_after": 3})
                    self.assertGreaterEqual(answer.status, 400)
                    self.assertTrue(value["error"]["message"])
                    self.assertEqual(answer.headers["retry-after"], "3")
            answer, value = self.ask(vendor, {"error": "no_such"})
            self.assertIn("no_such", value["error"]["message"])

    def test_keys(self):
        for vendor in PATHS:
            self.assertEqual(self.ask(vendor, key="sk-wrong")[0].status, 401, vendor)

    def test_too_long(self):
        words = {"openai": "Input tokens exceed the configured limit of 100000 tokens. Your messages "
                 "resulted in 100001 tokens.", "wenxin": "Prompt tokens too long",
                 "deepseek": "This model's maximum context length is 100000 tokens. However, you "
                 "requested 100001 tokens", "anthropic": "prompt is too long: 100001 tokens > 100000 "
                 "maximum", "doubao": "Input length 100001 exceeds the maximum length 100000."}
        for vendor, text in words.items():
            self.refused(vendor, text, "a " * 100001)

    def test_images(self):
        for vendor in SHAPED:
            for url, taken in ((PNG, True), ("https://example.org/a.png", True), ("file:///a", False),
                               ("data:image/png;base64,!", False), ("data:text/html;base64,YQ==", False)):
                parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": url}}]
                with self.subTest(vendor, url=url):
                    model = "ernie-5.0-thinking-preview" if vendor == "wenxin" else MODELS[vendor]
                    self.assertEqual(self.ask(vendor, parts, model=model)[0].status,
                                     200 if taken else 400)
        self.refused("deepseek", "unknown variant `image_url`", parts, model="deepseek-v4-pro")
        self.refused("wenxin", "takes no images", parts)

    def test_broken_streams(self):
        for vendor in PATHS:
            with self.subTest(vendor):
                script = {"text": "a b c", "error_after_events": 3}
                events = self.ask(vendor, script, stream=True)[1]
                self.assertIn("error", events[-1])
                events = self.ask(vendor, {"text": "a b", "no_done": True}, stream=True)[1]
                self.assertNotIn(events[-1], ("[DONE]",))
                self.assertNotEqual(isinstance(events[-1], dict) and events[-1].get("type"),
                                    "message_stop")

    def test_a_busy_vendor(self):
        for vendor in PATHS:
            for stream in (None, True):
                with self.subTest(vendor, stream=stream):
                    said = self.ask(vendor, {"text": "a b", "busy_ms": 120}, stream=stream)[1]
                    self.assertIn("a", json.dumps(said))
        # The parsers above pass over comments and empty lines: that they are there
        body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": 'sim:{"busy_ms":120}'}]}
        for stream, sign in ((False, b"\n\n\n{"), (True, b": keep-alive\n\n" * 3 + b"data")):
            self.client.close()
            self.client.request("POST", PATHS["deepseek"], json.dumps({**body, "stream": stream}),
                                {"authorization": "Bearer k"})
            self.assertTrue(self.client.getresponse().read().startswith(sign))

    def test_calls_and_results_belong_together(self):
        user, call = {"role": "user", "content": "a"}, {"id": "c", "type": "function", "function": {
            "name": "f", "arguments": "{}"}}
        said = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [call]}
        result = {"role": "tool", "tool_call_id": "c", "content": "1"}
        for vendor in ("openai", "deepseek"):
            self.assertEqual(self.ask(vendor, messages=[user, said, result])[0].status, 200)
            self.refused(vendor, "must be followed by tool messages", messages=[user, said, user])
            self.refused(vendor, "must be a response to a prece", messages=[user, result])
            self.refused(vendor, "must be a response to a prece",
                         messages=[user, said, {**result, "tool_call_id": "d"}])

    def test_odd_types(self):
        for vendor, more in (("doubao", {"max_tokens": [None]}), ("openai", {"tools": -1}),
                             ("openai", {"tools": [5]}), ("openai", {"tools": -1, "stream": True})):
            with self.subTest(vendor=vendor, more=more):
                answer, _ = self.ask(vendor, **more)
                self.assertEqual(answer.status, 400)

    def test_parts(self):
        for vendor in SHAPED:
            for part in ({"type": "image"}, {"type": "text"}, {}, {"type": "image_url"}):
                with self.subTest(vendor, part=part):
                    self.assertEqual(self.ask(vendor, [part])[0].status, 400)

    # ---- OpenAI ----

    def test_openai_refuses(self):
        for more, param, code in (({"max_tokens": 5}, "max_tokens", "unsupported_parameter"),
                                  ({"temperature": 0.2}, "temperature", "unsupported_value"),
                                  ({"reasoning_effort": "none"}, "reasoning_effort",
                                   "unsupported_value"),
                                  ({"model": "gpt-5.6", "tools": TOOLS}, "reasoning_effort", None),
                                  ({"thinking": {}}, None, None),
                                  ({"model": "gpt-4o", "reasoning_effort": "low"}, None, None)):
            error = self.refused("openai", "support" if param else "Unrecognized", **more)
            self.assertEqual((error["param"], error["code"]), (param, code))
        for more in ({"model": "gpt-5.4", "temperature": 0.2, "tools": TOOLS},
                     {"model": "gpt-5.6", "reasoning_effort": "none", "tools": TOOLS}):
            self.assertEqual(self.ask("openai", **more)[0].status, 200)
        self.assertEqual(self.ask("openai", model="my-own", thinking={}, max_tokens=5)[0].status, 200)
        self.assertEqual(self.ask("openai", model="gpt-9")[0].status, 200)  # younger than the table
        self.assertEqual(self.ask("openai")[0].headers["x-ratelimit-reset-tokens"], "120ms")

    def test_kimi_wants_its_thoughts_back(self):
        turns = [{"role": "user", "content": "go"},
                 {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function":
                                                       {"name": "f", "arguments": "{}"}}]},
                 {"role": "tool", "tool_call_id": "c", "content": "1"}]
        ask = {"model": "kimi-k2.6", "messages": turns}
        self.refused("openai", "reasoning_content is missing in assistant tool call message", **ask)
        self.assertEqual(self.ask("openai", **ask, thinking={"type": "disabled"})[0].status, 200)
        turns[1]["reasoning_content"] = "t"
        self.assertEqual(self.ask("openai", **ask)[0].status, 200)

    # ---- DeepSeek ----

    def test_deepseek_wants_its_thoughts_back(self):
        turns = [{"role": "user", "content": "go"},
                 {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function":
                                                       {"name": "f", "arguments": "{}"}}]},
                 {"role": "tool", "tool_call_id": "c", "content": "1"}]
        self.refused("deepseek", "reasoning_content in the thinking mode must be", messages=turns)
        self.assertEqual(self.ask("deepseek", messages=turns, thinking={"type": "disabled"})[0].status,
                         200)

    def test_deepseek_refuses(self):
        self.refused("deepseek", "unknown variant `fast`", thinking={"type": "fast"})
        self.refused("deepseek", "unknown variant `none`", reasoning_effort="none")

    # ---- Qianfan ----

    def test_wenxin(self):
        answer, value = self.ask("wenxin")
        self.assertTrue(value["id"].startswith("as-"))
        self.assertEqual(value["choices"][0]["flag"], 0)
        self.assertNotIn("reasoning_content", value["choices"][0]["message"])
        self.assertEqual(answer.headers["X-Ratelimit-Remaining-Requests"], "299")
        events = self.ask("wenxin", stream=True)[1][:-1]
        self.assertEqual([("role" in e["choices"][0]["delta"]) for e in events],
                         [True] + [False] * (len(events) - 1))
        events = self.ask("wenxin", stream=True, stream_options={"chunk_include_usage": True})[1]
        self.assertTrue(all("usage" in e for e in events[:-1]))
        value = self.ask("wenxin", {"text": "x", "finish_reason": "content_filter"})[1]
        self.assertEqual((value["choices"][0]["flag"], value["choices"][0]["ban_round"]), (3, -1))

    def test_wenxin_refuses(self):
        x1 = {"model": "ernie-x1-turbo-32k"}
        rows = [({"model": "nope"}, 401, "invalid_model"),
                ({"model": "ernie-5.0"}, 403, "model_offline"), ({**x1, "seed": 1}, 400, "invalid_argument"),
                ({**x1, "penalty_score": 1}, 400, "invalid_argument"),
                ({"thinking_budget": 9}, 400, "invalid_argument"),
                ({"stop": ["a"] * 5}, 400, "invalid_argument"),
                ({"stop": ["a" * 21]}, 400, "invalid_argument"),
                ({"reasoning_effort": "max"}, 400, "invalid_argument"),
                ({"messages": [{"role": "user", "content": " "}]}, 400, "invalid_messages"),
                ({"messages": [{"role": "developer", "content": "a"}]}, 400, "invalid_messages"),
                ({"messages": [{"role": "user", "content": "a"}] * 2}, 400, "invalid_messages")]
        for more, status, code in rows:
            with self.subTest(more):
                self.assertEqual(self.refused("wenxin", "", status=status, **more)["code"], code)
        error = self.refused("wenxin", "Rate limit", {"error": "tpm_rate_limit_exceeded"}, 429)
        self.assertEqual(error["code"], "tpm_rate_limit_exceeded")

    # ---- Ark ----

    def test_doubao(self):
        self.client.request("POST", PATHS["doubao"], json.dumps(
            {"model": MODELS["doubao"], "stream": True, "messages": [{"role": "user", "content": "a"}]}),
            {"authorization": "Bearer k"})
        text = self.client.getresponse().read()
        self.assertNotIn(b"data: ", text)
        self.assertTrue(text.endswith(b"data:[DONE]\n\n"))
        self.assertEqual(self.ask("doubao", model="ep-20260101-abc")[0].status, 200)
        for more in ({"thinking": {"type": "disabled"}}, {"model": "doubao-1-5-pro-32k-250115"}):
            message = self.ask("doubao", **more)[1]["choices"][0]["message"]
            self.assertNotIn("reasoning_content", message)

    def test_doubao_refuses(self):
        seed16 = "doubao-seed-1-6-flash-250828"
        rows = [({"model": "nope"}, 404, "InvalidEndpointOrModel.NotFound"),
                ({"thinking": {"type": "auto"}}, 400, "InvalidParameter"),
                ({"max_tokens": 5, "max_completion_tokens": 5}, 400, "InvalidParameter"),
                ({"max_completion_tokens": 65537}, 400, "InvalidParameter"),
                ({"messages": []}, 400, "MissingParameter")]
        for more, status, code in rows:
            with self.subTest(more):
                error = self.refused("doubao", "Request id: 0217", status=status, **more)
                self.assertEqual(error["code"], code)
        self.assertEqual(self.ask("doubao", model=seed16, thinking={"type": "auto"})[0].status, 200)
        error = self.refused("doubao", "trial quota", {"error": "QuotaExceeded"}, 429)
        self.assertEqual(error["type"], "TooManyRequests")

    # ---- Anthropic ----

    def test_anthropic_heads(self):
        self.assertEqual(self.ask("anthropic", headers={"authorization": "Bearer k"}, key="")[0].status,
                         200)
        self.assertEqual(self.ask("anthropic", key="")[1]["error"]["type"], "authentication_error")
        self.refused("anthropic", "anthropic-version", headers={"anthropic-version": "2020-01-01"})
        answer, _ = self.ask("anthropic")
        self.assertTrue(answer.headers["request-id"])
        self.assertEqual(answer.headers["anthropic-ratelimit-requests-limit"], "4000")
        self.assertEqual(self.ask("anthropic", {"error": "overloaded"})[0].status, 529)

    def test_anthropic_versions(self):
        new = {"anthropic-version": "2026-10-21"}
        for name in ("temperature", "top_p", "top_k"):
            self.assertEqual(self.ask("anthropic", **{name: 1})[0].status, 200)
            self.refused("anthropic", f"{name}: Extra inputs are not permitted", headers=new, **{name: 1})

    def test_anthropic_refuses(self):
        user = {"role": "user", "content": "a"}
        sonnet5, opus55 = {"model": "claude-sonnet-5"}, {"model": "claude-opus-5-5"}
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "1"}]}
        use = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "look",
                                                 "input": {}}]}
        manual = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
        tools = {"tools": OWN_TOOLS}
        rows = [
            ("max_tokens: Field required", {"max_tokens": None}),
            ("n: Extra inputs are not permitted", {"n": 1}),
            ("stop: Extra inputs are not permitted", {"stop": "a"}),
            ("max_tokens: 64001 > 64000, which is the maximum", {"max_tokens": 64001}),
            ("Unexpected role \"system\"", {"messages": [{"role": "system", "content": "a"}, user]}),
            ("messages.0.role: Input should be", {"messages": [{"role": "tool", "content": "a"}]}),
            ("first message must use", {"messages": [{"role": "assistant", "content": "a"}, user]}),
            ("does not support assistant message prefill",
             {**sonnet5, "messages": [user, {"role": "assistant", "content": "a"}]}),
            ("messages: text content blocks must be non-empty",
             {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}),
            ("tool_use` ids were found without", {**tools, "messages": [user, use, user]}),
            ("unexpected `tool_use_id` found", {**tools, "messages": [user, result]}),
            ("must define tools", {"messages": [user, use, result]}),
            ("messages.0.content.0.text.foo: Extra inputs are not permitted",
             {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "foo": 1}]}]}),
            ("tools.0.custom.function: Extra inputs",
             {"tools": [{**OWN_TOOLS[0], "function": {}}]}),
            ("tools.0.custom.input_schema.type: Field required",
             {"tools": [{"name": "a", "input_schema": {}}]}),
            ("Input should be 'image/jpeg'", {"messages": [{"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/bmp",
                                             "data": "YQ=="}}]}]}),
            ("Thinking may not be enabled when", {**tools, **manual, "tool_choice": {"type": "any"}}),
            ("tool_choice may only be specified", {"tool_choice": {"type": "auto"}}),
            ("`temperature` may only be set to 1 when", {**manual, "temperature": 0.5}),
            ("`temperature` is deprecated for this model.", {**sonnet5, "temperature": 0.5}),
            ("greater than or equal to 1024", {"thinking": {"type": "enabled", "budget_tokens": 10}}),
            ("`max_tokens` must be greater than",
             {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            ("adaptive thinking is not supported", {"thinking": {"type": "adaptive"}}),
            ('"thinking.type.enabled" is not supported', {**sonnet5, **manual}),
            ('"thinking.type.disabled" is not supported', {**opus55, "thinking": {"type": "disabled"}}),
            ("cannot be combined", {"model": "claude-opus-5", "thinking": {"type": "disabled"},
                                    "output_config": {"effort": "max"}}),
            ('"thinking.type.between_tools" is not', {**sonnet5, "thinking": {"type": "between_tools"}}),
            ("forced tool use is not", {**opus55, **tools, "tool_choice": {"type": "any"}}),
            ("'xhigh' is not supported", {"model": "claude-opus-4-6", "output_config":
                                          {"effort": "xhigh"}}),
            ("does not support the effort", {"output_config": {"effort": "low"}}),
            ("output_config.effort: Input should be", {**sonnet5, "output_config": {"effort": "none"}}),
            ("metadata.a: Extra inputs", {"metadata": {"a": "b"}}),
        ]
        for words, more in rows:
            with self.subTest(words):
                self.assertEqual(self.refused("anthropic", words, **more)["type"],
                                 "invalid_request_error")
        self.refused("anthropic", "model: nope", status=404, model="nope")

    def thought_turns(self, model, thinking, script=None, **more):
        """The conversation up to the result of a call, as the vendor wants it back."""
        first = {"role": "user", "content": "sim:" + json.dumps(
            {"tool_calls": CALLS[:1], "reasoning": "hm so", **(script or {})})}
        more = {"model": model, "thinking": thinking, "tools": OWN_TOOLS, **more}
        value = self.ask("anthropic", messages=[first], **more)[1]
        call = value["content"][-1]
        return [first, {"role": "assistant", "content": value["content"]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"],
                                              "content": "42"}]}], more

    def test_anthropic_thoughts_come_back_unchanged(self):
        manual, adaptive = {"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}
        for model, thinking in (("claude-sonnet-4-5", manual), ("claude-opus-4-6", adaptive),
                                ("claude-opus-5-5", {**adaptive, "display": "summarized"}),
                                ("claude-sonnet-5-5", None)):
            for script in ({}, {"redacted": True}):
                with self.subTest(model, **script):
                    turns, more = self.thought_turns(model, thinking, script)
                    self.assertEqual(self.ask("anthropic", messages=turns, **more)[0].status, 200)
                    self.assert_guarded(turns, more, manual)

    def assert_guarded(self, turns, more, manual):
        block = turns[1]["content"][0]
        member = "signature" if block["type"] == "thinking" else "data"
        kept = dict(block)
        for change in ({member: kept[member][:-4] + "AAAA"}, {member: ""},
                       {"thinking": kept.get("thinking", "") + "!"}):
            if set(change) <= set(block):
                block.update(change)
                self.refused("anthropic", f"messages.1.content.0: Invalid `{member}`", messages=turns,
                             **more)
                block.update(kept)
        if more["model"] == "claude-sonnet-5-5":
            self.refused("anthropic", "bound to a different conversation", messages=turns,
                         system="other", **more)
        del turns[1]["content"][0]
        answer, value = self.ask("anthropic", messages=turns, **more)
        self.assertEqual(answer.status, 400 if more["thinking"] == manual else 200, value)
        if answer.status == 400:
            self.assertIn("Expected `thinking` or `redacted_thinking`, but found `tool_use`",
                          value["error"]["message"])

    def test_anthropic_shows_a_thought_when_asked(self):
        for model, thinking, shown in (
                ("claude-opus-4-6", {"type": "adaptive"}, "let me think"),
                ("claude-opus-4-8", None, None), ("claude-opus-4-8", {"type": "adaptive"}, ""),
                ("claude-opus-5", None, ""),
                ("claude-opus-5", {"type": "adaptive", "display": "summarized"}, "let me think")):
            block = self.ask("anthropic", model=model, thinking=thinking)[1]["content"][0]
            self.assertEqual(block.get("thinking"), shown, (model, thinking))

    def test_anthropic_events(self):
        events = self.ask("anthropic", {"tool_calls": CALLS[1:], "unknown_events": True}, stream=True)[1]
        pieces = [e["delta"]["partial_json"] for e in events if e["type"] == "content_block_delta"]
        self.assertEqual(pieces, [""], "no arguments are an empty text")
        self.assertIn("weather_report", [e["type"] for e in events])
        events = self.ask("anthropic", {"text": "a", "error_after_events": 4}, stream=True)[1]
        self.assertEqual(events[-1], {"type": "error", "error": {"type": "overloaded_error",
                                                                 "message": "Overloaded"}})
        value = self.ask("anthropic", {"text": "", "finish_reason": "refusal"})[1]
        self.assertEqual((value["content"], value["stop_reason"]), ([], "refusal"))

    def test_anthropic_counts_tokens(self):
        self.client.request("POST", "/v1/messages/count_tokens", json.dumps(
            {"model": "claude-opus-5", "system": "x", "messages": [{"role": "user", "content": "a b"}]}),
            {"x-api-key": "k", "anthropic-version": "2023-06-01"})
        self.assertEqual(json.loads(self.client.getresponse().read()), {"input_tokens": 3})

    def test_models(self):
        for path, headers in (("/v2/models", {}), ("/api/v3/models", {}),
                              ("/v1/models", {"anthropic-version": "2023-06-01"})):
            self.client.request("GET", path, headers={"authorization": "Bearer k", **headers})
            answer = self.client.getresponse()
            self.assertTrue(json.loads(answer.read())["data"])


if __name__ == "__main__":
    unittest.main()
