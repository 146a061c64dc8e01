/* SPDX-License-Identifier: MIT */
/* Both tags have their only '<' in front, so that a tag that breaks off begins again where it broke
 * off, if at all. What is no tag stays as it is written, escapes and all. */
#include "chat/think.h"

#include "json_value.h"

static harborai_str tag_of(const struct think *t)
{
    return t->state == THINK_INSIDE ? HARBORAI_STR("</think>") : HARBORAI_STR("<think>");
}

static struct buf *part_of(const struct think *t, struct buf *reasoning, struct buf *content)
{
    return t->state == THINK_INSIDE ? reasoning : content;
}

/* What was held is text after all. */
static void let_go(struct think *t, struct buf *part)
{
    buf_add(part, slice_cut(tag_of(t), t->held));
    t->held = 0;
}

static bool is_blank(harborai_str c)
{
    return slice_trim(c).len == 0;
}

/* A character, or a run of one byte: `raw` as it is written, `c` what it stands for. */
static void take_char(struct think *t, harborai_str raw, harborai_str c, struct buf *part)
{
    harborai_str tag = tag_of(t);
    bool is_before = t->state == THINK_BEFORE;
    if (t->held > 0 && c.data[0] != tag.data[t->held]) {
        let_go(t, part);
        if (is_before) /* "<thing>" */
            t->state = THINK_OVER;
    }
    if (t->state != THINK_OVER && c.data[0] == tag.data[t->held]) {
        if (++t->held == tag.len)
            *t = (struct think){.state = (unsigned char)(t->state + 1)};
        return;
    }
    buf_add(part, raw);
    if (is_before && !is_blank(c))
        t->state = THINK_OVER;
}

void think_split(struct think *t, harborai_str inside, struct buf *reasoning, struct buf *content)
{
    const char *p = inside.data, *end = p + inside.len;
    while (p < end && t->state != THINK_OVER) {
        const char *from = p;
        char text[4];
        size_t len = json_decode_next(&p, end, text);
        take_char(t, (harborai_str){from, (size_t)(p - from)}, (harborai_str){text, len},
             part_of(t, reasoning, content));
    }
    buf_add(content, (harborai_str){p, (size_t)(end - p)});
}

void think_end(struct think *t, struct buf *reasoning, struct buf *content)
{
    if (t->state != THINK_OVER)
        let_go(t, part_of(t, reasoning, content));
    t->state = THINK_OVER;
}
