/* SPDX-License-Identifier: MIT */
#include "../unit.h"
extern const CU_TestInfo apply_tests[];
const CU_TestInfo apply_tests[] = {CU_TEST_INFO_NULL};
