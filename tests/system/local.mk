# SPDX-License-Identifier: MIT
# What tests/run, the simulator and the system tests need from a tarball.
EXTRA_DIST += %reldir%/bodies.py %reldir%/control.py %reldir%/crowd.py %reldir%/exposition.py \
	%reldir%/five.py %reldir%/golden %reldir%/golden.py %reldir%/live.py %reldir%/load.py \
	%reldir%/made.py %reldir%/outage_latency.py %reldir%/postgres.py %reldir%/run.py \
	%reldir%/soak.py %reldir%/strict.py %reldir%/support.py %reldir%/takeovers.py \
	%reldir%/test_anthropic.py %reldir%/test_builtin.py %reldir%/test_canary.py \
	%reldir%/test_chat.py %reldir%/test_cli.py %reldir%/test_clients.py %reldir%/test_compatible.py \
	%reldir%/test_config.py %reldir%/test_content.py %reldir%/test_control.py \
	%reldir%/test_conversations.py %reldir%/test_deepseek.py %reldir%/test_doubao.py \
	%reldir%/test_errors.py %reldir%/test_export.py %reldir%/test_flood.py %reldir%/test_golden.py \
	%reldir%/test_http.py %reldir%/test_index.py %reldir%/test_interactive.py \
	%reldir%/test_journal.py %reldir%/test_keys.py %reldir%/test_leave.py %reldir%/test_library.py \
	%reldir%/test_logs.py %reldir%/test_logs_http.py %reldir%/test_memory.py \
	%reldir%/test_metrics.py %reldir%/test_misbehaving.py %reldir%/test_outages.py \
	%reldir%/test_pages.py %reldir%/test_params.py %reldir%/test_plugin_commands.py \
	%reldir%/test_plugins.py %reldir%/test_postgres.py %reldir%/test_process.py \
	%reldir%/test_recovery.py %reldir%/test_reload.py %reldir%/test_removal.py \
	%reldir%/test_replay.py %reldir%/test_says.py %reldir%/test_service.py %reldir%/test_shape.py \
	%reldir%/test_sim_itself.py %reldir%/test_streams.py %reldir%/test_strict.py \
	%reldir%/test_stuck.py %reldir%/test_surface.py %reldir%/test_takeover.py \
	%reldir%/test_think.py %reldir%/test_tls.py %reldir%/test_unix_socket.py \
	%reldir%/test_upgrades.py %reldir%/test_upstream.py %reldir%/test_vendor_errors.py \
	%reldir%/test_verify.py %reldir%/test_watch.py %reldir%/test_wenxin.py examples/quickstart \
	tests/clients/cells.mjs tests/clients/chat.test.mjs tests/clients/conversations.mjs \
	tests/clients/errors.test.mjs tests/clients/keys.mjs tests/clients/live.mjs \
	tests/clients/package-lock.json tests/clients/package.json tests/clients/sdks.mjs \
	tests/clients/sdks.test.mjs tests/clients/support.mjs tests/clients/vendors.mjs \
	tests/lint/clang-tidy tests/lint/clang-tidy.yaml tests/lint/dist tests/lint/docs \
	tests/lint/globals tests/lint/globals.txt tests/lint/headers tests/lint/layers tests/lint/names \
	tests/lint/size tests/lint/symbols tests/live tests/packages.sh tests/plugins/picky.c \
	tests/plugins/says.c tests/run tests/sim/README.md tests/sim/anthropic.py \
	tests/sim/anthropic_rules.py tests/sim/deepseek.py tests/sim/doubao.py tests/sim/http1.py \
	tests/sim/log.py tests/sim/make-certs tests/sim/openai.py tests/sim/said.py tests/sim/script.py \
	tests/sim/sim.py tests/sim/test_dialects.py tests/sim/test_sim.py tests/sim/vendor.py \
	tests/sim/wenxin.py

# Faults of PostgreSQL, kills of gateways and commands under load, in their long form: a quarter of an hour.
outages: all
	HARBORAI_BUILDDIR=$(abs_builddir) HARBORAI_TEST_LOAD=1 $(PYTHON3) -B $(srcdir)/%reldir%/run.py \
	    test_outages test_recovery

# Floods of clients in their long form: 10,000 connections, 2,000 bodies of 10 MiB at once.
flood: all
	HARBORAI_BUILDDIR=$(abs_builddir) HARBORAI_TEST_LOAD=1 $(PYTHON3) -B $(srcdir)/%reldir%/run.py \
	    test_flood test_memory

# A million requests of many kinds, and what becomes of the memory; SOAK_FLAGS are soak.py's options.
soak: all
	HARBORAI_BUILDDIR=$(abs_builddir) $(PYTHON3) -B $(srcdir)/%reldir%/soak.py $(SOAK_FLAGS)
.PHONY: flood soak

# What an outage of PostgreSQL does to latencies; OUTAGE_FLAGS are its options.
outage-latency: all
	HARBORAI_BUILDDIR=$(abs_builddir) $(PYTHON3) -B $(srcdir)/%reldir%/outage_latency.py $(OUTAGE_FLAGS)
.PHONY: outages outage-latency
