/* SPDX-License-Identifier: MIT */
/* Starts and ends drains, and shows how far they are. */
#include "server/drains.h"

#include <stdlib.h>

#include "base/limits.h"
#include "store/drain.h"
#include "store/index.h"
#include "store/postgres_store.h"
#include "wire/prometheus.h"

#define BACKLOG_MOST MIB(8) /* of a store that can be asked for the newest calls */
#define BATCH 512
#define MAX_FAILURES 3
#define MOST_WAIT_MS 60000
#define INTERRUPTED_MS 1000 /* then who was interrupted is back */

enum { MOST_DRAINS = 2 };

struct drains {
    struct index *index;
    struct postgres_store *postgres;
    struct drain *index_drain, *postgres_drain; /* of `items`; or NULL */
    const char *names[MOST_DRAINS];
    struct drain *items[MOST_DRAINS];
    size_t count;
};

static harborai_status add_drain(struct drains *drains, const struct drain_settings *settings,
                                 struct drain_store *store, harborai_error *error)
{
    harborai_status st = drain_start(settings, store, &drains->items[drains->count], error);
    if (st < 0)
        return st;
    drains->names[drains->count++] = store->functions->name;
    return HARBORAI_OK;
}

static harborai_status start_index(struct drains *drains, const struct drains_options *options,
                                   harborai_error *error)
{
    struct drain_settings settings = {.state_dir = options->state_dir,
                                      .clock = &clock_system,
                                      .log = options->log,
                                      .batch = BATCH,
                                      .max_failures = MAX_FAILURES,
                                      .most_wait_ms = MOST_WAIT_MS};
    harborai_status st = index_create(options->state_dir, &drains->index, error);
    if (st < 0)
        return st;
    index_keep(drains->index, options->index_age_ns);
    st = add_drain(drains, &settings, index_store(drains->index), error);
    if (st == HARBORAI_OK)
        drains->index_drain = drains->items[drains->count - 1];
    return st;
}

static harborai_status start_postgres(struct drains *drains, const struct drains_options *options,
                                      harborai_error *error)
{
    struct drain_settings settings = {.state_dir = options->state_dir,
                                      .clock = &clock_system,
                                      .log = options->log,
                                      .batch = options->postgres_batch,
                                      .max_failures = options->postgres_max_failures,
                                      .most_wait_ms = options->postgres_most_wait_ms};
    harborai_status st = add_drain(drains, &settings, postgres_store_of(drains->postgres), error);
    if (st == HARBORAI_OK)
        drains->postgres_drain = drains->items[drains->count - 1];
    return st;
}

harborai_status drains_start(const struct drains_options *options, struct drains **ret_drains,
                             harborai_error *error)
{
    struct drains *drains = calloc(1, sizeof *drains);
    if (drains == NULL) {
        postgres_store_destroy(options->postgres);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    harborai_status st = HARBORAI_OK;
    drains->postgres = options->postgres;
    if (options->with_index)
        st = start_index(drains, options, error);
    if (st == HARBORAI_OK && drains->postgres != NULL)
        st = start_postgres(drains, options, error);
    if (st < 0) {
        (void)drains_stop(drains, 0);
        return st;
    }
    *ret_drains = drains;
    return HARBORAI_OK;
}

static bool is_away(struct drain *drain)
{
    struct drain_status status;
    drain_status_of(drain, &status);
    return status.state == DRAIN_FAILING;
}

/* A server that swallows everything is waited for no longer; one that is known to be away, not at all. */
static bool stop_one(struct drains *drains, struct drain *drain, int64_t limit_ms)
{
    if (drain == drains->postgres_drain && is_away(drain)) {
        postgres_store_interrupt(drains->postgres);
        limit_ms = 0;
    }
    if (drain_stop(drain, limit_ms))
        return true;
    if (drain != drains->postgres_drain)
        return false;
    postgres_store_interrupt(drains->postgres);
    return drain_stop(drain, INTERRUPTED_MS);
}

bool drains_stop(struct drains *drains, int64_t limit_ms)
{
    bool is_stopped = true;
    if (drains == NULL)
        return true;
    for (size_t i = 0; i < drains->count; i++)
        if (!stop_one(drains, drains->items[i], limit_ms))
            is_stopped = false;
    if (!is_stopped)
        return false;
    index_destroy(drains->index);
    postgres_store_destroy(drains->postgres);
    free(drains);
    return true;
}

/* --- Metrics ------------------------------------------------------------------------------------ */

struct family {
    const char *name, *help;
    enum prometheus_type type;
    size_t offset; /* of a uint64_t in struct drain_status */
};

static const struct family families[] = {
    {"harborai_drain_rows_total", "Calls copied from the journal into the store.",
     PROMETHEUS_COUNTER, offsetof(struct drain_status, rows)},
    {"harborai_drain_amends_total", "Corrections after a call's end that were copied.",
     PROMETHEUS_COUNTER, offsetof(struct drain_status, amends)},
    {"harborai_drain_refused_total", "Lines that the store refuses for ever, and that are set aside.",
     PROMETHEUS_COUNTER, offsetof(struct drain_status, refused)},
    {"harborai_drain_failures_total", "Attempts to reach the store, or to write to it, that failed.",
     PROMETHEUS_COUNTER, offsetof(struct drain_status, failures)},
    {"harborai_drain_backlog_bytes", "Bytes of the journal that the store does not have yet.",
     PROMETHEUS_GAUGE, offsetof(struct drain_status, backlog_bytes)},
};

static void write_states(const struct drains *drains, const struct drain_status *statuses,
                         struct prometheus *p)
{
    static const char name[] = "harborai_drain_state";
    prometheus_family(p, name, PROMETHEUS_GAUGE, "1 for the state that the drain is in.");
    for (size_t i = 0; i < drains->count; i++)
        for (unsigned state = 0; state < DRAIN_STATE_COUNT; state++) {
            const struct prometheus_label labels[] = {
                {"store", slice_of(drains->names[i])},
                {"state", slice_of(drain_state_name((enum drain_state)state))}};
            prometheus_sample(p, name, NULL, labels, ARRAY_LEN(labels),
                              statuses[i].state == (enum drain_state)state);
        }
}

/* As the seeds call them. */
static void write_postgres(struct drains *drains, struct prometheus *p)
{
    struct drain_status status;
    const struct prometheus_label instance = {"logger_instance", HARBORAI_STR_INIT("default")};
    const struct prometheus_label database = {"database_name",
                                              slice_of(strrchr(postgres_store_address(drains->postgres), '/') + 1)};
    drain_status_of(drains->postgres_drain, &status);
    prometheus_family(p, "harborai_fallback_logger_state", PROMETHEUS_GAUGE,
                      "0: calls get to PostgreSQL, 1: to files only, 2: it begins, 3: PostgreSQL has "
                      "to be mended.");
    prometheus_sample(p, "harborai_fallback_logger_state", NULL, &instance, 1,
                      postgres_store_state_number(status.state));
    prometheus_family(p, "harborai_postgres_health_status", PROMETHEUS_GAUGE,
                      "1: PostgreSQL took the last calls.");
    prometheus_sample(p, "harborai_postgres_health_status", NULL, &database, 1,
                      postgres_store_state_number(status.state) == 0 && status.error[0] == '\0');
}

static bool is_current(struct drain *drain)
{
    struct drain_status status;
    if (drain == NULL)
        return false;
    drain_status_of(drain, &status);
    return (status.state == DRAIN_ACTIVE || status.state == DRAIN_STANDBY) &&
           status.backlog_bytes <= BACKLOG_MOST;
}

bool drains_postgres_is_current(struct drains *drains)
{
    return drains != NULL && is_current(drains->postgres_drain);
}

bool drains_index_is_current(struct drains *drains)
{
    return drains != NULL && is_current(drains->index_drain);
}

bool drains_at(struct drains *drains, size_t index, const char **ret_store,
               struct drain_status *ret_status)
{
    if (drains == NULL || index >= drains->count)
        return false;
    *ret_store = drains->names[index];
    drain_status_of(drains->items[index], ret_status);
    return true;
}

void drains_write_metrics(struct drains *drains, struct prometheus *p)
{
    struct drain_status statuses[MOST_DRAINS];
    if (drains == NULL || drains->count == 0)
        return;
    for (size_t i = 0; i < drains->count; i++)
        drain_status_of(drains->items[i], &statuses[i]);
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        prometheus_family(p, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < drains->count; i++) {
            const struct prometheus_label label = {"store", slice_of(drains->names[i])};
            const void *at = (const char *)&statuses[i] + families[f].offset;
            prometheus_sample(p, families[f].name, NULL, &label, 1,
                              (int64_t) * (const uint64_t *)at);
        }
    }
    write_states(drains, statuses, p);
    if (drains->postgres_drain != NULL)
        write_postgres(drains, p);
}
