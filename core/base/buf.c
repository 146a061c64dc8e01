/* SPDX-License-Identifier: MIT */
/* Growable bytes with a ceiling and a sticky failure. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"

#define SMALLEST 256

void buf_init(struct buf *b, size_t ceiling)
{
    *b = (struct buf)BUF_INIT(ceiling);
}

void buf_release(struct buf *b)
{
    free(b->data);
    buf_init(b, b->ceiling);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = HARBORAI_OK;
}

static size_t grown(const struct buf *b, size_t need)
{
    size_t capacity = b->capacity < SMALLEST ? SMALLEST : b->capacity;
    while (capacity < need)
        capacity += capacity / 2;
    return capacity < b->ceiling ? capacity : b->ceiling;
}

char *buf_grow(struct buf *b, size_t len)
{
    if (b->failed != HARBORAI_OK)
        return NULL;
    if (len > b->ceiling || b->len > b->ceiling - len) {
        b->failed = HARBORAI_E_MEMORY;
        return NULL;
    }
    if (b->capacity - b->len < len || b->data == NULL) {
        size_t capacity = grown(b, b->len + len);
        char *data = realloc(b->data, capacity > 0 ? capacity : 1);
        if (data == NULL) {
            b->failed = HARBORAI_E_MEMORY;
            return NULL;
        }
        b->data = data;
        b->capacity = capacity;
    }
    return b->data + b->len;
}

void buf_add_u64(struct buf *b, uint64_t value)
{
    char *room = buf_reserve(b, decimal_len(value));
    if (room != NULL)
        b->len += (size_t)(decimal_put(room, value) - room);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list arguments;
    char small[512];

    va_start(arguments, format);
    int need = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (need < 0) {
        b->failed = HARBORAI_E_INTERNAL;
    } else if ((size_t)need < sizeof small) {
        buf_add(b, (harborai_str){small, (size_t)need});
    } else {
        char *room = buf_reserve(b, (size_t)need + 1); /* vsnprintf writes a NUL */
        if (room == NULL)
            return;
        va_start(arguments, format);
        vsnprintf(room, (size_t)need + 1, format, arguments);
        va_end(arguments);
        b->len += (size_t)need;
    }
}

void buf_consume(struct buf *b, size_t len)
{
    b->len -= len;
    if (b->len > 0)
        memmove(b->data, b->data + len, b->len);
}

harborai_status buf_status(const struct buf *b, harborai_error *error)
{
    if (b->failed == HARBORAI_OK)
        return HARBORAI_OK;
    return harborai_error_set(error, b->failed, "more than the %zu bytes that are allowed here, "
                              "or no memory left", b->ceiling);
}

char *buf_take(struct buf *b)
{
    char *end = buf_reserve(b, 1);
    if (end == NULL)
        return NULL;
    *end = '\0';
    char *data = b->data;
    b->data = NULL;
    buf_release(b);
    return data;
}
