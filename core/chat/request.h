/* SPDX-License-Identifier: MIT */
/* A request for a chat completion, scanned once: what the gateway itself has to know of it, and
 * where that stands, so that the host's own edits need no second look. Roles, ranges and what else
 * a request may hold are the vendor's to check. [any] */
#ifndef CHAT_REQUEST_H
#define CHAT_REQUEST_H

#include <stdbool.h>

#include <harborai/plugin.h>

#include "base/arena.h"
#include "json_edit.h"

enum {
    CHAT_REQUEST_EDITS = 2,     /* the most that chat_request_edits() gives */
    CHAT_REQUEST_MEMBERS = 256, /* members of a request; OpenAI knows about 40 */
    CHAT_MODEL_NAME_MOST = 256  /* bytes of a model's name: it goes into records and messages */
};

struct chat_request { /* borrows from the body; what was decoded lies in the arena */
    harborai_str body;
    const struct json_member *members; /* of the top level, in order */
    size_t member_count;
    harborai_str model;          /* as text */
    harborai_str model_value;    /* the rest as written; empty = absent */
    harborai_str messages;       /* the array */
    bool messages_may_have_u;    /* … with \u escapes, so that keys may be written in other ways */
    harborai_str stream_options; /* an object or null */
    harborai_str include_usage;  /* stream_options.include_usage: a boolean or null */
    bool is_stream;
    bool wants_usage; /* is_stream, and include_usage is true */
    uint32_t choices; /* `n`, 1 to LIMIT_REQUEST_CHOICES */
};

/* Checks that `body` is one JSON object with a model and messages, and that the members read here
 * make sense and do not stand twice. Borrows `body` as long as *ret_request is used. E_INVALID:
 * error->param is the member's JSON Pointer, or "", and error->vendor_code what OpenAI calls the
 * fault. E_MEMORY: the arena is full. */
MUST_CHECK harborai_status chat_request_parse(harborai_str body, struct arena *arena,
                                              struct chat_request *ret_request,
                                              harborai_error *error);

/* The host's own edits for this upstream model: the model's name if it is another one, and, if
 * `want_usage` and the request is for a stream that did not ask, that the usage is wanted. The
 * edits borrow `upstream_model`. Returns their number. */
size_t chat_request_edits(const struct chat_request *request, harborai_str upstream_model,
                          bool want_usage, harborai_edit edits[static CHAT_REQUEST_EDITS]);

/* The same edits applied, when there are no others: from where the members are known to stand,
 * without a look at the body. The pieces borrow from the body and the arena. E_MEMORY. */
MUST_CHECK harborai_status chat_request_splice(const struct chat_request *request,
                                               harborai_str upstream_model, bool want_usage,
                                               struct arena *arena, struct json_pieces *ret_pieces,
                                               harborai_error *error);

#endif
