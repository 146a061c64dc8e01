/* SPDX-License-Identifier: MIT */
#include "../unit.h"
extern const CU_TestInfo answer_tests[];
const CU_TestInfo answer_tests[] = {CU_TEST_INFO_NULL};
