# SPDX-License-Identifier: MIT
"""GET /metrics: both formats, checked strictly, and that each figure is one."""
import subprocess
import unittest

import exposition
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
