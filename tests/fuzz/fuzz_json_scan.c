/* SPDX-License-Identifier: MIT */
/* What the scanner accepts can be walked and read to the last string; both of its ways agree. */
#include "fuzz.h"
#include "json_value.h"

static void read_string(harborai_str value)
{
    harborai_str text;
    char *buffer = malloc(value.len + 1);
    MUST(json_string(value, buffer, value.len, &text) == HARBORAI_OK);
    MUST(json_is_utf8(text) && json_string_equal(value, text));
    free(buffer);
}

static void walk(harborai_str value)
{
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    harborai_str item;
    int64_t number;
    switch (json_kind(value)) {
    case JSON_OBJECT:
        while (json_object_next(&cursor, &member)) {
            read_string((harborai_str){member.key.data - 1, member.key.len + 2});
            walk(member.value);
        }
        MUST(cursor.at == cursor.end - 1);
        break;
    case JSON_ARRAY:
        while (json_array_next(&cursor, &item))
            walk(item);
        MUST(cursor.at == cursor.end - 1);
        break;
    case JSON_STRING:
        read_string(value);
        break;
    case JSON_NUMBER:
        json_int64(value, &number);
        break;
    case JSON_BOOL:
    case JSON_NULL:
        break;
    case JSON_NONE:
        MUST(0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {(const char *)data, size}, value = {NULL, 0};
    struct json_fault fault = {0, NULL}, other = {0, NULL};
    struct json_member members[64], member;
    size_t count = 0, seen = 0;
    harborai_status st = json_scan(text, NULL, &value, &fault);
    harborai_status object = json_scan_object(text, NULL, members, 64, &count, &other);
    if (st == HARBORAI_OK)
        walk(value);
    else
        MUST(fault.at <= size && fault.reason != NULL);
    if (st == HARBORAI_OK && json_kind(value) == JSON_OBJECT) {
        struct json_cursor cursor = json_open(value);
        MUST(object == HARBORAI_OK || object == HARBORAI_E_MEMORY);
        while (json_object_next(&cursor, &member) && seen < count) {
            MUST(member.span.data == members[seen].span.data);
            MUST(member.span.len == members[seen].span.len);
            seen++;
        }
        MUST(seen == count);
    } else {
        MUST(object != HARBORAI_OK);
    }
    json_pointer_find(text, HARBORAI_STR("/a/0/b"));
    return 0;
}
