/* SPDX-License-Identifier: MIT */
#include "../unit.h"
extern const CU_TestInfo pressure_tests[];
const CU_TestInfo pressure_tests[] = {CU_TEST_INFO_NULL};
