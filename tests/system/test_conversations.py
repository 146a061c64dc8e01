# SPDX-License-Identifier: MIT
"""tests/clients/cells.mjs: eight conversations with five vendors, with the openai package; what
tests/live says without a key."""
import os
import re
import shutil
import subprocess
import unittest

import five
import support
import test_clients

CELLS = 40


@unittest.skipUnless(shutil.which("node") and shutil.which("npm"),
                     "node or npm is missing: apt-get install nodejs npm")
class ConversationsTest(unittest.TestCase):
    def test_all_cells(self):
        test_clients.install()
        with five.running() as (sim, gateway):
            env = {**os.environ, "BASE_URL": f"http://127.0.0.1:{gateway.port}/v1",
                   "SIM_LOG": sim.log_path}
            done = subprocess.run(["node", "--test", "--test-reporter=tap", "cells.mjs"], env=env,
                                  cwd=test_clients.CLIENTS, capture_output=True, text=True, timeout=180,
                                  check=False)
            keys = {(line["path"], line["key_end"]) for line in sim.lines("request")}
        passed = [cell for cell in re.findall(r"(?m)^ *ok \d+ - (\w+: .*)$", done.stdout)
                  if not cell.startswith("further: ")]
        cannot = re.findall(r"(?m)^# cannot (.*)$", done.stdout)
        print(f"conversations: {len(passed)} of {CELLS}", *cannot, sep="\n", flush=True)
        failed = re.findall(r"(?m)^ *not ok \d+ - (.*)$", done.stdout)
        self.assertEqual((failed, done.returncode), ([], 0), done.stdout[-20000:] + done.stderr[-2000:])
        self.assertEqual(len(passed) + len(cannot), CELLS)
        ends = {name: key[-4:] for name, key in five.KEYS.items()}
        self.assertEqual(keys, {("/v1/messages", ends.pop("anthropic"))} | {
            (five.PATHS[name] + "/chat/completions", end) for name, end in ends.items()})
        for cell in cannot:
            self.assert_told(cell)

    def assert_told(self, cell):
        """What a vendor cannot do stands in its page."""
        vendor, reason = re.fullmatch(r"(\w+): [^:]*: (.*)", cell).groups()
        with open(os.path.join(support.ROOT, "doc", "providers", vendor + ".md"), encoding="utf-8") as page:
            self.assertIn(reason, page.read())


class LiveTest(unittest.TestCase):
    def test_without_a_key_it_says_which(self):
        for arguments, words in (((), "which provider?"), (("nobody",), "which provider?"),
                                 (("anthropic",), "ANTHROPIC_API_KEY is not set")):
            done = subprocess.run(["sh", os.path.join(support.ROOT, "tests", "live"), *arguments],
                                  env={"PATH": os.environ["PATH"], "HARBORAI_BUILDDIR": support.BUILD},
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
