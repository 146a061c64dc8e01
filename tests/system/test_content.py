# SPDX-License-Identifier: MIT
"""What was asked and answered, in the journal: only where it is wanted, masked, and cut at a limit."""
import json
import os
import signal
import unittest

import support
from support import chat_body, find_end, harborai
from test_canary import CANARY, EMAIL, PHONE, files_below, forms

LIMIT = 16 * 1024
OWN = "plain-words-as-a-key-of-ours"


def content_lines(state):
    return [x for _, data in support.segments(state) for x in support.parse_jsonl(data)
            if x["type"] == "content"]


class ContentTest(unittest.TestCase):
    number = 0

    def run_gateway(self, config=None, **more):
        """A gateway with content as configured, and its simulator."""
        sim = self.enterContext(support.simulator())
        config = {**support.config_for(sim), **(config or {})}
        config["providers"]["openai"]["api_key"] = OWN
        return self.enterContext(support.gateway(config, **more))

    def ask(self, hb, content, **more):
        """(answer, content line) of a call."""
        ContentTest.number += 1
        mark = f"content-{ContentTest.number}"
        answer = hb.chat(content, headers={"x-request-id": mark}, **more)
        end = find_end(hb.state, mark)
        lines = [x for x in content_lines(hb.state) if x["key"] == end["key"]]
        self.assertEqual(len(lines), 1, "one content line of the call")
        self.assertEqual(lines[0]["seq"], end["seq"] - 1, "right before its end line")
        return answer, lines[0]

    def test_is_off_by_default(self):
        hb = self.run_gateway()
        hb.chat("nobody-writes-this-down", headers={"x-request-id": "off"})
        find_end(hb.state, "off")
        self.assertEqual(content_lines(hb.state), [])
        for name, data in files_below(hb.state):
            self.assertNotIn(b"nobody-writes-this-down", data, name)

    def test_of_a_whole_answer_and_of_a_stream(self):
        hb = self.run_gateway({"content": "full"})
        said = {"text": "one two \u4e09 \"four\"\n", "reasoning": "so it is"}
        for more in ({}, {"stream": True}):
            with self.subTest(more):
                _, line = self.ask(hb, said, **more)
                self.assertEqual(line["content"], "full")
                self.assertEqual(line["request"], json.loads(json.dumps(chat_body(said, **more))))
                choice = line["response"]["choices"][0]
                self.assertEqual(choice["message"]["content"], said["text"])
                self.assertEqual(choice["finish_reason"], "stop")
                self.assertNotIn("cut", line["request"])
                self.assertNotIn("cut", line["response"])

    def test_of_tool_calls(self):
        hb = self.run_gateway({"content": "full"})
        said = {"tool_calls": [{"name": "weather", "arguments": {"city": "Ulm \u4e2d"}},
                               {"name": "time", "arguments": {}}]}
        for more in ({}, {"stream": True}):
            with self.subTest(more):
                _, line = self.ask(hb, said, **more)
                choice = line["response"]["choices"][0]
                calls = choice["message"]["tool_calls"]
                self.assertEqual([x["function"]["name"] for x in calls], ["weather", "time"])
                self.assertEqual(json.loads(calls[0]["function"]["arguments"]), {"city": "Ulm \u4e2d"})
                self.assertTrue(calls[0]["id"])
                self.assertEqual(choice["finish_reason"], "tool_calls")

    def show(self, state, key):
        """The call as `logs show` has it, once that knows of it."""
        said = []

        def find():
            said[:] = [harborai("logs", "show", key, "--json", "--state-dir", state)]
            return said[0].returncode == 0
        support.wait_for("the call is shown", find)
        return json.loads(said[0].stdout)

    def test_logs_show_has_it(self):
        """By the index and by the files, compressed too; of a call without content nothing is told."""
        with support.folder() as state:
            with support.simulator() as sim, \
                    support.gateway({**support.config_for(sim), "content": "full"}, state=state) as hb:
                _, line = self.ask(hb, "show me")
                self.check_show(state, line)
            with support.simulator() as sim, support.gateway(support.config_for(sim), state=state) as hb:
                support.wait_for("the journal is compressed", lambda: any(
                    name.endswith(".zst") for name in os.listdir(os.path.join(state, "journal"))))
                hb.chat(headers={"x-request-id": "without"})
                self.assertNotIn("request", self.show(state, find_end(state, "without")["key"]))
            self.check_show(state, line)
            os.remove(os.path.join(state, "index.sqlite3"))
            os.mkdir(os.path.join(state, "index.sqlite3"))
            self.check_show(state, line)

    def check_show(self, state, line):
        call = self.show(state, line["key"])
        self.assertEqual((call["request"], call["response"]), (line["request"], line["response"]))
        self.assertIn("show me", harborai("logs", "show", line["key"], "--state-dir", state).stdout)

    def test_is_cut_at_its_limit(self):
        hb = self.run_gateway({"content": "full", "content_limit": "2KiB"})
        text = "\u4f60\u597d \"x\"\n " * 2000
        for more in ({}, {"stream": True}):
            with self.subTest(more):
                _, line = self.ask(hb, {"text": text}, **more)
                request, response = line["request"], line["response"]
                self.assertTrue(request["text"].startswith('{"model"'))
                self.assertLessEqual(len(json.dumps(request["text"], ensure_ascii=False).encode()),
                                     2048 + 2)
                self.assertEqual(request["cut"], len(json.dumps(chat_body({"text": text}, **more))))
                kept = response["choices"][0]["message"]["content"]
                self.assertTrue(text.startswith(kept), kept[-20:])
                self.assertTrue(1900 < len(json.dumps(kept, ensure_ascii=False).encode()) <= 2048 + 2)
                self.assertGreater(response["cut"], len(text.encode()))

    def test_masks_persons_and_keys_or_keys_alone(self):
        """A text as long as the limit, too: nothing to mask is cut in half and left."""
        for mode in ("masked", "full"):
            hb = self.run_gateway({"content": mode})
            texts = [f"write {EMAIL}, {PHONE}: " + " ".join(forms(CANARY)) + f" {OWN}"]
            texts += ["x" * fill + f" {CANARY} " + "y" * 4096 for fill in range(LIMIT - 160, LIMIT, 13)]
            for text in texts:
                for more in ({}, {"stream": True}):
                    _, line = self.ask(hb, {"text": text}, **more)
                    written = json.dumps(line, ensure_ascii=False)
                    self.assertIn("[masked:key]" if text is texts[0] else "xxx", written)
                    for secret in [x[8:24] for x in forms(CANARY)] + [OWN[4:14], "c4nar"]:
                        self.assertNotIn(secret, written)
                    if text is texts[0]:
                        self.assertEqual(EMAIL in written, mode == "full")
                        self.assertEqual(PHONE in written, mode == "full")

    def test_masks_every_key_of_the_configuration(self):
        """Whichever provider is asked, or none: also keys from the environment, and the database's."""
        own = {"openai": "plain-words-of-openai-key", "lab": "lab-words+secret/thing",
               "anthropic": "words-of-the-environment", "password": "word\"of\\the/data-base",
               "url": "an@other-word-of-it"}
        for mode in ("masked", "full"):
            sim = self.enterContext(support.simulator())
            config = {**support.config_for(sim, anthropic={"base_url": sim.base_url}), "content": mode}
            for name in ("openai", "lab"):
                config["providers"][name]["api_key"] = own[name]
            config["store"] = {"postgres": {"enabled": False, "password": own["password"], "url":
                                            "postgresql://me:an%40other-word-of-it@127.0.0.1:9/there"}}
            hb = self.enterContext(support.gateway(config, env={"ANTHROPIC_API_KEY": own["anthropic"]}))
            said = {"text": "".join(f" <{x}>" for x in own.values()),
                    "tool_calls": [{"name": "f", "arguments": {x: x for x in own.values()}}]}
            for model in ("gpt-4o", "my-model", "unknown-model"):
                for more in ({}, {"stream": True}):
                    with self.subTest(mode=mode, model=model, **more):
                        answer, line = self.ask(hb, said, model=model, **more)
                        self.assertEqual(answer.status, 404 if model == "unknown-model" else 200)
                        self.assertEqual("response" in line, model != "unknown-model")
                        self.assertIn("<***> <***> <***> <***> <***>", json.dumps(line))
                        for part in ("words", "word-of", "data", "base", "secret"):
                            self.assertNotIn(part, json.dumps(line))

    def test_masks_keys_of_a_configuration_that_was_changed(self):
        sim = self.enterContext(support.simulator())
        place = self.enterContext(support.folder())
        config = {**support.config_for(sim), "content": "full"}
        keys = ("first-words-of-the-lab", "other-thing-in-its-place")
        config["providers"]["lab"]["api_key"] = keys[0]
        path = support.write_config(place, config)
        hb = self.enterContext(support.gateway(arguments=("--config", path)))
        _, line = self.ask(hb, keys[0], model="unknown-model")
        self.assertNotIn("words-of", json.dumps(line))
        config["providers"]["lab"]["api_key"] = keys[1]
        support.write_config(place, config)
        hb.process.send_signal(signal.SIGHUP)
        support.wait_for("applied", lambda: "config.applied" in hb.log())
        _, line = self.ask(hb, keys[1], model="unknown-model")
        self.assertNotIn("thing-in", json.dumps(line))


if __name__ == "__main__":
    unittest.main()
