# SPDX-License-Identifier: MIT
"""Under a service manager: sockets that are passed, and what the manager is told. The manager is a
Python parent that does what sd_listen_fds(3) and sd_notify(3) say, and systemd-socket-activate."""
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

import support
from support import exchange

# LISTEN_PID must be the process's own, which is known only behind fork(): argv is FDS COMMAND…
AS_MANAGER = """
import os, sys
for at, fd in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(fd, 60 + at)
for at in range(len(sys.argv[1].split(","))):
    os.dup2(60 + at, 3 + at)
    os.close(60 + at)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv[1].split(","))),
                  LISTEN_FDNAMES="a:b")
os.execv(sys.argv[2], sys.argv[2:])
"""


def passed(*sockets):
    """What support.listening() takes so that the gateway gets these."""
    fds = [sock.fileno() for sock in sockets]
    return {"wrapper": (sys.executable, "-c", AS_MANAGER, ",".join(map(str, fds))), "pass_fds": fds}


class PassedSocketsTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)

    def socket(self, address, family=socket.AF_INET, kind=socket.SOCK_STREAM, listens=True):
        sock = self.stack.enter_context(contextlib.closing(socket.socket(family, kind)))
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
        if listens:
            sock.listen(8)
        return sock

    def test_an_address(self):
        sock = self.socket(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with support.listening("--port", "1", **passed(sock)) as hb:
            self.assertEqual(hb.url, f"http://127.0.0.1:{port}")
            self.assertEqual(hb.request("GET", "/health").status, 200)

    def test_both_families(self):
        """As systemd makes a ListenStream= that is a port alone: who comes by IPv4 has an address there."""
        sock = self.socket(("::", 0), socket.AF_INET6)
        config = {"server": {"auth": "off", "requests_per_minute": 1}}
        with support.listening(config=config, **passed(sock)) as hb:
            seen = {}
            for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
                seen.setdefault(source, []).append(self.chat_from(source, sock.getsockname()[1]))
            self.assertEqual(seen, {"127.0.0.1": [404, 429], "127.0.0.2": [404]})
            clients = {line["client"] for line in hb.journal() if line["type"] == "end"}
            self.assertEqual(clients, {"127.0.0.1", "127.0.0.2"})

    def chat_from(self, source, port):
        """A status: of a model that there is not."""
        client = http.client.HTTPConnection(source, port, timeout=20, source_address=(source, 0))
        with contextlib.closing(client):
            return exchange(client, "POST", "/v1/chat/completions", support.chat_body("x", "none")).status

    def test_a_connection_that_waited(self):
        """What came before the gateway was there is answered, too."""
        sock = self.socket(("127.0.0.1", 0))
        with contextlib.closing(socket.create_connection(sock.getsockname())) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            with support.listening(**passed(sock)):
                client.settimeout(20)
                self.assertIn(b"HTTP/1.1 200 OK\r\n", client.recv(65536))

    def test_several(self):
        path = os.path.join(self.stack.enter_context(support.folder()), "passed.sock")
        socks = [self.socket(("127.0.0.1", 0)), self.socket(path, socket.AF_UNIX),
                 self.socket("\0harborai-test-" + str(os.getpid()), socket.AF_UNIX)]
        with support.listening(**passed(*socks)) as hb:
            self.assertEqual(hb.url, f"http://127.0.0.1:{socks[0].getsockname()[1]}, unix:{path}, "
                             f"unix:@harborai-test-{os.getpid()}")
            self.assertEqual(hb.request("GET", "/health").status, 200)
            for where in (path, socks[2].getsockname()):
                with contextlib.closing(support.UnixConnection(where)) as client:
                    self.assertEqual(exchange(client, "GET", "/health").status, 200)
        self.assertTrue(os.path.exists(path), "the name is the manager's")

    def test_no_connection_waits_at_one_of_several(self):
        """Loops stop asking and ask again as their shares change: each address is asked by one at least."""
        socks = [self.socket(("127.0.0.1", 0)) for _ in range(3)]
        with support.listening("--workers", "4", **passed(*socks)):
            with contextlib.ExitStack() as stack:
                for turn in range(40):
                    clients = [stack.enter_context(contextlib.closing(
                        socket.create_connection(sock.getsockname()))) for sock in socks for _ in range(4)]
                    for client in clients:
                        client.settimeout(20)
                        client.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
                    for client in clients:
                        self.assertIn(b"HTTP/1.1 200 OK\r\n", client.recv(65536), turn)
                    for client in clients[turn % 3::2]:
                        client.close()

    def test_a_restart_loses_no_connection(self):
        sock = self.socket(("127.0.0.1", 0))
        with support.listening(**passed(sock)) as hb:
            self.assertTrue(hb.healthy())
        with contextlib.closing(socket.create_connection(sock.getsockname())) as client:
            client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            with support.listening(**passed(sock)):
                client.settimeout(20)
                self.assertIn(b"HTTP/1.1 200 OK\r\n", client.recv(65536))

    def test_what_is_no_listening_socket_is_refused(self):
        deaf = self.socket(("127.0.0.1", 0), listens=False)
        datagrams = self.socket(("127.0.0.1", 0), kind=socket.SOCK_DGRAM, listens=False)
        good = self.socket(("127.0.0.1", 0))
        for socks in ((deaf,), (good, datagrams)):
            with support.listening(wait=False, **passed(*socks)) as hb:
                hb.process.wait(20)
                hb.killed = True
                self.assertNotEqual(hb.process.returncode, 0)
                self.assertIn(f"cannot use descriptor {2 + len(socks)}, a socket that was passed "
                              "(LISTEN_FDS): it is no stream socket that listens", hb.log())

    def test_no_child_takes_them_for_its_own(self):
        seen = os.path.join(self.stack.enter_context(support.folder()), "seen")
        key = f"exec:sh -c '(env; ls -l /proc/self/fd) >{seen}; echo sk-0123456789'"
        config = {"providers": {"lab": {"plugin": "openai", "base_url": "http://127.0.0.1:1/v1",
                                        "api_key": key}}}
        sock = self.socket(("127.0.0.1", 0))
        inode = os.fstat(sock.fileno()).st_ino
        with support.listening(config=config, env={"NOTIFY_SOCKET": "@nobody"}, **passed(sock)):
            with open(seen, encoding="utf-8") as file:
                text = file.read()
        self.assertIn("PATH=", text)
        for word in ("LISTEN_", "NOTIFY_SOCKET", f"socket:[{inode}]"):
            self.assertNotIn(word, text)

    def test_variables_of_another_process(self):
        """As a shell inherits them from a service."""
        with support.listening("--port", "0", env={"LISTEN_PID": os.getpid(), "LISTEN_FDS": "1"}) as hb:
            self.assertTrue(hb.healthy())

    def test_variables_that_make_no_sense(self):
        for fds, words in (("one", "is no number from 0 to 64"), ("65", "is no number from 0 to 64"),
                           ("9", "it is not open")):
            script = ('import os, sys; os.environ.update(LISTEN_PID=str(os.getpid()), '
                      f'LISTEN_FDS="{fds}"); os.execv(sys.argv[1], sys.argv[1:])')
            done = support.harborai("serve", "--port", "0", wrapper=(sys.executable, "-c", script))
            self.assertEqual(done.returncode, 78)
            self.assertIn(words, done.stderr)


class SocketActivateTest(unittest.TestCase):
    def test_systemd_socket_activate(self):
        port = support.free_port()
        command = ["systemd-socket-activate", "-E", "HARBORAI_SYSTEM_CONFIG=", "-l", f"127.0.0.1:{port}"]
        with support.listening(wrapper=command, wait=False) as hb:
            # It starts the gateway when the first connection comes, which then is answered.
            support.wait_for("the socket", lambda: "Listening on" in hb.log())
            hb.port = port
            self.assertEqual(hb.request("GET", "/health").status, 200)
            support.wait_for("it says where it listens", hb.told_url)
            self.assertEqual(hb.url, f"http://127.0.0.1:{port}")
            hb.process.send_signal(signal.SIGTERM)
            hb.process.wait(20)
            hb.killed = True
            self.assertEqual(hb.process.returncode, 0)


class NotifyTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.manager = self.stack.enter_context(
            contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)))
        self.manager.settimeout(20)

    def hear(self):
        return dict(line.split("=", 1) for line in self.manager.recv(4096).decode().splitlines())

    def check_life(self, notify):
        with support.listening("--port", "0", env={"NOTIFY_SOCKET": notify}) as hb:
            self.assertEqual(self.hear(), {"READY": "1", "STATUS": "listening on " + hb.url})
            self.assertTrue(hb.healthy())
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            hb.process.send_signal(signal.SIGHUP)
            told = self.hear()
            self.assertEqual(told["RELOADING"], "1")
            self.assertGreaterEqual(int(told["MONOTONIC_USEC"]), before)
            self.assertLessEqual(int(told["MONOTONIC_USEC"]),
                                 time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
            self.assertEqual(self.hear()["READY"], "1")
            hb.process.send_signal(signal.SIGTERM)
            self.assertEqual(self.hear(), {"STOPPING": "1"})
            hb.process.wait(20)
            hb.killed = True

    def bind(self):
        """To an abstract name; returns what NOTIFY_SOCKET is then."""
        name = f"harborai-notify-{os.getpid()}"
        self.manager.bind("\0" + name)
        return "@" + name

    def how(self):
        """For several gateways that the manager hears and that have one state directory."""
        return {"env": {"NOTIFY_SOCKET": self.bind()}, "state": self.stack.enter_context(support.folder())}

    def hear_all(self, count):
        """So many datagrams, in any order: of two processes it is not defined."""
        return [self.hear() for _ in range(count)]

    def test_another_process_takes_over(self):
        """The service goes on in the new one: the old one says so, and never that the service stops."""
        how = self.how()
        port = support.free_port()
        with support.listening("--port", str(port), **how) as old:
            self.assertNotIn("MAINPID", self.hear())
            with support.listening("--port", str(port), "--takeover", **how) as new:
                told = self.hear_all(2)
                self.assertIn({"MAINPID": str(new.pid)}, told)
                self.assertIn({"READY": "1", "MAINPID": str(new.pid), "STATUS": "listening on " + new.url},
                              told)
                self.assertEqual(old.process.wait(60), 0)
                old.killed = True
                new.process.send_signal(signal.SIGHUP)  # the next thing that is heard is the new one's
                self.assertEqual(self.hear()["RELOADING"], "1")
                self.assertEqual(self.hear(), {"READY": "1", "STATUS": "listening on " + new.url})
                new.process.send_signal(signal.SIGTERM)
                self.assertEqual(self.hear(), {"STOPPING": "1"})
                self.assertEqual(new.process.wait(60), 0)
                new.killed = True
        self.silent()

    def test_a_signal_to_one_that_was_replaced(self):
        """It hurries; the service does not stop."""
        how = self.how()
        port = support.free_port()
        with support.listening("--port", str(port), **how) as old:
            self.hear()
            kept = self.stack.enter_context(contextlib.closing(old.connect()))
            self.assertEqual(exchange(kept, "GET", "/health").status, 200)
            with support.listening("--port", str(port), "--takeover", state=how["state"]) as new:
                self.assertEqual(self.hear(), {"MAINPID": str(new.pid)})
                support.wait_for("it is replaced", lambda: "serve.replaced" in old.log())
                old.process.send_signal(signal.SIGTERM)
                self.assertEqual(old.process.wait(60), 0)
                old.killed = True
        self.silent()

    def test_one_that_cannot_take_over(self):
        """Nobody says that it is the service now, and the old one is."""
        how = self.how()
        with support.listening("--port", "0", **how) as old:
            self.hear()
            done = support.harborai("serve", "--takeover", "--state-dir", how["state"], "--port",
                                    str(support.free_port()), env=how["env"])
            self.assertNotEqual(done.returncode, 0)
            old.process.send_signal(signal.SIGTERM)
            self.assertEqual(self.hear(), {"STOPPING": "1"})
            old.process.wait(20)
            old.killed = True

    def silent(self):
        """All processes have ended: what they said is there."""
        self.manager.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.hear()

    def test_a_path(self):
        path = os.path.join(self.stack.enter_context(support.folder()), "notify")
        self.manager.bind(path)
        self.check_life(path)

    def test_an_abstract_name(self):
        self.check_life(self.bind())

    def test_a_manager_that_is_gone(self):
        with support.listening("--port", "0", env={"NOTIFY_SOCKET": "/nowhere/notify"}) as hb:
            self.assertTrue(hb.healthy())
            self.assertRegex(hb.log(), r"warn serve\.notify_failed socket='/nowhere/notify' "
                             r"error='No such file or directory'")


class UnitTest(unittest.TestCase):
    """The units in examples/systemd."""

    def test_systemd_takes_them(self):
        place = os.path.join(support.ROOT, "examples", "systemd")
        with support.folder() as copy:
            for name in ("harborai.service", "harborai.socket"):
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    text = re.sub(r"(?m)^(ExecStart=)\S+", rf"\g<1>{support.HARBORAI}", file.read())
                with open(os.path.join(copy, name), "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                                   os.path.join(copy, "harborai.service"),
                                   os.path.join(copy, "harborai.socket")],
                                  capture_output=True, text=True, check=False, timeout=60,
                                  env={**os.environ, "SYSTEMD_UNIT_PATH": copy + ":"})
            said = [line for line in done.stderr.splitlines() if copy in line or "harborai" in line]
            self.assertEqual((done.returncode, said), (0, []), done.stderr)


if __name__ == "__main__":
    unittest.main()
