/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo runtime_tests[], apply_tests[], replace_tests[], order_tests[],
    plugin_metrics_tests[], churn_tests[], watchlist_tests[];

UNIT_MAIN(UNIT_SUITE("runtime", runtime_tests), UNIT_SUITE("apply", apply_tests),
          UNIT_SUITE("replace", replace_tests), UNIT_SUITE("order", order_tests),
          UNIT_SUITE("plugin metrics", plugin_metrics_tests), UNIT_SUITE("churn", churn_tests),
          UNIT_SUITE("watchlist", watchlist_tests))
