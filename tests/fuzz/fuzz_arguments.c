/* SPDX-License-Identifier: MIT */
/* Arguments of a tool call in pieces, whose length the first byte gives. The validator agrees with
 * json_scan about what is one value, however it is cut and whether it comes as text or as the inside
 * of a JSON string; and its hash is that of the value, not of how it is written. */
#include "chat.h"
#include "chat/arguments.h"
#include "chat/json_line.h"
#include "json_value.h"

/* The same value, written by the book: no blanks outside of strings, no escape that need not be. */
static void write_again(struct buf *b, harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_str item;
    const char *separator = "";
    switch (json_kind(value)) {
    case JSON_OBJECT:
        buf_add_char(b, '{');
        for (; json_object_next(&cursor, &member); separator = ",") {
            buf_add(b, slice_of(separator));
            write_again(b, (harborai_str){member.key.data - 1, member.key.len + 2});
            buf_add_char(b, ':');
            write_again(b, member.value);
        }
        buf_add_char(b, '}');
        return;
    case JSON_ARRAY:
        buf_add_char(b, '[');
        for (; json_array_next(&cursor, &item); separator = ",") {
            buf_add(b, slice_of(separator));
            write_again(b, item);
        }
        buf_add_char(b, ']');
        return;
    case JSON_STRING: {
        char *room = buf_reserve(b, 1 + value.len);
        harborai_str text;
        MUST(room != NULL && json_string(value, room, value.len, &text) == HARBORAI_OK);
        char *copy = slice_dup(text);
        json_line_text(b, (harborai_str){copy, text.len});
        free(copy);
        return;
    }
    case JSON_NONE:
    case JSON_NUMBER:
    case JSON_BOOL:
    case JSON_NULL:
    default:
        buf_add(b, value);
    }
}

static size_t feed_all(struct arguments *a, harborai_str text, size_t piece)
{
    size_t taken = 0;
    arguments_init(a, true);
    while (taken < text.len) {
        harborai_str part = slice_cut(slice_from(text, taken), piece);
        size_t n = arguments_feed(a, part);
        taken += n;
        if (n < part.len)
            break;
    }
    return taken;
}

static void add_escapes(struct buf *b, const char *character, size_t len)
{
    uint32_t c = (unsigned char)character[0];
    if (len > 1)
        c &= 0x7fU >> len;
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((unsigned char)character[i] & 0x3f);
    if (c > 0xffff)
        buf_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    else
        buf_printf(b, "\\u%04x", c);
}

/* Each escape a piece of its own. */
static void check_escaped(harborai_str text, uint64_t hash)
{
    AUTO(buf) all = BUF_INIT(MIB(1));
    struct arguments a;
    for (size_t i = 0, len; i < text.len; i += len) {
        for (len = 1; i + len < text.len && ((unsigned char)text.data[i + len] & 0xc0) == 0x80;)
            len++;
        add_escapes(&all, text.data + i, len);
    }
    arguments_init(&a, true);
    for (size_t i = 0; i < all.len; i += 6)
        MUST(arguments_feed_json(&a, (harborai_str){all.data + i, 6}) == 6);
    MUST(arguments_are_complete(&a) && arguments_hash(&a) == hash);
}

static void check_value(harborai_str text, uint64_t hash)
{
    AUTO(buf) again = BUF_INIT(MIB(1));
    AUTO(buf) quoted = BUF_INIT(MIB(1));
    harborai_str value;
    uint64_t other;
    MUST(json_scan(text, NULL, &value, NULL) == HARBORAI_OK);
    write_again(&again, value);
    MUST(arguments_hash_text(buf_slice(&again), &other) && other == hash);
    json_line_text(&quoted, text);
    MUST(arguments_hash_value(buf_slice(&quoted), &other) && other == hash);
    check_escaped(text, hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arguments whole, pieces;
    uint64_t hash;
    if (size == 0)
        return 0;
    harborai_str text = {(const char *)data + 1, size - 1};
    size_t taken = feed_all(&whole, text, text.len);
    MUST(feed_all(&pieces, text, 1 + (data[0] & 15)) == taken);
    MUST(arguments_are_complete(&whole) == arguments_are_complete(&pieces));
    MUST(arguments_are_blank(&whole) + arguments_are_complete(&whole) +
             arguments_are_broken(&whole) <= 1);
    MUST(taken == text.len || arguments_are_complete(&whole));
    if (!json_is_utf8(text))
        return 0;
    bool is_value = taken == text.len && arguments_are_complete(&whole);
    MUST(is_value == (json_scan(text, NULL, NULL, NULL) == HARBORAI_OK));
    if (taken < text.len) /* what was taken is the longest value that begins there */
        MUST(json_scan(slice_cut(text, taken), NULL, NULL, NULL) == HARBORAI_OK);
    if (!is_value)
        return 0;
    hash = arguments_hash(&whole);
    MUST(arguments_hash(&pieces) == hash);
    check_value(text, hash);
    return 0;
}
