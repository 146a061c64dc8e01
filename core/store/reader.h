/* SPDX-License-Identifier: MIT */
/* Reads the journal of a state directory, also while gateways write it: the newest segment first,
 * within a segment in the order in which it was written.
 *
 *     while (reader_next_segment(&r))
 *         while (reader_next_line(&r, &line))
 *             …
 *     st = reader_status(&r, error);
 *
 * The end of a segment that has no line end (torn by a kill, or just being written) is left out. A
 * segment that disappears between listing and opening is passed over. [any but a loop] */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "base/buf.h"

struct reader {
    char *state_dir; /* owned, as all here */
    char **names;
    size_t name_count, next; /* segments; the next to open */
    int fd;
    bool is_at_end;          /* of the segment */
    struct buf text;
    size_t at;               /* what of it was given out */
    uint64_t skipped;        /* lines longer than LIMIT_JOURNAL_LINE: none of ours is */
    harborai_error failure;  /* the first */
};

/* Lists the segments; none is no error. E_CONFIG: the directory cannot be read. */
MUST_CHECK harborai_status reader_open(struct reader *reader, harborai_str state_dir,
                                       harborai_error *error);
void reader_close(struct reader *reader); /* accepts a zeroed one */

/* Goes to the next older segment. false: there is none, or reading failed. */
bool reader_next_segment(struct reader *reader);

/* The next line of this segment, without its end; borrowed until the next call. false: there is
 * none, or reading failed. */
bool reader_next_line(struct reader *reader, harborai_str *ret_line);

/* The name of this segment, such as "20261121T110305Z-4711-0.jsonl"; borrowed. */
const char *reader_segment(const struct reader *reader);

/* Whether all went well. E_CONFIG: a segment could not be opened or read. */
MUST_CHECK harborai_status reader_status(const struct reader *reader, harborai_error *error);

#endif
