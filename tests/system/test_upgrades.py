# SPDX-License-Identifier: MIT
"""A plugin is reloaded, disabled and enabled again and again while many streams run: none breaks, what
is old goes, and memory stays. HARBORAI_TEST_ROUNDS and HARBORAI_TEST_STREAMS make it longer."""
import asyncio
import json
import os
import re
import threading
import time

import support
from control import ControlTest

STREAMS = int(os.environ.get("HARBORAI_TEST_STREAMS", 500 if support.LONG else 50))
ROUNDS = int(os.environ.get("HARBORAI_TEST_ROUNDS", 20 if support.LONG else 5))
SETTLED_ROUND = 10  # memory is compared from here on
GROWTH_KIB = 256
STREAM = {"events": 10, "delay_ms": 200}
GONE_LIMIT_S = 1


class Load:
    """So many streams at a time, each begun anew when it has ended, on a thread of its own."""

    def __init__(self, port):
        self.port = port
        self.whole, self.refused, self.faults = 0, [], []
        self.running = 0
        self.stopping = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()

    async def run(self):
        await asyncio.gather(*(self.work(i) for i in range(STREAMS)))

    async def work(self, number):
        await asyncio.sleep(number * 2 / STREAMS)  # else all begin, and end, at once
        while not self.stopping:
            try:
                await self.ask()
            except (OSError, asyncio.IncompleteReadError) as error:
                self.faults.append(repr(error))

    async def ask(self):
        began = time.monotonic()
        body = json.dumps(support.chat_body(STREAM, stream=True)).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                         b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                         + body)
            self.running += 1
            answer = await reader.read(-1)
            self.running -= 1
        finally:
            writer.close()
        status = answer[9:12]
        if status == b"200" and answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n") and \
                answer.count(b'"content":') >= STREAM["events"]:
            self.whole += 1
        elif status == b"404" and b"provider 'openai' is disabled" in answer:
            self.refused.append((began, time.monotonic()))
            await asyncio.sleep(0.1)
        else:
            self.faults.append(answer[-600:].decode(errors="replace"))


class UpgradeTest(ControlTest):
    def private_dirty_kib(self, hb):
        with open(f"/proc/{hb.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"Private_Dirty: +(\d+) kB", file.read()).group(1))

    def leaving(self):
        return self.ask("GET", "/plugins").json()["leaving"]

    def await_old_gone(self, hb):
        """The last call of what is old has ended: how long its object stays, then."""
        support.wait_for("the last call of the old object", lambda: self.leaving() == 0, 30)
        began = time.monotonic()
        support.wait_for("one object", lambda: len(self.mapped(hb)) == 1)
        return time.monotonic() - began

    def round(self, hb, windows):
        self.put(self.openai)
        self.assertEqual(self.ask("POST", "/plugins/openai/reload").status, 200)
        most = len(self.mapped(hb))
        gone_s = self.await_old_gone(hb)
        began = time.monotonic()
        self.assertEqual(self.ask("POST", "/plugins/openai/disable").status, 200)
        time.sleep(0.1)
        self.assertEqual(self.ask("POST", "/plugins/openai/enable").status, 200)
        windows.append((began, time.monotonic()))
        most = max(most, len(self.mapped(hb)))
        self.assertEqual(hb.chat().status, 200)
        return most, max(gone_s, self.await_old_gone(hb))

    def test_rounds_under_load(self):
        self.config["store"] = {"sqlite": {"enabled": False}}  # its cache grows with what it holds
        hb = self.serve()
        windows, most, gone_s, memory = [], 0, 0.0, {}
        with Load(hb.port) as load:
            support.wait_for("all streams run", lambda: load.running >= STREAMS * 0.9, 60)
            for number in range(1, ROUNDS + 1):
                objects, seconds = self.round(hb, windows)
                most, gone_s = max(most, objects), max(gone_s, seconds)
                memory[number] = self.private_dirty_kib(hb)
        support.wait_for("one object", lambda: len(self.mapped(hb)) == 1)
        outside = [(sent, got) for sent, got in load.refused
                   if not any(sent <= end and got >= begin for begin, end in windows)]
        if support.LONG:
            print(f"{STREAMS} streams, {ROUNDS} rounds: {load.whole} whole, {len(load.faults)} broken, "
                  f"{len(load.refused)} refused, {len(outside)} of them outside of a window, at most "
                  f"{most} objects, gone after {gone_s:.2f} s, Private_Dirty "
                  f"{memory[min(SETTLED_ROUND, ROUNDS)]} -> {memory[ROUNDS]} KiB", flush=True)
        self.assertEqual(load.faults, [])
        self.assertEqual(outside, [])
        self.assertGreater(load.whole, STREAMS)
        self.assertLessEqual(most, 2)
        if not support.is_sanitized():
            self.assertLess(gone_s, GONE_LIMIT_S)
            if ROUNDS > SETTLED_ROUND:
                self.assertLessEqual(memory[ROUNDS] - memory[SETTLED_ROUND], GROWTH_KIB)
