/* SPDX-License-Identifier: MIT */
/* null_table: has no table for any ABI. */
#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.null-table",
    "version": "1.0.0",
    "provider": "null-table",
    "dynamic_models": true
});

const void *harborai_plugin_query(uint32_t abi_major)
{
    (void)abi_major;
    return NULL;
}
