/* SPDX-License-Identifier: MIT */
/* A subscriber of records that adds them up. Amendments are in the journal, not here. */
#include "client/totals.h"

#include "chat/usage.h"

static struct totals *of(struct record_subscriber *self)
{
    return CONTAINER_OF(self, struct totals, subscriber);
}

static void on_call(struct record_subscriber *self, const struct record *record UNUSED)
{
    struct totals *totals = of(self);
    pthread_mutex_lock(&totals->lock);
    totals->sum.begun++;
    pthread_mutex_unlock(&totals->lock);
}

static void add_cost(struct totals_sum *sum, const struct record *record)
{
    size_t i = 0;
    int64_t pico;
    while (i < sum->cost_count && !slice_is(record->cost_currency, sum->costs[i].currency))
        i++;
    if (i == TOTALS_CURRENCIES || record->cost_currency.len >= sizeof sum->costs[i].currency ||
        __builtin_add_overflow(sum->costs[i].pico, record->cost_pico, &pico)) {
        sum->unpriced++;
        return;
    }
    sum->costs[i].pico = pico;
    if (i == sum->cost_count) {
        memcpy(sum->costs[i].currency, record->cost_currency.data, record->cost_currency.len);
        sum->cost_count++;
    }
}

static void add(struct totals_sum *sum, const struct record *record)
{
    if (record->status == HARBORAI_E_CANCELLED) {
        sum->cancelled++;
    } else if (record->status < 0) {
        sum->failed++;
    } else {
        sum->ok++;
        sum->total_ns += record->total_ns;
        if (record->ttft_ns >= 0) {
            sum->first_ns += record->ttft_ns;
            sum->first_count++;
        }
    }
    sum->input_tokens += usage_input_total(&record->usage);
    sum->output_tokens += usage_output_total(&record->usage);
    if (record->is_cost_known)
        add_cost(sum, record);
    else if (record->usage.known_mask != 0)
        sum->unpriced++;
}

static void on_end(struct record_subscriber *self, const struct record *record)
{
    struct totals *totals = of(self);
    pthread_mutex_lock(&totals->lock);
    add(&totals->sum, record);
    pthread_mutex_unlock(&totals->lock);
}

static const struct record_subscriber_functions functions = {.on_call = on_call, .on_end = on_end};

void totals_init(struct totals *totals)
{
    *totals = (struct totals){.subscriber = {&functions}};
    pthread_mutex_init(&totals->lock, NULL);
}

void totals_release(struct totals *totals)
{
    pthread_mutex_destroy(&totals->lock);
}

struct totals_sum totals_read(struct totals *totals)
{
    pthread_mutex_lock(&totals->lock);
    struct totals_sum sum = totals->sum;
    pthread_mutex_unlock(&totals->lock);
    return sum;
}
