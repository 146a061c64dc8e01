/* SPDX-License-Identifier: MIT */
/* CA files, parsed once. OpenSSL locks an X509_STORE itself, so that verifications of many loops
 * may share one. */
#include "transport/tls_store.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/slice.h"
#include "loop/jobs.h"

struct tls_store {
    struct list link;
    struct tls_stores *all;
    struct job job;
    struct list waiters;
    unsigned refs;
    bool loading;
    X509_STORE *x509; /* NULL until it is parsed, then for ever */
    char *file;
};

struct tls_stores {
    struct jobs *jobs;
    pthread_mutex_t lock; /* held for a few instructions; waiters come and go with the answer */
    struct list stores;
};

harborai_status tls_stores_create(struct tls_stores **ret_stores, harborai_error *error)
{
    struct tls_stores *stores = calloc(1, sizeof *stores);
    if (stores == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = jobs_create("ca-file", 1, &stores->jobs, error);
    if (st < 0) {
        free(stores);
        return st;
    }
    pthread_mutex_init(&stores->lock, NULL);
    list_init(&stores->stores);
    *ret_stores = stores;
    return HARBORAI_OK;
}

void tls_stores_destroy(struct tls_stores *stores)
{
    if (stores == NULL)
        return;
    jobs_destroy(stores->jobs);
    pthread_mutex_destroy(&stores->lock);
    free(stores);
}

bool tls_stores_are_busy(struct tls_stores *stores)
{
    bool busy = false;
    pthread_mutex_lock(&stores->lock);
    for (struct list *item = stores->stores.next; item != &stores->stores; item = item->next)
        busy |= CONTAINER_OF(item, struct tls_store, link)->loading;
    pthread_mutex_unlock(&stores->lock);
    return busy;
}

/* --- References ---------------------------------------------------------------------------- */

static struct tls_store *find(struct tls_stores *stores, harborai_str file)
{
    for (struct list *item = stores->stores.next; item != &stores->stores; item = item->next) {
        struct tls_store *store = CONTAINER_OF(item, struct tls_store, link);
        if (slice_is(file, store->file))
            return store;
    }
    return NULL;
}

static struct tls_store *add(struct tls_stores *stores, harborai_str file)
{
    struct tls_store *store = calloc(1, sizeof *store);
    char *copy = slice_dup(file);
    if (store == NULL || copy == NULL) {
        free(store);
        free(copy);
        return NULL;
    }
    store->all = stores;
    store->file = copy;
    list_init(&store->waiters);
    list_append(&stores->stores, &store->link);
    return store;
}

harborai_status tls_stores_get(struct tls_stores *stores, harborai_str ca_file,
                               struct tls_store **ret_store, harborai_error *error)
{
    pthread_mutex_lock(&stores->lock);
    struct tls_store *store = find(stores, ca_file);
    if (store == NULL)
        store = add(stores, ca_file);
    if (store != NULL)
        store->refs++;
    pthread_mutex_unlock(&stores->lock);
    if (store == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    *ret_store = store;
    return HARBORAI_OK;
}

struct tls_store *tls_store_ref(struct tls_store *store)
{
    if (store == NULL)
        return NULL;
    pthread_mutex_lock(&store->all->lock);
    store->refs++;
    pthread_mutex_unlock(&store->all->lock);
    return store;
}

void tls_store_unref(struct tls_store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_t *lock = &store->all->lock;
    pthread_mutex_lock(lock);
    bool last = --store->refs == 0;
    if (last)
        list_remove(&store->link);
    pthread_mutex_unlock(lock);
    if (!last)
        return;
    X509_STORE_free(store->x509);
    free(store->file);
    free(store);
}

/* --- Parsing [job] ------------------------------------------------------------------------- */

static harborai_status parse(const char *file, X509_STORE **ret_x509, harborai_error *error)
{
    const char *way_out = "set tls.ca_file or providers.<name>.tls.ca_file";
    char text[128];

    if (access(file, R_OK) < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot read the CA file '%s': %s; %s",
                                  file, error_of_errno(errno, text), way_out);
    X509_STORE *x509 = X509_STORE_new();
    if (x509 == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the CA file '%s'",
                                  file);
    if (X509_STORE_load_file(x509, file) != 1) {
        X509_STORE_free(x509);
        ERR_clear_error();
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "the CA file '%s' holds no certificate in PEM format; %s", file,
                                  way_out);
    }
    /* What curl sets for each connection; set now, it changes nothing while others verify. */
    X509_STORE_set_flags(x509, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    *ret_x509 = x509;
    return HARBORAI_OK;
}

static void run(struct job *job)
{
    struct tls_store *store = CONTAINER_OF(job, struct tls_store, job);
    harborai_error error = HARBORAI_ERROR_INIT;
    X509_STORE *x509 = NULL;

    harborai_status st = parse(store->file, &x509, &error);
    pthread_mutex_lock(&store->all->lock);
    store->loading = false;
    store->x509 = x509;
    waiter_finish_all(&store->waiters, st, &error);
    pthread_mutex_unlock(&store->all->lock);
    tls_store_unref(store);
}

/* --- Asking [loop] ------------------------------------------------------------------------- */

/* The lock is held. */
static harborai_status ask(struct tls_store *store, struct waiter *waiter, harborai_error *error)
{
    if (store->x509 != NULL)
        return HARBORAI_OK;
    if (!store->loading) {
        store->job.run = run;
        harborai_status st = jobs_submit(store->all->jobs, &store->job, error);
        if (st < 0)
            return st;
        store->loading = true;
        store->refs++; /* the job's own */
    }
    list_append(&store->waiters, &waiter->link);
    return WAITER_PENDING;
}

harborai_status tls_store_ask(struct tls_store *store, struct waiter *waiter, harborai_error *error)
{
    pthread_mutex_lock(&store->all->lock);
    harborai_status st = ask(store, waiter, error);
    pthread_mutex_unlock(&store->all->lock);
    return st;
}

bool tls_store_cancel(struct tls_store *store, struct waiter *waiter)
{
    pthread_mutex_lock(&store->all->lock);
    bool waits = list_is_linked(&waiter->link);
    list_remove(&waiter->link);
    pthread_mutex_unlock(&store->all->lock);
    return waits;
}

X509_STORE *tls_store_x509(const struct tls_store *store)
{
    return store->x509;
}

const char *tls_store_file(const struct tls_store *store)
{
    return store->file;
}
