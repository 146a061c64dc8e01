/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/attr.h"
#include "wire/accept.h"

extern const CU_TestInfo accept_tests[];

#define OPEN "application/openmetrics-text"
#define PROMETHEUS_3                                                                               \
    OPEN ";version=1.0.0;escaping=allow-utf-8;q=0.6," OPEN ";version=0.0.1;q=0.5,"                 \
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

static void test_quality(void)
{
    static const struct {
        const char *accept, *type, *version;
        unsigned want;
    } rows[] = {
        {"", OPEN, "1.0.0", 0},
        {"*/*", OPEN, "1.0.0", 0},
        {OPEN, OPEN, "1.0.0", 1000},
        {"Application/OpenMetrics-Text ; Version=1.0.0", OPEN, "1.0.0", 1000},
        {OPEN "; version=0.0.1", OPEN, "1.0.0", 0},
        {OPEN ";q=0", OPEN, "1.0.0", 0},
        {OPEN ";q=0.125", OPEN, "1.0.0", 125},
        {OPEN ";q=0.", OPEN, "1.0.0", 0},
        {OPEN ";q=1.0", OPEN, "1.0.0", 1000},
        {OPEN ";q=", OPEN, "1.0.0", 1000},
        {OPEN ";q=0.x", OPEN, "1.0.0", 1000},
        {OPEN "s", OPEN, "1.0.0", 0},
        {" , ;, " OPEN " , ", OPEN, "1.0.0", 1000},
        {PROMETHEUS_3, OPEN, "1.0.0", 600},
        {PROMETHEUS_3, "text/plain", "0.0.4", 300},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].accept, accept_quality(slice_of(rows[i].accept), rows[i].type,
                                           rows[i].version) == rows[i].want);
}

const CU_TestInfo accept_tests[] = {{"quality", test_quality}, CU_TEST_INFO_NULL};
