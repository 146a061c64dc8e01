-- SPDX-License-Identifier: MIT
-- Takes away what is in the way of calls that are to be put: calls that were interrupted, as far as was
-- known, with what they have in the sums; and what somebody left of calls that have no row in api_logs.
-- Columns as in put.sql.
WITH given AS (
    SELECT DISTINCT ON (record_key, "timestamp") * FROM unnest(
/* COLUMNS */
    ORDER BY record_key, "timestamp", outcome = 'interrupted'
), target AS MATERIALIZED (
    SELECT g.record_key, g."timestamp", l.id IS NOT NULL AS is_counted,
        date_trunc('hour', g."timestamp") AS hour, coalesce(l.provider, '') AS provider,
        coalesce(l.model, '') AS model, l.outcome, coalesce(c.currency, '') AS currency,
        coalesce(l.client, '') AS client, coalesce(l.duration_ms, 0) AS duration_ms,
        (c.total_cost IS NOT NULL)::integer AS priced, coalesce(c.total_cost, 0) AS total_cost,
        coalesce(u.prompt_tokens, 0) AS prompt_tokens,
        coalesce(u.completion_tokens, 0) AS completion_tokens,
        coalesce(u.total_tokens, 0) AS total_tokens,
        (u.confidence IS NOT NULL)::integer AS rated, coalesce(u.confidence, 0) AS confidence
    FROM given g
    LEFT JOIN api_logs l ON l.id = g.record_key AND l."timestamp" = g."timestamp"
    LEFT JOIN token_usage u ON u.log_id = g.record_key AND u."timestamp" = g."timestamp"
    LEFT JOIN cost_info c ON c.log_id = g.record_key AND c."timestamp" = g."timestamp"
    WHERE l.id IS NULL OR (l.outcome = 'interrupted' AND g.outcome <> 'interrupted')
), take_log AS (
    DELETE FROM api_logs l USING target t WHERE l.id = t.record_key AND l."timestamp" = t."timestamp"
), take_usage AS (
    DELETE FROM token_usage u USING target t
    WHERE u.log_id = t.record_key AND u."timestamp" = t."timestamp"
), take_cost AS (
    DELETE FROM cost_info c USING target t
    WHERE c.log_id = t.record_key AND c."timestamp" = t."timestamp"
), take_trace AS (
    DELETE FROM tracing_info x USING target t
    WHERE x.log_id = t.record_key AND x."timestamp" = t."timestamp"
), take_performance AS (
    DELETE FROM performance_metrics p USING target t
    WHERE p.log_id = t.record_key AND p."timestamp" = t."timestamp"
), take_hours AS (
    UPDATE call_hours h SET calls = h.calls - s.calls, priced = h.priced - s.priced,
        prompt_tokens = h.prompt_tokens - s.prompt_tokens,
        completion_tokens = h.completion_tokens - s.completion_tokens,
        total_tokens = h.total_tokens - s.total_tokens, total_cost = h.total_cost - s.total_cost,
        duration_ms = h.duration_ms - s.duration_ms, rated = h.rated - s.rated,
        confidence = h.confidence - s.confidence
    FROM (SELECT hour, provider, model, outcome, currency, count(*) AS calls, sum(priced) AS priced,
              sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
              sum(total_tokens) AS total_tokens, sum(total_cost) AS total_cost,
              sum(duration_ms) AS duration_ms, sum(rated) AS rated, sum(confidence) AS confidence
          FROM target WHERE is_counted GROUP BY 1, 2, 3, 4, 5) s
    WHERE h.hour = s.hour AND h.provider = s.provider AND h.model = s.model
      AND h.outcome = s.outcome AND h.currency = s.currency
), take_days AS (
    UPDATE client_days d SET calls = d.calls - s.calls, failed = d.failed - s.calls,
        priced = d.priced - s.priced, prompt_tokens = d.prompt_tokens - s.prompt_tokens,
        completion_tokens = d.completion_tokens - s.completion_tokens,
        total_tokens = d.total_tokens - s.total_tokens, total_cost = d.total_cost - s.total_cost
    FROM (SELECT (hour AT TIME ZONE 'UTC')::date AS day, client, currency, count(*) AS calls,
              sum(priced) AS priced, sum(prompt_tokens) AS prompt_tokens,
              sum(completion_tokens) AS completion_tokens, sum(total_tokens) AS total_tokens,
              sum(total_cost) AS total_cost
          FROM target WHERE is_counted GROUP BY 1, 2, 3) s
    WHERE d.day = s.day AND d.client = s.client AND d.currency = s.currency
)
SELECT count(*) FROM target WHERE is_counted
