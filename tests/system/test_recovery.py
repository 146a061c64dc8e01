# SPDX-License-Identifier: MIT
"""What killed processes leave in the journal: nobody's answer is lost, and what was cut off is said.
HARBORAI_TEST_LOAD=1: more kills, with more load."""
import contextlib
import fcntl
import glob
import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time
import unittest

import load
import postgres
import support
from support import HARBORAI, harborai, kind, wait_for

KILLS, CLIENTS, RATE = (50, 8, 500) if load.FULL else (10, 8, 60)
CHATS, CHAT_KILLS = (100, 20) if load.FULL else (16, 6)
ROWS = (({"events": 3, "delay_ms": 5}, {}, 200), ({"events": 3, "delay_ms": 5}, {"stream": True}, 200),
        ("hello", {}, 200), ("hello", {"model": "nobody/knows"}, 404),
        ({"events": 10, "delay_ms": 20}, {"stream": True}, 200))


class Load:
    """Clients of one gateway until it is killed: which calls were sent, and which answered, how."""

    def __init__(self, hb, name):
        self.hb, self.name = hb, name
        self.sent, self.answered = set(), {}  # by request id
        self.is_over = False
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, client):
        for number in range(100_000):
            if self.is_over:
                return
            mark = f"{self.name}-{client}-{number}"
            content, more, status = ROWS[(client + number) % len(ROWS)]
            self.sent.add(mark)
            try:
                answer = self.hb.chat(content, headers={"x-request-id": mark}, **more)
            except ConnectionRefusedError:
                self.sent.discard(mark)
                return
            except (OSError, http.client.HTTPException):
                continue
            assert answer.status == status, (mark, answer.status)
            if not more.get("stream") or b"[DONE]" in answer.body:
                self.answered[mark] = status

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


class Flood:
    """Likewise, of many more calls that are all alike: whole answers and streams."""

    def __init__(self, hb, name):
        stream = ("--stream", "--events", "5", "--delay-us", "3000")
        self.parts = [load.Load(hb.port, f"{name}-{kind}", "--until-gone", "--model", load.MODEL, *more,
                                rate=rate)
                      for kind, rate, more in (("whole", RATE, ()), ("stream", RATE // 2, stream))]

    def end(self):
        for part in self.parts:
            part.end()
        self.sent = {mark for part in self.parts for mark in part.account}
        self.answered = {mark: status for part in self.parts for mark, status in part.answered().items()}


def lines_of(state):
    """Each line of a call by its request id: (begin lines, end lines)."""
    begins, ends = {}, {}
    for line in support.journal(state):
        if kind(line) != "amend":
            mark = line.get("request_id", line["key"])
            (begins if kind(line) == "begin" else ends).setdefault(mark, []).append(line)
    return begins, ends


def has_end(state, mark):
    """Cheaper than lines_of()."""
    return any(b'"type":"end"' in line and mark in line
               for _, data in support.segments(state) for line in data.split(b"\n"))


def segments_of(state, processes):
    """What processes of these ids wrote: their segments are called by them."""
    pids = {str(process.pid) for process in processes}
    return [data for path, data in support.segments(state) if os.path.basename(path).split("-")[1] in pids]


def is_held(path):
    """Whether a process has it locked."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def await_finished(state):
    """No plain file of the journal is left that no process has locked."""
    def is_finished():
        with contextlib.suppress(FileNotFoundError):
            return all(is_held(path) for path in glob.glob(state + "/journal/*.jsonl"))
        return False
    wait_for("all files of dead processes are finished and compressed", is_finished, 20)


class RecoveryTest(support.WithSimulator):
    def setUp(self):
        self.state = self.enterContext(support.folder())

    def test_killed_under_load(self):
        """Half of the times while PostgreSQL is away, which has everything once in the end, too."""
        random.seed(7)
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(postgres.server())
            database = server.database()
            base_url = stack.enter_context(load.upstream())
            config = {"providers": {**self.config["providers"], "bench": support.provider(base_url, load.MODEL)},
                      "store": {"postgres": {"url": database.url(), "health_check_interval": "1s"}}}
            bystander = stack.enter_context(support.gateway(config, state=self.state))
            living = support.RawStream(bystander.port, support.chat_body(
                {"events": 40_000, "delay_ms": 20}, stream=True), "x-request-id: living\r\n")
            stack.callback(living.close)
            living.read_until(b"000000 ")
            loads = self.kill_under_load(config, server)
            await_finished(self.state)
            self.assertFalse(has_end(self.state, b'"living"'), "it lives")
            living.close()
            wait_for("its end line", lambda: has_end(self.state, b'"living"'))
            begins, ends = lines_of(self.state)
            self.assertEqual(ends["living"][0]["outcome"], "cancelled")
            self.check(loads, begins, ends)
            self.assertGreater(self.outcomes_of(loads, ends)["interrupted"], KILLS)
            wait_for("all rows", lambda: database.value("SELECT count(*) FROM api_logs") == str(len(ends)), 120)
            self.check_rows(database, ends)
            done = harborai("db", "verify", "--state-dir", self.state, timeout=300,
                            env={"HARBORAI_POSTGRES_URL": database.url()})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def kill_under_load(self, config, server):
        loads = []
        for n in range(KILLS):
            if n % 2:
                server.stop()
            with support.gateway(config, state=self.state) as hb:
                parts = [Load(hb, f"kill-{n}"), Flood(hb, f"flood-{n}")]
                time.sleep(random.uniform(0.2, 1.2))
                hb.kill()
                for part in parts:
                    part.end()
            loads += parts
            if n % 2:
                server.start()
        return loads

    def check_rows(self, database, ends):
        rows = database.rows("SELECT record_key, request_id, status_code, outcome FROM api_logs")
        self.assertEqual(len({row[0] for row in rows}), len(rows))
        self.assertEqual(
            {row[1]: (row[0], int(row[2] or 0), row[3]) for row in rows},
            {mark: (line["key"], line["status"], line["outcome"]) for mark, (line,) in ends.items()})
        self.assertEqual(database.value("SELECT sum(calls) FROM call_hours"), str(len(rows)))

    def check(self, loads, begins, ends):
        self.assertEqual({mark: len(x) for mark, x in ends.items() if len(x) > 1}, {}, "ended twice")
        self.assertEqual(set(begins) - set(ends), set(), "without an end")
        for mark, status in ((m, x) for part in loads for m, x in part.answered.items()):
            line, = ends[mark]
            self.assertEqual((line["status"], line["outcome"]),
                             (status, "ok" if status == 200 else "error"), line)
        for mark, line in ((m, x) for m, (x,) in ends.items() if x["outcome"] == "interrupted"):
            begin = begins[mark][-1]
            self.assertEqual((line["status"], line["cost"], line["usage"], line["cost_reason"]),
                             (0, None, None, "interrupted"))
            self.assertEqual({k: line.get(k) for k in ("key", "id", "provider", "model", "client")},
                             {k: begin.get(k) for k in ("key", "id", "provider", "model", "client")})
            self.assertLessEqual(begin["begin_ns"], line["end_ns"])
            self.assertLess(line["end_ns"], line["recovered_ns"])
        outcomes = self.outcomes_of(loads, ends)
        self.assertGreater(outcomes["answered"], len(loads), outcomes)
        self.assertLess(outcomes["ended"], outcomes["answered"] / 10, outcomes)
        print(f"\n  {len(loads)} loads: {outcomes}")

    @staticmethod
    def outcomes_of(loads, ends):
        """Of calls that were cut off: "ended" had their end on record, but not in the client's hands."""
        outcomes = {"answered": 0, "interrupted": 0, "ended": 0, "never begun": 0}
        for part in loads:
            outcomes["answered"] += len(part.answered)
            for mark in part.sent - set(part.answered):
                for line in ends.get(mark, [{"outcome": "never begun"}]):
                    outcomes[line["outcome"] if line["outcome"] in outcomes else "ended"] += 1
        return outcomes

    def test_the_next_one_finishes_what_the_last_one_left(self):
        with support.gateway(self.config, state=self.state, workers=1) as hb:
            hb.chat(headers={"x-request-id": "whole"})
            stream = support.RawStream(hb.port, support.chat_body(
                {"events": 500, "delay_ms": 20}, stream=True), "x-request-id: cut\r\n")
            stream.read_until(b"000001 ")
            hb.kill()
            stream.close()
        path, = glob.glob(self.state + "/journal/*.jsonl")
        with open(path, "ab") as file:
            file.write(b'{"type":"end","key":"torn')
        shown = harborai("logs", "--json", "--state-dir", self.state)
        self.assertIn("torn", shown.stderr)
        self.assertEqual([kind(json.loads(x)) for x in shown.stdout.splitlines()], ["end", "begin"])
        with support.gateway(self.config, state=self.state, workers=1) as hb:
            wait_for("the file is finished", lambda: os.path.exists(path + ".zst"))
            self.assertIn("journal.torn_line_cut", hb.log())
            self.assertRegex(hb.log(), "info journal\\.segment_recovered .* interrupted=1")
        shown = harborai("logs", "--json", "--state-dir", self.state)
        self.assertEqual(shown.stderr, "")
        lines = [json.loads(x) for x in shown.stdout.splitlines()]
        self.assertEqual([(x["request_id"], x["outcome"]) for x in lines],
                         [("whole", "ok"), ("cut", "interrupted")])
        self.assertIn("interrupted", harborai("logs", "--state-dir", self.state).stdout)

    def test_killed_commands_beside_a_gateway(self):
        """Its files are finished as soon as a process is gone, without a restart."""
        with support.gateway(self.config, state=self.state) as hb, support.folder() as place:
            config = support.write_config(place, self.config)
            chats = [subprocess.Popen(
                [HARBORAI, "chat", "--stream", "--config", config, "--state-dir", self.state, "-m", "gpt-4o",
                 "sim:" + json.dumps({"events": 1000, "delay_ms": 20})],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=support.environment(place))
                for _ in range(10)]
            wait_for("ten calls", lambda: len(lines_of(self.state)[0]) == 10)
            for chat in chats[:7]:
                chat.send_signal(signal.SIGKILL)
                chat.wait()
            wait_for("seven ends", lambda: len(lines_of(self.state)[1]) == 7)
            await_finished(self.state)
            for chat in chats[7:]:
                chat.send_signal(signal.SIGINT)
                chat.wait()
            wait_for("ten ends", lambda: len(lines_of(self.state)[1]) == 10)
            self.assertTrue(hb.healthy())
        ends = [x for lines in lines_of(self.state)[1].values() for x in lines]
        self.assertEqual(sorted(x["outcome"] for x in ends), ["cancelled"] * 3 + ["interrupted"] * 7)

    def test_who_lives_is_left_alone(self):
        """Two gateways and many commands share the directory, and now and then one of them is killed."""
        random.seed(11)
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(support.folder())
            path = support.write_config(place, self.config)
            chats = [stack.enter_context(self.chat(place, path)) for _ in range(CHATS)]
            wait_for("all calls", lambda: len(segments_of(self.state, chats)) == CHATS, 60)
            loads, killed = [], []
            for n in range(CHAT_KILLS // 2):
                with support.gateway(self.config, state=self.state) as first, \
                     support.gateway(self.config, state=self.state) as second:
                    loads += [Load(first, f"first-{n}"), Load(second, f"second-{n}")]
                    time.sleep(random.uniform(0.2, 0.6))
                    (first if n % 2 else second).kill()
                    killed.append(chats.pop(random.randrange(len(chats))))
                    killed[-1].kill()
                    killed[-1].wait()
                    time.sleep(0.5)  # the other one finishes what they left
                    for part in loads[-2:]:
                        part.end()
            with support.gateway(self.config, state=self.state):
                await_finished(self.state)
                self.assertEqual([chat.poll() for chat in chats], [None] * len(chats), "they live")
                self.assertEqual(self.outcomes(chats), [], "they live")
                for chat in chats:
                    chat.send_signal(signal.SIGINT)
                for chat in chats:
                    chat.wait(30)
            self.assertEqual(self.outcomes(chats), ["cancelled"] * len(chats))
            self.assertEqual(self.outcomes(killed), ["interrupted"] * len(killed))
            self.check(loads, *lines_of(self.state))

    @contextlib.contextmanager
    def chat(self, place, config):
        """A command that goes on for minutes."""
        process = subprocess.Popen(
            [HARBORAI, "chat", "--stream", "--config", config, "--state-dir", self.state, "-m", "gpt-4o",
             "sim:" + json.dumps({"events": 1000, "delay_ms": 500})], env=support.environment(place),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            support.end(process)

    def outcomes(self, processes):
        lines = [line for data in segments_of(self.state, processes) for line in support.parse_jsonl(data)]
        return sorted(line["outcome"] for line in lines if kind(line) == "end")

    def test_old_files_go(self):
        """SIGHUP puts the age in force."""
        def left():
            return sorted(os.path.basename(x) for x in glob.glob(self.state + "/journal/*.jsonl*"))
        os.mkdir(self.state + "/journal", 0o700)
        for days in (3, 10, 20):
            path = f"{self.state}/journal/{days}.jsonl"
            with open(path, "w", encoding="ascii") as file:
                file.write('{"type":"end","key":"a"}\n{"type":"seal"}\n')
            os.utime(path, (time.time() - days * 86400,) * 2)
        settings = {"compress": False}
        with support.gateway({**self.config, "journal": settings}, state=self.state) as hb:
            wait_for("those of 15 days are gone", lambda: {"10.jsonl", "3.jsonl"} == {
                x for x in left() if "-" not in x})
            support.write_config(os.path.dirname(hb.log_path),
                                 {**self.config, "journal": {"retention_days": 5}})
            hb.process.send_signal(signal.SIGHUP)
            wait_for("those of 5 days, too", lambda: "10.jsonl" not in left())
            wait_for("the rest is compressed", lambda: "3.jsonl.zst" in left())


    def test_old_files_stay_until_they_are_copied(self):
        """A store that is away keeps them, and only as long as it is."""
        os.mkdir(self.state + "/journal", 0o700)
        path = f"{self.state}/journal/20200101T000000Z-1-0.jsonl"
        with open(path, "w", encoding="ascii") as file:
            file.write('{"type":"end","key":"00000000-0000-0000-0000-000000000001","begin_ns":5,'
                       '"end_ns":6}\n{"type":"seal"}\n')
        os.utime(path, (time.time() - 20 * 86400,) * 2)
        away = {"postgres": {"url": f"postgresql://a:b@127.0.0.1:{support.free_port()}/c"}}
        with support.gateway({**self.config, "store": away}, state=self.state) as hb:
            wait_for("it is said", lambda: "journal.kept" in hb.log())
            wait_for("the index has it", lambda: "sqlite.copied" in os.listdir(self.state + "/journal"))
            time.sleep(0.5)
            self.assertTrue(glob.glob(path + "*"))
        with support.gateway(self.config, state=self.state):
            wait_for("it goes", lambda: not glob.glob(path + "*"))


if __name__ == "__main__":
    unittest.main()
