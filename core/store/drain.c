/* SPDX-License-Identifier: MIT */
/* A drain's thread: who of all processes may copy, when there is something to copy, and what is done
 * when the store fails. Must never ask the journal again and again. */
#include "store/drain.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"
#include "store/drain_copy.h"

#define FIRST_WAIT_MS 1000
#define GATHER_MS 100       /* what comes within it makes one transaction */
#define BLIND_WAIT_MS 1000  /* between two looks where the system gives no word of changes */
#define STANDBY_WAIT_MS 30000

struct drain {
    struct drain_copy copy;
    int lock_fd;
    int stop_fd;   /* an eventfd */
    int notify_fd; /* inotify; -1: there is none */
    int journal_watch, lock_watch;
    unsigned failures; /* in a row */
    pthread_t thread;
    sem_t over; /* the thread is about to end */
    atomic_bool is_stopping;
    atomic_llong deadline_ns; /* of the last round */

    pthread_mutex_t mutex; /* of `status`: a few hundred bytes that belong together */
    struct drain_status status;
};

const char *drain_state_name(enum drain_state state)
{
    static const char *const names[DRAIN_STATE_COUNT] = {[DRAIN_STARTING] = "starting",
                                                         [DRAIN_STANDBY] = "standby",
                                                         [DRAIN_ACTIVE] = "active",
                                                         [DRAIN_FAILING] = "failing",
                                                         [DRAIN_REFUSED] = "refused"};
    return names[state];
}

/* --- Who copies -------------------------------------------------------------------------------- */

static harborai_status open_lock(const struct drain_copy *copy, int *ret_fd, harborai_error *error)
{
    char *path = NULL, why[128];
    if (asprintf(&path, "%s/drain-%s.lock", copy->state_dir, copy->store->functions->name) < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    harborai_status st = HARBORAI_OK;
    if (fd < 0)
        st = harborai_error_set(error, HARBORAI_E_CONFIG, "cannot open '%s': %s", path,
                                error_of_errno(errno, why));
    free(path);
    *ret_fd = fd;
    return st;
}

harborai_status drain_once(const struct drain_settings *settings, struct drain_store *store,
                           bool *ret_is_ours, struct drain_status *ret_status,
                           harborai_error *error)
{
    struct drain_copy copy;
    int fd = -1;
    harborai_status st = drain_copy_init(&copy, settings, store, error);
    if (st == HARBORAI_OK)
        st = open_lock(&copy, &fd, error);
    bool is_ours = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (st == HARBORAI_OK && is_ours)
        st = drain_copy_round(&copy, error);
    if (fd >= 0)
        close(fd);
    *ret_is_ours = is_ours;
    *ret_status = copy.status;
    drain_copy_release(&copy);
    return st;
}

/* --- Waiting ----------------------------------------------------------------------------------- */

static bool is_stopping(struct drain *drain)
{
    return atomic_load(&drain->is_stopping);
}

static void take_event(struct drain *drain, const struct inotify_event *event)
{
    if (event->wd == drain->lock_watch && (event->mask & IN_ATTRIB) != 0)
        drain_copy_forget(&drain->copy);
    if (event->wd == drain->journal_watch && (event->mask & IN_IGNORED) != 0)
        drain->journal_watch = -1;
    if (event->wd != drain->lock_watch && event->mask != IN_MODIFY)
        drain_copy_relist(&drain->copy);
}

/* What has happened, in so far as the list of segments or the positions have to be read again. */
static void read_changes(struct drain *drain)
{
    _Alignas(struct inotify_event) char bytes[4096];
    ssize_t len;
    while ((len = read(drain->notify_fd, bytes, sizeof bytes)) > 0) {
        for (char *at = bytes; at < bytes + len;) {
            const struct inotify_event *event = (const void *)at;
            take_event(drain, event);
            at += sizeof *event + event->len;
        }
    }
}

/* True: there was a change; false: time is up, or it is to stop. */
static bool wait_for(struct drain *drain, int64_t timeout_ms, bool with_changes)
{
    struct pollfd wanted[] = {{.fd = drain->stop_fd, .events = POLLIN},
                              {.fd = with_changes ? drain->notify_fd : -1, .events = POLLIN}};
    int count = poll(wanted, ARRAY_LEN(wanted), (int)timeout_ms);
    return count > 0 && wanted[1].revents != 0 && !is_stopping(drain);
}

static void watch(struct drain *drain)
{
    char *path = NULL;
    drain->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (drain->notify_fd < 0)
        return;
    if (asprintf(&path, "%s/drain-%s.lock", drain->copy.state_dir,
                 drain->copy.store->functions->name) >= 0) {
        drain->lock_watch =
            inotify_add_watch(drain->notify_fd, path, IN_CLOSE_WRITE | IN_ATTRIB);
        free(path);
    }
}

/* The journal's directory may be made after us. */
static void watch_journal(struct drain *drain)
{
    char *path = NULL;
    if (drain->notify_fd < 0 || drain->journal_watch >= 0 ||
        asprintf(&path, "%s/journal", drain->copy.state_dir) < 0)
        return;
    drain->journal_watch = inotify_add_watch(
        drain->notify_fd, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
    free(path);
}

/* --- States ------------------------------------------------------------------------------------- */

static void set_state(struct drain *drain, enum drain_state state, const char *why)
{
    pthread_mutex_lock(&drain->mutex);
    drain->status.state = state;
    snprintf(drain->status.error, sizeof drain->status.error, "%s", why);
    drain->status.rows = drain->copy.status.rows;
    drain->status.amends = drain->copy.status.amends;
    drain->status.refused = drain->copy.status.refused;
    drain->status.backlog_bytes = drain->copy.status.backlog_bytes;
    drain->status.last_commit_ns = drain->copy.status.last_commit_ns;
    pthread_mutex_unlock(&drain->mutex);
}

void drain_status_of(struct drain *drain, struct drain_status *ret_status)
{
    pthread_mutex_lock(&drain->mutex);
    *ret_status = drain->status;
    pthread_mutex_unlock(&drain->mutex);
}

static const char *name_of(const struct drain *drain)
{
    return drain->copy.store->functions->name;
}

static void note_success(struct drain *drain)
{
    enum drain_state state = drain->status.state; /* which only this thread writes */
    if (state != DRAIN_ACTIVE)
        log_write(drain->copy.settings.log,
                  state == DRAIN_STARTING ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "drain.active",
                  "store=%s backlog=%lld", name_of(drain),
                  (long long)drain->copy.status.backlog_bytes);
    drain->failures = 0;
    set_state(drain, DRAIN_ACTIVE, "");
}

/* To write what came in hours of an outage takes a while, in which it is over. */
static void on_commit(struct drain_copy *copy)
{
    note_success(CONTAINER_OF(copy, struct drain, copy));
}

static void note_failure(struct drain *drain, harborai_status st, const harborai_error *error)
{
    enum drain_state state = drain->status.state;
    drain->failures++;
    pthread_mutex_lock(&drain->mutex);
    drain->status.failures++;
    pthread_mutex_unlock(&drain->mutex);
    if (st == HARBORAI_E_CONFIG)
        state = DRAIN_REFUSED;
    else if (st == HARBORAI_E_TIMEOUT || drain->failures >= drain->copy.settings.max_failures)
        state = DRAIN_FAILING; /* who does not answer takes longer for one than others for all */
    if (state != drain->status.state || drain->failures == 1)
        log_write(drain->copy.settings.log, LOG_LEVEL_WARN, "drain.failing",
                  "store=%s state=%s error='%s' help='calls stay in the journal, and are copied "
                  "later'",
                  name_of(drain), drain_state_name(state), error->message);
    set_state(drain, state, error->message);
}

/* 1 s, 2 s, 4 s … */
static int64_t wait_ms_of(const struct drain *drain)
{
    int64_t wait_ms = FIRST_WAIT_MS;
    for (unsigned i = 1; i < drain->failures && wait_ms < drain->copy.settings.most_wait_ms; i++)
        wait_ms *= 2;
    return wait_ms < drain->copy.settings.most_wait_ms ? wait_ms
                                                       : drain->copy.settings.most_wait_ms;
}

/* --- The thread --------------------------------------------------------------------------------- */

/* Its own lock's file is touched by nobody but who leaves, or wants it read anew. */
static bool get_lock(struct drain *drain)
{
    while (flock(drain->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (is_stopping(drain))
            return false;
        if (drain->status.state != DRAIN_STANDBY)
            log_write(drain->copy.settings.log, LOG_LEVEL_INFO, "drain.standby", "store=%s",
                      name_of(drain));
        set_state(drain, DRAIN_STANDBY, "");
        if (wait_for(drain, STANDBY_WAIT_MS, true)) {
            read_changes(drain);
            (void)wait_for(drain, GATHER_MS, false); /* a lock goes after its file is closed */
        }
    }
    return true;
}

static void round_once(struct drain *drain)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = drain_copy_round(&drain->copy, &error);
    if (st < 0)
        note_failure(drain, st, &error);
    else
        note_success(drain);
}

static void wait_for_work(struct drain *drain)
{
    watch_journal(drain);
    if (drain->failures > 0) {
        (void)wait_for(drain, wait_ms_of(drain), false);
        if (drain->notify_fd >= 0)
            read_changes(drain);
    } else if (drain->journal_watch < 0) {
        (void)wait_for(drain, BLIND_WAIT_MS, false);
        drain_copy_relist(&drain->copy);
    } else if (wait_for(drain, drain->copy.settings.most_wait_ms, true)) {
        (void)wait_for(drain, GATHER_MS, false);
        read_changes(drain);
    }
}

static void copy_until_stopped(struct drain *drain)
{
    if (!get_lock(drain))
        return;
    watch_journal(drain); /* before the first look, so that no change falls between */
    round_once(drain);
    while (!is_stopping(drain)) {
        wait_for_work(drain);
        if (!is_stopping(drain))
            round_once(drain);
    }
    if (drain->failures == 0) { /* what came last */
        drain->copy.deadline_ns = atomic_load(&drain->deadline_ns);
        drain_copy_relist(&drain->copy);
        round_once(drain);
    }
}

static void *run(void *argument)
{
    struct drain *drain = argument;
    copy_until_stopped(drain);
    sem_post(&drain->over);
    return NULL;
}

/* --- Start and stop ------------------------------------------------------------------------------ */

static void destroy(struct drain *drain)
{
    int fds[] = {drain->lock_fd, drain->stop_fd, drain->notify_fd};
    drain->copy.store->functions->close(drain->copy.store);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    drain_copy_release(&drain->copy);
    pthread_mutex_destroy(&drain->mutex);
    sem_destroy(&drain->over);
    free(drain);
}

static harborai_status prepare(struct drain *drain, const struct drain_settings *settings,
                               struct drain_store *store, harborai_error *error)
{
    harborai_status st = drain_copy_init(&drain->copy, settings, store, error);
    if (st == HARBORAI_OK)
        st = open_lock(&drain->copy, &drain->lock_fd, error);
    if (st < 0)
        return st;
    drain->copy.is_stopping = &drain->is_stopping;
    drain->copy.on_commit = on_commit;
    drain->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (drain->stop_fd < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no descriptor left for a drain");
    watch(drain);
    return HARBORAI_OK;
}

harborai_status drain_start(const struct drain_settings *settings, struct drain_store *store,
                            struct drain **ret_drain, harborai_error *error)
{
    char name[16];
    struct drain *drain = calloc(1, sizeof *drain);
    if (drain == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    drain->lock_fd = drain->stop_fd = drain->notify_fd = -1;
    drain->journal_watch = drain->lock_watch = -1;
    pthread_mutex_init(&drain->mutex, NULL);
    sem_init(&drain->over, 0, 0);
    harborai_status st = prepare(drain, settings, store, error);
    snprintf(name, sizeof name, "drain-%s", store->functions->name);
    if (st == HARBORAI_OK)
        st = thread_start(&drain->thread, name, run, drain, error);
    if (st < 0) {
        destroy(drain);
        return st;
    }
    *ret_drain = drain;
    return HARBORAI_OK;
}

bool drain_stop(struct drain *drain, int64_t timeout_ms)
{
    if (drain == NULL)
        return true;
    struct timespec until;
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    int64_t deadline_ns = clock_after_ms(now_ns, timeout_ms);
    atomic_store(&drain->deadline_ns, deadline_ns > now_ns ? deadline_ns : now_ns + 1);
    atomic_store(&drain->is_stopping, true);
    (void)eventfd_write(drain->stop_fd, 1);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(timeout_ms / 1000) + 1; /* its last transaction ends in it */
    while (sem_clockwait(&drain->over, CLOCK_MONOTONIC, &until) != 0)
        if (errno != EINTR)
            return false;
    pthread_join(drain->thread, NULL);
    destroy(drain);
    return true;
}
