# SPDX-License-Identifier: MIT
"""What bodies and unread answers may hold together: `server.limits.memory`.

HARBORAI_TEST_LOAD=1 has 2,000 bodies of 10 MiB at once in place of a few small ones."""
import json
import socket
import unittest

import crowd
import load
import support
from support import chat_body

LARGE = 4 << 20  # of bench_faults
MODEL = "faulty-model"


def chat_request(text, filler=0):
    body = json.dumps({"model": MODEL, "messages": [{"role": "system", "content": text},
                                                    {"role": "user", "content": "x" * filler}]}).encode()
    return (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n" % len(body)) + body


class MemoryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.most = crowd.raise_descriptors()

    def setUp(self):
        self.providers = {"faulty": support.provider(self.enterContext(load.faults()), MODEL),
                          "bench": support.provider(self.enterContext(load.upstream()), load.MODEL)}

    def gateway(self, memory, **server):
        server["limits"] = {"memory": memory, "connections": 5000}
        return self.enterContext(support.gateway({"server": server, "providers": self.providers}))

    @staticmethod
    def held(hb):
        return hb.request("GET", "/stats").json()["memory"]["bodies_bytes"]

    def ask(self, hb, text="faults:none"):
        return hb.request("POST", "/v1/chat/completions", chat_body(text, MODEL))

    def wait_until_free(self, hb):
        support.wait_for("memory that is given back", lambda: self.held(hb) == 0, 60)

    def test_bodies_at_once(self):
        """The surplus reads a 503 each, what has been let in is answered, and memory stays below its limit."""
        count, mib, memory_mib = (2000, 10, 1024) if load.FULL else (60, 2, 24)
        self.assertLess(count, self.most, "the limit of open files is too low: ulimit -Hn")
        hb = self.gateway(f"{memory_mib}MiB", max_body="11MiB")
        self.assertEqual(self.ask(hb).status, 200)
        clients = crowd.Crowd(hb, count, chat_request("faults:none", mib << 20), 900)
        self.addCleanup(clients.close)
        clients.run()
        peak_kib = crowd.memory_kib(hb.pid, "VmHWM")
        print(f"{count} bodies of {mib} MiB in {clients.seconds:.1f} s, {clients.sent >> 20} MiB of them sent: "
              f"{dict(clients.outcomes)}; resident {clients.before >> 10} MiB before, {peak_kib >> 10} MiB at most, "
              f"the limit of bodies is {memory_mib} MiB", flush=True)
        self.assertEqual(set(clients.outcomes), {200, 503})
        self.assertGreaterEqual(clients.outcomes[200], memory_mib // mib // 4)
        for client in clients.clients:
            if client.outcome == 503:
                self.assertIn(b"\r\nretry-after: 1\r\n", client.seen)
        self.assertIn("server.bodies_full limit=", hb.log())
        if not support.is_sanitized():
            self.assertLess(peak_kib, clients.before + (memory_mib << 10) + (32 << 10))
        self.wait_until_free(hb)
        self.assertEqual(self.ask(hb).status, 200)

    def test_unread_answers(self):
        """They count; beyond the limit nobody new is let in, and who has been is answered in full."""
        count, memory = 12, 16 << 20
        hb = self.gateway(memory, max_body="1MiB", timeouts={"send": "10m"})
        readers = []
        for _ in range(count):
            sock = self.enterContext(socket.socket())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            sock.settimeout(60)
            sock.connect(("127.0.0.1", hb.port))
            readers.append(sock)
        stream = support.RawStream(hb.port, chat_body("bench:events=30,delay_us=100000", load.MODEL, stream=True))
        self.addCleanup(stream.close)
        stream.read_until(b"data: ")
        for sock in readers:
            sock.sendall(chat_request("faults:large"))
        support.wait_for("answers that wait", lambda: self.held(hb) > memory, 60)
        refused = self.ask(hb)
        self.assertEqual((refused.status, refused.headers["retry-after"]), (503, "1"))
        self.assertEqual(refused.error()["code"], "out_of_memory")
        health = hb.request("GET", "/health").json()
        self.assertEqual(health["components"]["memory"]["state"], "degraded")
        stream.read_until(b"[DONE]")
        for sock in readers:
            answer = b""
            while len(answer) < LARGE and (piece := sock.recv(1 << 20)):
                answer += piece
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:300])
            self.assertGreaterEqual(len(answer), LARGE)
        self.wait_until_free(hb)
        self.assertEqual(self.ask(hb).status, 200)


if __name__ == "__main__":
    unittest.main()
