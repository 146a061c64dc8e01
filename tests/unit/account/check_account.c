/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo cost_tests[];

UNIT_MAIN(UNIT_SUITE("cost", cost_tests))
