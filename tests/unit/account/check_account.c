/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo cost_tests[], keys_tests[], rate_limit_tests[];

UNIT_MAIN(UNIT_SUITE("cost", cost_tests), UNIT_SUITE("keys", keys_tests),
          UNIT_SUITE("rate_limit", rate_limit_tests))
