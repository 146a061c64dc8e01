/* SPDX-License-Identifier: MIT */
/* What a client of OpenAI's collects from an answer, with checks of what every answer promises. It
 * shares no code with the product: json-c and OpenAI's API reference are all it knows. */
#ifndef TESTS_WIRE_FOLD_H
#define TESTS_WIRE_FOLD_H

#include <json-c/json.h>

#include <harborai/types.h>

struct fold {
    struct json_object *result; /* content, reasoning_content, refusal, tool_calls, finish_reason, usage */
    char broken[160];           /* "" = every promise was kept */
    int finished;               /* choices 0 with a finish_reason */
};

void fold_init(struct fold *fold);
void fold_release(struct fold *fold);
void fold_chunk(struct fold *fold, harborai_str json); /* of a stream */
void fold_whole(struct fold *fold, harborai_str json); /* a chat.completion */
/* Behind the last: parses the arguments, and checks what can be known only now. */
void fold_end(struct fold *fold);

#endif
