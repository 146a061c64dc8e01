/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo content_tests[], line_tests[];

UNIT_MAIN(UNIT_SUITE("content", content_tests), UNIT_SUITE("line", line_tests))
