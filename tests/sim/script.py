# SPDX-License-Identifier: MIT
"""What a request asks the simulator to do: JSON in `x-sim-script`, or in its last user message.

A gateway does not forward foreign headers, therefore a last user message that begins with `sim:`
is a script too. Unknown members are refused, so that a typing error cannot pass as a good answer.
"""
import json

# name: (type or types, meaning). README.md in this folder is this table in words.
MEMBERS = {
    # What is said
    "text": (str, "the answer's text instead of the echo"),
    "events": (int, "so many pieces of content …"),
    "event_bytes": (int, "… of so many bytes each"),
    "tool_call": (bool, "answer with a call of the first tool"),
    "tool_calls": (list, "answer with these calls: [{name, arguments}], arguments an object"),
    "piece_bytes": (int, "stream: size of the pieces of a call's arguments, 7 if unset"),
    "interleaved": (bool, "stream: the pieces of parallel calls in turn, not call after call"),
    "then": (dict, "the script of the next turn, when the results of the calls have come"),
    "finish_reason": (str, "instead of stop or tool_calls; Anthropic: the stop_reason"),
    "reasoning": (str, "what is thought before the text, if this model thinks at all"),
    "redacted": (bool, "Anthropic: thinks in a redacted_thinking block"),
    "cached": (int, "so many tokens of the prompt come from the cache"),
    "cache_write": (int, "so many are written to it (OpenAI, Anthropic)"),
    "usage": (dict, "members that replace or extend the usage object"),
    "no_usage": (bool, "leave usage out"),
    "model": (str, "the model that the answer names"),
    "service_tier": (str, "the tier that it names"),
    "n2_gap_ms": (int, "stream, n=2: choice 0 ends this long …"),
    "n2_filler_bytes": (int, "… and this many bytes before choice 1"),
    # When
    "wait_ms": (int, "before the head"),
    "busy_ms": (int, "between the head and the body; DeepSeek and Anthropic send signs of life"),
    "delay_ms": (int, "between two events"),
    "pause_ms_before_event": (list, "[event, ms]"),
    "hang": (str, "headers: answer nothing; body: nothing after the head"),
    # How it goes wrong
    "status": (int, "an error answer of this status"),
    "error": ((dict, str), "the name of an error of this vendor's, or members of the error object"),
    "retry_after": ((int, str), "its Retry-After"),
    "headers": (dict, "further response headers"),
    "html": (bool, "an HTML page instead of JSON"),
    "reset": (bool, "RST instead of an answer"),
    "reset_after_events": (int, "RST after so many events"),
    "cut_after_events": (int, "close after so many events, no last chunk"),
    "error_after_events": (int, "an in-band error event after so many events, then the end"),
    "no_done": (bool, "no [DONE]; Anthropic: no message_stop"),
    "no_finish": (bool, "no finish_reason"),
    "half_json": (bool, "a JSON body or event that breaks off in the middle"),
    "half_body": (bool, "whole answers: close after half of the body"),
    "bad_chunk": (bool, "a chunk size that is no number, after the first event"),
    "content_length_wrong": (int, "add this to the true Content-Length, then close"),
    "big_head_bytes": (int, "a response head of about this size"),
    "raw": (str, "these bytes (latin-1) instead of an answer, then close"),
    # What is unusual but right
    "comments": (bool, "an SSE comment before each event; Anthropic: a ping"),
    "unknown_events": (bool, "Anthropic: events of a type that nobody knows between the others"),
    "crlf": (bool, "CRLF as line end in the event stream"),
    "no_space": (bool, "`data:` without a space"),
    "split_bytes": (int, "send the answer in writes of so many bytes"),
    "blank_lines": (int, "empty lines before a whole answer's JSON"),
    "close": (bool, "close the connection after the answer, and say so"),
}


class BadScript(Exception):
    pass


def parse(text):
    try:
        script = json.loads(text)
        json.dumps(script, ensure_ascii=False).encode()  # raises for half of a surrogate pair
    except ValueError as error:
        raise BadScript(f"script is not JSON: {error}") from error
    return checked(script)


def checked(script):
    if not isinstance(script, dict):
        raise BadScript("script is not an object")
    for name, value in script.items():
        if name not in MEMBERS:
            raise BadScript(f"script has an unknown member '{name}'")
        if not isinstance(value, MEMBERS[name][0]):
            raise BadScript(f"script member '{name}' has the wrong type")
    for call in script.get("tool_calls", []):
        if not isinstance(call, dict) or set(call) != {"name", "arguments"}:
            raise BadScript("script member 'tool_calls' has an element without name and arguments")
    if "then" in script:
        checked(script["then"])
    return script


def of_request(headers, body):
    """The script of a request; {} when it has none."""
    if "x-sim-script" in headers:
        script, turn = parse(headers["x-sim-script"]), 0
    else:
        text, turn = last_user_text(body)
        if not text.startswith("sim:"):
            return {}
        script = parse(text[4:])
    for _ in range(turn):
        script = script.get("then", {})
    return script


def last_user_text(body):
    """The text of the last user message that has any, and how often the model has answered since:
    an answer with tool calls, and the messages with their results."""
    messages = body.get("messages") if isinstance(body, dict) else None
    turn = 0
    for message in reversed(messages if isinstance(messages, list) else []):
        if not isinstance(message, dict):
            continue
        if message.get("role") == "user" and (text := text_of(message.get("content"))):
            return text, turn
        turn += message.get("role") == "assistant"
    return "", 0


def text_of(content):
    if isinstance(content, list):
        return "".join(part["text"] for part in content
                       if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""
