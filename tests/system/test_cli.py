# SPDX-License-Identifier: MIT
"""The commands and the configuration: what they print, and what they say about a fault."""
import json
import os
import socket
import subprocess
import unittest

import support
from support import harborai


class CommandsTest(support.WithSimulator):
    def test_version_and_help(self):
        done = harborai("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^harborai \d+\.\d+\.\d+")
        done = harborai("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("chat", "list-models", "list-plugins", "serve"):
            self.assertIn(word, done.stdout)
        for command in ("chat", "list-models", "list-plugins", "serve"):
            self.assertEqual(harborai(command, "--help").returncode, 0, command)
        self.assertIn("--state-dir", harborai("serve", "--help").stdout)

    def test_wrong_use(self):
        for code, *arguments in (
                (2, "no-such-command"), (2, "serve", "--no-such-flag"),
                (2, "list-models", "--nope"), (2, "list-plugins", "nope"),
                (2, "list-models", "--provider", "nope"),
                (78, "serve", "--port", "x"), (78, "serve", "--port", "70000"),
                (78, "serve", "--workers", "many"), (78, "serve", "--log-level", "loud")):
            with self.subTest(arguments):
                done = harborai(*arguments)
                self.assertEqual((done.returncode, done.stdout), (code, ""))
                for line in done.stderr.splitlines():
                    self.assertRegex(line, "^(harborai: |see 'harborai )")
                self.assertIn(arguments[-1], done.stderr)
                if code == 78:
                    self.assertIn(f"harborai: {arguments[1]}: ", done.stderr)
        done = harborai()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("--help", done.stderr)

    def test_list_models(self):
        done = harborai("list-models", config=self.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("gpt-4o", "my-model", "smart", "2.5"):
            self.assertIn(word, done.stdout)
        data = json.loads(harborai("list-models", "--json", config=self.config).stdout)
        self.assertIn("gpt-4o", json.dumps(data))
        self.assertIn("128000", json.dumps(data))

    def test_list_models_of_a_provider(self):
        done = harborai("list-models", "--provider", "lab", config=self.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("my-model", done.stdout)
        self.assertNotIn("gpt-4o", done.stdout)
        done = harborai("list-models", "--provider", "openai")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("set OPENAI_API_KEY", done.stderr)

    def test_priority_decides_between_equals(self):
        for priority, goes_to in ((None, None), (0, None), (201, "one")):
            one = {"plugin": "openai", "api_key": "none", "models": ["m"]}
            two = dict(one)
            if priority is not None:
                one["priority"], two["priority"] = priority, 0
            done = harborai("list-models", "--json", config={"providers": {"two": two, "one": one}})
            with self.subTest(priority=priority):
                self.assertEqual(done.returncode, 0, done.stderr)
                names = {m["name"]: m["provider"] for m in json.loads(done.stdout)["models"]}
                self.assertEqual(names, {"two/m": "two", "m" if goes_to else "one/m": "one"})

    def test_conflicts(self):
        lab = {"plugin": "openai", "api_key": "none", "models": ["m", "n", "o-*"]}
        config = {"providers": {"one": lab, "two": dict(lab), "three": dict(lab, models=["x"])},
                  "models": {"n": "two/n"}}
        done = harborai("list-models", "--conflicts", config=config)
        rows = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(rows[1:], [["m", "one/m", "name", "200", "ambiguous"],
                                    ["m", "two/m", "name", "200", "ambiguous"],
                                    ["n", "two/n", "alias", "used"],
                                    ["n", "one/n", "name", "200", "not", "used"],
                                    ["n", "two/n", "name", "200", "not", "used"],
                                    ["o-*", "one/o-*", "pattern", "200", "ambiguous"],
                                    ["o-*", "two/o-*", "pattern", "200", "ambiguous"]])
        self.assertIn("2 of 3 names are ambiguous: ask for provider/model, give one provider a higher "
                      "'priority', or write an alias below 'models'", done.stderr)
        config["providers"]["two"]["priority"] = 201
        data = json.loads(harborai("list-models", "--conflicts", "--json", config=config).stdout)
        self.assertEqual([(c["name"], c["is_ambiguous"], c["claims"][0]["provider"])
                          for c in data["conflicts"]],
                         [("m", False, "two"), ("n", False, "two"), ("o-*", False, "two")])
        done = harborai("list-models", "--conflicts", "--provider", "three", config=config)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("no name is served by more than one provider", done.stderr)

    def test_disabled_models(self):
        config = {"providers": {"lab": {"plugin": "openai", "api_key": "none", "models": ["m", "n"]}},
                  "models": {"best": "lab/n"}, "disabled_models": ["lab/n"]}
        data = json.loads(harborai("list-models", "--json", config=config).stdout)
        self.assertEqual({m["name"]: m.get("missing") for m in data["models"]},
                         {"m": None, "lab/n": "disabled", "best": "disabled"})
        self.assertIn("disabled by 'lab/n' in disabled_models of ",
                      {m["name"]: m.get("reason") for m in data["models"]}["best"])
        words = "model 'lab/n' is disabled by 'lab/n' in disabled_models of "
        self.assertIn(words, harborai("list-models", config=config).stderr)
        for name in ("n", "lab/n", None):
            told = harborai("plugin", "doctor", *[name][:name is not None], config=config).stdout
            self.assertIn(words, told)
        done = harborai("chat", "-m", "best", "hi", config=config)
        self.assertIn("the model 'best' is disabled by 'lab/n' in disabled_models of ", done.stderr)

    def test_list_models_says_where_a_key_is_missing(self):
        done = harborai("list-models", config={"providers": {"openai": {}}})
        self.assertRegex(done.stdout, r"(?m)^gpt-4o .* needs OPENAI_API_KEY$")
        self.assertNotIn("api_key", done.stdout)
        self.assertEqual(done.stderr, "harborai: provider 'openai' has no api_key: set OPENAI_API_KEY "
                         "or providers.openai.api_key\n")
        done = harborai("list-models", config={"providers": {"openai": {"api_key": "env:MINE"}}})
        self.assertRegex(done.stdout, r"(?m)^gpt-4o .* needs MINE$")
        data = json.loads(harborai("list-models", "--json",
                                   config={"providers": {"openai": {}}}).stdout)
        self.assertIn("providers.openai.api_key", data["models"][0]["missing"])

    def test_models_of_a_provider_stand_in_place_of_the_manifests(self):
        lab = {"plugin": "openai", "base_url": self.sim.base_url, "api_key": "none",
               "models": ["my-model", "gpt-4o-*"]}
        done = harborai("list-models", config={"providers": {"lab": lab}})
        self.assertIn("my-model", done.stdout)
        self.assertIn("gpt-4o-mini", done.stdout)
        self.assertNotIn("gpt-5", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^gpt-4o-\* +lab$")
        llama = {**lab, "models": ["llama*"]}
        done = harborai("list-models", config={"providers": {"lab": llama}})
        self.assertRegex(done.stdout, r"(?m)\AMODEL .*\nllama\* +lab\n\Z")
        self.assertEqual(done.stderr, "")
        data = json.loads(harborai("list-models", "--json", config={"providers": {"lab": llama}}).stdout)
        del llama["api_key"]
        done = harborai("list-models", config={"providers": {"lab": llama}})
        self.assertRegex(done.stdout, r"(?m)^llama\* +lab +needs OPENAI_API_KEY$")
        self.assertEqual(data["patterns"], [{"pattern": "llama*", "provider": "lab"}])

    def test_list_plugins(self):
        done = harborai("list-plugins")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("openai", "echo"):
            self.assertIn(word, done.stdout)
        data = json.dumps(json.loads(harborai("list-plugins", "--json").stdout))
        self.assertRegex(data, r'"[^"]*/openai\.so"')

    def test_without_a_file_the_environment_makes_the_providers(self):
        self.assertIn("gpt-4o", harborai("list-models",
                                         env={"OPENAI_API_KEY": "sk-x"}).stdout)
        without = harborai("list-models").stdout
        self.assertIn("echo", without)

    def test_first_minute(self):
        """Nothing is set yet: whoever asks is told which variable it is."""
        only = {"HARBORAI_PLUGIN_PATH": os.path.join(support.BUILD, "plugins", "openai", ".libs")}
        for model in ("gpt-4o", "openai/gpt-4o", "gpt-4o-2099-01-01"):
            with self.subTest(model):
                done = harborai("chat", "-m", model, "hi", env=only)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
                self.assertEqual(done.stderr, "harborai: no key: set OPENAI_API_KEY, and plugin "
                                 f"'openai' serves '{model}'\n")
        for more in ([], ["--json"]):
            done = harborai("list-models", *more, env=only)
            self.assertEqual((done.returncode, done.stdout.strip()),
                             (0, '{"version":1,"models":[],"patterns":[]}' if more else ""))
            self.assertIn("set OPENAI_API_KEY for plugin 'openai'", done.stderr)
        done = harborai("list-models", config={"providers": {}}, env=only)
        self.assertIn("name providers in the configuration", done.stderr)
        self.assertNotIn("OPENAI_API_KEY", done.stderr)
        with support.gateway(workers=1, env=only) as hb:
            for answer in (hb.chat("hi"), hb.chat("hi", stream=True),
                           hb.request("GET", "/v1/models/gpt-4o")):
                self.assertEqual((answer.status, answer.error()["code"]), (502, "provider_auth"))
                self.assertEqual(answer.error()["message"], "the gateway has no key: set "
                                 "OPENAI_API_KEY, and plugin 'openai' serves 'gpt-4o'")

    def test_gateway_that_can_be_asked_nothing_says_so(self):
        openai = os.path.join(support.BUILD, "plugins", "openai", ".libs")
        for env, config, want in (
                ({"HARBORAI_PLUGIN_PATH": openai}, None, "set OPENAI_API_KEY for plugin"),
                ({"HARBORAI_PLUGIN_PATH": openai}, {"providers": {}}, "name providers in the"),
                ({"HARBORAI_PLUGIN_PATH": "/nonexistent"}, None, "there is no plugin"),
                ({"HARBORAI_PLUGIN_PATH": openai, "OPENAI_API_KEY": "sk-x"}, None, None)):
            with self.subTest(want), support.gateway(config, workers=1, env=env) as hb:
                lines = [x for x in hb.log().splitlines() if "serve.no_provider" in x]
                self.assertEqual(len(lines), 1 if want else 0)
                if want:
                    self.assertRegex(lines[0], " warn serve.no_provider help='there is no model.*" + want)

    def test_plugin_that_the_file_does_not_name(self):
        done = harborai("chat", "-m", "echo", "hi", config={"providers": {}})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^harborai: no provider serves 'echo': plugin 'echo' would; "
                         "add 'echo: {}' to providers in /.*[.](json|yaml)\n$")
        done = harborai("chat", "-m", "echo", "hi", config={"providers": {"echo": {}}})
        self.assertEqual(done.returncode, 0, done.stderr)
        done = harborai("chat", "-m", "echo", "hi", config={"providers": {"mine": {"plugin": "echo"}}})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_without_any_plugin(self):
        with support.folder() as empty:
            done = harborai("list-models", env={"HARBORAI_PLUGIN_PATH": empty})
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("there is no plugin: HARBORAI_PLUGIN_PATH", done.stderr)
        with support.folder() as one, support.folder() as two:
            done = harborai("list-plugins", env={"HARBORAI_PLUGIN_PATH": f"{one}:{two}"})
        nowhere = harborai("list-plugins", env={"HARBORAI_PLUGIN_PATH": ""})
        if not nowhere.stdout:  # nothing is installed here
            self.assertRegex(nowhere.stderr, r"no plugin in /\S+/harborai/plugins: HARBORAI_PLUGIN_PATH ")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertRegex(done.stderr, rf"\Aharborai: no plugin in {one}, {two}\S*: HARBORAI_PLUGIN_PATH "
                         r"names directories to look in\n\Z")

    def test_chat(self):
        for arguments in (["chat", "--no-stream", "-m", "gpt-4o", "hello from the shell"],
                          ["chat", "--stream", "-m", "smart", "hello from the shell"],
                          ["chat", "-m", "my-model", "hello from the shell"]):
            with self.subTest(arguments):
                done = harborai(*arguments, config=self.config)
                self.assertEqual((done.returncode, done.stdout.strip()),
                                 (0, "hello from the shell"), done.stderr)

    def test_chat_reads_stdin_and_system(self):
        done = harborai("chat", "-m", "gpt-4o", "--system", "cli-system-mark", "-",
                        config=self.config, stdin="piped text\n")
        self.assertEqual(done.stdout.strip(), "piped text", done.stderr)
        sent = json.loads(self.sim.request("cli-system-mark")["body"])
        self.assertEqual([m["role"] for m in sent["messages"]], ["system", "user"])

    def test_chat_json(self):
        done = harborai("chat", "--json", "-m", "gpt-4o", "as data", config=self.config)
        self.assertIn("as data", json.dumps(json.loads(done.stdout)), done.stderr)

    def test_chat_model(self):
        done = harborai("chat", "hi", config=self.config)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn("list-models", done.stderr)
        done = harborai("chat", "hi", config={**self.config, "default_model": "gpt-4o"})
        self.assertEqual(done.stdout.strip(), "hi", done.stderr)

    def test_chat_errors(self):
        done = harborai("chat", "-m", "no-such-model", "hi", config=self.config)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("no-such-model", done.stderr)
        done = harborai("chat", "-m", "gpt-4o", "hi", config={"providers": {
            "openai": {"base_url": self.sim.base_url}}})
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("OPENAI_API_KEY", done.stderr)
        done = harborai("chat", "-m", "gpt-4o", 'sim:{"status":429,"retry_after":3}',
                        config=self.config)
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertIn("Rate limit", done.stderr)

    def test_a_closed_stdout_is_a_failure(self):
        for stream in ("--stream", "--no-stream"):
            with self.subTest(stream):
                done = harborai("chat", stream, "-m", "gpt-4o", "hi", config=self.config,
                                wrapper=("sh", "-c", 'exec "$@" <&- >&-', "sh"))
                self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
                self.assertIn("cannot write to standard output: Bad file descriptor", done.stderr)

    def test_closed_descriptors_are_not_taken_for_files_of_ours(self):
        with support.gateway(self.config, wrapper=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")) as hb:
            for fd in range(3):
                self.assertEqual(os.readlink(f"/proc/{hb.pid}/fd/{fd}"), "/dev/null")
            self.assertEqual(hb.chat("hi").text(), "hi")
            self.assertEqual([support.kind(x) for x in hb.journal()], ["begin", "end"])

    def test_port_taken(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            port = str(sock.getsockname()[1])
            with support.folder() as state:
                done = harborai("serve", "--port", port, "--state-dir", state)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn(port, done.stderr)
        self.assertRegex(done.stderr, r"(?i)in use|taken")

    def test_second_gateway_on_the_port(self):
        with support.gateway() as hb:
            with support.folder() as state:
                done = harborai("serve", "--port", str(hb.port), "--state-dir", state)
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn(str(hb.port), done.stderr)

    def test_state_dir_that_cannot_be_used(self):
        with support.folder() as place:
            path = os.path.join(place, "file")
            with open(path, "w", encoding="utf-8"):
                pass
            done = harborai("serve", "--port", str(support.free_port()), "--state-dir", path)
        self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
        self.assertIn(path, done.stderr)


class ConfigTest(unittest.TestCase):
    """A fault is named with file, line and column, and the command does not go on."""

    ROWS = [  # name, text, line, what the message says
        ("unknown key", "server:\n  prot: 8000\n", 2, r"'?prot'?.*port"),
        ("unknown section", "servers: {}\n", 1, r"servers.*server"),
        ("unknown key of a provider", "providers:\n  lab:\n    plugin: openai\n    bas_url: x\n", 4,
         r"bas_url.*base_url"),
        ("wrong type", "server:\n  port: eighty\n", 2, r"port"),
        ("out of range", "server:\n  port: 70000\n", 2, r"port|65535"),
        ("no YAML", "server: {port: 8000\nx: [\n", None, r"."),
        ("tab", "server:\n\tport: 8000\n", 2, r"."),
        ("twice", "server: {port: 1}\nserver: {port: 2}\n", 2, r"server"),
        ("variable that is not set", 'providers:\n  openai:\n    base_url: "${NO_SUCH_VAR_X}"\n', 3,
         r"NO_SUCH_VAR_X"),
        ("list for a mapping", "providers: [openai]\n", 1, r"providers"),
        ("base_url", "providers:\n  lab:\n    plugin: openai\n    base_url: 'ftp://x'\n", 4, r"base_url"),
        ("host of a base_url", "providers:\n  lab:\n    plugin: openai\n    base_url: 'http://exa%mple/v1'\n",
         4, r"base_url"),
        ("unknown plugin", "providers:\n  lab:\n    plugin: nonesuch\n", None, r"nonesuch.*"),
        ("alias to nothing", "models:\n  smart: nonesuch/gpt\n", 2, r"smart|nonesuch"),
        ("alias to a model that is not served",
         "providers:\n  lab: {plugin: openai, models: [m]}\nmodels:\n  smart: lab/nope\n", 4,
         r"yaml:4:3: models.smart: no provider serves 'lab/nope'"),
        ("line break in a key", 'providers:\n  openai:\n    api_key: "a\\r\\nb"\n', 3, r"api_key"),
    ]

    def test_faults(self):
        for name, text, line, says in self.ROWS:
            with self.subTest(name):
                done = harborai("list-models", config=text)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertRegex(done.stderr, r"harborai\.yaml:%s:\d+" % (line or r"\d+"))
                self.assertRegex(done.stderr, says)

    def test_a_key_that_is_not_set_is_no_fault_until_it_is_needed(self):
        config = 'providers: { openai: { api_key: "${NO_SUCH_VAR_X}" } }\n'
        self.assertEqual(harborai("list-models", config=config).returncode, 0)
        done = harborai("chat", "-m", "gpt-4o", "hi", config=config)
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("NO_SUCH_VAR_X", done.stderr)

    def test_a_key_that_is_not_set_is_not_replaced_by_another(self):
        """The plugin's own variable holds the key of another account: lab must not see it."""
        with support.simulator() as sim:
            lab = {"plugin": "openai", "base_url": sim.base_url, "api_key": "${NO_SUCH_VAR_X}"}
            done = harborai("chat", "-m", "lab/gpt-4o", "hi", config={"providers": {"lab": lab}},
                            env={"OPENAI_API_KEY": "sk-of-openai"})
            self.assertEqual(done.returncode, 4, done.stdout)
            self.assertIn("NO_SUCH_VAR_X", done.stderr)
            self.assertEqual(sim.lines("request"), [])

    def test_serve_refuses_too(self):
        done = harborai("serve", "--port", str(support.free_port()), config="server: {prot: 1}\n")
        self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"harborai\.yaml:1:\d+")

    def test_file_that_is_missing(self):
        done = harborai("list-models", "--config", "/no/such/file.yaml")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("/no/such/file.yaml", done.stderr)

    def test_variables_and_a_key_never_printed(self):
        with support.simulator() as sim:
            text = ("providers:\n  openai: {api_key: \"${MY_KEY}\", base_url: \"%s\"}\n"
                    % sim.base_url)
            done = harborai("chat", "-m", "gpt-4o", "var-mark", config=text,
                            env={"MY_KEY": "sk-secret-7777"})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(sim.request("var-mark")["key_end"], "7777")
            self.assertNotIn("sk-secret", done.stdout + done.stderr)
            with support.gateway(text, env={"MY_KEY": "sk-secret-7777"}) as hb:
                hb.chat("x")
                hb.chat({"status": 401})
                everything = hb.log() + json.dumps(hb.journal())
                self.assertNotIn("sk-secret", everything)

    def test_server_section_is_used(self):
        port = support.free_port()
        with support.folder() as place:
            path = support.write_config(place, f"server: {{host: 127.0.0.1, port: {port}}}\n")
            process = subprocess.Popen([support.HARBORAI, "serve", "--config", path, "--state-dir",
                                        place + "/state"], env=support.environment(place),
                                       stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            try:
                hb = support.Gateway(process, port, place + "/state", os.devnull)
                support.wait_for("the port of the file", hb.healthy)
            finally:
                support.end(process)


if __name__ == "__main__":

    unittest.main()
