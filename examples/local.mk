# SPDX-License-Identifier: MIT
include examples/library/local.mk
include examples/plugins/echo/local.mk
