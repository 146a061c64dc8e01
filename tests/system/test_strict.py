# SPDX-License-Identifier: MIT
"""Each request of strict.py over a socket: its status, OpenAI's error, and that nothing behind a refused
one is taken for a request. In one piece, and byte by byte."""
import collections
import contextlib
import json
import socket

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
