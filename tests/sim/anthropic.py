# SPDX-License-Identifier: MIT
"""Anthropic's Messages API: keys, answers, the events of a stream. Its rules: anthropic_rules.py.

https://platform.claude.com/docs/en/api/messages, …/api/errors, …/api/versioning,
…/api/migration-2026-10-21, …/build-with-claude/streaming, …/build-with-claude/thinking; usage as in
the vendor's Python SDK 2.11.0.
"""
import base64
import hashlib
import hmac
import json

import anthropic_rules as rules
import said
from script import text_of

SECRET = b"what only the vendor knows"


def error(kind, message, request_id):
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


# ---- Signatures ----------------------------------------------------------------------------------


def mac(*parts):
    return hmac.new(SECRET, "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:32]


def prefix_of(body, length):
    """A digest of what stands before message `length`: Sonnet 5.5 binds its thoughts to it
    (https://github.com/anomalyco/opencode/issues/48637). A text is the same as one block of it."""
    def plain(content):
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        return [{k: v for k, v in b.items() if k != "cache_control"} for b in blocks]
    kept = [plain(body.get("system")),
            [[m["role"], plain(m["content"])] for m in body["messages"][:length]]]
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def sign(body, thinking, length):
    """The signature of a thought: what is shown of it, the model, and before which message it was."""
    bound = prefix_of(body, length) if rules.binds(body["model"]) else ""
    nonce = f"{said.number():08x}"
    token = ":".join((nonce, bound, mac(nonce, bound, body["model"], thinking)))
    return base64.b64encode(token.encode()).decode()


def opened(signature):
    try:
        nonce, bound, proof = base64.b64decode(signature, validate=True).decode().split(":")
        return nonce, bound, proof
    except (ValueError, TypeError):
        return None


def signature_problem(body, at, block):
    """None, or what the vendor says of this block of message `at`."""
    token = opened(block.get("signature") if block["type"] == "thinking" else block.get("data"))
    shown = block.get("thinking", "")
    if not token or not hmac.compare_digest(
            mac(token[0], token[1], body["model"], shown), token[2]):
        member = "signature" if block["type"] == "thinking" else "data"
        return f"Invalid `{member}` in `{block['type']}` block"
    if token[1] and token[1] != prefix_of(body, at):
        return ("Invalid `signature` in `thinking` block. The block is bound to a different "
                "conversation. Remove the block, or set "
                "`thinking.block_binding.prefix_mismatch_behavior` to \"drop_block\".")
    return None


# ---- The dialect ---------------------------------------------------------------------------------


class Dialect:
    NAME = "anthropic"
    PREFIX = b"data: "
    DONE = None  # versioning: there is none since 2023-06-01
    HALF = ("content_block_delta", b'{"type":"content_block_delta","index":0,"del')

    # api/errors. name: (status, type, message); below them the names that all dialects have
    ERRORS = {
        "invalid_request_error": (400, "invalid_request_error", "the request is not good"),
        "authentication_error": (401, "authentication_error", "invalid x-api-key"),
        "billing_error": (402, "billing_error", "There is an issue with your billing or payment "
                          "information."),
        "permission_error": (403, "permission_error", "Your API key does not have permission to use "
                             "the specified resource."),
        "not_found_error": (404, "not_found_error", "The requested resource could not be found."),
        "conflict_error": (409, "conflict_error", "The request conflicts with another."),
        "request_too_large": (413, "request_too_large", "Request exceeds the maximum allowed number "
                              "of bytes."),
        "rate_limit_error": (429, "rate_limit_error", "This request would exceed your organization's "
                             "rate limit of input tokens per minute."),
        "api_error": (500, "api_error", "Internal server error"),
        "timeout_error": (504, "timeout_error", "The request timed out."),
        "overloaded_error": (529, "overloaded_error", "Overloaded"),
        # https://github.com/anthropics/claude-code/issues/66314: a credit that is used up is a 400
        "low_credit": (400, "invalid_request_error", "Your credit balance is too low to access the "
                       "Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."),
        "spend_limit": (429, "rate_limit_error", "Your organization has reached its spend limit."),
    }
    ERRORS.update(server=ERRORS["api_error"], auth=ERRORS["authentication_error"],
                  rate_limit=ERRORS["rate_limit_error"], quota=ERRORS["billing_error"],
                  overloaded=ERRORS["overloaded_error"],
                  # https://github.com/anthropics/claude-code/issues/58367, also inside of a stream
                  filtered=(400, "invalid_request_error", "Output blocked by content filtering "
                            "policy"))

    def __init__(self, request, window):
        self.request = request
        self.window = window
        self.request_id = f"req_sim{said.number():020d}"

    def error(self, status, kind, message):
        return status, error(kind, message, self.request_id)

    def broken(self, message, param=None, code=None):
        return self.error(400, "invalid_request_error", message)

    def denied(self):
        """Both headers are taken; where both are there, x-api-key counts (api/versioning)."""
        headers = self.request.headers
        kind, _, bearer = headers.get("authorization", "").partition(" ")
        key = headers.get("x-api-key") or (bearer.strip() if kind.lower() == "bearer" else "")
        if not key:
            return self.error(401, "authentication_error", "x-api-key header is required")
        if key == "sk-wrong":
            return self.error(401, "authentication_error", "invalid x-api-key")
        return None

    def check(self, body):
        headers = self.request.headers
        if "anthropic-version" not in headers:
            return self.broken("anthropic-version: header is required")
        if headers["anthropic-version"] not in rules.VERSIONS:
            return self.broken(f"anthropic-version: \"{headers['anthropic-version']}\" is not a valid "
                               "version")
        if len(self.request.body) > 32 << 20:
            return self.named("request_too_large", None)
        counts = self.request.path.split("?")[0].endswith("/count_tokens")
        found = rules.check(body, headers["anthropic-version"], counts)
        if not found and (problem := self._thoughts(body)):
            found = problem
        if found:
            missing = found.startswith("model: ") and found != "model: Field required"
            return self.error(404, "not_found_error", found) if missing else self.broken(found)
        count = prompt_words(body)
        return self.too_long(count) if count > self.window else None

    def _thoughts(self, body):
        for at, message in enumerate(body["messages"]):
            blocks = message["content"] if isinstance(message["content"], list) else []
            for i, block in enumerate(blocks):
                if block["type"] in ("thinking", "redacted_thinking"):
                    if problem := signature_problem(body, at, block):
                        return f"messages.{at}.content.{i}: {problem}"
        return None

    def too_long(self, count):  # https://github.com/RipperTs/claude-code-relay/issues/23
        return self.broken(f"prompt is too long: {count} tokens > {self.window} maximum")

    def scripted(self, script):
        wanted = script.get("error", {})
        if isinstance(wanted, str):
            return self.named(wanted, script.get("status"))
        status = script["status"]
        kind, message = next(((kind, text) for own, kind, text in self.ERRORS.values()
                              if own == status), ("api_error", "scripted"))
        answer = error(kind, message, self.request_id)
        answer["error"].update(wanted)
        return status, answer

    def named(self, name, status):
        if name == "too_long":
            return self.too_long(self.window + 1)
        if name not in self.ERRORS:
            return self.broken(f"script: anthropic has no error '{name}': it has "
                               f"{', '.join(sorted(self.ERRORS))}")
        own, kind, message = self.ERRORS[name]
        answer = self.error(status or own, kind, message)
        if name == "spend_limit":  # SDK: no retry with this error_code, which stands in `details`
            answer[1]["error"]["details"] = {"type": "spend_limit",
                                             "error_code": "enforced_spend_limit_reached"}
        return answer

    def event_of_error(self, script):
        """streaming, "Error events": an overload, which else is 529."""
        status, answer = self.scripted({"error": "overloaded_error", **script, "status": 529})
        return "error", {key: answer[key] for key in ("type", "error")} if status else None

    def keep_alive(self, end):
        return b"event: ping" + end + b'data: {"type": "ping"}' + end + end

    def busy_bytes(self, streams):
        return self.keep_alive(b"\n") if streams else b""

    def headers(self, status):  # api/rate-limits, api/errors
        headers = {"request-id": self.request_id, "anthropic-organization-id": "org-sim"}
        for what, limit in (("requests", 4000), ("tokens", 480000), ("input-tokens", 400000),
                            ("output-tokens", 80000)):
            left = 0 if status == 429 else limit - 1000
            headers.update({f"anthropic-ratelimit-{what}-limit": limit,
                            f"anthropic-ratelimit-{what}-remaining": left,
                            f"anthropic-ratelimit-{what}-reset": "2026-11-21T12:00:00Z"})
        return headers

    def error_headers(self, status):
        return {"x-should-retry": "true" if status in (408, 409, 429) or status >= 500 else "false"}

    def listed(self):
        return list(rules.MODELS)

    def models(self):
        data = [self.model(name) for name in self.listed()]
        return {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}

    def model(self, name):
        return {"type": "model", "id": name, "display_name": name.replace("-", " ").title(),
                "created_at": "2026-01-01T00:00:00Z"}

    def no_model(self, name):
        return self.error(404, "not_found_error", f"model: {name}")

    def not_found(self, method, path):
        return self.error(404, "not_found_error", "Not Found")

    def count(self, body):
        return {"input_tokens": prompt_words(body)}

    def completion(self, body, script):
        return Completion(self, body, script)


def prompt_words(body):
    results = sum(said.words(text) for message in body["messages"] for text in results_of(message))
    return said.prompt_words(body["messages"]) + said.words(text_of(body.get("system"))) + results


def results_of(message):
    content = message.get("content")
    return [text_of(block.get("content")) for block in (content if isinstance(content, list) else [])
            if isinstance(block, dict) and block.get("type") == "tool_result"]


# ---- Answers -------------------------------------------------------------------------------------


class Completion:
    def __init__(self, dialect, body, script):
        self.dialect = dialect
        self.body = body
        self.script = script
        self.number = said.number()
        self.thinking = rules.thinking_of(body)
        tools = [tool["name"] for tool in body.get("tools") or []]
        choice = body.get("tool_choice") or {}
        if choice.get("type") == "tool":
            tools = [choice["name"]]
        self.said = said.Said(body, script, tools, choice.get("type") in ("any", "tool"),
                              results_of(body["messages"][-1]),
                              said.THOUGHT if self.thinking else None)

    def shown(self):
        """What is shown of the thought: nothing where `display` is omitted, which is what newer
        models do unless asked otherwise (build-with-claude/thinking)."""
        return self.said.thought if self.thinking == "summarized" else ""

    def thought_block(self):
        if self.script.get("redacted"):
            return {"type": "redacted_thinking",
                    "data": sign(self.body, "", len(self.body["messages"]))}
        shown = self.shown()
        return {"type": "thinking", "thinking": shown,
                "signature": sign(self.body, shown, len(self.body["messages"]))}

    def blocks(self):
        found = [self.thought_block()] if self.said.thought else []
        if self.said.text:
            found.append({"type": "text", "text": self.said.text})
        return found + [{"type": "tool_use", "id": f"toolu_sim{self.number:08d}{i}", "name": name,
                         "input": json.loads(arguments)}
                        for i, (name, arguments) in enumerate(self.said.calls)]

    def usage(self, output):
        """The prompt's tokens without those of the cache, and these apart. `output` says how much
        has been written: the thought is part of it."""
        read, written = self.script.get("cached", 0), self.script.get("cache_write", 0)
        return {"input_tokens": max(0, prompt_words(self.body) - read - written),
                "cache_creation_input_tokens": written, "cache_read_input_tokens": read,
                "cache_creation": {"ephemeral_5m_input_tokens": written,
                                   "ephemeral_1h_input_tokens": 0},
                "output_tokens": output, "service_tier": self.script.get("service_tier", "standard"),
                **self.script.get("usage", {})}

    def all_usage(self):
        thought = said.words(self.said.thought)
        details = {"output_tokens_details": {"thinking_tokens": thought}} if thought else {}
        return {**details, **self.usage(self.said.words() + thought)}

    def stop_reason(self):
        if "finish_reason" in self.script:
            return self.script["finish_reason"]
        return "tool_use" if self.said.calls else "end_turn"

    def envelope(self):
        return {"id": f"msg_sim{self.number:020d}", "type": "message", "role": "assistant",
                "model": self.script.get("model", self.body["model"])}

    def whole(self):
        answer = {**self.envelope(), "content": self.blocks(), "stop_reason": self.stop_reason(),
                  "stop_sequence": None, "usage": self.all_usage()}
        if self.script.get("no_usage"):
            del answer["usage"]
        return answer

    def events(self):
        """(pause before it in ms, name, value), in the order of build-with-claude/streaming."""
        for at, (pause_ms, value) in enumerate(self._events()):
            if at == 2:  # the document's examples have a ping here
                yield 0, "ping", {"type": "ping"}
            if self.script.get("unknown_events"):  # versioning: new types may come at any time
                yield 0, "weather_report", {"type": "weather_report", "index": 0, "delta": {"type": "x"}}
            yield pause_ms, value["type"], value

    def _events(self):
        start = {**self.envelope(), "content": [], "stop_reason": None, "stop_sequence": None,
                 "usage": self.usage(1)}
        yield 0, {"type": "message_start", "message": start}
        for index, block in enumerate(self.blocks()):
            yield from self._block(index, block)
        if not self.script.get("no_finish"):
            end = {"type": "message_delta",
                   "delta": {"stop_reason": self.stop_reason(), "stop_sequence": None},
                   "usage": {k: v for k, v in self.all_usage().items()
                             if k not in ("cache_creation", "service_tier")}}  # as the SDK's type
            if self.script.get("no_usage"):
                del end["usage"]
            yield 0, end
        if not self.script.get("no_done") and not self.script.get("half_json"):
            yield 0, {"type": "message_stop"}

    def _block(self, index, block):
        begun = {"thinking": {"type": "thinking", "thinking": "", "signature": ""},
                 "text": {"type": "text", "text": ""},
                 "tool_use": {**block, "input": {}}}.get(block["type"], block)
        yield 0, {"type": "content_block_start", "index": index, "content_block": begun}
        for delta in self._deltas(block):
            yield (self.script.get("delay_ms", 0),
                   {"type": "content_block_delta", "index": index, "delta": delta})
        yield 0, {"type": "content_block_stop", "index": index}

    def _deltas(self, block):
        if block["type"] == "thinking":
            for piece in said.pieces(block["thinking"]):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        elif block["type"] == "text":
            for piece in self.said.text_pieces():
                yield {"type": "text_delta", "text": piece}
        elif block["type"] == "tool_use":
            text = json.dumps(block["input"], ensure_ascii=False, separators=(",", ":"))
            size = self.script.get("piece_bytes", 7)
            yield {"type": "input_json_delta", "partial_json": ""}  # and for {} nothing else
            for at in range(0, len(text) if block["input"] else 0, size):
                yield {"type": "input_json_delta", "partial_json": text[at:at + size]}
