/* SPDX-License-Identifier: MIT */
/* Collects faults. Never prints: the fronts show them. */
#include "config/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

#define MESSAGE_MAX 512

void config_faults_init(struct config_faults *faults)
{
    faults->count = faults->total = 0;
    arena_init(&faults->texts, KIB(256));
}

void config_faults_release(struct config_faults *faults)
{
    arena_release(&faults->texts);
    faults->count = faults->total = 0;
}

static void clean(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

/* Whether `a` is to be shown after `b`. Between two files there is no order but that of finding. */
static bool is_after(const struct config_fault *a, const struct config_fault *b)
{
    if (strcmp(a->file, b->file) != 0)
        return false;
    return a->line != b->line ? a->line > b->line : a->column > b->column;
}

/* In its place; of too many the last ones go. */
static void insert(struct config_faults *faults, struct config_fault fault)
{
    unsigned at = faults->count;
    if (at == CONFIG_FAULTS_MAX)
        at--;
    else
        faults->count++;
    for (; at > 0 && is_after(&faults->items[at - 1], &fault); at--)
        faults->items[at] = faults->items[at - 1];
    faults->items[at] = fault;
}

static bool has_room(const struct config_faults *faults, const struct config_fault *fault)
{
    return faults->count < CONFIG_FAULTS_MAX ||
           is_after(&faults->items[CONFIG_FAULTS_MAX - 1], fault);
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
    clean(message);
    fault.file = arena_copy(&faults->texts, slice_of(fault.file)).data;
    fault.message = arena_copy(&faults->texts, slice_of(message)).data;
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
