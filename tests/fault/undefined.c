/* SPDX-License-Identifier: MIT */
/* undefined: needs a function that nobody has. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.undefined",
    "version": "1.0.0",
    "provider": "undefined",
    "models": [ { "name": "undefined-model" } ]
});

void harborai_no_such_function(void);

static void drain(harborai_provider *provider)
{
    (void)provider;
    harborai_no_such_function();
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.undefined", "1.0.0", fault_create, fault_chat),
    .drain = drain,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
