/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/limits.h"
#include "json_edit.h"

extern const CU_TestInfo json_edit_tests[];

enum { R = HARBORAI_EDIT_REMOVE, J = HARBORAI_EDIT_JSON, T = HARBORAI_EDIT_TEXT };

static const struct row {
    const char *name, *body;
    struct {
        const char *path, *value;
        uint32_t kind;
    } edits[4];
    const char *want; /* NULL = E_INVALID */
    size_t pieces;    /* 0 = not asked */
} rows[] = {
    {"no edit", " {\"a\":1} ", {{0}}, " {\"a\":1} ", 1},
    {"remove the middle", "{\"a\":1,\"b\":2,\"c\":3}", {{"/b", "", R}}, "{\"a\":1,\"c\":3}", 2},
    {"remove the first", "{\"a\":1,\"b\":2,\"c\":3}", {{"/a", "", R}}, "{\"b\":2,\"c\":3}", 2},
    {"remove the last two",
     "{\"a\":1,\"b\":2,\"c\":3}",
     {{"/c", "", R}, {"/b", "", R}},
     "{\"a\":1}",
     2},
    {"remove all",
     "{\"a\":1,\"b\":2,\"c\":3}",
     {{"/a", "", R}, {"/b", "", R}, {"/c", "", R}},
     "{}",
     2},
    {"remove first and last",
     "{\"a\":1,\"b\":2,\"c\":3}",
     {{"/a", "", R}, {"/c", "", R}},
     "{\"b\":2}",
     3},
    {"remove and add",
     "{\"a\":1,\"b\":2,\"c\":3}",
     {{"/a", "", R}, {"/b", "", R}, {"/d", "[4]", J}},
     "{\"c\":3,\"d\":[4]}",
     4},
    {"remove all and add", "{\"a\":1}", {{"/a", "", R}, {"/b", "2", J}}, "{\"b\":2}", 3},
    {"remove the last and add",
     "{\"a\":1,\"b\":2}",
     {{"/b", "", R}, {"/c", "3", J}},
     "{\"a\":1,\"c\":3}",
     3},
    {"replace keeps blanks",
     "{ \"a\" : 1 , \"b\" : 2 }",
     {{"/a", "7", J}},
     "{ \"a\" : 7 , \"b\" : 2 }",
     3},
    {"remove between blanks", "{ \"a\" : 1 , \"b\" : 2 }", {{"/b", "", R}}, "{ \"a\" : 1 }", 2},
    {"remove the first of blanks",
     "{ \"a\" : 1 , \"b\" : 2 }",
     {{"/a", "", R}},
     "{ \"b\" : 2 }",
     2},
    {"add between blanks", "{ \"a\" : 1 }", {{"/b", "2", J}}, "{ \"a\" : 1,\"b\":2 }", 3},
    {"text is escaped", "{}", {{"/x", "say \"hi\"\\", T}}, "{\"x\":\"say \\\"hi\\\"\\\\\"}", 3},
    {"controls are escaped",
     "{}",
     {{"/x", "\n\t\x01\x1f\x7f", T}},
     "{\"x\":\"\\n\\t\\u0001\\u001f\x7f\"}",
     3},
    {"brackets in strings",
     "{\"x\":\"a,\\\"}\",\"y\":[1,{\"x\":\"}\"}]}",
     {{"/x", "z", T}},
     "{\"x\":\"z\",\"y\":[1,{\"x\":\"}\"}]}",
     3},
    {"nested",
     "{\"o\":{\"i\":1}}",
     {{"/o/i", "2", J}, {"/o/j", "true", J}},
     "{\"o\":{\"i\":2,\"j\":true}}",
     3},
    {"through an array",
     "{\"m\":[{\"r\":\"developer\"},{\"r\":\"u\"}]}",
     {{"/m/0/r", "system", T}, {"/m/1/r", "", R}},
     "{\"m\":[{\"r\":\"system\"},{}]}",
     4},
    {"items",
     "{\"m\":[1,2,3]}",
     {{"/m/0", "", R}, {"/m/1", "\"b\"", J}, {"/m/-", "4", J}},
     "{\"m\":[\"b\",3,4]}",
     5},
    {"append twice, in order",
     "{\"t\":[]}",
     {{"/t/-", "2", J}, {"/t/-", "1", J}},
     "{\"t\":[2,1]}",
     3},
    {"append to what is emptied",
     "{\"t\":[9]}",
     {{"/t/-", "1", J}, {"/t/0", "", R}},
     "{\"t\":[1]}",
     3},
    {"tilde", "{\"a/b\":1,\"c~d\":2}", {{"/a~1b", "", R}, {"/c~0d", "3", J}}, "{\"c~d\":3}", 0},
    {"tilde in a new key", "{}", {{"/a~1\"~01", "1", J}}, "{\"a/\\\"~1\":1}", 0},
    {"escaped key", "{\"mo\\u0064el\":1}", {{"/model", "x", T}}, "{\"mo\\u0064el\":\"x\"}", 3},
    {"remove what is not there",
     "{\"a\":1}",
     {{"/b", "", R}, {"/b/c/d", "", R}, {"/a/b", "", R}},
     "{\"a\":1}",
     1},
    {"remove no such item",
     "{\"a\":[1]}",
     {{"/a/1", "", R}, {"/a/-", "", R}, {"/a/00", "", R}},
     "{\"a\":[1]}",
     1},
    {"remove through an item", "{\"a\":[[1,2]]}", {{"/a/0/0", "", R}}, "{\"a\":[[2]]}", 2},
    {"the host's own", "{\"a\":1}", {{"/model", "given", T}}, "{\"a\":1,\"model\":\"given\"}", 3},
    {"dash is a name in an object", "{\"-\":1}", {{"/-", "2", J}}, "{\"-\":2}", 3},
    {"empty name", "{\"\":1}", {{"/", "2", J}}, "{\"\":2}", 3},
    {"names that are prefixes",
     "{\"a\":1,\"ab\":2,\"b\":3}",
     {{"/ab", "", R}, {"/a", "5", J}},
     "{\"a\":5,\"b\":3}",
     3},
    {"what is untouched may stand twice",
     "{\"a\":1,\"a\":2}",
     {{"/b", "3", J}},
     "{\"a\":1,\"a\":2,\"b\":3}",
     3},
    {"root array", "[1,2]", {{"/1", "3", J}, {"/-", "4", J}}, "[1,3,4]", 0},
    {"item ten",
     "[0,1,2,3,4,5,6,7,8,9,10]",
     {{"/10", "x", T}, {"/1", "", R}},
     "[0,2,3,4,5,6,7,8,9,\"x\"]",
     0},

    {"no container", "{\"a\":1}", {{"/b/c", "1", J}}, NULL, 0},
    {"through a number", "{\"a\":1}", {{"/a/c", "1", J}}, NULL, 0},
    {"no such item", "{\"a\":[1]}", {{"/a/1", "1", J}}, NULL, 0},
    {"index with a zero before it", "{\"a\":[1,2]}", {{"/a/01", "1", J}}, NULL, 0},
    {"name for an index", "{\"a\":[1]}", {{"/a/x", "1", J}}, NULL, 0},
    {"below what is appended", "{\"a\":[1]}", {{"/a/-/x", "1", J}}, NULL, 0},
    {"one in the other", "{\"a\":{\"b\":1}}", {{"/a", "1", J}, {"/a/b", "", R}}, NULL, 0},
    {"one in the other, new", "{}", {{"/a", "{}", J}, {"/a/b", "1", J}}, NULL, 0},
    {"one in the other, new and removed", "{}", {{"/a/b", "", R}, {"/a", "{}", J}}, NULL, 0},
    {"twice", "{\"a\":1}", {{"/a", "1", J}, {"/a", "2", J}}, NULL, 0},
    {"twice, new", "{}", {{"/a", "1", J}, {"/a", "2", J}}, NULL, 0},
    {"twice, new and removed", "{}", {{"/a", "", R}, {"/a", "2", J}}, NULL, 0},
    {"twice, two spellings", "{\"a/b\":1}", {{"/a~1b", "1", J}, {"/a~1b", "", R}}, NULL, 0},
    {"stands twice", "{\"a\":1,\"a\":2}", {{"/a", "3", J}}, NULL, 0},
    {"stands twice, removed", "{\"a\":1,\"a\":2}", {{"/a", "", R}}, NULL, 0},
    {"stands twice, escaped", "{\"a\":1,\"\\u0061\":2}", {{"/a", "3", J}}, NULL, 0},
    {"stands twice on the way", "{\"a\":{\"b\":1},\"a\":{}}", {{"/a/b", "3", J}}, NULL, 0},
    {"stands twice below", "{\"a\":{\"b\":1,\"b\":2}}", {{"/a/b", "3", J}}, NULL, 0},
    {"two values in one", "{\"a\":1}", {{"/a", "\"x\",\"tools\":\"y\"", J}}, NULL, 0},
    {"no value", "{\"a\":1}", {{"/a", "", J}}, NULL, 0},
    {"not JSON", "{\"a\":1}", {{"/b", "tru", J}}, NULL, 0},
    {"path without a slash", "{\"a\":1}", {{"a", "1", J}}, NULL, 0},
    {"the whole body", "{\"a\":1}", {{"", "{}", J}}, NULL, 0},
    {"bad tilde", "{\"a\":1}", {{"/a~2", "", R}}, NULL, 0},
    {"tilde at the end", "{\"a\":1}", {{"/a~", "", R}}, NULL, 0},
    {"kind 0", "{\"a\":1}", {{"/a", "1", 0}}, NULL, 0},
    {"kind 9", "{\"a\":1}", {{"/a", "1", 9}}, NULL, 0},
    {"text is not UTF-8", "{\"a\":1}", {{"/a", "\xff", T}}, NULL, 0},
    {"path is not UTF-8", "{\"a\":1}", {{"/\xff", "", R}}, NULL, 0},
};

static void join(struct buf *b, const struct json_pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        buf_add(b, pieces->piece[i]);
}

static void *alloc_malloc(void *context, size_t size)
{
    *(int *)context += 1;
    return malloc(size);
}

static void *alloc_none(void *context, size_t size)
{
    (void)context;
    (void)size;
    return NULL;
}

/* Each row twice: with the index of a scan, and walked. */
static void run_row(const struct row *row, const struct json_edit_body *body)
{
    harborai_edit edits[4];
    harborai_error error = HARBORAI_ERROR_INIT;
    struct json_pieces pieces = {NULL, 0, 0};
    AUTO(buf) b = BUF_INIT(4096);
    void *memory = NULL;
    size_t count = 0;
    int calls = 0;
    for (; count < 4 && row->edits[count].path != NULL; count++)
        edits[count] =
            (harborai_edit){slice_of(row->edits[count].path), slice_of(row->edits[count].value),
                            row->edits[count].kind, 0};
    harborai_status st =
        json_edit_apply(body, edits, count, alloc_malloc, &calls, &pieces, &memory, &error);
    ROW(row->name, st == (row->want != NULL ? HARBORAI_OK : HARBORAI_E_INVALID));
    ROW(row->name, calls <= 1);
    if (st == HARBORAI_OK && row->want != NULL) {
        join(&b, &pieces);
        ROW(row->name, slice_is(buf_slice(&b), row->want));
        ROW(row->name, b.len == pieces.len);
        ROW(row->name, row->pieces == 0 || pieces.count == row->pieces);
        ROW(row->name, pieces.count <= 2 * count + 1);
        ROW(row->name, json_scan(buf_slice(&b), NULL, NULL, NULL) == HARBORAI_OK);
    } else {
        ROW(row->name, error.code == HARBORAI_E_INVALID && error.message[0] != '\0');
        ROW(row->name, strcmp(error.param, row->edits[0].path) == 0 || count > 1);
    }
    free(memory);
    ROW(row->name,
        json_edit_apply(body, edits, count, alloc_none, NULL, &pieces, &memory, NULL) < 0);
    ROW(row->name, memory == NULL);
}

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_member members[16];
        struct json_edit_body body = {slice_of(rows[i].body), NULL, 0};
        run_row(&rows[i], &body);
        if (json_scan_object(body.text, NULL, members, 16, &body.member_count, NULL) < 0)
            continue;
        body.members = members;
        run_row(&rows[i], &body);
    }
}

static void *alloc_arena(void *context, size_t size)
{
    return arena_alloc(context, size);
}

static harborai_status apply(struct arena *a, const char *text, const harborai_edit *edits,
                             size_t count, struct json_pieces *ret_pieces)
{
    struct json_edit_body body = {slice_of(text), NULL, 0};
    void *memory;
    return json_edit_apply(&body, edits, count, alloc_arena, a, ret_pieces, &memory, NULL);
}

static void test_limits(void)
{
    static harborai_edit edits[JSON_EDITS_MAX + 1];
    static char paths[JSON_EDITS_MAX + 1][8], long_path[1200], deep[80];
    struct json_pieces pieces;
    struct arena a;
    arena_init(&a, MIB(4));
    for (size_t i = 0; i <= JSON_EDITS_MAX; i++) {
        int len = snprintf(paths[i], sizeof paths[i], "/x%zu", i);
        edits[i] = (harborai_edit){{paths[i], (size_t)len}, HARBORAI_STR_INIT("1"), J, 0};
    }
    CU_ASSERT(apply(&a, "{}", edits, JSON_EDITS_MAX + 1, &pieces) == HARBORAI_E_INVALID);
    CU_ASSERT(apply(&a, "{}", edits, JSON_EDITS_MAX, &pieces) == HARBORAI_OK);
    AUTO(buf) b = BUF_INIT(MIB(1));
    join(&b, &pieces);
    CU_ASSERT(json_scan(buf_slice(&b), NULL, NULL, NULL) == HARBORAI_OK && pieces.count == 3);

    memset(long_path, 'a', sizeof long_path);
    long_path[0] = '/';
    edits[0].path = (harborai_str){long_path, 1025};
    CU_ASSERT(apply(&a, "{}", edits, 1, &pieces) == HARBORAI_E_INVALID);
    edits[0].path.len = 1024;
    CU_ASSERT(apply(&a, "{}", edits, 1, &pieces) == HARBORAI_OK);

    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? '/' : 'a';
    edits[0] = (harborai_edit){{deep, 66}, {NULL, 0}, R, 0};
    CU_ASSERT(apply(&a, "{}", edits, 1, &pieces) == HARBORAI_E_INVALID);
    edits[0].path.len = 64;
    CU_ASSERT(apply(&a, "{}", edits, 1, &pieces) == HARBORAI_OK);
    edits[0].flags = 1;
    CU_ASSERT(apply(&a, "{}", edits, 1, &pieces) == HARBORAI_E_INVALID);
    arena_release(&a);
}

/* Untouched bytes are the received ones: each piece lies in the body or in the new memory. */
static void test_untouched_bytes_are_not_copied(void)
{
    harborai_str text =
        HARBORAI_STR("{\"model\":\"a\",\"messages\":[{\"role\":\"user\"}],\"n\":1}");
    harborai_edit edits[] = {{HARBORAI_STR_INIT("/model"), HARBORAI_STR_INIT("b"), T, 0},
                             {HARBORAI_STR_INIT("/n"), {NULL, 0}, R, 0}};
    struct json_pieces pieces;
    struct arena a;
    arena_init(&a, KIB(64));
    struct json_edit_body body = {text, NULL, 0};
    void *memory;
    CU_ASSERT_FATAL(json_edit_apply(&body, edits, 2, alloc_arena, &a, &pieces, &memory, NULL) == 0);
    CU_ASSERT_FATAL(pieces.count == 4);
    CU_ASSERT(pieces.piece[0].data == text.data);
    CU_ASSERT(slice_is(pieces.piece[1], "\"b\""));
    CU_ASSERT(pieces.piece[2].data == text.data + 12);
    CU_ASSERT(pieces.piece[3].data == text.data + text.len - 1);
    arena_release(&a);
}

const CU_TestInfo json_edit_tests[] = {
    {"rows", test_rows},
    {"limits", test_limits},
    {"untouched bytes are not copied", test_untouched_bytes_are_not_copied},
    CU_TEST_INFO_NULL,
};
