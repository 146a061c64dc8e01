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

import loads
import report
import servers

HERE = pathlib.Path(__file__).resolve().parent
FAILURES_MAX = 3  # of one server in one measurement, before that is left out of the rest of the run
SLICES = 6  # of a round of latency
OPENS = 25  # processes that open a client
FRESH = ("start", "idle_mb", "kb_2000", "kb_5000")
LOAD = ("cpu_1k", "cpu_20k", "rps_32", "rps_1000", "p50", "p99", "ttft", "cpu_events", "cpu_translated")


def arguments():
    parser = argparse.ArgumentParser(description="harborai serve against nginx, one run")
    parser.add_argument("--build", default=".", help="the build tree (.)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure-ms", type=int, default=1800, help="of one run (1800)")
    parser.add_argument("--budget", type=int, default=220, metavar="S",
                        help="no round starts that would end after so many seconds (220)")
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
        self.load = build / "tests/bench/bench_load"
        self.lookup = build / "tests/bench/lookup"
        self.open = build / "tests/bench/open"
        self.notes = []
        self.file_limit = servers.raise_file_limit()
        self.harborai = servers.Harborai(build, not args.without_keys)
        self.has_harborai = bool(self.harborai.program) and not args.without_harborai
        self.names = ["nginx", "harborai"] if self.has_harborai else ["nginx"]
        self.figures, self.raw, self.troubles, self.failures = {}, [], [], {}
        self.started = self.journal_bytes = 0
        self.running = []
        self.upstream = servers.start_upstream(build / "tests/bench/bench_upstream", folder)

    # --- bookkeeping ---------------------------------------------------------------------------

    def wants(self, *keys):
        """Whether one of them is to be measured."""
        return not self.args.only or any(key in self.args.only for key in keys)

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

    def start(self, name):
        self.started += 1
        folder = self.folder / f"{name}-{self.started}"
        if name == "nginx":
            server = servers.start_nginx(HERE / "nginx.conf.in", folder, self.upstream.port,
                                         min(10752, self.file_limit))
        else:
            server = self.harborai.start(folder, self.upstream.port)
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
        for process in [*self.running, self.upstream]:
            process.stop(3)

    # --- one fresh server: start and memory ----------------------------------------------------

    def fresh_round(self, round_index):
        for name in self.order(round_index, "start and memory"):
            server = self.start(name)
            try:
                self.note("start", name, round_index, server.first_answer_ms())
                if self.wants(*FRESH[1:]):
                    time.sleep(0.3)
                    self.memory(server, round_index)
            except servers.Failure as failure:
                self.trouble(name, "start and memory", failure)
            finally:
                self.stop(server)

    def memory(self, server, round_index):
        idle_kb = server.pss_kb()
        self.note("idle_mb", server.name, round_index, idle_kb / 1024)
        held, opened = [], 0
        try:
            for total in (2000, 5000):
                if self.file_limit < 2 * total + 500 or not self.wants("kb_2000", "kb_5000"):
                    continue
                held.append(servers.HeldStreams(self.load, server, total - opened))
                opened = total
                time.sleep(0.2)
                self.note(f"kb_{total}", server.name, round_index,
                          (server.pss_kb() - idle_kb) / total)
        finally:
            faults = [fault for streams in held if (fault := streams.release())]
        if faults:
            raise servers.Failure(faults[0])

    # --- the servers under load ----------------------------------------------------------------

    def run_load(self, server, what, round_index, *options):
        """`server` None is the upstream itself, without a proxy."""
        name = server.name if server else "direct"
        port = self.upstream.port
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
        if self.wants("cpu_1k", "rps_32"):
            for name, result in self.whole(running, i, "cpu_1k"):
                self.note("cpu_1k", name, i, result["cpu_per_10k"])
                self.note("rps_32", name, i, result["requests_per_s"])
        if self.wants("cpu_20k"):
            for name, result in self.whole(running, i, "cpu_20k"):
                self.note("cpu_20k", name, i, result["cpu_per_10k"])
        if self.wants("rps_1000"):
            for name, result in self.whole(running, i, "rps_1000"):
                self.note("rps_1000", name, i, result["requests_per_s"])
        if self.wants("p50", "p99"):
            self.latency(running, i, "latency", {"p50": "p50", "p99": "p99"}, "latency_us",
                         "--connections", "1")
        if self.wants("ttft"):
            self.latency(running, i, "time to first token", {"ttft": "p50"}, "first_event_us",
                         "--connections", "1", "--stream", "--events", "3", "--delay-us", "1000")
        if self.wants("cpu_events", "cpu_translated"):
            self.events(running, i)
        if self.wants("cpu_translated"):
            self.translated(running, i)

    def events(self, running, i):
        what, options = loads.LOADS["cpu_events"]
        for name in self.order(i, what):
            result = self.run_load(running[name], what, i, *options)
            if result and result["events"]:
                self.note("cpu_events", name, i, result["cpu_s"] / result["events"] * 1e4)

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
        if self.wants(*FRESH):
            self.rounds("start and memory", self.args.budget * 0.3, self.fresh_round)
        if self.wants(*LOAD):
            self.run_under_load(self.args.budget - (time.monotonic() - begin))
        if self.wants("recording"):
            self.run_recording()
        if self.wants("lookup", "lookup_fixed", "lookup_two"):
            self.run_lookup()
        if self.wants("open"):
            self.run_open()

    def run_under_load(self, share_s):
        running = {}
        for name in list(self.names):
            server = self.start(name)
            try:
                server.first_answer_ms()
                running[name] = server
            except servers.Failure as failure:
                self.trouble(name, "start", failure)
                self.names.remove(name)
        self.rounds("load", share_s, lambda index: self.load_round(running, index))
        for server in list(self.running):
            self.stop(server)

    def run_recording(self):
        """What it costs to record calls: CPU of the same requests to gateways that record less."""
        if not self.has_harborai:
            return
        postgres = servers.postgres(self.args.build)
        if not postgres.programs():
            self.troubles.append("no PostgreSQL to copy to: apt-get install postgresql")
            self.record_to("")
            return
        with postgres.server() as server:
            self.record_to(server.database().url())

    def record_to(self, postgres_url):
        gateways = {}
        for number, (what, settings) in enumerate(servers.RECORDING.items()):
            if "@URL@" in settings and not postgres_url:
                continue
            folder = self.folder / f"recording-{number}"
            gateways[what] = self.harborai.start(folder, self.upstream.port,
                                                 settings.replace("@URL@", postgres_url))
            self.running.append(gateways[what])
            gateways[what].first_answer_ms()
        found = {what: [] for what in gateways}
        for index in range(self.args.rounds):
            for what, server in gateways.items():
                result = self.run_load(server, f"1 KB, {what}", index)
                if result and result["requests"]:
                    found[what].append(result["cpu_s"] / result["requests"] * 1e4)
        for what, values in found.items():
            self.figures[f"recording: {what}"] = {"harborai": values}
            self.notes.append(f"CPU-s per 10,000 requests, 1 KB, with {what}: "
                              f"{report.triple(values, 3)}")
        for server in gateways.values():
            self.running.remove(server)
            server.stop()

    def run_open(self):
        """A process for each figure: the first client that it opens."""
        if not os.access(self.open, os.X_OK) or not self.has_harborai:
            return
        env = dict(os.environ, HARBORAI_PLUGIN_PATH=":".join(self.harborai.plugins))
        found = []
        for _ in range(OPENS):
            done = subprocess.run([self.open, str(self.upstream.port), self.folder / "opened"],
                                  capture_output=True, text=True, timeout=30, check=False, env=env)
            if done.returncode != 0:
                self.troubles.append(f"{self.open.name}: {done.stdout + done.stderr}")
                return
            found.append(json.loads(done.stdout))
        self.figures["open"] = {"harborai": [f["open_ms"] for f in found]}
        last = found[-1]
        self.notes.append(f"library: open takes {last['bytes']:,} bytes of the heap; "
                          f"{last['plugins_before']} plugins are mapped before the first call, "
                          f"{last['plugins_after']} after it; the first answer takes "
                          f"{report.triple([f['first_ms'] for f in found], 1)} ms")
        if last["plugins_before"] > 0:
            self.troubles.append("a plugin was loaded before the first call")

    def run_lookup(self):
        if not os.access(self.lookup, os.X_OK):
            return
        done = subprocess.run([self.lookup], capture_output=True, text=True, timeout=120,
                              check=False)
        try:
            sizes = json.loads(done.stdout)
            middle = sizes["1000"]
        except (ValueError, KeyError, TypeError):
            self.troubles.append(f"{self.lookup.name}: no figures: {done.stdout + done.stderr}")
            return
        # the dearer of both, so that a look-up that threads make slower cannot hide
        dearer = [max(both) for both in zip(middle["one_thread"], middle["two_threads"])]
        self.figures["lookup"] = {"harborai": dearer}
        self.figures["lookup_fixed"] = {"harborai": middle["one_thread"],
                                        "a fixed map": middle["fixed_map"]}
        self.figures["lookup_two"] = {"harborai": middle["two_threads"],
                                      "one thread": middle["one_thread"]}
        for models, found in sizes.items():
            parts = ", ".join(f"{what.replace('_', ' ')} {report.triple(found[what], 1)}"
                              for what in ("fixed_map", "one_thread", "two_threads"))
            self.notes.append(f"look-up of {int(models):,} models, ns: {parts}")


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
    print("\nTargets hold for the median of the rounds. CPU is that of all processes of a server.\n"
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
