# SPDX-License-Identifier: MIT
"""Fixtures of the system tests: a simulator, a gateway, the command line, plain HTTP, the journal.

HARBORAI_BUILDDIR names the built tree (default: build/check of this repository).
Everything that is started here is ended here, by its pid.
"""
import contextlib
import fcntl
import glob
import http.client
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("HARBORAI_BUILDDIR", os.path.join(ROOT, "build", "check")))
HARBORAI = os.path.join(BUILD, "harborai")
LONG = bool(os.environ.get("HARBORAI_TEST_LONG"))


def is_sanitized():
    """Whether the tree was built with --enable-asan, --enable-tsan or --enable-coverage."""
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8") as file:
        return any(re.match(r"SANITIZE = *\S", line) for line in file)


KEY = "sk-operator-0001"
TRACE_HEADER = "traceparent"
START_LIMIT_S = 20

# A runner in the background of a script, or under nohup, ignores these, and what it starts would too:
# programs keep what they were started with. A handler that does nothing is not inherited.
for _signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(_signal) == signal.SIG_IGN:
        signal.signal(_signal, lambda *_: None)

GATEWAYS = []  # those that run now: the runner prints their logs when a test fails


def builtin_plugins():
    """What the tree was configured to link into harborai: --with-builtin-plugins."""
    with open(os.path.join(BUILD, "Makefile"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("BUILTIN_PLUGINS ="):
                return line.split("=", 1)[1].split()
    return []


def plugin_path(*more):
    """The directories of the plugins that were built, but for those that harborai has in itself."""
    found = [path for path in glob.glob(os.path.join(BUILD, "plugins", "*", ".libs"))
             if path.split(os.sep)[-2] not in builtin_plugins() + ["builtin"]]
    found += glob.glob(os.path.join(BUILD, "examples", "plugins", "*", ".libs"))
    return ":".join([str(m) for m in more] + sorted(found))


def build_plugin(place, name, folder="plugins"):
    """One of tests/plugins or tests/fault, as an author would build it without a build system."""
    target = os.path.join(place, f"{name}.so")
    subprocess.run(["cc", "-std=gnu11", "-shared", "-fPIC", "-pthread",
                    f"-I{ROOT}/plugin-sdk/include", f"-I{ROOT}/plugin-sdk/lib",
                    f"{ROOT}/tests/{folder}/{name}.c", f"{ROOT}/plugin-sdk/lib/json_value.c",
                    f"{ROOT}/plugin-sdk/lib/json_scan.c", "-o", target], check=True)
    os.chmod(target, 0o755)


def environment(home, **more):
    """A clean environment: nothing of the developer's own keys or configuration."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8",
           "HARBORAI_PLUGIN_PATH": plugin_path(), "HARBORAI_SYSTEM_CONFIG": "",
           "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1"}
    for name in ("TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update({k: str(v) for k, v in more.items() if v is not None})
    return env


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def wait_for(what, condition, limit_s=10):
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {limit_s} s")


@contextlib.contextmanager
def folder():
    # Not below /tmp directly by name: mkdtemp makes it 0700, as the trust checks of plugins ask.
    path = tempfile.mkdtemp(prefix="harborai-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def end(process, limit_s=15):
    """SIGTERM, then SIGKILL; True when the first was enough."""
    if process.poll() is not None:
        return True
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(limit_s)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


# ---- The simulator -------------------------------------------------------------------------------


class Simulator:
    def __init__(self, port, log_path, tls):
        self.port = port
        self.log_path = log_path
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"

    def lines(self, event=None):
        return [x for x in read_jsonl(self.log_path) if event in (None, x["event"])]

    def request(self, mark):
        """The newest request whose body holds `mark`; waits for it."""
        return wait_for(f"request '{mark}' in the simulator's log", lambda: next(
            (x for x in reversed(self.lines("request")) if mark in x["body"]), None))

    def answer(self, mark):
        sequence = self.request(mark)["seq"]
        return wait_for(f"end of request '{mark}' in the simulator's log", lambda: next(
            (x for x in self.lines("answer") if x["seq"] == sequence), None))


@contextlib.contextmanager
def simulator(certs=None, name="good", options=("--no-auth",)):
    with folder() as place:
        log = os.path.join(place, "sim.log")
        command = [sys.executable, os.path.join(ROOT, "tests", "sim", "sim.py"), "--log", log]
        if certs:
            command += ["--tls-cert", f"{certs}/{name}.pem", "--tls-key", f"{certs}/{name}.key"]
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        try:
            yield Simulator(int(process.stdout.readline()), log, bool(certs))
        finally:
            end(process)
            process.stdout.close()


class WithSimulator(unittest.TestCase):
    """Tests that share a simulator, `sim`, and the usual configuration, `config`."""

    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.sim = stack.enter_context(simulator())
            cls.addClassCleanup(stack.pop_all().close)
        cls.config = config_for(cls.sim)


def make_certs(place):
    subprocess.run(["sh", os.path.join(ROOT, "tests", "sim", "make-certs"), place], check=True)
    return place


# ---- The gateway ---------------------------------------------------------------------------------


class Gateway:
    def __init__(self, process, port, state, log_path):
        self.process = process
        self.pid = process.pid
        self.port = port
        self.state = state
        self.log_path = log_path
        self.url = self.place = None
        self.killed = False

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def told_url(self):
        """Where it says that it listens; sets `url`, and `port` where there is one."""
        found = re.search(r"(?m)^harborai: listening on (.+)$", self.log())
        if found:
            self.url = found.group(1)
            port = re.search(r":(\d+)(?:,|$)", self.url)
            self.port = int(port.group(1)) if port else None
        return bool(found)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()

    def connect(self, timeout=20):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=20):
        """One exchange on a connection of its own: an Answer."""
        with contextlib.closing(self.connect(timeout)) as client:
            return exchange(client, method, path, body, headers)

    def chat(self, content="hello there", model="gpt-4o", headers=None, timeout=20, **more):
        return self.request("POST", "/v1/chat/completions", chat_body(content, model, **more),
                            headers, timeout)

    def healthy(self):
        try:
            return self.request("GET", "/health", timeout=2).status == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_until_alone(self):
        """Until the gateway has noticed that all connections but the one that asks have ended."""
        wait_for("only one connection", lambda: b"\nharborai_active_connections 1\n" in
                 self.request("GET", "/metrics").body)

    def journal(self):
        return journal(self.state)


@contextlib.contextmanager
def gateway(config=None, workers=2, env=None, state=None, arguments=(), wrapper=()):
    """A gateway with a state directory of its own. `config` is a dict (written as JSON, which is
    YAML) or a text. After the block it must still live, and end by SIGTERM with status 0."""
    with folder() as place:
        port = free_port()
        command = [*wrapper, HARBORAI, "serve", "--host", "127.0.0.1", "--port", str(port),
                   "--workers", str(workers), "--state-dir", state or os.path.join(place, "state")]
        if config is not None:
            command += ["--config", write_config(place, config)]
        log_path = os.path.join(place, "gateway.log")
        with open(log_path, "wb") as log:
            process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log, cwd=place,
                                       env=environment(place, **(env or {})))
        running = Gateway(process, port, state or os.path.join(place, "state"), log_path)
        GATEWAYS.append(running)
        try:
            wait_for("gateway answers /health", lambda: not running.alive() or running.healthy(),
                     START_LIMIT_S)
            assert running.alive(), f"the gateway did not start, status {process.returncode}"
            yield running
            if not running.killed:
                stop_well(running)
        except BaseException:
            print_log(running)
            raise
        finally:
            end(process, 5)
            GATEWAYS.remove(running)


@contextlib.contextmanager
def listening(*arguments, config=None, env=None, wrapper=(), pass_fds=(), state=None, wait=True):
    """As gateway(), for one that is told otherwise where to listen: it is ready when it says where,
    which is its `url`. Without `wait` it may be ready or not."""
    with folder() as place:
        state = state or os.path.join(place, "state")
        command = [*wrapper, HARBORAI, "serve", "--workers", "2", "--state-dir", state, *arguments]
        if config is not None:
            command += ["--config", write_config(place, config)]
        log_path = os.path.join(place, "gateway.log")
        with open(log_path, "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=place, pass_fds=pass_fds,
                                       env=environment(place, **(env or {})))
        running = Gateway(process, None, state, log_path)
        running.place = place
        GATEWAYS.append(running)
        try:
            if wait:
                wait_for("gateway listens", lambda: not running.alive() or running.told_url(),
                         START_LIMIT_S)
                assert running.alive(), f"the gateway did not start, status {process.returncode}"
            yield running
            if not running.killed:
                stop_well(running)
        except BaseException:
            print_log(running)
            raise
        finally:
            end(process, 5)
            GATEWAYS.remove(running)


def stop_well(running):
    status = running.process.poll()
    assert status is None, f"the gateway ended by itself with status {status}"
    assert end(running.process), "the gateway did not end within 15 s of SIGTERM"
    assert running.process.returncode == 0, f"exit status {running.process.returncode}"


def print_log(running):
    try:
        lines = running.log().splitlines()
    except OSError:
        return
    print(f"--- log of the gateway on port {running.port}, last lines ---", file=sys.stderr)
    print("\n".join(lines[-60:]), file=sys.stderr)


def write_config(place, config):
    path = os.path.join(place, "harborai.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config if isinstance(config, str) else json.dumps(config, indent=1))
    os.chmod(path, 0o600)
    return path


def config_for(sim, **providers):
    """The usual configuration: OpenAI's own models and a provider with names of its own."""
    usual = {"openai": {"base_url": sim.base_url, "api_key": KEY},
             "lab": {"plugin": "openai", "base_url": sim.base_url, "api_key": "none",
                     "models": ["my-model", "fb-*"]}}
    return {"providers": {**usual, **providers}, "models": {"smart": "openai/gpt-4o"}}


def provider(base_url, model, **more):
    return {"plugin": "openai", "base_url": base_url, "api_key": "none", "models": [model], **more}


# ---- The command line ----------------------------------------------------------------------------


def harborai(*arguments, env=None, config=None, stdin="", timeout=30, wrapper=()):
    """Runs a command; a CompletedProcess with text."""
    with folder() as place:
        command = [*wrapper, HARBORAI, *arguments]
        if config is not None:
            command += ["--config", write_config(place, config)]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, cwd=place,
                              timeout=timeout, env=environment(place, **(env or {})), check=False)


class PluginCommands(unittest.TestCase):
    """For classes that run `harborai plugin …` in a home directory of a test's own."""

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.home = self.stack.enter_context(folder())
        self.config = None  # what the file says; or its path
        self.env = {}

    def run_harborai(self, *arguments, **env):
        config = self.config
        if config is not None and not isinstance(config, str):
            config = write_config(self.home, config)
        return subprocess.run(
            [HARBORAI, *(["--config", config] if config else []), *arguments], capture_output=True,
            text=True, timeout=60, check=False, cwd=self.home, stdin=subprocess.DEVNULL,
            env=environment(self.home, **{**self.env, **env}))

    def plugin(self, *arguments, code=0):
        done = self.run_harborai("plugin", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def json(self, *arguments):
        return json.loads(self.plugin(*arguments, "--json").stdout)


def run_with_tty(*arguments, env=None, columns=80, config=None, stderr_too=False, interrupt=None):
    """Runs a command whose stdout, and stderr if asked, is a terminal of so many columns: what it
    printed there, what on stderr, the status. At the sight of `interrupt` it gets SIGINT."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with folder() as place:
        command = [HARBORAI, *arguments]
        if config is not None:
            command += ["--config", write_config(place, config)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs,
                                   stderr=theirs if stderr_too else subprocess.PIPE, cwd=place,
                                   env=environment(place, TERM="xterm", **(env or {})))
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            while piece := os.read(ours, 65536):
                seen += piece
                if interrupt and interrupt in seen:
                    process.send_signal(signal.SIGINT)
                    interrupt = None
        os.close(ours)
        errors = process.communicate(timeout=20)[1] or b""
    return seen.decode().replace("\r\n", "\n"), errors.decode(), process.returncode


# ---- HTTP ----------------------------------------------------------------------------------------


class Answer:
    """`complete` is false when the connection broke before the end of the body."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        try:
            self.body, self.complete = response.read(), True
        except http.client.IncompleteRead as error:
            self.body, self.complete = error.partial, False

    def json(self):
        return json.loads(self.body)

    def error(self):
        return self.json()["error"]

    def text(self):
        return self.json()["choices"][0]["message"]["content"]

    def events(self):
        """The data of each event, parsed; the string "[DONE]" as it is."""
        return parse_events(self.body)


def parse_events(body):
    found = []
    for event in re.split(r"\r?\n\r?\n", body.decode()):
        data = [line[5:].lstrip(" ") for line in event.splitlines() if line.startswith("data:")]
        if data:
            text = "\n".join(data)
            found.append(text if text == "[DONE]" else json.loads(text))
    return found


def stream_text(events):
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events
                   if isinstance(e, dict) and e.get("choices"))


def chat_body(content, model="gpt-4o", **more):
    if isinstance(content, dict):
        content = "sim:" + json.dumps(content)
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}


class UnixConnection(http.client.HTTPConnection):
    """HTTP by the Unix socket `path`."""

    def __init__(self, path, timeout=20):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def exchange(client, method, path, body=None, headers=None):
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        headers.setdefault("content-type", "application/json")
    client.request(method, path, body, headers)
    return Answer(client.getresponse())


class RawStream:
    """A streamed call read piece by piece, with the time of each."""

    def __init__(self, port, body, headers=""):
        data = json.dumps(body).encode()
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.sock.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}"
                          f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
                          .encode() + data)
        self.seen = b""

    def read_until(self, mark):
        while mark not in self.seen:
            piece = self.sock.recv(65536)
            assert piece, f"the stream ended before {mark!r}: {self.seen[-300:]!r}"
            self.seen += piece
        return self.seen

    def gaps(self, until=b"[DONE]"):
        """The seconds between pieces, from the second on."""
        times = []
        while until not in self.seen:
            piece = self.sock.recv(65536)
            assert piece, f"the stream ended early: {self.seen[-300:]!r}"
            self.seen += piece
            times.append(time.monotonic())
        return [b - a for a, b in zip(times, times[1:])]

    def close(self):
        self.sock.close()


class Late:
    """A GET whose last byte is still to be sent."""

    def __init__(self, port, path):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r".encode())

    def end(self):
        """Status and body."""
        self.sock.sendall(b"\n")
        response = http.client.HTTPResponse(self.sock)
        response.begin()
        return response.status, response.read()

    def close(self):
        self.sock.close()


# ---- The journal ---------------------------------------------------------------------------------


def parse_jsonl(data):
    """Complete lines only: the last one may be in the writing."""
    return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines() if line]


def read_jsonl(path):
    with open(path, "rb") as file:
        return parse_jsonl(file.read())


CRC32C = [0] * 256
for _i in range(256):
    CRC32C[_i] = _i
    for _bit in range(8):
        CRC32C[_i] = CRC32C[_i] >> 1 ^ (0x82F63B78 if CRC32C[_i] & 1 else 0)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def check_segment(path, data):
    """That its whole lines are numbered from 0, none is damaged, and the first says whose it is."""
    for number, line in enumerate(data.split(b"\n")[:-1]):
        checked, _, check = line.rpartition(b',"crc":')
        assert check == b'"%08x"}' % crc32c(checked), f"{path}: line {number} is damaged: {line}"
        assert checked.endswith(b',"seq":%d' % number), f"{path}: line {number} is out of order"
        assert line.startswith(b'{"type":"segment","version":1,') == (number == 0), f"{path}: {line}"


def read_segment(path):
    """The bytes of its lines, compressed or not."""
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
    with open(path, "rb") as file:
        return file.read()


def segments(state):
    """The journal's files, with their bytes; each once, though one may be compressed meanwhile."""
    for _ in range(50):
        paths = sorted(glob.glob(os.path.join(state, "journal", "*.jsonl")))
        paths += [x for x in sorted(glob.glob(os.path.join(state, "journal", "*.jsonl.zst")))
                  if x[:-len(".zst")] not in paths]
        try:
            return [(path, read_segment(path)) for path in paths]
        except FileNotFoundError:
            pass
    raise AssertionError(f"the files of {state}/journal come and go")


def journal(state):
    """The lines of calls, of segments that are whole."""
    lines = []
    for path, data in segments(state):
        check_segment(path, data)
        lines += [x for x in parse_jsonl(data) if kind(x) in ("begin", "end", "amend")]
    return lines


def kind(line):
    """begin, end or amend."""
    return line["type"]


def find_end(state, request_id):
    """The end line of a request id; it is there when the answer is."""
    lines = [x for x in journal(state) if kind(x) == "end" and x["request_id"] == request_id]
    assert len(lines) == 1, f"{len(lines)} end lines of '{request_id}' in {state}"
    return lines[0]
