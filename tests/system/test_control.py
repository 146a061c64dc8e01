# SPDX-License-Identifier: MIT
"""harborai plugin …, told to a gateway that runs: over its control socket, while streams go on."""
import concurrent.futures
import contextlib
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time

import made
import support
from control import ControlTest, UnixConnection

PLUGINS = "plugins.json"


class SwitchTest(ControlTest):
    def test_disable_drains_and_enable_serves_again(self):
        hb = self.serve()
        calls = [self.stream(hb) for _ in range(3)]
        done = self.json("disable", "openai")
        self.assertEqual((done["kind"], done["name"], done["enabled"], done["changed"], done["leaving"]),
                         ("plugin", "org.harborai.openai", False, True, 3))
        self.assertEqual(done["file"], os.path.join(self.state, PLUGINS))
        self.assertIn("'org.harborai.openai' is disabled; 3 calls in flight finish", done["text"])
        refused = hb.chat()
        self.assertEqual(refused.status, 404)
        self.assertRegex(refused.error()["message"],
                         "provider 'openai' is disabled by 'harborai plugin disable' since "
                         r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        listed = self.run_harborai("list-models", "--json").stdout
        self.assertIn("disabled by 'harborai plugin disable' since", listed)
        self.assertIn("is disabled already", self.plugin("disable", "openai").stdout)
        states = [p["state"] for p in self.providers() if p["name"] == "openai"]
        self.assertEqual(sorted(states), ["disabled", "draining"])
        for call in calls:
            self.assertIn(b"[DONE]", call.read_until(b"[DONE]"))
        self.assertIn("is enabled", self.plugin("enable", "openai").stdout)
        self.assertEqual(hb.chat("back").text(), "back")
        with open(os.path.join(self.state, PLUGINS), encoding="utf-8") as file:
            self.assertEqual(json.load(file), {"version": 1})

    def test_a_provider_and_models(self):
        self.config["disabled_models"] = ["lab/fb-9*"]
        hb = self.serve()
        self.assertRegex(hb.chat(model="fb-99").error()["message"],
                         "is disabled by 'lab/fb-9\\*' in disabled_models of the configuration$")
        self.assertIn("provider 'lab' is disabled", self.plugin("disable", "lab").stdout)
        self.assertEqual((hb.chat(model="my-model").status, hb.chat().status), (404, 200))
        self.plugin("enable", "lab")
        self.assertIn("model 'lab/fb-*' is disabled", self.plugin("disable", "lab/fb-*").stdout)
        self.assertEqual((hb.chat(model="fb-1").status, hb.chat(model="my-model").status), (404, 200))
        self.assertRegex(hb.chat(model="fb-1").error()["message"],
                         r"the model 'fb-1' is disabled by 'harborai plugin disable' since \S+Z$")
        self.assertIn("by the glob 'lab/fb-*'", self.plugin("enable", "lab/fb-1", code=2).stderr)
        self.plugin("enable", "lab/fb-*")
        self.assertEqual(hb.chat(model="fb-1").status, 200)

    def test_what_is_off_survives_a_restart(self):
        with support.gateway(self.config, env=self.env, state=self.state):
            self.plugin("disable", "openai")
        hb = self.serve()
        self.assertEqual(hb.chat().status, 404)
        self.plugin("enable", "openai")
        self.assertEqual(hb.chat().status, 200)

    def test_off_while_its_file_is_refused(self):
        """By then nobody knows whose file it is: what is switched off is the provider."""
        path = self.put(os.path.join(self.made, "acme.so"))
        self.config["providers"]["acme"] = {}
        self.env["HARBORAI_PLUGIN_WATCH"] = "false"
        hb = self.serve()
        self.assertEqual(hb.chat(model="acme-model").status, 200)
        os.chmod(path, 0o777)
        self.plugin("disable", "acme")
        self.assertEqual(hb.chat(model="acme-model").status, 404)
        os.chmod(path, 0o755)
        self.plugin("enable", "acme")
        self.assertEqual(hb.chat(model="acme-model").status, 200)

    def test_what_the_gateway_cannot_heed(self):
        """It is written down all the same. Here a directory goes that --plugin names while the gateway waits."""
        self.env["HARBORAI_PLUGIN_WATCH"] = "false"
        named = os.path.join(self.home, "named")
        os.mkdir(named, 0o755)
        hb = self.serve(arguments=("--plugin", os.path.join(named, "none.so")))
        self.plugin("enable", "lab")  # makes the lock
        path = os.path.join(self.state, PLUGINS + ".lock")
        fds = f"/proc/{hb.process.pid}/fd"
        with open(path, "w", encoding="utf-8") as lock, concurrent.futures.ThreadPoolExecutor() as pool:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = pool.submit(self.plugin, "disable", "lab", code=1)
            support.wait_for("the gateway at the lock", lambda: any(
                os.path.realpath(os.path.join(fds, fd)) == path for fd in os.listdir(fds)))
            os.rmdir(named)
            fcntl.flock(lock, fcntl.LOCK_UN)
            done = done.result()
        self.assertIn("provider 'lab' is disabled in plugins.json, which is not in force yet", done.stdout)
        self.assertRegex(done.stderr, "it is written down, but the gateway could not heed it: .* SIGHUP")
        self.assertEqual(hb.chat(model="my-model").status, 200)
        os.mkdir(named, 0o755)
        self.plugin("enable", "openai")
        self.assertEqual((hb.chat(model="my-model").status, hb.chat().status), (404, 200))

    def test_a_long_remark(self):
        """Whoever wrote into the file what is longer than any message: it is read all the same."""
        os.makedirs(self.state)
        with open(os.path.join(self.state, PLUGINS), "w", encoding="utf-8") as file:
            json.dump({"version": 1, "plugins": {"org.harborai.openai":
                                                 {"enabled": False, "by": "x" * 100000}}}, file)
        hb = self.serve()
        answer = hb.chat()
        self.assertEqual(answer.status, 404)
        self.assertIn(f"is disabled by '{'x' * 200}'", answer.error()["message"])
        self.assertIn(f"disabled by '{'x' * 200}', in ", self.plugin("list", "--json").stdout)
        self.plugin("enable", "openai")
        self.assertEqual(hb.chat().status, 200)

    def test_wrong_names(self):
        hb = self.serve()
        self.assertIn("did you mean 'openai'", self.plugin("disable", "opnai", code=2).stderr)
        self.assertIn("there is no plugin 'nobody'", self.plugin("reload", "nobody", code=2).stderr)
        self.assertIn("the name is empty", self.plugin("disable", "", code=2).stderr)
        self.assertIn("longer than 4 KiB", self.plugin("disable", "x" * 5000, code=2).stderr)
        self.assertIn("'lab' is a provider, of plugin org.harborai.openai: 'harborai plugin reload "
                      "org.harborai.openai'", self.plugin("reload", "lab", code=2).stderr)
        self.assertEqual(hb.chat().status, 200)


class ReloadTest(ControlTest):
    def test_unchanged_and_changed(self):
        hb = self.serve()
        self.assertEqual(hb.chat().status, 200)
        before = self.mapped(hb)
        calls = [self.stream(hb, model) for model in ("gpt-4o", "gpt-4o")]
        said = self.plugin("reload", "openai").stdout
        self.assertIn("is unchanged: they are made anew by the object that is loaded; generation 1; "
                      "2 calls in flight finish", said)
        self.assertEqual(self.mapped(hb), before)
        self.put(self.openai)
        for name in ("openai.so", os.path.join(self.plugins, "openai.so")):
            said = self.plugin("reload", name).stdout
        self.assertIn("generation 2", said)
        self.assertEqual(hb.chat("after").text(), "after")
        for call in calls:
            call.read_until(b"[DONE]")
        support.wait_for("one object", lambda: len(self.mapped(hb)) == 1)
        self.assertNotEqual(self.mapped(hb), before)
        (provider,) = [p for p in self.providers() if p["name"] == "openai"]
        self.assertEqual((provider["state"], provider["generation"], provider["is_current"],
                          provider["calls"]), ("serving", 2, True, 0))
        self.assertRegex(provider["loaded"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_one_that_is_no_good_changes_nothing(self):
        made.build(self.plugins, "acme")
        self.config["providers"]["acme"] = {}
        hb = self.serve()
        self.assertEqual(hb.chat(model="acme-model").status, 200)
        worse = made.build(self.home, "acme", create='return harborai_error_set(error, HARBORAI_E_CONFIG, "not today");')
        self.put(worse)
        said = self.plugin("reload", "acme", code=1).stderr
        self.assertIn("not today", said)
        self.assertEqual(hb.chat(model="acme-model").status, 200)
        (provider,) = (p for p in self.json("info", "acme")["gateway"]["providers"] if not p["is_heir"])
        self.assertEqual(provider["kept"]["stage"], "create")
        with open(os.path.join(self.plugins, "acme.so.new"), "wb") as file:
            file.write(b"no plugin")
        os.rename(os.path.join(self.plugins, "acme.so.new"), os.path.join(self.plugins, "acme.so"))
        self.assertIn("acme.so", self.plugin("reload", "acme.so", code=1).stderr)
        self.assertEqual(hb.chat(model="acme-model").status, 200)

    def changed_acme(self, **members):
        """A plugin with more in its manifest."""
        place = self.stack.enter_context(support.folder())
        manifest = json.loads(made.MANIFEST % {"id": "com.example.acme", "name": "acme",
                                               "model": "acme-model"})
        return made.build(place, "acme", note=f"HARBORAI_MANIFEST({json.dumps({**manifest, **members})});")

    def test_one_that_takes_its_time_while_the_gateway_ends(self):
        """Who waits for it is not waited for."""
        self.put(os.path.join(self.made, "acme.so"))
        self.config["providers"]["acme"] = {}
        hb = self.serve()
        self.assertEqual(hb.chat(model="acme-model").status, 200)
        slow = made.build(self.home, "acme", note="#include <unistd.h>\nHARBORAI_MANIFEST_LITERAL(@MANIFEST@);",
                          create="sleep(4); return HARBORAI_OK;")
        with contextlib.closing(UnixConnection(self.socket())) as client:
            self.put(slow)
            client.request("POST", "/plugins/acme/reload")
            support.wait_for("an heir", lambda: any(
                p["is_heir"] and p["state"] == "loading"
                for p in self.ask("GET", "/plugins").json()["providers"]))
            hb.process.send_signal(signal.SIGTERM)
            answer = support.Answer(client.getresponse())
        self.assertEqual(answer.status, 503)
        self.assertIn("is shutting down", answer.error()["message"])
        self.assertEqual(hb.process.wait(30), 0, hb.log())
        hb.killed = True

    def test_one_that_nobody_has_read_again_yet(self):
        """A first call finds another file than was checked: it says so, and has that looked at."""
        self.put(os.path.join(self.made, "acme.so"))
        self.config["providers"]["acme"] = {}
        self.env["HARBORAI_PLUGIN_WATCH"] = "false"
        hb = self.serve()
        self.put(os.path.join(self.made, "acme.so"))
        answer = hb.chat(model="acme-model")
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertEqual(answer.error()["message"],
                         "the plugin of provider 'acme' is being replaced: ask again in a moment")
        support.wait_for("the other file", lambda: hb.chat(model="acme-model").status == 200)

    def test_one_that_refuses_the_options(self):
        self.put(os.path.join(self.made, "acme.so"))
        self.config["providers"]["acme"] = {"options": {"speed": 3}}
        hb = self.serve()
        self.assertEqual(hb.chat(model="acme-model").status, 200)
        self.put(self.changed_acme(config_schema={"properties": {"slow": {"type": "boolean"}},
                                                  "additionalProperties": False}))
        self.assertIn("speed", self.plugin("reload", "acme", code=1).stderr)
        self.assertEqual(hb.chat(model="acme-model").status, 200)

    def test_one_that_wants_a_secret(self):
        """Without a configuration file, too, the one before serves on."""
        self.put(os.path.join(self.made, "acme.so"))
        with support.gateway(None, env=self.env, state=self.state) as hb:
            self.assertEqual(hb.chat(model="acme-model").status, 200)
            self.put(self.changed_acme(secrets={"api_key": {"env": "ACME_API_KEY", "required": True}}))
            answer = self.ask("POST", "/plugins/acme/reload")
            self.assertEqual(answer.status, 409)
            self.assertIn("wants a secret", answer.error()["message"])
            self.assertEqual(hb.chat(model="acme-model").status, 200)

    def test_without_a_gateway(self):
        said = self.plugin("reload", "openai", code=1).stderr
        self.assertIn(f"no gateway runs on '{self.state}'", said)


class ListTest(ControlTest):
    def test_of_the_gateway(self):
        hb = self.serve()
        self.assertRegex(self.plugin("list").stdout, r"\nopenai +org\.harborai\.openai +\S+ +ready +0 +- +- +-")
        call = self.stream(hb)
        self.assertRegex(self.plugin("list").stdout, r"\nopenai +org\.harborai\.openai +\S+ +serving +1 +20\S+Z +1 +(yes|no)")
        shown = self.plugin("info", "openai").stdout
        self.assertRegex(shown, r"\nopenai .* serving +1 ")
        self.assertRegex(shown, r"\nlab +org\.harborai\.openai")
        self.assertEqual(len(self.json("info", "openai")["gateway"]["plugins"]), 1)
        call.read_until(b"[DONE]")

    def test_of_no_gateway(self):
        self.assertNotIn("gateway", self.json("list"))
        self.assertNotIn("PROVIDER", self.plugin("list").stdout)


class LeftOutTest(ControlTest):
    """A provider whose plugin cannot be used keeps nobody else from being served."""

    def setUp(self):
        super().setUp()
        self.config["providers"]["acme"] = {}
        self.config["models"] = {**self.config.get("models", {}), "mine": "acme/acme-model"}

    def check(self):
        return self.run_harborai("config", "check")

    def test_missing(self):
        self.assertEqual(self.check().returncode, 3)
        hb = self.serve()
        self.assertRegex(hb.log(), r"error provider\.left_out error='\S+: providers\.acme: no plugin and no preset")
        self.assertEqual(hb.chat().status, 200)
        self.assertEqual(hb.chat(model="acme-model").status, 404)
        for model in ("acme/acme-model", "mine"):
            answer = hb.chat(model=model)
            self.assertEqual(answer.status, 404)
            self.assertIn(f"the model '{model}' is not served: provider 'acme' is left out, since its plugin "
                          "cannot be used", answer.body.decode())
            self.assertNotIn(self.home, answer.body.decode())
        self.assertIn("providers.acme: no plugin", self.plugin("doctor", code=1).stdout)
        self.put(os.path.join(self.made, "acme.so"))
        support.wait_for("served", lambda: hb.chat(model="mine").status == 200)

    def test_refused(self):
        path = self.put(os.path.join(self.made, "acme.so"))
        os.chmod(path, 0o666)
        hb = self.serve()
        self.assertRegex(hb.log(), r"provider\.left_out .* plugin .*acme.* is refused: .* is writable by everybody")
        self.assertEqual((hb.chat().status, hb.chat(model="mine").status), (200, 404))
        hb.process.send_signal(signal.SIGHUP)
        support.wait_for("applied", lambda: "config.applied" in hb.log())
        self.assertEqual(hb.chat().status, 200)
        os.chmod(path, 0o755)
        support.wait_for("served", lambda: hb.chat(model="mine").status == 200)

    def test_refused_before_its_first_call(self):
        """There is nothing of it that could be kept, and nothing that comes in a moment."""
        path = self.put(os.path.join(self.made, "acme.so"))
        hb = self.serve()
        os.chmod(path, 0o666)
        support.wait_for("left out", lambda: "provider.left_out provider=acme" in hb.log())
        for model in ("acme/acme-model", "mine"):
            self.assertIn("provider 'acme' is left out", hb.chat(model=model).error()["message"])
        self.assertEqual(hb.chat().status, 200)
        for verb in ("disable", "enable"):
            self.plugin(verb, "acme")
        self.assertIn("provider 'acme' is left out", hb.chat(model="mine").error()["message"])
        os.chmod(path, 0o755)
        support.wait_for("served", lambda: hb.chat(model="mine").status == 200)

    def test_enabled_while_its_file_is_refused(self):
        """What was disabled before its first call is left out then, and no more disabled."""
        path = self.put(os.path.join(self.made, "acme.so"))
        hb = self.serve()
        self.plugin("disable", "acme")
        os.chmod(path, 0o666)
        support.wait_for("refused", lambda: "plugin.refused" in hb.log())
        self.assertIn("is disabled by", hb.chat(model="mine").error()["message"])
        self.plugin("enable", "acme")
        self.assertIn("provider 'acme' is left out", hb.chat(model="mine").error()["message"])
        os.chmod(path, 0o755)
        support.wait_for("served", lambda: hb.chat(model="mine").status == 200)

    def test_nothing_else_is_left(self):
        os.unlink(os.path.join(self.plugins, "openai.so"))
        done = self.run_harborai("serve", "--port", "0")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("providers.acme: no plugin", done.stderr)

    def test_something_else_is_wrong(self):
        self.config["providers"]["lab"]["options"] = {"nonsense": 1}
        done = self.run_harborai("serve", "--port", "0")
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn("providers.acme: no plugin", done.stderr)


class LockTest(ControlTest):
    """plugins.lock, while a gateway runs."""

    def setUp(self):
        super().setUp()
        self.lock = os.path.join(self.home, "plugins.lock")
        self.config["plugin_lock"] = self.lock
        self.config["plugin_watch"] = False

    def write(self, text):
        with open(self.lock + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.lock + ".new", self.lock)

    def current(self):
        return [p["is_current"] for p in self.providers() if p["name"] == "openai"]

    def test_listed_while_it_runs(self):
        self.plugin("lock", "openai")
        hb = self.serve()
        self.assertEqual(hb.chat().status, 200)
        path = self.put(self.openai)
        with open(path, "ab") as file:
            file.write(b"more")
        self.ask("POST", "/rescan")
        self.assertEqual((hb.chat().status, self.current()), (200, [False]))
        self.assertRegex(hb.log(), r"provider\.kept provider=openai .*its SHA-256 is [0-9a-f]{12}…, listed is")
        self.plugin("lock", "openai")
        support.wait_for("the new one", lambda: self.current() == [True])

    def test_it_is_watched(self):
        self.config["plugin_watch"] = True
        hb = self.serve()
        self.assertEqual(hb.chat().status, 200)
        self.write('{"version": 1, "plugins": {"org.harborai.openai": "%s"}}' % ("0" * 64))
        support.wait_for("refused", lambda: "plugin.refused" in hb.log())
        self.assertEqual(hb.chat().status, 200)  # what serves is kept

    def test_not_loaded_yet(self):
        """What nobody has called yet is not loaded once it is not what is listed."""
        hb = self.serve()
        self.write('{"version": 1, "plugins": {"org.harborai.openai": "%s"}}' % ("0" * 64))
        self.ask("POST", "/rescan")
        self.assertIn("'openai' is left out", hb.chat(model="openai/gpt-4o").error()["message"])
        self.assertEqual(self.mapped(hb), set())
        self.plugin("lock", "openai")
        support.wait_for("served", lambda: hb.chat().status == 200)

    def test_the_configuration_is_kept(self):
        """SIGHUP cannot have it without what is refused now; that is refused all the same."""
        hb = self.serve()
        self.write('{"version": 1, "plugins": {"org.harborai.openai": "%s"}}' % ("0" * 64))
        hb.process.send_signal(signal.SIGHUP)
        support.wait_for("kept", lambda: "config.kept" in hb.log())
        support.wait_for("left out", lambda: "provider.left_out provider=openai" in hb.log())
        self.assertEqual((hb.chat(model="openai/gpt-4o").status, self.mapped(hb)), (404, set()))

    def test_broken(self):
        hb = self.serve()
        self.write("{")
        self.plugin("disable", "openai")
        self.assertEqual(hb.chat().status, 404)
        self.plugin("enable", "openai")
        support.wait_for("served", lambda: hb.chat().status == 200)
        self.assertIn("line 1", self.plugin("list").stderr)


class DrainTest(ControlTest):
    def test_calls_that_do_not_end(self):
        self.config["timeouts"] = {"drain": "500ms"}
        hb = self.serve()
        call = self.stream(hb, events=1000, delay_ms=100)
        began = time.monotonic()
        self.plugin("disable", "openai")
        seen = call.read_until(b'"error"')
        while piece := call.sock.recv(65536):
            seen += piece
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn(b"did not end within 500 ms (timeouts.drain)", seen)
        self.assertNotIn(b"[DONE]", seen)
        support.wait_for("gone", lambda: all(p["state"] != "draining" for p in self.providers()))
        rows = [r for r in hb.journal() if r.get("outcome") == "cancelled"]
        self.assertEqual(len(rows), 1)


class SocketTest(ControlTest):
    def test_whose_it_is_and_that_it_goes(self):
        with support.gateway(self.config, env=self.env, state=self.state):
            mode = os.lstat(self.socket()).st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertFalse(os.path.exists(self.socket()))

    def test_two_gateways_on_one_state_directory(self):
        first = self.serve()
        with support.gateway(self.config, env=self.env, state=self.state) as second:
            self.assertRegex(second.log(), rf"control\.none .*another gateway, process {first.pid} has")
            self.plugin("disable", "openai")
            self.assertEqual((first.chat().status, second.chat().status), (404, 200))
        self.assertTrue(os.path.exists(self.socket()))
        self.plugin("enable", "openai")
        self.assertEqual(first.chat().status, 200)

    def test_the_second_takes_over(self):
        """However the first one ends."""
        for end in (signal.SIGTERM, signal.SIGKILL):
            with support.gateway(self.config, env=self.env, state=self.state) as first:
                second = self.stack.enter_context(
                    support.gateway(self.config, env=self.env, state=self.state))
                self.assertIn("control.none", second.log())
                first.killed = True
                first.process.send_signal(end)
                first.process.wait(20)
            support.wait_for("the socket", lambda: "control.taken" in second.log())
            self.plugin("disable", "openai")
            self.assertEqual(second.chat().status, 404)
            self.plugin("enable", "openai")
            second.killed = True
            second.process.send_signal(signal.SIGTERM)
            self.assertEqual(second.process.wait(20), 0)
            self.assertFalse(os.path.exists(self.socket()))

    def test_what_a_dead_one_left(self):
        hb = self.serve()
        hb.kill()
        self.assertTrue(os.path.exists(self.socket()))
        self.assertNotIn("gateway", self.json("list"))
        self.assertIn("from the next start on", self.plugin("disable", "openai").stdout)
        again = self.serve()
        self.assertNotIn("control.none", again.log())
        self.assertIn("is disabled already", self.plugin("disable", "openai").stdout)
        self.plugin("enable", "openai")
        self.assertEqual(again.chat().status, 200)

    def test_one_that_dies_while_it_is_asked(self):
        """As if it had not run: 'plugin remove' asks again and again."""
        os.mkdir(self.state, 0o700)
        server = socket.socket(socket.AF_UNIX)
        server.bind(self.socket())
        server.listen()

        def die():
            client, _ = server.accept()
            client.recv(65536)
            server.close()
            client.close()
        thread = threading.Thread(target=die)
        thread.start()
        said = self.plugin("list")
        thread.join()
        self.assertEqual((said.stderr, "openai" in said.stdout), ("", True))

    def test_one_that_is_stopped(self):
        """Nobody waits for what cannot answer; whoever asks is told what to do."""
        hb = self.serve()
        os.kill(hb.pid, signal.SIGSTOP)
        try:
            for words in (("list",), ("disable", "openai"), ("reload", "openai")):
                began = time.monotonic()
                said = self.plugin(*words, code=1).stderr
                self.assertEqual(said, f"harborai: the gateway, process {hb.pid}, is stopped: 'kill -CONT "
                                       f"{hb.pid}' has it go on\n")
                self.assertLess(time.monotonic() - began, 10)
        finally:
            os.kill(hb.pid, signal.SIGCONT)
        self.assertEqual(self.json("disable", "openai")["leaving"], 0)

    def test_no_place_for_it(self):
        with support.folder() as place:
            deep = os.path.join(place, "d" * 100)
            with support.gateway(self.config, env=self.env, state=deep) as hb:
                self.assertRegex(hb.log(), r"control\.none .*longer than the 107 bytes.*state_dir")
                self.assertEqual(hb.chat().status, 200)
        above = os.path.join(self.home, "above")
        inside = os.path.join(above, "state")
        for open_to_all in (inside, above):
            os.makedirs(inside, 0o700, exist_ok=True)
            os.chmod(inside, 0o700)
            os.chmod(open_to_all, 0o777)
            with support.gateway(self.config, env=self.env, state=inside) as hb:
                self.assertRegex(hb.log(), rf"control\.none .*others may write to .*chmod go-w {open_to_all}; or")
                self.assertRegex(hb.log(), rf"state\.not_safe .*{open_to_all}.' is writable by everybody")
                self.assertEqual(hb.chat().status, 200)
        os.chmod(above, 0o1777)  # as /tmp is, whose files are their owners'
        with support.gateway(self.config, env=self.env, state=inside) as hb:
            self.assertNotRegex(hb.log(), r"control\.none|state\.not_safe")

    def test_peers(self):
        """Only who runs it, and root: others are not even listened to."""
        if os.geteuid() != 0:
            self.skipTest("only root can be another user")
        self.serve()
        for path in (self.home, self.state):
            os.chmod(path, 0o755)
        os.chmod(self.socket(), 0o666)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", "python3", "-c",
             "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
             "s.sendall(b'GET /plugins HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n'); print(len(s.recv(100)))",
             self.socket()], capture_output=True, text=True, check=False, timeout=20)
        self.assertTrue(done.stdout.strip() == "0" or "ConnectionReset" in done.stderr
                        or "BrokenPipe" in done.stderr, done.stdout + done.stderr)
        self.assertEqual(self.ask("GET", "/plugins").status, 200)

    def test_what_is_asked_wrongly(self):
        hb = self.serve()
        for method, path, status in (
                ("GET", "/nope", 404), ("POST", "/plugins", 405), ("GET", "/plugins/openai", 200),
                ("GET", "/plugins/nobody", 404), ("POST", "/plugins/openai/explode", 404),
                ("POST", "/plugins/openai", 404), ("POST", "/plugins/a%2/enable", 400),
                ("POST", "/plugins//enable", 400), ("POST", "/plugins/nobody/enable", 404),
                ("POST", "/plugins/a%00b/disable", 404), ("POST", "/rescan", 200),
                ("POST", "/plugins/lab%2Ffb-%2A/disable", 200),
                ("POST", "/v1/chat/completions", 404)):
            answer = self.ask(method, path)
            self.assertEqual(answer.status, status, f"{method} {path}: {answer.body}")
            json.loads(answer.body)
        for path in ("/plugins", "/rescan", "/plugins/openai/disable"):
            self.assertEqual(hb.request("POST", path).status, 404)
        self.assertEqual(hb.chat().status, 200)

    def test_a_client_that_leaves(self):
        hb = self.serve()
        for _ in range(20):
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as client:
                client.connect(self.socket())
                client.sendall(b"POST /plugins/openai/reload HTTP/1.1\r\nhost: x\r\n\r\n")
        self.assertEqual(hb.chat().status, 200)
        self.assertEqual(self.ask("GET", "/plugins").status, 200)
