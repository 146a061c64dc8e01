/* SPDX-License-Identifier: MIT */
/* GET /livez, /readyz and /health: for those who watch the process and send it calls. */
#include "registry/model_map.h"
#include "runtime/runtime.h"
#include "server/api.h"
#include "server/gate.h"
#include "server/health.h"
#include "server/reply.h"
#include "store/postgres_store.h"
#include "wire/json_write.h"

static void reply_json(struct conn *conn, int status, const struct buf *json)
{
    if (json->failed < 0)
        reply_refuse(conn, 503, "out_of_memory", "no memory left: ask again");
    else
        reply_whole(conn, &(struct reply){.status = status, .body = buf_slice(json)});
}

/* It is answered: that is all there is to know. */
void api_health_live(struct conn *conn, harborai_str rest UNUSED)
{
    reply_whole(conn, &(struct reply){.status = 200, .body = HARBORAI_STR("{\"status\":\"ok\"}")});
}

void api_health_ready(struct conn *conn, harborai_str rest UNUSED)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    struct json_writer w = JSON_WRITER(&text);
    struct health health;
    health_look(conn->gate, &health);
    json_write_object(&w);
    json_write_key_string(&w, "status",
                          slice_of(health.not_ready == 0 ? "ready" : "not_ready"));
    if (health.not_ready != 0) {
        json_write_key(&w, HARBORAI_STR("reasons"));
        json_write_array(&w);
        for (unsigned bit = 1; bit <= health.not_ready; bit <<= 1)
            if ((health.not_ready & bit) != 0)
                json_write_string(&w, slice_of(health_reason_name(bit)));
        json_write_end(&w);
    }
    json_write_end(&w);
    reply_json(conn, health.not_ready == 0 ? 200 : 503, &text);
}

/* ---- The parts ------------------------------------------------------------------------------ */

static void write_loops(struct json_writer *w, const struct gate *gate UNUSED,
                        const struct health *h)
{
    json_write_key_int64(w, "count", h->loops);
    json_write_key(w, HARBORAI_STR("longest_pass_ms"));
    json_write_scaled(w, h->longest_pass_ns / NS_PER_US, 3);
}

/* Why one has failed names files, and is for the log alone. */
static void write_provider(struct json_writer *w, harborai_str name, const struct slot *slot,
                           bool enabled)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool has_key = provider_check_secrets(slot->provider, &error) == HARBORAI_OK;
    json_write_object(w);
    json_write_key_string(w, "name", name);
    json_write_key_string(w, "plugin", slot->provider->manifest->id);
    json_write_key_string(w, "state",
                          slice_of(enabled ? slot_state_name(slot_state(slot)) : "disabled"));
    json_write_key(w, HARBORAI_STR("has_key"));
    json_write_bool(w, has_key);
    json_write_end(w);
}

static void write_providers(struct json_writer *w, const struct gate *gate, const struct health *h)
{
    const struct model_map *models = runtime_models(gate->runtime);
    harborai_str name;
    struct slot *slot;
    bool enabled;
    json_write_key_int64(w, "enabled", (int64_t)h->providers);
    json_write_key_int64(w, "usable", (int64_t)h->usable);
    json_write_key(w, HARBORAI_STR("list"));
    json_write_array(w);
    for (size_t i = 0; model_map_provider_at(models, i, &name, &slot, &enabled); i++)
        write_provider(w, name, slot, enabled);
    json_write_end(w);
}

static void write_journal(struct json_writer *w, const struct gate *gate UNUSED,
                          const struct health *h)
{
    json_write_key(w, HARBORAI_STR("enabled"));
    json_write_bool(w, h->is_recording);
}

static void write_drain(struct json_writer *w, const char *state, const struct drain_status *status)
{
    json_write_key_string(w, "drain", slice_of(state));
    json_write_key_int64(w, "backlog_bytes", (int64_t)status->backlog_bytes);
    json_write_key_int64(w, "last_commit_ns", status->last_commit_ns);
}

static void write_index(struct json_writer *w, const struct gate *gate UNUSED,
                        const struct health *h)
{
    write_drain(w, drain_state_name(h->index.state), &h->index);
}

/* As the seeds call its states. */
static void write_postgres(struct json_writer *w, const struct gate *gate UNUSED,
                           const struct health *h)
{
    write_drain(w, postgres_store_state_name(h->postgres.state), &h->postgres);
}

static void write_memory(struct json_writer *w, const struct gate *gate UNUSED,
                         const struct health *h)
{
    json_write_key_int64(w, "resident_bytes", (int64_t)h->memory.resident_bytes);
    json_write_key_int64(w, "bodies_bytes", (int64_t)h->bodies);
    json_write_key_int64(w, "bodies_most_bytes", (int64_t)h->bodies_most);
}

static void write_parts(struct json_writer *w, const struct gate *gate, const struct health *h)
{
    static void (*const writers[HEALTH_PARTS])(struct json_writer *, const struct gate *,
                                               const struct health *) = {
        [HEALTH_LOOPS] = write_loops,     [HEALTH_PROVIDERS] = write_providers,
        [HEALTH_JOURNAL] = write_journal, [HEALTH_INDEX] = write_index,
        [HEALTH_POSTGRES] = write_postgres, [HEALTH_MEMORY] = write_memory};
    json_write_key(w, HARBORAI_STR("components"));
    json_write_object(w);
    for (int part = 0; part < HEALTH_PARTS; part++) {
        if (!h->has[part])
            continue;
        json_write_key(w, slice_of(health_part_name((enum health_part)part)));
        json_write_object(w);
        json_write_key_string(w, "state", slice_of(health_state_name(h->states[part])));
        writers[part](w, gate, h);
        json_write_end(w);
    }
    json_write_end(w);
}

void api_health_whole(struct conn *conn, harborai_str rest UNUSED)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    struct json_writer w = JSON_WRITER(&text);
    const struct gate *gate = conn->gate;
    struct health health;
    health_look(conn->gate, &health);
    json_write_object(&w);
    json_write_key_string(&w, "status", slice_of(health_state_name(health.overall)));
    json_write_key_string(&w, "version", HARBORAI_STR(PACKAGE_VERSION));
    json_write_key(&w, HARBORAI_STR("uptime_s"));
    json_write_scaled(&w, (loop_now_ns(gate->loop) - gate->started_ns) / NS_PER_MS, 3);
    json_write_key(&w, HARBORAI_STR("stopping"));
    json_write_bool(&w, gate->stopping);
    write_parts(&w, gate, &health);
    json_write_end(&w);
    reply_json(conn, health.overall < HEALTH_ERROR ? 200 : 503, &text);
}
