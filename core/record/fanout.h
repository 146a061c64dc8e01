/* SPDX-License-Identifier: MIT */
/* Who is told of calls: one set a loop. The store takes every record or pushes back; metrics and
 * traces may drop what they cannot take. The engine tells, and knows none of them. [loop] */
#ifndef RECORD_FANOUT_H
#define RECORD_FANOUT_H

#include "base/attr.h"
#include "record/record.h"

struct buf;
struct record_subscriber;

enum fanout_commit {
    FANOUT_ON_RECORD, /* all that was told is */
    FANOUT_LAGS,      /* nobody is to wait for what is not; to be called again in a while, or before */
    FANOUT_WAITS,     /* it is being written: the loop gets another pass when that is over */
    FANOUT_FAILS      /* some of it waits with the subscriber, who reports that */
};

/* Records are borrowed until the function returns. Any of these may be NULL. */
struct record_subscriber_functions {
    /* A call begins; little more than its names is known. */
    void (*on_call)(struct record_subscriber *self, const struct record *record);
    /* Commit phase: an attempt begins, its request goes out in the act phase. */
    void (*on_attempt)(struct record_subscriber *self, const struct record *record);
    /* Commit phase, right before on_end: what was asked and answered, where that is wanted, as
     * content_write() has it, without keys. */
    void (*on_content)(struct record_subscriber *self, const struct record *record,
                       const struct buf *line);
    /* Commit phase: the call has ended, its front is told in the act phase. */
    void (*on_end)(struct record_subscriber *self, const struct record *record);
    /* Commit phase: a call that has ended took something else than was told: usage and cost are
     * corrected, amend_ns is set, all else is as it was. At most once a call. */
    void (*on_amend)(struct record_subscriber *self, const struct record *record);
    /* The last of a pass, to be called again unless all is on record. */
    enum fanout_commit (*commit)(struct record_subscriber *self);
    /* True: it can be told of one more attempt, end or amendment and will not lose it. */
    bool (*has_room)(struct record_subscriber *self);
    /* True: begin no new call; `why` is for the client. The record of what is refused is told with
     * is_refused set, and has_room() is not asked for it. */
    bool (*refuses)(const struct record_subscriber *self, const char **ret_why);
};

struct record_subscriber {
    const struct record_subscriber_functions *functions;
};

enum { FANOUT_MOST = 4 };

struct fanout {
    struct record_subscriber *subscribers[FANOUT_MOST]; /* borrowed */
    size_t count;
};

/* Does nothing if `subscriber` is NULL. At most FANOUT_MOST. */
void fanout_add(struct fanout *fanout, struct record_subscriber *subscriber);

void fanout_call(const struct fanout *fanout, const struct record *record);
void fanout_attempt(const struct fanout *fanout, const struct record *record);
void fanout_content(const struct fanout *fanout, const struct record *record,
                    const struct buf *line);
void fanout_end(const struct fanout *fanout, const struct record *record);
void fanout_amend(const struct fanout *fanout, const struct record *record);
/* Of all subscribers the worst. */
enum fanout_commit fanout_commit(const struct fanout *fanout);
bool fanout_has_room(const struct fanout *fanout);
bool fanout_refuses(const struct fanout *fanout, const char **ret_why);

#endif
