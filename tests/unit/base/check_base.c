/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo slice_tests[], buf_tests[], snapshot_tests[], ids_tests[],
    log_tests[], nearest_tests[], once_tests[];

UNIT_MAIN(UNIT_SUITE("slice", slice_tests), UNIT_SUITE("buf and arena", buf_tests),
          UNIT_SUITE("snapshot and mpsc", snapshot_tests),
          UNIT_SUITE("ids, clock, secret", ids_tests),
          UNIT_SUITE("log", log_tests), UNIT_SUITE("nearest name", nearest_tests),
          UNIT_SUITE("once", once_tests))
