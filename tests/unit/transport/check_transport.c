/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo exchange_tests[], names_tests[], tls_tests[];

UNIT_MAIN(UNIT_SUITE("exchange", exchange_tests),
          UNIT_SUITE("names", names_tests), UNIT_SUITE("tls", tls_tests))
