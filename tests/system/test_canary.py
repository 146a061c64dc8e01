# SPDX-License-Identifier: MIT
"""A key that a client sends, and that a vendor quotes in its errors in every encoding, is written down
nowhere: not in the journal, the log, the metrics or an error."""
import base64
import contextlib
import http.server
import json
import os
import signal
import threading
import unittest
import urllib.parse

import support

CANARY = "sk-proj-c4naryC4NARY0123456789c4nary"
EMAIL = "jane.canary@example.com"
PHONE = "13800138000"
OWN = "own-c4nary-of-the-operator"


def forms(text):
    """How a text may stand in an error: as it is, and encoded."""
    escaped = "".join(f"\\u{ord(c):04x}" for c in text)
    percent = "".join(f"%{ord(c):02X}" for c in text)
    return [text, urllib.parse.quote(text), percent, escaped,
            base64.b64encode(text.encode()).decode(),
            base64.urlsafe_b64encode(f"key {text} end".encode()).decode()]


QUOTED = f"{EMAIL}, {PHONE}: bad key " + " or ".join(forms(CANARY))
ERROR = {"error": {"message": QUOTED, "type": "invalid_request_error", "param": CANARY,
                   "code": CANARY}}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
         "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": None}]}


class Quoting(http.server.BaseHTTPRequestHandler):
    """A vendor that quotes what it refuses: at once, or in the middle of a stream, in two writes."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if request.get("stream"):
            self.stream()
            return
        body = json.dumps(ERROR).encode()
        self.send_response(int(request["model"].partition("-")[2]))
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b"data: " + json.dumps(CHUNK).encode() + b"\n\n")
        event = b"data: " + json.dumps(ERROR).encode() + b"\n\n"
        middle = event.index(CANARY.encode()) + len(CANARY) // 2
        self.wfile.write(event[:middle])
        self.wfile.flush()
        self.wfile.write(event[middle:])
        self.close_connection = True

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def quoting_vendor():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quoting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def files_below(folder):
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if os.path.isfile(path):  # and no socket
                with open(path, "rb") as file:
                    yield path, file.read()


class CanaryTest(unittest.TestCase):
    def assert_clean(self, where, data, also=()):
        text = data if isinstance(data, bytes) else data.encode()
        for form in [f for c in (CANARY, *also) for f in forms(c)]:
            # Within JSON each backslash stands twice.
            for written in (form, form.replace("\\", "\\\\")):
                self.assertNotIn(written.encode(), text, f"{written} in {where}")

    def test_nothing_is_written_down(self):
        models = ["m-400", "m-401", "m-403", "m-429", "m-500"]
        with quoting_vendor() as url:
            config = {"log": {"level": "debug"}, "providers": {"quoting": {
                "plugin": "openai", "base_url": url, "api_key": "none", "models": models}}}
            with support.gateway(config) as hb:
                headers = {"authorization": f"Bearer {CANARY}", "x-api-key": CANARY,
                           "x-request-id": CANARY, "cookie": f"k={CANARY}"}
                answers = []
                for model in models:
                    answers.append(hb.chat(f"my key is {CANARY}", model, headers))
                    answers.append(hb.chat(f"and {EMAIL}", model, headers, stream=True))
                answers.append(hb.chat("hello", CANARY, headers))
                for answer in answers:
                    self.assertNotIn(CANARY, str(answer.headers))
                    self.assert_clean("an answer", answer.body)
                self.assert_clean("the metrics", hb.request("GET", "/metrics").body, (EMAIL, PHONE))
                self.assert_clean("/v1/models", hb.request("GET", "/v1/models").body)
                support.wait_for("every call is in the journal", lambda: sum(
                    1 for line in hb.journal() if line["type"] == "end") == 2 * len(models) + 1)
                logged, kept = hb.log(), dict(files_below(hb.state))
        self.assert_clean("the log", logged, (EMAIL, PHONE))
        self.assertTrue(kept)
        for name, data in kept.items():
            self.assert_clean(name, data, (EMAIL, PHONE))
        said = b"".join(kept.values()).decode(errors="replace")
        self.assertIn("[masked:key]", said)
        self.assertIn("[masked:email]", said)
        self.assertIn("[masked:phone]", said)

    @unittest.skipIf(support.is_sanitized(), "AddressSanitizer takes the signal, and leaves no core")
    def test_no_core_has_it(self):
        """A crash leaves none; where the operator wants one, it is there, and has all that it can have."""
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
            pattern = file.read().strip()
        if "/" in pattern or pattern.startswith("|"):
            self.skipTest(f"cores go elsewhere on this machine: {pattern}")
        for wanted in (False, True):
            with self.subTest(wanted=wanted), quoting_vendor() as url:
                config = {"server": {"core_dumps": wanted}, "providers": {"quoting": {
                    "plugin": "openai", "base_url": url, "api_key": OWN, "models": ["m-400"]}}}
                unlimited = ["prlimit", "--core=unlimited:unlimited"]
                with support.gateway(config, wrapper=unlimited) as hb:
                    hb.chat(f"my key is {CANARY}", "m-400")
                    place = os.readlink(f"/proc/{hb.pid}/cwd")
                    hb.killed = True
                    os.kill(hb.pid, signal.SIGSEGV)
                    self.assertEqual(hb.process.wait(30), -signal.SIGSEGV)
                    cores = [data for name, data in files_below(place) if "core" in os.path.basename(name)]
                self.assertEqual(len(cores), wanted)
                self.assertEqual([OWN.encode() in data for data in cores], [True] * len(cores))


if __name__ == "__main__":
    unittest.main()
