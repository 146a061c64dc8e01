/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo http_tests[], conn_tests[], server_tests[], budget_tests[],
    logs_query_tests[], ping_tests[], limit_tests[], listener_tests[], memory_tests[],
    acceptor_tests[];

UNIT_MAIN(UNIT_SUITE("http", http_tests), UNIT_SUITE("conn", conn_tests),
          UNIT_SUITE("server", server_tests), UNIT_SUITE("budget", budget_tests),
          UNIT_SUITE("logs_query", logs_query_tests), UNIT_SUITE("ping", ping_tests),
          UNIT_SUITE("limits", limit_tests), UNIT_SUITE("listener", listener_tests),
          UNIT_SUITE("memory", memory_tests), UNIT_SUITE("acceptor", acceptor_tests))
