/* SPDX-License-Identifier: MIT */
/* Memory that lives and dies together: a call's. Allocation is a pointer bump, freeing is one
 * pass. Born with a ceiling. Not for two threads at once. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/attr.h"
#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    char *at, *end;         /* room in the newest block, or in the memory that it was born with */
    size_t used, ceiling;   /* bytes handed out, and the most */
};

void arena_init(struct arena *a, size_t ceiling);
/* Takes from `memory` first, which is its owner's, aligned for any type and outlives the arena. */
void arena_init_in(struct arena *a, size_t ceiling, void *memory, size_t size);
void arena_release(struct arena *a);

/* Zeroed, aligned for any type. NULL: no memory left, or the ceiling is passed. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy with a NUL behind it. { NULL, 0 } when out of memory. */
harborai_str arena_copy(struct arena *a, harborai_str text);

PRINTF(2, 3) harborai_str arena_printf(struct arena *a, const char *format, ...);

#endif
