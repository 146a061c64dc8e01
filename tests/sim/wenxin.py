# SPDX-License-Identifier: MIT
"""Baidu Qianfan's v2 API (Wenxin, ERNIE), below /v2.

API: https://cloud.baidu.com/doc/qianfan-api/s/3m7of64lb; thinking:
https://cloud.baidu.com/doc/qianfan-docs/s/Wm95lyynv; errors: https://cloud.baidu.com/doc/qianfan-api/s/Om9b4yj3w.
Where that page gives a code without words, or was not to be had whole, the words and the type here
are made up and only status and code are the vendor's.
"""
import openai
import said

# Names of models, and which of them take images (second-hand: lists of clients of Qianfan).
MODELS = {"ernie-5.5-flash-preview": False, "ernie-5.1": False, "ernie-x1.1-preview": False,
          "ernie-x1-turbo-32k": False, "ernie-speed-pro-128k": False, "ernie-speed-128k": False,
          "ernie-speed-8k": False, "ernie-lite-8k": False, "ernie-lite-pro-128k": False,
          "ernie-tiny-8k": False, "ernie-4.0-turbo-8k": False, "deepseek-v4-pro": False,
          "ernie-5.0-thinking-preview": True, "ernie-5.0-thinking-latest": True}
OFFLINE = ("ernie-5.0", "ernie-4.5-turbo-128k", "ernie-4.5-turbo-32k", "ernie-4.5-turbo-vl")
ALWAYS_THINK = ("ernie-x1", "ernie-5.0-thinking")  # X1 has no switch; the other's default is on
X1_TURBO_LACKS = ("penalty_score", "seed", "stop", "response_format")

LIMITS = ("rpm", "tpm", "input_tpm", "output_tpm", "preemptible_rpm", "preemptible_tpm", "user",
          "user_rpm", "user_tpm", "cluster", "cluster_rpm", "cluster_tpm")


class Dialect(openai.Dialect):
    NAME = "wenxin"
    # name: (status, message, type, code)
    TABLE = {
        "malformed_json": (400, "Invalid Argument", "invalid_request_error", None),
        "invalid_model": (400, "model is empty", "invalid_request_error", None),
        "invalid_messages": (400, "the messages are not valid", "invalid_request_error", None),
        "characters_too_long": (400, "the max input characters is 2000", "invalid_request_error", None),
        "tokens_too_long": (400, "Prompt tokens too long", "invalid_request_error", None),
        "invalid_argument": (400, "an argument is not valid", "invalid_request_error", None),
        "image_url_unsafe": (400, "the content of image_url.url is invalid", "unsafe_request", None),
        "no_parameter_permission": (401, "no permission for this parameter", "access_denied", None),
        "invalid_appid": (401, "No permission to use the appid", "access_denied", None),
        "invalid_iam_token": (401, "IAM Certification failed", "access_denied", None),
        "system_unsafe": (403, "the content of system field is invalid", "unsafe_request", None),
        "user_setting_unsafe": (403, "the content of user field is invalid", "unsafe_request", None),
        "functions_unsafe": (403, "the content of functions field is invalid", "unsafe_request", None),
        "account_overdue": (403, "the account has overdue bills", "access_denied", None),
        "model_offline": (403, "the model is offline", "access_denied", None),
        **{limit + "_rate_limit_exceeded": (429, f"Rate limit reached for {limit.upper()}",
                                            "rate_limit_exceeded", None) for limit in LIMITS},
        "internal_error": (500, "Internal error", "server_error", None),
        "dispatch_internal_error": (500, "Internal error", "server_error", None),
        # The names that all dialects have
        "server": (500, "Internal error", "server_error", "internal_error"),
        "auth": (401, "IAM Certification failed", "access_denied", "invalid_iam_token"),
        "rate_limit": (429, "Rate limit reached for RPM", "rate_limit_exceeded",
                       "rpm_rate_limit_exceeded"),
        "quota": (403, "the account has overdue bills", "access_denied", "account_overdue"),
        "overloaded": (429, "Rate limit reached for CLUSTER", "rate_limit_exceeded",
                       "cluster_rate_limit_exceeded"),
        "filtered": (403, "the content of system field is invalid", "unsafe_request",
                     "system_unsafe"),
    }
    ERRORS = TABLE
    BY_STATUS_NAME = {400: "invalid_argument", 401: "invalid_iam_token", 403: "account_overdue",
                      429: "rpm_rate_limit_exceeded", 500: "internal_error"}

    def error(self, code, message=None, status=None, kind=None):
        own, words, own_kind, _ = self.TABLE.get(code, (400, code, "invalid_request_error", None))
        return status or own, {"error": {"code": code, "message": message or words,
                                         "type": kind or own_kind}, "id": self.request_id}

    def __init__(self, request, window):
        super().__init__(request, window)
        self.request_id = f"as-sim{said.number():07d}"

    def denied(self):
        return self.error("invalid_iam_token") if self.key() in ("", "sk-wrong") else None

    def broken(self, message, param=None, code=None):
        if param == "model":
            return self.error("invalid_model")
        return self.error("invalid_messages" if param == "messages" else "malformed_json"
                          if "JSON" in message else "invalid_argument", message)

    def refused(self, body):
        model = body["model"]
        if model in OFFLINE:
            return self.error("model_offline")
        if model not in MODELS:  # the status from the table, the words second-hand
            return self.error("invalid_model", "The model does not exist or you do not have access "
                              "to it.", 401)
        for i, j, url in openai.image_urls(body["messages"]):
            problem = openai.image_problem(url) if MODELS[model] else "the model takes no images"
            if problem:
                return self.error("invalid_messages", f"messages[{i}].content[{j}]: {problem}")
        return self._messages(body["messages"]) or self._arguments(body)

    def _order(self, roles):
        """The rules of page 3m7of64lb on `messages`."""
        if roles[0] not in ("user", "system"):
            return "the role of the first message must be user or system"
        # Of X1 Turbo it says user alone, which leaves no room for the result of a call.
        if roles[-1] not in ("user", "tool"):
            return "the role of the last message must be user or tool"
        turns = roles[1:] if roles[0] == "system" else roles
        for before, role in zip([None, *turns], turns):
            if role == before != "tool" or role == "system":
                return "the roles of messages must alternate"
        return None

    def _messages(self, messages):
        roles = [m.get("role") if isinstance(m, dict) else None for m in messages]
        if problem := self._order(roles):
            return self.error("invalid_messages", problem)
        for i, message in enumerate(messages):
            if not isinstance(message, dict) or message.get("role") not in (
                    "system", "user", "assistant", "tool"):
                return self.error("invalid_messages", f"messages[{i}].role is invalid")
            blank = not said.words(openai.text_of(message.get("content")))
            seen = any(True for at, _, _ in openai.image_urls(messages) if at == i)
            if blank and not message.get("tool_calls") and not seen:
                return self.error("invalid_messages", f"messages[{i}].content can not be empty")
        return None

    def _arguments(self, body):
        if body["model"].startswith("ernie-x1-turbo"):
            for name in X1_TURBO_LACKS:
                if body.get(name) is not None:
                    return self.error("invalid_argument", f"{name} is not supported by this model")
        stop = body.get("stop") or []
        if isinstance(stop, list) and (len(stop) > 4 or any(len(s) > 20 for s in stop)):
            return self.error("invalid_argument", "stop: at most 4 elements of 20 characters")
        if not 1 <= (body.get("penalty_score") or 1) <= 2:
            return self.error("invalid_argument", "penalty_score must be between 1.0 and 2.0")
        if (body.get("thinking_budget") or 100) < 100:
            return self.error("invalid_argument", "thinking_budget must not be less than 100")
        if len(body.get("metadata") or {}) > 16:
            return self.error("invalid_argument", "metadata: at most 16 pairs")
        if body.get("reasoning_effort") not in (None, "low", "medium", "high"):
            return self.error("invalid_argument", "reasoning_effort is not valid")
        if not isinstance(body.get("enable_thinking", False), bool):
            return self.error("invalid_argument", "enable_thinking must be a boolean")
        return None

    def too_long(self, body, count):
        return self.error("tokens_too_long")

    def scripted(self, script):
        wanted = script.get("error", {})
        if isinstance(wanted, str):
            return self.named(wanted, script.get("status"))
        status = script["status"]
        code = wanted.get("code") or self.BY_STATUS_NAME.get(status, "internal_error")
        status, answer = self.error(code, None, status)
        answer["error"].update(wanted)
        return status, answer

    def named(self, name, status):
        if name == "too_long":
            return self.error("tokens_too_long")
        if name not in self.TABLE:
            return self.unknown_name(name)
        own, message, kind, code = self.TABLE[name]
        return self.error(code or name, message, status or own, kind)

    def headers(self, status):
        """https://cloud.baidu.com/doc/WENXINWORKSHOP/s/cm79w0mjf, and input and output apart"""
        left = 0 if status == 429 else 299
        return {"x-bce-request-id": self.request_id,
                "X-Ratelimit-Limit-Requests": "300", "X-Ratelimit-Remaining-Requests": str(left),
                "X-Ratelimit-Limit-Input-Tokens": "300000",
                "X-Ratelimit-Remaining-Input-Tokens": "299000",
                "X-Ratelimit-Limit-Output-Tokens": "60000",
                "X-Ratelimit-Remaining-Output-Tokens": "59000"}

    def listed(self):
        return list(MODELS)

    def no_model(self, name):
        return self.error("invalid_model", "The model does not exist", 401)

    def not_found(self, method, path):
        return self.error("invalid_argument", f"no such path: {method} {path}", 404)

    def completion(self, body, script):
        return Completion(self, body, script)


class Completion(openai.Completion):
    ID = "as-sim%07d"

    def thinks(self):
        if self.body["model"].startswith("deepseek"):  # hosted ones: thinking{type}
            return said.THOUGHT if (self.body.get("thinking") or {}).get("type") == "enabled" else None
        default = self.body["model"].startswith(ALWAYS_THINK)
        always = self.body["model"].startswith("ernie-x1")
        return said.THOUGHT if always or self.body.get("enable_thinking", default) else None

    def hides(self):
        return False

    def envelope(self, kind):
        return {"id": self.id, "object": kind, "created": self.created,
                "model": self.script.get("model", self.body["model"])}

    def message(self):
        return {"role": "assistant", "content": self.said.text or ""}

    def choice(self, index, member, value, finish_reason):
        choice = {"index": index, member: value, "finish_reason": finish_reason,
                  "flag": 3 if finish_reason == "content_filter" else 0}
        if choice["flag"]:
            choice["ban_round"] = -1
        return choice

    def first_delta(self):
        return {"role": "assistant", "content": ""}  # in the first frame, and in no other

    def thought_delta(self, piece):
        return {"content": "", "reasoning_content": piece}

    def last_delta(self):
        return {"content": ""}

    def chunk(self, index, delta, finish_reason=None):
        chunk = super().chunk(index, delta, finish_reason)
        options = self.body.get("stream_options") or {}
        if options.get("chunk_include_usage"):
            chunk["usage"] = self.all_usage()
        elif "usage" in chunk:
            del chunk["usage"]
        return chunk

    def usage(self):
        prompt, answer, thought = self.counted()
        usage = {"prompt_tokens": prompt, "completion_tokens": answer + thought,
                 "total_tokens": prompt + answer + thought}
        if self.thinking:
            usage["completion_tokens_details"] = {"reasoning_tokens": thought}
        if "cached" in self.script:
            usage["prompt_tokens_details"] = {"cached_tokens": self.script["cached"]}
        return usage
