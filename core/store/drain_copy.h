/* SPDX-License-Identifier: MIT */
/* The copying itself, on whatever thread: from the journal's segments into a store, in transactions,
 * each segment from where the store has it. */
#ifndef STORE_DRAIN_COPY_H
#define STORE_DRAIN_COPY_H

#include "store/drain.h"
#include "store/journal_follow.h"

/* A segment, and how far it was read. */
struct drain_segment {
    char name[JOURNAL_NAME_MOST];
    bool is_known;     /* `at` is the store's */
    bool is_over;      /* sealed and copied: never looked at again */
    bool is_plain;     /* its size is that of its text */
    uint64_t size;     /* when it was looked at */
    struct journal_position at; /* what stands before is copied, or is no call */
    uint64_t committed;         /* how much of that the store knows */
    uint64_t told_to;           /* faults and refusals before are told */
};

struct drain_copy {
    struct drain_settings settings;
    char *state_dir; /* owned */
    struct drain_store *store;
    const atomic_bool *is_stopping; /* borrowed; or NULL */
    void (*on_commit)(struct drain_copy *copy); /* `status` is as of now; or NULL */
    int64_t deadline_ns; /* monotonic: no further transaction is begun after it; 0: none */

    int directory; /* of the journal; -1 */
    struct drain_segment *segments; /* owned; the oldest first */
    size_t count;
    bool is_listed; /* `segments` are those that there are */
    unsigned opened; /* of the store, when its positions were asked for */

    /* The open transaction. */
    bool is_open, is_refused; /* … because of one of its calls */
    unsigned calls, singles;  /* in it; how many still come one by one */
    unsigned batch;           /* calls a transaction: fewer while the store does not do them in time */
    uint64_t rows, amends, refused;
    size_t touched[64], touched_count; /* segments whose position goes with it */
    uint64_t passed; /* bytes read since the last one */

    bool is_unread; /* a segment could not be read, and why: it is tried again */
    harborai_error unread;

    struct buf content; /* the line before, if that says what a call asked and was answered */
    struct buf texts, aside;
    struct buf mark, marked; /* as it is to be (copied_mark.h), and as it was written */
    struct drain_status status; /* without what the thread knows better */
};

MUST_CHECK harborai_status drain_copy_init(struct drain_copy *copy,
                                           const struct drain_settings *settings,
                                           struct drain_store *store, harborai_error *error);
void drain_copy_release(struct drain_copy *copy);

/* There may be other segments than were listed. */
void drain_copy_relist(struct drain_copy *copy);

/* The store may have other positions than it had. */
void drain_copy_forget(struct drain_copy *copy);

/* Copies what stands in the journal now, or until it is told to stop. After a failure the store is
 * closed; status.backlog_bytes is as of now in any case. */
MUST_CHECK harborai_status drain_copy_round(struct drain_copy *copy, harborai_error *error);

#endif
