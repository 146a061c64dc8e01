/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo http_head_tests[], http_body_tests[];

UNIT_MAIN(UNIT_SUITE("http_head", http_head_tests), UNIT_SUITE("http_body", http_body_tests))
