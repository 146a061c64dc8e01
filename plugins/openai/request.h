/* SPDX-License-Identifier: MIT */
/* What a request must be changed by, for the server that gets it. */
#ifndef OPENAI_REQUEST_H
#define OPENAI_REQUEST_H

#include "chat_edits.h"
#include "plugins/openai/options.h"

/* [call] Adds the edits to `e`, which was made of the request; what went wrong is in e->status. */
void request_edit(const struct options *options, const harborai_request *request,
                  struct chat_edits *e);

/* [call] The HARBORAI_HTTP_… that go with it. */
uint32_t request_flags(const struct options *options, const harborai_request *request);

#endif
