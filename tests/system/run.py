#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the system tests: run.py [NAME…], NAME a module, class or test (test_http.ErrorsTest).
--write-golden: what the tests of test_golden saw becomes what they want.
--jobs N [NAME…]: N of these, or of all modules, at a time, each in a process of its own; most of them
wait most of the time.

The last line is `N passed, N failed, N skipped`.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
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


def run_module(name):
    done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, errors="replace", check=False)
    *lines, last = done.stdout.rstrip("\n").split("\n")
    numbers = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", last)
    if numbers is None:  # it broke before it could count
        return "\n".join([*lines, last]), (0, 1, 0)
    return "\n".join(lines), tuple(int(n) for n in numbers.groups())


def size_of(name):
    return os.path.getsize(os.path.join(HERE, name.partition(".")[0] + ".py"))


def run_side_by_side(jobs, names):
    """The largest first, so that none is left over at the end."""
    names = names or [file.stem for file in pathlib.Path(HERE).glob("test_*.py")]
    total = (0, 0, 0)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for text, numbers in pool.map(run_module, sorted(names, key=size_of, reverse=True)):
            print(text, flush=True)
            total = tuple(a + b for a, b in zip(total, numbers))
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped", flush=True)
    sys.exit(1 if total[1] else 0)


def main():
    if not os.access(support.HARBORAI, os.X_OK):
        sys.exit(f"run.py: '{support.HARBORAI}' is missing: build first, or set HARBORAI_BUILDDIR")
    if sys.argv[1:2] == ["--jobs"]:
        run_side_by_side(int(sys.argv[2]), sys.argv[3:])
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
