# SPDX-License-Identifier: MIT
"""The vendor: routes, keys, and the faults that a script asks for."""
import json

import answers
import deepseek
import script as scripts
from http1 import chunk_bytes, head_bytes, json_bytes

HTML = b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>no</body></html>\n"


class Cut(Exception):
    """The script wants the connection closed here."""


class Exchange:
    """One request and its answer; `status` and `events` are for the log."""

    def __init__(self, connection, request, need_key):
        self.connection = connection
        self.request = request
        self.need_key = need_key
        self.script = {}
        self.status = None
        self.events = 0

    async def run(self):
        """Answers; afterwards the connection can be used again unless Cut is raised."""
        denied = self._check_key()
        if denied:
            await self._json(401, denied)
            return
        path = self.request.path.split("?")[0]
        if path == "/v1/models":
            await self._json(200, {"object": "list",
                                   "data": [answers.model(m) for m in answers.MODELS]})
        elif path.startswith("/v1/models/"):
            await self._one_model(path[len("/v1/models/"):])
        elif path != "/v1/chat/completions":
            await self._json(404, answers.error(f"Invalid URL ({self.request.method} {path})"))
        elif self.request.method != "POST":
            await self._json(405, answers.error("Not allowed to " + self.request.method))
        else:
            await self._chat()

    def _check_key(self):
        if not self.need_key:
            return None
        kind, _, key = self.request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key.strip():
            return answers.error("You didn't provide an API key.")
        if key.strip() == "sk-wrong":
            return answers.error("Incorrect API key provided: sk-wrong.", code="invalid_api_key")
        return None

    async def _one_model(self, name):
        if name in answers.MODELS:
            await self._json(200, answers.model(name))
        else:
            await self._json(404, answers.error(f"The model '{name}' does not exist",
                                                param="model", code="model_not_found"))

    async def _chat(self):
        try:
            body = json.loads(self.request.body)
            json_bytes(body)  # raises for half of a surrogate pair, which no answer could echo
            problem = check(body)
            self.script = {} if problem else scripts.of_request(self.request.headers, body)
        except scripts.BadScript as error:
            problem = answers.error(str(error), param="x-sim-script", code="bad_script")
        except ValueError:
            problem = answers.error("We could not parse the JSON body of your request.")
        if problem:
            await self._json(404 if problem["error"]["code"] == "model_not_found" else 400, problem)
            return
        await self._misbehave_early()
        completion = answers.Completion(body, self.script)
        if "status" in self.script:
            await self._scripted_error()
        elif self.script.get("html"):
            await self._body(200, HTML, "text/html")
        elif body.get("stream"):
            await self._stream(completion)
        else:
            await self._whole(completion)

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
        await self._json(self.script["status"], answers.scripted_error(self.script), extra)

    # ---- Writing ----

    def _headers(self, kind, extra=None):
        headers = {"content-type": kind, "x-request-id": f"req_sim{id(self) & 0xffffffff:08x}",
                   "openai-processing-ms": "1", "openai-version": "2020-10-01"}
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
        await self._body(200, data, "application/json")

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
        for pause_ms, chunk in completion.chunks():
            await self.connection.pause(pause_ms)
            await self._fault_before_event()
            await self._event(json_bytes(chunk))
        if await self._end_by_fault():
            return
        if not self.script.get("no_done"):
            await self._event(b"[DONE]", counted=False)
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
            await self._event(json_bytes(answers.scripted_error({**wanted, "status": 500})))
            await self._write(chunk_bytes(b""))
            raise Cut

    async def _end_by_fault(self):
        """Faults that stand at the place of the normal end; True when the answer is over."""
        if self.script.get("half_json"):
            await self._event(b'{"id":"chatcmpl-sim","object":"chat.comp', counted=False)
            await self._write(chunk_bytes(b""))
            return True
        return False

    async def _event(self, data, counted=True):
        end = b"\r\n" if self.script.get("crlf") else b"\n"
        name = b"data:" if self.script.get("no_space") else b"data: "
        comment = b": keep-alive" + end + end if self.script.get("comments") else b""
        await self._write(chunk_bytes(comment + name + data + end + end))
        self.events += counted


def check(body):
    """The vendor's own checks; an error body, or None."""
    if not isinstance(body, dict):
        return answers.error("the body is not an object")
    if not isinstance(body.get("model"), str):
        return answers.error("you must provide a model parameter", param="model")
    if body["model"] == answers.UNKNOWN_MODEL:
        return answers.error(f"The model `{body['model']}` does not exist", param="model",
                             code="model_not_found")
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        return answers.error("Missing required parameter: 'messages'.", param="messages",
                             code="missing_required_parameter")
    count = body.get("n")
    if count is not None and (type(count) is not int or not 1 <= count <= 128):
        return answers.error(f"Invalid value for 'n': {count!r} is no integer from 1 to 128.",
                             param="n", code="invalid_value")
    if deepseek.is_its(body):
        return deepseek.check(body)
    if "stream_options" in body and body["stream_options"] and not body.get("stream"):
        return answers.error("The 'stream_options' parameter is only allowed when 'stream' is "
                             "enabled.", param="stream_options")
    return None
