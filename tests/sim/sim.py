#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Vendor simulator: answers as five vendors' APIs do, scripted per request. See README.md here.

    sim.py --port 0 [--log FILE] [--tls-cert FILE --tls-key FILE] [--no-auth] [--window N]

The first line on stdout is the port. SIGTERM or SIGINT ends it.
"""
import argparse
import asyncio
import itertools
import signal
import ssl

import openai
from http1 import BadRequest, PeerLeft, Watched, head_bytes, json_bytes
from log import Log
from vendor import Cut, Exchange


class Simulator:
    def __init__(self, log, need_key, window):
        self.log = log
        self.need_key = need_key
        self.window = window
        self.connections = itertools.count(1)

    async def serve(self, connection):
        number = next(self.connections)
        try:
            while await self._one(connection, number):
                pass
        except (Cut, PeerLeft):
            pass
        finally:
            await connection.close()

    async def _one(self, connection, number):
        """One request and its answer; True when the connection goes on."""
        try:
            request = await connection.read_request()
        except BadRequest as error:
            body = json_bytes(openai.error(f"simulator: bad HTTP: {error}"))
            await connection.send(head_bytes(400, {"content-length": len(body),
                                                   "connection": "close"}) + body)
            return False
        if request is None:
            return False
        sequence = self.log.request(number, request)
        exchange = Exchange(connection, request, self)
        before, left_ns = connection.sent, None
        try:
            await exchange.run()
        except PeerLeft:
            left_ns = connection.protocol.gone_ns
            raise
        finally:
            self.log.answer(sequence, exchange, connection.sent - before, left_ns)
        return not request.wants_close() and not exchange.script.get("close")


def tls_context(options):
    if not options.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    context.set_alpn_protocols(["http/1.1"])
    return context


async def run(options):
    simulator = Simulator(Log(options.log), not options.no_auth, options.window)
    loop = asyncio.get_running_loop()
    # A client that refuses our certificate is a test, not an event worth a traceback.
    loop.set_exception_handler(lambda _loop, _context: None)
    server = await loop.create_server(lambda: Watched(simulator.serve), options.host, options.port,
                                      ssl=tls_context(options), backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


def main():
    parser = argparse.ArgumentParser(description="answers as five vendors' APIs do, as scripted")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one (the default)")
    parser.add_argument("--log", help="JSON lines are appended to this file")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--window", type=int, default=100_000,
                        help="words that a prompt may have, in every dialect (default 100000)")
    parser.add_argument("--no-auth", action="store_true", help="take requests without a key")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
