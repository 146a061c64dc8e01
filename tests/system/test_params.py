# SPDX-License-Identifier: MIT
"""Members of a request that a model does not take, and the setting `params`: by tests/plugins/picky.c,
which speaks OpenAI's format and not all of it, and says.c, which does what the message tells it."""
import contextlib
import json
import unittest

import support

DROPPED = {"logit_bias": {"7": 1}, "temperature": 0.5}
BIG = "x" * (96 << 10)  # translated on a thread of its own
HEADER = "x-harborai-changed"


class ParamsTest(unittest.TestCase):
    PARAMS = None

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        place = stack.enter_context(support.folder())
        for name in ("picky", "says"):
            support.build_plugin(place, name)
        cls.sim = stack.enter_context(support.simulator())
        cls.hb = stack.enter_context(support.gateway(
            {"params": "strict", "providers": {
                "picky": {"base_url": cls.sim.base_url, "params": "warn"},
                "quiet": {"plugin": "picky", "base_url": cls.sim.base_url, "params": "drop",
                          "models": ["quiet"]},
                "stern": {"plugin": "picky", "base_url": cls.sim.base_url,
                          "models": ["stern", "picky"]},
                "says": {"params": "warn"},
                "strictly": {"plugin": "says", "models": ["strictly"]}}},
            workers=1, env={"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}))

    number = 0

    def mark(self):
        ParamsTest.number += 1
        return f"params-{ParamsTest.number}"

    def ask(self, model="picky/picky", content="", **more):
        """The answer, the body that the vendor had, the call's end line."""
        mark = self.mark()
        body = support.chat_body(f"{mark} {content}", model)
        body = {"model": body["model"], **more, "messages": body["messages"]}
        answer = self.hb.request("POST", "/v1/chat/completions", body, {"x-request-id": mark})
        self.assertEqual(answer.status, 200, answer.body)
        sent = self.sim.request(mark)["body"]
        if content:  # the simulator's log does not have all of it
            head, tail = sent.split(', "messages":')
            self.assertIn(mark, tail)
            sent = head + tail[tail.index("}]") + 2:] if "}]" in tail else head + "}"
        return answer, json.loads(sent), support.find_end(self.hb.state, mark)

    def refused(self, model="stern", content="hello", **more):
        """The error of a request that gets nowhere."""
        mark = self.mark()
        before = len(self.sim.lines("request"))
        answer = self.hb.chat(content, model, headers={"x-request-id": mark}, **more)
        self.assertEqual(answer.status, 400, answer.body)
        self.assertEqual(len(self.sim.lines("request")), before)
        end = support.find_end(self.hb.state, mark)
        self.assertEqual((end["status"], end["error"]["code"]), (400, "E_INVALID"))
        self.assertEqual(end["error"]["vendor_code"], "unsupported_parameter")
        return answer.error()

    # ---- Left out ------------------------------------------------------------------------------

    def test_left_out(self):
        for content in ("", BIG):
            for stream in (False, True):
                for model in ("picky/picky", "quiet"):
                    with self.subTest(model, stream=stream, big=bool(content)):
                        answer, sent, end = self.ask(model, content, stream=stream, top_p=1,
                                                     **DROPPED)
                        self.assertEqual(set(sent) - {"stream_options", "messages"},
                                         {"model", "stream", "top_p"})
                        listed = "logit_bias;dropped, temperature;dropped"
                        self.assertEqual((answer.headers[HEADER], end["changed"]), (listed, listed))

    def test_nothing_to_leave_out(self):
        """Bytes stay as they were sent, and null asks for nothing."""
        answer, sent, end = self.ask(logit_bias=None, top_p=1)
        self.assertIsNone(answer.headers[HEADER])
        self.assertNotIn("changed", end)
        self.assertEqual((sent["logit_bias"], sent["top_p"]), (None, 1))

    def test_adapted_and_off(self):
        _, sent, end = self.ask(max_tokens=3, x_off=1)
        self.assertEqual(sent["max_completion_tokens"], 3)
        self.assertNotIn("max_tokens", sent)
        self.assertEqual(end["changed"], "max_tokens;adapted, x_off;off")

    def test_of_the_model_alone(self):
        more = {"logprobs": True, "n": 2, "response_format": {"type": "json_object",
                                                             "json_schema": {"name": "s"}}}
        _, sent, end = self.ask("picky/picky", **more)
        self.assertEqual((sent["n"], end["changed"]), (2, "logprobs;dropped"))
        answer, sent, end = self.ask("picky/picky-small", **more)
        self.assertEqual(sent["response_format"], {"type": "json_object"})
        self.assertNotIn("n", sent)
        self.assertEqual(end["changed"],
                         "logprobs;dropped, n;dropped, response_format/json_schema;dropped")
        self.assertEqual(len(answer.json()["choices"]), 1)

    def test_choices_that_are_left_out_are_not_waited_for(self):
        for content in ("", BIG):
            answer, sent, _ = self.ask("picky/picky-small", content, stream=True, n=3)
            self.assertNotIn("n", sent)
            self.assertTrue(answer.complete)
            self.assertEqual(answer.events()[-1], "[DONE]")

    def test_escaped_and_nested(self):
        _, sent, end = self.ask("picky/picky-small", metadata={"inner": 1, "other": 2},
                                **{"a/b": 1, "ab": 2})
        self.assertEqual((sent["ab"], "metadata" in sent, "a/b" in sent), (2, False, False))
        self.assertEqual(end["changed"], "a~1b;dropped, metadata/inner;dropped, metadata;dropped")

    def test_usage_of_a_stream(self):
        """It is not asked of a vendor that does not take the question."""
        for more in ({}, {"stream_options": {"include_usage": True}}):
            _, sent, end = self.ask("picky/picky-small", stream=True, **more)
            self.assertNotIn("stream_options", sent)
            self.assertEqual(end.get("changed"), "stream_options;dropped" if more else None)
        _, sent, _ = self.ask("picky/picky", stream=True)
        self.assertEqual(sent["stream_options"], {"include_usage": True})

    def test_member_twice(self):
        mark = self.mark()
        body = json.dumps({"model": "picky/picky", "messages": [{"role": "user", "content": mark}]})
        answer = self.hb.request("POST", "/v1/chat/completions",
                                 (body[:-1] + ',"logit_bias":{},"logit_bias":{}}').encode())
        self.assertEqual((answer.status, answer.error()),
                         (400, {"message": "'logit_bias' stands twice", "param": "logit_bias",
                                "type": "invalid_request_error", "code": "duplicate_parameter"}))

    def test_log(self):
        for _ in range(3):
            self.ask("picky/picky", logit_bias={"1": 1}, temperature=1)
            self.ask("quiet", logit_bias={"1": 1})
        lines = [x for x in self.hb.log().splitlines() if "params.dropped" in x]
        for member in ("logit_bias", "temperature"):
            found = [x for x in lines if f"member='{member}'" in x]
            self.assertEqual(len(found), 1, lines)
            self.assertIn("warn params.dropped provider='picky' model='picky'", found[0])

    # ---- Refused -------------------------------------------------------------------------------

    def test_strict(self):
        for model in ("stern", "stern/picky"):
            for member, value in DROPPED.items():
                for content in ("hello", BIG):
                    for stream in (False, True):
                        with self.subTest(member, stream=stream, big=content is BIG):
                            error = self.refused(model, content, stream=stream, **{member: value})
                            self.assertEqual(error["param"], member)
                            self.assertEqual(error["code"], "unsupported_parameter")
                            self.assertEqual(error["type"], "invalid_request_error")
                            self.assertIn(f"'{member}' is not taken by model", error["message"])

    def test_strict_refuses_nothing_else(self):
        _, sent, end = self.ask("stern", max_tokens=3, x_off=1, logit_bias=None)
        self.assertEqual((sent["max_completion_tokens"], end["changed"]),
                         (3, "max_tokens;adapted, x_off;off"))

    def test_plugin_that_goes_on(self):
        """Nothing is sent, and nobody but the plugin is to blame."""
        for content in ("hello", BIG):
            before = len(self.sim.lines("request"))
            answer = self.hb.chat(content, "stern", temperature=1, x_deaf=1)
            self.assertEqual((answer.status, answer.error()["code"]), (500, "internal_error"))
            self.assertIn("plugin 'test.picky' went on", answer.error()["message"])
            self.assertEqual(len(self.sim.lines("request")), before)

    # ---- Plugins that emit ---------------------------------------------------------------------

    def says(self, *lines, model="says", stream=False, **more):
        mark = self.mark()
        answer = self.hb.chat("\n".join(lines), model, stream=stream,
                              headers={"x-request-id": mark}, **more)
        return answer, support.find_end(self.hb.state, mark)

    def test_emitted(self):
        lines = ("changed 1 /top_k", "changed 3 /thinking", "delta hello", "finish 0")
        for stream in (False, True):
            answer, end = self.says(*lines, model="says/says-little", stream=stream, seed=1)
            text = support.stream_text(answer.events()) if stream else answer.text()
            self.assertEqual(text, "hello")
            self.assertEqual(answer.headers[HEADER], "seed;dropped, top_k;dropped, thinking;off")
            self.assertEqual(end["changed"], answer.headers[HEADER])

    def test_told_members(self):
        """What the plugin is told of is the body that it gets: without what was dropped."""
        answer, _ = self.says("told", "finish 0", model="says/says-little", seed=1, top_k=5, stop="x")
        self.assertEqual(answer.text(),
                         'model="says/says-little";stream=false;top_k=5;stop="x";')

    def test_emitted_strict(self):
        for stream in (False, True):
            answer, _ = self.says("changed 3 /thinking", "changed 1 /top_k", "delta hello", "finish 0",
                                  model="strictly", stream=stream)
            error = answer.error()
            self.assertEqual((answer.status, error["param"], error["code"]),
                             (400, "top_k", "unsupported_parameter"))
            answer, end = self.says("changed 2 /top_k", "delta hello", "finish 0", model="strictly",
                                    stream=stream)
            self.assertEqual((answer.status, end["changed"]), (200, "top_k;adapted"))

    def test_misuse(self):
        """What the plugin gets wrong is not the client's fault."""
        rows = {"no pointer": "changed 1 top_k", "no member": "changed 1 /", "no such word":
                "changed 4 /top_k", "nothing": "changed 0 /top_k"}
        for name, line in rows.items():
            with self.subTest(name):
                answer, end = self.says(line, "delta hello", "finish 0")
                self.assertEqual((answer.status, answer.error()["code"]), (500, "internal_error"))
                self.assertNotIn("changed", end)
        answer, end = self.says("thread", "changed 2 /top_k", "delta hello", "finish 0")
        self.assertIn("threads of a plugin", answer.error()["message"])
        self.assertNotIn("changed", end)
        answer = self.hb.chat("hello", "picky/picky", x_late=1)
        self.assertEqual((answer.status, answer.error()["code"]), (500, "internal_error"))


if __name__ == "__main__":
    unittest.main()
