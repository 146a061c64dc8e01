# SPDX-License-Identifier: MIT
"""The journal: a begin line before a vendor hears of a call, an end line before its answer ends."""
import contextlib
import os
import re
import resource
import signal
import subprocess
import threading
import time
import unittest
from decimal import Decimal

import support
from support import chat_body, find_end, kind
from test_http import FrontTest

UUID7 = r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500,
         "prompt_tokens_details": {"cached_tokens": 200}}
# gpt-4o, USD per million tokens: input 2.50, cached 1.25, output 10.00
COST = Decimal("800") * Decimal("2.5e-6") + 200 * Decimal("1.25e-6") + 500 * Decimal("10e-6")


class JournalTest(FrontTest):
    number = 0

    def call(self, content, model="gpt-4o", **more):
        """(answer, end line) of a call."""
        JournalTest.number += 1
        mark = f"journal-{JournalTest.number}"
        answer = self.hb.chat(content, model, headers={"x-request-id": mark}, **more)
        return answer, find_end(self.hb.state, mark)

    def test_whole_and_streamed_calls_cost_the_same_exactly(self):
        for more in ({}, {"stream": True},
                     {"stream": True, "stream_options": {"include_usage": True}}):
            with self.subTest(more):
                _, line = self.call({"text": "a", "usage": USAGE}, **more)
                self.assertEqual(Decimal(line["cost"]), COST)
                self.assertEqual(Decimal(line["cost_input"]) + Decimal(line["cost_output"]), COST)
                self.assertGreater(Decimal(line["cost_output"]), 0)
                self.assertEqual(line["plugin"], "org.harborai.openai")
                self.assertIsInstance(line["cost"], str, "a decimal, not a float")
                self.assertEqual(line["currency"], "USD")
                self.assertTrue(line["price_source"])

    def test_service_tier_is_recorded_and_priced(self):
        """gpt-4o has prices of its own for priority, none for scale; "default" is standard."""
        priority = COST * Decimal("1.7")
        rows = {"default": (COST, None), "priority": (priority, None), "scale": (None, "no_price")}
        for tier, (cost, reason) in rows.items():
            said = {"text": "a b", "usage": USAGE, "service_tier": tier, "model": "gpt-4o-of-today"}
            for more in ({}, {"stream": True}):
                with self.subTest(tier, **more):
                    _, line = self.call(said, **more)
                    self.assertEqual((line["service_tier"], line["vendor_model"]),
                                     (tier, "gpt-4o-of-today"))
                    self.assertEqual(line["cost"] and Decimal(line["cost"]), cost)
                    self.assertEqual(line.get("cost_reason"), reason)

    def test_names_of_a_stream_that_breaks_off(self):
        _, line = self.call({"events": 8, "cut_after_events": 4, "delay_ms": 2,
                             "service_tier": "flex", "model": "m-2"}, stream=True)
        self.assertEqual((line["outcome"], line["service_tier"], line["vendor_model"]),
                         ("error", "flex", "m-2"))

    def test_members_of_an_end_line(self):
        before = time.time_ns()
        answer, line = self.call({"text": "a b", "usage": USAGE}, "smart")
        self.assertRegex(line["key"], UUID7)
        self.assertRegex(line["id"], r"^hb_\d{13}_[0-9a-f]{8}$")
        self.assertRegex(line["trace_id"], r"^[0-9a-f]{32}$")
        self.assertEqual((line["provider"], line["model"], line["upstream_model"], line["status"]),
                         ("openai", "smart", "gpt-4o", 200))
        self.assertEqual((line["outcome"], line["finish_reason"], line["stream"], line["attempts"]),
                         ("ok", "stop", False, 1))
        self.assertEqual(line["usage"]["prompt_tokens"], 1000)
        self.assertEqual(line["usage"]["prompt_tokens_details"]["cached_tokens"], 200)
        for at in ("begin_ns", "end_ns"):
            self.assertTrue(before <= line[at] <= time.time_ns(), (at, line))
        self.assertLessEqual(line["begin_ns"], line["end_ns"])
        self.assertGreaterEqual(line["bytes_out"], len(answer.body))

    def test_bytes_out_of_a_stream_are_all_its_chunks(self):
        """Those too that were held back until the end line was written."""
        more = {"stream": True, "stream_options": {"include_usage": True}}
        answer, line = self.call("one two", **more)
        chunks = [x[6:] for x in answer.body.splitlines() if x.startswith(b"data: {")]
        self.assertTrue(any(b'"usage":{' in x for x in chunks))
        self.assertEqual(line["bytes_out"], sum(len(x) for x in chunks))

    def test_token_classes_are_disjoint(self):
        _, line = self.call({"text": "a", "usage": {**USAGE, "completion_tokens_details":
                                                    {"reasoning_tokens": 100}}})
        tokens = line["tokens"]
        self.assertEqual((tokens["input"], tokens["cache_read"]), (800, 200))
        self.assertEqual(tokens["output"] + tokens.get("reasoning", 0), 500)

    def test_how_far_the_usage_is_trusted(self):
        """Of a stream as of a whole answer; the vendor's own total stays."""
        for total, confidence in ((1500, 1), (9, 0.9), (None, 0.8)):
            usage = {**USAGE, "total_tokens": total}
            for more in ({}, {"stream": True}):
                with self.subTest(total, **more):
                    _, line = self.call({"text": "a", "usage": usage}, **more)
                    self.assertEqual((line["parsing_method"], line["confidence"]),
                                     ("openai_direct", confidence))
                    self.assertEqual(line["usage"]["total_tokens"], total, "as the vendor wrote it")
                    self.assertNotIn("parsing_error", line)

    def test_begin_line_of_each_with_the_trace_of_the_vendors_log(self):
        self.call("begin-mark text")
        trace = self.sim.request("begin-mark")["traceparent"].split("-")[1]
        begins = [x for x in self.hb.journal() if kind(x) == "begin" and x["trace_id"] == trace]
        ends = [x for x in self.hb.journal() if kind(x) == "end" and x["trace_id"] == trace]
        self.assertEqual((len(begins), len(ends)), (1, 1))
        self.assertEqual(begins[0]["id"], ends[0]["id"])

    def test_price_that_nobody_knows_is_null_with_a_reason(self):
        _, line = self.call("no price", "my-model")
        self.assertIsNone(line["cost"])
        self.assertTrue(line["cost_reason"])

    def test_failures_are_records_too(self):
        for content, status in (({"status": 429}, 429), ({"status": 401}, 502),
                                ({"reset": True}, 502)):
            _, line = self.call(content)
            self.assertEqual((line["status"], line["outcome"]), (status, "error"))
            self.assertTrue(line["error"]["message"])

    def test_broken_stream(self):
        _, line = self.call({"events": 8, "cut_after_events": 4, "delay_ms": 2}, stream=True)
        self.assertEqual((line["status"], line["outcome"]), (200, "error"))

    def test_client_that_left(self):
        mark = "journal-left"
        call = support.RawStream(self.hb.port, chat_body({"events": 3000, "delay_ms": 5},
                                                         stream=True), f"x-request-id: {mark}\r\n")
        call.read_until(b"000003 ")
        call.close()
        line = support.wait_for("its end line", lambda: next(
            (x for x in self.hb.journal() if kind(x) == "end" and x["request_id"] == mark), None))
        self.assertEqual(line["outcome"], "cancelled")

    def test_time_to_first_token(self):
        _, line = self.call({"events": 3, "pause_ms_before_event": [0, 300]}, stream=True)
        self.assertGreater(line["end_ns"] - line["begin_ns"], 290_000_000)
        self.assertGreater(line["ttft_ns"], 290_000_000)

    def test_no_prompt_and_no_key_in_it(self):
        self.call("a-prompt-that-is-private")
        text = str(self.hb.journal())
        self.assertNotIn("a-prompt-that-is-private", text)
        self.assertFalse(re.search(support.KEY, text))


class Disk:
    """A gateway of one loop whose journal can be kept from growing, as a full disk does it."""

    def __init__(self, hb):
        self.hb = hb

    def limit(self, most):
        resource.prlimit(self.hb.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def fill(self):
        """Room for a part of the next line; the log is shorter and goes on."""
        for _ in range(6):
            self.hb.chat()
        journal, = (os.path.join(self.hb.state, "journal", name)
                    for name in os.listdir(os.path.join(self.hb.state, "journal"))
                    if name.endswith(".jsonl"))
        self.limit(os.path.getsize(journal) + 100)

    def free(self):
        self.limit(resource.RLIM_INFINITY)

    def metric(self, name):
        text = self.hb.request("GET", "/metrics").body.decode()
        return int(re.search(rf"^{name} (\d+)$", text, re.M).group(1))


@contextlib.contextmanager
def disk(**config):
    with support.simulator() as sim:
        with support.gateway({**support.config_for(sim), **config}, workers=1) as hb:
            yield sim, hb, Disk(hb)


def ask(stack, hb, mark, content="hello", **more):
    call = support.RawStream(hb.port, chat_body(content, **more), f"x-request-id: {mark}\r\n")
    stack.callback(call.close)
    return call


def received(call):
    """What is there without waiting for more."""
    call.sock.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        while piece := call.sock.recv(65536):
            call.seen += piece
    call.sock.setblocking(True)
    call.sock.settimeout(30)
    return call.seen


class DiskTest(unittest.TestCase):
    """A full disk: no answer ends before its line is on record, and nothing is lost."""

    def ends(self, hb):
        return {x["request_id"]: x for x in hb.journal() if kind(x) == "end"}

    def test_calls_wait_and_go_on(self):
        with disk() as (sim, hb, limited), contextlib.ExitStack() as stack:
            stream = ask(stack, hb, "disk-stream", {"events": 100, "delay_ms": 20}, stream=True)
            stream.read_until(b"000003 ")
            limited.fill()
            sent = len(sim.lines("request"))
            waiting = {f"disk-{n}": ask(stack, hb, f"disk-{n}", "wait", stream=bool(n % 2))
                       for n in range(10)}
            waiting["disk-error"] = ask(stack, hb, "disk-error", model="nobody/knows")
            stream.read_until(b"000099 ")
            time.sleep(0.7)
            self.assertNotIn(b"finish_reason\":\"stop", received(stream))
            for mark, call in waiting.items():
                self.assertEqual(received(call), b"", mark)
            self.assertEqual(len(sim.lines("request")), sent, "sent without a begin line")
            limited.free()
            stream.read_until(b"[DONE]")
            for mark, call in waiting.items():
                call.read_until(b"404 " if mark == "disk-error" else b"stop")
            self.assertLessEqual({"disk-stream", *waiting}, set(self.ends(hb)))
            self.assertEqual(hb.chat().status, 200)
            log = hb.log()
            self.assertEqual((log.count("journal.write_failed"), log.count("journal.recovered"),
                              log.count("journal.line")), (1, 1, 0))

    def test_too_much_that_waits_refuses_new_calls(self):
        name = "nobody/" + "\u0001" * 240  # its lines are long
        with disk() as (_, hb, limited), contextlib.ExitStack() as stack:
            stream = ask(stack, hb, "disk-stream", {"events": 100, "delay_ms": 20}, stream=True)
            stream.read_until(b"000003 ")
            limited.fill()
            waiting = {}
            for n in range(900):
                waiting[f"many-{n}"] = ask(stack, hb, f"many-{n}", model=name)
                if n % 10 == 9 and limited.metric("harborai_journal_refusals_total") > 0:
                    break
            before = limited.metric("harborai_journal_refusals_total")
            for n in range(500):
                answer = hb.chat(headers={"x-request-id": f"refused-{n}"})
                self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
            self.assertEqual(limited.metric("harborai_journal_refusals_total"), before + 500)
            stream.read_until(b"000099 ")
            limited.free()
            stream.read_until(b"[DONE]")
            refused = 0
            for mark, call in waiting.items():
                refused += b" 503 " in call.read_until(b"\r\n\r\n")
            self.assertEqual(refused, before)
            ends = self.ends(hb)
            self.assertEqual(sum(mark.startswith("many-") for mark in ends), len(waiting) - refused)
            self.assertIn("disk-stream", ends)
            self.assertFalse([mark for mark in ends if mark.startswith("refused")])
            self.assertEqual(hb.chat().status, 200)
            self.assertNotIn("journal.line", hb.log())

    def test_drop_lets_calls_go_on(self):
        name = "nobody/" + "\u0001" * 240
        with disk(journal={"on_failure": "drop"}) as (_, hb, limited), contextlib.ExitStack() as stack:
            limited.fill()
            for n in range(20):
                self.assertEqual(hb.chat(headers={"x-request-id": f"drop-{n}"}).status, 200)
            self.assertEqual(limited.metric("harborai_journal_lines_lost_total"), 0)
            asked = 0
            while limited.metric("harborai_journal_lines_lost_total") == 0 and asked < 2000:
                for _ in range(50):
                    self.assertEqual(hb.chat(model=name).status, 404)
                asked += 50
            lost = limited.metric("harborai_journal_lines_lost_total")
            self.assertGreater(lost, 0)
            self.assertEqual(limited.metric("harborai_journal_refusals_total"), 0)
            self.assertEqual(hb.log().count("journal.line_lost"), 1)
            self.assertNotIn("journal.recovered", hb.log())
            limited.free()
            support.wait_for("it is written without a call that comes",
                             lambda: "journal.recovered" in hb.log())
            self.assertEqual(hb.chat(headers={"x-request-id": "drop-last"}).status, 200)
            ends = self.ends(hb)
            self.assertLessEqual({f"drop-{n}" for n in range(20)} | {"drop-last"}, set(ends))
            self.assertRegex(hb.log(), f"warn journal\\.recovered .* lost=({lost}|{lost + 1}) ")
            self.assertGreaterEqual(len(ends), asked - lost)

    def test_switched_off(self):
        with disk(journal={"enabled": False}) as (_, hb, limited):
            self.assertEqual(hb.chat().status, 200)
            self.assertEqual(limited.metric("harborai_journal_lines_total"), 0)
            self.assertFalse(os.path.exists(os.path.join(hb.state, "journal")))

    def test_kill_9_leaves_no_answer_without_its_line(self):
        with disk() as (_, hb, limited), contextlib.ExitStack() as stack:
            streams = {f"kill-{n}": ask(stack, hb, f"kill-{n}", {"events": 5, "delay_ms": 60},
                                        stream=True) for n in range(10)}
            for call in streams.values():
                call.read_until(b"000000 ")
            limited.fill()
            whole = {f"kill-whole-{n}": ask(stack, hb, f"kill-whole-{n}") for n in range(10)}
            for call in streams.values():
                call.read_until(b"000004 ")
            time.sleep(0.3)
            hb.kill()
            ends = self.ends(hb)
            for mark, call in {**streams, **whole}.items():
                seen = received(call)
                self.assertTrue(mark in ends or (b"stop" not in seen and b"[DONE]" not in seen), mark)
                if mark in whole:
                    self.assertEqual(seen, b"")

    def test_stop_ends_within_the_limit_and_says_what_is_lost(self):
        with disk(timeouts={"shutdown": "1s"}) as (_, hb, limited), contextlib.ExitStack() as stack:
            limited.fill()
            calls = [ask(stack, hb, f"stop-{n}", stream=bool(n % 2)) for n in range(4)]
            support.wait_for("a failed write", lambda: "journal.write_failed" in hb.log())
            time.sleep(0.2)
            began = time.monotonic()
            hb.process.send_signal(signal.SIGTERM)
            hb.process.wait(20)
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(hb.process.returncode, 0)
            hb.killed = True
            for call in calls:
                self.assertNotIn(b"stop\"", received(call))
            self.assertRegex(hb.log(), r"error journal\.lines_lost lines=8")


@contextlib.contextmanager
def slowed(hb, call, what):
    """A gateway whose file operations of one kind are tampered with, as strace's inject= says."""
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-p", str(hb.pid), "-e",
                               f"trace={call}", "-P", segment_of(hb), "-e", f"inject={call}:{what}"],
                              stderr=subprocess.PIPE, text=True)
    try:
        while "attached" not in (line := tracer.stderr.readline()):
            assert line, "strace has ended"
        yield
    finally:
        tracer.terminate()
        tracer.wait(20)
        tracer.stderr.close()


def segment_of(hb):
    folder = os.path.join(hb.state, "journal")
    name, = (n for n in os.listdir(folder) if n.endswith(".jsonl"))
    return os.path.join(folder, name)


class SlowDiskTest(unittest.TestCase):
    """A disk that takes its time holds up the calls whose lines it writes, and nobody else."""

    DELAY_S = 0.8

    def longest_silence(self, hb, stack, during):
        """Of a stream's pieces while `during` runs."""
        stream = ask(stack, hb, "slow-stream", {"events": 150, "delay_ms": 20}, stream=True)
        stream.read_until(b"000003 ")
        times = []

        def read():
            for n in range(4, 150):
                stream.read_until(b"%06d " % n)
                times.append(time.monotonic())

        reader = threading.Thread(target=read)
        reader.start()
        during()
        reader.join()
        return max(b - a for a, b in zip(times, times[1:]))

    def timed_chat(self, hb, number):
        began = time.monotonic()
        self.assertEqual(hb.chat(headers={"x-request-id": f"slow-{number}"}).status, 200)
        return time.monotonic() - began

    def test_slow_writes_move_to_a_thread_and_back(self):
        with disk(log={"level": "debug"}) as (_, hb, limited), contextlib.ExitStack() as stack:
            hb.chat()
            with slowed(hb, "write", f"delay_enter={int(self.DELAY_S * 1e6)}"):
                self.timed_chat(hb, "first")  # the loop itself finds out
                self.assertEqual(limited.metric("harborai_journal_slow_total"), 1)
                waits = []
                silence = self.longest_silence(
                    hb, stack, lambda: waits.extend(self.timed_chat(hb, n) for n in range(3)))
            self.assertGreater(min(waits), 2 * self.DELAY_S, "an answer before its lines")
            self.assertLess(silence, 0.75 * self.DELAY_S, "a stream stood still")
            for n in range(20):
                self.timed_chat(hb, f"quick-{n}")
            self.assertEqual(limited.metric("harborai_journal_slow_total"), 1)
            self.assertIn("journal.quick", hb.log())
            ends = {x["request_id"] for x in hb.journal() if kind(x) == "end"}
            self.assertLessEqual({f"slow-{n}" for n in range(3)} | {"slow-first"}, ends)

    def test_sync_is_waited_for_by_nobody(self):
        with disk(journal={"sync": "50ms"}) as (_, hb, _):
            hb.chat()
            with slowed(hb, "fdatasync", f"delay_enter={int(self.DELAY_S * 1e6)}"):
                took = [self.timed_chat(hb, n) for n in range(8)]
            self.assertLess(sorted(took)[4], self.DELAY_S / 2)

    def test_sync_fails(self):
        for sync, count in (("50ms", 1), ("0", 0)):
            with self.subTest(sync), disk(journal={"sync": sync}) as (_, hb, _):
                with slowed(hb, "fdatasync", "error=EIO"):
                    for n in range(6):
                        self.timed_chat(hb, n)
                        time.sleep(0.1)
                self.assertEqual(hb.log().count("journal.sync_failed"), count, hb.log())

    def test_power(self):
        with disk(journal={"durability": "power"}) as (_, hb, _), contextlib.ExitStack() as stack:
            hb.chat()
            with slowed(hb, "fdatasync", f"delay_enter={int(self.DELAY_S * 1e6)}"):
                took = []
                threads = [threading.Thread(target=lambda n=n: took.append(self.timed_chat(hb, n)))
                           for n in range(20)]

                def together():
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()

                began = time.monotonic()
                silence = self.longest_silence(hb, stack, together)
            self.assertEqual(len(took), 20)
            self.assertGreater(min(took), 2 * self.DELAY_S, "an answer that the disk does not have")
            self.assertLess(max(took), 8 * self.DELAY_S, "each call waited for a sync of its own")
            self.assertLess(silence, 0.75 * self.DELAY_S, "a stream stood still")

    def test_power_fails(self):
        with disk(journal={"durability": "power"}) as (_, hb, _):
            hb.chat()
            with slowed(hb, "fdatasync", "error=EIO:when=1..3"):
                self.assertEqual(self.timed_chat(hb, "failed") > 0.25, True)
            log = hb.log()
            self.assertIn("cannot sync journal segment", log)
            self.assertEqual((log.count("journal.write_failed"), log.count("journal.recovered")), (1, 1))
            ends = [x["request_id"] for x in hb.journal() if kind(x) == "end"]
            self.assertEqual(ends.count("slow-failed"), 1)
