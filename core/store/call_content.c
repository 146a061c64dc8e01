/* SPDX-License-Identifier: MIT */
/* Finds the line before an end line. Must never take that of another call. */
#include "store/call_content.h"

#include "base/error.h"
#include "base/limits.h"
#include "json_value.h"
#include "store/line_check.h"
#include "store/segment_text.h"

static harborai_str object_of(harborai_str line, const char *name)
{
    harborai_str value = json_member(line, slice_of(name));
    return json_kind(value) == JSON_OBJECT ? value : SLICE_NONE;
}

bool call_content_parse(harborai_str line, harborai_str key, struct call_content *ret_content)
{
    harborai_str type, its_key;
    if (json_scan(line, NULL, NULL, NULL) < 0 ||
        !json_string_plain(json_member(line, HARBORAI_STR("type")), &type) ||
        !slice_is(type, "content") ||
        !json_string_plain(json_member(line, HARBORAI_STR("key")), &its_key) ||
        !slice_equal(its_key, key))
        return false;
    *ret_content = (struct call_content){object_of(line, "request"), object_of(line, "response")};
    return true;
}

/* What stands before `offset`, as far as a line may reach. */
static harborai_status read_before(struct segment_text *text, uint64_t offset, struct buf *bytes,
                                   harborai_error *error)
{
    size_t len = offset < LIMIT_JOURNAL_CONTENT ? (size_t)offset : LIMIT_JOURNAL_CONTENT, got = 0;
    char *room = buf_reserve(bytes, len);
    if (room == NULL)
        return buf_status(bytes, error);
    harborai_status st = segment_text_read(text, offset - len, room, len, &got, error);
    if (st == HARBORAI_OK)
        buf_commit(bytes, got);
    return st;
}

/* The last line of the bytes, which end with its end; empty if it begins before them. */
static harborai_str last_line(const struct buf *bytes)
{
    if (bytes->len == 0 || bytes->data[bytes->len - 1] != '\n')
        return SLICE_NONE;
    const char *before = memrchr(bytes->data, '\n', bytes->len - 1);
    return before != NULL ? (harborai_str){before + 1, (size_t)(bytes->data + bytes->len - before) - 2}
                          : SLICE_NONE;
}

harborai_status call_content_read(int directory, harborai_str segment, uint64_t offset,
                                  harborai_str key, struct buf *line,
                                  struct call_content *ret_content, harborai_error *error)
{
    struct segment_text text = {.fd = -1};
    uint64_t seq;
    buf_clear(line);
    harborai_status st = segment_text_open(&text, directory, segment, error);
    if (st == HARBORAI_OK)
        st = read_before(&text, offset, line, error);
    segment_text_close(&text);
    if (st < 0)
        return st;
    harborai_str found = last_line(line);
    if (found.len == 0 || line_verify(found, &seq) == LINE_DAMAGED ||
        !call_content_parse(found, key, ret_content))
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "the journal has no content of it");
    return HARBORAI_OK;
}
