-- SPDX-License-Identifier: MIT
-- Rows that nobody has changed since they were looked at.
UPDATE token_usage u
SET prompt_tokens = g.prompt, completion_tokens = g.completion, total_tokens = g.total
FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[],
    $6::timestamptz[]) AS g(key, at, prompt, completion, total, changed_at)
WHERE u.log_id = g.key AND u."timestamp" = g.at AND u.updated_at = g.changed_at
