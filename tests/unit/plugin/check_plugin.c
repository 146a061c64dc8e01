/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo manifest_tests[], discover_tests[], provider_tests[], slot_tests[],
    builtin_tests[], echo_tests[], header_lines_tests[], lock_tests[], meter_tests[],
    schema_words_tests[];

UNIT_MAIN(UNIT_SUITE("manifest", manifest_tests), UNIT_SUITE("note, trust, discover", discover_tests),
          UNIT_SUITE("plugins.lock", lock_tests), UNIT_SUITE("provider and host", provider_tests),
          UNIT_SUITE("header lines", header_lines_tests), UNIT_SUITE("meter", meter_tests),
          UNIT_SUITE("schema words", schema_words_tests), UNIT_SUITE("slot and object", slot_tests),
          UNIT_SUITE("built in", builtin_tests),
          UNIT_SUITE("examples/plugins/echo", echo_tests))
