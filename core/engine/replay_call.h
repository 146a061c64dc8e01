/* SPDX-License-Identifier: MIT */
/* A tool call as an answer made it and as the next request repeats it, to be known again. [any] */
#ifndef ENGINE_REPLAY_CALL_H
#define ENGINE_REPLAY_CALL_H

#include "engine/replay_store.h"

enum { REPLAY_ID_MOST = 256 }; /* bytes of an id; with a longer one nothing is kept */

/* The message before an answer, which a client repeats. It is hashed once at most, and only if a
 * call needs it. */
struct replay_before {
    harborai_str message;  /* JSON; empty = not known, */
    harborai_str messages; /* … or the array that it is the last of */
    uint64_t hash;
    bool is_hashed;
};

/* The digest of a call: of its name and the hash of its arguments (chat/arguments.h). Some vendors
 * number the calls of an answer ("functions.get_weather:0", github.com/MoonshotAI/Kimi-K2
 * docs/tool_call_guidance.md): such an id says nothing of the conversation, and two of them may
 * have the same arguments too. Then the digest is also of the message before the answer. */
uint64_t replay_call_digest(harborai_str id, harborai_str name, uint64_t arguments,
                            struct replay_before *before);

/* From an item of a message's `tool_calls`, JSON that was checked. `room` is for an id with
 * escapes. False: it is none that could be known again. */
bool replay_call_read(harborai_str item, struct replay_before *before,
                      char room[static REPLAY_ID_MOST], struct replay_call *ret_call);

#endif
