/* SPDX-License-Identifier: MIT */
/* One file of the journal, read backwards, its lines joined to calls. For journal_read.c. */
#ifndef STORE_JOURNAL_SEGMENT_H
#define STORE_JOURNAL_SEGMENT_H

#include "store/journal_read.h"
#include "store/tail.h"

struct journal_segment {
    char *name;       /* owned; without suffix */
    int64_t mtime_ns; /* no line is much younger */
    struct segment_text text; /* closed: not open */
    bool is_live;     /* a process holds its lock */
    bool has_call;
    struct journal_call call; /* the newest that was not given out */
    struct tail tail;
    struct buf amend;      /* of `call` */
    struct buf keys;       /* uint64_t each, a hash table: calls of which a later line was seen */
    size_t key_count;
    struct buf amendments; /* struct amendment each: their end lines come */
    unsigned faults;
    journal_fault_fn *on_fault;
    void *context;
};

/* Opens it and reads up to its newest call. What fails is named, and the segment is empty. */
void journal_segment_open(struct journal_segment *s, int directory);

/* Reads up to the next older call, if there is one. */
void journal_segment_advance(struct journal_segment *s);

/* Closes it; what it is called stays. */
void journal_segment_close(struct journal_segment *s);

#endif
