-- SPDX-License-Identifier: MIT
-- Without reading a table of calls as a whole.
SELECT (SELECT coalesce(sum(calls), 0)::bigint FROM call_hours),
       (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint FROM (
            SELECT relid FROM pg_partition_tree('api_logs')
            UNION ALL SELECT relid FROM pg_partition_tree('token_usage')
            UNION ALL SELECT relid FROM pg_partition_tree('cost_info')
            UNION ALL SELECT relid FROM pg_partition_tree('tracing_info')
            UNION ALL SELECT relid FROM pg_partition_tree('performance_metrics')
            UNION ALL SELECT relid FROM unnest(ARRAY['call_hours', 'call_latencies', 'client_days',
                'harborai_positions', 'file_log_backups']::regclass[]) AS t(relid)) AS tables),
       (SELECT count(*) FROM pg_inherits WHERE inhparent = 'api_logs'::regclass),
       (SELECT to_char(to_date(min(right(inhrelid::regclass::text, 8)), 'YYYYMMDD'), 'YYYY-MM-DD')
        FROM pg_inherits WHERE inhparent = 'api_logs'::regclass),
       (SELECT to_char(to_date(max(right(inhrelid::regclass::text, 8)), 'YYYYMMDD'), 'YYYY-MM-DD')
        FROM pg_inherits WHERE inhparent = 'api_logs'::regclass),
       (SELECT date_trunc('second', max("timestamp")) FROM api_logs),
       (SELECT count(*) FROM harborai_positions)
