# SPDX-License-Identifier: MIT
"""tests/clients with node: against the simulator itself, and through the gateway, plain and TLS."""
import os
import re
import shutil
import subprocess
import unittest

import support

CLIENTS = os.path.join(support.ROOT, "tests", "clients")


def providers(sim):
    tags = {"plugin": "openai", "base_url": sim.base_url, "api_key": support.KEY, "models": ["m"],
            "options": {"think_tags": True}}
    return {"openai": {"base_url": sim.base_url, "api_key": support.KEY}, "tags": tags}


def install():
    """Where the packages are; a read-only tree (make distcheck) gets a copy."""
    if not os.path.isdir(os.path.join(CLIENTS, "node_modules", "openai")):
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=CLIENTS, check=True)


@unittest.skipUnless(shutil.which("node"), "node is missing: apt-get install nodejs npm")
class ClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install()

    def node(self, base_url, sim, via):
        env = {**os.environ, "BASE_URL": base_url, "SIM_LOG": sim.log_path, "VIA": via}
        files = sorted(name for name in os.listdir(CLIENTS) if name.endswith(".test.mjs"))
        done = subprocess.run(["node", "--test", "--test-reporter=tap", *files], cwd=CLIENTS, env=env,
                              capture_output=True, text=True, timeout=180, check=False)
        passed = re.findall(r"(?m)^ *ok \d+ - (.*)$", done.stdout)
        failed = re.findall(r"(?m)^ *not ok \d+ - (.*)$", done.stdout)
        self.assertEqual((failed, done.returncode), ([], 0), done.stdout[-8000:] + done.stderr[-2000:])
        self.assertGreater(len(passed), 15)

    def test_direct(self):
        with support.simulator(options=()) as sim:
            self.node(sim.base_url, sim, "direct")

    def test_through_the_gateway(self):
        with support.simulator(options=()) as sim:
            with support.gateway({"providers": providers(sim)}) as hb:
                self.node(f"http://127.0.0.1:{hb.port}/v1", sim, "gateway")

    def test_through_the_gateway_to_a_vendor_with_tls(self):
        with support.folder() as certs:
            support.make_certs(certs)
            with support.simulator(certs, options=()) as sim:
                with support.gateway({"tls": {"ca_file": f"{certs}/ca.pem"},
                                      "providers": providers(sim)}) as hb:
                    self.node(f"http://127.0.0.1:{hb.port}/v1", sim, "gateway")


if __name__ == "__main__":
    unittest.main()
