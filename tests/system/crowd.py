# SPDX-License-Identifier: MIT
"""Many clients at once. Those of a Crowd have long bodies, and read while they send, as curl does: once they
have their answer they stop. What each of them has read is counted."""
import collections
import re
import resource
import selectors
import socket
import time

PIECE = 1 << 18  # of a send
STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]+)\r\n")


def raise_descriptors():
    """How many connections a test may have, and the gateway, too, which takes the hard limit for its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard - 200


def memory_kib(pid, name="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


class Client:
    __slots__ = ("sock", "sent", "seen", "outcome", "is_sending")

    def __init__(self, port):
        self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)  # or the kernel has most of it
        self.sock.settimeout(20)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.sent, self.seen, self.outcome, self.is_sending = 0, b"", None, True

    def send(self, request):
        try:
            self.sent += self.sock.send(request[self.sent:self.sent + PIECE])
            self.is_sending = self.sent < len(request)
        except BlockingIOError:
            pass
        except ConnectionError:
            self.is_sending = False  # reading tells why

    def receive(self):
        try:
            data = self.sock.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            self.outcome = "reset"
            return
        self.seen += data
        head, found, body = self.seen.partition(b"\r\n\r\n")
        if found:
            self.is_sending = False
            if len(body) >= int(LENGTH.search(head + b"\r\n")[1]):
                self.outcome = int(STATUS.match(head)[1])
        if not data and self.outcome is None:
            self.outcome = "closed"


class Crowd:
    """After run(): `outcomes`, of each status that was read, of "reset" and of "closed" (both without a whole
    answer) how many there were; `sent`, bytes; `before`, KiB of the gateway's memory before all that."""

    def __init__(self, hb, count, request, limit_s):
        self.hb, self.request, self.limit_s = hb, memoryview(request), limit_s
        self.before = memory_kib(hb.pid)
        self.clients = [Client(hb.port) for _ in range(count)]
        self.outcomes, self.sent, self.seconds = collections.Counter(), 0, 0

    def run(self):
        began = time.monotonic()
        with selectors.DefaultSelector() as selector:
            for client in self.clients:
                selector.register(client.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
            while selector.get_map():
                for key, events in selector.select(1):
                    self.serve(selector, key.data, events)
                assert time.monotonic() < began + self.limit_s, \
                    f"{len(selector.get_map())} clients have no answer"
        self.seconds = time.monotonic() - began

    def serve(self, selector, client, events):
        was_sending = client.is_sending
        if events & selectors.EVENT_READ:
            client.receive()
        if events & selectors.EVENT_WRITE and client.is_sending:
            client.send(self.request)
        if client.outcome is not None:
            selector.unregister(client.sock)
            client.sock.close()
            self.outcomes[client.outcome] += 1
            self.sent += client.sent
        elif was_sending and not client.is_sending:
            selector.modify(client.sock, selectors.EVENT_READ, client)

    def close(self):
        for client in self.clients:
            client.sock.close()
