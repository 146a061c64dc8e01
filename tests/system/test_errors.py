# SPDX-License-Identifier: MIT
"""The table of error classes: each row of doc/errors.md is what the gateway, the command line and the
journal really do, and each class of core/base/error.c has a row and a trigger here."""
import contextlib
import json
import os
import re
import unittest

import support

DOCUMENT = os.path.join(support.ROOT, "doc", "errors.md")
SOURCE = os.path.join(support.ROOT, "core", "base", "error.c")

# What brings each class about: a model, and what is asked of it.
TRIGGERS = {
    "E_INVALID": ("gpt-4o", {"status": 400, "error": {"code": None}}),
    "E_AUTH": ("gpt-4o", {"status": 401}),
    "E_NOT_FOUND": ("no-such-model", "hello"),
    "E_RATE_LIMIT": ("gpt-4o", {"status": 429, "error": {"code": "rate_limit_exceeded"}}),
    "E_QUOTA": ("gpt-4o", {"status": 429, "error": {"code": "insufficient_quota"}}),
    "E_CONTEXT": ("gpt-4o", {"status": 400, "error": {"code": "context_length_exceeded"}}),
    "E_FILTERED": ("gpt-4o", {"status": 400, "error": {"code": "content_filter"}}),
    "E_OVERLOADED": ("gpt-4o", {"status": 529, "html": True}),
    "E_VENDOR": ("gpt-4o", {"status": 500, "html": True}),
    "E_PROTOCOL": ("gpt-4o", {"html": True}),
    "E_NETWORK": ("nobody-there", "hello"),
    "E_TIMEOUT": ("in-a-hurry", {"wait_ms": 5000}),
    "E_CANCELLED": ("says", "fail -13"),
    "E_UNSUPPORTED": ("says", "fail -14"),
    "E_CONFIG": ("says", "fail -15"),
    "E_MEMORY": ("says", "fail -16"),
    "E_CLOSED": ("says", "fail -17"),
    "E_INTERNAL": ("says", "fail -18"),
}
VENDORS_OWN_STATUS = {"E_OVERLOADED": 529, "E_VENDOR": 500}  # stands in place of the table's


def documented():
    with open(DOCUMENT, encoding="utf-8") as file:
        rows = [[cell.strip().strip("`") for cell in line.strip("|\n ").split("|")]
                for line in file if line.startswith("| `E_")]
    return {row[0]: row for row in rows}


def classes():
    with open(SOURCE, encoding="utf-8") as file:
        return re.findall(r'\{HARBORAI_E_\w+, "(E_\w+)"', file.read())


class ErrorTableTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        place = stack.enter_context(support.folder())
        support.build_plugin(place, "says")
        cls.env = {"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}
        sim = stack.enter_context(support.simulator())
        cls.config = support.config_for(
            sim, says={"base_url": "http://127.0.0.1:1"},
            closed=support.provider(f"http://127.0.0.1:{support.free_port()}/v1",
                                    "nobody-there"),
            hasty=support.provider(sim.base_url, "in-a-hurry", timeouts={"first_byte": "100ms"}))
        cls.hb = stack.enter_context(support.gateway(cls.config, env=cls.env))

    def test_each_class_has_a_row_and_a_trigger(self):
        self.assertEqual(classes(), list(documented()))
        self.assertEqual(classes(), list(TRIGGERS))
        for name, row in documented().items():
            self.assertEqual(len(row), 7, name)
            self.assertTrue(all(row[5:]), name)

    def test_gateway_and_journal(self):
        for name, row in documented().items():
            with self.subTest(name):
                model, content = TRIGGERS[name]
                answer = self.hb.chat(content, model)
                error = answer.error()
                status = VENDORS_OWN_STATUS.get(name, int(row[1]))
                self.assertEqual((answer.status, error["type"], error["code"] or ""),
                                 (status, row[2], row[3]), error)
                self.assertTrue(error["message"])
                end = support.find_end(self.hb.state, answer.headers["x-request-id"])
                outcome = "cancelled" if name == "E_CANCELLED" else "error"
                self.assertEqual((end["error"]["code"], end["outcome"]), (name, outcome))

    def test_command_line(self):
        for name, row in documented().items():
            with self.subTest(name):
                model, content = TRIGGERS[name]
                if not isinstance(content, str):
                    content = "sim:" + json.dumps(content)
                done = support.harborai("chat", "-m", model, content, env=self.env,
                                        config=self.config)
                self.assertEqual(done.returncode, int(row[4]), done.stderr)
                self.assertRegex(done.stderr, r"(^|\n)harborai: \S.*\n$")
                self.assertEqual(done.stdout, "")

    def test_plugin_without_a_message_gets_the_tables(self):
        for name, (model, content) in TRIGGERS.items():
            if model == "says":
                with self.subTest(name):
                    done = support.harborai("chat", "-m", model, content, env=self.env,
                                            config=self.config)
                    self.assertRegex(done.stderr, r"plugin 'test\.says' gave no reason: [^;]+; .+")

    OPERATORS = {-2: ("provider.auth", "the gateway's key for provider 'says' is missing or wrong: "
                      "check providers.says.api_key"),
                 -5: ("provider.quota", "the gateway's account with provider 'says' has no credit left, "
                      "or has reached its spending limit: see the account of providers.says.api_key"),
                 -15: ("provider.config", "the gateway's configuration of provider 'says' is at fault: "
                       "its log says more")}

    def test_what_is_the_operators(self):
        """A plugin's words about the key, the account and the configuration are not a client's, however
        it says them."""
        for how in ("fail", "refuse"):
            for code, (event, message) in self.OPERATORS.items():
                with self.subTest(how=how, code=code):
                    words = f"account {how}{code} of /etc/operator"
                    for stream in (False, True):
                        answer = self.hb.chat(f"{how} {code} {words}", "says", stream=stream)
                        self.assertEqual(answer.error()["message"], message)
                    self.assertRegex(self.hb.log(), f"error {event} provider='says' .*{words}")
                    done = support.harborai("chat", "-m", "says", f"{how} {code} {words}", env=self.env,
                                            config=self.config)
                    self.assertIn(words, done.stderr)
                    self.assertNotIn("gateway", done.stderr)

    def test_what_is_the_clients(self):
        for how in ("fail", "refuse"):
            answer = self.hb.chat(f"{how} -1 no such thing", "says")
            self.assertEqual((answer.status, answer.error()["message"]), (400, "no such thing"))

    def test_key_that_is_missing(self):
        """The host's own words: which one."""
        self.assertEqual(self.hb.chat("ask spare", "says").error()["message"],
                         "provider 'says' has no secret 'spare'")
