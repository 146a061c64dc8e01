#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long calls take while PostgreSQL is away, against how long they take while it is there: minutes of
both in turn, on one gateway, at one rate. Latencies count from when a call was due. Exits with 1 when the
median of the rounds' ratios of p99 is above --most. For a quiet machine:

    HARBORAI_BUILDDIR=build/check python3 tests/system/outage_latency.py --seconds 60 --rounds 5
"""
import argparse
import statistics
import sys
import time

import load
import postgres
import support


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=60, help="of one measurement (60)")
    parser.add_argument("--rounds", type=int, default=5, help="each of two measurements (5)")
    parser.add_argument("--rate", type=int, default=2000, help="calls a second (2000)")
    parser.add_argument("--how", choices=("stop", "pause"), default="stop", help="what is away (stop)")
    parser.add_argument("--most", type=float, default=1.1, help="that the ratio may be (1.1)")
    return parser.parse_args()


def postgres_of(running):
    return running.request("GET", "/health").json()["components"]["postgres"]


def measure(running, args):
    """p50, p99 and maximum, in µs."""
    calls = load.Load(running.port, "call", rate=args.rate)
    try:
        time.sleep(args.seconds)
        calls.end()
    finally:
        calls.kill()
    return [calls.result["latency_us"][name] for name in ("p50", "p99", "max")]


def measure_away(server, running, args):
    leave, come_back = {"stop": (server.stop, server.start), "pause": (server.pause, server.go_on)}[args.how]
    leave()
    try:
        running.chat(model=load.MODEL)  # without one it is not missed
        support.wait_for("FILE_FALLBACK", lambda: postgres_of(running)["drain"] == "FILE_FALLBACK", 60)
        return measure(running, args)
    finally:
        come_back()


def measure_there(_, running, args):
    def is_there():
        seen = postgres_of(running)
        return seen["drain"] == "POSTGRES_ACTIVE" and seen["backlog_bytes"] == 0
    support.wait_for("it has all calls", is_there, 600)
    return measure(running, args)


def main():
    args = arguments()
    ratios = []
    with load.upstream() as base_url, postgres.server() as server:
        config = {"providers": {"lab": support.provider(base_url, load.MODEL)},
                  "store": {"postgres": {"url": server.database().url(), "health_check_interval": "5s"}}}
        with support.gateway(config) as running:
            for number in range(args.rounds):
                order = [("there", measure_there), ("away", measure_away)]
                seen = {name: work(server, running, args) for name, work in order[::(-1) ** number]}
                ratios.append(seen["away"][1] / seen["there"][1])
                print(f"round {number + 1}: " + "; ".join(
                    f"{name} p50 {p50:.0f}, p99 {p99:.0f}, max {most:.0f} µs"
                    for name, (p50, p99, most) in sorted(seen.items())) + f"; {ratios[-1]:.3f}", flush=True)
    median = statistics.median(ratios)
    print(f"p99 away over p99 there: median {median:.3f} of {min(ratios):.3f} to {max(ratios):.3f}")
    sys.exit(0 if median <= args.most else 1)


if __name__ == "__main__":
    main()
