# SPDX-License-Identifier: MIT
"""harborai plugin install and remove, while a gateway runs, and whoever is killed meanwhile."""
import json
import os
import subprocess
import time

import support
from control import UserTest


class InstallTest(UserTest):
    def test_installed_and_served_and_removed(self):
        hb = self.serve()
        calls = self.streams(hb, 500 if support.LONG else 10)
        self.assertEqual(hb.chat(model="acme-model").status, 404)
        began = time.monotonic()
        done = self.json("install", os.path.join(self.made, "acme.so"))
        self.assertEqual(done["served_by"], ["acme"])
        self.assertEqual(hb.chat(model="acme-model").text(), "made on the spot")
        self.assertLess(time.monotonic() - began, 1 if not support.is_sanitized() else 20)
        self.assertEqual(self.json("remove", "acme")["plugin"]["id"], "com.example.acme")
        self.assertFalse(os.path.exists(os.path.join(self.user, "acme.so")))
        for model in ("acme-model", "acme/acme-model"):
            refused = hb.chat(model=model)
            self.assertEqual(refused.status, 404)
            self.assertRegex(refused.error()["message"],
                             r"provider 'acme' is disabled by 'harborai plugin remove' since \S+Z$")
        (provider,) = [p for p in self.ask("GET", "/plugins").json()["providers"]
                       if p["name"] == "acme" and p["state"] == "disabled"]
        self.assertRegex(provider["disabled"], r"^by 'harborai plugin remove' since \S+: "
                         "'harborai plugin install' brings it back$")
        self.assertIn("the gateway serves it as \"acme\"",
                      self.plugin("install", os.path.join(self.made, "acme.so")).stdout)
        self.assertEqual(hb.chat(model="acme-model").status, 200)
        for call in calls:
            call.read_until(b"[DONE]")

    def test_remove_waits_for_calls(self):
        os.makedirs(self.user, 0o755)
        os.rename(os.path.join(self.plugins, "openai.so"), os.path.join(self.user, "openai.so"))
        hb = self.serve()
        calls = self.streams(hb, 50, events=12)
        said = self.plugin("remove", "openai", "--timeout", "100ms", code=6).stderr
        self.assertIn("50 calls of 'org.harborai.openai' did not end within 100 ms", said)
        self.assertTrue(os.path.exists(os.path.join(self.user, "openai.so")))
        self.assertEqual(hb.chat().status, 200)
        self.assertIn("is removed, and its models are served no more",
                      self.plugin("remove", "openai").stdout)
        for call in calls:  # they have ended, whole
            call.sock.settimeout(1)
            call.read_until(b"[DONE]")
        self.assertFalse(os.path.exists(os.path.join(self.user, "openai.so")))
        self.assertIn("is disabled", hb.chat().error()["message"])
        support.wait_for("nothing mapped", lambda: not self.mapped(hb))

    def test_whose_removal_it_is(self):
        """Whoever is kept from something by it is told the process, and what stops that."""
        os.makedirs(self.user, 0o755)
        os.rename(os.path.join(self.plugins, "openai.so"), os.path.join(self.user, "openai.so"))
        hb = self.serve()
        calls = self.streams(hb, 5)
        with subprocess.Popen([support.HARBORAI, "plugin", "remove", "openai", "--timeout", "60s"],
                              cwd=self.home, stderr=subprocess.PIPE,
                              env=support.environment(self.home, **self.env)) as removal:
            support.wait_for("disabled", lambda: hb.chat().status == 404)
            self.assertRegex(
                self.plugin("enable", "openai", code=2).stderr,
                rf"is being removed since \S+Z by 'harborai plugin remove', process {removal.pid}: 'kill "
                rf"{removal.pid}' stops that, and it is served again")
            self.assertIn(f"process {removal.pid} removes it already",
                          self.plugin("remove", "openai", code=1).stderr)
            removal.terminate()
        support.wait_for("served again", lambda: hb.chat().status == 200)
        for call in calls:
            call.read_until(b"[DONE]")

    def test_not_ones_own_stays_enabled(self):
        hb = self.serve()
        self.assertIn("was not installed", self.plugin("remove", "openai", code=1).stderr)
        self.assertEqual(hb.chat().status, 200)


class KilledTest(UserTest):
    """Whoever is killed while a plugin is removed leaves it there and served, or gone."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.user, 0o755)
        self.file = os.path.join(self.user, "openai.so")
        os.rename(os.path.join(self.plugins, "openai.so"), self.file)

    def start(self, hb):
        removal = subprocess.Popen([support.HARBORAI, "plugin", "remove", "openai"], cwd=self.home,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL,
                                   env=support.environment(self.home, **self.env))
        self.addCleanup(removal.wait, 20)
        self.addCleanup(removal.kill)
        support.wait_for("off", lambda: hb.chat().status == 404)
        self.assertIn("by 'harborai plugin remove' since", self.plugin("list").stderr)
        return removal

    def old_state(self, hb):
        support.wait_for("served again", lambda: hb.chat().status == 200)
        self.assertTrue(os.path.exists(self.file))
        self.assertNotIn("plugins", self.written())
        self.assertEqual({p["plugin"]: p["state"] for p in self.json("list")["plugins"]}["openai"], "ready")

    def written(self):
        path = os.path.join(self.state, "plugins.json")
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def test_the_command(self):
        hb = self.serve()
        call = self.stream(hb, events=400)
        removal = self.start(hb)
        self.assertIn("is being removed since", self.plugin("enable", "openai", code=2).stderr)
        self.assertIn("which waits for its calls to end", self.plugin("doctor", code=1).stdout)
        removal.kill()
        self.old_state(hb)
        call.read_until(b"[DONE]")

    def test_the_gateway(self):
        hb = self.serve()
        self.stream(hb, events=400)
        removal = self.start(hb)
        hb.kill()
        self.assertEqual(removal.wait(20), 0)
        self.assertFalse(os.path.exists(self.file))
        self.assertNotIn("plugins", self.written())

    def test_both(self):
        hb = self.serve()
        self.stream(hb, events=400)
        removal = self.start(hb)
        removal.kill()
        hb.kill()
        removal.wait(20)
        self.old_state(self.serve())

    def test_another_gateway_sees_it(self):
        hb = self.serve()
        self.stream(hb, events=400)
        removal = self.start(hb)
        with support.gateway(None, env=self.env, state=self.state) as second:
            self.assertEqual(second.chat().status, 404)
            removal.kill()
            self.old_state(second)
        self.old_state(hb)

    def test_another_file_meanwhile(self):
        hb = self.serve()
        call = self.stream(hb, events=200)
        removal = self.start(hb)
        self.plugin("install", "--force", self.openai)
        call.read_until(b"[DONE]")
        self.assertEqual(removal.wait(20), 1)
        self.old_state(hb)

    def test_at_any_system_call(self):
        hb = self.serve()
        seen = set()
        for call, most in (("flock", 3), ("utimensat", 1), ("connect", 4), ("unlink", 3)):
            for nth in range(1, most + 1):
                with self.subTest((call, nth)):
                    done = subprocess.run(
                        ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                         f"inject={call}:signal=KILL:when={nth}", support.HARBORAI, "plugin", "remove",
                         "openai"], capture_output=True, check=False, cwd=self.home,
                        env=support.environment(self.home, **self.env))
                    is_gone = not os.path.exists(self.file)
                    seen.add((done.returncode != 0, is_gone))
                    if is_gone:
                        support.wait_for("gone", lambda: hb.chat().status == 404)
                        self.assertNotIn("plugins", self.written())
                        self.plugin("install", self.openai)
                    self.old_state(hb)
        self.assertEqual(seen & {(True, False), (True, True)}, {(True, False), (True, True)}, seen)
