# SPDX-License-Identifier: MIT
"""What Anthropic's Messages API takes and what it refuses, in its words where they are known.

Members: https://platform.claude.com/docs/en/api/messages and the vendor's Python SDK 2.11.0. Thinking
by model: …/build-with-claude/thinking, …/thinking-tool-workflows, …/adaptive-thinking. A refusal's
words stand in users' reports, named at the line; where no line names one, only the form
("path: Field required", "path: Extra inputs are not permitted") is known.
"""
import base64
import binascii
import re

VERSIONS = ("2023-06-01", "2026-10-21")

# name: (generation, most output tokens)
MODELS = {
    "claude-fable-5-1": (5.1, 128000), "claude-fable-5": (5, 128000),
    "claude-opus-5-5": (5.5, 128000), "claude-opus-5": (5, 128000),
    "claude-opus-4-8": (4.8, 128000), "claude-opus-4-7": (4.7, 128000),
    "claude-opus-4-7-20260416": (4.7, 128000), "claude-opus-4-6": (4.6, 128000),
    "claude-opus-4-5": (4.5, 64000), "claude-opus-4-5-20251101": (4.5, 64000),
    "claude-sonnet-5-5": (5.5, 128000), "claude-sonnet-5": (5, 128000),
    "claude-sonnet-4-6": (4.6, 128000), "claude-sonnet-4-5": (4.5, 64000),
    "claude-sonnet-4-5-20250929": (4.5, 64000), "claude-haiku-5-5": (5.5, 128000),
    "claude-haiku-4-5": (4.5, 64000), "claude-haiku-4-5-20251001": (4.5, 64000),
}
# …/models/opus-5-5/whats-new-opus-5-5, …/models/sonnet-5-5/migration-guide and LiteLLM 1.109.1
ALWAYS_THINK = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable")  # no "disabled"
BETWEEN_TOOLS = ("claude-sonnet-5-5",)  # which has this instead
NO_FORCED_TOOL = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1")
LOW_OFF = re.compile(r"claude-(opus-5$|haiku-5|sonnet-5-5)")  # not off at effort xhigh and max

MEMBERS = set("model messages max_tokens system stop_sequences metadata temperature top_p top_k "
              "service_tier speed inference_geo tools tool_choice thinking output_config stream "
              "cache_control".split())
COUNTED = set("model messages system tools tool_choice thinking output_config cache_control "
              "temperature top_p top_k".split())
SAMPLING = ("temperature", "top_p", "top_k")
BLOCKS = {  # type: (required, further members, roles)
    "text": ({"text"}, {"cache_control", "citations"}, ("user", "assistant")),
    "image": ({"source"}, {"cache_control"}, ("user",)),
    "document": ({"source"}, {"cache_control", "citations", "context", "title"},
                 ("user", "assistant")),
    "tool_use": ({"id", "name", "input"}, {"cache_control", "caller"}, ("assistant",)),
    "tool_result": ({"tool_use_id"}, {"content", "is_error", "cache_control"}, ("user",)),
    "thinking": ({"thinking", "signature"}, set(), ("assistant",)),
    "redacted_thinking": ({"data"}, set(), ("assistant",)),
}
TOOL = ({"name", "input_schema"}, {"type", "description", "cache_control", "strict", "input_examples",
                                   "defer_loading", "allowed_callers", "eager_input_streaming"})
EFFORTS = ("low", "medium", "high", "xhigh", "max")
HELP = " Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"


class Refused(Exception):
    pass


def need(condition, message):
    if not condition:
        raise Refused(message)


def generation(body):
    return MODELS[body["model"]][0]


def binds(model):
    return model.startswith("claude-sonnet-5-5")


def thinking_of(body):
    """None, or how the thought is shown: summarized or omitted."""
    new = generation(body) >= 4.7
    asked = body.get("thinking") or {"type": "adaptive" if generation(body) >= 5 else "disabled"}
    if asked["type"] == "disabled":
        return None
    if asked["type"] == "between_tools" and not blocks_of(body["messages"][-1], "tool_result"):
        return None
    return asked.get("display") or ("omitted" if new else "summarized")


def check(body, version, counts):
    """What the vendor says of this request; None when it takes it."""
    try:
        members(body, version, counts)
        sampling(body, version)
        thinking(body)
        tools(body)
        system(body)
        messages(body, version)
        loop(body)
    except Refused as refused:
        return str(refused)
    return None


def kind(value, wanted, path, name):
    need(isinstance(value, wanted) and not (wanted is int and isinstance(value, bool)),
         f"{path}: Input should be a valid {name}")


def known(value, required, further, path):
    """An object with these members."""
    kind(value, dict, path, "dictionary")
    for name in required:
        need(name in value, f"{path}.{name}: Field required")
    for name in value:
        need(name in required or name in further or name == "type",
             f"{path}.{name}: Extra inputs are not permitted")


# ---- Members of the request ----------------------------------------------------------------------


def members(body, version, counts):
    need(isinstance(body, dict), "Input should be a valid dictionary")
    for name in ("model", "messages") if counts else ("model", "messages", "max_tokens"):
        need(body.get(name) is not None, f"{name}: Field required")
    for name in body:
        gone = version == "2026-10-21" and name in SAMPLING  # migration-2026-10-21; the words:
        need(name in (COUNTED if counts else MEMBERS) and not gone,  # ttlequals0/MinusPod 2.101.10
             f"{name}: Extra inputs are not permitted")
    kind(body["model"], str, "model", "string")
    need(body["model"] in MODELS, f"model: {body['model']}")
    if not counts:
        limit = MODELS[body["model"]][1]
        kind(body["max_tokens"], int, "max_tokens", "integer")
        need(body["max_tokens"] >= 1, "max_tokens: Input should be greater than or equal to 1")
        need(body["max_tokens"] <= limit,  # https://github.com/anthropics/claude-code/issues/11302
             f"max_tokens: {body['max_tokens']} > {limit}, which is the maximum allowed number of "
             f"output tokens for {body['model']}")
    if body.get("metadata") is not None:
        known(body["metadata"], set(), {"user_id"}, "metadata")
    if body.get("stream") is not None:
        kind(body["stream"], bool, "stream", "boolean")
    need(body.get("service_tier") in (None, "auto", "standard_only"),
         "service_tier: Input should be 'auto' or 'standard_only'")
    stops = body.get("stop_sequences") or []
    kind(stops, list, "stop_sequences", "list")
    for i, stop in enumerate(stops):
        kind(stop, str, f"stop_sequences.{i}", "string")
        need(stop.strip(), "stop_sequences: each stop sequence must contain non-whitespace")


def sampling(body, version):
    given = {name: body[name] for name in SAMPLING if body.get(name) is not None}
    for name, most in (("temperature", 1), ("top_p", 1)):
        if name in given:
            kind(given[name], (int, float), name, "number")
            need(0 <= given[name] <= most, f"{name}: Input should be less than or equal to {most}")
    if generation(body) >= 4.7:  # the words: https://github.com/The-PR-Agent/pr-agent/issues/2456
        for name, value in given.items():
            need(name != "top_k" and value == 1, f"`{name}` is deprecated for this model.")
    need(not {"temperature", "top_p"} <= set(given) or generation(body) > 4.6,
         "`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if (body.get("thinking") or {}).get("type") == "enabled" and version:
        need(given.get("temperature", 1) == 1,
             "`temperature` may only be set to 1 when thinking is enabled." + HELP)
        need("top_k" not in given, "`top_k` must be unset when thinking is enabled." + HELP)
        need(given.get("top_p", 1) >= 0.95,
             "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled." + HELP)


def thinking(body):
    config = body.get("output_config") or {}
    known(config, set(), {"effort", "format"}, "output_config")
    effort = config.get("effort")
    need(effort in (None, *EFFORTS), "output_config.effort: Input should be 'low', 'medium', 'high', "
         "'xhigh' or 'max'")
    need(effort is None or generation(body) >= 4.6 or "opus-4-5" in body["model"],
         "This model does not support the effort parameter.")
    need(effort != "xhigh" or generation(body) >= 4.7,
         "output_config.effort: 'xhigh' is not supported for this model.")
    asked = body.get("thinking")
    if asked is None:
        return
    kind(asked, dict, "thinking", "dictionary")
    form = asked.get("type")
    need(form in ("enabled", "disabled", "adaptive", "between_tools"),
         f"thinking: Input tag '{form}' found using 'type' does not match any of the expected tags: "
         "'disabled', 'enabled', 'adaptive', 'between_tools'")
    known(asked, {"budget_tokens"} if form == "enabled" else set(),
          set() if form == "disabled" else {"display", "block_binding"}, f"thinking.{form}")
    need(asked.get("display") in (None, "summarized", "omitted"),
         f"thinking.{form}.display: Input should be 'summarized' or 'omitted'")
    if form == "enabled":
        budget(body, asked)
    elif form == "disabled":
        need(not body["model"].startswith(ALWAYS_THINK),
             '"thinking.type.disabled" is not supported for this model.')
    elif form == "between_tools":
        need(body["model"].startswith(BETWEEN_TOOLS),
             '"thinking.type.between_tools" is not supported for this model.')
    else:
        need(generation(body) >= 4.6, "adaptive thinking is not supported on this model")
    if form in ("disabled", "between_tools") and effort in ("xhigh", "max"):
        need(not LOW_OFF.match(body["model"]), f'"thinking.type.{form}" cannot be combined with '
             f'"output_config.effort" {effort}.')


def budget(body, asked):
    # The rule: build-with-claude/thinking. The words: second-hand.
    need(generation(body) < 4.7, '"thinking.type.enabled" is not supported for this model. Use '
         '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.')
    kind(asked["budget_tokens"], int, "thinking.enabled.budget_tokens", "integer")
    need(asked["budget_tokens"] >= 1024,
         "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if "max_tokens" in body:  # https://github.com/ProfSynapse/nexus/issues/17
        need(asked["budget_tokens"] < body["max_tokens"],
             "`max_tokens` must be greater than `thinking.budget_tokens`." + HELP +
             "#max-tokens-and-context-window-size")


def tools(body):
    given = body.get("tools") or []
    kind(given, list, "tools", "list")
    for i, tool in enumerate(given):
        path = f"tools.{i}.custom"
        kind(tool, dict, path, "dictionary")
        need(tool.get("type") in (None, "custom"), f"tools.{i}.type: no such tool in the simulator")
        known(tool, *TOOL, path)
        need(isinstance(tool["name"], str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool["name"]),
             f"{path}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        kind(tool["input_schema"], dict, path + ".input_schema", "dictionary")
        need("type" in tool["input_schema"], f"{path}.input_schema.type: Field required")
        need(tool["input_schema"]["type"] == "object",
             f"{path}.input_schema.type: Input should be 'object'")
    names = [tool["name"] for tool in given]
    need(len(names) == len(set(names)), "tools: Tool names must be unique.")
    if body.get("tool_choice") is not None:
        tool_choice(body, body["tool_choice"], names)


def tool_choice(body, choice, names):
    kind(choice, dict, "tool_choice", "dictionary")
    form = choice.get("type")
    need(form in ("auto", "any", "tool", "none"),
         f"tool_choice: Input tag '{form}' found using 'type' does not match any of the expected tags: "
         "'auto', 'any', 'tool', 'none'")
    known(choice, {"name"} if form == "tool" else set(),
          set() if form == "none" else {"disable_parallel_tool_use"}, f"tool_choice.{form}")
    need(names, "tool_choice: tool_choice may only be specified while providing tools")
    need(form != "tool" or choice["name"] in names, f"Tool '{choice.get('name')}' not found in provided "
         "tools")
    if form in ("any", "tool"):  # thinking-tool-workflows: in manual mode only
        need((body.get("thinking") or {}).get("type") != "enabled",
             "Thinking may not be enabled when tool_choice forces tool use.")
        need(not body["model"].startswith(NO_FORCED_TOOL),
             "tool_choice: forced tool use is not supported for this model.")


def system(body):
    given = body.get("system")
    if given is None or isinstance(given, str):
        return
    kind(given, list, "system", "list")
    for i, block in enumerate(given):
        need(isinstance(block, dict) and block.get("type") == "text",
             f"system.{i}.type: Input should be 'text'")
        known(block, *BLOCKS["text"][:2], f"system.{i}")
        need(block["text"], "system: text content blocks must be non-empty")


# ---- Messages ------------------------------------------------------------------------------------


def messages(body, version):
    given = body["messages"]
    kind(given, list, "messages", "list")
    need(given, "messages: at least one message is required")
    for i, message in enumerate(given):
        path = f"messages.{i}"
        kind(message, dict, path, "dictionary")
        need(message.get("role") != "system", "messages: Unexpected role \"system\". The Messages API "
             "accepts a top-level `system` parameter, not \"system\" as an input message role.")
        need(message.get("role") in ("user", "assistant"),
             f"{path}.role: Input should be 'user' or 'assistant'")
        known(message, {"role", "content"}, set(), path)
        need(isinstance(message["content"], (str, list)), f"{path}.content: Input should be a valid list")
        need(message["content"] or i == len(given) - 1 and message["role"] == "assistant",
             f"{path}: all messages must have non-empty content except for the optional final "
             "assistant message")
        if isinstance(message["content"], list):
            for j, block in enumerate(message["content"]):
                content_block(block, message["role"], version, f"{path}.content.{j}")
        else:
            need(message["content"].strip(), "messages: text content blocks must contain "
                 "non-whitespace text")
    need(given[0]["role"] == "user", "messages: first message must use the \"user\" role")
    last = given[-1]
    if last["role"] == "assistant":
        need(generation(body) < 4.6, "This model does not support assistant message prefill. The "
             "conversation must end with a user message.")
    marked = count_marks(body)
    need(marked <= 4, f"A maximum of 4 blocks with cache_control may be provided. Found {marked}.")


def count_marks(value):
    if isinstance(value, dict):
        return sum(count_marks(v) for v in value.values()) + ("cache_control" in value)
    return sum(count_marks(v) for v in value) if isinstance(value, list) else 0


def content_block(block, role, version, path):
    kind(block, dict, path, "dictionary")
    form = block.get("type")
    need(form in BLOCKS and role in BLOCKS[form][2],
         f"{path}: Input tag '{form}' found using 'type' does not match any of the expected tags")
    known(block, *BLOCKS[form][:2], f"{path}.{form}")
    mark = block.get("cache_control")
    if mark is not None:
        known(mark, set(), {"ttl"}, f"{path}.{form}.cache_control")
        need(mark.get("type") == "ephemeral" and mark.get("ttl") in (None, "5m", "1h"),
             f"{path}.{form}.cache_control.ephemeral.ttl: Input should be '5m' or '1h'")
    if version == "2026-10-21":  # migration-2026-10-21
        need(not (form == "document" and role == "assistant"),
             f"{path}: document blocks are not permitted in assistant messages")
        need(not (form == "text" and role == "user" and block.get("citations")),
             f"{path}.text.citations: Extra inputs are not permitted")
    if form == "text":
        kind(block["text"], str, f"{path}.text.text", "string")
        need(block["text"], "messages: text content blocks must be non-empty")
        need(block["text"].strip(), "messages: text content blocks must contain non-whitespace text")
    elif form == "image":
        image(block["source"], f"{path}.image.source")
    elif form == "tool_use":
        kind(block["input"], dict, f"{path}.tool_use.input", "dictionary")
        need(isinstance(block["id"], str) and re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]),
             f"{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    elif form == "tool_result":
        for k, inner in enumerate(block["content"] if isinstance(block.get("content"), list) else []):
            content_block(inner, "user", version, f"{path}.tool_result.content.{k}")


def image(source, path):
    kind(source, dict, path, "dictionary")
    form = source.get("type")
    need(form in ("base64", "url", "file"), f"{path}: Input tag '{form}' found using 'type' does not "
         "match any of the expected tags: 'base64', 'url', 'file'")
    if form == "url":
        known(source, {"url"}, set(), f"{path}.url")
        need(re.match(r"https://[^/]+", str(source["url"])), "Only HTTPS URLs are supported.")
    elif form == "base64":
        known(source, {"media_type", "data"}, set(), f"{path}.base64")
        need(source["media_type"] in ("image/jpeg", "image/png", "image/gif", "image/webp"),
             f"{path}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or "
             "'image/webp'")
        try:
            need(base64.b64decode(source["data"], validate=True), f"{path}.base64.data: it is empty")
        except (binascii.Error, TypeError, ValueError) as broken:
            raise Refused(f"{path}.base64: invalid base64 data") from broken


def blocks_of(message, form):
    content = message["content"] if isinstance(message["content"], list) else []
    return [block for block in content if block["type"] == form]


def loop(body):
    """Calls and results belong to each other; in a loop of tools the thoughts come back."""
    given = merged(body["messages"])
    for at, message in given:
        if blocks_of(message, "tool_use") or blocks_of(message, "tool_result"):
            need(body.get("tools"), "Requests which include `tool_use` or `tool_result` blocks must "
                 "define tools")
    for i, (at, message) in enumerate(given):
        before = given[i - 1][1] if i else {"content": []}
        after = given[i + 1][1] if i + 1 < len(given) else None
        results(message, at, [b["id"] for b in blocks_of(before, "tool_use")])
        calls = [b["id"] for b in blocks_of(message, "tool_use")]
        need(len(calls) == len(set(calls)), "messages: `tool_use` ids must be unique")
        if calls:  # https://github.com/anthropics/claude-code/issues/7929
            answered = leading_results(after) if after else []
            missing = [call for call in calls if call not in answered]
            need(not missing, f"messages.{at}: `tool_use` ids were found without `tool_result` blocks "
                 f"immediately after: {', '.join(missing)}. Each `tool_use` block must have a "
                 "corresponding `tool_result` block in the next message.")
    thoughts(body, given)


def merged(given):
    """Neighbours of one role are one turn (api/messages): (index of the first, message)."""
    turns = []
    for at, message in enumerate(given):
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if turns and turns[-1][1]["role"] == message["role"]:
            turns[-1][1]["content"].extend(blocks)
        else:
            turns.append((at, {"role": message["role"], "content": blocks}))
    return turns


def leading_results(message):
    """The ids of the results that stand before anything else."""
    found = []
    for block in message["content"]:
        if block["type"] != "tool_result":
            break
        found.append(block["tool_use_id"])
    return found


def results(message, at, calls):
    for j, block in enumerate(message["content"]):  # anthropics/claude-code/issues/13460
        if block["type"] == "tool_result":
            need(block["tool_use_id"] in calls,
                 f"messages.{at}.content.{j}: unexpected `tool_use_id` found in `tool_result` blocks: "
                 f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding "
                 "`tool_use` block in the previous message.")


def thoughts(body, given):
    """Manual mode only: adaptive thinking takes a turn without a thought (adaptive-thinking)."""
    if (body.get("thinking") or {}).get("type") != "enabled":
        return
    last = next((turn for turn in reversed(given) if turn[1]["role"] == "assistant"), None)
    if last and blocks_of(last[1], "tool_use") and blocks_of(given[-1][1], "tool_result"):
        first = last[1]["content"][0]["type"]  # https://github.com/anomalyco/opencode/issues/3077
        need(first in ("thinking", "redacted_thinking"),
             f"messages.{last[0]}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
             f"`{first}`. When `thinking` is enabled, a final `assistant` message must start with a "
             "thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We "
             "recommend you include thinking blocks from previous turns. To avoid this requirement, "
             "disable `thinking`." + HELP)
