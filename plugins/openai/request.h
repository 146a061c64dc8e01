/* SPDX-License-Identifier: MIT */
/* What a request must be changed by, for the server that gets it. */
#ifndef OPENAI_REQUEST_H
#define OPENAI_REQUEST_H

#include "plugins/openai/options.h"

struct request_edits {
    harborai_edit *items; /* of the call */
    size_t count, room;
};

/* [call] Tells the host of each member that the server does not get as it was written. An error is
 * for chat() to return: the operator wants such requests refused, or memory ran out. */
harborai_status request_edit(const struct options *options, harborai_call *call,
                             const harborai_request *request, struct request_edits *ret,
                             harborai_error *error);

#endif
