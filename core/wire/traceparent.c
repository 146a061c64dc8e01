/* SPDX-License-Identifier: MIT */
/* Reads and writes traceparent. It never takes over half of one: ids that are not as the standard
 * wants them would break the trace at the next hop. */
#include "wire/traceparent.h"

#include <string.h>

static bool is_zero(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '0')
            return false;
    return true;
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

bool traceparent_parse(harborai_str text, struct traceparent *ret_parent)
{
    harborai_str version = slice_cut(text, 2), trace, parent, flags;
    if (text.len < TRACEPARENT_LEN || text.data[2] != '-' || text.data[35] != '-' ||
        text.data[52] != '-')
        return false;
    trace = slice_cut(slice_from(text, 3), 32);
    parent = slice_cut(slice_from(text, 36), 16);
    flags = slice_cut(slice_from(text, 53), 2);
    if (!slice_is_hex(version) || !slice_is_hex(trace) || !slice_is_hex(parent) ||
        !slice_is_hex(flags) || is_zero(trace) || is_zero(parent) || slice_is(version, "ff"))
        return false;
    if (text.len > TRACEPARENT_LEN && (is_zero(version) || text.data[TRACEPARENT_LEN] != '-'))
        return false;
    memcpy(ret_parent->trace_id, trace.data, 32);
    ret_parent->trace_id[32] = '\0';
    memcpy(ret_parent->parent_id, parent.data, 16);
    ret_parent->parent_id[16] = '\0';
    ret_parent->flags = (uint8_t)(hex_digit(flags.data[1]) & TRACEPARENT_SAMPLED);
    return true;
}

void traceparent_format(const struct traceparent *parent, char text[static TRACEPARENT_LEN + 1])
{
    memcpy(text, "00-", 3);
    memcpy(text + 3, parent->trace_id, 32);
    text[35] = '-';
    memcpy(text + 36, parent->parent_id, 16);
    memcpy(text + 52, (parent->flags & TRACEPARENT_SAMPLED) != 0 ? "-01" : "-00", 4);
}
