/* SPDX-License-Identifier: MIT */
/* The table of names. The lock is held for a look-up and a hand-over, never during getaddrinfo(),
 * which may hang for as long as it likes: that holds up one of the threads and those who ask for
 * that name, nobody else. */
#include "transport/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "loop/jobs.h"

#define THREADS 4
#define BUCKETS 64
#define NAMES 1024 /* more providers than anybody has; then the ones that rest are forgotten */
#define FRESH_NS (60 * NS_PER_S)
#define RETRY_NS (5 * NS_PER_S) /* an old answer serves that long before the next try */

struct name {
    struct list link; /* in its bucket */
    struct job job;
    struct resolver *resolver;
    struct list waiters;
    bool running;
    int64_t asked_ns, fresh_until_ns;
    struct resolver_answer good; /* count 0: none yet */
    char text[RESOLVER_NAME_LEN + 1];
};

struct resolver {
    const struct log *log;
    struct jobs *jobs;
    pthread_mutex_t lock; /* snapshots would not do: waiters come and go with the answer */
    unsigned count;
    struct list buckets[BUCKETS];
};

harborai_status resolver_create(const struct log *log, struct resolver **ret_resolver,
                                harborai_error *error)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = jobs_create("resolver", THREADS, &resolver->jobs, error);
    if (st < 0) {
        free(resolver);
        return st;
    }
    resolver->log = log;
    pthread_mutex_init(&resolver->lock, NULL);
    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&resolver->buckets[i]);
    *ret_resolver = resolver;
    return HARBORAI_OK;
}

void resolver_destroy(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    jobs_destroy(resolver->jobs);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct list *item; (item = list_pop(&resolver->buckets[i])) != NULL;)
            free(CONTAINER_OF(item, struct name, link));
    pthread_mutex_destroy(&resolver->lock);
    free(resolver);
}

bool resolver_is_busy(struct resolver *resolver)
{
    bool busy = false;
    pthread_mutex_lock(&resolver->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct list *item = resolver->buckets[i].next; item != &resolver->buckets[i];
             item = item->next)
            busy |= CONTAINER_OF(item, struct name, link)->running;
    pthread_mutex_unlock(&resolver->lock);
    return busy;
}

/* --- Resolving [job] ---------------------------------------------------------------------- */

static bool has_address(const struct resolver_answer *answer, const char *text)
{
    for (unsigned i = 0; i < answer->count; i++)
        if (strcmp(answer->text[i], text) == 0)
            return true;
    return false;
}

static void collect(const struct addrinfo *found, struct resolver_answer *answer)
{
    for (; found != NULL && answer->count < RESOLVER_ADDRESSES; found = found->ai_next) {
        char text[INET6_ADDRSTRLEN];
        if (getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) == 0 &&
            !has_address(answer, text))
            memcpy(answer->text[answer->count++], text, sizeof text);
    }
}

static harborai_status resolve(const char *name, struct resolver_answer *answer,
                               harborai_error *error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char text[128];

    int failed = getaddrinfo(name, NULL, &hints, &found);
    if (failed == 0) {
        collect(found, answer);
        freeaddrinfo(found);
        if (answer->count > 0)
            return HARBORAI_OK;
    }
    const char *reason = failed == EAI_SYSTEM ? error_of_errno(errno, text)
                         : failed != 0        ? gai_strerror(failed)
                                              : "the name has no address";
    return harborai_error_set(
        error, HARBORAI_E_NETWORK,
        "cannot resolve '%s': %s; check that name, and this machine's name servers", name, reason);
}

/* The lock is held. */
static void hand_over(struct name *name, harborai_status status, const harborai_error *error)
{
    if (status == HARBORAI_OK)
        for (struct list *item = name->waiters.next; item != &name->waiters; item = item->next) {
            struct waiter *waiter = CONTAINER_OF(item, struct waiter, link);
            CONTAINER_OF(waiter, struct resolver_query, waiter)->answer = name->good;
        }
    waiter_finish_all(&name->waiters, status, error);
}

static void run(struct job *job)
{
    struct name *name = CONTAINER_OF(job, struct name, job);
    struct resolver *resolver = name->resolver;
    struct resolver_answer answer = {0};
    harborai_error error = HARBORAI_ERROR_INIT;

    harborai_status st = resolve(name->text, &answer, &error);
    if (st < 0)
        log_write(resolver->log, log_level_told(resolver->log, LOG_LEVEL_WARN),
                  "transport.unresolved", "name='%s' reason='%s'", name->text, error.message);
    pthread_mutex_lock(&resolver->lock);
    name->running = false;
    if (st == HARBORAI_OK) {
        name->good = answer;
        name->fresh_until_ns = name->asked_ns + FRESH_NS;
    } else if (name->good.count > 0) {
        name->fresh_until_ns = name->asked_ns + RETRY_NS;
        st = HARBORAI_OK;
    }
    hand_over(name, st, &error);
    pthread_mutex_unlock(&resolver->lock);
}

/* --- Asking [loop] ------------------------------------------------------------------------ */

static bool is_address(harborai_str name, struct resolver_answer *answer)
{
    struct in6_addr address; /* room for either family */
    char text[INET6_ADDRSTRLEN];
    if (name.len >= sizeof text)
        return false;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    if (inet_pton(AF_INET, text, &address) != 1 && inet_pton(AF_INET6, text, &address) != 1)
        return false;
    memcpy(answer->text[0], text, name.len + 1);
    answer->count = 1;
    return true;
}

static struct list *bucket_of(struct resolver *resolver, harborai_str name)
{
    return &resolver->buckets[hash_slice(name, 0) % BUCKETS];
}

static struct name *find(struct list *bucket, harborai_str name)
{
    for (struct list *item = bucket->next; item != bucket; item = item->next) {
        struct name *entry = CONTAINER_OF(item, struct name, link);
        if (slice_is(name, entry->text))
            return entry;
    }
    return NULL;
}

/* Makes room by forgetting a name that nobody waits for. */
static void forget_one(struct resolver *resolver)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct list *item = resolver->buckets[i].next; item != &resolver->buckets[i];
             item = item->next) {
            struct name *name = CONTAINER_OF(item, struct name, link);
            if (name->running)
                continue;
            list_remove(&name->link);
            free(name);
            resolver->count--;
            return;
        }
}

static struct name *add(struct resolver *resolver, struct list *bucket, harborai_str text)
{
    if (resolver->count >= NAMES)
        forget_one(resolver);
    struct name *name = resolver->count < NAMES ? calloc(1, sizeof *name) : NULL;
    if (name == NULL)
        return NULL;
    memcpy(name->text, text.data, text.len);
    name->resolver = resolver;
    list_init(&name->waiters);
    list_append(bucket, &name->link);
    resolver->count++;
    return name;
}

/* The lock is held. */
static harborai_status ask(struct resolver *resolver, harborai_str text, int64_t now_ns,
                           struct resolver_query *query, harborai_error *error)
{
    struct list *bucket = bucket_of(resolver, text);
    struct name *name = find(bucket, text);
    if (name == NULL)
        name = add(resolver, bucket, text);
    if (name == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left to resolve '%.*s'",
                                  SLICE_ARG(text));
    if (name->good.count > 0 && now_ns < name->fresh_until_ns) {
        query->answer = name->good;
        return HARBORAI_OK;
    }
    if (!name->running) {
        name->job.run = run;
        name->asked_ns = now_ns;
        harborai_status st = jobs_submit(resolver->jobs, &name->job, error);
        if (st < 0)
            return st;
        name->running = true;
    }
    list_append(&name->waiters, &query->waiter.link);
    return WAITER_PENDING;
}

harborai_status resolver_ask(struct resolver *resolver, harborai_str name, int64_t now_ns,
                             struct resolver_query *query, harborai_error *error)
{
    if (is_address(name, &query->answer))
        return HARBORAI_OK;
    if (name.len == 0 || name.len > RESOLVER_NAME_LEN)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "cannot resolve '%.*s': not the length of a name",
                                  SLICE_ARG(slice_cut(name, 64)));
    pthread_mutex_lock(&resolver->lock);
    harborai_status st = ask(resolver, name, now_ns, query, error);
    pthread_mutex_unlock(&resolver->lock);
    return st;
}

bool resolver_cancel(struct resolver *resolver, struct resolver_query *query)
{
    pthread_mutex_lock(&resolver->lock);
    bool waits = list_is_linked(&query->waiter.link);
    list_remove(&query->waiter.link);
    pthread_mutex_unlock(&resolver->lock);
    return waits;
}
