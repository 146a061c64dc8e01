# SPDX-License-Identifier: MIT
"""/v1/logs/…: what the gateway tells of calls over HTTP, from whichever store is there."""
import glob
import json
import os
import time
import unittest
import urllib.parse

import postgres
import support
from support import config_for, gateway, harborai, wait_for

LONG_AGO = "2020-01-01T00:00:00Z"


def ask(running, path, headers=None, **parameters):
    query = urllib.parse.urlencode(parameters)
    return running.request("GET", path + ("?" + query if query else ""), headers=headers)


def told(running, path, **parameters):
    answer = ask(running, path, **parameters)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def logs(running, **parameters):
    return told(running, "/v1/logs/query", **parameters)


def sums(running, **parameters):
    return told(running, "/v1/logs/stats", **parameters)


class Case(support.WithSimulator):
    def make_calls(self, running):
        """Three that go well, one that fails, one with another model's name."""
        for i in range(3):
            answer = running.chat(headers={"x-request-id": f"call-{i}"})
            self.assertEqual(answer.status, 200)
        self.assertEqual(running.chat(model="nothing-like-it").status, 404)
        self.assertEqual(running.chat(model="openai/gpt-4o-mini", stream=True).status, 200)
        self.wait_for_calls(running, 5)

    def wait_for_calls(self, running, count, source=None):
        """In the store that will be asked from then on."""
        def are_there():
            found = logs(running)
            return (found["pagination"]["total_items"] == count and "note" not in found
                    and found["source"] == (source or found["source"]))
        wait_for(f"{count} calls", are_there)


class QueryTest(Case):
    def test_a_log(self):
        with gateway(config_for(self.sim)) as running:
            answer = running.chat(headers={"x-request-id": "mine", "traceparent":
                                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
            self.wait_for_calls(running, 1)
            found = logs(running)
            log = found["logs"][0]
            end = next(x for x in running.journal() if x["type"] == "end")
            self.assertEqual(found["source"], "index")
            self.assertNotIn("stats", found)
            self.assertNotIn("note", found)
            self.assertEqual(found["pagination"], {"current_page": 1, "total_pages": 1, "total_items": 1,
                                                   "has_next": False, "has_prev": False})
            for name, value in {
                    "id": end["key"], "hb_trace_id": end["id"], "span_id": end["span_id"],
                    "otel_trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "request_id": "mine",
                    "model": "gpt-4o", "provider": "openai", "plugin": "org.harborai.openai",
                    "status": "success", "status_code": 200, "stream": False, "attempts": 1,
                    "input_tokens": end["usage"]["prompt_tokens"],
                    "output_tokens": end["usage"]["completion_tokens"],
                    "total_tokens": end["usage"]["total_tokens"], "finish_reason": "stop",
                    "error": None, "request_data": None, "response_data": None}.items():
                self.assertEqual(log[name], value, name)
            self.assertEqual(log["cost"]["total_cost"], float(end["cost"]))
            self.assertEqual(log["cost"]["input_cost"], float(end["cost_input"]))
            self.assertEqual(log["cost"]["currency"], "USD")
            self.assertAlmostEqual(log["performance"]["response_time"],
                                   (end["end_ns"] - end["begin_ns"]) / 1e9, 6)
            self.assertEqual(answer.headers["x-harborai-id"], log["hb_trace_id"])

    def test_filters_and_pages(self):
        with gateway(config_for(self.sim)) as running:
            self.make_calls(running)
            for parameters, count in (
                    ({}, 5), ({"model": "gpt-4o"}, 3), ({"model": "*gpt-4o*"}, 4), ({"provider": "openai"}, 4),
                    ({"status": "success"}, 4), ({"status": "failed"}, 1), ({"status": "404"}, 1),
                    ({"status": "5xx"}, 0), ({"trace_id": "call-1"}, 1), ({"trace_id": "call-9"}, 0),
                    ({"start_time": LONG_AGO}, 5), ({"end_time": LONG_AGO}, 0), ({"min_tokens": 1}, 4),
                    ({"max_cost": "0.000000000001"}, 0), ({"search": "DOES NOT EXIST"}, 1),
                    ({"client": "127.0.0.1", "min_duration": "1h"}, 0), ({"plugin": "org.*"}, 4),
                    ({"start_time": "2020-01-01T00:00:00+08:00", "end_time": "2261-01-01"}, 5)):
                with self.subTest(parameters):
                    found = logs(running, **parameters)
                    self.assertEqual((len(found["logs"]), found["pagination"]["total_items"]),
                                     (count, count))
            seen = []
            for offset in range(0, 6, 2):
                page = logs(running, limit=2, offset=offset)
                seen += [x["id"] for x in page["logs"]]
                self.assertEqual(page["pagination"], {
                    "current_page": offset // 2 + 1, "total_pages": 3, "total_items": 5,
                    "has_next": offset < 4, "has_prev": offset > 0})
            self.assertEqual(seen, [x["id"] for x in logs(running)["logs"]])
            self.assertEqual(len(set(seen)), 5)
            self.assertEqual(logs(running, offset=7)["pagination"]["total_items"], 5)

    def test_stats_of_a_query(self):
        with gateway(config_for(self.sim)) as running:
            self.make_calls(running)
            stats = logs(running, include_stats="true", limit=1)["stats"]
            self.assertEqual(stats["total_logs"], 5)
            self.assertEqual(stats["success_rate"], 80)
            self.assertEqual(stats["model_distribution"],
                             {"gpt-4o": 3, "nothing-like-it": 1, "openai/gpt-4o-mini": 1})
            every = logs(running)["logs"]
            self.assertAlmostEqual(stats["total_cost"],
                                   sum(x["cost"]["total_cost"] or 0 for x in every), 12)
            self.assertEqual(stats["token_usage"]["total_tokens"],
                             sum(x["total_tokens"] or 0 for x in every))
            self.assertEqual(stats["currency"], "USD")
            failed = logs(running, include_stats="true", status="failed")["stats"]
            self.assertEqual((failed["total_logs"], failed["total_cost"], failed["success_rate"]),
                             (1, None, 0))
            nothing = logs(running, include_stats="true", end_time=LONG_AGO)["stats"]
            self.assertEqual((nothing["total_logs"], nothing["total_cost"], nothing["success_rate"],
                              nothing["avg_response_time"], nothing["model_distribution"]),
                             (0, 0, None, None, {}))

    def test_one(self):
        with gateway(config_for(self.sim)) as running:
            trace = "4bf92f3577b34da6a3ce929d0e0e4736"
            for i in range(3):
                running.chat(headers={"x-request-id": f"a/b:{i}",
                                      "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
            self.wait_for_calls(running, 3)
            newest = logs(running)["logs"][0]
            for name in (newest["id"], newest["hb_trace_id"], "chatcmpl-" + newest["hb_trace_id"],
                         "a%2Fb%3A2", "a/b:2", trace):
                found = told(running, "/v1/logs/" + name)
                self.assertEqual(found["log"], newest, name)
                self.assertEqual(len(found["others"]), 2 if name == trace else 0)
            for name in ("hb_1763700000000_00000000", "no-such", "x" * 300, "query%2F"):
                answer = ask(running, "/v1/logs/" + name)
                self.assertEqual((answer.status, answer.json()["error"]["code"]), (404, "log_not_found"))
            self.assertEqual(ask(running, "/v1/logs/a%zz").status, 400)
            self.assertEqual(running.request("POST", "/v1/logs/query", {}).status, 405)
            self.assertEqual(running.request("HEAD", "/v1/logs/query").body, b"")

    def test_one_that_has_just_ended(self):
        """However far the index is."""
        with gateway(config_for(self.sim)) as running:
            for _ in range(30):
                found = told(running, "/v1/logs/" + running.chat().headers["x-harborai-id"])
                self.assertEqual(found["log"]["status"], "success")

    def test_sums(self):
        with gateway(config_for(self.sim)) as running:
            self.make_calls(running)
            found = sums(running)
            self.assertEqual(found["group_by"], ["model"])
            self.assertEqual(found["metrics"], ["cost", "tokens", "response_time", "success_rate"])
            self.assertEqual({x["model"]: x["total_logs"] for x in found["data"]},
                             {"gpt-4o": 3, "nothing-like-it": 1, "openai/gpt-4o-mini": 1})
            self.assertEqual((found["total"]["total_logs"], found["total"]["success_rate"]), (5, 80))
            found = sums(running, group_by="provider,model,date", metrics="tokens,cost",
                         start_time="2026-01-01", model="gpt-4o")
            self.assertEqual(found["time_range"], {"start": "2026-01-01T00:00:00.000Z", "end": None})
            self.assertEqual(len(found["data"]), 1)
            row = found["data"][0]
            self.assertEqual((row["provider"], row["model"], row["total_logs"]), ("openai", "gpt-4o", 3))
            self.assertEqual(sorted(row), ["cost", "date", "model", "provider", "tokens", "total_logs"])
            every = logs(running, model="gpt-4o")["logs"]
            self.assertEqual(row["date"], every[0]["timestamp"][:10])
            self.assertEqual(row["tokens"]["total_input_tokens"], sum(x["input_tokens"] for x in every))
            self.assertAlmostEqual(row["cost"]["total_cost"], sum(x["cost"]["total_cost"] for x in every), 12)

    def test_bad_parameters(self):
        with gateway(config_for(self.sim)) as running:
            for path, query, name in (
                    ("query", "limit=0", "limit"), ("query", "limit=1001", "limit"),
                    ("query", "limit=ten", "limit"), ("query", "offset=-1", "offset"),
                    ("query", "start_time=yesterday", "start_time"),
                    ("query", "start_time=2026-02-30", "start_time"),
                    ("query", "start_time=2026-01-01T00:00:00+08:00", "start_time"),
                    ("query", "end_time=2026-13-01", "end_time"),
                    ("query", "start_time=2026-01-02&end_time=2026-01-01", "end_time"),
                    ("query", "status=soso", "status"), ("query", "limt=3", "limt"),
                    ("query", "include_stats=perhaps", "include_stats"),
                    ("query", "model=", "model"), ("query", "model=a&model=b", "model"),
                    ("query", "model=%zz", "model"), ("query", "model=a%00b", "model"),
                    ("query", "model=%ff", "model"), ("query", "search=" + "x" * 2000, "search"),
                    ("query", "group_by=model", "group_by"), ("query", "min_cost=cheap", "min_cost"),
                    ("stats", "group_by=colour", "group_by"), ("stats", "group_by=model,model", "group_by"),
                    ("stats", "group_by=model,provider,date,hour", "group_by"),
                    ("stats", "metrics=cost,", "metrics"), ("stats", "limit=3", "limit"),
                    ("stats", "model=gpt*", "model")):
                with self.subTest(query[:60]):
                    answer = running.request("GET", f"/v1/logs/{path}?{query}")
                    error = answer.json()["error"]
                    self.assertEqual((answer.status, error["param"]), (400, name), error)
                    self.assertEqual(error["type"], "invalid_request_error")


class AccessTest(Case):
    def refused(self, answer, said):
        self.assertEqual((answer.status, answer.json()["error"]["code"]), (403, "logs_disabled"))
        self.assertIn(said, answer.json()["error"]["message"])

    def test_local(self):
        with gateway(config_for(self.sim)) as running:
            host = f"127.0.0.1:{running.port}"
            for headers in ({}, {"host": f"localhost:{running.port}"}, {"host": "LOCALHOST"},
                            {"host": f"[::1]:{running.port}"}, {"sec-fetch-site": "same-origin"},
                            {"origin": f"http://{host}"}, {"sec-fetch-site": "none"}):
                self.assertEqual(ask(running, "/v1/logs/query", headers).status, 200, headers)
            for headers, said in (({"host": "evil.example"}, "server.logs: on"),
                                  ({"host": "127.0.0.1.evil.example:80"}, "server.logs: on"),
                                  ({"host": "localhost.evil.example"}, "server.logs: on"),
                                  ({"x-forwarded-for": "10.0.0.1"}, "server.logs: on"),
                                  ({"forwarded": "for=10.0.0.1"}, "server.logs: on"),
                                  ({"origin": "http://evil.example"}, "another site"),
                                  ({"origin": "null"}, "another site"),
                                  ({"sec-fetch-site": "cross-site"}, "another site")):
                for path in ("query", "stats", "hb_1763700000000_00000000"):
                    self.refused(ask(running, f"/v1/logs/{path}", headers), said)

    def test_switched(self):
        for word, headers, status in (("off", {}, 403), ("on", {"host": "gateway.example"}, 200),
                                      ("on", {"x-real-ip": "10.0.0.1"}, 200),
                                      ("on", {"origin": "http://evil.example"}, 403)):
            config = dict(config_for(self.sim), server={"logs": word})
            with self.subTest((word, headers)), gateway(config) as running:
                answer = ask(running, "/v1/logs/query", headers)
                self.assertEqual(answer.status, status)
                if word == "off":
                    self.refused(answer, "server.logs")

    def test_not_on_loopback(self):
        for word, status in ((None, 403), ("local", 403), ("on", 200)):
            config = dict(config_for(self.sim),
                          server={"auth": "off", **({"logs": word} if word else {})})
            with self.subTest(word), gateway(config, arguments=["--host", "0.0.0.0"]) as running:
                answer = ask(running, "/v1/logs/query")
                self.assertEqual(answer.status, status)
                if status == 403:
                    self.refused(answer, "server.logs: on")

    def test_nothing_is_recorded(self):
        config = dict(config_for(self.sim), journal={"enabled": False})
        with gateway(config) as running:
            self.refused(ask(running, "/v1/logs/query"), "journal.enabled")


class SourcesTest(Case):
    """PostgreSQL, the index and the journal say the same of the same calls."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with support.contextlib.ExitStack() as stack:
            cls.server = stack.enter_context(postgres.server())
            cls.addClassCleanup(stack.pop_all().close)

    def config_with(self, database, **more):
        store = {"postgres": {"url": database.url(), "health_check_interval": "1s"}, **more}
        return dict(config_for(self.sim), store=store)

    QUESTIONS = ({}, {"include_stats": "true"}, {"model": "*gpt-4o*"}, {"status": "failed"},
                 {"trace_id": "call-1"}, {"limit": 2, "offset": 1}, {"status": "404"}, {"min_tokens": 1},
                 {"min_cost": "0.000001", "include_stats": "true"}, {"search": "does not EXIST"},
                 {"provider": "open*", "client": "127.*", "plugin": "org.*"}, {"min_duration": "1h"},
                 {"start_time": LONG_AGO, "end_time": "2261-01-01", "include_stats": "1"})
    SUMS = ({}, {"group_by": "provider,model"}, {"group_by": "date,model,provider"}, {"group_by": "hour"},
            {"model": "gpt-4o", "provider": "openai", "start_time": LONG_AGO, "end_time": "2261-01-01"})

    def everything(self, running, source):
        """All answers, without what may differ: who answers, and the digits behind microseconds."""
        answers = [logs(running, **question) for question in self.QUESTIONS]
        answers += [sums(running, **question) for question in self.SUMS]
        answers.append(told(running, "/v1/logs/call-2"))
        for answer in answers:
            self.assertEqual(answer.pop("source"), source)
            answer.pop("note", None)
        return json.loads(json.dumps(answers), parse_float=lambda text: round(float(text), 5))

    def rough(self, answers):
        """Means of the index's sums are of its histograms; others are of durations in whole us, or exact."""
        return json.loads(json.dumps(answers), object_hook=lambda x: {
            name: value for name, value in x.items()
            if name not in ("avg", "avg_response_time", "timestamp")})

    def means(self, answers):
        return [answer["stats"]["avg_response_time"] for answer in answers if "stats" in answer]

    def test_the_same_answers(self):
        database = self.server.database()
        with support.folder() as state:
            with gateway(self.config_with(database), state=state) as running:
                wait_for("PostgreSQL", lambda: logs(running)["source"] == "postgres")
                self.make_calls(running)
                answers = {"postgres": self.everything(running, "postgres")}
            with gateway(config_for(self.sim), state=state) as running:
                self.wait_for_calls(running, 5, "index")
                answers["index"] = self.everything(running, "index")
            config = dict(config_for(self.sim), store={"sqlite": {"enabled": False}})
            with gateway(config, state=state) as running:
                answers["journal"] = self.everything(running, "journal")
        for name, given in answers.items():
            with self.subTest(name):
                self.assertEqual(self.rough(given), self.rough(answers["journal"]))
                for mean, exact in zip(self.means(given), self.means(answers["journal"]), strict=True):
                    self.assertAlmostEqual(mean, exact, delta=2e-5)

    def test_what_was_asked_and_answered(self):
        """Of one call, from wherever it is found."""
        database = self.server.database()
        with support.folder() as state:
            for config, source in (
                    (self.config_with(database), "postgres"), (config_for(self.sim), "index"),
                    (dict(config_for(self.sim), store={"sqlite": {"enabled": False}}), "journal")):
                with self.subTest(source), gateway(dict(config, content="full"), state=state) as running:
                    asked = "what is asked, " + source[:5]  # the whole word is in the password
                    answer = running.chat(asked)
                    self.assertEqual(answer.status, 200)
                    name = answer.headers["x-harborai-id"]
                    wait_for(source, lambda r=running, s=source, n=name: logs(r)["source"] == s
                             and logs(r, trace_id=n)["logs"])
                    found = told(running, "/v1/logs/" + name)
                    self.assertEqual(found["source"], source)
                    self.assertEqual(found["log"]["request_data"]["messages"][-1]["content"], asked)
                    self.assertIn(asked, json.dumps(found["log"]["response_data"]))
                    for log in logs(running)["logs"]:
                        self.assertEqual((log["request_data"], log["response_data"]), (None, None))

    def test_the_database_is_away(self):
        database = self.server.database()
        with support.folder() as state:
            with gateway(self.config_with(database), state=state) as running:
                wait_for("PostgreSQL", lambda: logs(running)["source"] == "postgres")
                self.make_calls(running)
                self.assertNotIn("note", logs(running))
                self.server.stop()
                self.addCleanup(lambda: self.server.process or self.server.start())
                self.assertEqual(running.chat(headers={"x-request-id": "meanwhile"}).status, 200)
                found = wait_for("the call", lambda: logs(running, trace_id="meanwhile")["logs"])
                self.assertEqual(len(found), 1)
                found = logs(running)
                self.assertEqual((found["source"], len(found["logs"])), ("index", 6))
                self.assertIn("PostgreSQL is away", found["note"])
                self.assertEqual(sums(running)["total"]["total_logs"], 6)
                self.assertIn("PostgreSQL is away", sums(running)["note"])
                self.server.start()
                wait_for("PostgreSQL", lambda: logs(running)["source"] == "postgres", 20)
                self.assertEqual(len(logs(running)["logs"]), 6)
                self.assertNotIn(postgres.PASSWORD, running.log())

    def test_ids_that_the_database_refuses(self):
        """They are nobody's, and no reason to leave it alone for a while."""
        database = self.server.database()
        with gateway(self.config_with(database)) as running:
            wait_for("PostgreSQL", lambda: logs(running)["source"] == "postgres")
            for name in ("%00", "a%00b", "%ff", "%ED%A0%80"):
                with self.subTest(name):
                    answer = ask(running, "/v1/logs/" + name)
                    self.assertEqual((answer.status, answer.json()["error"]["code"]), (404, "log_not_found"))
                    self.assertEqual(logs(running)["source"], "postgres")
            self.assertNotIn("logs.source_failed", running.log())

    def test_a_question_that_takes_too_long(self):
        """It is answered from the index, and others by PostgreSQL."""
        database = self.server.database()
        with gateway(self.config_with(database)) as running:
            wait_for("PostgreSQL", lambda: logs(running)["source"] == "postgres")
            with database.locked("call_hours"):
                self.assertEqual(sums(running)["source"], "index")
                self.assertEqual(logs(running)["source"], "postgres")
            self.assertIn("statement timeout", running.log())

    def test_neither_is_there(self):
        database = self.server.database()
        with support.folder() as state:
            with gateway(config_for(self.sim), state=state) as running:
                self.make_calls(running)
            for path in glob.glob(os.path.join(state, "index.sqlite3*")):
                os.remove(path)
            config = self.config_with(database, sqlite={"enabled": False})
            config["store"]["postgres"]["url"] = database.url(port=support.free_port())
            with gateway(config, state=state) as running:
                found = logs(running)
                self.assertEqual((found["source"], len(found["logs"])), ("journal", 5))
                self.assertIn("PostgreSQL is away", found["note"])

    def test_a_database_that_hangs(self):
        """Calls go on meanwhile, and so does everything else on the loop; it holds up no end."""
        database = self.server.database()
        with gateway(self.config_with(database), workers=1) as running:
            wait_for("PostgreSQL", lambda: logs(running)["source"] == "postgres")
            self.make_calls(running)
            self.server.pause()
            self.addCleanup(self.server.go_on)
            clients = [running.connect() for _ in range(40)]
            for client in clients:
                client.request("GET", "/v1/logs/query")
            began = time.monotonic()
            for _ in range(20):
                self.assertEqual(running.chat().status, 200)
            self.assertLess(time.monotonic() - began, 3)
            refused = support.Answer(clients[-1].getresponse())
            self.assertEqual((refused.status, refused.headers["retry-after"]), (503, "1"))
            first = support.Answer(clients[0].getresponse())
            self.assertEqual((first.status, first.json()["source"]), (200, "index"))
            self.assertLess(time.monotonic() - began, 9)
            for client in clients:
                client.close()
            began = time.monotonic()
            self.assertTrue(support.end(running.process, 15))
            self.assertLess(time.monotonic() - began, 10)
            running.killed = True


class LeavingTest(Case):
    def test_clients_that_leave(self):
        with support.folder() as state:
            with gateway(config_for(self.sim), state=state) as running:
                self.make_calls(running)
            config = dict(config_for(self.sim), store={"sqlite": {"enabled": False}})
            with gateway(config, state=state) as running:
                for _ in range(60):
                    client = running.connect()
                    client.request("GET", "/v1/logs/query?include_stats=true")
                    client.close()
                wait_for("an answer", lambda: ask(running, "/v1/logs/query").status == 200)
                self.assertEqual(running.chat().status, 200)

    def test_a_stop_with_questions_under_way(self):
        with gateway(config_for(self.sim)) as running:
            clients = [running.connect() for _ in range(20)]
            for client in clients:
                client.request("GET", "/v1/logs/query")
            self.assertTrue(support.end(running.process, 15))
            running.killed = True
            for client in clients:
                with support.contextlib.suppress(OSError, support.http.client.HTTPException):
                    self.assertIn(client.getresponse().status, (200, 503))

    def test_the_command_says_the_same(self):
        with gateway(config_for(self.sim)) as running:
            self.make_calls(running)
            lines = harborai("logs", "--json", "--status", "ok", "--state-dir", running.state).stdout
            keys = [json.loads(line)["key"] for line in lines.splitlines()]
            self.assertEqual(keys[::-1], [x["id"] for x in logs(running, status="success")["logs"]])


if __name__ == "__main__":
    unittest.main()
