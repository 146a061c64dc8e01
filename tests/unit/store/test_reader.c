/* SPDX-License-Identifier: MIT */
#include "store/reader.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "scratch.h"

extern const CU_TestInfo reader_tests[];

/* All lines, each with its segment's last part before the suffix: "b:line|". */
static void read_all(struct reader *r, struct buf *out)
{
    harborai_str line;
    while (reader_next_segment(r)) {
        while (reader_next_line(r, &line))
            buf_printf(out, "%c:%.*s|", reader_segment(r)[17], SLICE_ARG(slice_cut(line, 20)));
    }
}

static void test_rows(void)
{
    static const struct row {
        const char *name, *older, *newer, *want;
    } rows[] = {
        {"newest first", "1\n2\n", "3\n4\n", "b:3|b:4|a:1|a:2|"},
        {"torn end", "1\n2", "3\n{\"ty", "b:3|a:1|"},
        {"nothing but a torn line", "1", "", ""},
        {"empty lines are lines", "\n\n", "x\n", "b:x|a:|a:|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct reader r;
        AUTO(buf) out = BUF_INIT(KIB(64));
        scratch_init(&s);
        scratch_write(&s, "20261121T110304Z-a-0.jsonl", slice_of(rows[i].older));
        scratch_write(&s, "20261121T110305Z-b-0.jsonl", slice_of(rows[i].newer));
        scratch_write(&s, "20261121T110306Z-c-0.jsonl.zst", HARBORAI_STR("not ours\n"));
        scratch_write(&s, ".hidden.jsonl", HARBORAI_STR("not ours\n"));
        CU_ASSERT_FATAL(reader_open(&r, scratch_dir(&s), NULL) == HARBORAI_OK);
        read_all(&r, &out);
        buf_add_char(&out, '\0');
        ROW(rows[i].name, strcmp(out.data, rows[i].want) == 0);
        ROW(rows[i].name, reader_status(&r, NULL) == HARBORAI_OK && r.skipped == 0);
        reader_close(&r);
        reader_close(&r);
        scratch_release(&s);
    }
}

static void test_long_lines(void)
{
    struct scratch s;
    struct reader r;
    harborai_str line;
    size_t lens[] = {3, LIMIT_JOURNAL_LINE - 1, LIMIT_JOURNAL_LINE, 3 * LIMIT_JOURNAL_LINE, 7};
    AUTO(buf) b = BUF_INIT(MIB(1));
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        memset(buf_reserve(&b, lens[i]), 'x', lens[i]);
        buf_commit(&b, lens[i]);
        buf_add_char(&b, '\n');
    }
    scratch_init(&s);
    scratch_write(&s, "20261121T110304Z-a-0.jsonl", buf_slice(&b));
    CU_ASSERT_FATAL(reader_open(&r, scratch_dir(&s), NULL) == HARBORAI_OK);
    CU_ASSERT(reader_next_segment(&r));
    CU_ASSERT(reader_next_line(&r, &line) && line.len == lens[0]);
    CU_ASSERT(reader_next_line(&r, &line) && line.len == lens[1]);
    CU_ASSERT(reader_next_line(&r, &line) && line.len == lens[4]);
    CU_ASSERT(!reader_next_line(&r, &line) && r.skipped == 2);
    CU_ASSERT(!reader_next_segment(&r) && reader_status(&r, NULL) == HARBORAI_OK);
    reader_close(&r);
    scratch_release(&s);
}

static void test_what_is_not_there(void)
{
    struct scratch s;
    struct reader r;
    harborai_str line;
    char path[128];
    harborai_error error = HARBORAI_ERROR_INIT;
    scratch_init(&s);
    CU_ASSERT_FATAL(reader_open(&r, scratch_dir(&s), NULL) == HARBORAI_OK);
    CU_ASSERT(!reader_next_line(&r, &line) && !reader_next_segment(&r));
    CU_ASSERT(reader_status(&r, NULL) == HARBORAI_OK);
    reader_close(&r);
    scratch_write(&s, "1.jsonl", HARBORAI_STR("1\n"));
    scratch_write(&s, "2.jsonl", HARBORAI_STR("2\n"));
    CU_ASSERT_FATAL(reader_open(&r, scratch_dir(&s), NULL) == HARBORAI_OK);
    snprintf(path, sizeof path, "%s/journal/2.jsonl", s.dir);
    unlink(path); /* between listing and opening */
    CU_ASSERT(reader_next_segment(&r) && reader_next_line(&r, &line) && slice_is(line, "1"));
    reader_close(&r);
    mkdir(path, 0700);
    CU_ASSERT_FATAL(reader_open(&r, scratch_dir(&s), NULL) == HARBORAI_OK);
    CU_ASSERT(reader_next_segment(&r) && !reader_next_line(&r, &line));
    CU_ASSERT(!reader_next_segment(&r));
    CU_ASSERT(reader_status(&r, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "cannot read journal segment '2.jsonl': Is a directory");
    reader_close(&r);
    CU_ASSERT(reader_open(&r, HARBORAI_STR("/dev/null"), &error) == HARBORAI_E_CONFIG);
    scratch_release(&s);
}

const CU_TestInfo reader_tests[] = {{"rows", test_rows},
                                    {"long lines", test_long_lines},
                                    {"what is not there", test_what_is_not_there},
                                    CU_TEST_INFO_NULL};
