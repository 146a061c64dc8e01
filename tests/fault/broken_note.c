/* SPDX-License-Identifier: MIT */
/* broken_note: its manifest is cut short. */
#include "fault.h"

HARBORAI_NOTE_("{\"abi\":[0,3,0],\"plugin\":{\"id\":\"test.broken\",");

const void *harborai_plugin_query(uint32_t abi_major)
{
    (void)abi_major;
    return NULL;
}
