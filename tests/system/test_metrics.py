# SPDX-License-Identifier: MIT
"""GET /metrics: both formats, checked strictly, and that each figure is one."""
import subprocess
import unittest

import exposition
import support
from test_http import FrontTest

OPEN = "application/openmetrics-text"
PROMETHEUS = (f"{OPEN};version=1.0.0;escaping=allow-utf-8;q=0.6,{OPEN};version=0.0.1;q=0.5,"
              "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2")


class MetricsTest(FrontTest):
    def ask(self, accept=None):
        answer = self.hb.request("GET", "/metrics", headers={"accept": accept} if accept else None)
        self.assertEqual(answer.status, 200)
        return answer

    def families(self):
        return exposition.parse(self.ask().body.decode(), False)

    def value(self, name, **labels):
        return exposition.value(self.families(), name, **labels)

    def test_formats(self):
        self.hb.chat("counted")
        self.hb.chat("counted", stream=True)
        rows = [(None, False), ("*/*", False), ("text/plain", False), (PROMETHEUS, True),
                (OPEN, True), (f"{OPEN};q=0.1,text/plain", False), (f"{OPEN};version=9", False),
                (f"{OPEN};q=0", False)]
        for accept, is_open in rows:
            with self.subTest(accept):
                answer = self.ask(accept)
                self.assertEqual(answer.headers["content-type"],
                                 f"{OPEN}; version=1.0.0; charset=utf-8" if is_open
                                 else "text/plain; version=0.0.4; charset=utf-8")
                exposition.parse(answer.body.decode(), is_open)

    def test_both_have_the_same(self):
        plain = exposition.parse(self.ask().body.decode(), False)
        opened = exposition.parse(self.ask(OPEN).body.decode(), True)
        self.assertEqual({name.removesuffix("_total") for name in plain}, set(opened))

    def test_head(self):
        answer = self.hb.request("HEAD", "/metrics", headers={"accept": OPEN})
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["content-length"]), 1000)

    def test_with_another_parser(self):
        """Prometheus' own, which Debian has for its own Python."""
        done = subprocess.run(
            ["/usr/bin/python3", "-c", "import sys; from prometheus_client.openmetrics import parser;"
             " print(len(list(parser.text_string_to_metric_families(sys.stdin.read()))))"],
            input=self.ask(OPEN).body.decode(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(int(done.stdout), 20)

    def test_by_model(self):
        """Each call counts once, where it went; a model that only a pattern lets through has no name."""
        rows = [({"text": "one"}, "smart", "openai", "gpt-4o", "ok"),
                ({"text": "one"}, "fb-of-a-client", "lab", "_other", "ok"),
                ({"text": "one"}, "my-model", "lab", "my-model", "ok"),
                ({"status": 429}, "gpt-4o", "openai", "gpt-4o", "error"),
                ("nobody", "unknown-model", "_none", "_none", "error")]
        for script, asked, provider, model, status in rows:
            with self.subTest(asked):
                of = {"provider": provider, "model": model}
                before = self.families()
                answer = self.hb.chat(script, asked)
                after = self.families()

                def grown(name, before=before, after=after, **labels):
                    return ((exposition.value(after, name, **labels) or 0) -
                            (exposition.value(before, name, **labels) or 0))
                self.assertEqual(grown("harborai_api_requests_total", **of, status=status), 1)
                self.assertEqual(grown("harborai_api_requests_total"), 1)
                self.assertEqual(grown("harborai_api_request_duration_seconds_count", **of), 1)
                self.assertEqual(grown("harborai_requests_total", status=str(answer.status)), 1
                                 + (answer.status == 200))  # and that for the metrics
                self.assertEqual(grown("harborai_ai_provider_requests_total", **of), provider != "_none")
                failed = status == "error"
                self.assertEqual(grown("harborai_api_errors_total", **of), failed)
                self.assertEqual(grown("harborai_ai_provider_errors_total", **of),
                                 failed and provider != "_none")
                tokens = [answer.json().get("usage", {}).get(x, 0)
                          for x in ("prompt_tokens", "completion_tokens")]
                self.assertEqual([grown("harborai_tokens_used_total", **of, token_type=x)
                                  for x in ("input", "output")], tokens)
                cost = answer.headers["x-harborai-cost"]
                self.assertAlmostEqual(grown("harborai_cost_total", **of),
                                       float(cost.split()[0]) if cost else 0, 12)

    def test_first_token(self):
        before = self.value("harborai_time_to_first_token_seconds_count", model="gpt-4o") or 0
        self.hb.chat("a b", stream=True)
        self.assertEqual(self.value("harborai_time_to_first_token_seconds_count", model="gpt-4o"),
                         before + 1)

    PHASES = ("parse", "admit", "route", "plugin", "queue", "upstream", "write")

    def phases(self):
        """Calls and seconds of each phase."""
        families = self.families()
        return {phase: [exposition.value(families, f"harborai_request_phase_seconds_{what}", phase=phase)
                        for what in ("count", "sum")] for phase in self.PHASES}

    def grown(self, call):
        """What an answer adds to the phases, and how long the record says it took."""
        before = self.phases()
        answer = call()
        self.assertEqual(answer.status, 200)
        end = support.find_end(self.hb.state, answer.headers["x-request-id"])
        support.wait_for("the answer's last byte is counted",
                         lambda: self.phases()["write"][0] > before["write"][0])
        after = self.phases()
        return {phase: (after[phase][0] - before[phase][0], after[phase][1] - before[phase][1])
                for phase in self.PHASES}, (end["end_ns"] - end["begin_ns"]) / 1e9, answer

    def test_phases(self):
        """A vendor that takes its time takes it upstream; together they are the call's time, and what is
        not upstream is the overhead that its head tells."""
        self.hb.chat("so that the plugin is loaded")
        for stream in (False, True):
            script = {"events": 3, "wait_ms": 300, "delay_ms": 50}
            grown, took, answer = self.grown(lambda s=stream: self.hb.chat(script, stream=s))
            self.assertEqual(grown.pop("admit"), (0, 0)) # there are no keys: test_keys.py
            for phase, (calls, seconds) in grown.items():
                self.assertEqual(calls, 1, phase)
                self.assertGreater(seconds, 0, phase)
            self.assertGreater(grown["upstream"][1], 0.3)
            sums = sum(seconds for _, seconds in grown.values())
            self.assertGreaterEqual(sums + 1e-6, took)
            overhead = int(answer.headers["x-harborai-overhead-us"]) / 1e6
            self.assertGreater(overhead, 0)
            if not stream: # at the end of the call, not of its writing
                self.assertLessEqual(overhead, sums - grown["upstream"][1] + 1e-6)

    def test_a_large_request_waits_for_a_thread(self):
        self.hb.chat("so that the plugin is loaded")
        grown, _, _ = self.grown(lambda: self.hb.chat("word " * 40000))
        self.assertGreater(grown["queue"][1], 0)
        self.assertGreater(grown["plugin"][1], 0)

    def test_durations(self):
        before = self.value("harborai_request_duration_seconds_count")
        self.hb.chat({"text": "late", "wait_ms": 300})
        families = self.families()
        self.assertEqual(exposition.value(families, "harborai_request_duration_seconds_count"), before + 1)
        self.assertGreater(exposition.value(families, "harborai_request_duration_seconds_sum"), 0.3)

    def test_process(self):
        for name, least in (("process_resident_memory_bytes", 1 << 20),
                            ("process_virtual_memory_bytes", 1 << 20), ("process_max_fds", 64),
                            ("process_start_time_seconds", 1_700_000_000)):
            self.assertGreater(self.value(name), least, name)
        self.assertGreater(self.value("process_cpu_seconds_total"), 0)
        self.assertEqual(self.value("harborai_memory_usage_bytes", component="bodies"), 0)
        self.assertGreater(self.value("harborai_memory_usage_bytes", component="all"), 1 << 20)

    def test_health(self):
        """The one provider without a key is seen."""
        families = self.families()
        for part, want in (("loops", 0), ("providers", 1), ("journal", 0), ("memory", 0)):
            self.assertEqual(exposition.value(families, "harborai_health_check_status",
                                              component=part), want, part)
        self.assertEqual(exposition.value(families, "harborai_degradation_status"), 1)
        self.assertEqual(exposition.value(families, "harborai_ready"), 1)
        self.assertEqual(exposition.value(families, "harborai_queue_length"), 0)


if __name__ == "__main__":
    unittest.main()
