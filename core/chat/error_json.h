/* SPDX-License-Identifier: MIT */
/* An error as a client sees it: OpenAI's body and the status. The classes stand in base/error.h. [any] */
#ifndef CHAT_ERROR_JSON_H
#define CHAT_ERROR_JSON_H

#include "base/buf.h"

/* The class of a vendor's answer with this status, where nothing more exact is known. */
harborai_status error_json_class(int http_status);

/* The status for the client: the vendor's own, as long as the class is what that status says; else,
 * and for what is the operator's business (key, account, configuration), the class's. */
int error_json_status(const harborai_error *error);

/* Writes {"error":{"message","type","param","code"}}. Type and code are the class's; a code that is
 * OpenAI's or ours (HARBORAI_ERROR_OPENAI_CODE) stands in place of the latter, any other is the member
 * "vendor_code", unless it is the operator's business. A JSON Pointer in `param` is written as OpenAI
 * does: messages[0].role. */
void error_json_write(struct buf *b, const harborai_error *error);

#endif
