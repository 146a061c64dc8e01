# SPDX-License-Identifier: MIT
"""Plugins that never let go: the gateway ends all the same, names them, and its journal is whole."""
import contextlib
import os
import signal
import subprocess
import threading
import time
import unittest

import made
import support
from support import chat_body, kind

NOTE = "#include <unistd.h>\nHARBORAI_MANIFEST_LITERAL(@MANIFEST@);"
SHUTDOWN_S = 1
LIMIT_S = SHUTDOWN_S + 10 + 2 + 10  # calls, plugins, loops; and a slow machine
HURRY_LIMIT_S = 5 + 1 + 1 + 4  # loops to cut what is open, plugins, loops; and a slow machine


def catches(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (number - 1) & 1


class StuckTest(unittest.TestCase):
    """All at once: each takes the whole limit."""

    CASES = {  # provider, its model, what is asked of it
        "create() hangs": ("hang", "hang-model", "hello"),
        "a thread keeps a call": ("says", "says", "delta hello\nthread\nforever 3 4"),
        "chat() hangs": ("says", "says", "wait 600000"),
    }

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        place = self.stack.enter_context(support.folder())
        made.build(place, "hang", note=NOTE, create="for (;;) pause();")
        support.build_plugin(place, "says")
        self.env = {"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}

    def begin(self, case):
        provider, model, content = self.CASES[case]
        config = {"providers": {provider: {}, "echo": {}},
                  "timeouts": {"shutdown": f"{SHUTDOWN_S}s"}}
        hb = self.stack.enter_context(support.gateway(config, workers=2, env=self.env))
        hb.killed = True
        self.assertEqual(hb.chat("x", "echo", headers={"x-request-id": "before"}).status, 200)

        def ask():
            with contextlib.suppress(Exception):
                hb.chat(content, model, timeout=LIMIT_S, headers={"x-request-id": "stuck"})
        threading.Thread(target=ask, daemon=True).start()
        return hb

    def test_the_process_ends_and_names_the_plugin(self):
        waits = {case: self.begin(case) for case in self.CASES}
        hurries = {case: self.begin(case) for case in self.CASES}  # by a second signal
        time.sleep(1)
        began = time.monotonic()
        for hb in [*waits.values(), *hurries.values()]:
            hb.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        hurried = time.monotonic()
        for hb in hurries.values():
            hb.process.send_signal(signal.SIGINT)
        for case, hb in hurries.items():
            with self.subTest(case, signals=2):
                self.check(case, hb, hurried, HURRY_LIMIT_S)
        for case, hb in waits.items():
            with self.subTest(case, signals=1):
                self.check(case, hb, began)

    def check(self, case, hb, began, limit_s=LIMIT_S):
        try:
            hb.process.wait(max(1, limit_s - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            self.fail(f"still alive {limit_s} s after the signal")
        self.assertEqual(hb.process.returncode, 0, hb.log()[-3000:])
        provider = self.CASES[case][0]
        named = [x for x in hb.log().splitlines() if "runtime.plugin_holds_on" in x]
        self.assertEqual(len(named), 1, hb.log())
        self.assertIn(f"provider={provider} ", named[0])
        self.assertIn(os.sep + provider + ".so", named[0])
        self.assertIn(" calls=1 ", named[0])
        lines = hb.journal()
        self.assertTrue([x for x in lines if kind(x) == "end" and x["request_id"] == "before"])
        if case != "chat() hangs":  # whose loop never came to its next line
            self.assertTrue([x for x in lines if kind(x) == "end" and x["request_id"] == "stuck"])


class ChatTest(unittest.TestCase):
    """harborai chat, whose only loop the plugin holds."""

    def test_the_second_interrupt_ends_it(self):
        with support.folder() as place:
            support.build_plugin(place, "says")
            path = support.write_config(place, {"providers": {"says": {}}})
            env = support.environment(place, HARBORAI_PLUGIN_PATH=support.plugin_path(place))
            process = subprocess.Popen(
                [support.HARBORAI, "chat", "--config", path, "-m", "says",
                 "wait 600000\nwait 600000"],  # a signal ends the first
                env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            support.wait_for("chat()", lambda: catches(process.pid, signal.SIGINT))
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(10), -signal.SIGINT)


class TransportTest(unittest.TestCase):
    """A CA file that cannot be read to its end, as on a dead mount: a FIFO without a writer."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.place = stack.enter_context(support.folder())
        file = os.path.join(self.place, "ca.pem")
        os.mkfifo(file)
        self.config = {"timeouts": {"shutdown": "1s"}, "tls": {"ca_file": file}, "providers": {
            "openai": {"base_url": "https://127.0.0.1:1", "api_key": "none"}}}

    @staticmethod
    def reads(pid):
        names = (f"/proc/{pid}/task/{task}/comm" for task in os.listdir(f"/proc/{pid}/task"))
        return any(open(name, encoding="ascii").read() == "ca-file\n" for name in names)

    def test_serve_ends(self):
        with support.gateway(self.config) as hb:
            call = support.RawStream(hb.port, chat_body("x"), "x-request-id: stuck\r\n")
            support.wait_for("the reading", lambda: self.reads(hb.pid))
            hb.process.send_signal(signal.SIGTERM)
            hb.killed = True
            self.assertEqual(hb.process.wait(10), 0)
            call.close()
            self.assertIn("runtime.transport_holds_on", hb.log())
            support.find_end(hb.state, "stuck")

    def test_chat_ends(self):
        path = support.write_config(self.place, self.config)
        process = subprocess.Popen(
            [support.HARBORAI, "chat", "--config", path, "-m", "gpt-4o", "x"],
            env=support.environment(self.place), stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        support.wait_for("the reading", lambda: self.reads(process.pid))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.assertIn("runtime.transport_holds_on", process.stderr.read())


if __name__ == "__main__":
    unittest.main()
