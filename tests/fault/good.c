/* SPDX-License-Identifier: MIT */
/* good: no fault at all. It can be unmapped, ticks once, and reads its configuration. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.good",
    "version": "1.2.0",
    "provider": "good",
    "name": "Good",
    "base_url": "https://api.good.example/v1/",
    "network": [ "api.good.example:443" ],
    "models": [
        { "name": "good-large", "aliases": [ "good-latest" ], "context": 128000, "max_output": 8192 },
        { "name": "good-small", "context": 8000, "deprecated": "2027-01-01" }
    ],
    "patterns": [ "good-ft-*" ],
    "unsupported": [ "/n" ],
    "presets": {
        "good-eu": { "base_url": "https://eu.good.example/v1/", "env": "GOOD_EU_API_KEY",
                     "models": [ "good-eu-*", "good-large" ], "replay": "reasoning_content",
                     "options": { "colour": "red", "deep": { "a": 1 } }, "unsupported": [ "/seed" ] },
        "good-home": { "base_url": "http://127.0.0.1:8080/v1", "key_required": false, "models": [] },
        "good-plain": {}
    },
    "secrets": { "api_key": { "env": "GOOD_API_KEY", "required": true },
                 "signing_key": { "env": "GOOD_SIGNING_KEY", "readable": true } }
});

static int64_t tick(harborai_provider *provider)
{
    fault_say(provider->host, "tick");
    return -1;
}

static void drain(harborai_provider *provider)
{
    fault_say(provider->host, "drain");
}

static void unload(void)
{
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.good", "1.2.0", fault_create, fault_chat),
    .tick = tick, .drain = drain, .unload = unload,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
