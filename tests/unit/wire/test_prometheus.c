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
    struct prometheus p = {&b, false};
    prometheus_family(&p, "harborai_calls_total", PROMETHEUS_COUNTER,
                      "Calls \"that\" ended.\nA \\ too.");
    prometheus_sample(&p, "harborai_calls_total", NULL, NULL, 0, 3);
    prometheus_sample(&p, "harborai_calls_total", NULL, labels, 2, -42);
    prometheus_family(&p, "t_seconds", PROMETHEUS_HISTOGRAM, "Time.");
    prometheus_sample(&p, "t_seconds", "_bucket", &le, 1, 2);
    prometheus_sample_decimal(&p, "t_seconds", "_sum", NULL, 0, 1500000000, 9);
    prometheus_sample_decimal(&p, "cost", NULL, NULL, 0, 540013821500, 12);
    prometheus_end(&p);
    CU_ASSERT(buf_status(&b, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&b), want));
}

static void test_open(void)
{
    static const char want[] =
        "# HELP harborai_calls Calls \\\"that\\\" ended.\n"
        "# TYPE harborai_calls counter\n"
        "harborai_calls_total{status=\"200\"} 3\n"
        "# HELP journal_bytes Bytes.\n# TYPE journal_bytes counter\n# UNIT journal_bytes bytes\n"
        "journal_bytes_total 7\n"
        "# HELP t_seconds Time.\n# TYPE t_seconds histogram\n# UNIT t_seconds seconds\n"
        "t_seconds_bucket{le=\"2.5e-06\"} 1\n"
        "t_seconds_bucket{le=\"1.0\"} 1\n"
        "t_seconds_bucket{le=\"+Inf\"} 2\n"
        "# HELP odd Who knows?\n# TYPE odd unknown\n"
        "# EOF\n";
    const struct prometheus_label status = {"status", HARBORAI_STR_INIT("200")};
    const struct prometheus_label le[] = {{"le", HARBORAI_STR_INIT("2.5e-06")},
                                          {"le", HARBORAI_STR_INIT("1")},
                                          {"le", HARBORAI_STR_INIT("+Inf")}};
    AUTO(buf) b = BUF_INIT(KIB(4));
    struct prometheus p = {&b, .is_open = true};
    prometheus_family(&p, "harborai_calls_total", PROMETHEUS_COUNTER, "Calls \"that\" ended.");
    prometheus_sample(&p, "harborai_calls_total", NULL, &status, 1, 3);
    prometheus_family(&p, "journal_bytes_total", PROMETHEUS_COUNTER, "Bytes.");
    prometheus_sample(&p, "journal_bytes_total", NULL, NULL, 0, 7);
    prometheus_family(&p, "t_seconds", PROMETHEUS_HISTOGRAM, "Time.");
    for (size_t i = 0; i < ARRAY_LEN(le); i++)
        prometheus_sample(&p, "t_seconds", "_bucket", &le[i], 1, i < 2 ? 1 : 2);
    prometheus_family(&p, "odd", PROMETHEUS_UNTYPED, "Who knows?");
    prometheus_end(&p);
    CU_ASSERT(buf_status(&b, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_is(buf_slice(&b), want));
}

const CU_TestInfo prometheus_tests[] = {
    {"text", test_text},
    {"OpenMetrics", test_open},
    CU_TEST_INFO_NULL,
};
