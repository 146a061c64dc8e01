/* SPDX-License-Identifier: MIT */
/* One loop's journal: lines are gathered in a pass's run phase and written by one write() in its
 * commit phase. A line is on record when a commit after it has succeeded.
 *
 * On record means: in the kernel's page cache. A killed process loses nothing of it, a machine that
 * loses power loses the last seconds; there is no fsync for each record.
 *
 * A disk that is full or fails loses nothing either: what was not written stays pending, up to
 * LIMIT_JOURNAL_PENDING, and the next commit goes on at the very byte where the last one stopped.
 * So only the end of a segment can ever be torn, and only by a kill in that state.
 *
 * A segment that is large enough, or of a day that is over, takes no new calls: they go to a new
 * one. It is sealed and given up when the calls that it has have ended. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "store/segment_writer.h"

struct journal_counts {
    uint64_t lines;    /* on record, with those that the journal itself adds */
    uint64_t bytes;    /* on record */
    uint64_t failures; /* commits that failed */
    uint64_t segments; /* that were begun */
};

enum journal_kind { JOURNAL_BEGIN, JOURNAL_END, JOURNAL_AMEND };

struct journal {
    char *state_dir;         /* owned */
    const struct clock *clock;
    unsigned loop;
    uint64_t segment_size;   /* a segment of so many bytes takes no new calls; 0 = there is no limit */
    struct segment_writer *current; /* owned; takes new calls */
    struct list former;      /* of segment_writer, owned, the oldest first: calls of theirs go on, or
                                their last bytes are pending */
    struct buf pending;      /* whole lines; the first may have been begun */
    struct buf spans;        /* struct journal_span each: whose `pending` are, in their order */
    uint64_t pending_lines;
    struct journal_counts counts;
};

/* [init] Makes the segment, so that a wrong directory is known at start and not at the first call.
 * A segment that stays empty is taken away by journal_close(). E_CONFIG as segment_create(). */
MUST_CHECK harborai_status journal_open(struct journal *journal, harborai_str state_dir,
                                        const struct clock *clock, unsigned loop,
                                        harborai_error *error);

/* [init] The same, but the segment is made by the first commit, which is a matter of the disk's:
 * for processes that may never write a line. The directory is made and looked at. */
MUST_CHECK harborai_status journal_open_later(struct journal *journal, harborai_str state_dir,
                                              const struct clock *clock, unsigned loop,
                                              harborai_error *error);

/* [loop] A last commit; segments whose calls have all ended are sealed, and all locks given up.
 * Returns how many lines are lost, because even that failed. Accepts a zeroed journal. */
uint64_t journal_close(struct journal *journal);

/* [loop] Whether the next line finds room, whatever its length up to LIMIT_JOURNAL_LINE: who waits
 * until it does loses none. */
bool journal_has_room(struct journal *journal);

/* [loop] Copies a line of the call `key`, an object without its line end, and adds its check
 * (line_check.h). All lines of a call go to the segment of its first begin line; an amend line only
 * as long as that is not sealed. E_INVALID: it is no object, or has a line end inside. E_MEMORY:
 * with its check it is longer than LIMIT_JOURNAL_LINE, or no room is left. Then nothing was added. */
MUST_CHECK harborai_status journal_add(struct journal *journal, enum journal_kind kind,
                                       harborai_str key, harborai_str line, harborai_error *error);

/* [loop] In place of a line that could not be added and is given up: a segment does not wait for it. */
void journal_skip(struct journal *journal, enum journal_kind kind, harborai_str key);

/* [loop] Puts everything pending on record, by one write() for each segment if the system takes it
 * all. E_INTERNAL: the disk did not; what is left stays pending. Without anything pending it does
 * nothing. */
MUST_CHECK harborai_status journal_commit(struct journal *journal, harborai_error *error);

static inline bool journal_has_pending(const struct journal *journal)
{
    return journal->pending.len > 0;
}

/* The file that takes new calls; "" if it is not made yet. */
const char *journal_path(const struct journal *journal);

/* Half of the room is taken, which happens only while the disk fails: begin no new call. The other
 * half is for calls under way. */
bool journal_is_full(const struct journal *journal);

#endif
