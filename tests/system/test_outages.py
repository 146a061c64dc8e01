# SPDX-License-Identifier: MIT
"""Nothing is lost and nothing comes twice, whatever happens to PostgreSQL under load: of each call that was
answered there is one row in the end. HARBORAI_TEST_LOAD=1: 2,000 calls a second, a minute for each
fault; else a few seconds."""
import os
import signal
import time
import unittest

import load
import postgres
import support

RATE, SECONDS = (2000, 60) if load.FULL else (300, 4)
MOST_MIB = 64  # of the gateway's memory, whatever waits in its journal


def setUpModule():
    global SERVER, UPSTREAM  # pylint: disable=global-statement
    stack = support.contextlib.ExitStack()
    unittest.addModuleCleanup(stack.close)
    UPSTREAM = stack.enter_context(load.upstream())
    SERVER = stack.enter_context(postgres.server())


def peak_mib(running):
    with open(f"/proc/{running.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024


class Gateway:
    """One with a load on it, and what it says of PostgreSQL."""

    def __init__(self, running):
        self.running = running

    def health(self):
        return self.running.request("GET", "/health").json()["components"]["postgres"]

    def metric(self, name):
        text = self.running.request("GET", "/metrics").body.decode()
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + "{"))

    def await_state(self, name, number, limit_s):
        """Seconds until it says so."""
        began = time.monotonic()
        support.wait_for(f"{name} in /health", lambda: self.health()["drain"] == name, limit_s)
        support.wait_for(f"{name} in /metrics",
                         lambda: self.metric("harborai_fallback_logger_state") == number, 5)
        return time.monotonic() - began


class OutagesTest(unittest.TestCase):
    def setUp(self):
        self.server = SERVER
        self.database = SERVER.database()

    def gateway(self, port=None):
        config = {"providers": {"lab": support.provider(UPSTREAM, load.MODEL)},
                  "store": {"postgres": {"url": self.database.url(port=port),
                                         "health_check_interval": "1s"}}}
        return support.gateway(config)

    def outage(self, begin, end, why, port=None):
        """Load before, while and after it is away; `why`: what the log says of that."""
        with self.gateway(port) as running, support.contextlib.ExitStack() as mend:
            gateway = Gateway(running)
            gateway.await_state("POSTGRES_ACTIVE", 0, 20)
            calls = load.Load(running.port, "call", rate=RATE)
            self.addCleanup(calls.kill)
            time.sleep(SECONDS / 4)
            away_at = time.monotonic()
            mend.callback(end)
            begin()
            noticed_s = gateway.await_state("FILE_FALLBACK", 1, 30)
            time.sleep(max(0, SECONDS / 2 - (time.monotonic() - away_at)))
            self.assertEqual(gateway.health()["drain"], "FILE_FALLBACK")
            mend.close()
            mended_at = time.monotonic()
            active_s = gateway.await_state("POSTGRES_ACTIVE", 0, 30)
            time.sleep(SECONDS / 4)
            calls.end()
            support.wait_for("the backlog is written", lambda: self.count() >= len(calls.account), 300)
            caught_up_s = time.monotonic() - mended_at
            self.assertEqual(gateway.health()["drain"], "POSTGRES_ACTIVE")
            support.wait_for("no backlog", lambda: gateway.health()["backlog_bytes"] == 0)
            peak = peak_mib(running)
            self.verify(running)
            self.assertRegex(running.log(), why)
            self.assertNotIn(postgres.PASSWORD, running.log())
        said = self.check(calls)
        print(f"\n  {said['rows']} rows of {said['answered']} answers at {RATE}/s; away for "
              f"{mended_at - away_at:.1f} s, said after {noticed_s:.1f} s; active {active_s:.1f} s after it "
              f"was mended, all written after {caught_up_s:.1f} s; peak {peak:.1f} MiB")
        if not support.is_sanitized():
            self.assertLess(peak, MOST_MIB)

    def verify(self, running):
        """What HarborAI itself says of it."""
        done = support.harborai("db", "verify", "--state-dir", running.state, timeout=300,
                                env={"HARBORAI_POSTGRES_URL": self.database.url()})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def count(self):
        return int(self.database.value("SELECT count(*) FROM api_logs"))

    def check(self, calls):
        self.assertEqual(calls.result["cut"], 0)
        rows = [(mark, int(status), outcome) for mark, status, outcome in self.database.rows(
            "SELECT request_id, status_code, outcome FROM api_logs")]
        said, wrong = load.compare(calls.answered(), set(), rows)
        self.assertEqual(wrong, {})
        total = str(len(rows))
        self.assertEqual(self.database.rows(
            "SELECT count(DISTINCT record_key), count(DISTINCT hb_trace_id) FROM api_logs"),
            [[total, total]])
        for table in ("token_usage", "cost_info", "tracing_info", "performance_metrics"):
            self.assertEqual(self.database.value(f"SELECT count(DISTINCT log_id) FROM {table}"), total)
        for table in ("call_hours", "call_latencies", "client_days"):
            self.assertEqual(self.database.value(f"SELECT sum(calls) FROM {table}"), total, table)
        return said

    def test_stopped(self):
        self.outage(self.server.stop, self.server.start, "Connection refused|shutting down|terminat")

    def test_killed(self):
        self.outage(self.server.kill, self.server.start, "Connection refused|closed the connection")

    def test_paused(self):
        self.outage(self.server.pause, self.server.go_on, "does not answer")

    def test_read_only(self):
        root = postgres.Database(self.server, "postgres")

        def set_to(value):
            root.rows(f"ALTER SYSTEM SET default_transaction_read_only = {value};")
            root.rows("SELECT pg_reload_conf()")

        self.addCleanup(set_to, "off")
        self.outage(lambda: set_to("on"), lambda: set_to("off"), "takes no writes now")

    @unittest.skipUnless(os.geteuid() == 0, "root only can mount a small disk")
    def test_full_disk(self):
        with postgres.server(disk=True) as self.server:
            self.database = self.server.database()

            def mend():
                self.server.disk.mend()
                if self.server.process.poll() is not None:  # it gives up when its log cannot grow
                    self.server.start()

            self.outage(self.server.disk.fill, mend, "No space left on device|closed the connection")

    def test_network_cut(self):
        with postgres.Relay(self.server.port) as relay:
            self.outage(relay.cut, relay.mend, "the connection|closed", relay.port)

    def test_network_swallows_everything(self):
        with postgres.Relay(self.server.port) as relay:
            self.outage(relay.swallow, relay.mend, "does not answer", relay.port)


if __name__ == "__main__":
    unittest.main()
