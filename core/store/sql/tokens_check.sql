-- SPDX-License-Identifier: MIT
-- Rows whose total is not the sum of its parts, or has none.
DECLARE tokens NO SCROLL CURSOR FOR
SELECT log_id, "timestamp", prompt_tokens, completion_tokens, total_tokens, tokens, raw_usage_data,
       updated_at, confidence
FROM token_usage
WHERE total_tokens IS DISTINCT FROM prompt_tokens + completion_tokens
ORDER BY "timestamp", log_id
