/* SPDX-License-Identifier: MIT */
/* What is wrong, in sentences, and what mends it: a line each, or JSON. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "cli/command.h"

struct findings {
    struct buf told, out; /* the messages so far, each with a NUL behind it; JSON */
    bool as_json;
    unsigned count;
};

void findings_init(struct findings *f, bool as_json);
void findings_release(struct findings *f);

/* One more, unless it was told already. `message` says what is wrong, mostly with the way out; `mend` is
 * a command that mends it, or empty: it is in the message. */
void findings_add(struct findings *f, harborai_str message, harborai_str mend);
PRINTF(3, 4) void findings_tell(struct findings *f, harborai_str mend, const char *format, ...);

/* Prints what JSON has gathered. EXIT_FAILED: something was found. */
enum exit_code findings_finish(struct findings *f);

#endif
