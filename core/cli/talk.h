/* SPDX-License-Identifier: MIT */
/* What chat and interactive share: a client of the library, answers shown as they come, Ctrl-C. Calls
 * are made by harborai.h and nothing else; what there is to ask is looked up in the client. */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include <harborai/harborai.h>

#include "base/buf.h"
#include "cli/command.h"

struct talk {
    harborai_client *client;
    char *model;     /* owned; NULL: none was named */
    char *state_dir; /* owned; "": there is none */
    int config_fd;   /* of what a pipe gave for a configuration; -1: none */
    struct harborai_call_options options;
    bool streams;
    bool prints_json;
    bool shows_reasoning;  /* on stderr */
    bool is_quiet;
    bool dims;             /* what stands beside the answer */
    bool to_terminal;      /* the answer: what could command it is made harmless */
    int interrupts_taken;  /* in one answer; the next one ends the process */
};

/* Reads the configuration, and the options model, provider, timeout, no-reasoning of the command, and
 * opens a client. Complains and returns another code than EXIT_OK if that fails. */
enum exit_code talk_open(struct talk *t, const struct command *command,
                         const struct arguments *arguments);

/* Ends the client; `code` is what the process is to end with, and is returned. Does not return if a
 * plugin holds on to its threads. */
enum exit_code talk_close(struct talk *t, enum exit_code code);

/* Looks whether the model is there and its key is, without asking it; complains if not. */
bool talk_check_model(const struct talk *t);

/* Asks and prints the answer; complains if there is none. What came of its text is added to `answer`,
 * which may be NULL. EXIT_INTERRUPTED: by Ctrl-C. */
enum exit_code talk_ask(struct talk *t, harborai_body *body, struct buf *answer);

#endif
