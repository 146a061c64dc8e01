# SPDX-License-Identifier: MIT
"""The simulator's log: JSON lines, one when a request has arrived, one when its answer ended."""
import itertools
import json
import time

KEPT = ("content-type", "content-length", "transfer-encoding", "user-agent", "accept",
        "accept-encoding", "connection", "host", "x-request-id", "openai-organization",
        "openai-project", "anthropic-version", "anthropic-beta", "appid")
BODY_KEPT = 1 << 19


class Log:
    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8") if path else None
        self._numbers = itertools.count(1)

    def request(self, connection_number, request):
        number = next(self._numbers)
        headers = {name: request.headers[name] for name in KEPT if name in request.headers}
        self._write({"event": "request", "seq": number, "connection": connection_number,
                     "method": request.method, "path": request.path,
                     "traceparent": request.headers.get("traceparent"),
                     "key_end": (request.headers.get("x-api-key") or
                                 request.headers.get("authorization", ""))[-4:],
                     "header_names": sorted(request.headers), "headers": headers,
                     "body_bytes": len(request.body),
                     "body": request.body[:BODY_KEPT].decode("utf-8", "replace")})
        return number

    def answer(self, number, exchange, sent, left_ns):
        """`left_ns`: when the peer closed before its answer was complete, else None."""
        self._write({"event": "answer", "seq": number, "status": exchange.status,
                     "traceparent": exchange.request.headers.get("traceparent"),
                     "bytes": sent, "events": exchange.events,
                     "peer_left": left_ns is not None, "left_ns": left_ns})

    def _write(self, line):
        if self._file:
            self._file.write(json.dumps({"at_ns": time.time_ns(), **line}) + "\n")
            self._file.flush()
