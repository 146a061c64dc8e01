/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo line_tests[];

UNIT_MAIN(UNIT_SUITE("line", line_tests))
