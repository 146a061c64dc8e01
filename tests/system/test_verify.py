# SPDX-License-Identifier: MIT
"""harborai db verify: what it proves of journals, indexes and PostgreSQL, and that it finds real damage."""
import contextlib
import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest

import postgres
import support
from support import config_for, gateway, harborai, wait_for
from test_postgres import amend_line, end_line

SEGMENT = "20261122T081930Z-1-0"
BEGIN_NS = int(time.time()) * 10**9 - 3600 * 10**9
DAY_NS = 86400 * 10**9
START_NS = itertools.count(1)


def setUpModule():
    global SERVER  # pylint: disable=global-statement
    context = postgres.server()
    SERVER = context.__enter__()
    unittest.addModuleCleanup(context.__exit__, None, None, None)


def sealed(lines):
    """Lines as a process writes them: each with its number and checksum, a seal behind them."""
    ends = sum(line["type"] == "end" for line in lines)
    head = {"type": "segment", "version": 1, "host": "h", "pid": 1, "loop": 0,
            "start_ns": next(START_NS), "software": "t"}
    seal = {"type": "seal", "lines": len(lines) + 1, "ends": ends, "seal_ns": 1}
    out = b""
    for seq, line in enumerate([head, *lines, seal]):
        text = json.dumps({**line, "seq": seq}, separators=(",", ":")).encode()[:-1]
        out += text + b',"crc":"%08x"}\n' % support.crc32c(text)
    return out


def calls(count, **more):
    """Begin and end lines of that many calls."""
    lines = []
    for i in range(count):
        begin = BEGIN_NS + i * 10**9
        end = end_line(begin_ns=begin, end_ns=begin + 123456789, attempts=1, model=f"m{i % 3}", **more)
        lines += [{"type": "begin", "key": end["key"], "begin_ns": begin, "attempt": 1}, end]
    return lines


def named(start_ns):
    """A segment that was begun then."""
    return time.strftime("%Y%m%dT%H%M%SZ-1-0", time.gmtime(start_ns // 10**9))


def ends_of(lines):
    return [line for line in lines if line["type"] == "end"]


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.state = self.enterContext(support.folder())
        os.makedirs(os.path.join(self.state, "journal"))
        self.path = os.path.join(self.state, "journal", SEGMENT + ".jsonl")
        self.url = None

    def enterContext(self, context):  # Python 3.11 has it, older ones do not
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def write(self, data, path=None):
        with open(path or self.path, "wb") as file:
            file.write(data)

    def change(self, change):
        """Of the segment's lines, without their ends."""
        with open(self.path, "rb") as file:
            lines = file.read().split(b"\n")[:-1]
        self.write(b"".join(line + b"\n" for line in change(lines)))

    def env(self):
        return {"HARBORAI_POSTGRES_URL": self.url} if self.url else {}

    def verify(self, status, *arguments):
        done = harborai("db", "verify", "--json", "--state-dir", self.state, *arguments, env=self.env())
        self.assertNotIn(postgres.PASSWORD, done.stdout + done.stderr)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["agrees"], status != 1)
        return said

    def index(self):
        done = harborai("db", "reindex", "--state-dir", self.state)
        self.assertEqual(done.returncode, 0, done.stderr)

    def change_index(self, sql):
        with contextlib.closing(sqlite3.connect(os.path.join(self.state, "index.sqlite3"))) as db:
            db.execute(sql)
            db.commit()

    def told(self, said):
        return [(x["store"], x["what"]) for x in said["disagreements"]]


class JournalTest(Case):
    """The journal alone: no index was made."""

    def setUp(self):
        super().setUp()
        self.lines = calls(5)
        self.write(sealed(self.lines))

    def test_whole(self):
        said = self.verify(0)
        self.assertEqual(said["all"] | {"checksum": ""},
                         {"segments": 1, "lines": 12, "begun": 5, "ended": 5, "interrupted": 0, "open": 0,
                          "amended": 0, "checksum": "", "faults": 0, "stores": {"sqlite": {
                              "drained": 0, "backlog": 5, "set_aside": 0, "dropped": 0, "missing": 0,
                              "different": 0, "extra": 0}}})
        self.assertEqual(said["segments"][0]["state"], "sealed")
        self.assertEqual(said["disagreements"], [])
        self.assertIn("Every call that was answered",
                      harborai("db", "verify", "--state-dir", self.state).stdout)

    def test_nothing_there(self):
        os.remove(self.path)
        self.assertEqual(self.verify(0)["all"]["segments"], 0)

    def test_no_journal(self):
        """Of a directory without one nothing is proven."""
        self.state = os.path.join(self.state, "not-here")
        said = self.verify(7)
        self.assertIn("not-here", said["not_looked_at"])
        self.assertNotIn("Every call", harborai("db", "verify", "--state-dir", self.state).stdout)

    def test_flipped_byte(self):
        """In a begin line, an end line, the seal and the head."""
        with open(self.path, "rb") as file:
            whole = file.read()
        starts = [0, *(i + 1 for i, byte in enumerate(whole) if byte == 10)][:-1]
        for number in (0, 1, 4, 11):
            with self.subTest(number):
                at = starts[number] + 30
                self.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                fault = self.verify(1)["disagreements"][0]
                self.assertEqual((fault["store"], fault["segment"], fault["at"]),
                                 ("journal", SEGMENT, starts[number]))
                self.assertIn("checksum does not hold", fault["what"])

    def test_missing_lines(self):
        for number, what in ((1, "the line before it is missing"), (4, "the line before it is missing"),
                             (-1, "it ends without its seal")):
            with self.subTest(number):
                self.write(sealed(self.lines))
                self.change(lambda lines, n=number: [x for i, x in enumerate(lines) if i != n % 12])
                if number == -1:  # then it may be one whose process is gone: nothing is wrong
                    self.assertEqual(self.verify(0)["segments"][0]["state"], "unfinished")
                else:
                    self.assertEqual(self.told(self.verify(1))[0], ("journal", what))

    def test_torn_last_line(self):
        """A gateway cuts it off, and closes the call: it was never answered."""
        with open(self.path, "rb") as file:
            whole = file.read()
        cut = whole[:whole.rindex(b'{"type":"end"') + 100]
        self.write(cut)
        said = self.verify(0)
        self.assertEqual((said["segments"][0]["state"], said["all"]["ended"], said["all"]["open"]),
                         ("unfinished", 4, 1))

    def test_calls_that_do_not_add_up(self):
        """Lines whose checksums hold, and which a process of ours does not write."""
        end = self.lines[1]
        for name, lines, what in (
                ("ended twice", [*self.lines, end], "the call has ended before"),
                ("without an end", self.lines[:-1], "has no end line"),
                ("without a begin", self.lines[1:], "have no begin line")):
            with self.subTest(name):
                self.write(sealed(lines))
                self.assertIn(what, str(self.told(self.verify(1))))
        self.write(sealed(self.lines).replace(b'"ends":5', b'"ends":6'))
        self.change(lambda lines: [*lines[:-1], self.recheck(lines[-1])])
        self.assertIn("the seal counts 6 calls, and 5 stand before it", self.told(self.verify(1))[0][1])

    def recheck(self, line):
        checked = line.rpartition(b',"crc":')[0]
        return checked + b',"crc":"%08x"}' % support.crc32c(checked)

    def test_lines_that_were_given_up(self):
        self.write(sealed(self.lines[:-1]).replace(b'"ends":4', b'"ends":4,"lost":1'))
        self.change(lambda lines: [*lines[:-1], self.recheck(lines[-1])])
        self.assertEqual(self.told(self.verify(1)), [
            ("journal", "1 lines were given up while the disk failed (journal.on_failure: drop)")])

    def test_compressed(self):
        self.index()
        with gateway(state=self.state):
            wait_for("it is compressed", lambda: os.path.exists(self.path + ".zst"))
        said = self.verify(0)
        self.assertEqual(said["all"]["stores"]["sqlite"]["drained"], 5)
        with open(self.path + ".zst", "r+b") as file:
            file.seek(40)
            file.write(b"Z" * 20)
        self.assertIn("are damaged", self.told(self.verify(1))[0][1])

    def test_wrong_use(self):
        for arguments in (["--most", "x"], ["more"]):
            self.assertEqual(harborai("db", "verify", *arguments, "--state-dir", self.state).returncode, 2)


class IndexTest(Case):
    def setUp(self):
        super().setUp()
        self.lines = calls(20)
        self.lines.append(amend_line(self.lines[1]))
        self.write(sealed(self.lines))
        self.index()

    def test_agrees(self):
        said = self.verify(0)
        self.assertEqual(said["all"]["stores"]["sqlite"]["drained"], 20)
        self.assertEqual(said["all"]["amended"], 1)

    def test_amended_in_another_file(self):
        """Its call was sealed before."""
        other = self.path.replace("081930Z", "091930Z")
        self.write(sealed([amend_line(self.lines[3]), *calls(2)]), other)
        self.assertEqual(self.verify(0)["all"]["stores"]["sqlite"],
                         {"drained": 20, "backlog": 2, "set_aside": 0, "dropped": 0, "missing": 0,
                          "different": 0, "extra": 0})
        self.index()
        self.assertEqual(self.verify(0)["all"]["stores"]["sqlite"]["drained"], 22)
        self.change_index("UPDATE calls SET cost_pico = cost_pico + 1 WHERE amend_ns > 0")
        said = self.verify(1)
        self.assertEqual(said["all"]["stores"]["sqlite"]["different"], 2)
        self.assertIn(("sqlite", "cost_pico: 500000000000, not 500000000001"), self.told(said))

    def test_deleted_and_changed_rows(self):
        keys = [line["key"] for line in ends_of(self.lines)]
        blob = "x'" + keys[7].replace("-", "") + "'"
        for sql, counted, what, key in (
                (f"DELETE FROM calls WHERE record_key = {blob}", "missing", "it is missing", keys[7]),
                (f"UPDATE calls SET status = 500 WHERE record_key = {blob}", "different",
                 "status: 200, not 500", keys[7]),
                (f"UPDATE calls SET end_ns = end_ns + 1 WHERE record_key = {blob}", "different",
                 "duration_ns: 123456789, not 123456790", keys[7]),
                (f"UPDATE calls SET tokens = '{{\"input\":10}}', total_tokens = 31 WHERE record_key = {blob}",
                 "different",
                 'tokens: {"input":10,"output":20}, not {"input":10}; total_tokens: 30, not 31', keys[7]),
                (f"UPDATE calls SET outcome = 1, cost_pico = NULL WHERE record_key = {blob}", "different",
                 "outcome: ok, not error; cost_pico: 225000001, not -1; cost_input_pico: 25000000, not -1; "
                 "cost_output_pico: 200000001, not -1", keys[7])):
            with self.subTest(sql):
                self.index()
                self.change_index(sql)
                said = self.verify(1)
                self.assertEqual(said["all"]["stores"]["sqlite"][counted], 1)
                fault, = said["disagreements"]
                self.assertEqual((fault["store"], fault["segment"], fault["what"], fault["key"]),
                                 ("sqlite", SEGMENT, what, key))
                with open(self.path, "rb") as file:
                    file.seek(fault["at"])
                    self.assertEqual(json.loads(file.readline())["key"], key)
        self.assertIn("db reindex", harborai("db", "verify", "--state-dir", self.state).stdout)
        self.index()
        self.verify(0)

    def test_a_row_that_is_too_much(self):
        columns = [x[1] for x in sqlite3.connect(os.path.join(self.state, "index.sqlite3")).execute(
            "PRAGMA table_info(calls)") if x[1] not in ("id", "record_key")]
        self.change_index(f"INSERT INTO calls(record_key, {','.join(columns)}) SELECT "
                          f"x'0192aaaaaaaa7000800000000000000f', {','.join(columns)} FROM calls LIMIT 1")
        said = self.verify(1)
        self.assertEqual(said["all"]["stores"]["sqlite"]["extra"], 1)
        self.assertEqual(said["disagreements"][0]["key"], "0192aaaa-aaaa-7000-8000-00000000000f")

    def test_line_that_was_damaged_after_it_was_copied(self):
        with open(self.path, "r+b") as file:
            data = file.read()
            file.seek(data.rindex(b'{"type":"end"') + 30)
            file.write(b"~")
        said = self.verify(1)
        self.assertEqual([x[0] for x in self.told(said)], ["journal", "sqlite"])
        self.assertEqual(said["disagreements"][0]["at"], said["disagreements"][1]["at"])

    def test_file_that_lost_its_end(self):
        self.change(lambda lines: lines[:10])
        self.assertIn(("journal", "the file ends here, and more of it has been copied once"),
                      self.told(self.verify(1)))

    def test_most(self):
        self.change_index("DELETE FROM calls")
        said = self.verify(1, "--most", "3")
        self.assertEqual((said["all"]["stores"]["sqlite"]["missing"], len(said["disagreements"])), (20, 3))

    def test_calls_that_left_by_their_age(self):
        old = [{**x, "begin_ns": x["begin_ns"] - 17 * DAY_NS} for x in calls(3)]
        self.write(sealed([*old, *self.lines]))
        self.index()
        self.change_index(f"DELETE FROM calls WHERE begin_ns < {BEGIN_NS - 16 * DAY_NS}")
        self.assertEqual(self.verify(0)["all"]["stores"]["sqlite"],
                         {"drained": 20, "backlog": 0, "set_aside": 0, "dropped": 3, "missing": 0,
                          "different": 0, "extra": 0})

    def test_an_index_that_cannot_be_read(self):
        with open(os.path.join(self.state, "index.sqlite3"), "wb") as file:
            file.write(b"Z" * 8192)
        said = self.verify(7)
        self.assertIn("db reindex", said["not_looked_at"])
        self.assertEqual(said["all"]["ended"], 20)


class FilesTest(Case):
    """Whole files."""

    def write_aged(self, days):
        """A segment whose calls began and ended that many days ago, and whose name says so."""
        began_ns = BEGIN_NS - days * DAY_NS
        name = named(began_ns)
        path = os.path.join(self.state, "journal", name + ".jsonl")
        self.write(sealed([{**x, **{k: x[k] - days * DAY_NS for k in ("begin_ns", "end_ns") if k in x}}
                           for x in calls(5)]), path)
        os.utime(path, (began_ns // 10**9 + 60,) * 2)
        return name, path

    def test_one_that_is_gone(self):
        self.write_aged(1)
        name, path = self.write_aged(3)
        self.index()
        self.verify(0)
        os.rename(path, os.path.join(self.state, "kept"))
        said = self.verify(1)
        fault, = said["disagreements"]
        self.assertEqual((fault["store"], fault["segment"]), ("journal", name))
        for what in ("the file is gone", "sqlite has copied", "has 5 calls", "15 days"):
            self.assertIn(what, fault["what"])
        self.assertEqual((said["all"]["faults"], [x["state"] for x in said["segments"]]), (1, ["sealed", "gone"]))
        text = harborai("db", "verify", "--state-dir", self.state).stdout
        self.assertIn("Put files that are gone back", text)
        self.assertNotIn("Every call that was answered", text)
        os.rename(os.path.join(self.state, "kept"), path)
        self.verify(0)
        os.remove(path)  # for good: told until the index is made anew
        self.index()
        self.verify(0)

    def test_all_that_are_gone(self):
        """With their directory, too: then none can be looked at either."""
        for days in range(5):
            self.write_aged(days)
        self.index()
        shutil.rmtree(os.path.join(self.state, "journal"))
        said = self.verify(1)
        self.assertEqual((len(said["disagreements"]), said["all"]["faults"]), (5, 5))
        self.assertIn("there is none", said["not_looked_at"])
        os.mkdir(os.path.join(self.state, "journal"))
        self.assertEqual(self.verify(1)["all"]["faults"], 5)

    def test_one_that_left_by_its_age(self):
        """Of a file that began long ago and had young calls only these tell that its time is not over."""
        _, path = self.write_aged(17)
        self.index()
        os.remove(path)
        self.verify(0)
        old = os.path.join(self.state, "journal", named(BEGIN_NS - 17 * DAY_NS) + ".jsonl")
        self.write(sealed(calls(5)), old)
        self.index()
        self.verify(0)
        os.remove(old)
        self.assertEqual(self.verify(1)["all"]["faults"], 1)

    def test_retention_takes_away(self):
        """What a gateway removes is not missed, nor what it compresses."""
        _, old = self.write_aged(17)
        _, young = self.write_aged(2)
        self.index()
        with gateway(state=self.state):
            wait_for("one goes", lambda: not os.path.exists(old) and not os.path.exists(old + ".zst"))
            wait_for("one is compressed", lambda: os.path.exists(young + ".zst") and not os.path.exists(young))
        self.verify(0)
        os.remove(young + ".zst")
        self.verify(1)

    def test_for_ever(self):
        _, path = self.write_aged(100)
        self.index()
        os.remove(path)
        self.verify(0)
        config = os.path.join(self.state, "config.yaml")
        with open(config, "w", encoding="utf-8") as file:
            file.write('{"journal": {"retention_days": 0}}')
        self.verify(1, "--config", config)

    def test_what_is_no_file(self):
        """Nobody looks behind it: what was there may be anywhere."""
        name, path = self.write_aged(2)
        self.write_aged(1)
        self.index()
        os.rename(path, path + "-away")
        for make, what in ((lambda: os.symlink(path + "-away", path), "it is a symbolic link"),
                           (lambda: os.mkfifo(path), "it is no file"),
                           (lambda: os.mkdir(path), "it is a directory")):
            with self.subTest(what):
                make()
                said = self.verify(7)
                self.assertEqual(said["not_looked_at"], f"{name}.jsonl: {what}")
                self.assertEqual(said["all"]["segments"], 1)
                (os.rmdir if os.path.isdir(path) and not os.path.islink(path) else os.remove)(path)
        os.mkfifo(path)  # each is named, and one that is gone too
        os.mkdir(path + ".zst")
        said = self.verify(7)
        self.assertEqual(sorted(said["not_looked_at"].split("; ")),
                         [f"{name}.jsonl.zst: it is a directory", f"{name}.jsonl: it is no file"])
        os.remove(os.path.join(self.state, "journal", self.other_than(name)))
        self.assertEqual(len(self.verify(1)["disagreements"]), 1)

    def other_than(self, name):
        return next(x for x in os.listdir(os.path.join(self.state, "journal"))
                    if x.endswith("Z-1-0.jsonl") and not x.startswith(name))

    def test_a_copy(self):
        """Under another name: its calls are in the journal twice."""
        name, path = self.write_aged(2)
        self.write_aged(1)
        self.verify(0)
        copy = path.replace("-1-0", "-1-1")
        shutil.copy(path, copy)
        fault, = self.verify(1)["disagreements"]
        self.assertEqual((fault["segment"], fault["what"]), (
            name.replace("-1-0", "-1-1"), f"it begins with the same line as '{name}': one of them is a copy"))
        self.index()  # now the index has the calls as those of one of them
        self.verify(1)
        os.remove(copy)
        self.index()
        self.verify(0)


class PostgresTest(Case):
    def setUp(self):
        super().setUp()
        self.lines = calls(20)
        self.lines += [amend_line(self.lines[1]), end_line(key="no-uuid", begin_ns=BEGIN_NS, attempts=0),
                       {"type": "end", "key": "0192aaaa-aaaa-7000-8000-00000000000f", "begin_ns": BEGIN_NS,
                        "stream": False}]
        self.write(sealed(self.lines))
        self.database = SERVER.database()
        self.url = self.database.url()
        self.drain()

    def drain(self):
        done = harborai("db", "drain", "--state-dir", self.state, env=self.env())
        self.assertEqual(done.returncode, 0, done.stderr)

    def postgres(self, status):
        said = self.verify(status)
        return said["all"]["stores"]["postgres"], [x for x in said["disagreements"]
                                                   if x["store"] == "postgres"]

    def test_agrees(self):
        """A call that was refused stands aside; one of which nothing is known is there."""
        counts, told = self.postgres(0)
        self.assertEqual(counts, {"drained": 21, "backlog": 0, "set_aside": 1, "dropped": 0, "missing": 0,
                                  "different": 0, "extra": 0})
        self.assertEqual(told, [])

    def test_a_changed_and_a_deleted_row(self):
        keys = [line["key"] for line in ends_of(self.lines)]
        self.database.rows(f"""UPDATE api_logs SET status_code = 201 WHERE id = '{keys[2]}';
            UPDATE cost_info SET total_cost = total_cost + 0.000000000001 WHERE log_id = '{keys[3]}';
            UPDATE token_usage SET total_tokens = 31 WHERE log_id = '{keys[4]}';
            DELETE FROM token_usage WHERE log_id = '{keys[5]}';
            DELETE FROM api_logs WHERE id = '{keys[6]}'""")
        counts, told = self.postgres(1)
        self.assertEqual((counts["different"], counts["missing"], counts["drained"]), (4, 1, 16))
        what = {x["key"]: x["what"] for x in told}
        self.assertEqual(what[keys[2]], "status: 200, not 201")
        self.assertEqual(what[keys[3]], "cost_pico: 225000001, not 225000002")
        self.assertEqual(what[keys[4]], "total_tokens: 30, not 31")
        self.assertIn("prompt_tokens: 10, not -1", what[keys[5]])
        self.assertEqual(what[keys[6]], "it is missing")

    def test_a_row_twice(self):
        key = self.lines[1]["key"]
        columns = self.database.value("SELECT string_agg(quote_ident(column_name), ',') FROM "
                                      "information_schema.columns WHERE table_name = 'api_logs' "
                                      "AND column_name <> 'timestamp'")
        self.database.rows(f"""INSERT INTO api_logs ({columns}, "timestamp") SELECT {columns},
            "timestamp" + interval '1 second' FROM api_logs WHERE id = '{key}'""")
        said = self.verify(1)
        self.assertEqual(said["twice"], 1)
        fault, = said["disagreements"]
        self.assertEqual((fault["store"], fault["key"]), ("postgres", key))

    def test_days_that_were_dropped(self):
        """By their age they may go, others not."""
        old = [{**x, "begin_ns": x["begin_ns"] - 100 * 86400 * 10**9} for x in calls(3)]
        self.write(sealed(old), self.path.replace("081930Z", "071930Z"))
        self.drain()
        counts, _ = self.postgres(0)
        self.assertEqual((counts["drained"], counts["dropped"]), (21, 3))
        for table in self.database.rows("SELECT inhrelid::regclass FROM pg_inherits "
                                        "WHERE inhparent = 'api_logs'::regclass"):
            self.database.rows(f"DROP TABLE {table[0]}")
        counts, _ = self.postgres(1)
        self.assertEqual((counts["dropped"], counts["missing"]), (3, 21))

    def test_a_file_that_is_gone(self):
        """PostgreSQL knows it by its name alone."""
        for days, status in ((17, 0), (2, 1)):
            name = named(BEGIN_NS - days * DAY_NS)
            path = self.path.replace(SEGMENT, name)
            self.write(sealed(calls(3)), path)
            self.drain()
            os.remove(path)
            self.verify(status)
        fault, = self.verify(1)["disagreements"]
        self.assertEqual((fault["store"], fault["segment"]), ("journal", name))
        self.assertIn("postgres has copied", fault["what"])
        self.index()
        self.write(sealed(calls(3)), path)
        self.index()
        os.remove(path)
        fault, = self.verify(1)["disagreements"]  # both know it, and it is one file
        self.assertRegex(fault["what"], "sqlite has copied [0-9]+ bytes of it, and has 3 calls; postgres has")
        self.index()
        self.database.rows(f"DELETE FROM harborai_positions WHERE segment = '{name}'")
        self.verify(0)

    def test_backlog_while_it_is_away(self):
        """What it has is not known; the journal and the index are verified all the same."""
        self.write(sealed(calls(4)), self.path.replace("081930Z", "091930Z"))
        counts, _ = self.postgres(0)
        self.assertEqual((counts["drained"], counts["backlog"]), (21, 4))
        self.url = self.database.url(port=support.free_port())
        said = self.verify(7)
        self.assertIn("cannot connect", said["not_looked_at"])
        self.assertEqual(said["all"]["ended"], 26)
        self.url = self.database.url(password="wrong")
        self.assertIn("password", self.verify(7)["not_looked_at"])
        self.url = SERVER.database().url()  # without tables: all waits
        self.assertEqual(self.postgres(0)[0]["backlog"], 26)
        SERVER.database("theirs").rows("CREATE TABLE api_logs (a int)", user="harborai")
        self.url = postgres.Database(SERVER, "theirs").url()
        self.assertIn("api_logs", self.verify(7)["not_looked_at"])

    def test_many(self):
        """Over several batches, with texts that are not ASCII."""
        lines = calls(1100, tags={"a": "\u0000é"}, error={"code": "E_X", "message": "né\u0000'\\\""},
                      outcome="error", ttft_ns=0)  # of before the first release: unchecked
        self.write("".join(json.dumps(x, separators=(",", ":")) + "\n" for x in lines).encode(),
                   self.path.replace("081930Z", "091930Z"))
        self.drain()
        counts, told = self.postgres(0)
        self.assertEqual((counts["drained"], told), (1121, []))


class TokensTest(Case):
    """--tokens: rows of PostgreSQL that somebody has changed."""

    def setUp(self):
        super().setUp()
        usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 35}
        self.lines = [*calls(10), *calls(1, usage=usage, confidence=0.9), *calls(1, usage=None, confidence=0.8)]
        self.write(sealed(self.lines))
        self.keys = [line["key"] for line in ends_of(self.lines)]
        self.database = SERVER.database()
        self.url = self.database.url()
        done = harborai("db", "drain", "--state-dir", self.state, env=self.env())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.sums = self.read_sums()

    def read_sums(self):
        return [self.database.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5")
                for table in ("call_hours", "client_days")]

    def tokens(self, status, *arguments):
        done = harborai("db", "verify", "--tokens", "--json", *arguments, env=self.env())
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout), done.stderr

    def test_what_vendors_say_stays(self):
        self.assertEqual(self.tokens(0)[0],
                         {"version": 1, "wrong": 0, "repaired": 0, "kept": 1, "rows": []})
        self.tokens(0, "--repair")
        self.database.rows("UPDATE token_usage SET raw_usage_data = NULL")  # too large, or refused
        self.assertEqual(self.tokens(0)[0]["kept"], 1)
        self.assertEqual(self.database.value(f"SELECT total_tokens FROM token_usage WHERE log_id = "
                                             f"'{self.keys[10]}'"), "35")

    def test_repair(self):
        cost = self.database.rows("SELECT * FROM cost_info ORDER BY 1")
        self.database.rows(f"""UPDATE token_usage SET total_tokens = 31 WHERE log_id = '{self.keys[2]}';
            UPDATE token_usage SET prompt_tokens = 11 WHERE log_id = '{self.keys[3]}';
            UPDATE token_usage SET total_tokens = NULL WHERE log_id = '{self.keys[4]}';
            UPDATE token_usage SET total_tokens = 36 WHERE log_id = '{self.keys[10]}';
            UPDATE token_usage SET total_tokens = 29 WHERE log_id = '{self.keys[11]}';
            UPDATE token_usage SET total_tokens = 7, tokens = NULL, raw_usage_data = NULL
                WHERE log_id = '{self.keys[5]}'""")
        self.database.rows("UPDATE call_hours SET total_tokens = total_tokens + 1")  # of one of them
        for arguments in ((), ("--repair", "--dry-run")):
            said, log = self.tokens(1, *arguments)
            self.assertEqual((said["wrong"], said["repaired"], log), (6, 0, ""))
        right = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
        rows = {x["key"]: (x["is"], x["should_be"]) for x in said["rows"]}
        self.assertEqual(rows[self.keys[2]], ({**right, "total_tokens": 31}, right))
        self.assertEqual(rows[self.keys[3]], ({**right, "prompt_tokens": 11}, right))
        self.assertEqual(rows[self.keys[5]], ({**right, "total_tokens": 7}, right))
        self.assertEqual(rows[self.keys[10]][1]["total_tokens"], 35)
        said, log = self.tokens(0, "--repair", "--most", "2")
        self.assertEqual((said["wrong"], said["repaired"], len(said["rows"])), (6, 6, 2))
        self.assertIn(f"tokens.repaired key={self.keys[2]} prompt=10/10 completion=20/20 total=31/30", log)
        self.assertEqual(log.count("tokens.repaired"), 6)
        self.assertEqual(self.tokens(0)[0]["wrong"], 0)
        self.assertEqual(self.read_sums(), self.sums)
        self.assertEqual(self.database.rows("SELECT * FROM cost_info ORDER BY 1"), cost)

    def test_many(self):
        """More than go in one transaction."""
        self.database.rows("""INSERT INTO token_usage (log_id, "timestamp", prompt_tokens,
            completion_tokens, total_tokens) SELECT gen_random_uuid(), t."timestamp", 1, 2, 4
            FROM (SELECT "timestamp" FROM token_usage LIMIT 1) t, generate_series(1, 2500)""")
        self.assertEqual(self.tokens(0, "--repair")[0]["repaired"], 2500)
        self.assertEqual(self.database.value("SELECT count(*) FROM token_usage WHERE total_tokens = 3"), "2500")
        self.assertEqual(self.read_sums(), self.sums)

    def test_wrong_use(self):
        for arguments in (["--repair"], ["--tokens", "--dry-run"]):
            self.assertEqual(harborai("db", "verify", *arguments, env=self.env()).returncode, 2)
        self.assertEqual(harborai("db", "verify", "--tokens").returncode, 3)


class GatewayTest(support.WithSimulator):
    def setUp(self):
        self.place = support.folder()
        self.state = self.place.__enter__()
        self.addCleanup(self.place.__exit__, None, None, None)
        self.database = SERVER.database()

    def verify(self, status):
        done = harborai("db", "verify", "--json", "--state-dir", self.state,
                        env={"HARBORAI_POSTGRES_URL": self.database.url()})
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)["all"]

    def settings(self):
        return dict(config_for(self.sim), store={"postgres": {"url": self.database.url(),
                                                              "health_check_interval": "1s"}})

    def test_two_gateways_under_load(self):
        """While they answer, whenever it is asked; after one was killed; and when all have ended."""
        with gateway(self.settings(), state=self.state) as one, \
                gateway(self.settings(), state=self.state) as two:
            stream = support.RawStream(one.port, support.chat_body({"events": 400, "delay_ms": 20},
                                                                   stream=True))
            stream.read_until(b"000001 ")
            for number in range(60):
                self.assertEqual((one, two)[number % 2].chat(number % 3 and "hello" or 'sim:{"status":429}')
                                 .status, number % 3 and 200 or 429)
                if number % 10 == 5:
                    all_of = self.verify(0)
                    self.assertEqual((all_of["ended"], all_of["open"]), (number + 1, 1))
            wait_for("all is copied", lambda: self.verify(0)["stores"]["postgres"]["drained"] == 60)
            SERVER.stop(signal.SIGQUIT)
            try:
                for _ in range(10):
                    self.assertEqual(two.chat().status, 200)
                self.assertEqual(self.verify(7)["ended"], 70)
            finally:
                SERVER.start()
            wait_for("what waited", lambda: self.verify(0)["stores"]["postgres"]["drained"] == 70, 30)
            two.kill()
            stream.close()
        with gateway(self.settings(), state=self.state):
            wait_for("all is copied", lambda: self.verify(0)["stores"]["postgres"]["drained"] == 71, 30)
        all_of = self.verify(0)
        self.assertEqual((all_of["ended"], all_of["interrupted"], all_of["stores"]["sqlite"]["drained"]),
                         (71, 0, 71))

    def test_metrics(self):
        """How far usage is to be trusted, as the journal has it."""
        with gateway(self.settings(), state=self.state) as running:
            for usage in ({}, {"total_tokens": 1000}, {"total_tokens": None}):
                self.assertEqual(running.chat({"usage": usage, "text": "hello"}).status, 200)
            self.assertEqual(running.chat({"no_usage": True, "text": "hello"}).status, 200)
            said = sorted(x["confidence"] for x in support.journal(self.state) if x["type"] == "end")
            text = running.request("GET", "/metrics").body.decode()
        self.assertEqual(said, [0, 0.8, 0.9, 1])
        name = "harborai_token_parsing_confidence"
        for line in (f'{name}_bucket{{provider="openai",parsing_method="openai_direct",le="0.8"}} 1',
                     f'{name}_bucket{{provider="openai",parsing_method="openai_direct",le="0.9"}} 2',
                     f'{name}_sum{{provider="openai",parsing_method="openai_direct"}} 2.7',
                     f'{name}_count{{provider="openai",parsing_method="fallback_zero"}} 1',
                     'harborai_token_consistency_fixes_total{fix_type="total_computed"} 1',
                     'harborai_token_consistency_fixes_total{fix_type="total_kept"} 1'):
            self.assertIn(line + "\n", text)

    def test_a_killed_gateway(self):
        with gateway(self.settings(), state=self.state) as running:
            self.assertEqual(running.chat().status, 200)
            stream = support.RawStream(running.port, support.chat_body({"events": 400, "delay_ms": 20},
                                                                       stream=True))
            stream.read_until(b"000001 ")
            running.kill()
            stream.close()
        all_of = self.verify_text()
        self.assertIn("unfinished", all_of)
        self.assertEqual(self.verify(0)["open"], 1)
        with gateway(self.settings(), state=self.state):
            wait_for("it is closed", lambda: self.verify(0)["interrupted"] == 1)

    def verify_text(self):
        done = subprocess.run([support.HARBORAI, "db", "verify", "--state-dir", self.state], check=False,
                              capture_output=True, text=True, env=support.environment(self.state))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


if __name__ == "__main__":
    unittest.main()
