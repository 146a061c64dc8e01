# SPDX-License-Identifier: MIT
"""For tests of `harborai serve --takeover`: gateways one after the other on one address, clients that ask
them all the time, and both ends of what they say to each other."""
import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import threading
import unittest

import support

PROTOCOL = "harborai-takeover/1"
EVENTS = 20
STREAM = {"events": EVENTS, "delay_ms": 50}


class Closed(Exception):
    """A kept connection ended before a byte of an answer: the gateway may do that to an idle one."""


class Client:
    """A kept connection, made anew when the gateway says that it closes it."""

    def __init__(self, load):
        self.load = load
        self.reader = self.writer = None
        self.is_used = False

    async def open(self):
        try:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.load.port,
                                                                     limit=1 << 20)
            self.is_used = False
        except OSError as error:
            self.load.refused.append(repr(error))
            raise

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None

    async def ask(self, method, path, body=b"", headers=b""):
        """The body of the answer, to its proper end."""
        if self.writer is None:
            await self.open()
        try:
            return await self.exchange(b"%s %s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n%s\r\n" % (
                method, path, len(body), headers) + body)
        except BaseException:
            self.close()
            raise

    async def exchange(self, request):
        try:
            self.writer.write(request)
            first = await self.reader.readexactly(1)
        except (OSError, asyncio.IncompleteReadError) as error:
            if self.is_used:
                self.load.raced += 1
                raise Closed from error
            raise
        head = (first + await self.reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise ValueError(f"{head!r}")
        body = await self.read_body(head)
        self.is_used = True
        if b"connection: close" in head:
            self.load.told += 1
            if await self.reader.read(1):
                raise ValueError("more than one answer")
            self.close()
        return body

    async def read_body(self, head):
        length = re.search(rb"content-length: (\d+)", head)
        if length:
            return await self.reader.readexactly(int(length[1]))
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            body += (await self.reader.readexactly(size + 2))[:-2]
            if size == 0:
                return body


class Load:
    """Calls, whole ones and streams, on kept connections and on new ones, until its end, on a thread of its
    own. Whatever is wrong is in `refused` (connections) and `faults` (answers)."""

    def __init__(self, port, whole=8, streams=8, fresh=4, sleepers=4):
        self.port = port
        self.answered = {}  # request id: kind
        self.refused, self.faults = [], []
        self.told = self.raced = self.idle_ends = 0
        self.stopping = False
        self.kinds = {"whole": whole, "stream": streams, "fresh": fresh, "sleep": sleepers}
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()

    async def run(self):
        sleepers = [asyncio.create_task(self.sleep()) for _ in range(self.kinds["sleep"])]
        works = [self.work(kind, i) for kind in ("whole", "stream", "fresh")
                 for i in range(self.kinds[kind])]
        await asyncio.gather(*works)
        for sleeper in sleepers:
            sleeper.cancel()

    async def work(self, kind, number):
        client = Client(self)
        count = 0
        while not self.stopping:
            count += 1
            mark = f"{kind}-{number}-{count}"
            try:
                await getattr(self, kind)(client, mark)
                self.answered[mark] = kind
            except Closed:
                continue
            except (OSError, ValueError, asyncio.IncompleteReadError) as error:
                self.faults.append(f"{mark}: {error!r}")
                await asyncio.sleep(0.1)
        client.close()

    async def chat(self, client, mark, content, **more):
        body = json.dumps(support.chat_body(content, **more)).encode()
        headers = b"content-type: application/json\r\nx-request-id: %s\r\n" % mark.encode()
        return await client.ask(b"POST", b"/v1/chat/completions", body, headers)

    async def whole(self, client, mark):
        answer = json.loads(await self.chat(client, mark, mark))
        if answer["choices"][0]["message"]["content"] != mark:
            raise ValueError(answer)
        await asyncio.sleep(0.02)

    async def stream(self, client, mark):
        body = await self.chat(client, mark, STREAM, stream=True)
        if not body.endswith(b"data: [DONE]\n\n") or b"%06d " % (EVENTS - 1) not in body:
            raise ValueError(body[-300:])

    async def fresh(self, client, mark):
        await self.whole(client, mark)
        client.close()

    async def sleep(self):
        """Asks once, and waits for the end of its connection."""
        while True:
            client = Client(self)
            try:
                await client.ask(b"GET", b"/health")
                if client.writer is not None and await client.reader.read(1) == b"":
                    self.idle_ends += 1
            except (Closed, ValueError, OSError, asyncio.IncompleteReadError) as error:
                self.faults.append(f"sleeper: {error!r}")
                await asyncio.sleep(0.1)
            finally:
                client.close()

    def wait_for_more(self, count=20):
        """Calls of each kind that are answered from now on."""
        before = self.numbers()
        support.wait_for("answers", lambda: all(
            n >= before[kind] + (count if kind != "stream" else 4)
            for kind, n in self.numbers().items()), 120)

    def numbers(self):
        kinds = list(self.answered.values())
        return {kind: kinds.count(kind) for kind in ("whole", "stream", "fresh")}


class TakeoverTest(unittest.TestCase):
    """Gateways on one state directory and one port."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sim = stack.enter_context(support.simulator())
            cls.addClassCleanup(stack.pop_all().close)

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.place = self.stack.enter_context(support.folder())
        self.state = os.path.join(self.place, "state")
        self.control = os.path.join(self.state, "control.sock")
        self.port = support.free_port()
        self.config = support.write_config(self.place, support.config_for(self.sim))
        self.count = 0

    def launch(self, *more, port=None, wrapper=(), pass_fds=(), env=None):
        self.count += 1
        log_path = os.path.join(self.place, f"gateway-{self.count}.log")
        command = [*wrapper, support.HARBORAI, "serve", "--host", "127.0.0.1", "--port",
                   str(self.port if port is None else port), "--workers", "2", "--state-dir",
                   self.state, "--config", self.config, *more]
        with open(log_path, "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.place, pass_fds=pass_fds,
                                       env=support.environment(self.place, **(env or {})))
        hb = support.Gateway(process, self.port, self.state, log_path)
        support.GATEWAYS.append(hb)
        self.addCleanup(support.GATEWAYS.remove, hb)
        self.addCleanup(support.end, process)
        return hb

    def serve(self, *more, **how):
        """One that has taken connections on."""
        hb = self.launch(*more, **how)
        support.wait_for("the gateway listens", lambda: not hb.alive() or
                         "harborai: listening on" in hb.log(), 60)
        self.assertTrue(hb.alive(), hb.log())
        return hb

    def refused(self, *more, **how):
        """One that does not come to its start: its exit status, and what it said."""
        hb = self.launch(*more, **how)
        return hb.process.wait(60), hb.log()

    def ends_well(self, hb, limit_s=60):
        self.assertEqual(hb.process.wait(limit_s), 0, hb.log())

    def ask(self, protocol=PROTOCOL):
        """As the next gateway would: the connection, the answer and the descriptors."""
        sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(sock.close)
        sock.settimeout(30)
        sock.connect(self.control)
        sock.sendall(f"POST /takeover HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\n"
                     f"upgrade: {protocol}\r\ncontent-length: 0\r\n\r\n".encode())
        answer, fds, _, _ = socket.recv_fds(sock, 65536, 16)
        for fd in fds:
            self.addCleanup(self.close_one, fd)
        while b"\r\n\r\n" not in answer or (not fds and b"}" not in answer):
            piece = sock.recv(65536)
            self.assertTrue(piece, answer)
            answer += piece
        return sock, answer, fds

    @staticmethod
    def close_one(fd):
        with contextlib.suppress(OSError):
            os.close(fd)


class FormerGateway:
    """What a gateway may do that is asked for its sockets, on a thread of its own."""

    AGREED = (f"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {PROTOCOL}\r\n\r\n"
              .encode())

    def __init__(self, state, do):
        os.makedirs(state, 0o700, exist_ok=True)
        path = os.path.join(state, "control.sock")
        self.control = socket.socket(socket.AF_UNIX)
        self.control.bind(path)
        self.control.listen()
        self.lock = os.open(os.path.join(state, "control.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        self.clients = socket.create_server(("127.0.0.1", 0))
        self.clients.setblocking(False)
        self.port = self.clients.getsockname()[1]
        self.heard = b""
        self.thread = threading.Thread(target=self.run, args=(do,))
        self.thread.start()

    def run(self, do):
        self.control.settimeout(60)
        peer, _ = self.control.accept()
        with peer:
            peer.settimeout(60)
            self.heard = peer.recv(65536)
            do(self, peer)

    def give(self, peer):
        """And then hears what the other says."""
        socket.send_fds(peer, [self.AGREED],
                        [self.lock, self.control.fileno(), self.clients.fileno()])
        return peer.recv(100)

    def end(self):
        self.thread.join()
        self.control.close()
        self.clients.close()
        os.close(self.lock)
