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
