# SPDX-License-Identifier: MIT
"""A real PostgreSQL for tests: Debian's, a cluster of its own in a temporary folder, on a free port
and a socket there. PostgreSQL does not run as root: then it runs as the user nobody.

    with postgres.server() as server:
        database = server.database()
        database.rows("SELECT count(*) FROM api_logs")      # by the superuser, through the socket
        database.url()                                       # for HarborAI: TCP, with a password

Everything that is started is ended by its pid.
"""
import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading

import support

USER = "harborai"
PASSWORD = "s3cret-of-postgres-0001"  # no message, log or listing may show it


def programs():
    """The folder of initdb and postgres, the newest; "" without any."""
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    found.sort(key=lambda path: int(path.split(os.sep)[-3]))
    return os.path.dirname(found[-1]) if found else os.path.dirname(shutil.which("initdb") or "")


def _nobody():
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _own(path):
    """Gives what is there, with all below it, to the user that the server runs as."""
    who = _nobody()
    for place, _, files in os.walk(path):
        for name in [place, *(os.path.join(place, file) for file in files)]:
            if who:
                os.chown(name, who.pw_uid, who.pw_gid)


def _as_nobody():
    who = _nobody()
    return ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"] if who else []


class Database:
    def __init__(self, server, name):
        self.server = server
        self.name = name

    def rows(self, sql, user="postgres"):
        """The rows of a statement, each a list of texts; NULL is None."""
        done = subprocess.run(
            [os.path.join(programs(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             "-P", "null=\\N", "-F", "\x1f", "-h", self.server.place, "-p", str(self.server.port),
             "-U", user, "-d", self.name, "-f", "-"],
            input=sql, capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PGCLIENTENCODING": "UTF8"})
        if done.returncode != 0:
            raise AssertionError(f"psql: {done.stderr.strip()}\n{sql}")
        return [[None if cell == "\\N" else cell for cell in line.split("\x1f")]
                for line in done.stdout.splitlines()]

    def value(self, sql):
        return self.rows(sql)[0][0]

    @contextlib.contextmanager
    def locked(self, *tables):
        """Nobody else gets at them."""
        with subprocess.Popen([os.path.join(programs(), "psql"), "-X", "-q", "-h", self.server.place,
                               "-p", str(self.server.port), "-U", "postgres", "-d", self.name],
                              stdin=subprocess.PIPE, text=True) as locker:
            locker.stdin.write(f"BEGIN; LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE;\n")
            locker.stdin.flush()
            support.wait_for("the locks", lambda: self.value(
                "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted "
                "AND relation IS NOT NULL") == str(len(tables)))
            yield
            locker.stdin.close()

    def tables(self):
        """Everything in it that a user made: kind and name."""
        return self.rows("SELECT c.relkind, n.nspname || '.' || c.relname FROM pg_class c "
                         "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ "
                         "'^(pg_|information_schema)' UNION SELECT 'f', n.nspname || '.' || p.proname "
                         "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                         "WHERE n.nspname !~ '^(pg_|information_schema)' ORDER BY 1, 2")

    def url(self, user=USER, password=PASSWORD, scheme="postgresql", port=None, more=""):
        return (f"{scheme}://{user}:{password}@127.0.0.1:{port or self.server.port}/{self.name}{more}")


class Server:
    def __init__(self, place, options):
        self.place = place
        self.data = os.path.join(place, "data")
        self.log_path = os.path.join(place, "server.log")
        self.options = options
        self.port = support.free_port()
        self.process = None
        self.count = 0

    def make(self):
        _own(self.place)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                  "--auth=trust", "--no-sync", "--no-instructions")
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="utf-8") as file:
            file.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")

    def _run(self, program, *arguments):
        done = subprocess.run([*_as_nobody(), os.path.join(programs(), program), *arguments],
                              capture_output=True, text=True, check=False, timeout=120, cwd=self.place)
        if done.returncode != 0:
            raise AssertionError(f"{program}: {done.stdout}{done.stderr}")

    def start(self, *options):
        """It answers when this returns. Options as of its command line: "-c", "ssl=on"."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*_as_nobody(), os.path.join(programs(), "postgres"), "-D", self.data, "-p",
                 str(self.port), "-k", self.place, "-h", "127.0.0.1", "-c", "fsync=off", "-c",
                 "shared_buffers=32MB", "-c", "max_connections=40", *self.options, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.place)
        support.wait_for("PostgreSQL answers", self._answers, 60)

    def _answers(self):
        assert self.process.poll() is None, f"PostgreSQL did not start:\n{self.log()}"
        done = subprocess.run([os.path.join(programs(), "pg_isready"), "-q", "-h", self.place, "-p",
                               str(self.port)], check=False)
        return done.returncode == 0

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast, SIGQUIT: at once, as after a crash."""
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self):
        """kill -9 of all its processes."""
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def pause(self):
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in reversed(self._processes()):
            os.kill(pid, signal.SIGCONT)

    def _processes(self):
        """The postmaster, then those that it started."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="utf-8") as file:
            return [self.process.pid, *(int(pid) for pid in file.read().split())]

    def own(self, path, mode=0o600):
        """Gives the server a file: it wants its key for itself."""
        who = _nobody()
        if who:
            os.chown(path, who.pw_uid, who.pw_gid)
        os.chmod(path, mode)

    def database(self, name=None, options="", owner=USER):
        """A new database; its owner is the role of HarborAI."""
        self.count += 1
        name = name or f"test_{self.count}"
        root = Database(self, "postgres")
        root.rows(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 {options}")
        return Database(self, name)


class Disk:
    """A small one: a tmpfs, which takes root."""

    def __init__(self, place, size="3g"):
        self.place, self.size = place, size

    def __enter__(self):
        self._mount(f"size={self.size}", "tmpfs")
        os.chmod(self.place, 0o755)
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.place], check=True)

    def _mount(self, options, *what):
        subprocess.run(["mount", *(["-t", "tmpfs"] if what else []), "-o", options, *what, self.place],
                       check=True)

    def fill(self):
        """It has just as much room as is used; once more where a server writes faster than that is said."""
        for is_last in (False, False, False, False, True):
            now = os.statvfs(self.place)
            try:
                self._mount(f"remount,size={(now.f_blocks - now.f_bfree) * now.f_frsize // 1024 + 64}k")
                return
            except subprocess.CalledProcessError:
                if is_last:
                    raise

    def mend(self):
        self._mount(f"remount,size={self.size}")


class Relay:
    """TCP to a port on this host: it passes everything on, or nothing more ("swallow"), or is not to be
    had ("cut"). What stands in `hold` it keeps, once, and passes on after release()."""

    def __init__(self, port):
        self.target = port
        self.mode = "pass"
        self.pairs = []
        self.hold, self.held, self.released = None, threading.Event(), threading.Event()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        _close(self.listener)
        self.thread.join(10)
        self.drop()

    def swallow(self):
        self.mode = "swallow"

    def cut(self):
        self.mode = "cut"
        self.drop()

    def mend(self):
        """What was swallowed stays so, as do the connections of then."""
        self.mode = "pass"

    def drop(self):
        for pair in self.pairs:
            for sock in pair:
                _close(sock)

    def hang_up(self):
        """On the clients: their server does not know yet."""
        for near, _ in self.pairs:
            _close(near)

    def release(self):
        self.released.set()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if self.mode == "pass":
                    self._pass(near)
                elif self.mode == "cut":
                    _close(near)
                else:
                    self.pairs.append((near,))

    def _pass(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:  # as the server would say it
            _close(near)
            return
        self.pairs.append((near, far))
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._copy, args=(source, target, source is near),
                             daemon=True).start()

    def _copy(self, source, target, is_from_client):
        is_deaf = False  # a connection that missed something is of no use any more
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                is_deaf = is_deaf or self.mode != "pass"
                if is_from_client and self.hold and self.hold in piece:
                    self.hold = None
                    self.held.set()
                    self.released.wait(60)
                if not is_deaf:
                    target.sendall(piece)
            if not is_deaf:
                target.shutdown(socket.SHUT_WR)


def _close(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@contextlib.contextmanager
def server(*options, disk=False):
    """`disk`: it stands on one of its own, a Disk, server.disk."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(support.folder())
        running = Server(place, options)
        running.disk = stack.enter_context(Disk(place)) if disk else None
        running.make()
        running.start()
        Database(running, "postgres").rows(
            f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        try:
            yield running
        finally:
            running.stop()
