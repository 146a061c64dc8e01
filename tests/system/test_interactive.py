# SPDX-License-Identifier: MIT
"""`harborai interactive`: at a terminal (tmux, on a socket of its own), and with plain input."""
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import termios
import unittest

import support
from support import harborai


class Screen:
    """A terminal of 80 columns in which a shell runs a command; `lines` is what it shows."""

    def __init__(self, place, command, env, within_shell):
        self.place = place
        self.tmux = ["tmux", "-u", "-f", "/dev/null", "-S", os.path.join(place, "tmux.sock")]
        self.env = support.environment(place, TERM="xterm", **env)
        line = " ".join(f"'{word}'" for word in command)
        if within_shell:
            self.run("new-session", "-d", "-x", "80", "-y", "50",
                     "exec env PS1='shell$ ' bash --norc -i")
            self.wait("the shell", lambda lines: lines[-1] == "shell$")
            self.say(line)
        else:
            self.run("new-session", "-d", "-x", "80", "-y", "50",
                     f"{line}; echo status $?; exec sleep 60")

    def run(self, *arguments):
        done = subprocess.run([*self.tmux, *arguments], env=self.env, capture_output=True, text=True,
                              check=False, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def type(self, text):
        self.run("send-keys", "-l", text)

    def press(self, *keys):
        self.run("send-keys", *keys)

    def say(self, text):
        self.type(text)
        self.press("Enter")

    def lines(self):
        return [line.rstrip() for line in self.run("capture-pane", "-p").rstrip("\n").split("\n")]

    def wait(self, what, condition, limit_s=10):
        try:
            support.wait_for(what, lambda: condition(self.lines()), limit_s)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *self.lines()])) from None

    def wait_for_prompt(self, count):
        """Until so many prompts stand there, the last one with nothing behind it."""
        self.wait(f"prompt {count}", lambda lines: sum(x.startswith(">") for x in lines) == count and
                  [x for x in lines if x][-1] == ">")

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], env=self.env, check=False, capture_output=True,
                       timeout=20)


@contextlib.contextmanager
def screen(config, *arguments, env=None, state=None, within_shell=False):
    with support.folder() as place:
        path = support.write_config(place, config)
        shown = Screen(place, [support.HARBORAI, "interactive", "--config", path, "--state-dir",
                               state or os.path.join(place, "state"), *arguments], env or {}, within_shell)
        try:
            yield shown
        finally:
            shown.close()


@unittest.skipUnless(shutil.which("tmux"), "tmux is missing: apt-get install tmux")
class TerminalTest(support.WithSimulator):
    def messages(self, mark):
        body = json.loads(self.sim.request(mark)["body"])
        return body["model"], [(m["role"], m["content"]) for m in body["messages"]]

    def test_a_conversation(self):
        """In Chinese; an answer interrupted; the model switched: the screen as a person sees it."""
        with screen(self.config, "-m", "gpt-4o", "--color=never") as shown:
            shown.wait_for_prompt(1)
            self.assertRegex(shown.lines()[0], r"^harborai \S+, model gpt-4o\. '/help' shows")
            shown.say("你好，世界")
            shown.wait_for_prompt(2)
            lines = shown.lines()
            self.assertEqual(lines[1:3], ["> 你好，世界", "你好，世界"])
            self.assertRegex(lines[3], r"^\(openai/gpt-4o\S*, \d+ \+ \d+ tokens, 0\.\d+ USD\)$")
            shown.say('sim:{"events":100,"event_bytes":3,"delay_ms":100}')
            shown.wait("the first words", lambda x: len(x) > 5 and x[5])
            shown.press("C-c")
            shown.wait_for_prompt(3)
            self.assertIn("(broken off)", shown.lines())
            shown.say("/model my-model")
            shown.wait("the model", lambda x: "model: my-model" in x)
            shown.say("还在吗")
            shown.wait_for_prompt(5)
            self.assertIn("还在吗", shown.lines())
            self.assertRegex("\n".join(shown.lines()), r"(?m)^\(lab/my-model")
            model, turns = self.messages("还在吗")
            self.assertEqual(model, "my-model")
            self.assertEqual([role for role, _ in turns],
                             ["user", "assistant", "user", "assistant", "user"])
            self.assertEqual([text for _, text in turns[:2]], ["你好，世界", "你好，世界"])
            shown.press("C-d")
            shown.wait("the end", lambda x: "status 0" in x)
        sequence = next(x["seq"] for x in self.sim.lines("request") if "delay_ms" in x["body"])
        answer = next(x for x in self.sim.lines("answer") if x["seq"] == sequence)
        self.assertTrue(answer["peer_left"], answer)

    def test_editing(self):
        with screen(self.config, "-m", "gpt-4o", "-q") as shown:
            shown.wait_for_prompt(1)
            shown.type("一二三")
            shown.press("Left", "BSpace")
            shown.type("四")
            shown.wait("the line", lambda x: x[0] == "> 一四三")
            shown.press("Enter")
            shown.wait_for_prompt(2)
            self.assertEqual(shown.lines()[:3], ["> 一四三", "一四三", ">"])
            shown.type("dropped")
            shown.press("C-c")
            shown.wait_for_prompt(3)
            shown.press("Up")
            shown.wait("history", lambda x: x[-1] == "> 一四三")
            shown.press("C-e", "C-u")
            shown.say("one\\")
            shown.say("two")
            shown.wait("two lines", lambda x: x[-1] == ">" and x[-3:-1] == ["one", "two"])
            shown.say('"""')
            shown.say("three")
            shown.say("four\\")
            shown.say('"""')
            shown.wait("a block", lambda x: x[-1] == ">" and x[-3:-1] == ["three", "four\\"])
            shown.type("港" * 60)  # 120 columns of 80
            shown.press("Home")
            shown.type("前")
            shown.press("Enter")
            shown.wait("a long line", lambda x: x[-1] == ">")
            self.assertEqual(self.messages("前港")[1][-1][1], "前" + "港" * 60)
            shown.say("/quit")
            shown.wait("the end", lambda x: "status 0" in x)

    def test_stopped_and_continued(self):
        """Ctrl-Z in a shell, and fg: the line is edited on. A terminal that was resized too."""
        with screen(self.config, "-m", "gpt-4o", "-q", within_shell=True) as shown:
            shown.wait_for_prompt(1)
            shown.type("一二")
            shown.press("C-z")
            shown.wait("the shell", lambda x: x[-1] == "shell$")
            shown.say("fg")
            shown.wait("the line", lambda x: x[-1] == "> 一二")
            shown.run("resize-window", "-x", "60", "-y", "50")
            shown.press("BSpace")
            shown.type("三")
            shown.wait("the line", lambda x: x[-1] == "> 一三")
            shown.press("Enter")
            shown.wait("the answer", lambda x: x[-2:] == ["一三", ">"])
            shown.press("C-d")
            shown.wait("the shell", lambda x: x[-1] == "shell$")

    def test_the_terminal_is_left_as_it_was(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number.name):
                self.end_by(number)

    def end_by(self, number):
        with screen(self.config, "-m", "gpt-4o", "-q") as shown:
            shown.wait_for_prompt(1)
            shown.type("abc")
            shown.wait("the line", lambda x: x[-1] == "> abc")
            shell = shown.run("display-message", "-p", "#{pane_pid}").strip()
            with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
                child = int(file.read().split()[0])
            tty = shown.run("display-message", "-p", "#{pane_tty}").strip()
            self.assertFalse(self.is_canonical(tty))
            os.kill(child, number)
            shown.wait("the end", lambda x: f"status {128 + number}" in x)
            self.assertTrue(self.is_canonical(tty))

    @staticmethod
    def is_canonical(tty):
        fd = os.open(tty, os.O_RDONLY | os.O_NOCTTY)
        try:
            return bool(termios.tcgetattr(fd)[3] & termios.ICANON)
        finally:
            os.close(fd)

    def test_history_is_kept(self):
        with support.folder() as state:
            for previous, line in ((None, "first session"), ("first session", "second")):
                with screen(self.config, "-m", "gpt-4o", "-q", state=state) as shown:
                    shown.wait_for_prompt(1)
                    if previous:
                        shown.press("Up")
                        shown.wait("history", lambda x: x[-1] == f"> {previous}")
                        shown.press("C-u")
                    shown.say(line)
                    shown.wait_for_prompt(2)
                    shown.press("C-d")
                    shown.wait("the end", lambda x: "status 0" in x)
            mode = os.stat(os.path.join(state, "history")).st_mode
            self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_an_answer_cannot_command_the_terminal(self):
        with screen(self.config, "-m", "gpt-4o", "-q") as shown:
            shown.wait_for_prompt(1)
            shown.say('sim:{"text":"a\\u001b[2Jb\\u0007\\u009bc\\r\\nd\\te"}')
            shown.wait_for_prompt(2)
            self.assertIn("a␛[2Jb␇�c", shown.lines())
            self.assertTrue(any(line.startswith("d ") for line in shown.lines()))

    def test_what_goes_wrong_does_not_end_it(self):
        with screen(self.config) as shown:
            shown.wait_for_prompt(1)
            shown.say("hello")
            shown.wait_for_prompt(2)
            self.assertRegex("\n".join(shown.lines()), "which model\\?.*/model MODEL")
            shown.say("/modle gpt-4o")
            shown.wait_for_prompt(3)
            self.assertIn("harborai: there is no '/modle': did you mean '/model'?", shown.lines())
            shown.say("/model no-such")
            shown.wait_for_prompt(4)
            shown.say("lost question")
            shown.wait_for_prompt(5)
            self.assertRegex("\n".join(shown.lines()), "harborai: .*no-such")
            shown.say("/model gpt-4o")
            shown.wait_for_prompt(6)
            shown.say("mark-after-failure")
            shown.wait_for_prompt(7)
            self.assertEqual(self.messages("mark-after-failure")[1], [("user", "mark-after-failure")])


    def test_the_end_within_a_text(self):
        with screen(self.config, "-m", "gpt-4o", "-q") as shown:
            shown.wait_for_prompt(1)
            shown.say('"""')
            shown.wait("the fence", lambda x: x[-1] == ".")
            shown.say("half-of-it")
            shown.wait("the line", lambda x: x[-1] == ".")
            shown.press("C-d")
            shown.wait("the end", lambda x: "status 0" in x)
            self.assertNotIn("half-of-it", shown.lines())
            self.assertIn("harborai: the text does not end, and was not sent", shown.lines())

    def test_broken_off_before_the_first_word(self):
        with screen(self.config, "-m", "gpt-4o", "-q") as shown:
            shown.wait_for_prompt(1)
            shown.say('sim:{"wait_ms":5000,"text":"mark-wait"}')
            self.sim.request("mark-wait")
            shown.press("C-c")
            shown.wait("a prompt of its own", lambda x: x[-1] == ">" and len(x) > 2)

    def test_a_model_that_cannot_be_asked(self):
        """Is told of before the first question is written."""
        for config, model, says in ((self.config, "no-such", "'no-such' does not exist"),
                                    ({"providers": {"openai": {}}}, "gpt-4o", "set OPENAI_API_KEY")):
            with screen(config, "-m", model) as shown:
                shown.wait_for_prompt(1)
                self.assertRegex(shown.lines()[0], r"^harborai: ")
                self.assertIn(says, "".join(shown.lines()))
        with screen(self.config, "-q") as shown:
            shown.wait_for_prompt(1)
            shown.say("/model no-such")
            shown.wait("a word", lambda x: "'no-such' does not exist" in "".join(x))


class PlainInputTest(support.WithSimulator):
    def test_lines_blocks_and_commands(self):
        with support.folder() as place:
            path = os.path.join(place, "saved.json")
            done = harborai("interactive", "-m", "gpt-4o", "--state-dir", place, "--system", "be brief",
                            config=self.config, stdin=f'eins\n\n"""\nzwei\ndrei\n"""\n/system be kind\n'
                            f'/save {path}\n/save {path}\n/clear\nvier\\\nfünf')
            self.assertEqual((done.returncode, done.stdout),
                             (0, "eins\nzwei\ndrei\nvier\nfünf\n"), done.stderr)
            with open(path, encoding="utf-8") as file:
                saved = json.load(file)
            self.assertEqual([m["content"] for m in saved["messages"]],
                             ["be kind", "eins", "eins", "zwei\ndrei", "zwei\ndrei"])
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            again = harborai("interactive", "-m", "gpt-4o", "--state-dir", place,
                             config=self.config, stdin=f"/save {path}\n")
            self.assertIn(f"cannot write '{path}': File exists; choose another name", again.stderr)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(json.load(file), saved)

    def test_half_a_text_is_not_sent(self):
        for half in ('"""\nhalf of it\n', "half of it\\\n"):
            done = harborai("interactive", "-m", "gpt-4o", config=self.config, stdin="whole\n" + half)
            self.assertEqual((done.returncode, done.stdout), (2, "whole\n"))
            self.assertIn("harborai: the text does not end, and was not sent\n", done.stderr)

    def test_save_and_system(self):
        with support.folder() as place:
            done = harborai("interactive", "-m", "gpt-4o", "-s", "be brief", config=self.config,
                            env={"HOME": place}, stdin="one\n/save ~/a.json\n/system -\n/save ~/b.json\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"3 messages are in '{place}/a.json'", done.stderr)
            self.assertIn("system: none", done.stderr)
            self.assertIn(f"2 messages are in '{place}/b.json'", done.stderr)
            with open(os.path.join(place, "b.json"), encoding="utf-8") as file:
                self.assertEqual([m["role"] for m in json.load(file)["messages"]],
                                 ["user", "assistant"])

    def test_exit_code_is_that_of_the_first_failure(self):
        done = harborai("interactive", "-m", "gpt-4o", config=self.config,
                        stdin='good\nsim:{"status":429}\nsim:{"status":401}\nstill here\n')
        self.assertEqual((done.returncode, done.stdout), (5, "good\nstill here\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
