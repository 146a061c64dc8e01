# SPDX-License-Identifier: MIT
"""The way out: what a vendor does wrong, TLS, time limits, cancellation, streams that must not stall."""
import contextlib
import json
import os
import subprocess
import threading
import time
import unittest

import support
from support import chat_body, provider, stream_text
from test_http import FrontTest

MS = 0.001


class VendorErrorsTest(FrontTest):
    """Each asked for whole and streamed: nothing was sent yet, so both have a status."""

    def both(self, script, status, **wanted):
        answers = [self.hb.chat(script), self.hb.chat(script, stream=True)]
        for answer in answers:
            self.assert_error(answer, status, **wanted)
        return answers

    def test_rate_limit_keeps_retry_after(self):
        for answer in self.both({"status": 429, "retry_after": 2}, 429, code="rate_limit_exceeded",
                                kind="rate_limit_error"):
            self.assertEqual(answer.headers["retry-after"], "2")

    def test_who_may_ask_again(self):
        """What waiting cannot mend says neither how long to wait nor that it helps."""
        for status, wanted in ((401, 502), (402, 502), (400, 400)):
            for stream in (False, True):
                answer = self.hb.chat({"status": status, "retry_after": 2}, stream=stream)
                self.assert_error(answer, wanted)
                self.assertNotIn("retry-after", answer.headers)
                self.assertNotIn("retry-after-ms", answer.headers)
                self.assertEqual(answer.headers.get("x-should-retry"),
                                 "false" if wanted >= 500 else None)
        for status in (429, 500, 503):
            answer = self.hb.chat({"status": status, "retry_after": 2})
            self.assertEqual(answer.headers["retry-after"], "2")
            self.assertNotIn("x-should-retry", answer.headers)

    def test_bad_request_keeps_all(self):
        self.both({"status": 400, "error": {"message": "far too long", "param": "messages",
                                            "code": "context_length_exceeded"}}, 400,
                  code="context_length_exceeded", param="messages", message="far too long",
                  kind="invalid_request_error")

    def test_codes_of_a_bad_request(self):
        """Applications act on OpenAI's words; what is none stands beside them."""
        for code, told in (("unsupported_parameter", {"code": "unsupported_parameter"}),
                           ("InvalidParameter", {"code": None, "vendor_code": "InvalidParameter"}),
                           (400, {"code": None, "vendor_code": "400"}), (None, {"code": None})):
            error = {"type": "BadRequestError", "param": "n", "code": code}
            for answer in self.both({"status": 400, "error": error}, 400):
                told = {"type": "invalid_request_error", "param": "n", **told}
                self.assertEqual(answer.error(), {**told, "message": answer.error()["message"]})

    def test_codes_within_a_stream(self):
        for code, told in (("unsupported_value", ("invalid_request_error", "unsupported_value", None)),
                           ("slow_down", ("rate_limit_error", "rate_limit_exceeded", "slow_down")),
                           ("insufficient_quota", ("api_error", "provider_quota", None))):
            kind = "rate_limit_error" if code == "slow_down" else "invalid_request_error"
            answer = self.hb.chat({"text": "a b c d", "error_after_events": 3,
                                   "error": {"message": "no", "type": kind, "code": code}}, stream=True)
            error = answer.events()[-1]["error"]
            self.assertEqual((error["type"], error["code"], error.get("vendor_code")), told)

    def test_server_errors_keep_their_status(self):
        for status in (500, 502, 503):
            self.both({"status": status}, status)

    def test_refused_key_is_the_operators_fault(self):
        for answer in self.both({"status": 401}, 502, code="provider_auth",
                                message="^provider 'openai' refused the gateway's key: "
                                        "check providers.openai.api_key$"):
            self.assertNotIn(b"Incorrect API key", answer.body)
        self.assertIn("Incorrect API key", self.hb.log(), "the vendor's text goes to the log")

    def test_refused_key_is_named_by_where_it_comes_from(self):
        def asked(name, **more):
            done = support.harborai(
                "chat", "-m", f"{name}/gpt-4o", 'sim:{"status":401}',
                env={"LAB_KEY": "sk-lab", "OPENAI_API_KEY": "sk-openai"},
                config={"providers": {name: {"plugin": "openai", "base_url": self.sim.base_url,
                                             **more}}})
            self.assertEqual(done.returncode, 4, done.stderr)
            return done.stderr
        for name, more, source in (("lab", {"api_key": "sk-written"}, "providers.lab.api_key"),
                                   ("lab", {"api_key": "none"}, "providers.lab.api_key"),
                                   ("lab", {"api_key": "${LAB_KEY}"}, "LAB_KEY"),
                                   ("lab", {}, "OPENAI_API_KEY")):
            with self.subTest(more):
                self.assertIn(f"provider '{name}' refused the key: check {source} (it said: "
                              "Incorrect API key provided.)\n", asked(name, **more))

    def test_key_is_masked_in_what_the_vendor_says(self):
        quote = '{"status":401,"error":{"message":"no such key: sk-quoted-whole, sk-quoted-wh…"}}'
        done = support.harborai(
            "chat", "-v", "-m", "lab/gpt-4o", "sim:" + quote,
            config={"providers": {"lab": {"plugin": "openai", "base_url": self.sim.base_url,
                                          "api_key": "sk-quoted-whole"}}})
        self.assertIn("(it said: no such key: ***, ***…)", done.stderr)
        self.assertIn("vendor_said='no such key: ***, ***…'", done.stderr)
        self.assertNotIn("sk-quoted", done.stderr)

    def test_empty_account_is_the_operators_fault(self):
        for code in ("insufficient_quota", "credit_balance_exhausted"):
            self.both({"status": 429, "error": {"type": "insufficient_quota", "code": code}}, 502,
                      code="provider_quota", message="openai")

    def test_error_body_that_is_no_json(self):
        self.both({"status": 503, "html": True}, 503)
        self.both({"status": 400, "html": True}, 400)

    def test_messages_of_ours_name_the_provider(self):
        self.both({"status": 500, "html": True}, 500,
                  message="^provider 'openai' answered 500 with an HTML page: ask again$")
        error = json.dumps({"error": {"message": "e" * 100000}})
        raw = f"content-type: application/json\r\ncontent-length: {len(error)}\r\n\r\n{error}"
        self.both({"raw": "HTTP/1.1 500 No\r\n" + raw}, 500,
                  message="^provider 'openai' answered 500 with more JSON than is read")
        answer, = {self.hb.chat({"raw": "HTTP/1.1 304 No\r\n\r\n"}).error()["message"]}
        self.assertEqual(answer, "the gateway's configuration of provider 'openai' is at fault: its log "
                                 "says more")
        self.assertIn("answered 304 with an empty body", self.hb.log())

    def test_answer_in_an_encoding(self):
        raw = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08"
        self.both({"raw": raw}, 502, message="'openai' answered in content-encoding 'gzip'")

    def test_html_with_status_200(self):
        self.both({"html": True}, 502, message="text/html|HTML|JSON|event stream")

    def test_reset_before_the_head(self):
        self.both({"reset": True}, 502, message="openai|127.0.0.1")

    def test_garbage_instead_of_http(self):
        for raw in ("hello\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
                    "HTTP/1.1 200 OK\r\n\0: 1\r\n\r\n", "\r\n\r\n\r\n",
                    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello"):
            with self.subTest(raw):
                self.both({"raw": raw}, 502)

    def test_head_is_too_large(self):
        self.both({"big_head_bytes": 200000}, 502)

    def test_half_an_answer_whole(self):
        for script in ({"half_body": True, "events": 20}, {"content_length_wrong": 10},
                       {"half_json": True, "text": "x y z"}):
            with self.subTest(script):
                self.assert_error(self.hb.chat(script), 502)

    def test_blank_lines_before_json_are_taken(self):
        answer = self.hb.chat({"blank_lines": 5, "text": "after blanks"})
        self.assertEqual((answer.status, answer.text()), (200, "after blanks"))


TEXT = '{"choices":[{"index":0,"delta":{"content":"tok"},"finish_reason":null}]}'
STOP = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'


def raw_stream(*events):
    """A script: these events, in one piece."""
    body = "".join(f"data: {event}\n\n" for event in events)
    return {"raw": "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                   f"content-length: {len(body)}\r\n\r\n{body}"}


class BrokenStreamTest(FrontTest):
    """After the first byte: an in-band error event, never a silent end, never a false [DONE]."""

    def broken(self, script):
        answer = self.hb.chat({"events": 8, **script}, stream=True)
        events = answer.events()
        self.assertEqual(answer.status, 200)
        self.assertNotIn("[DONE]", events)
        self.assertIn("error", events[-1], events[-2:])
        self.assertFalse(any(e["choices"][0]["finish_reason"] for e in events if "choices" in e))
        return events[-1]["error"]

    def test_cut(self):
        self.assertTrue(self.broken({"cut_after_events": 4, "delay_ms": 2})["message"])

    def test_reset(self):
        self.broken({"reset_after_events": 4, "delay_ms": 2})

    def test_bad_chunk(self):
        answer = self.hb.chat({"bad_chunk": True, "events": 8}, stream=True)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertIn("error", answer.events()[-1] if answer.status == 200 else answer.json())

    def test_half_json(self):
        self.broken({"half_json": True, "no_finish": True})

    def test_error_event(self):
        error = self.broken({"error_after_events": 4, "error": {"message": "broke inside"}})
        self.assertIn("broke inside", error["message"])

    def test_event_that_is_no_chunk(self):
        """One is survived. With two, too much of the answer is lost."""
        for bad in ("{oops", "\0\1", TEXT.replace("tok", "\xff\xfe"), "[]", '"x"', '{"choices":{}}',
                    '{"choices":[1,null,"x"]}'):
            with self.subTest(bad):
                events = self.hb.chat(raw_stream(bad, TEXT, STOP, "[DONE]"), stream=True).events()
                self.assertEqual((stream_text(events), events[-1]), ("tok", "[DONE]"))
                self.assert_error(self.hb.chat(raw_stream(bad), stream=True), 502,
                                  message="'openai' sent an event that is no")
                self.assert_error(self.hb.chat(raw_stream(bad, bad, TEXT, STOP), stream=True), 502,
                                  message="'openai' sent an event that is no")
                answer = self.hb.chat(raw_stream(bad, TEXT, bad, STOP, "[DONE]"), stream=True)
                self.assertEqual(stream_text(answer.events()[:-1]), "tok")
                self.assertIn("sent an event that is no", answer.events()[-1]["error"]["message"])

    def test_end_without_finish_reason(self):
        self.broken({"no_finish": True, "no_done": True})

    def test_done_without_finish_reason(self):
        self.broken({"no_finish": True})

    def test_done_while_a_choice_is_open(self):
        answer = self.hb.chat(raw_stream(TEXT, TEXT.replace('"index":0', '"index":1'), STOP, "[DONE]"),
                              stream=True, n=2)
        self.assertNotIn(b"[DONE]", answer.body)
        self.assertIn("before the answer was complete", answer.events()[-1]["error"]["message"])

    def test_done_alone(self):
        self.assert_error(self.hb.chat(raw_stream("[DONE]"), stream=True), 502,
                          message="'openai' ended its stream before")

    def test_end_without_done_after_all_choices_ended_is_well(self):
        events = self.hb.chat({"events": 3, "no_done": True}, stream=True).events()
        self.assertEqual((stream_text(events), events[-1]), ("000000 x000001 x000002 x", "[DONE]"))

    def test_data_of_many_lines_goes_out_as_one(self):
        lines = TEXT.replace(',"', ',\ndata: "')
        for answer in (self.hb.chat(raw_stream(lines, STOP, "[DONE]"), stream=True),
                       self.hb.chat({**raw_stream(lines, STOP, "[DONE]"), "split_bytes": 7},
                                    stream=True)):
            self.assertEqual(answer.body.count(b"data: "), 3, answer.body)
            self.assertEqual(stream_text(answer.events()), "tok")

    def test_unusual_but_right(self):
        for script in ({"comments": True}, {"crlf": True}, {"no_space": True}, {"split_bytes": 5}):
            with self.subTest(script):
                events = self.hb.chat({"text": "a b c", **script}, stream=True).events()
                self.assertEqual((stream_text(events), events[-1]), ("a b c", "[DONE]"))


class UnreachableTest(FrontTest):
    @classmethod
    def config(cls):
        port = support.free_port()
        cls.refused = f"127.0.0.1:{port}"
        return support.config_for(
            cls.sim, closed=provider(f"http://{cls.refused}/v1", "closed-model"),
            nohost=provider("http://no-such-host.invalid/v1", "nohost-model"),
            hurry=provider(cls.sim.base_url, "hurry-model", **cls.limits()))

    @staticmethod
    def limits():
        return {"timeouts": {"connect": "500ms", "first_byte": "500ms", "idle": "500ms",
                             "total": "1500ms"}}

    def test_refused(self):
        for more in ({}, {"stream": True}):
            answer = self.hb.chat("x", "closed-model", **more)
            self.assert_error(answer, 502, message=f"closed|{self.refused}")

    def test_name_that_does_not_exist(self):
        answer = self.hb.chat("x", "nohost-model")
        self.assert_error(answer, 502, message="no-such-host.invalid")

    def test_hang_before_the_head(self):
        began = time.monotonic()
        for more in ({}, {"stream": True}):
            self.assert_error(self.hb.chat({"hang": "headers"}, "hurry-model", **more), 504)
        self.assertLess(time.monotonic() - began, 5)

    def test_hang_after_the_head(self):
        answer = self.hb.chat({"hang": "body"}, "hurry-model")
        self.assert_error(answer, 504)
        answer = self.hb.chat({"hang": "body"}, "hurry-model", stream=True)
        self.assertIn(answer.status, (504, 200))
        self.assertIn(b'"error"', answer.body)

    def test_total_time(self):
        began = time.monotonic()
        answer = self.hb.chat({"events": 1000, "delay_ms": 20}, "hurry-model", stream=True)
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn("error", answer.events()[-1])


class CancelTest(FrontTest):
    """A client that leaves ends its call at the vendor within one pass, also while no byte flows."""

    LIMIT_NS = 200_000_000  # one pass is far below a millisecond; this is for a busy machine

    def leave(self, script, mark, until, stream=True):
        body = chat_body(script, stream=stream)
        body["messages"].insert(0, {"role": "system", "content": mark})
        call = support.RawStream(self.hb.port, body)
        if until:
            call.read_until(until)
        self.sim.request(mark)
        call.close()
        left_ns = time.time_ns()
        line = self.sim.answer(mark)
        self.assertTrue(line["peer_left"], line)
        self.assertLess(line["left_ns"] - left_ns, self.LIMIT_NS)

    def test_while_bytes_flow(self):
        self.leave({"events": 5000, "delay_ms": 2}, "cancel-flow", b"000003 ")

    def test_in_a_pause(self):
        self.leave({"events": 9, "pause_ms_before_event": [4, 15000]}, "cancel-pause", b"000002 ")

    def test_before_the_head(self):
        self.leave({"hang": "headers"}, "cancel-head", None)

    def test_whole(self):
        self.leave({"wait_ms": 15000}, "cancel-whole", None, stream=False)

    def test_many_at_once(self):
        calls = [support.RawStream(self.hb.port, chat_body({"hang": "body"}, stream=True))
                 for _ in range(50)]
        support.wait_for("50 calls at the vendor", lambda: sum(
            "hang" in x["body"] for x in self.sim.lines("request")) >= 50)
        for call in calls:
            call.close()
        open_ = lambda: ({x["seq"] for x in self.sim.lines("request")}
                         - {x["seq"] for x in self.sim.lines("answer")})
        support.wait_for("all calls ended at the vendor", lambda: not open_())


class FlowTest(FrontTest):
    def test_two_choices_one_ends_early(self):
        """Choice 0 ends 3 s and 200 KiB before choice 1: choice 1 shows no gap."""
        call = support.RawStream(self.hb.port, chat_body(
            {"text": "short", "n2_gap_ms": 3000, "n2_filler_bytes": 204800}, n=2, stream=True))
        with contextlib.closing(call):
            gaps = call.gaps()
        self.assertGreater(sum(gaps), 2.5)
        self.assertLess(max(gaps), 0.4, "one piece comes each 20 ms")
        body = call.seen.split(b"\r\n\r\n", 1)[1]
        self.assertGreater(body.count(b"y"), 200000)
        ends = [body.index(b'"index":%d,"delta":{},' % i) for i in (0, 1)]
        self.assertLess(ends[0], ends[1])

    def test_slow_client_pauses_the_vendor_and_loses_nothing(self):
        events = 12000 if support.is_sanitized() else 30000  # more than all sockets take
        call = support.RawStream(self.hb.port, chat_body({"events": events, "event_bytes": 1000},
                                                         stream=True))
        with contextlib.closing(call):
            call.read_until(b"000001 ")
            time.sleep(1.5)
            rss = int(subprocess.run(["ps", "-o", "rss=", "-p", str(self.hb.pid)], check=True,
                                     capture_output=True, text=True).stdout)
            call.gaps()
        self.assertIn(b"%06d " % (events - 1), call.seen)
        self.assertLess(rss, 300 * 1024, "30 MB must not be held for a slow client")

    def test_200_streams_at_once(self):
        answers = [None] * 200

        def one(i):
            answers[i] = self.hb.chat({"events": 20, "delay_ms": 20, "text": "x"}, stream=True,
                                      timeout=60)
        threads = [threading.Thread(target=one, args=(i,)) for i in range(200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({a and (a.status, a.events()[-1]) for a in answers}, {(200, "[DONE]")})


SLOW_RESOLVER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    if (node != NULL && strcmp(node, "never.example") == 0) {
        sleep(5);
        return EAI_AGAIN;
    }
    return real(node, service, hints, found);
}
"""


class ResolverTest(unittest.TestCase):
    def test_a_name_that_resolves_never_holds_up_nobody_else(self):
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(support.folder())
            library = self.build(place)
            sim = stack.enter_context(support.simulator())
            config = support.config_for(sim, never=provider("http://never.example/v1", "never-model"))
            hb = stack.enter_context(support.gateway(config, workers=1, env={"LD_PRELOAD": library}))
            # A busy machine makes gaps of its own, of a tenth of a second at times; a loop that waits
            # for a name makes one of the seconds that the name takes.
            gaps = [max(self.gaps_of_a_stream_meanwhile(hb)) for _ in range(1)]
            while min(gaps) >= 250 * MS and len(gaps) < 3:
                gaps.append(max(self.gaps_of_a_stream_meanwhile(hb)))
            self.assertLess(min(gaps), 250 * MS, gaps)

    def build(self, place):
        with open(f"{place}/slow.c", "w", encoding="utf-8") as file:
            file.write(SLOW_RESOLVER)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", f"{place}/slow.so", f"{place}/slow.c",
                        "-ldl"], check=True)
        return f"{place}/slow.so"

    def gaps_of_a_stream_meanwhile(self, hb):
        call = support.RawStream(hb.port, chat_body({"events": 600, "delay_ms": 10}, stream=True))
        answers = []
        never = threading.Thread(target=lambda: answers.append(
            hb.chat("x", "never-model", timeout=60)))
        with contextlib.closing(call):
            call.read_until(b"000005 ")
            never.start()
            gaps = call.gaps()
            never.join()
        self.assertGreater(sum(gaps), 5)
        self.assertGreaterEqual(answers[0].status, 502)
        self.assertIn("never.example", answers[0].error()["message"])
        return gaps


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.certs = support.make_certs(stack.enter_context(support.folder()))
        cls.sims = {name: stack.enter_context(support.simulator(cls.certs, name))
                    for name in ("good", "expired", "wrong", "foreign")}
        cls.ca = os.path.join(cls.certs, "ca.pem")

    def providers(self, tls=None):
        more = {"tls": tls} if tls else {}
        return {name: provider(sim.base_url, f"{name}-model", **more)
                for name, sim in self.sims.items()}

    def check(self, hb):
        for stream in (False, True):
            answer = hb.chat("over tls", "good-model", stream=stream)
            self.assertEqual(answer.status, 200, answer.body)
        for name in ("expired", "wrong", "foreign"):
            with self.subTest(name):
                answer = hb.chat("over tls", f"{name}-model")
                self.assertEqual(answer.status, 502, answer.body)
                self.assertRegex(answer.error()["message"], r"(?i)certificate|tls|ssl")
                self.assertIn(name, answer.error()["message"], "the provider is named")
                self.assertNotIn("over tls", json.dumps(self.sims[name].lines("request")))

    def test_ca_of_the_configuration(self):
        with support.gateway({"providers": self.providers(), "tls": {"ca_file": self.ca}}) as hb:
            self.check(hb)

    def test_ca_of_the_provider(self):
        with support.gateway({"providers": self.providers({"ca_file": self.ca})}) as hb:
            self.check(hb)

    def test_ca_of_the_environment(self):
        with support.gateway({"providers": self.providers()}, env={"SSL_CERT_FILE": self.ca}) as hb:
            self.check(hb)

    def test_default_store_trusts_no_test_ca(self):
        with support.gateway({"providers": self.providers()}) as hb:
            answer = hb.chat("x", "good-model")
            self.assertEqual(answer.status, 502)
            self.assertRegex(answer.error()["message"], r"(?i)certificate|ca_file")

    def test_cancel_and_reuse_over_tls(self):
        with support.gateway({"providers": self.providers(), "tls": {"ca_file": self.ca}},
                             workers=1) as hb:
            sim = self.sims["good"]
            for i in range(3):
                hb.chat(f"tls-reuse-{i}", "good-model")
            self.assertEqual(len({sim.request(f"tls-reuse-{i}")["connection"] for i in range(3)}), 1)
            body = chat_body({"events": 9, "pause_ms_before_event": [4, 15000]}, "good-model",
                             stream=True)
            body["messages"].insert(0, {"role": "system", "content": "tls-cancel"})
            call = support.RawStream(hb.port, body)
            call.read_until(b"000002 ")
            call.close()
            self.assertTrue(sim.answer("tls-cancel")["peer_left"])


if __name__ == "__main__":
    unittest.main()
