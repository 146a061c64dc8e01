/* SPDX-License-Identifier: MIT */
/* Tells each subscriber in turn. */
#include "record/fanout.h"

#include <assert.h>

void fanout_add(struct fanout *fanout, struct record_subscriber *subscriber)
{
    if (subscriber == NULL)
        return;
    assert(fanout->count < FANOUT_MOST);
    fanout->subscribers[fanout->count++] = subscriber;
}

#define TELL(fanout, function, ...)                                                                \
    for (size_t i_ = 0; i_ < (fanout)->count; i_++) {                                              \
        struct record_subscriber *to_ = (fanout)->subscribers[i_];                                 \
        if (to_->functions->function != NULL)                                                      \
            to_->functions->function(to_, ##__VA_ARGS__);                                          \
    }

void fanout_call(const struct fanout *fanout, const struct record *record)
{
    TELL(fanout, on_call, record)
}

void fanout_attempt(const struct fanout *fanout, const struct record *record)
{
    TELL(fanout, on_attempt, record)
}

void fanout_content(const struct fanout *fanout, const struct record *record,
                    const struct buf *line)
{
    TELL(fanout, on_content, record, line)
}

void fanout_end(const struct fanout *fanout, const struct record *record)
{
    TELL(fanout, on_end, record)
}

void fanout_amend(const struct fanout *fanout, const struct record *record)
{
    TELL(fanout, on_amend, record)
}

enum fanout_commit fanout_commit(const struct fanout *fanout)
{
    enum fanout_commit worst = FANOUT_ON_RECORD;
    for (size_t i = 0; i < fanout->count; i++) {
        struct record_subscriber *s = fanout->subscribers[i];
        enum fanout_commit its =
            s->functions->commit != NULL ? s->functions->commit(s) : FANOUT_ON_RECORD;
        if (its > worst)
            worst = its;
    }
    return worst;
}

bool fanout_has_room(const struct fanout *fanout)
{
    for (size_t i = 0; i < fanout->count; i++) {
        struct record_subscriber *s = fanout->subscribers[i];
        if (s->functions->has_room != NULL && !s->functions->has_room(s))
            return false;
    }
    return true;
}

bool fanout_refuses(const struct fanout *fanout, const char **ret_why)
{
    for (size_t i = 0; i < fanout->count; i++) {
        const struct record_subscriber *s = fanout->subscribers[i];
        if (s->functions->refuses != NULL && s->functions->refuses(s, ret_why))
            return true;
    }
    return false;
}
