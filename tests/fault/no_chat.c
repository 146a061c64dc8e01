/* SPDX-License-Identifier: MIT */
/* no_chat: a mandatory function is missing. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.no-chat",
    "version": "1.0.0",
    "provider": "no-chat",
    "models": [ { "name": "no-chat-model" } ]
});

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.no-chat", "1.0.0", fault_create, NULL),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
