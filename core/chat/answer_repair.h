/* SPDX-License-Identifier: MIT */
/* A whole answer that is not as OpenAI's API promises, repaired as streams are (chat/stream.h): its
 * tool calls, `reasoning`, the finish_reason beside tool calls, and `content`, which is there even if
 * it is null. What conforms stays as it is, byte for byte. Not for two threads at once. */
#ifndef CHAT_ANSWER_REPAIR_H
#define CHAT_ANSWER_REPAIR_H

#include "chat/answer.h"
#include "chat/message.h"
#include "chat/tool_calls.h"

struct answer_repair {
    struct tool_calls calls;
    struct splices splices;
    struct buf out;
    struct message_thoughts thoughts[2]; /* of choice 0, and of the others */
    bool think_tags;
    bool is_repaired;       /* the answer is in `out` now */
    harborai_str reasoning; /* what choice 0 thinks, a JSON string; of the body, or our own */
};

/* `id_seed` and `think_tags` as in chat/stream.h. */
void answer_repair_init(struct answer_repair *r, uint64_t id_seed, bool think_tags);
void answer_repair_release(struct answer_repair *r);

/* Reads the choices of an answer that answer_check() took, and has answer->body and finish_reason be
 * what the client gets. E_PROTOCOL: beyond repair; the message begins with what the vendor did, such
 * as "sent a tool call without a name". E_MEMORY. */
MUST_CHECK harborai_status answer_repair(struct answer_repair *r, struct chat_answer *answer,
                                         harborai_error *error);

/* As stream_next_call(). */
static inline bool answer_next_call(const struct answer_repair *r, const struct tool_call **at,
                                    struct turn_call *ret_call)
{
    return tool_calls_next_turn(&r->calls, at, ret_call);
}

#endif
