/* SPDX-License-Identifier: MIT */
/* table_differs: its table gives another version than its note. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.differs",
    "version": "1.0.0",
    "provider": "differs",
    "models": [ { "name": "differs-model" } ]
});

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.differs", "1.0.1", fault_create, fault_chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
