/* SPDX-License-Identifier: MIT */
/* The decoder of server-sent events. Time is in proportion to the bytes, however they are split and
 * whatever ends their lines: each byte is searched once for LF and once for CR. */
#include "sse.h"

#include <string.h>

static const char mark[3] = {'\xef', '\xbb', '\xbf'};

struct feed {
    struct sse *d;
    const char *begin, *at, *end; /* of the bytes; `at`: the current line's start */
    const char *event_begin;      /* behind the last event */
    const char *lf;               /* the next LF from `at` on, or `end`; NULL = look again */
    sse_event_fn *on_event;
    void *context;
};

void sse_init(struct sse *d, size_t max_event)
{
    *d = (struct sse){.max_event = max_event > 0 ? max_event : SSE_EVENT_MAX};
}

void sse_release(struct sse *d)
{
    if (d == NULL)
        return;
    held_release(&d->line);
    held_release(&d->data);
    held_release(&d->type);
    held_release(&d->id);
}

bool sse_is_pending(const struct sse *d)
{
    return d->line.len > 0 || d->has_data || (d->bom > 0 && d->bom < 3);
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static harborai_status hold_data(struct sse *d)
{
    if (d->has_data && !d->is_data_held) {
        if (!held_add(&d->data, d->data_here))
            return HARBORAI_E_MEMORY;
        d->is_data_held = true;
    }
    return HARBORAI_OK;
}

static harborai_status hold_type(struct sse *d)
{
    if (d->type_here.len > 0) {
        held_clear(&d->type);
        if (!held_add(&d->type, d->type_here))
            return HARBORAI_E_MEMORY;
        d->is_type_held = true;
        d->type_here.len = 0;
    }
    return HARBORAI_OK;
}

/* `is_here`: the value lies in the fed bytes, not in d->line. */
static harborai_status add_data(struct sse *d, harborai_str value, bool is_here)
{
    harborai_status st;
    if (!d->has_data) {
        d->has_data = true;
        d->data_here = value;
        return is_here ? HARBORAI_OK : hold_data(d);
    }
    st = hold_data(d);
    if (st < 0)
        return st;
    if (value.len >= d->max_event || d->data.len >= d->max_event - value.len)
        return HARBORAI_E_PROTOCOL;
    return held_add(&d->data, HARBORAI_STR("\n")) && held_add(&d->data, value) ? HARBORAI_OK
                                                                               : HARBORAI_E_MEMORY;
}

static harborai_status set_type(struct sse *d, harborai_str value, bool is_here)
{
    d->is_type_held = false;
    d->type_here = value;
    return is_here ? HARBORAI_OK : hold_type(d);
}

static harborai_status set_id(struct sse *d, harborai_str value)
{
    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
        return HARBORAI_OK;
    held_clear(&d->id);
    return held_add(&d->id, value) ? HARBORAI_OK : HARBORAI_E_MEMORY;
}

static bool is_name(harborai_str line, const char *name, size_t len)
{
    return line.len >= len && memcmp(line.data, name, len) == 0 &&
           (line.len == len || line.data[len] == ':');
}

static harborai_str value_behind(harborai_str line, size_t name_len)
{
    size_t skip = name_len;
    if (skip < line.len)
        skip++;
    if (skip < line.len && line.data[skip] == ' ')
        skip++;
    return (harborai_str){line.data + skip, line.len - skip};
}

/* A line that is not empty. */
static harborai_status take_field(struct sse *d, harborai_str line, bool is_here)
{
    if (line.len > d->max_event)
        return HARBORAI_E_PROTOCOL;
    if (is_name(line, "data", 4))
        return add_data(d, value_behind(line, 4), is_here);
    if (is_name(line, "event", 5))
        return set_type(d, value_behind(line, 5), is_here);
    if (is_name(line, "id", 2))
        return set_id(d, value_behind(line, 2));
    d->comments += line.data[0] == ':';
    return HARBORAI_OK; /* `retry` is for who reconnects; unknown fields are ignored */
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void forget_event(struct sse *d)
{
    d->has_data = d->is_data_held = d->is_type_held = d->has_begun = false;
    d->type_here.len = 0;
    if (d->data.capacity > 0)
        held_clear(&d->data);
}

/* An empty line: f->at is behind it. */
static int end_event(struct feed *f)
{
    struct sse *d = f->d;
    int stop = 0;
    if (d->has_data) {
        struct sse_event event = {
            .type = d->is_type_held ? held_str(&d->type) : d->type_here,
            .data = d->is_data_held ? held_str(&d->data) : d->data_here,
            .id = held_str(&d->id),
            .begin = (size_t)(f->event_begin - f->begin),
            .end = (size_t)(f->at - f->begin),
            .is_whole = !d->has_begun,
        };
        stop = f->on_event(f->context, &event);
    }
    forget_event(d);
    f->event_begin = f->at;
    return stop;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* The end of the line that begins at f->at: its LF or CR, or f->end. */
static const char *find_line_end(struct feed *f)
{
    const char *cr;
    if (f->lf == NULL || f->lf < f->at) {
        f->lf = memchr(f->at, '\n', (size_t)(f->end - f->at));
        if (f->lf == NULL)
            f->lf = f->end;
    }
    cr = f->lf > f->at ? memchr(f->at, '\r', (size_t)(f->lf - f->at)) : NULL;
    return cr != NULL ? cr : f->lf;
}

/* Past the line's end at `stop`, whose LF after a CR may come with the next feed only. */
static const char *skip_line_end(struct feed *f, const char *stop)
{
    if (*stop == '\n')
        return stop + 1;
    if (stop + 1 < f->end)
        return stop + (stop[1] == '\n' ? 2 : 1);
    f->d->skip_lf = true;
    return stop + 1;
}

static harborai_status hold_line(struct sse *d, const char *from, const char *to)
{
    if ((size_t)(to - from) > d->max_event || d->line.len > d->max_event - (size_t)(to - from))
        return HARBORAI_E_PROTOCOL;
    return held_add(&d->line, (harborai_str){from, (size_t)(to - from)}) ? HARBORAI_OK
                                                                         : HARBORAI_E_MEMORY;
}

/* One line, which ends in these bytes at `stop`: 0, SSE_STOPPED or an error. */
static harborai_status take_line(struct feed *f, const char *stop)
{
    struct sse *d = f->d;
    harborai_str line = {f->at, (size_t)(stop - f->at)};
    bool is_here = d->line.len == 0;
    harborai_status st;
    if (!is_here) {
        st = hold_line(d, f->at, stop);
        if (st < 0)
            return st;
        line = held_str(&d->line);
    }
    f->at = skip_line_end(f, stop);
    if (line.len == 0)
        return end_event(f) != 0 ? SSE_STOPPED : HARBORAI_OK;
    st = take_field(d, line, is_here);
    if (!is_here)
        held_clear(&d->line);
    return st;
}

/* The bytes end here, within an event perhaps: what is needed of them later is copied. */
static harborai_status hold_rest(struct feed *f)
{
    harborai_status st = hold_line(f->d, f->at, f->end);
    if (st == HARBORAI_OK)
        st = hold_data(f->d);
    if (st == HARBORAI_OK)
        st = hold_type(f->d);
    f->d->has_begun |= f->event_begin < f->end;
    return st;
}

/* At the start of the stream: past a byte order mark, which may come in pieces. */
static harborai_status skip_mark(struct feed *f)
{
    struct sse *d = f->d;
    while (f->at < f->end && d->bom < 3 && *f->at == mark[d->bom]) {
        f->at++;
        d->bom++;
    }
    if (f->at == f->end || d->bom == 3)
        return HARBORAI_OK;
    uint8_t matched = d->bom; /* no mark, then: those bytes were the start of a line */
    d->bom = 3;
    return held_add(&d->line, (harborai_str){mark, matched}) ? HARBORAI_OK : HARBORAI_E_MEMORY;
}

harborai_status sse_feed(struct sse *d, harborai_str bytes, sse_event_fn *on_event, void *context,
                         size_t *ret_consumed)
{
    struct feed f = {d, bytes.data, bytes.data, NULL, bytes.data, NULL, on_event, context};
    harborai_status st = HARBORAI_OK;
    if (ret_consumed != NULL)
        *ret_consumed = bytes.len;
    if (bytes.len == 0)
        return HARBORAI_OK;
    f.end = f.begin + bytes.len;
    if (d->bom < 3)
        st = skip_mark(&f);
    if (d->skip_lf && f.at < f.end) {
        d->skip_lf = false;
        f.at += *f.at == '\n';
    }
    while (st == HARBORAI_OK && f.at < f.end) {
        const char *stop = find_line_end(&f);
        if (stop == f.end)
            break;
        st = take_line(&f, stop);
    }
    if (st == SSE_STOPPED && ret_consumed != NULL)
        *ret_consumed = (size_t)(f.at - f.begin);
    return st == HARBORAI_OK ? hold_rest(&f) : st;
}
