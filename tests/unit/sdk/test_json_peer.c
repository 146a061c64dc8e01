/* SPDX-License-Identifier: MIT */
/* The scanner and json-c look at the same generated documents, and at the same documents broken in
 * one to three places. json-c 0.16, strict and checking UTF-8, is laxer than RFC 8259 about
 *   - control characters in strings and as blanks,
 *   - numbers: 00, 1. and -.5,
 *   - UTF-8: overlong forms, surrogates and what is beyond U+10FFFF.
 * What we accept and it refuses must have a \u escape: it wants pairs of surrogates. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/attr.h"
#include "base/buf.h"
#include "json_scan.h"
#include "json_value.h"
#include "random.h"

extern const CU_TestInfo json_peer_tests[];

static const uint64_t seed = UINT64_C(20240613);

static void add_string(struct buf *b, uint64_t *r)
{
    static const char *const parts[] = {
        "a",
        "model",
        " ",
        "\\n",
        "\\\"",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\\\",
        "/",
        "{",
        "]",
        "\xc3\xa9",
        "\xe6\xb8\xaf\xe6\xb9\xbe",
        "\xf0\x9f\x98\x80",
        "\\t",
        ",",
        "long plain text without anything in it",
        "\\/",
        "\x7f",
    };
    buf_add_char(b, '"');
    for (unsigned n = random_below(r, 6); n > 0; n--)
        buf_add(b, slice_of(parts[random_below(r, ARRAY_LEN(parts))]));
    buf_add_char(b, '"');
}

static void add_blanks(struct buf *b, uint64_t *r)
{
    static const char *const blanks[] = {"", "", "", " ", "\n", "\t  ", "\r\n"};
    buf_add(b, slice_of(blanks[random_below(r, ARRAY_LEN(blanks))]));
}

static void add_value(struct buf *b, uint64_t *r, unsigned depth)
{
    static const char *const scalars[] = {
        "0",  "-1", "12.5", "1e3", "-0.0E-2", "true", "false", "null", "123456789012345678",
        "[]", "{}",
    };
    unsigned kind = random_below(r, depth > 0 ? 6 : 3);
    add_blanks(b, r);
    if (kind < 2) {
        add_string(b, r);
    } else if (kind == 2) {
        buf_add(b, slice_of(scalars[random_below(r, ARRAY_LEN(scalars))]));
    } else {
        bool object = kind >= 4;
        unsigned items = random_below(r, 5);
        buf_add_char(b, object ? '{' : '[');
        for (unsigned i = 0; i < items; i++) {
            if (i > 0)
                buf_add_char(b, ',');
            add_blanks(b, r);
            if (object) {
                add_string(b, r);
                add_blanks(b, r);
                buf_add_char(b, ':');
            }
            add_value(b, r, depth - 1);
        }
        add_blanks(b, r);
        buf_add_char(b, object ? '}' : ']');
    }
    add_blanks(b, r);
}

/* Whether json-c takes the text as one document. `ret_tree` is owned. */
static bool peer_accepts(harborai_str text, json_object **ret_tree)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_DEFAULT + 1);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    char *copy = malloc(text.len + 1); /* with a NUL, which ends a number for json-c */
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret_tree = json_tokener_parse_ex(tokener, copy, (int)text.len + 1);
    bool ok = json_tokener_get_error(tokener) == json_tokener_success &&
              json_tokener_get_parse_end(tokener) >= text.len;
    json_tokener_free(tokener);
    free(copy);
    return ok;
}

static void compare_values(harborai_str value, json_object *tree);

static void compare_objects(harborai_str value, json_object *tree)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    char buffer[4096];
    while (json_object_next(&cursor, &member)) {
        harborai_str quoted = {member.key.data - 1, member.key.len + 2}, name;
        json_object *other = NULL;
        CU_ASSERT(json_string(quoted, buffer, sizeof buffer - 1, &name) == HARBORAI_OK);
        memmove(buffer, name.data, name.len);
        buffer[name.len] = '\0';
        CU_ASSERT(json_object_object_get_ex(tree, buffer, &other));
        /* json-c keeps the last of two members, so only the last is compared */
        struct json_cursor rest = cursor;
        struct json_member later;
        bool again = false;
        while (json_object_next(&rest, &later))
            again |= json_key_equal(&later, slice_of(buffer));
        if (!again)
            compare_values(member.value, other);
    }
}

static void compare_values(harborai_str value, json_object *tree)
{
    switch (json_kind(value)) {
    case JSON_OBJECT:
        CU_ASSERT(json_object_is_type(tree, json_type_object));
        compare_objects(value, tree);
        break;
    case JSON_ARRAY: {
        struct json_cursor cursor = json_open(value);
        harborai_str item;
        size_t count = 0;
        CU_ASSERT_FATAL(json_object_is_type(tree, json_type_array));
        for (; json_array_next(&cursor, &item); count++)
            compare_values(item, json_object_array_get_idx(tree, count));
        CU_ASSERT(count == json_object_array_length(tree));
        break;
    }
    case JSON_STRING: {
        char buffer[4096];
        harborai_str text;
        CU_ASSERT(json_string(value, buffer, sizeof buffer, &text) == HARBORAI_OK);
        CU_ASSERT(text.len == (size_t)json_object_get_string_len(tree));
        CU_ASSERT(memcmp(text.data, json_object_get_string(tree), text.len) == 0);
        break;
    }
    case JSON_NUMBER: {
        int64_t number;
        if (json_object_is_type(tree, json_type_int))
            CU_ASSERT(json_int64(value, &number) && number == json_object_get_int64(tree));
        break;
    }
    case JSON_BOOL:
        CU_ASSERT(json_object_get_boolean(tree) == (value.data[0] == 't'));
        break;
    case JSON_NULL:
    case JSON_NONE:
        CU_ASSERT(tree == NULL);
        break;
    }
}

static void test_generated(void)
{
    uint64_t r = seed;
    printf(" (seed %llu)", (unsigned long long)seed);
    for (int i = 0; i < 3000; i++) {
        AUTO(buf) b = BUF_INIT(1 << 20);
        json_object *tree = NULL;
        harborai_str value;
        add_value(&b, &r, 5);
        CU_ASSERT_FATAL(buf_status(&b, NULL) == HARBORAI_OK);
        CU_ASSERT_FATAL(json_scan(buf_slice(&b), NULL, &value, NULL) == HARBORAI_OK);
        CU_ASSERT_FATAL(peer_accepts(buf_slice(&b), &tree));
        compare_values(value, tree);
        json_object_put(tree);
    }
}

static void mutate(struct buf *b, uint64_t *r)
{
    static const char bytes[] =
        "{}[]\",:\\ \n\t0123456789.eE+-truefalsn/u\x01\x1f\x80\xbf\xc3\xe0\xed\xf0\xff";
    for (unsigned n = 1 + random_below(r, 3); n > 0 && b->len > 0; n--) {
        size_t at = random_below(r, (unsigned)b->len);
        switch (random_below(r, 3)) {
        case 0:
            b->data[at] = bytes[random_below(r, sizeof bytes - 1)];
            break;
        case 1:
            memmove(b->data + at, b->data + at + 1, --b->len - at);
            break;
        default:
            b->len = at;
            break;
        }
    }
}

/* Whether json-c may let through what we refused at byte `at`; see above. */
static bool is_lax(harborai_str text, size_t at)
{
    if (!json_is_utf8(text))
        return true;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < 0x20)
            return true;
    if (at == 0)
        return false;
    return strchr(".-", text.data[at - 1]) != NULL ||
           (text.data[at - 1] == '0' && at < text.len && text.data[at] >= '0' &&
            text.data[at] <= '9');
}

static void test_mutated(void)
{
    uint64_t r = seed + 1;
    unsigned both = 0, neither = 0, lax = 0;
    for (int i = 0; i < 20000; i++) {
        AUTO(buf) b = BUF_INIT(1 << 20);
        json_object *tree = NULL;
        add_value(&b, &r, 4);
        mutate(&b, &r);
        char *tight = malloc(b.len + 1);
        memcpy(tight + 1, b.data, b.len);
        harborai_str text = {tight + 1, b.len}, value;
        struct json_fault fault = {0, ""};
        bool ours = json_scan(text, NULL, &value, &fault) == HARBORAI_OK;
        bool theirs = peer_accepts(text, &tree);
        both += ours && theirs;
        neither += !ours && !theirs;
        lax += !ours && theirs;
        if (ours ? !theirs && memmem(text.data, text.len, "\\u", 2) == NULL
                 : theirs && !is_lax(text, fault.at)) {
            printf("\n  ours %d theirs %d, %s at %zu: %.*s\n", ours, theirs, fault.reason, fault.at,
                   SLICE_ARG(text));
            CU_FAIL("the scanner and json-c disagree");
        }
        json_object_put(tree);
        free(tight);
    }
    printf(" (both %u, neither %u, json-c alone %u)", both, neither, lax);
    CU_ASSERT(both > 500 && neither > 5000);
}

const CU_TestInfo json_peer_tests[] = {
    {"generated documents", test_generated},
    {"broken documents", test_mutated},
    CU_TEST_INFO_NULL,
};
