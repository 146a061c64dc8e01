# SPDX-License-Identifier: MIT
"""Each request of strict.py over a socket: its status, OpenAI's error, and that nothing behind a refused
one is taken for a request. In one piece, and byte by byte."""
import collections
import contextlib
import json
import socket

import exposition
import strict
import support

Got = collections.namedtuple("Got", "status headers body")
NEXT = b"GET /health HTTP/1.1\r\nhost: x\r\n%s\r\n"


def talk(port, pieces):
    """What the gateway says until it closes; it may do so before it has heard all."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                sock.sendall(piece)
        seen = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := sock.recv(65536):
                seen += piece
    return seen


def parse(seen, is_head):
    """The answers, as strictly as the requests; the last but one may be of a HEAD."""
    found = []
    while seen:
        head, end, seen = seen.partition(b"\r\n\r\n")
        assert end, f"a head without an end: {head[:200]}"
        first, *lines = head.decode("ascii").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        headers = collections.defaultdict(list)
        for text in lines:
            name, _, value = text.partition(": ")
            headers[name].append(value)
        size = 0
        if status[0] != "1" and status != "204":
            (size,) = (int(x) for x in headers["content-length"])
        if is_head and not found:
            size = 0
        assert len(seen) >= size, f"a body without an end: {head}"
        found.append(Got(int(status), headers, seen[:size]))
        seen = seen[size:]
    return found


class StrictTest(support.WithSimulator):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config["server"] = {"max_body": strict.MAX_BODY}
        with contextlib.ExitStack() as stack:
            cls.hb = stack.enter_context(support.gateway(cls.config))
            cls.addClassCleanup(stack.pop_all().close)

    def check_refusal(self, got):
        self.assertEqual(got.headers["content-type"], ["application/json"])
        self.assertEqual(len(got.headers["x-request-id"]), 1)
        if not got.body:
            return
        error = json.loads(got.body)["error"]
        self.assertEqual(set(error), {"message", "type", "param", "code"})
        self.assertEqual(error["type"], "invalid_request_error")
        self.assertTrue(error["message"] and error["code"], error)

    def check(self, row, pieces):
        found = parse(talk(self.hb.port, pieces), row.is_head)
        if row.kept:  # 100 is due unless the body is there already; of a refused request it never is
            found = [got for got in found if got.status != 100]
        want = [*row.statuses, 200] if row.kept else list(row.statuses)
        self.assertEqual([got.status for got in found], want, [got.body[:200] for got in found])
        for got in found:
            if got.status >= 400:
                self.check_refusal(got)
        for got in found[:-1]:
            self.assertNotIn("close", got.headers["connection"])
        self.assertEqual(found[-1].headers["connection"], ["close"])

    def check_all(self, cut):
        good = 0
        for row in strict.ROWS:
            with self.subTest(row.name):
                # kept: the one behind it says close; else it must not be answered
                self.check(row, cut(row.raw + NEXT % (b"connection: close\r\n" if row.kept else b"")))
                good += 1
        print(f"{good} of {len(strict.ROWS)} requests were answered as is due", flush=True)
        self.assertGreaterEqual(len(strict.ROWS), 120)
        self.assertEqual(len({row.name for row in strict.ROWS}), len(strict.ROWS))

    def test_whole(self):
        self.check_all(lambda data: [data])

    def test_byte_by_byte(self):
        self.check_all(lambda data: [data[i:i + 1] for i in range(len(data))] if len(data) < 600 else
                       [data[:300], *[data[i:i + 4096] for i in range(300, len(data), 4096)]])


class SettingsTest(support.WithSimulator):
    """What an operator may set of it, with the real program."""
    SERVER = {"limits": {"head": "2KiB", "target": "256B", "fields": 10, "requests_per_connection": 3},
              "timeouts": {"head": "1s", "body": "1s", "idle": "1s"}, "half_close": "answer",
              "cors": {"origins": ["https://chat.example"]}}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config["server"] = cls.SERVER
        with contextlib.ExitStack() as stack:
            cls.hb = stack.enter_context(support.gateway(cls.config))
            cls.addClassCleanup(stack.pop_all().close)

    def statuses(self, *pieces):
        return [got.status for got in parse(talk(self.hb.port, pieces), False)]

    def test_sizes(self):
        self.assertEqual(self.statuses(strict.get(b"x: " + b"y" * 2100)), [431])
        self.assertEqual(self.statuses(strict.get(*[b"x: y"] * 10)), [431])
        self.assertEqual(self.statuses(strict.target(b"/" + b"a" * 256)), [414])

    def test_times(self):
        self.assertEqual(self.statuses(), [])
        self.assertEqual(self.statuses(b"GET /health HTTP/1.1\r\nhost: x\r\n"), [408])
        self.assertEqual(self.statuses(strict.with_length(b"9", b"123")), [408])
        self.assertEqual(self.statuses(strict.get()), [200])

    def test_requests_of_a_connection(self):
        self.assertEqual(self.statuses(strict.get() * 5), [200] * 3)

    @staticmethod
    def refused(hb):
        families = exposition.parse(hb.request("GET", "/metrics").body.decode(), False)
        return {reason: exposition.value(families, "harborai_connections_refused_total", reason=reason)
                for reason in ("limit", "address", "memory")}

    def test_connections(self):
        config = {**self.config, "server": {"limits": {"connections": 4}}}
        with support.gateway(config, workers=1) as hb:
            hb.wait_until_alone()
            with contextlib.ExitStack() as stack:
                kept = [stack.enter_context(contextlib.closing(hb.connect())) for _ in range(4)]
                for client in kept:
                    self.assertEqual(support.exchange(client, "GET", "/health").status, 200)
                for _ in range(2):
                    answer = hb.request("GET", "/health")
                    self.assertEqual((answer.status, answer.error()["code"]), (503, "too_many_connections"))
            support.wait_for("room", hb.healthy)
            self.assertEqual(self.refused(hb)["limit"], 2)

    def test_connections_of_an_address(self):
        config = {**self.config, "server": {"limits": {"connections_per_address": 5}}}
        with support.gateway(config, workers=1) as hb:
            hb.wait_until_alone()
            with contextlib.ExitStack() as stack:
                for _ in range(5):
                    stack.enter_context(contextlib.closing(hb.connect())).connect()
                answer = hb.request("GET", "/health")
                self.assertEqual((answer.status, answer.error()["code"]), (503, "too_many_connections"))
                self.assertIn("connections_per_address' limit=5 client=127.0.0.1", hb.log())
            support.wait_for("room", hb.healthy)
            self.assertGreaterEqual(self.refused(hb)["address"], 1)
            self.assertEqual(self.refused(hb)["memory"], 0)

    def test_half_close(self):
        body = json.dumps(support.chat_body({"events": 5, "delay_ms": 20}, "my-model", stream=True)).encode()
        with socket.create_connection(("127.0.0.1", self.hb.port), timeout=20) as sock:
            sock.sendall(strict.with_length(b"%d" % len(body), body))
            sock.shutdown(socket.SHUT_WR)
            seen = b""
            while piece := sock.recv(65536):
                seen += piece
        self.assertIn(b"data: [DONE]", seen)

    def test_pages(self):
        page = {"origin": "https://chat.example"}
        asks = {**page, "access-control-request-method": "POST",
                "access-control-request-headers": "authorization,content-type,x-stainless-lang"}
        answer = self.hb.request("OPTIONS", "/v1/chat/completions", headers=asks)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://chat.example")
        self.assertEqual(answer.headers["access-control-allow-methods"], "POST, OPTIONS")
        self.assertEqual(answer.headers["access-control-allow-headers"],
                         "authorization,content-type,x-stainless-lang")
        for more in ({}, {"stream": True}, {"model": "no-such-model"}):
            answer = self.hb.chat("a page", headers=page, **{"model": "my-model", **more})
            self.assertEqual(answer.headers["access-control-allow-origin"], "https://chat.example")
            self.assertIn("x-request-id", answer.headers["access-control-expose-headers"])
            self.assertEqual(answer.headers["vary"], "origin")
        for stranger in ("https://chat.example:444", "https://chat.example.evil", "null"):
            answer = self.hb.request("OPTIONS", "/health", headers={**asks, "origin": stranger})
            self.assertIsNone(answer.headers["access-control-allow-origin"])
        self.assertIsNone(self.hb.request("GET", "/health").headers["access-control-allow-origin"])
