# SPDX-License-Identifier: MIT
"""The processes of the bench: start, first answer, memory, end. Each is ended by its own id."""
import contextlib
import importlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

BODY = json.dumps({"model": "bench-model", "messages": [{"role": "user", "content": "hello"}]})
REQUEST = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
           "Authorization: Bearer %s\r\n"
           f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}")


class Failure(Exception):
    """A server or a tool did not do what a measurement needs."""


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Process:
    """A process and its children, in a session of their own, with their output in a file."""

    def __init__(self, name, argv, log, env=None, **popen):
        self.name, self.log = name, pathlib.Path(log)
        with open(log, "ab") as out:
            popen.setdefault("stdout", out)
            self.started_ns = time.monotonic_ns()
            self.root = subprocess.Popen(argv, stderr=out, env=env, start_new_session=True, **popen)

    def pids(self):
        """The process and all below it."""
        found, queue = [], [self.root.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    queue += [int(word) for word in task.read_text().split()]
                except OSError:
                    continue  # a thread that has ended meanwhile
        return found

    def pss_kb(self):
        """Proportional set size of all of them, from smaps_rollup."""
        total = 0
        for pid in self.pids():
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError as error:
                raise Failure(f"cannot read the memory of {self.name}: {error}") from None
            for line in text.splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def stop(self, limit_s=10):
        """Asks, waits, insists. Returns what went wrong, or None."""
        if self.root.poll() is not None:
            return f"{self.name} had ended by itself: {self.last_words()}"
        self.root.terminate()
        try:
            self.root.wait(limit_s)
            return None
        except subprocess.TimeoutExpired:
            os.killpg(self.root.pid, signal.SIGKILL)  # its own session: nobody else is in it
            self.root.wait()
            return f"{self.name} did not end within {limit_s} s of SIGTERM and was killed"


class Server(Process):
    """A proxy with its two ports (one and the same, except for nginx), and the key that it is sent."""

    key = "sk-bench"

    def __init__(self, name, argv, folder, port, stream_port, env=None):
        self.folder, self.port, self.stream_port = folder, port, stream_port
        super().__init__(name, argv, folder / "output.log", env=env)

    def first_answer_ms(self, limit_s=10):
        """Milliseconds from its start to the end of its first answer."""
        while time.monotonic_ns() - self.started_ns < limit_s * 1_000_000_000:
            if self.root.poll() is not None:
                raise Failure(f"{self.name} does not start: {self.last_words()}")
            try:
                answer = self._ask()
            except ConnectionRefusedError:
                time.sleep(0.0002)
                continue
            except OSError as error:
                raise Failure(f"{self.name} gives no answer: {error}") from None
            if not answer.startswith(b"HTTP/1.1 200 "):
                text = answer.partition(b"\r\n\r\n")[2].decode(errors="replace").strip()
                raise Failure(f"{self.name} answers {answer[:20]!r}: {text or self.last_words()}")
            return (time.monotonic_ns() - self.started_ns) / 1e6
        raise Failure(f"{self.name} did not answer within {limit_s} s: {self.last_words()}")

    def _ask(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            s.sendall((REQUEST % self.key).encode())
            answer = b""
            while part := s.recv(65536):
                answer += part
            return answer


class Certificate:
    """An upstream's, which vouches for itself: nginx asks for the name of its block, harborai for the address."""

    def __init__(self, folder):
        self.file, self.key = folder / "vendor.pem", folder / "vendor.key"
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc",
             "-days", "2", "-subj", "/CN=vendor", "-addext", "subjectAltName=DNS:vendor,IP:127.0.0.1",
             "-keyout", self.key, "-out", self.file], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"openssl makes no certificate: {done.stderr.strip()}")


def start_upstream(program, folder, certificate=None):
    tls = ["--certificate", certificate.file, "--key", certificate.key] if certificate else []
    upstream = Process("bench_upstream", [program, *tls], folder / "upstream.log",
                       stdout=subprocess.PIPE)
    line = upstream.root.stdout.readline().split()
    if len(line) != 2:
        raise Failure(f"the upstream does not start: {upstream.last_words()}")
    upstream.port = int(line[1])
    upstream.certificate = certificate
    return upstream


def start_nginx(template, folder, upstream, connections):
    folder.mkdir(mode=0o755)
    port, stream_port = free_ports(2)
    text = pathlib.Path(template).read_text()
    tls = (f"    proxy_ssl_verify on;\n    proxy_ssl_trusted_certificate {upstream.certificate.file};"
           if upstream.certificate else "")
    for name, value in {"DIR": folder, "CONNECTIONS": connections, "UPSTREAM": upstream.port,
                        "PORT": port, "STREAM_PORT": stream_port, "TLS": tls,
                        "SCHEME": "https" if tls else "http"}.items():
        text = text.replace(f"@{name}@", str(value))
    config = folder / "nginx.conf"
    config.write_text(text)
    argv = [find_nginx(), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    return Server("nginx", argv, folder, port, stream_port)


def find_nginx():
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not program:
        raise Failure("nginx is missing, the measure of all: apt-get install nginx-light")
    return program


# What is copied from the journal is no part of a request's way: it is measured by itself.
JOURNAL_ALONE = "store: { sqlite: { enabled: false } }\n"
RECORDING = {"no journal": "journal: { enabled: false }\n" + JOURNAL_ALONE,
             "the journal": JOURNAL_ALONE,
             "the journal and its index": "",
             "the journal and PostgreSQL": "store: { sqlite: { enabled: false }, postgres: { url: \"@URL@\" } }\n"}


class Harborai:
    """Where a build tree has the gateway: the program itself, not libtool's script, which would
    add a shell to the time to start."""

    def __init__(self, build, with_keys=False):
        build = pathlib.Path(build).resolve()
        self.with_keys = with_keys
        wrappers = [build / "harborai", build / "core/cli/harborai"]
        programs = [w.parent / ".libs" / w.name for w in wrappers] + wrappers
        self.program = next((p for p in programs if p.is_file() and os.access(p, os.X_OK)), None)
        self.libraries = sorted({str(p.parent) for p in build.glob("**/.libs/libharborai.so*")})
        self.plugins = sorted({str(p.parent) for name in ("openai", "anthropic")
                               for p in build.glob(f"plugins/**/.libs/{name}.so")})
        self.translates = any("anthropic" in folder for folder in self.plugins)

    def start(self, folder, upstream, settings=JOURNAL_ALONE):
        folder.mkdir(mode=0o700)
        port = free_ports(1)[0]
        config = folder / "harborai.yaml"
        tls, vendor = "", f"http://127.0.0.1:{upstream.port}"
        if upstream.certificate:
            vendor = f"https://127.0.0.1:{upstream.port}"
            tls = f"    tls: {{ ca_file: \"{upstream.certificate.file}\" }}\n"
        auth = "required" if self.with_keys else "auto"
        config.write_text(f"server: {{ host: 127.0.0.1, port: {port}, auth: {auth} }}\n{settings}"
                          f"providers:\n  lab:\n    plugin: openai\n"
                          f"    base_url: \"{vendor}/v1\"\n"
                          f"    api_key: none\n    models: [bench-model]\n{tls}" +
                          (f"  claude:\n    plugin: anthropic\n"
                           f"    base_url: \"{vendor}\"\n"
                           f"    api_key: none\n    models: [bench-claude]\n{tls}"
                           if self.translates else ""))
        env = dict(os.environ, HARBORAI_PLUGIN_PATH=":".join(self.plugins))
        if self.libraries:
            env["LD_LIBRARY_PATH"] = ":".join(self.libraries)
        state = str(folder / "state")
        argv = [str(self.program), "serve", "--config", str(config), "--state-dir", state,
                "--workers", "2"]
        key = self.make_key(state, env) if self.with_keys else Server.key
        server = Server("harborai", argv, folder, port, port, env)
        server.key = key
        return server

    def make_key(self, state, env):
        """With every limit that there is, so that all is counted; none of them is reached."""
        most = "1000000000"
        done = subprocess.run([str(self.program), "key", "create", "bench", "--rpm", most, "--tpm", most,
                               "--concurrency", "1000000", "--models", "bench-*", "--state-dir", state],
                              env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"there is no key: {done.stderr.strip()}")
        return done.stdout.strip()


def postgres(build):
    """The system tests' module of that name."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "system"))
    os.environ.setdefault("HARBORAI_BUILDDIR", str(pathlib.Path(build).resolve()))
    return importlib.import_module("postgres")


def state_bytes(folder):
    """What lies in a gateway's state directory, which is mostly its journal."""
    return sum(p.stat().st_size for p in (folder / "state").glob("**/*") if p.is_file())


class HeldStreams:
    """Streams that are silent after a few events until release(), and then go on to their end."""

    def __init__(self, program, server, most):
        argv = [program, "--port", str(server.stream_port), "--connections", str(most),
                "--key", server.key, "--pids", ",".join(map(str, server.pids())), "--opening-s", "30",
                "--hold", "--events", "3", "--delay-us", "1000", "--held-events", "6", "--after-us", "250000"]
        self.server = server
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1)

    def open(self, total):
        """So many in all; returns when each of them has relayed its events."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{total}\n")
        if self.process.stdout.readline() != f"{total}\n":
            raise Failure(f"{self.server.name}, {total} streams: {self.abandon() or 'they do not open'}")

    def release(self, upstream):
        """Returns what bench_load says of their end; errors are streams that broke off, or stalled."""
        self.process.stdin.close()
        self.process.stdin = None  # or communicate() would flush it
        upstream.root.send_signal(signal.SIGUSR1)
        try:
            output, errors = self.process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.server.name}: held streams do not end: {self.abandon()}") from None
        if self.process.returncode != 0:
            raise Failure(f"{self.server.name}: {errors.strip()}")
        return json.loads(output)

    def abandon(self):
        """Ends them without an end of theirs; returns what bench_load complained of."""
        self.process.kill()
        return self.process.communicate()[1].strip()


SPINNER = ("import os, signal\nsignal.alarm(60)\n"
           "os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass")


@contextlib.contextmanager
def awake_processors():
    """Keeps each processor busy with what any other work displaces at once. On a virtual machine
    to wake a processor that sleeps costs more than a proxy does, and now and then it does not
    sleep; both made differences of 100 µs between equal runs."""
    spinners = [subprocess.Popen([sys.executable, "-S", "-c", SPINNER])
                for _ in range(os.cpu_count())]
    try:
        time.sleep(0.1)
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def run_load(program, pids, options, limit_s):
    """One run of bench_load; returns what it printed."""
    argv = [program, *options, *(["--pids", ",".join(map(str, pids))] if pids else [])]
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"the load did not end within {limit_s} s") from None
    if done.returncode != 0:
        raise Failure(done.stderr.strip() or f"the load ended with {done.returncode}")
    return json.loads(done.stdout)
