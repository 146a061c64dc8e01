#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the system tests: run.py [NAME…], NAME a module, class or test (test_http.ErrorsTest).
--write-golden: what the tests of test_golden saw becomes what they want.

The last line is `N passed, N failed, N skipped`.
"""
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import support  # noqa: E402


class Result(unittest.TextTestResult):
    """Says how long each test took, and prints the gateways' logs where one failed."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def getDescription(self, test):
        return test.id()

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok ({time.monotonic() - self.began:.1f} s)")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed()

    def addError(self, test, err):
        super().addError(test, err)
        self._failed()

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed()

    @staticmethod
    def _failed():
        for gateway in support.GATEWAYS:
            support.print_log(gateway)


def main():
    if not os.access(support.HARBORAI, os.X_OK):
        sys.exit(f"run.py: '{support.HARBORAI}' is missing: build first, or set HARBORAI_BUILDDIR")
    loader = unittest.TestLoader()
    names = [name for name in sys.argv[1:] if name != "--write-golden"]
    if len(names) < len(sys.argv) - 1:
        os.environ["HARBORAI_WRITE_GOLDEN"] = "1"
    suite = loader.loadTestsFromNames(names) if names else loader.discover(HERE, top_level_dir=HERE)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
    bad = {getattr(test, "test_case", test) for test, _ in result.failures + result.errors}
    failed = len(bad)  # a broken setUpClass is one too, though no test of it was run
    ran_badly = sum(isinstance(test, unittest.TestCase) for test in bad)
    passed = result.testsRun - ran_badly - len(result.skipped)
    print(f"{passed} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()
