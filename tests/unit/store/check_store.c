/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo journal_tests[], line_check_tests[], journal_read_tests[],
    plugin_state_tests[], crash_mark_tests[], journal_follow_tests[], journal_list_tests[],
    recovery_tests[], call_tests[], index_tests[], key_set_tests[], frames_tests[], seal_tests[],
    drain_tests[], upkeep_tests[], query_tests[], postgres_tests[], removal_mark_tests[],
    syncer_tests[], call_digest_tests[];

UNIT_MAIN(UNIT_SUITE("journal and segment", journal_tests),
          UNIT_SUITE("check of a line", line_check_tests),
          UNIT_SUITE("reading the journal", journal_read_tests),
          UNIT_SUITE("plugin state", plugin_state_tests),
          UNIT_SUITE("marks of danger", crash_mark_tests),
          UNIT_SUITE("following the journal", journal_follow_tests),
          UNIT_SUITE("listing the journal", journal_list_tests),
          UNIT_SUITE("recovery", recovery_tests),
          UNIT_SUITE("calls", call_tests),
          UNIT_SUITE("index", index_tests),
          UNIT_SUITE("set of keys", key_set_tests),
          UNIT_SUITE("frames", frames_tests),
          UNIT_SUITE("compressing", seal_tests),
          UNIT_SUITE("drains", drain_tests),
          UNIT_SUITE("upkeep", upkeep_tests),
          UNIT_SUITE("queries", query_tests),
          UNIT_SUITE("postgres", postgres_tests),
          UNIT_SUITE("marks of removals", removal_mark_tests),
          UNIT_SUITE("syncer", syncer_tests),
          UNIT_SUITE("digests of calls", call_digest_tests))
