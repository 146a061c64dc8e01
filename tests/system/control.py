# SPDX-License-Identifier: MIT
"""For tests of harborai plugin … told to a gateway that runs."""
import contextlib
import http.client
import os
import shutil
import socket
import subprocess

import made
import support
from support import RawStream, chat_body


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("harborai", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ControlTest(support.PluginCommands):
    """A gateway with plugins in a directory of the test's own."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sim = stack.enter_context(support.simulator())
            cls.made = stack.enter_context(support.folder())
            made.build(cls.made, "acme")
            cls.openai = os.path.join(support.BUILD, "plugins", "openai", ".libs", "openai.so")
            cls.addClassCleanup(stack.pop_all().close)

    def setUp(self):
        super().setUp()
        self.plugins = os.path.join(self.home, "path")
        os.mkdir(self.plugins, 0o755)
        self.put(self.openai)
        self.state = os.path.join(self.home, "state")
        self.config = support.config_for(self.sim)
        self.env = {"HARBORAI_PLUGIN_PATH": self.plugins, "HARBORAI_STATE_DIR": self.state,
                    "HOME": self.home}

    def put(self, source, name=None):
        """As one should: a new file that is renamed."""
        target = os.path.join(self.plugins, name or os.path.basename(source))
        shutil.copy(source, target + ".new")
        os.chmod(target + ".new", 0o755)
        os.rename(target + ".new", target)
        return target

    def serve(self, config=None, **more):
        return self.stack.enter_context(support.gateway(
            self.config if config is None else config or None, env=self.env, state=self.state,
            **more))

    def providers(self):
        return self.json("list")["gateway"]["providers"]

    def socket(self):
        return os.path.join(self.state, "control.sock")

    def ask(self, method, path):
        with contextlib.closing(UnixConnection(self.socket())) as client:
            return support.exchange(client, method, path)

    def stream(self, hb, model="gpt-4o", events=100, delay_ms=20):
        call = RawStream(hb.port, chat_body({"events": events, "delay_ms": delay_ms}, model,
                                            stream=True))
        self.addCleanup(call.close)
        call.read_until(b"000001 ")
        return call

    def streams(self, hb, count, **more):
        """So many at once; all have begun."""
        body = chat_body({"events": 40, "delay_ms": 250, **more}, "gpt-4o", stream=True)
        calls = [RawStream(hb.port, body) for _ in range(count)]
        for call in calls:
            self.addCleanup(call.close)
        for call in calls:
            call.read_until(b"000001 ")
        return calls

    def mapped(self, hb, name="openai.so"):
        """The objects of that name that the gateway has mapped, by inode."""
        with open(f"/proc/{hb.pid}/maps", encoding="utf-8") as maps:
            return {line.split()[4] for line in maps if line.rstrip().endswith(name) or name in line}


class UserTest(ControlTest):
    """Without a configuration, and with the user's own directory of plugins."""

    def setUp(self):
        super().setUp()
        self.config = {}
        self.env["OPENAI_API_KEY"] = support.KEY
        self.env["OPENAI_BASE_URL"] = self.sim.base_url
        self.user = os.path.join(self.home, ".local", "lib", "harborai", "plugins")

    def run_harborai(self, *arguments):
        return subprocess.run([support.HARBORAI, *arguments], capture_output=True, text=True, timeout=60,
                              check=False, cwd=self.home, stdin=subprocess.DEVNULL,
                              env=support.environment(self.home, **self.env))
