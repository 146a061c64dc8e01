/* SPDX-License-Identifier: MIT */
/* chat_edits: the edits of one chat request on its way to a vendor with OpenAI's API. The members
 * that such vendors disagree about are found in one pass; each edit is noted, and told to the
 * application by host->changed() where it changes what was asked for.
 *
 *     struct chat_edits e;
 *     chat_edits_init(&e, call, request, error);
 *     chat_edits_rename(&e, CHAT_MAX_COMPLETION_TOKENS, CHAT_MAX_TOKENS);
 *     chat_edits_developer(&e);
 *     struct openai_chat what = {.edits = e.edits, .edit_count = e.count};
 *     return e.status < 0 ? e.status : openai_chat_start(provider, call, &what, error);
 *
 * The first failure stays in `status`; after it every function does nothing.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [call]. */
#ifndef SDK_CHAT_EDITS_H
#define SDK_CHAT_EDITS_H

#include <stdbool.h>

#include <harborai/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum chat_member {
    CHAT_MODEL,
    CHAT_MESSAGES,
    CHAT_THINKING,
    CHAT_ENABLE_THINKING,
    CHAT_THINKING_BUDGET,
    CHAT_REASONING_EFFORT,
    CHAT_MAX_TOKENS,
    CHAT_MAX_COMPLETION_TOKENS,
    CHAT_TEMPERATURE,
    CHAT_PRESENCE_PENALTY,
    CHAT_FREQUENCY_PENALTY,
    CHAT_TOOL_CHOICE,
    CHAT_N,
    CHAT_REASONING,
    CHAT_TEMPLATE_KWARGS,
    CHAT_TOP_P,
    CHAT_LOGPROBS,
    CHAT_TOP_LOGPROBS,
    CHAT_LOGIT_BIAS,
    CHAT_SEED,
    CHAT_STOP,
    CHAT_TOOLS,
    CHAT_MODALITIES,
    CHAT_MEMBERS
};

struct chat_edits {
    harborai_status status;
    harborai_edit *edits; /* of the host's memory, until the call is released */
    size_t count;
    harborai_str values[CHAT_MEMBERS]; /* as sent; empty: absent or null */
    /* private */
    harborai_call *call;
    harborai_error *error;
    size_t capacity;
};

/* From the members that the host tells of or, if it is too old for that, from the body. */
void chat_edits_init(struct chat_edits *e, harborai_call *call, const harborai_request *request,
                     harborai_error *error);

static inline bool chat_edits_has(const struct chat_edits *e, enum chat_member member)
{
    return e->values[member].len > 0;
}

/* The member is sent with this JSON text, or this string. The texts must live as long as the edits. */
void chat_edits_set(struct chat_edits *e, enum chat_member member, harborai_str json);
void chat_edits_set_text(struct chat_edits *e, enum chat_member member, const char *text);
/* The member is not sent; nothing happens if it is not there. */
void chat_edits_remove(struct chat_edits *e, enum chat_member member);
/* Tell what became of a member: HARBORAI_CHANGED_…. */
void chat_edits_tell(struct chat_edits *e, enum chat_member member, uint32_t how);
/* Not sent, and told as dropped; nothing if it is not there. */
void chat_edits_drop(struct chat_edits *e, enum chat_member member);

/* What was sent by the first name goes out by the second, unless that is there too. */
void chat_edits_rename(struct chat_edits *e, enum chat_member from, enum chat_member to);

/* `modalities` other than ["text"] are dropped, for vendors whose models answer in text alone. */
void chat_edits_text_alone(struct chat_edits *e);

/* The last edits to be made: the functions above must not be called any more. */

/* An edit of any other kind; its texts must live as long as the edits. */
void chat_edits_add(struct chat_edits *e, harborai_edit edit);
/* A member that has no name above: it is sent with this JSON text, for which it must not be there. */
void chat_edits_add_member(struct chat_edits *e, harborai_str name, harborai_str json);

/* What becomes of a member that many messages have. */
struct chat_message_edit {
    const char *name; /* plain ASCII */
    const char *from; /* only where it is this string; NULL = always */
    const char *to;   /* sent with this string, not longer than `from`; NULL = not sent */
    uint32_t how;     /* told of the first message alone; 0 = not at all */
};
#define CHAT_MESSAGES_DEVELOPER                                                                    \
    {                                                                                              \
        "role", "developer", "system", HARBORAI_CHANGED_ADAPTED                                    \
    }

/* At most 32 kinds, all of them at once: a second time is not possible. However many messages there
 * are, it takes no more edits than a request may have: "/messages" is sent anew then. */
void chat_edits_messages(struct chat_edits *e, const struct chat_message_edit *kinds, size_t count);
/* Messages of the role "developer", which OpenAI's newer models know, become those of "system": CHAT_MESSAGES_DEVELOPER
 * alone. */
void chat_edits_developer(struct chat_edits *e);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_CHAT_EDITS_H */
