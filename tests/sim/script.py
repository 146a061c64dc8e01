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
    "finish_reason": (str, "instead of stop or tool_calls"),
    "reasoning": (str, "reasoning_content before the text"),
    "usage": (dict, "members that replace or extend the usage object"),
    "no_usage": (bool, "leave usage out"),
    "model": (str, "the model that the answer names"),
    "service_tier": (str, "the tier that it names"),
    "n2_gap_ms": (int, "stream, n=2: choice 0 ends this long …"),
    "n2_filler_bytes": (int, "… and this many bytes before choice 1"),
    # When
    "wait_ms": (int, "before the head"),
    "delay_ms": (int, "between two events"),
    "pause_ms_before_event": (list, "[event, ms]"),
    "hang": (str, "headers: answer nothing; body: nothing after the head"),
    # How it goes wrong
    "status": (int, "an error answer of this status"),
    "error": (dict, "members of its error object"),
    "retry_after": ((int, str), "its Retry-After"),
    "headers": (dict, "further response headers"),
    "html": (bool, "an HTML page instead of JSON"),
    "reset": (bool, "RST instead of an answer"),
    "reset_after_events": (int, "RST after so many events"),
    "cut_after_events": (int, "close after so many events, no last chunk"),
    "error_after_events": (int, "an in-band error event after so many events, then the end"),
    "no_done": (bool, "no [DONE]"),
    "no_finish": (bool, "no finish_reason"),
    "half_json": (bool, "a JSON body or event that breaks off in the middle"),
    "half_body": (bool, "whole answers: close after half of the body"),
    "bad_chunk": (bool, "a chunk size that is no number, after the first event"),
    "content_length_wrong": (int, "add this to the true Content-Length, then close"),
    "big_head_bytes": (int, "a response head of about this size"),
    "raw": (str, "these bytes (latin-1) instead of an answer, then close"),
    # What is unusual but right
    "comments": (bool, "an SSE comment before each event"),
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
    if not isinstance(script, dict):
        raise BadScript("script is not an object")
    for name, value in script.items():
        if name not in MEMBERS:
            raise BadScript(f"script has an unknown member '{name}'")
        if not isinstance(value, MEMBERS[name][0]):
            raise BadScript(f"script member '{name}' has the wrong type")
    return script


def of_request(headers, body):
    """The script of a request; {} when it has none."""
    if "x-sim-script" in headers:
        return parse(headers["x-sim-script"])
    text = last_user_text(body)
    return parse(text[4:]) if text.startswith("sim:") else {}


def last_user_text(body):
    messages = body.get("messages") if isinstance(body, dict) else None
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return text_of(message.get("content"))
    return ""


def text_of(content):
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
