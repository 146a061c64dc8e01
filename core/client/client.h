/* SPDX-License-Identifier: MIT */
/* The library's front: calls of the process that it lives in. A client has a runtime with one loop,
 * which the caller drives while it waits for an answer; between two calls it costs nothing. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "base/attr.h"
#include "base/buf.h"
#include "record/record.h"
#include "runtime/runtime.h"

struct client;

/* How a call ended. The texts are owned by the answer. */
struct client_answer {
    harborai_error error; /* code HARBORAI_OK: success */
    struct buf json;      /* of a whole answer: the chat.completion object */
    struct buf summary;   /* "provider/model, 12 + 34 tokens, 0.0001 USD" for people; may be empty */
};

void client_answer_release(struct client_answer *answer);

/* Takes `config` on success. Borrows the log. */
MUST_CHECK harborai_status client_open(struct config *config,
                                       const struct runtime_options *options,
                                       struct client **ret_client, harborai_error *error);
void client_close(struct client *client);

struct runtime *client_runtime(struct client *client);

/* One call, until it has ended. `body` is the request; its memory is taken. `chunk_fn` gets the
 * chunks of a streamed answer; it returns false to break the call off (E_CANCELLED, unless it has
 * ended meanwhile), and is asked with an empty chunk whenever a signal interrupted the wait. */
void client_call(struct client *client, struct buf *body,
                 bool (*chunk_fn)(void *context, harborai_str chunk), void *context,
                 struct client_answer *ret_answer);

#endif
