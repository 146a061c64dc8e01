/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo answer_tests[], arguments_tests[], chunk_tests[], collect_tests[],
    error_tests[], excerpt_tests[], fold_tests[], repair_tests[], request_tests[], usage_tests[], stream_tests[];

UNIT_MAIN(UNIT_SUITE("answer", answer_tests), UNIT_SUITE("arguments", arguments_tests),
          UNIT_SUITE("chunk", chunk_tests), UNIT_SUITE("collect", collect_tests),
          UNIT_SUITE("error", error_tests), UNIT_SUITE("excerpt", excerpt_tests),
          UNIT_SUITE("fold", fold_tests),
          UNIT_SUITE("repair", repair_tests), UNIT_SUITE("request", request_tests),
          UNIT_SUITE("usage", usage_tests), UNIT_SUITE("stream", stream_tests))
