/* SPDX-License-Identifier: MIT */
#include "wire/json_number.h"

#include "../unit.h"
#include "base/attr.h"
#include "base/slice.h"

extern const CU_TestInfo json_number_tests[];

/* In ascending order; those that are equal stand in one row. */
static const char *const order[][4] = {
    {"-1e400", "-10e399"},
    {"-100000000000000000000000000000000001"},
    {"-100000000000000000000000000000000000", "-1e35"},
    {"-9223372036854775809"},
    {"-9223372036854775808"},
    {"-1.50", "-15e-1"},
    {"-1", "-1.0", "-0.1e1"},
    {"-0.01", "-1e-2"},
    {"-1e-400"},
    {"0", "-0", "0.00", "0e99"},
    {"1e-99999999999999999999"},
    {"1e-400"},
    {"0.05", "5E-2", "0.5e-1"},
    {"0.1"},
    {"0.10000000000000000000000000000001"},
    {"1", "1.0", "10e-1", "0.001e+3"},
    {"9.99"},
    {"10", "1e1", "10.0"},
    {"10.5"},
    {"99"},
    {"100", "1e2"},
    {"9007199254740992"},
    {"9007199254740993"},
    {"1e99999999999999999999"},
};

static void test_order(void)
{
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        for (size_t j = 0; j < ARRAY_LEN(order); j++)
            for (size_t k = 0; k < 16; k++) {
                const char *a = order[i][k / 4], *b = order[j][k % 4];
                if (a == NULL || b == NULL)
                    continue;
                harborai_str left = unit_tight(slice_of(a)), right = unit_tight(slice_of(b));
                int sign = json_number_compare(left, right);
                ROW(a, (sign > 0) - (sign < 0) == (i > j) - (i < j));
                unit_drop(left);
                unit_drop(right);
            }
}

static const struct {
    const char *number;
    bool is_whole;
} wholes[] = {
    {"0", true},      {"-0", true},      {"0.0", true},   {"12", true},    {"-12", true},
    {"12.00", true},  {"1.5e1", true},   {"150e-1", true}, {"1e400", true}, {"100e-2", true},
    {"1.5", false},   {"1e-1", false},   {"155e-1", false}, {"0.5", false}, {"-0.001", false},
    {"1.25e1", false},
};

static void test_whole(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wholes); i++)
        ROW(wholes[i].number,
            json_number_is_whole(slice_of(wholes[i].number)) == wholes[i].is_whole);
}

const CU_TestInfo json_number_tests[] = {
    {"order", test_order}, {"whole", test_whole}, CU_TEST_INFO_NULL};
