# SPDX-License-Identifier: MIT
"""Calls that web pages have a browser send: which a gateway without keys takes, and which it refuses before
anything is asked of a vendor. Browsers are played: what they send is in the Fetch standard."""
import contextlib
import os
import unittest

import exposition
import support
from support import chat_body, exchange

JSON = {"content-type": "application/json"}
FORM = {"content-type": "text/plain;charset=UTF-8"}
EVIL = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}


class PagesTest(support.WithSimulator):
    def ask(self, hb, *headers, **more):
        with contextlib.closing(hb.connect()) as client:
            return self.on(client, *headers, **more)

    @staticmethod
    def on(client, *headers, content="hello"):
        merged = {name: value for some in headers for name, value in some.items()}
        return exchange(client, "POST", "/v1/chat/completions", chat_body(content), merged)

    def refused(self, answer, *words):
        self.assertEqual((answer.status, answer.error()["code"]), (403, "origin_not_allowed"))
        self.assertEqual(answer.error()["type"], "invalid_request_error")
        self.assertIsNone(answer.headers["access-control-allow-origin"])
        for word in words:
            self.assertIn(word, answer.error()["message"])

    def serve(self, *arguments, **server):
        return support.gateway({**self.config, "server": server}, arguments=arguments)

    def test_without_keys(self):
        with self.serve() as hb:
            own = f"127.0.0.1:{hb.port}"
            for headers in ({}, JSON, FORM, {"content-type": "application/x-www-form-urlencoded"},
                            {**FORM, "origin": f"http://{own}", "sec-fetch-site": "same-origin"},
                            {**JSON, "origin": "null", "sec-fetch-site": "cross-site"},
                            {**FORM, "origin": "vscode-file://vscode-app", "sec-fetch-site": "cross-site"},
                            {**JSON, "origin": "http://localhost:3000"},
                            {"host": "gateway.example"}):
                self.assertEqual(self.ask(hb, headers).status, 200, headers)
            rebound = {"host": f"evil.example:{hb.port}"}
            rows = [({**EVIL, **FORM}, "'https://evil.example'"), ({**EVIL, **JSON}, "server.cors.origins"),
                    (EVIL, "with a key"), ({**FORM, "origin": "null"}, "application/json"),
                    ({**JSON, **rebound, "origin": f"http://evil.example:{hb.port}"}, "'evil.example:"),
                    ({**JSON, **rebound, "origin": "null"}, "127.0.0.1 or localhost"),
                    ({**JSON, "sec-fetch-site": "cross-site"}, "another site")]
            asked = len(self.sim.lines("request"))
            for headers, words in rows:
                with self.subTest(headers):
                    self.refused(self.ask(hb, headers, content="x" * 300000), words)
            self.assertEqual(len(self.sim.lines("request")), asked)
            families = exposition.parse(hb.request("GET", "/metrics", headers=EVIL).body.decode(), False)
            self.assertEqual(exposition.value(families, "harborai_requests_refused_total", reason="origin"),
                             len(rows))

    def test_a_preflight_is_not_allowed(self):
        """Which is what keeps a page from sending JSON."""
        with self.serve() as hb:
            for origin in ("https://evil.example", "null"):
                answer = hb.request("OPTIONS", "/v1/chat/completions", headers={
                    "origin": origin, "access-control-request-method": "POST",
                    "access-control-request-headers": "content-type"})
                self.assertEqual([name for name in answer.headers if name.startswith("access-control")], [])

    def test_a_page_that_is_named(self):
        with self.serve(cors={"origins": ["https://chat.example"]}) as hb:
            answer = self.ask(hb, JSON, {"origin": "https://chat.example", "sec-fetch-site": "cross-site"})
            self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]),
                             (200, "https://chat.example"))
            self.refused(self.ask(hb, JSON, EVIL))

    def test_with_a_key(self):
        """No browser adds it of itself."""
        with support.folder() as place:
            state = os.path.join(place, "state")
            made = support.harborai("key", "create", "ci", "--state-dir", state)
            key = {"authorization": "Bearer " + made.stdout.strip()}
            with support.gateway(self.config, state=state) as hb:
                self.assertEqual(self.ask(hb, FORM, EVIL, key).status, 200)
                self.refused(self.ask(hb, FORM, EVIL))
                self.refused(self.ask(hb, FORM, EVIL, {"authorization": "Bearer none"}))

    def test_a_unix_socket(self):
        """No browser asks there."""
        with support.folder() as place:
            path = os.path.join(place, "gw.sock")
            with support.listening("--host", "none", "--socket", path, config=self.config):
                with contextlib.closing(support.UnixConnection(path)) as client:
                    self.assertEqual(self.on(client, FORM, EVIL).status, 200)

    def test_for_other_machines(self):
        """What names lead there is not known: a page of its own is one by what Host says."""
        with self.serve("--host", "0.0.0.0", auth="off") as hb:
            host = {"host": "gateway.lan:8000"}
            self.assertEqual(self.ask(hb, host, FORM, {"origin": "http://gateway.lan:8000"}).status, 200)
            self.assertEqual(self.ask(hb, host, JSON, {"origin": "file://"}).status, 200)
            self.refused(self.ask(hb, host, JSON, EVIL))
            self.refused(self.ask(hb, host, FORM, {"origin": "null"}))

    def test_a_name_of_its_own(self):
        with self.serve("--host", "localhost") as hb:
            self.assertEqual(self.ask(hb, {"host": f"LocalHost:{hb.port}"}, JSON,
                                      {"origin": f"http://localhost:{hb.port}"}).status, 200)


if __name__ == "__main__":
    unittest.main()
