/* SPDX-License-Identifier: MIT */
/* Reads the journal of a state directory: calls, the newest first, each with its lines joined. Files
 * are read from their ends, and only as far as is asked for; those of a process that runs may grow
 * meanwhile. What is torn or broken is named and left out. [job] */
#ifndef STORE_JOURNAL_READ_H
#define STORE_JOURNAL_READ_H

#include "base/attr.h"
#include "base/buf.h"

struct journal_reader;

enum journal_call_state {
    JOURNAL_CALL_ENDED,
    JOURNAL_CALL_UNDER_WAY, /* its process may write its end still */
    JOURNAL_CALL_LOST       /* its process is gone and wrote none */
};

/* Borrowed until the next one is read. */
struct journal_call {
    enum journal_call_state state;
    int64_t at_ns;      /* of its end; of one without, of its last attempt's begin */
    harborai_str line;  /* its end line; of one without, its last begin line */
    harborai_str amend; /* its amend line, or empty */
    harborai_str segment; /* where the line stands: the file's name without suffix, */
    uint64_t offset;      /* … and the byte, in plain text */
};

/* What was left out and why: "20261121T110305Z-4711-0.jsonl: …". */
typedef void journal_fault_fn(void *context, const char *text);

/* Looks at what there is; a directory that is not there has no calls. Returns owned. E_CONFIG: it
 * cannot be read. E_MEMORY. */
MUST_CHECK harborai_status journal_reader_create(harborai_str state_dir, journal_fault_fn *on_fault,
                                                 void *context, struct journal_reader **ret_reader,
                                                 harborai_error *error);
void journal_reader_destroy(struct journal_reader *r);

/* The call before, by the time of its end; false: there is none any more. */
bool journal_reader_next(struct journal_reader *r, struct journal_call *ret_call);

/* A member's value as it holds after the amend line; empty: none. */
harborai_str journal_call_member(const struct journal_call *call, const char *name);

/* Adds its end line as it holds after the amend line, or its begin line. */
void journal_call_write(const struct journal_call *call, struct buf *out);

#endif
