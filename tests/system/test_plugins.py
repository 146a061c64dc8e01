# SPDX-License-Identifier: MIT
"""Plugins: found and listed without being loaded, loaded at the first call, refused with a reason."""
import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import unittest
import uuid

import made
import support
from support import harborai


def mapped(pid, name):
    """Is an object of this file name mapped executable into the process?"""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        return any(" r-xp " in line and line.rstrip().endswith("/" + name) for line in file)


def with_schema(name, schema):
    manifest = json.loads(made.MANIFEST % {"id": "com.example." + name, "name": name,
                                           "model": name + "-model"})
    return f"HARBORAI_MANIFEST({json.dumps({**manifest, 'config_schema': schema})});"


class PlaceTest(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.place = stack.enter_context(support.folder())
        self.env = {"HARBORAI_PLUGIN_PATH": support.plugin_path(self.place)}


class BadPluginsTest(PlaceTest):
    """Each is named with its file and the reason; the good ones beside it go on."""

    def check(self, file, reason):
        made.build(self.place, "good")
        listed = harborai("list-plugins", env=self.env)
        said = listed.stdout + listed.stderr
        self.assertIn("com.example.good", said)
        lines = [line for line in said.splitlines() if file in line]
        self.assertTrue(lines, said)
        self.assertRegex("\n".join(lines), reason)
        with support.gateway(env=self.env) as hb:
            self.assertEqual(hb.chat("x", "good-model").text(), "made on the spot")
            self.assertRegex("\n".join(x for x in hb.log().splitlines() if file in x), reason)

    def test_text_file(self):
        with open(f"{self.place}/x.so", "w", encoding="utf-8") as file:
            file.write("this is no shared object\n")
        self.check("x.so", r"(?i)ELF")

    def test_empty_file(self):
        with open(f"{self.place}/empty.so", "w", encoding="utf-8"):
            pass
        self.check("empty.so", r"(?i)ELF|empty")

    def test_cut_off_object(self):
        """dlopen() of such a file ends the process by SIGBUS: it must be refused before."""
        path = made.build(self.place, "torn")
        os.truncate(path, os.path.getsize(path) // 3)
        self.check("torn.so", r"(?i)cut|short|truncated|incomplete|ends|ELF|headers")

    def test_no_note(self):
        made.build(self.place, "nonote", note="")
        self.check("nonote.so", r"(?i)note|manifest")

    def test_note_with_broken_json(self):
        made.build(self.place, "broken", note='HARBORAI_NOTE_("{\\"abi\\":[0,3,0],\\"plugin\\":{");')
        self.check("broken.so", r"(?i)JSON|manifest")

    def test_note_without_required_members(self):
        made.build(self.place, "lacking", note="HARBORAI_MANIFEST({\"id\":\"com.example.lacking\"});")
        self.check("lacking.so", r"(?i)version|provider")

    def test_schema_that_cannot_be_honoured(self):
        made.build(self.place, "patterned", note=with_schema("patterned", {
            "properties": {"region": {"type": "string", "pattern": "^eu-"}}}))
        self.check("patterned.so", r"config_schema: properties\.region\.pattern: this keyword is not")

    def test_foreign_abi(self):
        made.build(self.place, "foreign",
                   note='HARBORAI_NOTE_("{\\"abi\\":[9,7,0],\\"plugin\\":" @MANIFEST@ "}");')
        self.check("foreign.so", r"(?i)ABI.*9\.7|9\.7.*ABI")

    def test_world_writable(self):
        os.chmod(made.build(self.place, "loose"), 0o666)
        self.check("loose.so", r"(?i)writable.*chmod|chmod.*writable")

    def test_directory_is_world_writable(self):
        made.build(self.place, "inside")
        os.chmod(self.place, 0o777)
        listed = harborai("list-plugins", env=self.env)
        said = listed.stdout + listed.stderr
        self.assertRegex(said, r"(?i)writable")
        os.chmod(self.place, 0o700)


class OptionsTest(PlaceTest):
    """Options are checked against the manifest's schema; nothing of the plugin's is run for it."""
    SCHEMA = {"additionalProperties": False, "required": ["region"], "properties": {
        "region": {"type": "string", "minLength": 1, "description": "where the data lives"},
        "retries": {"type": "integer", "minimum": 0, "maximum": 9},
        "mode": {"anyOf": [{"properties": {"a": {}}, "required": ["a"]}, {"required": ["b"]}]}}}

    def setUp(self):
        super().setUp()
        self.build(self.SCHEMA)

    def build(self, schema):
        made.build(self.place, "strict", note=with_schema("strict", schema), create="__builtin_trap();")

    def check(self, provider, *want):
        done = harborai("config", "check", config="providers:\n  strict: " + provider + "\n", env=self.env)
        said = [x.split("harborai.yaml:")[1] for x in done.stderr.splitlines() if "harborai.yaml:" in x]
        self.assertEqual((said, done.returncode), (list(want), 3 if want else 0), done.stderr)

    def test_good(self):
        self.check("{ base_url: 'http://h/v1', options: { region: eu, retries: 9, mode: { b: 1 } } }")

    def test_wrong(self):
        self.check("{ options: { region: '', retries: 10, retires: 1 } }",
                   "2:32: 'providers.strict.options.region' must be a text that is not empty, not '' "
                   "(where the data lives)",
                   "2:45: 'providers.strict.options.retries' must be a whole number from 0 to 9, not 10",
                   "2:49: unknown key 'retires' in 'providers.strict.options', did you mean 'retries'?")

    def test_missing(self):
        said = "'providers.strict.options.region' is missing: a text that is not empty"
        self.check("{ options: { retries: 1 } }", "2:13: " + said)
        self.check("{}", "2:3: " + said)

    def test_neither(self):
        self.check("{ options: { region: eu, mode: { c: 1 } } }",
                   "2:36: 'providers.strict.options.mode' fits none of the alternatives that plugin "
                   "com.example.strict takes")

    def test_base_url(self):
        """It stands beside the options, and a schema may ask for more than that it is one."""
        self.build({"required": ["base_url"],
                    "properties": {"base_url": {"enum": ["http://a", "http://b"]}}})
        self.check("{ base_url: 'http://b' }")
        self.check("{}", "2:3: 'providers.strict.base_url' is missing: http://a or http://b")
        self.check("{ base_url: 'http://c', options: { x: 1 } }",
                   "2:3: 'providers.strict.base_url' must be http://a or http://b")

    def test_endless(self):
        self.build({"additionalProperties": {"enum": [f"w{i}" for i in range(20000)]}})
        self.check("{ options: { a: w1, b: w19999 } }")
        many = ", ".join(f"a{i}: w1" for i in range(1000))
        self.check("{ options: { " + many + " } }",
                   "2:13: 'providers.strict.options' cannot be checked: plugin com.example.strict has a "
                   "config_schema that asks for too much")

    def test_without_a_file(self):
        """A plugin that nobody asked for does not keep the rest from working."""
        made.build(self.place, "good")
        with support.gateway(env=self.env) as hb:
            self.assertEqual(hb.chat("x", "good-model").text(), "made on the spot")
            self.assertEqual(hb.chat("x", "strict-model").status, 404)
            self.assertIn("plugin.options provider=strict reason='\\'providers.strict.options.region\\' "
                          "is missing", hb.log())


class FaultAtLoadTest(PlaceTest):
    """What shows only when the object is loaded: the call gets the reason, the process goes on."""

    def check(self, model, *reasons):
        made.build(self.place, "good")
        with support.gateway(env=self.env) as hb:
            for stream in (False, True):
                answer = hb.chat("x", model, stream=stream)
                self.assertGreaterEqual(answer.status, 500)
                self.assertTrue(answer.headers["x-request-id"])
                self.assertRegex(answer.error()["message"],
                                 "^provider '.*' cannot be used, for its plugin could not be loaded: "
                                 "the gateway's log says why$")
                for reason in reasons:
                    self.assertRegex(hb.log(), reason)
            self.assertEqual(hb.chat("x", "good-model").text(), "made on the spot")

    def test_table_disagrees_with_note(self):
        made.build(self.place, "liar", table_id="com.example.somebody-else")
        self.check("liar-model", r"liar\.so", r"somebody-else", r"com\.example\.liar")

    def test_create_fails(self):
        made.build(self.place, "failing", create=
                   'return harborai_error_set(error, HARBORAI_E_CONFIG, "set the flux first");')
        self.check("failing-model", r"failing", r"set the flux first")

    def test_symbol_that_does_not_resolve(self):
        made.build(self.place, "lost", create=
                   "extern int no_such_function_anywhere(void); return no_such_function_anywhere();")
        self.check("lost-model", r"lost\.so", r"no_such_function_anywhere")

    def test_file_that_has_gone(self):
        path = made.build(self.place, "gone")
        made.build(self.place, "good")
        with support.gateway(env=self.env) as hb:
            os.unlink(path)
            answer = hb.chat("x", "gone-model")
            self.assertGreaterEqual(answer.status, 500)
            self.assertIn("gone", answer.error()["message"])
            self.assertNotIn(self.place, answer.error()["message"])
            self.assertIn(path, hb.log())
            self.assertEqual(hb.chat("x", "good-model").text(), "made on the spot")


class LazyTest(PlaceTest):
    def test_dropped_in_is_listed_and_read_but_not_mapped(self):
        model = "spot-" + uuid.uuid4().hex[:8]
        made.build(self.place, "dropped", model)
        for command in ("list-models", "list-plugins"):
            with self.subTest(command):
                trace = os.path.join(self.place, "trace")
                listed = harborai(command, env=self.env, timeout=60, wrapper=[
                    "strace", "-f", "-o", trace, "-e", "trace=open,openat,mmap,close"])
                self.assertIn(model if command == "list-models" else "dropped", listed.stdout)
                opened, executable = self.opened_and_mapped(trace, "dropped.so")
                self.assertTrue(opened, "the file was read")
                self.assertFalse(executable, "the file was mapped executable")

    @staticmethod
    def opened_and_mapped(trace, name):
        """(was the file opened, was a descriptor of it mapped with PROT_EXEC)."""
        ours, opened, executable = set(), False, False
        with open(trace, encoding="utf-8", errors="replace") as file:
            for line in file:
                if match := re.search(r'open(?:at)?\(.*"([^"]*)".*\) = (\d+)', line):
                    ours.discard(match[2])
                    if match[1].endswith("/" + name):
                        ours.add(match[2])
                        opened = True
                elif match := re.search(r"mmap\([^,]*, [^,]*, ([^,]*), [^,]*, (\d+),", line):
                    executable |= match[2] in ours and "PROT_EXEC" in match[1]
                elif match := re.search(r"close\((\d+)\)", line):
                    ours.discard(match[1])
        return opened, executable

    def test_first_call_maps_exactly_the_one(self):
        made.build(self.place, "wanted")
        made.build(self.place, "bystander")
        with support.gateway(env=self.env) as hb:
            names = [m["id"].split("/")[-1] for m in hb.request("GET", "/v1/models").json()["data"]]
            self.assertLessEqual({"wanted-model", "bystander-model"}, set(names))
            for name in ("wanted.so", "bystander.so", "openai.so", "echo.so"):
                self.assertFalse(mapped(hb.pid, name), name)
            self.assertEqual(hb.chat("x", "wanted-model").text(), "made on the spot")
            self.assertEqual([n for n in ("wanted.so", "bystander.so", "openai.so", "echo.so")
                              if mapped(hb.pid, n)], ["wanted.so"])

    def test_parallel_first_calls_are_one_load(self):
        made.build(self.place, "cold", create="""
            static int created;
            if (++created > 1)
                return harborai_error_set(error, HARBORAI_E_CONFIG, "created twice");
            return HARBORAI_OK;""")
        answers = []
        with support.gateway(env=self.env, workers=4) as hb:
            threads = [threading.Thread(target=lambda: answers.append(
                hb.chat("x", "cold-model", stream=bool(i % 2)).status)) for i in range(32)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            text = hb.request("GET", "/metrics").body.decode()
        self.assertEqual(answers, [200] * 32)
        self.assertRegex(text, r'(?m)^harborai_plugin_loads_total\{plugin="com.example.cold",'
                               r'provider="cold"\} 1$')

    def test_streamed_by_the_engine_lane(self):
        made.build(self.place, "engine")
        with support.gateway(env=self.env) as hb:
            events = hb.chat("x", "engine-model", stream=True).events()
            self.assertEqual(support.stream_text(events), "made on the spot")
            self.assertEqual((events[-1], events[0]["choices"][0]["delta"].get("role")),
                             ("[DONE]", "assistant"))


class SlowTest(PlaceTest):
    """A plugin that holds up a loop is named, once a minute for each of its functions."""

    LABELS = '{plugin="test.dawdles",provider="dawdles",callback="%s"}'

    def setUp(self):
        super().setUp()
        support.build_plugin(self.place, "dawdles", "fault")

    def said(self, hb, callback):
        pattern = (rf"(?m)^\S+ warn plugin\.slow plugin=test\.dawdles provider=dawdles "
                   rf"callback={callback} took_us=(\d+) allowed_us=1000 input_bytes=\d+ left_out=0 ")
        return [int(us) for us in re.findall(pattern, hb.log())]

    def metric(self, hb, name, callback):
        text = hb.request("GET", "/metrics").body.decode()
        series = re.escape(f"harborai_plugin_{name}" + self.LABELS % callback)
        found = re.findall(f"(?m)^{series} ([0-9.]+)$", text)
        return float(found[0]) if found else None

    def test_named_and_counted(self):
        with support.simulator() as sim:
            config = {"providers": {"dawdles": {"base_url": sim.base_url + "/chat/completions"}}}
            with support.gateway(config, env=self.env) as hb:
                for _ in range(5):
                    for model in ("d-quick", "d-chat", "d-wake"):
                        self.assertEqual(hb.chat("x", model).text(), "at last")
                events = hb.chat("x", "d-event", stream=True).events()
                self.assertEqual(support.stream_text(events), "at last")
                for callback, least in (("chat", 5), ("on_wake", 5), ("on_event", 2)):
                    with self.subTest(callback):
                        took_us = self.said(hb, callback)
                        self.assertEqual(len(took_us), 1, hb.log())
                        self.assertGreaterEqual(took_us[0], 5000)
                        slow = self.metric(hb, "slow_callbacks_total", callback)
                        self.assertGreaterEqual(slow, least)
                        self.assertGreaterEqual(
                            self.metric(hb, "callback_seconds_sum", callback), slow * 0.001)
                self.assertEqual(self.metric(hb, "callback_seconds_count", "chat"), 16)


class OwnPluginsTest(PlaceTest):
    def test_echo_whole_and_streamed(self):
        models = json.loads(harborai("list-models", "--json").stdout)
        text = json.dumps(models)
        name = next(iter(re.findall(r'"(?:id|name|model)": "((?:echo/)?echo[\w.-]*)"', text)), None)
        self.assertTrue(name, text[:2000])
        with support.gateway() as hb:
            self.assertIn("say it again", hb.chat("say it again", name).text())
            events = hb.chat("say it again", name, stream=True).events()
            self.assertIn("say it again", support.stream_text(events))
            self.assertEqual(events[-1], "[DONE]")

    def test_each_exports_one_symbol_and_needs_none_of_our_libraries(self):
        for folder in support.plugin_path().split(":"):
            for name in os.listdir(folder):
                if name.endswith(".so"):
                    self.check_object(os.path.join(folder, name))

    def check_object(self, path):
        listed = subprocess.run(["nm", "-D", "--defined-only", path], check=True, text=True,
                                capture_output=True).stdout
        self.assertEqual([line.split()[-1] for line in listed.splitlines()],
                         ["harborai_plugin_query"], path)
        needed = subprocess.run(["ldd", path], check=True, text=True, capture_output=True).stdout
        self.assertNotIn("harborai", needed.replace(path, ""))


class LinesPeer(http.server.BaseHTTPRequestHandler):
    """A vendor that answers with the lines that the message names, and keeps what it was asked."""

    lines, asked = {}, []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, body))
        status, *lines = self.lines[body["messages"][-1]["content"]]
        self.send_response(status)
        self.send_header("content-type", "application/x-ndjson")
        self.end_headers()
        for line in lines:
            self.wfile.write((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def lines_peer(**lines):
    class Peer(LinesPeer):
        pass
    Peer.lines, Peer.asked = lines, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", Peer.asked
        finally:
            server.shutdown()
            thread.join()


class OutsideTheTreeTest(unittest.TestCase):
    """A plugin's author has what `make install` installs, and the two lines that the documents give."""

    LINES = ("SDK=$(pkg-config --variable=sdkdir harborai-plugin)",
             "cc -O2 -shared -fPIC $(pkg-config --cflags harborai-plugin) acme.c $SDK/*.c -o acme.so")

    @classmethod
    def setUpClass(cls):
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.root = stack.enter_context(support.folder())
        cls.make("install", cls.root)
        found = cls.find("harborai-plugin.pc")
        cls.env = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(found[0]),
                   "PKG_CONFIG_SYSROOT_DIR": cls.root}

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.place = stack.enter_context(support.folder())

    @staticmethod
    def make(target, root):
        subprocess.run(["make", "-s", "-C", support.BUILD, target, "DESTDIR=" + root], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @classmethod
    def find(cls, name):
        return subprocess.run(["find", cls.root, "-name", name], check=True, text=True,
                              capture_output=True).stdout.split()

    def build_acme(self, source):
        """Compiles the text as a reader of the documents would, with warnings as errors."""
        with open(os.path.join(self.place, "acme.c"), "w", encoding="utf-8") as file:
            file.write(source)
        compiler = self.LINES[1].replace("cc ", "cc -Wall -Wextra -Werror ", 1)
        subprocess.run("umask 022\n" + self.LINES[0] + "\n" + compiler, shell=True, check=True,
                       cwd=self.place, env=self.env)
        return os.path.join(self.place, "acme.so")

    def harborai(self, *arguments, config=None):
        done = harborai(*arguments, env={"HARBORAI_PLUGIN_PATH": self.place}, config=config)
        return done.returncode, done.stdout, done.stderr

    @staticmethod
    def copy_of(source, *changes):
        with open(os.path.join(support.ROOT, source), encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        return text

    def test_documents_have_the_lines(self):
        for name in ("README.md", "doc/getting-started.md", "doc/zh-CN/README.md",
                     "plugin-sdk/lib/README.md"):
            with open(os.path.join(support.ROOT, name), encoding="utf-8") as file:
                lines = [line.strip() for line in file]
            for line in self.LINES:
                self.assertIn(line, lines, name)

    def test_headers_alone(self):
        flags = subprocess.run(["pkg-config", "--cflags", "harborai-plugin"], env=self.env,
                               check=True, text=True, capture_output=True).stdout.split()
        self.assertTrue(all(flag.startswith("-I" + self.root) for flag in flags), flags)
        OwnPluginsTest.check_object(self, made.build(self.place, "acme", include=flags))
        self.assertEqual(self.harborai("chat", "-m", "acme-model", "x"),
                         (0, "made on the spot\n", ""))

    def test_copy_of_echo(self):
        OwnPluginsTest.check_object(self, self.build_acme(self.copy_of(
            "examples/plugins/echo/echo.c", ("org.harborai.echo", "com.example.acme"), ('"provider": "echo"',
            '"provider": "acme"'), ('"name": "echo"', '"name": "acme-1"'), ("Echo", "Acme"))))
        self.assertRegex(self.harborai("list-plugins")[1], r"com\.example\.acme")
        for model in ("acme-1", "acme/acme-1"):
            self.assertEqual(self.harborai("chat", "-m", model, "from outside"),
                             (0, "from outside\n", ""))
        file = {"providers": {"lab": {"plugin": "acme"}}}
        self.assertEqual(self.harborai("chat", "-m", "lab/acme-1", "x", config=file)[0], 0)
        status, _, said = self.harborai("chat", "-m", "acme/acme-1", "x", config=file)
        self.assertNotEqual(status, 0, said)  # with a file that has providers, those alone
        with support.gateway(env={"HARBORAI_PLUGIN_PATH": self.place}) as hb:
            self.assertEqual(hb.chat("a b c", "acme-1").text(), "a b c")

    def test_copy_of_deepseek(self):
        with open(os.path.join(self.place, "prices.h"), "w", encoding="utf-8") as file:
            subprocess.run([sys.executable, "pricing/generate", "pricing/books/deepseek.json"],
                           cwd=support.ROOT, stdout=file, check=True)
        OwnPluginsTest.check_object(self, self.build_acme(self.copy_of(
            "plugins/deepseek/deepseek.c", ("plugins/deepseek/prices.h", "prices.h"),
            ("org.harborai.deepseek", "com.example.acme"), ('"deepseek\\"', '"acme\\"'))))
        with support.simulator() as sim:
            config = {"providers": {"acme": {"base_url": sim.base_url, "api_key": "none"}}}
            self.assertEqual(self.harborai("chat", "-m", "acme/deepseek-chat", "x", config=config)[0],
                             0)

    def test_copy_of_ollama(self):
        def piece(text, **more):
            return {"model": "m", "message": {"role": "assistant", "content": text, **more},
                    "done": False}
        last = {**piece(""), "done": True, "done_reason": "stop", "prompt_eval_count": 7,
                "eval_count": 3}
        OwnPluginsTest.check_object(self, self.build_acme(
            self.copy_of("examples/plugins/ollama/ollama.c", ("ollama", "acme"))))
        with lines_peer(
                well=[200, piece("", thinking="so …"), piece("a \"harbour\""), piece(" 港"), last],
                cut=[200, piece("a"), {**last, "done_reason": "length"}],
                error=[200, piece("a"), {"error": "the runner\nhas gone"}],
                short=[200, piece("a")], junk=[200, "no JSON"],
                missing=[404, {"error": "model 'm' not found"}]) as (base_url, asked):
            config = {"providers": {"acme": {"base_url": base_url}}}
            with support.gateway(config, env={"HARBORAI_PLUGIN_PATH": self.place}) as hb:
                answer = hb.chat("well", "acme/m", max_tokens=5).json()
                self.assertEqual(answer["choices"][0]["message"]["content"], 'a "harbour" 港')
                self.assertEqual(answer["choices"][0]["message"]["reasoning_content"], "so …")
                self.assertEqual(answer["choices"][0]["finish_reason"], "stop")
                self.assertEqual([answer["usage"][x] for x in ("prompt_tokens", "completion_tokens")],
                                 [7, 3])
                path, body = asked[0]
                self.assertEqual((path, body["model"], body["stream"], body["options"]),
                                 ("/api/chat", "m", True, {"num_predict": 5}))
                events = hb.chat("well", "acme/m", stream=True).events()
                self.assertEqual(support.stream_text(events), 'a "harbour" 港')
                self.assertEqual(events[-1], "[DONE]")
                self.assertEqual(hb.chat("cut", "acme/m").json()["choices"][0]["finish_reason"],
                                 "length")
                for content, status, said in (("error", 502, "the runner"), ("short", 502, "before it"),
                                              ("junk", 502, "not JSON"), ("missing", 404, "")):
                    answer = hb.chat(content, "acme/m")
                    self.assertEqual(answer.status, status, content)
                    self.assertIn(said, answer.error()["message"], content)

    def test_plugins_come_without_la_files_and_go_again(self):
        self.assertEqual([x for x in self.find("*.la") if "/plugins/" in x], [])
        self.assertEqual(sorted(os.path.basename(x) for x in self.find("*.so") if "/plugins/" in x),
                         [f"{name}.so" for name in ("anthropic", "deepseek", "doubao", "openai", "wenxin")])
        self.make("install", self.place)
        self.make("uninstall", self.place)
        left = [name for _, _, files in os.walk(self.place) for name in files]
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
