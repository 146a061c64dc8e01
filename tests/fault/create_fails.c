/* SPDX-License-Identifier: MIT */
/* create_fails: create() finds fault with its configuration, each time. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.create-fails",
    "version": "1.0.0",
    "provider": "create-fails",
    "models": [ { "name": "create-fails-model" } ]
});

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    (void)config, (void)provider;
    fault_say(host, "create fails");
    harborai_status st = harborai_error_set(error, HARBORAI_E_CONFIG, "no such region: 'moon'");
    snprintf(error->param, sizeof error->param, "/region");
    return st;
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.create-fails", "1.0.0", create, fault_chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
