/* SPDX-License-Identifier: MIT */
/* Sums over the calls of a client, from their records: what harborai_client_stats() tells. */
#ifndef CLIENT_TOTALS_H
#define CLIENT_TOTALS_H

#include <pthread.h>

#include "base/attr.h"
#include "record/fanout.h"

enum { TOTALS_CURRENCIES = 8 };

struct totals_sum {
    int64_t begun, ok, failed, cancelled; /* calls */
    int64_t total_ns, first_ns, first_count; /* of those that ended well */
    int64_t input_tokens, output_tokens;
    int64_t unpriced; /* calls with usage whose cost is not known */
    struct {
        char currency[8];
        int64_t pico;
    } costs[TOTALS_CURRENCIES];
    size_t cost_count;
};

struct totals {
    struct record_subscriber subscriber;
    pthread_mutex_t lock; /* written by whoever drives the loop, read by any thread */
    struct totals_sum sum;
};

void totals_init(struct totals *totals);
void totals_release(struct totals *totals);
/* [any] */
struct totals_sum totals_read(struct totals *totals);

#endif
