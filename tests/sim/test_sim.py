#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The simulator against python's own HTTP client: python3 -m unittest tests/sim/test_sim.py"""
import http.client
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def start(*options):
    process = subprocess.Popen([sys.executable, os.path.join(HERE, "sim.py"), *options],
                               stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    process.stdout.close()


class SimulatorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.log_path = os.path.join(cls.dir.name, "log")
        cls.process, cls.port = start("--log", cls.log_path)

    @classmethod
    def tearDownClass(cls):
        stop(cls.process)
        cls.dir.cleanup()

    def setUp(self):
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.addCleanup(self.client.close)

    def ask(self, script=None, key="sk-test", content="one two  three", headers=None, **more):
        if script is not None:
            content = "sim:" + json.dumps(script)
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}], **more}
        headers = {"content-type": "application/json", **(headers or {})}
        if key:
            headers["authorization"] = "Bearer " + key
        self.client.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        return self.client.getresponse()

    def refused(self, data):
        self.client.request("POST", "/v1/chat/completions", data,
                            {"content-type": "application/json", "authorization": "Bearer k"})
        answer = self.client.getresponse()
        self.assertEqual(answer.status, 400, data)
        return json.loads(answer.read())["error"]

    def test_what_cannot_be_answered_is_refused(self):
        head = '{"model":"gpt-4o","messages":[{"role":"user","content":"%s"}]%s}'
        for n in ("1.0", '"2"', "true", "0", "-1", "129", "[]"):
            with self.subTest(n):
                self.assertEqual(self.refused(head % ("hi", ',"n":' + n))["param"], "n")
        self.assertIn("JSON", self.refused(head % ("a \\ud800 b", ""))["message"])
        self.assertIn("script", self.refused(
            head % ('sim:{\\"text\\":\\"\\\\ud800\\"}', ""))["message"])

    def events(self, **arguments):
        text = self.ask(stream=True, **arguments).read().decode()
        lines = [e[len("data: "):] for e in text.split("\n\n") if e.startswith("data: ")]
        return [line if line == "[DONE]" else json.loads(line) for line in lines]

    def log(self, event, want):
        """The newest log line of this kind for which want() holds; waits for it."""
        for _ in range(100):
            with open(self.log_path, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            found = [x for x in lines if x["event"] == event and want(x)]
            if found:
                return found[-1]
            time.sleep(0.05)
        return self.fail(f"no {event} line in the log as wanted")

    def test_whole_echo_and_usage(self):
        answer = self.ask()
        value = json.loads(answer.read())
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["x-request-id"])
        self.assertEqual(value["choices"][0]["message"]["content"], "one two  three")
        self.assertEqual(value["choices"][0]["finish_reason"], "stop")
        self.assertEqual((value["usage"]["prompt_tokens"], value["usage"]["completion_tokens"],
                          value["usage"]["total_tokens"]), (3, 3, 6))

    def test_stream_chunk_order(self):
        events = self.events()
        self.assertEqual(events[-1], "[DONE]")
        self.assertEqual(events[0]["choices"][0]["delta"]["role"], "assistant")
        self.assertEqual("".join(e["choices"][0]["delta"].get("content") or ""
                                 for e in events[:-1]), "one two  three")
        self.assertEqual([e["choices"][0]["finish_reason"] for e in events[:-1]],
                         [None] * (len(events) - 2) + ["stop"])
        self.assertFalse(any("usage" in e for e in events[:-1]))

    def test_stream_usage_chunk(self):
        events = self.events(stream_options={"include_usage": True})
        self.assertEqual(events[-2]["choices"], [])
        self.assertEqual(events[-2]["usage"]["total_tokens"], 6)
        self.assertTrue(all(e["usage"] is None for e in events[:-2]))

    def test_several_choices(self):
        value = json.loads(self.ask(n=3).read())
        self.assertEqual([c["index"] for c in value["choices"]], [0, 1, 2])
        ends = [e["choices"][0]["index"] for e in self.events(n=2)[:-1]
                if e["choices"][0]["finish_reason"]]
        self.assertEqual(ends, [0, 1])

    def test_tool_calls(self):
        tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
        value = json.loads(self.ask({"tool_call": True}, tools=tools).read())
        call = value["choices"][0]["message"]["tool_calls"][0]
        self.assertEqual(call["function"]["name"], "look")
        arguments = json.loads(call["function"]["arguments"])
        self.assertEqual(value["choices"][0]["finish_reason"], "tool_calls")
        pieces = [t for e in self.events(script={"tool_call": True}, tools=tools)[:-1]
                  for t in e["choices"][0]["delta"].get("tool_calls", [])]
        self.assertEqual([p["id"] for p in pieces if "id" in p], [pieces[0]["id"]])
        self.assertEqual(json.loads("".join(p["function"]["arguments"] for p in pieces)), arguments)

    def test_deepseek(self):
        def said(**more):
            return json.loads(self.ask(**{"model": "deepseek-flash", **more}).read())
        whole = said()
        self.assertEqual(whole["choices"][0]["message"]["reasoning_content"], "let me think")
        self.assertEqual(whole["usage"]["completion_tokens"], 3 + 3)
        self.assertEqual(sum(whole["usage"][f"prompt_cache_{x}_tokens"] for x in ("hit", "miss")), 3)
        silent = said(thinking={"type": "disabled"})
        self.assertNotIn("reasoning_content", silent["choices"][0]["message"])
        self.assertEqual(said(model="deepseek-chat")["error"]["message"], "Model Not Exist")

    def test_keys(self):
        for key, code in ((None, None), ("sk-wrong", "invalid_api_key")):
            answer = self.ask(key=key)
            self.assertEqual(answer.status, 401)
            self.assertEqual(json.loads(answer.read())["error"]["code"], code)

    def test_errors(self):
        answer = self.ask({"status": 429, "retry_after": 2, "error": {"code": "slow_down"}})
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, "2"))
        self.assertEqual(json.loads(answer.read())["error"]["code"], "slow_down")
        answer = self.ask({"statsu": 429})
        self.assertEqual(answer.status, 400)
        self.assertIn("statsu", json.loads(answer.read())["error"]["message"])

    def test_script_in_a_header(self):
        answer = self.ask(headers={"x-sim-script": '{"text":"by header"}'})
        self.assertEqual(json.loads(answer.read())["choices"][0]["message"]["content"], "by header")

    def test_models(self):
        for path, status in (("/v1/models", 200), ("/v1/models/gpt-4o", 200),
                             ("/v1/models/nope", 404), ("/other", 404)):
            self.client.request("GET", path, headers={"authorization": "Bearer k"})
            answer = self.client.getresponse()
            answer.read()
            self.assertEqual(answer.status, status, path)

    def test_keep_alive(self):
        self.ask().read()
        port = self.client.sock.getsockname()[1]
        self.events()
        self.assertEqual(self.client.sock.getsockname()[1], port)

    def test_faults_break_the_answer(self):
        for script, stream in (({"cut_after_events": 2}, True), ({"bad_chunk": True}, True),
                               ({"reset": True}, False), ({"reset_after_events": 1}, True),
                               ({"half_body": True}, False), ({"content_length_wrong": 5}, False)):
            with self.subTest(script=script):
                self.client.close()
                with self.assertRaises((http.client.HTTPException, ConnectionError)):
                    self.ask({**script, "events": 5}, stream=stream).read()

    def test_faults_inside_a_whole_answer(self):
        for script in ({"half_json": True}, {"html": True}):
            self.assertRaises(ValueError, json.loads, self.ask(script).read())
        self.assertNotIn(b"[DONE]", self.ask({"no_done": True}, stream=True).read())
        self.assertIn(b": keep-alive", self.ask({"comments": True}, stream=True).read())
        answer = self.ask({"big_head_bytes": 20000})
        self.assertGreater(len(str(answer.headers)), 20000)
        answer.read()
        self.assertEqual(self.ask({"split_bytes": 9, "text": "a b"}).read()[-1:], b"}")
        self.client.close()
        self.assertEqual(self.ask({"raw": "HTTP/1.1 204 No\r\n\r\n"}).status, 204)

    def test_pause_and_gap(self):
        start_at = time.monotonic()
        self.events(script={"events": 3, "pause_ms_before_event": [2, 300]})
        self.assertGreater(time.monotonic() - start_at, 0.29)
        start_at = time.monotonic()
        text = self.ask({"n2_gap_ms": 200, "n2_filler_bytes": 20000}, n=2, stream=True).read()
        self.assertGreater(time.monotonic() - start_at, 0.19)
        self.assertGreater(len(text), 20000)

    def test_peer_that_leaves_is_noticed_while_no_byte_flows(self):
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        with socket.create_connection(("127.0.0.1", self.port)) as sock:
            body = json.dumps({"model": "m", "stream": True, "messages": [
                {"role": "user", "content": 'sim:{"hang":"body"}'}]})
            sock.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntraceparent: {trace}\r\n"
                         "authorization: Bearer k\r\n"
                         f"content-length: {len(body)}\r\n\r\n{body}".encode())
            self.assertTrue(sock.recv(100))
            left_ns = time.time_ns()
        line = self.log("answer", lambda x: x["traceparent"] == trace)
        self.assertTrue(line["peer_left"])
        self.assertLess(line["left_ns"] - left_ns, 1_000_000_000)
        self.assertEqual(self.log("request", lambda x: x["traceparent"] == trace)["seq"],
                         line["seq"])

    def test_bytes_in_the_log(self):
        trace = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        answer = self.ask(headers={"traceparent": trace})
        body = answer.read()
        line = self.log("answer", lambda x: x["traceparent"] == trace)
        self.assertGreater(line["bytes"], len(body))
        self.assertEqual((line["status"], line["peer_left"]), (200, False))


class TlsTest(unittest.TestCase):
    def test_certificates(self):
        with tempfile.TemporaryDirectory() as certs:
            subprocess.run(["sh", os.path.join(HERE, "make-certs"), certs], check=True)
            for name, fault in (("good", None), ("expired", "expired"), ("wrong", "mismatch"),
                                ("foreign", "unable to get local issuer")):
                with self.subTest(name):
                    self.talk(certs, name, fault)

    def talk(self, certs, name, fault):
        process, port = start("--tls-cert", f"{certs}/{name}.pem", "--tls-key",
                              f"{certs}/{name}.key", "--no-auth")
        self.addCleanup(stop, process)
        context = ssl.create_default_context(cafile=f"{certs}/ca.pem")
        client = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        self.addCleanup(client.close)
        try:
            client.request("GET", "/v1/models")
            self.assertEqual(client.getresponse().status, 200)
            self.assertIsNone(fault)
        except ssl.SSLCertVerificationError as error:
            self.assertIsNotNone(fault, str(error))
            self.assertIn(fault, str(error))


class LeavingTest(unittest.TestCase):
    def test_a_peer_that_left_is_not_written_to(self):
        process = subprocess.Popen([sys.executable, os.path.join(HERE, "sim.py"), "--no-auth"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        port = int(process.stdout.readline())
        body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [
            {"role": "user", "content": 'sim:{"events":20000,"event_bytes":8}'}]}).encode()
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                         b"content-length: %d\r\n\r\n" % len(body) + body)
            sock.recv(1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
            self.assertTrue(sock.recv(1), "it serves others")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=10)[1]
        self.assertEqual(said, "")


if __name__ == "__main__":
    unittest.main()
