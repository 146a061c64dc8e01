# SPDX-License-Identifier: MIT
"""The process: graceful end, rest, and what the journal holds after kill -9."""
import asyncio
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import load as bench
import support
from support import chat_body, kind


class StopTest(unittest.TestCase):
    def test_running_streams_end_well(self):
        with support.simulator() as sim, support.gateway(support.config_for(sim)) as hb:
            call = support.RawStream(hb.port, chat_body({"events": 100, "delay_ms": 10}, stream=True))
            with contextlib.closing(call):
                call.read_until(b"000003 ")
                hb.process.send_signal(signal.SIGTERM)
                call.gaps()
            self.assertIn(b"000099 ", call.seen)
            hb.process.wait(10)
            self.assertEqual(hb.process.returncode, 0)
            hb.killed = True

    def test_new_connections_are_refused_and_idle_ones_closed(self):
        with support.simulator() as sim, support.gateway(support.config_for(sim)) as hb:
            with contextlib.closing(hb.connect()) as idle:
                support.exchange(idle, "GET", "/health")
                sock = idle.sock
                hb.process.send_signal(signal.SIGTERM)
                self.assertEqual(sock.recv(1), b"")
            hb.process.wait(10)
            self.assertEqual(hb.process.returncode, 0)
            self.assertRaises(OSError, hb.request, "GET", "/health")
            hb.killed = True

    def test_a_call_that_hangs_is_ended_within_the_limit_and_recorded(self):
        with support.simulator() as sim, support.gateway(
                {**support.config_for(sim), "timeouts": {"shutdown": "2s"}}) as hb:
            call = support.RawStream(hb.port, chat_body({"hang": "body"}, stream=True),
                                     "x-request-id: stop-hang\r\n")
            support.wait_for("call at the vendor", lambda: sim.lines("request"))
            hb.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            hb.process.wait(60)
            call.close()
            self.assertLess(time.monotonic() - began, 8)
            self.assertEqual(hb.process.returncode, 0)
            support.find_end(hb.state, "stop-hang")
            hb.killed = True

    def test_a_second_signal_breaks_off_at_once(self):
        for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)):
            with support.simulator() as sim, support.gateway(support.config_for(sim)) as hb:
                call = support.RawStream(hb.port, chat_body({"hang": "body"}, stream=True),
                                         "x-request-id: stop-hurry\r\n")
                support.wait_for("call at the vendor", lambda: sim.lines("request"))
                hb.process.send_signal(first)
                support.wait_for("the stop", lambda: "serve.stop" in hb.log())
                time.sleep(0.5)
                self.assertTrue(hb.alive(), "the first signal waits for the call")
                hb.process.send_signal(second)
                hb.process.wait(5)
                call.close()
                self.assertEqual(hb.process.returncode, 0)
                support.find_end(hb.state, "stop-hurry")
                hb.killed = True

    def test_other_signals_do_not_end_it(self):
        with support.gateway() as hb:
            for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
                hb.process.send_signal(number)
                if number != signal.SIGPIPE:
                    support.wait_for("log line", lambda: f"signal={number:d} " in hb.log())
            self.assertTrue(hb.healthy())

    def test_half_a_request_does_not_hold_the_stop_up(self):
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"
        with contextlib.ExitStack() as stack:
            halves = [(half, stack.enter_context(support.gateway()))
                      for half in (b"POST /v1/chat", head)]
            threads = [threading.Thread(target=self.stop_with_half, args=each) for each in halves]
            self.stopped = {}
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        for half, _ in halves:
            with self.subTest(half=half[:20]):
                seen, took_s = self.stopped[half]
                self.assertIn(b"HTTP/1.1 503 ", seen)
                self.assertLess(took_s, 8)

    def stop_with_half(self, half, hb):
        with socket.create_connection(("127.0.0.1", hb.port), timeout=10) as client:
            client.sendall(half)
            time.sleep(0.2)
            hb.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            seen = b""
            while b"\r\n\r\n" not in seen and time.monotonic() - began < 12:
                client.settimeout(0.5)
                with contextlib.suppress(OSError):
                    client.send(b" ")  # it trickles on
                    piece = client.recv(65536)
                    seen += piece
                    if not piece:
                        break
            hb.process.wait(10)
            hb.killed = True
            self.stopped[half] = seen, time.monotonic() - began

    def test_sigint_too(self):
        with support.gateway() as hb:
            hb.process.send_signal(signal.SIGINT)
            hb.process.wait(10)
            self.assertEqual(hb.process.returncode, 0)
            hb.killed = True


class QuickstartTest(unittest.TestCase):
    def test_behind_a_proxy(self):
        """What talks to 127.0.0.1 goes past it: here it is one that nobody could use."""
        nobody = f"http://127.0.0.1:{support.free_port()}"
        with support.folder() as place:
            env = support.environment(place, http_proxy=nobody, https_proxy=nobody,
                                      HARBORAI_BUILDDIR=support.BUILD)
            done = subprocess.run(["sh", os.path.join(support.ROOT, "examples", "quickstart")],
                                  env=env, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Say ahoy in five words.", done.stdout)
        self.assertRegex(done.stdout, r"gpt-4o-mini  openai    ok .* 0\.\d+ USD ")


class LimitsTest(unittest.TestCase):
    def test_the_limit_of_descriptors_is_raised_to_the_hard_one(self):
        with support.gateway(wrapper=("sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh")) as hb:
            with open(f"/proc/{hb.pid}/limits", encoding="ascii") as file:
                soft, hard = re.search(r"Max open files +(\S+) +(\S+)", file.read()).groups()
            self.assertEqual(soft, hard)
            self.assertNotEqual(soft, "256")

    def test_too_few_descriptors_are_told_of(self):
        """Fewer than 1,000 connections need, or as many as are set."""
        for connections, needed in ((0, 2096), (3000, 6096), (200, None)):
            config = {"server": {"limits": {"connections": connections}}}
            with support.gateway(config, workers=2, wrapper=("sh", "-c", 'ulimit -n 512; exec "$@"', "sh")) as hb:
                if needed:
                    self.assertIn(f"serve.few_descriptors limit=512 needed={needed} connections="
                                  f"{connections or 1000} help='raise ", hb.log())
                else:
                    self.assertNotIn("few_descriptors", hb.log())


class BalanceTest(unittest.TestCase):
    def test_streams_are_spread_over_the_loops(self):
        """1,000 streams that come within a second, each on a connection of its own: of four loops the busiest
        has at most 1.15 of the mean."""
        count, workers = 1000, 4
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 3 * count:
            self.skipTest(f"needs {3 * count} open files, and may have {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with bench.upstream() as base_url:
            config = {"providers": {"bench": support.provider(base_url, bench.MODEL)}}
            with support.gateway(config, workers=workers) as hb, contextlib.ExitStack() as stack:
                body = chat_body("bench:events=1,hold=1", bench.MODEL, stream=True)
                began = time.monotonic()
                for i in range(count):
                    call = support.RawStream(hb.port, body)
                    stack.callback(call.close)
                    time.sleep(max(0, began + i / count - time.monotonic()))
                support.wait_for("all connections", lambda: sum(self.shares(hb)) == count, 60)
                shares = sorted(self.shares(hb))
                print(f"test_process: {count} streams on {workers} loops: {shares}, busiest over mean "
                      f"{shares[-1] * workers / count:.3f}", file=sys.stderr)
                self.assertEqual(len(shares), workers)
                self.assertLessEqual(shares[-1] * workers / count, 1.15)

    @staticmethod
    def shares(hb):
        """Of each loop how many connections of clients its epoll watches, as the kernel tells."""
        clients = set()
        with open(f"/proc/{hb.pid}/net/tcp", encoding="ascii") as file:
            for line in list(file)[1:]:
                fields = line.split()
                if fields[1] == f"0100007F:{hb.port:04X}" and fields[3] == "01":
                    clients.add(int(fields[9]))
        found = []
        for name in os.listdir(f"/proc/{hb.pid}/fdinfo"):
            with contextlib.suppress(OSError), \
                    open(f"/proc/{hb.pid}/fdinfo/{name}", encoding="ascii") as file:
                watched = [int(inode, 16) for inode in re.findall(r"^tfd:.* ino:([0-9a-f]+) ", file.read(), re.M)]
                found.append(len(clients.intersection(watched)))
        return [n for n in found if n > 0]


class IdleTest(unittest.TestCase):
    def test_an_idle_gateway_makes_next_to_no_system_calls(self):
        rest_s, watch_s = (5, 10) if support.LONG else (5, 5)
        # Plugins where nobody writes meanwhile, which would wake it: builds for coverage write beside the
        # usual ones, and other tests below /tmp.
        with tempfile.TemporaryDirectory(dir=support.BUILD) as plugins, support.simulator() as sim:
            shutil.copy(os.path.join(support.BUILD, "plugins", "openai", ".libs", "openai.so"), plugins)
            with support.gateway(support.config_for(sim),
                                 env={"HARBORAI_PLUGIN_PATH": plugins}) as hb:
                for i in range(5):
                    hb.chat("warm it up", stream=bool(i % 2))
                time.sleep(rest_s)
                calls = self.system_calls(hb, watch_s)
        self.assertLessEqual(len(calls), 10, calls[:40])

    @staticmethod
    def system_calls(hb, watch_s):
        """The calls that begin later than half a second after strace attached: its own wake-ups,
        which make each sleeping thread go round once, are over by then."""
        path = os.path.join(os.path.dirname(hb.log_path), "strace")
        tracer = subprocess.Popen(["strace", "-f", "-ttt", "-o", path, "-p", str(hb.pid)],
                                  stderr=subprocess.PIPE, text=True)
        line = tracer.stderr.readline()
        assert "attached" in line, line
        attached = time.time()
        time.sleep(watch_s + 0.5)
        support.end(tracer)
        tracer.stderr.close()
        found = []
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                match = re.match(r"(?:\d+ +)?(\d+\.\d+) (\w+\(.*)", line)
                if match and attached + 0.5 < float(match[1]) < attached + watch_s + 0.5:
                    found.append(match[2])
        return found


class Load:
    """Whole calls and streams from many connections until the gateway is killed."""

    def __init__(self, port, name, clients):
        self.port = port
        self.name = name
        self.clients = clients
        self.complete = set()
        self.cut = set()
        self.bad = []
        self.numbers = iter(range(1, 1 << 30))

    async def run(self):
        await asyncio.gather(*(self.client(i) for i in range(self.clients)))

    async def client(self, index):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return
        request_id = None
        try:
            while True:
                request_id = f"{self.name}-{next(self.numbers)}"
                await self.call(reader, writer, request_id, stream=bool(index % 2))
                self.complete.add(request_id)
                request_id = None
        except (OSError, EOFError, asyncio.IncompleteReadError):
            if request_id:
                self.cut.add(request_id)
        finally:
            writer.close()

    async def call(self, reader, writer, request_id, stream):
        script = {"events": 12, "delay_ms": 5} if stream else {"text": "whole", "wait_ms": 20}
        body = json.dumps(chat_body(script, stream=stream)).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-request-id: %s\r\n"
                     b"content-length: %d\r\n\r\n%s" % (request_id.encode(), len(body), body))
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if not head.startswith("http/1.1 200"):
            self.bad.append(head)
        if "chunked" not in head:
            length = int(re.search(r"content-length: *(\d+)", head)[1])
            await reader.readexactly(length)
            return
        while (size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readexactly(2)


class KillTest(unittest.TestCase):
    """kill -9 at any moment: no answer without its record, no request without its begin line."""

    ROUNDS = 20 if support.LONG else 4
    CLIENTS = 200

    def test_kill(self):
        with contextlib.ExitStack() as stack:
            state = os.path.join(stack.enter_context(support.folder()), "state")
            sim = stack.enter_context(support.simulator())
            complete, cut = set(), set()
            for number in range(self.ROUNDS):
                load = self.one_round(sim, state, number)
                self.assertFalse(load.bad, load.bad[:3])
                complete |= load.complete
                cut |= load.cut
            lines = support.journal(state)
            ends = {x["request_id"] for x in lines if kind(x) == "end"}
            begins = {x["trace_id"] for x in lines if kind(x) == "begin"}
            traces = {x["traceparent"].split("-")[1] for x in sim.lines("request")}
        print(f"\n  {self.ROUNDS} kills: {len(complete)} answers received in full, {len(ends)} end "
              f"lines, {len(ends - complete)} of them of clients that were cut", end=" ", flush=True)
        self.assertGreater(len(complete), 20 * self.ROUNDS)
        self.assertEqual(complete - ends, set(), "answers without a record")
        self.assertEqual(ends - complete - cut, set(), "records of calls that nobody made")
        self.assertEqual(traces - begins, set(), "requests without a begin line")

    def one_round(self, sim, state, number):
        with support.gateway(support.config_for(sim), state=state) as hb:
            load = Load(hb.port, f"kill-{number}", self.CLIENTS)

            async def scene():
                task = asyncio.create_task(load.run())
                await asyncio.sleep(1.0 + 0.037 * number)
                os.kill(hb.pid, signal.SIGKILL)
                await asyncio.wait_for(task, 30)
            asyncio.run(scene())
            hb.kill()
        return load


if __name__ == "__main__":
    unittest.main()
