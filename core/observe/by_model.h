/* SPDX-License-Identifier: MIT */
/* What is counted of calls by provider and model. One loop adds, anybody may read, both without a lock.
 * Names come from the configuration and from plugins: a model that a client's words alone name, such as
 * one that a pattern lets through, is "_other". */
#ifndef OBSERVE_BY_MODEL_H
#define OBSERVE_BY_MODEL_H

#include <stdatomic.h>

#include "observe/durations.h"
#include "record/record.h"

struct prometheus;

enum by_model_value {
    BY_MODEL_OK,
    BY_MODEL_ERROR,
    BY_MODEL_CANCELLED,
    BY_MODEL_ATTEMPTS,
    BY_MODEL_FAILED, /* calls that the provider was asked for, and that ended with an error */
    BY_MODEL_RESENDS,
    BY_MODEL_VALUES
};

enum {
    BY_MODEL_ERRORS = 32,     /* codes of errors, negated */
    BY_MODEL_CURRENCIES = 3,  /* of one model's prices */
    BY_MODEL_MOST = 256,      /* series of a loop; beyond them all are "_other" */
    BY_MODEL_SLOTS = 1024
};

struct model_series {
    char *provider, *model; /* owned; never change */
    _Atomic int64_t values[BY_MODEL_VALUES];
    _Atomic int64_t tokens[HARBORAI_USAGE_CLASSES];
    _Atomic int64_t errors[BY_MODEL_ERRORS];
    struct {
        char currency[8]; /* set before `pico`'s first value */
        atomic_bool is_set;
        _Atomic int64_t pico;
    } costs[BY_MODEL_CURRENCIES];
    struct durations totals, first_tokens;
};

struct by_model { /* zeroed: empty */
    _Atomic(struct model_series *) slots[BY_MODEL_SLOTS]; /* owned; by the hash of both names */
    unsigned count;
};

void by_model_release(struct by_model *b);

/* [loop] Its own. A call has ended. The first of a name allocates. */
void by_model_add(struct by_model *b, const struct record *record);

/* [any] The sums over all of them. */
void by_model_write(const struct by_model *const *all, size_t count, struct prometheus *p);

#endif
