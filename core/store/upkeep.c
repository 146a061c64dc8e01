/* SPDX-License-Identifier: MIT */
/* The thread, and what wakes it. Must never wake itself for ever: what it writes is seen by its own
 * watch, too, so that after a failure time has to pass first. */
#include "store/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/thread.h"
#include "store/copied_mark.h"
#include "store/journal_list.h"

#define LOCK "upkeep.lock"
/* A file is told to be closed a little before its lock is free; and several come at a time. */
#define QUIET_NS (200 * NS_PER_MS)
#define SOON_NS NS_PER_S
#define FIRST_RETRY_NS (60 * NS_PER_S)
#define LAST_RETRY_NS (3600 * NS_PER_S)
#define LONGEST_SLEEP_NS (24 * 3600 * NS_PER_S) /* the wall clock may be set meanwhile */
#define NICENESS 10 /* calls go first */

struct upkeep {
    struct upkeep_tools tools;
    int lock, watch, wake; /* owned; -1 = none */
    atomic_bool is_stopped;
    _Atomic int64_t retention_ns;
    atomic_uint stores;
    atomic_bool compresses;
    pthread_t thread;

    /* The thread's. Monotonic. */
    int64_t due_ns;        /* CLOCK_NEVER_NS: nothing is to be done */
    int64_t not_before_ns; /* after a failure */
    int64_t retry_ns;      /* how long it waits after the next one */
    bool awaits_lock;
    bool has_told;
    bool has_kept; /* told, too */
};

static int64_t now_of(const struct upkeep *u)
{
    return clock_monotonic_ns(u->tools.clock);
}

/* --- A pass ---------------------------------------------------------------------------------- */

static void plan(struct upkeep *u, int64_t after_ns)
{
    int64_t at_ns = now_of(u) + (after_ns > 0 ? after_ns : 0);
    if (at_ns < u->due_ns)
        u->due_ns = at_ns;
}

static void plan_next(struct upkeep *u, const struct upkeep_result *result)
{
    if (result->is_unsure)
        plan(u, SOON_NS);
    if (result->next_ns == CLOCK_NEVER_NS)
        return;
    int64_t left_ns = result->next_ns - clock_wall_ns(u->tools.clock);
    plan(u, left_ns < SOON_NS ? SOON_NS : left_ns < LONGEST_SLEEP_NS ? left_ns : LONGEST_SLEEP_NS);
}

static void fail(struct upkeep *u, const harborai_error *error)
{
    if (!u->has_told)
        log_write(u->tools.log, LOG_LEVEL_WARN, "journal.upkeep_failed", "error='%s' retry_ms=%lld",
                  error->message, (long long)(u->retry_ns / NS_PER_MS));
    u->has_told = true;
    u->not_before_ns = now_of(u) + u->retry_ns;
    plan(u, u->retry_ns);
    u->retry_ns = 2 * u->retry_ns < LAST_RETRY_NS ? 2 * u->retry_ns : LAST_RETRY_NS;
}

static void make_pass(struct upkeep *u)
{
    struct upkeep_settings settings = {.retention_ns = atomic_load(&u->retention_ns),
                                       .stores = atomic_load(&u->stores),
                                       .compresses = atomic_load(&u->compresses)};
    struct upkeep_result result = {.next_ns = CLOCK_NEVER_NS};
    harborai_error error = HARBORAI_ERROR_INIT;
    u->due_ns = CLOCK_NEVER_NS;
    if (upkeep_pass(&u->tools, &settings, &result, &error) < 0) {
        fail(u, &error);
    } else {
        u->has_told = false;
        u->retry_ns = FIRST_RETRY_NS;
    }
    if (result.kept > 0 && !u->has_kept)
        log_write(u->tools.log, LOG_LEVEL_WARN, "journal.kept",
                  "segments=%zu help='they are too old, and stay until each store that is configured "
                  "has their calls'",
                  result.kept);
    u->has_kept = result.kept > 0;
    plan_next(u, &result);
}

/* Who waits for the lock sees that its file was touched: it stays open, so that nothing else tells. */
static void make_locked_pass(struct upkeep *u)
{
    u->awaits_lock = flock(u->lock, LOCK_EX | LOCK_NB) < 0;
    if (u->awaits_lock) {
        u->due_ns = CLOCK_NEVER_NS;
        if (u->watch < 0)
            plan(u, LAST_RETRY_NS);
        return;
    }
    make_pass(u);
    (void)flock(u->lock, LOCK_UN);
    (void)futimens(u->lock, NULL);
}

/* --- What wakes it --------------------------------------------------------------------------- */

static void take_event(struct upkeep *u, const struct inotify_event *event)
{
    harborai_str name = slice_of(event->len > 0 ? event->name : "");
    bool is_segment = (event->mask & IN_CLOSE_WRITE) != 0 &&
                      (slice_ends_with(name, ".jsonl") ||
                       (u->has_kept && slice_ends_with(name, COPIED_MARK)));
    if (is_segment || (event->mask & IN_Q_OVERFLOW) != 0 || (slice_is(name, LOCK) && u->awaits_lock))
        plan(u, QUIET_NS);
}

static void read_events(struct upkeep *u)
{
    _Alignas(struct inotify_event) char bytes[KIB(4)];
    ssize_t len;
    while ((len = read(u->watch, bytes, sizeof bytes)) > 0)
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *)(bytes + at);
            take_event(u, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
}

static void sleep_until_due(struct upkeep *u)
{
    struct pollfd fds[] = {{.fd = u->wake, .events = POLLIN}, {.fd = u->watch, .events = POLLIN}};
    int64_t at_ns = u->due_ns > u->not_before_ns ? u->due_ns : u->not_before_ns;
    int64_t left_ns = at_ns - now_of(u);
    struct timespec timeout = {left_ns / NS_PER_S, left_ns % NS_PER_S};
    uint64_t count;
    if (left_ns <= 0)
        return;
    if (ppoll(fds, ARRAY_LEN(fds), u->due_ns == CLOCK_NEVER_NS ? NULL : &timeout, NULL) <= 0)
        return;
    if (fds[0].revents != 0 && read(u->wake, &count, sizeof count) == sizeof count)
        plan(u, 0);
    if (fds[1].revents != 0)
        read_events(u);
}

static void *run(void *argument)
{
    struct upkeep *u = argument;
    (void)setpriority(PRIO_PROCESS, 0, NICENESS); /* of this thread, on Linux */
    while (!atomic_load(&u->is_stopped)) {
        int64_t now_ns = now_of(u);
        if (u->due_ns <= now_ns && u->not_before_ns <= now_ns)
            make_locked_pass(u);
        else
            sleep_until_due(u);
    }
    return NULL;
}

/* --- Life ------------------------------------------------------------------------------------ */

static harborai_status failed(const char *what, harborai_error *error)
{
    char why[128];
    return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot %s the journal's directory: %s", what,
                              error_of_errno(errno, why));
}

/* Without a watch what a killed process leaves waits for the next start. */
static void open_watch(struct upkeep *u, const char *path)
{
    char why[128];
    u->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (u->watch >= 0 && inotify_add_watch(u->watch, path, IN_CLOSE_WRITE | IN_ATTRIB) >= 0)
        return;
    log_write(u->tools.log, LOG_LEVEL_WARN, "journal.not_watched",
              "error='%s' help='files of the journal are compressed, and those of killed processes "
              "finished, at the next start; sysctl fs.inotify.max_user_instances says how many "
              "watchers a user may have'",
              error_of_errno(errno, why));
}

static harborai_status open_files(struct upkeep *u, harborai_str state_dir, harborai_error *error)
{
    char *path = NULL;
    harborai_status st = journal_directory_open(state_dir, &u->tools.directory, error);
    if (st < 0)
        return st;
    if (u->tools.directory < 0)
        return harborai_error_set(error, HARBORAI_E_NOT_FOUND, "there is no journal");
    u->lock = openat(u->tools.directory, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    u->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (u->lock < 0 || u->wake < 0)
        return failed("look after", error);
    if (asprintf(&path, "%.*s/journal", SLICE_ARG(state_dir)) < 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    open_watch(u, path);
    free(path);
    return HARBORAI_OK;
}

static void release(struct upkeep *u)
{
    const int owned[] = {u->tools.directory, u->lock, u->watch, u->wake};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        if (owned[i] >= 0)
            close(owned[i]);
    free(u);
}

harborai_status upkeep_create(harborai_str state_dir, const struct clock *clock,
                              const struct log *log, const struct upkeep_settings *settings,
                              struct upkeep **ret_upkeep, harborai_error *error)
{
    struct upkeep *u = calloc(1, sizeof *u);
    if (u == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    u->tools = (struct upkeep_tools){-1, clock, log, &u->is_stopped};
    u->lock = u->watch = u->wake = -1;
    u->retry_ns = FIRST_RETRY_NS;
    u->retention_ns = settings->retention_ns;
    u->stores = settings->stores;
    u->compresses = settings->compresses;
    harborai_status st = open_files(u, state_dir, error);
    if (st == HARBORAI_OK)
        st = thread_start(&u->thread, "upkeep", run, u, error);
    if (st < 0) {
        release(u);
        return st;
    }
    *ret_upkeep = u;
    return HARBORAI_OK;
}

static void wake(struct upkeep *u)
{
    uint64_t one = 1;
    ssize_t wrote = write(u->wake, &one, sizeof one);
    (void)wrote; /* full: it is awake already */
}

void upkeep_set(struct upkeep *u, const struct upkeep_settings *settings)
{
    atomic_store(&u->retention_ns, settings->retention_ns);
    atomic_store(&u->stores, settings->stores);
    atomic_store(&u->compresses, settings->compresses);
    wake(u);
}

void upkeep_destroy(struct upkeep *u)
{
    if (u == NULL)
        return;
    atomic_store(&u->is_stopped, true);
    wake(u);
    pthread_join(u->thread, NULL);
    release(u);
}
