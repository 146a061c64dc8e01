-- SPDX-License-Identifier: MIT
-- The calls with these keys that began then (microseconds since 1970), as they stand in all tables. Each
-- is looked up by its key, in the tables of its day alone.
SELECT l.record_key, given.us, l.hb_trace_id, l.request_id, l.otel_trace_id, t.span_id, l.client,
       l.provider, l.plugin, l.model, l.upstream_model, l.is_stream, l.attempts,
       (l.duration_ms::numeric * 1000000)::bigint, (p.first_token_latency_ms::numeric * 1000000)::bigint,
       l.status_code, l.vendor_status, l.outcome, l.error_code, l.error_message, l.finish_reason,
       l.bytes_in, l.bytes_out, l.vendor_bytes_in, l.vendor_bytes_out,
       (extract(epoch FROM c.amended_at)::numeric * 1000000)::bigint, u.tokens,
       u.prompt_tokens, u.completion_tokens, u.total_tokens, u.parsing_method,
       (u.confidence * 10)::integer, u.is_estimated, c.total_cost, c.input_cost, c.output_cost, c.currency
FROM unnest($1::uuid[], $2::bigint[]) AS given(key, us)
JOIN api_logs l ON l.id = given.key
    AND l."timestamp" = timestamptz 'epoch' + given.us * interval '1 microsecond'
LEFT JOIN token_usage u ON u.log_id = l.id AND u."timestamp" = l."timestamp"
LEFT JOIN cost_info c ON c.log_id = l.id AND c."timestamp" = l."timestamp"
LEFT JOIN tracing_info t ON t.log_id = l.id AND t."timestamp" = l."timestamp"
LEFT JOIN performance_metrics p ON p.log_id = l.id AND p."timestamp" = l."timestamp"
