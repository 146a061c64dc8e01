-- SPDX-License-Identifier: MIT
-- The tokens of the sums by hour and by day that these times touch, anew from the rows.
WITH given AS (
    SELECT DISTINCT date_trunc('day', at) AS day FROM unnest($1::timestamptz[]) AS t(at)
), calls AS MATERIALIZED (
    SELECT l."timestamp" AS at, coalesce(l.provider, '') AS provider, coalesce(l.model, '') AS model,
        l.outcome, coalesce(c.currency, '') AS currency, coalesce(l.client, '') AS client,
        coalesce(u.prompt_tokens, 0) AS prompt_tokens,
        coalesce(u.completion_tokens, 0) AS completion_tokens,
        coalesce(u.total_tokens, 0) AS total_tokens
    FROM given g
    JOIN api_logs l ON l."timestamp" >= g.day AND l."timestamp" < g.day + interval '1 day'
    LEFT JOIN cost_info c ON c.log_id = l.id AND c."timestamp" = l."timestamp"
    LEFT JOIN token_usage u ON u.log_id = l.id AND u."timestamp" = l."timestamp"
), hours AS (
    UPDATE call_hours h SET prompt_tokens = s.prompt_tokens,
        completion_tokens = s.completion_tokens, total_tokens = s.total_tokens
    FROM (SELECT date_trunc('hour', at) AS hour, provider, model, outcome, currency,
              sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
              sum(total_tokens) AS total_tokens
          FROM calls GROUP BY 1, 2, 3, 4, 5) s
    WHERE h.hour = s.hour AND h.provider = s.provider AND h.model = s.model
      AND h.outcome = s.outcome AND h.currency = s.currency
), days AS (
    UPDATE client_days d SET prompt_tokens = s.prompt_tokens,
        completion_tokens = s.completion_tokens, total_tokens = s.total_tokens
    FROM (SELECT (at AT TIME ZONE 'UTC')::date AS day, client, currency,
              sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
              sum(total_tokens) AS total_tokens
          FROM calls GROUP BY 1, 2, 3) s
    WHERE d.day = s.day AND d.client = s.client AND d.currency = s.currency
)
SELECT count(*) FROM calls
