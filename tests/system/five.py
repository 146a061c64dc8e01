# SPDX-License-Identifier: MIT
"""One gateway with five vendors' providers, all of them the simulator."""
import contextlib

import support

KEYS = {"openai": "sk-operator-0001", "deepseek": "sk-operator-0002", "anthropic": "sk-ant-0003",
        "doubao": "ark-operator-0004", "wenxin": "bce-v3/ALTAK-operator/0005"}
PATHS = {"openai": "/v1", "deepseek": "", "wenxin": "/v2", "doubao": "/api/v3", "anthropic": ""}


def config(sim):
    root = sim.base_url[:-len("/v1")]
    return {"providers": {name: {"base_url": root + path, "api_key": KEYS[name]}
                          for name, path in PATHS.items()}}


@contextlib.contextmanager
def running():
    """(simulator, gateway)"""
    with support.simulator(options=()) as sim, support.gateway(config(sim)) as gateway:
        yield sim, gateway
