/* SPDX-License-Identifier: MIT */
/* What a client tells of itself, as JSON. Only reads. */
#include <malloc.h>

#include "base/limits.h"
#include "base/process.h"
#include "client/ask.h"
#include "wire/json_write.h"

static void write_scaled(struct json_writer *w, const char *key, int64_t number, unsigned scale)
{
    json_write_key(w, slice_of(key));
    json_write_scaled(w, number, scale);
}

static void write_milli(struct json_writer *w, const char *key, int64_t ns)
{
    write_scaled(w, key, ns, 6);
}

/* --- memory ------------------------------------------------------------------------------------- */

static void write_megabytes(struct json_writer *w, const char *key, uint64_t bytes)
{
    write_scaled(w, key, (int64_t)(bytes / KIB(1) * 1000 / KIB(1)), 3);
}

static size_t undelivered_bytes(struct harborai_client *c)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < c->roster.capacity; i++)
        if (c->roster.entries[i].ask != NULL)
            sum += atomic_load(&c->roster.entries[i].ask->undelivered);
    return sum;
}

static void write_memory(struct json_writer *w, struct harborai_client *c)
{
    struct process_memory memory = process_memory_now();
    struct mallinfo2 heap = mallinfo2();
    json_write_key(w, HARBORAI_STR("system_memory"));
    json_write_object(w);
    write_megabytes(w, "rss_mb", memory.resident_bytes);
    write_megabytes(w, "vms_mb", memory.virtual_bytes);
    json_write_end(w);
    json_write_key_int64(w, "heap_bytes", (int64_t)(heap.uordblks + heap.hblkhd));
    json_write_key_int64(w, "undelivered_bytes", (int64_t)undelivered_bytes(c));
    json_write_key(w, HARBORAI_STR("initialization"));
    json_write_object(w);
    write_milli(w, "time_ms", c->opening_ns);
    json_write_end(w);
}

/* --- concurrency -------------------------------------------------------------------------------- */

static int64_t ended(const struct totals_sum *sum)
{
    return sum->ok + sum->failed + sum->cancelled;
}

static void write_connections(struct json_writer *w, const struct harborai_client *c)
{
    const struct metrics *metrics = runtime_metrics(c->runtime);
    json_write_key(w, HARBORAI_STR("connections"));
    json_write_object(w);
    json_write_key_int64(w, "opened", metrics_sum(metrics, METRIC_UPSTREAM_CONNECTS));
    json_write_key_int64(w, "reused", metrics_sum(metrics, METRIC_UPSTREAM_REUSES));
    json_write_end(w);
}

static void write_concurrency(struct json_writer *w, struct harborai_client *c)
{
    struct totals_sum sum = totals_read(&c->totals);
    int64_t up_ns = clock_monotonic_ns(&clock_system) - c->opened_ns;
    int64_t all = ended(&sum);
    json_write_key(w, HARBORAI_STR("requests"));
    json_write_object(w);
    json_write_key_int64(w, "processing_count", sum.begun - all);
    json_write_key_int64(w, "completed_count", sum.ok);
    json_write_key_int64(w, "failed_count", sum.failed);
    json_write_key_int64(w, "cancelled_count", sum.cancelled);
    json_write_end(w);
    write_connections(w, c);
    json_write_key(w, HARBORAI_STR("performance"));
    json_write_object(w);
    write_milli(w, "uptime_ms", up_ns);
    /* Calls that ended, a second; in 10^-6 of them. */
    write_scaled(w, "throughput", up_ns >= NS_PER_MS ? all * NS_PER_S / (up_ns / NS_PER_MS) : 0, 6);
    write_milli(w, "avg_response_ms", sum.ok > 0 ? sum.total_ns / sum.ok : 0);
    write_milli(w, "avg_first_ms", sum.first_count > 0 ? sum.first_ns / sum.first_count : 0);
    write_scaled(w, "error_rate", all > 0 ? sum.failed * 1000000 / all : 0, 6);
    json_write_end(w);
}

/* --- cost --------------------------------------------------------------------------------------- */

static void write_cost(struct json_writer *w, struct harborai_client *c)
{
    struct totals_sum sum = totals_read(&c->totals);
    json_write_key_int64(w, "calls", ended(&sum));
    json_write_key_int64(w, "input_tokens", sum.input_tokens);
    json_write_key_int64(w, "output_tokens", sum.output_tokens);
    json_write_key_int64(w, "unpriced_calls", sum.unpriced);
    json_write_key(w, HARBORAI_STR("costs"));
    json_write_object(w);
    for (size_t i = 0; i < sum.cost_count; i++) {
        char amount[MONEY_TEXT];
        money_print(sum.costs[i].pico, amount);
        json_write_key_string(w, sum.costs[i].currency, slice_of(amount));
    }
    json_write_end(w);
}

/* --- health ------------------------------------------------------------------------------------- */

static const char *state_of(struct slot *slot, harborai_error *ret_error)
{
    enum plugin_stage stage;
    if (slot_state(slot) == SLOT_FAILED && slot_failure(slot, &stage, ret_error) >= 0)
        return "failed";
    return slot_state(slot) == SLOT_SERVING ? "loaded" : "ready";
}

static void write_provider(struct json_writer *w, const struct model_listing *model, bool *is_ok)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const char *state = state_of(model->slot, &error);
    json_write_object(w);
    json_write_key_string(w, "name", model->provider);
    json_write_key_string(w, "state", slice_of(state));
    if (error.code < 0) {
        *is_ok = false;
        json_write_key_string(w, "error", slice_of(error.message));
    }
    json_write_end(w);
}

/* A client never changes its configuration, so its models stay as long as it is open; they stand
 * together by provider. */
static void write_health(struct json_writer *w, struct harborai_client *c)
{
    size_t count;
    const struct model_listing *models = model_map_list(runtime_models(c->runtime), &count);
    const struct metrics *metrics = runtime_metrics(c->runtime);
    const struct slot *last = NULL;
    bool is_ok = !runtime_journal_fails(c->runtime);

    json_write_key(w, HARBORAI_STR("providers"));
    json_write_array(w);
    for (size_t i = 0; i < count; i++) {
        if (models[i].is_alias || models[i].slot == last)
            continue;
        last = models[i].slot;
        write_provider(w, &models[i], &is_ok);
    }
    json_write_end(w);
    json_write_key_int64(w, "journal_failures", metrics_sum(metrics, METRIC_JOURNAL_FAILURES));
    json_write_key_string(w, "status", slice_of(is_ok ? "ok" : "degraded"));
}

/* --- The words ---------------------------------------------------------------------------------- */

char *harborai_client_stats(harborai_client *client, const char *what, harborai_error *error)
{
    static const struct {
        const char *name;
        void (*write)(struct json_writer *w, struct harborai_client *client);
    } kinds[] = {{"memory", write_memory},
                 {"concurrency", write_concurrency},
                 {"cost", write_cost},
                 {"health", write_health}};
    AUTO(buf) out = BUF_INIT(MIB(1));
    struct json_writer w = JSON_WRITER(&out);

    for (size_t i = 0; what != NULL && i < ARRAY_LEN(kinds); i++) {
        if (strcmp(what, kinds[i].name) != 0)
            continue;
        if (client_enter(client, false, error) < 0)
            return NULL;
        json_write_object(&w);
        kinds[i].write(&w, client);
        json_write_end(&w);
        client_leave(client);
        return buf_status(&out, error) < 0 ? NULL : buf_take(&out);
    }
    harborai_error_set(error, HARBORAI_E_INVALID,
                       "there are no statistics '%s': memory, concurrency, cost, health",
                       what != NULL ? what : "");
    return NULL;
}
