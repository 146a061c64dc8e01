# SPDX-License-Identifier: MIT
"""What one answer says, whichever dialect says it; counted in words, which stand for tokens."""
import itertools
import json
import re

from script import last_user_text, text_of

THOUGHT = "let me think"
ARGUMENTS = '{"city":"Paris","unit":"celsius"}'
_ids = itertools.count(1)


def words(text):
    return len((text or "").split())


def number():
    return next(_ids)


def json_text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Said:
    """thought, text, calls; `calls` are (name, arguments as JSON text)."""

    def __init__(self, body, script, tools, must_call, results, thinks):
        self.script = script
        self.calls = self._calls(tools, must_call)
        self.text = self._text(body, results)
        self.thought = (script.get("reasoning") or thinks) if thinks else None

    def _calls(self, tools, must_call):
        if "tool_calls" in self.script:
            return [(call["name"], json_text(call["arguments"]))
                    for call in self.script["tool_calls"]]
        if self.script.get("tool_call") or must_call:
            return [(tools[0] if tools else "get_weather", ARGUMENTS)]
        return []

    def _text(self, body, results):
        if "text" in self.script:
            return self.script["text"]
        if self.calls:
            return None
        if "events" in self.script:
            return "".join(self.text_pieces())
        if results:
            return "the tool said: " + "; ".join(results)
        return "" if self.script else last_user_text(body)[0]

    def text_pieces(self):
        """The text as a stream delivers it."""
        if "events" in self.script and "text" not in self.script:
            size = self.script.get("event_bytes", 8)
            return [f"{i:06d} ".ljust(size, "x")[:size] for i in range(self.script["events"])]
        return pieces(self.text or "")

    def call_pieces(self):
        """(number of the call, piece of its arguments), in the order of the stream; each call's
        first piece is empty."""
        size = self.script.get("piece_bytes", 7)
        rows = [[(i, "")] + [(i, text[at:at + size]) for at in range(0, len(text), size)]
                for i, (_, text) in enumerate(self.calls)]
        if not self.script.get("interleaved"):
            return [piece for row in rows for piece in row]
        turns = itertools.zip_longest(*rows)
        return [piece for turn in turns for piece in turn if piece is not None]

    def words(self):
        """Of the answer, without what was thought."""
        return words(self.text) + sum(words(arguments) for _, arguments in self.calls)


def pieces(text):
    return re.findall(r"\s*\S+\s*$|\s*\S+|\s+$", text)


def prompt_words(messages):
    return sum(words(text_of(m.get("content"))) for m in messages if isinstance(m, dict))
