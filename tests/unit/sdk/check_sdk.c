/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo json_scan_tests[], json_value_tests[], json_peer_tests[],
    json_edit_tests[], json_out_tests[], openai_usage_tests[], sse_tests[], lines_tests[],
    replayed_tests[];

UNIT_MAIN(UNIT_SUITE("json_scan", json_scan_tests), UNIT_SUITE("json_value", json_value_tests),
          UNIT_SUITE("json_scan against json-c", json_peer_tests),
          UNIT_SUITE("json_edit", json_edit_tests), UNIT_SUITE("json_out", json_out_tests),
          UNIT_SUITE("openai_usage", openai_usage_tests), UNIT_SUITE("sse", sse_tests),
          UNIT_SUITE("lines", lines_tests), UNIT_SUITE("replayed", replayed_tests))
