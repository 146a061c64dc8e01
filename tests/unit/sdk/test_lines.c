/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/attr.h"
#include "base/buf.h"
#include "lines.h"

extern const CU_TestInfo lines_tests[];

static int on_line(void *context, harborai_str line)
{
    struct buf *out = context;
    buf_add_char(out, '[');
    buf_add(out, line);
    buf_add_char(out, ']');
    return line.data[0] == '!';
}

static const struct row {
    const char *name, *in, *want;
} rows[] = {
    {"two", "{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1}][{\"b\":2}]"},
    {"CRLF", "a\r\nbc\r\n", "[a][bc]"},
    {"empty ones", "\n\r\n\na\n\n\r\nb\n", "[a][b]"},
    {"no end", "a\nbcd", "[a][bcd]"},
    {"no end but CR", "a\nb\r", "[a][b]"},
    {"CR inside", "a\rb\r\r\n", "[a\rb\r]"},
    {"nothing", "", ""},
};

static void test_rows_at_every_split(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str in = slice_of(rows[i].in);
        for (size_t split = 0; split <= in.len; split++)
            for (size_t second = split; second <= in.len; second++) {
                AUTO(buf) out = BUF_INIT(1024);
                AUTO(lines) d;
                lines_init(&d, 0);
                harborai_str parts[] = {slice_cut(in, split),
                                        slice_cut(slice_from(in, split), second - split),
                                        slice_from(in, second)};
                for (size_t k = 0; k < 3; k++)
                    ROW(rows[i].name, lines_feed(&d, parts[k], on_line, &out, NULL) == 0);
                ROW(rows[i].name, lines_end(&d, on_line, &out) == HARBORAI_OK);
                ROW(rows[i].name, slice_is(buf_slice(&out), rows[i].want));
            }
    }
}

static void test_cap_and_stop(void)
{
    AUTO(buf) out = BUF_INIT(1024);
    AUTO(lines) d;
    size_t consumed = 0;
    lines_init(&d, 4);
    CU_ASSERT(lines_feed(&d, HARBORAI_STR("abcd\nab"), on_line, &out, &consumed) == HARBORAI_OK);
    CU_ASSERT(lines_feed(&d, HARBORAI_STR("cd"), on_line, &out, &consumed) == HARBORAI_OK);
    CU_ASSERT(lines_feed(&d, HARBORAI_STR("e"), on_line, &out, &consumed) == HARBORAI_E_PROTOCOL);
    lines_release(&d);
    lines_init(&d, 4);
    CU_ASSERT(lines_feed(&d, HARBORAI_STR("abcde\n"), on_line, &out, NULL) == HARBORAI_E_PROTOCOL);
    CU_ASSERT(lines_feed(&d, HARBORAI_STR("!\nb\n"), on_line, &out, &consumed) == LINES_STOPPED);
    CU_ASSERT(consumed == 2);
    CU_ASSERT(slice_is(buf_slice(&out), "[abcd][!]"));
}

const CU_TestInfo lines_tests[] = {
    {"at every split", test_rows_at_every_split},
    {"cap and stop", test_cap_and_stop},
    CU_TEST_INFO_NULL,
};
