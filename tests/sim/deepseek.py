# SPDX-License-Identifier: MIT
"""What DeepSeek does otherwise than OpenAI, for models whose name begins with `deepseek`."""

RETIRED = {"deepseek-chat", "deepseek-reasoner"}
MODELS = ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-vision-exp", "deepseek-v4-pro"]
THOUGHT = "let me think"


def is_its(body):
    return body["model"].startswith("deepseek")


def error(message, code="invalid_request_error", kind="invalid_request_error"):
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def thinks(body):
    return (body.get("thinking") or {}).get("type", "enabled") == "enabled"


def check(body):
    """An error body, or None."""
    if body["model"] not in MODELS:
        return error("Model Not Exist")
    kind = (body.get("thinking") or {"type": "enabled"}).get("type")
    if kind not in ("enabled", "disabled"):
        return error(f"thinking.type: unknown variant `{kind}`")
    calls = [m for m in body["messages"] if m.get("role") == "assistant" and m.get("tool_calls")]
    if thinks(body) and not all(m.get("reasoning_content") for m in calls):
        return error("The reasoning_content in the thinking mode must be passed back to the API.")
    return None


def usage(prompt, completion, reasoning):
    """The same prompt is half in the cache, always."""
    hit = prompt // 2
    return {"prompt_tokens": prompt, "completion_tokens": completion + reasoning,
            "total_tokens": prompt + completion + reasoning,
            "prompt_tokens_details": {"cached_tokens": hit},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
            "prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": prompt - hit}
