/* SPDX-License-Identifier: MIT */
/* foreign_abi: built with headers of another time. Its constructor would end the process: an object
 * of another ABI must be refused before any of its code runs. */
#include <stdlib.h>

#include "fault.h"

HARBORAI_NOTE_("{\"abi\":[0,1,0],\"plugin\":{\"id\":\"test.foreign\",\"version\":\"3.1.4\","
               "\"provider\":\"foreign\",\"flavours\":[1,2]}}");

__attribute__((constructor)) static void at_load(void)
{
    abort();
}

const void *harborai_plugin_query(uint32_t abi_major)
{
    (void)abi_major;
    return NULL;
}
