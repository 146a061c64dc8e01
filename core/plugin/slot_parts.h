/* SPDX-License-Identifier: MIT */
/* What the two halves of a slot share: slot.c, which calls and the keeper see, and slot_job.c, in
 * which foreign code runs. For these files and no others. */
#ifndef PLUGIN_SLOT_PARTS_H
#define PLUGIN_SLOT_PARTS_H

#include "plugin/slot.h"

/* What the job has to do, in the order in which it is done. */
enum slot_work {
    SLOT_WORK_OPEN = 1u << 0,   /* loader: dlopen */
    SLOT_WORK_CREATE = 1u << 1, /* create(), first tick() */
    SLOT_WORK_TICK = 1u << 2,
    SLOT_WORK_DRAIN = 1u << 3,
    SLOT_WORK_CLOSE = 1u << 4,  /* destroy() */
    SLOT_WORK_UNLOAD = 1u << 5, /* loader: dlclose, the end of the slot */
    SLOT_WORK_RELEASE = 1u << 6, /* loader: dlclose after a create() that failed */
    SLOT_WORK_RUNNING = 1u << 31
};

/* Stands in `waiters` while no load is under way, so that parking and the end of the load are
 * decided on one atomic variable and no waiter can be lost. */
extern const struct slot_waiter slot_idle;
#define SLOT_IDLE ((struct slot_waiter *)(uintptr_t)&slot_idle)

/* --- slot.c --- */
/* Whether a load that failed may not be tried again yet. [any] */
bool slot_is_too_early(struct slot *slot);
/* With the error of the load that failed. [any] */
harborai_status slot_refuse(struct slot *slot, harborai_error *error);

/* --- slot_job.c --- */
void slot_run_job(struct job *job); /* [job] */
/* Has the job do it, after what it has to do already. [any] */
void slot_add_work(struct slot *slot, unsigned work);
/* The end of a slot without a job under way: nothing of it is touched after on_gone. */
void slot_unload(struct slot *slot);

#endif
