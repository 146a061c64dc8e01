#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What tests/live runs: the conversations of tests/clients with a real vendor, and their cost."""
import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal

import support
import test_clients

# provider: (variable of its key, model, model for images, words that are more than the window)
VENDORS = {
    "openai": ("OPENAI_API_KEY", "gpt-5-nano", "gpt-5-nano", 300_000),
    "deepseek": ("DEEPSEEK_API_KEY", "deepseek-flash", "deepseek-flash", 1_100_000),
    "wenxin": ("QIANFAN_API_KEY", "ernie-5.1", "ernie-5.0-thinking-preview", 150_000),
    "doubao": ("ARK_API_KEY", "doubao-seed-2-0-mini-260215", "doubao-seed-2-0-mini-260215", 300_000),
    "anthropic": ("ANTHROPIC_API_KEY", "claude-haiku-4-5", "claude-haiku-4-5", 250_000),
}


def give_up(text):
    print(f"tests/live: {text}", file=sys.stderr)
    sys.exit(2)


def costs(lines):
    """Sums by currency, and how many calls have no price."""
    sums, unknown = {}, 0
    for line in lines:
        if line.get("cost") is None:
            unknown += line["outcome"] == "ok"
        else:
            sums[line["currency"]] = sums.get(line["currency"], Decimal(0)) + Decimal(line["cost"])
    return sums, unknown


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in VENDORS:
        give_up(f"which provider? One of {', '.join(VENDORS)}")
    variable, model, image_model, words = VENDORS[name]
    if not os.environ.get(variable):
        give_up(f"{variable} is not set: it has the key for {name}, and each run costs some money")
    if not shutil.which("node"):
        give_up("node is missing: apt-get install nodejs npm")
    if not os.access(support.HARBORAI, os.X_OK):
        give_up(f"'{support.HARBORAI}' is missing: build first, or set HARBORAI_BUILDDIR")
    sys.exit(run(name, variable, model, image_model, words))


def run(name, variable, model, image_model, words):
    test_clients.install()
    provider = {}
    if os.environ.get("LIVE_BASE_URL"):  # another address of the same API
        provider["base_url"] = os.environ["LIVE_BASE_URL"]
    # The key goes by the environment, never into a file.
    with support.gateway({"providers": {name: provider}},
                         env={variable: os.environ[variable]}) as gateway:
        env = {**os.environ, "BASE_URL": f"http://127.0.0.1:{gateway.port}/v1", "PROVIDER": name,
               "MODEL": os.environ.get("MODEL", model), "WORDS": str(words),
               "IMAGE_MODEL": os.environ.get("IMAGE_MODEL", image_model)}
        env.pop(variable)
        done = subprocess.run(["node", "live.mjs", *sys.argv[2:]], cwd=test_clients.CLIENTS, env=env,
                              timeout=900, check=False)
        lines = [line for line in gateway.journal() if support.kind(line) == "end"]
    sums, unknown = costs(lines)
    told = ", ".join(f"{value.normalize():f} {currency}" for currency, value in sums.items()) or "nothing"
    kinds = {kind for line in lines for kind, count in line["tokens"].items() if count}
    tokens = {kind: sum(line["tokens"].get(kind) or 0 for line in lines) for kind in sorted(kinds)}
    print(f"{len(lines)} calls, tokens {json.dumps(tokens)}")
    print(f"cost: {told}" + (f"; {unknown} calls without a price" if unknown else ""))
    return done.returncode


if __name__ == "__main__":
    main()
