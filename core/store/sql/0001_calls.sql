-- SPDX-License-Identifier: MIT
-- Calls: a row of api_logs for each, what it took beside it, and sums for questions about many days.
-- Never change a file of this folder that was released: its checksum stands in harborai_schema. Add
-- the next one.
--
-- Everything about a call has its begin as "timestamp", by whose day (UTC) the tables are divided:
-- to keep 90 days is to drop partitions. log_id is api_logs.id, which is the record key (UUIDv7). There are
-- no foreign keys between them: rows of a call come in one transaction and go with their day.
-- What is not known is NULL.

CREATE TABLE api_logs (
    id                uuid        NOT NULL,
    record_key        uuid        NOT NULL,
    "timestamp"       timestamptz NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    trace_id          text,
    hb_trace_id       text,
    otel_trace_id     text,
    request_id        text,
    client            text,
    provider          text,
    plugin            text,
    model             text,
    upstream_model    text,
    vendor_model      text,
    vendor_request_id text,
    service_tier      text,
    is_stream         boolean     NOT NULL,
    attempts          integer     NOT NULL,
    outcome           text        NOT NULL
        CHECK (outcome IN ('ok', 'error', 'cancelled', 'interrupted')),
    status_code       integer,
    vendor_status     integer,
    error_code        text,
    error_message     text,
    vendor_code       text,
    finish_reason     text,
    changed           text,
    duration_ms       double precision,
    bytes_in          bigint,
    bytes_out         bigint,
    vendor_bytes_in   bigint,
    vendor_bytes_out  bigint,
    stream_repairs    integer     NOT NULL DEFAULT 0,
    tags              jsonb,
    request_data      jsonb,
    response_data     jsonb,
    CHECK (record_key = id), -- one index is enough for both
    PRIMARY KEY (id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE INDEX api_logs_timestamp ON api_logs ("timestamp");
CREATE INDEX api_logs_model ON api_logs (model, "timestamp");
CREATE INDEX api_logs_failed ON api_logs ("timestamp") WHERE outcome <> 'ok';
CREATE INDEX api_logs_hb_trace_id ON api_logs (hb_trace_id);
CREATE INDEX api_logs_otel_trace_id ON api_logs (otel_trace_id);
CREATE INDEX api_logs_request_id ON api_logs (request_id);

CREATE TABLE token_usage (
    log_id            uuid        NOT NULL,
    "timestamp"       timestamptz NOT NULL,
    prompt_tokens     bigint      CHECK (prompt_tokens >= 0),
    completion_tokens bigint      CHECK (completion_tokens >= 0),
    total_tokens      bigint      CHECK (total_tokens >= 0), -- the vendor's, if it gave one
    tokens            jsonb,      -- disjoint classes: input, cache_read, output …
    parsing_method    text,
    confidence        double precision CHECK (confidence BETWEEN 0 AND 1),
    parsing_error     text,
    is_estimated      boolean     NOT NULL DEFAULT false,
    raw_usage_data    jsonb,      -- the vendor's object
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE INDEX token_usage_confidence ON token_usage (confidence DESC) WHERE confidence < 1;

CREATE TABLE cost_info (
    log_id            uuid        NOT NULL,
    "timestamp"       timestamptz NOT NULL,
    input_cost        numeric(30, 12),
    output_cost       numeric(30, 12),
    total_cost        numeric(30, 12), -- NULL: not known, for the reason in pricing_details
    currency          text,
    pricing_source    text,
    pricing_timestamp timestamptz,
    pricing_details   jsonb,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    amended_at        timestamptz, -- usage and cost came after the end of the call
    PRIMARY KEY (log_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

-- Either id is looked up in api_logs, which has the indexes: get_log_by_any_trace_id().
CREATE TABLE tracing_info (
    log_id            uuid        NOT NULL,
    "timestamp"       timestamptz NOT NULL,
    hb_trace_id       text,
    otel_trace_id     text,
    span_id           text,
    parent_span_id    text,
    operation_name    text        NOT NULL DEFAULT 'ai.chat.completion',
    start_time        timestamptz NOT NULL,
    duration_ms       double precision,
    status            text        NOT NULL,
    tags              jsonb,
    logs              jsonb,
    PRIMARY KEY (log_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

CREATE TABLE performance_metrics (
    log_id                 uuid        NOT NULL,
    "timestamp"            timestamptz NOT NULL,
    latency_ms             double precision,
    tokens_per_second      double precision,
    first_token_latency_ms double precision,
    processing_time_ms     double precision, -- from the first token to the end
    PRIMARY KEY (log_id, "timestamp")
) PARTITION BY RANGE ("timestamp");

-- Calls whose rows were refused for ever: where their lines stand.
CREATE TABLE file_log_backups (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trace_id    text,
    file_path   text        NOT NULL,
    log_content text        NOT NULL,
    reason      text,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Sums: by the hour, model and outcome; of latencies by the buckets of a histogram (16 for each
-- doubling, from 1 us on); by the day and client. '' is not known.
CREATE TABLE call_hours (
    hour              timestamptz NOT NULL,
    provider          text        NOT NULL,
    model             text        NOT NULL,
    outcome           text        NOT NULL,
    currency          text        NOT NULL,
    calls             bigint      NOT NULL,
    priced            bigint      NOT NULL,
    prompt_tokens     numeric     NOT NULL,
    completion_tokens numeric     NOT NULL,
    total_tokens      numeric     NOT NULL,
    total_cost        numeric     NOT NULL,
    duration_ms       double precision NOT NULL,
    rated             bigint      NOT NULL, -- calls with a confidence
    confidence        double precision NOT NULL,
    PRIMARY KEY (hour, provider, model, outcome, currency)
);

CREATE TABLE call_latencies (
    hour     timestamptz NOT NULL,
    provider text        NOT NULL,
    model    text        NOT NULL,
    outcome  text        NOT NULL,
    bucket   smallint    NOT NULL,
    calls    bigint      NOT NULL,
    PRIMARY KEY (hour, provider, model, outcome, bucket)
);

CREATE TABLE client_days (
    day               date        NOT NULL,
    client            text        NOT NULL,
    currency          text        NOT NULL,
    calls             bigint      NOT NULL,
    failed            bigint      NOT NULL,
    priced            bigint      NOT NULL,
    prompt_tokens     numeric     NOT NULL,
    completion_tokens numeric     NOT NULL,
    total_tokens      numeric     NOT NULL,
    total_cost        numeric     NOT NULL,
    PRIMARY KEY (day, client, currency)
);

-- How far each journal has been copied: in the transaction that has its rows. state_id is the text
-- of <state_dir>/id.
CREATE TABLE harborai_positions (
    state_id   uuid        NOT NULL,
    segment    text        NOT NULL,
    "offset"   bigint      NOT NULL,
    seq        bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (state_id, segment)
);

CREATE FUNCTION harborai_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END $$;
CREATE TRIGGER token_usage_updated_at BEFORE UPDATE ON token_usage
    FOR EACH ROW EXECUTE FUNCTION harborai_touch();
CREATE TRIGGER cost_info_updated_at BEFORE UPDATE ON cost_info
    FOR EACH ROW EXECUTE FUNCTION harborai_touch();

-- Makes the partitions of a day. Attached, not created in place: that would wait for every reader.
CREATE FUNCTION harborai_make_day(of_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child  text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('harborai'), hashtext('partitions'));
    FOREACH parent IN ARRAY ARRAY['api_logs', 'token_usage', 'cost_info', 'tracing_info',
                                  'performance_metrics'] LOOP
        child := parent || '_' || to_char(of_day, 'YYYYMMDD');
        -- to_regclass() may remember what was before somebody else had the lock.
        CONTINUE WHEN EXISTS (SELECT FROM pg_class WHERE relname = child AND pg_table_is_visible(oid));
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, child,
                       of_day || ' 00:00:00+00', (of_day + 1) || ' 00:00:00+00');
    END LOOP;
END $$;

-- Drops the partitions of days before that one; how many days.
CREATE FUNCTION harborai_drop_before(first_day date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    child record;
    days  integer := 0;
BEGIN
    FOR child IN
        SELECT c.oid::regclass AS name, p.relname AS parent
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE i.inhparent IN ('api_logs'::regclass, 'token_usage'::regclass, 'cost_info'::regclass,
                              'tracing_info'::regclass, 'performance_metrics'::regclass)
          AND right(c.relname, 9) ~ '^_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < first_day
        ORDER BY right(c.relname, 8), p.relname
    LOOP
        EXECUTE format('DROP TABLE %s', child.name);
        days := days + (child.parent = 'api_logs')::integer;
    END LOOP;
    RETURN days;
END $$;

CREATE VIEW log_summary AS
SELECT l.id, l.record_key, l."timestamp", l.hb_trace_id, l.otel_trace_id, l.request_id, l.client,
       l.provider, l.model, l.outcome, l.status_code, l.error_code, l.error_message, l.duration_ms,
       u.prompt_tokens, u.completion_tokens, u.total_tokens, u.parsing_method, u.confidence,
       c.input_cost, c.output_cost, c.total_cost, c.currency, c.pricing_source,
       p.first_token_latency_ms, p.tokens_per_second, t.span_id
FROM api_logs l
LEFT JOIN token_usage u ON u.log_id = l.id AND u."timestamp" = l."timestamp"
LEFT JOIN cost_info c ON c.log_id = l.id AND c."timestamp" = l."timestamp"
LEFT JOIN performance_metrics p ON p.log_id = l.id AND p."timestamp" = l."timestamp"
LEFT JOIN tracing_info t ON t.log_id = l.id AND t."timestamp" = l."timestamp";

CREATE VIEW daily_stats AS
SELECT (hour AT TIME ZONE 'UTC')::date AS date, provider, model, currency,
       sum(calls)::bigint AS total_requests,
       coalesce(sum(calls) FILTER (WHERE outcome = 'ok'), 0)::bigint AS successful_requests,
       coalesce(sum(calls) FILTER (WHERE outcome <> 'ok'), 0)::bigint AS failed_requests,
       sum(duration_ms) / nullif(sum(calls), 0) AS avg_duration_ms,
       sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
       sum(total_tokens) AS total_tokens, sum(total_cost) AS total_cost,
       sum(confidence) / nullif(sum(rated), 0) AS avg_confidence
FROM call_hours GROUP BY 1, 2, 3, 4;

CREATE VIEW recent_api_activity AS
SELECT * FROM log_summary WHERE "timestamp" > now() - interval '24 hours'
ORDER BY "timestamp" DESC;

-- Which calls, from api_logs alone; then each is looked up in the tables of its day: PL/pgSQL plans with
-- values, so that no other day's are opened. A hb_ id says when (ms) its call began.
CREATE FUNCTION get_log_by_any_trace_id(trace_id_input text)
RETURNS TABLE (log_id uuid, hb_trace_id text, otel_trace_id text, span_id text, provider text,
               model text, total_cost numeric, currency text, apm_jaeger_link text,
               apm_zipkin_link text)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    since timestamptz := '-infinity';
    until timestamptz := 'infinity';
    call  record;
BEGIN
    IF trace_id_input ~ '^hb_[0-9]{1,13}_' THEN
        since := to_timestamp(split_part(trace_id_input, '_', 2)::float8 / 1000 - 2);
        until := since + interval '4 seconds';
    END IF;
    FOR call IN
        SELECT l.id, l."timestamp" AS at, l.hb_trace_id, l.otel_trace_id, l.provider, l.model
        FROM api_logs l
        WHERE (l.hb_trace_id = trace_id_input OR l.otel_trace_id = trace_id_input)
          AND l."timestamp" BETWEEN since AND until
        ORDER BY l."timestamp"
    LOOP
        log_id := call.id;
        hb_trace_id := call.hb_trace_id;
        otel_trace_id := call.otel_trace_id;
        provider := call.provider;
        model := call.model;
        apm_jaeger_link := 'http://localhost:16686/trace/' || call.otel_trace_id;
        apm_zipkin_link := 'http://localhost:9411/zipkin/traces/' || call.otel_trace_id;
        SELECT t.span_id INTO span_id FROM tracing_info t
        WHERE t.log_id = call.id AND t."timestamp" = call.at;
        SELECT c.total_cost, c.currency INTO total_cost, currency FROM cost_info c
        WHERE c.log_id = call.id AND c."timestamp" = call.at;
        RETURN NEXT;
    END LOOP;
END $$;
