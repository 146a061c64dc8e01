/* SPDX-License-Identifier: MIT */
#include "../unit.h"

extern const CU_TestInfo value_tests[], node_tests[], yaml_tests[], expand_tests[], config_tests[],
    faults_tests[], settings_tests[], memory_tests[], dotenv_tests[], key_tests[], layers_tests[],
    show_tests[], json_tests[], postgres_tests[];

UNIT_MAIN(UNIT_SUITE("value", value_tests), UNIT_SUITE("node", node_tests),
          UNIT_SUITE("yaml", yaml_tests), UNIT_SUITE("expand", expand_tests),
          UNIT_SUITE("config", config_tests), UNIT_SUITE("faults", faults_tests),
          UNIT_SUITE("settings", settings_tests), UNIT_SUITE("dotenv", dotenv_tests),
          UNIT_SUITE("key", key_tests), UNIT_SUITE("layers", layers_tests),
          UNIT_SUITE("show", show_tests), UNIT_SUITE("json", json_tests),
          UNIT_SUITE("postgres", postgres_tests),
          UNIT_SUITE("memory", memory_tests))
