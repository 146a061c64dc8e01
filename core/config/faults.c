/* SPDX-License-Identifier: MIT */
/* Collects faults. Never prints: the fronts show them. */
#include "config/faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "config/character.h"

#define MESSAGE_MAX 512

static void init(struct config_faults *faults, unsigned most)
{
    *faults = (struct config_faults){.most = most};
    arena_init(&faults->arena, MIB(2));
}

void config_faults_init(struct config_faults *faults)
{
    init(faults, CONFIG_FAULTS_MAX);
}

void config_faults_init_warnings(struct config_faults *faults)
{
    init(faults, CONFIG_WARNINGS_MAX);
}

void config_faults_release(struct config_faults *faults)
{
    arena_release(&faults->arena);
    faults->items = NULL;
    faults->count = faults->total = faults->room = 0;
}

/* A copy that commands no terminal. NULL: no memory left. */
static const char *copy_clean(struct config_faults *faults, const char *text)
{
    harborai_str copy = arena_copy(&faults->arena, slice_of(text));
    char *to = (char *)(uintptr_t)copy.data;
    size_t len = 0;
    for (size_t at = 0; at < copy.len;) {
        size_t bytes = character_len(copy, at);
        if (bytes == 0 || character_is_control(copy, at)) {
            to[len++] = '?';
        } else {
            memmove(to + len, copy.data + at, bytes);
            len += bytes;
        }
        at += bytes > 0 ? bytes : 1;
    }
    if (to != NULL)
        to[len] = '\0';
    return to;
}

/* Whether `a` is to be shown after `b`. Between two files there is no order but that of finding. */
static bool is_after(const struct config_fault *a, const struct config_fault *b)
{
    if (strcmp(a->file, b->file) != 0)
        return false;
    return a->line != b->line ? a->line > b->line : a->column > b->column;
}

/* Room for one more item, where the ceiling allows it. */
static bool grow(struct config_faults *faults)
{
    unsigned room = faults->room > 0 ? 2 * faults->room : 16;
    if (room > faults->most)
        room = faults->most;
    struct config_fault *items = arena_alloc(&faults->arena, room * sizeof *items);
    if (items == NULL)
        return false;
    if (faults->count > 0)
        memcpy(items, faults->items, faults->count * sizeof *items);
    faults->items = items;
    faults->room = room;
    return true;
}

/* In its place; of too many the last ones go. */
static void insert(struct config_faults *faults, struct config_fault fault)
{
    unsigned at = faults->count;
    if (at == faults->most)
        at--;
    else
        faults->count++;
    for (; at > 0 && is_after(&faults->items[at - 1], &fault); at--)
        faults->items[at] = faults->items[at - 1];
    faults->items[at] = fault;
}

static bool has_room(struct config_faults *faults, const struct config_fault *fault)
{
    if (faults->count == faults->most)
        return is_after(&faults->items[faults->most - 1], fault);
    return faults->count < faults->room || grow(faults);
}

void config_faults_add(struct config_faults *faults, struct config_place place, const char *format,
                       ...)
{
    struct config_fault fault = {place.file != NULL ? place.file : "", place.line, place.column,
                                 NULL};
    char message[MESSAGE_MAX];
    va_list arguments;

    faults->total++;
    if (!has_room(faults, &fault))
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    fault.file = copy_clean(faults, place.file);
    fault.message = copy_clean(faults, message);
    if (fault.file != NULL && fault.message != NULL)
        insert(faults, fault);
}

void config_fault_format(const struct config_fault *fault, char *text, size_t size)
{
    if (fault->file[0] == '\0')
        snprintf(text, size, "%s", fault->message);
    else if (fault->line == 0)
        snprintf(text, size, "%s: %s", fault->file, fault->message);
    else
        snprintf(text, size, "%s:%u:%u: %s", fault->file, fault->line, fault->column,
                 fault->message);
}

harborai_status config_faults_summarise(const struct config_faults *faults, harborai_error *error)
{
    char text[400] = "the configuration is wrong";
    if (faults->count > 0)
        config_fault_format(&faults->items[0], text, sizeof text);
    if (faults->total > 1)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "%s (and %u more)", text,
                                  faults->total - 1);
    return harborai_error_set(error, HARBORAI_E_CONFIG, "%s", text);
}
