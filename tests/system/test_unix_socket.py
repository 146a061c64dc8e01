# SPDX-License-Identifier: MIT
"""The gateway's Unix socket: who may connect, whose the name is, and what is left of it."""
import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import unittest

import support
from support import chat_body, exchange


def ask(path, method="GET", what="/health", body=None):
    with contextlib.closing(support.UnixConnection(path)) as client:
        return exchange(client, method, what, body)


class SocketTest(support.WithSimulator):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.path = os.path.join(self.stack.enter_context(support.folder()), "gw.sock")

    def serve(self, *arguments, **more):
        return support.listening("--socket", self.path, *arguments,
                                 **{"config": self.config, **more})

    def alone(self, *arguments, **more):
        return self.serve("--host", "none", *arguments, **more)

    def mode(self):
        return stat.S_IMODE(os.lstat(self.path).st_mode)

    def curl(self, *arguments):
        done = subprocess.run(["curl", "-sS", "--max-time", "20", "--unix-socket", self.path, *arguments],
                              capture_output=True, check=False, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_curl(self):
        url = "http://localhost/v1/chat/completions"
        with self.alone() as hb:
            whole = json.loads(self.curl(url, "-H", "content-type: application/json", "-H",
                                         "x-request-id: by-unix", "-d", json.dumps(chat_body("by curl"))))
            self.assertEqual(whole["choices"][0]["message"]["content"], "by curl")
            stream = self.curl("-N", url, "-d", json.dumps(chat_body("one two", stream=True)))
            self.assertEqual(support.stream_text(support.parse_events(stream)), "one two")
            self.assertEqual(support.find_end(hb.state, "by-unix")["client"], "unix")
            support.wait_for("the calls in the index", lambda: {"unix"} == {  # a socket is local
                x["client"] for x in json.loads(self.curl("http://localhost/v1/logs/query"))["logs"]})

    def test_it_is_no_address(self):
        """Who comes by it is in no limit of an address: all would share one."""
        config = {**self.config, "server": {"requests_per_minute": 1}}
        with self.serve("--port", "0", config=config) as hb:
            by_unix = [ask(self.path, "POST", "/v1/chat/completions", chat_body("x")) for _ in range(3)]
            self.assertEqual([answer.status for answer in by_unix], [200] * 3)
            self.assertIsNone(by_unix[0].headers["x-ratelimit-limit-requests"])
            self.assertEqual([hb.chat("x").status for _ in range(2)], [200, 429])

    def test_beside_an_address(self):
        with self.serve("--port", "0") as hb:
            self.assertRegex(hb.url, r"^http://127\.0\.0\.1:\d+, unix:" + re.escape(self.path) + "$")
            self.assertEqual(hb.request("GET", "/health").status, 200)
            self.assertEqual(ask(self.path).status, 200)

    def test_nor_are_its_connections_of_one(self):
        server = {"limits": {"connections_per_address": 2}}
        with self.serve("--port", "0", config={**self.config, "server": server}) as hb:
            with contextlib.ExitStack() as stack:
                local = [stack.enter_context(contextlib.closing(support.UnixConnection(self.path)))
                         for _ in range(5)]
                far = [stack.enter_context(contextlib.closing(hb.connect())) for _ in range(3)]
                statuses = [exchange(client, "GET", "/health").status for client in local + far]
                self.assertEqual(statuses, [200] * 5 + [200, 200, 503])

    def test_alone(self):
        with self.alone() as hb:
            self.assertEqual(hb.url, "unix:" + self.path)
            with open(f"/proc/{hb.pid}/net/tcp", encoding="ascii") as file:
                listening = {line.split()[9] for line in file if line.split()[3] == "0A"}
            ours = set()
            for fd in os.listdir(f"/proc/{hb.pid}/fd"):
                with contextlib.suppress(OSError):
                    ours.add(os.readlink(f"/proc/{hb.pid}/fd/{fd}"))
            self.assertFalse({f"socket:[{inode}]" for inode in listening} & ours)

    def test_large_bodies_both_ways(self):
        text = "x" * (5 << 20)
        with self.alone():
            answer = ask(self.path, "POST", "/v1/chat/completions", chat_body(text))
            self.assertEqual((answer.status, len(answer.text())), (200, len(text)))

    def test_mode(self):
        for access, mode in ((None, 0o600), ("user", 0o600), ("group", 0o660), ("everyone", 0o666)):
            server = {} if access is None else {"server": {"socket_access": access}}
            with self.subTest(access), self.alone(config={**self.config, **server}):
                self.assertEqual(self.mode(), mode)
                self.assertEqual(ask(self.path).status, 200)

    def test_it_goes_with_the_gateway(self):
        with self.alone():
            self.assertTrue(os.path.exists(self.path))
        self.assertFalse(os.path.lexists(self.path))

    def test_what_another_put_there_stays(self):
        with self.alone():
            os.unlink(self.path)
            other = self.stack.enter_context(contextlib.closing(socket.socket(socket.AF_UNIX)))
            other.bind(self.path)
        self.assertTrue(os.path.exists(self.path))

    def test_one_of_a_dead_process_is_replaced(self):
        with self.alone() as hb:
            hb.kill()
        self.assertTrue(os.path.exists(self.path), "kill -9 leaves it")
        with self.alone():
            self.assertEqual(ask(self.path).status, 200)

    def test_one_of_a_live_process_is_not(self):
        with self.alone() as hb:
            done = support.harborai("serve", "--host", "none", "--socket", self.path)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"cannot listen on the socket '{self.path}': another program, process "
                          f"{hb.pid}, listens there", done.stderr)
            self.assertEqual(ask(self.path).status, 200)
            done = support.harborai("serve", "--port", "0", "--socket", self.path)
            self.assertNotEqual(done.returncode, 0, "half a gateway is none")

    def test_of_two_that_start_at_once_one_has_it(self):
        with self.alone() as hb:
            hb.kill()
        with contextlib.ExitStack() as stack:
            two = [stack.enter_context(self.alone(wait=False)) for _ in range(2)]
            support.wait_for("one gives up", lambda: any(not hb.alive() for hb in two))
            support.wait_for("one listens", lambda: any(hb.told_url() for hb in two))
            loser = next(hb for hb in two if not hb.alive())
            loser.killed = True
            self.assertIn("listens there", loser.log())
            self.assertEqual(ask(self.path).status, 200)

    def test_faults(self):
        place = os.path.dirname(self.path)
        there = os.path.join(place, "notes.txt")
        with open(there, "w", encoding="ascii") as file:
            file.write("keep me")
        deaf = os.path.join(place, "datagrams")
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as other:
            other.bind(deaf)
            for path, words in ((there, "what is there is no socket"), (place, "is no socket"),
                                (f"{place}/none/gw.sock", "cannot open its directory: No such file"),
                                (f"{place}/{'x' * 120}", "a socket's path may have 107 bytes"),
                                (deaf, "who listens to it cannot be told")):
                with self.subTest(words):
                    done = support.harborai("serve", "--host", "none", "--socket", path)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(words, done.stderr)
                    self.assertIn(path, done.stderr)
            self.assertTrue(os.path.exists(deaf))
        with open(there, encoding="ascii") as file:
            self.assertEqual(file.read(), "keep me")
        done = support.harborai("serve", "--host", "none")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("there is nothing to listen on", done.stderr)

    def test_a_reload_cannot_move_it(self):
        with support.listening(config={**self.config, "server": {"host": "none", "socket": self.path}}
                               ) as hb:
            support.write_config(hb.place, {**self.config, "server": {
                "host": "none", "socket": self.path + "2", "socket_access": "everyone"}})
            hb.process.send_signal(signal.SIGHUP)
            support.wait_for("reload", lambda: "config.applied" in hb.log())
            for setting in ("server.socket", "server.socket_access"):
                self.assertIn(f"config.needs_restart setting='{setting}' running=", hb.log())
            self.assertEqual(ask(self.path).status, 200)


if __name__ == "__main__":
    unittest.main()
