# SPDX-License-Identifier: MIT
"""Many clients that misbehave at once: heads and bodies that trickle or never end, heads of 1 MB, connections
that lie idle, clients that never read. Others are served meanwhile, memory is bounded, the process lives.

HARBORAI_TEST_LOAD=1 has 1,000 and 10,000 of them in place of a few."""
import contextlib
import json
import re
import selectors
import socket
import threading
import time
import unittest

import load
import support
from crowd import memory_kib, raise_descriptors
from support import chat_body

LIMIT_S = 180  # until a flood is over; far more than it takes
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
METRICS = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"  # an answer of some KB
HEALTH = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"


class Client:
    """Sends what it has, then what `more` gives each time that it is asked; None: nothing for now."""

    def __init__(self, port, data, more=lambda: None, reads=True):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.sock.setblocking(False)
        self.data, self.more, self.reads = data, more, reads
        self.seen, self.ended = b"", False

    def send(self):
        with contextlib.suppress(BlockingIOError):
            while not self.ended:
                self.data = self.data or self.more()
                if not self.data:
                    return
                try:
                    self.data = self.data[self.sock.send(self.data):]
                except ConnectionError:
                    self.receive()  # what it was told comes before the reset
                    self.ended = True

    def receive(self):
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while piece := self.sock.recv(65536):
                self.seen += piece
            self.ended = True


class Flood:
    """Clients side by side, in one thread."""

    def __init__(self, test, hb, clients):
        self.test, self.hb, self.clients = test, hb, clients
        self.served, self.turns = 0, 0

    def turn(self):
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                if client.reads and not client.ended:
                    selector.register(client.sock, selectors.EVENT_READ, client)
            for key, _ in selector.select(0.05):
                key.data.receive()
        for client in self.clients:
            if not client.ended:
                client.send()
        self.turns += 1

    def serve_another(self):
        answer = self.hb.chat(f"another {self.served}", "my-model", timeout=60)
        self.test.assertEqual(answer.status, 200, answer.body[:300])
        self.served += 1

    def run(self, is_over, serves=True):
        end = time.monotonic() + LIMIT_S
        while not is_over():
            self.test.assertLess(time.monotonic(), end, "the flood does not end")
            self.turn()
            if serves and self.turns % 5 == 1:
                self.serve_another()
        if serves:
            self.serve_another()

    def run_to_end(self):
        self.run(lambda: all(client.ended for client in self.clients))

    def close(self):
        for client in self.clients:
            client.sock.close()


class FloodTest(support.WithSimulator):
    """Each test has a gateway of its own, whose memory tells of it alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.most = raise_descriptors()

    @contextlib.contextmanager
    def gateway(self, **server):
        with support.gateway({**self.config, "server": server}) as hb:
            self.assertEqual(hb.chat("first", "my-model").status, 200)
            yield hb
            self.assertTrue(hb.alive() and hb.healthy())

    @contextlib.contextmanager
    def flood(self, hb, count, most_kib, *arguments, **more):
        """After the block the gateway has never had more than so much memory for each of the clients."""
        before = memory_kib(hb.pid)
        self.assertLess(count, self.most, "the limit of open files is too low: ulimit -Hn")
        flood = Flood(self, hb, [])
        try:
            for _ in range(count):
                flood.clients.append(Client(hb.port, *arguments, **more))
            yield flood
            grown = memory_kib(hb.pid, "VmHWM") - before
            print(f"{count} clients: {grown} KiB more at most, {grown / count:.1f} each; {flood.served} "
                  "other calls were answered", flush=True)
            if not support.is_sanitized():
                self.assertLess(grown, 16384 + most_kib * count)
        finally:
            flood.close()

    def assert_all(self, flood, status):
        for client in flood.clients:
            self.assertTrue(client.seen.startswith(b"HTTP/1.1 %d " % status), client.seen[:300])
            self.assertEqual(client.seen.count(b"HTTP/1.1 "), 1)

    def test_heads_that_trickle(self):
        with self.gateway(timeouts={"head": "3s"}, limits={"connections": 5000}) as hb, \
                self.flood(hb, 1000 if load.FULL else 100, 8, b"GET /health HTTP/1.1\r\nx: ") as flood:
            for client in flood.clients:
                client.more = iter_rarely(b"y")
            flood.run_to_end()
            self.assert_all(flood, 408)

    def test_connections_that_lie_idle(self):
        count = 10000 if load.FULL else 500
        with self.gateway(limits={"connections": count + 100}, timeouts={"head": "10m", "idle": "10m"}) as hb, \
                self.flood(hb, count, 6, HEALTH) as flood:
            flood.run(lambda: all(b"ok" in client.seen for client in flood.clients))
            for client in flood.clients:
                client.seen, client.data = b"", HEALTH
            flood.run(lambda: all(b"ok" in client.seen for client in flood.clients))
            self.assert_all(flood, 200)
            self.assertFalse(any(client.ended for client in flood.clients))

    def test_heads_of_a_megabyte(self):
        with self.gateway(limits={"connections": 5000}) as hb, \
                self.flood(hb, 500 if load.FULL else 50, 160,
                           b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 1000000 + b"\r\n\r\n") as flood:
            flood.run_to_end()
            self.assert_all(flood, 431)

    def test_heads_that_stop_before_their_limit(self):
        """The most that a client may have kept of it before it is a request."""
        with self.gateway(limits={"connections": 5000}, timeouts={"head": "5s"}) as hb, \
                self.flood(hb, 500 if load.FULL else 50, 160,
                           b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 65000) as flood:
            flood.run_to_end()
            self.assert_all(flood, 408)

    def test_bodies_without_an_end(self):
        piece = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        with self.gateway(max_body="1MiB", limits={"connections": 5000}) as hb, \
                self.flood(hb, 200 if load.FULL else 20, 1400, HEAD + b"transfer-encoding: chunked\r\n\r\n",
                           lambda: piece) as flood:
            flood.run_to_end()
            self.assert_all(flood, 413)

    def test_bodies_that_trickle(self):
        with self.gateway(timeouts={"body": "3s"}, limits={"connections": 5000}) as hb, \
                self.flood(hb, 1000 if load.FULL else 100, 24, HEAD + b"content-length: 1000000\r\n\r\n") as flood:
            for client in flood.clients:
                client.more = iter_rarely(b"y")
            flood.run_to_end()
            self.assert_all(flood, 408)

    def test_clients_that_never_read(self):
        """Streams of 40 MB from an upstream that is quick enough for all of them."""
        base_url = self.enterContext(load.upstream())
        self.config = {**self.config, "providers": {**self.config["providers"],
                                                    "bench": support.provider(base_url, load.MODEL)}}
        body = support.json.dumps(chat_body("bench:events=200000", load.MODEL, stream=True)).encode()
        count = 500 if load.FULL else 20
        with self.gateway(timeouts={"send": "2s"}, limits={"connections": 5000}) as hb, \
                self.flood(hb, count, 256, HEAD + b"content-length: %d\r\n\r\n" % len(body) + body,
                           reads=False) as flood:
            flood.run(lambda: hb.log().count("server.slow_client") >= count)

    def test_large_answers_count(self):
        """While they are gathered, and while their client leaves them here."""
        half = threading.Event()
        message = {"role": "assistant", "content": "x" * (16 << 20)}
        said = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-4o",
                           "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()

        def bodies():
            found = re.search(rb'harborai_memory_usage_bytes\{component="bodies"\} (\d+)',
                              hb.request("GET", "/metrics").body)
            return int(found[1])

        def answer(vendor):
            with vendor.accept()[0] as peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
                             % len(said) + said[:8 << 20])
                half.wait(60)
                peer.sendall(said[8 << 20:])

        with contextlib.ExitStack() as stack:
            vendor = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            config = {"providers": {"openai": {"base_url": f"http://127.0.0.1:{vendor.getsockname()[1]}/v1",
                                               "api_key": support.KEY}}}
            hb = stack.enter_context(support.gateway(config))
            thread = threading.Thread(target=answer, args=(vendor,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(half.set)
            body = json.dumps(chat_body("x")).encode()
            client = stack.enter_context(socket.create_connection(("127.0.0.1", hb.port), timeout=60))
            client.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(body) + body)
            support.wait_for("half of it", lambda: bodies() > 7 << 20, 60)
            half.set()
            support.wait_for("the beginning", lambda: client.recv(1, socket.MSG_PEEK), 60)
            support.wait_for("what is left here", lambda: bodies() > 8 << 20, 60)
            left = len(said)
            while left > 0:
                left -= len(client.recv(1 << 20))
            support.wait_for("nothing is", lambda: bodies() == 0, 60)

    def test_pipelines_that_are_never_read(self):
        count = 500 if load.FULL else 50
        with self.gateway(timeouts={"send": "2s"}, limits={"connections": 5000}) as hb, \
                self.flood(hb, count, 160, b"", lambda: METRICS * 100, reads=False) as flood:
            flood.run(lambda: hb.log().count("server.slow_client") >= count)

    def test_too_many_connections(self):
        """The first request on each that is one too many is refused, and who is served already is on."""
        with self.gateway(limits={"connections": 20}) as hb, contextlib.ExitStack() as stack:
            hb.wait_until_alone()
            flood = Flood(self, hb, [Client(hb.port, HEALTH) for _ in range(20)])
            stack.callback(flood.close)
            flood.run(lambda: all(b"ok" in client.seen for client in flood.clients), serves=False)
            for _ in range(40):
                answer = hb.request("GET", "/health")
                self.assertEqual(answer.status, 503)
                self.assertEqual(answer.error()["code"], "too_many_connections")
                self.assertEqual(answer.headers["retry-after"], "1")
            for client in flood.clients:
                client.seen, client.data = b"", HEALTH
            flood.run(lambda: all(b"ok" in client.seen for client in flood.clients), serves=False)
            self.assertFalse(any(client.ended for client in flood.clients))
            self.assertIn("setting='server.limits.connections' limit=20 client=127.0.0.1", hb.log())
            flood.close()
            support.wait_for("room again", hb.healthy)


def iter_rarely(data):
    """Gives it now and then: each time that half a second has passed."""
    last = [time.monotonic()]

    def more():
        if time.monotonic() - last[0] < 0.5:
            return None
        last[0] = time.monotonic()
        return data
    return more


if __name__ == "__main__":
    unittest.main()
