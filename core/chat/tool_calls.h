/* SPDX-License-Identifier: MIT */
/* The tool calls of an answer that a vendor wrote in OpenAI's form, and what makes them as OpenAI's
 * API promises: in a stream indices from 0 without gaps, each call with one; id, type and name once;
 * arguments that are text, and together one JSON value. Of what conforms no byte changes, but for {}
 * that comes with the name: some begin with it and send the arguments then, so it is kept back until
 * they come or the choice ends. Behind the arguments only blanks, brackets too many and the same once
 * more may come, and are cut off. Not for two threads at once.
 *
 * Which call a piece belongs to is told by its id, its index and its name, as far as there are any:
 * several servers leave the index out or write 0 into all, and some repeat or renew the id. */
#ifndef CHAT_TOOL_CALLS_H
#define CHAT_TOOL_CALLS_H

#include "chat/arguments.h"
#include "chat/splice.h"

struct tool_text { /* in tool_calls.texts */
    uint32_t at, len;
};

struct tool_call {
    unsigned choice, index;       /* as the client sees them */
    int64_t vendor_index;         /* the last one */
    bool has_vendor_index, is_id_made;
    bool is_custom;               /* it has no arguments that we know of */
    struct tool_text id, name;    /* decoded; name.len 0: it did not come yet */
    struct arguments arguments;
    struct arguments again;       /* what comes behind them when they are whole */
    bool has_placeholder;         /* {} came with the name: kept back, more may come */
};

struct tool_calls {
    struct tool_call *call; /* owned; in the order in which they began */
    unsigned count, capacity;
    struct buf texts;
    uint64_t seed;
    bool is_last, is_whole; /* of what is read: no more comes of its calls; each item is one */
};

/* `seed` makes ids where a vendor gives none: the same for the same. */
void tool_calls_init(struct tool_calls *calls, uint64_t seed);
void tool_calls_release(struct tool_calls *calls);

/* What a choice's end means for its calls. */
enum tool_end {
    TOOL_END_NONE, /* more may come: a chunk of a stream */
    TOOL_END_WHOLE,
    TOOL_END_CUT /* by the token limit or a filter: arguments may be incomplete */
};

/* Reads the `tool_calls` of a chunk's delta, an array, and notes what has to change. `is_last`: the
 * chunk ends the choice. Returns NULL, or what is wrong beyond repair: a constant that completes "the
 * vendor …". */
MUST_CHECK const char *tool_calls_read_delta(struct tool_calls *calls, unsigned choice,
                                             harborai_str array, bool is_last,
                                             struct splices *splices);
/* The same for a whole message. */
MUST_CHECK const char *tool_calls_read_message(struct tool_calls *calls, unsigned choice,
                                               harborai_str array, enum tool_end end,
                                               struct splices *splices);

/* The calls of a whole message that comes behind deltas. Of a choice that has none they are begun, and
 * items for a delta added to `missing`; one that has some must have the same. Returns as above. */
MUST_CHECK const char *tool_calls_read_repeated(struct tool_calls *calls, unsigned choice,
                                                harborai_str array, struct buf *missing);

/* The arguments' string of the only item of such an array, if it was good as it is and said no more
 * than whose it is: *ret_call. Empty otherwise. */
harborai_str tool_calls_only_text(struct tool_calls *calls, unsigned choice, harborai_str array,
                                  struct tool_call **ret_call);
/* The same item again with other arguments, a JSON string. False: it would not be good, and nothing
 * happened. */
bool tool_calls_go_on(struct tool_calls *calls, unsigned at, harborai_str string);

/* At the end of a choice of a stream: as above. Items with "{}" for the calls that got no arguments,
 * with CUT for those whose "{}" was kept back, are added to `missing`, if it is not NULL, with commas
 * between them. */
MUST_CHECK const char *tool_calls_end(struct tool_calls *calls, unsigned choice, enum tool_end end,
                                      struct buf *missing);

/* The first call of a choice behind `after`, which may be NULL; NULL: no more. */
const struct tool_call *tool_calls_next(const struct tool_calls *calls, unsigned choice,
                                        const struct tool_call *after);
harborai_str tool_calls_text(const struct tool_calls *calls, struct tool_text text);

struct turn_call { /* what a later turn can be recognised by; borrowed until the calls change */
    harborai_str id, name; /* decoded, as the client got them */
    uint64_t arguments_hash; /* see arguments.h; of arguments that were cut off, of no use */
};

/* Walks the calls of choice 0: `*at` is NULL at first. False: no more. */
bool tool_calls_next_turn(const struct tool_calls *calls, const struct tool_call **at,
                          struct turn_call *ret_call);

#endif
