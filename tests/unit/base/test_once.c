/* SPDX-License-Identifier: MIT */
#include "base/once.h"

#include "../unit.h"

extern const CU_TestInfo once_tests[];

static void test_once(void)
{
    static struct once once;
    CU_ASSERT(once_is_first(&once, 7) && !once_is_first(&once, 7));
    CU_ASSERT(once_is_first(&once, 7 + ONCE_MOST) && !once_is_first(&once, 7 + ONCE_MOST));
    CU_ASSERT(!once_is_first(&once, 7));
    CU_ASSERT(once_is_first(&once, 0) && !once_is_first(&once, 0));
}

/* It says no when it is full, and keeps what it has. */
static void test_full(void)
{
    static struct once once;
    unsigned first = 0, again = 0;
    for (uint64_t i = 1; i <= 4 * ONCE_MOST; i++)
        first += once_is_first(&once, i * 1021);
    for (uint64_t i = 1; i <= 4 * ONCE_MOST; i++)
        again += once_is_first(&once, i * 1021);
    CU_ASSERT(first > ONCE_MOST / 2 && first <= ONCE_MOST);
    CU_ASSERT_EQUAL(again, 0);
}

const CU_TestInfo once_tests[] = {
    {"once", test_once},
    {"full", test_full},
    CU_TEST_INFO_NULL,
};
