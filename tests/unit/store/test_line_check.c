/* SPDX-License-Identifier: MIT */
#include "store/line_check.h"

#include "../unit.h"
#include "base/crc32c.h"

extern const CU_TestInfo line_check_tests[];

/* RFC 3720, B.4, and the word that everybody checks. */
static void test_known_sums(void)
{
    char zeros[32] = {0}, ones[32], rising[32], falling[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) {
        rising[i] = (char)i;
        falling[i] = (char)(31 - i);
    }
    const struct row {
        const char *name;
        harborai_str text;
        uint32_t want;
    } rows[] = {{"nothing", HARBORAI_STR(""), 0},
                {"digits", HARBORAI_STR("123456789"), 0xe3069283},
                {"32 zeros", {zeros, 32}, 0x8a9136aa},
                {"32 ones", {ones, 32}, 0x62a8ab43},
                {"rising", {rising, 32}, 0x46dd794e},
                {"falling", {falling, 32}, 0x113fdb5c}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_str text = rows[i].text;
        ROW(rows[i].name, crc32c(0, text) == rows[i].want);
        ROW(rows[i].name, crc32c_by_table(0, text) == rows[i].want);
        for (size_t cut = 0; cut < text.len; cut++)
            ROW(rows[i].name, crc32c(crc32c(0, slice_cut(text, cut)), slice_from(text, cut)) ==
                                  rows[i].want);
    }
}

/* Whatever the processor has: the same sum of any length, from any place on. */
static void test_by_table(void)
{
    char bytes[96];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)((random = random * 1103515245 + 12345) >> 16);
    for (size_t from = 0; from < 9; from++)
        for (size_t len = 0; from + len <= sizeof bytes; len++) {
            harborai_str text = {bytes + from, len};
            CU_ASSERT_EQUAL_FATAL(crc32c(random, text), crc32c_by_table(random, text));
        }
}

static void test_lines(void)
{
    static const struct row {
        const char *name, *line;
        enum line_check want;
        uint64_t seq;
    } rows[] = {
        {"whole", "{\"a\":1,\"seq\":0,\"crc\":\"03fe6ebd\"}", LINE_WHOLE, 0},
        {"a byte differs", "{\"a\":2,\"seq\":0,\"crc\":\"03fe6ebd\"}", LINE_DAMAGED, 0},
        {"the sum differs", "{\"a\":1,\"seq\":0,\"crc\":\"03fe6ebc\"}", LINE_DAMAGED, 0},
        {"in capitals", "{\"a\":1,\"seq\":0,\"crc\":\"03FE6EBD\"}", LINE_DAMAGED, 0},
        {"no quote", "{\"a\":1,\"seq\":0,\"crc\":\"03fe6ebd }", LINE_DAMAGED, 0},
        {"of an older HarborAI", "{\"a\":1,\"bytes_out\":123456789}", LINE_UNCHECKED, 0},
        {"its end is torn", "{\"a\":1,\"seq\":0,\"crc\":\"03fe6ebd", LINE_UNCHECKED, 0},
        {"empty", "", LINE_UNCHECKED, 0},
        {"nothing but a sum", ",\"crc\":\"00000000\"}", LINE_DAMAGED, 0},
        {"no number", "{\"a\":1,\"sec\":0,\"crc\":\"55fdfc01\"}", LINE_DAMAGED, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t seq = 99;
        harborai_str line = unit_tight(slice_of(rows[i].line));
        enum line_check got = line_verify(line, &seq);
        ROW(rows[i].name, got == rows[i].want);
        ROW(rows[i].name, seq == (got == LINE_WHOLE ? rows[i].seq : 99));
        unit_drop(line);
    }
}

/* What is sealed is whole, with its number; with any one bit changed it is not whole. */
static void test_each_bit_counts(void)
{
    static const uint64_t numbers[] = {0, 9, 10, 4711, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        AUTO(buf) b = BUF_INIT(256);
        uint64_t seq = 1;
        buf_add(&b, HARBORAI_STR("before\n"));
        line_seal(&b, HARBORAI_STR("{\"type\":\"end\",\"key\":\"k\"}"), numbers[i]);
        CU_ASSERT_FATAL(b.failed == HARBORAI_OK);
        harborai_str line = slice_from(buf_slice(&b), 7);
        CU_ASSERT(line.len <= strlen("{\"type\":\"end\",\"key\":\"k\"}") + LINE_CHECK_MOST);
        CU_ASSERT(line_verify(line, &seq) == LINE_WHOLE && seq == numbers[i]);
        for (size_t bit = 0; bit < 8 * line.len; bit++) {
            b.data[7 + bit / 8] ^= (char)(1 << bit % 8);
            CU_ASSERT(line_verify(line, &seq) != LINE_WHOLE);
            b.data[7 + bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}

const CU_TestInfo line_check_tests[] = {{"known sums", test_known_sums},
                                        {"with and without the instruction", test_by_table},
                                        {"lines", test_lines},
                                        {"each bit counts", test_each_bit_counts},
                                        CU_TEST_INFO_NULL};
