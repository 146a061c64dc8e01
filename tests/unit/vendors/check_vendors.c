/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo edits_tests[], errors_tests[], openai_tests[], tokens_tests[];

UNIT_MAIN(UNIT_SUITE("edits", edits_tests), UNIT_SUITE("errors", errors_tests),
          UNIT_SUITE("openai", openai_tests),
          UNIT_SUITE("tokens and prices", tokens_tests))
