/* SPDX-License-Identifier: MIT */
/* A timer of a loop that gives a job to a thread. Must never run the job on the loop. */
#include "runtime/reminder.h"

#define AGAIN_NS NS_PER_S /* after a moment at which there was no thread */

static void run_job(struct job *job)
{
    struct reminder *r = CONTAINER_OF(job, struct reminder, job);
    atomic_store(&r->is_submitted, false);
    r->run(r);
}

static void on_due(struct timer *timer)
{
    struct reminder *r = CONTAINER_OF(timer, struct reminder, timer);
    if (atomic_exchange(&r->is_submitted, true))
        return;
    if (jobs_submit(r->jobs, &r->job, NULL) == HARBORAI_OK)
        return;
    atomic_store(&r->is_submitted, false);
    loop_timer_set(r->loop, timer, loop_now_ns(r->loop) + AGAIN_NS);
}

static void on_message(struct message *message)
{
    struct reminder *r = CONTAINER_OF(message, struct reminder, message);
    atomic_store(&r->is_posted, false);
    int64_t at_ns = atomic_load(&r->at_ns);
    if (at_ns == 0)
        loop_timer_clear(r->loop, &r->timer);
    else
        loop_timer_set(r->loop, &r->timer, at_ns);
}

void reminder_init(struct reminder *reminder, struct loop *loop, struct jobs *jobs,
                   void (*run)(struct reminder *reminder))
{
    reminder->loop = loop;
    reminder->jobs = jobs;
    reminder->run = run;
    reminder->message.run = on_message;
    reminder->timer.on_due = on_due;
    reminder->job.run = run_job;
}

void reminder_set(struct reminder *reminder, int64_t at_ns)
{
    atomic_store(&reminder->at_ns, at_ns);
    if (!atomic_exchange(&reminder->is_posted, true))
        loop_post(reminder->loop, &reminder->message);
}
