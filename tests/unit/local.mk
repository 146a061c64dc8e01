# SPDX-License-Identifier: MIT
# One binary a room; each test file exports one suite (see unit.h).
EXTRA_DIST += %reldir%/unit.h
if HAVE_CUNIT
include tests/unit/base/local.mk
include tests/unit/chat/local.mk
include tests/unit/loop/local.mk
include tests/unit/plugin/local.mk
include tests/unit/registry/local.mk
include tests/unit/sdk/local.mk
include tests/unit/wire/local.mk
include tests/unit/plugins/local.mk
include tests/unit/pricing/local.mk
include tests/unit/record/local.mk
include tests/unit/account/local.mk
include tests/unit/store/local.mk
include tests/unit/config/local.mk
include tests/unit/observe/local.mk
include tests/unit/transport/local.mk
include tests/unit/engine/local.mk
include tests/unit/client/local.mk
include tests/unit/runtime/local.mk
include tests/unit/server/local.mk
include tests/unit/vendors/local.mk
endif
