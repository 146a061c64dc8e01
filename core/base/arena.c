/* SPDX-License-Identifier: MIT */
/* A chain of blocks. A large piece gets a block of its own, so that it wastes no other's room. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ALIGNMENT _Alignof(max_align_t)
#define BLOCK_SIZE 4096

struct arena_block {
    struct arena_block *next;
    _Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t ceiling)
{
    *a = (struct arena){.ceiling = ceiling};
}

void arena_init_in(struct arena *a, size_t ceiling, void *memory, size_t size)
{
    *a = (struct arena){.at = memory, .end = (char *)memory + size, .ceiling = ceiling};
}

void arena_release(struct arena *a)
{
    for (struct arena_block *block = a->blocks; block != NULL;) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena_init(a, a->ceiling);
}

static struct arena_block *add_block(struct arena *a, size_t size)
{
    struct arena_block *block = malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->next = a->blocks;
    a->blocks = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
    if (size > a->ceiling || a->used > a->ceiling - size)
        return NULL;
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *piece = a->at;
    if ((size_t)(a->end - a->at) < rounded || a->at == NULL) {
        bool large = rounded > BLOCK_SIZE / 4;
        struct arena_block *block = add_block(a, large ? rounded : BLOCK_SIZE);
        if (block == NULL)
            return NULL;
        piece = block->bytes;
        if (!large) {
            a->at = block->bytes;
            a->end = block->bytes + BLOCK_SIZE;
        }
    }
    if (piece == a->at)
        a->at += rounded;
    a->used += rounded;
    return memset(piece, 0, size);
}

harborai_str arena_copy(struct arena *a, harborai_str text)
{
    char *copy = arena_alloc(a, text.len + 1);
    if (copy == NULL)
        return SLICE_NONE;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return (harborai_str){copy, text.len};
}

harborai_str arena_printf(struct arena *a, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int need = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = need < 0 ? NULL : arena_alloc(a, (size_t)need + 1);
    if (text == NULL)
        return SLICE_NONE;
    va_start(arguments, format);
    vsnprintf(text, (size_t)need + 1, format, arguments);
    va_end(arguments);
    return (harborai_str){text, (size_t)need};
}
