/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; what is behind a place that becomes free moves up. */
#include "store/open_calls.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"

#define FIRST 64
#define MOST (MIB(128) / sizeof(struct open_call)) /* of which half is used: no process has as many */

static bool is_free(const struct open_call *call)
{
    return (call->key[0] | call->key[1]) == 0;
}

/* The place of the key, or the free one where it would stand. There are free ones. */
static size_t place_of(const struct open_calls *calls, const uint64_t key[2])
{
    size_t at = key[0] & (calls->capacity - 1);
    for (;; at = (at + 1) & (calls->capacity - 1)) {
        const struct open_call *call = &calls->slots[at];
        if (is_free(call) || (call->key[0] == key[0] && call->key[1] == key[1]))
            return at;
    }
}

static bool grow(struct open_calls *calls)
{
    size_t capacity = calls->capacity > 0 ? 2 * calls->capacity : FIRST;
    struct open_calls grown = {NULL, capacity, calls->count};
    if (capacity > MOST || (grown.slots = calloc(capacity, sizeof *grown.slots)) == NULL)
        return false;
    for (size_t i = 0; i < calls->capacity; i++)
        if (!is_free(&calls->slots[i]))
            grown.slots[place_of(&grown, calls->slots[i].key)] = calls->slots[i];
    free(calls->slots);
    *calls = grown;
    return true;
}

static void hash_key(harborai_str key, uint64_t ret_hash[2])
{
    ret_hash[0] = hash_slice(key, 1);
    ret_hash[1] = hash_slice(key, 2) | 1;
}

struct open_call *open_calls_put(struct open_calls *calls, harborai_str key)
{
    uint64_t hash[2];
    hash_key(key, hash);
    if (2 * (calls->count + 1) > calls->capacity && !grow(calls))
        return NULL;
    struct open_call *call = &calls->slots[place_of(calls, hash)];
    if (is_free(call)) {
        *call = (struct open_call){.key = {hash[0], hash[1]}};
        calls->count++;
    }
    return call;
}

void open_calls_remove(struct open_calls *calls, harborai_str key)
{
    uint64_t hash[2];
    size_t mask = calls->capacity - 1;
    hash_key(key, hash);
    if (calls->count == 0)
        return;
    size_t hole = place_of(calls, hash);
    if (is_free(&calls->slots[hole]))
        return;
    calls->count--;
    for (size_t i = (hole + 1) & mask; !is_free(&calls->slots[i]); i = (i + 1) & mask) {
        size_t home = calls->slots[i].key[0] & mask;
        if (((i - home) & mask) < ((i - hole) & mask))
            continue; /* it would stand before its home */
        calls->slots[hole] = calls->slots[i];
        hole = i;
    }
    calls->slots[hole] = (struct open_call){.len = 0};
}

static int compare(const void *a, const void *b)
{
    const struct open_call *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void open_calls_sort(struct open_calls *calls)
{
    size_t kept = 0;
    for (size_t i = 0; i < calls->capacity; i++)
        if (!is_free(&calls->slots[i]))
            calls->slots[kept++] = calls->slots[i];
    if (kept > 1)
        qsort(calls->slots, kept, sizeof *calls->slots, compare);
}

void open_calls_release(struct open_calls *calls)
{
    free(calls->slots);
    *calls = (struct open_calls){NULL, 0, 0};
}
