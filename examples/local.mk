# SPDX-License-Identifier: MIT
include examples/plugins/echo/local.mk
