/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdlib.h>

#include "../unit.h"
#include "base/arena.h"
#include "base/limits.h"

extern const CU_TestInfo buf_tests[];

static void test_grows_and_stops_at_its_ceiling(void)
{
    AUTO(buf) b = BUF_INIT(1000);
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%09d,", i);
    CU_ASSERT(buf_status(&b, NULL) == HARBORAI_OK);
    CU_ASSERT(b.len == 1000 && memcmp(b.data + 990, "000000099,", 10) == 0);
    buf_add_char(&b, 'x');
    harborai_error error = HARBORAI_ERROR_INIT;
    CU_ASSERT(buf_status(&b, &error) == HARBORAI_E_MEMORY);
    CU_ASSERT(strstr(error.message, "1000") != NULL);
    CU_ASSERT(b.len == 1000);
    buf_clear(&b);
    buf_add_u64(&b, UINT64_MAX);
    CU_ASSERT(slice_is(buf_slice(&b), "18446744073709551615"));
}

static void test_numbers(void)
{
    uint64_t power = 1;
    for (int digits = 1; digits <= 20; digits++, power *= 10) {
        uint64_t near[] = {power - 1, power, power + 1, power * 9 + 87654321};
        for (size_t i = 0; i < ARRAY_LEN(near); i++) {
            char expected[24];
            AUTO(buf) b = BUF_INIT(64);
            snprintf(expected, sizeof expected, "%llu", (unsigned long long)near[i]);
            buf_add_u64(&b, near[i]);
            CU_ASSERT(slice_is(buf_slice(&b), expected));
        }
    }
}

static void test_long_format_take_consume(void)
{
    AUTO(buf) b = BUF_INIT(KIB(8));
    buf_printf(&b, "%02000d", 7);
    CU_ASSERT(b.len == 2000 && b.data[1999] == '7');
    buf_consume(&b, 1999);
    CU_ASSERT(slice_is(buf_slice(&b), "7"));
    char *text = buf_take(&b);
    CU_ASSERT_STRING_EQUAL(text, "7");
    CU_ASSERT(b.len == 0 && b.data == NULL);
    free(text);
}

static void test_arena(void)
{
    struct arena a;
    arena_init(&a, KIB(64));
    for (int i = 1; i < 100; i++) {
        char *piece = arena_alloc(&a, (size_t)i * 7);
        CU_ASSERT_FATAL(piece != NULL);
        CU_ASSERT((uintptr_t)piece % _Alignof(max_align_t) == 0);
        CU_ASSERT(piece[0] == 0 && piece[i * 7 - 1] == 0);
        memset(piece, 0xff, (size_t)i * 7);
    }
    harborai_str text = arena_printf(&a, "%s-%d", "x", 12);
    CU_ASSERT(slice_is(text, "x-12") && text.data[4] == '\0');
    CU_ASSERT(arena_alloc(&a, KIB(64)) == NULL);
    CU_ASSERT(arena_copy(&a, HARBORAI_STR("still works")).len == 11);
    arena_release(&a);
}

const CU_TestInfo buf_tests[] = {
    {"a buffer stops at its ceiling", test_grows_and_stops_at_its_ceiling},
    {"numbers around each power of ten", test_numbers},
    {"long format, take, consume", test_long_format_take_consume},
    {"arena", test_arena},
    CU_TEST_INFO_NULL,
};
