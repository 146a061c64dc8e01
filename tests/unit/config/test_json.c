/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "../unit.h"
#include "base/limits.h"
#include "config/json.h"
#include "support.h"

extern const CU_TestInfo json_tests[];

/* The tree as JSON, then the faults as "line:col: message;". */
static void read_as_text(harborai_str text, struct buf *out)
{
    struct arena arena;
    AUTO(config_faults) faults;
    struct json_writer writer = JSON_WRITER(out);
    struct node *root;

    arena_init(&arena, MIB(64));
    config_faults_init(&faults);
    if (json_tree_read(&arena, "f", text, &faults, &root, NULL) == HARBORAI_OK)
        node_write_json(root, &writer, &faults);
    for (unsigned i = 0; i < faults.count; i++)
        buf_printf(out, "%u:%u: %s;", faults.items[i].line, faults.items[i].column,
                   faults.items[i].message);
    arena_release(&arena);
}

static const struct read_row rows[] = {
    {"{}", "{}"},
    {"\xef\xbb\xbf { } \r\n\t", "{}"},
    {"{\"a\":1,\"b\":[true,false,null,[],{}],\"c\":\"x\"}",
     "{\"a\":1,\"b\":[true,false,null,[],{}],\"c\":\"x\"}"},
    {"{\"a\":[0,-0,10,1.5,-2e3,1E-2,123456789012345678901234567890]}",
     "{\"a\":[0,-0,10,1.5,-2e3,1E-2,123456789012345678901234567890]}"},
    {"{\"\\u0061\\/\":\"\\b\\f\\n\\r\\t\\\"\\\\\\u00e9\\u6c34\\ud83d\\ude00\"}",
     "{\"a/\":\"\\b\\f\\n\\r\\t\\\"\\\\\xc3\xa9\xe6\xb0\xb4\xf0\x9f\x98\x80\"}"},
    {"{\"a\":1,\n\"a\":2,\"b\":{\"c\":1,\"c\":2}}",
     "{\"a\":1,\"b\":{\"c\":1}}2:1: duplicate key 'a': it stands in line 1 already;"
     "2:18: duplicate key 'c': it stands in line 2 already;"},
    {"", "1:1: not valid JSON: the file ends where a value should stand;"},
    {"[]", "1:1: a configuration is a mapping, not a list;"},
    {"{\"a\":1", "1:7: not valid JSON: a ',' or '}' should stand here, in the object that begins in "
                 "line 1;"},
    {"{\n\"a\":[1\n", "3:1: not valid JSON: a ',' or ']' should stand here, in the array that begins "
                      "in line 2;"},
    {"{\"a\":1,}", "1:8: not valid JSON: a key in \"…\" should stand here: a ',' is too many;"},
    {"{\"a\":[1,]}", "1:9: not valid JSON: a value is missing before ']', or a ',' is too many;"},
    {"{\"a\" 1}", "1:6: not valid JSON: a ':' should stand behind the key 'a';"},
    {"{a:1}", "1:2: not valid JSON: a key in \"…\" should stand here;"},
    {"{\"\":1}", "1:2: a key is empty;"},
    {"{\"a\":'b'}", "1:6: not valid JSON: texts stand in \"…\";"},
    {"{\"a\": // b\n1}", "1:7: not valid JSON: there are no comments in JSON: a file named .yaml may "
                         "have them;"},
    {"{\"a\":yes}", "1:6: not valid JSON: 'yes' is no value: texts stand in \"…\", numbers have no "
                    "zero in front;"},
    {"{\"a\":08}", "1:6: not valid JSON: '08' is no value: texts stand in \"…\", numbers have no zero "
                   "in front;"},
    {"{\"a\":1.}", "1:6: not valid JSON: '1.' is no value: texts stand in \"…\", numbers have no zero "
                   "in front;"},
    {"{\"\xe6\xb0\xb4\":\"b\nc\"}", "1:6: not valid JSON: a text that does not end in its line;"},
    {"{\"a\":\"\\x\"}", "1:7: not valid JSON: a backslash is followed by one of \" \\ / b f n r t u;"},
    {"{\"a\":\"\\u12\"}", "1:7: not valid JSON: \\u is followed by four hexadecimal digits;"},
    {"{\"a\":\"\\ud83d\"}", "1:7: not valid JSON: half a surrogate pair;"},
    {"{\"a\":\"\xff\"}", "1:7: not valid JSON: not a character of UTF-8, or one that must be written "
                         "\\u00ff;"},
    {"{\"a\":\"\xed\xa0\x80\"}", "1:7: not valid JSON: not a character of UTF-8, or one that must be "
                                 "written \\u00ed;"},
    {"{\"a\":\"\t\"}", "1:7: not valid JSON: not a character of UTF-8, or one that must be written "
                       "\\u0009;"},
    {"{} {}", "1:4: not valid JSON: text behind the end of the configuration;"},
};

static void test_texts(void)
{
    check_reads(rows, ARRAY_LEN(rows), read_as_text);
}

static void test_depth(void)
{
    AUTO(buf) text = BUF_INIT(MIB(1)), out = BUF_INIT(KIB(4));
    buf_add(&text, HARBORAI_STR("{\"a\":"));
    for (unsigned i = 0; i < 100000; i++)
        buf_add_char(&text, '[');
    read_as_text(buf_slice(&text), &out);
    CU_ASSERT(slice_is(buf_slice(&out), "1:37: nested deeper than 32 levels;"));
}

/* A file as programs write it, near the ceilings: counting from the line's start for each value takes
 * minutes, counting on takes none of the time that is given here. */
static void test_one_line(void)
{
    AUTO(buf) text = BUF_INIT(MIB(4)), out = BUF_INIT(MIB(4));
    buf_add(&text, HARBORAI_STR("{\"\xe6\xb0\xb4\":[0"));
    while (text.len < MIB(3))
        buf_add(&text, HARBORAI_STR(",\"0123456789abcdef0123456789abcdef\""));
    size_t end = text.len;
    buf_add(&text, HARBORAI_STR(",x]}"));
    clock_t start = clock();
    read_as_text(buf_slice(&text), &out);
    CU_ASSERT(clock() - start < 10 * CLOCKS_PER_SEC);
    char want[64];
    snprintf(want, sizeof want, "1:%zu: not valid JSON: 'x' is no value", end);
    CU_ASSERT(slice_starts_with(buf_slice(&out), want)); /* two bytes more than characters */
}

const CU_TestInfo json_tests[] = {{"texts", test_texts}, {"depth", test_depth}, {"one line", test_one_line}, CU_TEST_INFO_NULL};
