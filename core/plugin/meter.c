/* SPDX-License-Identifier: MIT */
/* Meters are made by the keeper, counted in by loops and job threads, and read by anybody, all at the
 * same time and without a lock: nobody waits for a plugin to learn how it fares. */
#include "plugin/meter.h"

#include <stdlib.h>
#include <string.h>

#define TOLD_AGAIN_NS (60 * NS_PER_S)

static int64_t value_of(const _Atomic int64_t *value)
{
    return atomic_load_explicit((_Atomic int64_t *)(uintptr_t)value, memory_order_relaxed);
}

static void add(_Atomic int64_t *to, int64_t delta)
{
    atomic_fetch_add_explicit(to, delta, memory_order_relaxed);
}

void meter_add_shared(struct meter *meter, enum meter_callback callback, int64_t took_ns)
{
    struct meter_callback_sums *to = &meter->cells[meter->loop_count].callbacks[callback];
    add(&to->count, 1);
    add(&to->ns, took_ns);
}

struct meter_sums meter_sum(const struct meter *meter, enum meter_callback callback)
{
    struct meter_sums sums = {0};
    for (unsigned i = 0; i <= meter->loop_count; i++) {
        const struct meter_callback_sums *from = &meter->cells[i].callbacks[callback];
        sums.count += value_of(&from->count);
        sums.ns += value_of(&from->ns);
        sums.slow += value_of(&from->slow);
    }
    return sums;
}

const char *meter_callback_name(enum meter_callback callback)
{
#define X_(code, name) name,
    static const char *const names[] = {METER_CALLBACKS_};
#undef X_
    return names[callback];
}

void meter_count_load(struct meter *meter, enum plugin_stage failure)
{
    if (meter != NULL)
        add(failure == PLUGIN_STAGE_NONE ? &meter->loads : &meter->failures[failure], 1);
}

void meter_count_result(struct meter *meter, enum meter_result result)
{
    if (meter != NULL)
        add(&meter->results[result], 1);
}

/* ---- The log --------------------------------------------------------------------------------- */

/* Whether it may be told now: true for one thread in a minute. */
static bool is_due(_Atomic int64_t *told_at_ns, int64_t now_ns)
{
    int64_t at_ns = atomic_load(told_at_ns);
    return (at_ns == 0 || now_ns - at_ns >= TOLD_AGAIN_NS) &&
           atomic_compare_exchange_strong(told_at_ns, &at_ns, now_ns);
}

void meter_tell_slow(struct meter *meter, const struct log *log, enum meter_callback callback,
                     size_t input, int64_t took_ns, int64_t now_ns)
{
    struct meter *first = meter->first;
    add(&meter->cells[meter->loop_count].callbacks[callback].slow, 1);
    if (!is_due(&first->told[callback].at_ns, now_ns)) {
        add(&first->told[callback].left_out, 1);
        return;
    }
    log_write(log, log_level_told(log, LOG_LEVEL_WARN), "plugin.slow",
              "plugin=%s provider=%s callback=%s took_us=%lld allowed_us=%lld input_bytes=%zu "
              "left_out=%lld help='calls that share its thread waited so long: tell its author'",
              meter->plugin_id.data, meter->provider.data, meter_callback_name(callback),
              (long long)(took_ns / 1000), (long long)(meter_allowed_ns(input) / 1000), input,
              (long long)atomic_exchange(&first->told[callback].left_out, 0));
}

/* ---- All of them ------------------------------------------------------------------------------ */

static void destroy(struct meter *meter)
{
    if (meter == NULL)
        return;
    free((void *)(uintptr_t)meter->plugin_id.data);
    free((void *)(uintptr_t)meter->provider.data);
    free(meter);
}

static struct meter *create(unsigned loop_count, harborai_str plugin_id, harborai_str provider)
{
    size_t size = sizeof(struct meter) + (loop_count + 1) * sizeof(struct meter_cell);
    struct meter *meter = aligned_alloc(CACHE_LINE, size);
    if (meter == NULL)
        return NULL;
    memset(meter, 0, size);
    meter->loop_count = loop_count;
    meter->plugin_id = (harborai_str){slice_dup(plugin_id), plugin_id.len};
    meter->provider = (harborai_str){slice_dup(provider), provider.len};
    if (meter->plugin_id.data != NULL && meter->provider.data != NULL)
        return meter;
    destroy(meter);
    return NULL;
}

void meter_set_release(struct meter_set *set)
{
    for (unsigned i = 0; i <= METERS_MOST; i++)
        destroy(atomic_load(&set->meters[i]));
}

/* The first of a plugin, or NULL. */
static struct meter *find_first(struct meter_set *set, harborai_str plugin_id)
{
    for (unsigned i = 0; i < METERS_MOST; i++) {
        struct meter *meter = atomic_load(&set->meters[i]);
        if (meter == NULL || slice_equal(meter->plugin_id, plugin_id))
            return meter;
    }
    return NULL;
}

static struct meter *put(struct meter_set *set, unsigned index, harborai_str plugin_id,
                         harborai_str provider)
{
    struct meter *meter = create(set->loop_count, plugin_id, provider);
    if (meter == NULL)
        return NULL;
    struct meter *first = find_first(set, plugin_id);
    meter->first = first != NULL ? first : meter;
    meter->index = index;
    atomic_store(&set->meters[index], meter);
    return meter;
}

struct meter *meter_set_get(struct meter_set *set, harborai_str plugin_id, harborai_str provider)
{
    for (unsigned i = 0; i < METERS_MOST; i++) {
        struct meter *meter = atomic_load(&set->meters[i]);
        if (meter == NULL)
            return put(set, i, plugin_id, provider);
        if (slice_equal(meter->plugin_id, plugin_id) && slice_equal(meter->provider, provider))
            return meter;
    }
    struct meter *other = atomic_load(&set->meters[METERS_MOST]);
    return other != NULL ? other : put(set, METERS_MOST, HARBORAI_STR(METER_OTHER),
                                       HARBORAI_STR(METER_OTHER));
}
