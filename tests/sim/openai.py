# SPDX-License-Identifier: MIT
"""OpenAI's Chat Completions API; the other vendors that speak it begin here and differ.

What is said of the API: the vendor's own Python SDK 3.52.0 (types of requests, answers and chunks)
and https://platform.openai.com/docs/guides/error-codes. The words of a refusal stand in no document;
where they are known from users' reports the line names one.
"""
import base64
import binascii
import re
import time

import said
from script import text_of

# Members of a request (SDK: CompletionCreateParams).
MEMBERS = set(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs "
    "max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls "
    "prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention "
    "reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options".split())
IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def error(message, kind="invalid_request_error", param=None, code=None):
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def image_problem(url):
    """What is wrong with the address of an image; None when nothing is."""
    if not isinstance(url, str):
        return "no text"
    if re.match(r"https?://[^/]+", url):
        return None
    found = re.fullmatch(r"data:([a-z/+.-]+);base64,(.*)", url, re.DOTALL)
    if not found:
        return "neither a web address nor a data URL"
    if found.group(1) not in IMAGE_TYPES:
        return f"{found.group(1)} is no type of image that is taken"
    try:
        return None if base64.b64decode(found.group(2), validate=True) else "empty"
    except binascii.Error:
        return "not base64"


def image_urls(messages):
    """(index of the message, index of the part, address)"""
    for i, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        for j, part in enumerate(content if isinstance(content, list) else []):
            if isinstance(part, dict) and part.get("type") == "image_url":
                image = part.get("image_url")
                yield i, j, image.get("url") if isinstance(image, dict) else None


PARTS = {"text": "text", "image_url": "image_url", "input_audio": "input_audio", "file": "file",
         "refusal": "refusal"}  # type: the member that it must have (SDK)


def part_problem(messages):
    """(message, part, what is wrong) of the first part that is none."""
    for i, message in enumerate(messages):
        content = message.get("content") if isinstance(message, dict) else None
        for j, part in enumerate(content if isinstance(content, list) else []):
            form = part.get("type") if isinstance(part, dict) else None
            if form not in PARTS:
                return i, j, f"'{form}' is no type of a part"
            if PARTS[form] not in part or form == "text" and not isinstance(part["text"], str):
                return i, j, f"a part of type '{form}' without '{PARTS[form]}'"
    return None


def loose_calls(messages):
    """Calls and results belong to each other, the results right after: (index of a message with calls
    or None, ids without a result; index of a result without a call or None)."""
    waiting, since, results = [], None, []
    for i, message in enumerate([*messages, {}]):
        if not isinstance(message, dict):
            continue
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in results:
                return None, [], i
            waiting = [x for x in waiting if x != message["tool_call_id"]]
            continue
        if waiting:
            return since, waiting, None
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        waiting = results = [c.get("id") for c in calls or [] if isinstance(c, dict)]
        since = i
    return None, [], None


class Dialect:
    """One vendor. A problem is (status, body of the answer)."""

    NAME = "openai"
    PREFIX = b"data: "
    DONE = b"[DONE]"
    HALF = (None, b'{"id":"chatcmpl-sim","object":"chat.comp')
    MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-5", "gpt-5-mini", "gpt-5-nano",
              "gpt-5.1", "gpt-5.2", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.5", "gpt-5.6",
              "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-6-astra", "gpt-6-sol", "gpt-6-luna",
              "gpt-6.1-sol", "gpt-6.1-terra", "o3", "sim-1"]
    UNKNOWN_MODEL = "sim-unknown"  # the one name that is none: a compatible server may have any

    # name: (status, message, type, param, code). SDK: APIStatusError; guides/error-codes. The names
    # that all dialects have: server, auth, rate_limit, quota, overloaded, filtered, too_long.
    ERRORS = {
        "auth": (401, "Incorrect API key provided.", "invalid_request_error", None, "invalid_api_key"),
        "region": (403, "Country, region, or territory not supported", "invalid_request_error", None,
                   "unsupported_country_region_territory"),
        "rate_limit": (429, "Rate limit reached", "rate_limit_error", None, "rate_limit_exceeded"),
        "slow_down": (429, "Slow down", "rate_limit_error", None, "slow_down"),
        "quota": (429, "You exceeded your current quota, please check your plan and billing details.",
                  "insufficient_quota", None, "insufficient_quota"),
        **{code: (429, "You have no credit left.", "insufficient_quota", None, code)
           for code in ("credit_balance_exhausted", "organization_spend_limit_exceeded",
                        "project_spend_limit_exceeded", "organization_usage_limit_exceeded")},
        "server": (500, "The server had an error", "server_error", None, None),
        "overloaded": (503, "The engine is overloaded", "service_unavailable_error", None,
                       "server_is_overloaded"),
        # https://github.com/alan-turing-institute/t0-1/issues/69
        "filtered": (400, "Invalid prompt: your prompt was flagged as potentially violating our usage "
                     "policy. Please try again with a different prompt.", "invalid_request_error", None,
                     "invalid_prompt"),
    }
    BY_STATUS = {400: ("the request is not good", "invalid_request_error", None),
                 401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
                 402: ("Insufficient Balance", "unknown_error", "invalid_request_error"),
                 403: ("Country, region, or territory not supported", "invalid_request_error",
                       "unsupported_country_region_territory"),
                 404: ("The model does not exist", "invalid_request_error", "model_not_found"),
                 422: ("Failed to deserialize the JSON body", "invalid_request_error",
                       "invalid_request_error"),
                 429: ("Rate limit reached", "rate_limit_error", "rate_limit_exceeded"),
                 500: ("The server had an error", "server_error", None),
                 503: ("The engine is overloaded", "service_unavailable_error",
                       "server_is_overloaded")}

    def __init__(self, request, window):
        self.request = request
        self.window = window  # words that a prompt may have
        self.request_id = f"req_sim{said.number():08d}"

    # ---- Refusals ----

    def key(self):
        kind, _, key = self.request.headers.get("authorization", "").partition(" ")
        return key.strip() if kind.lower() == "bearer" else ""

    def denied(self):
        if not self.key():
            return 401, error("You didn't provide an API key.")
        if self.key() == "sk-wrong":
            return 401, error("Incorrect API key provided: sk-wrong.", code="invalid_api_key")
        return None

    def broken(self, message, param=None, code=None):
        """What is refused before any vendor's rule: no JSON, no object, a script that is wrong."""
        return 400, error(message, param=param, code=code)

    def check(self, body):
        if not isinstance(body, dict):
            return self.broken("the body is not an object")
        if not isinstance(body.get("model"), str):
            return self.broken("you must provide a model parameter", "model")
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            return self.broken("Missing required parameter: 'messages'.", "messages",
                               "missing_required_parameter")
        if found := part_problem(body["messages"]):
            i, j, problem = found
            return self.broken(f"Invalid value: {problem}.", f"messages[{i}].content[{j}]",
                               "invalid_value")
        return self.refused(body) or self._length(body)

    def _length(self, body):
        count = said.prompt_words(body["messages"])
        return self.too_long(body, count) if count > self.window else None

    def too_long(self, body, count):
        if reasons(body["model"]):  # https://github.com/cline/cline/issues/5474
            message = (f"Input tokens exceed the configured limit of {self.window} tokens. Your "
                       f"messages resulted in {count} tokens. Please reduce the length of the messages.")
        else:  # https://github.com/Nutlope/aicommits/issues/259
            message = (f"This model's maximum context length is {self.window} tokens. However, your "
                       f"messages resulted in {count} tokens. Please reduce the length of the messages.")
        return 400, error(message, param="messages", code="context_length_exceeded")

    def refused(self, body):
        """This vendor's own rules."""
        if body["model"] == self.UNKNOWN_MODEL:
            return 404, error(f"The model `{body['model']}` does not exist", param="model",
                              code="model_not_found")
        count = body.get("n")
        if count is not None and (type(count) is not int or not 1 <= count <= 128):
            return self.broken(f"Invalid value for 'n': {count!r} is no integer from 1 to 128.",
                               "n", "invalid_value")
        if body.get("stream_options") and not body.get("stream"):
            return self.broken("The 'stream_options' parameter is only allowed when 'stream' is "
                               "enabled.", "stream_options")
        for i, j, url in image_urls(body["messages"]):
            if problem := image_problem(url):
                return self.broken(f"Invalid image: {problem}.", f"messages[{i}].content[{j}]",
                                   "invalid_image_url")
        if body["model"].startswith("kimi-"):
            return self._thoughts(body)
        if body["model"] not in self.MODELS[:-1]:
            return None
        return self._loose(body["messages"]) or self._foreign(body)

    def _loose(self, messages):
        at, missing, loose = loose_calls(messages)
        if missing:  # https://github.com/RamiAwar/dataline/issues/172
            return self.broken("An assistant message with 'tool_calls' must be followed by tool messages "
                               "responding to each 'tool_call_id'. The following tool_call_ids did not "
                               f"have response messages: {', '.join(map(str, missing))}",
                               f"messages.[{at}].role")
        if loose is not None:
            return self.broken("Invalid parameter: messages with role 'tool' must be a response to a "
                               "preceeding message with 'tool_calls'.", f"messages.[{loose}].role")
        return None

    def _thoughts(self, body):
        """Moonshot's, which think unless told not to: plugins/openai/presets.json, "moonshot"; the words
        are those that https://www.librechat.ai/docs/configuration/librechat_yaml/ai_endpoints/moonshot
        has, second-hand."""
        thinking = body.get("thinking")
        if isinstance(thinking, dict) and thinking.get("type") == "disabled":
            return None
        for i, message in enumerate(body["messages"]):
            if (isinstance(message, dict) and message.get("tool_calls")
                    and not isinstance(message.get("reasoning_content"), str)):
                return self.broken("thinking is enabled but reasoning_content is missing in assistant "
                                   f"tool call message at index {i}")
        return None

    def _foreign(self, body):
        """Of the vendor's own models only: a compatible server has members of its own."""
        for name in body:
            # https://github.com/nashsu/llm_wiki/issues/336 and, for a model that does not reason,
            # https://github.com/davidmigloz/langchain_dart/issues/712
            if name in FOREIGN or name == "reasoning_effort" and not reasons(body["model"]):
                return self.broken(f"Unrecognized request argument supplied: {name}")
        if not reasons(body["model"]):
            return None
        if body.get("max_tokens") is not None:  # https://github.com/fish2018/YPrompt/issues/26
            return self.broken("Unsupported parameter: 'max_tokens' is not supported with this model. "
                               "Use 'max_completion_tokens' instead.", "max_tokens",
                               "unsupported_parameter")
        return self._effort(body)

    def _effort(self, body):
        model, asked = body["model"], body.get("reasoning_effort")
        taken, _, tools = efforts_of(model)
        if asked is not None and asked not in taken:  # the form: github.com/Kilo-Org/cloud/pull/3807
            return self.broken(f"Unsupported value: 'reasoning_effort' does not support '{asked}' with "
                               f"this model. Supported values are: {', '.join(map(repr, taken))}.",
                               "reasoning_effort", "unsupported_value")
        if effort_of(body) == "none":
            return None
        if body.get("tools") and not tools:  # https://github.com/BerriAI/litellm/pull/34569
            return self.broken(f"Function tools with reasoning_effort are not supported for {model} in "
                               "/v1/chat/completions. To use function tools, use /v1/responses or set "
                               "reasoning_effort to 'none'.", "reasoning_effort")
        if body.get("temperature") not in (None, 1):  # github.com/diffbot/code-gpt-docs/issues/445
            return self.broken(f"Unsupported value: 'temperature' does not support "
                               f"{body['temperature']} with this model. Only the default (1) value is "
                               "supported.", "temperature", "unsupported_value")
        return None

    # ---- Scripted errors ----

    def scripted(self, script):
        """(status, body) of `status` and `error`."""
        wanted = script.get("error", {})
        if isinstance(wanted, str):
            return self.named(wanted, script.get("status"))
        message, kind, code = self.BY_STATUS.get(script["status"], ("scripted", "server_error", None))
        answer = error(message, kind, None, code)
        answer["error"].update(wanted)
        return script["status"], answer

    def named(self, name, status):
        if name == "too_long":
            return self.too_long({"model": "gpt-5"}, self.window + 1)
        if name not in self.ERRORS:
            return self.unknown_name(name)
        own, message, kind, param, code = self.ERRORS[name]
        return status or own, error(message, kind, param, code)

    def unknown_name(self, name):
        return self.broken(f"script: {self.NAME} has no error '{name}': it has "
                           f"{', '.join(sorted(self.ERRORS))}", "x-sim-script", "bad_script")

    def event_of_error(self, script):
        """The error that stands in the middle of a stream: (event name, value)."""
        return None, self.scripted({"status": 500, **script})[1]

    def error_headers(self, status):
        return {}

    def keep_alive(self, end):
        return b": keep-alive" + end + end

    def busy_bytes(self, streams):
        """What comes again and again while the vendor is busy; nothing: it is silent."""
        return b""

    # ---- Other answers ----

    def headers(self, status):  # SDK: the x-ratelimit headers' reset is a duration
        return {"x-request-id": self.request_id, "openai-processing-ms": "1",
                "openai-version": "2020-10-01", "x-ratelimit-limit-requests": "10000",
                "x-ratelimit-remaining-requests": "9999", "x-ratelimit-reset-requests": "6ms",
                "x-ratelimit-limit-tokens": "2000000", "x-ratelimit-remaining-tokens": "1999000",
                "x-ratelimit-reset-tokens": "120ms"}

    def models(self):
        return {"object": "list", "data": [self.model(m) for m in self.listed()]}

    def listed(self):
        return self.MODELS

    def model(self, name):
        return {"id": name, "object": "model", "created": 1715367049, "owned_by": "sim"}

    def no_model(self, name):
        return 404, error(f"The model '{name}' does not exist", param="model", code="model_not_found")

    def not_found(self, method, path):
        return 404, error(f"Invalid URL ({method} {path})")

    def completion(self, body, script):
        return Completion(self, body, script)


FOREIGN = {"thinking", "enable_thinking", "thinking_budget", "penalty_score", "repetition_penalty",
           "top_k", "web_search", "system", "stop_sequences", "max_output_tokens"}


LOW, HIGH = ["low", "medium", "high"], ["low", "medium", "high", "xhigh"]
# Which efforts a model takes, which it has unasked, and whether it takes function tools beside one.
# Guide to reasoning and the description of `reasoning_effort` in OpenAI's OpenAPI document; younger
# models second-hand (LiteLLM 1.109.1). The first that fits.
EFFORTS = [("gpt-5.1", ["none", *LOW], "none", True), ("gpt-5.2", ["none", *HIGH], "none", False),
           ("gpt-5.4", ["none", *HIGH], "none", False), ("gpt-5.5", ["none", *HIGH], "medium", False),
           ("gpt-5.6", ["none", *HIGH], "medium", False), ("gpt-5", ["minimal", *LOW], "medium", True),
           ("gpt-6-astra", HIGH, "medium", False), ("gpt-6.1-sol", [*HIGH, "max"], "medium", False),
           ("gpt-6", ["none", *HIGH, "max"], "medium", False), ("o", LOW, "medium", True)]
YOUNGER = (["none", *HIGH, "max"], "medium", False)  # of a generation that is not in the table yet


def reasons(model):
    return bool(re.match(r"gpt-[5-9]|o[1-9]", model))


def efforts_of(model):
    return next((row[1:] for row in EFFORTS if model.startswith(row[0])), YOUNGER)


def effort_of(body):
    return body.get("reasoning_effort") or efforts_of(body["model"])[1]


class Completion:
    """What one request is answered with; whole() and events() say the same in two forms."""

    ID = "chatcmpl-sim%08d"
    CALL_ID = "call_sim%08d%d"

    def __init__(self, dialect, body, script):
        self.dialect = dialect
        self.body = body
        self.script = script
        self.count = body.get("n") or 1
        self.number = said.number()
        self.id = self.ID % self.number
        self.created = int(time.time())
        self.thinking = self.thinks()
        self.said = said.Said(body, script, self._tools(), body.get("tool_choice") == "required",
                              self._results(), self.thinking)

    def _tools(self):
        return [t["function"]["name"] for t in self.body.get("tools") or []]

    def _results(self):
        """The texts of the tool messages at the end."""
        texts = []
        for message in reversed(self.body["messages"]):
            if not isinstance(message, dict) or message.get("role") != "tool":
                break
            texts.insert(0, text_of(message.get("content")))
        return texts

    # ---- What differs between the vendors ----

    def thinks(self):
        """The text that is thought unless the script has another; None: it does not think. Any
        model but OpenAI's own may be on a compatible server, which thinks if the script says so."""
        if self.hides():
            return said.THOUGHT if effort_of(self.body) != "none" else None
        return self.script.get("reasoning")

    def hides(self):
        """OpenAI shows how much was thought, not what (SDK: no such member)."""
        return reasons(self.body["model"])

    def usage(self):
        prompt, answer, thought = self.counted()
        return {"prompt_tokens": prompt, "completion_tokens": answer + thought,
                "total_tokens": prompt + answer + thought,
                "prompt_tokens_details": {"cached_tokens": self.script.get("cached", 0),
                                          "cache_write_tokens": self.script.get("cache_write", 0),
                                          "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": thought, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}

    def envelope(self, kind):
        return {"id": self.id, "object": kind, "created": self.created,
                "model": self.script.get("model", self.body["model"]),
                "service_tier": self.script.get("service_tier", "default"),
                "system_fingerprint": "fp_sim"}

    def message(self):
        return {"role": "assistant", "content": self.said.text, "refusal": None, "annotations": []}

    def choice(self, index, member, value, finish_reason):
        return {"index": index, member: value, "logprobs": None, "finish_reason": finish_reason}

    def first_delta(self):
        return {"role": "assistant", "content": None if self.said.calls else "", "refusal": None}

    def thought_delta(self, piece):
        return {"content": None, "reasoning_content": piece}

    # ---- What is common ----

    def counted(self):
        """Words of the prompt, of the answer, of the thought."""
        return (said.prompt_words(self.body["messages"]), self.said.words() * self.count,
                said.words(self.said.thought) * self.count)

    def all_usage(self):
        return {**self.usage(), **self.script.get("usage", {})}

    def finish_reason(self):
        return self.script.get("finish_reason", "tool_calls" if self.said.calls else "stop")

    def calls(self):
        return [{"id": self.CALL_ID % (self.number, i), "type": "function",
                 "function": {"name": name, "arguments": arguments}}
                for i, (name, arguments) in enumerate(self.said.calls)]

    def whole(self):
        message = self.message()
        if self.said.thought and not self.hides():
            message["reasoning_content"] = self.said.thought
        if self.said.calls:
            message["tool_calls"] = self.calls()
        answer = self.envelope("chat.completion")
        answer["choices"] = [self.choice(i, "message", message, self.finish_reason())
                             for i in range(self.count)]
        if not self.script.get("no_usage"):
            answer["usage"] = self.all_usage()
        return answer

    def includes_usage(self):
        options = self.body.get("stream_options") or {}
        return bool(options.get("include_usage")) and not self.script.get("no_usage")

    def chunk(self, index, delta, finish_reason=None):
        chunk = self.envelope("chat.completion.chunk")
        chunk["choices"] = [self.choice(index, "delta", delta, finish_reason)]
        if self.includes_usage():
            chunk["usage"] = None
        return chunk

    def events(self):
        """(pause before it in ms, no name, value)"""
        for pause_ms, chunk in self.chunks():
            yield pause_ms, None, chunk

    def chunks(self):
        """(pause before it in ms, chunk): role, thought, content, finish, usage if asked for."""
        if first := self.first_delta():
            for i in range(self.count):
                yield 0, self.chunk(i, first)
        yield from self._content()
        if "n2_gap_ms" in self.script:
            yield from self._long_choice_1()
        elif not self.script.get("no_finish"):
            for i in range(self.count):
                yield 0, self.chunk(i, self.last_delta(), self.finish_reason())
        if self.includes_usage():
            last = self.envelope("chat.completion.chunk")
            last.update(choices=[], usage=self.all_usage())
            yield 0, last

    def last_delta(self):
        return {}

    def _content(self):
        delay = self.script.get("delay_ms", 0)
        shown = "" if self.hides() else self.said.thought or ""
        for piece in re.findall(r"\s*\S+", shown):
            for i in range(self.count):
                yield delay, self.chunk(i, self.thought_delta(piece))
        for piece in self.said.text_pieces():
            for i in range(self.count):
                yield (delay if i == 0 else 0), self.chunk(i, {"content": piece})
        for i in range(self.count):
            yield from self._call_chunks(i, delay)

    def _call_chunks(self, choice, delay):
        begun = set()
        for at, piece in self.said.call_pieces():
            call = {"index": at, "function": {"arguments": piece}}
            if at not in begun:
                begun.add(at)
                whole = self.calls()[at]
                call = {"index": at, **whole,
                        "function": {"name": whole["function"]["name"], "arguments": piece}}
            yield delay, self.chunk(choice, {"tool_calls": [call]})

    def _long_choice_1(self):
        """Choice 0 ends; choice 1 goes on evenly for n2_gap_ms and n2_filler_bytes."""
        step_ms = 20
        steps = max(1, self.script["n2_gap_ms"] // step_ms)
        size = max(1, self.script.get("n2_filler_bytes", 0) // steps)
        yield 0, self.chunk(0, {}, self.finish_reason())
        for _ in range(steps):
            yield step_ms, self.chunk(1, {"content": "y" * size})
        yield 0, self.chunk(1, {}, self.finish_reason())
