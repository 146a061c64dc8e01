/* SPDX-License-Identifier: MIT */
/* A sorted list of replacements. They come nearly in order, so each is sorted in from the end. */
#include "chat/splice.h"

#include <stdlib.h>

void splices_init(struct splices *s, size_t ceiling)
{
    *s = (struct splices){0};
    buf_init(&s->text, ceiling);
}

void splices_release(struct splices *s)
{
    free(s->list);
    s->list = NULL;
    s->count = s->capacity = 0;
    buf_release(&s->text);
}

void splices_clear(struct splices *s)
{
    s->count = 0;
    buf_clear(&s->text);
}

static bool grow(struct splices *s)
{
    unsigned capacity = s->capacity > 0 ? 2 * s->capacity : 16;
    if (s->count < s->capacity)
        return true;
    struct splice *list = realloc(s->list, capacity * sizeof *list);
    if (list == NULL)
        return false;
    s->list = list;
    s->capacity = capacity;
    return true;
}

struct buf *splices_begin(struct splices *s, harborai_str old)
{
    if (!grow(s)) {
        s->text.failed = HARBORAI_E_MEMORY;
        return &s->text;
    }
    s->list[s->count] = (struct splice){old.data, old.len, s->text.len, 0};
    return &s->text;
}

void splices_end(struct splices *s)
{
    if (s->text.failed != HARBORAI_OK)
        return;
    struct splice last = s->list[s->count];
    unsigned at = s->count++;
    last.text_len = s->text.len - last.at;
    for (; at > 0 && s->list[at - 1].from > last.from; at--)
        s->list[at] = s->list[at - 1];
    s->list[at] = last;
}

void splices_replace(struct splices *s, harborai_str old, harborai_str by)
{
    buf_add(splices_begin(s, old), by);
    splices_end(s);
}

harborai_status splices_apply(const struct splices *s, harborai_str text, struct buf *out,
                              harborai_error *error)
{
    const char *kept = text.data;
    harborai_status st = buf_status(&s->text, error);
    if (st < 0)
        return st;
    for (unsigned i = 0; i < s->count; i++) {
        const struct splice *splice = &s->list[i];
        buf_add(out, (harborai_str){kept, (size_t)(splice->from - kept)});
        buf_add(out, (harborai_str){s->text.data + splice->at, splice->text_len});
        kept = splice->from + splice->len;
    }
    buf_add(out, (harborai_str){kept, (size_t)(text.data + text.len - kept)});
    return buf_status(out, error);
}
