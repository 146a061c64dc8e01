/* SPDX-License-Identifier: MIT */
/* GET /stats: figures of this process in one object, as HarborAI's forebears had it. What they count
 * and is not here, as a cache of answers, is left out; histories are for GET /metrics. */
#include "base/process.h"
#include "engine/engine.h"
#include "runtime/runtime.h"
#include "server/api.h"
#include "server/budget.h"
#include "server/gate.h"
#include "server/reply.h"
#include "wire/json_write.h"

static void open_object(struct json_writer *w, const char *name)
{
    json_write_key(w, slice_of(name));
    json_write_object(w);
}

static void write_scaled(struct json_writer *w, const char *name, int64_t number, unsigned scale)
{
    json_write_key(w, slice_of(name));
    json_write_scaled(w, number, scale);
}

static void write_sum(struct json_writer *w, const char *name, const struct gate *gate,
                      enum metric metric)
{
    json_write_key_int64(w, name, metrics_sum(runtime_metrics(gate->runtime), metric));
}

static void write_megabytes(struct json_writer *w, const char *name, uint64_t bytes)
{
    write_scaled(w, name, (int64_t)(bytes / KIB(1) * 1000 / KIB(1)), 3);
}

static void write_memory(struct json_writer *w, const struct gate *gate)
{
    struct process_memory memory = process_memory_now();
    open_object(w, "memory");
    open_object(w, "system_memory");
    write_megabytes(w, "rss_mb", memory.resident_bytes);
    write_megabytes(w, "vms_mb", memory.virtual_bytes);
    json_write_end(w);
    json_write_key_int64(w, "bodies_bytes", (int64_t)atomic_load(&gate->bodies->used));
    json_write_key_int64(w, "bodies_most_bytes", (int64_t)gate->bodies->ceiling);
    write_sum(w, "replay_bytes", gate, METRIC_REPLAY_BYTES);
    json_write_end(w);
}

static void write_connections(struct json_writer *w, const struct gate *gate)
{
    open_object(w, "connections");
    write_sum(w, "active", gate, METRIC_CLIENT_CONNECTIONS);
    write_sum(w, "accepted", gate, METRIC_CLIENT_ACCEPTS);
    json_write_key_int64(w, "max_descriptors", (int64_t)process_most_descriptors());
    write_sum(w, "upstream_opened", gate, METRIC_UPSTREAM_CONNECTS);
    write_sum(w, "upstream_reused", gate, METRIC_UPSTREAM_REUSES);
    json_write_end(w);
}

static int64_t waiting_calls(const struct gate *gate)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < runtime_loop_count(gate->runtime); i++)
        sum += engine_loop_waiting(runtime_engine(gate->runtime, i));
    return sum;
}

static void write_requests(struct json_writer *w, const struct gate *gate)
{
    open_object(w, "requests");
    json_write_key_int64(w, "queue_length", waiting_calls(gate));
    write_sum(w, "processing_count", gate, METRIC_CALLS_IN_FLIGHT);
    write_sum(w, "completed_count", gate, METRIC_OUTCOME_OK);
    write_sum(w, "failed_count", gate, METRIC_OUTCOME_ERROR);
    write_sum(w, "cancelled_count", gate, METRIC_OUTCOME_CANCELLED);
    json_write_end(w);
}

/* Of the last minute; of all the time before it is over. */
static void write_performance(struct json_writer *w, const struct gate *gate, int64_t uptime_ns)
{
    struct recent_sum sum =
        metrics_recent(runtime_metrics(gate->runtime), loop_wall_ns(gate->loop));
    int64_t window_ms = uptime_ns / NS_PER_MS;
    if (window_ms > RECENT_WINDOW_S * 1000)
        window_ms = RECENT_WINDOW_S * 1000;
    open_object(w, "performance");
    write_scaled(w, "window_s", window_ms, 3);
    write_scaled(w, "throughput", window_ms > 0 ? sum.calls * 1000 * 1000 / window_ms : 0, 3);
    write_scaled(w, "avg_response_time", sum.calls > 0 ? sum.duration_us / sum.calls : 0, 6);
    write_scaled(w, "error_rate", sum.calls > 0 ? sum.failed * 100 * 1000 / sum.calls : 0, 3);
    json_write_end(w);
}

void api_stats_all(struct conn *conn, harborai_str rest UNUSED)
{
    AUTO(buf) text = BUF_INIT(KIB(8));
    struct json_writer w = JSON_WRITER(&text);
    const struct gate *gate = conn->gate;
    int64_t uptime_ns = loop_now_ns(gate->loop) - gate->started_ns;
    json_write_object(&w);
    json_write_key_string(&w, "version", HARBORAI_STR(PACKAGE_VERSION));
    write_scaled(&w, "uptime_s", uptime_ns / NS_PER_MS, 3);
    open_object(&w, "initialization");
    write_scaled(&w, "time_ms", gate->start_took_ns / NS_PER_US, 3);
    json_write_end(&w);
    write_memory(&w, gate);
    write_connections(&w, gate);
    write_requests(&w, gate);
    write_performance(&w, gate, uptime_ns);
    json_write_end(&w);
    if (text.failed < 0)
        reply_refuse(conn, 503, "out_of_memory", "no memory left: ask again");
    else
        reply_whole(conn, &(struct reply){.status = 200, .body = buf_slice(&text)});
}
