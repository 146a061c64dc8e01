#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What reaches five vendors of one request, side by side: bodies.py [--whole] [REQUEST.json]

The request is the second turn of an application that was told to call a tool, as the openai package
keeps it: with an image, reasoning and some parameters. REQUEST.json is another, without a model. Each
member is a line, and long texts are cut; --whole prints the bodies as they are. HARBORAI_BUILDDIR
names the built tree; the vendors are the simulator.
"""
import json
import sys

import five

PNG = ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4z8BAEmIY1TCqYf"
       "hqAACQ+f8B8u7oVwAAAABJRU5ErkJggg==")
REQUEST = {
    "messages": [
        {"role": "system", "content": "Answer shortly."},
        {"role": "user", "content": [
            {"type": "text", "text": 'sim:{"tool_call":true,"reasoning":"I look it up"}'},
            {"type": "image_url", "image_url": {"url": PNG}}]}],
    "tools": [{"type": "function", "function": {
        "name": "get_weather", "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}],
    "reasoning_effort": "low", "temperature": 0.2, "stop": ["END"], "max_completion_tokens": 4000,
    "user": "u-1"}
MODELS = {"openai": "gpt-5-mini", "deepseek": "deepseek-flash",
          "wenxin": "ernie-5.0-thinking-preview", "doubao": "doubao-seed-2-1-lite-260915",
          "anthropic": "claude-sonnet-5-5"}
HEADERS = ("authorization", "x-api-key", "anthropic-version", "anthropic-beta", "appid")


def ask(gateway, request, model):
    answer = gateway.request("POST", "/v1/chat/completions", {**request, "model": model})
    calls = None
    if answer.status == 200 and not request.get("stream"):
        calls = answer.json()["choices"][0]["message"].get("tool_calls")
    return answer, calls


def second_turn(request, calls):
    """What the application says next; of the answer it keeps what the package's types carry."""
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "18 degrees"} for call in calls]
    said = {"role": "assistant", "content": None, "tool_calls": calls}
    return {**request, "messages": [*request["messages"], said, *results]}


def sent():
    """(vendor, the vendor's log line or None, the answer that the application got)"""
    request = REQUEST
    files = [name for name in sys.argv[1:] if not name.startswith("--")]
    if files:
        with open(files[0], encoding="utf-8") as file:
            request = json.load(file)
    with five.running() as (sim, gateway):
        for vendor, name in MODELS.items():
            model = f"{vendor}/{name}"
            answer, calls = ask(gateway, request, model)
            if calls:
                answer, _ = ask(gateway, second_turn(request, calls), model)
            lines = [x for x in sim.lines("request") if json.loads(x["body"]).get("model") == name]
            yield vendor, lines[-1] if lines else None, answer


def cut(value):
    """Long texts shortened, so that a line shows the form."""
    if isinstance(value, dict):
        return {key: cut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cut(item) for item in value]
    return value if not isinstance(value, str) or len(value) < 60 else value[:40] + "…"


def show(body):
    if "--whole" in sys.argv:
        print(json.dumps(body, ensure_ascii=False, indent=1))
        return
    for name, value in cut(body).items():
        rows = value if name in ("messages", "tools") else [value]
        for row in rows:
            print(f"  {name:22}{json.dumps(row, ensure_ascii=False)}")
            name = ""


def main():
    for vendor, line, answer in sent():
        print(f"== {vendor}, {MODELS[vendor]}: {answer.status}")
        if line is not None:
            names = [name for name in HEADERS if name in line["header_names"]]
            print(f"  {line['method']} {line['path']}  ({', '.join(names)})")
            show(json.loads(line["body"]))
        for name, value in answer.headers.items():
            if name.lower() == "x-harborai-changed":
                print(f"  -> {name}: {value}")
        if answer.status != 200:
            print(f"  -> {answer.body.decode()[:300]}")


if __name__ == "__main__":
    main()
