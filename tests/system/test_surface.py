# SPDX-License-Identifier: MIT
"""What the gateway tells of itself: livez, readyz, health, stats, its root."""
import contextlib
import json
import os
import socket
import unittest

import support
from test_http import FrontTest


class SurfaceTest(FrontTest):
    def get(self, path, status=200):
        answer = self.hb.request("GET", path)
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertTrue(answer.headers["x-request-id"])
        return answer.json()

    def test_live(self):
        for path in ("/livez", "/health/liveliness"):
            self.assertEqual(self.get(path), {"status": "ok"})
        self.assertEqual(self.hb.request("HEAD", "/livez").body, b"")
        self.assertEqual(self.hb.request("POST", "/livez").status, 405)

    def test_ready(self):
        for path in ("/readyz", "/health/readiness"):
            self.assertEqual(self.get(path), {"status": "ready"})

    def test_root(self):
        root = self.get("/")
        self.assertEqual((root["name"], self.get("/v1/info")), ("HarborAI", root))
        for name, path in root["links"].items():
            status = self.hb.request("GET", path).status
            self.assertEqual(status, 405 if name == "chat_completions" else 200, path)

    def test_health(self):
        self.hb.chat("so that one is loaded")
        for path in ("/health", "/healthz", "/v1/health"):
            health = self.get(path)
            parts = health["components"]
            self.assertEqual(set(parts), {"loops", "providers", "journal", "index", "memory"})
            self.assertEqual({name: part["state"] for name, part in parts.items()},
                             {"loops": "ok", "providers": "degraded", "journal": "ok",
                              "index": "ok", "memory": "ok"})
            self.assertEqual((health["status"], health["stopping"]), ("degraded", False))
            self.assertGreater(health["uptime_s"], 0)
            self.assertEqual(parts["loops"]["count"], 2)
            seen = {x["name"]: (x["plugin"], x["has_key"]) for x in parts["providers"]["list"]}
            self.assertEqual(seen, {"openai": ("org.harborai.openai", True),
                                    "lab": ("org.harborai.openai", True),
                                    "nokey": ("org.harborai.openai", False)})
            states = {x["name"]: x["state"] for x in parts["providers"]["list"]}
            self.assertEqual(states["openai"], "serving")
            self.assertEqual((parts["providers"]["enabled"], parts["providers"]["usable"]), (3, 2))
            self.assertIs(parts["journal"]["enabled"], True)
            self.assertIn(parts["index"]["drain"], ("starting", "active"))
            self.assertGreater(parts["memory"]["resident_bytes"], 1 << 20)
            self.assertGreater(parts["memory"]["bodies_most_bytes"], 1 << 20)

    def test_stats(self):
        before = self.get("/stats")
        for _ in range(3):
            self.assertEqual(self.hb.chat("counted").status, 200)
        self.assertGreaterEqual(self.hb.chat({"status": 500}).status, 500)
        stats = self.get("/v1/stats")
        self.assertEqual(set(stats), {"version", "uptime_s", "initialization", "memory",
                                      "connections", "requests", "performance"})
        grown = {name: stats["requests"][name] - before["requests"][name]
                 for name in ("completed_count", "failed_count", "cancelled_count")}
        self.assertEqual(grown, {"completed_count": 3, "failed_count": 1, "cancelled_count": 0})
        self.assertEqual(stats["requests"]["processing_count"], 0)
        self.assertEqual(stats["requests"]["queue_length"], 0)
        self.assertGreaterEqual(stats["connections"]["active"], 1)
        self.assertGreater(stats["connections"]["max_descriptors"], 0)
        self.assertGreater(stats["memory"]["system_memory"]["rss_mb"], 1)
        self.assertGreater(stats["memory"]["system_memory"]["vms_mb"],
                           stats["memory"]["system_memory"]["rss_mb"])
        self.assertGreater(stats["initialization"]["time_ms"], 0)
        now = stats["performance"]
        self.assertLessEqual(now["window_s"], 60)
        self.assertGreater(now["throughput"], 0)
        self.assertGreater(now["avg_response_time"], 0)
        self.assertTrue(0 < now["error_rate"] < 100, now)

    def test_a_call_under_way_is_counted(self):
        body = support.chat_body({"hang": "headers"}, stream=True)
        stream = support.RawStream(self.hb.port, body)
        support.wait_for("a call under way", lambda: self.get("/stats")["requests"][
            "processing_count"] == 1)
        stream.close()
        support.wait_for("none", lambda: self.get("/stats")["requests"]["processing_count"] == 0)


class PingTest(FrontTest):
    """Comments while the vendor is silent."""

    @classmethod
    def config(cls):
        return {**super().config(), "stream": {"ping_s": 1, "first_ping_s": 1}}

    def stream(self, script):
        body = support.chat_body(script, stream=True)
        return self.hb.request("POST", "/v1/chat/completions", body, timeout=60)

    def test_in_the_midst(self):
        """Two silences, one of them before the last event: nothing else is different."""
        quick = self.stream({"events": 5})
        slow = self.stream({"events": 5, "pause_ms_before_event": [3, 2500]})
        self.assertNotIn(b"ping", quick.body)
        self.assertGreaterEqual(slow.body.count(b"\n\n: ping\n\n"), 1)
        self.assertEqual(support.stream_text(slow.events()), support.stream_text(quick.events()))
        self.assertEqual(slow.events()[-1], "[DONE]")
        for block in slow.body.decode().split("\n\n")[:-1]:
            self.assertRegex(block, r"^(: ping|data: [^\n]*)$")

    def test_before_the_head(self):
        answer = self.stream({"text": "late", "wait_ms": 2500})
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.body.startswith(b": ping\n\n"), answer.body)
        self.assertEqual(support.stream_text(answer.events()), "late")

    def test_what_goes_wrong_then(self):
        """The head is gone: the journal says 200, too, with the error."""
        answer = self.stream({"status": 500, "wait_ms": 2500})
        self.assertEqual((answer.status, answer.complete), (200, False))
        self.assertTrue(answer.body.startswith(b": ping\n\n"), answer.body)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertEqual(answer.events()[-1]["error"]["type"], "api_error")
        end = support.find_end(self.hb.state, answer.headers["x-request-id"])
        self.assertEqual((end["status"], end["outcome"]), (200, "error"))

    def test_whole_answers_have_none(self):
        answer = self.hb.chat({"text": "late", "wait_ms": 2500})
        self.assertEqual((answer.status, answer.text()), (200, "late"))


class ReadyTest(unittest.TestCase):
    def test_without_a_provider(self):
        """It runs, and is not to be sent calls."""
        with support.gateway({"providers": {}}) as hb:
            answer = hb.request("GET", "/readyz")
            self.assertEqual((answer.status, answer.json()),
                             (503, {"status": "not_ready", "reasons": ["no_provider"]}))
            self.assertEqual(hb.request("GET", "/health").json()["status"], "degraded")
            self.assertEqual(hb.request("GET", "/livez").status, 200)

    def test_while_a_plugin_is_loaded(self):
        """Of those that the configuration wants at the start; its create() waits for our byte."""
        with support.folder() as place:
            support.build_plugin(place, "slow_create", "fault")
            gate = os.path.join(place, "gate")
            os.mkfifo(gate)
            config = {"plugin_preload": ["slow"], "providers": {"slow": {"options": {"gate": "7"}}}}
            env = {"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}
            wrapper = ("sh", "-c", f'exec 7<>"{gate}" "$@"', "sh")
            with support.gateway(config, env=env, wrapper=wrapper) as hb:
                answer = hb.request("GET", "/readyz")
                self.assertEqual((answer.status, answer.json().get("reasons")), (503, ["preloading"]))
                self.assertEqual(hb.request("GET", "/livez").status, 200)
                with open(gate, "wb") as file:
                    file.write(b"x")
                support.wait_for("ready", lambda: hb.request("GET", "/readyz").status == 200)
                states = hb.request("GET", "/health").json()["components"]["providers"]["list"]
                self.assertEqual([x["state"] for x in states], ["serving"])

    @staticmethod
    def is_refused(hb):
        try:
            socket.create_connection(("127.0.0.1", hb.port)).close()
        except ConnectionError:
            return True
        return False

    def test_while_it_stops(self):
        """A request that came before the stop and is answered after it."""
        with contextlib.ExitStack() as stack:
            sim = stack.enter_context(support.simulator())
            hb = stack.enter_context(support.gateway(support.config_for(sim)))
            call = support.RawStream(hb.port, support.chat_body({"hang": "headers"}, stream=True))
            stack.callback(call.close)
            late = stack.enter_context(contextlib.closing(support.Late(hb.port, "/readyz")))
            health = stack.enter_context(contextlib.closing(support.Late(hb.port, "/health")))
            sim.request("hang")
            hb.process.terminate()
            support.wait_for("nobody is taken any more", lambda: self.is_refused(hb))
            status, body = late.end()
            self.assertEqual((status, json.loads(body)["reasons"]), (503, ["stopping"]))
            status, body = health.end()
            self.assertEqual((status, json.loads(body)["stopping"]), (503, True))
            call.close()
            self.assertEqual(hb.process.wait(15), 0)
            hb.killed = True


if __name__ == "__main__":
    unittest.main()
