# SPDX-License-Identifier: MIT
"""harborai plugin …: what is said of a plugin, and what is switched off and stays so."""
import contextlib
import json
import os
import subprocess
import unittest

import made
import support


class PlaceTest(unittest.TestCase):
    """A home directory, a state directory and a directory of plugins of a test's own."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.home = stack.enter_context(support.folder())
        self.plugins = os.path.join(self.home, "path")
        self.state = os.path.join(self.home, "state", "plugins.json")
        self.config = None
        os.mkdir(self.plugins, 0o755)

    def run_harborai(self, *arguments, **env):
        config = ["--config", self.config] if self.config else []
        return subprocess.run(
            [support.HARBORAI, *config, *arguments], capture_output=True, text=True, timeout=60,
            check=False, cwd=self.home, stdin=subprocess.DEVNULL,
            env=support.environment(self.home, **{"HARBORAI_PLUGIN_PATH": self.plugins,
                                                  "HARBORAI_STATE_DIR": os.path.dirname(self.state),
                                                  **env}))

    def plugin(self, *arguments, code=0):
        done = self.run_harborai("plugin", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, *arguments):
        return json.loads(self.plugin(*arguments, "--json").stdout)

    def states(self):
        return {os.path.basename(p["file"]): p["state"] for p in self.json("list")["plugins"]}

    def written(self):
        with open(self.state, encoding="utf-8") as file:
            return json.load(file)


class SwitchTest(PlaceTest):
    def setUp(self):
        super().setUp()
        made.build(self.plugins, "good")
        made.build(self.plugins, "other")

    def test_off_and_on(self):
        for name in ("good", "com.example.good", "good.so", os.path.join(self.plugins, "good.so")):
            with self.subTest(name):
                done = self.json("disable", name)
                self.assertEqual(done, {"version": 1, "kind": "plugin", "name": "com.example.good",
                                        "enabled": False, "changed": True, "file": self.state})
                self.assertEqual(self.states(), {"good.so": "disabled", "other.so": "ready"})
                entry = self.written()["plugins"]["com.example.good"]
                self.assertEqual((entry["enabled"], entry["by"]), (False, "harborai plugin disable"))
                self.assertRegex(entry["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                self.assertFalse(self.json("disable", name)["changed"])
                self.assertTrue(self.json("enable", name)["changed"])
                self.assertEqual(self.states(), {"good.so": "ready", "other.so": "ready"})
                self.assertEqual(self.written(), {"version": 1})

    def test_listed_with_who_and_when(self):
        self.plugin("disable", "good")
        since = self.written()["plugins"]["com.example.good"]["since"]
        words = (f"disabled by 'harborai plugin disable' since {since}, in {self.state}: "
                 "'harborai plugin enable good' enables it")
        for listed in (self.plugin("list"), self.run_harborai("list-plugins")):
            self.assertEqual(listed.returncode, 0)
            self.assertRegex(listed.stdout, r"com\.example\.good +1\.0\.0 +disabled")
            self.assertEqual(listed.stderr, f"harborai: '{self.plugins}/good.so' is {words}\n")
        entry = self.json("list")["plugins"][0]
        self.assertEqual((entry["since"], entry["by"], entry["reason"]),
                         (since, "harborai plugin disable", words))
        self.assertIn(words, self.plugin("info", "good").stdout)
        self.assertEqual(self.json("info", "good")["plugin"]["reason"], words)

    def test_providers_and_models(self):
        self.config = support.write_config(self.home, {"providers": {"lab": {"plugin": "good"}}})
        for name, kind in (("lab", "provider"), ("lab/good-model", "model"), ("lab/*-preview", "model"),
                           ("*/gpt-*", "model")):
            with self.subTest(name):
                done = self.json("disable", name)
                self.assertEqual((done["kind"], done["name"]), (kind, name))
                listed = self.json("list")
                self.assertEqual([(d["kind"], d["name"]) for d in listed["disabled"]], [(kind, name)])
                self.assertIn(f"{kind} '{name}' is disabled by", self.plugin("list").stderr)
                self.plugin("enable", name)
                self.assertEqual(self.written(), {"version": 1})

    def test_what_has_gone_can_be_enabled(self):
        self.plugin("disable", "good")
        os.unlink(os.path.join(self.plugins, "good.so"))
        self.assertTrue(self.json("enable", "com.example.good")["changed"])

    def test_model_of_a_glob(self):
        self.plugin("disable", "good/*")
        said = self.plugin("enable", "good/good-model", code=2).stderr
        self.assertIn("'harborai plugin enable good/*'", said)

    def test_wrong_names(self):
        for name, words in (("god", "did you mean 'good'?"), ("nobody", "list-plugins"),
                            ("nobody/model", "there is no plugin or provider 'nobody'"),
                            ("good/", "is no provider/model"), ("/no/such.so", "list-plugins")):
            with self.subTest(name):
                self.assertIn(words, self.plugin("disable", name, code=2).stderr)
        self.plugin("disable", code=2)
        self.plugin("enable", "good", "other", code=2)
        self.assertFalse(os.path.exists(self.state))

    def test_broken_state(self):
        os.mkdir(os.path.dirname(self.state))
        with open(self.state, "w", encoding="utf-8") as file:
            file.write('{"version": 1,\n "plugins": 7}')
        words = f"'{self.state}', line 2: '\"plugins\": 7' is no object; correct it"
        for command in ("disable", "enable", "info"):
            self.assertIn(words, self.plugin(command, "good", code=3).stderr)
        listed = self.plugin("list", code=3)
        self.assertIn(words, listed.stderr)
        self.assertIn("com.example.good", listed.stdout)
        with open(self.state, encoding="utf-8") as file:
            self.assertEqual(file.read(), '{"version": 1,\n "plugins": 7}')


class InfoTest(PlaceTest):
    def test_of_a_good_one(self):
        path = made.build(self.plugins, "good")
        said = self.plugin("info", "good").stdout
        for line in (r"plugin +good", r"id +com\.example\.good", r"version +1\.0\.0", r"state +ready",
                     r"models +good-model", rf"file +{path}", r"found by +HARBORAI_PLUGIN_PATH",
                     rf"trust +checked, with all directories above: of user {os.getuid()}, mode 0755",
                     r"ABI +\d+\.\d+, runs from \d+\.\d+ on"):
            self.assertRegex(said, rf"(?m)^{line}$")
        got = self.json("info", path)["plugin"]
        self.assertEqual((got["id"], got["state"], got["file"], got["models"][0]["name"]),
                         ("com.example.good", "ready", path, "good-model"))

    def test_of_what_is_refused(self):
        os.chmod(made.build(self.plugins, "loose"), 0o666)
        said = self.plugin("info", "loose.so").stdout
        self.assertRegex(said, r"(?m)^state +refused$")
        self.assertRegex(said, r"(?m)^reason +.*writable by everybody: chmod go-w")
        self.plugin("disable", "loose.so", code=2)

    def test_of_a_provider(self):
        made.build(self.plugins, "good")
        self.config = support.write_config(self.home, {"providers": {"lab": {"plugin": "good"}}})
        self.assertEqual(self.json("info", "lab")["plugin"]["id"], "com.example.good")
        self.plugin("info", "nobody", code=2)
        self.plugin("info", code=2)
