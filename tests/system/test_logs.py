# SPDX-License-Identifier: MIT
"""harborai logs: what it takes, what it follows, what it looks like; and its other name."""
import json
import os
import re
import signal
import subprocess
import time
import unittest

import postgres
import support
from support import BUILD, HARBORAI, config_for, gateway, harborai, run_with_tty, wait_for
from test_postgres import BEGIN_NS, Journal, end_line

VIEW_LOGS = os.path.join(BUILD, "harborai-view-logs")


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        place = support.folder()
        self.state = place.__enter__()
        self.addCleanup(place.__exit__, None, None, None)
        self.journal = Journal(self.state)

    def logs(self, *arguments, status=0, **more):
        done = harborai("logs", "--state-dir", self.state, *arguments, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def found(self, *arguments):
        return [json.loads(line)["id"] for line in self.logs("--json", *arguments).stdout.splitlines()]


class FiltersTest(Case):
    def setUp(self):
        super().setUp()
        self.journal.add(*[
            end_line(id=f"hb_{1795335570428 + i}_0000000{i}", begin_ns=BEGIN_NS + i * 10**9,
                     end_ns=BEGIN_NS + i * 10**9 + 10**8, outcome=outcome, status=status)
            for i, (outcome, status) in enumerate((("ok", 200), ("error", 500), ("cancelled", 499),
                                                   ("interrupted", 0)))])
        self.ids = [f"hb_{1795335570428 + i}_0000000{i}" for i in range(4)]

    def test_levels(self):
        for arguments, wanted in ((["--level", "DEBUG"], [0, 1, 2, 3]), (["--level", "info"], [0, 1, 2, 3]),
                                  (["--level", "WARNING"], [1, 2, 3]), (["--level", "Error"], [1, 3]),
                                  (["--has-error"], [1, 2, 3]), (["--no-error"], [0]),
                                  (["--level", "ERROR", "--status", "failed"], [1, 3]),
                                  (["--status", "5xx", "--has-error"], [1])):
            with self.subTest(arguments):
                self.assertEqual(self.found(*arguments), [self.ids[i] for i in wanted])
        for arguments in (["--level", "loud"], ["--has-error", "--no-error"], ["--level", "error", "--status", "ok"]):
            with self.subTest(arguments):
                self.logs(*arguments, status=2)

    def test_times(self):
        env = {"TZ": "Asia/Shanghai"}  # the second call began at 2026-11-22T16:19:31.4 there
        for text in ("2026-11-22T08:19:31Z", "2026-11-22T16:19:31", "2026-11-22 16:19:31", "2026/11/22 16:19:31",
                     "2026-11-22T16:19:31+08:00", "2026-11-22T10:19:31.0+02:00", "1795335571", "1795335571000"):
            for name in ("--since", "--start-time"):
                with self.subTest(text, name=name):
                    done = self.logs("--json", name, text, env=env)
                    self.assertEqual(len(done.stdout.splitlines()), 3, done.stderr)
        for text in ("2026-11-22", "20261122", "2026/11/22", "2026年11月22日"):
            with self.subTest(text):
                self.assertEqual(len(self.logs("--json", "--since", text, env=env).stdout.splitlines()), 4)
                self.assertEqual(self.logs("--json", "--until", text, env=env).stdout, "")
                self.assertEqual(self.logs("--json", "--end-time", text, env=env).stdout, "")
        for text in ("2026-13-01", "20261341", "tomorrow", "5", "", "2026-11-22T25:00Z", "0d", "-1h", "2026-02-30",
                     "20260230", "2026年2月30日", "9999-01-01", "2600-01-01", "99991231", "9999999999",
                     "9999999999999"):
            with self.subTest(text):
                self.logs("--since", text, status=2)

    def test_the_beginning_of_time(self):
        self.assertEqual(self.found("--until", "1970-01-01T00:00:00Z"), [])
        self.assertEqual(len(self.found("--since", "1970-01-01T00:00:00Z")), 4)

    def test_relative_times(self):
        now = time.time_ns()
        self.journal.add(end_line(id="hb_1_now00000", begin_ns=now - 3600 * 10**9, end_ns=now - 3599 * 10**9))
        for text, count in (("2h", 1), ("90m ago", 1), ("30m", 0), ("7d", 1), ("now", 0)):
            with self.subTest(text):
                self.assertEqual(self.found("--since", text, "--until", "2099-01-01").count("hb_1_now00000"), count)

    def test_other_names(self):
        for ours, theirs in ((["-n", "2"], ["--limit", "2"]), (["-n", "1", "--page", "2"], ["--page-size", "1", "--page", "2"]),
                             (["--id", self.ids[1]], ["--trace-id", self.ids[1]]), (["--json"], ["--format", "json"]),
                             ([], ["--format", "table"]), (["--source", "journal"], ["--source", "file"])):
            with self.subTest(theirs):
                self.assertEqual(self.logs(*ours).stdout, self.logs(*theirs).stdout)

    def test_ids(self):
        lines = self.logs("--list-recent-trace-ids", "-n", "2").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["TIME", "ID", "TRACE", "ID", "STATUS"])
        self.assertEqual([line.split()[2] for line in lines[1:]], self.ids[2:])
        for text, status, kind, calls in (
                (self.ids[0], 0, "hb_trace_id", 1), ("chatcmpl-" + self.ids[0], 0, "completion_id", 1),
                ("385f4de3c35566947d59bc91c60b76c7", 0, "otel_trace_id", 4), ("0" * 32, 1, "other", 0),
                ("hb_1795335570428_XYZ", 1, "other", 0), ("req_1", 1, "other", 4),
                ("0198f2a0-0000-7000-8000-000000000000", 0, "record_key", 0)):
            with self.subTest(text):
                said = json.loads(self.logs("--validate-trace-id", text, "--json", status=status).stdout)
                self.assertEqual((said["kind"], said["calls"], said["valid"]), (kind, calls, status == 0))
                self.assertIn(text, self.logs("--validate-trace-id", text, status=status).stdout)

    def test_stats(self):
        said = json.loads(self.logs("--stats", "--json").stdout)
        self.assertEqual(said["all"]["calls"], 4)
        self.assertEqual(said["all"]["total_tokens"], 120)
        said = json.loads(self.logs("--stats", "--json", "--status", "ok").stdout)
        self.assertEqual((said["all"]["calls"], said["all"]["cost"]), (1, {"USD": "0.000225000001"}))
        self.assertIn("gpt-4o", self.logs("--stats").stdout)

    def test_view_logs(self):
        done = subprocess.run([VIEW_LOGS, "--state-dir", self.state, "--limit", "2", "--days", "36500"],
                              capture_output=True, text=True, check=True, env=support.environment(self.state))
        self.assertEqual(done.stdout, self.logs("-n", "2", "--days", "36500").stdout)
        done = subprocess.run([VIEW_LOGS, "--help"], capture_output=True, text=True, check=True,
                              env=support.environment(self.state))
        self.assertIn("usage: harborai logs", done.stdout)


class LooksTest(Case):
    def setUp(self):
        super().setUp()
        self.journal.add(
            end_line(model="通义千问-最大", provider="阿里云"),
            end_line(model="e\u0301tude-🙂", begin_ns=BEGIN_NS + 1, outcome="error", status=500,
                     error={"code": "E_VENDOR", "message": "m"}),
            end_line(model="plain", begin_ns=BEGIN_NS + 2, end_ns=BEGIN_NS + 3))

    @staticmethod
    def width(text):
        """Columns, as this test counts them for the texts that it has."""
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        return sum(0 if c == "\u0301" else 2 if ord(c) > 0x2e80 else 1 for c in text)

    def test_widths(self):
        for columns in (40, 80, 132, 250):
            with self.subTest(columns):
                text, _, status = run_with_tty("logs", "--state-dir", self.state, columns=columns)
                self.assertEqual(status, 0)
                lines = text.splitlines()
                self.assertLessEqual(max(map(self.width, lines)), columns)
                for mark in ("通义千问-最大", "e\u0301tude-🙂", "E_VENDOR", "hb_1795335570428_f380dee5"):
                    self.assertIn(mark, text)
        wide = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
        places = {self.width(line[:line.index(mark)]) for line, mark in
                  zip(wide, ("PROVIDER", "阿里云", "openai", "openai"))}
        self.assertEqual(len(places), 1, wide)
        self.assertGreater(max(map(len, self.logs().stdout.splitlines())), 100)  # no terminal: never folded

    def test_colors(self):
        def status_of(text, word):
            return re.search(r"(\x1b\[[0-9;]*m)?" + word, text).group(1)
        text, _, _ = run_with_tty("logs", "--state-dir", self.state, columns=200)
        self.assertEqual((status_of(text, "ok"), status_of(text, "E_VENDOR")), ("\x1b[32m", "\x1b[31m"))
        for env, arguments in (({"NO_COLOR": "1"}, []), ({}, ["--color", "never"])):
            with self.subTest(env=env, arguments=arguments):
                text, _, _ = run_with_tty("logs", "--state-dir", self.state, *arguments, env=env, columns=200)
                self.assertNotIn("\x1b", text)
        self.assertNotIn("\x1b", self.logs().stdout)
        self.assertIn("\x1b[32m", self.logs("--color", "always").stdout)


class DatabaseTest(Case):
    """stats --database"""

    def stats(self, *arguments, **env):
        done = harborai("stats", "--database", "--days", "36500", "--state-dir", self.state, *arguments, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(postgres.PASSWORD, done.stdout + done.stderr)
        return done.stdout

    def test_states(self):
        self.journal.add(end_line())
        self.assertIn("PostgreSQL is not configured", self.stats())
        said = json.loads(self.stats("--format", "json"))
        self.assertEqual(said["database"]["state"], "NOT_CONFIGURED")
        self.assertEqual(said["database"]["journal_files"], 1)
        self.assertEqual(said["all"]["calls"], 1)
        with postgres.server() as server:
            database = server.database()
            env = {"HARBORAI_POSTGRES_URL": database.url()}
            self.assertIn("INITIALIZING: PostgreSQL at", self.stats(**env))
            self.journal.drain(database)
            said = json.loads(self.stats("--json", **env))["database"]
            self.assertEqual((said["state"], said["calls"]), ("POSTGRES_ACTIVE", 1))
            self.assertIn("POSTGRES_ACTIVE: PostgreSQL at", self.stats(**env))
        said = json.loads(self.stats("--json", **env))["database"]
        self.assertEqual(said["state"], "FILE_FALLBACK")
        self.assertIn("cannot connect", said["error"])
        text = self.stats(**env)
        self.assertIn("FILE_FALLBACK: PostgreSQL at", text)
        self.assertIn("gpt-4o", text)


class FollowTest(Case):
    def follow(self, *arguments, **more):
        process = subprocess.Popen([HARBORAI, "logs", "--follow", "--state-dir", self.state, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=support.environment(self.state, **more))
        self.addCleanup(support.end, process)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        return process

    @staticmethod
    def is_waiting(process):
        """With its watches set: it has the descriptor for signals, and sleeps."""
        def waits():
            folder = f"/proc/{process.pid}"
            with open(folder + "/stat", encoding="ascii") as file:
                sleeps = file.read().rsplit(")", 1)[1].split()[0] == "S"
            return sleeps and any("signalfd" in os.readlink(f"{folder}/fd/{fd}")
                                  for fd in os.listdir(folder + "/fd"))
        wait_for("it waits", waits)

    def test_new_calls(self):
        self.journal.add(end_line(id="hb_1_old"))
        process = self.follow("--json")
        self.assertEqual(json.loads(process.stdout.readline())["id"], "hb_1_old")
        other = Journal(self.state)
        other.path = os.path.join(self.state, "journal", "20261122T081931Z-2-0.jsonl")
        for i, journal in enumerate((self.journal, other, other, self.journal)):
            journal.add(end_line(id=f"hb_2_{i}"))
            self.assertEqual(json.loads(process.stdout.readline())["id"], f"hb_2_{i}")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.assertEqual(process.stdout.read() + process.stderr.read(), "")

    def test_filters_and_parts_of_lines(self):
        process = self.follow("--json", "--status", "failed")
        line = json.dumps(end_line(id="hb_3_failed", outcome="error"))
        self.is_waiting(process)
        with open(self.journal.path, "a", encoding="utf-8") as file:
            for piece in (json.dumps(end_line(id="hb_3_ok")) + "\n" + line[:100], line[100:], "\n"):
                file.write(piece)
                file.flush()
                time.sleep(0.05)
        self.assertEqual(json.loads(process.stdout.readline())["id"], "hb_3_failed")

    def test_no_journal_yet(self):
        os.rmdir(os.path.join(self.state, "journal"))
        process = self.follow("--json")
        self.is_waiting(process)
        Journal(self.state).add(end_line(id="hb_4_first"))
        self.assertEqual(json.loads(process.stdout.readline())["id"], "hb_4_first")

    def test_table(self):
        self.journal.add(end_line(id="hb_1_old"))
        process = self.follow("-n", "1")
        self.assertEqual(process.stdout.readline().split()[:2], ["TIME", "MODEL"])
        first = process.stdout.readline()
        self.journal.add(end_line(id="hb_2_new", model="m"))
        second = process.stdout.readline()
        self.assertEqual(first.index("hb_1_old"), second.index("hb_2_new"))

    def test_reader_leaves(self):
        """It ends although no call comes."""
        process = self.follow()
        self.assertIn("TIME", process.stdout.readline())
        process.stdout.close()
        self.assertEqual(process.wait(10), 1)
        self.assertEqual(process.stderr.read(), "")

    def test_it_sleeps(self):
        process = self.follow("--json")
        self.is_waiting(process)
        def switches():
            with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
                return int(re.search(r"voluntary_ctxt_switches:\s+(\d+)", file.read()).group(1))
        before = switches()
        time.sleep(1)
        self.assertEqual(switches(), before)

    def test_wrong_use(self):
        for arguments in (["--stats"], ["--page", "2"], ["--source", "postgres"], ["--validate-trace-id", "x"]):
            with self.subTest(arguments):
                self.logs("--follow", *arguments, status=2)
        done = harborai("logs", "-f", "--state-dir", "/nonexistent/none")
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot watch", done.stderr)

    def test_gateway(self):
        """Segments that are sealed and compressed meanwhile; each call once."""
        with support.simulator() as sim:
            process = None
            wanted = []
            for _ in range(3):
                with gateway(config_for(sim), state=self.state) as running:
                    if process is None:
                        self.assertEqual(running.chat(headers={"x-request-id": "req-first"}).status, 200)
                        wanted.append("req-first")
                        process = self.follow("--json")
                        self.assertEqual(json.loads(process.stdout.readline())["request_id"], "req-first")
                    for i in range(5):
                        name = f"req-{len(wanted)}-{i}"
                        self.assertEqual(running.chat(headers={"x-request-id": name}).status, 200)
                        wanted.append(name)
            seen = ["req-first"] + [json.loads(process.stdout.readline())["request_id"] for _ in wanted[1:]]
            self.assertEqual(sorted(seen), sorted(wanted))
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 130)
            self.assertEqual(process.stdout.read(), "")


if __name__ == "__main__":
    unittest.main()
