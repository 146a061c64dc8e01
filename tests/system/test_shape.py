# SPDX-License-Identifier: MIT
"""What all commands share: options of all, help, completion, tables, the journal shown."""
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import unittest

import support
from support import harborai, run_with_tty


def tables():
    return json.loads(harborai("--help", "--json").stdout)


class OptionsTest(unittest.TestCase):
    def test_help_of_every_command(self):
        for command in tables()["commands"]:
            words = command["name"].split()
            by_flag, by_name = harborai(*words, "--help"), harborai("help", *words)
            self.assertEqual((by_flag.returncode, by_name.returncode), (0, 0), words)
            self.assertEqual(by_flag.stdout, by_name.stdout)
            for option in command["options"]:
                self.assertIn(f"--{option['name']}", by_flag.stdout)
            for option in ("--config", "--color", "--quiet", "--verbose", "--help"):
                self.assertIn(option, by_flag.stdout)
        self.assertEqual(harborai("help").stdout, harborai("--help").stdout)
        self.assertIn("export OPENAI_API_KEY=", harborai("help").stdout)
        self.assertIn("man harborai", harborai("help").stdout)

    def test_what_is_said_of_a_wrong_option(self):
        for says, *arguments in (
                ("there is no option '--modle': did you mean '--model'?", "chat", "--modle", "x"),
                ("there is no option '--modle': did you mean '--model'?", "chat", "--modle=x"),
                ("there is no option '--zzzzzz'", "chat", "--zzzzzz"),
                ("'--json' stands behind a command's name, or beside --help", "--json"),
                ("there is no option '-Z'", "chat", "-Z"),
                ("there is no option '-Z'", "chat", "-qZv", "-m", "x"),
                ("there is no option '-é'", "chat", "-é"),
                ("there is no option '-模'", "chat", "-q模v", "x"),
                ("there is no option '--no'", "list-models", "--no"),
                ("option '--st' could be '--stream' or '--state-dir'", "chat", "--st"),
                ("option '--model' needs a value: --model MODEL", "chat", "--model"),
                ("option '--model' needs a value: --model MODEL", "chat", "-m"),
                ("option '--json' takes no value: '--json=3'", "chat", "--json=3"),
                ("--color: 'blue' is not auto, always or never", "--color", "blue", "chat"),
                ("--color: 'blue' is not auto, always or never", "chat", "--color=blue"),
                ("--quiet and --verbose exclude each other", "-q", "list-models", "-v"),
                ("there is no command 'chta': did you mean 'chat'?", "chta"),
                ("there is no command 'lgos': did you mean 'logs'?", "help", "lgos"),
                ("there is no completion for 'tcsh'", "completion", "tcsh")):
            with self.subTest(arguments):
                done = harborai(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn("harborai: " + says, done.stderr)

    def test_options_before_the_command(self):
        with support.folder() as place:
            path = support.write_config(place, {"providers": {}, "models": {}})
            for arguments in (["--config", path, "list-models"], ["-c", path, "list-models"],
                              [f"--config={path}", "list-models"],
                              ["list-models", "--config", path]):
                done = harborai(*arguments)
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
                self.assertIn("name providers in the configuration", done.stderr)
        done = harborai("--config", "/no/such", "list-models")
        self.assertEqual(done.returncode, 3)
        self.assertIn("/no/such", done.stderr)

    def test_quiet_and_verbose(self):
        with support.folder() as state:
            chat = ["chat", "-m", "echo", "--state-dir", state, "hi"]
            self.assertIn("info plugin.loaded", harborai(*chat, "-v").stderr)
            self.assertEqual(harborai(*chat).stderr, "")
            self.assertEqual(harborai(*chat, "-q").stderr, "")

    def test_color(self):
        rows = [({}, [], False), ({"CLICOLOR_FORCE": "1"}, [], True),
                ({"CLICOLOR_FORCE": "0"}, [], False),
                ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, [], False),
                ({"NO_COLOR": "1"}, ["--color=always"], True),
                ({"CLICOLOR_FORCE": "1"}, ["--color=never"], False)]
        for env, arguments, colored in rows:
            with self.subTest(f"{env} {arguments}"):
                done = harborai("list-models", *arguments, env=env)
                self.assertEqual("\033[" in done.stdout, colored)
        self.assertIn("\033[1m", run_with_tty("list-models")[0])
        self.assertNotIn("\033[", run_with_tty("list-models", env={"NO_COLOR": "1"})[0])


class TablesTest(unittest.TestCase):
    def test_list_models_says_what_models_can(self):
        done = harborai("list-models", env={"OPENAI_API_KEY": "x"})
        self.assertRegex(done.stdout, r"(?m)^MODEL .* CAPABILITIES ")
        self.assertRegex(done.stdout, r"(?m)^gpt-4o .* tools .*vision")
        data = json.loads(harborai("list-models", "--json", env={"OPENAI_API_KEY": "x"}).stdout)
        model = next(m for m in data["models"] if m["name"] == "gpt-4o")["model"]
        self.assertIn("tools", model["capabilities"])
        self.assertGreater(model["context"], 0)
        for line in done.stdout.splitlines():
            self.assertEqual(line, line.rstrip())
        self.assertRegex(done.stdout, r"(?m)^gpt-5\.4 .* from 2\.5 / 15 USD")

    def test_folding(self):
        screen = run_with_tty("list-plugins", columns=50)[0]
        self.assertNotRegex(screen.splitlines()[0], "FILE")
        self.assertRegex(screen, r"(?m)^openai +org.harborai.openai.*\n  FILE /.*openai\.so$")
        screen = run_with_tty("list-models", columns=80, env={"OPENAI_API_KEY": "x"})[0]
        self.assertRegex(screen, r"(?m)^gpt-4o +openai +128000 +16384\n  CAPABILITIES tools .*vision  "
                                 r"IN / OUT PER 1M 2\.5 / 10 USD$")
        self.assertLessEqual(max(len(re.sub("\033.*?m", "", x)) for x in screen.splitlines()), 80)
        self.assertRegex(run_with_tty("list-plugins", columns=500)[0].splitlines()[0], "FILE\033")
        self.assertRegex(harborai("list-plugins").stdout.splitlines()[0], "FILE$")

    def test_chinese(self):
        """A wide character takes two columns: what follows stands in one column."""
        config = {"providers": {"lab": {"plugin": "openai", "base_url": "http://127.0.0.1:1/v1",
                                        "api_key": "none", "models": ["通义千问", "short", "é"]}}}
        lines = harborai("list-models", config=config).stdout.splitlines()
        self.assertEqual(len(lines), 4)
        places = set()
        for line in lines[1:]:
            before = line[:line.index("lab")]
            places.add(len(before) + sum(ord(c) > 0x2e80 for c in before))
        self.assertEqual(len(places), 1, lines)


class LogsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sim = stack.enter_context(support.simulator())
            cls.state = stack.enter_context(support.folder())
            cls.addClassCleanup(stack.pop_all().close)
        cls.config = support.config_for(cls.sim)

    def logs(self, *arguments, state=None):
        return harborai("logs", "--state-dir", state or self.state, *arguments)

    def test_logs(self):
        done = self.logs(state="/nonexistent/state")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("no call is on record in '/nonexistent/state'", done.stderr)
        for text in ("one", "two words", 'sim:{"status":429}'):
            harborai("chat", "-m", "gpt-4o", "--state-dir", self.state, text, config=self.config)
        done = self.logs()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        head, *rows = done.stdout.splitlines()
        self.assertEqual(head.split(), "TIME MODEL PROVIDER STATUS IN OUT COST DURATION ID".split())
        self.assertEqual(len(rows), 3)
        self.assertRegex(rows[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  gpt-4o +openai +ok +\d+ +\d+ +"
                                  r"0\.\d+ USD +\d+\.\d{3} s +hb_\d+_[0-9a-f]{8}$")
        self.assertIn("E_RATE_LIMIT", rows[2])
        self.assertEqual(len(self.logs("-n", "1").stdout.splitlines()), 2)
        self.assertIn("E_RATE_LIMIT", self.logs("-n", "1").stdout)
        lines = [json.loads(x) for x in self.logs("--json").stdout.splitlines()]
        self.assertEqual([x["outcome"] for x in lines], ["ok", "ok", "error"])
        self.assertEqual(lines[0]["tokens"].keys() >= {"input", "output"}, True)
        for wrong in ("0", "x", "-1", "10000000"):
            done = self.logs("-n", wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"'{wrong}'", done.stderr)

    def test_what_is_broken_is_named(self):
        with support.folder() as state:
            os.mkdir(os.path.join(state, "journal"))
            with open(os.path.join(state, "journal", "x.jsonl"), "w", encoding="utf-8") as file:
                file.write('{"type":"end","key":"a","id":"\\u001b[31mred","model":"模型",'
                           '"begin_ns":1795283212404642244,"end_ns":1795283213404642244,'
                           '"outcome":"ok"}\nnonsense\n{"type":"begin","key":"b","id":"hb_b",'
                           '"begin_ns":1795283212404642299,"attempt":1}\n{"type":"e')
            done = self.logs(state=state)
        self.assertEqual(done.returncode, 0)
        self.assertIn("␛[31mred", done.stdout)
        self.assertRegex(done.stdout, r"模型 .* ok .* 1\.000 s")
        self.assertRegex(done.stdout, r"lost .* hb_b")
        self.assertIn("harborai: x.jsonl: left out its last line, which is torn (10 bytes)", done.stderr)
        self.assertIn("harborai: x.jsonl: left out what stands at byte 138: ", done.stderr)

    def test_a_name_of_a_file_cannot_command_the_terminal(self):
        with support.folder() as state:
            os.mkdir(os.path.join(state, "journal"))
            with open(os.path.join(state, "journal", "i\n\033[31m.jsonl"), "w", encoding="utf-8") as file:
                file.write('{"x":"' + "x" * (1 << 20) + '"}\n')
            shown = run_with_tty("logs", "--state-dir", state, stderr_too=True)[0]
        self.assertIn("harborai: i␊␛[31m.jsonl: left out 1 line that is too long\n", shown)

    def test_a_gateway_that_runs(self):
        with support.gateway(self.config, workers=1) as hb:
            hb.chat("first")
            slow = support.RawStream(hb.port, support.chat_body(
                {"events": 50, "delay_ms": 100}, stream=True))
            slow.read_until(b"data:")
            done = self.logs(state=hb.state)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"(?m) under way  .*\n?$")
            self.assertRegex(done.stdout, r"(?m) ok  ")
            slow.close()


COMPLETE = r"""
eval "$(harborai completion bash)"
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_harborai
printf '%s\n' "${COMPREPLY[@]}"
"""


class CompletionTest(unittest.TestCase):
    """Real bash, in two ways: its function called as readline calls it; and a shell at a terminal
    in which TAB is pressed."""

    def lines(self, *words, env=None):
        with support.folder() as place:
            path = f"{support.BUILD}:{os.environ['PATH']}"
            done = subprocess.run(["bash", "--norc", "-c", COMPLETE, "bash", *words],
                                  capture_output=True, text=True, check=False, cwd=place,
                                  env=support.environment(place, OPENAI_API_KEY="x",
                                                          **{"PATH": path, **(env or {})}))
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout.splitlines()

    def complete(self, *words, env=None):
        return " ".join(self.lines(*words, env=env)).split()

    def test_commands_options_models(self):
        every = [c["name"].split()[0] for c in tables()["commands"]]
        self.assertEqual(set(self.complete("harborai", "")), set(every))
        rows = [(("ch",), {"chat"}), (("list",), {"list-models", "list-plugins"}),
                (("nope", ""), set()), (("help", "ser"), {"serve"}),
                (("completion", ""), {"bash", "zsh", "fish"}),
                (("chat", "--mod"), {"--model"}), (("--qu",), {"--quiet"}),
                (("chat", "-m", "gpt-4o-m"), {"gpt-4o-mini", "gpt-4o-mini-2024-07-18"}),
                (("-q", "chat", "--model", "ech"), {"echo"}),
                (("chat", "--model", "=", "ech"), {"echo"}),
                (("chat", "--model=ech",), {"echo"}),
                (("list-models", "--provider", ""), {"openai", "echo"}),
                (("--color", "a"), {"auto", "always"}),
                (("serve", "--log-level", "w"), {"warn"})]
        for words, wanted in rows:
            with self.subTest(words):
                self.assertEqual(set(self.complete("harborai", *words)), wanted)
        options = set(self.complete("harborai", "chat", "--"))
        chat = next(c for c in tables()["commands"] if c["name"] == "chat")
        self.assertEqual(options, {f"--{o['name']}" for o in chat["options"] + tables()["options"]}
                         | {"--help"})

    def test_files_and_what_a_file_says(self):
        with support.folder() as place:
            config = support.write_config(place, {"providers": {"lab": {
                "plugin": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "none",
                "models": ["a:b:one", "a:b:two"]}}})
            self.assertEqual(self.complete("harborai", "chat", "-c", config[:-3]), [config])
            self.assertEqual(
                set(self.complete("harborai", "-c", config, "chat", "-m", "a", ":", "b", ":", "")),
                {"one", "two"})
            mark = os.path.join(place, "mark")
            asks = support.write_config(place, {"providers": {"lab": {
                "plugin": "openai", "base_url": "http://127.0.0.1:1/v1",
                "api_key": f"exec:touch {mark}", "models": ["keyed"]}}})
            self.assertEqual(self.complete("harborai", "-c", asks, "chat", "-m", "k"), ["keyed"])
            self.assertFalse(os.path.exists(mark), "a TAB must not ask for keys")
            broken = support.write_config(place, "nonsense: [")
            self.assertEqual(self.complete("harborai", "-c", broken, "chat", "-m", "g"), [])

    def test_odd_names(self):
        """Names of others go into a line that is run: they stay one word, and nothing of them is."""
        odd = ["my model", "we$(touch x)ird", "quo'te", "back`tick", "semi;colon", "模型"]
        with support.folder() as place:
            config = support.write_config(place, {"providers": {"lab": {
                "plugin": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "none",
                "models": odd}}})
            ask = ("harborai", "-c", config, "chat", "-m")
            rows = [("my", ["my\\ model"]), ("my\\ m", ["my\\ model"]), ("'my m", ["my model"]),
                    ("we", ["we\\$\\(touch\\ x\\)ird"]), ("we\\$", ["we\\$\\(touch\\ x\\)ird"]),
                    ('"we', [""]), ("'we", ["we$(touch x)ird"]), ("quo", ["quo\\'te"]), ("'quo", [""]),
                    ("back", ["back\\`tick"]), ("semi", ["semi\\;colon"]), ("模", ["模型"])]
            for word, wanted in rows:
                with self.subTest(word):
                    self.assertEqual(self.lines(*ask, word), wanted)

    def test_the_program_below_the_home_directory(self):
        with support.folder() as place:
            os.mkdir(os.path.join(place, "bin"))
            os.symlink(support.HARBORAI, os.path.join(place, "bin", "harborai"))
            self.assertEqual(self.complete("~/bin/harborai", "ch", env={"HOME": place}), ["chat"])

    def test_tab_at_a_terminal(self):
        import pty
        with support.folder() as place:
            ours, theirs = pty.openpty()
            shell = subprocess.Popen(
                ["bash", "--norc", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, cwd=place,
                start_new_session=True, env=support.environment(
                    place, TERM="dumb", PS1="ready> ", HISTFILE="/dev/null",
                    PATH=f"{support.BUILD}:{os.environ['PATH']}"))
            os.close(theirs)
            try:
                seen = self.read(ours, b"ready> ")
                os.write(ours, b'eval "$(harborai completion bash)"\n')
                self.read(ours, b"\nready> ")
                os.write(ours, b"harborai chat --mod\t")
                seen = self.read(ours, b"--model ")
                os.write(ours, b"ec\t")
                seen = self.read(ours, b"echo ")
                os.write(ours, b"--sta\t")
                self.assertIn(b"-dir ", self.read(ours, b"-dir "), seen)
            finally:
                support.end(shell, 0.2)
                os.close(ours)

    def read(self, fd, mark):
        import select
        seen, end = b"", time.monotonic() + 10
        while mark not in seen:
            self.assertTrue(select.select([fd], [], [], max(0, end - time.monotonic()))[0],
                            f"no {mark!r} in {seen!r}")
            seen += os.read(fd, 65536)
        return seen

    def test_the_file_that_is_installed(self):
        """Sourced alone, and found by the package bash-completion where that is there."""
        file = os.path.join(support.ROOT, "core", "cli", "completion", "harborai")
        package = "/usr/share/bash-completion/bash_completion"
        load = f'source "{file}" other words'
        with support.folder() as place:
            if os.path.exists(package):
                folder = os.path.join(place, "bash-completion", "completions")
                os.makedirs(folder)
                shutil.copy(file, folder)
                load = f'source {package}; __load_completion harborai'
            done = subprocess.run(
                ["bash", "--norc", "-c", load + "; complete -p harborai; type -t _harborai"],
                capture_output=True, text=True, check=False, cwd=place, env=support.environment(
                    place, XDG_DATA_HOME=place, PATH=f"{support.BUILD}:{os.environ['PATH']}"))
        self.assertEqual(done.stdout, "complete -F _harborai harborai\nfunction\n", done.stderr)

    def test_scripts_of_other_shells_name_the_program(self):
        for shell in ("zsh", "fish"):
            self.assertIn("__complete", harborai("completion", shell).stdout)


class ManualTest(unittest.TestCase):
    """The flags of --help stand in the manual, below their commands, and no others; the settings are
    those of the table."""
    MAN = os.path.join(support.ROOT, "doc", "man")

    def page(self, name):
        with open(os.path.join(self.MAN, name), encoding="utf-8") as file:
            return file.read()

    @staticmethod
    def flags(text):
        """What stands in the heads of lists: "--model" and "-m"."""
        heads = "\n".join(re.findall(r"(?m)^\.It (.*Fl .*)$", text))
        return set("-" + f for f in re.findall(r"\bFl (-?[A-Za-z][a-z-]*)", heads))

    @staticmethod
    def flags_of(options):
        return {f"--{o['name']}" for o in options} | {f"-{o['letter']}" for o in options if "letter" in o}

    def test_every_flag(self):
        page = self.page("harborai.1")
        sections = dict(re.findall(r"(?ms)^\.Ss ([a-z][a-z -]*)\n(.*?)(?=^\.S[sh] |\Z)", page))
        data = tables()
        self.assertEqual(set(sections), {c["name"] for c in data["commands"]})
        for command in data["commands"]:
            with self.subTest(command["name"]):
                self.assertEqual(self.flags(sections[command["name"]]),
                                 self.flags_of(command["options"]))
        options = re.search(r"(?ms)^\.Sh OPTIONS\n(.*?)^\.Sh ", page).group(1)
        own = [{"name": "help", "letter": "h"}, {"name": "version", "letter": "V"}]
        self.assertEqual(self.flags(options), self.flags_of(data["options"] + own))

    def test_settings_and_variables(self):
        described = harborai("config", "describe", "--json").stdout
        made = subprocess.run([os.path.join(self.MAN, "generate-settings")], input=described, text=True,
                              capture_output=True, check=True).stdout
        self.assertEqual(self.page("harborai.5"), made, "write it again: harborai config describe "
                         "--json | doc/man/generate-settings > doc/man/harborai.5")
        for setting in json.loads(described)["settings"]:
            self.assertIn(f"\n.It Li {setting['setting']}\n", made)
            if "variable" in setting:
                self.assertIn(f"\n.It Ev {setting['variable']}\n", made)

    def test_mandoc_has_nothing_to_say(self):
        for name in ("harborai.1", "harborai.5"):
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "all", os.path.join(self.MAN, name)],
                                  capture_output=True, text=True, check=False)
            says = [line for line in (done.stdout + done.stderr).splitlines()
                    if not re.search("operating system explicitly|referenced manual not found", line)]
            self.assertEqual(says, [])


if __name__ == "__main__":
    unittest.main()
