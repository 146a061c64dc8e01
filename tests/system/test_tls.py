# SPDX-License-Identifier: MIT
"""TLS towards clients: versions, client certificates, large and slow transfers, what is no TLS, bad
certificates at the start and upon a reload. Certificates are made here, by the openssl command."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import unittest

import exposition
import support
from support import chat_body, exchange

CERTS = None


def openssl(*arguments, stdin=""):
    return subprocess.run(["openssl", *arguments], cwd=CERTS, input=stdin, capture_output=True,
                          text=True, check=True, timeout=60).stdout


def make_client(name, ca="ca"):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/O=Example/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-days", "9",
            "-set_serial", "77", "-out", f"{name}.pem")


def setUpModule():
    global CERTS
    with contextlib.ExitStack() as stack:
        CERTS = support.make_certs(stack.enter_context(support.folder()))
        make_client("app-1")
        with open(file("good.key"), encoding="ascii") as whole, open(file("half.key"), "w", encoding="ascii") as half:
            half.write(whole.read()[:100])
        make_client("stranger", "other-ca")
        openssl("pkey", "-in", "good.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key")
        openssl("x509", "-in", "good.pem", "-outform", "der", "-out", "good.der")
        openssl("pkey", "-in", "good.key", "-outform", "der", "-out", "good.der.key")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=other",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "other.key", "-out", "other.pem")
        unittest.addModuleCleanup(stack.pop_all().close)


def file(name):
    return os.path.join(CERTS, name)


def pair(name, **more):
    return {"certificate": file(name + ".pem"), "key": file(name + ".key"), **more}


def context(version=None, client=None, ca="ca"):
    made = ssl.create_default_context(cafile=file(ca + ".pem"))
    if version:
        made.minimum_version = made.maximum_version = version
    if client:
        made.load_cert_chain(file(client + ".pem"), file(client + ".key"))
    return made


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class TlsTest(support.WithSimulator):
    """`hb` is one gateway for the tests of a class that ask for nothing special."""

    tls = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with contextlib.ExitStack() as stack:
            cls.hb = stack.enter_context(cls.serve(**cls.tls))
            cls.addClassCleanup(stack.pop_all().close)

    @classmethod
    def serve(cls, *arguments, name="good", **more):
        config = {**cls.config, "server": {"tls": pair(name, **more)}}
        return support.listening("--port", "0", *arguments, config=config)

    def raw(self, hb=None, made=None, session=None, **more):
        """A connection with its handshake done, closed when the test ends."""
        sock = socket.create_connection(("127.0.0.1", (hb or self.hb).port), timeout=30)
        self.addCleanup(sock.close)
        wrapped = (made or context()).wrap_socket(sock, server_hostname="127.0.0.1", session=session,
                                                  **more)
        self.addCleanup(wrapped.close)
        return wrapped

    def ask(self, method="GET", path="/health", body=None, hb=None, made=None, headers=None):
        client = http.client.HTTPSConnection("127.0.0.1", (hb or self.hb).port, timeout=30,
                                             context=made or context())
        with contextlib.closing(client):
            return exchange(client, method, path, body, headers)

    def chat(self, content, hb=None, made=None, headers=None, **more):
        return self.ask("POST", "/v1/chat/completions", chat_body(content, **more), hb, made, headers)

    def assert_serves(self, hb=None, made=None):
        self.assertEqual(self.ask(hb=hb, made=made).status, 200)


def read_all(sock, size=65536):
    seen = b""
    while piece := sock.recv(size):
        seen += piece
    return seen


def post(body, headers=""):
    data = json.dumps(body).encode()
    return (f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{headers}content-length: {len(data)}\r\n\r\n"
            .encode() + data)


GET = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


class TransferTest(TlsTest):
    def test_versions(self):
        self.assertRegex(self.hb.url, r"^https://127\.0\.0\.1:\d+$")
        for version, name in ((V12, "TLSv1.2"), (V13, "TLSv1.3")):
            with self.subTest(name):
                made = context(version)
                made.set_alpn_protocols(["h2", "http/1.1"])
                sock = self.raw(made=made)
                self.assertEqual((sock.version(), sock.selected_alpn_protocol()), (name, "http/1.1"))
                self.assertRegex(sock.cipher()[0], "GCM|CHACHA20")
                self.assertEqual(self.chat("over " + name, made=context(version)).text(), "over " + name)

    def test_openssl_s_client(self):
        for version in ("-tls1_2", "-tls1_3"):
            said = subprocess.run(
                ["openssl", "s_client", version, "-connect", f"127.0.0.1:{self.hb.port}", "-CAfile",
                 file("ca.pem"), "-verify_return_error", "-verify_ip", "127.0.0.1", "-quiet",
                 "-no_ign_eof", "-ign_eof"], input=GET, capture_output=True, check=False, timeout=60)
            self.assertIn(b"HTTP/1.1 200 OK\r\n", said.stdout, said.stderr)

    def test_only_http2_is_refused(self):
        made = context()
        made.set_alpn_protocols(["h2"])
        with self.assertRaises(ssl.SSLError):
            self.raw(made=made)

    def test_stream(self):
        for version in (V12, V13):
            answer = self.chat("one two three", made=context(version), stream=True)
            events = answer.events()
            self.assertEqual((events[-1], support.stream_text(events)), ("[DONE]", "one two three"))

    def test_many_requests_on_a_connection(self):
        client = http.client.HTTPSConnection("127.0.0.1", self.hb.port, timeout=30, context=context())
        with contextlib.closing(client):
            for i in range(20):
                answer = exchange(client, "POST", "/v1/chat/completions",
                                  chat_body(f"turn {i}", stream=i % 2 == 1))
                self.assertEqual(answer.status, 200)
                self.assertIn(f"{i}".encode(), answer.body)

    def test_requests_in_one_record(self):
        sock = self.raw()
        sock.sendall(GET.replace(b"connection: close\r\n", b"") * 30 + GET)
        self.assertEqual(read_all(sock).count(b"HTTP/1.1 200 OK\r\n"), 31)

    def test_sessions_are_resumed(self):
        for version in (V12, V13):
            made = context(version)
            first = self.raw(made=made)
            first.sendall(GET)
            read_all(first)
            again = self.raw(made=made, session=first.session)
            again.sendall(GET)
            self.assertIn(b" 200 OK", read_all(again))
            self.assertTrue(again.session_reused, version)

    def test_large_bodies_both_ways(self):
        text = "0123456789abcdef" * (5 << 16)
        for version in (V12, V13):
            answer = self.chat(text, made=context(version))
            self.assertEqual((answer.status, answer.text() == text), (200, True))

    def test_a_slow_reader(self):
        text = "0123456789abcdef" * (10 << 16)  # more than the kernel takes on its own
        for version in (V12, V13):
            sock = self.raw(made=context(version))
            sock.sendall(post(chat_body(text), "connection: close\r\n"))
            time.sleep(1)  # until what lies between is full
            self.assert_serves()
            head, _, body = read_all(sock, 30000).partition(b"\r\n\r\n")
            self.assertIn(b" 200 OK", head)
            self.assertEqual(json.loads(body)["choices"][0]["message"]["content"], text)

    def test_byte_by_byte(self):
        """Records, and the handshake's too, come in pieces of any size."""
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context().wrap_bio(into, out, server_hostname="127.0.0.1")
        with socket.create_connection(("127.0.0.1", self.hb.port), timeout=30) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def pump(step):
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        for byte in out.read():
                            sock.sendall(bytes([byte]))
                        piece = sock.recv(65536)
                        into.write(piece) if piece else into.write_eof()

            pump(tls.do_handshake)
            tls.write(GET)
            self.assertIn(b" 200 OK", pump(lambda: tls.read(65536)))

    def test_the_end_is_told(self):
        sock = self.raw(suppress_ragged_eofs=False)
        sock.sendall(GET)
        self.assertTrue(read_all(sock).endswith(b"}"))  # without close_notify: SSLEOFError

    def test_a_refusal_is_read_whole(self):
        sock = self.raw(suppress_ragged_eofs=False)
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
                     b"content-length: 99999999999\r\n\r\n" + b"x" * 200000)
        self.assertIn(b"HTTP/1.1 413 ", read_all(sock))

    def test_a_client_that_leaves(self):
        sock = self.raw()
        sock.sendall(post(chat_body({"events": 100000, "delay_ms": 10}, stream=True),
                          "x-request-id: tls-leaver\r\n"))
        self.assertIn(b"200 OK", sock.recv(65536))
        sock.close()

        def ended():
            return [x for x in self.hb.journal()
                    if support.kind(x) == "end" and x["request_id"] == "tls-leaver"]
        self.assertEqual(support.wait_for("its end", ended)[0]["outcome"], "cancelled")

    def test_a_stop_lets_streams_end(self):
        with self.serve() as hb:
            sock = self.raw(hb, suppress_ragged_eofs=False)
            sock.sendall(post(chat_body({"events": 50, "delay_ms": 10}, stream=True)))
            seen = sock.recv(65536)
            hb.process.send_signal(signal.SIGTERM)
            seen += read_all(sock)
            self.assertIn(b"000049 ", seen)
            self.assertIn(b"[DONE]", seen)
            hb.process.wait(20)
            hb.killed = True
            self.assertEqual(hb.process.returncode, 0)

    def test_a_unix_socket_beside_it_is_plain(self):
        with support.folder() as place:
            path = os.path.join(place, "gw.sock")
            with self.serve("--socket", path) as hb:
                self.assertEqual(hb.url, f"https://127.0.0.1:{hb.port}, unix:{path}")
                with contextlib.closing(support.UnixConnection(path)) as client:
                    self.assertEqual(exchange(client, "GET", "/health").status, 200)
                self.assert_serves(hb)

    def test_a_socket_that_was_passed(self):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            script = ("import os, sys; fd = int(sys.argv[1]); os.dup2(fd, 3) if fd != 3 else None; "
                      "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); "
                      "os.execv(sys.argv[2], sys.argv[2:])")
            with support.listening(config={**self.config, "server": {"tls": pair("good")}},
                                   pass_fds=[sock.fileno()],
                                   wrapper=("python3", "-c", script, str(sock.fileno()))) as hb:
                self.assertEqual(hb.url, f"https://127.0.0.1:{sock.getsockname()[1]}")
                self.assert_serves(hb)


class NoTlsTest(TlsTest):
    """What comes to the port and is no handshake, or not a whole one."""

    def send(self, data, hb=None):
        sock = socket.create_connection(("127.0.0.1", (hb or self.hb).port), timeout=30)
        self.addCleanup(sock.close)
        sock.sendall(data)
        return sock

    def test_plain_http_is_told_so(self):
        for request in (GET, post(chat_body("x" * 100000)), b"HEAD / HTTP/1.1\r\n\r\n"):
            answer = read_all(self.send(request))
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
            self.assertIn(b"connection: close", head)
            self.assertEqual(json.loads(body)["error"]["code"], "https_required")
        self.assert_serves()

    def test_garbage(self):
        for data in (b"\0" * 100, b"\xff" * 5000, os.urandom(3000), b"SSH-2.0-client\r\n",
                     b"\x16\x03\x01\x40\x00" + b"\x01" * 20000, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"):
            sock = self.send(data)
            with contextlib.suppress(OSError):  # it may have been closed already
                sock.shutdown(socket.SHUT_WR)
                self.assertNotIn(b"HTTP/1.1 2", read_all(sock))
        self.assert_serves()

    def test_the_log_says_why_and_not_too_often(self):
        with self.serve() as hb:
            for _ in range(20):
                with contextlib.suppress(ConnectionError):
                    read_all(self.send(b"SSH-2.0-client\r\n", hb))
            lines = re.findall(r"(?m)^.* warn tls\.handshake_failed (.*)$", hb.log())
            self.assertTrue(1 <= len(lines) <= 2 * 3, lines)  # one a loop, and one each 10 s
            self.assertRegex(lines[0], r"^client=127\.0\.0\.1 reason='wrong version number' untold=0$")

    def test_a_client_that_does_not_trust_us(self):
        with self.serve() as hb:
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.raw(hb, context(ca="other-ca"))
            support.wait_for("the log", lambda: "reason='tlsv1 alert unknown ca'" in hb.log())

    def test_half_done_handshakes(self):
        """None of them costs the others anything, and an end does not wait for them."""
        with self.serve() as hb:
            hello = ssl.MemoryBIO()
            with contextlib.suppress(ssl.SSLWantReadError):
                context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1").do_handshake()
            whole = hello.read()
            halves = [self.send(whole[:i % len(whole)], hb) for i in range(0, 400, 4)]
            self.assert_serves(hb)
            for sock in halves[:50]:
                sock.close()
            self.assert_serves(hb)
            began = time.monotonic()
            hb.process.send_signal(signal.SIGTERM)
            hb.process.wait(20)
            hb.killed = True
            self.assertEqual(hb.process.returncode, 0)
            self.assertLess(time.monotonic() - began, 15)

    def test_a_handshake_that_takes_too_long(self):
        with support.listening("--port", "0", config={
                "server": {"tls": pair("good"), "timeouts": {"head": "100ms"}}}) as hb:
            self.assertEqual(read_all(self.send(b"\x16\x03\x01\x02\x00\x01", hb)), b"")
            self.assertIn("tls.handshake_failed client=127.0.0.1 reason='it took too long'", hb.log())

    def test_they_are_counted(self):
        with self.serve() as hb:
            asked = 0

            def counted():
                nonlocal asked
                asked += 1
                families = exposition.parse(self.ask(path="/metrics", hb=hb).body.decode(), False)
                return [exposition.value(families, "harborai_tls_handshakes_total", result=result)
                        for result in ("ok", "failed")]
            self.assertEqual(counted(), [1, 0])
            for data in (b"SSH-2.0-client\r\n", GET):
                with contextlib.suppress(ConnectionError):
                    read_all(self.send(data, hb))
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.raw(hb, context(ca="other-ca"))
            socket.create_connection(("127.0.0.1", hb.port)).close()
            support.wait_for("all three", lambda: counted()[1] == 3)
            self.assertEqual(counted()[0], asked)

    def test_who_only_looks_is_no_failure(self):
        """As a load balancer does that asks whether the port is open."""
        with self.serve() as hb:
            for _ in range(5):
                socket.create_connection(("127.0.0.1", hb.port)).close()
            self.assert_serves(hb)
            self.assertNotIn("tls.handshake_failed", hb.log())


class VersionTest(TlsTest):
    tls = {"min_version": 1.3}

    def test_the_oldest_version(self):
        self.assert_serves(made=context(V13))
        with self.assertRaises(ssl.SSLError):
            self.raw(made=context(V12))
        support.wait_for("the log", lambda: "reason='unsupported protocol'" in self.hb.log())


class ClientCertificateTest(TlsTest):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.strict = self.stack.enter_context(self.serve(client_ca=file("ca.pem")))

    def test_one_of_the_authority(self):
        for version in (V12, V13):
            answer = self.chat("as app-1", self.strict, context(version, "app-1"))
            self.assertEqual(answer.text(), "as app-1")
        support.wait_for("the log", lambda: self.strict.log().count(
            "info tls.client client=127.0.0.1 subject='CN=app-1,O=Example'") == 2)

    def test_a_resumed_session_keeps_it(self):
        for version in (V12, V13):
            made = context(version, "app-1")
            first = self.raw(self.strict, made)
            first.sendall(GET)
            read_all(first)
            again = self.raw(self.strict, made, session=first.session)
            again.sendall(GET)
            self.assertIn(b" 200 OK", read_all(again))
            self.assertTrue(again.session_reused)

    def assert_refused(self, client, reason):
        for version in (V12, V13):
            with self.subTest(version=version), self.serve(client_ca=file("ca.pem")) as hb:
                with self.assertRaises((ssl.SSLError, ConnectionError)):
                    sock = self.raw(hb, context(version, client), suppress_ragged_eofs=False)
                    sock.sendall(GET)  # with TLS 1.3 the client hears of it only now
                    self.assertNotIn(b"HTTP/", sock.recv(65536))
                    raise ConnectionError("closed")
                support.wait_for("the log", lambda: f"reason='{reason}'" in hb.log())
                self.assert_serves(hb, context(version, "app-1"))

    def test_none(self):
        self.assert_refused(None, "peer did not return a certificate")

    def test_one_of_another_authority(self):
        self.assert_refused("stranger", "unable to get local issuer certificate")

    def test_one_that_has_expired(self):
        self.assert_refused("expired", "certificate has expired")


class BadPairTest(TlsTest):
    """(what is set, words of the message): each names its file."""

    CASES = (
        ({"certificate": "gone.pem"}, "the certificate '{gone.pem}' cannot be read: No such file"),
        ({"key": "gone.key"}, "the key '{gone.key}' cannot be read: No such file"),
        ({"client_ca": "gone.ca"}, "the CA file of clients '{gone.ca}' cannot be read: No such file"),
        ({"key": "wrong.key"}, "the key '{wrong.key}' does not belong to the certificate '{good.pem}'"),
        ({"key": "other.key"}, "the key '{other.key}' does not belong to the certificate '{good.pem}'"),
        ({"certificate": "expired.pem", "key": "expired.key"}, "the certificate '{expired.pem}' expired on "),
        ({"certificate": "good.der"}, "the certificate '{good.der}' is none in PEM format"),
        ({"certificate": "good.key"}, "the certificate '{good.key}' is none in PEM format"),
        ({"key": "good.der.key"}, "the key '{good.der.key}' is none in PEM format"),
        ({"key": "good.pem"}, "the key '{good.pem}' is none in PEM format"),
        ({"key": "half.key"}, "the key '{half.key}' is none in PEM format, or not whole"),
        ({"key": "locked.key"}, "the key '{locked.key}' is encrypted"),
        ({"client_ca": "good.der"}, "the CA file of clients '{good.der}' holds no certificate"),
    )

    @staticmethod
    def words(text):
        return re.sub(r"\{(.*?)\}", lambda m: file(m.group(1)), text)

    def test_the_start_says_what_is_wrong(self):
        for change, words in self.CASES:
            with self.subTest(words):
                tls = {**pair("good"), **{key: file(name) for key, name in change.items()}}
                done = support.harborai("serve", "--port", "0",
                                        config={**self.config, "server": {"tls": tls}})
                self.assertEqual(done.returncode, 78)
                self.assertRegex(done.stderr, r"yaml:\d+:\d+: " + re.escape(self.words(words)))
                self.assertNotIn("listening on", done.stderr)
                done = support.harborai("config", "check", config={
                    **self.config, "server": {"tls": tls}})
                self.assertEqual(done.returncode, 3)
                self.assertRegex(done.stderr, r"yaml:\d+:\d+: " + re.escape(self.words(words)))

    def test_what_cannot_be_read(self):
        with support.folder() as place:  # root may read all files
            done = support.harborai("serve", "--port", "0", config={
                **self.config, "server": {"tls": {**pair("good"), "key": place}}})
            self.assertIn(f"the key '{place}' cannot be read: Is a directory", done.stderr)
            pipe = os.path.join(place, "pipe")
            os.mkfifo(pipe)
            done = support.harborai("serve", "--port", "0", config={
                **self.config, "server": {"tls": {**pair("good"), "certificate": pipe}}})
            self.assertIn(f"the certificate '{pipe}' is no regular file", done.stderr)

    def test_half_a_pair(self):
        done = support.harborai("config", "check", config={
            **self.config, "server": {"tls": {"certificate": file("good.pem")}}})
        self.assertEqual(done.returncode, 3)
        self.assertIn("'server.tls.certificate' needs 'server.tls.key' beside it", done.stderr)


class ReloadTest(TlsTest):
    def reload(self, hb, tls, mark):
        config = {**self.config, "server": {"tls": tls} if tls else {}}
        support.write_config(hb.place, config)
        before = hb.log().count(mark)
        hb.process.send_signal(signal.SIGHUP)
        support.wait_for(mark, lambda: hb.log().count(mark) > before)

    def shown(self, hb, ca):
        return self.raw(hb, context(ca=ca)).getpeercert(binary_form=True)

    def test_a_new_pair(self):
        with self.serve() as hb:
            old = self.raw(hb, context())
            before = old.getpeercert(binary_form=True)
            self.reload(hb, pair("other"), "tls.loaded")
            # The wait is for the swap, of which the line tells just before it happens.
            support.wait_for("the new one", lambda: self.ask_trusting_other(hb))
            self.assertNotEqual(self.shown(hb, "other"), before)
            old.sendall(GET.replace(b"connection: close\r\n", b""))
            self.assertIn(b" 200 OK", old.recv(65536), "a connection keeps what it began with")

    def test_the_end_of_a_certificate(self):
        def shown(hb, made):
            families = exposition.parse(self.ask(path="/metrics", hb=hb, made=made).body.decode(), False)
            return exposition.value(families, "harborai_tls_certificate_not_after_timestamp_seconds")

        def end_of(name):
            said = openssl("x509", "-in", name + ".pem", "-noout", "-enddate").strip()
            return ssl.cert_time_to_seconds(said.partition("=")[2])
        with self.serve() as hb:
            self.assertEqual(shown(hb, context()), end_of("good"))
            self.reload(hb, pair("other"), "tls.loaded")
            support.wait_for("the new one", lambda: self.ask_trusting_other(hb))
            self.assertEqual(shown(hb, context(ca="other")), end_of("other"))
        with support.gateway(self.config) as hb:
            self.assertNotIn(b"harborai_tls_certificate", hb.request("GET", "/metrics").body)

    def ask_trusting_other(self, hb):
        try:
            return self.ask(hb=hb, made=context(ca="other")).status == 200
        except ssl.SSLError:
            return False

    def test_the_same_files_with_new_content(self):
        with support.folder() as place, contextlib.ExitStack() as stack:
            paths = {"certificate": os.path.join(place, "c.pem"), "key": os.path.join(place, "k.pem")}

            def put(name):
                for key, path in paths.items():
                    with open(pair(name)[key], "rb") as source, open(path + ".new", "wb") as target:
                        target.write(source.read())
                    os.rename(path + ".new", path)

            put("good")
            hb = stack.enter_context(support.listening(
                "--port", "0", config={**self.config, "server": {"tls": paths}}))
            self.assert_serves(hb)
            put("other")
            hb.process.send_signal(signal.SIGHUP)
            support.wait_for("the new one", lambda: self.ask_trusting_other(hb))

    def test_a_bad_pair_leaves_the_old_one(self):
        with self.serve() as hb:
            for change, words in BadPairTest.CASES:
                with self.subTest(words):
                    tls = {**pair("good"), **{key: file(name) for key, name in change.items()}}
                    self.reload(hb, tls, "error tls.kept")
                    said = BadPairTest.words(words).replace("'", "\\'")
                    line = hb.log().splitlines()[-1]
                    self.assertIn(said, line)
                    self.assertIn("' help='", line)  # nothing of it is taken for a secret
                    self.assert_serves(hb)
            self.reload(hb, pair("good"), "tls.loaded")
            self.assert_serves(hb)

    def test_client_certificates_from_now_on(self):
        with self.serve() as hb:
            made = context()
            first = self.raw(hb, made)
            first.sendall(GET)
            read_all(first)
            self.reload(hb, pair("good", client_ca=file("ca.pem")), "tls.loaded")

            def is_refused():
                try:
                    sock = self.raw(hb, made, session=first.session)
                    sock.sendall(GET)
                    return b"HTTP/" not in sock.recv(65536)
                except (ssl.SSLError, ConnectionError):
                    return True
            support.wait_for("the refusal", is_refused)
            self.assert_serves(hb, context(client="app-1"))

    def test_it_cannot_be_switched_off(self):
        with self.serve() as hb:
            self.reload(hb, None, "config.needs_restart setting='server.tls' running='on' configured='off'")
            self.assert_serves(hb)

    def test_nor_on(self):
        with support.listening("--port", "0", config=self.config) as hb:
            self.reload(hb, pair("good"),
                        "config.needs_restart setting='server.tls' running='off' configured='on'")
            self.assertEqual(hb.request("GET", "/health").status, 200)

    def test_reloads_under_load(self):
        with self.serve() as hb:
            other = context(ca="other")
            other.load_verify_locations(file("ca.pem"))  # either is good
            for i in range(30):
                tls = pair("other" if i % 2 else "good")
                support.write_config(hb.place, {**self.config, "server": {"tls": tls}})
                hb.process.send_signal(signal.SIGHUP)
                for _ in range(3):
                    self.assert_serves(hb, other)


if __name__ == "__main__":
    unittest.main()
