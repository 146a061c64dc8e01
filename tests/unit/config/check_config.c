/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo value_tests[], node_tests[], yaml_tests[];

UNIT_MAIN(UNIT_SUITE("value", value_tests), UNIT_SUITE("node", node_tests),
          UNIT_SUITE("yaml", yaml_tests))
