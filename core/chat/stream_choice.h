/* SPDX-License-Identifier: MIT */
/* One choice of a chunk: read, noted in the stream, and what does not conform marked for repair.
 * For stream.c and answer_repair.c alone. [any] */
#ifndef CHAT_STREAM_CHOICE_H
#define CHAT_STREAM_CHOICE_H

#include "chat/message.h"
#include "chat/stream.h"

/* What of a choice may differ in the next chunk without a difference to the stream. */
struct choice_text {
    harborai_str value;     /* a JSON string; empty: it said more than one text */
    bool is_reasoning;      /* of choice 0 */
    struct tool_call *call; /* whose arguments it is; NULL: none's */
};

/* Keeps a string or a number that is not "". False: nothing was kept, because something was already,
 * or the value is none. */
bool stream_text_keep(struct stream_text *text, harborai_str value);

/* A finish_reason as written; OPEN: null, "" or no string. */
enum stream_finish stream_finish_of(harborai_str reason);
/* What a finish, of enum stream_finish, means for tool calls. */
enum tool_end stream_tool_end(unsigned finish);

/* `position`: of the choice in its array, which stands for an index that is missing. False: it is no
 * choice; w->fault and w->error say what else is wrong. */
bool stream_choice(struct stream *w, harborai_str choice, unsigned position,
                   struct choice_text *ret_text);

#endif
