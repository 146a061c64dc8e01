# SPDX-License-Identifier: MIT
"""The configuration as people meet it: `harborai config`, and what is said of broken files.

golden/config has one input a case (NAME.yaml, .json, .env, or .variables: lines of the
environment) and what `config check` says of it (NAME.….expected). To write what it says now:

    HARBORAI_REGENERATE=1 python3 tests/system/run.py test_config
"""
import json
import os
import subprocess
import unittest

import support
from support import harborai

GOLDEN = os.path.join(support.ROOT, "tests", "system", "golden", "config")
SCHEMA = os.path.join(support.ROOT, "doc", "config.schema.json")


def check(name):
    """What is said, with the exit code in the first line; run in the folder, for short paths."""
    arguments, more = [], {}
    if name.endswith(".env"):
        more["HARBORAI_ENV_FILE"] = name
    elif name.endswith(".variables"):
        with open(os.path.join(GOLDEN, name), encoding="utf-8") as file:
            more = dict(line.rstrip("\n").split("=", 1) for line in file)
    else:
        arguments = ["--config", name]
    with support.folder() as home:
        if not name.startswith("options_by_schema"):  # of each plugin
            more.setdefault("HARBORAI_PLUGIN_PATH",
                            os.path.join(support.BUILD, "plugins", "openai", ".libs"))
        env = support.environment(home, **more)
        done = subprocess.run([support.HARBORAI, "config", "check", *arguments], cwd=GOLDEN, env=env,
                              capture_output=True, text=True, timeout=30, check=False)
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


class GoldenTest(unittest.TestCase):
    maxDiff = None

    def test_what_is_said_of_broken_input(self):
        names = sorted(x for x in os.listdir(GOLDEN) if not x.endswith(".expected"))
        self.assertGreaterEqual(len(names), 40)
        for name in names:
            path = os.path.join(GOLDEN, name + ".expected")
            said = check(name)
            if os.environ.get("HARBORAI_REGENERATE"):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(said)
            with self.subTest(name), open(path, encoding="utf-8") as file:
                self.assertEqual(said, file.read())
                self.assertNotIn("sk-secret", said)

    def test_twelve_faults_are_twelve(self):
        done = harborai("config", "check", "--json", "--config", os.path.join(GOLDEN, "twelve.yaml"))
        self.assertEqual(done.returncode, 3, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((said["good"], said["fault_count"], len(said["faults"])), (False, 12, 12))
        for fault in said["faults"]:
            self.assertTrue(fault["line"] > 0 and fault["column"] > 0 and fault["message"], fault)


class AfterReadingTest(unittest.TestCase):
    """What can be told with the plugins alone: all of it, wherever the file is read."""

    def test_whoever_reads_it_says_the_same(self):
        for name, count in (("after_reading.yaml", 4), ("options_by_schema.yaml", 25)):
            with open(os.path.join(GOLDEN, name + ".expected"), encoding="utf-8") as file:
                want = [x for x in file.read().splitlines() if x.startswith("harborai: " + name)]
            self.assertEqual(len(want), count)
            self.ask(name, want)

    def ask(self, name, want):
        for command, code in (("list-models", 3), ("serve", 78)):
            with self.subTest(command, name=name):
                done = harborai(command, "--config", os.path.join(GOLDEN, name))
                self.assertEqual(done.returncode, code, done.stderr)
                said = done.stderr.replace(GOLDEN + os.sep, "").splitlines()
                self.assertEqual(said, want)


class CommandTest(unittest.TestCase):
    CONFIG = {"server": {"port": 9000},
              "providers": {"openai": {"api_key": "env:MY_KEY"},
                            "lab": {"plugin": "openai", "api_key": "sk-0123456789-0123456789",
                                    "base_url": "http://127.0.0.1:1/v1"}},
              "models": {"smart": "lab/gpt-4o"}}

    def test_show(self):
        done = harborai("config", "show", config=self.CONFIG, env={"MY_KEY": "sk-of-mine"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("  port: 9000\n", done.stdout)
        self.assertIn('api_key: "***"\n', done.stdout)
        self.assertIn('api_key: "***6789"\n', done.stdout)
        self.assertNotIn("sk-", done.stdout)
        self.assertIn("  port: 9000\n", harborai("config", config=self.CONFIG).stdout)

    def test_secrets_of_a_plugins_options_are_not_shown(self):
        options = {"apiKey": "hush-1", "clientSecret": "hush-2", "accessToken": "hush-3",
                   "headers": {"Authorization": "Bearer hush-4", "X-Api-Key": "hush-5"},
                   "x": "${MY_TOKEN}", "proxy": "http://me:hush-7@127.0.0.1:1", "region": "eu"}
        config = {"providers": {"openai": {"api_key": "none", "options": options}}}
        for more in ([], ["--origin"], ["--json"]):
            with self.subTest(more):
                done = harborai("config", "show", *more, config=config, env={"MY_TOKEN": "hush-6"})
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("eu", done.stdout)
                self.assertIn("http://***@127.0.0.1:1", done.stdout)
                self.assertNotIn("hush", done.stdout)

    def test_origin(self):
        done = harborai("config", "show", "--origin", "--log-level", "debug", config=self.CONFIG,
                        env={"MY_KEY": "sk-of-mine", "HARBORAI_HOST": "::1"})
        for line in (r'host: "::1"  # variable HARBORAI_HOST', r"level: debug  # flag --log-level",
                     r"port: 9000  # \S+harborai.yaml:3:11", r"workers: 0  # default",
                     r'api_key: "\*\*\*"  # \S+harborai.yaml:7:15, from MY_KEY'):
            self.assertRegex(done.stdout, line)
        done = harborai("config", "show", "--json", config=self.CONFIG)
        origins = {x["setting"]: x["origin"] for x in json.loads(done.stdout)["settings"]}
        self.assertEqual(origins["server.port"]["line"], 3)
        self.assertEqual(origins["server.host"], {"kind": "default"})

    def test_check(self):
        done = harborai("config", "check", config=self.CONFIG, env={"MY_KEY": "sk-of-mine"})
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "The configuration is good: 1 file, 2 providers.\n", ""))
        data = json.loads(harborai("config", "check", "--json", config=self.CONFIG).stdout)
        self.assertEqual((data["file_count"], data["provider_count"], len(data["warnings"])), (1, 2, 1))
        done = harborai("config", "check", config=self.CONFIG)  # a key that is not there
        self.assertEqual((done.returncode, done.stdout), (0, "The configuration is good: 1 file, "
                                                          "2 providers.\n"))
        self.assertRegex(done.stderr, r"\Aharborai: warning: \S+yaml:7:15: provider 'openai' has no "
                         r"api_key: set MY_KEY or .*\n\Z")
        lab = {"lab": {"plugin": "openai", "models": ["llama*"]}}
        self.assertIn("yaml:3:3: provider 'lab' has no api_key", harborai(
            "config", "check", config={"providers": lab}).stderr)
        only = {"HARBORAI_PLUGIN_PATH": os.path.join(support.BUILD, "plugins", "openai", ".libs")}
        done = harborai("config", "check", env=only)
        self.assertEqual((done.returncode, done.stdout),
                         (0, "The configuration is good: no file, no provider.\n"))
        self.assertIn("warning: environment: nothing can be asked: set OPENAI_API_KEY for plugin "
                      "'openai'", done.stderr)
        done = harborai("config", "check", env={**only, "OPENAI_API_KEY": "x"})
        self.assertEqual((done.stdout, done.stderr),
                         ("The configuration is good: no file, 1 provider.\n", ""))
        done = harborai("config", "check", env={"HARBORAI_PROT": "1"})
        self.assertEqual(done.returncode, 0)
        self.assertIn("harborai: warning: environment: unknown variable HARBORAI_PROT, did you mean "
                      "HARBORAI_PORT?", done.stderr)

    def test_a_dotenv_file_of_the_folder(self):
        with support.folder() as place:
            with open(os.path.join(place, ".env"), "w", encoding="utf-8") as file:
                file.write("export HARBORAI_PORT=1234 # mine\nOPENAI_API_KEY=sk-from-the-file\n")

            def run(*arguments, **more):
                return subprocess.run([support.HARBORAI, *arguments], cwd=place, text=True,
                                      env=support.environment(place, **more), capture_output=True,
                                      check=False)

            self.assertIn("  port: 1234  # .env:1:22\n", run("config", "show", "--origin").stdout)
            done = run("config", "show", HARBORAI_PORT="1")
            self.assertIn("  port: 1\n", done.stdout)  # what is set counts before the file
            done = run("config", "show", HARBORAI_ENV_FILE="")
            self.assertIn("  port: 8000\n", done.stdout)
            self.assertIn("gpt-4o", run("list-models").stdout)  # there is a key
            self.assertRegex(run("config", "path").stdout, r"\.env file +read +\.env\n")

    def test_every_variable_of_a_foreign_file_is_answered(self):
        with support.folder() as place:
            path = os.path.join(place, "variables")
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(f"HARBORAI_FOREIGN_{i}=1\n" for i in range(1000))
            more = {"HARBORAI_ENV_FILE": path}
            done = harborai("config", "check", env=more)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr.count("unknown variable HARBORAI_FOREIGN_"), 1000)
            more.update({f"HARBORAI_OTHER_{i}": "1" for i in range(3)})
            said = json.loads(harborai("config", "check", "--json", env=more).stdout)
            self.assertEqual((said["warning_count"], len(said["warnings"])), (1003, 1000))
            with support.gateway(env=more) as hb:
                self.assertEqual(hb.log().count("config.warning"), 1001)
                self.assertIn("config.warning warning='... and 3 more'", hb.log())

    def test_a_key_that_everybody_can_read_is_told_of(self):
        with support.folder() as place:
            path = support.write_config(place, self.CONFIG)
            for mode, count in ((0o600, 0), (0o644, 1)):
                os.chmod(path, mode)
                done = harborai("config", "check", "--config", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stderr.count("harborai.yaml:11:15: the key stands in a file that "
                                                   "everybody can read"), count, done.stderr)

    def test_path(self):
        done = harborai("config", "path", "--json", config=self.CONFIG)
        files = json.loads(done.stdout)["files"]
        self.assertEqual([x["state"] for x in files], ["not there", "read"])
        self.assertTrue(files[1]["file"].endswith("harborai.yaml"))

    def test_path_of_what_is_not_read(self):
        with support.folder() as place:
            path = os.path.join(place, ".env")

            def run(*arguments):
                return subprocess.run([support.HARBORAI, "config", *arguments], cwd=place, text=True,
                                      env=support.environment(place), capture_output=True, timeout=30,
                                      check=False)

            def state():
                return json.loads(run("path", "--json").stdout)["files"][0]["state"]

            self.assertEqual(state(), "not there")
            os.mkfifo(path)
            self.assertEqual(state(), "no regular file, not read")
            self.assertIn(".env: not read: it is no regular file\n", run("check").stderr)
            os.unlink(path)
            os.mkdir(path)
            self.assertEqual(state(), "a folder, not read")
            os.rmdir(path)
            with open(path, "w", encoding="utf-8"):
                os.chmod(path, 0o646)
            self.assertEqual(state(), "of others, not read")
            os.chmod(path, 0o644)
            self.assertEqual(state(), "read")

    def test_describe(self):
        text = harborai("config", "describe").stdout
        self.assertEqual(text, harborai("config", "--describe").stdout)
        for setting in json.loads(harborai("config", "describe", "--json").stdout)["settings"]:
            self.assertIn(setting["setting"] + "\n", text)
        table = harborai("config", "describe", "--markdown").stdout
        with open(os.path.join(support.ROOT, "doc", "configuration.md"), encoding="utf-8") as file:
            self.assertIn("\n" + table + "\n", file.read())

    def test_wrong_use(self):
        for arguments in (["nope"], ["show", "check"], ["--nope"]):
            done = harborai("config", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("'config' has no 'shwo': did you mean 'show'?", harborai("config", "shwo").stderr)


class SchemaTest(unittest.TestCase):
    """The schema is judged by a validator that is not ours, and by our own reader."""

    GOOD = [
        {}, {"server": None}, {"$schema": "./config.schema.json"}, CommandTest.CONFIG,
        {"server": {"host": "0.0.0.0", "port": "${PORT:-8000}", "workers": 4, "max_body": "1 MiB"}},
        {"timeouts": {"connect": 2, "idle": "1.5m", "total": 0, "shutdown": "30s"}},
        {"log": {"level": "WARNING"}, "plugin_path": ["~/p", "/opt/p"], "default_model": "smart"},
        {"providers": {"a": {"plugin": "openai", "models": ["m", "f*", 4], "api_key": "none",
                             "options": {"defaults": {"anything": [1, {"goes": None}]}}}, "openai": None}},
    ]
    BROKEN = [
        [], "text", {"sever": {}}, {"server": {"prot": 1}}, {"server": {"port": 65536}},
        {"server": {"port": -1}}, {"server": {"port": True}}, {"server": {"port": "http"}},
        {"server": {"port": 1.5}}, {"server": {"host": ["a"]}}, {"server": {"host": ""}},
        {"server": {"workers": 65}}, {"server": {"max_body": "1GB"}}, {"server": []},
        {"log": {"level": "loud"}}, {"timeouts": {"connect": 0}}, {"timeouts": {"idle": "soon"}},
        {"plugin_path": "/opt/p"}, {"plugin_path": []}, {"default_model": None},
        {"providers": ["openai"]}, {"providers": {"My Lab": {}}}, {"providers": {"a": "sk-1"}},
        {"providers": {"a": {"base_url": "api.example.com"}}}, {"providers": {"a": {"models": []}}},
        {"providers": {"a": {"timeout": 60}}}, {"providers": {"a": {"api_key": ["sk"]}}},
        {"providers": {"a": {"options": {"api_key": "sk"}}}}, {"models": {"smart": "gpt-4o"}},
        {"providers": {"a": {"plugin": "Open/AI"}}},
    ]

    @classmethod
    def setUpClass(cls):
        try:
            import jsonschema
        except ImportError:
            raise unittest.SkipTest("jsonschema is missing: apt-get install python3-jsonschema")
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft7Validator.check_schema(schema)
        cls.validator = jsonschema.Draft7Validator(schema)

    def test_it_is_up_to_date(self):
        with open(SCHEMA, encoding="utf-8") as file:
            self.assertEqual(file.read(), harborai("config", "describe", "--schema").stdout)

    def test_good_files(self):
        for config in self.GOOD:
            with self.subTest(config):
                self.assertEqual(list(self.validator.iter_errors(config)), [])
                done = harborai("config", "check", config=config)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_broken_files(self):
        for config in self.BROKEN:
            with self.subTest(config):
                self.assertFalse(self.validator.is_valid(config))
                done = harborai("config", "check", config=json.dumps(config))
                self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    unittest.main()
