# SPDX-License-Identifier: MIT
"""The shapes of OpenAI's Chat Completions API: whole answers, stream chunks, errors, models."""
import itertools
import re
import time

import deepseek
from script import last_user_text, text_of

MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "sim-1", *deepseek.MODELS]
UNKNOWN_MODEL = "sim-unknown"
_ids = itertools.count(1)


def error(message, kind="invalid_request_error", param=None, code=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


ERRORS_BY_STATUS = {
    400: ("the request is not good", "invalid_request_error", None),
    401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    402: ("Insufficient Balance", "unknown_error", "invalid_request_error"),
    403: ("Country, region, or territory not supported", "invalid_request_error",
          "unsupported_country_region_territory"),
    404: ("The model does not exist", "invalid_request_error", "model_not_found"),
    422: ("Failed to deserialize the JSON body", "invalid_request_error", "invalid_request_error"),
    429: ("Rate limit reached", "rate_limit_error", "rate_limit_exceeded"),
    500: ("The server had an error", "server_error", None),
    503: ("The engine is overloaded", "service_unavailable_error", "server_is_overloaded"),
}


def scripted_error(script):
    message, kind, code = ERRORS_BY_STATUS.get(script["status"], ("scripted", "server_error", None))
    answer = error(message, kind, None, code)
    answer["error"].update(script.get("error", {}))
    return answer


def model(name):
    return {"id": name, "object": "model", "created": 1715367049, "owned_by": "sim"}


def words(text):
    return len(text.split())


class Completion:
    """What one request is answered with; whole() and chunks() say the same in two forms."""

    def __init__(self, body, script):
        self.body = body
        self.script = script
        self.count = body.get("n") or 1
        self.id = f"chatcmpl-sim{next(_ids):08d}"
        self.created = int(time.time())
        self.tool = self._tool()
        self.text = None if self.tool else self._text()
        self.is_deepseek = deepseek.is_its(body)
        self.thought = script.get("reasoning")
        if self.is_deepseek:
            self.thought = (self.thought or deepseek.THOUGHT) if deepseek.thinks(body) else None

    def _tool(self):
        wanted = self.script.get("tool_call") or self.body.get("tool_choice") == "required"
        if not wanted:
            return None
        tools = self.body.get("tools") or []
        name = tools[0]["function"]["name"] if tools else "get_weather"
        return {"id": f"call_sim{self.id[-8:]}", "type": "function",
                "function": {"name": name, "arguments": '{"city":"Paris","unit":"celsius"}'}}

    def _text(self):
        if "text" in self.script:
            return self.script["text"]
        if "events" in self.script:
            return "".join(self.pieces())
        last = self.body["messages"][-1]
        if isinstance(last, dict) and last.get("role") == "tool":
            return "the tool said: " + text_of(last.get("content"))
        return "" if self.script else last_user_text(self.body)

    def pieces(self):
        """The content as a stream delivers it."""
        if "events" in self.script:
            size = self.script.get("event_bytes", 8)
            return [f"{i:06d} ".ljust(size, "x")[:size] for i in range(self.script["events"])]
        return re.findall(r"\s*\S+\s*$|\s*\S+|\s+$", self.text)

    def usage(self):
        prompt = sum(words(text_of(m.get("content"))) for m in self.body["messages"]
                     if isinstance(m, dict))
        said = self.tool["function"]["arguments"] if self.tool else self.text
        completion = words(said) * self.count
        if self.is_deepseek:
            return {**deepseek.usage(prompt, completion, words(self.thought or "")),
                    **self.script.get("usage", {})}
        usage = {"prompt_tokens": prompt, "completion_tokens": completion,
                 "total_tokens": prompt + completion,
                 "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                 "completion_tokens_details": {
                     "reasoning_tokens": 0, "audio_tokens": 0,
                     "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}
        usage.update(self.script.get("usage", {}))
        return usage

    def finish_reason(self):
        return self.script.get("finish_reason", "tool_calls" if self.tool else "stop")

    def _envelope(self, kind):
        envelope = {"id": self.id, "object": kind, "created": self.created,
                    "model": self.script.get("model", self.body["model"]),
                    "service_tier": self.script.get("service_tier", "default"),
                    "system_fingerprint": "fp_sim"}
        if self.is_deepseek:
            del envelope["service_tier"]
        return envelope

    def whole(self):
        message = {"role": "assistant", "content": self.text, "refusal": None, "annotations": []}
        if self.thought:
            message["reasoning_content"] = self.thought
        if self.tool:
            message["tool_calls"] = [self.tool]
        answer = self._envelope("chat.completion")
        answer["choices"] = [{"index": i, "message": message, "logprobs": None,
                              "finish_reason": self.finish_reason()} for i in range(self.count)]
        if not self.script.get("no_usage"):
            answer["usage"] = self.usage()
        return answer

    def includes_usage(self):
        options = self.body.get("stream_options") or {}
        return bool(options.get("include_usage")) and not self.script.get("no_usage")

    def chunk(self, index, delta, finish_reason=None):
        chunk = self._envelope("chat.completion.chunk")
        chunk["choices"] = [{"index": index, "delta": delta, "logprobs": None,
                             "finish_reason": finish_reason}]
        if self.includes_usage():
            chunk["usage"] = None
        return chunk

    def chunks(self):
        """Yields (pause before it in ms, chunk): role, content, finish, usage if asked for."""
        for i in range(self.count):
            yield 0, self.chunk(i, {"role": "assistant", "content": None if self.tool else "",
                                    "refusal": None})
        yield from self._content()
        if "n2_gap_ms" in self.script:
            yield from self._long_choice_1()
        elif not self.script.get("no_finish"):
            for i in range(self.count):
                yield 0, self.chunk(i, {}, self.finish_reason())
        if self.includes_usage():
            last = self._envelope("chat.completion.chunk")
            last.update(choices=[], usage=self.usage())
            yield 0, last

    def _content(self):
        delay = self.script.get("delay_ms", 0)
        for piece in re.findall(r"\s*\S+", self.thought or ""):
            for i in range(self.count):
                yield delay, self.chunk(i, {"content": None, "reasoning_content": piece})
        if self.tool:
            yield from self._tool_pieces(delay)
            return
        for piece in self.pieces():
            for i in range(self.count):
                yield (delay if i == 0 else 0), self.chunk(i, {"content": piece})

    def _tool_pieces(self, delay):
        arguments = self.tool["function"]["arguments"]
        first = {"index": 0, **self.tool,
                 "function": {"name": self.tool["function"]["name"], "arguments": ""}}
        for i in range(self.count):
            yield delay, self.chunk(i, {"tool_calls": [first]})
            for at in range(0, len(arguments), 7):
                piece = {"index": 0, "function": {"arguments": arguments[at:at + 7]}}
                yield delay, self.chunk(i, {"tool_calls": [piece]})

    def _long_choice_1(self):
        """Choice 0 ends; choice 1 goes on evenly for n2_gap_ms and n2_filler_bytes."""
        step_ms = 20
        steps = max(1, self.script["n2_gap_ms"] // step_ms)
        size = max(1, self.script.get("n2_filler_bytes", 0) // steps)
        yield 0, self.chunk(0, {}, self.finish_reason())
        for _ in range(steps):
            yield step_ms, self.chunk(1, {"content": "y" * size})
        yield 0, self.chunk(1, {}, self.finish_reason())
