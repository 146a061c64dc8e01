/* SPDX-License-Identifier: MIT */
/* A series is whole before a reader can see it, and stays until the end. Reading looks for the same
 * names in the tables of all loops. */
#include "observe/by_model.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "chat/usage.h"
#include "wire/prometheus.h"

#define OTHER HARBORAI_STR("_other") /* no provider and no model is called so */
#define NONE HARBORAI_STR("_none")

/* ---- Adding --------------------------------------------------------------------------------- */

static int64_t value_of(const _Atomic int64_t *value)
{
    return atomic_load_explicit((_Atomic int64_t *)(uintptr_t)value, memory_order_relaxed);
}

static void add(_Atomic int64_t *value, int64_t delta)
{
    atomic_store_explicit(value, value_of(value) + delta, memory_order_relaxed);
}

static struct model_series *series_in(const struct by_model *b, size_t slot)
{
    return atomic_load_explicit(&((struct by_model *)(uintptr_t)b)->slots[slot],
                                memory_order_acquire);
}

/* The slot of that series, or the free one where it would be: a quarter of all is taken at most. */
static size_t slot_of(const struct by_model *b, harborai_str provider, harborai_str model)
{
    size_t at = hash_slice(model, hash_slice(provider, 0)) % BY_MODEL_SLOTS;
    const struct model_series *s;
    while ((s = series_in(b, at)) != NULL &&
           !(slice_is(model, s->model) && slice_is(provider, s->provider)))
        at = (at + 1) % BY_MODEL_SLOTS;
    return at;
}

static void free_series(struct model_series *s)
{
    free(s->provider);
    free(s->model);
    free(s);
}

static struct model_series *make(struct by_model *b, size_t slot, harborai_str provider,
                                 harborai_str model)
{
    struct model_series *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->provider = slice_dup(provider);
    s->model = slice_dup(model);
    if (s->provider == NULL || s->model == NULL) {
        free_series(s);
        return NULL;
    }
    b->count++;
    atomic_store_explicit(&b->slots[slot], s, memory_order_release);
    return s;
}

static struct model_series *find_or_make(struct by_model *b, harborai_str provider,
                                         harborai_str model)
{
    size_t slot = slot_of(b, provider, model);
    struct model_series *s = series_in(b, slot);
    if (s != NULL)
        return s;
    if (b->count < BY_MODEL_MOST)
        return make(b, slot, provider, model);
    slot = slot_of(b, OTHER, OTHER);
    s = series_in(b, slot);
    return s != NULL ? s : make(b, slot, OTHER, OTHER);
}

static struct model_series *series_of(struct by_model *b, const struct record *r)
{
    if (r->provider.len == 0)
        return find_or_make(b, NONE, NONE);
    return find_or_make(b, r->provider, r->is_listed ? r->upstream_model : OTHER);
}

static void add_tokens(struct model_series *s, const harborai_usage *usage)
{
    for (uint32_t left = usage->known_mask; left != 0; left &= left - 1) {
        unsigned usage_class = (unsigned)__builtin_ctz(left);
        add(&s->tokens[usage_class], usage->count[usage_class]);
    }
}

/* Beyond 9 million of a currency it stays there. */
static void add_cost(struct model_series *s, const struct record *r)
{
    int64_t sum;
    for (size_t i = 0; i < BY_MODEL_CURRENCIES; i++) {
        bool is_set = atomic_load_explicit(&s->costs[i].is_set, memory_order_relaxed);
        if (!is_set && r->cost_currency.len < sizeof s->costs[i].currency) {
            memcpy(s->costs[i].currency, r->cost_currency.data, r->cost_currency.len);
            atomic_store_explicit(&s->costs[i].is_set, true, memory_order_release);
        } else if (!is_set || !slice_is(r->cost_currency, s->costs[i].currency)) {
            continue;
        }
        if (!__builtin_add_overflow(value_of(&s->costs[i].pico), r->cost_pico, &sum))
            atomic_store_explicit(&s->costs[i].pico, sum, memory_order_relaxed);
        return;
    }
}

static void add_outcome(struct model_series *s, const struct record *r)
{
    if (r->status == HARBORAI_E_CANCELLED) {
        add(&s->values[BY_MODEL_CANCELLED], 1);
        return;
    }
    add(&s->values[r->status < 0 ? BY_MODEL_ERROR : BY_MODEL_OK], 1);
    if (r->status < 0 && r->status > -BY_MODEL_ERRORS)
        add(&s->errors[-r->status], 1);
    add(&s->values[BY_MODEL_FAILED], r->status < 0 && r->attempts > 0);
}

void by_model_add(struct by_model *b, const struct record *record)
{
    struct model_series *s = series_of(b, record);
    if (s == NULL)
        return;
    add_outcome(s, record);
    add(&s->values[BY_MODEL_ATTEMPTS], record->attempts);
    add(&s->values[BY_MODEL_RESENDS], record->resends);
    add_tokens(s, &record->usage);
    if (record->is_cost_known && record->cost_currency.len > 0)
        add_cost(s, record);
    durations_add(&s->totals, record->total_ns);
    if (record->ttft_ns >= 0)
        durations_add(&s->first_tokens, record->ttft_ns);
}

void by_model_release(struct by_model *b)
{
    for (size_t i = 0; i < BY_MODEL_SLOTS; i++) {
        struct model_series *s = series_in(b, i);
        if (s != NULL)
            free_series(s);
        atomic_store(&b->slots[i], NULL);
    }
    b->count = 0;
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* One series of all loops. */
struct summed {
    struct prometheus_label labels[DURATIONS_LABELS];
    int64_t values[BY_MODEL_VALUES], tokens[HARBORAI_USAGE_CLASSES], errors[BY_MODEL_ERRORS];
    struct durations_sum totals, first_tokens;
    const struct by_model *const *all;
    size_t count;
};

static void sum_values(int64_t *to, const _Atomic int64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] += value_of(&from[i]);
}

static void sum_up(struct summed *sum, const struct model_series *of)
{
    sum->labels[0] = (struct prometheus_label){"provider", slice_of(of->provider)};
    sum->labels[1] = (struct prometheus_label){"model", slice_of(of->model)};
    for (size_t i = 0; i < sum->count; i++) {
        size_t slot = slot_of(sum->all[i], sum->labels[0].value, sum->labels[1].value);
        const struct model_series *s = series_in(sum->all[i], slot);
        if (s == NULL)
            continue;
        sum_values(sum->values, s->values, BY_MODEL_VALUES);
        sum_values(sum->tokens, s->tokens, HARBORAI_USAGE_CLASSES);
        sum_values(sum->errors, s->errors, BY_MODEL_ERRORS);
        durations_sum_up(&s->totals, &sum->totals);
        durations_sum_up(&s->first_tokens, &sum->first_tokens);
    }
}

static void write_labelled(struct prometheus *p, const char *family, struct summed *sum,
                           const char *label, const char *value, int64_t number)
{
    sum->labels[2] = (struct prometheus_label){label, slice_of(value)};
    prometheus_sample(p, family, NULL, sum->labels, 3, number);
}

static void write_requests(struct prometheus *p, const char *family, struct summed *sum)
{
    write_labelled(p, family, sum, "status", "ok", sum->values[BY_MODEL_OK]);
    write_labelled(p, family, sum, "status", "error", sum->values[BY_MODEL_ERROR]);
    write_labelled(p, family, sum, "status", "cancelled", sum->values[BY_MODEL_CANCELLED]);
}

static void write_totals(struct prometheus *p, const char *family, struct summed *sum)
{
    durations_write(p, family, sum->labels, 2, &sum->totals);
}

static void write_first_tokens(struct prometheus *p, const char *family, struct summed *sum)
{
    durations_write(p, family, sum->labels, 2, &sum->first_tokens);
}

static void write_errors(struct prometheus *p, const char *family, struct summed *sum)
{
    for (int code = 1; code < BY_MODEL_ERRORS; code++)
        if (sum->errors[code] > 0)
            write_labelled(p, family, sum, "error_type", error_kind_of(-code)->name,
                           sum->errors[code]);
}

static void write_retries(struct prometheus *p, const char *family, struct summed *sum)
{
    write_labelled(p, family, sum, "retry_reason", "stale_connection",
                   sum->values[BY_MODEL_RESENDS]);
}

static void write_tokens(struct prometheus *p, const char *family, struct summed *sum)
{
    for (unsigned i = 0; i < HARBORAI_USAGE_CLASSES; i++)
        if (sum->tokens[i] > 0 && usage_class_name(i) != NULL)
            write_labelled(p, family, sum, "token_type", usage_class_name(i), sum->tokens[i]);
}

/* A currency may stand in another place in each loop. */
static int64_t cost_in(const struct summed *sum, const char *currency)
{
    int64_t all = 0;
    for (size_t i = 0; i < sum->count; i++) {
        size_t slot = slot_of(sum->all[i], sum->labels[0].value, sum->labels[1].value);
        struct model_series *s = series_in(sum->all[i], slot);
        for (size_t k = 0; s != NULL && k < BY_MODEL_CURRENCIES; k++)
            if (atomic_load_explicit(&s->costs[k].is_set, memory_order_acquire) &&
                strcmp(s->costs[k].currency, currency) == 0)
                all += value_of(&s->costs[k].pico);
    }
    return all;
}

static bool is_known(const char *const *known, size_t count, const char *currency)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], currency) == 0)
            return true;
    return false;
}

static void write_cost(struct prometheus *p, const char *family, struct summed *sum)
{
    const char *known[8];
    size_t count = 0;
    for (size_t i = 0; i < sum->count; i++) {
        size_t slot = slot_of(sum->all[i], sum->labels[0].value, sum->labels[1].value);
        struct model_series *s = series_in(sum->all[i], slot);
        for (size_t k = 0; s != NULL && k < BY_MODEL_CURRENCIES && count < ARRAY_LEN(known); k++)
            if (atomic_load_explicit(&s->costs[k].is_set, memory_order_acquire) &&
                !is_known(known, count, s->costs[k].currency))
                known[count++] = s->costs[k].currency;
    }
    for (size_t i = 0; i < count; i++) {
        sum->labels[2] = (struct prometheus_label){"currency", slice_of(known[i])};
        prometheus_sample_decimal(p, family, NULL, sum->labels, 3, cost_in(sum, known[i]), 12);
    }
}

static void write_attempts(struct prometheus *p, const char *family, struct summed *sum)
{
    prometheus_sample(p, family, NULL, sum->labels, 2, sum->values[BY_MODEL_ATTEMPTS]);
}

static void write_failed(struct prometheus *p, const char *family, struct summed *sum)
{
    prometheus_sample(p, family, NULL, sum->labels, 2, sum->values[BY_MODEL_FAILED]);
}

static const struct model_family {
    const char *name;
    enum prometheus_type type;
    void (*write)(struct prometheus *p, const char *family, struct summed *sum);
    const char *help;
} families[] = {
    {"harborai_api_requests_total", PROMETHEUS_COUNTER, write_requests,
     "Calls that ended, by how they ended."},
    {"harborai_api_request_duration_seconds", PROMETHEUS_HISTOGRAM, write_totals,
     "Calls that ended, by the time from their request to their end."},
    {"harborai_time_to_first_token_seconds", PROMETHEUS_HISTOGRAM, write_first_tokens,
     "Streams, by the time from their request to the first text, reasoning or tool call."},
    {"harborai_api_errors_total", PROMETHEUS_COUNTER, write_errors,
     "Calls that ended with an error, by its class."},
    {"harborai_retries_total", PROMETHEUS_COUNTER, write_retries,
     "Attempts that followed one that failed, by why it did."},
    {"harborai_ai_provider_requests_total", PROMETHEUS_COUNTER, write_attempts,
     "Attempts begun with a provider."},
    {"harborai_ai_provider_errors_total", PROMETHEUS_COUNTER, write_failed,
     "Calls that a provider was asked for and that ended with an error."},
    {"harborai_tokens_used_total", PROMETHEUS_COUNTER, write_tokens,
     "Tokens, and what else is used, by class."},
    {"harborai_cost_total", PROMETHEUS_COUNTER, write_cost, "What calls cost, where it is known."},
};

static bool is_written(const struct by_model *const *all, size_t count, const struct model_series *s)
{
    for (size_t i = 0; i < count; i++)
        if (series_in(all[i], slot_of(all[i], slice_of(s->provider), slice_of(s->model))) != NULL)
            return true;
    return false;
}

static void write_table(const struct model_family *family, const struct by_model *const *all,
                        size_t count, size_t index, struct prometheus *p)
{
    for (size_t slot = 0; slot < BY_MODEL_SLOTS; slot++) {
        const struct model_series *s = series_in(all[index], slot);
        if (s == NULL || is_written(all, index, s))
            continue;
        struct summed sum = {.all = all, .count = count};
        sum_up(&sum, s);
        family->write(p, family->name, &sum);
    }
}

void by_model_write(const struct by_model *const *all, size_t count, struct prometheus *p)
{
    for (size_t f = 0; f < ARRAY_LEN(families); f++) {
        prometheus_family(p, families[f].name, families[f].type, families[f].help);
        for (size_t i = 0; i < count; i++)
            write_table(&families[f], all, count, i, p);
    }
}
