# SPDX-License-Identifier: MIT
"""What killed processes leave in the journal: nobody's answer is lost, and what was cut off is said."""
import contextlib
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

import support
from support import HARBORAI, harborai, kind, wait_for

KILLS, CLIENTS = 10, 8
ROWS = (({"events": 3, "delay_ms": 5}, {}, 200), ({"events": 3, "delay_ms": 5}, {"stream": True}, 200),
        ("hello", {}, 200), ("hello", {"model": "nobody/knows"}, 404),
        ({"events": 10, "delay_ms": 20}, {"stream": True}, 200))


class Load:
    """Clients of one gateway until it is killed: which calls were sent, and which answered, how."""

    def __init__(self, hb, name):
        self.hb, self.name = hb, name
        self.sent, self.answered = set(), {}
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
            except (OSError, http.client.HTTPException):
                continue
            assert answer.status == status, (mark, answer.status)
            if not more.get("stream") or b"[DONE]" in answer.body:
                self.answered[mark] = status

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def lines_of(state):
    """Each line of a call by its request id: (begin lines, end lines)."""
    begins, ends = {}, {}
    for line in support.journal(state):
        if kind(line) != "amend":
            mark = line.get("request_id", line["key"])
            (begins if kind(line) == "begin" else ends).setdefault(mark, []).append(line)
    return begins, ends


def unfinished(state):
    """Plain files of the journal that no process has locked."""
    held = {os.stat(path).st_ino for path in glob.glob(state + "/journal/*.jsonl")
            if subprocess.run(["flock", "-n", "-s", path, "true"], check=False).returncode != 0}
    return [path for path in glob.glob(state + "/journal/*.jsonl") if os.stat(path).st_ino not in held]


def await_finished(state):
    def is_finished():
        with contextlib.suppress(FileNotFoundError):
            return not unfinished(state)
        return False
    wait_for("all files of dead processes are finished and compressed", is_finished, 20)


class RecoveryTest(support.WithSimulator):
    def setUp(self):
        self.state = self.enterContext(support.folder())

    def test_killed_ten_times_under_load(self):
        random.seed(7)
        loads = []
        with support.gateway(self.config, state=self.state) as bystander, contextlib.ExitStack() as stack:
            living = support.RawStream(bystander.port, support.chat_body(
                {"events": 4000, "delay_ms": 20}, stream=True), "x-request-id: living\r\n")
            stack.callback(living.close)
            living.read_until(b"000000 ")
            for n in range(KILLS):
                with support.gateway(self.config, state=self.state) as hb:
                    loads.append(Load(hb, f"kill-{n}"))
                    time.sleep(random.uniform(0.2, 1.2))
                    hb.kill()
                    loads[-1].end()
            await_finished(self.state)
            begins, ends = lines_of(self.state)
            self.assertEqual((len(begins["living"]), "living" in ends), (1, False), "it lives")
            living.close()
            wait_for("its end line", lambda: "living" in lines_of(self.state)[1])
        self.check(loads, *lines_of(self.state))

    def check(self, loads, begins, ends):
        self.assertEqual({mark: len(x) for mark, x in ends.items() if len(x) > 1}, {}, "ended twice")
        self.assertEqual(set(begins) - set(ends), set(), "without an end")
        outcomes = {"answered": 0, "interrupted": 0, "ended": 0}
        for load in loads:
            for mark, status in load.answered.items():
                line, = ends[mark]
                self.assertEqual((line["status"], line["outcome"]),
                                 (status, "ok" if status == 200 else "error"), line)
            outcomes["answered"] += len(load.answered)
            for mark in load.sent - set(load.answered):
                for line in ends.get(mark, []):
                    outcomes["interrupted" if line["outcome"] == "interrupted" else "ended"] += 1
        self.assertEqual(ends["living"][0]["outcome"], "cancelled")
        for line in (x for lines in ends.values() for x in lines if x["outcome"] == "interrupted"):
            begin = begins[line["request_id"]][-1]
            self.assertEqual((line["status"], line["cost"], line["usage"], line["cost_reason"]),
                             (0, None, None, "interrupted"))
            self.assertEqual({k: line[k] for k in ("key", "id", "provider", "model", "client")},
                             {k: begin[k] for k in ("key", "id", "provider", "model", "client")})
            self.assertLessEqual(begin["begin_ns"], line["end_ns"])
            self.assertLess(line["end_ns"], line["recovered_ns"])
        self.assertGreater(outcomes["answered"], KILLS, outcomes)
        self.assertGreater(outcomes["interrupted"], KILLS, outcomes)
        self.assertLess(outcomes["ended"], CLIENTS * KILLS, outcomes)
        print(f"\n  {KILLS} kills: {outcomes}")

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
