/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo durations_tests[], metrics_tests[];

UNIT_MAIN(UNIT_SUITE("durations", durations_tests), UNIT_SUITE("metrics", metrics_tests))
