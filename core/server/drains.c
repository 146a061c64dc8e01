/* SPDX-License-Identifier: MIT */
/* Starts and ends drains, and shows how far they are. */
#include "server/drains.h"

#include <stdlib.h>

#include "store/drain.h"
#include "store/index.h"
#include "wire/prometheus.h"

#define BATCH 512
#define MAX_FAILURES 3
#define MOST_WAIT_MS 60000

enum { MOST_DRAINS = 2 };

struct drains {
    struct index *index;
    const char *names[MOST_DRAINS];
    struct drain *items[MOST_DRAINS];
    size_t count;
};

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
    struct drain_store *store = index_store(drains->index);
    st = drain_start(&settings, store, &drains->items[drains->count], error);
    if (st < 0)
        return st;
    drains->names[drains->count++] = store->functions->name;
    return HARBORAI_OK;
}

harborai_status drains_start(const struct drains_options *options, struct drains **ret_drains,
                             harborai_error *error)
{
    struct drains *drains = calloc(1, sizeof *drains);
    if (drains == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = HARBORAI_OK;
    if (options->with_index)
        st = start_index(drains, options, error);
    if (st < 0) {
        (void)drains_stop(drains, 0);
        return st;
    }
    *ret_drains = drains;
    return HARBORAI_OK;
}

bool drains_stop(struct drains *drains, int64_t limit_ms)
{
    bool is_stopped = true;
    if (drains == NULL)
        return true;
    for (size_t i = 0; i < drains->count; i++)
        if (!drain_stop(drains->items[i], limit_ms))
            is_stopped = false;
    if (!is_stopped)
        return false;
    index_destroy(drains->index);
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
                         struct buf *out)
{
    static const char name[] = "harborai_drain_state";
    prometheus_family(out, name, PROMETHEUS_GAUGE, "1 for the state that the drain is in.");
    for (size_t i = 0; i < drains->count; i++)
        for (unsigned state = 0; state < DRAIN_STATE_COUNT; state++) {
            const struct prometheus_label labels[] = {
                {"store", slice_of(drains->names[i])},
                {"state", slice_of(drain_state_name((enum drain_state)state))}};
            prometheus_sample(out, name, NULL, labels, ARRAY_LEN(labels),
                              statuses[i].state == (enum drain_state)state);
        }
}

void drains_write_metrics(struct drains *drains, struct buf *out)
{
    struct drain_status statuses[MOST_DRAINS];
    if (drains == NULL || drains->count == 0)
        return;
    for (size_t i = 0; i < drains->count; i++)
        drain_status_of(drains->items[i], &statuses[i]);
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        prometheus_family(out, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < drains->count; i++) {
            const struct prometheus_label label = {"store", slice_of(drains->names[i])};
            const void *at = (const char *)&statuses[i] + families[f].offset;
            prometheus_sample(out, families[f].name, NULL, &label, 1,
                              (int64_t) * (const uint64_t *)at);
        }
    }
    write_states(drains, statuses, out);
}
