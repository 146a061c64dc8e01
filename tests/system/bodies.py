#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What reaches five vendors of one request, side by side: bodies.py [REQUEST.json]

The request is an application's, without a model; by default one with a system prompt, a call of a
tool, its result, an image, and reasoning. HARBORAI_BUILDDIR names the built tree.
"""
import json
import sys
import textwrap

import five

PNG = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4z8BAEmIY1TCqYf"
       "hqAACQ+f8B8u7oVwAAAABJRU5ErkJggg==")
REQUEST = {
    "messages": [
        {"role": "system", "content": "Answer shortly."},
        {"role": "user", "content": [{"type": "text", "text": "What is it like there?"},
                                     {"type": "image_url", "image_url": {"url": PNG}}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function",
             "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "18 degrees"}],
    "tools": [{"type": "function", "function": {
        "name": "get_weather", "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                       "required": ["city"]}}}],
    "reasoning_effort": "low", "temperature": 0.2, "stop": ["END"], "max_completion_tokens": 4000,
    "user": "u-1", "stream": True}
MODELS = {"openai": "gpt-5.4-mini", "deepseek": "deepseek-flash",
          "wenxin": "ernie-5.0-thinking-preview", "doubao": "doubao-seed-2-1-lite-260915",
          "anthropic": "claude-sonnet-5-5"}


def sent(request):
    """vendor: (what the vendor saw, what the application got: status and what was changed)"""
    found = {}
    with five.running() as (sim, gateway):
        for vendor, model in MODELS.items():
            before = len(sim.lines("request"))
            answer = gateway.request("POST", "/v1/chat/completions",
                                     {"model": f"{vendor}/{model}", **request})
            seen = sim.lines("request")[before:]
            changed = {name: value for name, value in answer.headers.items()
                       if name.lower().startswith("x-harborai-")}
            found[vendor] = (seen[-1] if seen else None, answer, changed)
    return found


def main():
    request = REQUEST
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as file:
            request = json.load(file)
    for vendor, (line, answer, changed) in sent(request).items():
        print(f"==== {vendor} ({MODELS[vendor]}): answered {answer.status}")
        for name, value in changed.items():
            print(f"{name}: {value}")
        if line is None:
            print("nothing was sent:", answer.body.decode()[:500])
            continue
        names = [n for n in line["header_names"] if n in ("authorization", "x-api-key", "anthropic-version",
                                                          "anthropic-beta", "appid")]
        print(f"{line['method']} {line['path']}   {', '.join(names)}")
        text = json.dumps(json.loads(line["body"]), ensure_ascii=False, indent=1)
        for row in text.splitlines():
            print(textwrap.shorten(row, 150, placeholder="…") if len(row) > 160 else row)
        if answer.status != 200:
            print("the vendor's answer:", answer.body.decode()[:500])


if __name__ == "__main__":
    main()
