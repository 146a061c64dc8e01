/* SPDX-License-Identifier: MIT */
/* A bounded set of threads over one queue. The mutex is held for a few instructions and never while
 * a job runs; a ring would not do, because threads must sleep until there is work. */
#include "loop/jobs.h"

#include <stdlib.h>

#include "base/thread.h"

struct jobs {
    const char *name;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct list queue;
    unsigned waiting; /* threads that wait for work */
    unsigned queued;
    unsigned count, most;
    bool closing;
    pthread_t threads[];
};

harborai_status jobs_create(const char *name, unsigned threads, struct jobs **ret_jobs,
                            harborai_error *error)
{
    struct jobs *jobs = calloc(1, sizeof *jobs + threads * sizeof jobs->threads[0]);
    if (jobs == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    jobs->name = name;
    jobs->most = threads;
    pthread_mutex_init(&jobs->lock, NULL);
    pthread_cond_init(&jobs->changed, NULL);
    list_init(&jobs->queue);
    *ret_jobs = jobs;
    return HARBORAI_OK;
}

/* The lock is held. NULL: closing, and nothing is left to do. */
static struct job *next_job(struct jobs *jobs)
{
    for (;;) {
        struct list *item = list_pop(&jobs->queue);
        if (item != NULL) {
            jobs->queued--;
            return CONTAINER_OF(item, struct job, link);
        }
        if (jobs->closing)
            return NULL;
        jobs->waiting++;
        pthread_cond_wait(&jobs->changed, &jobs->lock);
        jobs->waiting--;
    }
}

static void *work(void *argument)
{
    struct jobs *jobs = argument;
    pthread_mutex_lock(&jobs->lock);
    for (struct job *job; (job = next_job(jobs)) != NULL;) {
        pthread_mutex_unlock(&jobs->lock);
        job->run(job);
        pthread_mutex_lock(&jobs->lock);
    }
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

harborai_status jobs_submit(struct jobs *jobs, struct job *job, harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    pthread_mutex_lock(&jobs->lock);
    if (jobs->queued >= jobs->waiting && jobs->count < jobs->most) {
        st = thread_start(&jobs->threads[jobs->count], jobs->name, work, jobs, error);
        if (st == HARBORAI_OK)
            jobs->count++;
    }
    if (jobs->count > 0) {
        st = HARBORAI_OK;
        list_append(&jobs->queue, &job->link);
        jobs->queued++;
        pthread_cond_signal(&jobs->changed);
    }
    pthread_mutex_unlock(&jobs->lock);
    return st;
}

void jobs_destroy(struct jobs *jobs)
{
    if (jobs == NULL)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->closing = true;
    pthread_cond_broadcast(&jobs->changed);
    pthread_mutex_unlock(&jobs->lock);
    for (unsigned i = 0; i < jobs->count; i++)
        pthread_join(jobs->threads[i], NULL);
    pthread_cond_destroy(&jobs->changed);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
