/* SPDX-License-Identifier: MIT */
/* no_note: a table without a manifest. */
#include "fault.h"

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.no-note", "1.0.0", fault_create, fault_chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
