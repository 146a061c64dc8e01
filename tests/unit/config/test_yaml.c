/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/limits.h"
#include "config/tree.h"
#include "config/yaml.h"

extern const CU_TestInfo yaml_tests[];

/* The tree as JSON, or the first fault as "line:col: message". */
static void read_as_text(harborai_str text, struct buf *out)
{
    struct arena arena;
    struct config_faults faults;
    struct json_writer writer = JSON_WRITER(out);
    struct node *root;

    arena_init(&arena, MIB(64));
    config_faults_init(&faults);
    if (yaml_tree_read(&arena, "f", text, &faults, &root, NULL) == HARBORAI_OK && faults.count == 0)
        node_write_json(root, &writer, &faults);
    if (faults.count > 0)
        buf_printf(out, "%u:%u: %s", faults.items[0].line, faults.items[0].column,
                   faults.items[0].message);
    config_faults_release(&faults);
    arena_release(&arena);
}

static void test_documents(void)
{
    static const struct row {
        const char *text, *want;
    } rows[] = {
        {"", "{}"},
        {"# only a comment\n", "{}"},
        {"---\n...\n", "{}"},
        {"~", "{}"},
        {"a: 1\nb: [no, 'yes', true]\nc:\n", "{\"a\":1,\"b\":[\"no\",\"yes\",true],\"c\":null}"},
        {"{\"a\": {\"b\": null}, \"c\": \"1\"}", "{\"a\":{\"b\":null},\"c\":\"1\"}"},
        {"a: !!str 1\n", "{\"a\":\"1\"}"},
        {"a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}"},
        {"a: &x {k: v}\nb: *x\nc: *x\n",
         "{\"a\":{\"k\":\"v\"},\"b\":{\"k\":\"v\"},\"c\":{\"k\":\"v\"}}"},
        {"a: \"\\0\"", "{\"a\":\"\\u0000\"}"},
        {"\xef\xbb\xbf" "a: 1", "{\"a\":1}"},
        {"%YAML 1.2\n---\na: 1\n", "{\"a\":1}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) out = BUF_INIT(KIB(4));
        read_as_text(slice_of(rows[i].text), &out);
        ROW(rows[i].text, slice_is(buf_slice(&out), rows[i].want));
        if (!slice_is(buf_slice(&out), rows[i].want))
            fprintf(stderr, "  got %.*s\n", SLICE_ARG(buf_slice(&out)));
    }
}

static void test_refused(void)
{
    static const struct row {
        const char *text, *want;
    } rows[] = {
        {"a: 1\nb: 2\n  c: 3\n",
         "3:4: not valid YAML: mapping values are not allowed in this context"},
        {"a:\n\tb: 1\n", "2:1: not valid YAML: a tab cannot indent, use blanks"},
        {"a: [1, 2\n", "2:1: not valid YAML: did not find expected ',' or ']' while parsing a flow "
                       "sequence that begins in line 1"},
        {"a: \"x\n", "2:1: not valid YAML: found unexpected end of stream while scanning a quoted "
                     "scalar that begins in line 1"},
        {"a: 1\nab: 2\na: 3\n", "3:1: duplicate key 'a': it stands in line 1 already"},
        {"a: 1\n'a': 3\n", "2:1: duplicate key 'a': it stands in line 1 already"},
        {"a: {b: 1, b: 2}", "1:11: duplicate key 'b': it stands in line 1 already"},
        {"a: 1\n---\nb: 1\n", "2:1: a second document: one file is one document"},
        {"- a\n", "1:1: a configuration is a mapping, not a list"},
        {"hello", "1:1: a configuration is a mapping, not a text"},
        {"42", "1:1: a configuration is a mapping, not a number"},
        {"? [a]\n: 1\n", "1:3: a key must be a text, not a list, mapping or alias"},
        {"a: &x 1\n*x : 2\n", "2:1: a key must be a text, not a list, mapping or alias"},
        {"'': 1\n", "1:1: a key is empty"},
        {"a: *x\n", "1:4: no anchor '&x' before this alias"},
        {"a: &x [*x]\n", "1:8: no anchor '&x' before this alias"},
        {"a: !foo 1\n", "1:4: tag '!foo' has no meaning here: leave it out"},
        {"a: !!int 1\n", "1:4: tag 'tag:yaml.org,2002:int' has no meaning here: leave it out"},
        {"a: !!set {}\n", "1:4: tag 'tag:yaml.org,2002:set' has no meaning here: leave it out"},
        {"a: \xff\n", "1:4: not UTF-8 text: invalid leading UTF-8 octet (0xff)"},
        {"\xe6\xb0\xb4: 1\n\xe6\xb0\xb4\xff: 2\n",
         "2:2: not UTF-8 text: invalid leading UTF-8 octet (0xff)"},
        {"a: \x01\n", "1:4: not UTF-8 text: control characters are not allowed (0x01)"},
        {"\xff\xfe" "a\0:\0", "1:1: not UTF-8 text: invalid leading UTF-8 octet (0xff)"},
        {"\x7f" "ELF", "1:1: not UTF-8 text: control characters are not allowed (0x7f)"},
        {"\xe6\xb0\xb4: {a: 1, a: 2}\n", "1:11: duplicate key 'a': it stands in line 1 already"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) out = BUF_INIT(KIB(4));
        read_as_text(slice_of(rows[i].text), &out);
        ROW(rows[i].text, slice_is(buf_slice(&out), rows[i].want));
        if (!slice_is(buf_slice(&out), rows[i].want))
            fprintf(stderr, "  got %.*s\n", SLICE_ARG(buf_slice(&out)));
    }
}

static void add_times(struct buf *text, harborai_str piece, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_add(text, piece);
}

/* `before`, `piece` many times, `after`. */
static void test_ceilings(void)
{
    static const struct row {
        const char *name, *before, *piece;
        unsigned times;
        const char *after, *want;
    } rows[] = {
        {"31 lists below the root", "a: ", "[", 31, "", "2:1: not valid YAML"},
        {"32 lists below the root", "a: ", "[", 32, "", "1:35: nested deeper than 32 levels"},
        {"50000 lists", "a: ", "[", 50000, "", "1:35: nested deeper than 32 levels"},
        {"100001 values", "a: [", "1,", 100000, "1]", "1:200001: more than 100000 values"},
        {"16 aliases", "a: &x 1\nb: [", "*x,", 16, "1]", "{"},
        {"17 aliases", "a: &x 1\nb: [", "*x,", 17, "1]", "2:53: more than 16 aliases in one file"},
        {"an alias too deep", "a: &x [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\nb: ", "[", 16, "*x",
         "1:22: nested deeper than 32 levels"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) text = BUF_INIT(MIB(4)), out = BUF_INIT(KIB(64));
        buf_add(&text, slice_of(rows[i].before));
        add_times(&text, slice_of(rows[i].piece), rows[i].times);
        buf_add(&text, slice_of(rows[i].after));
        read_as_text(buf_slice(&text), &out);
        ROW(rows[i].name, slice_starts_with(buf_slice(&out), rows[i].want));
        if (!slice_starts_with(buf_slice(&out), rows[i].want))
            fprintf(stderr, "  got %.*s\n", SLICE_ARG(slice_cut(buf_slice(&out), 200)));
    }
}

static void test_too_many_members(void)
{
    AUTO(buf) text = BUF_INIT(MIB(4)), out = BUF_INIT(KIB(4));
    for (unsigned i = 0; i <= TREE_MEMBERS_MAX; i++)
        buf_printf(&text, "k%u: 1\n", i);
    read_as_text(buf_slice(&text), &out);
    CU_ASSERT(slice_is(buf_slice(&out), "4097:1: more than 4096 members in one mapping"));
}

const CU_TestInfo yaml_tests[] = {{"documents", test_documents},
                                  {"refused", test_refused},
                                  {"ceilings", test_ceilings},
                                  {"members", test_too_many_members},
                                  CU_TEST_INFO_NULL};
