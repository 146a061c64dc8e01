# SPDX-License-Identifier: MIT
"""What DeepSeek does otherwise than OpenAI: https://api-docs.deepseek.com (pages named below)."""
import openai
import said

# https://api-docs.deepseek.com/quick_start/pricing: its models, and which of them takes images.
MODELS = ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp", "deepseek-v4-pro"]
EFFORTS = ("minimal", "low", "medium", "high", "xhigh", "max", "ultra")  # guides/thinking_mode

ROLES = ("system", "user", "assistant", "tool")


def error(message, code="invalid_request_error", kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def thinks(body):
    """guides/thinking_mode: on unless it is switched off."""
    return (body.get("thinking") or {}).get("type", "enabled") == "enabled"


class Dialect(openai.Dialect):
    NAME = "deepseek"
    MODELS = MODELS
    # https://api-docs.deepseek.com/quick_start/error_codes; the form of 401 from users' reports
    ERRORS = {
        "auth": (401, "Authentication Fails, Your api key: ****rong is invalid",
                 "authentication_error", None, "invalid_request_error"),
        "quota": (402, "Insufficient Balance", "unknown_error", None, "invalid_request_error"),
        "rate_limit": (429, "Rate limit reached", "rate_limit_error", None, "rate_limit_exceeded"),
        "server": (500, "The server had an error", "server_error", None, None),
        "overloaded": (503, "Service is too busy. We advise users to temporarily switch to "
                       "alternative LLM API service providers.", "service_unavailable_error", None,
                       "service_unavailable_error"),
        # https://github.com/deepseek-ai/DeepSeek-V2/issues/30
        "filtered": (400, "Content Exists Risk", "invalid_request_error", None,
                     "invalid_request_error"),
    }

    def denied(self):
        if self.key() in ("", "sk-wrong"):
            return self.named("auth", None)
        return None

    def refused(self, body):
        if body["model"] not in MODELS:
            return 400, error("Model Not Exist")
        kind = (body.get("thinking") or {"type": "enabled"}).get("type")
        if kind not in ("enabled", "disabled"):
            return 400, error(f"thinking.type: unknown variant `{kind}`")
        if body.get("reasoning_effort") not in (None, *EFFORTS):
            return 400, error(f"reasoning_effort: unknown variant `{body['reasoning_effort']}`")
        choice = body.get("tool_choice")
        if thinks(body) and (isinstance(choice, dict) or choice == "required"):
            # https://github.com/deepseek-ai/DeepSeek-V3/issues/1376
            return 400, error("Thinking mode does not support this tool_choice")
        for i, message in enumerate(body["messages"]):
            if isinstance(message, dict) and message.get("role") not in ROLES:
                # https://github.com/decolua/9router/issues/773
                return 400, error("Failed to deserialize the JSON body into the target type: "
                                  f"messages[{i}].role: unknown variant `{message.get('role')}`, "
                                  "expected one of `system`, `user`, `assistant`, `tool`")
        for i, j, url in openai.image_urls(body["messages"]):
            # https://github.com/1jehuang/jcode/issues/310 (a model without eyes)
            if body["model"] == "deepseek-v4-pro":
                return 400, error("Failed to deserialize the JSON body into the target type: "
                                  f"messages[{i}]: unknown variant `image_url`, expected `text`")
            if problem := openai.image_problem(url):
                return 400, error(f"messages[{i}].content[{j}]: {problem}")
        return self._loose(body["messages"]) or self._thoughts(body)

    def _loose(self, messages):
        _, missing, loose = openai.loose_calls(messages)
        if missing:  # https://github.com/TurixAI/TuriX-CUA/issues/15
            return 400, error("An assistant message with 'tool_calls' must be followed by tool messages "
                              "responding to each 'tool_call_id'. (insufficient tool messages following "
                              "tool_calls message)")
        if loose is not None:  # https://github.com/qwersyk/Newelle/issues/425
            return 400, error("Messages with role 'tool' must be a response to a preceding message "
                              "with 'tool_calls'")
        return None

    def _thoughts(self, body):
        """guides/thinking_mode, "Tool Calls"."""
        calls = [m for m in body["messages"] if m.get("role") == "assistant" and m.get("tool_calls")]
        if thinks(body) and not all(m.get("reasoning_content") for m in calls):
            return 400, error("The reasoning_content in the thinking mode must be passed back to "
                              "the API.")
        return None

    def too_long(self, body, count):  # https://github.com/BerriAI/litellm/issues/10431
        return 400, error(
            f"This model's maximum context length is {self.window} tokens. However, you requested "
            f"{count} tokens ({count} in the messages, 0 in the completion). Please reduce the length "
            "of the messages or completion.")

    def busy_bytes(self, streams):  # quick_start/rate_limit
        return b": keep-alive\n\n" if streams else b"\n"

    def headers(self, status):  # no rate headers: none are documented
        return {"x-ds-trace-id": self.request_id}

    def completion(self, body, script):
        return Completion(self, body, script)


class Completion(openai.Completion):
    ID = "sim-ds-%08d"

    def thinks(self):
        return said.THOUGHT if thinks(self.body) else None

    def hides(self):
        return False

    def envelope(self, kind):
        envelope = super().envelope(kind)
        del envelope["service_tier"]
        return envelope

    def usage(self):
        """api/create-chat-completion. The same prompt is half in the cache, always."""
        prompt, answer, thought = self.counted()
        hit = self.script.get("cached", prompt // 2)
        return {"prompt_tokens": prompt, "completion_tokens": answer + thought,
                "total_tokens": prompt + answer + thought,
                "prompt_tokens_details": {"cached_tokens": hit},
                "completion_tokens_details": {"reasoning_tokens": thought},
                "prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": prompt - hit}
