/* SPDX-License-Identifier: MIT */
/* A hash table of fixed size: a name has the four places of one row. Must never wait. */
#include "account/rate_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"

enum { ROWS = 8192, PLACES = 4 };

struct place {
    _Atomic uint64_t name; /* its hash; 0 = nobody's */
    struct rate_meter meter;
};

struct rate_table {
    uint64_t seed; /* nobody outside knows which names share a row */
    struct place rows[ROWS][PLACES];
};

harborai_status rate_table_create(struct rate_table **ret_table, harborai_error *error)
{
    struct rate_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (getrandom(&table->seed, sizeof table->seed, 0) != (ssize_t)sizeof table->seed)
        table->seed = (uint64_t)(uintptr_t)table;
    *ret_table = table;
    return HARBORAI_OK;
}

void rate_table_destroy(struct rate_table *table)
{
    free(table);
}

static int64_t full_at(const struct place *place)
{
    return atomic_load_explicit(&place->meter.full_ns, memory_order_relaxed);
}

/* Two threads that take a place at once for two names: the second has it, and the first counts there for
 * this once. */
static struct place *take_place(struct place *row, uint64_t name, int64_t now_ns)
{
    struct place *least = row;
    for (unsigned i = 1; i < PLACES; i++)
        if (full_at(&row[i]) < full_at(least))
            least = &row[i];
    atomic_store_explicit(&least->name, name, memory_order_relaxed);
    if (full_at(least) > now_ns)
        atomic_store_explicit(&least->meter.full_ns, 0, memory_order_relaxed);
    return least;
}

struct rate_meter *rate_table_find(struct rate_table *table, harborai_str name, int64_t now_ns)
{
    uint64_t hash = hash_slice(name, table->seed) | 1;
    struct place *row = table->rows[(hash >> 1) % ROWS];
    for (unsigned i = 0; i < PLACES; i++)
        if (atomic_load_explicit(&row[i].name, memory_order_relaxed) == hash)
            return &row[i].meter;
    return &take_place(row, hash, now_ns)->meter;
}
