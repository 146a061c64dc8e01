/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo exchange_tests[], exchange_bodies_tests[], exchange_faults_tests[],
    exchange_limits_tests[], local_ask_tests[], names_tests[], tls_tests[];

UNIT_MAIN(UNIT_SUITE("exchange", exchange_tests),
          UNIT_SUITE("exchange bodies", exchange_bodies_tests),
          UNIT_SUITE("exchange faults", exchange_faults_tests),
          UNIT_SUITE("exchange limits", exchange_limits_tests),
          UNIT_SUITE("local ask", local_ask_tests), UNIT_SUITE("names", names_tests),
          UNIT_SUITE("tls", tls_tests))
