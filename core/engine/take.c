/* SPDX-License-Identifier: MIT */
/* The one place where structs of a plugin are read: as many bytes as both sides know, the rest
 * zero. Never by our own sizeof alone. */
#include <string.h>

#include "base/error.h"
#include "engine/state.h"

static harborai_status take_struct(const void *from, uint32_t from_size, void *to, size_t to_size)
{
    if (from == NULL || from_size < sizeof from_size)
        return HARBORAI_E_INVALID;
    memset(to, 0, to_size);
    memcpy(to, from, from_size < to_size ? from_size : to_size);
    return HARBORAI_OK;
}

#define TAKE(noun)                                                                                 \
    harborai_status take_##noun(const harborai_##noun *from, harborai_##noun *to)                  \
    {                                                                                              \
        harborai_status st = take_struct(from, from != NULL ? from->size : 0, to, sizeof *to);     \
        if (st < 0)                                                                                \
            return st;                                                                             \
        to->size = sizeof *to;                                                                     \
        return HARBORAI_OK;                                                                        \
    }

TAKE(delta)
TAKE(usage)
TAKE(result)
TAKE(http_request)

harborai_status take_error(const harborai_error *from, harborai_error *to)
{
    harborai_status st = take_struct(from, from != NULL ? from->size : 0, to, sizeof *to);
    if (st < 0)
        return st;
    to->size = sizeof *to;
    to->vendor_code[sizeof to->vendor_code - 1] = '\0';
    to->param[sizeof to->param - 1] = '\0';
    to->message[sizeof to->message - 1] = '\0';
    error_check_code(to);
    return HARBORAI_OK;
}
