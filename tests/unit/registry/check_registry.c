/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo model_map_tests[], model_map_busy_tests[];

UNIT_MAIN(UNIT_SUITE("model map", model_map_tests),
          UNIT_SUITE("model map, large and busy", model_map_busy_tests))
