/* SPDX-License-Identifier: MIT */
/* How far a command is, on one line of a terminal's stderr, at most ten times a second. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_on;
    const char *what;     /* "calls" */
    uint64_t total, done; /* total 0: not known */
    int64_t begin_ns, shown_ns;
};

/* Off where it is not wanted, or stderr is no terminal. `what` is borrowed. */
void progress_begin(struct progress *progress, const char *what, bool is_wanted);
void progress_step(struct progress *progress);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
