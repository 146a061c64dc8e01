# SPDX-License-Identifier: MIT
"""Golden files: what each of many commands says on stderr, and its exit code.

golden/ROOM.txt has a case after another; `run.py --write-golden test_golden` writes them anew.
Paths, ports and what else differs between two machines stand there as words in capitals.
"""
import os
import re
import shlex
import subprocess
import unittest

import support

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
SEPARATOR = "=" * 20


def is_written_anew():
    return bool(os.environ.get("HARBORAI_WRITE_GOLDEN"))


def path_of(room):
    return os.path.join(FOLDER, room + ".txt")


def parse(text):
    """{name: the case as it stands}"""
    cases = {}
    for part in text.split(SEPARATOR + " ")[1:]:
        name, _, rest = part.partition("\n")
        cases[name] = rest
    return cases


class Golden(unittest.TestCase):
    """A room of cases: a sub-class has one test, which calls ask() for each and then settle()."""

    room = None
    maxDiff = None

    def setUp(self):
        self.cases = {}
        self.names = {}  # text: the word that stands for it
        self.place = self.enter(support.folder())
        self.want = {}
        if os.path.exists(path_of(self.room)):
            with open(path_of(self.room), encoding="utf-8") as file:
                self.want = parse(file.read())

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def neutral(self, text):
        names = {self.place: "PLACE", support.BUILD: "BUILD", **self.names}
        for value in sorted(names, key=len, reverse=True):
            text = text.replace(value, names[value])
        text = re.sub("Name or service not known|Temporary failure in name resolution",
                      "NO SUCH NAME", text)  # the second without a network
        text = re.sub(r"OpenSSL/[\d.]+: error:\w+", "OPENSSL", text)
        text = re.sub(r"SHA-256 is [0-9a-f]{12}", "SHA-256 is DIGEST", text)
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)

    def path(self, name):
        return os.path.join(self.place, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def ask(self, name, *arguments, env=None, stdin="", redirect="", listed=False,
            answer=False, limit_s=30):
        """Runs `harborai arguments` in a shell, so that `redirect` may close or bend descriptors.
        `listed`: the command succeeds and complains. `answer`: what is wrong is its answer, on
        stdout."""
        command = " ".join(["harborai", *map(shlex.quote, arguments)]) + redirect
        done = subprocess.run(
            ["sh", "-c", f'program=$1; shift; exec "$program" "$@"{redirect}', "sh",
             support.HARBORAI, *arguments],
            input=stdin.encode(errors="surrogateescape"), stdout=subprocess.PIPE if answer else subprocess.DEVNULL,
            stderr=subprocess.PIPE, cwd=self.place, timeout=limit_s, check=False,
            env=support.environment(self.place, **(env or {})))
        said = ((done.stdout or b"") + done.stderr).decode(errors="backslashreplace")
        shown = " ".join(f"{k}={shlex.quote(str(v))}" for k, v in (env or {}).items())
        got = self.neutral(f"$ {shown + ' ' if shown else ''}{command}\n{said}"
                           f"exit {done.returncode}\n\n")
        self.assertNotIn(name, self.cases, "a case twice")
        self.cases[name] = got
        with self.subTest(name):
            self.assertTrue(done.returncode > 0 or listed, "a mistake is no success")
            self.assertTrue(said, "a mistake is answered")
            if not is_written_anew():
                self.assertEqual(got, self.want.get(name), "run.py --write-golden writes it anew")

    def settle(self):
        if is_written_anew():
            with open(path_of(self.room), "w", encoding="utf-8") as file:
                for name, text in self.cases.items():
                    file.write(f"{SEPARATOR} {name}\n{text}")
            return
        self.assertEqual(sorted(self.want), sorted(self.cases), "golden and asked cases differ")
