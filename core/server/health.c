/* SPDX-License-Identifier: MIT */
/* Looks at the parts of the gateway. What a restart would not mend is no HEALTH_ERROR: those who
 * restart processes by /health must not do so for a key that is missing. */
#include "server/health.h"

#include "registry/model_map.h"
#include "runtime/runtime.h"
#include "server/budget.h"
#include "server/drains.h"
#include "server/gate.h"

#define STUCK_NS NS_PER_S /* a pass takes microseconds: so long only a plugin can hold it up */

static void note(struct health *h, enum health_part part, enum health_state state)
{
    h->has[part] = true;
    h->states[part] = state;
    if (state > h->overall)
        h->overall = state;
}

static void look_at_loops(const struct gate *gate, struct health *h)
{
    int64_t now_ns = clock_monotonic_ns(loop_clock(gate->loop));
    h->loops = runtime_loop_count(gate->runtime);
    for (unsigned i = 0; i < h->loops; i++) {
        int64_t since_ns = loop_busy_since_ns(runtime_loop(gate->runtime, i));
        if (since_ns != 0 && now_ns - since_ns > h->longest_pass_ns)
            h->longest_pass_ns = now_ns - since_ns;
    }
    note(h, HEALTH_LOOPS, h->longest_pass_ns > STUCK_NS ? HEALTH_DEGRADED : HEALTH_OK);
}

static bool is_preloaded(const struct gate *gate, harborai_str name)
{
    const struct config_names *names = &runtime_config(gate->runtime)->plugin_preload;
    for (size_t i = 0; i < names->count; i++)
        if (slice_is(names->items[i], "all") || slice_equal(names->items[i], name))
            return true;
    return false;
}

static bool is_usable(const struct slot *slot)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    return slot_state(slot) != SLOT_FAILED &&
           provider_check_secrets(slot->provider, &error) == HARBORAI_OK;
}

static void look_at_providers(const struct gate *gate, struct health *h)
{
    const struct model_map *models = runtime_models(gate->runtime);
    harborai_str name;
    struct slot *slot;
    bool enabled;
    for (size_t i = 0; model_map_provider_at(models, i, &name, &slot, &enabled); i++) {
        if (!enabled)
            continue;
        h->providers++;
        h->usable += is_usable(slot);
        if (slot_state(slot) == SLOT_LOADING && atomic_load(&slot->loaded_ns) == 0 &&
            is_preloaded(gate, name))
            h->not_ready |= HEALTH_PRELOADING;
    }
    if (h->usable == 0)
        h->not_ready |= HEALTH_NO_PROVIDER;
    note(h, HEALTH_PROVIDERS,
         h->usable > 0 && h->usable == h->providers ? HEALTH_OK : HEALTH_DEGRADED);
}

static void look_at_journal(const struct gate *gate, struct health *h)
{
    const char *why;
    h->is_recording = runtime_has_journal(gate->runtime);
    if (engine_loop_refuses(gate->engine, &why)) {
        h->not_ready |= HEALTH_NO_RECORD;
        note(h, HEALTH_JOURNAL, HEALTH_ERROR);
    } else {
        note(h, HEALTH_JOURNAL,
             runtime_journal_fails(gate->runtime) ? HEALTH_DEGRADED : HEALTH_OK);
    }
}

/* Whatever becomes of them, calls are served and on record. */
static void look_at_stores(const struct gate *gate, struct health *h)
{
    struct drain_status status;
    const char *store;
    for (size_t i = 0; drains_at(gate->drains, i, &store, &status); i++) {
        bool is_index = strcmp(store, "sqlite") == 0;
        bool is_bad = status.state == DRAIN_FAILING || status.state == DRAIN_REFUSED;
        *(is_index ? &h->index : &h->postgres) = status;
        note(h, is_index ? HEALTH_INDEX : HEALTH_POSTGRES, is_bad ? HEALTH_DEGRADED : HEALTH_OK);
    }
}

static void look_at_memory(const struct gate *gate, struct health *h)
{
    h->memory = process_memory_now();
    h->bodies = atomic_load(&gate->bodies->used);
    h->bodies_most = gate->bodies->ceiling;
    note(h, HEALTH_MEMORY,
         h->bodies > h->bodies_most / 10 * 9 ? HEALTH_DEGRADED : HEALTH_OK);
}

void health_look(const struct gate *gate, struct health *ret_health)
{
    *ret_health = (struct health){.overall = HEALTH_OK};
    look_at_loops(gate, ret_health);
    look_at_providers(gate, ret_health);
    look_at_journal(gate, ret_health);
    look_at_stores(gate, ret_health);
    look_at_memory(gate, ret_health);
    if (gate->stopping) {
        ret_health->not_ready |= HEALTH_STOPPING;
        ret_health->overall = HEALTH_ERROR;
    }
}

const char *health_state_name(enum health_state state)
{
    static const char *const names[] = {"ok", "degraded", "error"};
    return names[state];
}

const char *health_part_name(enum health_part part)
{
    static const char *const names[] = {"loops", "providers", "journal",
                                        "index", "postgres",  "memory"};
    return names[part];
}

const char *health_reason_name(unsigned bit)
{
    switch (bit) {
    case HEALTH_STOPPING:
        return "stopping";
    case HEALTH_NO_PROVIDER:
        return "no_provider";
    case HEALTH_PRELOADING:
        return "preloading";
    default:
        return "journal";
    }
}
