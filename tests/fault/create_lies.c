/* SPDX-License-Identifier: MIT */
/* create_lies: create() says that all is well and gives no provider. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.create-lies",
    "version": "1.0.0",
    "provider": "create-lies",
    "models": [ { "name": "create-lies-model" } ]
});

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    (void)host, (void)config, (void)provider, (void)error;
    return HARBORAI_OK;
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.create-lies", "1.0.0", create, fault_chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
