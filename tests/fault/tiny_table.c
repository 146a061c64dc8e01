/* SPDX-License-Identifier: MIT */
/* tiny_table: its table ends before the mandatory functions. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.tiny",
    "version": "1.0.0",
    "provider": "tiny",
    "models": [ { "name": "tiny-model" } ]
});

static const harborai_plugin table = {
    FAULT_TABLE(8, "test.tiny", "1.0.0", fault_create, fault_chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
