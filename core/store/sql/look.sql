-- SPDX-License-Identifier: MIT
-- What the database is, before anything is done to it. pg_class is read, for to_regclass() may remember
-- that there was no such table, before another gateway made it.
SELECT current_database(), current_user, current_schema(),
       EXISTS (SELECT FROM pg_class WHERE relname = 'harborai_schema' AND pg_table_is_visible(oid)),
       (SELECT relname FROM pg_class
        WHERE relname IN ('api_logs', 'token_usage', 'cost_info', 'tracing_info', 'performance_metrics',
                          'file_log_backups', 'harborai_logs', 'trace_logs', 'model_usage')
          AND pg_table_is_visible(oid)
        ORDER BY relname LIMIT 1)
