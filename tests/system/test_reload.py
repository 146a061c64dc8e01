# SPDX-License-Identifier: MIT
"""SIGHUP: the configuration is read again, and nothing that is wrong with it harms the gateway."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import unittest

import support
from support import chat_body


class Reloading(unittest.TestCase):
    @contextlib.contextmanager
    def serving(self, config, **more):
        """A gateway whose configuration can be written again."""
        with support.folder() as place:
            support.write_config(place, config)
            path = os.path.join(place, "harborai.yaml")
            with support.gateway(arguments=("--config", path), **more) as hb:
                hb.place = place
                yield hb

    @staticmethod
    def write(hb, config):
        """At once: a reload that is still under way must not read half a file."""
        with support.folder() as place:
            os.replace(support.write_config(place, config), os.path.join(hb.place, "harborai.yaml"))

    def reload(self, hb, config, event):
        self.write(hb, config)
        self.signal(hb, event)

    @staticmethod
    def signal(hb, event):
        before = hb.log().count(event)
        hb.process.send_signal(signal.SIGHUP)
        support.wait_for(event, lambda: hb.log().count(event) > before)


class ReloadTest(Reloading):
    def test_streams_go_on_while_everything_changes(self):
        with support.simulator() as sim, support.simulator() as other:
            config = support.config_for(sim)
            with self.serving(config) as hb:
                calls = [support.RawStream(hb.port, chat_body({"events": 60, "delay_ms": 20}, model,
                                                              stream=True))
                         for model in ("gpt-4o", "my-model")]
                for call in calls:
                    call.read_until(b"000003 ")
                openai = {"base_url": other.base_url, "api_key": "sk-another-key-0001"}
                self.reload(hb, {"providers": {"openai": openai}, "models": {"new": "openai/gpt-4o"}},
                            "provider.replaced provider=openai")
                self.assertEqual(hb.chat("after", model="new").text(), "after")
                self.assertEqual(other.request("after")["key_end"], "0001")
                self.assertEqual(hb.chat("gone", model="my-model").status, 404)
                self.assertEqual(hb.chat("gone", model="smart").status, 404)
                for call in calls:  # they end where they began
                    call.read_until(b"[DONE]")
                    self.assertIn(b"000059 ", call.seen)
                    call.close()
                self.reload(hb, config, "provider.replaced provider=openai")
                self.assertEqual(hb.chat("back", model="my-model").text(), "back")

    def test_a_broken_file_changes_nothing(self):
        with support.simulator() as sim:
            config = support.config_for(sim)
            with self.serving(config) as hb:
                for text, *says in (
                        ("server: {prot: 1}\nmodels: {x: y}\n", "yaml:1:10: unknown key", "yaml:2:13:",
                         "faults=2"),
                        ("a: [\n", "not valid YAML", "faults=1"),
                        ("providers: {lab: {plugin: nonesuch}}\n", "nonesuch", "faults=1"),
                        ("providers:\n  lab: {plugin: openai, options: {reasoning: loud, colour: 1}}\n",
                         "yaml:2:46: \\'providers.lab.options.reasoning\\' must be openai, as_sent",
                         "yaml:2:52: unknown key \\'colour\\' in", "faults=2"),
                        ("providers: {lab: {plugin: openai, models: [m]}}\nmodels: {s: lab/n}\n",
                         "models.s: the model", "faults=1")):
                    with self.subTest(text):
                        self.reload(hb, text, "config.kept")
                        for words in says:
                            self.assertIn(words, hb.log())
                        self.assertEqual(hb.chat("still", model="smart").text(), "still")
                os.unlink(os.path.join(hb.place, "harborai.yaml"))
                self.signal(hb, "config.kept")
                self.assertIn("No such file", hb.log())
                self.assertEqual(hb.chat("still", model="my-model").text(), "still")
                self.assertNotIn("config.applied", hb.log())

    def test_every_fault_is_told(self):
        with support.simulator() as sim:
            good = support.config_for(sim)
            with self.serving(good) as hb:
                bad = {**good, "providers": {**good["providers"], "one": {"plugin": "nothere"},
                                             "two": {"plugin": "neither"}}}
                self.reload(hb, bad, "config.kept")
                for name in ("one", "two"):
                    self.assertRegex(hb.log(), rf"config.fault fault='\S+harborai.yaml:\d+:\d+: "
                                               rf"providers.{name}: no plugin ")
                self.assertIn("config.kept faults=2 ", hb.log())
                self.assertEqual(hb.chat("still here").text(), "still here")

    def test_a_file_that_nobody_named_must_not_vanish(self):
        """As at the start no file would mean: a provider for each key that is there."""
        with support.simulator() as sim, support.folder() as place:
            place = os.path.join(place, "harborai")
            os.mkdir(place)
            path = os.path.join(place, "config.yaml")
            env = {"XDG_CONFIG_HOME": os.path.dirname(place)}

            def put(text):
                with open(path + ".new", "w", encoding="utf-8") as file:
                    file.write(text)
                os.rename(path + ".new", path)

            good = json.dumps(support.config_for(sim))
            put(good)
            with support.gateway(env=env) as hb:
                for change in (lambda: os.unlink(path), lambda: put(""), lambda: put("# nothing\n")):
                    change()
                    self.signal(hb, "config.kept")
                    self.assertIn(path + ": is gone, empty or not read", hb.log())
                    self.assertNotIn("config.applied", hb.log())
                    self.assertEqual(hb.chat("still", model="my-model").text(), "still")
                put(good)
                self.signal(hb, "config.applied")
            put("")
            with support.gateway(env=env) as hb:  # it was empty: that is no accident
                os.unlink(path)
                self.signal(hb, "config.applied")
                put(good)
                self.signal(hb, "config.applied")
                os.unlink(path)
                self.signal(hb, "config.kept")
            with open(os.path.join(place, ".env"), "w", encoding="utf-8") as file:
                file.write("OPENAI_API_KEY=sk-1\n")
            with support.gateway(env={"HARBORAI_ENV_FILE": file.name}) as hb:
                os.truncate(file.name, 0)
                self.signal(hb, "config.kept")
                self.assertIn(".env: is gone, empty or not read", hb.log())

    def test_what_needs_a_restart_is_said(self):
        with support.simulator() as sim:
            config = support.config_for(sim)
            with self.serving(config) as hb:
                server = {"max_body": "1MiB", "limits": {"head": "8KiB"}, "timeouts": {"send": "5s"},
                          "half_close": "answer", "cors": {"origins": ["https://a.example", "app://b"]}}
                self.reload(hb, {**config, "server": server}, "config.applied")
                for setting in ("limits.head' running='65536' configured='8192",
                                "timeouts.send' running='60000' configured='5000",
                                "half_close' running='leave' configured='answer",
                                "cors.origins' running='' configured='https://a.example,app://b"):
                    self.assertIn(f"config.needs_restart setting='server.{setting}'", hb.log())
                self.assertEqual(hb.log().count("setting='server."), 5)
                self.assertIn("config.needs_restart setting='server.max_body' running='33554432' "
                              "configured='1048576'", hb.log())
                # A flag counts before the file: these did not change.
                self.reload(hb, {**config, "server": {"port": 1, "workers": 1}}, "config.applied")
                self.assertNotIn("server.port", hb.log())
                self.assertEqual(hb.chat("hi").text(), "hi")

    def test_log_level_and_a_key_in_a_file(self):
        with support.simulator() as sim, support.folder() as place:
            key = os.path.join(place, "key")

            def write_key(text, mode):
                with open(key, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(key, mode)

            write_key("sk-first-1111\n", 0o600)
            config = {"providers": {"openai": {"base_url": sim.base_url, "api_key": "file:" + key}},
                      "log": {"level": "warn"}}
            with self.serving(config) as hb:
                hb.chat("one")
                self.assertEqual(sim.request("one")["key_end"], "1111")
                write_key("sk-second-2222\n", 0o644)
                self.signal(hb, "config.warning")
                support.wait_for("the new key", lambda: hb.chat("two").status == 200
                                 and sim.request("two")["key_end"] == "2222")
                self.assertIn("holds a key and can be read by everybody", hb.log())
                self.assertNotIn("config.applied", hb.log())  # it is info
                self.reload(hb, {**config, "log": {"level": "info"}}, "config.warning")
                self.signal(hb, "config.applied")
                self.assertNotIn("sk-", hb.log())

    def test_a_gateway_that_would_call_itself_is_told_of(self):
        with support.gateway() as hb:
            self.assertNotIn("config.warning", hb.log())
        with self.serving({"providers": {"openai": {}}}) as hb:
            url = f"http://localhost:{hb.port}/v1"
            self.reload(hb, {"providers": {"openai": {"base_url": url}}}, "config.applied")
            self.assertIn(f"providers.openai.base_url is {url}, which is this gateway", hb.log())

    def test_sigterm_does_not_wait_for_a_command(self):
        """Neither at the start nor at a reload; and the command does not outlive us."""
        with support.folder() as place:
            pids = os.path.join(place, "pids")
            command = f"exec:sh -c 'echo $$ >> {pids}; sleep 77'"
            config = {"providers": {"a": {"plugin": "openai", "api_key": command},
                                    "b": {"plugin": "openai", "api_key": command}}}

            def await_command():
                return support.wait_for("the command", lambda: os.path.exists(pids) and next(
                    (int(x) for x in open(pids, encoding="ascii") if x.endswith("\n")), None))

            def is_gone(pid):
                try:
                    os.kill(pid, 0)
                except ProcessLookupError:
                    return True
                return False

            path = support.write_config(place, config)
            process = subprocess.Popen([support.HARBORAI, "serve", "--port", "0", "--config", path],
                                       env=support.environment(place), stderr=subprocess.DEVNULL)
            pid = await_command()
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(5), -signal.SIGTERM)
            support.wait_for("the command's end", lambda: is_gone(pid))
            os.unlink(pids)
            with self.serving({"providers": {"openai": {"api_key": "none"}}}) as hb:
                self.write(hb, config)
                hb.process.send_signal(signal.SIGHUP)
                pid = await_command()
                hb.process.send_signal(signal.SIGTERM)
                hb.killed = True
                self.assertEqual(hb.process.wait(5), 0)
                support.wait_for("the command's end", lambda: is_gone(pid))

    def test_a_command_where_sigchld_is_ignored(self):
        config = {"providers": {"openai": {"api_key": "exec:sh -c 'echo locked >&2; exit 3'"}}}
        with support.folder() as place:
            path = support.write_config(place, config)
            code = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); " \
                   "os.execv(sys.argv[1], sys.argv[1:])"
            done = subprocess.run([sys.executable, "-c", code, support.HARBORAI, "config", "check",
                                   "--config", path], env=support.environment(place), timeout=9,
                                  capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("'sh' failed with status 3: locked", done.stderr)

    def test_many_signals_under_load(self):
        with support.simulator() as sim:
            config = support.config_for(sim)
            with self.serving(config) as hb:
                for i in range(20):
                    lab = {**config["providers"]["lab"], "timeouts": {"idle": 100 + i}}
                    self.write(hb, {**config, "providers": {**config["providers"], "lab": lab}})
                    hb.process.send_signal(signal.SIGHUP)
                    self.assertEqual(hb.chat("x", model="my-model").text(), "x")
                self.assertTrue(hb.healthy())
                self.assertNotIn("config.kept", hb.log())


if __name__ == "__main__":
    unittest.main()
