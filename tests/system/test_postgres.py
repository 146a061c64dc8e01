# SPDX-License-Identifier: MIT
"""PostgreSQL as the journal's copy: the tables, what comes into them, and everything that may be wrong
with a server. All of it with a real one."""
import datetime
import json
import os
import signal
import socket
import struct
import subprocess
import threading
import unittest
import uuid

import postgres
import support
from support import harborai

DAY_NS = 86400 * 10**9
BEGIN_NS = 1795335570428844355  # 2026-11-22T08:19:30


def setUpModule():
    global SERVER  # pylint: disable=global-statement
    context = postgres.server()
    SERVER = context.__enter__()
    unittest.addModuleCleanup(context.__exit__, None, None, None)


def environment(database, **more):
    return {"HARBORAI_POSTGRES_URL": database.url(), **more}


def key():
    return str(uuid.uuid4())


def end_line(**more):
    """An end line of the journal, as rich as they come."""
    line = {"type": "end", "key": key(), "id": "hb_1795335570428_f380dee5", "request_id": "req_1",
            "trace_id": "385f4de3c35566947d59bc91c60b76c7", "span_id": "87b5b1149f51e657",
            "client": "127.0.0.1", "provider": "openai", "plugin": "org.harborai.openai",
            "model": "gpt-4o", "upstream_model": "gpt-4o-2024", "stream": True,
            "tags": {"team": "red"}, "parent_span_id": "00f067aa0ba902b7", "attempts": 2,
            "begin_ns": BEGIN_NS, "end_ns": BEGIN_NS + 250_000_000, "ttft_ns": 50_000_000,
            "status": 200, "outcome": "ok", "finish_reason": "stop", "vendor_status": 200,
            "vendor_model": "gpt-4o-2024-08", "vendor_request_id": "r1", "service_tier": "default",
            "tokens": {"input": 10, "output": 20}, "parsing_method": "openai_direct",
            "confidence": 1.0, "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30},
            "cost": "0.000225000001", "cost_input": "0.000025", "cost_output": "0.000200000001",
            "currency": "USD", "price_source": "plugin:org.harborai.openai", "price_date": "2026-11-21",
            "bytes_in": 66, "bytes_out": 576, "vendor_bytes_in": 945, "vendor_bytes_out": 351}
    return {**line, **more}


def amend_line(of, **more):
    return {"type": "amend", "key": of["key"], "id": of["id"], "begin_ns": of["begin_ns"],
            "amend_ns": of["end_ns"] + 10**9, "provider": of["provider"], "model": of["model"],
            "stream": of["stream"], "tokens": {"input": 11, "output": 22},
            "parsing_method": "openai_late", "confidence": 0.9,
            "usage": {"prompt_tokens": 11, "completion_tokens": 22, "total_tokens": 33},
            "cost": "0.5", "currency": "CNY", **more}


class Journal:
    """A state directory whose journal a test writes."""

    def __init__(self, place):
        self.state = place
        os.makedirs(os.path.join(place, "journal"), exist_ok=True)
        self.path = os.path.join(place, "journal", "20261122T081930Z-1-0.jsonl")

    def add(self, *lines):
        with open(self.path, "a", encoding="utf-8") as file:
            for line in lines:
                file.write(line if isinstance(line, str) else json.dumps(line, separators=(",", ":")))
                file.write("\n")

    def drain(self, database, **more):
        done = harborai("db", "drain", "--json", "--state-dir", self.state,
                        env={"HARBORAI_POSTGRES_URL": database.url(), **more})
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.database = SERVER.database()

    def run_command(self, *arguments, status=0, env=None, **more):
        done = harborai(*arguments, env=env or environment(self.database, **more))
        self.assertNotIn(postgres.PASSWORD, done.stdout + done.stderr)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done


class CommandsTest(Case):
    def test_init_and_status(self):
        self.assertIn("INITIALIZING", self.run_command("db-status", status=1).stdout)
        self.assertIn("the tables are made, now of version 1", self.run_command("init-db").stdout)
        self.assertIn("has the tables already", self.run_command("init-db").stdout)
        said = json.loads(self.run_command("db-status", "--json").stdout)
        self.assertEqual(said["state"], "POSTGRES_ACTIVE")
        self.assertEqual(said["tables"], {"state": "current", "version": 1, "newest": 1})
        self.assertEqual(said["calls"], 0)
        self.assertEqual(said["address"], f"127.0.0.1:{SERVER.port}/{self.database.name}")
        self.assertIn("version 15", self.run_command("db-status").stdout)

    def test_other_ways_to_say_where(self):
        self.run_command("init-db", env={"HARBORAI_POSTGRES_URL":
                                         self.database.url(scheme="postgresql+asyncpg")})
        self.run_command("db-status", env={
            "HARBORAI_POSTGRES_HOST": "127.0.0.1", "HARBORAI_POSTGRES_PORT": SERVER.port,
            "HARBORAI_POSTGRES_PASSWORD": postgres.PASSWORD,
            "HARBORAI_POSTGRES_DATABASE": self.database.name})
        self.run_command("db-status", env={
            "HARBORAI_POSTGRES_URL": f"postgresql://127.0.0.1:{SERVER.port}/{self.database.name}",
            "HARBORAI_POSTGRES_PASSWORD": postgres.PASSWORD})

    def test_dry_run_is_what_is_done(self):
        sql = self.run_command("init-db", "--dry-run").stdout
        self.assertEqual(self.database.tables(), [])
        other = SERVER.database()
        other.rows(sql, user="harborai")
        self.run_command("db", "migrate")
        self.assertEqual(other.tables(), self.database.tables())
        self.assertGreater(len(other.tables()), 20)
        self.assertIn("nothing is to be done",
                      self.run_command("db", "migrate", "--dry-run", env=environment(other)).stdout)
        columns = ("SELECT table_name, column_name, data_type FROM information_schema.columns "
                   "WHERE table_schema = 'public' ORDER BY 1, ordinal_position")
        self.assertEqual(other.rows(columns), self.database.rows(columns))

    def test_force(self):
        self.run_command("init-db")
        self.database.rows("INSERT INTO file_log_backups (file_path, log_content) VALUES ('a', 'b');"
                           "CREATE TABLE mine (a int)", user="harborai")
        self.run_command("init-db", "--force")
        self.assertEqual(self.database.value("SELECT count(*) FROM file_log_backups"), "0")
        self.assertEqual(self.database.value("SELECT count(*) FROM mine"), "0")
        self.database.rows("CREATE VIEW hers AS SELECT * FROM api_logs", user="harborai")
        self.assertIn("depend", self.run_command("init-db", "--force", status=1).stderr)
        self.run_command("db-status")

    def test_not_configured(self):
        for command in (("init-db",), ("db-status",), ("db", "migrate"), ("db", "drain")):
            done = harborai(*command, env={})
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("PostgreSQL is not configured", done.stderr)

    def test_two_at_once(self):
        """They do not make the tables twice, nor does one of them fail."""
        results = []
        threads = [threading.Thread(target=lambda: results.append(
            harborai("init-db", env=environment(self.database)))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([(x.returncode, x.stderr) for x in results], [(0, "")] * 4)
        self.assertEqual(sum("are made" in x.stdout for x in results), 1)


class DrainTest(Case):
    def setUp(self):
        super().setUp()
        self.journal = Journal(self.enterContext(support.folder()))

    def enterContext(self, context):  # Python 3.11 has it, older ones do not
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def one(self, sql):
        rows = self.database.rows(sql)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def sums(self):
        return (self.database.rows("SELECT * FROM call_hours ORDER BY 1, 2, 3, 4, 5"),
                self.database.rows("SELECT * FROM call_latencies ORDER BY 1, 2, 3, 4, 5"),
                self.database.rows("SELECT * FROM client_days ORDER BY 1, 2, 3"))

    def test_every_column(self):
        line = end_line()
        self.journal.add(line)
        self.assertEqual(self.journal.drain(self.database)["calls"], 1)
        self.assertEqual(
            self.one('SELECT id, record_key, "timestamp", trace_id, hb_trace_id, otel_trace_id, request_id, '
                     "client, provider, plugin, model, upstream_model, vendor_model, vendor_request_id, "
                     "service_tier, is_stream, attempts, outcome, status_code, vendor_status, "
                     "finish_reason, duration_ms, bytes_in, bytes_out, vendor_bytes_in, "
                     "vendor_bytes_out, tags FROM api_logs"),
            [line["key"], line["key"], "2026-11-22 08:19:30.428844+00", line["id"], line["id"],
             line["trace_id"], "req_1", "127.0.0.1", "openai", "org.harborai.openai", "gpt-4o",
             "gpt-4o-2024", "gpt-4o-2024-08", "r1", "default", "t", "2", "ok", "200", "200", "stop",
             "250", "66", "576", "945", "351", '{"team": "red"}'])
        self.assertEqual(
            self.one("SELECT log_id, prompt_tokens, completion_tokens, total_tokens, tokens, "
                     "parsing_method, confidence, raw_usage_data->>'total_tokens' FROM token_usage"),
            [line["key"], "10", "20", "30", '{"input": 10, "output": 20}', "openai_direct", "1", "30"])
        self.assertEqual(
            self.one("SELECT input_cost, output_cost, total_cost, currency, pricing_source, "
                     "pricing_details->>'price_date' FROM cost_info"),
            ["0.000025000000", "0.000200000001", "0.000225000001", "USD",
             "plugin:org.harborai.openai", "2026-11-21"])
        self.assertEqual(
            self.one("SELECT hb_trace_id, otel_trace_id, span_id, parent_span_id, operation_name, "
                     "duration_ms, status FROM tracing_info"),
            [line["id"], line["trace_id"], line["span_id"], line["parent_span_id"],
             "ai.chat.completion", "250", "ok"])
        self.assertEqual(
            self.one("SELECT latency_ms, tokens_per_second, first_token_latency_ms, "
                     "processing_time_ms FROM performance_metrics"), ["250", "100", "50", "200"])
        for which in (line["id"], line["trace_id"]):
            self.assertEqual(
                self.one(f"SELECT log_id, span_id, total_cost, currency, apm_jaeger_link "
                         f"FROM get_log_by_any_trace_id('{which}')"),
                [line["key"], line["span_id"], "0.000225000001", "USD",
                 f"http://localhost:16686/trace/{line['trace_id']}"])
        self.assertEqual(
            self.one("SELECT date, provider, model, total_requests, successful_requests, "
                     "failed_requests, total_tokens, total_cost FROM daily_stats"),
            ["2026-11-22", "openai", "gpt-4o", "1", "1", "0", "30", "0.000225000001"])
        self.assertEqual(self.one("SELECT total_tokens, span_id FROM log_summary"),
                         ["30", line["span_id"]])

    def test_content_is_stored_where_the_journal_has_it(self):
        """A NUL and half a character, which jsonb refuses, are U+FFFD."""
        line = end_line()
        self.journal.add('{"type":"content","key":"%s","content":"full","request":{"messages":[{"content":'
                         '"a\\u0000b \\ud83d c \\ud83d\\ude00 \\\\u0000"}]},"response":{"choices":[],'
                         '"cut":123456}}' % line["key"], line, end_line())
        self.journal.drain(self.database)
        self.assertEqual(
            self.one(f"SELECT request_data->'messages'->0->>'content', response_data->>'cut' FROM api_logs "
                     f"WHERE record_key = '{line['key']}'"),
            ["a\ufffdb \ufffd c \U0001f600 \\u0000", "123456"])
        self.assertEqual(self.database.value("SELECT count(*) FROM api_logs WHERE request_data IS NULL"), "1")

    def test_what_is_not_known_is_null(self):
        self.journal.add({"type": "end", "key": key(), "begin_ns": BEGIN_NS, "stream": False})
        self.journal.drain(self.database)
        self.assertEqual(self.one("SELECT model, duration_ms, status_code, tags FROM api_logs"),
                         [None] * 4)
        self.assertEqual(self.one("SELECT total_cost, currency FROM cost_info"), [None] * 2)
        self.assertEqual(self.database.rows("SELECT * FROM token_usage"), [])

    def test_once_however_often_it_comes(self):
        lines = [end_line(begin_ns=BEGIN_NS + i * 10**9, end_ns=BEGIN_NS + i * 10**9 + 10**8,
                          model=f"m{i % 3}") for i in range(1300)]
        self.journal.add(*lines)
        self.assertEqual(self.journal.drain(self.database)["calls"], 1300)
        sums = self.sums()
        self.assertEqual(self.journal.drain(self.database)["calls"], 0)
        self.database.rows("DELETE FROM harborai_positions")
        self.journal.drain(self.database)
        self.assertEqual(self.database.value("SELECT count(*) FROM api_logs"), "1300")
        self.assertEqual(self.database.value("SELECT count(*) FROM cost_info"), "1300")
        self.assertEqual(self.sums(), sums)
        self.assertEqual(self.database.value("SELECT sum(calls) FROM call_hours"), "1300")
        self.assertEqual(self.database.value("SELECT sum(calls) FROM call_latencies"), "1300")

    def test_two_state_directories(self):
        with support.folder() as place:
            other = Journal(place)
            self.journal.add(end_line())
            other.add(end_line(), end_line())
            self.assertEqual(self.journal.drain(self.database)["calls"], 1)
            self.assertEqual(other.drain(self.database)["calls"], 2)
        self.assertEqual(self.database.value("SELECT count(*) FROM harborai_positions"), "2")
        self.assertEqual(self.database.value("SELECT count(*) FROM api_logs"), "3")

    def test_interrupted_gives_way(self):
        line = end_line()
        broken = {k: v for k, v in line.items() if not k.startswith(("cost", "price", "currency"))}
        broken.update(outcome="interrupted", status=0, tokens={}, usage=None, parsing_method="",
                      cost=None, cost_reason="interrupted")
        for lines in ([broken, line], [line, broken], [broken, amend_line(broken), line]):
            with self.subTest(lines=[item.get("outcome") for item in lines]):
                self.database = SERVER.database()
                for item in lines:
                    self.journal.add(item)
                    self.journal.drain(self.database)
                self.assertEqual(self.one("SELECT outcome, status_code FROM api_logs"), ["ok", "200"])
                self.assertEqual(self.one("SELECT status FROM tracing_info"), ["ok"])
                self.assertEqual(self.one("SELECT total_cost FROM cost_info"), ["0.000225000001"])
                self.assertEqual(self.database.rows("SELECT outcome, currency, calls, total_tokens FROM "
                                                    "call_hours WHERE calls <> 0"), [["ok", "USD", "1", "30"]])
                self.assertEqual(self.one("SELECT sum(calls), sum(failed) FROM client_days"), ["1", "0"])
                self.assertEqual(self.one("SELECT sum(calls) FROM call_latencies"), ["1"])
                os.unlink(self.journal.path)
        self.database = SERVER.database()
        self.journal.add(broken, line)
        self.journal.drain(self.database)  # in one transaction
        self.assertEqual(self.one("SELECT outcome FROM api_logs"), ["ok"])

    def test_rows_that_somebody_left(self):
        """What is left of calls whose rows in api_logs were deleted is in nobody's way."""
        lines = [end_line(begin_ns=BEGIN_NS + i * 10**9, end_ns=BEGIN_NS + i * 10**9 + 10**8)
                 for i in range(3)]
        self.journal.add(*lines)
        self.journal.drain(self.database)
        self.database.rows(f"DELETE FROM api_logs WHERE id = '{lines[1]['key']}'; "
                           "DELETE FROM harborai_positions")
        self.assertEqual(self.journal.drain(self.database)["refused"], 0)
        for table in ("api_logs", "token_usage", "cost_info", "tracing_info", "performance_metrics"):
            self.assertEqual(self.database.value(f"SELECT count(*) FROM {table}"), "3", table)

    def test_either_trace_id(self):
        lines = [end_line(id=f"hb_{(BEGIN_NS + i * DAY_NS) // 10**6}_{i:08x}", trace_id=f"{i + 1:032x}",
                          begin_ns=BEGIN_NS + i * DAY_NS, end_ns=BEGIN_NS + i * DAY_NS + 10**6)
                 for i in range(2)]
        self.journal.add(*lines)
        self.journal.drain(self.database)
        for line in lines:
            for name in (line["id"], line["trace_id"]):
                self.assertEqual(self.one("SELECT log_id, span_id, model, total_cost, currency, apm_jaeger_link "
                                          f"FROM get_log_by_any_trace_id('{name}')"),
                                 [line["key"], line["span_id"], "gpt-4o", "0.000225000001", "USD",
                                  f"http://localhost:16686/trace/{line['trace_id']}"])
        for name in ("hb_1_2", "hb_x_y", "hb_99999999999999_1", ""):
            self.assertEqual(self.database.rows(f"SELECT * FROM get_log_by_any_trace_id('{name}')"), [])

    def test_amended(self):
        line = end_line()
        for is_one_transaction in (True, False):
            with self.subTest(is_one_transaction=is_one_transaction):
                self.database = SERVER.database()
                self.journal.add(line)
                if not is_one_transaction:
                    self.journal.drain(self.database)
                self.journal.add(amend_line(line))
                self.journal.drain(self.database)
                self.journal.add(amend_line(line, amend_ns=line["end_ns"], cost="9"))  # older
                self.journal.add(amend_line(end_line()))  # of nobody
                self.journal.drain(self.database)
                self.assertEqual(self.one("SELECT total_cost, currency, amended_at IS NOT NULL FROM "
                                          "cost_info"), ["0.500000000000", "CNY", "t"])
                self.assertEqual(self.one("SELECT prompt_tokens, total_tokens, parsing_method, confidence "
                                          "FROM token_usage"), ["11", "33", "openai_late", "0.9"])
                self.assertEqual(self.database.rows(
                    "SELECT currency, calls, priced, total_tokens, total_cost::real, rated, confidence "
                    "FROM call_hours WHERE calls <> 0"),
                    [["CNY", "1", "1", "33", "0.5", "1", "0.9"]])
                self.assertEqual(self.one("SELECT sum(calls), sum(total_tokens), sum(total_cost)::real "
                                          "FROM call_hours"), ["1", "33", "0.5"])
                self.assertEqual(self.one("SELECT sum(calls), sum(total_tokens) FROM client_days"),
                                 ["1", "33"])
                os.unlink(self.journal.path)

    def test_what_databases_refuse_in_texts(self):
        """NUL and half a surrogate, in a text and in objects; quotes, braces, NULL as a word."""
        bad = "a\\u0000b\\ud800c\\udc00d\\ud83d\\ude00"
        line = json.dumps(end_line(client="MARK", tags={"MARK": "MARK"}, usage={"x": "MARK"},
                                   model='{"q",\\} NULL', provider="NULL"))
        self.journal.add(line.replace("MARK", bad))
        self.assertEqual(self.journal.drain(self.database)["refused"], 0)
        good = "a\ufffdb\ufffdc\ufffdd\U0001f600"
        self.assertEqual(self.one("SELECT client, model, provider FROM api_logs"),
                         [good, '{"q",\\} NULL', "NULL"])
        self.assertEqual(self.one("SELECT tags FROM api_logs"), [f'{{"{good}": "{good}"}}'])
        self.assertEqual(self.one("SELECT raw_usage_data->>'x' FROM token_usage"), [good])

    def test_numbers_that_jsonb_does_not_hold(self):
        """The vendor's object is left out; the call, its tokens and its cost are there."""
        line = json.dumps(end_line(usage={"x": "MARK"}))
        self.journal.add(line.replace('"MARK"', "1e400000"), line.replace('"MARK"', "1E-20000")
                         .replace(json.loads(line)["key"], "0198f2a0-0000-7000-8000-000000000001"))
        done = self.journal.drain(self.database)
        self.assertEqual((done["calls"], done["refused"]), (2, 0))
        self.assertEqual(self.one("SELECT count(*), count(u.raw_usage_data), count(u.total_tokens), "
                                  "count(c.total_cost) FROM token_usage u JOIN cost_info c USING (log_id)"),
                         ["2", "0", "2", "2"])

    def test_a_row_that_is_refused_for_ever(self):
        lines = [end_line(model=model) for model in ("a", "poison", "b", "poison", "c")]
        self.run_command("init-db")
        self.database.rows("ALTER TABLE api_logs ADD CHECK (model <> 'poison')", user="harborai")
        self.journal.add(*lines)
        done = self.journal.drain(self.database)
        self.assertEqual((done["calls"], done["refused"], done["backlog_bytes"]), (3, 2, 0))
        self.assertEqual(self.database.rows("SELECT model FROM api_logs ORDER BY 1"),
                         [["a"], ["b"], ["c"]])
        aside = support.read_jsonl(os.path.join(self.journal.state, "refused", "postgres.jsonl"))
        self.assertEqual([x["key"] for x in aside], [lines[1]["key"], lines[3]["key"]])
        self.assertEqual(self.journal.drain(self.database)["refused"], 0)

    def test_days(self):
        """A partition for each; old ones go once a day, and what belongs to them with them."""
        days = [end_line(begin_ns=BEGIN_NS - n * DAY_NS, end_ns=BEGIN_NS - n * DAY_NS + 10**6)
                for n in (0, 1, 400)]
        self.journal.add(*days)
        self.journal.drain(self.database, HARBORAI_CONFIG=self.config(retention_days=0))
        partitions = "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'api_logs'::regclass"
        self.assertIn(["api_logs_20251018"], self.database.rows(partitions))
        self.assertEqual(self.database.value("SELECT count(*) FROM api_logs"), "3")
        self.journal.add(end_line())
        self.journal.drain(self.database)
        self.assertNotIn(["api_logs_20251018"], self.database.rows(partitions))
        self.assertIn(["api_logs_20261121"], self.database.rows(partitions))
        self.assertEqual(self.database.value("SELECT count(*) FROM cost_info"), "3")
        self.assertEqual(self.database.value("SELECT sum(calls) FROM call_hours"), "4")

    def test_other_days_are_not_looked_into(self):
        """To open the tables of all days would take longer than all else."""
        lines = [end_line(begin_ns=BEGIN_NS - n * DAY_NS, end_ns=BEGIN_NS - n * DAY_NS + 10**6,
                          trace_id=f"{n + 1:032x}") for n in (0, 1)]
        self.journal.add(*lines)
        self.journal.drain(self.database)
        env = {"HARBORAI_POSTGRES_URL": self.database.url()}
        since = datetime.datetime.fromtimestamp(BEGIN_NS // 10**9 - 60, datetime.timezone.utc).isoformat()
        with self.database.locked(*(f"{name}_20261121" for name in (
                "token_usage", "cost_info", "tracing_info", "performance_metrics"))):
            for question in (["--id", lines[0]["key"]], ["--id", lines[0]["trace_id"]], ["-n", "1"],
                             ["--since", since, "-n", "6000"]):
                done = harborai("logs", "--json", "--source", "postgres", *question, env=env)
                self.assertEqual((done.returncode, done.stderr), (0, ""), question)
                self.assertEqual([json.loads(line)["key"] for line in done.stdout.splitlines()],
                                 [lines[0]["key"]], question)

    def config(self, **more):
        return support.write_config(self.enterContext(support.folder()), {"store": {"postgres": more}})

    def test_manual(self):
        config = self.config(migrate="manual")
        done = harborai("db", "drain", "--state-dir", self.journal.state,
                        env=environment(self.database, HARBORAI_CONFIG=config))
        self.assertEqual(done.returncode, 3)
        self.assertIn("run 'harborai init-db'", done.stderr)
        self.assertEqual(self.database.tables(), [])


class GatewayTest(Case):
    """What the gateway copies by itself, and what it does when PostgreSQL is away."""

    @classmethod
    def setUpClass(cls):
        with support.contextlib.ExitStack() as stack:
            cls.sim = stack.enter_context(support.simulator())
            cls.addClassCleanup(stack.pop_all().close)

    def gateway(self, url=None, state=None, wrapper=(), **more):
        settings = {"url": url or self.database.url(), "health_check_interval": "1s", **more}
        config = dict(support.config_for(self.sim), store={"postgres": settings})
        return support.gateway(config, state=state, wrapper=wrapper)

    def ask(self, running, count=1):
        for _ in range(count):
            self.assertEqual(running.chat().status, 200)

    def count(self):
        try:
            return int(self.database.value("SELECT count(*) FROM api_logs"))
        except AssertionError:
            return None

    def state(self, running):
        health = running.request("GET", "/health").json()["components"]
        return health["postgres"]["drain"]

    def wait_for_state(self, running, state, limit_s=20):
        support.wait_for(state, lambda: self.state(running) == state, limit_s)

    def metric(self, running, name):
        for line in running.request("GET", "/metrics").body.decode().splitlines():
            if line.startswith(name + "{"):
                return line
        return None

    def test_calls_get_there(self):
        with self.gateway() as running:
            self.ask(running, 5)
            support.wait_for("five rows", lambda: self.count() == 5)
            self.wait_for_state(running, "POSTGRES_ACTIVE")
            self.assertEqual(self.metric(running, "harborai_fallback_logger_state"),
                             'harborai_fallback_logger_state{logger_instance="default"} 0')
            self.assertEqual(self.metric(running, "harborai_postgres_health_status"),
                             f'harborai_postgres_health_status{{database_name="{self.database.name}"}} 1')
            self.ask(running, 2)
        self.assertEqual(self.count(), 7)  # those that came last, too
        keys = {x["key"] for x in self.database_keys()}
        self.assertEqual(len(keys), 7)

    def database_keys(self):
        return [{"key": row[0]} for row in self.database.rows("SELECT record_key FROM api_logs")]

    def outage(self, running, begin, end):
        """Calls before, meanwhile and after it: all are there, once each."""
        self.ask(running, 3)
        support.wait_for("rows before", lambda: self.count() == 3)
        begin()
        self.ask(running, 5)
        self.wait_for_state(running, "FILE_FALLBACK")
        self.assertIn(" 1", self.metric(running, "harborai_fallback_logger_state"))
        self.assertIn(" 0", self.metric(running, "harborai_postgres_health_status")[-2:])
        end()
        self.ask(running, 2)
        support.wait_for("rows after", lambda: self.count() == 10, 20)
        self.wait_for_state(running, "POSTGRES_ACTIVE")
        self.assertEqual(self.database.value("SELECT sum(calls) FROM call_hours"), "10")
        self.assertEqual({x["key"] for x in self.database_keys()},
                         {x["key"] for x in running.journal() if x["type"] == "end"})
        self.assertNotIn(postgres.PASSWORD, running.log())

    def test_stopped(self):
        with self.gateway() as running:
            self.outage(running, SERVER.stop, SERVER.start)

    def test_stopped_while_nobody_calls(self):
        """It is looked at now and then; a server that hangs is away, too."""
        with self.gateway() as running:
            self.ask(running)
            support.wait_for("a row", lambda: self.count() == 1)
            self.wait_for_state(running, "POSTGRES_ACTIVE")
            SERVER.stop()
            try:
                self.wait_for_state(running, "FILE_FALLBACK")
                self.assertIn(" 0", self.metric(running, "harborai_postgres_health_status")[-2:])
            finally:
                SERVER.start()
            self.wait_for_state(running, "POSTGRES_ACTIVE")
            SERVER.pause()
            try:
                self.wait_for_state(running, "FILE_FALLBACK", 30)
            finally:
                SERVER.go_on()
            self.wait_for_state(running, "POSTGRES_ACTIVE")

    def test_killed(self):
        with self.gateway() as running:
            self.outage(running, SERVER.kill, SERVER.start)

    def test_made_anew(self):
        """The database is another one, and empty: all calls go there, not only those since."""
        with self.gateway() as running:
            self.ask(running, 3)
            support.wait_for("rows before", lambda: self.count() == 3)
            root = postgres.Database(SERVER, "postgres")
            root.rows(f"DROP DATABASE {self.database.name} WITH (FORCE);\n"
                      f"CREATE DATABASE {self.database.name} OWNER {postgres.USER} TEMPLATE template0")
            self.ask(running, 2)
            support.wait_for("all rows", lambda: self.count() == 5, 20)
            self.assertEqual(self.database.value("SELECT sum(calls) FROM call_hours"), "5")

    def test_reload(self):
        """What is as it was needs no restart."""
        with self.gateway() as running:
            self.ask(running)
            support.wait_for("a row", lambda: self.count() == 1)
            running.process.send_signal(signal.SIGHUP)
            support.wait_for("it is read again", lambda: "config.applied" in running.log())
            self.assertNotIn("config.needs_restart", running.log())

    def test_read_only(self):
        root = postgres.Database(SERVER, "postgres")
        name = self.database.name

        def close():
            root.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                      f"WHERE datname = '{name}'")

        def begin():
            root.rows(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            close()

        def end():
            root.rows(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            close()

        with self.gateway() as running:
            self.outage(running, begin, end)

    def test_it_was_never_there(self):
        SERVER.stop()
        try:
            with self.gateway() as running:
                self.wait_for_state(running, "FILE_FALLBACK")
                self.ask(running, 3)
                self.assertIn("drain.failing", running.log())
                SERVER.start()
                support.wait_for("rows", lambda: self.count() == 3)
        finally:
            if SERVER.process is None:
                SERVER.start()

    def test_the_operator_has_to_mend_it(self):
        self.database.rows("CREATE TABLE api_logs (a int)", user="harborai")
        with self.gateway() as running:
            self.wait_for_state(running, "ERROR")
            self.ask(running, 2)
            self.assertIn("Python HarborAI", running.log())
            self.database.rows("DROP TABLE api_logs")
            support.wait_for("rows", lambda: self.count() == 2)
            self.wait_for_state(running, "POSTGRES_ACTIVE")

    def test_a_partition_that_somebody_dropped(self):
        with self.gateway() as running:
            self.ask(running, 2)
            support.wait_for("rows", lambda: self.count() == 2)
            for table in ("api_logs", "token_usage", "cost_info"):
                self.database.rows(f"SELECT format('DROP TABLE %s', min(inhrelid::regclass::text)) FROM "
                                   f"pg_inherits WHERE inhparent = '{table}'::regclass \\gexec")
            self.assertEqual(self.count(), 0)
            self.ask(running, 3)
            support.wait_for("rows", lambda: self.count() == 3)
            self.assertNotIn("drain.row_refused", running.log())

    def test_a_network_that_swallows_everything(self):
        """It holds up neither calls nor the end."""
        with postgres.Relay(SERVER.port) as relay, self.gateway(self.database.url(port=relay.port)) as running:
            self.ask(running, 2)
            support.wait_for("rows", lambda: self.count() == 2)
            relay.swallow()
            self.ask(running, 3)
            support.time.sleep(0.5)
            self.ask(running, 3)
            began = support.time.monotonic()
            self.assertTrue(support.end(running.process, 15))
            self.assertLess(support.time.monotonic() - began, 10)
            self.assertEqual(running.process.returncode, 0)
            running.killed = True
        self.assertEqual(self.count(), 2)

    def test_it_falls_silent_once_connected(self):
        with postgres.Relay(SERVER.port) as relay:
            relay.hold = b"harborai_schema"  # in what asks for the tables' version
            with self.gateway(self.database.url(port=relay.port)) as running:
                self.ask(running, 2)
                self.wait_for_state(running, "FILE_FALLBACK")
                self.assertIn("does not answer", running.log())
                self.wait_for_state(running, "POSTGRES_ACTIVE")
                self.assertEqual(self.count(), 2)

    def test_it_falls_silent_while_days_are_made(self):
        """That is noticed as soon as with calls on the way."""
        with postgres.Relay(SERVER.port) as relay, self.gateway(self.database.url(port=relay.port)) as running:
            relay.hold = b"DELETE FROM harborai_positions"
            self.ask(running, 2)
            self.assertTrue(relay.held.wait(30))
            self.ask(running, 3)
            support.wait_for("rows by another connection", lambda: self.count() == 5, 30)

    def test_it_is_known_to_be_away(self):
        """The end does not wait for it at all."""
        with postgres.Relay(SERVER.port) as relay, self.gateway(self.database.url(port=relay.port)) as running:
            self.wait_for_state(running, "POSTGRES_ACTIVE")
            relay.swallow()
            self.ask(running, 2)
            self.wait_for_state(running, "FILE_FALLBACK")
            self.assertIn("does not answer", running.log())
            began = support.time.monotonic()
            self.assertTrue(support.end(running.process, 15))
            self.assertLess(support.time.monotonic() - began, 3)
            running.killed = True

    @unittest.skipUnless(os.geteuid() == 0, "root only can give it another resolv.conf")
    def test_a_name_that_nobody_answers_for(self):
        """The look-up, which nothing can break off, holds up neither calls nor the end."""
        host = "127.7.%d.%d" % divmod(os.getpid() % 65536, 256)  # another run has another
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, support.folder() as place:
            silent.bind((host, 53))
            path = os.path.join(place, "resolv.conf")
            with open(path, "w", encoding="ascii") as file:
                file.write(f"nameserver {host}\noptions timeout:4 attempts:3\n")
            url = self.database.url().replace("127.0.0.1", "postgres.example.com")
            # In a chroot "/" is no mount, and cannot be made private.
            with self.gateway(url, wrapper=["unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                                            'mount --make-rprivate / 2>/dev/null; mount --bind "$0" '
                                            '"$(readlink -f /etc/resolv.conf)" && exec "$@"', path]) as running:
                self.ask(running, 3)
                self.wait_for_state(running, "FILE_FALLBACK", 40)
                self.assertIn("could not translate host name", running.log())
                support.time.sleep(2)  # it looks it up again
                self.ask(running, 3)
                began = support.time.monotonic()
                self.assertTrue(support.end(running.process, 15))
                self.assertLess(support.time.monotonic() - began, 5)
                self.assertEqual(running.process.returncode, 0)
                running.killed = True

    def test_a_commit_that_comes_late(self):
        """Its connection is lost with the COMMIT on the way, and the same calls come by the next one."""
        with postgres.Relay(SERVER.port) as relay, self.gateway(self.database.url(port=relay.port)) as running:
            self.ask(running)
            support.wait_for("a row", lambda: self.count() == 1)
            relay.hold = b"Q\0\0\0\x0bCOMMIT\0"
            self.ask(running, 3)
            self.assertTrue(relay.held.wait(10))
            relay.hang_up()
            support.wait_for("the next one waits for the first", lambda: self.database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                f"datname = '{self.database.name}'") == "1")
            relay.release()
            support.wait_for("all rows", lambda: self.count() == 4)
            self.wait_for_state(running, "POSTGRES_ACTIVE")
            self.ask(running)
            support.wait_for("the last row", lambda: self.count() == 5)
        for table in ("call_hours", "call_latencies", "client_days"):
            self.assertEqual(self.database.value(f"SELECT sum(calls) FROM {table}"), "5", table)

    def test_two_gateways_of_two_state_directories(self):
        """They share the tables, and their sums."""
        with self.gateway() as first, self.gateway() as second:
            for _ in range(20):
                self.ask(first)
                self.ask(second)
            support.wait_for("rows", lambda: self.count() == 40)
        self.assertEqual(self.database.value("SELECT sum(calls) FROM call_hours"), "40")


class BadServerTest(Case):
    """Refused, told apart, nothing changed."""

    def refused(self, said, status=3, env=None, command=("init-db",), **more):
        before = self.database.tables()
        done = self.run_command(*command, status=status, env=env, **more)
        self.assertRegex(done.stderr, said)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(self.database.tables(), before)
        return done

    def url(self, url):
        return {"HARBORAI_POSTGRES_URL": url}

    def test_no_server(self):
        self.refused("Connection refused", 1,
                     env=self.url(self.database.url(port=support.free_port())))

    def test_wrong_password(self):
        done = self.refused("password authentication failed.*check store.postgres.user and",
                            env=self.url(self.database.url(password="wr0ng-passw0rd")))
        self.assertNotIn("wr0ng", done.stderr)

    def test_missing_database(self):
        url = self.database.url().replace(self.database.name, "nowhere")
        self.refused('database "nowhere" does not exist.*createdb -E UTF8', env=self.url(url))

    def test_url_that_cannot_be_read(self):
        done = self.refused("'store.postgres.url' cannot be read",
                            env=self.url(f"postgresql://harborai:{postgres.PASSWORD}@h:port:x/y?z"))
        self.assertNotIn("harborai:", done.stderr.replace("harborai: 'store", ""))

    def test_no_right_to_make_tables(self):
        self.database.rows("REVOKE ALL ON SCHEMA public FROM public;"
                           "ALTER SCHEMA public OWNER TO postgres; GRANT USAGE ON SCHEMA public TO harborai;"
                           f"ALTER DATABASE {self.database.name} OWNER TO postgres")
        self.refused("permission denied for schema public.*GRANT CREATE")
        self.database.rows("REVOKE ALL ON SCHEMA public FROM harborai")
        self.refused("has no schema to make tables in")

    def test_read_only(self):
        name = self.database.name
        root = postgres.Database(SERVER, "postgres")
        root.rows(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        self.refused("read-only transaction.*takes no writes now", 1)
        root.rows(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        self.run_command("init-db")

    def test_other_encodings(self):
        for encoding in ("SQL_ASCII", "LATIN1"):
            with self.subTest(encoding):
                self.database = SERVER.database(options=f"ENCODING '{encoding}' LOCALE 'C'")
                self.refused(f"has the encoding {encoding}: HarborAI needs UTF8")

    def test_tables_of_the_python_harborai(self):
        for table in ("api_logs", "harborai_logs", "token_usage"):
            with self.subTest(table):
                self.database = SERVER.database()
                self.database.rows(f"CREATE TABLE {table} (id serial, trace_id text)", user="harborai")
                self.refused(f"a table '{table}' that this HarborAI did not make: the Python HarborAI's")
                self.refused("the Python HarborAI's", command=("init-db", "--force"))
                self.assertIn('"foreign"', self.refused("the Python", command=("db-status", "--json")).stdout)
        self.database.rows("CREATE SCHEMA ours AUTHORIZATION harborai;"
                           f"ALTER ROLE harborai IN DATABASE {self.database.name} SET search_path = ours")
        self.run_command("init-db")  # beside them

    def test_tables_of_a_newer_harborai(self):
        self.run_command("init-db")
        self.database.rows("INSERT INTO harborai_schema (version, name, checksum, applied_by) "
                           "VALUES (2, '0002_x', 'c', 'harborai 9')")
        for command in (("init-db",), ("init-db", "--force"), ("db", "migrate"), ("db-status",)):
            self.refused("are those of a newer HarborAI .version 2, this one knows 1", command=command)

    def test_another_migration(self):
        self.run_command("init-db")
        self.database.rows("UPDATE harborai_schema SET checksum = 'x'")
        self.refused("migration 1 of database .* is not the one")

    def test_a_drain_says_the_same(self):
        self.database.rows("CREATE TABLE api_logs (id int)", user="harborai")
        with support.folder() as place:
            journal = Journal(place)
            journal.add(end_line())
            self.refused("the Python HarborAI's", command=("db", "drain", "--state-dir", place))
            self.database.rows("DROP TABLE api_logs")
            self.assertEqual(journal.drain(self.database)["calls"], 1)

    def test_a_server_before_13(self):
        with ancient_server() as port:
            self.refused("is of version 12.4: HarborAI needs 13 or later",
                         env=self.url(f"postgresql://u@127.0.0.1:{port}/d"))

    def test_a_server_that_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.refused("does not answer", 1,
                         env=self.url(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d"))


class TlsTest(Case):
    @classmethod
    def setUpClass(cls):
        with support.contextlib.ExitStack() as stack:
            cls.certs = support.make_certs(stack.enter_context(support.folder()))
            cls.plain = SERVER
            place = SERVER.data
            for name in ("good.pem", "good.key"):
                support.shutil.copy(os.path.join(cls.certs, name), place)
                SERVER.own(os.path.join(place, name))
            cls.addClassCleanup(stack.pop_all().close)

    def restart(self, *options):
        SERVER.stop()
        SERVER.start(*options)
        self.addCleanup(SERVER.start)
        self.addCleanup(SERVER.stop)

    def init(self, more, status=0):
        return self.run_command("init-db", status=status, env={
            "HARBORAI_POSTGRES_URL": self.database.url(more=more)}).stderr

    def test_asked_for_and_absent(self):
        self.assertIn("server does not support SSL", self.init("?sslmode=require", 3))
        self.init("?sslmode=prefer")

    def test_trust(self):
        self.restart("-c", "ssl=on", "-c", "ssl_cert_file=good.pem", "-c", "ssl_key_file=good.key")
        self.init("?sslmode=require")
        self.init(f"?sslmode=verify-full&sslrootcert={self.certs}/ca.pem")
        self.assertIn("certificate verify failed",
                      self.init(f"?sslmode=verify-full&sslrootcert={self.certs}/other-ca.pem", 3))
        # Without an authority of its own those of the system vouch for it, who do not know this one.
        self.assertIn("certificate verify failed", self.init("?sslmode=verify-ca", 3))
        config = {"store": {"postgres": {"sslmode": "verify-full",
                                         "sslrootcert": f"{self.certs}/ca.pem"}}}
        done = harborai("db-status", config=config, env=environment(self.database))
        self.assertEqual(done.returncode, 0, done.stderr)


@support.contextlib.contextmanager
def ancient_server():
    """Says that it is PostgreSQL 12.4, and lets everybody in."""
    def serve(listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                length, code = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
                if code == 80877103:  # SSLRequest
                    client.sendall(b"N")
                    length, code = struct.unpack("!II", client.recv(8, socket.MSG_WAITALL))
                client.recv(length - 8, socket.MSG_WAITALL)
                version = b"server_version\x0012.4\x00"
                client.sendall(b"R" + struct.pack("!II", 8, 0) + b"S" +
                               struct.pack("!I", 4 + len(version)) + version +
                               b"Z" + struct.pack("!I", 5) + b"I")
                client.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


if __name__ == "__main__":
    unittest.main()
