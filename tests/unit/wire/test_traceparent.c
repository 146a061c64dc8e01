/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/attr.h"
#include "wire/traceparent.h"

extern const CU_TestInfo traceparent_tests[];

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static const struct row {
    const char *text, *want; /* NULL = malformed */
} rows[] = {
    {"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
    {"00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00"},
    {"00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-01"},
    {"00-" TRACE "-" SPAN "-02", "00-" TRACE "-" SPAN "-00"},
    {"01-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
    {"cc-" TRACE "-" SPAN "-01-what the future brings", "00-" TRACE "-" SPAN "-01"},
    {"cc-" TRACE "-" SPAN "-01.what", NULL},
    {"00-" TRACE "-" SPAN "-01-", NULL},
    {"00-" TRACE "-" SPAN "-01 ", NULL},
    {" 00-" TRACE "-" SPAN "-01", NULL},
    {"ff-" TRACE "-" SPAN "-01", NULL},
    {"0-" TRACE "-" SPAN "-01", NULL},
    {"0g-" TRACE "-" SPAN "-01", NULL},
    {"00-" TRACE "-" SPAN "-0", NULL},
    {"00-" TRACE "-" SPAN "-0x", NULL},
    {"00-" TRACE "-" SPAN, NULL},
    {"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", NULL},
    {"00-" TRACE "-00F067AA0BA902B7-01", NULL},
    {"00-00000000000000000000000000000000-" SPAN "-01", NULL},
    {"00-" TRACE "-0000000000000000-01", NULL},
    {"00_" TRACE "_" SPAN "_01", NULL},
    {"00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "0-01", NULL},
    {"", NULL},
};

static void test_rows(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct traceparent parent;
        char text[TRACEPARENT_LEN + 1] = "";
        bool ok = traceparent_parse(slice_of(rows[i].text), &parent);
        ROW(rows[i].text, ok == (rows[i].want != NULL));
        if (!ok || rows[i].want == NULL)
            continue;
        traceparent_format(&parent, text);
        ROW(rows[i].text, slice_is(slice_of(text), rows[i].want));
    }
}

const CU_TestInfo traceparent_tests[] = {
    {"rows", test_rows},
    CU_TEST_INFO_NULL,
};
