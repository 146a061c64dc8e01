/* SPDX-License-Identifier: MIT */
/* A key that stands free in any text is taken out of it; what is masked stays as it is; JSON stays
 * JSON. */
#include <string.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json_scan.h"
#include "wire/masker.h"

static const char key[] = " sk-c4naryC4NARYc4nary ";

static void check_text(harborai_str text)
{
    AUTO(buf) once = BUF_INIT(MIB(1));
    masker_write(&once, text, MASKER_ALL);
    MUST(once.failed == HARBORAI_OK);
}

static void check_json(harborai_str text)
{
    AUTO(buf) once = BUF_INIT(MIB(1));
    if (json_scan(text, NULL, NULL, NULL) != HARBORAI_OK)
        return;
    masker_write_json(&once, text, MASKER_ALL);
    MUST(json_scan(buf_slice(&once), NULL, NULL, NULL) == HARBORAI_OK);
}

/* The first byte says where in the rest the key is put. */
static void check_key(harborai_str text)
{
    AUTO(buf) with_key = BUF_INIT(MIB(1));
    AUTO(buf) masked = BUF_INIT(MIB(1));
    size_t at = (unsigned char)text.data[0] % text.len;
    if (memmem(text.data, text.len, "c4nary", 6) != NULL)
        return; /* within a word it may stay */
    buf_add(&with_key, slice_cut(text, at));
    buf_add(&with_key, HARBORAI_STR(key));
    buf_add(&with_key, slice_from(text, at));
    masker_write(&masked, buf_slice(&with_key), MASKER_ALL);
    MUST(memmem(masked.data, masked.len, key + 1, sizeof key - 3) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {(const char *)data, size};
    check_text(text);
    check_json(text);
    if (size > 0)
        check_key(text);
    return 0;
}
