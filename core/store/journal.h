/* SPDX-License-Identifier: MIT */
/* One loop's journal: lines are gathered in a pass's run phase and written by one write() in its
 * commit phase. A line is on record when a commit after it has succeeded.
 *
 * On record means: in the kernel's page cache. A killed process loses nothing of it, a machine that
 * loses power loses the last second, after which a thread has the disk take it (`sync_ns`); there is no
 * fsync for each record, unless the journal is to be durable: then it means that the disk has it.
 *
 * The loop writes itself, for that takes microseconds; while writes are slow, and where the disk is
 * waited for, a thread does, and what the loop adds meanwhile is written by the next commit.
 *
 * A disk that is full or fails loses nothing either: what was not written stays pending, up to
 * `most_pending`, and the next commit goes on at the very byte where the last one stopped.
 * So only the end of a segment can ever be torn, and only by a kill in that state.
 *
 * A segment that is large enough, or of a day that is over, takes no new calls: they go to a new
 * one. It is sealed and given up when the calls that it has have ended. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "store/committer.h"
#include "store/segment_writer.h"
#include "store/syncer.h"

struct journal_counts {
    uint64_t lines;    /* on record, with those that the journal itself adds */
    uint64_t bytes;    /* on record */
    uint64_t failures; /* commits that failed */
    uint64_t segments; /* that were begun */
};

enum journal_kind { JOURNAL_BEGIN, JOURNAL_CONTENT, JOURNAL_END, JOURNAL_AMEND };

struct journal_batch {
    struct buf bytes;   /* whole lines; of what is written the first may have been begun */
    struct buf spans;   /* struct journal_span each: whose they are, in their order */
    uint64_t lines;
    uint64_t last_call_line; /* struct journal.call_lines when it was complete */
    bool is_durable;         /* struct journal.is_durable when it was begun */
};

/* How far a batch came. */
struct journal_write {
    size_t bytes, spans;  /* whole ones; of the next span `left` bytes are left */
    size_t left;
    uint64_t segments;    /* that were begun */
    int64_t took_ns;
    bool has_failed;
    harborai_error error; /* if it has */
};

struct journal {
    char *state_dir;         /* owned */
    const struct clock *clock;
    unsigned loop;
    uint64_t segment_size;   /* a segment of so many bytes takes no new calls; 0 = there is no limit */
    struct segment_writer *current; /* owned; takes new calls */
    struct list former;      /* of segment_writer, owned, the oldest first: calls of theirs go on, or
                                their last bytes are pending */
    int64_t slow_ns;         /* a write that takes longer moves the next ones to the thread; 0 = none does */
    bool is_durable;
    int64_t sync_ns;         /* how long after it a line that is on record is on the disk; 0: it is not
                                seen to. Where is_durable is not set */
    struct syncer syncer;
    bool sync_hangs;         /* after journal_close() */
    size_t most_pending;     /* bytes of lines that wait for the disk; up to LIMIT_JOURNAL_PENDING_CONTENT */
    void (*wake)(void *context); /* [committer] a commit that was waited for has come to its end: call
                                    journal_finish() and journal_commit() on the loop */
    void *context;

    struct journal_batch pending; /* is added to */
    struct journal_batch writing; /* is written, or was and failed */
    struct journal_write write;   /* of it */
    uint64_t call_lines;          /* that were added, of calls */
    uint64_t call_lines_on_record;
    struct committer committer;
    struct committer_job job;
    bool is_away;            /* the thread has `writing`, `write` and the segments' files */
    bool has_result;         /* `write` says what came of `writing` */
    bool is_slow;
    bool is_closing;
    unsigned quick;          /* writes of the thread that were quick again */
    int64_t away_ns;         /* since when, monotonic */
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

/* [loop] A last commit, by the caller's thread; segments whose calls have all ended are sealed, and all locks given up.
 * Returns how many lines are lost, because even that failed; or because the thread hangs in a write:
 * then what it uses, the journal itself included, stays until the process ends. Accepts a zeroed
 * journal. */
uint64_t journal_close(struct journal *journal);

/* [loop] Whether the next line finds room, whatever its length up to LIMIT_JOURNAL_LINE, and `content`
 * bytes of a content line before it: who waits until it does loses none. */
bool journal_has_room(struct journal *journal, size_t content);

/* [loop] Copies a line of the call `key`, an object without its line end, and adds its check
 * (line_check.h). All lines of a call go to the segment of its first begin line; an amend line only
 * as long as that is not sealed. E_INVALID: it is no object, or has a line end inside. E_MEMORY:
 * with its check it is longer than LIMIT_JOURNAL_LINE (of content: LIMIT_JOURNAL_CONTENT), or no room is
 * left; content leaves some for the end line. Then nothing was added. */
MUST_CHECK harborai_status journal_add(struct journal *journal, enum journal_kind kind,
                                       harborai_str key, harborai_str line, harborai_error *error);

/* [loop] In place of a line that could not be added and is given up: a segment does not wait for it. */
void journal_skip(struct journal *journal, enum journal_kind kind, harborai_str key);

/* [loop] Puts everything pending on record, by one write() for each segment if the system takes it
 * all. E_INTERNAL: the disk did not; what is left stays pending. HARBORAI_PAUSE: the thread is at it;
 * `wake` tells. Without anything pending it does nothing. */
MUST_CHECK harborai_status journal_commit(struct journal *journal, harborai_error *error);

/* [loop] Takes back what the thread had. To be called once for each `wake`. */
void journal_finish(struct journal *journal);

static inline bool journal_has_pending(const struct journal *journal)
{
    return journal->pending.spans.len > 0 || journal->writing.spans.len > 0;
}

/* The file that takes new calls; "" if it is not made yet, or is being made. */
const char *journal_path(const struct journal *journal);

/* Half of the room is taken, or the thread has hung in a write for a second: begin no new call. The
 * other half is for calls under way. */
bool journal_is_full(const struct journal *journal);

/* The thread has been in a write for more than a second; after journal_close(): it hangs on. */
bool journal_hangs(const struct journal *journal);

#endif
