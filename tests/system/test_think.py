# SPDX-License-Identifier: MIT
"""Servers that leave a model's reasoning in its text, between <think> and </think>: option `think_tags`
of plugin openai, and its presets."""
import json
import unittest

import support
from support import harborai
from test_streams import chunk, collect, reply

TAGGED = "<think>\nhow much?  9 < 11\n</think>\n\n9.8 is more"
THOUGHT, TEXT = "\nhow much?  9 < 11\n", "\n\n9.8 is more"


def script(**members):
    return "sim:" + json.dumps(members)


def lab(sim, **options):
    return {"plugin": "openai", "base_url": sim.base_url, "api_key": "none", "models": ["*"],
            "options": {"list_prices": False, **options}}


class ThinkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = cls.enterClassContext(support.simulator())
        presets = {name: {"preset": name, "base_url": cls.sim.base_url, "api_key": support.KEY}
                   for name in ("vllm", "ollama", "llamacpp", "zhipu", "groq", "siliconflow", "minimax")}
        cls.config = {"providers": {
            "lab": lab(cls.sim, think_tags=True), "some": lab(cls.sim, think_tags=["r1-*", "qwq"]),
            "off": lab(cls.sim, think_tags=False), "unsaid": lab(cls.sim), **presets}}
        cls.hb = cls.enterClassContext(support.gateway(cls.config))

    def ask(self, model, prompt, stream, choice=0, **more):
        """(reasoning, text) as a client gets them."""
        self.answer = self.hb.chat(prompt, model, stream=stream, **more)
        self.assertEqual(self.answer.status, 200, self.answer.body)
        if stream:
            events = [{**event, "choices": [x for x in event["choices"] if x["index"] == choice]}
                      for event in self.answer.events()[:-1]]
            got = collect(events)
            self.assertEqual(len(got["ends"]), 1)
            return got["thought"], got["text"]
        message = self.answer.json()["choices"][choice]["message"]
        return message.get("reasoning_content", ""), message["content"]

    def repairs(self):
        return support.find_end(self.hb.state, self.answer.headers["x-request-id"]).get("stream_repairs", 0)

    def test_reasoning_and_text_apart(self):
        for model in ("lab/m", "some/r1-7b", "some/qwq", "vllm/a/b", "ollama/m", "llamacpp/m", "groq/qwen/q",
                      "zhipu/glm-z1-air", "zhipu/glm-4.5v"):
            for stream in (False, True):
                with self.subTest(model=model, stream=stream):
                    self.assertEqual(self.ask(model, script(text=TAGGED), stream), (THOUGHT, TEXT))
                    self.assertGreaterEqual(self.repairs(), 1)

    def test_only_where_it_is_said(self):
        for model in ("off/m", "unsaid/m", "some/qwq-32b", "some/m", "zhipu/glm-5", "siliconflow/m",
                      "minimax/MiniMax-M3"):
            for stream in (False, True):
                with self.subTest(model=model, stream=stream):
                    self.assertEqual(self.ask(model, script(text=TAGGED), stream), ("", TAGGED))
                    self.assertEqual(self.repairs(), 0)

    def test_text_without_a_tag_at_its_beginning(self):
        for text in ("so <think>x</think>", "<thing> x", "<", " \n", "<thought>x</thought> y"):
            for stream in (False, True):
                with self.subTest(text=text, stream=stream):
                    self.assertEqual(self.ask("lab/m", script(text=text), stream), ("", text))

    def test_reasoning_that_the_server_tells_apart(self):
        for stream in (False, True):
            got = self.ask("lab/m", script(text=TAGGED, reasoning="so it is"), stream)
            self.assertEqual(got, ("so it is", TAGGED))

    def test_the_applications_own_word(self):
        for more in ({"reasoning_format": "none"}, {"reasoning_split": False}, {"separate_reasoning": False}):
            for stream in (False, True):
                with self.subTest(more=more, stream=stream):
                    self.assertEqual(self.ask("lab/m", script(text=TAGGED), stream, **more), ("", TAGGED))
        self.assertEqual(self.ask("lab/m", script(text=TAGGED), False, reasoning_format=None),
                         (THOUGHT, TEXT))

    def test_choices(self):
        for stream in (False, True):
            for choice in (0, 1):
                self.assertEqual(self.ask("lab/m", script(text=TAGGED), stream, choice, n=2),
                                 (THOUGHT, TEXT))

    def test_tags_in_pieces(self):
        """Of one byte each, and each in a chunk of its own."""
        events = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": c}) for c in TAGGED),
                  chunk({}, "stop"), "[DONE]"]
        body = "".join(f"data: {event}\n\n" for event in events)
        for split in (False, True):
            got = self.ask("lab/m", "sim:" + json.dumps(reply(body, "text/event-stream", split)), True)
            self.assertEqual(got, (THOUGHT, TEXT))

    def test_cut_off(self):
        for text, want in (("<think>hm, </thi", ("hm, </thi", "")), ("<thin", ("", "<thin")),
                           ("<think>", ("", ""))):
            for stream in (False, True):
                with self.subTest(text=text, stream=stream):
                    got = self.ask("lab/m", script(text=text, finish_reason="length"), stream)
                    self.assertEqual(got, want)

    def test_reasoning_that_comes_back(self):
        """A plain client does not send it: what zhipu wants back is kept."""
        for stream in (False, True):
            with self.subTest(stream=stream):
                mark = f"weather {stream}"
                events = [chunk({"content": "<think>the"}), chunk({"content": " weather</think>"}),
                          chunk({"tool_calls": [{"index": 0, "id": f"call_{stream}", "type": "function",
                                                 "function": {"name": "f", "arguments": "{}"}}]}),
                          chunk({}, "tool_calls")]
                if stream:
                    body = "".join(f"data: {event}\n\n" for event in events) + "data: [DONE]\n\n"
                else:
                    calls = json.loads(events[2])["choices"][0]["delta"]["tool_calls"]
                    body = json.dumps({**json.loads(events[3]), "object": "chat.completion", "choices": [
                        {"index": 0, "finish_reason": "tool_calls", "message": {
                            "role": "assistant", "content": "<think>the weather</think>",
                            "tool_calls": calls}}]})
                kind = "text/event-stream" if stream else "application/json"
                first = {"role": "user", "content": script(**reply(body, kind, False))}
                answer = self.hb.chat(model="zhipu/glm-z1-air", messages=[first], stream=stream)
                self.assertEqual(answer.status, 200, answer.body)
                call = {"id": f"call_{stream}", "type": "function",
                        "function": {"name": "f", "arguments": "{}"}}
                turns = [first, {"role": "assistant", "content": None, "tool_calls": [call]},
                         {"role": "tool", "tool_call_id": call["id"], "content": "21"},
                         {"role": "user", "content": mark}]
                answer = self.hb.chat(model="zhipu/glm-z1-air", messages=turns)
                self.assertEqual(answer.status, 200, answer.body)
                sent = json.loads(self.sim.request(mark)["body"])["messages"][1]
                self.assertEqual(sent.get("reasoning_content"), "the weather")

    def test_command_line(self):
        """Without a gateway: through the library."""
        done = harborai("chat", "-m", "lab/m", script(text="<think>why</think>so"), config=self.config)
        self.assertEqual((done.returncode, done.stdout), (0, "so\n"), done.stderr)

    def test_options(self):
        for value in ("maybe", 1, {"m": True}):
            with self.subTest(value=value):
                done = harborai("chat", "-m", "lab/m", "hello",
                                config={"providers": {"lab": lab(self.sim, think_tags=value)}})
                self.assertEqual(done.returncode, 3)
                self.assertIn("'providers.lab.options.think_tags' must be", done.stderr)


if __name__ == "__main__":
    unittest.main()
