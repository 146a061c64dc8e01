# SPDX-License-Identifier: MIT
include examples/library/local.mk
include examples/plugins/echo/local.mk
# Built by its system test alone, as an author outside of the tree would.
EXTRA_DIST += examples/plugins/ollama/ollama.c
EXTRA_DIST += examples/systemd/harborai.service examples/systemd/harborai.socket
