# SPDX-License-Identifier: MIT
"""Plugins that misbehave, beside a good one: what the gateway makes of it, and that others are served.

A crash ends the process: in a call there is no help, while a plugin is loaded or let go the next start
leaves it out and says so."""
import contextlib
import glob
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

import made
import support

NO_CORE = ("sh", "-c", 'ulimit -c 0; exec "$@"', "sh")
FAULT = os.path.join(support.ROOT, "tests", "fault")


def build(place, name, *sources, flags=()):
    """Plugins of tests/fault, as an author would build them."""
    target = os.path.join(place, name + ".so")
    compiler = ["g++", "-std=c++17"] if sources[0].endswith(".cc") else ["cc", "-std=gnu11"]
    subprocess.run([*compiler, "-shared", "-fPIC", "-fvisibility=hidden", "-pthread", *flags,
                    f"-I{support.ROOT}/plugin-sdk/include", *(os.path.join(FAULT, s) for s in sources),
                    "-o", target], check=True)
    os.chmod(target, 0o755)
    return target


def build_rogue(place):
    names = sorted(os.path.basename(p) for p in glob.glob(os.path.join(FAULT, "rogue*.c")))
    return build(place, "rogue", *names)


def ask(hb, model):
    """Whatever comes of it."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        hb.chat("x", model, timeout=60)


class Place(unittest.TestCase):
    """A directory of plugins with a good one in it, and a state directory that outlives gateways."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.home = stack.enter_context(support.folder())
        self.plugins = os.path.join(self.home, "plugins")
        self.state = os.path.join(self.home, "state")
        os.mkdir(self.plugins, 0o755)
        made.build(self.plugins, "good")
        self.env = {"HARBORAI_PLUGIN_PATH": self.plugins, "HARBORAI_STATE_DIR": self.state,
                    "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=1:handle_segv=0"}

    def gateway(self, name, options=None, **more):
        config = {"providers": {name: {"options": options or {}}, "good": {}}, **more}
        self.config = support.write_config(self.home, config)
        return support.gateway(config, env=self.env, state=self.state, wrapper=NO_CORE)

    def command(self, *arguments, code=0):
        done = subprocess.run([support.HARBORAI, *arguments, "--config", self.config], text=True,
                              capture_output=True, check=False, cwd=self.home, timeout=60,
                              env=support.environment(self.home, **self.env))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def listed(self):
        listed = json.loads(self.command("list-plugins", "--json"))["plugins"]
        return {os.path.basename(p["file"]): p for p in listed}

    def marks(self):
        marks = []
        for path in glob.glob(os.path.join(self.state, "loading", "*")):
            if path.endswith(".new"):  # the process died before it was one
                continue
            with open(path, encoding="utf-8") as file:
                marks.append(json.load(file))
        return marks

    def is_served(self, hb):
        self.assertEqual(hb.chat("x", "good-model").text(), "made on the spot")


class CrashTest(Place):
    """Of the process, with everything in it."""

    SEGV, ABRT = -signal.SIGSEGV, -signal.SIGABRT
    ROWS = {  # how it is built, its options, the stage, how the process ends
        "in a constructor": (["-DCRASH_IN_CONSTRUCTOR"], {}, "dlopen", SEGV),
        "in query": (["-DCRASH_IN_QUERY"], {}, "symbol", SEGV),
        "in create": ([], {"create": "crash"}, "create", SEGV),
        "abort() in create": ([], {"create": "abort"}, "create", ABRT),
        "exit() in create": ([], {"create": "exit"}, "create", 7),
        "in the first tick": ([], {"tick": "crash"}, "tick", SEGV),
        "in destroy": ([], {"destroy": "crash"}, "destroy", SEGV),
        "in unload": (["-DCRASH_IN_UNLOAD"], {}, "unload", SEGV),
    }
    NAME, ID, MODEL, SAYS = "misbehaves", "test.misbehaves", "m-good", "behaves"

    def crash(self, options, model, ended, in_call=True):
        """One life of the gateway, which the plugin ends."""
        with self.gateway(self.NAME, options) as hb:
            hb.killed = True
            self.is_served(hb)
            if in_call:
                with self.assertRaises((OSError, http.client.HTTPException)):
                    hb.chat("x", model)
            else:
                self.assertEqual(hb.chat("x", model).text(), self.SAYS)
                self.assertEqual(self.marks(), [])
                hb.process.send_signal(signal.SIGTERM)
            hb.process.wait(20)
            if not support.is_sanitized():
                self.assertEqual(hb.process.returncode, ended, hb.log())
            return hb.log()

    def check_left_out(self, path, stage, options):
        """At the next start, and at the one after that."""
        words = (rf"plugin '{re.escape(self.ID)}' is left out since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ, when "
                 rf"a process died in it \({stage}\): update it, or 'harborai plugin enable {self.NAME}' "
                 rf"has it tried again\n    harborai plugin enable {self.NAME}\n")
        for _ in range(2):
            with self.gateway(self.NAME, options) as hb:
                self.assertRegex(hb.log(), rf"warn plugin\.crashed file='{path}' stage={stage} since=\d")
                self.is_served(hb)
                answer = hb.chat("x", self.MODEL)
                self.assertEqual((answer.status, answer.error()["code"]), (404, "model_not_found"))
                self.assertRegex(answer.error()["message"],
                                 f"^the model '{self.MODEL}' is not served: provider '{self.NAME}' is "
                                 rf"disabled since \S+Z, when a process died in its plugin \({stage}\)$")
            listed = self.listed()
            self.assertEqual((listed["good.so"]["state"], listed[self.NAME + ".so"]["state"],
                              listed[self.NAME + ".so"]["stage"]), ("ready", "crashed", stage))
            for name in ((), (self.NAME,), (self.MODEL,), (f"{self.NAME}/{self.MODEL}",)):
                self.assertRegex(self.command("plugin", "doctor", *name, code=1), f"^{words}$")
            self.assertRegex(self.command("plugin", "info", self.NAME), r"(?m)^state +crashed$")
            self.assertRegex(self.command("chat", "-m", self.MODEL, "x", code=1),
                             rf"is disabled since .*, when a process died in its plugin \({stage}\): "
                             rf"'harborai plugin enable {re.escape(self.ID)}' has it tried again")

    def check_enabled(self):
        """Then it is tried again, and if it behaves that is the end of it."""
        self.assertIn("is enabled", self.command("plugin", "enable", self.NAME))
        self.assertEqual(self.marks(), [])
        self.assertEqual(self.listed()[self.NAME + ".so"]["state"], "ready")
        with self.gateway(self.NAME) as hb:
            hb.killed = True
            self.assertNotIn("plugin.crashed", hb.log())
            self.assertEqual(hb.chat("x", self.MODEL).text(), self.SAYS)
            self.assertEqual(self.marks(), [])

    def test(self):
        for name, (flags, options, stage, ended) in self.ROWS.items():
            with self.subTest(name):
                shutil.rmtree(self.state, ignore_errors=True)
                path = build(self.plugins, "misbehaves", "misbehaves.c", flags=flags)
                self.crash(options, "m-good", ended, in_call=stage not in ("destroy", "unload"))
                marks = self.marks()
                mark, = [m for m in marks if m["id"] == self.ID]  # the good one may be on its way out
                self.assertEqual((mark["file"], mark["stage"]), (path, stage))
                self.assertEqual([m["id"] for m in marks if m["guilty"]], [self.ID])
                self.check_left_out(path, stage, options)
                if stage in ("create", "tick", "destroy"):  # else nothing can be done but another file
                    self.check_enabled()

    def test_another_file(self):
        """What takes the place of the file that crashed is tried, and so is what is put there anew."""
        path = build(self.plugins, "misbehaves", "misbehaves.c", flags=["-DCRASH_IN_QUERY"])
        self.crash({}, "m-good", self.SEGV)
        os.rename(path, path + ".away")
        self.assertNotIn("misbehaves.so", self.listed())
        os.rename(path + ".away", path)
        os.chmod(path, 0o700)
        self.assertEqual(self.listed()["misbehaves.so"]["state"], "crashed")
        build(self.plugins, "next", "misbehaves.c")
        os.rename(os.path.join(self.plugins, "next.so"), path)
        self.assertEqual(self.listed()["misbehaves.so"]["state"], "ready")
        with self.gateway(self.NAME) as hb:
            self.assertEqual(hb.chat("x", "m-good").text(), "behaves")
            self.assertNotIn("plugin.crashed", hb.log())

    def test_throws(self):
        """In C++: no frame above catches it, so that the program is ended by std::terminate()."""
        self.NAME, self.ID, self.MODEL, self.SAYS = "throws", "test.throws", "t-good", "caught nothing"
        path = build(self.plugins, "throws", "throws.cc")
        log = self.crash({"create": "throw"}, "t-good", self.ABRT)
        self.assertIn("thrown in create()", log)
        self.check_left_out(path, "create", {"create": "throw"})
        self.check_enabled()

    def crash_beside_a_sleeper(self, model, options):
        """The log of a gateway that 'throws' ends while 'misbehaves' is in create()."""
        config = {"providers": {"misbehaves": {"options": {"create": "sleep", "gate": "/nowhere"}},
                                "throws": {"options": options}, "good": {}}}
        self.config = support.write_config(self.home, config)
        with support.gateway(config, env=self.env, state=self.state, wrapper=NO_CORE) as hb:
            hb.killed = True
            if not options:
                self.assertEqual(hb.chat("x", "t-good").text(), "caught nothing")
            thread = threading.Thread(target=ask, args=(hb, "m-good"))
            thread.start()
            support.wait_for("create()", lambda: "message='sleeps'" in hb.log())
            ask(hb, model)
            hb.process.wait(20)
            thread.join()
            self.assertIn("harborai: plugin 'test.throws' ends the process: signal 6\n", hb.log())
            self.assertNotIn("harborai: plugin 'test.misbehaves' ends the process", hb.log())

    def test_several_at_once(self):
        """Only the one that has ended the process is left out, though others were being loaded."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        build(self.plugins, "throws", "throws.cc")
        for model, options, verdicts in (
                ("t-good", {"create": "throw"}, {"test.misbehaves": 2, "test.throws": 1}),
                ("t-chat", {}, {"test.misbehaves": 2})):
            with self.subTest(model):
                self.crash_beside_a_sleeper(model, options)
                self.assertEqual({m["id"]: m["guilty"] for m in self.marks()}, verdicts)
                is_left_out = "test.throws" in verdicts
                self.assertEqual({n: p["state"] for n, p in self.listed().items()}, {
                    "good.so": "ready", "misbehaves.so": "ready",
                    "throws.so": "crashed" if is_left_out else "ready"})
                with self.gateway("misbehaves") as hb:
                    self.assertEqual(hb.log().count("plugin.crashed"), is_left_out)
                    self.assertEqual(hb.chat("x", "m-good").text(), "behaves")
                    self.assertEqual([m["id"] for m in self.marks()], ["test.throws"] * is_left_out)
                self.command("plugin", "enable", "throws")
                self.assertEqual(self.marks(), [])

    def test_killed(self):
        """SIGKILL tells nobody anything: what was being loaded then is suspected."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        with self.gateway("misbehaves", {"create": "sleep", "gate": "/nowhere"}) as hb:
            thread = threading.Thread(target=ask, args=(hb, "m-good"))
            thread.start()
            support.wait_for("create()", lambda: "message='sleeps'" in hb.log())
            hb.kill()
            thread.join()
        self.assertEqual(self.listed()["misbehaves.so"]["state"], "crashed")

    def test_forks(self):
        """How a child of a plugin's ends is no word of this process: neither guilty nor innocent."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        gate = os.path.join(self.home, "gate")
        # LeakSanitizer would look at the child, which has the memory of threads that it has not.
        self.env["ASAN_OPTIONS"] += ":detect_leaks=0"
        with self.gateway("misbehaves", {"create": "fork", "gate": gate}) as hb:
            thread = threading.Thread(target=ask, args=(hb, "m-good"))
            thread.start()
            support.wait_for("create()", lambda: "message='sleeps'" in hb.log())
            self.assertEqual([m["guilty"] for m in self.marks()], [0])
            self.assertNotIn("ends the process", hb.log())
            with open(gate, "w", encoding="utf-8"):
                thread.join()
            self.assertEqual((hb.chat("x", "m-good").text(), self.marks()), ("behaves", []))

    def test_in_a_call(self):
        """Nothing is marked: one client's request shall not take a provider from all others."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        build(self.plugins, "throws", "throws.cc")
        for model, ended, how in (("m-crash", self.SEGV, "signal 11"), ("m-deep", self.SEGV, "signal 11"),
                                  ("m-trap", -signal.SIGTRAP, "signal 5"), ("m-exit", 7, "exit()")):
            log = self.crash({}, model, ended)
            self.assertEqual(log.count(f"harborai: plugin 'test.misbehaves' ends the process: {how}\n"), 1)
        self.NAME = "throws"
        log = self.crash({}, "t-chat", self.ABRT)
        self.assertIn("thrown in chat()", log)
        self.assertIn("harborai: plugin 'test.throws' ends the process: signal 6\n", log)
        self.assertEqual(self.marks(), [])
        with self.gateway("misbehaves") as hb:
            self.assertEqual(hb.chat("x", "m-good").text(), "behaves")
            self.is_served(hb)

    def test_another_name_does_not_have_it_tried_again(self):
        """That of a provider of it, or of a model: the plugin is off still, and the answer says so."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        crash = {"providers": {"wild": {"plugin": "misbehaves", "options": {"create": "crash"}}, "good": {}}}
        with support.gateway(crash, env=self.env, state=self.state, wrapper=NO_CORE) as hb:
            hb.killed = True
            ask(hb, "m-good")
            hb.process.wait(20)
        sound = {"providers": {"wild": {"plugin": "misbehaves"}, "good": {}}}
        self.config = support.write_config(self.home, sound)
        words = "its plugin is not: 'harborai plugin enable test.misbehaves' enables it"
        self.assertIn(words, self.command("plugin", "enable", "wild"))
        with support.gateway(sound, env=self.env, state=self.state) as hb:
            for name in ("wild", "wild/m-good"):
                self.assertIn(words, self.command("plugin", "enable", name))
            self.assertEqual(hb.chat("x", "m-good").status, 404)
            self.assertNotIn("is not", self.command("plugin", "enable", "misbehaves"))
            self.assertEqual(hb.chat("x", "m-good").text(), "behaves")

    def test_commands_heed_and_leave_no_marks(self):
        """A process that Ctrl-C ends in the middle of a load must not be blamed on the plugin."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        self.config = support.write_config(self.home, {"providers": {"misbehaves": {
            "options": {"create": "crash"}}}})
        done = subprocess.run([*NO_CORE, support.HARBORAI, "chat", "-m", "m-good", "x",
                               "--config", self.config], text=True, capture_output=True, check=False,
                              cwd=self.home, env=support.environment(self.home, **self.env))
        self.assertEqual((done.returncode, done.stderr), (
            -signal.SIGSEGV, "harborai: plugin 'test.misbehaves' ends the process: signal 11\n"))
        self.assertEqual(self.marks(), [])

    def test_strange_marks(self):
        """Nothing that lies there keeps the gateway from starting, or from loading; once it is told."""
        loading = os.path.join(self.state, "loading")
        os.makedirs(os.path.join(loading, "1"))
        strange = {"2": "", "3": '{"version":1,"file":"', "4": "\0\xff"}
        for name, text in {**strange, "5.new": "{}", "6.new": "{}"}.items():
            with open(os.path.join(loading, name), "w", encoding="latin-1") as file:
                file.write(text)
        os.utime(os.path.join(loading, "5.new"), (1, 1))
        for told in (list(strange), []):
            with self.gateway("good") as hb:
                self.is_served(hb)
                self.assertNotIn("plugin.crashed", hb.log())
                self.assertEqual(re.findall(rf"warn plugin\.bad_mark file='{loading}/(\S+)'", hb.log()), told)
            self.assertEqual(sorted(os.listdir(loading)), ["1", "6.new"])
        shutil.rmtree(loading)
        with open(loading, "w", encoding="utf-8"):
            pass
        with self.gateway("good") as hb:
            self.is_served(hb)
            self.assertRegex(hb.log(), r"warn plugin\.unmarked error='cannot write a mark in ")


class SlowTest(Place):
    """A create() that sleeps 30 s holds up nobody: told by the order of what comes, not by a clock."""

    def ask(self, hb, model, answers):
        def run():
            answers.append((model, hb.chat("x", model, timeout=60).text()))
        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test(self):
        build(self.plugins, "misbehaves", "misbehaves.c")
        gate, answers = os.path.join(self.home, "gate"), []
        config = {"providers": {
            "slow": {"plugin": "misbehaves", "options": {"create": "sleep", "gate": gate}},
            "drips": {"plugin": "misbehaves"}, "good": {}}}
        self.config = support.write_config(self.home, config)
        with support.gateway(config, env=self.env, state=self.state, workers=1) as hb:
            stream = support.RawStream(hb.port, support.chat_body("x", "drips/m-drip", stream=True))
            self.addCleanup(stream.sock.close)
            stream.read_until(b"drip ")
            slow = self.ask(hb, "slow/m-good", answers)
            support.wait_for("create()", lambda: "message='sleeps'" in hb.log())
            self.assertEqual([m["stage"] for m in self.marks()], ["create"])
            self.is_served(hb)  # its first call, of a plugin that nobody has loaded yet
            stream.read_until(b"data: [DONE]")
            self.assertEqual(stream.seen.count(b"drip "), 19)
            self.assertEqual((answers, slow.is_alive()), ([], True), "the slow one is loading still")
            self.assertNotIn("plugin.loaded provider=slow", hb.log())
            self.assertEqual(self.listed()["misbehaves.so"]["state"], "ready")
            with open(gate, "w", encoding="utf-8"):
                pass
            slow.join(30)
            self.assertEqual(answers, [("slow/m-good", "behaves")])
            self.assertEqual(self.marks(), [])

    def measure(self, hb, names):
        """In ms: the first calls of these providers, and the longest gap in a stream meanwhile."""
        stream, first, gaps = support.RawStream(
            hb.port, support.chat_body("x", "drips/m-drip", stream=True)), [], []
        self.addCleanup(stream.sock.close)
        stream.read_until(b"drip ")
        reader = threading.Thread(target=lambda: gaps.extend(stream.gaps()))
        reader.start()
        for name in names:
            began = time.monotonic()
            self.assertEqual(hb.chat("x", name + "-model").text(), "made on the spot")
            first.append(1000 * (time.monotonic() - began))
        reader.join()
        self.assertEqual(stream.seen.count(b"drip "), 19)
        return f"first calls {', '.join(f'{ms:.1f}' for ms in first)} ms, " \
               f"longest gap of a stream {1000 * max(gaps):.1f} ms"

    def test_measured(self):
        """Says how long others take while a create() sleeps, and how long without that."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        gate, answers = os.path.join(self.home, "gate"), []
        before, beside = ("alone-a", "alone-b", "alone-c"), ("beside-a", "beside-b", "beside-c")
        for name in before + beside:
            made.build(self.plugins, name)
        config = {"providers": {
            "slow": {"plugin": "misbehaves", "options": {"create": "sleep", "gate": gate}},
            "drips": {"plugin": "misbehaves"}, **{name: {} for name in before + beside}}}
        with support.gateway(config, env=self.env, state=self.state, workers=1) as hb:
            print(f"\n    without: {self.measure(hb, before)}", file=sys.stderr)
            slow = self.ask(hb, "slow/m-good", answers)
            support.wait_for("create()", lambda: "message='sleeps'" in hb.log())
            print(f"    beside a create() that sleeps: {self.measure(hb, beside)}", file=sys.stderr)
            self.assertEqual((answers, slow.is_alive()), ([], True), "the slow one is loading still")
            with open(gate, "w", encoding="utf-8"):
                pass
            slow.join(30)

    def test_the_end_is_no_crash(self):
        """Who ends the gateway meanwhile has no reason to blame the plugin."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        with self.gateway("misbehaves", {"create": "sleep", "gate": "/nowhere"},
                          timeouts={"shutdown": "1s"}) as hb:
            hb.killed = True
            threading.Thread(target=ask, args=(hb, "m-good"), daemon=True).start()
            support.wait_for("create()", lambda: "message='sleeps'" in hb.log())
            self.assertEqual(len(self.marks()), 1)
            hb.process.send_signal(signal.SIGTERM)
            support.wait_for("the end", lambda: "serve.stop" in hb.log())
            hb.process.send_signal(signal.SIGTERM)
            hb.process.wait(30)
            self.assertEqual(hb.process.returncode, 0, hb.log())
            self.assertIn("runtime.plugin_holds_on provider=misbehaves", hb.log())
        self.assertEqual(self.marks(), [])
        self.assertEqual(self.listed()["misbehaves.so"]["state"], "ready")


class CallTest(Place):
    """What is wrong in a call is the end of that call, at most."""

    def test_never_finishes(self):
        build(self.plugins, "misbehaves", "misbehaves.c")
        with self.gateway("misbehaves", timeouts={"total": "1s"}) as hb:
            answer = hb.chat("x", "m-never")
            self.assertEqual((answer.status, answer.error()["code"]), (504, "timeout"), answer.body)
            self.is_served(hb)

    def test_is_idle(self):
        build_rogue(self.plugins)
        with self.gateway("rogue") as hb:
            answer = hb.chat("x", "r-idle")
            self.assertEqual(answer.status, 500)
            self.assertRegex(answer.error()["message"], "rogue")
            self.is_served(hb)

    def test_finishes_twice_and_goes_on(self):
        """It is told E_CLOSED, or logs BROKEN; threads that all finish at once are one end, too."""
        build_rogue(self.plugins)
        with self.gateway("rogue") as hb:
            for model, text in (("r-finish-twice", "^once$"), ("r-release-talks", "^once$"),
                                ("r-all-finish", "^y+$"), ("r-four-threads", "^x{400}$")):
                with self.subTest(model):
                    self.assertRegex(hb.chat("x", model).text(), text)
                    events = hb.chat("x", model, stream=True).events()
                    self.assertRegex(support.stream_text(events), text)
                    self.assertEqual((events.count("[DONE]"), events[-1]), (1, "[DONE]"))
                    self.is_served(hb)
            self.assertNotIn("BROKEN", hb.log())

    def test_leaks(self):
        """A call's memory is the host's, and goes with the call. What a plugin takes by malloc() and
        forgets nobody can give back."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        with self.gateway("misbehaves") as hb:
            sizes = []
            for _ in range(3):
                for _ in range(40):
                    self.assertEqual(hb.chat("x", "m-leak").text(), "leaked")  # 4 MiB each
                with open(f"/proc/{hb.pid}/statm", encoding="ascii") as file:
                    sizes.append(int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE"))
            self.is_served(hb)
        if not support.is_sanitized():
            self.assertLess(sizes[2] - sizes[0], 32 << 20, sizes)

    def test_wrong_thread(self):
        """What would spoil the memory of another thread is refused."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        with self.gateway("misbehaves") as hb:
            for _ in range(3):
                self.assertEqual(hb.chat("x", "m-thread").text(), "alloc refused, http_start -1: "
                                 "http_start() is not for threads of a plugin")
            self.is_served(hb)

    def test_threads_that_nobody_joins(self):
        """The object stays mapped, for it has no unload(): they have something to stand on."""
        build(self.plugins, "misbehaves", "misbehaves.c")
        with self.gateway("misbehaves", {"create": "threads"}) as hb:
            self.assertEqual(hb.chat("x", "m-good").text(), "behaves")
            support.write_config(os.path.dirname(hb.log_path), {"providers": {
                "good": {}, "misbehaves": {"options": {"create": "threads", "again": True}}}})
            hb.process.send_signal(signal.SIGHUP)
            support.wait_for("the new one", lambda: "provider.replaced" in hb.log())
            support.wait_for("the end of the old one", lambda: "message='destroyed'" in hb.log())
            self.assertEqual(hb.chat("x", "m-good").text(), "behaves")
            self.is_served(hb)


class LoadTest(Place):
    def test_exports_too_much(self):
        """It works; only its author's names are told."""
        build(self.plugins, "good2", "exports.c", flags=[
            "-DHARBORAI_EXPORT_ALL", "-x", "c", os.path.join(self.plugins, "good.c")])
        os.unlink(os.path.join(self.plugins, "good.so"))
        with self.gateway("good") as hb:
            self.is_served(hb)
        self.assertRegex(self.command("list-plugins"), r"good2\.so.*exports.*fault_first_symbol")

    def test_disagrees_with_its_note(self):
        made.build(self.plugins, "liar", table_id="com.example.somebody-else")
        with self.gateway("liar") as hb:
            answer = hb.chat("x", "liar-model")
            self.assertEqual(answer.status, 500)
            self.assertRegex(hb.log(), r"plugin\.failed provider=liar stage=table error='.*liar\.so.*: its "
                             r"table says id .*com\.example\.somebody-else.*, its manifest")
            self.is_served(hb)


if __name__ == "__main__":
    unittest.main()
