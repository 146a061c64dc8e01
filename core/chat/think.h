/* SPDX-License-Identifier: MIT */
/* <think>…</think> at the beginning of a text, as models write it whose server does not tell their
 * reasoning apart: which part is reasoning, and which the answer. Tags may come in pieces. [any] */
#ifndef CHAT_THINK_H
#define CHAT_THINK_H

#include <stdbool.h>

#include "base/buf.h"

enum think_state {
    THINK_BEFORE = 0, /* blanks at most: the tag may come */
    THINK_INSIDE,
    THINK_OVER /* all that follows is the answer */
};

struct think {
    unsigned char state; /* enum think_state */
    unsigned char held;  /* bytes of a tag that may have begun */
};

/* Takes the next piece, a JSON string's inside, and adds the parts to `reasoning` and `content`,
 * likewise insides of JSON strings. Of a tag that is cut off the rest is awaited. */
void think_split(struct think *t, harborai_str inside, struct buf *reasoning, struct buf *content);
/* The text is over: what is held is no tag. */
void think_end(struct think *t, struct buf *reasoning, struct buf *content);

#endif
