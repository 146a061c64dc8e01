/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

extern const CU_TestInfo anthropic_request_tests[], anthropic_answer_tests[];

UNIT_MAIN(UNIT_SUITE("anthropic request", anthropic_request_tests),
          UNIT_SUITE("anthropic answer", anthropic_answer_tests))
