/* SPDX-License-Identifier: MIT */
/* Threads for what may block, one set a duty, so that none can hold up another. A thread starts
 * when there is work for it, and sleeps without polling when there is none. */
#ifndef LOOP_JOBS_H
#define LOOP_JOBS_H

#include <harborai/types.h>

#include "base/attr.h"
#include "base/list.h"

struct jobs;

/* Lies in the owner's object, which must live until `run` is called. */
struct job {
    struct list link;
    void (*run)(struct job *job); /* [job] */
};

/* `name` (at most 15 characters, static) shows in top. At most `threads` run at once. */
MUST_CHECK harborai_status jobs_create(const char *name, unsigned threads, struct jobs **ret_jobs,
                                       harborai_error *error);
/* Runs what was submitted, then joins every thread. */
void jobs_destroy(struct jobs *jobs);

/* [any] Never blocks on a job. If no thread can be started at all, the job runs when one can:
 * E_MEMORY is returned only when there is no thread and none could be started; then the job was
 * not taken. */
MUST_CHECK harborai_status jobs_submit(struct jobs *jobs, struct job *job, harborai_error *error);

#endif
