# SPDX-License-Identifier: MIT
"""Keys of clients: made, used in each header, limited, expired, revoked, refused; and what is written
down of them, which is their digest."""
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import exposition
import support
import test_clients
from support import config_for

KEY_FORM = re.compile(r"hk-[0-9A-Za-z]{49}")


def bearer(key):
    return {"authorization": f"Bearer {key}"}


def with_server(config, **server):
    return {**config, "server": {**config.get("server", {}), **server}}


class Keys(support.WithSimulator):
    """A state directory, and the commands on it."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.state = os.path.join(self.stack.enter_context(support.folder()), "state")
        self.required = with_server(self.config, auth="required")

    def run_key(self, *arguments, code=0):
        done = support.harborai("key", *arguments, "--state-dir", self.state)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, *arguments):
        return json.loads(self.run_key(*arguments, "--json").stdout)

    def create(self, name, *arguments):
        """The key's text."""
        return self.json("create", name, *arguments)["key"]

    def serve(self, config=None, **more):
        return support.gateway(config or self.required, state=self.state, **more)

    def refused(self, answer, status, code, *words):
        self.assertEqual(answer.status, status, answer.body)
        error = answer.error()
        self.assertEqual(error["code"], code)
        for word in words:
            self.assertIn(word, error["message"])
        return error


class CommandsTest(Keys):
    def test_create(self):
        done = self.run_key("create", "ci")
        key = done.stdout.strip()
        self.assertRegex(key, "^" + KEY_FORM.pattern + "$")
        self.assertNotIn(key, done.stderr)
        self.assertIn("'ci' (key_", done.stderr)
        path = os.path.join(self.state, "keys.json")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, encoding="utf-8") as file:
            entry, = json.load(file)["keys"]
        self.assertEqual(entry["sha256"], hashlib.sha256(key.encode()).hexdigest())

    def test_json(self):
        made = self.json("create", "ci", "--models", "gpt-4o,lab/*", "--models", "smart", "--rpm", "60",
                         "--tpm", "100000", "--concurrency", "4", "--expires", "30d")
        self.assertEqual(made["models"], ["gpt-4o", "lab/*", "smart"])
        self.assertEqual((made["rpm"], made["tpm"], made["concurrency"]), (60, 100000, 4))
        self.assertEqual(made["state"], "active")
        listed, = self.json("list")["keys"]
        self.assertEqual(listed, {k: v for k, v in made.items() if k not in ("version", "key")})
        revoked = self.json("revoke", made["id"])
        self.assertEqual((revoked["state"], revoked["changed"]), ("revoked", True))
        self.assertEqual(self.json("revoke", "ci")["changed"], False)
        self.assertEqual(self.json("list")["keys"], [])
        self.assertEqual(self.json("list", "--all")["keys"][0]["state"], "revoked")

    def test_table(self):
        self.assertIn("there is no key", self.run_key("list").stdout)
        self.create("ci", "--rpm", "60")
        head, row = self.run_key("list").stdout.splitlines()
        self.assertEqual(head.split(), ["NAME", "ID", "STATE", "EXPIRES", "RPM", "TPM", "CALLS", "MODELS"])
        self.assertRegex(row, r"^ci +key_\w{12} +active +never +60 +- +- +all$")

    def test_usage(self):
        self.create("ci")
        for said, *arguments in (("already", "create", "ci"), ("takes one name", "create"),
                                 ("is no name for a key", "create", "a b"),
                                 ("whole number", "create", "x", "--rpm", "0"),
                                 ("whole number", "create", "x", "--tpm", "many"),
                                 ("whole number", "create", "x", "--concurrency", "-1"),
                                 ("no name of a model", "create", "x", "--models", "a,,b"),
                                 ("over already", "create", "x", "--expires", "2020-01-01"),
                                 ("neither", "create", "x", "--expires", "soon"),
                                 ("before 2262", "create", "x", "--expires", "9999-12-31"),
                                 ("there is no key 'nobody'", "revoke", "nobody"),
                                 ("takes the id or the name", "revoke")):
            with self.subTest(arguments):
                self.assertIn(said, self.run_key(*arguments, code=2).stderr)
        self.assertEqual(len(self.json("list")["keys"]), 1)

    def test_it_cannot_be_shown(self):
        """A key that nobody has seen is not in force."""
        for arguments in ((), ("--json",)):
            with support.folder() as place, open("/dev/full", "w", encoding="utf-8") as full:
                done = subprocess.run([support.HARBORAI, "key", "create", "ci", "--state-dir", self.state,
                                       *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                                      timeout=30, check=False, env=support.environment(place))
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, "harborai: cannot write the key to standard output: No space left "
                                          "on device; it is revoked: make another\n")
        self.assertEqual(self.json("list")["keys"], [])
        self.create("ci")
        with support.folder() as place, open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([support.HARBORAI, "key", "revoke", "ci", "--state-dir", self.state],
                                  stdout=full, stderr=subprocess.PIPE, text=True, timeout=30, check=False,
                                  env=support.environment(place))
        self.assertEqual((done.returncode, done.stderr),
                         (1, "harborai: cannot write to standard output: No space left on device\n"))
        self.assertEqual(self.json("list")["keys"], [])  # revoked all the same

    def test_broken_file(self):
        self.create("ci")
        with open(os.path.join(self.state, "keys.json"), "w", encoding="utf-8") as file:
            file.write("{}")
        for arguments in (("list",), ("create", "x"), ("revoke", "ci")):
            with self.subTest(arguments):
                done = self.run_key(*arguments, code=3)
                self.assertIn("keys.json', line 1", done.stderr)
        with support.folder() as place:
            done = subprocess.run(
                [support.HARBORAI, "serve", "--port", "0", "--state-dir", self.state, "--config",
                 support.write_config(place, self.required)], capture_output=True, text=True,
                timeout=30, check=False, env=support.environment(place))
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("keys.json', line 1", done.stderr)


class IdentityTest(Keys):
    def test_each_header(self):
        key = self.create("ci")
        with self.serve() as hb:
            for headers in (bearer(key), {"authorization": f"bearer   {key}"}, {"x-api-key": key},
                            {"api-key": key}, {**bearer("sk-something-else"), "x-api-key": key},
                            {**bearer(key), "x-api-key": "sk-something-else"}):
                with self.subTest(list(headers)):
                    self.assertEqual(hb.chat("hello", headers=headers).status, 200)
                    self.assertEqual(hb.request("GET", "/v1/models", headers=headers).status, 200)

    def test_refused(self):
        key = self.create("ci")
        other = key[:-1] + ("x" if key[-1] != "x" else "y")
        with self.serve() as hb:
            answer = hb.chat("hello")
            error = self.refused(answer, 401, None, "You didn't provide an API key")
            self.assertEqual(error["type"], "invalid_request_error")
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")
            shown = f"{key[:5]}********{other[-4:]}"
            self.refused(hb.chat("hello", headers=bearer(other)), 401, "invalid_api_key",
                         "Incorrect API key provided", shown, "mistyped")
            with support.folder() as place:
                stranger = json.loads(support.harborai("key", "create", "x", "--json", "--state-dir",
                                                       place).stdout)["key"]
            for headers in (bearer(stranger), {"x-api-key": stranger}):
                answer = hb.chat("hello", headers=headers)
                self.refused(answer, 401, "invalid_api_key", "Incorrect API key provided", "no key of")
                self.assertNotIn(stranger.encode(), answer.body)
            self.refused(hb.chat("hello", headers=bearer("sk-abc")), 401, "invalid_api_key", "********")
            self.refused(hb.chat("hello", headers={"authorization": "Basic eDp5"}), 401, None)
            stream = hb.chat("hello", headers=bearer(other), stream=True)
            self.refused(stream, 401, "invalid_api_key")
            # The connection goes where a body was not read, and stays where there was none.
            with contextlib.closing(hb.connect()) as client:
                for _ in range(2):
                    answer = support.exchange(client, "GET", "/v1/models")
                    self.assertEqual(answer.status, 401)
            self.assertEqual([x for x in hb.journal() if x["type"] == "end"], [])
            text = hb.request("GET", "/metrics", headers=bearer(key)).body.decode()
            self.assertRegex(text, r'harborai_requests_refused_total\{reason="key"\} 9')

    def test_what_is_open(self):
        key = self.create("ci")
        with self.serve() as hb:
            self.assertEqual(hb.request("GET", "/health").status, 200)
            for path in ("/metrics", "/v1/models", "/v1/models/gpt-4o", "/v1/logs/query",
                         "/v1/logs/stats"):
                with self.subTest(path):
                    self.assertEqual(hb.request("GET", path).status, 401)
                    self.assertEqual(hb.request("GET", path, headers=bearer(key)).status, 200)
            self.assertEqual(hb.request("GET", "/nowhere").status, 404)

    def test_expired(self):
        key = self.create("ci", "--expires", "1s")
        last = self.create("later", "--expires", "1h")
        with self.serve() as hb:
            support.wait_for("the key expires", lambda: hb.chat("x", headers=bearer(key)).status == 401)
            self.refused(hb.chat("x", headers=bearer(key)), 401, "invalid_api_key", "expired")
            self.assertEqual(hb.chat("x", headers=bearer(last)).status, 200)

    def test_revoked_while_it_runs(self):
        """At once: the command comes back when the gateway knows. What runs goes on."""
        key, other = self.create("ci"), self.create("other")
        with self.serve() as hb:
            stream = support.RawStream(
                hb.port, support.chat_body({"events": 20, "delay_ms": 50}, stream=True),
                f"authorization: Bearer {key}\r\n")
            stream.read_until(b"data: ")
            for _ in range(3):
                self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)
            self.run_key("revoke", "ci")
            self.refused(hb.chat("x", headers=bearer(key)), 401, "invalid_api_key", "revoked")
            self.assertEqual(hb.chat("x", headers=bearer(other)).status, 200)
            stream.read_until(b"[DONE]")
            stream.close()
            again = self.create("ci")  # the name is free, and the new one is good at once
            self.assertEqual(hb.chat("x", headers=bearer(again)).status, 200)
            self.refused(hb.chat("x", headers=bearer(key)), 401, "invalid_api_key", "revoked")

    def late(self, hb, key):
        """A call whose last byte is still to be sent."""
        body = json.dumps(support.chat_body("x")).encode()
        sock = self.stack.enter_context(socket.create_connection(("127.0.0.1", hb.port), timeout=20))
        sock.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
                     f"expect: 100-continue\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        self.assertIn(b" 100 ", sock.recv(1000))  # so it knows whose it is
        sock.sendall(body[:-1])
        return sock, body[-1:]

    def end_late(self, late):
        sock, rest = late
        sock.sendall(rest)
        response = http.client.HTTPResponse(sock)
        response.begin()
        return support.Answer(response)

    def test_revoked_before_the_body_is_whole(self):
        """A call that has not begun does not begin."""
        key = self.create("ci")
        with self.serve() as hb:
            late = self.late(hb, key)
            self.run_key("revoke", "ci")
            answer = self.end_late(late)
            self.refused(answer, 401, "invalid_api_key", "'ci' was good when this request began")
            self.assertIsNone(answer.headers["connection"])
            self.assertEqual(hb.journal(), [])

    def test_limited_before_the_body_is_whole(self):
        key = self.create("ci")
        path = os.path.join(self.state, "keys.json")
        with self.serve() as hb:
            late = self.late(hb, key)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace('"created"', '"rpm":7,"created"'))
            support.wait_for("the limit", lambda: hb.chat("x", headers=bearer(key)).headers[
                "x-ratelimit-limit-requests"] == "7")
            self.assertEqual(self.end_late(late).headers["x-ratelimit-limit-requests"], "7")

    def test_changed_by_hand(self):
        """The file is watched: no command tells the gateway of this."""
        key = self.create("ci")
        path = os.path.join(self.state, "keys.json")
        with self.serve() as hb:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            os.rename(path, path + ".away")
            support.wait_for("no key is left", lambda: hb.chat("x", headers=bearer(key)).status == 401)
            with open(path, "w", encoding="utf-8") as file:
                file.write("broken")
            os.chmod(path, 0o600)
            support.wait_for("the log tells", lambda: "keys.not_read" in hb.log())
            os.rename(path + ".away", path)
            support.wait_for("the key is back", lambda: hb.chat("x", headers=bearer(key)).status == 200)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace('"keys"', '"kyes"'))
            hb.process.send_signal(signal.SIGHUP)
            support.wait_for("the log tells again", lambda: hb.log().count("keys.not_read") >= 2)
            self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)  # as it was

    def test_two_gateways(self):
        key = self.create("ci")
        with self.serve() as one, self.serve() as other:
            self.run_key("revoke", "ci")
            self.assertEqual(one.chat("x", headers=bearer(key)).status, 401)
            support.wait_for("the other one knows, too",
                             lambda: other.chat("x", headers=bearer(key)).status == 401)


class WhenRequiredTest(Keys):
    def test_loopback_needs_none(self):
        key = self.create("ci", "--models", "gpt-4o")
        with self.serve(self.config) as hb:
            for headers in ({}, bearer("sk-client"), bearer("hk-none")):
                self.assertEqual(hb.chat("x", headers=headers).status, 200)
            # One that is known says who asks all the same.
            self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)
            self.assertEqual(hb.chat("x", "my-model", headers=bearer(key)).status, 404)
            self.run_key("revoke", "ci")
            self.refused(hb.chat("x", headers=bearer(key)), 401, "invalid_api_key", "revoked")

    def test_others_need_one(self):
        with self.serve(self.config, arguments=["--host", "0.0.0.0"]) as hb:
            self.assertIn("auth.no_keys", hb.log())
            self.assertEqual(hb.chat("x").status, 401)
            key = self.create("ci")
            self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)

    def test_unless_the_operator_says_so(self):
        with self.serve(with_server(self.config, auth="off"), arguments=["--host", "0.0.0.0"]) as hb:
            self.assertIn("auth.off", hb.log())
            self.assertEqual(hb.chat("x").status, 200)

    def test_reload(self):
        with support.folder() as place:
            path = support.write_config(place, self.config)
            with self.serve(None, arguments=["--config", path]) as hb:
                pass
        key = self.create("ci")
        with support.folder() as place:
            path = support.write_config(place, self.config)
            with support.gateway(None, state=self.state, arguments=["--config", path]) as hb:
                self.assertEqual(hb.chat("x").status, 200)
                support.write_config(place, self.required)
                hb.process.send_signal(signal.SIGHUP)
                support.wait_for("a key is needed", lambda: hb.chat("x").status == 401)
                self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)


class ModelsTest(Keys):
    def test_models(self):
        key = self.create("ci", "--models", "openai/gpt-4o,my-model")
        with self.serve() as hb:
            def ask(model):
                return hb.chat("x", model, headers=bearer(key))
            for model in ("gpt-4o", "openai/gpt-4o", "smart", "my-model"):
                with self.subTest(model):
                    self.assertEqual(ask(model).status, 200)
            for model in ("gpt-4o-mini", "openai/gpt-4o-mini", "lab/my-model", "fb-x", "no-such"):
                with self.subTest(model):
                    error = self.refused(ask(model), 404, "model_not_found", f"'{model}'",
                                         "this key may not use it")
                    self.assertNotIn("did you mean", error["message"])
            listed = {m["id"] for m in hb.request("GET", "/v1/models",
                                                  headers=bearer(key)).json()["data"]}
            self.assertEqual(listed & {"gpt-4o-mini", "fb-*"}, set())
            self.assertLessEqual({"gpt-4o", "smart", "my-model"}, listed)
            for model, status in (("gpt-4o", 200), ("gpt-4o-mini", 404), ("no-such", 404)):
                one = hb.request("GET", f"/v1/models/{model}", headers=bearer(key))
                self.assertEqual(one.status, status)

    def test_record(self):
        made = self.json("create", "ci")
        with self.serve() as hb:
            hb.chat("x", headers=bearer(made["key"]))
            hb.chat("x", "no-such", headers=bearer(made["key"]))
            ends = support.wait_for("both are on record", lambda: [
                x for x in hb.journal() if x["type"] == "end"][1:] and
                [x for x in hb.journal() if x["type"] == "end"])
            self.assertEqual({x["client"] for x in ends}, {made["id"]})
            support.wait_for("they are in the index, by the key", lambda: made["id"] in support.harborai(
                "stats", "--by", "client", "--state-dir", self.state).stdout)


class LimitsTest(Keys):
    def limits(self, answer, what):
        return [answer.headers.get(f"x-ratelimit-{name}-{what}")
                for name in ("limit", "remaining", "reset")]

    def test_requests(self):
        key, other = self.create("ci", "--rpm", "2"), self.create("other")  # one in 30 s
        with self.serve(workers=3) as hb:
            for left in (1, 0):
                answer = hb.chat("x", headers=bearer(key))
                self.assertEqual(answer.status, 200)
                limit, remaining, reset = self.limits(answer, "requests")
                self.assertEqual((limit, remaining), ("2", str(left)))
                self.assertRegex(reset, r"^(\d+m)?\d+(\.\d+)?m?s$")
                self.assertEqual(self.limits(answer, "tokens"), [None] * 3)
            answer = hb.chat("x", headers=bearer(key))
            error = self.refused(answer, 429, "rate_limit_exceeded", "Rate limit reached for key 'ci'",
                                 "requests per min (RPM): limit 2")
            self.assertEqual(error["type"], "rate_limit_error")
            self.assertEqual(self.limits(answer, "requests")[:2], ["2", "0"])
            self.assertTrue(1 <= int(answer.headers["retry-after"]) <= 30)
            self.assertTrue(1 <= int(answer.headers["retry-after-ms"]) <= 30000)
            self.assertIsNone(answer.headers["x-should-retry"])
            self.assertEqual(hb.chat("x", headers=bearer(other)).status, 200)
            self.assertEqual(self.limits(hb.chat("x", headers=bearer(other)), "requests"), [None] * 3)
            # What is no call is not counted.
            self.assertEqual(hb.request("GET", "/v1/models", headers=bearer(key)).status, 200)
            # The connection stays: the body was read.
            with contextlib.closing(hb.connect()) as client:
                for _ in range(2):
                    answer = support.exchange(client, "POST", "/v1/chat/completions",
                                              support.chat_body("x"), bearer(key))
                    self.assertEqual(answer.status, 429)

    def test_headers_of_a_stream(self):
        key = self.create("ci", "--rpm", "3", "--tpm", "1000")
        with self.serve() as hb:
            answer = hb.chat("x", headers=bearer(key), stream=True)
            self.assertEqual(answer.status, 200)
            self.assertEqual(self.limits(answer, "requests")[:2], ["3", "2"])
            self.assertEqual(self.limits(answer, "tokens")[0], "1000")

    def test_tokens(self):
        """Estimated when a call begins, and settled by what the vendor says it took."""
        key = self.create("ci", "--tpm", "6000")
        with self.serve() as hb:
            answer = hb.chat("x", headers=bearer(key), max_tokens=5000)
            self.assertEqual(answer.status, 200)
            used = answer.json()["usage"]["total_tokens"]
            limit, remaining, _ = self.limits(answer, "tokens")
            self.assertEqual(limit, "6000")
            self.assertTrue(6000 - used - 1 <= int(remaining) <= 6000, remaining)  # some came back
            # Whoever may take much holds it while his call runs.
            stream = support.RawStream(
                hb.port, support.chat_body({"hang": "body"}, stream=True, max_tokens=5900),
                f"authorization: Bearer {key}\r\n")
            self.sim.request('"max_tokens": 5900')
            answer = support.wait_for("what is left does not do", lambda: (
                lambda a: a if a.status == 429 else None)(
                    hb.chat("x", headers=bearer(key), max_tokens=5900)))
            self.refused(answer, 429, "rate_limit_exceeded", "tokens per min (TPM): limit 6000",
                         "requested 59")
            self.assertGreater(int(answer.headers["retry-after-ms"]), 0)
            stream.close()  # and of what was not used it is given back
            support.wait_for("it is given back", lambda: hb.chat(
                "x", headers=bearer(key), max_tokens=3000).status == 200)

    def test_tokens_that_are_owed(self):
        """For hours: the durations are Go's, of which clients understand h, m and s with a fraction."""
        key, idle = self.create("ci", "--tpm", "10"), self.create("idle", "--tpm", "1000000000")
        with self.serve() as hb:
            answer = hb.chat("word " * 1000, headers=bearer(key))
            self.assertEqual(answer.status, 200)
            answer = hb.chat("x", headers=bearer(key))
            self.refused(answer, 429, "rate_limit_exceeded", "left 0")
            _, remaining, reset = self.limits(answer, "tokens")
            self.assertEqual(remaining, "0")
            hours, minutes, seconds = re.fullmatch(r"(\d)h(\d+)m(\d+(?:\.\d{1,3})?)s", reset).groups()
            reset_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
            self.assertTrue(3 * 3600 < reset_s < 4 * 3600, reset)
            wait_s = int(answer.headers["retry-after"])  # it asks for a whole minute's worth
            self.assertTrue(0 <= wait_s - reset_s <= 1, (reset, wait_s))
            answer = hb.request("POST", "/v1/chat/completions", b"{", bearer(idle))
            self.assertEqual(self.limits(answer, "tokens")[1:], ["1000000000", "0s"])

    def test_a_failed_call_takes_no_tokens(self):
        key = self.create("ci", "--tpm", "2000")
        with self.serve() as hb:
            for _ in range(5):
                answer = hb.chat({"status": 500}, headers=bearer(key), max_tokens=1900)
                self.assertEqual(answer.status, 500)
            self.assertGreater(int(self.limits(answer, "tokens")[1]), 1990)

    def test_concurrency(self):
        key = self.create("ci", "--concurrency", "2")
        with self.serve(workers=3) as hb:
            streams = [support.RawStream(
                hb.port, support.chat_body({"hang": "body"}, stream=True, max_tokens=4000 + n),
                f"authorization: Bearer {key}\r\n") for n in range(2)]
            for n in range(2):
                self.sim.request(f'"max_tokens": {4000 + n}')
            answer = hb.chat("x", headers=bearer(key))
            self.refused(answer, 429, "rate_limit_exceeded", "calls at once: limit 2")
            self.assertEqual(answer.headers["retry-after"], "1")
            streams[0].close()
            support.wait_for("a place is free", lambda: hb.chat("x", headers=bearer(key)).status == 200)
            streams[1].close()
            # Whatever became of calls, none holds a place for ever.
            for content in ("x", {"status": 500}, {"status": 401}):
                hb.chat(content, headers=bearer(key))
            hb.request("POST", "/v1/chat/completions", b"{", bearer(key))
            hb.chat("x", "no-such", headers=bearer(key))
            support.wait_for("both places are free", lambda: self.both_answer(hb, key))

    def both_answer(self, hb, key):
        seen = []

        def ask():
            seen.append(hb.chat({"wait_ms": 200}, headers=bearer(key)).status)
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return seen == [200, 200]

    def test_address(self):
        config = with_server(self.config, requests_per_minute=2)
        key = self.create("ci")
        with self.serve(config, workers=3) as hb:
            for left in (1, 0):
                answer = hb.chat("x")
                self.assertEqual((answer.status, self.limits(answer, "requests")[:2]),
                                 (200, ["2", str(left)]))
            answer = hb.chat("x")
            self.refused(answer, 429, "rate_limit_exceeded", "for this address", "limit 2")
            self.assertGreater(int(answer.headers["retry-after"]), 0)
            self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)  # a key has its own
            self.assertEqual(hb.request("GET", "/v1/models").status, 200)
            text = hb.request("GET", "/metrics").body.decode()
            self.assertIn('harborai_requests_refused_total{reason="address"} 1', text)

    def test_address_by_the_environment(self):
        with self.serve(self.config, env={"HARBORAI_MAX_REQUESTS_PER_MINUTE": "1"}) as hb:
            self.assertEqual([hb.chat("x").status for _ in range(2)], [200, 429])

    def phases(self, hb, key):
        families = exposition.parse(hb.request("GET", "/metrics", headers=bearer(key)).body.decode(), False)
        return [exposition.value(families, f"harborai_request_phase_seconds_{what}", **labels)
                for what, labels in (("count", {"phase": "admit"}), ("sum", {"phase": "admit"}), ("sum", {}))]

    def test_the_time_that_it_takes(self):
        """Once a call that was admitted, a part of its time; what was refused before is no call."""
        key = self.create("ci", "--rpm", "3", "--tpm", "100000", "--models", "gpt-4o")
        body = json.dumps(support.chat_body("x")).encode()
        with self.serve() as hb:
            self.assertEqual(hb.chat("x", headers=bearer(key)).status, 200)
            client = hb.connect()
            with contextlib.closing(client):  # a body that comes later than its head
                client.putrequest("POST", "/v1/chat/completions")
                for name, value in {**bearer(key), "content-length": str(len(body))}.items():
                    client.putheader(name, value)
                client.endheaders()
                self.assertTrue(hb.healthy())
                client.send(body)
                self.assertEqual(client.getresponse().status, 200)
            self.assertEqual(hb.chat("x", "gpt-4o-mini", headers=bearer(key)).status, 404)
            self.assertEqual(hb.chat("x", headers=bearer(key)).status, 429)
            self.assertEqual(hb.chat("x").status, 401)
            support.wait_for("three calls", lambda: self.phases(hb, key)[0] == 3)
            _, admit, everything = self.phases(hb, key)
            self.assertTrue(0 < admit < everything, (admit, everything))

    def test_many_at_once_over_all_loops(self):
        key = self.create("ci", "--rpm", "20")
        with self.serve(workers=4) as hb:
            seen = []

            def ask():
                for _ in range(10):
                    seen.append(hb.chat("x", headers=bearer(key)).status)
            began = time.monotonic()
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            more = (time.monotonic() - began) / 3 + 1  # one comes back every 3 s
            self.assertTrue(20 <= seen.count(200) <= 20 + more, seen)
            self.assertEqual(seen.count(200) + seen.count(429), 40)


@unittest.skipUnless(shutil.which("node"), "node is missing: apt-get install nodejs npm")
class ClientTest(Keys):
    """What OpenAI's own client raises."""

    def test_exceptions(self):
        test_clients.install()
        good = self.create("good", "--rpm", "1000", "--tpm", "100000")
        keys = {"good": good, "narrow": self.create("narrow", "--models", "gpt-4o"),
                "few": self.create("few", "--rpm", "1"),
                "mistyped": good[:-1] + ("x" if good[-1] != "x" else "y"),
                "expired": self.create("expired", "--expires", "1s"),
                "revoked": self.create("revoked")}
        self.run_key("revoke", "revoked")
        with support.folder() as place:
            keys["unknown"] = support.harborai("key", "create", "x", "--state-dir", place).stdout.strip()
        with self.serve() as hb:
            support.wait_for("one has expired", lambda: hb.request(
                "GET", "/v1/models", headers=bearer(keys["expired"])).status == 401)
            env = {**os.environ, "BASE_URL": f"http://127.0.0.1:{hb.port}/v1", "KEYS": json.dumps(keys)}
            done = subprocess.run(["node", "--test", "--test-reporter=tap", "keys.mjs"], env=env,
                                  cwd=test_clients.CLIENTS, capture_output=True, text=True, timeout=120,
                                  check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        self.assertEqual(len(re.findall(r"(?m)^ *ok \d+ - ", done.stdout)), 5, done.stdout)


class CanaryTest(Keys):
    def test_a_key_is_written_down_nowhere(self):
        made = self.json("create", "ci", "--rpm", "4")
        key, digest = made["key"], hashlib.sha256(made["key"].encode()).hexdigest()
        wrong = key[:-1] + ("x" if key[-1] != "x" else "y")
        config = {**self.required, "log": {"level": "debug"}, "content": "full"}
        with self.serve(config) as hb:
            for headers in (bearer(key), {"x-api-key": key}, bearer(wrong), {"x-api-key": wrong},
                            {**bearer(key), "x-request-id": key}, {**bearer(key), "cookie": key}):
                answer = hb.chat(f"my key is {key}", headers=headers)
                for text in (key, wrong):
                    self.assertNotIn(text, str(answer.headers))
                if answer.status != 200:
                    self.assertNotIn(key[3:], answer.body.decode())
            hb.chat("x", key, headers=bearer(key))
            metrics = hb.request("GET", "/metrics", headers=bearer(key)).body.decode()
            support.wait_for("they are on record", lambda: len(
                [x for x in hb.journal() if x["type"] == "end"]) >= 4)
            sent = json.dumps([[x.get("headers"), x.get("path")] for x in self.sim.lines("request")])
            log = hb.log()
        for text in (key, wrong):
            for where, said in (("the log", log), ("the metrics", metrics),
                                ("what the vendor was sent in its head", sent)):
                self.assertNotIn(text[3:], said, where)
            for place, _, names in os.walk(self.state):
                for name in names:
                    with open(os.path.join(place, name), "rb") as file:
                        self.assertNotIn(text[3:].encode(), file.read(), name)
        with open(os.path.join(self.state, "keys.json"), encoding="utf-8") as file:
            self.assertIn(digest, file.read())


del Keys

if __name__ == "__main__":
    unittest.main()
