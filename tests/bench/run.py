# SPDX-License-Identifier: MIT
"""make bench: `harborai serve` (two loops, journal and keys on) against nginx as a plain proxy.

Both stand on the same machine before the same upstream and under the same load, in alternating
rounds of one run; every figure is quoted as minimum / median / maximum over the rounds and compared
round by round. Nothing is pinned to a core. Without a harborai binary nginx is measured alone.
The lines of look-ups are those of tests/bench/lookup, "library: open" that of tests/bench/open, each a
program of its own.
"""
import argparse
import json
import os
import pathlib
import platform
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import alone
import loads
import report
import servers

HERE = pathlib.Path(__file__).resolve().parent
FAILURES_MAX = 3  # of one server in one measurement, before that is left out of the rest of the run
SLICES = 6  # of a round of latency
HELD = {2000: ("kb_2000",), 5000: ("kb_5000", "cpu_5000", "broken_5000")}  # streams, and their lines
FRESH = ("start", "idle_mb", *(line for lines in HELD.values() for line in lines))
LOAD = ("cpu_1k", "cpu_20k", "rps_32", "rps_1000", "p50", "p99", "ttft", "cpu_events", "cpu_translated")
TLS = {False: "", True: "_tls"}  # how lines of a TLS upstream end


def arguments():
    parser = argparse.ArgumentParser(description="harborai serve against nginx, one run")
    parser.add_argument("--build", default=".", help="the build tree (.)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure-ms", type=int, default=1000, help="of one run (1000)")
    parser.add_argument("--budget", type=int, default=400, metavar="S",
                        help="no round starts that would end after so many seconds (400)")
    parser.add_argument("--json", metavar="FILE", help="write every figure there as well")
    parser.add_argument("--keep", action="store_true", help="keep the folder with configurations")
    parser.add_argument("--without-harborai", action="store_true", help="measure nginx alone")
    parser.add_argument("--without-keys", action="store_true",
                        help="ask for no key; otherwise for one with all limits")
    parser.add_argument("--only", type=names, default=[], metavar="NAME[,NAME]...",
                        help=f"measure these alone, of {', '.join(report.NAMES)}")
    parser.add_argument("--sanitized", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def names(text):
    """Those of --only."""
    found = [name for name in text.split(",") if name]
    for name in found:
        if name not in report.NAMES:
            raise argparse.ArgumentTypeError(f"no '{name}'; there are {', '.join(report.NAMES)}")
    return found


def cpu_ticks_busy():
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4]  # all but idle and iowait; with steal


def cpu_seconds_own():
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in own)


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        build = pathlib.Path(args.build).resolve()
        self.programs = build / "tests/bench"
        self.load = self.programs / "bench_load"
        self.notes = []
        self.file_limit = servers.raise_file_limit()
        self.harborai = servers.Harborai(build, not args.without_keys)
        self.has_harborai = bool(self.harborai.program) and not args.without_harborai
        self.names = ["nginx", "harborai"] if self.has_harborai else ["nginx"]
        self.figures, self.raw, self.troubles, self.failures = {}, [], [], {}
        self.started = self.journal_bytes = 0
        self.running = []
        self.upstreams = {}
        for tls in (False, True):
            certificate = servers.Certificate(folder) if tls else None
            self.upstreams[tls] = servers.start_upstream(self.programs / "bench_upstream", folder, certificate)

    # --- bookkeeping ---------------------------------------------------------------------------

    def wants(self, *keys):
        """Whether one of them is to be measured."""
        return not self.args.only or any(key in self.args.only for key in keys)

    def wants_of(self, tls, keys):
        """The same of lines of a TLS upstream; lines that do not exist with it are not meant."""
        return self.wants(*(key + TLS[tls] for key in keys if key + TLS[tls] in report.NAMES))

    def order(self, round_index, what):
        """Who goes first changes from round to round."""
        names = [n for n in self.names if self.failures.get((n, what), 0) < FAILURES_MAX]
        return names if round_index % 2 == 0 else names[::-1]

    def note(self, key, server, round_index, value):
        """Keeps the place of a round that failed, so that pairs stay pairs."""
        values = self.figures.setdefault(key, {}).setdefault(server, [])
        values += [None] * (round_index - len(values)) + [value]

    def trouble(self, name, what, reason):
        self.failures[name, what] = self.failures.get((name, what), 0) + 1
        self.troubles.append(f"{name}, {what}: {reason}")
        print(f"  ! {self.troubles[-1]}", flush=True)

    def start(self, name, tls):
        self.started += 1
        folder = self.folder / f"{name}-{self.started}"
        if name == "nginx":
            server = servers.start_nginx(HERE / "nginx.conf.in", folder, self.upstreams[tls],
                                         min(10752, self.file_limit))
        else:
            server = self.harborai.start(folder, self.upstreams[tls])
        self.running.append(server)
        return server

    def stop(self, server):
        self.running.remove(server)
        fault = server.stop()
        if fault:
            self.trouble(server.name, "end", fault)
        if server.name == "harborai" and not fault:
            written = servers.state_bytes(server.folder)
            self.journal_bytes += written
            if written == 0:
                self.trouble("harborai", "end", "its state directory is empty: is the journal on?")
            shutil.rmtree(server.folder / "state", ignore_errors=True)

    def close(self):
        for process in [*self.running, *self.upstreams.values()]:
            process.stop(3)

    # --- one fresh server: start and memory ----------------------------------------------------

    def fresh_round(self, round_index):
        for tls in TLS:
            if not self.wants_of(tls, FRESH):
                continue
            what = f"start and memory{', TLS upstream' if tls else ''}"
            for name in self.order(round_index, what):
                server = self.start(name, tls)
                try:
                    start_ms = server.first_answer_ms()
                    if not tls:
                        self.note("start", name, round_index, start_ms)
                    if self.wants_of(tls, FRESH[1:]):
                        time.sleep(0.3)
                        self.memory(server, tls, round_index)
                except servers.Failure as failure:
                    self.trouble(name, what, failure)
                finally:
                    self.stop(server)

    def memory(self, server, tls, round_index):
        idle_kb = server.pss_kb()
        if not tls:
            self.note("idle_mb", server.name, round_index, idle_kb / 1024)
        totals = [total for total, keys in HELD.items()
                  if self.wants_of(tls, keys) and self.file_limit >= 2 * total + 500]
        if not totals:
            return
        held = servers.HeldStreams(self.load, server, totals[-1])
        try:
            for total in totals:
                held.open(total)
                time.sleep(0.2)
                self.note(f"kb_{total}{TLS[tls]}", server.name, round_index,
                          (server.pss_kb() - idle_kb) / total)
            result = held.release(self.upstreams[tls])
        except servers.Failure:
            held.abandon()
            raise
        if result["errors"]:
            self.trouble(server.name, f"{totals[-1]} streams",
                         f"{result['errors']} are broken: {result['first_error']}")
        if totals[-1] == 5000:
            self.raw.append({"what": f"{totals[-1]} streams", "tls": tls, "server": server.name,
                             "round": round_index, **result})
            self.note(f"broken_5000{TLS[tls]}", server.name, round_index, result["errors"])
            if result["events"]:
                self.note(f"cpu_5000{TLS[tls]}", server.name, round_index,
                          result["cpu_s"] / result["events"] * 1e4)

    # --- the servers under load ----------------------------------------------------------------

    def run_load(self, server, what, round_index, *options):
        """`server` None is the plain upstream itself, without a proxy."""
        name = server.name if server else "direct"
        port = self.upstreams[False].port
        if server:
            port = server.stream_port if "--stream" in options else server.port
        options = ["--port", str(port), "--measure-ms", str(self.args.measure_ms), *options]
        if server:
            options += ["--key", server.key]
        try:
            result = servers.run_load(self.load, server.pids() if server else [], options,
                                      self.args.measure_ms / 1000 + 15)
        except servers.Failure as failure:
            self.trouble(name, what, failure)
            return None
        self.raw.append({"what": what, "server": name, "round": round_index, **result})
        if result["errors"]:
            self.trouble(name, what, f"{result['errors']} errors, first: {result['first_error']}")
        return result

    def whole(self, running, round_index, line):
        """Requests a second and CPU of whole requests; yields (server's name, result)."""
        what, options = loads.LOADS[line]
        for name in self.order(round_index, what):
            result = self.run_load(running[name], what, round_index, *options)
            if result and result["requests"]:
                result["cpu_per_10k"] = result["cpu_s"] / result["requests"] * 1e4
                yield name, result

    def load_round(self, running, i):
        for tls in running:
            self.cpu_round(running[tls], i, TLS[tls])
        if False not in running:
            return
        plain = running[False]
        if self.wants("rps_1000"):
            for name, result in self.whole(plain, i, "rps_1000"):
                self.note("rps_1000", name, i, result["requests_per_s"])
        if self.wants("p50", "p99"):
            self.latency(plain, i, "latency", {"p50": "p50", "p99": "p99"}, "latency_us",
                         "--connections", "1")
        if self.wants("ttft"):
            self.latency(plain, i, "time to first token", {"ttft": "p50"}, "first_event_us",
                         "--connections", "1", "--stream", "--events", "3", "--delay-us", "1000")
        if self.wants("cpu_translated"):
            self.translated(plain, i)

    def cpu_round(self, running, i, suffix):
        """What is measured with a plain and with a TLS upstream."""
        line = f"cpu_1k{suffix}"
        if self.wants(line) or not suffix and self.wants("rps_32"):
            for name, result in self.whole(running, i, line):
                self.note(line, name, i, result["cpu_per_10k"])
                if not suffix:
                    self.note("rps_32", name, i, result["requests_per_s"])
        line = f"cpu_20k{suffix}"
        if self.wants(line):
            for name, result in self.whole(running, i, line):
                self.note(line, name, i, result["cpu_per_10k"])
        line = f"cpu_events{suffix}"
        if self.wants(line) or not suffix and self.wants("cpu_translated"):
            self.events(running, i, line)

    def events(self, running, i, line):
        what, options = loads.LOADS[line]
        for name in self.order(i, what):
            result = self.run_load(running[name], what, i, *options)
            if result and result["events"]:
                self.note(line, name, i, result["cpu_s"] / result["events"] * 1e4)

    def translated(self, running, i):
        """The same texts as Anthropic's events: what a translation costs beside passing through."""
        what, options = loads.LOADS["cpu_translated"]
        if "harborai" not in self.order(i, what) or not self.harborai.translates:
            return
        result = self.run_load(running["harborai"], what, i, *options)
        if result and result["events"]:
            passed_on = self.figures.get("cpu_events", {}).get("harborai", [])
            self.note("cpu_translated", "harborai", i, result["cpu_s"] / result["events"] * 1e4)
            self.note("cpu_translated", "passing on", i, passed_on[i] if i < len(passed_on) else None)

    def latency(self, running, i, what, keys, field, *options):
        """What a proxy adds to the same request without one. The round is cut into slices, in
        each of which all are measured: what the scheduler does changes within seconds."""
        slice_ms = max(100, self.args.measure_ms // SLICES)
        slices = []
        with servers.awake_processors():
            for n in range(SLICES):
                targets = {"direct": None, **{name: running[name] for name in self.order(i, what)}}
                names = sorted(targets, reverse=n % 2 == 1)
                results = {name: self.run_load(targets[name], what, i, *options,
                                               "--warmup-ms", "50", "--measure-ms", str(slice_ms))
                           for name in names}
                slices.append({name: r[field] for name, r in results.items() if r and r[field]})
        for key, percentile in keys.items():
            for name in ["direct", *self.names]:
                base = "direct" if name != "direct" else None
                values = [s[name][percentile] - (s[base][percentile] if base else 0)
                          for s in slices if name in s and (not base or base in s)]
                if values:
                    self.note(key, name, i, statistics.median(values))

    # --- all of it -----------------------------------------------------------------------------

    def rounds(self, what, share_s, one_round):
        """Runs the rounds that fit into the time; at least one."""
        begin = time.monotonic()
        for index in range(self.args.rounds):
            took = time.monotonic() - begin
            if index and took + took / index > share_s:
                self.troubles.append(f"only {index} rounds of {what}: no time for more")
                break
            print(f"{what}: round {index + 1} of {self.args.rounds}", flush=True)
            one_round(index)

    def run(self):
        begin = time.monotonic()
        if self.wants_of(False, FRESH) or self.wants_of(True, FRESH):
            self.rounds("start and memory", self.args.budget * 0.4, self.fresh_round)
        if self.wants_of(False, LOAD) or self.wants_of(True, LOAD):
            self.run_under_load(self.args.budget - (time.monotonic() - begin))
        if self.wants("recording"):
            alone.run_recording(self)
        if self.wants("lookup", "lookup_fixed", "lookup_two"):
            alone.run_lookup(self)
        if self.wants("open"):
            alone.run_open(self)

    def run_under_load(self, share_s):
        running = {tls: {} for tls in TLS if self.wants_of(tls, LOAD)}
        for tls, servers_by_name in running.items():
            for name in list(self.names):
                server = self.start(name, tls)
                try:
                    server.first_answer_ms()
                    servers_by_name[name] = server
                except servers.Failure as failure:
                    self.trouble(name, "start", failure)
                    self.names.remove(name)
        self.rounds("load", share_s, lambda index: self.load_round(running, index))
        for server in list(self.running):
            self.stop(server)


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    version = subprocess.run([servers.find_nginx(), "-v"], capture_output=True, text=True,
                             check=False).stderr.strip()
    return {"cpu": model[0] if model else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "nginx": version.rpartition(" ")[2],
            "load_before": os.getloadavg()[0]}


def print_result(bench, about, result_rows):
    print(f"\n{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, {about['nginx']}, "
          f"rounds of {bench.args.measure_ms} ms, {about['seconds']:.0f} s in all")
    print(f"noise: load average {about['load_before']:.2f} before; others took "
          f"{about['others_cpu_percent']:.0f} % of the processors meanwhile")
    if bench.has_harborai:
        print(f"journal: harborai wrote {bench.journal_bytes / 1e6:,.1f} MB to its state directory")
    else:
        print("harborai: n/a, this build tree has no program or it is not wanted")
    if bench.args.sanitized:
        print("SANITIZED BUILD: its figures say nothing about the product")
    print(f"keys: {'off' if bench.args.without_keys else 'on, with every limit'}\n")
    report.print_table(result_rows)
    print("\nTargets hold for the median of the rounds. CPU is that of all processes of a server. "
          "TLS: of the\nupstream, on kept connections; both verify it.\n"
          "\"added\": minus the same request to the upstream itself, the median of slices of a "
          "round, while\nidle-class spinners keep the processors awake: their wake-up is not ours.")
    for note in bench.notes:
        print(note)
    for trouble in bench.troubles:
        print(f"! {trouble}")


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="harborai-bench-"))
    folder.chmod(0o755)  # nginx, started by root, serves as another user
    begin, ticks_before = time.monotonic(), cpu_ticks_busy()
    bench = None
    try:
        about = machine()
        bench = Bench(args, folder)
        bench.run()
    except servers.Failure as failure:
        sys.exit(f"bench: {failure}")
    finally:
        if bench:
            bench.close()
        if args.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    about["seconds"] = time.monotonic() - begin
    busy_s = (cpu_ticks_busy() - ticks_before) / os.sysconf("SC_CLK_TCK")
    about["others_cpu_percent"] = max(0.0, (busy_s - cpu_seconds_own()) /
                                      (about["seconds"] * about["cores"]) * 100)
    result_rows = [row for row in report.rows(bench.figures) if bench.wants(row["key"])]
    print_result(bench, about, result_rows)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(
            {"machine": about, "lines": result_rows, "runs": bench.raw,
             "troubles": bench.troubles}, indent=1) + "\n")
    sys.exit(1 if bench.troubles else 0)


if __name__ == "__main__":
    main()
