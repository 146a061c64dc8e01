/* SPDX-License-Identifier: MIT */
/* What is accepted can be written and read again. */
#include <string.h>

#include "fuzz.h"
#include "wire/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct traceparent parent, again;
    char text[TRACEPARENT_LEN + 1];
    if (!traceparent_parse((harborai_str){(const char *)data, size}, &parent))
        return 0;
    MUST(strlen(parent.trace_id) == 32 && strlen(parent.parent_id) == 16);
    traceparent_format(&parent, text);
    MUST(strlen(text) == TRACEPARENT_LEN);
    MUST(traceparent_parse(slice_of(text), &again));
    MUST(strcmp(parent.trace_id, again.trace_id) == 0 && parent.flags == again.flags);
    return 0;
}
