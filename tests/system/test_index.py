# SPDX-License-Identifier: MIT
"""The index: what the gateway copies into it, and what becomes of it when things go wrong."""
import os
import sqlite3
import subprocess
import unittest

import support
from support import config_for, gateway, wait_for


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


def spoil_file(path):
    for suffix in ("-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"Z" * 40960)


def make_newer(path):
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")


if __name__ == "__main__":
    unittest.main()
