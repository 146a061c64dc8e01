# SPDX-License-Identifier: MIT
"""The index: what the gateway copies into it, and what becomes of it when things go wrong."""
import decimal
import glob
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

import support
from support import config_for, gateway, harborai, wait_for


def rows(state, sql="SELECT count(*) FROM calls"):
    """The first column of the first row; None while there is no such index."""
    path = os.path.join(state, "index.sqlite3")
    if not os.path.exists(path):
        return None
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchone()[0]
    except sqlite3.DatabaseError:
        return None


def metric(running, name, **labels):
    text = running.request("GET", "/metrics").body.decode()
    wanted = name + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "} "
    for line in text.splitlines():
        if line.startswith(wanted):
            return float(line[len(wanted):])
    return None


class IndexTest(support.WithSimulator):
    def ask(self, running, count=1):
        for _ in range(count):
            self.assertEqual(running.chat().status, 200)

    def test_calls_are_found(self):
        with support.folder() as state, gateway(config_for(self.sim), state=state) as running:
            self.ask(running, 5)
            wait_for("five rows", lambda: rows(state) == 5)
            self.assertEqual(rows(state, "SELECT sum(calls) FROM hours"), 5)
            self.assertEqual(rows(state, "SELECT count(*) FROM calls WHERE outcome = 0"), 5)
            self.assertEqual(os.stat(os.path.join(state, "index.sqlite3")).st_mode & 0o777, 0o600)
            wait_for("the metrics", lambda: metric(running, "harborai_drain_rows_total", store="sqlite") == 5)
            self.assertEqual(metric(running, "harborai_drain_backlog_bytes", store="sqlite"), 0)
            self.assertEqual(metric(running, "harborai_drain_state", store="sqlite", state="active"), 1)
            self.assertEqual(metric(running, "harborai_drain_state", store="sqlite", state="failing"), 0)

    def test_what_came_last_is_copied(self):
        with support.folder() as state:
            with gateway(config_for(self.sim), state=state) as running:
                self.ask(running, 3)
            self.assertEqual(rows(state), 3)

    def test_switched_off(self):
        config = dict(config_for(self.sim), store={"sqlite": {"enabled": False}})
        with support.folder() as state:
            with gateway(config, state=state) as running:
                self.ask(running)
                self.assertIsNone(metric(running, "harborai_drain_rows_total", store="sqlite"))
            self.assertFalse(os.path.exists(os.path.join(state, "index.sqlite3")))

    def test_killed(self):
        """What one gateway has not copied the next one does, once each."""
        with support.folder() as state:
            for _ in range(3):
                with gateway(config_for(self.sim), state=state) as running:
                    self.ask(running, 4)
                    running.kill()
            with gateway(config_for(self.sim), state=state):
                wait_for("all rows", lambda: rows(state) == 12)
            self.assertEqual(rows(state), 12)
            self.assertEqual(rows(state, "SELECT sum(calls) FROM days"), 12)

    def test_two_gateways(self):
        """One of them copies for both; when it is gone, the other does."""
        with support.folder() as state, gateway(config_for(self.sim), state=state) as first:
            wait_for("the drain", lambda: metric(first, "harborai_drain_state", store="sqlite",
                                                  state="active") == 1)
            with gateway(config_for(self.sim), state=state) as second:
                wait_for("standby", lambda: metric(second, "harborai_drain_state", store="sqlite",
                                                    state="standby") == 1)
                self.ask(first, 2)
                self.ask(second, 2)
                wait_for("four rows", lambda: rows(state) == 4)
                first.kill()
                wait_for("its turn", lambda: metric(second, "harborai_drain_state", store="sqlite",
                                                     state="active") == 1)
                self.ask(second, 2)
                wait_for("six rows", lambda: rows(state) == 6)

    def test_corrupt_and_newer(self):
        for name, spoil, suffix in (("corrupt", spoil_file, "corrupt"), ("newer", make_newer, "newer")):
            with self.subTest(name), support.folder() as state:
                with gateway(config_for(self.sim), state=state) as running:
                    self.ask(running, 3)
                path = os.path.join(state, "index.sqlite3")
                spoil(path)
                with gateway(config_for(self.sim), state=state) as running:
                    self.ask(running)
                    wait_for("all rows", lambda: rows(state) == 4)
                    self.assertIn("drain.set_aside", running.log())
                self.assertTrue(os.path.exists(f"{path}.{suffix}"))

    def test_lost_while_it_is_used(self):
        """All calls come again, not only those since."""
        for name, lose in (("removed", os.remove), ("replaced", replace_file)):
            with self.subTest(name), support.folder() as state:
                with gateway(config_for(self.sim), state=state) as running:
                    self.ask(running, 3)
                    wait_for("three rows", lambda state=state: rows(state) == 3)
                    lose(os.path.join(state, "index.sqlite3"))
                    self.ask(running)
                    wait_for("all rows", lambda state=state: rows(state) == 4, limit_s=20)
                    self.assertEqual(rows(state, "SELECT sum(calls) FROM hours"), 4)

    def test_damaged_segment(self):
        """A compressed file that cannot be unpacked, as a whole or in part: the others are copied."""
        for name, damage, event in (("the table", b"Z" * 5000, "drain.segment_left_out"),
                                    ("a frame", None, "drain.line_left_out")):
            with self.subTest(name), support.folder() as state:
                with gateway(config_for(self.sim), workers=1, state=state) as running:
                    self.ask(running, 3)
                with gateway(config_for(self.sim), workers=1, state=state) as running:
                    wait_for("it is compressed", lambda state=state: glob.glob(state + "/journal/*.zst"))
                path, = glob.glob(state + "/journal/*.zst")
                with open(path, "r+b") as file:
                    if damage:
                        file.truncate(0)
                    else:
                        file.seek(40)
                    file.write(damage or b"Z" * 20)
                os.remove(os.path.join(state, "index.sqlite3"))
                with gateway(config_for(self.sim), workers=1, state=state) as running:
                    self.ask(running, 2)
                    wait_for("the others", lambda state=state: rows(state) == 2)
                    self.assertIn(event, running.log())
                    self.assertEqual(metric(running, "harborai_drain_failures_total", store="sqlite"), 0)

    def test_locked(self):
        """The gateway serves on, says so, and copies when it can."""
        with support.folder() as state:
            with gateway(config_for(self.sim), state=state) as running:
                self.ask(running)
                wait_for("a row", lambda: rows(state) == 1)
                db = sqlite3.connect(os.path.join(state, "index.sqlite3"), isolation_level=None)
                db.execute("BEGIN IMMEDIATE")
                self.ask(running, 2)
                wait_for("the failure", lambda: "database is locked" in running.log(), limit_s=20)
                db.execute("COMMIT")
                db.close()
                wait_for("all rows", lambda: rows(state) == 3, limit_s=20)

    def test_the_library_needs_none(self):
        library = os.path.join(support.BUILD, ".libs", "libharborai.so")
        if not os.path.exists(library):
            self.skipTest("no libharborai.so here")
        needed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("sqlite", needed)


class CommandTest(support.WithSimulator):
    """What logs, logs show, stats and db reindex say of a gateway's calls, while it runs and after."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.place = support.folder()
        cls.state = cls.place.__enter__()
        with gateway(config_for(cls.sim), state=cls.state) as running:
            for model in ("gpt-4o", "gpt-4o", "my-model"):
                assert running.chat(model=model).status == 200
            assert running.chat('sim:{"status":429}', model="my-model",
                                headers={"x-request-id": "my-own-id"}).status == 429
            assert running.chat(model="nowhere").status == 404

    @classmethod
    def tearDownClass(cls):
        cls.place.__exit__(None, None, None)
        super().tearDownClass()

    def json_lines(self, *arguments, state=None):
        done = harborai(*arguments, "--json", "--state-dir", state or self.state)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(x) for x in done.stdout.splitlines()]

    def test_filters(self):
        for arguments, count in (
                (["--model", "gpt-4o"], 2), (["--model", "*"], 5), (["--provider", "lab"], 2),
                (["--status", "ok"], 3), (["--status", "failed"], 2), (["--status", "4xx"], 2),
                (["--status", "404"], 1), (["--id", "my-own-id"], 1), (["--days", "1"], 5),
                (["--until", "2020-01-01"], 0), (["--since", "2020-01-01T00:00:00Z"], 5),
                (["--status", "ok", "-n", "2"], 2), (["--status", "ok", "-n", "2", "--page", "2"], 1),
                (["--min-tokens", "1"], 3), (["--max-cost", "0.5"], 2), (["--min-duration", "1h"], 0)):
            with self.subTest(arguments=arguments):
                found = self.json_lines("logs", *arguments)
                self.assertEqual(len(found), count)
                self.assertEqual(found, sorted(found, key=lambda x: x["begin_ns"]))

    def test_the_journal_answers_where_the_index_cannot(self):
        """A directory in the index's place: the same calls, and it is said."""
        with support.folder() as place:
            state = os.path.join(place, "state")
            shutil.copytree(self.state, state)
            for name in os.listdir(state):
                if name.startswith("index.sqlite3"):
                    os.remove(os.path.join(state, name))
            os.mkdir(os.path.join(state, "index.sqlite3"))
            for arguments in (["--status", "failed"], ["--model", "gpt*", "--status", "ok"]):
                done = harborai("logs", *arguments, "--json", "--state-dir", state)
                self.assertIn("the journal is read instead", done.stderr)
                keys = [json.loads(x)["key"] for x in done.stdout.splitlines()]
                self.assertEqual(keys, [x["key"] for x in self.json_lines("logs", *arguments)])

    def test_the_index_says_what_the_journal_says(self):
        ends = {x["key"]: x for x in support.journal(self.state) if x["type"] == "end"}
        for call in self.json_lines("logs", "--days", "1"):
            end = ends[call["key"]]
            for name in set(end) - {"usage", "seq", "crc"}:
                self.assertEqual(call[name], end[name], name)

    def test_show(self):
        call = self.json_lines("logs", "--id", "my-own-id")[0]
        for name in ("key", "id", "request_id", "trace_id"):
            self.assertEqual([x["key"] for x in self.json_lines("logs", "show", call[name])], [call["key"]])
        self.assertEqual(self.json_lines("logs", "show", "chatcmpl-" + call["id"])[0]["key"], call["key"])
        done = harborai("logs", "show", call["id"], "--state-dir", self.state)
        self.assertIn("trace_id", done.stdout)
        done = harborai("logs", "show", "nothing", "--state-dir", self.state)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(harborai("logs", "show", "--state-dir", self.state).returncode, 2)

    def test_stats(self):
        calls = self.json_lines("logs", "--days", "1")
        for by in ("model", "provider", "plugin", "client", "day", "hour"):
            found = self.json_lines("stats", "--by", by)[0]
            self.assertEqual(found["all"]["calls"], 5)
            self.assertEqual(sum(x["calls"] for x in found["rows"]), 5)
            self.assertEqual(found["all"]["failed"], 2)
            self.assertEqual(found["all"]["prompt_tokens"],
                             sum(x["tokens"].get("input", 0) for x in calls))
            cost = sum(decimal.Decimal(x["cost"]) for x in calls if x["cost"] is not None)
            self.assertEqual(decimal.Decimal(found["all"]["cost"]["USD"]), cost)
        self.assertEqual(self.json_lines("stats", "--model", "gpt-4o")[0]["all"]["calls"], 2)
        self.assertIn("P95", harborai("stats", "--state-dir", self.state).stdout)

    def test_reindex(self):
        before = self.json_lines("logs", "--days", "1")
        done = self.json_lines("db", "reindex")[0]
        self.assertEqual((done["calls"], done["builder"]), (5, "this"))
        self.assertEqual(self.json_lines("logs", "--days", "1"), before)
        with gateway(config_for(self.sim), state=self.state) as running:
            wait_for("the drain", lambda: metric(running, "harborai_drain_state", store="sqlite",
                                                  state="active") == 1)
            self.assertEqual(self.json_lines("db", "reindex")[0]["builder"], "gateway")
            wait_for("all rows", lambda: rows(self.state) == 5)
            self.assertEqual(self.json_lines("logs", "--days", "1"), before)

    def test_wrong_use(self):
        for arguments in (["logs", "--status", "soso"], ["logs", "--since", "tomorrow"],
                          ["logs", "--min-cost", "-1"], ["logs", "--page", "0"], ["logs", "--days", "x"],
                          ["logs", "--min-duration", "long"], ["stats", "--by", "moon"],
                          ["stats", "--format", "xml"], ["stats", "--by", "client", "--model", "m"]):
            with self.subTest(arguments=arguments):
                done = harborai(*arguments, "--state-dir", self.state)
                self.assertEqual((done.returncode, done.stdout), (2, ""))


def spoil_file(path):
    for suffix in ("-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"Z" * 40960)


def replace_file(path):
    with open(path + ".other", "wb") as file:
        file.write(b"Z" * 40960)
    os.rename(path + ".other", path)


def make_newer(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")


if __name__ == "__main__":
    unittest.main()
