/* SPDX-License-Identifier: MIT */
#include "pricing/tariff.h"

#include "../unit.h"
#include "pricing/money.h"

extern const CU_TestInfo tariff_tests[];

#define IN HARBORAI_TOKENS_INPUT
#define CACHED HARBORAI_TOKENS_CACHE_READ
#define OUT HARBORAI_TOKENS_OUTPUT
#define THOUGHT HARBORAI_TOKENS_REASONING
#define REJECTED HARBORAI_TOKENS_PREDICTION_REJECTED

struct item {
    int64_t value;
    int usage_class_plus_1; /* 0 ends the list */
};
#define OF(usage_class, value) {(value), (usage_class) + 1}

struct row {
    const char *name;
    struct item price[5], count[5];
    int64_t per_request;
    int32_t num, den;
    enum tariff_reason reason;
    int usage_class;
    int64_t pico;
};

static const struct row rows[] = {
    {"gpt-4o: every class", {OF(IN, 2500000), OF(CACHED, 1250000), OF(OUT, 10000000)},
     {OF(IN, 1000), OF(CACHED, 200), OF(OUT, 300)}, 0, 0, 0, TARIFF_KNOWN, -1, 5750000000},
    {"reasoning is output", {OF(IN, 2), OF(OUT, 10)}, {OF(IN, 1), OF(OUT, 2), OF(THOUGHT, 3)},
     0, 0, 0, TARIFF_KNOWN, -1, 52},
    {"rejected predictions are output", {OF(IN, 2), OF(OUT, 10)}, {OF(IN, 1), OF(REJECTED, 3)},
     0, 0, 0, TARIFF_KNOWN, -1, 32},
    {"reasoning at a price of its own", {OF(OUT, 10), OF(THOUGHT, 7)}, {OF(OUT, 2), OF(THOUGHT, 3)},
     0, 0, 0, TARIFF_KNOWN, -1, 41},
    {"reasoning without any", {OF(IN, 2)}, {OF(IN, 1), OF(THOUGHT, 3)}, 0, 0, 0,
     TARIFF_CLASS_NO_PRICE, THOUGHT, 0},
    {"cached tokens without a price", {OF(IN, 2), OF(OUT, 10)}, {OF(IN, 1), OF(CACHED, 1)}, 0, 0, 0,
     TARIFF_CLASS_NO_PRICE, CACHED, 0},
    {"… but none of them", {OF(IN, 2), OF(OUT, 10)}, {OF(IN, 1), OF(CACHED, 0)}, 0, 0, 0,
     TARIFF_KNOWN, -1, 2},
    {"free is a price", {OF(IN, 0), OF(OUT, 0)}, {OF(IN, 1000), OF(OUT, 5)}, 0, 0, 0, TARIFF_KNOWN,
     -1, 0},
    {"searches and a fee", {OF(IN, 2), OF(HARBORAI_UNITS_SEARCHES, 10000000000)},
     {OF(IN, 1), OF(HARBORAI_UNITS_SEARCHES, 3)}, 7, 0, 0, TARIFF_KNOWN, -1, 30000000009},
    {"last class", {OF(31, 5)}, {OF(31, 2)}, 0, 0, 0, TARIFF_KNOWN, -1, 10},
    {"half, 2.5 to even", {OF(IN, 5)}, {OF(IN, 1)}, 0, 1, 2, TARIFF_KNOWN, -1, 2},
    {"half, 3.5 to even", {OF(IN, 7)}, {OF(IN, 1)}, 0, 1, 2, TARIFF_KNOWN, -1, 4},
    {"a third, up", {OF(IN, 5)}, {OF(IN, 1)}, 0, 1, 3, TARIFF_KNOWN, -1, 2},
    {"a third, down", {OF(IN, 4)}, {OF(IN, 1)}, 0, 1, 3, TARIFF_KNOWN, -1, 1},
    {"rounded once, not per class", {OF(IN, 1), OF(OUT, 1)}, {OF(IN, 1), OF(OUT, 1)}, 0, 1, 2,
     TARIFF_KNOWN, -1, 1},
    {"scale covers the fee", {OF(IN, 10)}, {OF(IN, 1)}, 10, 11, 10, TARIFF_KNOWN, -1, 22},
    {"most that fits", {OF(IN, INT64_MAX)}, {OF(IN, 1)}, 0, 0, 0, TARIFF_KNOWN, -1, INT64_MAX},
    {"one more", {OF(IN, INT64_MAX)}, {OF(IN, 1)}, 1, 0, 0, TARIFF_TOO_LARGE, -1, 0},
    {"… but halved", {OF(IN, INT64_MAX)}, {OF(IN, 2)}, 0, 1, 2, TARIFF_KNOWN, -1, INT64_MAX},
    {"beyond 128 bits", {OF(IN, INT64_MAX), OF(CACHED, INT64_MAX), OF(OUT, INT64_MAX)},
     {OF(IN, INT64_MAX), OF(CACHED, INT64_MAX), OF(OUT, INT64_MAX)}, 0, 0, 0, TARIFF_TOO_LARGE, -1,
     0},
    {"beyond 128 bits by scale", {OF(IN, INT64_MAX)}, {OF(IN, INT64_MAX)}, 0, INT32_MAX, 1,
     TARIFF_TOO_LARGE, -1, 0},
    {"negative count", {OF(IN, 1)}, {OF(IN, -1)}, 0, 0, 0, TARIFF_BAD_USAGE, -1, 0},
    {"negative price", {OF(IN, -1)}, {OF(IN, 1)}, 0, 0, 0, TARIFF_BAD_PRICE, -1, 0},
    {"negative fee", {OF(IN, 1)}, {OF(IN, 1)}, -1, 0, 0, TARIFF_BAD_PRICE, -1, 0},
    {"division by zero", {OF(IN, 1)}, {OF(IN, 1)}, 0, 1, 0, TARIFF_BAD_PRICE, -1, 0},
    {"negative scale", {OF(IN, 1)}, {OF(IN, 1)}, 0, 1, -2, TARIFF_BAD_PRICE, -1, 0},
    {"nothing counted", {OF(IN, 1)}, {{0}}, 5, 0, 0, TARIFF_NO_USAGE, -1, 0},
};

static void test_sums(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct tariff tariff = {.currency = "USD",
                                .per_request = row->per_request,
                                .scale_num = row->num,
                                .scale_den = row->den};
        harborai_usage usage = {.size = sizeof usage};
        for (size_t j = 0; j < 5 && row->price[j].usage_class_plus_1 != 0; j++) {
            int c = row->price[j].usage_class_plus_1 - 1;
            tariff.known_mask |= 1u << c;
            tariff.per_unit[c] = row->price[j].value;
        }
        for (size_t j = 0; j < 5 && row->count[j].usage_class_plus_1 != 0; j++)
            harborai_usage_set(&usage, (uint32_t)row->count[j].usage_class_plus_1 - 1,
                               row->count[j].value);
        struct tariff_sum sum = tariff_sum_of(&tariff, &usage);
        ROW(row->name, sum.reason == row->reason);
        ROW(row->name, sum.usage_class == row->usage_class);
        ROW(row->name, sum.pico == row->pico);
        ROW(row->name, sum.pico_output >= 0 && sum.pico_output <= sum.pico);
    }
}

/* Which part of the sum is for what was produced. */
static void test_parts(void)
{
    static const struct {
        const char *name;
        int usage_class; /* counted once, besides one token of input; each costs 3 */
        int64_t per_request;
        int32_t num, den;
        int64_t pico, output;
    } parts[] = {
        {"output", OUT, 0, 0, 0, 6, 3},
        {"reasoning", THOUGHT, 0, 0, 0, 6, 3},
        {"images", HARBORAI_UNITS_IMAGES, 0, 0, 0, 6, 3},
        {"cached input", CACHED, 0, 0, 0, 6, 0},
        {"searches", HARBORAI_UNITS_SEARCHES, 0, 0, 0, 6, 0},
        {"a fee", OUT, 7, 0, 0, 13, 3},
        {"halved: 3 is 1.5 and 1.5", OUT, 0, 1, 2, 3, 2},
        {"a sixth: 1 is 0.5 and 0.5", OUT, 0, 1, 6, 1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct tariff tariff = {.currency = "USD",
                                .per_request = parts[i].per_request,
                                .scale_num = parts[i].num,
                                .scale_den = parts[i].den,
                                .known_mask = 1u << IN | 1u << parts[i].usage_class};
        harborai_usage usage = {.size = sizeof usage};
        tariff.per_unit[IN] = tariff.per_unit[parts[i].usage_class] = 3;
        harborai_usage_set(&usage, IN, 1);
        harborai_usage_set(&usage, (uint32_t)parts[i].usage_class, 1);
        struct tariff_sum sum = tariff_sum_of(&tariff, &usage);
        ROW(parts[i].name, sum.reason == TARIFF_KNOWN && sum.pico == parts[i].pico);
        ROW(parts[i].name, sum.pico_output == parts[i].output);
    }
}

static void test_reason_names(void)
{
    CU_ASSERT_STRING_EQUAL(tariff_reason_name(TARIFF_KNOWN), "");
    CU_ASSERT_STRING_EQUAL(tariff_reason_name(TARIFF_CLASS_NO_PRICE), "class_no_price");
    CU_ASSERT_STRING_EQUAL(tariff_reason_name(TARIFF_REASON_COUNT), "");
}

const CU_TestInfo tariff_tests[] = {{"sums", test_sums},
                                    {"parts", test_parts},
                                    {"names of reasons", test_reason_names},
                                    CU_TEST_INFO_NULL};
