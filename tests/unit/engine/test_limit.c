/* SPDX-License-Identifier: MIT */
#include "../unit.h"
extern const CU_TestInfo limit_tests[];
const CU_TestInfo limit_tests[] = {CU_TEST_INFO_NULL};
