# SPDX-License-Identifier: MIT
"""More calls than Python can make: the bench's upstream and its load program, with an account of each
call, and the comparison of that account with what is on record."""
import collections
import contextlib
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys

import support

sys.path.insert(0, os.path.join(support.ROOT, "tests", "bench"))
import servers  # noqa: E402  pylint: disable=wrong-import-position

MODEL = "bench-model"
FULL = bool(os.environ.get("HARBORAI_TEST_LOAD"))  # `make outages`: a quarter of an hour of load


@functools.cache
def program(name):
    """One of the bench's, built when it is first wanted: `make` leaves them out."""
    target = f"tests/bench/{name}"
    subprocess.run(["make", "-s", "-C", support.BUILD, target], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(support.BUILD, target)


@contextlib.contextmanager
def upstream():
    """Its base_url."""
    with support.folder() as place:
        running = servers.start_upstream(program("bench_upstream"), pathlib.Path(place))
        try:
            yield f"http://127.0.0.1:{running.port}/v1"
        finally:
            support.end(running.root)
            running.root.stdout.close()


@contextlib.contextmanager
def faults():
    """The base_url of an upstream that fails, or goes to extremes (tests/bench/bench_faults.c)."""
    process = subprocess.Popen([program("bench_faults")], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().split()[1]}/v1"
    finally:
        support.end(process)
        process.stdout.close()


class Load:
    """Calls until end(), or until the gateway is gone. After it: `account`, of each request id the
    status, or 0: cut off; `result`, what bench_load printed."""

    def __init__(self, port, name, *options, rate=0, connections=32, limit_s=600):
        self.path = os.path.join(support.tempfile.mkdtemp(prefix="harborai-test-"), name)
        self.process = subprocess.Popen(
            [program("bench_load"), "--port", str(port), "--connections", str(connections), "--rate",
             str(rate), "--warmup-ms", "0", "--measure-ms", str(limit_s * 1000), "--ids", name,
             "--record", self.path, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.account, self.result = {}, None

    def end(self):
        """Lets what is in flight end, too."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors
        self.result = json.loads(out)
        assert self.result["errors"] == 0, self.result
        with open(self.path, encoding="ascii") as file:
            for line in file:
                mark, status = line.split()
                self.account[mark] = int(status)

    def kill(self):
        """Also after its end."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        support.shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)

    def answered(self):
        return {mark: status for mark, status in self.account.items() if status > 0}


def compare(answered, cut, rows):
    """`rows`: (request id, status, outcome) of what is on record. A dict of numbers; what must be none
    is there only if there is some."""
    found = collections.Counter(mark for mark, _, _ in rows)
    how = {mark: (status, outcome) for mark, status, outcome in rows}
    cut_rows = [how[mark][1] for mark in cut if mark in how]
    said = {"answered": len(answered), "rows": len(rows), "cut": len(cut),
            "interrupted": cut_rows.count("interrupted"),
            "ended": len(cut_rows) - cut_rows.count("interrupted")}
    wrong = {"lost": [mark for mark in answered if mark not in found],
             "twice": [mark for mark, count in found.items() if count > 1],
             "another status": [mark for mark, status in answered.items() if mark in how and
                                how[mark] != (status, "ok" if status == 200 else "error")],
             "of nobody": [mark for mark in found if mark not in answered and mark not in cut]}
    return said, {name: (len(marks), marks[:3]) for name, marks in wrong.items() if marks}
