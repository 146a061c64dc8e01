# SPDX-License-Identifier: MIT
"""harborai serve --takeover: a gateway replaces another, and no client notices. HARBORAI_TEST_ROUNDS says
how often."""
import collections
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

import support
import test_service
from support import RawStream, chat_body
from takeovers import FormerGateway, Load, TakeoverTest

ROUNDS = int(os.environ.get("HARBORAI_TEST_ROUNDS", 20 if support.LONG else 3))


class UpgradeTest(TakeoverTest):
    def test_under_load(self):
        """No connection refused or reset, no answer cut, every call on record once."""
        hb = self.serve()
        gone = []
        with Load(self.port) as load:
            load.wait_for_more()
            for _ in range(ROUNDS):
                gone.append(hb)
                hb = self.serve("--takeover")
                load.wait_for_more()
            for old in gone:
                self.ends_well(old)
                self.assertIn("serve.replaced", old.log())
        self.assertEqual((load.refused, load.faults), ([], []))
        told = {"upgrades": ROUNDS, **load.numbers(), "told to close": load.told,
                "idle ends": load.idle_ends, "kept connections closed": load.raced}
        print(f"test_takeover: {told}", file=sys.stderr)
        self.assertGreaterEqual(load.idle_ends, 1)
        support.end(hb.process)
        lines = [line for line in support.journal(self.state) if support.kind(line) == "end"]
        ends = collections.Counter(line["request_id"] for line in lines)
        self.assertEqual({mark: ends[mark] for mark in load.answered if ends[mark] != 1}, {})
        self.assertEqual({line["outcome"] for line in lines}, {"ok"})

    def test_kept_connections(self):
        """One that asks again is answered and told; one that does not is closed after 5 s; a stream whose head
        promised that its connection stays keeps that promise."""
        old = self.serve()
        body = json.dumps(chat_body("again")).encode()
        request = (b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
                   % len(body)) + body
        with contextlib.ExitStack() as stack:
            asks, silent = (stack.enter_context(contextlib.closing(old.connect())) for _ in range(2))
            stream = stack.enter_context(contextlib.closing(
                RawStream(self.port, chat_body({"events": 50, "delay_ms": 20}, stream=True))))
            stream.read_until(b"000001 ")
            for client in (asks, silent):
                self.assertEqual(support.exchange(client, "GET", "/health").status, 200)
            began = time.monotonic()
            self.serve("--takeover")
            support.wait_for("it is told", lambda: self.is_told_to_close(asks))
            stream.read_until(b"[DONE]\n\n\r\n0\r\n\r\n")
            stream.seen = b""
            stream.sock.sendall(request)
            self.assertIn(b"connection: close", stream.read_until(b"again"))
            silent.sock.settimeout(30)
            self.assertEqual(silent.sock.recv(1), b"")
            self.assertGreaterEqual(time.monotonic() - began, 4.9)
        self.ends_well(old)

    def is_told_to_close(self, client):
        answer = support.exchange(client, "GET", "/health")
        self.assertEqual(answer.status, 200)
        return answer.headers.get("connection") == "close"

    def test_half_a_request(self):
        """It is read to its end by who has it."""
        old = self.serve()
        body = json.dumps(chat_body("x" * 1000)).encode()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=30))
                       for _ in range(3)]
            request = head + body
            cuts = (10, len(head) + 10, len(request) - 1)
            for client, cut in zip(clients, cuts):
                client.sendall(request[:cut])
            support.wait_for("the connections", lambda: b"harborai_active_connections 4\n" in
                             old.request("GET", "/metrics").body)
            self.serve("--takeover")
            support.wait_for("the old one retires", lambda: "serve.replaced" in old.log())
            for client, cut in zip(clients, cuts):
                client.sendall(request[cut:])
            for client in clients:
                answer = b""
                while piece := client.recv(65536):
                    answer += piece
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer[:300])
                self.assertIn(b"x" * 1000, answer)
        self.ends_well(old)

    def test_a_signal_hurries_the_old_one(self):
        config = {**support.config_for(self.sim), "timeouts": {"shutdown": "1s"}}
        self.config = support.write_config(self.place, config)
        old = self.serve()
        with contextlib.closing(RawStream(self.port, chat_body({"hang": "body"}, stream=True))) as call:
            support.wait_for("call at the vendor", lambda: self.sim.lines("request"))
            new = self.serve("--takeover")
            support.wait_for("the old one retires", lambda: "serve.replaced" in old.log())
            time.sleep(0.5)
            self.assertTrue(old.alive(), "it waits for its call")
            old.process.send_signal(signal.SIGTERM)
            self.ends_well(old, 30)
            self.assertNotIn(b"[DONE]", call.seen)
        self.assertIn("serve.stop", old.log())
        self.assertTrue(new.healthy())

    def test_under_a_service_manager(self):
        """Which passes both the same socket. It is never told that the service stops because the old one
        does: it would end calls when their time to stop is over."""
        sock = self.stack.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0))))
        manager = self.stack.enter_context(
            contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)))
        manager.bind(os.path.join(self.place, "notify"))
        manager.settimeout(30)
        self.port = sock.getsockname()[1]
        env = {"NOTIFY_SOCKET": manager.getsockname()}
        old = self.serve(env=env, **test_service.passed(sock))
        self.assertIn(b"READY=1", manager.recv(4096))
        with contextlib.closing(RawStream(self.port, chat_body({"hang": "body"}, stream=True))):
            support.wait_for("call at the vendor", lambda: self.sim.lines("request"))
            new = self.serve("--takeover", **test_service.passed(sock))
            self.assertEqual(manager.recv(4096), f"MAINPID={new.pid}".encode())
            support.wait_for("the old one retires", lambda: "serve.replaced" in old.log())
        self.ends_well(old)
        manager.settimeout(0.1)
        with self.assertRaises(TimeoutError):
            manager.recv(4096)
        self.assertTrue(new.healthy())

    def test_commands_reach_the_new_one(self):
        old = self.serve()
        inode = os.lstat(self.control).st_ino
        env = {"HARBORAI_STATE_DIR": self.state, "HOME": self.place}
        with contextlib.closing(RawStream(self.port, chat_body({"events": 300, "delay_ms": 20},
                                                               stream=True))) as call:
            call.read_until(b"000001 ")
            new = self.serve("--takeover")
            support.wait_for("the control socket", lambda: "control.taken" in new.log())
            self.assertEqual(os.lstat(self.control).st_ino, inode)
            with open(os.path.join(self.state, "control.lock"), encoding="ascii") as lock:
                self.assertEqual(lock.read(), f"{new.pid}\n")
            done = support.harborai("plugin", "disable", "openai", env=env, config=support.config_for(self.sim))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(new.chat().status, 404)
            self.assertTrue(old.alive())
            third = self.serve("--takeover")
            support.wait_for("the control socket", lambda: "control.taken" in third.log())
            self.ends_well(new)
            call.gaps()
        self.ends_well(old)
        self.assertTrue(os.path.exists(self.control))
        os.kill(third.pid, signal.SIGSTOP)
        try:
            said = support.harborai("plugin", "list", env=env).stderr
            self.assertIn(f"process {third.pid}, is stopped", said)
        finally:
            os.kill(third.pid, signal.SIGCONT)
        third.process.send_signal(signal.SIGTERM)
        self.ends_well(third)
        self.assertFalse(os.path.exists(self.control))

    def test_the_same_port_where_any_will_do(self):
        old = self.serve(port=0)
        port = re.search(r"listening on http://127\.0\.0\.1:(\d+)\n", old.log())[1]
        new = self.serve("--takeover", port=0)
        self.assertIn(f"listening on http://127.0.0.1:{port}\n", new.log())
        self.ends_well(old)

    def test_calls_are_copied_by_one(self):
        """The old one's drain goes on until its end, and the new one's takes over then."""
        old = self.serve()
        with contextlib.closing(RawStream(self.port, chat_body({"events": 100, "delay_ms": 20},
                                                               stream=True))) as call:
            call.read_until(b"000001 ")
            new = self.serve("--takeover")
            self.assertEqual(new.chat("mine", headers={"x-request-id": "of-the-new"}).status, 200)
            call.gaps()
        self.ends_well(old)
        self.assertEqual(new.chat("mine", headers={"x-request-id": "later"}).status, 200)
        support.wait_for("rows of the index", lambda: self.indexed() == 3, 60)

    def indexed(self):
        path = os.path.join(self.state, "index.sqlite3")
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM calls").fetchone()[0]


class RefusedTest(TakeoverTest):
    """One goes on, whatever happens to the other."""

    def goes_on(self, hb):
        for i in range(20):
            self.assertEqual(hb.chat(f"still {i}").text(), f"still {i}")
        self.assertTrue(os.path.exists(self.control))
        self.assertNotIn("serve.replaced", hb.log())

    def test_nobody_is_there(self):
        for _ in range(2):
            hb = self.serve("--takeover")
            self.assertRegex(hb.log(), "takeover\\.none reason=")
            self.assertEqual(hb.chat("x").text(), "x")
            hb.kill()  # the socket stays behind

    def test_a_second_one_without_takeover(self):
        hb = self.serve()
        status, said = self.refused()
        self.assertEqual(status, 3)
        self.assertRegex(said, rf"harborai: cannot listen on '127\.0\.0\.1', port {self.port}: .* another "
                               r"program listens there; choose another port .*'harborai serve --takeover'")
        self.goes_on(hb)

    def test_another_port(self):
        hb = self.serve()
        status, said = self.refused("--takeover", port=support.free_port())
        self.assertEqual(status, 3)
        self.assertRegex(said, rf"harborai: the gateway that runs listens on 127\.0\.0\.1, port {self.port}, and "
                               r"these settings do not: --takeover keeps the address; set --host and --port")
        support.wait_for("the log", lambda: "takeover.given_up" in hb.log())
        self.goes_on(hb)
        self.ends_with_a_successor(hb)

    def ends_with_a_successor(self, hb):
        self.serve("--takeover")
        self.ends_well(hb)

    def test_a_configuration_that_is_wrong(self):
        hb = self.serve()
        support.write_config(self.place, {"providers": {"openai": {"no_such": 1}}})
        status, said = self.refused("--takeover")
        self.assertEqual(status, 78, said)
        self.assertNotIn("takeover.asked", hb.log())
        self.goes_on(hb)

    def test_a_new_one_that_dies(self):
        hb = self.serve()
        sock, answer, fds = self.ask()
        self.assertTrue(answer.startswith(b"HTTP/1.1 101 "), answer)
        self.assertEqual(len(fds), 3)
        with socket.socket(fileno=os.dup(fds[2])) as clients:
            self.assertEqual(clients.getsockname(), ("127.0.0.1", self.port))
        for fd in fds:
            os.close(fd)
        sock.close()
        support.wait_for("the log", lambda: "reason='it ended before it was ready'" in hb.log())
        self.goes_on(hb)
        self.ends_with_a_successor(hb)

    def test_a_new_one_that_is_killed_when_it_has_the_sockets(self):
        """It is stopped as soon as the old one has been asked, wherever it is then."""
        hb = self.serve()
        new = self.launch("--takeover")
        while new.alive() and "takeover.asked" not in hb.log():
            time.sleep(0.001)
        new.process.kill()
        new.process.wait()
        ended = support.wait_for("either of both", lambda: "serve.replaced" in hb.log() or
                                 "takeover.given_up" in hb.log())
        self.assertTrue(ended)
        if "serve.replaced" not in hb.log():  # it came too late for this test
            self.goes_on(hb)

    def test_a_new_one_that_is_late(self):
        hb = self.serve()
        sock, _, _ = self.ask()
        self.goes_on(hb)
        self.assertEqual(sock.recv(100), b"late\n")
        self.assertEqual(sock.recv(100), b"")
        self.assertIn("takeover.given_up", hb.log())
        self.goes_on(hb)
        self.ends_with_a_successor(hb)

    def test_what_is_asked_wrongly(self):
        hb = self.serve()
        _, answer, fds = self.ask("harborai-takeover/2")
        self.assertTrue(answer.startswith(b"HTTP/1.1 409 "), answer)
        self.assertIn(b"'harborai-takeover/1' and was asked for 'harborai-takeover/2'", answer)
        self.assertEqual(fds, [])
        sock, _, _ = self.ask()
        _, answer, fds = self.ask()
        self.assertTrue(answer.startswith(b"HTTP/1.1 409 "), answer)
        self.assertIn(f"process {os.getpid()} is about to take them".encode(), answer)
        sock.sendall(b"steady\n")
        self.assertEqual(sock.recv(100), b"")
        self.assertEqual(hb.request("POST", "/takeover").status, 404)
        self.goes_on(hb)

    def test_a_new_one_that_is_told_to_end(self):
        """Before it could serve: the old one does not end for it."""
        hb = self.serve()
        os.kill(hb.pid, signal.SIGSTOP)  # so that it is asked, and does not answer yet
        new = self.launch("--takeover")
        support.wait_for("the new one asks", self.has_been_connected_to)
        new.process.send_signal(signal.SIGTERM)
        os.kill(hb.pid, signal.SIGCONT)
        self.ends_well(new)
        self.assertIn("serve.stop signal=15", new.log())
        self.goes_on(hb)
        self.assertIn("reason='it ended before it was ready'", hb.log())
        self.ends_with_a_successor(hb)

    def has_been_connected_to(self):
        """The socket that listens has its name there, and so has one for each connection."""
        with open("/proc/net/unix", encoding="utf-8") as table:
            return table.read().count(" " + self.control + "\n") > 1

    def test_an_old_one_that_ends_meanwhile(self):
        """SIGTERM between both: the new one serves, by the same names."""
        path = os.path.join(self.place, "gateway.sock")
        self.config = support.write_config(self.place, {**support.config_for(self.sim),
                                                        "server": {"socket": path}})
        hb = self.serve()
        sock, _, fds = self.ask()
        with contextlib.closing(RawStream(self.port, chat_body({"events": 100, "delay_ms": 20},
                                                               stream=True))) as call:
            call.read_until(b"000001 ")
            hb.process.send_signal(signal.SIGTERM)
            support.wait_for("the stop", lambda: "serve.stop" in hb.log())
            support.wait_for("its name to go", lambda: not os.path.exists(self.control))
            sock.sendall(b"ready\n")
            self.assertEqual(sock.recv(100), b"ending\n")
            call.gaps()
        self.ends_well(hb)
        for fd, family, address in ((fds[2], socket.AF_INET, ("127.0.0.1", self.port)),
                                    (fds[3], socket.AF_UNIX, path)):
            with socket.socket(fileno=os.dup(fd)) as clients, socket.socket(family) as client:
                clients.settimeout(10)
                client.connect(address)
                clients.accept()[0].close()


class FormerTest(TakeoverTest):
    """Old ones that do not do as this version does."""

    def former(self, do):
        one = FormerGateway(self.state, do)
        self.addCleanup(one.end)
        self.port = one.port
        return one

    def test_one_that_dies(self):
        """The new one has the sockets: it serves, and makes a control socket of its own."""
        one = self.former(lambda one, peer: one.give(peer))
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as waiting:
            waiting.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            hb = self.serve("--takeover")
            self.assertTrue(waiting.recv(65536).startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"POST /takeover HTTP/1.1\r\n", one.heard)
        self.assertEqual(hb.chat("x").text(), "x")
        support.wait_for("a control socket", lambda: "control.taken" in hb.log())
        self.serve("--takeover")
        self.ends_well(hb)

    def test_one_that_ends(self):
        def end(one, peer):
            one.give(peer)
            peer.sendall(b"ending\n")
        self.former(end)
        hb = self.serve("--takeover")
        self.assertEqual(hb.chat("x").text(), "x")

    def test_one_that_goes_on(self):
        heard = []

        def say_late(one, peer):
            heard.append(one.give(peer))
            peer.sendall(b"late\n")
        self.former(say_late)
        status, said = self.refused("--takeover")
        self.assertEqual((status, heard), (6, [b"ready\n"]), said)
        self.assertRegex(said, rf"process {os.getpid()}, goes on: this one was not ready within 10 s")

    def test_one_that_goes_on_leaves_no_client_without_an_answer(self):
        """The new one has accepted clients by then that had not asked anything yet."""
        accepted = threading.Event()

        def say_late(one, peer):
            one.give(peer)
            accepted.wait(60)
            peer.sendall(b"late\n")
        one = self.former(say_late)
        self.addCleanup(accepted.set)
        new = self.launch("--takeover")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=30))
                       for _ in range(4)]
            clients[0].sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            self.assertTrue(clients[0].recv(65536).startswith(b"HTTP/1.1 200 "))
            accepted.set()
            support.wait_for("its end", lambda: "goes on: this one was not ready" in new.log(), 30)
            for client in clients:
                client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
                answer = client.recv(65536)
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
                self.assertIn(b"\r\nconnection: close\r\n", answer)
        self.assertEqual(new.process.wait(30), 6, new.log())

    def test_a_version_that_knows_no_upgrades(self):
        def refuse(_, peer):
            body = b'{"error":{"message":"unknown path"}}'
            peer.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
                         % (len(body), body))
        self.former(refuse)
        status, said = self.refused("--takeover")
        self.assertEqual(status, 3)
        self.assertIn("does not give its sockets: its version knows no upgrades; stop it", said)

    def test_one_that_gives_something_else(self):
        def give_files(one, peer):
            with open(os.devnull, "rb") as null:
                socket.send_fds(peer, [one.AGREED], [null.fileno()] * 4)
                peer.recv(100)
        self.former(give_files)
        status, said = self.refused("--takeover")
        self.assertEqual(status, 3, said)
        self.assertIn("what are no listening sockets", said)

    if support.LONG:  # it takes 20 s
        def test_one_that_hangs(self):
            hb = self.serve()
            os.kill(hb.pid, signal.SIGSTOP)
            status, said = self.refused("--takeover")
            os.kill(hb.pid, signal.SIGCONT)
            self.assertEqual(status, 6)
            self.assertIn(f"process {hb.pid}, does not answer within 20 s", said)
            support.wait_for("its health", hb.healthy)
            self.assertNotIn("serve.replaced", hb.log())

    def test_another_users(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be another user")
        hb = self.serve()
        os.chmod(self.place, 0o755)
        os.chmod(self.state, 0o755)
        os.chmod(self.control, 0o666)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", "python3", "-c",
             "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
             "s.sendall(b'POST /takeover HTTP/1.1\\r\\nhost: x\\r\\nupgrade: harborai-takeover/1\\r\\n\\r\\n');"
             "print(len(socket.recv_fds(s, 100, 9)[1]))", self.control],
            capture_output=True, text=True, check=False, timeout=20)
        self.assertTrue(done.stdout.strip() == "0" or "Connection" in done.stderr
                        or "BrokenPipe" in done.stderr, done.stdout + done.stderr)
        self.assertEqual(hb.chat("x").text(), "x")


if __name__ == "__main__":
    unittest.main()
