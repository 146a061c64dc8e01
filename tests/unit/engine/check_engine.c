/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo call_tests[], answer_tests[], rogue_tests[], limit_tests[],
    pressure_tests[], disk_tests[], leave_tests[], bodies_tests[], replay_call_tests[],
    replay_store_tests[], phase_tests[];

UNIT_MAIN(UNIT_SUITE("call", call_tests), UNIT_SUITE("answer", answer_tests),
          UNIT_SUITE("rogue", rogue_tests), UNIT_SUITE("limit", limit_tests),
          UNIT_SUITE("pressure", pressure_tests), UNIT_SUITE("disk", disk_tests),
          UNIT_SUITE("leave", leave_tests), UNIT_SUITE("bodies", bodies_tests),
          UNIT_SUITE("replay_call", replay_call_tests), UNIT_SUITE("replay_store", replay_store_tests),
          UNIT_SUITE("phase", phase_tests))
