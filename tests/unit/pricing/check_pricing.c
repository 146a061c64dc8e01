/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo money_tests[], price_table_tests[], tariff_tests[];

UNIT_MAIN(UNIT_SUITE("money", money_tests), UNIT_SUITE("price table", price_table_tests),
          UNIT_SUITE("tariff", tariff_tests))
