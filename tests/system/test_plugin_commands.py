# SPDX-License-Identifier: MIT
"""harborai plugin …: what is said of a plugin, and what is switched off and stays so."""
import contextlib
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import unittest

import made
import support


class PlaceTest(support.PluginCommands):
    """A home directory, a state directory and a directory of plugins of a test's own."""

    def setUp(self):
        super().setUp()
        self.plugins = os.path.join(self.home, "path")
        self.user_plugins = os.path.join(self.home, ".local", "lib", "harborai", "plugins")
        self.state = os.path.join(self.home, "state", "plugins.json")
        self.env = {"HARBORAI_PLUGIN_PATH": self.plugins,
                    "HARBORAI_STATE_DIR": os.path.dirname(self.state)}
        os.mkdir(self.plugins, 0o755)

    def states(self):
        """Of files: what is built in has a path of its own."""
        return {os.path.basename(p["file"]): p["state"] for p in self.json("list")["plugins"]
                if os.path.isabs(p["file"])}

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

    def test_what_a_name_means_is_enabled_with_one_word(self):
        """A plugin and a provider that is called like it; and what one alone leaves off is said."""
        self.config = support.write_config(self.home, {"providers": {"good": {}, "lab": {"plugin": "good"}}})
        off = {"plugins": {"com.example.good": {"enabled": False}},
               "providers": {"good": {"enabled": False}, "lab": {"enabled": False}}}
        self.plugin("disable", "good")
        with open(self.state, "w", encoding="utf-8") as file:
            json.dump({"version": 1, **off}, file)
        self.assertIn("provider 'lab' is enabled, from the next start on\nits plugin is not: 'harborai "
                      "plugin enable com.example.good' enables it", self.plugin("enable", "lab").stdout)
        done = self.json("enable", "good")
        self.assertEqual((done["kind"], done["name"], done["also"]),
                         ("plugin", "com.example.good", {"kind": "provider", "name": "good"}))
        self.assertEqual(self.written(), {"version": 1})

    def test_listed_among_models(self):
        words = r"is disabled by 'harborai plugin disable' since .*: 'harborai plugin enable %s' enables it"
        for name, subject in (("good", "com.example.good"), ("good/*-model", "good/*-model")):
            with self.subTest(name):
                self.plugin("disable", name)
                listed = self.run_harborai("list-models")
                self.assertRegex(listed.stdout, r"(?m)^(good/)?good-model .* disabled$")
                self.assertNotRegex(listed.stdout, r"(?m)^other-model .* disabled$")
                self.assertRegex(listed.stderr, f"'{re.escape(subject)}' {words % re.escape(shlex.quote(subject))}")
                got = {m["upstream"]: m for m in json.loads(
                    self.run_harborai("list-models", "--json").stdout)["models"]}
                self.assertEqual((got["good-model"]["available"], got["good-model"]["missing"]),
                                 (False, "disabled"))
                self.assertIn("plugin enable", got["good-model"]["reason"])
                self.assertTrue(got["other-model"]["available"])
                self.plugin("enable", name)

    def test_what_has_gone_can_be_enabled(self):
        self.plugin("disable", "good")
        os.unlink(os.path.join(self.plugins, "good.so"))
        self.assertTrue(self.json("enable", "com.example.good")["changed"])

    def test_model_of_a_glob(self):
        self.plugin("disable", "good/*")
        said = self.plugin("enable", "good/good-model", code=2).stderr
        self.assertIn("'harborai plugin enable 'good/*''", said)

    def test_two_plugins_of_one_name(self):
        made.build(self.plugins, "rival", note=(
            'HARBORAI_MANIFEST({"id":"com.example.rival","version":"1.0.0","provider":"good",'
            '"models":[{"name":"m"}]});'))
        self.config = support.write_config(self.home, {"providers": {"lab": {
            "plugin": "com.example.good"}}})
        said = self.plugin("disable", "good", code=2).stderr
        self.assertIn("'good' may be com.example.good or com.example.rival: say which", said)
        self.plugin("disable", "com.example.rival")

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


@unittest.skipUnless(os.geteuid() == 0, "only root can write what is another user's")
class OwnerTest(PlaceTest):
    """What root writes in another user's directory is that user's."""
    USER = 65534

    def test_state(self):
        made.build(self.plugins, "good")
        os.makedirs(os.path.join(self.home, "mine"))
        os.chown(os.path.join(self.home, "mine"), self.USER, self.USER)
        self.state = os.path.join(self.home, "mine", "new", "state", "plugins.json")
        self.env["HARBORAI_STATE_DIR"] = os.path.dirname(self.state)
        for _ in range(2):
            self.plugin("disable", "good")
            self.assertEqual(self.owners(), {"mine": self.USER, "new": self.USER, "state": self.USER,
                                             "plugins.json": self.USER, "plugins.json.lock": self.USER})
            self.plugin("enable", "good")

    def test_nothing_that_was_there_is_given_away(self):
        made.build(self.plugins, "good")
        mine = os.path.dirname(self.state)
        os.mkdir(mine)
        os.chown(mine, self.USER, self.USER)
        secret = os.path.join(self.home, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write("{}")
        os.link(secret, os.path.join(mine, "plugins.json.lock"))
        self.plugin("disable", "good")
        self.assertEqual(os.stat(secret).st_uid, 0)
        os.unlink(os.path.join(mine, "plugins.json.lock"))
        os.symlink(secret, os.path.join(mine, "plugins.json.lock"))
        self.plugin("enable", "good", code=3)
        os.unlink(os.path.join(mine, "plugins.json.lock"))
        os.symlink(secret, os.path.join(mine, "plugins.json.new"))
        self.plugin("enable", "good")
        self.assertEqual(os.stat(secret).st_uid, 0)
        self.assertEqual(os.path.getsize(secret), 2)

    def test_lock(self):
        made.build(self.plugins, "good")
        folder = os.path.join(self.home, "mine")
        os.mkdir(folder)
        os.chown(folder, self.USER, self.USER)
        self.config = os.path.join(self.home, "config.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"plugin_lock: {folder}/new/plugins.lock\nplugin_trust: off\n")
        self.plugin("lock", "good")
        self.assertEqual(self.owners(), {"mine": self.USER, "new": self.USER, "plugins.lock": self.USER})

    def owners(self):
        found = {}
        for folder, folders, names in os.walk(os.path.join(self.home, "mine")):
            for name in (".", *folders, *names):
                path = os.path.normpath(os.path.join(folder, name))
                found[os.path.basename(path)] = os.lstat(path).st_uid
        return found


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


class DoctorTest(PlaceTest):
    """What it says of broken set-ups is in golden/doctor.txt."""

    def test_nothing_is_wrong(self):
        made.build(self.plugins, "good")
        for arguments in ((), ("good",), ("good-model",), ("good/good-model",), ("good.so",)):
            done = self.plugin("doctor", *arguments)
            self.assertEqual((done.stdout, done.stderr), (
                "nothing is wrong that can be seen without loading a plugin\n", ""), arguments)
        self.assertEqual(self.json("doctor"), {"version": 1, "findings": []})

    ODD = ("o'dd $(x).so", "new\nline;touch x.so", "\x1b[2Jclear.so", "latin\udce9.so", "*.so", "~.so")

    def shell(self, command):
        """As it is pasted, from the output for people."""
        path = f"{support.BUILD}:{os.environ['PATH']}"
        subprocess.run(["bash", "-c", command], check=True, cwd=self.home, stdout=subprocess.DEVNULL,
                       env=support.environment(self.home, PATH=path, HARBORAI_PLUGIN_PATH=self.plugins,
                                               HARBORAI_STATE_DIR=os.path.dirname(self.state)))

    def test_what_mends_it_does(self):
        made.build(self.plugins, "good")
        for folder, name in (*((self.plugins, n) for n in self.ODD), (self.user_plugins, "-x y.so")):
            os.makedirs(folder, mode=0o755, exist_ok=True)
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("no plugin")
        self.plugin("disable", "good")
        self.plugin("disable", "good/*")
        done = self.plugin("doctor", code=1)
        mend = re.findall(r"(?m)^    (.*)$", done.stdout)
        self.assertEqual(len(mend), len(self.ODD) + 3, done.stdout)
        for command in mend:
            self.shell(command)
        self.assertEqual(sorted(os.listdir(self.plugins)), ["good.c", "good.so"])
        self.assertEqual(os.listdir(self.user_plugins), [])
        self.plugin("doctor")
        self.assertFalse(os.path.exists(os.path.join(self.home, "x.so")))

    def test_commands_in_messages(self):
        """Those that stand in the middle of one."""
        made.build(self.plugins, "good")
        odd = os.path.join(self.plugins, "o'dd $(x).so")
        with open(odd, "w", encoding="utf-8") as file:
            file.write("no plugin")
        os.chmod(odd, 0o666)
        self.plugin("disable", "good/*")
        found = json.loads(self.plugin("doctor", "--json", code=1).stdout)["findings"]
        loose, = (f["message"] for f in found if "writable" in f["message"])
        self.shell(loose.partition("everybody: ")[2])
        self.assertEqual(os.stat(odd).st_mode & 0o777, 0o644)
        glob, = (f["message"] for f in found if f["message"].startswith("model"))
        self.assertIn("'harborai plugin enable 'good/*'' enables it", glob)
        removal = self.plugin("remove", odd, code=1).stderr
        self.shell(removal.partition("HARBORAI_PLUGIN_PATH: ")[2])
        self.assertEqual(sorted(os.listdir(self.plugins)), ["good.c", "good.so"])

    def test_it_loads_nothing_and_takes_one_name(self):
        made.build(self.plugins, "bad", create="__builtin_trap();")
        self.plugin("doctor")
        self.plugin("doctor", "bad", "worse", code=2)


class LockTest(PlaceTest):
    """plugins.lock, beside the configuration."""

    def setUp(self):
        super().setUp()
        self.config = os.path.join(self.home, "config.yaml")
        self.lock = os.path.join(self.home, "plugins.lock")
        self.require(False)

    def require(self, required):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"plugin_require_lock: {'true' if required else 'false'}\n")

    def listed(self):
        with open(self.lock, encoding="utf-8") as file:
            return json.load(file)["plugins"]

    def test_lock_and_remove(self):
        path = made.build(self.plugins, "good")
        made.build(self.plugins, "other")
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(self.json("info", "good")["plugin"]["sha256"], digest)
        self.assertIn(digest, self.plugin("info", "good").stdout)
        self.assertEqual(self.json("lock", "good"), {"version": 1, "id": "com.example.good",
                                                     "lock": self.lock, "sha256": digest})
        self.assertEqual(self.listed(), {"com.example.good": digest})
        self.assertEqual(self.states(), {"good.so": "ready", "other.so": "ready"})
        self.require(True)
        self.assertEqual(self.states(), {"good.so": "ready", "other.so": "refused"})
        done = self.plugin("list")
        self.assertIn("'harborai plugin lock com.example.other'", done.stderr)
        self.plugin("lock", "com.example.other")
        self.assertEqual(self.states(), {"good.so": "ready", "other.so": "ready"})
        chat = self.run_harborai("chat", "-m", "other-model", "hello")
        self.assertEqual((chat.returncode, chat.stdout), (0, "made on the spot\n"), chat.stderr)
        self.plugin("lock", "other", "--remove")
        self.assertEqual(self.listed(), {"com.example.good": digest})
        self.assertIn("is not listed", self.plugin("lock", "other", "--remove", code=2).stderr)
        self.assertEqual(self.states()["other.so"], "refused")

    def test_another_file(self):
        path = made.build(self.plugins, "good")
        self.plugin("lock", "good")
        before = self.listed()["com.example.good"]
        with open(path, "ab") as file:
            file.write(b"more")
        self.assertEqual(self.states(), {"good.so": "refused"})
        done = self.plugin("info", "good")
        now = self.json("info", "good")["plugin"]["sha256"]
        self.assertNotEqual(before, now)
        self.assertIn(f"its SHA-256 is {now[:12]}…, listed is {before[:12]}…; if it is the right one, "
                      "'harborai plugin lock com.example.good'", done.stdout)
        chat = self.run_harborai("chat", "-m", "good-model", "hello")
        self.assertNotEqual(chat.returncode, 0)
        self.plugin("lock", "good")
        self.assertEqual((self.states(), self.listed()["com.example.good"]), ({"good.so": "ready"}, now))

    def test_install(self):
        source = os.path.join(self.home, "source")
        os.mkdir(source)
        user = os.path.join(self.user_plugins, "acme.so")
        self.require(True)
        first = made.build(source, "acme")
        done = self.plugin("install", first, code=1)
        self.assertIn("'plugin install --lock'", done.stderr)
        self.assertFalse(os.path.exists(user) or os.path.exists(self.lock))
        self.plugin("install", "--lock", first)
        listed = self.listed()
        self.assertEqual(self.states(), {"acme.so": "ready"})
        with open(first, "ab") as file:
            file.write(b"more")
        done = self.plugin("install", "--force", first, code=1)
        self.assertIn("listed is", done.stderr)
        done = self.plugin("install", "--lock", first, code=1)
        self.assertIn("--force", done.stderr)
        self.assertEqual((self.listed(), self.states()), (listed, {"acme.so": "ready"}))
        self.plugin("install", "--lock", "--force", first)
        self.assertNotEqual(self.listed(), listed)
        self.assertEqual(self.states(), {"acme.so": "ready"})

    def test_killed_at_any_system_call(self):
        """Whichever file is there then is listed; the next install strikes off what is not."""
        source = os.path.join(self.home, "source")
        os.mkdir(source)
        user = os.path.join(self.user_plugins, "acme.so")
        self.require(True)
        self.plugin("install", "--lock", made.build(source, "acme"))
        with open(user, "rb") as file:
            old = file.read()
        listed_old = self.listed()
        new_path = made.build(source, "acme", note=made_newer())
        with open(new_path, "rb") as file:
            new = file.read()
        seen = set()
        for call in ("rename", "fsync", "unlink", "flock"):
            for nth in (1, 2, 3, 4):
                with self.subTest((call, nth)):
                    done = subprocess.run(
                        ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                         f"inject={call}:signal=KILL:when={nth}", support.HARBORAI, "--config",
                         self.config, "plugin", "install", "--lock", "--force", new_path],
                        capture_output=True, check=False, cwd=self.home,
                        env=support.environment(self.home))
                    with open(user, "rb") as file:
                        now = file.read()
                    self.assertIn(now, (old, new))
                    seen.add((done.returncode != 0, now == new, type(self.listed()["com.example.acme"])))
                    self.assertEqual(self.states(), {"acme.so": "ready"})
                    self.plugin("install", "--lock", "--force", new_path)
                    self.assertEqual(self.listed()["com.example.acme"], hashlib.sha256(new).hexdigest())
                    with open(user, "wb") as file:
                        file.write(old)
                    self.plugin("lock", "acme.so")
                    self.assertEqual(self.listed(), listed_old)
        self.assertIn((True, False, list), seen)
        self.assertIn((True, True, list), seen)

    def test_broken(self):
        """Nothing is used then, and everything else works."""
        path = made.build(self.plugins, "good")
        with open(self.lock, "w", encoding="utf-8") as file:
            file.write('{"version": 1,\n "plugins": 7}')
        done = self.plugin("list")
        self.assertEqual(self.states(), {"good.so": "refused"})
        self.assertIn(f"good.so' is not used, for it is not known what may be: '{self.lock}', line 2", done.stderr)
        self.assertNotEqual(self.run_harborai("chat", "-m", "good-model", "hello").returncode, 0)
        for word in ("disable", "enable"):
            self.assertTrue(self.json(word, "good")["changed"])
        self.assertIn(f"'{self.lock}', line 2", self.plugin("lock", "good", code=3).stderr)
        self.assertIn("line 2", self.plugin("lock", "good", "--remove", code=3).stderr)
        self.plugin("lock", "good", "--force")
        with open(path, "rb") as file:
            self.assertEqual(self.listed(), {"com.example.good": hashlib.sha256(file.read()).hexdigest()})
        self.assertEqual(self.states(), {"good.so": "ready"})

    def test_symlink(self):
        made.build(self.plugins, "good")
        self.plugin("lock", "good")
        os.rename(self.lock, self.lock + ".real")
        os.symlink("plugins.lock.real", self.lock)
        self.assertEqual(self.states(), {"good.so": "ready"})
        if os.geteuid() == 0:
            os.lchown(self.lock, 65534, 65534)
            self.assertIn("is a symlink of user 65534", self.plugin("list").stderr)
            self.assertEqual(self.states(), {"good.so": "refused"})
        os.unlink(self.lock)
        os.symlink("nothing", self.lock)
        self.assertIn("cannot follow", self.plugin("list").stderr)

    def test_trust_is_off(self):
        os.chmod(made.build(self.plugins, "good"), 0o666)
        self.assertEqual(self.states(), {"good.so": "refused"})
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("plugin_trust: off\n")
        self.assertEqual(self.states(), {"good.so": "ready"})
        self.assertIn("plugin_trust is off", self.plugin("list").stderr)
        self.assertIn("not checked, for plugin_trust is off", self.plugin("info", "good").stdout)
        chat = self.run_harborai("chat", "-m", "good-model", "hello")
        self.assertEqual((chat.returncode, chat.stdout), (0, "made on the spot\n"), chat.stderr)
        self.assertIn("plugin.trust", chat.stderr)

    def test_what_cannot_be_listed(self):
        path = made.build(self.plugins, "good")
        os.chmod(path, 0o666)
        self.assertIn("writable by everybody", self.plugin("lock", "good.so", code=1).stderr)
        self.plugin("lock", "nobody", code=2)
        self.plugin("lock", code=2)
        os.chmod(path, 0o644)
        with open(self.lock, "w", encoding="utf-8") as file:
            file.write("{")
        done = self.plugin("lock", "good", code=3)
        self.assertIn("line 1: unexpected end; correct it, or write it anew", done.stderr)
        self.assertEqual(os.path.getsize(self.lock), 1)


class InstallTest(PlaceTest):
    """What is installed is found, and what is refused changes nothing."""

    def setUp(self):
        super().setUp()
        self.source = os.path.join(self.home, "source")
        self.user = self.user_plugins
        os.mkdir(self.source)

    def build(self, name="acme", **how):
        return made.build(self.source, name, **how)

    def tree(self):
        """Every file below the home directory but the sources, with its bytes."""
        found = {}
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(folder, name)
                if not path.startswith(self.source):
                    with open(path, "rb") as file:
                        found[path] = file.read()
        return found

    def refused(self, file, words, *arguments, code=1):
        before = self.tree()
        done = self.plugin("install", file, *arguments, code=code)
        self.assertRegex(done.stderr, words)
        self.assertEqual((done.stdout, self.tree()), ("", before))

    def test_install_and_remove(self):
        done = self.json("install", self.build())
        target = os.path.join(self.user, "acme.so")
        self.assertEqual(done, {"version": 1, "replaced": False, "plugin": {
            "plugin": "acme", "id": "com.example.acme", "version": "1.0.0", "file": target,
            "state": "ready"}})
        self.assertEqual(os.listdir(self.user), ["acme.so"])
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o755)
        chat = self.run_harborai("chat", "-m", "acme-model", "hello")
        self.assertEqual((chat.returncode, chat.stdout), (0, "made on the spot\n"), chat.stderr)
        self.assertEqual(self.json("remove", "acme")["plugin"]["file"], target)
        self.assertEqual(os.listdir(self.user), [])
        self.assertNotEqual(self.run_harborai("chat", "-m", "acme-model", "hello").returncode, 0)

    def test_refused(self):
        path = self.build()
        cut = os.path.join(self.source, "cut.so")
        shutil.copy(path, cut)
        os.truncate(cut, os.path.getsize(path) // 3)
        text = os.path.join(self.source, "text.so")
        with open(text, "w", encoding="utf-8") as file:
            file.write("no plugin\n")
        corrupt = os.path.join(self.source, "corrupt.so")
        with open(path, "rb") as file:
            bytes_ = file.read()
        with open(corrupt, "wb") as file:
            file.write(bytes_.replace(b'"version":"1.0.0"', b'"version";"1.0.0"'))
        machine = os.path.join(self.source, "machine.so")
        with open(machine, "wb") as file:
            file.write(bytes_[:18] + b"\x15\x00" + bytes_[20:])  # EM_PPC64
        loose = self.build("loose")
        os.chmod(loose, 0o666)
        foreign = self.build("foreign", note='HARBORAI_NOTE_("{\\"abi\\":[9,7,0],\\"plugin\\":" '
                                             '@MANIFEST@ "}");')
        fifo = os.path.join(self.source, "fifo.so")
        os.mkfifo(fifo)
        rows = [(cut, "cut short|headers"), (text, "not an ELF file"), (corrupt, "not JSON"),
                (machine, "built for another machine"), (loose, "writable by everybody: chmod go-w"),
                (foreign, "ABI 9.7"), (fifo, "not a regular file"), (self.source + "/acme.c", "NAME.so", 2),
                (self.source + "/none.so", "No such file", 2)]
        for file, words, *code in rows:
            with self.subTest(os.path.basename(file)):
                self.refused(file, words, code=code[0] if code else 1)
        self.plugin("install", code=2)
        self.assertFalse(os.path.exists(os.path.join(self.home, ".local")))

    def test_twice(self):
        self.plugin("install", self.build())
        self.refused(self.build(), r"installed already, version 1\.0\.0, as '.*': --force")
        self.refused(os.path.join(self.user, "acme.so"), "is installed already")
        other = os.path.join(self.source, "sub")
        os.mkdir(other)
        renamed = os.path.join(other, "renamed.so")
        shutil.copy(os.path.join(self.source, "acme.so"), renamed)
        self.refused(renamed, "--force")
        self.assertTrue(self.json("install", "--force", renamed)["replaced"])
        self.assertEqual(os.listdir(self.user), ["acme.so"])

    def test_another_plugin_has_the_name(self):
        self.plugin("install", self.build())
        other = os.path.join(self.source, "sub")
        os.mkdir(other)
        path = made.build(other, "acme", table_id="com.example.other", note=(
            'HARBORAI_MANIFEST({"id":"com.example.other","version":"2.0.0","provider":"other",'
            '"models":[{"name":"m"}]});'))
        self.refused(path, "is another plugin, com.example.acme: give the new file another name", "-f")

    def test_hidden_by_another_directory(self):
        made.build(self.plugins, "acme")
        self.refused(self.build(), "would be hidden by", "--force")

    def test_what_is_broken_is_replaced(self):
        os.makedirs(self.user, 0o755)
        with open(os.path.join(self.user, "acme.so"), "w", encoding="utf-8") as file:
            file.write("torn")
        self.refused(self.build(), "is there already: --force")
        self.assertEqual(self.json("install", "--force", self.build())["plugin"]["state"], "ready")

    def test_it_is_enabled(self):
        self.plugin("install", self.build())
        self.plugin("disable", "acme")
        self.plugin("install", "--force", self.build())
        self.assertEqual(self.written(), {"version": 1})

    def test_directory_of_ones_own(self):
        directory = os.path.join(self.home, "mine")
        done = self.plugin("install", self.build(), "--dir", directory)
        self.assertIn("is no plugin directory: add it to plugin_path", done.stderr)
        self.assertNotIn("served", done.stdout)
        self.assertEqual(os.listdir(directory), ["acme.so"])
        os.chmod(directory, 0o777)
        self.refused(self.build("other"), "writable by everybody", "--dir", directory)

    def test_nothing_is_made_where_nothing_may_be(self):
        """Directories of root's in a user's home would be in his way."""
        loose = os.path.join(self.home, "loose")
        os.mkdir(loose)
        os.chmod(loose, 0o777)
        self.refused(self.build(), "writable by everybody", "--dir", os.path.join(loose, "a", "b"))
        self.assertEqual(os.listdir(loose), [])
        if os.geteuid() == 0:
            os.chown(self.home, 65534, 65534)
            self.refused(self.build(), "belongs to user 65534")
            self.assertFalse(os.path.exists(os.path.join(self.home, ".local")))

    def test_no_room(self):
        path = self.build()
        limited = f'ulimit -f 4; exec {support.HARBORAI} plugin install {path}'
        os.makedirs(self.user, 0o755)
        before = self.tree()
        done = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, check=False,
                              cwd=self.home, env=support.environment(self.home))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("File too large; it is as it was", done.stderr)
        self.assertEqual(self.tree(), before)

    def test_not_ones_own(self):
        made.build(self.plugins, "acme")
        said = self.plugin("remove", "acme", code=1).stderr
        self.assertIn(f"was not installed, but found by HARBORAI_PLUGIN_PATH: rm {self.plugins}/acme.so",
                      said)
        self.plugin("remove", "nobody", code=2)
        self.plugin("remove", code=2)

    def test_disabled_ends_with_the_plugin(self):
        self.plugin("install", self.build())
        self.plugin("disable", "acme")
        self.plugin("remove", "acme")
        self.assertEqual(self.written(), {"version": 1})

    def test_two_at_a_time(self):
        """One of them wins, the others say so; nothing else is left."""
        path, env = self.build(), support.environment(self.home)
        started = [subprocess.Popen([support.HARBORAI, "plugin", "install", path], env=env,
                                    cwd=self.home, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE, text=True) for _ in range(4)]
        ended = [(p.communicate(timeout=60)[1], p.returncode) for p in started]
        self.assertEqual(sorted(code for _, code in ended), [0, 1, 1, 1], ended)
        self.assertEqual(os.listdir(self.user), ["acme.so"])

    def test_removed_by_two(self):
        """Who comes second hears that there is nothing left to do."""
        self.plugin("install", self.build())
        slowly = ["strace", "-f", "-o", "/dev/null", "-e", "inject=unlink:delay_enter=2000000"]
        started = [subprocess.Popen([*slowly, support.HARBORAI, "plugin", "remove", "acme"],
                                    env=support.environment(self.home), cwd=self.home,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for _ in range(2)]
        ended = sorted((p.communicate(timeout=60)[1], p.returncode) for p in started)
        self.assertEqual([code for _, code in ended], [0, 1], ended)
        self.assertIn("acme.so' has gone already: somebody else took it away meanwhile", ended[1][0])

    def test_killed_at_any_system_call(self):
        """The old file or the new one, and the next install clears what was left."""
        self.plugin("install", self.build())
        old = self.tree()[os.path.join(self.user, "acme.so")]
        new_path = self.build(create="/* the new one */ return HARBORAI_OK + 0;",
                              note=made_newer())
        with open(new_path, "rb") as file:
            new = file.read()
        self.assertNotEqual(old, new)
        seen = set()
        for call in ("unlink", "fchmod", "write", "fsync", "rename"):
            for nth in (1, 2):
                with self.subTest((call, nth)):
                    done = subprocess.run(
                        ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                         f"inject={call}:signal=KILL:when={nth}", support.HARBORAI, "plugin",
                         "install", "--force", new_path], capture_output=True, check=False,
                        cwd=self.home, env=support.environment(self.home))
                    now = self.tree()[os.path.join(self.user, "acme.so")]
                    self.assertIn(now, (old, new))
                    seen.add((done.returncode == -signal.SIGKILL, now == new))
                    listed = self.states()
                    self.assertEqual({n: s for n, s in listed.items() if n == "acme.so"},
                                     {"acme.so": "ready"})
                    self.plugin("install", "--force", new_path)
                    self.assertEqual(os.listdir(self.user), ["acme.so"])
                    with open(os.path.join(self.user, "acme.so"), "wb") as file:
                        file.write(old)
        self.assertIn((True, False), seen, "some were killed with the old file there")


def made_newer():
    return ('HARBORAI_MANIFEST({"id":"com.example.acme","version":"1.0.0","provider":"acme",'
            '"description":"newer","models":[{"name":"acme-model","context":1000}]});')
