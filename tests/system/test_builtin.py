# SPDX-License-Identifier: MIT
"""Plugins that are linked into harborai, of a tree that was configured by --with-builtin-plugins.

That such plugins do what files do, the other modules say when they are run on that tree: there
support.plugin_path() names no directory of what is built in.
"""
import http.client
import os
import shutil
import signal
import subprocess
import unittest
from unittest import mock

import support
from test_plugin_commands import PlaceTest

BUILT_IN = sorted(support.builtin_plugins())


def load_tests(_loader, tests, _pattern):
    """None of a tree without: that is no test skipped, but another program."""
    return tests if BUILT_IN else unittest.TestSuite()


class BuiltinTest(PlaceTest):
    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.plugins, "openai.so")

    def states(self):
        return {p["plugin"]: p["state"] for p in self.json("list")["plugins"]}

    def add_file(self):
        shutil.copy(os.path.join(support.BUILD, "plugins", "openai", ".libs", "openai.so"), self.file)
        os.chmod(self.file, 0o755)

    def test_list(self):
        listed = self.json("list")["plugins"]
        self.assertEqual([p["file"] for p in listed], [f"built-in/{name}" for name in BUILT_IN])
        self.assertEqual({p["state"] for p in listed}, {"ready"})
        self.assertRegex(self.plugin("list").stdout,
                         r"openai +org\.harborai\.openai +\S+ +ready +built-in/openai\n")

    def test_manifests_stand_in_the_program(self):
        done = subprocess.run(["readelf", "-n", support.HARBORAI], capture_output=True, text=True,
                              check=True)
        self.assertEqual(done.stdout.count("HarborAI"), len(BUILT_IN))

    def test_info(self):
        for name in ("openai", "org.harborai.openai", "built-in/openai"):
            text = self.plugin("info", name).stdout
            for line in (r"file +built-in/openai", r"found by +being built in",
                         r"trust +as that of harborai itself", r"state +ready"):
                self.assertRegex(text, line)

    def test_off_and_on(self):
        self.plugin("disable", "openai")
        self.assertEqual(self.states()["openai"], "disabled")
        self.assertIn("'built-in/openai' is disabled by 'harborai plugin disable'",
                      self.plugin("list").stderr)
        self.plugin("enable", "openai")
        self.assertEqual(self.states()["openai"], "ready")

    def test_cannot_be_removed(self):
        done = self.plugin("remove", "openai", code=1)
        self.assertEqual(done.stderr, "harborai: 'built-in/openai' is part of harborai itself and cannot be "
                                      "removed: 'harborai plugin disable' has it served no more\n")
        self.assertEqual(self.states()["openai"], "ready")

    def test_a_file_goes_before_it(self):
        self.add_file()
        listed = {p["file"]: p["state"] for p in self.json("list")["plugins"]}
        self.assertEqual(listed[self.file], "ready")
        self.assertEqual(listed["built-in/openai"], "shadowed")
        done = self.plugin("doctor", "openai", code=1)
        self.assertNotIn("rm built-in", done.stdout)
        os.unlink(self.file)
        self.assertEqual(self.states()["openai"], "ready")

    def maps(self, hb):
        with open(f"/proc/{hb.process.pid}/maps", encoding="utf-8") as file:
            return file.read()

    def test_serves_and_changes_places_with_a_file(self):
        """From the program to a file that was added, and back when that has gone."""
        with support.simulator() as sim, support.gateway(
                {"providers": {"openai": {"base_url": sim.base_url, "api_key": support.KEY}}},
                env={"HARBORAI_PLUGIN_PATH": self.plugins}) as hb:
            self.assertEqual(hb.chat("as built in").text(), "as built in")
            self.assertNotIn("openai.so", self.maps(hb))
            for change, is_file in ((self.add_file, True), (lambda: os.unlink(self.file), False)):
                before = hb.log().count("provider.replaced provider=openai")
                change()
                hb.process.send_signal(signal.SIGHUP)
                support.wait_for("the other code", lambda: hb.log().count(
                    "provider.replaced provider=openai") > before)
                self.assertEqual(hb.chat("and then").text(), "and then")
                if is_file:
                    self.assertIn("openai.so", self.maps(hb))


KILLS = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int rename(const char *from, const char *to)
{
    int done = renameat(AT_FDCWD, from, AT_FDCWD, to);
    if (strstr(to, "/loading/") != NULL)
        kill(getpid(), SIGKILL);
    return done;
}
"""


class CrashTest(PlaceTest):
    """A mark of danger is about the program that has the plugin in it: another one tries it anew."""
    CONFIG = {"providers": {"openai": {"base_url": "http://127.0.0.1:9", "api_key": support.KEY}}}

    def setUp(self):
        super().setUp()
        self.program = os.path.join(self.home, "harborai")
        shutil.copy(support.HARBORAI, self.program)
        patch = mock.patch.object(support, "HARBORAI", self.program)
        patch.start()
        self.addCleanup(patch.stop)
        self.kept = os.path.dirname(self.state)

    def states(self):
        return {p["plugin"]: p["state"] for p in self.json("list")["plugins"]}

    def marks(self):
        return os.listdir(os.path.join(self.kept, "loading"))

    def die_while_it_loads(self):
        """By SIGKILL as soon as there is a mark."""
        library = os.path.join(self.home, "kills.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-xc", "-", "-o", library], input=KILLS, text=True,
                       check=True)
        with support.gateway(self.CONFIG, state=self.kept, env={"LD_PRELOAD": library}) as hb:
            with self.assertRaises((OSError, http.client.HTTPException)):
                hb.chat("x")
            hb.killed = True
            hb.process.wait(20)

    def test(self):
        self.die_while_it_loads()
        self.assertEqual(len(self.marks()), 1)
        self.assertEqual({n for n, s in self.states().items() if s == "crashed"}, {"openai"})
        with support.gateway(self.CONFIG, state=self.kept) as hb:
            self.assertIn("plugin.crashed file='built-in/openai' stage=symbol", hb.log())
            self.assertEqual(hb.chat("x").status, 404)
        self.assertEqual(len(self.marks()), 1)
        # what takes the program's place
        shutil.copy(self.program, self.program + ".new")
        os.rename(self.program + ".new", self.program)
        self.assertEqual(set(self.states().values()), {"ready"})
        with support.gateway(self.CONFIG, state=self.kept) as hb:
            self.assertNotIn("plugin.crashed", hb.log())
            self.assertEqual(self.marks(), [])
            self.assertNotEqual(hb.chat("x").status, 404)

    def test_enable(self):
        self.die_while_it_loads()
        self.plugin("enable", "openai")
        self.assertEqual((self.marks(), self.states()["openai"]), ([], "ready"))
