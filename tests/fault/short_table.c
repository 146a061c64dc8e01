/* SPDX-License-Identifier: MIT */
/* short_table: built when get_extension and unload were not yet in the table. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.short",
    "version": "1.0.0",
    "provider": "short",
    "models": [ { "name": "short-model" } ]
});

#define OLD_SIZE offsetof(harborai_plugin, get_extension)

/* What follows the table in memory must not be read as a part of it. */
static const harborai_plugin table = {
    FAULT_TABLE(OLD_SIZE, "test.short", "1.0.0", fault_create, fault_chat),
    .unload = (void (*)(void))1,
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
