#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many calls on record: what it takes to copy them to the index and to PostgreSQL, and to find some.

    make bench-records [RECORDS_FLAGS='--count 100000 --without-postgres']

Commands are measured as a whole: a process from its start to its end. CPU of PostgreSQL is that of
all its processes. PostgreSQL is Debian's, a cluster of its own without fsync.
"""
import argparse
import contextlib
import datetime
import glob
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import servers

TICKS = os.sysconf("SC_CLK_TCK")
STATEMENTS = {  # planned anew each time, as a new connection would
    "one trace id": ("SELECT * FROM api_logs WHERE otel_trace_id = '{trace}'", 50),
    "one trace id, with span and cost": ("SELECT * FROM get_log_by_any_trace_id('{trace}')", 50),
    "the last 50 errors": ("SELECT * FROM api_logs WHERE outcome <> 'ok'"
                           " ORDER BY \"timestamp\" DESC LIMIT 50", 50),
    "one day of one model": ("SELECT * FROM api_logs WHERE model = 'o3' AND \"timestamp\" >= '{day}'"
                             " AND \"timestamp\" < '{next}' ORDER BY \"timestamp\" DESC", 100),
    "30 days by model": ("SELECT provider, model, currency, sum(total_requests), sum(total_cost)"
                         " FROM daily_stats WHERE date >= '{first}' GROUP BY 1, 2, 3", 200),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=".", help="the build tree")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-postgres", action="store_true")
    parser.add_argument("--json", metavar="FILE", help="the figures as JSON, too")
    return parser.parse_args()


class Run:
    """A command: its seconds, CPU-s of user and system, and the greatest RSS in MB, which is looked at
    each ms: what the system tells of it at the end is at least ours."""

    def __init__(self, command, env=None):
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            begin = time.monotonic()
            process = subprocess.Popen(command, stdout=output, env=env)
            self.rss_mb, done = 0, 0
            while not done:
                self.rss_mb = peak_mb(process.pid) or self.rss_mb
                time.sleep(0.001)
                done, status, usage = os.wait4(process.pid, os.WNOHANG)
            self.seconds = time.monotonic() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            self.text = output.read()
        self.cpu_s = usage.ru_utime + usage.ru_stime
        if process.returncode != 0:
            sys.exit(f"bench-records: {' '.join(command)}: exit {process.returncode}")


def peak_mb(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.state = folder / "state"
        self.program = str(servers.Harborai(args.build).program)
        self.make = str(pathlib.Path(args.build).resolve() / "tests/bench/make_journal")
        self.figures = {}
        today = datetime.datetime.now(datetime.timezone.utc).date()
        day = today - datetime.timedelta(days=args.days // 3 + 1)
        self.about = {"day": day, "next": day + datetime.timedelta(days=1),
                      "first": today - datetime.timedelta(days=30), "trace": ""}

    def harborai(self, *command, env=None):
        return Run([self.program, *command, "--state-dir", str(self.state)], env)

    def note(self, what, value, unit, target=None):
        self.figures[what] = value
        verdict = "" if target is None else f"   <= {target}: {'met' if value <= target else 'MISSED'}"
        print(f"{what:58} {value:12,.1f} {unit}{verdict}", flush=True)

    def note_copy(self, what, seconds, cpu_s, rss_mb):
        self.note(f"{what}, calls/s", self.args.count / seconds, "/s")
        self.note(f"{what}, CPU of HarborAI a call", cpu_s / self.args.count * 1e6, "us")
        self.note(f"{what}, RSS", rss_mb, "MB")

    def prepare(self):
        made = Run([self.make, str(self.state), str(self.args.count), str(self.args.days)])
        size = sum(p.stat().st_size for p in self.state.glob("journal/*.jsonl"))
        print(f"{self.args.count:,} calls of {self.args.days} days, {size / 1e6:,.0f} MB of journal, made in "
              f"{made.seconds:.0f} s\n")
        name = sorted(glob.glob(f"{self.state}/journal/*.jsonl"))[0]
        with open(name, encoding="utf-8") as file:
            self.about["trace"] = next(json.loads(line)["trace_id"] for line in file
                                       if line.startswith('{"type":"end"'))

    def index(self):
        built = self.harborai("db", "reindex")
        self.note_copy("index", built.seconds, built.cpu_s, built.rss_mb)
        size = sum(p.stat().st_size for p in self.state.glob("index.sqlite3*"))
        self.note("index, size a call", size / self.args.count, "bytes")

    def ask(self, where, options=(), env=None):
        """By the command. Sums come of the index alone."""
        about = self.about
        questions = {
            "one trace id": (["logs", "--id", about["trace"], "--json", *options], 50),
            "the last 50 errors": (["logs", "--status", "error", "-n", "50", "--json", *options], 50),
            "one day of one model": (["logs", "--model", "o3", "--since", str(about["day"]), "--until",
                                      str(about["next"]), "-n", "100000", "--json", *options], 100),
        }
        if not options:
            for by in ("model", "client"):
                questions[f"30 days by {by}"] = (
                    ["stats", "--days", "30", "--by", by, "--format", "json"], 200)
        for what, (command, target) in questions.items():
            runs = [self.harborai(*command, env=env) for _ in range(self.args.rounds)]
            self.note(f"{where}: {what} ({len(runs[0].text.splitlines())} lines)",
                      statistics.median(r.seconds for r in runs) * 1000, "ms", target)
            self.note(f"{where}: {what}, CPU", statistics.median(r.cpu_s for r in runs) * 1000, "ms")
            self.note(f"{where}: {what}, RSS", max(r.rss_mb for r in runs), "MB")

    def postgres(self):
        postgres = servers.postgres(self.args.build)
        if not postgres.programs():
            print("PostgreSQL is not installed: apt-get install postgresql")
            return
        with postgres.server("-c", "max_wal_size=4GB") as server:
            database = server.database()
            env = dict(os.environ, HARBORAI_POSTGRES_URL=database.url())
            before_s = cpu_of(server.process.pid)
            copied = self.harborai("db", "drain", env=env)
            self.note_copy("PostgreSQL", copied.seconds, copied.cpu_s, copied.rss_mb)
            self.note("PostgreSQL, CPU of the server a call",
                      (cpu_of(server.process.pid) - before_s) / self.args.count * 1e6, "us")
            self.note("PostgreSQL, size a call",
                      int(database.value("SELECT pg_database_size(current_database())")) / self.args.count,
                      "bytes")
            database.rows("VACUUM ANALYZE")  # as autovacuum does by and by
            for what, (sql, target) in STATEMENTS.items():
                self.explain(database, what, sql.format(**self.about), target)
            self.ask("PostgreSQL", ["--source", "postgres"], env)

    def explain(self, database, what, sql, target):
        times = []
        for _ in range(self.args.rounds):
            plan = json.loads("\n".join(row[0] for row in database.rows(
                f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")))[0]
            times.append(plan["Planning Time"] + plan["Execution Time"])
        self.note(f"PostgreSQL, SQL: {what} ({plan['Plan']['Actual Rows']} rows)", statistics.median(times),
                  "ms", target)


def cpu_of(pid):
    """CPU-s of a process and of all that it has started."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        ticks = file.read().rpartition(")")[2].split()[11:15]
    total = sum(map(int, ticks)) / TICKS
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        for child in file.read().split():
            with contextlib.suppress(FileNotFoundError):
                total += cpu_of(int(child))
    return total


def main():
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="harborai-records-") as folder:
        bench = Bench(args, pathlib.Path(folder))
        print(f"load average {os.getloadavg()[0]:.2f} before, {os.cpu_count()} cores")
        bench.prepare()
        bench.index()
        bench.ask("index")
        if not args.without_postgres:
            bench.postgres()
        if args.json:
            pathlib.Path(args.json).write_text(json.dumps(bench.figures, indent=1) + "\n", encoding="utf-8")


main()
