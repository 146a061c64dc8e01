/* SPDX-License-Identifier: MIT */
/* The asks of a client by their ids. An id is used once: a place that is free again has aged. */
#include <stdlib.h>

#include "client/client.h"

static bool grow(struct roster *roster)
{
    uint32_t capacity = roster->capacity > 0 ? roster->capacity * 2 : 16;
    if (capacity > UINT32_MAX / 2)
        return false;
    struct roster_entry *entries = realloc(roster->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    for (uint32_t i = roster->capacity; i < capacity; i++)
        entries[i] = (struct roster_entry){NULL, 1, i + 1};
    roster->entries = entries;
    roster->free = roster->capacity;
    roster->capacity = capacity;
    return true;
}

harborai_call_id roster_add(struct roster *roster, struct ask *ask)
{
    if (roster->free == roster->capacity && !grow(roster))
        return 0;
    uint32_t place = roster->free;
    struct roster_entry *entry = &roster->entries[place];
    roster->free = entry->next;
    entry->ask = ask;
    return (harborai_call_id)entry->age << 32 | place;
}

static struct roster_entry *entry_of(const struct roster *roster, harborai_call_id id)
{
    uint32_t place = (uint32_t)id;
    if (place >= roster->capacity || roster->entries[place].age != id >> 32)
        return NULL;
    return &roster->entries[place];
}

struct ask *roster_find(const struct roster *roster, harborai_call_id id)
{
    const struct roster_entry *entry = entry_of(roster, id);
    return entry != NULL ? entry->ask : NULL;
}

void roster_remove(struct roster *roster, harborai_call_id id)
{
    struct roster_entry *entry = entry_of(roster, id);
    if (entry == NULL)
        return;
    *entry = (struct roster_entry){NULL, entry->age < UINT32_MAX ? entry->age + 1 : 1, roster->free};
    roster->free = (uint32_t)id;
}

void roster_release(struct roster *roster)
{
    free(roster->entries);
    *roster = (struct roster){0};
}
