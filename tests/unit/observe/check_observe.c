/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo metrics_tests[];

UNIT_MAIN(UNIT_SUITE("metrics", metrics_tests))
