# SPDX-License-Identifier: MIT
"""Every mistake answered: what happened, where, and the way out, word for word."""
import json
import os
import socket
import struct
import threading

import made
import support
from golden import Golden

OPENAI = os.path.join(support.BUILD, "plugins", "openai", ".libs")


class CommandLineTest(Golden):
    room = "command_line"

    def test(self):
        self.config = self.write("good.yaml", """
providers:
  lab: { plugin: openai, base_url: "http://127.0.0.1:9/v1", api_key: none, models: [my-model] }
""")
        self.commands()
        self.questions()
        self.models()
        self.files()
        self.addresses()
        self.settle()

    def chat(self, name, *arguments, **more):
        self.ask(name, "chat", "--config", self.config, *arguments, **more)

    def commands(self):
        self.ask("no command")
        self.ask("no such command", "frobnicate")
        self.ask("nearly a command", "caht")
        self.ask("an option in place of the command", "--frobnicate")
        self.ask("no such option", "chat", "--frobnicate")
        self.ask("no such letter", "chat", "-x")
        self.ask("ambiguous option", "chat", "--s", "x")
        self.ask("option without its value", "chat", "-m")
        self.ask("long option without its value", "serve", "--port")
        self.ask("value for an option that takes none", "list-models", "--json=yes")
        self.ask("argument where none is taken", "list-plugins", "all")
        self.ask("argument of serve", "serve", "8000")
        for option, value in (("--port", "x"), ("--port", "70000"), ("--port", ""),
                              ("--workers", "many"), ("--workers", "65"), ("--log-level", "loud")):
            self.ask(f"serve {option} {value or 'empty'}", "serve", option, value)

        self.ask("nearly an option", "chat", "--modle", "x")
        self.ask("no such colour", "--color", "blue", "list-models")
        self.ask("quiet and verbose", "list-models", "-q", "-v")
        self.ask("help of no command", "help", "caht")
        self.ask("no such shell", "completion", "tcsh")
        self.ask("no shell", "completion")
        for value in ("0", "many", "10000000"):
            self.ask(f"logs -n {value}", "logs", "-n", value)
        for option, value in (("--temperature", "warm"), ("--max-tokens", "0"), ("--timeout", "soon"),
                              ("--timeout", "0")):
            self.chat(f"chat {option} {value}", "-m", "my-model", option, value, "hello")

    def questions(self):
        self.chat("empty question", "-m", "my-model", "-", stdin=" \n")
        self.chat("question of bytes", "-m", "my-model", "-", stdin="a\0b")
        self.chat("file that is not there", "-m", "my-model", "-f", self.path("gone.txt"), "hello")
        self.chat("file that is a directory", "-m", "my-model", "-f", self.place, "hello")
        self.chat("file of bytes", "-m", "my-model", "-f", self.write("image", "\x89PNG\0"), "hello")
        self.ask("interactive, what is no command", "interactive", "--config", self.config, "-q",
                 stdin="/modle x\n/nonsense\n/save\n/save /nonexistent/x\nhello\n")
        self.chat("question too large", "-m", "my-model", "-", stdin="x" * (17 << 20))
        self.chat("question from a directory", "-m", "my-model", "-", redirect=" </")

    def models(self):
        self.chat("no model", "hello")
        self.chat("empty model", "-m", "", "hello")
        self.chat("unknown model", "-m", "no-such-model", "hello")
        self.chat("nearly a model", "-m", "my-modle", "hello")
        self.chat("unknown provider", "-m", "nobody/my-model", "hello")
        self.chat("unknown model of a provider", "-m", "lab/other", "hello")
        self.chat("provider of chat that is not there", "-m", "my-model", "--provider", "nobody",
                  "hello")
        self.ask("provider that is not there", "list-models", "--config", self.config,
                 "--provider", "nobody")
        only = {"HARBORAI_PLUGIN_PATH": OPENAI}
        self.ask("no key", "chat", "-m", "gpt-4o", "hello", env=only)
        self.ask("no key, and no file", "list-models", "--provider", "openai", env=only)
        lacking = self.write("lacking.yaml", "providers: { openai: {} }\n")
        self.ask("no key of a provider in the file", "chat", "-c", lacking, "-m", "gpt-4o", "hello",
                 env=only)
        os.mkdir(self.path("empty"))
        self.ask("no plugin at all", "chat", "-m", "gpt-4o", "hello",
                 env={"HARBORAI_PLUGIN_PATH": self.path("empty")})

    def files(self):
        self.ask("no such configuration", "list-models", "--config", self.path("gone.yaml"))
        self.ask("configuration that the environment names", "list-models",
                 env={"HARBORAI_CONFIG": self.path("gone.yaml")})
        self.ask("configuration that is a directory", "list-models", "--config", self.place)
        file = self.write("a-file", "")
        self.chat("state directory below a file", "-m", "my-model", "--state-dir", file + "/state",
                  "hello")
        self.chat("state directory that is a file", "-m", "my-model", "--state-dir", file, "hello")
        self.ask("logs of a state directory that is a file", "logs", "--state-dir", file)
        os.makedirs(self.path("broken/journal"))
        self.write("broken/journal/x.jsonl", "nonsense\n{}\n{")
        self.ask("logs of a broken journal", "logs", "--state-dir", self.path("broken"),
                 listed=True)
        for command in ("list-models", "list-plugins", "--version", "--help"):
            self.ask(f"closed stdout, {command}", command, redirect=" >&-")
            self.ask(f"full disk, {command}", command, redirect=" >/dev/full")

    def addresses(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            self.names[port] = "PORT"
            self.ask("port that is taken", "serve", "--port", port)
        self.ask("address of another machine", "serve", "--port", "0", "--host", "192.0.2.1")
        self.ask("address that is none", "serve", "--port", "0", "--host", "no.such.host.invalid")


class PluginsTest(Golden):
    room = "plugins"

    def test(self):
        self.refused()
        self.at_load()
        self.directories()
        self.settle()

    def directory(self, name):
        path = self.path(name)
        os.mkdir(path, 0o755)
        return path

    def listed(self, name, make):
        """One file that `make` puts into a directory of its own."""
        place = self.directory(name.replace(" ", "-"))
        make(place)
        self.both(name, place)

    def both(self, name, path):
        env = {"HARBORAI_PLUGIN_PATH": path}
        self.ask(name, "chat", "-m", "bad/bad-model", "hello", env=env)
        self.ask(name + ", listed", "list-plugins", env=env, listed=True)

    def refused(self):
        def file(text):
            def make(place):
                path = os.path.join(place, "bad.so")
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
                os.chmod(path, 0o644)
            return make

        def cut(place):
            path = made.build(place, "bad")
            os.truncate(path, os.path.getsize(path) // 3)

        def link(place):
            os.symlink("/nowhere/bad.so", os.path.join(place, "bad.so"))

        def note(text):
            return lambda place: made.build(place, "bad", note=text)

        self.listed("text file", file("this is no shared object\n"))
        self.listed("empty file", file(""))
        self.listed("truncated ELF", cut)
        self.listed("directory", lambda place: os.mkdir(os.path.join(place, "bad.so")))
        self.listed("dangling link", link)
        self.listed("world-writable", lambda place: os.chmod(made.build(place, "bad"), 0o666))
        self.listed("no note", note(""))
        self.listed("broken JSON", note('HARBORAI_NOTE_("{\\"abi\\":[0,3,0],\\"plugin\\":{");'))
        self.listed("foreign ABI", note('HARBORAI_NOTE_("{\\"abi\\":[9,7,0],\\"plugin\\":" '
                                        '@MANIFEST@ "}");'))
        self.listed("no version", note('HARBORAI_MANIFEST({"id":"com.example.bad"});'))
        self.listed("no models", note('HARBORAI_MANIFEST({"id":"com.example.bad",'
                                      '"version":"1.0.0","provider":"bad"});'))
        self.listed("bad id", note('HARBORAI_MANIFEST({"id":"BAD!","version":"1.0.0",'
                                   '"provider":"bad","patterns":["*"]});'))

    def at_load(self):
        """What list-plugins cannot see, since it loads nothing."""
        def ask(name, **how):
            place = self.directory(name.replace(" ", "-"))
            made.build(place, "bad", **how)
            self.ask(name, "chat", "-m", "bad/bad-model", "hello",
                     env={"HARBORAI_PLUGIN_PATH": place})
        ask("table disagrees", table_id="com.example.other")
        ask("function not exported", note="HARBORAI_MANIFEST_LITERAL(@MANIFEST@);\n"
                                          "#define harborai_plugin_query acme_plugin_query")
        ask("create fails", create='return harborai_error_set(error, HARBORAI_E_CONFIG, '
                                   '"set options.flux first");')
        ask("create gives nothing", create="*provider = NULL; return HARBORAI_OK;")
        ask("symbol that does not resolve",
            create="extern int no_such_function(void); return no_such_function();")

    def directories(self):
        self.both("missing directory", self.path("nowhere"))
        self.both("file as directory", self.write("a-file", ""))
        self.both("empty element", "/usr/lib::" + self.path("nowhere"))
        loose = self.directory("loose")
        made.build(loose, "bad")
        os.chmod(loose, 0o777)
        self.both("world-writable directory", loose)
        self.both("directory below a world-writable one", self.below(loose))

    def below(self, loose):
        path = os.path.join(loose, "below")
        os.mkdir(path, 0o755)
        made.build(path, "bad")
        return path


class DoctorTest(Golden):
    """Broken set-ups, each with one plugin 'bad' or none: what `plugin doctor` says of it."""

    room = "doctor"

    def test(self):
        self.files()
        self.directories()
        self.settings()
        self.switched_off()
        self.models()
        self.locked()
        self.settle()

    def doctor(self, name, *arguments, path=None, config=None, **env):
        self.env = {"HARBORAI_PLUGIN_PATH": path or self.path("good"),
                    "HARBORAI_STATE_DIR": self.path("state"), **env}
        options = ("--config", config) if config else ()
        self.ask(name, "plugin", "doctor", *options, *arguments, env=self.env, answer=True)

    def file(self, name, make):
        """A file 'bad.so', by its own name, by a model that it would serve, and among all."""
        place = self.path(name.replace(" ", "-"))
        os.mkdir(place, 0o755)
        make(place)
        self.doctor(name, path=place)
        self.doctor(name + ", by model", "bad/bad-model", path=place)

    def files(self):
        def text(place):
            with open(os.path.join(place, "bad.so"), "w", encoding="utf-8") as file:
                file.write("this is no shared object\n")

        def cut(place):
            path = made.build(place, "bad")
            os.truncate(path, os.path.getsize(path) // 3)

        def machine(place):
            with open(made.build(place, "bad"), "r+b") as file:
                file.seek(18)
                file.write(b"\x15\x00")

        def twin(place):
            made.build(place, "bad")
            made.build(place, "worse", table_id="com.example.bad", note=(
                'HARBORAI_MANIFEST({"id":"com.example.bad","version":"1.0.0","provider":"bad",'
                '"models":[{"name":"m"}]});'))

        self.file("text file", text)
        self.file("truncated file", cut)
        self.file("file for another machine", machine)
        self.file("world-writable file", lambda place: os.chmod(made.build(place, "bad"), 0o666))
        self.file("file without a manifest", lambda place: made.build(place, "bad", note=""))
        self.file("manifest without models", lambda place: made.build(
            place, "bad", note='HARBORAI_MANIFEST({"id":"com.example.bad","version":"1.0.0",'
                               '"provider":"bad"});'))
        self.file("plugin of another ABI", lambda place: made.build(
            place, "bad", note='HARBORAI_NOTE_("{\\"abi\\":[9,7,0],\\"plugin\\":" @MANIFEST@ "}");'))
        self.file("link that leads nowhere", lambda place: os.symlink(
            "/nowhere/bad.so", os.path.join(place, "bad.so")))
        place = self.path("twin")
        os.mkdir(place, 0o755)
        twin(place)
        self.doctor("the same plugin twice", path=place)
        self.doctor("the same plugin twice, by file", "worse.so", path=place)

    def directories(self):
        good = self.path("good")
        os.mkdir(good, 0o755)
        made.build(good, "good")
        self.doctor("missing directory", path=self.path("nowhere"))
        self.doctor("empty element of the path", path=good + "::" + good)
        loose = self.path("loose")
        os.mkdir(loose)
        made.build(loose, "bad")
        os.chmod(loose, 0o777)
        self.doctor("world-writable directory", path=loose)
        self.doctor("world-writable directory, by model", "bad-model", path=loose)
        os.mkdir(self.path("none"))
        self.doctor("no plugin", path=self.path("none"))
        self.doctor("no plugin, by model", "gpt-4o", path=self.path("none"))

    def settings(self):
        self.doctor("broken configuration", config=self.write("broken.yaml", "provders: {}\n"))
        unknown = self.write("unknown.yaml", "providers: { lab: { plugin: god } }\n")
        self.doctor("unknown plugin", config=unknown)
        self.doctor("unknown plugin, by provider", "lab", config=unknown)
        self.doctor("alias that leads nowhere", config=self.write(
            "alias.yaml", "providers: { good: {} }\nmodels: { smart: good/clever }\n"))
        openai = f"{self.path('good')}:{OPENAI}"
        self.doctor("key that is missing", "gpt-4o", path=openai)
        self.doctor("key that is missing, by plugin", "openai", path=openai)
        lacking = self.write("lacking.yaml", "providers: { lab: { plugin: openai } }\n")
        self.doctor("key of a provider in the file", path=openai, config=lacking)
        self.doctor("key of a provider in the file, by name", "lab", path=openai, config=lacking)
        self.doctor("plugin that the file does not name", "good", path=openai, config=lacking)

    def switched_off(self):
        lab = self.write("lab.yaml", "providers: { lab: { plugin: good } }\n")
        off = '{"enabled": false, "since": "2026-11-22T10:00:00Z", "by": "harborai plugin disable"}'
        os.mkdir(self.path("state"))
        self.write("state/plugins.json", '{"version": 1, "plugins": {"com.example.good": %s}}' % off)
        self.doctor("disabled plugin")
        self.doctor("disabled plugin, by model", "good-model")
        self.write("state/plugins.json", '{"version": 1, "providers": {"lab": %s}}' % off)
        self.doctor("disabled provider", "lab", config=lab)
        self.doctor("disabled provider, by model", "lab/good-model", config=lab)
        self.write("state/plugins.json", '{"version": 1, "models": {"lab/*": {"enabled": false}}}')
        self.doctor("disabled models", config=lab)
        self.doctor("disabled models, by model", "good-model", config=lab)
        self.write("state/plugins.json", '{"version": 1,\n "plugins": {"com.example.good": 1}}')
        self.doctor("broken state")
        self.write("state/plugins.json", '{"version": 1}')
        self.crashed()
        os.unlink(self.path("state/plugins.json"))

    def locked(self):
        config = self.write("locked.yaml", "plugin_require_lock: true\n")
        self.doctor("plugin that plugins.lock does not list", config=config)
        self.doctor("plugin that plugins.lock does not list, by model", "good/good-model", config=config)
        config = self.write("unlocked.yaml", "default_model: good-model\n")
        self.write("plugins.lock", '{"version": 1, "plugins": {"com.example.good": "%s"}}\n' % ("0" * 64))
        self.doctor("another file than plugins.lock lists", config=config)
        self.doctor("another file than plugins.lock lists, by plugin", "good", config=config)
        os.chmod(self.path("plugins.lock"), 0o666)
        self.doctor("plugins.lock that everybody may write", config=config)
        self.write("plugins.lock", '{"version": 1,\n "plugins": {"com.example.good": "1"}}\n')
        self.doctor("broken plugins.lock", config=config)
        os.unlink(self.path("plugins.lock"))
        config = self.write("globs.yaml", "disabled_models: ['good/*']\n")
        self.doctor("models that the file disables", config=config)
        self.doctor("models that the file disables, by model", "good-model", config=config)
        loose = self.path("loose")
        config = self.write("trusting.yaml", "plugin_trust: off\n")
        self.doctor("trust is off", path=loose, config=config)
        self.write("plugins.lock", '{"version": 1, "plugins": {"com.example.bad": "%s"}}\n' % ("0" * 64))
        self.doctor("another file than plugins.lock lists, trust is off", path=loose, config=config)
        os.unlink(self.path("plugins.lock"))
        self.doctor("no group of that name", config=self.write(
            "groups.yaml", "plugin_trusted_groups: [no-such-group]\n"))

    def crashed(self):
        path = self.path("good/good.so")
        about = os.stat(path)
        mark = {"guilty": 1, "version": 1, "file": path, "id": "com.example.good", "stage": "create",
                "process": "1-1", "since": "2026-11-22T10:00:00Z", "inode": about.st_ino,
                "size": about.st_size, "modified_ns": about.st_mtime_ns}
        os.mkdir(self.path("state/loading"))
        self.write("state/loading/1", json.dumps(mark))
        self.doctor("plugin that crashed")
        self.doctor("plugin that crashed, by model", "good/good-model")
        os.unlink(self.path("state/loading/1"))

    def models(self):
        self.doctor("nearly a model", "god-model")
        self.doctor("unknown provider", "nobody/good-model")


class Peer(threading.Thread):
    """A listener that treats each connection by `how`."""

    def __init__(self, how):
        super().__init__(daemon=True)
        self.how = how
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen()
        self.port = self.sock.getsockname()[1]
        self.kept = []

    def run(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            self.how(self, peer)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        for peer in self.kept:
            peer.close()
        self.join(5)


def keep(peer, sock):
    peer.kept.append(sock)


def reset(_, sock):
    sock.recv(65536)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def greet(_, sock):
    sock.recv(65536)
    sock.sendall(b"220 mail.example ESMTP\r\n")
    sock.close()


class NetworkTest(Golden):
    room = "network"

    def test(self):
        self.sim = self.enter(support.simulator())
        self.names[str(self.sim.port)] = "PORT"
        self.connections()
        self.certificates()
        self.answers()
        self.settle()

    def chat(self, name, base_url, question="hello", more="", top="", *arguments):
        config = self.write("harborai.yaml", f'providers:\n  lab: {{ plugin: openai, base_url: '
                            f'"{base_url}", api_key: sk-lab, models: [m]{more} }}\n{top}')
        self.ask(name, "chat", "-c", config, "-m", "m", *arguments, question)

    def connections(self):
        port = support.free_port()
        self.names[str(port)] = "PORT"
        self.chat("refused", f"http://127.0.0.1:{port}/v1")
        self.chat("name that does not resolve", "http://no.such.host.invalid/v1")
        for name, how in (("reset", reset), ("no HTTP", greet)):
            peer = self.enter(Peer(how))
            self.names[str(peer.port)] = "PORT"
            self.chat(name, f"http://127.0.0.1:{peer.port}/v1")
            self.chat(name + ", TLS", f"https://127.0.0.1:{peer.port}/v1")
        peer = self.enter(Peer(keep))
        self.names[str(peer.port)] = "PORT"
        brief = ", timeouts: { first_byte: 200ms }"
        self.chat("nothing comes", f"http://127.0.0.1:{peer.port}/v1", more=brief)
        self.chat("nothing comes, TLS", f"https://127.0.0.1:{peer.port}/v1",
                  more=", timeouts: { connect: 200ms }")

    def certificates(self):
        certs = support.make_certs(self.enter(support.folder()))
        self.names[certs] = "CERTS"
        ca = os.path.join(certs, "ca.pem")
        for name in ("expired", "wrong", "foreign"):
            sim = self.enter(support.simulator(certs, name))
            self.names[str(sim.port)] = "PORT"
            self.chat(f"certificate, {name}", sim.base_url, more=f', tls: {{ ca_file: "{ca}" }}')
        sim = self.enter(support.simulator(certs, "good"))
        self.names[str(sim.port)] = "PORT"
        self.chat("certificate of an unknown authority", sim.base_url)
        self.chat("CA file that is missing", sim.base_url,
                  more=f', tls: {{ ca_file: "{self.path("gone.pem")}" }}')
        self.chat("CA file without a certificate", sim.base_url,
                  more=f', tls: {{ ca_file: "{self.write("empty.pem", "")}" }}')
        self.chat("https to a plain port", self.sim.base_url.replace("http:", "https:"),
                  more=", timeouts: { connect: 300ms }")
        self.chat("http to a TLS port", sim.base_url.replace("https:", "http:"))

    def answers(self):
        def scripted(name, script, *arguments, more=""):
            self.chat(name, self.sim.base_url, "sim:" + script, more, "", *arguments)
        for status in (400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529):
            scripted(f"status {status}", '{"status":%d}' % status)
        scripted("status 429 with Retry-After", '{"status":429,"retry_after":7}')
        scripted("status 429, no quota", '{"status":429,"error":{"code":"insufficient_quota"}}')
        scripted("context too long", '{"status":400,"error":{"code":"context_length_exceeded",'
                 '"message":"maximum context length is 8192 tokens"}}')
        scripted("redirect", '{"status":302,"html":true}')
        scripted("404 in HTML", '{"status":404,"html":true}')
        scripted("500 in HTML", '{"status":500,"html":true}')
        scripted("HTML for an answer", '{"html":true}')
        scripted("half an answer", '{"half_body":true}')
        scripted("half of the JSON", '{"half_json":true}')
        scripted("answer in the middle of nowhere", '{"reset":true}')
        scripted("time limit before the answer", '{"hang":"headers"}',
                 more=", timeouts: { first_byte: 200ms }")
        scripted("time limit within the answer", '{"hang":"body"}',
                 more=", timeouts: { idle: 200ms }")
        scripted("time limit of the call", '{"events":100,"delay_ms":50}', "--stream",
                 more=", timeouts: { total: 200ms }")
        scripted("stream that breaks off", '{"events":3,"cut_after_events":0}', "--stream")
        scripted("stream without an end", '{"events":0,"no_finish":true,"no_done":true}', "--stream")
        scripted("stream with an error", '{"events":3,"error_after_events":0}', "--stream")
        scripted("stream of broken JSON", '{"events":0,"half_json":true,"no_finish":true}', "--stream")
        self.chat("base_url without /v1", self.sim.base_url.replace("/v1", ""))
