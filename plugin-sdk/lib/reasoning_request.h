/* SPDX-License-Identifier: MIT */
/* reasoning_request: what a client says about reasoning, in the words of the vendor at hand.
 *
 * Clients say `reasoning_effort` (OpenAI), `thinking: {"type": …}` (DeepSeek, Ark, Zhipu),
 * `enable_thinking` and `thinking_budget` (Qwen, Qianfan), or `reasoning: {"effort": …}`
 * (OpenRouter). A model takes one of the two switches, and its own choice of efforts. Its own switch
 * goes out as it was sent and holds before the others; what stands beside it in other words is
 * translated, or left out where there is no word for it, and told by host->changed().
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. [call] */
#ifndef SDK_REASONING_REQUEST_H
#define SDK_REASONING_REQUEST_H

#include "chat_edits.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum reasoning_effort {
    REASONING_MINIMAL,
    REASONING_LOW,
    REASONING_MEDIUM,
    REASONING_HIGH,
    REASONING_XHIGH,
    REASONING_MAX,
    REASONING_EFFORTS /* "none" switches it off and is no effort */
};

enum { /* reasoning_dialect.flags */
    REASONING_BY_DEFAULT = 1u << 0, /* the model thinks where nobody says anything */
    REASONING_ALWAYS = 1u << 1,     /* and has no switch; its `own` is the vendor's */
    REASONING_BY_EFFORT = 1u << 2,  /* an effort means nothing while the switch is off: it goes out
                                       with the switch on */
    REASONING_AUTO = 1u << 3,       /* the switch may say "auto" */
    REASONING_BUDGET = 1u << 4,     /* thinking_budget is taken */
    REASONING_MINIMAL_OFF = 1u << 5 /* "minimal" is no thinking to the vendor: as "none" */
};

/* What a model takes. Zeroed: it does not think at all. */
struct reasoning_dialect {
    enum chat_member own; /* CHAT_THINKING or CHAT_ENABLE_THINKING; 0 = no switch */
    uint32_t flags;
    const char *efforts[REASONING_EFFORTS]; /* the word to send; NULL = there is none: on is on */
};

/* The dialect of the models whose name begins so. */
struct reasoning_family {
    const char *prefix; /* "" = of all others: the last of a table */
    const struct reasoning_dialect *dialect;
};

/* The first that fits. */
const struct reasoning_dialect *reasoning_dialect_of(const struct reasoning_family *families,
                                                     harborai_str model);

/* Adds the edits; true: the model will think. */
bool reasoning_request(struct chat_edits *e, const struct reasoning_dialect *dialect);

/* The model is not to think in this turn, whatever was said: adds the edits and tells it. */
void reasoning_request_off(struct chat_edits *e, const struct reasoning_dialect *dialect);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_REASONING_REQUEST_H */
