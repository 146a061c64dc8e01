/* SPDX-License-Identifier: MIT */
/* JSON that may be a usage object, or hold one: no class is negative or beyond what sums can hold;
 * what is found lies within the text, and read alone it is the same; without the vendor's object it
 * is written so that the totals survive. */
#include <string.h>

#include "chat.h"
#include "chat/usage.h"
#include "json_scan.h"
#include "openai_usage.h"

static void check_classes(const harborai_usage *usage)
{
    const uint32_t ours = OPENAI_USAGE_PROMPT | OPENAI_USAGE_COMPLETION;
    MUST((usage->known_mask & ~ours) == 0 && usage->known_mask != 0);
    for (unsigned c = 0; c < HARBORAI_USAGE_CLASSES; c++) {
        MUST(usage->count[c] >= 0 && usage->count[c] <= OPENAI_USAGE_MOST);
        MUST((usage->known_mask >> c & 1) != 0 || usage->count[c] == 0);
    }
    MUST(usage->vendor_total >= 0 && usage->vendor_total <= OPENAI_USAGE_MOST);
}

static void check_written(harborai_usage usage)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    harborai_usage again = USAGE_INIT;
    int64_t input = usage_input_total(&usage), output = usage_output_total(&usage);
    MUST(input >= 0 && output >= 0);
    usage.vendor_json = SLICE_NONE;
    usage_write_openai(&text, &usage);
    MUST(is_json_line(buf_slice(&text)));
    if (input > OPENAI_USAGE_MOST || output > OPENAI_USAGE_MOST ||
        input + output > OPENAI_USAGE_MOST)
        return; /* more than any count that is read */
    MUST(openai_usage_parse(buf_slice(&text), &again, NULL) == HARBORAI_OK);
    MUST(usage_input_total(&again) == input && usage_output_total(&again) == output);
    MUST(again.vendor_total == input + output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str json;
    harborai_usage usage = USAGE_INIT, alone = USAGE_INIT;
    const harborai_usage before = usage;
    if (json_scan((harborai_str){(const char *)data, size}, NULL, &json, NULL) < 0)
        return 0;
    if (openai_usage_parse(json, &usage, NULL) != HARBORAI_OK) {
        MUST(memcmp(&usage, &before, sizeof usage) == 0);
        return 0;
    }
    check_classes(&usage);
    harborai_str found = usage.vendor_json;
    MUST(found.data >= json.data && found.data + found.len <= json.data + json.len);
    MUST(openai_usage_parse(found, &alone, NULL) == HARBORAI_OK);
    MUST(memcmp(&usage, &alone, sizeof usage) == 0);
    check_written(usage);
    return 0;
}
