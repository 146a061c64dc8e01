/* SPDX-License-Identifier: MIT */
#include "store/key_set.h"

#include "../unit.h"
#include "base/attr.h"

extern const CU_TestInfo key_set_tests[];

/* Keys that share their places, put in and taken out in any order, against a plain array. */
static void test_against_an_array(void)
{
    struct key_set set = {0};
    bool is_in[256] = {false};
    uint64_t seed = 1;
    size_t count = 0;
    CU_ASSERT(!key_set_has(&set, 1));
    key_set_remove(&set, 1);
    for (int step = 0; step < 200000; step++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        size_t i = seed >> 33 & 255;
        uint64_t key = (i % 16) * 61 + (uint64_t)i * 65536 + 1; /* sixteen to a place */
        if ((seed >> 60 & 1) == 0) {
            CU_ASSERT_FATAL(key_set_reserve(&set, 1));
            key_set_add(&set, key);
            count += !is_in[i];
            is_in[i] = true;
        } else {
            key_set_remove(&set, key);
            count -= is_in[i];
            is_in[i] = false;
        }
        if (set.count != count) {
            CU_FAIL("count differs");
            break;
        }
        for (size_t k = step % 64; k < 256; k += 64)
            if (key_set_has(&set, (k % 16) * 61 + (uint64_t)k * 65536 + 1) != is_in[k]) {
                CU_FAIL("a key is there or is not");
                step = 200000;
                break;
            }
    }
    CU_ASSERT(set.places <= 1024);
    key_set_release(&set);
    CU_ASSERT(set.table == NULL);
}

const CU_TestInfo key_set_tests[] = {{"against an array", test_against_an_array}, CU_TEST_INFO_NULL};
