# SPDX-License-Identifier: MIT
"""Every error that the simulator knows of five vendors, through the gateway: its class, its status for
the client, Retry-After, and that it tells nothing that is the operator's."""
import contextlib
import json
import os
import sys
import unittest

import five
import support
from test_errors import documented

sys.path.insert(0, os.path.join(support.ROOT, "tests", "sim"))
import anthropic  # noqa: E402
import deepseek  # noqa: E402
import doubao  # noqa: E402
import openai  # noqa: E402
import wenxin  # noqa: E402

DIALECTS = {"openai": openai, "deepseek": deepseek, "wenxin": wenxin, "doubao": doubao,
            "anthropic": anthropic}
MODELS = {"openai": "gpt-5-mini", "deepseek": "deepseek-flash", "wenxin": "ernie-5.1",
          "doubao": "doubao-seed-2-1-lite-260915", "anthropic": "claude-sonnet-4-5"}

# Status of each class for a client, see doc/errors.md; None: the vendor's own, of the same class.
STATUS = {"E_INVALID": None, "E_AUTH": 502, "E_NOT_FOUND": 404, "E_RATE_LIMIT": 429, "E_QUOTA": 502,
          "E_CONTEXT": 400, "E_FILTERED": None, "E_OVERLOADED": None, "E_VENDOR": None,
          "E_TIMEOUT": 504, "E_UNSUPPORTED": 400}
OPERATORS = ("E_AUTH", "E_QUOTA")
WORDS = {name: (row[2], row[3] or None) for name, row in documented().items()}

RETRYABLE = ("E_RATE_LIMIT", "E_OVERLOADED", "E_VENDOR", "E_TIMEOUT")
COMMON = {"server": "E_VENDOR", "auth": "E_AUTH", "rate_limit": "E_RATE_LIMIT", "quota": "E_QUOTA",
          "overloaded": "E_OVERLOADED", "filtered": "E_FILTERED", "too_long": "E_CONTEXT"}
QUOTAS = ("credit_balance_exhausted", "organization_spend_limit_exceeded",
          "project_spend_limit_exceeded", "organization_usage_limit_exceeded")
EXPECTED = {
    "openai": {**COMMON, "region": "E_AUTH", "slow_down": "E_RATE_LIMIT",
               **dict.fromkeys(QUOTAS, "E_QUOTA")},
    "deepseek": COMMON,
    "wenxin": {
        **COMMON, **{limit + "_rate_limit_exceeded": "E_RATE_LIMIT" for limit in wenxin.LIMITS},
        "overloaded": "E_RATE_LIMIT",  # it has no error of its own for this
        **dict.fromkeys(("malformed_json", "invalid_model", "invalid_messages", "invalid_argument"),
                        "E_INVALID"),
        **dict.fromkeys(("characters_too_long", "tokens_too_long"), "E_CONTEXT"),
        **dict.fromkeys(("image_url_unsafe", "system_unsafe", "user_setting_unsafe",
                         "functions_unsafe"), "E_FILTERED"),
        **dict.fromkeys(("invalid_appid", "invalid_iam_token"), "E_AUTH"),
        "no_parameter_permission": "E_UNSUPPORTED", "account_overdue": "E_QUOTA",
        "model_offline": "E_NOT_FOUND", "internal_error": "E_VENDOR",
        "dispatch_internal_error": "E_VENDOR"},
    "doubao": {
        **COMMON, "MissingParameter": "E_INVALID", "InvalidParameter": "E_INVALID",
        "AuthenticationError": "E_AUTH", "AccessDenied": "E_AUTH", "InternalServiceError": "E_VENDOR",
        "ServerOverloaded": "E_OVERLOADED",
        **dict.fromkeys(("SensitiveContentDetected", "SensitiveContentDetected.SevereViolation",
                         "InputTextSensitiveContentDetected", "InputTextRiskDetection",
                         "OutputTextRiskDetection"), "E_FILTERED"),
        **dict.fromkeys(("AccountOverdueError", "OperationDenied.ServiceOverdue", "QuotaExceeded",
                         "SetLimitExceeded"), "E_QUOTA"),
        **dict.fromkeys(("InvalidEndpoint.ClosedEndpoint", "InvalidEndpointOrModel.NotFound",
                         "OperationDenied.ServiceNotOpen", "ModelNotOpen", "UnsupportedModel"),
                        "E_NOT_FOUND"),
        **dict.fromkeys(("RateLimitExceeded.EndpointRPMExceeded",
                         "RateLimitExceeded.EndpointTPMExceeded", "ModelAccountRpmRateLimitExceeded",
                         "ModelAccountTpmRateLimitExceeded", "APIAccountRpmRateLimitExceeded",
                         "AccountRateLimitExceeded", "RequestBurstTooFast",
                         "InflightBatchsizeExceeded"), "E_RATE_LIMIT")},
    "anthropic": {
        **COMMON, "invalid_request_error": "E_INVALID", "authentication_error": "E_AUTH",
        "billing_error": "E_QUOTA", "permission_error": "E_AUTH", "not_found_error": "E_NOT_FOUND",
        "conflict_error": "E_VENDOR", "request_too_large": "E_INVALID",
        "rate_limit_error": "E_RATE_LIMIT", "api_error": "E_VENDOR", "timeout_error": "E_TIMEOUT",
        "overloaded_error": "E_OVERLOADED", "low_credit": "E_QUOTA", "spend_limit": "E_QUOTA"},
}


class VendorErrorsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sim, cls.gateway = stack.enter_context(five.running())
            cls.addClassCleanup(stack.pop_all().close)

    def ask(self, vendor, script, **more):
        return self.gateway.chat("sim:" + json.dumps(script), f"{vendor}/{MODELS[vendor]}", **more)

    def assert_words(self, vendor, name, wanted, line, error):
        """One type and one code for each class; the vendor's own code besides, where it is another."""
        own = line["error"].get("vendor_code")
        words = DIALECTS[vendor].Dialect.ERRORS.get(name, ())
        kind, code = WORDS[wanted]
        if wanted in OPERATORS:
            self.assertIsNone(own)
        elif own is not None and name != "too_long":
            self.assertTrue(own in (name, words) or own in words, own)
        told = {} if own in (None, code) else {"vendor_code": own}
        self.assertEqual({key: error[key] for key in error if key not in ("message", "param")},
                         {"type": kind, "code": code, **told})

    def check(self, vendor, name, wanted):
        words = DIALECTS[vendor].Dialect.ERRORS.get(name)
        for more in ({}, {"stream": True}):
            mark = f"{vendor}-{name}-{len(more)}"
            answer = self.ask(vendor, {"error": name, "retry_after": 7},
                              headers={"x-request-id": mark}, **more)
            line = support.find_end(self.gateway.state, mark)
            self.assertEqual(line["error"]["code"], wanted, line["error"])
            if STATUS[wanted]:
                self.assertEqual(answer.status, STATUS[wanted], answer.body)
            mends = wanted in RETRYABLE
            self.assertEqual(answer.headers["retry-after"], "7" if mends else None)
            self.assertEqual(answer.headers["x-should-retry"],
                             None if mends or answer.status < 500 else "false")
            error = answer.error()
            self.assertLessEqual({"message", "type", "param", "code"}, set(error))
            self.assert_words(vendor, name, wanted, line, error)
            self.assertNotIn(five.KEYS[vendor][-9:], answer.body.decode())
            self.assertNotIn("sim:", answer.body.decode(), "the prompt")
            if words and wanted in OPERATORS:
                self.assertFalse([w for w in words if isinstance(w, str) and len(w) > 20
                                  and w in error["message"]], "the operator's business")

    def test_every_error_has_its_class(self):
        for vendor, table in EXPECTED.items():
            names = set(DIALECTS[vendor].Dialect.ERRORS) | {"too_long"}
            self.assertEqual(set(table), names, f"each error of {vendor} has a row")
            for name, wanted in table.items():
                with self.subTest(f"{vendor}: {name}"):
                    self.check(vendor, name, wanted)
        total = sum(len(table) for table in EXPECTED.values())
        print(f"vendors' errors: {total} names, whole and streamed", flush=True)

    def test_an_error_inside_a_stream(self):
        for vendor, table in EXPECTED.items():
            for name in ("overloaded", "filtered", "rate_limit", "auth", "quota"):
                with self.subTest(vendor, name=name):
                    mark = f"inside-{vendor}-{name}"
                    answer = self.ask(vendor, {"text": "a b c d", "error_after_events": 4,
                                               "error": name}, stream=True,
                                      headers={"x-request-id": mark})
                    events = answer.events()
                    self.assertIn("error", events[-1])
                    self.assertNotIn("[DONE]", events)
                    line = support.find_end(self.gateway.state, mark)
                    self.assertEqual((line["outcome"], line["error"]["code"]), ("error", table[name]),
                                     line["error"])
                    error = events[-1]["error"]
                    self.assert_words(vendor, name, table[name], line, error)
                    if table[name] in OPERATORS:
                        self.assertRegex(error["message"], f"^(the gateway's account with )?provider "
                                         f"'{vendor}' (refused the gateway's key|has no credit left)")

    def test_the_operator_learns_more(self):
        """At the command line the vendor's words follow, wherever its error stood."""
        for vendor in EXPECTED:
            for name, way_out in (("auth", "refused the key: check"), ("quota", "see the account of")):
                for script in ({"error": name}, {"error": name, "error_after_events": 8}):
                    with self.subTest(vendor, **script):
                        done = support.harborai(
                            "chat", "--stream", "-m", f"{vendor}/{MODELS[vendor]}",
                            "sim:" + json.dumps({"text": "a b c d e f g h", **script}),
                            config=five.config(self.sim))
                        self.assertEqual(done.returncode, 4, done.stderr)
                        self.assertRegex(done.stderr, rf"provider '{vendor}'.* {way_out} "
                                         rf"providers\.{vendor}\.api_key \(it said: .+\)\n$")
                        self.assertEqual("error_after_events" in script, done.stdout != "")

    def test_streams_that_break_off(self):
        for vendor in EXPECTED:
            for fault in ({"cut_after_events": 3}, {"reset_after_events": 3}, {"no_done": True},
                          {"half_json": True}, {"bad_chunk": True}):
                with self.subTest(vendor, **fault):
                    answer = self.ask(vendor, {"text": "a b c d", **fault}, stream=True)
                    self.assert_broken(vendor, fault, answer)

    def assert_broken(self, vendor, fault, answer):
        """A stream without its vendor's end mark is an error. Of OpenAI's shape a finish_reason of
        every choice is one too: a missing [DONE] is survived, and half a chunk after it."""
        if not answer.body.startswith(b"data:"):
            self.assertGreaterEqual(answer.status, 500)
            return
        last = answer.events()[-1]
        if vendor != "anthropic" and ("no_done" in fault or "half_json" in fault and last == "[DONE]"):
            self.assertEqual(last, "[DONE]")
        else:
            self.assertIn("error", last)


if __name__ == "__main__":
    unittest.main()
