-- SPDX-License-Identifier: MIT
-- Calls, once each however often they come, and how many are there as interrupted although here is their
-- real end: these have to give way (give_way.sql) before they are put. Nobody else puts them, so that no
-- conflict is looked for. One array a column, in the order of postgres_row.c.
WITH given AS (
    SELECT DISTINCT ON (record_key, "timestamp") * FROM unnest(
/* COLUMNS */
    ORDER BY record_key, "timestamp", outcome = 'interrupted'
), fresh AS MATERIALIZED (
    SELECT g.*, l.outcome AS replaced
    FROM given g LEFT JOIN api_logs l
      ON l.id = g.record_key AND l."timestamp" = g."timestamp"
    WHERE l.id IS NULL OR (l.outcome = 'interrupted' AND g.outcome <> 'interrupted')
), put_log AS (
    INSERT INTO api_logs (id, record_key, "timestamp", trace_id, hb_trace_id, otel_trace_id,
        request_id, client, provider, plugin, model, upstream_model, vendor_model, vendor_request_id,
        service_tier, is_stream, attempts, outcome, status_code, vendor_status, error_code,
        error_message, vendor_code, finish_reason, changed, duration_ms, bytes_in, bytes_out,
        vendor_bytes_in, vendor_bytes_out, stream_repairs, tags, request_data, response_data)
    SELECT record_key, record_key, "timestamp", hb_trace_id, hb_trace_id, otel_trace_id,
        request_id, client, provider, plugin, model, upstream_model, vendor_model, vendor_request_id,
        service_tier, is_stream, attempts, outcome, status_code, vendor_status, error_code,
        error_message, vendor_code, finish_reason, changed, duration_ms, bytes_in, bytes_out,
        vendor_bytes_in, vendor_bytes_out, stream_repairs, tags, request_data, response_data
    FROM fresh WHERE replaced IS NULL
), put_usage AS (
    INSERT INTO token_usage (log_id, "timestamp", prompt_tokens, completion_tokens, total_tokens,
        tokens, parsing_method, confidence, parsing_error, is_estimated, raw_usage_data)
    SELECT record_key, "timestamp", prompt_tokens, completion_tokens, total_tokens, tokens,
        parsing_method, confidence, parsing_error, is_estimated, raw_usage_data
    FROM fresh WHERE replaced IS NULL AND (total_tokens IS NOT NULL OR parsing_method IS NOT NULL)
), put_cost AS (
    INSERT INTO cost_info (log_id, "timestamp", input_cost, output_cost, total_cost, currency,
        pricing_source, pricing_timestamp, pricing_details, amended_at)
    SELECT record_key, "timestamp", input_cost, output_cost, total_cost, currency, pricing_source,
        coalesce(amended_at, ended_at), pricing_details, amended_at
    FROM fresh WHERE replaced IS NULL
), put_trace AS (
    INSERT INTO tracing_info (log_id, "timestamp", hb_trace_id, otel_trace_id, span_id,
        parent_span_id, start_time, duration_ms, status)
    SELECT record_key, "timestamp", hb_trace_id, otel_trace_id, span_id, parent_span_id,
        "timestamp", duration_ms, outcome
    FROM fresh WHERE replaced IS NULL
), put_performance AS (
    INSERT INTO performance_metrics (log_id, "timestamp", latency_ms, tokens_per_second,
        first_token_latency_ms, processing_time_ms)
    SELECT record_key, "timestamp", duration_ms,
        completion_tokens * 1000.0 / nullif(duration_ms - coalesce(ttft_ms, 0), 0), ttft_ms,
        duration_ms - ttft_ms
    FROM fresh WHERE replaced IS NULL AND duration_ms IS NOT NULL
), sums AS (
    SELECT date_trunc('hour', "timestamp") AS hour, coalesce(provider, '') AS provider,
        coalesce(model, '') AS model, outcome, coalesce(currency, '') AS currency,
        coalesce(client, '') AS client, 1 AS calls, (total_cost IS NOT NULL)::integer AS priced,
        coalesce(prompt_tokens, 0) AS prompt_tokens,
        coalesce(completion_tokens, 0) AS completion_tokens,
        coalesce(total_tokens, 0) AS total_tokens, coalesce(total_cost, 0) AS total_cost,
        coalesce(duration_ms, 0) AS duration_ms, (confidence IS NOT NULL)::integer AS rated,
        coalesce(confidence, 0) AS confidence, latency_bucket
    FROM fresh WHERE replaced IS NULL
), put_hours AS (
    INSERT INTO call_hours
    SELECT hour, provider, model, outcome, currency, sum(calls), sum(priced), sum(prompt_tokens),
        sum(completion_tokens), sum(total_tokens), sum(total_cost), sum(duration_ms), sum(rated),
        sum(confidence)
    FROM sums GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 -- all lock in one order
    ON CONFLICT (hour, provider, model, outcome, currency) DO UPDATE SET
        calls = call_hours.calls + excluded.calls, priced = call_hours.priced + excluded.priced,
        prompt_tokens = call_hours.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = call_hours.completion_tokens + excluded.completion_tokens,
        total_tokens = call_hours.total_tokens + excluded.total_tokens,
        total_cost = call_hours.total_cost + excluded.total_cost,
        duration_ms = call_hours.duration_ms + excluded.duration_ms,
        rated = call_hours.rated + excluded.rated,
        confidence = call_hours.confidence + excluded.confidence
), put_latencies AS (
    INSERT INTO call_latencies
    SELECT hour, provider, model, outcome, latency_bucket, sum(calls)
    FROM sums WHERE latency_bucket IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (hour, provider, model, outcome, bucket) DO UPDATE SET
        calls = call_latencies.calls + excluded.calls
), put_days AS (
    INSERT INTO client_days
    SELECT (hour AT TIME ZONE 'UTC')::date, client, currency, sum(calls),
        coalesce(sum(calls) FILTER (WHERE outcome <> 'ok'), 0), sum(priced), sum(prompt_tokens),
        sum(completion_tokens), sum(total_tokens), sum(total_cost)
    FROM sums GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (day, client, currency) DO UPDATE SET
        calls = client_days.calls + excluded.calls, failed = client_days.failed + excluded.failed,
        priced = client_days.priced + excluded.priced,
        prompt_tokens = client_days.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = client_days.completion_tokens + excluded.completion_tokens,
        total_tokens = client_days.total_tokens + excluded.total_tokens,
        total_cost = client_days.total_cost + excluded.total_cost
)
SELECT count(*) FROM fresh WHERE replaced IS NOT NULL
