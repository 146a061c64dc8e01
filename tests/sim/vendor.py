# SPDX-License-Identifier: MIT
"""The vendors: which one a request is for, and the faults that a script asks for."""
import json

import anthropic
import deepseek
import doubao
import openai
import script as scripts
import wenxin
from http1 import chunk_bytes, head_bytes, json_bytes

BUSY_STEP_MS = 50
HTML = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>no</body></html>\n"


class Cut(Exception):
    """The script wants the connection closed here."""


# Where each vendor's API begins. DeepSeek's is OpenAI's, and has its own models below both.
BASES = (("/api/v3", doubao.Dialect), ("/v2", wenxin.Dialect), ("/v1", openai.Dialect),
         ("", openai.Dialect))


def base_of(path):
    return next((base, kind) for base, kind in BASES if path.startswith(base + "/"))


class Exchange:
    """One request and its answer; `status` and `events` are for the log."""

    def __init__(self, connection, request, options):
        self.connection = connection
        self.request = request
        self.need_key = options.need_key
        self.script = {}
        self.status = None
        self.events = 0
        self.path = request.path.split("?")[0]
        self.base, kind = base_of(self.path) if self.path.startswith("/") else BASES[-1]
        if kind is openai.Dialect and (self.path.startswith("/v1/messages") or
                                       "anthropic-version" in request.headers):
            kind = anthropic.Dialect
        self.dialect = kind(request, options.window)

    async def run(self):
        """Answers; afterwards the connection can be used again unless Cut is raised."""
        path, method = self.path[len(self.base):], self.request.method
        if self.need_key and (denied := self._denied()):
            await self._json(*denied)
        elif path == "/models":
            await self._json(200, self.dialect.models())
        elif path.startswith("/models/"):
            await self._one_model(path[len("/models/"):])
        elif path not in self._paths():
            await self._json(*self.dialect.not_found(method, self.path))
        elif method != "POST":
            await self._json(405, self.dialect.broken("Not allowed to " + method)[1])
        else:
            await self._chat(path)

    def _denied(self):
        if type(self.dialect) is openai.Dialect:  # whose key it is says the model
            try:
                self._know_model(json.loads(self.request.body))
            except ValueError:
                pass
        return self.dialect.denied()

    def _paths(self):
        if isinstance(self.dialect, anthropic.Dialect):
            return "/messages", "/messages/count_tokens"
        return ("/chat/completions",)

    def _know_model(self, body):
        """Below OpenAI's path the model says whether it is DeepSeek's."""
        model = body.get("model") if isinstance(body, dict) else None
        if type(self.dialect) is openai.Dialect and isinstance(model, str) and \
                model.startswith("deepseek"):
            self.dialect = deepseek.Dialect(self.request, self.dialect.window)

    async def _one_model(self, name):
        if name in self.dialect.listed():
            await self._json(200, self.dialect.model(name))
        else:
            await self._json(*self.dialect.no_model(name))

    async def _chat(self, path):
        try:
            body = json.loads(self.request.body)
            json_bytes(body)  # raises for half of a surrogate pair, which no answer could echo
            self._know_model(body)
            if not self.base and type(self.dialect) is openai.Dialect:  # its /v1 is missing
                await self._json(*self.dialect.not_found("POST", self.path))
                return
            problem = self.dialect.check(body)
            self.script = {} if problem else scripts.of_request(self.request.headers, body)
            if not problem and not path.endswith("/count_tokens"):
                completion = self.dialect.completion(body, self.script)
        except scripts.BadScript as error:
            problem = self.dialect.broken(str(error), "x-sim-script", "bad_script")
        except ValueError:
            problem = self.dialect.broken("We could not parse the JSON body of your request.")
        except (TypeError, AttributeError, KeyError, IndexError):  # a rule found another type than its own
            problem = self.dialect.broken("a member of the request has a value of a wrong type")
        if problem:
            await self._json(*problem)
            return
        if path.endswith("/count_tokens"):
            await self._json(200, self.dialect.count(body))
            return
        await self._misbehave_early()
        if self._fails():
            await self._scripted_error()
        elif self.script.get("html"):
            await self._body(200, HTML, "text/html")
        elif body.get("stream"):
            await self._stream(completion)
        else:
            await self._whole(completion)

    def _fails(self):
        """An error by its name needs no status; inside a stream it is for later."""
        named = isinstance(self.script.get("error"), str)
        return "status" in self.script or named and "error_after_events" not in self.script

    async def _misbehave_early(self):
        wanted = self.script
        await self.connection.pause(wanted.get("wait_ms", 0))
        if wanted.get("hang") == "headers":
            await self.connection.hang()
        if wanted.get("reset"):
            self.connection.reset()
            raise Cut
        if "raw" in wanted:
            await self.connection.send(wanted["raw"].encode("latin-1"))
            raise Cut

    async def _scripted_error(self):
        extra = {}
        if "retry_after" in self.script:
            extra["retry-after"] = self.script["retry_after"]
        if self.script.get("html"):
            await self._body(self.script["status"], HTML, "text/html", extra)
            return
        status, answer = self.dialect.scripted(self.script)
        await self._json(status, answer, {**self.dialect.error_headers(status), **extra})

    # ---- Writing ----

    def _headers(self, kind, extra=None):
        headers = {"content-type": kind, **self.dialect.headers(self.status)}
        headers.update(extra or {})
        headers.update(self.script.get("headers", {}))
        if self.script.get("close"):
            headers["connection"] = "close"
        filler = self.script.get("big_head_bytes", 0)
        for i in range(0, filler, 1000):
            headers[f"x-filler-{i}"] = "f" * min(1000, filler - i)
        return headers

    async def _json(self, status, value, extra=None):
        data = json_bytes(value)
        data = b"\n" * self.script.get("blank_lines", 0) + data
        await self._body(status, data, "application/json", extra)

    async def _whole(self, completion):
        data = json_bytes(completion.whole())
        if self.script.get("half_json"):
            data = data[:len(data) // 2]
        data = b"\n" * self.script.get("blank_lines", 0) + data
        if "busy_ms" not in self.script:
            await self._body(200, data, "application/json")
            return
        self.status = 200
        headers = self._headers("application/json", {"transfer-encoding": "chunked"})
        await self._write(head_bytes(200, headers))
        await self._be_busy(False)
        await self._write(chunk_bytes(data) + chunk_bytes(b""))

    async def _be_busy(self, streams):
        """As long as the script says, with what the vendor sends meanwhile."""
        left = self.script.get("busy_ms", 0)
        while left > 0:
            if sign := self.dialect.busy_bytes(streams):
                await self._write(chunk_bytes(sign))
            await self.connection.pause(min(left, BUSY_STEP_MS))
            left -= BUSY_STEP_MS

    async def _body(self, status, data, kind, extra=None):
        self.status = status
        headers = self._headers(kind, extra)
        wrong = self.script.get("content_length_wrong", 0)
        headers["content-length"] = len(data) + wrong
        if self.script.get("half_body"):
            data = data[:len(data) // 2]
        if self.script.get("hang") == "body":
            await self._write(head_bytes(status, headers))
            await self.connection.hang()
        await self._write(head_bytes(status, headers) + data)
        if wrong or self.script.get("half_body"):
            raise Cut

    async def _write(self, data):
        size = self.script.get("split_bytes") or len(data)
        for at in range(0, len(data), size):
            await self.connection.send(data[at:at + size])
            if size < len(data):
                await self.connection.pause(1)

    async def _stream(self, completion):
        self.status = 200
        headers = self._headers("text/event-stream; charset=utf-8",
                                {"transfer-encoding": "chunked", "cache-control": "no-cache"})
        await self._write(head_bytes(200, headers))
        if self.script.get("hang") == "body":
            await self.connection.hang()
        await self._be_busy(True)
        for pause_ms, name, value in completion.events():
            await self.connection.pause(pause_ms)
            await self._fault_before_event()
            await self._event(name, json_bytes(value))
        if await self._end_by_fault():
            return
        if self.dialect.DONE and not self.script.get("no_done"):
            await self._event(None, self.dialect.DONE, counted=False)
        await self._write(chunk_bytes(b""))

    async def _fault_before_event(self):
        wanted, at = self.script, self.events
        pause = wanted.get("pause_ms_before_event")
        if pause and pause[0] == at:
            await self.connection.pause(pause[1])
        if wanted.get("cut_after_events") == at:
            raise Cut
        if wanted.get("reset_after_events") == at:
            self.connection.reset()
            raise Cut
        if wanted.get("bad_chunk") and at == 1:
            await self._write(b"zz\r\ndata: {}\n\n\r\n")
            raise Cut
        if wanted.get("error_after_events") == at:
            name, value = self.dialect.event_of_error(wanted)
            await self._event(name, json_bytes(value))
            await self._write(chunk_bytes(b""))
            raise Cut

    async def _end_by_fault(self):
        """Faults that stand at the place of the normal end; True when the answer is over."""
        if self.script.get("half_json"):
            await self._event(*self.dialect.HALF, counted=False)
            await self._write(chunk_bytes(b""))
            return True
        return False

    async def _event(self, name, data, counted=True):
        end = b"\r\n" if self.script.get("crlf") else b"\n"
        prefix = b"data:" if self.script.get("no_space") else self.dialect.PREFIX
        head = b"event: " + name.encode() + end if name else b""
        comment = self.dialect.keep_alive(end) if self.script.get("comments") else b""
        await self._write(chunk_bytes(comment + head + prefix + data + end + end))
        self.events += counted
