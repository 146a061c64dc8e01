/* SPDX-License-Identifier: MIT */
/* Linear probing; what is removed leaves no mark behind, as those after it move up: the set lives as
 * long as its segment, through any number of calls. */
#include "store/key_set.h"

#include <assert.h>
#include <stdlib.h>

#define FEWEST 64

void key_set_release(struct key_set *set)
{
    free(set->table);
    *set = (struct key_set){0};
}

/* Where it stands, or the free place where it would. */
static size_t place_of(const struct key_set *set, uint64_t key)
{
    size_t at = key & (set->places - 1);
    while (set->table[at] != 0 && set->table[at] != key)
        at = (at + 1) & (set->places - 1);
    return at;
}

bool key_set_reserve(struct key_set *set, size_t more)
{
    struct key_set larger = {.places = set->places > 0 ? set->places : FEWEST};
    while (2 * (set->count + more) > larger.places)
        larger.places *= 2;
    if (larger.places == set->places)
        return true;
    larger.table = calloc(larger.places, sizeof *larger.table);
    if (larger.table == NULL)
        return false;
    for (size_t i = 0; i < set->places; i++)
        if (set->table[i] != 0)
            key_set_add(&larger, set->table[i]);
    key_set_release(set);
    *set = larger;
    return true;
}

void key_set_add(struct key_set *set, uint64_t key)
{
    size_t at = place_of(set, key);
    assert(set->table[at] == key || 2 * set->count < set->places);
    set->count += set->table[at] == 0;
    set->table[at] = key;
}

bool key_set_has(const struct key_set *set, uint64_t key)
{
    return set->count > 0 && set->table[place_of(set, key)] == key;
}

void key_set_remove(struct key_set *set, uint64_t key)
{
    if (!key_set_has(set, key))
        return;
    size_t mask = set->places - 1, hole = place_of(set, key);
    for (size_t at = (hole + 1) & mask; set->table[at] != 0; at = (at + 1) & mask) {
        size_t home = set->table[at] & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* the hole is before its home: it would not be found there */
        set->table[hole] = set->table[at];
        hole = at;
    }
    set->table[hole] = 0;
    set->count--;
}
