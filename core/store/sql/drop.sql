-- SPDX-License-Identifier: MIT
-- Everything that the migrations made. What others built upon it keeps it from going.
DROP FUNCTION IF EXISTS get_log_by_any_trace_id(text);
DROP VIEW IF EXISTS recent_api_activity, daily_stats, log_summary;
DROP TABLE IF EXISTS api_logs, token_usage, cost_info, tracing_info, performance_metrics,
    file_log_backups, call_hours, call_latencies, client_days, harborai_positions, harborai_schema;
DROP FUNCTION IF EXISTS harborai_drop_before(date), harborai_make_day(date), harborai_touch();
