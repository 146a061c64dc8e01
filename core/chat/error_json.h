/* SPDX-License-Identifier: MIT */
/* An error as a client sees it: OpenAI's body and the status. The classes stand in base/error.h;
 * what the vendor said goes before them, where it is the client's to know. [any] */
#ifndef CHAT_ERROR_JSON_H
#define CHAT_ERROR_JSON_H

#include "base/buf.h"

/* An error, and OpenAI's `type` of it, which harborai_error has no room for. */
struct chat_error {
    harborai_error base;
    char type[64]; /* "" = by the class */
};

#define CHAT_ERROR_INIT {HARBORAI_ERROR_INIT, ""}

/* The class of a vendor's answer with this status, where nothing more exact is known. */
harborai_status error_json_class(int http_status);

/* The status for the client: the vendor's own, as long as the class is what that status says; else,
 * and for what is the operator's business (key, account, configuration), the class's. */
int error_json_status(const harborai_error *error);

/* Writes {"error":{"message","type","param","code"}}, and "vendor_code" where the vendor has another
 * than OpenAI's for a prompt that is too long or filtered. `type` may be "" or NULL. A JSON Pointer in
 * `param` is written as OpenAI does: messages[0].role. */
void error_json_write(struct buf *b, const harborai_error *error, const char *type);

#endif
