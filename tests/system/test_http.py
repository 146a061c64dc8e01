# SPDX-License-Identifier: MIT
"""The front: answers, streams, routes, ids, keep-alive, errors in OpenAI's form, bad requests."""
import contextlib
import json
import re
import socket
import unittest

import support
from support import chat_body, exchange, stream_text


class FrontTest(unittest.TestCase):
    """One simulator and one gateway for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sim = stack.enter_context(support.simulator())
            cls.hb = stack.enter_context(support.gateway(cls.config()))
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def config(cls):
        nokey = {"plugin": "openai", "base_url": cls.sim.base_url, "models": ["nokey-model"]}
        return support.config_for(cls.sim, nokey=nokey)

    def tearDown(self):
        self.assertTrue(self.hb.alive() and self.hb.healthy(), "the gateway must go on")

    def assert_error(self, answer, status, code=None, param=None, kind=None, message=None):
        self.assertEqual(answer.status, status, answer.body[:500])
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))
        self.assertTrue(answer.headers["x-request-id"])
        error = answer.error()
        self.assertLessEqual({"message", "type", "param", "code"}, set(error))
        for name, want in (("code", code), ("param", param), ("type", kind)):
            if want is not None:
                self.assertEqual(error[name], want, error)
        if message:
            self.assertRegex(error["message"], message)


class AnswersTest(FrontTest):
    def test_whole(self):
        answer = self.hb.chat("hello there")
        self.assertTrue(answer.complete)
        self.assertEqual((answer.status, answer.text()), (200, "hello there"))
        self.assertEqual(answer.json()["usage"]["total_tokens"], 4)

    def test_without_v1(self):
        answer = self.hb.request("POST", "/chat/completions", chat_body("short path"))
        self.assertEqual(answer.text(), "short path")

    def test_stream(self):
        answer = self.hb.chat("one two three", stream=True)
        self.assertTrue(answer.headers["content-type"].startswith("text/event-stream"))
        events = answer.events()
        self.assertEqual(events.count("[DONE]"), 1)
        self.assertEqual(events[-1], "[DONE]")
        self.assertEqual(stream_text(events), "one two three")
        self.assertTrue(all(e["choices"] for e in events[:-1]), "no usage chunk unasked")

    def test_usage_chunk_when_asked(self):
        events = self.hb.chat("a b", stream=True, stream_options={"include_usage": True}).events()
        with_usage = [e for e in events[:-1] if e.get("usage")]
        self.assertEqual([e["choices"] for e in with_usage], [[]])
        self.assertEqual(with_usage[0]["usage"]["total_tokens"], 4)

    def test_model_that_the_vendor_gets(self):
        for asked, got in (("gpt-4o", "gpt-4o"), ("openai/gpt-4o", "gpt-4o"), ("smart", "gpt-4o"),
                           ("my-model", "my-model"), ("lab/my-model", "my-model"),
                           ("fb-anything", "fb-anything")):
            with self.subTest(asked):
                mark = "model-mark-" + asked
                self.assertEqual(self.hb.chat(mark, asked).status, 200)
                self.assertEqual(json.loads(self.sim.request(mark)["body"])["model"], got)

    def test_key_and_trace_reach_the_vendor(self):
        self.hb.chat("trace-mark-1", headers={"authorization": "Bearer sk-of-the-client"})
        seen = self.sim.request("trace-mark-1")
        self.assertEqual(seen["key_end"], support.KEY[-4:])
        self.assertRegex(seen["traceparent"], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-01$")
        trace = "0af7651916cd43dd8448eb211c80319c"
        for flag in ("01", "00"):
            mark = "trace-flag-" + flag
            answer = self.hb.chat(mark, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-{flag}",
                                                 "x-harborai-include": "trace"})
            self.assertRegex(self.sim.request(mark)["traceparent"], f"^00-{trace}-[0-9a-f]{{16}}-{flag}$")
            self.assertEqual(answer.json()["trace_context"]["trace_flags"], flag)
        self.hb.chat("trace-mark-3", "my-model", headers={"authorization": "Bearer sk-client"})
        self.assertNotIn("authorization", self.sim.request("trace-mark-3")["header_names"])

    def test_members_that_we_do_not_know_pass(self):
        self.hb.chat("unknown-members", x_new_member={"deep": [1, 2.50, "\u00e4"]}, temperature=1.0)
        sent = json.loads(self.sim.request("unknown-members")["body"])
        self.assertEqual(sent["x_new_member"], {"deep": [1, 2.5, "\u00e4"]})

    def test_models(self):
        listing = self.hb.request("GET", "/v1/models").json()
        names = [m["id"] for m in listing["data"]]
        self.assertEqual(listing["object"], "list")
        for name in ("gpt-4o", "my-model"):
            self.assertIn(name, [n.split("/")[-1] for n in names])
        self.assertNotIn("fb-*", names)
        for name in ("gpt-4o", "openai/gpt-4o", "smart", "my-model", "fb-made-up"):
            answer = self.hb.request("GET", "/v1/models/" + name)
            self.assertEqual((answer.status, answer.json().get("id")), (200, name))
        self.assert_error(self.hb.request("GET", "/v1/models/nope"), 404, "model_not_found")

    def test_a_model_without_its_key_is_listed_as_such(self):
        listing = self.hb.request("GET", "/v1/models").json()["data"]
        for name, available in (("nokey-model", False), ("my-model", True), ("gpt-4o", True)):
            listed = next(m for m in listing if m["id"].split("/")[-1] == name)
            for model in (listed, self.hb.request("GET", "/v1/models/" + name).json()):
                self.assertIs(model["harborai"]["available"], available)
                self.assertEqual("OPENAI_API_KEY" in model["harborai"].get("missing", ""),
                                 not available)

    def test_health_and_metrics(self):
        self.hb.chat("counted")
        self.assertEqual(self.hb.request("GET", "/health").status, 200)
        answer = self.hb.request("GET", "/metrics")
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        text = answer.body.decode()
        for series in ('harborai_calls_total{status="200"}', "harborai_model_lookups_total",
                       'harborai_plugin_loads_total{plugin="org.harborai.openai",'
                       'provider="openai"}', "harborai_journal_lines_total",
                       "harborai_upstream_connects_total"):
            found = re.findall(f"(?m)^{re.escape(series)} (\\d+)$", text)
            self.assertTrue(found and int(found[0]) > 0, series)
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) .+|[a-z_]+(\{.*\})? [-+.\deE]+|)$")

    def test_route_in_the_head(self):
        """All of a whole answer, and of a stream what is known when its head goes."""
        names = ("id", "provider", "model", "attempts", "overhead-us")
        for stream in (False, True):
            answer = self.hb.chat("where to?", "smart", stream=stream)
            said = {name: answer.headers["x-harborai-" + name] for name in (*names, "cost")}
            self.assertRegex(said["id"], r"^hb_[0-9]+_[0-9a-f]{8}$")
            self.assertEqual((said["provider"], said["model"], said["attempts"]),
                             ("openai", "gpt-4o", "1"))
            self.assertRegex(said["overhead-us"], r"^[0-9]+$")
            if stream:
                self.assertIsNone(said["cost"])
            else:
                self.assertRegex(said["cost"], r"^0\.[0-9]+ USD$")
        answer = self.hb.chat({"status": 429})
        self.assertEqual((answer.status, answer.headers["x-harborai-provider"]), (429, "openai"))

    def test_unknown_path_and_method(self):
        self.assert_error(self.hb.request("GET", "/v1/nothing"), 404)
        answer = self.hb.request("GET", "/v1/chat/completions")
        self.assert_error(answer, 405)
        self.assertIn("POST", answer.headers["allow"] or "")

    def test_request_id(self):
        answer = self.hb.chat(headers={"x-request-id": "my-request.id_0001"})
        self.assertEqual(answer.headers["x-request-id"], "my-request.id_0001")
        made = set()
        for bad in ("", "has space", "x" * 400, 'quote"', "semi;colon\x7f"):
            given = self.hb.chat(headers={"x-request-id": bad}).headers["x-request-id"]
            self.assertTrue(given and given != bad, bad)
            made.add(given)
        made.add(self.hb.request("GET", "/health").headers["x-request-id"])
        self.assertEqual(len(made), 6)

    def test_keep_alive(self):
        with contextlib.closing(self.hb.connect()) as client:
            exchange(client, "POST", "/v1/chat/completions", chat_body("a"))
            port = client.sock.getsockname()[1]
            for body in (chat_body("b", stream=True), chat_body("c", "no-such"), chat_body("d")):
                exchange(client, "POST", "/v1/chat/completions", body)
                self.assertIsNotNone(client.sock, "closed after an answer")
                self.assertEqual(client.sock.getsockname()[1], port)

    def test_connection_close_is_honoured(self):
        answer = self.hb.chat(headers={"connection": "close"})
        self.assertEqual(answer.headers["connection"].lower(), "close")

    def test_upstream_connection_is_used_again(self):
        with support.gateway(support.config_for(self.sim), workers=1) as hb:
            for i in range(3):
                hb.chat(f"reuse-mark-{i}")
            used = {self.sim.request(f"reuse-mark-{i}")["connection"] for i in range(3)}
        self.assertEqual(len(used), 1)

    def test_pipelined_requests_are_answered_in_order(self):
        with socket.create_connection(("127.0.0.1", self.hb.port), timeout=20) as sock:
            data = b""
            for text in ("first", "second"):
                body = json.dumps(chat_body(text)).encode()
                data += (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                         b"content-length: %d\r\n\r\n%s" % (len(body), body))
            sock.sendall(data)
            seen = b""
            while seen.count(b'"usage"') < 2:
                piece = sock.recv(65536)
                self.assertTrue(piece, seen)
                seen += piece
            self.assertLess(seen.index(b"first"), seen.index(b"second"))


class ErrorsTest(FrontTest):
    def test_unknown_model(self):
        for more in ({}, {"stream": True}):
            self.assert_error(self.hb.chat("x", "no-such-model", **more), 404, "model_not_found",
                              "model", "invalid_request_error", "no-such-model")

    def test_no_key_names_the_variable(self):
        for more in ({}, {"stream": True}):
            answer = self.hb.chat("x", "nokey-model", **more)
            self.assertGreaterEqual(answer.status, 400)
            self.assert_error(answer, answer.status, message="OPENAI_API_KEY")

    def test_body_is_not_json(self):
        for body in (b"hello", b"", b'{"model":"gpt-4o"', b'{"model":"gpt-4o",}', b"[1]x",
                     b'{"model":"gpt-4o","messages":[]}{}', b'{"a":"\xff\xfe"}'):
            with self.subTest(body):
                answer = self.hb.request("POST", "/v1/chat/completions", body)
                self.assert_error(answer, 400, "invalid_json")

    def test_body_is_json_but_no_object(self):
        for body in (b"[]", b'"x"', b"null", b"5"):
            with self.subTest(body):
                self.assert_error(self.hb.request("POST", "/v1/chat/completions", body), 400)

    def test_body_is_too_deep(self):
        deep = b'{"model":"gpt-4o","messages":' + b"[" * 100000 + b"]" * 100000 + b"}"
        answer = self.hb.request("POST", "/v1/chat/completions", deep)
        self.assert_error(answer, 400, message="deep|nest")

    def test_body_is_too_large(self):
        with socket.create_connection(("127.0.0.1", self.hb.port), timeout=20) as sock:
            sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                         b"content-length: 9999999999\r\n\r\n")
            head = sock.recv(65536)
        self.assertRegex(head.split(b"\r\n")[0], rb"^HTTP/1\.1 413 ")
        self.assertIn(b"x-request-id", head.lower())

    def test_chunked_body_is_too_large(self):
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        with socket.create_connection(("127.0.0.1", self.hb.port), timeout=20) as sock:
            sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                         b"transfer-encoding: chunked\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                for _ in range(40):
                    sock.sendall(piece)
            with contextlib.suppress(ConnectionError):
                head = sock.recv(65536)
                self.assertRegex(head.split(b"\r\n")[0], rb"^HTTP/1\.1 413 ")

    def test_large_body_that_is_allowed(self):
        answer = self.hb.chat("big " + "y" * (4 << 20))
        self.assertEqual(answer.status, 200)
        self.assertEqual(len(answer.text()), (4 << 20) + 4)

    def test_no_model(self):
        for body in ({}, {"model": None}, {"model": 5}, {"model": ""}):
            with self.subTest(body):
                body["messages"] = [{"role": "user", "content": "x"}]
                answer = self.hb.request("POST", "/v1/chat/completions", body)
                self.assert_error(answer, 400, param="model", message="model")

    def test_what_is_no_http(self):
        rows = [b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
                b"GET /health HTTP/1.1\r\nbad header: x\r\nhost: x\r\n\r\n",
                b"GET /health HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 200000 + b"\r\n\r\n",
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
                b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
                b"content-length: 6\r\n\r\nhello",
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                b"transfer-encoding: chunked\r\n\r\nzz\r\n"]
        for row in rows:
            with self.subTest(row[:60]):
                seen = self.until_closed(row)
                self.assertTrue(not seen or re.match(rb"HTTP/1\.1 (400|408|413|431|501|505) ", seen),
                                seen[:200])

    def until_closed(self, row):
        with socket.create_connection(("127.0.0.1", self.hb.port), timeout=20) as sock:
            seen = b""
            with contextlib.suppress(ConnectionError):
                sock.sendall(row)
                while piece := sock.recv(65536):
                    seen += piece
            return seen


if __name__ == "__main__":
    unittest.main()
