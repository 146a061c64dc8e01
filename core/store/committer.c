/* SPDX-License-Identifier: MIT */
/* One thread, one job. Must never hold its lock while a job runs: the loop takes it. */
#include "store/committer.h"

#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

static void *work(void *argument)
{
    struct committer *c = argument;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        while (c->job == NULL && !c->is_closing)
            pthread_cond_wait(&c->changed, &c->lock);
        struct committer_job *job = c->job;
        if (job == NULL)
            break;
        pthread_mutex_unlock(&c->lock);
        job->run(job);
        pthread_mutex_lock(&c->lock);
        c->job = NULL;
        pthread_cond_broadcast(&c->changed);
        pthread_mutex_unlock(&c->lock);
        job->done(job);
        pthread_mutex_lock(&c->lock);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

bool committer_submit(struct committer *c, struct committer_job *job)
{
    if (!c->is_ready) {
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->changed, NULL);
        c->is_ready = true;
    }
    if (!c->has_thread) {
        if (thread_start(&c->thread, "committer", work, c, NULL) < 0)
            return false;
        c->has_thread = true;
    }
    pthread_mutex_lock(&c->lock);
    c->job = job;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return true;
}

static bool wait_until_idle(struct committer *c, int64_t limit_ns)
{
    struct timespec until;
    bool in_time = true;
    clock_gettime(CLOCK_REALTIME, &until);
    limit_ns += until.tv_nsec;
    until.tv_sec += limit_ns / NS_PER_S;
    until.tv_nsec = limit_ns % NS_PER_S;
    pthread_mutex_lock(&c->lock);
    c->is_closing = true;
    pthread_cond_broadcast(&c->changed);
    while (c->job != NULL && in_time)
        in_time = pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0;
    bool is_idle = c->job == NULL;
    pthread_mutex_unlock(&c->lock);
    return is_idle;
}

bool committer_close(struct committer *c, int64_t limit_ns)
{
    if (!c->is_ready)
        return true;
    if (c->has_thread && !wait_until_idle(c, limit_ns))
        return false;
    if (c->has_thread)
        pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    *c = (struct committer){0};
    return true;
}
