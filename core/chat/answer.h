/* SPDX-License-Identifier: MIT */
/* A whole answer in OpenAI's own form, on its way through: checked to its end, then forwarded as it
 * is. [any] */
#ifndef CHAT_ANSWER_H
#define CHAT_ANSWER_H

#include "base/attr.h"
#include "base/slice.h"
#include "chat/choice.h"

struct chat_answer { /* as written, borrowed from the body; empty = absent or null */
    harborai_str body;  /* without blanks around it: what the client is given */
    harborai_str usage; /* the object */
    harborai_str error; /* not empty: a failure inside a 200; see vendor_error_parse() */
    harborai_str id, model, service_tier; /* with their quotes */
    harborai_str finish_reason; /* of the first choice, with its quotes */
    unsigned choices;
    harborai_str choice_list; /* the array */
    struct chat_choice only;  /* its item; of no value if there are more, or none */
};

/* Checks that `body` is one JSON object, to its end, with choices or an error. Blank lines before
 * it are allowed: some vendors send them while the model thinks. E_PROTOCOL: it is something else,
 * and the message says what came, without its text. */
MUST_CHECK harborai_status answer_check(harborai_str body, struct chat_answer *ret_answer,
                                        harborai_error *error);

/* Whether the value of a member `error` that stands beside choices tells of one. Empty ones do not:
 * null, false, 0, "", {} and []. */
bool answer_tells_error(harborai_str value);

/* What kind of thing `body` is, for a message: "an HTML page", "an empty body", "JSON", "text that
 * is not JSON". A constant. */
const char *answer_describe(harborai_str body);

#endif
