/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo accept_tests[], http_head_tests[], http_body_tests[], json_number_tests[],
    json_schema_tests[], json_write_tests[], masker_tests[],
    prometheus_tests[], secrets_tests[], shell_tests[], traceparent_tests[], url_tests[];

UNIT_MAIN(UNIT_SUITE("accept", accept_tests), UNIT_SUITE("http_head", http_head_tests), UNIT_SUITE("http_body", http_body_tests),
          UNIT_SUITE("json_number", json_number_tests),
          UNIT_SUITE("json_schema", json_schema_tests),
          UNIT_SUITE("json_write", json_write_tests), UNIT_SUITE("masker", masker_tests),
          UNIT_SUITE("prometheus", prometheus_tests), UNIT_SUITE("secrets", secrets_tests),
          UNIT_SUITE("shell", shell_tests),
          UNIT_SUITE("traceparent", traceparent_tests), UNIT_SUITE("url", url_tests))
