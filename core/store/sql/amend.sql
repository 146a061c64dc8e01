-- SPDX-License-Identifier: MIT
-- Usage and cost that came after the end of calls: they take the place of what was known, unless a later
-- amendment did. What is not there is passed over. Columns as in put.sql.
WITH given AS (
    SELECT DISTINCT ON (record_key, "timestamp") * FROM unnest(
/* COLUMNS */
    ORDER BY record_key, "timestamp", amended_at DESC
), target AS MATERIALIZED (
    SELECT g.*, date_trunc('hour', g."timestamp") AS hour, coalesce(l.provider, '') AS of_provider,
        coalesce(l.model, '') AS of_model, l.outcome AS of_outcome,
        coalesce(l.client, '') AS of_client, coalesce(l.duration_ms, 0) AS of_ms,
        coalesce(c.currency, '') AS old_currency, c.total_cost AS old_cost,
        u.prompt_tokens AS old_prompt, u.completion_tokens AS old_completion,
        u.total_tokens AS old_total, u.confidence AS old_confidence
    FROM given g
    JOIN api_logs l ON l.id = g.record_key AND l."timestamp" = g."timestamp"
    JOIN cost_info c ON c.log_id = g.record_key AND c."timestamp" = g."timestamp"
    LEFT JOIN token_usage u ON u.log_id = g.record_key AND u."timestamp" = g."timestamp"
    WHERE c.amended_at IS NULL OR c.amended_at < g.amended_at
), put_usage AS (
    INSERT INTO token_usage (log_id, "timestamp", prompt_tokens, completion_tokens, total_tokens,
        tokens, parsing_method, confidence, parsing_error, is_estimated, raw_usage_data)
    SELECT record_key, "timestamp", prompt_tokens, completion_tokens, total_tokens, tokens,
        parsing_method, confidence, parsing_error, is_estimated, raw_usage_data
    FROM target
    ON CONFLICT (log_id, "timestamp") DO UPDATE SET prompt_tokens = excluded.prompt_tokens,
        completion_tokens = excluded.completion_tokens, total_tokens = excluded.total_tokens,
        tokens = excluded.tokens, parsing_method = excluded.parsing_method,
        confidence = excluded.confidence, parsing_error = excluded.parsing_error,
        is_estimated = excluded.is_estimated, raw_usage_data = excluded.raw_usage_data
), put_cost AS (
    UPDATE cost_info c SET input_cost = t.input_cost, output_cost = t.output_cost,
        total_cost = t.total_cost, currency = t.currency, pricing_source = t.pricing_source,
        pricing_timestamp = t.amended_at, pricing_details = t.pricing_details,
        amended_at = t.amended_at
    FROM target t WHERE c.log_id = t.record_key AND c."timestamp" = t."timestamp"
), sums AS (
    SELECT hour, of_provider AS provider, of_model AS model, of_outcome AS outcome,
        coalesce(currency, '') AS currency, of_client AS client, 1 AS calls,
        (total_cost IS NOT NULL)::integer AS priced, coalesce(prompt_tokens, 0) AS prompt_tokens,
        coalesce(completion_tokens, 0) AS completion_tokens,
        coalesce(total_tokens, 0) AS total_tokens, coalesce(total_cost, 0) AS total_cost,
        of_ms AS duration_ms, (confidence IS NOT NULL)::integer AS rated,
        coalesce(confidence, 0) AS confidence
    FROM target
    UNION ALL
    SELECT hour, of_provider, of_model, of_outcome, old_currency, of_client, -1,
        -(old_cost IS NOT NULL)::integer, -coalesce(old_prompt, 0), -coalesce(old_completion, 0),
        -coalesce(old_total, 0), -coalesce(old_cost, 0), -of_ms,
        -(old_confidence IS NOT NULL)::integer, -coalesce(old_confidence, 0)
    FROM target
), put_hours AS (
    INSERT INTO call_hours
    SELECT hour, provider, model, outcome, currency, sum(calls), sum(priced), sum(prompt_tokens),
        sum(completion_tokens), sum(total_tokens), sum(total_cost), sum(duration_ms), sum(rated),
        sum(confidence)
    FROM sums GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (hour, provider, model, outcome, currency) DO UPDATE SET
        calls = call_hours.calls + excluded.calls, priced = call_hours.priced + excluded.priced,
        prompt_tokens = call_hours.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = call_hours.completion_tokens + excluded.completion_tokens,
        total_tokens = call_hours.total_tokens + excluded.total_tokens,
        total_cost = call_hours.total_cost + excluded.total_cost,
        duration_ms = call_hours.duration_ms + excluded.duration_ms,
        rated = call_hours.rated + excluded.rated,
        confidence = call_hours.confidence + excluded.confidence
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
SELECT count(*) FROM target
