# SPDX-License-Identifier: MIT
"""Plugins come, change and go while the gateway runs: it notices by itself."""
import contextlib
import glob
import os
import shutil
import unittest

import made
import support
from support import chat_body


class Watching(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.aside = stack.enter_context(support.folder())
        self.place = os.path.join(stack.enter_context(support.folder()), "plugins")
        os.mkdir(self.place)
        self.env = {"HARBORAI_PLUGIN_PATH": self.place}

    def make(self, name, **how):
        """Beside the directory: renaming it there is what installs it."""
        return made.build(self.aside, name, **how)

    def install(self, path, name=None):
        shutil.copy2(path, self.place + "/.new")
        os.rename(self.place + "/.new", os.path.join(self.place, name or os.path.basename(path)))

    def install_openai(self):
        self.install(glob.glob(support.BUILD + "/plugins/openai/.libs/openai.so")[0])

    def await_status(self, hb, model, status):
        return support.wait_for(f"{status} of {model}", lambda: next(
            (a for a in [hb.chat("x", model)] if a.status == status), None))

    def await_log(self, hb, text, times=1):
        support.wait_for(text, lambda: hb.log().count(text) >= times)


class ComingTest(Watching):
    def test_while_streams_run(self):
        """A plugin comes, another is replaced: streams end on the one that they began with."""
        first, second = self.make("first"), self.make("second")
        self.install_openai()
        with support.simulator() as sim:
            env = {**self.env, "OPENAI_API_KEY": support.KEY, "OPENAI_BASE_URL": sim.base_url}
            with support.gateway(env=env) as hb:
                calls = [support.RawStream(hb.port, chat_body({"events": 100, "delay_ms": 20},
                                                              stream=True)) for _ in range(20)]
                for call in calls:
                    call.read_until(b"000003 ")
                self.install(first)
                self.assertEqual(self.await_status(hb, "first-model", 200).text(),
                                 "made on the spot")
                self.install_openai()
                self.await_log(hb, "provider.replaced provider=openai")
                self.install(second)
                self.await_status(hb, "second-model", 200)
                self.assertEqual(hb.chat("after").text(), "after")
                for call in calls:
                    call.read_until(b"[DONE]")
                    self.assertIn(b"000099 ", call.seen)
                    call.close()

    def test_written_in_place(self):
        """As cc and cp do it: it is read when it was written to its end."""
        with support.gateway(env=self.env) as hb:
            made.build(self.place, "copied")
            self.await_status(hb, "copied-model", 200)

    def test_mode_is_mended(self):
        path = self.make("loose")
        os.chmod(path, 0o666)
        self.install(path)
        with support.gateway(env=self.env) as hb:
            self.assertEqual(hb.chat("x", "loose-model").status, 404)
            os.chmod(os.path.join(self.place, "loose.so"), 0o644)
            self.await_status(hb, "loose-model", 200)
            os.chmod(self.place, 0o777)
            self.await_log(hb, "is writable by everybody: chmod go-w")

    def test_directory_comes_later(self):
        path = self.make("late")
        os.rmdir(self.place)
        with support.gateway(env=self.env) as hb:
            for _ in range(2):
                self.assertEqual(hb.chat("x", "late-model").status, 404)
                os.mkdir(self.place)
                self.install(path)
                self.await_status(hb, "late-model", 200)
                os.rename(self.place, self.place + ".gone")
                self.await_status(hb, "late-model", 404)
                shutil.rmtree(self.place + ".gone")

    def test_switches(self):
        """plugins.json is edited by a command that does not talk to the gateway."""
        self.install(self.make("one"))
        with support.gateway(env=self.env) as hb:
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            command = ("plugin", "disable", "one", "--state-dir", hb.state)
            self.assertEqual(support.harborai(*command, env=self.env).returncode, 0)
            self.assertIn("disabled", self.await_status(hb, "one-model", 404).error()["message"])
            command = ("plugin", "enable", "one", "--state-dir", hb.state)
            self.assertEqual(support.harborai(*command, env=self.env).returncode, 0)
            self.await_status(hb, "one-model", 200)
            with open(os.path.join(hb.state, "plugins.json"), "w", encoding="utf-8") as file:
                file.write("{")
            self.await_log(hb, "plugins.not_read error=")
            self.assertEqual(hb.chat("x", "one-model").status, 200)

    def test_switched_off(self):
        path = self.make("unseen")
        with support.gateway(env={**self.env, "HARBORAI_PLUGIN_WATCH": "false"}) as hb:
            self.install(path)
            made.build(self.place, "neither")  # takes longer than the quiet that is waited for
            self.assertEqual(hb.chat("x", "unseen-model").status, 404)

    def test_no_watcher_is_to_be_had(self):
        """As when the user has as many as he may."""
        path = self.make("later")
        wrapper = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=inotify_init1",
                   "-e", "inject=inotify_init1:error=EMFILE")
        # LeakSanitizer cannot look at who is traced.
        env = {**self.env, "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
        with support.gateway(env=env, wrapper=wrapper) as hb:
            self.assertEqual(hb.log().count("plugins.not_watched error="), 1)
            self.assertIn("max_user_instances", hb.log())
            self.install(path)
            self.assertEqual(hb.chat("x", "later-model").status, 404)
            hb.process.send_signal(support.signal.SIGHUP)
            self.await_status(hb, "later-model", 200)
            self.assertEqual(hb.log().count("plugins.not_watched"), 1)


class GoingTest(Watching):
    def test_removed_while_streams_run(self):
        self.install_openai()
        self.install(self.make("other"))
        with support.simulator() as sim:
            config = support.config_for(sim)
            config["providers"]["other"] = {}
            with support.gateway(config, env=self.env) as hb:
                self.assertEqual(hb.chat("x", "other-model").status, 200)
                calls = [support.RawStream(hb.port, chat_body({"events": 60, "delay_ms": 20},
                                                              stream=True)) for _ in range(20)]
                for call in calls:
                    call.read_until(b"000003 ")
                os.unlink(self.place + "/openai.so")
                for model, provider in (("gpt-4o", "openai"), ("my-model", "lab"), ("fb-x", "lab"),
                                        ("lab/my-model", "lab"), ("smart", "openai")):
                    error = self.await_status(hb, model, 404).error()
                    self.assertEqual(error["message"], f"the model '{model}' is not served: the "
                                                       f"plugin of provider '{provider}' was removed")
                    self.assertEqual(error["code"], "model_not_found")
                self.assertEqual(hb.chat("x", "other-model").status, 200)
                models = [m["id"] for m in hb.request("GET", "/v1/models").json()["data"]]
                self.assertEqual(models, ["other-model"])
                for call in calls:
                    call.read_until(b"[DONE]")
                    self.assertIn(b"000059 ", call.seen)
                    call.close()
                self.assertIn("provider.removed provider=lab file=", hb.log())
                hb.process.send_signal(support.signal.SIGHUP)
                self.await_log(hb, "config.kept")  # the file names it: a fault
                self.assertEqual(hb.chat("x").status, 404)
                self.install_openai()
                self.assertEqual(self.await_status(hb, "gpt-4o", 200).text(), "x")
                self.await_status(hb, "my-model", 200)

    def test_without_a_file(self):
        self.install(self.make("one"))
        with support.gateway(env=self.env) as hb:
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            os.unlink(self.place + "/one.so")
            error = self.await_status(hb, "one-model", 404).error()
            self.assertIn("the plugin of provider 'one' was removed", error["message"])
            self.install(self.make("one", model="another-model"))
            self.await_status(hb, "another-model", 200)
            self.assertIn("does not exist", hb.chat("x", "one-model").error()["message"])

    def test_overwritten_by_what_is_none(self):
        """It serves on, and what is wrong is said once, whatever else comes."""
        self.install(self.make("one"))
        with open(self.aside + "/text", "w", encoding="utf-8") as file:
            file.write("this is no shared object\n")
        with support.gateway({"providers": {"one": {}}}, env=self.env) as hb:
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            self.install(file.name, "one.so")
            self.await_log(hb, "provider.kept provider=one stage=find")
            self.install(file.name, "two.so")
            self.await_log(hb, "two.so' reason=")
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            self.assertEqual(hb.log().count("one.so' reason="), 1)
            self.assertEqual(hb.log().count("provider.kept"), 1)


class FailingTest(Watching):
    def test_tried_again(self):
        """The one to come needs something outside that comes later: nobody has to say so."""
        needed = os.path.join(self.aside, "needed")
        self.install(self.make("one"))
        with support.gateway(env=self.env) as hb:
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            create = f'return fopen("{needed}", "r") != NULL ? HARBORAI_OK : ' \
                     'harborai_error_set(error, HARBORAI_E_CONFIG, "no such file");'
            note = '#include <stdio.h>\nHARBORAI_MANIFEST(@MANIFEST@);'
            self.install(self.make("one", model="new-model", create=create,
                                   note=note.replace("@MANIFEST@", made.MANIFEST % {
                                       "id": "com.example.one", "name": "one", "model": "new-model"})))
            self.await_log(hb, "provider.kept provider=one stage=create")
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            self.install(self.make("two"))  # does not have it tried before its time, nor told again
            self.await_status(hb, "two-model", 200)
            with open(needed, "w", encoding="utf-8"):
                pass
            self.await_status(hb, "new-model", 200)
            self.assertEqual(hb.log().count("provider.kept"), 1)
            self.assertEqual(hb.log().count("plugin.failed"), 1)
            self.assertIn("provider.replaced provider=one", hb.log())


class GivenTest(Watching):
    """--plugin FILE"""

    def test_it_serves_and_is_watched(self):
        self.install(self.make("other"))
        path = self.make("one")
        with support.gateway(env=self.env, arguments=("--plugin", path)) as hb:
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            self.assertEqual(hb.chat("x", "other-model").status, 200)
            other = os.path.join(self.aside, "next")
            os.mkdir(other)
            os.rename(made.build(other, "one", model="next-model"), path)
            self.await_status(hb, "next-model", 200)
            os.unlink(path)
            error = self.await_status(hb, "next-model", 404).error()
            self.assertIn("the plugin of provider 'one' was removed", error["message"])

    def test_commands(self):
        self.install(self.make("one"))
        first = self.make("one", model="first-model")
        given = ("--plugin", first)
        done = support.harborai("chat", *given, "-m", "first-model", "hi", env=self.env)
        self.assertEqual((done.returncode, done.stdout), (0, "made on the spot\n"), done.stderr)
        listed = support.harborai("list-plugins", *given, env=self.env)
        self.assertRegex(listed.stdout, rf"ready +{first}")
        self.assertIn(f"'{self.place}/one.so' is not used: '{first}' comes first", listed.stderr)
        info = support.harborai("plugin", "info", *given, "one", env=self.env)
        self.assertRegex(info.stdout, r"found by +--plugin")
        self.assertIn("first-model", info.stdout)
        os.chmod(first, 0o666)
        doctor = support.harborai("plugin", "doctor", *given, env=self.env)
        self.assertEqual(doctor.returncode, 1)
        self.assertIn(f"'{first}' is writable by everybody", doctor.stdout)
        done = support.harborai("chat", *given, "-m", "one-model", "hi", env=self.env)
        self.assertEqual(done.stdout, "made on the spot\n")
        self.assertIn("is writable by everybody", done.stderr)

    def test_wrong_use(self):
        for given, says in (("/no/such/one.so", "'/no/such': No such file"), ("x/", "names no file")):
            for command in (("serve",), ("chat", "-m", "m", "hi"), ("list-plugins",)):
                with self.subTest(command, given=given):
                    done = support.harborai(*command, "--plugin", given, env=self.env)
                    self.assertIn(says, done.stderr)
                    self.assertNotEqual(done.returncode, 0)


class PreloadTest(Watching):
    def test_all(self):
        """None is waited for; what fails is told, and its calls say so."""
        self.install(self.make("one"))
        self.install(self.make("bad", create='return harborai_error_set(error, HARBORAI_E_CONFIG, '
                                             '"not today");'))
        note = "#include <unistd.h>\nHARBORAI_MANIFEST(%s);" % (made.MANIFEST % {
            "id": "com.example.slow", "name": "slow", "model": "slow-model"})
        self.install(self.make("slow", note=note, create="sleep(2); return HARBORAI_OK;"))
        with support.gateway(env={**self.env, "HARBORAI_PLUGIN_PRELOAD": "true"}) as hb:
            self.await_log(hb, "plugin.loaded provider=one ")
            self.await_log(hb, "plugin.failed provider=bad stage=create")
            self.assertNotIn("plugin.loaded provider=slow ", hb.log())
            self.assertEqual(hb.chat("x", "one-model").status, 200)
            self.assertIn("could not be loaded", hb.chat("x", "bad-model").error()["message"])
            self.await_log(hb, "plugin.loaded provider=slow ")
            self.install(self.make("late"))
            self.await_log(hb, "plugin.loaded provider=late ")
            self.assertNotIn("HARBORAI_PLUGIN_PRELOAD", hb.log())

    def test_some(self):
        for name in ("one", "two", "three"):
            self.install(self.make(name))
        config = {"plugin_preload": ["two", "nonesuch", "openai"],
                  "providers": {"one": {}, "two": {}, "openai": {}}}
        self.install_openai()
        with support.gateway(config, env=self.env) as hb:
            self.await_log(hb, "plugin.loaded provider=two ")
            self.assertIn("provider.not_preloaded provider='nonesuch' error='there is no such", hb.log())
            self.assertIn("provider.not_preloaded provider='openai' error='provider \\'openai\\' "
                          "has no api_key", hb.log())
            self.assertNotIn("plugin.loaded provider=one ", hb.log())
            for word in ("disable", "enable"):
                done = support.harborai("plugin", word, "one", "--state-dir", hb.state, env=self.env)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(hb.log().count("provider.not_preloaded provider='nonesuch'"), 1)


if __name__ == "__main__":
    unittest.main()
