/* SPDX-License-Identifier: MIT */
/* Counts and adds up. A series is whole before a reader can see it, and stays until the end. */
#include "observe/confidence.h"

#include <stdlib.h>

#include "wire/prometheus.h"

#define FAMILY "harborai_token_parsing_confidence"
#define OTHER HARBORAI_STR("_other") /* no provider and no method is called so */

enum { MOST_SERIES = 256 };

void confidence_release(struct confidence *c)
{
    struct confidence_series *next;
    for (struct confidence_series *s = atomic_load(&c->first); s != NULL; s = next) {
        next = atomic_load(&s->next);
        free(s->provider);
        free(s->method);
        free(s);
    }
    atomic_store(&c->first, NULL);
}

static struct confidence_series *find(const struct confidence *c, harborai_str provider,
                                      harborai_str method)
{
    struct confidence_series *s = atomic_load_explicit(&c->first, memory_order_acquire);
    while (s != NULL && !(slice_is(provider, s->provider) && slice_is(method, s->method)))
        s = atomic_load_explicit(&s->next, memory_order_acquire);
    return s;
}

static struct confidence_series *make(struct confidence *c, harborai_str provider,
                                      harborai_str method)
{
    struct confidence_series *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->provider = slice_dup(provider);
    s->method = slice_dup(method);
    if (s->provider == NULL || s->method == NULL) {
        free(s->provider);
        free(s->method);
        free(s);
        return NULL;
    }
    atomic_store_explicit(&s->next, atomic_load_explicit(&c->first, memory_order_relaxed),
                          memory_order_relaxed);
    atomic_store_explicit(&c->first, s, memory_order_release);
    c->count++;
    return s;
}

static struct confidence_series *find_or_make(struct confidence *c, harborai_str provider,
                                              harborai_str method)
{
    struct confidence_series *s = find(c, provider, method);
    if (s != NULL)
        return s;
    if (c->count < MOST_SERIES)
        return make(c, provider, method);
    s = find(c, OTHER, OTHER);
    return s != NULL ? s : make(c, OTHER, OTHER);
}

void confidence_add(struct confidence *c, harborai_str provider, harborai_str method, int tenths)
{
    struct confidence_series *s = find_or_make(c, provider, method);
    if (s == NULL || tenths < 0 || tenths >= CONFIDENCE_LEVELS)
        return;
    _Atomic int64_t *value = &s->counts[tenths];
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* --- Reading ----------------------------------------------------------------------------------- */

/* Those that there are: 0 nothing could be read, 0.5 estimated, 0.8 without a total, 0.9 the total
 * differs, 1 it fits. */
static const int bounds[] = {0, 5, 8, 9, 10};

static void write_series(const struct confidence *const *all, size_t count,
                         const struct confidence_series *of, struct prometheus *p)
{
    int64_t counts[CONFIDENCE_LEVELS] = {0}, below = 0, sum = 0;
    struct prometheus_label labels[] = {{"provider", slice_of(of->provider)},
                                        {"parsing_method", slice_of(of->method)},
                                        {"le", HARBORAI_STR("+Inf")}};
    for (size_t i = 0; i < count; i++) {
        const struct confidence_series *s = find(all[i], labels[0].value, labels[1].value);
        for (int level = 0; s != NULL && level < CONFIDENCE_LEVELS; level++)
            counts[level] += atomic_load_explicit(&s->counts[level], memory_order_relaxed);
    }
    for (int level = 0, b = 0; level < CONFIDENCE_LEVELS; level++) {
        static const char *const names[] = {"0", "0.5", "0.8", "0.9", "1"};
        below += counts[level];
        sum += level * counts[level];
        if (bounds[b] != level)
            continue;
        labels[2].value = slice_of(names[b++]);
        prometheus_sample(p, FAMILY, "_bucket", labels, ARRAY_LEN(labels), below);
    }
    labels[2].value = HARBORAI_STR("+Inf");
    prometheus_sample(p, FAMILY, "_bucket", labels, ARRAY_LEN(labels), below);
    prometheus_sample_decimal(p, FAMILY, "_sum", labels, 2, sum, 1);
    prometheus_sample(p, FAMILY, "_count", labels, 2, below);
}

static bool is_written(const struct confidence *const *all, size_t count,
                       const struct confidence_series *s)
{
    for (size_t i = 0; i < count; i++)
        if (find(all[i], slice_of(s->provider), slice_of(s->method)) != NULL)
            return true;
    return false;
}

void confidence_write(const struct confidence *const *all, size_t count, struct prometheus *p)
{
    prometheus_family(p, FAMILY, PROMETHEUS_HISTOGRAM,
                      "How far the usage of calls is to be trusted: 1 where it adds up.");
    for (size_t i = 0; i < count; i++) {
        const struct confidence_series *s =
            atomic_load_explicit(&all[i]->first, memory_order_acquire);
        for (; s != NULL; s = atomic_load_explicit(&s->next, memory_order_acquire))
            if (!is_written(all, i, s))
                write_series(all, count, s, p);
    }
}
