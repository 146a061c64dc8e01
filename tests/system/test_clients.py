# SPDX-License-Identifier: MIT
"""tests/clients with node: against the simulator itself, and through the gateway, plain and TLS."""
import collections
import fcntl
import json
import os
import re
import shutil
import subprocess
import unittest

import support

CLIENTS = os.path.join(support.ROOT, "tests", "clients")
SDKS = ("openai", "ai", "langchain")  # of sdks.test.mjs
CELLS = {"direct": 9, "gateway": 12}  # of each


# Of a vendor that is silent: clients have to pass over them.
PINGS = {"ping_s": 1, "first_ping_s": 1}


def providers(sim):
    tags = {"plugin": "openai", "base_url": sim.base_url, "api_key": support.KEY, "models": ["m"],
            "options": {"think_tags": True}}
    return {"openai": {"base_url": sim.base_url, "api_key": support.KEY}, "tags": tags}


def install():
    """The packages as the lock has them, once for all tests that run side by side."""
    lock = os.path.join(CLIENTS, "package-lock.json")
    done = os.path.join(CLIENTS, "node_modules", ".installed")
    with open(lock, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        wanted = file.read()
        if os.path.exists(done):
            with open(done, "rb") as old:
                if old.read() == wanted:
                    return
        subprocess.run(["npm", "ci", "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"],
                       cwd=CLIENTS, check=True)
        with open(done, "wb") as new:
            new.write(wanted)


@unittest.skipUnless(shutil.which("node") and shutil.which("npm"),
                     "node or npm is missing: apt-get install nodejs npm")
class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install()

    def node(self, base_url, sim, via, sdks=True, keys=None):
        env = {**os.environ, "BASE_URL": base_url, "SIM_LOG": sim.log_path, "VIA": via}
        if keys:
            env["KEYS"] = json.dumps(keys)
        files = sorted(name for name in os.listdir(CLIENTS)
                       if name.endswith(".test.mjs") and (sdks or name != "sdks.test.mjs"))
        done = subprocess.run(["node", "--test", "--test-reporter=tap", *files], cwd=CLIENTS, env=env,
                              capture_output=True, text=True, timeout=180, check=False)
        passed = re.findall(r"(?m)^ *ok \d+ - (.*)$", done.stdout)
        failed = re.findall(r"(?m)^ *not ok \d+ - (.*)$", done.stdout)
        self.assertEqual((failed, done.returncode), ([], 0), done.stdout[-8000:] + done.stderr[-2000:])
        cells = collections.Counter(name.partition(": ")[0] for name in passed if ": " in name)
        wanted = CELLS[via] if sdks else 0
        if sdks:
            print(f"{via}:", *(f"{sdk} {cells[sdk]} of {wanted}" for sdk in SDKS), flush=True)
        self.assertEqual([cells[sdk] for sdk in SDKS], [wanted] * len(SDKS))
        self.assertGreater(len(passed) - len(SDKS) * wanted, 15)

    def test_direct(self):
        with support.simulator(options=()) as sim:
            self.node(sim.base_url, sim, "direct")

    def test_through_the_gateway(self):
        """One that asks for keys; each package has one of its own that may ask once a minute."""
        with support.simulator(options=()) as sim, support.folder() as state:
            def create(name, *limits):
                done = support.harborai("key", "create", name, *limits, "--state-dir", state)
                self.assertEqual(done.returncode, 0, done.stderr)
                return done.stdout.strip()
            keys = {"good": create("good"), "few": {sdk: create(sdk, "--rpm", "1") for sdk in SDKS}}
            config = {"providers": providers(sim), "stream": PINGS, "server": {"auth": "required"}}
            with support.gateway(config, state=state) as hb:
                self.node(f"http://127.0.0.1:{hb.port}/v1", sim, "gateway", keys=keys)

    def test_through_the_gateway_to_a_vendor_with_tls(self):
        with support.folder() as certs:
            support.make_certs(certs)
            with support.simulator(certs, options=()) as sim:
                with support.gateway({"tls": {"ca_file": f"{certs}/ca.pem"},
                                      "providers": providers(sim)}) as hb:
                    self.node(f"http://127.0.0.1:{hb.port}/v1", sim, "gateway",
                              sdks=False)  # whether the vendor has TLS makes no difference to them


class PageTest(unittest.TestCase):
    def test_it_names_the_versions_that_are_tested(self):
        with open(os.path.join(CLIENTS, "package.json"), encoding="utf-8") as file:
            packages = json.load(file)["dependencies"]
        with open(os.path.join(support.ROOT, "doc", "clients.md"), encoding="utf-8") as file:
            page = file.read()
        for name in packages.keys() - {"zod"}:  # which the AI SDK wants beside itself
            self.assertIn(f"`{name}` ({packages[name]})", page)


if __name__ == "__main__":
    unittest.main()
