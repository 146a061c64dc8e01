/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/limits.h"
#include "wire/prometheus.h"

extern const CU_TestInfo prometheus_tests[];

static void test_text(void)
{
    static const char want[] =
        "# HELP harborai_calls_total Calls \"that\" ended.\\nA \\\\ too.\n"
        "# TYPE harborai_calls_total counter\n"
        "harborai_calls_total 3\n"
        "harborai_calls_total{status=\"200\",model=\"a\\\"b\\\\c\\nd\"} -42\n"
        "# HELP t_seconds Time.\n"
        "# TYPE t_seconds histogram\n"
        "t_seconds_bucket{le=\"+Inf\"} 2\n"
        "t_seconds_sum 1.5\n"
        "cost 0.5400138215\n";
    const struct prometheus_label labels[] = {{"status", HARBORAI_STR_INIT("200")},
                                              {"model", HARBORAI_STR_INIT("a\"b\\c\nd")}};
    const struct prometheus_label le = {"le", HARBORAI_STR_INIT("+Inf")};
    AUTO(buf) b = BUF_INIT(KIB(4));
    prometheus_family(&b, "harborai_calls_total", PROMETHEUS_COUNTER,
                      "Calls \"that\" ended.\nA \\ too.");
    prometheus_sample(&b, "harborai_calls_total", NULL, NULL, 0, 3);
    prometheus_sample(&b, "harborai_calls_total", NULL, labels, 2, -42);
    prometheus_family(&b, "t_seconds", PROMETHEUS_HISTOGRAM, "Time.");
    prometheus_sample(&b, "t_seconds", "_bucket", &le, 1, 2);
    prometheus_sample_decimal(&b, "t_seconds", "_sum", NULL, 0, 1500000000, 9);
    prometheus_sample_decimal(&b, "cost", NULL, NULL, 0, 540013821500, 12);
    CU_ASSERT(buf_status(&b, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&b), want));
}

const CU_TestInfo prometheus_tests[] = {
    {"text", test_text},
    CU_TEST_INFO_NULL,
};
