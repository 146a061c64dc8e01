/* SPDX-License-Identifier: MIT */
/* A segment's lines from a position on, forward, whether it is written to still, sealed or compressed.
 * Must never give out a part of a line. [job]
 *
 *     st = journal_follow_open(directory, &position, on_fault, context, &follow, error);
 *     while ((step = journal_follow_next(follow, &line, error)) == JOURNAL_FOLLOW_LINE)
 *         …
 *     position = *journal_follow_position(follow);
 */
#ifndef STORE_JOURNAL_FOLLOW_H
#define STORE_JOURNAL_FOLLOW_H

#include "store/journal_list.h"

/* All before it is taken. It means the same in the plain file and in the compressed one. */
struct journal_position {
    char segment[JOURNAL_NAME_MOST]; /* without suffix */
    uint64_t offset;                 /* in the plain text */
    uint64_t seq;                    /* of the line that stands there */
};

enum journal_line_kind {
    JOURNAL_LINE_OTHER, /* one that this version does not know: to be skipped */
    JOURNAL_LINE_SEGMENT,
    JOURNAL_LINE_BEGIN,
    JOURNAL_LINE_END,
    JOURNAL_LINE_AMEND,
    JOURNAL_LINE_CONTENT,
    JOURNAL_LINE_SEAL
};

struct journal_line {
    enum journal_line_kind kind;
    bool is_checked;   /* has a checksum, and that is right */
    harborai_str text; /* JSON, without its line end; borrowed until the next one */
    uint64_t offset, seq;
};

enum journal_follow_step {
    JOURNAL_FOLLOW_LINE,
    JOURNAL_FOLLOW_WAIT, /* there is no whole line more now; ask again when the file has grown */
    JOURNAL_FOLLOW_OVER, /* it is sealed, and this was its last */
    JOURNAL_FOLLOW_FAILED
};

/* A line that is left out, or before which lines are missing: "20261121T110305Z-4711-0", 4711,
 * "its checksum does not hold". */
typedef void journal_follow_fault_fn(void *context, const char *segment, uint64_t offset,
                                     const char *reason);

struct journal_follow;

/* Borrows `directory` until it returns; `on_fault` may be NULL. E_NOT_FOUND: there is no such segment
 * any more. E_INVALID: it ends before the position, so that this is that of another file. E_INTERNAL,
 * E_MEMORY. */
MUST_CHECK harborai_status journal_follow_open(int directory, const struct journal_position *from,
                                               journal_follow_fault_fn *on_fault, void *context,
                                               struct journal_follow **ret_follow,
                                               harborai_error *error);
void journal_follow_close(struct journal_follow *f); /* NULL too */

/* The next line. What is no line of the journal, fails its checksum or is longer than
 * LIMIT_JOURNAL_CONTENT is told to `on_fault` and left out. FAILED: `error` says why; the position is
 * that of the line which could not be read. */
enum journal_follow_step journal_follow_next(struct journal_follow *f,
                                             struct journal_line *ret_line, harborai_error *error);

/* Behind the line that was given out last. Borrowed until the next one. */
const struct journal_position *journal_follow_position(const struct journal_follow *f);

/* How far it reaches now: bytes of plain text, with a line that is not whole. */
uint64_t journal_follow_size(const struct journal_follow *f);

#endif
