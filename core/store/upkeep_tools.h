/* SPDX-License-Identifier: MIT */
/* What whoever looks after the segments of a journal's directory works with. */
#ifndef STORE_UPKEEP_TOOLS_H
#define STORE_UPKEEP_TOOLS_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"

struct upkeep_tools {
    int directory;                 /* the journal's; borrowed */
    const struct clock *clock;
    const struct log *log;         /* may be NULL */
    const atomic_bool *is_stopped; /* set by another thread: leave the rest for later; may be NULL */
};

static inline bool upkeep_is_stopped(const struct upkeep_tools *tools)
{
    return tools->is_stopped != NULL && atomic_load(tools->is_stopped);
}

#endif
