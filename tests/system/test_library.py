# SPDX-License-Identifier: MIT
"""The C library: programs of tests/library over libharborai, against the simulator."""
import contextlib
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import unittest

import support
from support import kind

STUCK_MS = (600000, 16000)  # for ever, and until the client is closed

DRIVERS = os.path.join(support.BUILD, "tests", "library")


def command_of(place, config, program, mode, *numbers):
    return [os.path.join(DRIVERS, program), mode, support.write_config(place, config),
            os.path.join(place, "state"), *map(str, numbers)]


def run(place, config, program, mode, *numbers, timeout=120):
    """A driver over this configuration: a CompletedProcess, whose status is 0."""
    command = command_of(place, config, program, mode, *numbers)
    done = subprocess.run(command, capture_output=True, text=True, cwd=place, timeout=timeout,
                          env=support.environment(place), check=False)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


@contextlib.contextmanager
def rude_server(context=None):
    """Takes connections, shakes hands if it has a TLS context, reads a little and resets them."""
    listener = socket.create_server(("127.0.0.1", 0))

    def reset_all():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), peer:
                if context:
                    peer = context.wrap_socket(peer, server_side=True)
                peer.recv(1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()

    thread = threading.Thread(target=reset_all, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


class LibraryTest(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.stack = stack
        self.sim = stack.enter_context(support.simulator())
        self.place = stack.enter_context(support.folder())
        self.config = support.config_for(self.sim)

    def parallel(self, mode):
        """8 threads; 117 calls with handlers and 8 that wait for each: 1,000 in all."""
        done = run(self.place, self.config, "parallel", mode, 8, 117, 8)
        self.assertEqual(done.stderr, "")
        found = re.fullmatch(r"936 started and 64 waited for were answered, 0 failed, (\d+) at once\n",
                             done.stdout)
        self.assertTrue(found, done.stdout)
        self.assertGreater(int(found[1]), 500)
        lines = support.journal(os.path.join(self.place, "state"))
        ends = [line for line in lines if kind(line) == "end"]
        self.assertEqual(len({line["key"] for line in ends}), 1000)
        self.assertEqual({line["outcome"] for line in ends}, {"ok"})

    def test_parallel_calls_with_a_loop_of_the_applications(self):
        self.parallel("dispatch")

    def test_parallel_calls_with_a_thread_of_the_librarys(self):
        self.parallel("thread")

    def test_signals_and_output_are_the_applications(self):
        certs = support.make_certs(self.stack.enter_context(support.folder()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{certs}/good.pem", f"{certs}/good.key")
        plain = self.stack.enter_context(rude_server())
        tls = self.stack.enter_context(rude_server(context))
        self.config["providers"]["rude"] = support.provider(f"http://127.0.0.1:{plain}/v1", "rude")
        self.config["providers"]["rude-tls"] = support.provider(
            f"https://127.0.0.1:{tls}/v1", "rude-tls", tls={"ca_file": f"{certs}/ca.pem"})
        done = run(self.place, self.config, "conduct", "quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_what_is_waited_for_can_be_broken_off(self):
        for mode in ("interrupt", "close", "close-thread"):
            with self.subTest(mode):
                run(self.place, self.config, "conduct", mode)
        ends = [line for line in support.journal(os.path.join(self.place, "state"))
                if kind(line) == "end"]
        self.assertEqual(len(ends), 12)
        self.assertEqual({line["outcome"] for line in ends}, {"cancelled"})

    def test_a_plugin_that_does_not_return_holds_up_nobody_else(self):
        support.build_plugin(self.place, "says")
        # Nobody joins a thread that was inside the plugin, not even when it has come back.
        tsan = os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0"
        env = support.environment(self.place, TSAN_OPTIONS=tsan,
                                  HARBORAI_PLUGIN_PATH=support.plugin_path(self.place))
        cases = [(mode, ms) for mode in ("waiter", "dispatch", "thread", "close") for ms in STUCK_MS]
        running = {}
        for mode, ms in [*cases, ("handler", 13000)]:  # all at once: each takes the whole limit
            place = self.stack.enter_context(support.folder())
            running[mode, ms] = subprocess.Popen(
                command_of(place, {"providers": {"says": {}}}, "stuck", mode, ms), env=env,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.addCleanup(running[mode, ms].kill)
        for case, process in running.items():
            with self.subTest(case):
                self.assertEqual((process.communicate(timeout=90)[0], process.returncode), ("", 0))

    @unittest.skipIf(support.is_sanitized(), "a sanitizer keeps what was freed")
    def test_memory_does_not_grow(self):
        few, many = (10000, 100000) if support.LONG else (1000, 3000)
        for way in ("whole", "stream", "start"):
            if support.LONG and way != "start":
                continue
            with self.subTest(way):
                done = run(self.place, self.config, "memory", way, few, many, timeout=900)
                before, after = map(int, done.stdout.split())
                self.assertLessEqual(after, before * (1.01 if support.LONG else 1.03))


@unittest.skipIf(support.is_sanitized(), "a program of one's own is built without sanitizers")
class InstalledTest(unittest.TestCase):
    """As somebody meets it who has never seen the source: pkg-config, the compiler, a key."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.place = stack.enter_context(support.folder())
        self.sim = stack.enter_context(support.simulator())

    def pkg_config(self, root):
        subprocess.run(["make", "-s", "-C", support.BUILD, "install", "DESTDIR=" + root], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = subprocess.run(["find", root, "-name", "harborai.pc"], check=True, text=True,
                               capture_output=True).stdout.strip()
        self.assertTrue(found, "harborai.pc is installed")
        env = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found),
               "PKG_CONFIG_SYSROOT_DIR": root}
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "harborai"], env=env, check=True,
                               text=True, capture_output=True).stdout.split()
        return flags, next(flag[2:] for flag in flags if flag.startswith("-L"))

    def test_hello(self):
        flags, libraries = self.pkg_config(os.path.join(self.place, "root"))
        hello = os.path.join(self.place, "hello")
        source = os.path.join(support.ROOT, "examples", "library", "hello.c")
        subprocess.run(["cc", "-std=c11", "-Wall", "-Werror", source, *flags, "-o", hello], check=True)
        config = support.write_config(self.place, support.config_for(self.sim))
        done = subprocess.run([hello], capture_output=True, text=True, timeout=30, check=False,
                              env=support.environment(self.place, HARBORAI_CONFIG=config,
                                                      LD_LIBRARY_PATH=libraries))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^Say hello in five languages\.\n\(cost: 0\.\d+ USD\)\n$")


if __name__ == "__main__":
    unittest.main()
