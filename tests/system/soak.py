#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether a gateway's memory grows: a million requests of many kinds (tests/bench/soak.c), with clients that
leave and vendors that fail, journal and keys on. After each hundred thousand, with nothing in flight and
the index up to date, its resident memory is read. Exits with 1 if at the end it is more than --most above
what it was after the first of them, or if an answer was not what it had to be.

    make soak SOAK_FLAGS='--without-index --requests 300000'
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

import load
import support


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--requests", type=int, default=1000000, help="in all (1000000)")
    parser.add_argument("--step", type=int, default=100000, help="after so many memory is read (100000)")
    parser.add_argument("--warmup", type=int, default=1, help="steps before the first one that counts (1)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-index", action="store_true", help="the journal alone")
    parser.add_argument("--most", type=float, default=1.01, help="that last over first may be (1.01)")
    parser.add_argument("--json", metavar="FILE", help="write the series there")
    return parser.parse_args()


def config(base_url, faulty_url, with_index):
    return {"server": {"auth": "required"}, "store": {"sqlite": {"enabled": with_index}},
            "providers": {"bench": support.provider(base_url, load.MODEL),
                          "faulty": support.provider(faulty_url, "faulty-model"),
                          "claude": {**support.provider(base_url.removesuffix("/v1"), "bench-claude"),
                                     "plugin": "anthropic"}}}


def make_key(state):
    """With every limit that there is, so that all is counted; none of them is reached."""
    most = "1000000000"
    done = support.harborai("key", "create", "soak", "--rpm", most, "--tpm", most, "--concurrency", "1000000",
                            "--state-dir", state)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def memory_kib(pid):
    """As the kernel counts it."""
    names = {"Rss": "rss", "Pss": "pss", "Private_Dirty": "dirty", "Anonymous": "anonymous"}
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        name = line.split(":")[0]
        if name in names:
            found[names[name]] = int(line.split()[1])
    return found


def settle(hb, with_index):
    """Until nothing is in flight and the index has all."""
    if with_index:
        support.wait_for("an index that is up to date", lambda: hb.request("GET", "/health").json()
                         ["components"]["index"]["backlog_bytes"] == 0, 600)
    time.sleep(1)


def run_step(hb, key, number, seed, connections):
    done = subprocess.run([load.program("soak"), "--port", str(hb.port), "--requests", str(number), "--seed",
                           str(seed), "--connections", str(connections), "--key", key],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def add_kinds(kinds, more):
    for kind, outcomes in more.items():
        mine = kinds.setdefault(kind, {})
        for outcome, number in outcomes.items():
            mine[outcome] = mine.get(outcome, 0) + number


def soak(hb, key, args):
    """The series of memory, and what became of the requests."""
    series, kinds, left, unexpected = [{"requests": 0, **memory_kib(hb.pid)}], {}, 0, 0
    print("requests  per s     RSS     PSS  private dirty  anonymous (KiB)", flush=True)
    for step in range(-(-args.requests // args.step)):
        result = run_step(hb, key, args.step, step + 1, args.connections)
        settle(hb, not args.without_index)
        add_kinds(kinds, result["kinds"])
        left += result["left"]
        unexpected += result["unexpected"]
        series.append({"requests": (step + 1) * args.step, "seconds": result["seconds"], **memory_kib(hb.pid)})
        now = series[-1]
        print(f"{now['requests']:8} {args.step / now['seconds']:6.0f} {now['rss']:7} {now['pss']:7} "
              f"{now['dirty']:14} {now['anonymous']:10}", flush=True)
    return series, kinds, left, unexpected


def main():
    args = arguments()
    with load.upstream() as base_url, load.faults() as faulty_url, support.folder() as place:
        state = str(pathlib.Path(place) / "state")
        key = make_key(state)
        with support.gateway(config(base_url, faulty_url, not args.without_index), workers=args.workers,
                             state=state) as hb:
            series, kinds, left, unexpected = soak(hb, key, args)
    for kind, outcomes in kinds.items():
        print(f"{kind}: " + ", ".join(f"{number} × {outcome}" for outcome, number in outcomes.items()))
    print(f"{left} left by their clients, {unexpected} not as they had to be")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"series": series, "kinds": kinds}, indent=1))
    ratio = series[-1]["rss"] / series[min(args.warmup, len(series) - 1)]["rss"]
    print(f"RSS at the end: {ratio:.4f} of what it was after {args.warmup * args.step} requests "
          f"(at most {args.most})")
    return 1 if unexpected or ratio > args.most else 0


if __name__ == "__main__":
    sys.exit(main())
