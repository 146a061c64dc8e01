# SPDX-License-Identifier: MIT
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/wire/local.mk
include tests/library/local.mk
include tests/bench/local.mk
include tests/system/local.mk
