/* SPDX-License-Identifier: MIT */
/* The gateway that runs on the same state directory, asked over its control socket. */
#ifndef CLI_GATEWAY_H
#define CLI_GATEWAY_H

#include "base/buf.h"
#include "base/limits.h"
#include "cli/command.h"

struct gateway_answer {
    int status;      /* of HTTP; 0 = it was not got */
    struct buf body; /* a JSON object */
};

#define GATEWAY_ANSWER_INIT {.body = BUF_INIT(MIB(64))}

enum gateway_state {
    GATEWAY_NONE,   /* nobody listens there: nothing was said of it */
    GATEWAY_ANSWERS, /* with the status 200 or 202 */
    GATEWAY_REFUSES /* or does not answer: of which it complained */
};

/* `path`: such as "/plugins". */
enum gateway_state gateway_ask(harborai_str state_dir, const char *method, const char *path,
                               struct gateway_answer *answer);

/* "/plugins/NAME" with what may follow it ("/reload"; or ""). A file is named by its whole path. */
enum gateway_state gateway_ask_about(harborai_str state_dir, const char *method, const char *name,
                                     const char *more, struct gateway_answer *answer);

/* The exit code of one that refuses. */
enum exit_code gateway_exit_of(const struct gateway_answer *answer);

/* Complains of what was written down and is not in force; false: there is nothing of the kind. */
bool gateway_warns(const struct gateway_answer *answer);

/* Prints what was done: the whole of it as JSON, or its text. */
enum exit_code gateway_print(const struct gateway_answer *answer, bool as_json);

/* Below an empty line, a table of the providers that the answer has. */
void gateway_print_providers(const struct gateway_answer *answer, bool with_color);

/* Members of the answer, or of an object in it. Text: decoded, added to `to`. Empty and 0 = none. */
void gateway_add_text(harborai_str object, const char *key, struct buf *to);
int64_t gateway_number(harborai_str object, const char *key);

void gateway_answer_release(struct gateway_answer *answer);

#endif
