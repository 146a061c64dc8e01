/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo client_tests[], options_tests[], body_tests[];

UNIT_MAIN(UNIT_SUITE("client", client_tests), UNIT_SUITE("options", options_tests),
          UNIT_SUITE("body", body_tests))
