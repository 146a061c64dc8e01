# SPDX-License-Identifier: MIT
"""Volcengine Ark's API (Doubao), below /api/v3.

API: "对话(Chat) API", https://www.volcengine.com/docs/82379/1494384; errors: the page 1099476 there.
"""
import re

import openai
import said

# Ids as LiteLLM 1.109.1 has them (second-hand); `ep-…` is an inference endpoint of the customer's.
MODELS = ["doubao-seed-2-1-pro-260915", "doubao-seed-2-1-pro-260628", "doubao-seed-2-1-lite-260915",
          "doubao-seed-2-1-turbo-260628", "doubao-seed-2-0-pro-260215", "doubao-seed-2-0-lite-260215",
          "doubao-seed-2-0-mini-260215", "doubao-seed-2-0-code-preview-260215",
          "doubao-seed-1-8-251228", "doubao-seed-1-6-250615", "doubao-seed-1-6-251015",
          "doubao-seed-1-6-flash-250828", "doubao-seed-1-6-vision-250815", "doubao-seed-code",
          "doubao-1-5-pro-32k-250115", "doubao-1-5-lite-32k-250115", "deepseek-v4-pro-ga-260813"]
BLIND = ("doubao-1-5-pro-32k", "doubao-1-5-lite", "deepseek")  # text only
THOUGHTLESS = ("doubao-1-5-pro", "doubao-1-5-lite")

SENSITIVE = "The request failed because the input text may contain sensitive information."
LIMIT = "The request has exceeded the limit of the account or the endpoint."


class Dialect(openai.Dialect):
    NAME = "doubao"
    PREFIX = b"data:"  # https://github.com/langgenius/dify/issues/13682: no space
    # code: (status, type, message); the words of the page 1099476, "Request id" is added
    TABLE = {
        "MissingParameter": (400, "BadRequest", "The request failed because it is missing one or "
                             "multiple required parameters."),
        "InvalidParameter": (400, "BadRequest", "One or more parameters specified in the request are "
                             "not valid."),
        "InvalidEndpoint.ClosedEndpoint": (400, "BadRequest", "The request targeted an endpoint that "
                                           "is currently closed or temporarily unavailable."),
        "SensitiveContentDetected": (400, "BadRequest", SENSITIVE),
        "SensitiveContentDetected.SevereViolation": (400, "BadRequest", SENSITIVE),
        "InputTextSensitiveContentDetected": (400, "BadRequest", SENSITIVE),
        "InputTextRiskDetection": (400, "BadRequest", "The request could not be processed because the "
                                   "input text includes sensitive content that violates "
                                   "ContentSecurityDetection."),
        "OutputTextRiskDetection": (400, "BadRequest", "The request could not be processed because "
                                    "the output text includes sensitive content that violates "
                                    "ContentSecurityDetection."),
        "AuthenticationError": (401, "Unauthorized", "The API key or AK/SK in the request is missing "
                                "or invalid."),
        "AccountOverdueError": (403, "Forbidden", "The request failed because your account has an "
                                "overdue balance."),
        "AccessDenied": (403, "Forbidden", "The request failed because you do not have access to the "
                         "requested resource."),
        "OperationDenied.ServiceNotOpen": (403, "Forbidden", "The service is not open."),
        "OperationDenied.ServiceOverdue": (403, "Forbidden", "The service is overdue."),
        "InvalidEndpointOrModel.NotFound": (404, "NotFound", "The model or endpoint does not exist or "
                                            "you do not have access to it."),
        "ModelNotOpen": (404, "NotFound", "Your account has not activated the model. Please activate "
                         "the model service in the Ark Console."),
        "UnsupportedModel": (404, "NotFound", "The model does not support this interface."),
        **{code: (429, "TooManyRequests", LIMIT) for code in (
            "RateLimitExceeded.EndpointRPMExceeded", "RateLimitExceeded.EndpointTPMExceeded",
            "ModelAccountRpmRateLimitExceeded", "ModelAccountTpmRateLimitExceeded",
            "APIAccountRpmRateLimitExceeded", "AccountRateLimitExceeded", "RequestBurstTooFast",
            "InflightBatchsizeExceeded")},
        "ServerOverloaded": (429, "TooManyRequests", "The service is currently unable to handle "
                             "additional requests due to server overload."),
        "QuotaExceeded": (429, "TooManyRequests", "Your account has exhausted its free trial quota."),
        "SetLimitExceeded": (429, "TooManyRequests", "Your account has reached the set inference "
                             "limit for the model."),
        "InternalServiceError": (500, "InternalServerError", "The service encountered an unexpected "
                                 "internal error."),
    }
    ALIASES = {"server": "InternalServiceError", "auth": "AuthenticationError",
               "rate_limit": "RateLimitExceeded.EndpointRPMExceeded", "quota": "QuotaExceeded",
               "overloaded": "ServerOverloaded", "filtered": "InputTextSensitiveContentDetected"}
    ERRORS = {**TABLE, **ALIASES}
    BY_STATUS_NAME = {400: "InvalidParameter", 401: "AuthenticationError", 403: "AccessDenied",
                      404: "InvalidEndpointOrModel.NotFound", 500: "InternalServiceError",
                      429: "RateLimitExceeded.EndpointRPMExceeded"}

    def __init__(self, request, window):
        super().__init__(request, window)
        self.request_id = f"0217{said.number():018d}"

    def error(self, code, message=None, param=""):
        status, kind, own = self.TABLE.get(code, (400, "BadRequest", code))
        return status, {"error": {"code": code, "param": param, "type": kind,
                                  "message": f"{message or own} Request id: {self.request_id}"}}

    def parameter(self, name, why):
        """The words: https://github.com/HKUDS/nanobot/issues/2548"""
        return self.error("InvalidParameter", f"The parameter {name} specified in the request are not "
                          f"valid: {why}.", name)

    def denied(self):
        return self.error("AuthenticationError") if self.key() in ("", "sk-wrong") else None

    def broken(self, message, param=None, code=None):
        if param in ("model", "messages"):
            return self.error("MissingParameter", None, param)
        return self.error("InvalidParameter", message, param or "")

    def refused(self, body):
        model = body["model"]
        if model not in MODELS and not re.fullmatch(r"ep-[0-9a-z-]+", model):
            return self.error("InvalidEndpointOrModel.NotFound", f"The model or endpoint {model} does "
                              "not exist or you do not have access to it.")
        kinds = ("enabled", "disabled", "auto") if "seed-1-6" in model else ("enabled", "disabled")
        thinking = body.get("thinking")
        if thinking is not None and (thinking or {}).get("type") not in kinds:
            # https://github.com/anomalyco/models.dev/pull/5518
            return self.error("InvalidParameter", "Unsupported thinking type for the current model.",
                              "thinking.type")
        if body.get("reasoning_effort") not in (None, "minimal", "low", "medium", "high", "max"):
            return self.parameter("reasoning_effort", "unknown value")
        if body.get("reasoning_effort") not in (None, "minimal") and \
                (thinking or {}).get("type") == "disabled":
            # https://github.com/langgenius/dify-official-plugins/pull/3771
            return self.parameter("reasoning_effort", "Invalid combination with thinking.type disabled")
        return self._lengths(body) or self._images(body)

    def _lengths(self, body):
        both = ("max_tokens", "max_completion_tokens")
        if all(body.get(name) is not None for name in both):
            return self.parameter("max_tokens", "max_tokens and max_completion_tokens cannot be set "
                                  "at the same time")
        for name in both:  # https://github.com/xuanyustudio/LocalMiniDrama/issues/39
            limit = 12288 if "1-5" in body["model"] else 65536 if name != both[0] else 262144
            if (body.get(name) or 0) > limit:
                return self.parameter(f"`{name}`", "integer above maximum value, expected a value <= "
                                      f"{limit}, but got {body[name]} instead")
        return None

    def _images(self, body):
        for i, j, url in openai.image_urls(body["messages"]):
            where = f"messages[{i}].content[{j}].image_url"
            if body["model"].startswith(BLIND):
                return self.parameter(where, "the model takes no images")
            if problem := openai.image_problem(url):
                return self.parameter(where, problem)
        return None

    def too_long(self, body, count):  # https://github.com/langgenius/dify/issues/32221
        return self.error("InvalidParameter",
                          f"Input length {count} exceeds the maximum length {self.window}.")

    def scripted(self, script):
        wanted = script.get("error", {})
        if isinstance(wanted, str):
            return self.named(wanted, script.get("status"))
        _, answer = self.error(self.BY_STATUS_NAME.get(script["status"], "InternalServiceError"))
        answer["error"].update(wanted)
        return script["status"], answer

    def named(self, name, status):
        if name == "too_long":
            return self.too_long({}, self.window + 1)
        if name not in self.ERRORS:
            return self.unknown_name(name)
        own, answer = self.error(self.ALIASES.get(name, name))
        return status or own, answer

    def headers(self, status):  # no Retry-After and no rate headers are documented
        return {"x-request-id": self.request_id, "x-client-request-id": "unknown"}

    def listed(self):
        return MODELS

    def no_model(self, name):
        return self.error("InvalidEndpointOrModel.NotFound")

    def not_found(self, method, path):
        return 404, self.error("InvalidParameter", f"no such path: {method} {path}")[1]

    def completion(self, body, script):
        return Completion(self, body, script)


class Completion(openai.Completion):
    ID = "0217%018d"

    def thinks(self):
        kind = (self.body.get("thinking") or {}).get("type", "enabled")
        if self.body["model"].startswith(THOUGHTLESS) or kind == "disabled":
            return None
        return None if self.body.get("reasoning_effort") == "minimal" else said.THOUGHT

    def hides(self):
        return False

    def envelope(self, kind):
        return {"id": self.id, "object": kind, "created": self.created,
                "model": self.script.get("model", self.body["model"]),
                "service_tier": self.script.get("service_tier", "default")}

    def message(self):
        return {"role": "assistant", "content": self.said.text or ""}

    def choice(self, index, member, value, finish_reason):
        return {"index": index, member: value, "logprobs": None, "finish_reason": finish_reason}

    def first_delta(self):
        return None  # every frame has the role

    def thought_delta(self, piece):
        return {"reasoning_content": piece}

    def chunk(self, index, delta, finish_reason=None):
        return super().chunk(index, {"role": "assistant", "content": "", **delta}, finish_reason)

    def usage(self):
        prompt, answer, thought = self.counted()
        return {"prompt_tokens": prompt, "completion_tokens": answer + thought,
                "total_tokens": prompt + answer + thought,
                "prompt_tokens_details": {"cached_tokens": self.script.get("cached", 0)},
                "completion_tokens_details": {"reasoning_tokens": thought}}
