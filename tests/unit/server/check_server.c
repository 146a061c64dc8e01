/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo http_tests[];

UNIT_MAIN(UNIT_SUITE("http", http_tests))
