# SPDX-License-Identifier: MIT
# First the one that takes the longest, so that it is not left over at the end.
include tests/wire/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/library/local.mk
include tests/bench/local.mk
include tests/system/local.mk
