/* SPDX-License-Identifier: MIT */
/* What a journal knows of a segment that it writes: its lines' numbers, the calls that it holds and
 * that have not ended, and its own first and last line. Bytes wait with the journal. [loop] */
#ifndef STORE_SEGMENT_WRITER_H
#define STORE_SEGMENT_WRITER_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "store/key_set.h"
#include "store/segment.h"

/* How many bytes its own lines have at most. */
#define SEGMENT_WRITER_HEAD KIB(1)
#define SEGMENT_WRITER_SEAL 256

struct segment_writer {
    struct list link;
    struct segment segment; /* fd -1: not made yet */
    unsigned loop;
    int64_t day;            /* since 1970, UTC: that of its beginning */
    uint64_t seq;           /* of the next line */
    uint64_t ends;          /* end lines */
    uint64_t lost;          /* lines of its calls that were given up */
    uint64_t bytes;         /* of all lines */
    struct key_set open;    /* calls with a begin line and without an end line */
    bool is_sealed;
    bool is_unsynced;       /* its name is not known to be on the disk */
    uint64_t sync_round;    /* the syncer's */
};

/* A segment whose file is made when its first bytes are written. NULL: no memory. */
struct segment_writer *segment_writer_create(int64_t wall_ns, unsigned loop);

/* Closes the file too. Accepts NULL. */
void segment_writer_destroy(struct segment_writer *w);

/* Append a line with its check and its end to `out`, where there is room for it. The first one is
 * preceded by the segment's own. */
void segment_writer_add(struct segment_writer *w, harborai_str line, int64_t wall_ns,
                        struct buf *out);

/* Appends its last line: all its calls have ended, and no more come. */
void segment_writer_seal(struct segment_writer *w, int64_t wall_ns, struct buf *out);

/* Days since 1970, UTC. */
int64_t segment_writer_day(int64_t wall_ns);

#endif
