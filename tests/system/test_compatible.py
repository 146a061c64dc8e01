# SPDX-License-Identifier: MIT
"""Servers that speak OpenAI's API: what each preset stands for, and what reaches the server by it."""
import contextlib
import http.server
import json
import threading
import unittest

import made
import support
import test_reload
from support import harborai

ANSWER = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
          "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"},
                       "finish_reason": "stop"}],
          "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
         "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]}
USER = {"role": "user", "content": "hello"}
THOUGHT = {"role": "assistant", "content": "hm", "reasoning_content": "so"}
UNTHOUGHT = {"role": "assistant", "content": "hm"}
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
OFF = {"type": "disabled"}

# preset: (base URL, variable of the key, whether one is needed, a model by its bare name)
PRESETS = {
    "vllm": ("http://127.0.0.1:8000/v1", "VLLM_API_KEY", False, None),
    "ollama": ("http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", False, None),
    "llamacpp": ("http://127.0.0.1:8080/v1", "LLAMA_API_KEY", False, None),
    "moonshot": ("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", True, "kimi-k3"),
    "qwen": ("https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", True,
             "qwen3-max"),
    "zhipu": ("https://open.bigmodel.cn/api/paas/v4", "ZHIPUAI_API_KEY", True, "glm-5"),
    "minimax": ("https://api.minimax.io/v1", "MINIMAX_API_KEY", True, "MiniMax-M3"),
    "siliconflow": ("https://api.siliconflow.cn/v1", "SILICONFLOW_API_KEY", True, None),
    "groq": ("https://api.groq.com/openai/v1", "GROQ_API_KEY", True, None),
    "mistral": ("https://api.mistral.ai/v1", "MISTRAL_API_KEY", True, "mistral-large-latest"),
    "openrouter": ("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", True, None),
    "gemini": ("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", True,
               "gemini-3-flash"),
}

# (provider, model, what is asked besides the messages, what is sent besides, what is told as changed)
REQUESTS = [
    ("vllm", "any/model", {"max_tokens": 5, "reasoning_effort": "high"},
     {"max_tokens": 5, "reasoning_effort": "high"}, ""),
    ("vllm", "m", {"reasoning_effort": "none"},
     {"chat_template_kwargs": {"enable_thinking": False}}, "reasoning_effort"),
    ("vllm", "m", {"thinking": {"type": "enabled"}},
     {"chat_template_kwargs": {"enable_thinking": True}}, "thinking"),
    ("vllm", "m", {"chat_template_kwargs": {"x": 1}, "enable_thinking": False},
     {"chat_template_kwargs": {"x": 1}, "enable_thinking": False}, ""),
    ("ollama", "llama3.2:1b", {"max_completion_tokens": 5, "enable_thinking": False},
     {"max_tokens": 5, "reasoning_effort": "none"}, "max_completion_tokens"),
    ("llamacpp", "m", {"enable_thinking": False},
     {"chat_template_kwargs": {"enable_thinking": False}}, "enable_thinking"),
    ("moonshot", "kimi-k3", {"max_tokens": 5, "reasoning_effort": "medium", "temperature": 0.3},
     {"max_completion_tokens": 5, "reasoning_effort": "high"}, "temperature"),
    ("moonshot", "kimi-k2.6", {"reasoning_effort": "none", "top_p": 1},
     {"thinking": OFF, "top_p": 1}, "reasoning_effort"),
    ("moonshot", "moonshot-v1-8k", {"temperature": 0.3, "reasoning_effort": "low"},
     {"temperature": 0.3}, "reasoning_effort"),
    ("qwen", "qwen3-max", {"reasoning_effort": "none", "tool_choice": "required", "tools": TOOLS},
     {"enable_thinking": False, "tool_choice": "auto", "tools": TOOLS}, "tool_choice"),
    ("qwen", "qwen3-max", {"thinking": {"type": "enabled"}, "thinking_budget": 9},
     {"enable_thinking": True, "thinking_budget": 9}, "thinking"),
    ("zhipu", "glm-5", {"enable_thinking": False, "max_completion_tokens": 5},
     {"thinking": OFF, "max_tokens": 5}, "enable_thinking"),
    ("minimax", "MiniMax-M3", {"max_tokens": 5, "reasoning_effort": "high"},
     {"max_completion_tokens": 5, "thinking": {"type": "adaptive"}, "reasoning_split": True},
     "reasoning_effort"),
    ("minimax", "MiniMax-M2.7", {"reasoning_effort": "high", "reasoning_split": False},
     {"reasoning_split": False}, "reasoning_effort"),
    ("siliconflow", "Qwen/Qwen3-8B", {"reasoning_effort": "none"}, {"enable_thinking": False},
     "reasoning_effort"),
    ("groq", "openai/gpt-oss-120b", {"reasoning_effort": "minimal"}, {"reasoning_effort": "low"},
     "reasoning_effort"),
    ("groq", "llama-3.3-70b-versatile", {"reasoning_effort": "low"}, {}, "reasoning_effort"),
    ("mistral", "mistral-large-latest",
     {"max_completion_tokens": 5, "seed": 7, "tool_choice": "required", "tools": TOOLS},
     {"max_tokens": 5, "random_seed": 7, "tool_choice": "any", "tools": TOOLS}, "seed"),
    ("openrouter", "anthropic/claude-sonnet-5", {"thinking": OFF, "max_tokens": 5},
     {"reasoning_effort": "none", "max_tokens": 5}, "thinking"),
    ("gemini", "gemini-3-flash", {"reasoning_effort": "xhigh"}, {"reasoning_effort": "high"},
     "reasoning_effort"),
    # What a preset says the server does not take: the host leaves it out
    ("groq", "m", {"logprobs": True, "top_logprobs": 2, "max_tokens": 5}, {"max_tokens": 5}, "logprobs"),
    ("mistral", "mistral-large-latest", {"user": "u", "top_p": 0.5}, {"top_p": 0.5}, "user"),
    ("zhipu", "glm-5", {"presence_penalty": 1}, {}, "presence_penalty"),
    # OpenAI itself
    ("openai", "gpt-4o", {"reasoning_effort": "low"}, {}, "reasoning_effort"),
    ("openai", "gpt-4o-mini", {"thinking": OFF, "max_tokens": 5}, {"max_tokens": 5}, "thinking"),
    ("openai", "ft:gpt-4.1:o::1", {"enable_thinking": True, "thinking_budget": 5}, {}, "thinking_budget"),
    ("openai", "chatgpt-4o-latest", {"reasoning": {"effort": "low"}, "reasoning_effort": "ultra"}, {},
     "reasoning"),
    ("openai", "gpt-4o", {"max_tokens": 5, "temperature": 0.3}, {"max_tokens": 5, "temperature": 0.3},
     ""),
    ("openai", "gpt-5-mini", {"max_tokens": 5, "temperature": 1, "top_p": 0.5, "logprobs": True},
     {"max_completion_tokens": 5, "temperature": 1}, "top_p"),
    ("openai", "gpt-5-mini", {"reasoning_effort": "none"}, {"reasoning_effort": "minimal"},
     "reasoning_effort"),
    ("openai", "gpt-5.1", {"temperature": 0.3}, {"temperature": 0.3}, ""),
    ("openai", "gpt-5.1", {"temperature": 0.3, "reasoning_effort": "max"},
     {"reasoning_effort": "high"}, "temperature"),
    ("openai", "gpt-5.4", {"tools": TOOLS}, {"tools": TOOLS}, ""),
    ("openai", "gpt-5.4", {"tools": TOOLS, "reasoning_effort": "high"},
     {"tools": TOOLS, "reasoning_effort": "none"}, "reasoning_effort"),
    ("openai", "gpt-5.6", {"tools": TOOLS}, {"tools": TOOLS, "reasoning_effort": "none"},
     "reasoning_effort"),
    ("openai", "gpt-6-astra", {"tools": TOOLS, "stop": ["x"], "thinking": OFF},
     {"tools": TOOLS, "reasoning_effort": "low"}, "thinking"),
    ("openai", "gpt-6-sol", {"enable_thinking": True, "thinking_budget": 5}, {}, "thinking_budget"),
    ("openai", "o3", {"stop": ["x"], "max_completion_tokens": 7}, {"max_completion_tokens": 7}, "stop"),
    ("openai", "gpt-9", {"max_tokens": 5, "thinking": OFF}, {"max_tokens": 5, "thinking": OFF}, ""),
    # Options of the operator's own
    ("own", "m", {"max_completion_tokens": 5},
     {"max_tokens": 5, "top_k": 40, "thinking": OFF, "seed": 1}, "max_completion_tokens"),
    ("own", "m", {"max_tokens": 5, "reasoning_effort": "high", "seed": 7, "top_k": None},
     {"max_tokens": 5, "thinking": {"type": "enabled"}, "random_seed": 7, "top_k": None}, "seed"),
]

# (provider, model, messages that are asked, messages that are sent)
MESSAGES = [
    ("openai", "gpt-5-mini", [USER, THOUGHT, USER], [USER, UNTHOUGHT, USER]),
    ("openai", "gpt-4o", [USER, THOUGHT, USER], [USER, THOUGHT, USER]),
    ("moonshot", "kimi-k3", [USER, THOUGHT, USER], [USER, THOUGHT, USER]),
    ("groq", "m", [{**USER, "name": "n"}, THOUGHT, USER], [USER, UNTHOUGHT, USER]),
    ("mistral", "mistral-large-latest", [{"role": "developer", "content": "d"}, THOUGHT, USER],
     [{"role": "system", "content": "d"}, UNTHOUGHT, USER]),
    ("gemini", "gemini-3-flash", [USER, THOUGHT, USER], [USER, UNTHOUGHT, USER]),
    ("vllm", "m", [{"role": "developer", "content": "d"}, THOUGHT, USER],
     [{"role": "developer", "content": "d"}, THOUGHT, USER]),
]


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers like a server that speaks OpenAI's API, and keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    seen = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, dict(self.headers.items()), body))
        if body.get("stream"):
            data = b"".join(b"data: %s\n\n" % x for x in
                            (json.dumps(CHUNK).encode(), b"[DONE]"))
        else:
            data = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type",
                         "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def recorder():
    """The address of a recorder."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def path_of(url):
    return "/" + url.split("/", 3)[3]


class CompatibleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        here = cls.enterClassContext(recorder())
        providers = {name: {"preset": name, "base_url": here + path_of(row[0])}
                     for name, row in PRESETS.items()}
        providers["zhipu"] = {"base_url": here + path_of(PRESETS["zhipu"][0])}  # by its name alone
        providers["openai"] = {"base_url": here + "/v1", "api_key": support.KEY,
                               "options": {"organization": "org-1", "project": "proj-1"}}
        providers["own"] = {"plugin": "openai", "base_url": here + "/own", "api_key": "none",
                            "models": ["m"],
                            "options": {"max_tokens_member": "max_tokens", "list_prices": False,
                                        "reasoning": "thinking", "seed_member": "random_seed",
                                        "defaults": {"top_k": 40, "thinking": OFF, "seed": 1},
                                        "headers": {"x-title": "HarborAI", "http-referer": "https://h"}}}
        keys = {row[1]: "key-of-" + name for name, row in PRESETS.items() if row[2]}
        cls.hb = cls.enterClassContext(support.gateway({"providers": providers}, env=keys))

    def call(self, provider, model, messages=None, **members):
        """(answer, path, headers, body) of a call, as the server saw it."""
        del Recorder.seen[:]
        body = {"model": f"{provider}/{model}", "messages": messages or [USER], **members}
        answer = self.hb.request("POST", "/v1/chat/completions", body)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(Recorder.seen), 1)
        return (answer, *Recorder.seen[0])

    def test_what_a_preset_stands_for(self):
        listed = json.loads(harborai("list-plugins", "--json").stdout)["plugins"]
        presets = {p["name"]: p for x in listed for p in x.get("presets", [])}
        self.assertEqual(set(presets), set(PRESETS))
        for name, (url, variable, needed, _) in PRESETS.items():
            with self.subTest(name):
                told = presets[name]
                self.assertEqual((told["base_url"], told["env"], told["key_required"]),
                                 (url, variable, needed))
                self.assertIs(told["options"]["list_prices"], False)
        done = harborai("list-plugins", "--presets")
        for name, row in PRESETS.items():
            self.assertRegex(done.stdout, rf"(?m)^{name} +openai +{row[0]} ")

    def test_models_that_are_listed(self):
        config = {"providers": {"kimi": {"preset": "moonshot"}, "vllm": {}}}
        listed = json.loads(harborai("list-models", "--json", config=config).stdout)
        self.assertEqual(listed["models"], [])
        self.assertEqual([(x["pattern"], x["provider"]) for x in listed["patterns"]],
                         [("kimi-*", "kimi"), ("moonshot-*", "kimi"), ("kimi/*", "kimi"),
                          ("vllm/*", "vllm")])
        self.assertRegex(harborai("list-models", config=config).stdout,
                         r"kimi-\* +kimi .*needs MOONSHOT_API_KEY")

    def test_path_and_key(self):
        for name, (url, _, needed, _) in PRESETS.items():
            with self.subTest(name):
                _, path, headers, body = self.call(name, "a/b")
                self.assertEqual(path, path_of(url) + "/chat/completions")
                headers = {k.lower(): v for k, v in headers.items()}
                self.assertEqual(headers.get("authorization"),
                                 f"Bearer key-of-{name}" if needed else None)
                self.assertEqual(body["model"], "a/b")
                self.assertNotIn("openai-organization", headers)

    def test_models_by_their_bare_names(self):
        for name, (url, _, _, model) in PRESETS.items():
            if model is None:
                continue
            with self.subTest(name):
                del Recorder.seen[:]
                answer = self.hb.chat("x", model)
                self.assertEqual(answer.status, 200, answer.body)
                self.assertEqual(Recorder.seen[0][0], path_of(url) + "/chat/completions")

    def test_members(self):
        for provider, model, asked, sent, changed in REQUESTS:
            with self.subTest(provider=provider, model=model, asked=asked):
                answer, _, _, body = self.call(provider, model, **asked)
                self.assertEqual(body, {"model": model, "messages": [USER], **sent})
                told = answer.headers.get("x-harborai-changed", "")
                self.assertEqual(changed != "", told != "", told)
                self.assertIn(changed, told)

    def test_messages(self):
        for provider, model, asked, sent in MESSAGES:
            with self.subTest(provider=provider, model=model):
                _, _, _, body = self.call(provider, model, messages=asked)
                self.assertEqual(body["messages"], sent)

    def test_thinking_is_off_when_its_reasoning_is_gone(self):
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        turns = [USER, {"role": "assistant", "content": None, "tool_calls": [call]},
                 {"role": "tool", "tool_call_id": "c", "content": "1"}]
        with support.simulator() as sim:
            config = {"providers": {name: {"preset": name, "base_url": sim.base_url, "api_key": support.KEY}
                                    for name in ("moonshot", "zhipu")}}
            with support.gateway(config) as hb:
                for model, more, status, changed in (
                        ("kimi-k2.6", {}, 200, "thinking;off"),
                        ("kimi-k2.6", {"thinking": {"type": "enabled"}}, 200, "thinking;off"),
                        ("kimi-k2.6", {"reasoning_effort": "high"}, 200, "reasoning_effort;off"),
                        ("kimi-k2.6", {"thinking": OFF}, 200, None),
                        ("kimi-k3", {}, 400, None), ("glm-5", {}, 200, "thinking;off")):
                    with self.subTest(model=model, more=more):
                        answer = hb.chat(model=model, messages=turns, **more)
                        self.assertEqual(answer.status, status, answer.body)
                        told = answer.headers["x-harborai-changed"] or None
                        self.assertEqual(told and told.split(", ")[-1], changed)

    def test_usage_of_streams(self):
        for name in ("openai", *PRESETS):
            with self.subTest(name):
                answer, _, _, body = self.call(name, "gpt-4o", stream=True)
                self.assertEqual(answer.events()[-1], "[DONE]")
                self.assertEqual(body.get("stream_options"),
                                 None if name == "mistral" else {"include_usage": True})

    def test_headers(self):
        _, _, headers, _ = self.call("openai", "gpt-4o")
        headers = {k.lower(): v for k, v in headers.items()}
        self.assertEqual((headers["openai-organization"], headers["openai-project"]),
                         ("org-1", "proj-1"))
        _, _, headers, _ = self.call("own", "m")
        headers = {k.lower(): v for k, v in headers.items()}
        self.assertEqual((headers["x-title"], headers["http-referer"]), ("HarborAI", "https://h"))

    def test_prices_are_not_openais(self):
        for provider in ("own", "openrouter"):
            model = "m" if provider == "own" else "gpt-4o"
            mark = f"price-{provider}"
            self.hb.request("POST", "/v1/chat/completions",
                            {"model": f"{provider}/{model}", "messages": [USER]},
                            {"x-request-id": mark})
            self.assertIsNone(support.find_end(self.hb.state, mark).get("cost"))


class ReloadTest(test_reload.Reloading):
    def test_another_preset(self):
        with recorder() as here:
            def config(preset):
                return {"providers": {"lab": {"preset": preset, "base_url": here + "/v1",
                                              "api_key": "none"}}}
            with self.serving(config("mistral")) as hb:
                for preset, member in (("mistral", "max_tokens"), ("minimax", "max_completion_tokens")):
                    del Recorder.seen[:]
                    answer = hb.chat("x", "lab/m", max_tokens=5)
                    self.assertEqual(answer.status, 200, answer.body)
                    self.assertIn(member, Recorder.seen[0][2])
                    if preset == "mistral":
                        self.reload(hb, config("minimax"), "provider.replaced")


    def test_models_written_as_the_preset_has_them(self):
        """The preset's own serve any model that is asked for with the provider's name; those that the
        operator writes are all that there are."""
        listed = json.loads(harborai("list-plugins", "--json").stdout)["plugins"]
        models = {p["name"]: p["models"] for x in listed for p in x.get("presets", [])}["mistral"]
        self.assertTrue(models)
        with recorder() as here:
            lab = {"preset": "mistral", "base_url": here + "/v1", "api_key": "none"}
            written = {**lab, "models": models}
            with self.serving({"providers": {"lab": lab}}) as hb:
                for config, status in ((None, 200), (written, 404), (lab, 200)):
                    if config:
                        self.reload(hb, {"providers": {"lab": config}}, "config.applied")
                    self.assertEqual(hb.chat("x", "lab/m").status, status)
                    self.assertEqual(hb.chat("x", "mistral-small-latest").status, 200)


class FaultsTest(unittest.TestCase):
    def check(self, config):
        with_plugins = harborai("config", "check", config=config)
        return with_plugins.returncode, with_plugins.stderr

    def test_unknown_preset(self):
        status, said = self.check("providers:\n  kimi:\n    preset: moonshto\n")
        self.assertEqual(status, 3)
        self.assertRegex(said, r"harborai\.yaml:3:13: providers\.kimi\.preset: no plugin has a preset "
                               r"'moonshto', did you mean moonshot\?; 'harborai list-plugins --presets'")
        status, said = self.check("providers:\n  kimi: { plugin: deepseek, preset: moonshot }\n")
        self.assertEqual(status, 3)
        self.assertIn("plugin org.harborai.deepseek has no preset 'moonshot'", said)
        status, said = self.check("providers:\n  kimmi: {}\n")
        self.assertIn("no plugin and no preset 'kimmi' can be used", said)

    def test_preset_of_two_plugins(self):
        with support.folder() as place:
            made.build(place, "twin", note='HARBORAI_MANIFEST({"id":"com.example.twin",'
                       '"version":"1.0.0","provider":"twin","models":[{"name":"t"}],'
                       '"presets":{"moonshot":{"models":["own-*"],"key_required":false}}});')
            env = {"HARBORAI_PLUGIN_PATH": support.plugin_path(place)}
            for config in ({"kimi": {"preset": "moonshot"}}, {"moonshot": {}}):
                name = next(iter(config))
                done = harborai("config", "check", config={"providers": config}, env=env)
                self.assertEqual(done.returncode, 3)
                self.assertRegex(done.stderr, rf"providers\.{name}: the plugins \S+ and \S+ both have a "
                                 rf"preset 'moonshot': name one as providers\.{name}\.plugin")
            chosen = {"providers": {"kimi": {"plugin": "twin", "preset": "moonshot"}}}
            self.assertEqual(harborai("config", "check", config=chosen, env=env).returncode, 0)
            done = harborai("chat", "-m", "own-model", "x", config=chosen, env=env)
            self.assertEqual((done.returncode, done.stdout), (0, "made on the spot\n"))

    def test_key_that_is_missing(self):
        for config in ({"providers": {"kimi": {"preset": "moonshot"}}}, {"providers": {"moonshot": {}}}):
            name = next(iter(config["providers"]))
            done = harborai("chat", "-m", f"{name}/kimi-k3", "hello", config=config,
                            env={"OPENAI_API_KEY": "sk-that-must-not-go-there"})
            self.assertEqual(done.returncode, 4)
            self.assertIn(f"provider '{name}' has no api_key: set MOONSHOT_API_KEY or "
                          f"providers.{name}.api_key", done.stderr)

    def test_each_word_of_each_option(self):
        """The schemas and create() agree: the configuration is taken, the plugin made, and the call sent."""
        efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
        words = ["openai", "as_sent", "effort", "thinking", "adaptive", "enable_thinking",
                 "chat_template", "drop"]
        options = {
            "openai": {
                "defaults": [{}, {"top_k": 1}], "developer_role": ["developer", "system"],
                "efforts": [[], efforts], "fixed_sampling": [[], ["a*", "b"]],
                "headers": [{}, {"x-a": "b"}], "history_reasoning": ["keep", "remove", "required"],
                "list_prices": [True, False], "message_names": ["keep", "remove"],
                "max_tokens_member": ["as_sent", "max_tokens", "max_completion_tokens"],
                "organization": ["org-1"], "project": ["proj_1"], "seed_member": ["s", "s" * 64],
                "reasoning": [{}, *words, {f"m{i}*": word for i, word in enumerate(words)}],
                "stream_usage": ["ask", "never"], "tool_choice_required": ["required", "any", "auto"]},
            "anthropic": {
                "anthropic_version": ["2023-06-01", "2026-10-21"], "auth_style": ["x-api-key", "bearer"],
                "beta": ["a,b"], "max_tokens": [1, 1000000000], "reasoning_effort": efforts,
                "thinking_display": ["summarized", "omitted"]},
            "wenxin": {"appid": ["app-1"]}, "doubao": {"endpoints": [{}, {"ep-1": "m"}]}, "deepseek": {}}
        for plugin, known in options.items():
            for i in range(max(map(len, known.values()), default=1)):
                chosen = {name: values[i % len(values)] for name, values in known.items()}
                with self.subTest(plugin, options=chosen):
                    done = harborai("chat", "-m", "lab/m", "hello", config={"providers": {"lab": {
                        "plugin": plugin, "base_url": "http://127.0.0.1:1/v1", "api_key": "none",
                        "models": ["m"], "options": chosen}}})
                    self.assertEqual(done.returncode, 5, done.stderr)

    def test_options(self):
        """What the manifest's schema can say is a fault of the configuration; the rest is create()'s."""
        for options, want in (
                ({"reasonning": "effort"}, "unknown key 'reasonning' in 'providers.lab.options', did you "
                                           "mean 'reasoning'?"),
                ({"colour": "red"}, "unknown key 'colour' in 'providers.lab.options': known are "
                                    "defaults, developer_role, "),
                ({"reasoning": "loud"}, "'providers.lab.options.reasoning' must be openai, as_sent, "),
                ({"reasoning": {"a*": 1}}, "'providers.lab.options.reasoning.a*' must be openai, "),
                ({"efforts": ["low", "huge"]}, "options.efforts[1]' must be none, minimal, low, "),
                ({"list_prices": "maybe"}, "options.list_prices' must be true or false, not 'maybe'"),
                ({"seed_member": ""}, "options.seed_member' must be a text of 1 to 64 characters"),
                ({"headers": {"Authorization": "x"}}, "option 'headers' must be headers with names in"),
                ({"headers": {"authorization": "x"}}, "option 'headers' must be headers other than"),
                ({"defaults": {"a/b": 1}}, "option 'defaults' must be an object of members without")):
            with self.subTest(options=options):
                done = harborai("chat", "-m", "lab/m", "hello", config={"providers": {"lab": {
                    "plugin": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "none",
                    "models": ["m"], "options": options}}})
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(want, done.stderr)


if __name__ == "__main__":
    unittest.main()
