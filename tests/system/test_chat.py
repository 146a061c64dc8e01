# SPDX-License-Identifier: MIT
"""`harborai chat`: what it sends, what it shows where, and how every exit code is reached."""
import json
import os
import re
import signal
import subprocess
import unittest

import support
from support import harborai, run_with_tty

DELTAS = [{"reasoning_content": "thinking "}, {"reasoning_content": "hard\u001b[31m"},
          {"content": "The answer"}, {"content": " is 42.\n"}]


def stream_of(deltas):
    """A script for the simulator: an answer in the bytes of a vendor that shows its reasoning."""
    events = [{"choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    data = "".join("data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1,
                                          "model": "gpt-4o", **e}) + "\n\n" for e in events)
    return "sim:" + json.dumps({"raw": "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                                "connection: close\r\n\r\n" + data + "data: [DONE]\n\n"})


class ChatTest(support.WithSimulator):
    def chat(self, *arguments, config=None, **more):
        return harborai("chat", "-m", "gpt-4o", *arguments, config=config or self.config, **more)


class AskTest(ChatTest):
    def test_members_of_the_request(self):
        done = self.chat("-t", "0.25", "--max-tokens", "77", "--system", "be brief", "mark-members")
        self.assertEqual(done.returncode, 0, done.stderr)
        sent = json.loads(self.sim.request("mark-members")["body"])
        self.assertEqual((sent["temperature"], sent["max_tokens"]), (0.25, 77))
        self.assertEqual(sent["messages"][0], {"role": "system", "content": "be brief"})
        for option, value in (("-t", "warm"), ("-t", '"1"'), ("-t", ""), ("--max-tokens", "0"),
                              ("--max-tokens", "many"), ("--timeout", "soon"), ("--timeout", "0")):
            done = self.chat(option, value, "hi")
            self.assertEqual((done.returncode, done.stdout), (2, ""), (option, value))
            self.assertIn(f"'{value}'", done.stderr)

    def test_files(self):
        with support.folder() as place:
            one, two, image = (os.path.join(place, n) for n in ("one.txt", "zwei.txt", "x.png"))
            for path, data in ((one, b"first file\n"), (two, "二号".encode()), (image, b"\x89PNG\0")):
                with open(path, "wb") as file:
                    file.write(data)
            done = self.chat("-f", one, "What", "is", "this?", "--file", two)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout.rstrip("\n"), "What is this?\n\nFile '%s':\nfirst file\n\n\n"
                             "File '%s':\n二号" % (one, two))
            done = self.chat("-f", one)
            self.assertEqual(done.stdout.rstrip("\n"), f"File '{one}':\nfirst file")
            for path, says in ((image, "is no text in UTF-8"), (place, "Is a directory"),
                               (place + "/none", "No such file or directory")):
                done = self.chat("-f", path, "hi")
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(f"'{path}'", done.stderr)
                self.assertIn(says, done.stderr)

    def test_provider(self):
        done = self.chat("--provider", "lab", "hi")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("lab", done.stderr)
        for command in (["chat", "-m", "gpt-4o", "hi"], ["interactive", "-m", "gpt-4o"]):
            done = harborai(*command, "--provider", "nobody", config=self.config)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (
                2, "", "harborai: there is no provider 'nobody': 'harborai list-models' shows those "
                "that there are\n"))
        done = harborai("chat", "-m", "gpt-4o", "--provider", "openai", "hi")
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertIn("set OPENAI_API_KEY", done.stderr)
        done = self.chat("--provider", "openai", "mark-provider")
        self.assertEqual(done.stdout, "mark-provider\n", done.stderr)

    def test_a_key_that_a_command_prints_is_asked_for_once(self):
        with support.folder() as place:
            asked = os.path.join(place, "asked")
            program = os.path.join(place, "key")
            with open(program, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\necho x >>{asked}\necho sk-of-a-command-7777\n")
            os.chmod(program, 0o700)
            config = {"providers": {"openai": {"base_url": self.sim.base_url,
                                               "api_key": f"exec:{program}"}}}
            for arguments in (["list-plugins"], ["logs"]):
                self.assertEqual(harborai(*arguments, config=config).returncode, 0)
            path = support.write_config(place, config)
            harborai("-c", path, "__complete", "-c", path, "chat", "-m", "gpt")
            self.assertFalse(os.path.exists(asked))
            done = self.chat("mark-exec", config=config)
            self.assertEqual((done.returncode, done.stdout), (0, "mark-exec\n"), done.stderr)
            self.assertEqual(self.sim.request("mark-exec")["key_end"], "7777")
            with open(asked, encoding="utf-8") as file:
                self.assertEqual(file.read(), "x\n")
            config["providers"]["lab"] = {"plugin": "openai", "api_key": f"exec:{place}/none"}
            done = self.chat("hi", config=config)
            self.assertEqual((done.returncode, done.stdout), (3, ""))
            self.assertRegex(done.stderr, "\\Aharborai: .*yaml:.*: .*/none'.*\n\\Z")

    def test_a_configuration_from_a_pipe(self):
        """Which gives its text once: of a process (/dev/fd), of stdin, of a FIFO, of the environment."""
        with support.folder() as place:
            path = support.write_config(place, {**self.config, "default_model": "gpt-4o"})
            broken = os.path.join(place, "broken")
            with open(broken, "w", encoding="utf-8") as file:
                file.write("nonsense: 1\n")
            for code, says, script in (
                    (0, "hi\n", f"exec $H chat -c <(cat {path}) hi"),
                    (0, "hi\n", f"cat {path} | $H chat -c /dev/stdin hi"),
                    (0, "hi\n", f"mkfifo p; cat {path} >p & exec $H chat -c p hi"),
                    (0, "hi\n", f"HARBORAI_CONFIG=<(cat {path}) $H chat hi"),
                    (0, "hi\n", f"echo hi | $H interactive -c <(cat {path})"),
                    (3, "", f"exec $H chat -c <(cat {broken}) hi"),
                    (3, "", f"cat {broken} | $H chat -c /dev/stdin hi")):
                with self.subTest(script):
                    done = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, text=True,
                                          capture_output=True, check=False, timeout=30, cwd=place,
                                          env=support.environment(place, H=support.HARBORAI))
                    self.assertEqual((done.returncode, done.stdout), (code, says), done.stderr)
                    if code:
                        self.assertRegex(done.stderr, r"\Aharborai: /dev/\S+:1:1: unknown key")

    def test_an_answer_that_is_cut(self):
        done = self.chat('sim:{"text":"half of","finish_reason":"length"}')
        self.assertEqual((done.returncode, done.stdout), (0, "half of\n"))
        self.assertIn("reached its limit of tokens", done.stderr)
        self.assertEqual(self.chat("-q", 'sim:{"finish_reason":"length"}').stderr, "")


class ShowTest(ChatTest):
    def test_streams_on_a_terminal_only(self):
        for arguments, streams in (((), True), (("--no-stream",), False)):
            shown, errors, code = run_with_tty("chat", "-m", "gpt-4o", *arguments,
                                               f"mark-tty-{streams}", config=self.config)
            self.assertEqual((code, shown), (0, f"mark-tty-{streams}\n"), errors)
            sent = json.loads(self.sim.request(f"mark-tty-{streams}")["body"])
            self.assertEqual(sent.get("stream", False), streams)
        self.chat("mark-pipe")
        self.assertFalse(json.loads(self.sim.request("mark-pipe")["body"]).get("stream", False))

    def test_reasoning(self):
        """On stderr, where that is a terminal; dimmed where it has colours; never in the answer."""
        ask = ["chat", "-m", "gpt-4o", "--stream", stream_of(DELTAS)]
        shown, _, code = run_with_tty(*ask, config=self.config, stderr_too=True)
        self.assertEqual(code, 0, shown)
        self.assertTrue(shown.startswith("\033[2mthinking \033[0m\033[2mhard␛[31m\033[0m\n\n"
                                         "The answer is 42.\n\033[2m(openai/gpt-4o"), repr(shown))
        shown = run_with_tty(*ask, "--color=never", config=self.config, stderr_too=True)[0]
        self.assertTrue(shown.startswith("(thinking) thinking hard␛[31m\n\nThe answer is 42.\n(openai"),
                        repr(shown))
        for more in (["--no-reasoning"], ["-q"]):
            shown = run_with_tty(*ask, *more, config=self.config, stderr_too=True)[0]
            self.assertNotIn("thinking", shown)
        done = self.chat("--stream", stream_of(DELTAS))
        self.assertEqual((done.stdout, done.stderr), ("The answer is 42.\n", ""))

    def test_an_answer_cannot_command_the_terminal(self):
        ask = 'sim:{"text":"a\\u001b]0;x\\u0007b\\u009b2Jc\\u007f\\r\\nd\\te"}'
        for stream in ("--stream", "--no-stream"):
            shown = run_with_tty("chat", "-m", "gpt-4o", stream, ask, config=self.config)[0]
            self.assertEqual(re.sub("␍?\n", "\n", shown), "a␛]0;x␇b�2Jc␡\nd\te\n")
        self.assertEqual(self.chat('sim:{"text":"a\\u001b[2J"}').stdout, "a\033[2J\n")

    def test_a_complaint_cannot_command_the_terminal(self):
        ask = 'sim:{"status":400,"error":{"message":"a\\u009b2Jb\\u0085c"}}'
        shown = run_with_tty("chat", "-m", "gpt-4o", ask, config=self.config, stderr_too=True)[0]
        self.assertIn("a�2Jb�c\n", shown)
        self.assertIn("a\u009b2Jb", self.chat(ask).stderr)

    def test_a_reader_that_left(self):
        """head has what it wants: nobody is to be told."""
        with support.folder() as place:
            for arguments in ("list-models", "list-models --json", "--help --json",
                              "chat --stream -m gpt-4o 'sim:{\"events\":50,\"delay_ms\":20}'"):
                with self.subTest(arguments):
                    done = subprocess.run(
                        ["bash", "-c", f"{{ sleep 0.1; $H {arguments} -c {{}}; echo $? >&2; }} | true"
                         .replace("{}", support.write_config(place, self.config))],
                        capture_output=True, text=True, check=False, timeout=20,
                        env=support.environment(place, H=support.HARBORAI))
                    self.assertEqual(done.stderr, "1\n")

    def test_json(self):
        data = json.loads(self.chat("--json", "as data").stdout)
        self.assertEqual(data["choices"][0]["message"]["content"], "as data")
        lines = [json.loads(x) for x in self.chat("--json", "--stream", "as data").stdout.splitlines()]
        self.assertEqual(support.stream_text(lines), "as data")

    def test_stdout_that_fails_breaks_the_call_off(self):
        with open("/dev/full", "w", encoding="utf-8") as full, support.folder() as place:
            done = subprocess.run(
                [support.HARBORAI, "chat", "-m", "gpt-4o", "--stream", "--config",
                 support.write_config(place, self.config),
                 'sim:{"events":200,"delay_ms":50,"text":"mark-full"}'],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=8,
                env=support.environment(place))
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output: No space left on device", done.stderr)


class ExitCodesTest(ChatTest):
    """Each code of doc/commands.md; 7 is kept for batches."""

    def test_by_chat(self):
        nowhere = {"providers": {"openai": {"base_url": "http://127.0.0.1:1/v1", "api_key": "x"}}}
        slow = {**self.config, "timeouts": {"total": "300ms"}}
        rows = [
            (0, "done", self.config, ["hi"]),
            (1, "model that nobody has", self.config, ["-m", "nope", "hi"]),
            (1, "request that the vendor refused", self.config, ['sim:{"status":400}']),
            (2, "wrong option", self.config, ["--nope", "hi"]),
            (2, "empty question", self.config, ["-"]),
            (2, "empty model", self.config, ["-m", "", "hi"]),
            (3, "wrong configuration", "nonsense: 1\n", ["hi"]),
            (4, "key refused", self.config, ['sim:{"status":401}']),
            (4, "no key", {"providers": {"openai": {}}}, ["hi"]),
            (5, "rate limit", self.config, ['sim:{"status":429}']),
            (5, "vendor failed", self.config, ['sim:{"status":500}']),
            (5, "no way to it", nowhere, ["hi"]),
            (5, "broke off", self.config, ["--stream", 'sim:{"cut_after_events":1}']),
            (6, "time limit of the setting", slow, ['sim:{"wait_ms":5000}']),
            (6, "time limit of the flag", self.config, ["--timeout", "300ms",
                                                        'sim:{"wait_ms":5000}']),
        ]
        for code, name, config, arguments in rows:
            with self.subTest(name):
                done = self.chat(*arguments, config=config)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertEqual(bool(done.stderr), code != 0, done.stderr)

    def test_serve_with_a_wrong_configuration(self):
        self.assertEqual(harborai("serve", config="nonsense: 1\n").returncode, 78)

    def test_interrupted(self):
        """The call is broken off in good order, its end is on record; a second Ctrl-C would kill."""
        with support.folder() as state:
            shown, errors, code = run_with_tty(
                "chat", "-m", "gpt-4o", "--state-dir", state, config=self.config,
                *['sim:{"events":100,"event_bytes":4,"delay_ms":100}'], interrupt=b"0000")
            self.assertEqual((code, errors), (130, ""), shown)
            end = [x for x in support.journal(state) if support.kind(x) == "end"]
            self.assertEqual([x["outcome"] for x in end], ["cancelled"])
            self.assertIn("cancelled", harborai("logs", "--state-dir", state).stdout)

    def test_terminated(self):
        """The call is broken off and on record all the same; what was ignored stays so."""
        ask = [support.HARBORAI, "chat", "-m", "gpt-4o", "--stream"]
        with support.folder() as place:
            path = support.write_config(place, self.config)
            for number in (signal.SIGTERM, signal.SIGHUP):
                state = os.path.join(place, number.name)
                process = subprocess.Popen(
                    [*ask, "-c", path, "--state-dir", state,
                     'sim:{"events":100,"event_bytes":4,"delay_ms":100}'], stdout=subprocess.PIPE,
                    env=support.environment(place))
                self.assertEqual(process.stdout.read(4), b"0000")
                process.send_signal(number)
                process.communicate(timeout=20)
                self.assertEqual(process.returncode, -number)
                end = [x for x in support.journal(state) if support.kind(x) == "end"]
                self.assertEqual([x["outcome"] for x in end], ["cancelled"])
            process = subprocess.Popen(
                ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *ask, "-c", path, "--state-dir", place,
                 'sim:{"events":5,"event_bytes":4,"delay_ms":100}'], stdout=subprocess.PIPE,
                env=support.environment(place))
            self.assertEqual(process.stdout.read(4), b"0000")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=20)
            self.assertEqual(process.returncode, 0)

    def test_documented(self):
        with open(os.path.join(support.ROOT, "doc", "commands.md"), encoding="utf-8") as file:
            listed = re.findall(r"(?m)^\| (\d+) \|", file.read())
        self.assertEqual(listed, ["0", "1", "2", "3", "4", "5", "6", "7", "78", "130"])





if __name__ == "__main__":
    unittest.main()
