#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where the CPU time of `harborai serve` goes under a load of `make bench`, named by function.

    make profile [PROFILE_FLAGS='--line cpu_20k --top 60']

A line is one of tests/bench/loads.py. perf samples the clock of each processor, which also works where a
virtual machine has no counters of its hardware. The samples stay in the build folder:
`perf report -i FILE` shows who called what in the kernel.
"""
import argparse
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import loads
import servers

HERE = pathlib.Path(__file__).resolve().parent
FREQUENCY = 997  # Hz, of no clock that anything else runs by
KERNEL, NO_SYMBOL = "[kernel.kallsyms]", "[no symbol]"
# its entry, or what that jumps to, in whose place it then stands
SYSTEM_CALL = re.compile(r"^(?:__(?:x64|ia32|arm64|riscv)_sys|__do_sys|__sys|ksys|do(?=_(?:read|write)v\b))"
                         r"_(\w+?)(?:\.\w+)*$")
FRAME = re.compile(r"^\s+[0-9a-f]+ (.+?)(?:\+0x[0-9a-f]+)? \((.*)\)$")


def arguments():
    parser = argparse.ArgumentParser(description="CPU profile of a gateway under load, by function")
    parser.add_argument("--build", default=".", help="the build tree (.)")
    parser.add_argument("--line", default="cpu_1k", choices=loads.LOADS, help="the load (cpu_1k)")
    parser.add_argument("--body", type=int, metavar="BYTES", help="another size of the request")
    parser.add_argument("--connections", type=int, metavar="N", help="another number of them")
    parser.add_argument("--without-keys", action="store_true", help="ask for no key")
    parser.add_argument("--server", default="harborai", choices=("harborai", "nginx"))
    parser.add_argument("--seconds", type=int, default=8, help="to sample (8)")
    parser.add_argument("--callers", action="store_true",
                        help="functions with all that they call, too; sampling costs more")
    parser.add_argument("--top", type=int, default=40, metavar="N", help="functions to name (40)")
    parser.add_argument("--output", metavar="FILE", help="of the samples (perf-LINE.data)")
    return parser.parse_args()


def perf():
    program = shutil.which("perf")
    if not program:
        raise servers.Failure("perf is missing: apt-get install linux-perf")
    return program


class Sampler:
    """perf, while it samples some processes."""

    def __init__(self, pids, output, with_callers):
        # a program without frame pointers has its callers found by debug information and its stack
        graph = "dwarf,8192" if with_callers else "fp"
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            [perf(), "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "--call-graph", graph, "-o", output, "-p",
             ",".join(map(str, pids))], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.log.seek(0)
        words = self.log.read().strip()
        self.log.close()
        if self.process.returncode not in (0, -signal.SIGINT):
            raise servers.Failure(f"perf took no samples (as root, or with kernel.perf_event_paranoid "
                                  f"at 1 or less?): {words or self.process.returncode}")


def samples(output):
    """The frames of each sample, innermost first, as (function, object)."""
    done = subprocess.Popen([perf(), "script", "-i", output, "--no-inline", "-F", "ip,sym,dso"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
    frames = []
    for line in done.stdout:
        match = FRAME.match(line)
        if match:
            frames.append((match[1], match[2] if "kernel" in match[2] else os.path.basename(match[2])))
        elif frames:
            yield frames
            frames = []
    if frames:
        yield frames
    if done.wait() != 0:
        raise servers.Failure(f"perf cannot read {output}")


def system_call(names):
    for name in reversed(names):
        if match := SYSTEM_CALL.match(name):
            return match[1]
    if any("schedule" in name for name in names):
        return "[switching to another process, which was waiting for the processor]"
    return "[interrupts]" if "asm_" in names[-1] else "[entry and exit]"


class Counts:
    """Samples by (function, object): itself, and also with what it calls; those of the kernel by system call."""

    def __init__(self, output):
        self.functions, self.whole, self.calls = (collections.Counter() for _ in range(3))
        for frames in samples(output):
            self.add([(NO_SYMBOL if name == "[unknown]" else name, KERNEL if "kernel" in place else place)
                      for name, place in frames])

    def add(self, frames):
        self.functions[frames[0]] += 1
        self.whole.update({frame for frame in frames if KERNEL not in frame and NO_SYMBOL not in frame})
        if frames[0][1] == KERNEL:
            self.calls[system_call([name for name, _ in frames])] += 1


def print_shares(title, shares, total, most):
    print(f"\n{title}")
    for name, found in shares.most_common(most):
        print(f"  {100 * found / total:5.1f} %  {name}")


def print_profile(counts, args):
    total = sum(counts.functions.values())
    if total == 0:
        raise servers.Failure("there is no sample: did the server run at all?")
    kernel = sum(counts.calls.values())
    print(f"{total:,} samples: kernel {100 * kernel / total:.1f} %, user {100 * (1 - kernel / total):.1f} %")
    objects = collections.Counter()
    for (_, place), found in counts.functions.items():
        objects[place] += found
    user, inside = (collections.Counter({f"{function}  ({place})": found
                                         for (function, place), found in counts.functions.items()
                                         if (place == KERNEL) == is_kernel}) for is_kernel in (False, True))
    print_shares("By shared object", objects, total, 20)
    print_shares("Kernel, by system call", counts.calls, total, 16)
    print_shares("Kernel, functions by themselves", inside, total, args.top // 2)
    print_shares("User, functions by themselves", user, total, args.top)
    if args.callers:
        whole = collections.Counter({f"{function}  ({place})": found
                                     for (function, place), found in counts.whole.items()})
        print_shares("User, functions with all that they call, the kernel's part as well", whole, total,
                     2 * args.top)


def start(args, folder, upstream):
    if args.server == "nginx":
        return servers.start_nginx(HERE / "nginx.conf.in", folder, upstream,
                                   min(10752, servers.raise_file_limit()))
    harborai = servers.Harborai(args.build, not args.without_keys)
    if not harborai.program:
        raise servers.Failure(f"there is no harborai in {args.build}: make")
    return harborai.start(folder, upstream)


def run(args, folder, running):
    build = pathlib.Path(args.build).resolve()
    output = args.output or str(build / f"perf-{args.line}.data")
    perf()
    servers.raise_file_limit()
    certificate = servers.Certificate(folder) if loads.is_tls(args.line) else None
    upstream = servers.start_upstream(build / "tests/bench/bench_upstream", folder, certificate)
    running.append(upstream)
    server = start(args, folder / "server", upstream)
    running.append(server)
    server.first_answer_ms()
    what, options = loads.LOADS[args.line]
    port = server.stream_port if "--stream" in options else server.port
    options = ["--port", str(port), "--key", server.key, "--measure-ms", str(args.seconds * 1000), *options]
    for option, value in (("--body", args.body), ("--connections", args.connections)):
        options += [option, str(value)] if value else []
    sampler = Sampler(server.pids(), output, args.callers)
    try:
        result = servers.run_load(build / "tests/bench/bench_load", server.pids(), options,
                                  args.seconds + 15)
    finally:
        sampler.end()
    print(f"{server.name}, {what}, {'keys off' if args.without_keys else 'keys on'}: "
          f"{result['requests_per_s']:,.0f} requests/s, {result['events_per_s']:,.0f} events/s, "
          f"{result['cpu_s']:.2f} s of CPU in {result['seconds']:.1f} s, {result['errors']} errors")
    print_profile(Counts(output), args)
    print(f"\nsamples: {output} (perf report -i {output})")
    if result["errors"]:
        raise servers.Failure(result["first_error"])


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="harborai-profile-"))
    folder.chmod(0o755)  # nginx, started by root, serves as another user
    running = []
    try:
        run(args, folder, running)
    except servers.Failure as failure:
        sys.exit(f"profile: {failure}")
    finally:
        for process in reversed(running):
            process.stop(5)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
