/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo model_map_tests[];

UNIT_MAIN(UNIT_SUITE("model map", model_map_tests))
