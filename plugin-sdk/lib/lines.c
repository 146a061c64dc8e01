/* SPDX-License-Identifier: MIT */
/* The decoder of lines. Each byte is looked at once, however the bytes are split. */
#include "lines.h"

#include <string.h>

void lines_init(struct lines *d, size_t max_line)
{
    *d = (struct lines){.max_line = max_line > 0 ? max_line : LINES_LINE_MAX};
}

void lines_release(struct lines *d)
{
    if (d != NULL)
        held_release(&d->held);
}

static harborai_status hand_over(harborai_str line, lines_line_fn *on_line, void *context)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line.len > 0 && on_line(context, line) != 0 ? LINES_STOPPED : HARBORAI_OK;
}

static harborai_status hold(struct lines *d, harborai_str part)
{
    if (part.len > d->max_line || d->held.len > d->max_line - part.len)
        return HARBORAI_E_PROTOCOL;
    return held_add(&d->held, part) ? HARBORAI_OK : HARBORAI_E_MEMORY;
}

harborai_status lines_feed(struct lines *d, harborai_str bytes, lines_line_fn *on_line,
                           void *context, size_t *ret_consumed)
{
    size_t at = 0;
    if (ret_consumed != NULL)
        *ret_consumed = bytes.len;
    while (at < bytes.len) {
        const char *start = bytes.data + at, *lf = memchr(start, '\n', bytes.len - at);
        harborai_str part = {start, lf != NULL ? (size_t)(lf - start) : bytes.len - at};
        harborai_status st;
        if (lf == NULL)
            return hold(d, part);
        at += part.len + 1;
        if (d->held.len > 0) {
            st = hold(d, part);
            if (st < 0)
                return st;
            st = hand_over(held_str(&d->held), on_line, context);
            held_clear(&d->held);
        } else {
            st = part.len > d->max_line ? HARBORAI_E_PROTOCOL : hand_over(part, on_line, context);
        }
        if (st == LINES_STOPPED && ret_consumed != NULL)
            *ret_consumed = at;
        if (st != HARBORAI_OK)
            return st;
    }
    return HARBORAI_OK;
}

harborai_status lines_end(struct lines *d, lines_line_fn *on_line, void *context)
{
    harborai_status st = HARBORAI_OK;
    if (d->held.len > 0)
        st = hand_over(held_str(&d->held), on_line, context);
    held_clear(&d->held);
    return st;
}
