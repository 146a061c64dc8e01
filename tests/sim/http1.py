# SPDX-License-Identifier: MIT
"""HTTP/1.1 for the simulator: reads requests, writes answers, notices a peer that leaves.

It shares nothing with the product's parsers, so that one mistake cannot hide in both.
"""
import asyncio
import json
import socket
import struct
import time
from http import HTTPStatus

HEAD_LIMIT = 1 << 20
BODY_LIMIT = 64 << 20


class BadRequest(Exception):
    """What came is not HTTP/1.1; the connection is closed after a 400."""


class PeerLeft(Exception):
    """The peer closed its side before the answer was complete."""


class Request:
    def __init__(self, method, path, headers):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = b""

    def wants_close(self):
        return self.headers.get("connection", "").lower() == "close"


class Watched(asyncio.StreamReaderProtocol):
    """A stream protocol that tells at once when the peer has closed, also while nobody reads."""

    def __init__(self, serve):
        self.gone = asyncio.Event()
        self.gone_ns = None
        reader = asyncio.StreamReader(limit=HEAD_LIMIT)
        super().__init__(reader, lambda r, w: serve(Connection(r, w, self)))

    def _left(self):
        if self.gone_ns is None:
            self.gone_ns = time.time_ns()
            self.gone.set()

    def eof_received(self):
        self._left()
        return super().eof_received()

    def connection_lost(self, exc):
        self._left()
        super().connection_lost(exc)


class Connection:
    def __init__(self, reader, writer, protocol):
        self.reader = reader
        self.writer = writer
        self.gone = protocol.gone
        self.protocol = protocol
        self.sent = 0
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def read_request(self):
        """The next request with its body; None when the peer has closed between two requests."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        except asyncio.LimitOverrunError as error:
            raise BadRequest("head is too large") from error
        request = parse_head(head)
        if request.headers.get("expect", "").lower() == "100-continue":
            self.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            request.body = await self._read_body(request)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return request

    async def _read_body(self, request):
        if "chunked" in request.headers.get("transfer-encoding", "").lower():
            return await self._read_chunked()
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            raise BadRequest("content-length")
        return await self.reader.readexactly(int(length))

    async def _read_chunked(self):
        body = b""
        while True:
            line = await self.reader.readuntil(b"\r\n")
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError as error:
                raise BadRequest("chunk size") from error
            if len(body) + size > BODY_LIMIT:
                raise BadRequest("body is too large")
            body += (await self.reader.readexactly(size + 2))[:-2]
            if size == 0:
                return body

    async def send(self, data):
        # A failed write closes the transport before the protocol hears of it.
        if self.gone.is_set() or self.writer.transport.is_closing():
            raise PeerLeft
        self.writer.write(data)
        self.sent += len(data)
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise PeerLeft from error

    async def pause(self, ms):
        """Waits; a peer that leaves meanwhile ends the wait."""
        if ms <= 0:
            return
        try:
            await asyncio.wait_for(self.gone.wait(), ms / 1000)
        except asyncio.TimeoutError:
            return
        raise PeerLeft

    async def hang(self):
        await self.gone.wait()
        raise PeerLeft

    def reset(self):
        """Closes with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, OSError, asyncio.CancelledError):
            pass


def parse_head(head):
    try:
        lines = head[:-4].decode("latin-1").split("\r\n")
        method, path, version = lines[0].split(" ")
    except ValueError as error:
        raise BadRequest("request line") from error
    if version != "HTTP/1.1":
        raise BadRequest("version")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise BadRequest(f"header line {line!r}")
        headers[name.lower()] = value.strip()
    return Request(method, path, headers)


def head_bytes(status, headers):
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk_bytes(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def json_bytes(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
