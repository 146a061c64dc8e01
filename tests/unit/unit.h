/* SPDX-License-Identifier: MIT */
/* CUnit, thinly: suites are tables, a failed row says its name, one binary a room.
 *
 *     static void test_split(void) {
 *         for (size_t i = 0; i < ARRAY_LEN(rows); i++)
 *             ROW(rows[i].name, slice_is(head, rows[i].want));
 *     }
 *     const CU_TestInfo slice_tests[] = {{"split", test_split}, CU_TEST_INFO_NULL};
 *
 * and in check_<room>.c:  UNIT_MAIN({"slice", NULL, NULL, NULL, NULL, slice_tests}, …)
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/Basic.h>
#include <CUnit/TestDB.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <harborai/types.h>

/* A check that belongs to a row of a table: a failure prints the row's name. */
#define ROW(name, condition)                                                                       \
    do {                                                                                           \
        int holds_ = (condition) ? 1 : 0;                                                          \
        if (!holds_)                                                                               \
            fprintf(stderr, "\n  row '%s': %s\n", (name), #condition);                             \
        CU_assertImplementation(holds_, __LINE__, #condition, __FILE__, "", CU_FALSE);             \
    } while (0)

/* A copy without a byte of slack, so that AddressSanitizer sees each read beyond it. */
static inline harborai_str unit_tight(harborai_str text)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return (harborai_str){copy, text.len};
}

static inline void unit_drop(harborai_str text)
{
    free((void *)(uintptr_t)text.data);
}

#define UNIT_SUITE(name, tests) {(name), NULL, NULL, NULL, NULL, (CU_TestInfo *)(uintptr_t)(tests)}

#define UNIT_MAIN(...)                                                                             \
    int main(void)                                                                                 \
    {                                                                                              \
        CU_SuiteInfo suites_[] = {__VA_ARGS__, CU_SUITE_INFO_NULL};                                \
        if (CU_initialize_registry() != CUE_SUCCESS ||                                             \
            CU_register_suites(suites_) != CUE_SUCCESS) {                                          \
            fprintf(stderr, "%s\n", CU_get_error_msg());                                           \
            return 99;                                                                             \
        }                                                                                          \
        CU_basic_set_mode(CU_BRM_NORMAL);                                                          \
        CU_basic_run_tests();                                                                      \
        unsigned failed_ = CU_get_number_of_failures();                                            \
        printf("%u passed, %u failed\n", CU_get_number_of_successes(), failed_);                   \
        CU_cleanup_registry();                                                                     \
        return failed_ == 0 ? 0 : 1;                                                               \
    }

#endif
