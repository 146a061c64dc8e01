# SPDX-License-Identifier: MIT
"""harborai export: formats, sources, what a spreadsheet must not take for a formula, and files that are
whole or not there."""
import csv
import io
import json
import os
import re
import resource
import stat
import subprocess
import sys
import unittest
import xml.etree.ElementTree
import zipfile

import postgres
import support
from support import HARBORAI, harborai, run_with_tty
from test_postgres import BEGIN_NS, Journal, amend_line, end_line

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def has_xlsx():
    with support.folder() as place:
        done = harborai("export", "--state-dir", place, "-o", os.path.join(place, "a.xlsx"))
    return "--without-xlsx" not in done.stderr


HAS_XLSX = has_xlsx()


def cell_value(cell):
    kind = cell.get("t")
    if kind == "inlineStr":
        return "".join(t.text or "" for t in cell.iter(MAIN + "t"))
    value = cell.find(MAIN + "v")
    return None if value is None else value.text == "1" if kind == "b" else float(value.text)


def read_xlsx(data):
    """The sheets of a workbook: name -> rows, each name of a column -> value. No cell is a formula."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        names = [s.get("name") for s in
                 xml.etree.ElementTree.fromstring(book.read("xl/workbook.xml")).iter(MAIN + "sheet")]
        sheets = {}
        for i, name in enumerate(names):
            text = book.read(f"xl/worksheets/sheet{i + 1}.xml")
            assert b"<f>" not in text
            rows = []
            for row in xml.etree.ElementTree.fromstring(text).iter(MAIN + "row"):
                rows.append({re.sub(r"\d", "", c.get("r")): cell_value(c) for c in row})
            heads = rows[0]
            sheets[name] = [{heads[k]: v for k, v in row.items()} for row in rows[1:]]
    return sheets


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        place = support.folder()
        self.state = place.__enter__()
        self.addCleanup(place.__exit__, None, None, None)
        self.journal = Journal(self.state)

    def path(self, name):
        return os.path.join(self.state, name)

    def export(self, *arguments, status=0, **more):
        done = harborai("export", "--state-dir", self.state, *arguments, **more)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def export_bytes(self, *arguments):
        path = self.path("out")
        self.export(*arguments, "--force", "-o", path)
        with open(path, "rb") as file:
            return file.read()


class FormatsTest(Case):
    def setUp(self):
        super().setUp()
        self.first = end_line(tags={"team": "blue"})
        self.failed = end_line(
            id="hb_1795335570429_00000001", begin_ns=BEGIN_NS + 10**9, end_ns=BEGIN_NS + 2 * 10**9,
            outcome="error", status=429, error={"code": "E_RATE_LIMIT", "message": 'a "b", c\nd'},
            tokens={}, usage=None, cost=None, cost_reason="no_usage", parsing_method="")
        del self.failed["cost_input"], self.failed["cost_output"]
        self.late = end_line(begin_ns=BEGIN_NS + 2 * 10**9, end_ns=BEGIN_NS + 3 * 10**9,
                             cost="1234.000000000001", cost_input="1234", cost_output="0.000000000001")
        self.journal.add(self.first, self.failed, self.late)

    def test_csv(self):
        done = self.export("--format", "csv")
        rows = read_csv(done.stdout)
        self.assertEqual([r["record_key"] for r in rows],
                         [x["key"] for x in (self.late, self.failed, self.first)])
        row = rows[2]
        self.assertEqual(row["timestamp"], "2026-11-22T08:19:30.428844Z")
        self.assertEqual(row["ended_at"], "2026-11-22T08:19:30.678844Z")
        self.assertEqual((row["hb_trace_id"], row["otel_trace_id"]), (self.first["id"], self.first["trace_id"]))
        self.assertEqual((row["provider"], row["model"], row["plugin"]),
                         ("openai", "gpt-4o", "org.harborai.openai"))
        self.assertEqual((row["prompt_tokens"], row["completion_tokens"], row["total_tokens"]), ("10", "20", "30"))
        self.assertEqual((row["input_cost"], row["output_cost"], row["total_cost"], row["currency"]),
                         ("0.000025", "0.000200000001", "0.000225000001", "USD"))
        self.assertEqual((row["duration_ms"], row["first_token_latency_ms"]), ("250", "50"))
        self.assertEqual(json.loads(row["tags"]), {"team": "blue"})
        self.assertEqual(json.loads(row["tokens"]), {"input": 10, "output": 20})
        self.assertEqual(rows[1]["error_message"], 'a "b", c\nd')
        self.assertEqual((rows[1]["total_cost"], rows[1]["total_tokens"]), ("", ""))
        self.assertEqual(rows[0]["total_cost"], "1234.000000000001")
        self.assertTrue(self.export_bytes("-f", "csv", "--bom").startswith(b"\xef\xbb\xbftimestamp,"))
        self.assertIn(b"\r\n", self.export_bytes("-f", "csv"))

    def test_json(self):
        rows = json.loads(self.export("--json").stdout)
        lines = [json.loads(line) for line in self.export("-f", "jsonl").stdout.splitlines()]
        self.assertEqual(rows, lines)
        self.assertEqual(list(rows[0]), self.export("-f", "csv").stdout.splitlines()[0].split(","))
        self.assertEqual(rows[0]["total_cost"], "1234.000000000001")
        self.assertEqual(rows[2]["tokens"], {"input": 10, "output": 20})
        self.assertIs(rows[2]["is_stream"], True)
        self.assertEqual(rows[2]["total_tokens"], 30)
        self.assertIsNone(rows[1]["total_cost"])

    def test_columns_are_written_down(self):
        with open(os.path.join(support.ROOT, "doc", "export.md"), encoding="utf-8") as file:
            table = file.read().split("## Columns")[1].split("##")[0]
        heads = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
        self.assertEqual(re.findall(r"`(\w+)`", " ".join(heads)), list(json.loads(self.export("--json").stdout)[0]))

    @unittest.skipUnless(HAS_XLSX, "built --without-xlsx")
    def test_xlsx(self):
        rows, = read_xlsx(self.export_bytes("-f", "xlsx")).values()
        self.assertEqual([r["record_key"] for r in rows],
                         [x["key"] for x in (self.late, self.failed, self.first)])
        self.assertEqual(rows[2]["total_cost"], 0.000225000001)
        self.assertEqual(rows[2]["total_tokens"], 30)
        self.assertIs(rows[2]["is_stream"], True)
        self.assertEqual(rows[2]["timestamp"], "2026-11-22T08:19:30.428844Z")
        self.assertEqual(rows[0]["total_cost"], "1234.000000000001")  # more digits than a double has
        self.assertEqual(rows[0]["input_cost"], 1234)
        self.assertNotIn("total_cost", rows[1])
        self.assertEqual(rows[1]["error_message"], 'a "b", c\nd')
        piped = subprocess.run([HARBORAI, "export", "--state-dir", self.state, "-f", "xlsx"],
                               capture_output=True, check=True, env=support.environment(self.state))
        self.assertEqual(list(read_xlsx(piped.stdout).values())[0], rows)

    def test_by_the_name(self):
        for name, begin in (("a.csv", b"timestamp,"), ("a.json", b"[\n{"), ("a.JSONL", b"{"),
                            ("a.xlsx", b"PK"), ("data", b"timestamp,"), (".hidden", b"timestamp,")):
            if name == "a.xlsx" and not HAS_XLSX:
                continue
            with self.subTest(name):
                done = self.export("-o", self.path(name))
                self.assertIn("3 calls in '", done.stderr)
                self.assertEqual(done.stdout, "")
                with open(self.path(name), "rb") as file:
                    self.assertTrue(file.read().startswith(begin))
                self.assertEqual(stat.S_IMODE(os.stat(self.path(name)).st_mode), 0o600)

    def test_a_name_without_a_flag(self):
        for arguments, begin in ((["b.csv"], b"timestamp,"), (["-n", "1", "b.jsonl"], b"{"),
                                 (["c.json", "--force"], b"[\n{")):
            with self.subTest(arguments):
                path = self.path(next(name for name in arguments if "." in name))
                done = self.export(*(path if "." in word else word for word in arguments))
                self.assertIn(f"calls in '{path}'", done.stderr)
                with open(path, "rb") as file:
                    self.assertTrue(file.read().startswith(begin))
        self.assertTrue(self.export("-").stdout.startswith("timestamp,"))

    def test_two_names(self):
        done = self.export(self.path("b.csv"), self.path("c.csv"), status=2)
        self.assertIn("export writes one FILE", done.stderr)
        done = self.export(self.path("b.csv"), "-o", self.path("c.csv"), status=2)
        self.assertIn("c.csv' another", done.stderr)
        self.assertFalse(os.path.exists(self.path("b.csv")) or os.path.exists(self.path("c.csv")))

    def test_a_name_that_says_something_else(self):
        """A file of a kind that there is not is not made, but if it is said which it is to be."""
        for name in ("a.docx", "a.csv.gz"):
            with self.subTest(name):
                done = self.export("-o", self.path(name), status=2)
                self.assertIn("json, jsonl, csv and xlsx", done.stderr)
                self.assertFalse(os.path.exists(self.path(name)))
                done = self.export("-o", self.path(name), "-f", "csv")
                self.assertNotIn("whatever", done.stderr)
        done = self.export("-o", self.path("a.xlsx"), "-f", "csv")
        self.assertIn("a.xlsx' will be csv, whatever its name ends with", done.stderr)
        with open(self.path("a.xlsx"), "rb") as file:
            self.assertTrue(file.read().startswith(b"timestamp,"))
        self.assertIn("will be json,", self.export("-o", self.path("a.csv"), "--json").stderr)
        os.mkdir(self.path("d.d"))
        self.assertNotIn("will be", self.export("-o", self.path("d.d/calls")).stderr)

    def test_filters(self):
        for arguments, count in ((["--status", "failed"], 1), (["-m", "gpt-*"], 3), (["-n", "2"], 2),
                                 (["--min-tokens", "31"], 0), (["--search", "RATE"], 1)):
            for source in ("auto", "journal"):
                with self.subTest(arguments, source=source):
                    rows = json.loads(self.export("--json", "--source", source, *arguments).stdout)
                    self.assertEqual(len(rows), count)

    def test_nothing(self):
        self.assertEqual(json.loads(self.export("--json", "-m", "none").stdout), [])
        self.assertEqual(self.export("-f", "jsonl", "-m", "none").stdout, "")
        self.assertEqual(len(self.export("-f", "csv", "-m", "none").stdout.splitlines()), 1)

    def test_amended(self):
        self.journal.add(amend_line(self.first))
        for source in ("index", "journal"):
            row = json.loads(self.export("--json", "--source", source).stdout)[2]
            self.assertEqual((row["total_cost"], row["currency"], row["total_tokens"]), ("0.5", "CNY", 33))
            self.assertEqual(row["amended_at"], "2026-11-22T08:19:31.678844Z")

    def test_all_sources_say_the_same(self):
        with postgres.server() as server:
            database = server.database()
            self.journal.add(amend_line(self.first))
            self.journal.drain(database)
            env = {"HARBORAI_POSTGRES_URL": database.url()}
            for arguments in ([], ["--status", "failed"], ["-n", "2"], ["--id", self.first["trace_id"]],
                              ["--id", self.late["key"]], ["--min-cost", "0.1", "--min-tokens", "30"],
                              ["--search", "rate_LIMIT"], ["--min-duration", "1s"], ["-m", "gpt*"],
                              ["--since", "2026-11-22T08:19:31Z"], ["--client", "127.*"]):
                with self.subTest(arguments):
                    found = [json.loads(self.export("--json", "--source", source, *arguments, env=env).stdout)
                             for source in ("index", "journal", "postgres")]
                    self.assertEqual(found[0], found[1])
                    self.assertEqual(found[0], found[2])
            shown = harborai("logs", "show", self.first["key"], "--json", "--source", "postgres", env=env)
            self.assertEqual(json.loads(shown.stdout)["cost"], "0.5")
            listed = harborai("logs", "--source", "postgres", "--json", "-n", "2", env=env)
            self.assertEqual([json.loads(x)["key"] for x in listed.stdout.splitlines()],
                             [self.failed["key"], self.late["key"]])
        done = self.export("--source", "postgres", env=env, status=1)
        self.assertIn("cannot connect to PostgreSQL", done.stderr)
        self.assertNotIn(postgres.PASSWORD, done.stderr)


class FormulasTest(Case):
    BAD = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1+1", "\u3000=1", "\u00a0+1", "＝1", "＋1",
           "－1", "＠x", "|cmd", "=cmd|'/C calc'!A0", "\u200b=1", "\t =1", "−1", '="a,b"']
    GOOD = ["a=b", "1-1", "plain", "模型", "'=1", "a\nb", " a", "🙂", "{}"]

    def fill(self):
        self.texts = self.BAD + self.GOOD
        self.journal.add(*[end_line(request_id=text, begin_ns=BEGIN_NS - i * 1000)
                           for i, text in enumerate(self.texts)])

    def test_csv(self):
        self.fill()
        rows = read_csv(self.export_bytes("-f", "csv").decode())
        for text, row in zip(self.texts, rows):
            with self.subTest(text):
                self.assertEqual(row["request_id"], "'" + text if text in self.BAD else text)

    @unittest.skipUnless(HAS_XLSX, "built --without-xlsx")
    def test_xlsx(self):
        """String cells, whatever they say."""
        self.fill()
        rows, = read_xlsx(self.export_bytes("-f", "xlsx")).values()
        for text, row in zip(self.texts, rows):
            with self.subTest(text):
                self.assertEqual(re.sub("_x000D_", "\r", row["request_id"]), text)

    @unittest.skipUnless(HAS_XLSX, "built --without-xlsx")
    def test_what_xml_cannot_say(self):
        text = "a\x01\ufffe\uffff&<\ud800b"
        line = end_line(outcome="error", error={"code": "E_X", "message": text + "x" * 40000})
        self.journal.add(json.dumps(line))
        row, = list(read_xlsx(self.export_bytes("-f", "xlsx")).values())[0]
        self.assertIn("\ufffd\ufffd&<", row["error_message"])
        self.assertLess(32000, len(row["error_message"]))
        self.assertLessEqual(len(row["error_message"].replace("_x0001_", "x")), 32767)


class FilesTest(Case):
    def setUp(self):
        super().setUp()
        self.lines = [end_line(begin_ns=BEGIN_NS - i) for i in range(2000)]
        self.journal.add(*self.lines)

    def left(self):
        return sorted(name for name in os.listdir(self.state) if name.startswith("out"))

    def test_not_in_the_place_of_another(self):
        path = self.path("out.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("mine")
        done = self.export("-o", path, status=1)
        self.assertIn("exists: --force puts another one in its place", done.stderr)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.export("-o", path, "--force")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 2001)
        self.assertEqual(self.left(), ["out.csv"])
        link = self.path("out-link")
        os.symlink(path, link)
        self.export("-o", link, "--force")
        self.assertTrue(os.path.islink(link))
        self.assertIn("no plain file", self.export("-o", self.state, "--force", status=1).stderr)
        self.assertIn("cannot write", self.export("-o", self.path("none/a.csv"), status=1).stderr)

    def test_full_disk(self):
        """A limit on the size of files is as good as one."""
        for name in ("out.csv", "out.json", "out.xlsx"):
            if name == "out.xlsx" and not HAS_XLSX:
                continue
            with self.subTest(name):
                done = subprocess.run(
                    [HARBORAI, "export", "--state-dir", self.state, "--source", "journal", "-o", self.path(name)],
                    env=support.environment(self.state), capture_output=True, text=True, check=False,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000)))
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, "File too large|no room is left|not whole")
                self.assertEqual(self.left(), [])
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([HARBORAI, "export", "--state-dir", self.state], stdout=full,
                                  env=support.environment(self.state), stderr=subprocess.PIPE, text=True,
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_reader_leaves(self):
        for name in ("csv", "jsonl", "xlsx") if HAS_XLSX else ("csv", "jsonl"):
            with self.subTest(name), subprocess.Popen(
                    [HARBORAI, "export", "--state-dir", self.state, "-f", name], stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, env=support.environment(self.state)) as process:
                process.stdout.read(10)
                process.stdout.close()
                self.assertEqual(process.stderr.read(), b"")
                self.assertEqual(process.wait(20), 1)

    def test_killed(self):
        """Nothing is left under any name."""
        command = [HARBORAI, "export", "--state-dir", self.state, "--source", "journal", "-o", self.path("out.csv")]
        with open(self.path("journal/20261122T081931Z-2-0.jsonl"), "w", encoding="utf-8") as file:
            for _ in range(30):
                file.write("".join(json.dumps(x) + "\n" for x in self.lines))
        with subprocess.Popen(command, env=support.environment(self.state), stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                process.kill()
        self.assertIn(self.left(), ([], ["out.csv"]))

    def test_terminal(self):
        if HAS_XLSX:
            text, errors, status = run_with_tty("export", "--state-dir", self.state, "-f", "xlsx")
            self.assertEqual((text, status), ("", 2))
            self.assertIn("a terminal cannot show xlsx", errors)
        for columns in (30, 60, 132):
            text, _, status = run_with_tty("export", "--state-dir", self.state, "-o", self.path("out.csv"),
                                           "--force", columns=columns, stderr_too=True)
            self.assertEqual(status, 0)
            bars = re.findall(r"\r([^\r\x1b]*)\x1b\[K", text)
            self.assertTrue(bars)
            self.assertLess(max(map(len, bars)), columns)
            self.assertIn("2000 calls in", text)

    def test_wrong_use(self):
        for arguments in (["-f", "pdf"], ["-n", "0"], ["--source", "moon"], ["-f", "json", "--bom"]):
            with self.subTest(arguments):
                self.export(*arguments, status=2)


class ManyTest(Case):
    def test_memory(self):
        """It does not grow with the calls."""
        if support.is_sanitized():
            self.skipTest("sanitizers have memory of their own")
        line = json.dumps(end_line())
        with open(self.journal.path, "w", encoding="utf-8") as file:
            for i in range(30000):
                file.write(line.replace(str(BEGIN_NS), str(BEGIN_NS + i)).replace(
                    json.loads(line)["key"], f"0198f2a0-0000-7000-8000-{i:012x}") + "\n")
        for source in ("journal", "index"):
            for name in ("out.csv", "out.xlsx") if HAS_XLSX else ("out.csv",):
                with self.subTest(name, source=source):
                    done = subprocess.run(
                        [sys.executable, "-c", "import resource, subprocess, sys; "
                         "subprocess.run(sys.argv[1:], check=True); "
                         "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                         HARBORAI, "export", "--state-dir", self.state, "--source", source, "--force", "-o",
                         self.path(name)], env=support.environment(self.state), capture_output=True,
                        text=True, check=True)
                    self.assertLess(int(done.stdout), 64 * 1024)


if __name__ == "__main__":
    unittest.main()
