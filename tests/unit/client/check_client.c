/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo client_tests[];

UNIT_MAIN(UNIT_SUITE("client", client_tests))
