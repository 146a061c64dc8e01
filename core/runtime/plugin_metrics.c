/* SPDX-License-Identifier: MIT */
/* What is counted of plugins, as Prometheus text. Labels are ids of plugins and names of providers,
 * of which there is a ceiling, and words of ours. The one lock is held for a moment, and by nobody
 * who runs or waits for a plugin. */
#include "runtime/state.h"
#include "wire/prometheus.h"

/* A state of ours besides those of slots: of a provider that is switched off. */
#define STATE_DISABLED (SLOT_GONE + 1)

struct row {
    const struct meter *meter;
    unsigned states; /* bits: a provider has several slots while one takes another's place */
    size_t calls;
};

struct writer {
    struct prometheus *p;
    const char *family;
    struct row rows[METERS_MOST + 1]; /* by the meter's index; meter NULL = none */
};

static void look(struct runtime *runtime, struct writer *w)
{
    for (unsigned i = 0; i <= METERS_MOST; i++)
        w->rows[i].meter = atomic_load(&runtime->meters.meters[i]);
    pthread_mutex_lock(&runtime->lock); /* who leaves is freed under it */
    for (struct list *i = runtime->living.next; i != &runtime->living; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF(i, struct runtime_provider, living);
        struct row *row = &w->rows[p->slot->meter->index];
        row->states |= 1u << (p->why_off.len > 0 ? STATE_DISABLED : (int)slot_state(p->slot));
        row->calls += slot_call_count(p->slot);
    }
    pthread_mutex_unlock(&runtime->lock);
}

/* ---- The samples of one provider ------------------------------------------------------------ */

/* `scale` as of prometheus_sample_decimal(); `key` NULL = no third label. */
static void add_scaled(struct writer *w, const struct row *row, const char *suffix, const char *key,
                       const char *value, int64_t number, unsigned scale)
{
    const struct prometheus_label labels[] = {{"plugin", row->meter->plugin_id},
                                              {"provider", row->meter->provider},
                                              {key, slice_of(value)}};
    prometheus_sample_decimal(w->p, w->family, suffix, labels,
                              ARRAY_LEN(labels) - (key == NULL), number, scale);
}

static void add(struct writer *w, const struct row *row, const char *key, const char *value,
                int64_t number)
{
    add_scaled(w, row, NULL, key, value, number, 0);
}

/* None of a provider that has gone. */
static void write_states(struct writer *w, const struct row *row)
{
    for (int state = SLOT_READY; state <= STATE_DISABLED && row->states != 0; state++)
        if (state != SLOT_GONE)
            add(w, row, "state",
                state == STATE_DISABLED ? "disabled" : slot_state_name((enum slot_state)state),
                row->states >> state & 1);
}

static void write_calls(struct writer *w, const struct row *row)
{
    if (row->states != 0)
        add(w, row, NULL, NULL, (int64_t)row->calls);
}

static void write_loads(struct writer *w, const struct row *row)
{
    add(w, row, NULL, NULL, atomic_load(&((struct meter *)(uintptr_t)row->meter)->loads));
}

/* Those of a load: a file that is refused before has no provider. */
static void write_failures(struct writer *w, const struct row *row)
{
    for (int stage = PLUGIN_STAGE_DLOPEN; stage <= PLUGIN_STAGE_CREATE; stage++)
        add(w, row, "stage", plugin_stage_name((enum plugin_stage)stage),
            atomic_load(&((struct meter *)(uintptr_t)row->meter)->failures[stage]));
}

static void write_results(struct writer *w, const struct row *row)
{
    static const char *const names[METER_RESULT_COUNT] = {[METER_REPLACED] = "replaced",
                                                          [METER_KEPT] = "kept"};
    for (int result = 0; result < METER_RESULT_COUNT; result++)
        add(w, row, "result", names[result],
            atomic_load(&((struct meter *)(uintptr_t)row->meter)->results[result]));
}

/* Of functions that were called. */
static void write_times(struct writer *w, const struct row *row)
{
    for (int i = 0; i < METER_CALLBACK_COUNT; i++) {
        const char *name = meter_callback_name((enum meter_callback)i);
        struct meter_sums sums = meter_sum(row->meter, (enum meter_callback)i);
        if (sums.count == 0)
            continue;
        add_scaled(w, row, "_sum", "callback", name, sums.ns, 9);
        add_scaled(w, row, "_count", "callback", name, sums.count, 0);
    }
}

static void write_slow(struct writer *w, const struct row *row)
{
    for (int i = 0; i < METER_CREATE; i++) {
        struct meter_sums sums = meter_sum(row->meter, (enum meter_callback)i);
        if (sums.count > 0)
            add(w, row, "callback", meter_callback_name((enum meter_callback)i), sums.slow);
    }
}

/* ---- All of them ----------------------------------------------------------------------------- */

static const struct plugin_family {
    const char *name;
    enum prometheus_type type;
    void (*write)(struct writer *w, const struct row *row);
    const char *help;
} families[] = {
    {"harborai_plugin_state", PROMETHEUS_GAUGE, write_states,
     "1 for each state that the provider is in: two while one of it takes the place of another."},
    {"harborai_plugin_calls_in_flight", PROMETHEUS_GAUGE, write_calls,
     "Calls that the plugin has not released."},
    {"harborai_plugin_loads_total", PROMETHEUS_COUNTER, write_loads,
     "Loads of the provider that went well."},
    {"harborai_plugin_load_failures_total", PROMETHEUS_COUNTER, write_failures,
     "Loads of the provider that failed, by where they did."},
    {"harborai_plugin_replacements_total", PROMETHEUS_COUNTER, write_results,
     "Times that the provider was replaced by itself as it is now, or had to be kept as it was."},
    {"harborai_plugin_callback_seconds", PROMETHEUS_SUMMARY, write_times,
     "Time in functions of the plugin, and in those of the host that they called."},
    {"harborai_plugin_slow_callbacks_total", PROMETHEUS_COUNTER, write_slow,
     "Functions of the plugin that held up a thread for more than 1 ms, and for more than 1 ms for "
     "each 100 KiB of input."},
};

void runtime_write_metrics(struct runtime *runtime, struct prometheus *p)
{
    struct writer w = {.p = p};
    metrics_write(runtime->metrics, p);
    look(runtime, &w);
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        w.family = families[i].name;
        prometheus_family(p, w.family, families[i].type, families[i].help);
        for (unsigned k = 0; k <= METERS_MOST; k++)
            if (w.rows[k].meter != NULL)
                families[i].write(&w, &w.rows[k]);
    }
}
