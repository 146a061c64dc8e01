#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether a gateway's memory grows: a million requests of many kinds (tests/bench/soak.c), with clients that
leave and vendors that fail, journal and keys on. After each hundred thousand, with nothing in flight and
the index up to date, its memory is read: what is resident, and how much of its heap is in use. Before, four
times as many connections warm it up: threads that are begun once, caches, and a heap as large as it will be.
Exits with 1 if either is more than --most times what it was after that, or if an answer was not what it had
to be.

    make soak SOAK_FLAGS='--without-index --requests 300000'
"""
import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import load
import support


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--requests", type=int, default=1000000, help="after the warm-up (1000000)")
    parser.add_argument("--step", type=int, default=100000, help="after so many memory is read (100000)")
    parser.add_argument("--warmup", type=int, default=300000, help="requests before (300000)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-index", action="store_true", help="the journal alone")
    parser.add_argument("--most", type=float, default=1.01, help="that both may be of what they were (1.01)")
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


def build_probe(place):
    """tests/bench/heap_in_use.c, to be preloaded."""
    path = os.path.join(place, "heap_in_use.so")
    subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-shared", "-fPIC", "-O", "-pthread", "-o", path,
                    os.path.join(support.ROOT, "tests", "bench", "heap_in_use.c")], check=True)
    return path


def heap_kib(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        return int(sock.makefile().readline()) >> 10


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


class Soak:
    """After run(): `series` of memory, the first of them after the warm-up; what became of the requests: `kinds`,
    of each kind how many ended how, `left` by their clients, `unexpected`."""

    def __init__(self, hb, key, probe, args):
        self.hb, self.key, self.probe, self.args = hb, key, probe, args
        self.series, self.kinds, self.steps, self.left, self.unexpected = [], {}, 0, 0, 0

    def step(self, number, connections):
        self.steps += 1
        done = subprocess.run([load.program("soak"), "--port", str(self.hb.port), "--requests", str(number),
                               "--seed", str(self.steps), "--connections", str(connections), "--key", self.key],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout)
        for kind, outcomes in result["kinds"].items():
            mine = self.kinds.setdefault(kind, {})
            for outcome, count in outcomes.items():
                mine[outcome] = mine.get(outcome, 0) + count
        self.left += result["left"]
        self.unexpected += result["unexpected"]
        return number / result["seconds"]

    def look(self, requests, per_s):
        settle(self.hb, not self.args.without_index)
        now = {"requests": requests, "requests_per_s": round(per_s), "heap": heap_kib(self.probe),
               **memory_kib(self.hb.pid)}
        self.series.append(now)
        print(f"{requests:8} {per_s:6.0f} {now['rss']:7} {now['pss']:7} {now['dirty']:14} {now['anonymous']:10} {now['heap']:7}",
              flush=True)

    def run(self):
        args = self.args
        print("requests  per s     RSS     PSS  private dirty  anonymous    heap (KiB)", flush=True)
        self.look(0, self.step(args.warmup, 4 * args.connections))
        for requests in range(args.step, args.requests + 1, args.step):
            self.look(requests, self.step(args.step, args.connections))


def main():
    args = arguments()
    with load.upstream() as base_url, load.faults() as faulty_url, support.folder() as place:
        state = str(pathlib.Path(place) / "state")
        key = make_key(state)
        probe = os.path.join(place, "heap")
        with support.gateway(config(base_url, faulty_url, not args.without_index), workers=args.workers,
                             state=state, env={"LD_PRELOAD": build_probe(place), "HEAP_IN_USE": probe}) as hb:
            run = Soak(hb, key, probe, args)
            run.run()
    for kind, outcomes in run.kinds.items():
        if outcomes:
            print(f"{kind}: " + ", ".join(f"{number} × {outcome}" for outcome, number in outcomes.items()))
    print(f"{run.left} left by their clients, {run.unexpected} not as they had to be")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"series": run.series, "kinds": run.kinds}, indent=1))
    worst = 0
    for name, what in (("rss", "resident"), ("heap", "heap in use")):
        ratios = [now[name] / run.series[0][name] for now in run.series]
        worst = max(worst, *ratios)
        print(f"{what}: {ratios[-1]:.4f} at the end, {max(ratios):.4f} at most, of what it was after the warm-up "
              f"(may be {args.most})")
    return 1 if run.unexpected or worst > args.most else 0


if __name__ == "__main__":
    sys.exit(main())
