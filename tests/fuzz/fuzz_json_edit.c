/* SPDX-License-Identifier: MIT */
/* Whatever edits are applied to JSON, the result is JSON, or they are refused. An input is lines
 * "kind path value", kind r, j or t, then an empty line, then the body. */
#include "fuzz.h"
#include "json_edit.h"

enum { EDITS = 32 };

static void *alloc_malloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static harborai_str cut_until(harborai_str *rest, char stop)
{
    const char *at = rest->len > 0 ? memchr(rest->data, stop, rest->len) : NULL;
    harborai_str head = {rest->data, at != NULL ? (size_t)(at - rest->data) : rest->len};
    size_t skip = at != NULL ? head.len + 1 : head.len;
    rest->data += skip;
    rest->len -= skip;
    return head;
}

static size_t read_edits(harborai_str *rest, harborai_edit *edits)
{
    size_t count = 0;
    while (rest->len > 0 && count < EDITS) {
        harborai_str line = cut_until(rest, '\n'), kind;
        if (line.len == 0)
            break;
        kind = cut_until(&line, ' ');
        edits[count].kind = kind.len == 0         ? 0
                            : kind.data[0] == 'r' ? HARBORAI_EDIT_REMOVE
                            : kind.data[0] == 'j' ? HARBORAI_EDIT_JSON
                                                  : HARBORAI_EDIT_TEXT;
        edits[count].flags = 0;
        edits[count].path = cut_until(&line, ' ');
        edits[count].value = line;
        count++;
    }
    return count;
}

static size_t apply(const struct json_edit_body *body, const harborai_edit *edits, size_t count,
                    char **ret_text)
{
    struct json_pieces pieces;
    harborai_error error = HARBORAI_ERROR_INIT;
    void *memory;
    size_t len = 0;
    *ret_text = NULL;
    if (json_edit_apply(body, edits, count, alloc_malloc, NULL, &pieces, &memory, &error) == 0) {
        MUST(pieces.count <= 2 * count + 1);
        *ret_text = malloc(pieces.len + 1);
        for (size_t i = 0; i < pieces.count; i++) {
            MUST(pieces.piece[i].len > 0);
            memcpy(*ret_text + len, pieces.piece[i].data, pieces.piece[i].len);
            len += pieces.piece[i].len;
        }
        MUST(len == pieces.len);
    } else {
        MUST(error.code == HARBORAI_E_INVALID && error.message[0] != '\0');
    }
    free(memory);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {(const char *)data, size};
    const struct json_limits limits = {256};
    struct json_member members[64];
    harborai_edit edits[EDITS];
    size_t count = read_edits(&text, edits), member_count = 0;
    struct json_edit_body walked = {text, NULL, 0}, indexed;
    char *result, *other;
    if (json_scan_object(text, NULL, members, 64, &member_count, NULL) < 0)
        return 0;
    size_t len = apply(&walked, edits, count, &result);
    MUST(result == NULL || json_scan((harborai_str){result, len}, &limits, NULL, NULL) == 0);
    indexed = (struct json_edit_body){text, members, member_count};
    MUST(apply(&indexed, edits, count, &other) == len);
    MUST((result == NULL) == (other == NULL));
    MUST(result == NULL || memcmp(result, other, len) == 0);
    free(result);
    free(other);
    return 0;
}
