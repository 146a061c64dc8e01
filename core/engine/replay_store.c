/* SPDX-License-Identifier: MIT */
/* A hash table of tool calls, and a list of answers by when they were last asked for. A lock, since
 * an answer of one loop is asked for on another, and finding is a change of the order: it is held
 * for a look-up or an insertion, and never while text is copied or freed. */
#include "engine/replay_store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/list.h"

#define BYTES_A_BUCKET 1024 /* a short answer with one call takes half of it */
#define BUCKETS_LEAST  64
#define BUCKETS_MOST   ((size_t)1 << 20)
#define PROVIDER_SLOTS 64 /* for replay_store_may_have(): two of one slot cost a search */
#define GONE_AT_ONCE   64 /* answers that one use of the store throws away for their age */

struct kept; /* an answer */

struct kept_call {
    struct kept_call *next; /* of the bucket */
    struct kept_call **at;  /* what leads to it; NULL: a newer answer has the same call */
    struct kept *kept;
    struct replay_call call;
    uint64_t hash;
};

struct kept { /* one piece of memory, with its texts behind the calls */
    struct replay replay;
    _Atomic unsigned references; /* the store's is one */
    struct list link;            /* store->by_use */
    int64_t used_ns;
    size_t size;
    harborai_str caller, provider;
    size_t call_count, found_by; /* calls in the table */
    struct kept_call calls[];
};

struct replay_store {
    struct replay_options options; /* max_size and lifetime_ns: by `lock` */
    uint64_t seed;
    atomic_uint of_provider[PROVIDER_SLOTS]; /* answers held */
    pthread_mutex_t lock;
    struct list by_use; /* the next to go first */
    size_t size;
    size_t bucket_count; /* a power of two */
    struct kept_call **buckets; /* NULL until something is kept: most processes keep nothing */
};

static size_t buckets_for(size_t max_size)
{
    size_t count = BUCKETS_LEAST;
    while (count < BUCKETS_MOST && count < max_size / BYTES_A_BUCKET)
        count *= 2;
    return count;
}

harborai_status replay_store_create(const struct replay_options *options,
                                    struct replay_store **ret_store, harborai_error *error)
{
    struct replay_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    store->options = *options;
    store->seed = (uint64_t)clock_wall_ns(options->clock) ^ (uintptr_t)store;
    list_init(&store->by_use);
    pthread_mutex_init(&store->lock, NULL);
    store->bucket_count = buckets_for(options->max_size);
    *ret_store = store;
    return HARBORAI_OK;
}

void replay_store_count(struct replay_store *store, enum replay_event event, int64_t number)
{
    if (store->options.count != NULL && number != 0)
        store->options.count(store->options.context, event, number);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct replay_store *store, harborai_str caller,
                        harborai_str provider, const struct replay_call *call)
{
    uint64_t owner = hash_slice(provider, hash_slice(caller, store->seed));
    return hash_slice(call->id, owner ^ call->digest);
}

static atomic_uint *provider_slot(const struct replay_store *store, harborai_str provider)
{
    size_t slot = hash_slice(provider, store->seed) % PROVIDER_SLOTS;
    return &((struct replay_store *)(uintptr_t)store)->of_provider[slot];
}

bool replay_store_may_have(const struct replay_store *store, harborai_str provider)
{
    return atomic_load_explicit(provider_slot(store, provider), memory_order_acquire) > 0;
}

static struct kept_call **bucket_of(const struct replay_store *store, uint64_t hash)
{
    return &store->buckets[hash & (store->bucket_count - 1)];
}

static bool is_it(const struct kept_call *have, uint64_t hash, harborai_str caller,
                  harborai_str provider, const struct replay_call *call)
{
    return have->hash == hash && have->call.digest == call->digest &&
           slice_equal(have->call.id, call->id) && slice_equal(have->kept->caller, caller) &&
           slice_equal(have->kept->provider, provider);
}

/* --- Going ------------------------------------------------------------------------------------ */

void replay_unref(const struct replay *replay)
{
    if (replay == NULL)
        return;
    struct kept *kept = CONTAINER_OF((uintptr_t)replay, struct kept, replay);
    if (atomic_fetch_sub(&kept->references, 1) == 1)
        free(kept);
}

static void insert_call(struct kept_call **at, struct kept_call *call)
{
    call->next = *at;
    call->at = at;
    if (call->next != NULL)
        call->next->at = &call->next;
    *at = call;
}

static void remove_call(struct kept_call *call)
{
    if (call->at == NULL)
        return;
    *call->at = call->next;
    if (call->next != NULL)
        call->next->at = call->at;
    call->at = NULL;
    call->kept->found_by--;
}

/* [locked] Out of the store, and onto a list of what is to be freed when the lock is open. */
static void put_out(struct replay_store *store, struct kept *kept, struct list *gone)
{
    for (size_t i = 0; i < kept->call_count; i++)
        remove_call(&kept->calls[i]);
    store->size -= kept->size;
    atomic_fetch_sub_explicit(provider_slot(store, kept->provider), 1, memory_order_release);
    list_remove(&kept->link);
    list_append(gone, &kept->link);
}

static struct kept *next_to_go(const struct replay_store *store)
{
    return list_is_empty(&store->by_use) ? NULL
                                         : CONTAINER_OF(store->by_use.next, struct kept, link);
}

static bool is_old(const struct replay_store *store, const struct kept *kept, int64_t now_ns)
{
    return now_ns - kept->used_ns >= store->options.lifetime_ns;
}

/* [locked] A part of them: no caller has to pay for all. */
static void put_out_old(struct replay_store *store, int64_t now_ns, struct list *gone)
{
    struct kept *kept;
    for (int i = 0; i < GONE_AT_ONCE && (kept = next_to_go(store)) != NULL; i++) {
        if (!is_old(store, kept, now_ns))
            return;
        put_out(store, kept, gone);
    }
}

/* [locked] Until there is room for `size` more bytes. */
static void make_room(struct replay_store *store, size_t size, struct list *gone)
{
    struct kept *kept;
    while (store->size > store->options.max_size - size && (kept = next_to_go(store)) != NULL)
        put_out(store, kept, gone);
}

/* `why`: REPLAY_EVENTS = not to be counted. */
static void free_all(struct replay_store *store, struct list *gone, enum replay_event why)
{
    int64_t count = 0, bytes = 0;
    for (struct list *item; (item = list_pop(gone)) != NULL; count++) {
        struct kept *kept = CONTAINER_OF(item, struct kept, link);
        bytes += (int64_t)kept->size;
        replay_unref(&kept->replay);
    }
    if (why != REPLAY_EVENTS)
        replay_store_count(store, why, count);
    replay_store_count(store, REPLAY_BYTES, -bytes);
}

/* [locked] */
static bool has_table(struct replay_store *store)
{
    if (store->buckets == NULL)
        store->buckets = calloc(store->bucket_count, sizeof *store->buckets);
    return store->buckets != NULL;
}

/* [locked] Without memory for another table the one that is there goes on. */
static void resize_table(struct replay_store *store, size_t count)
{
    struct kept_call **before = store->buckets;
    if (count == store->bucket_count)
        return;
    struct kept_call **buckets = before != NULL ? calloc(count, sizeof *buckets) : NULL;
    if (before != NULL && buckets == NULL)
        return;
    store->buckets = buckets;
    store->bucket_count = count;
    for (struct list *item = store->by_use.next; item != &store->by_use; item = item->next) {
        struct kept *kept = CONTAINER_OF(item, struct kept, link);
        for (size_t i = 0; i < kept->call_count; i++)
            if (kept->calls[i].at != NULL)
                insert_call(bucket_of(store, kept->calls[i].hash), &kept->calls[i]);
    }
    free(before);
}

void replay_store_set(struct replay_store *store, size_t max_size, int64_t lifetime_ns)
{
    struct list gone;
    list_init(&gone);
    pthread_mutex_lock(&store->lock);
    store->options.max_size = max_size;
    store->options.lifetime_ns = lifetime_ns;
    make_room(store, 0, &gone);
    resize_table(store, buckets_for(max_size));
    pthread_mutex_unlock(&store->lock);
    free_all(store, &gone, REPLAY_EVICTED);
}

void replay_store_destroy(struct replay_store *store)
{
    if (store == NULL)
        return;
    for (struct list *item; (item = list_pop(&store->by_use)) != NULL;)
        replay_unref(&CONTAINER_OF(item, struct kept, link)->replay);
    pthread_mutex_destroy(&store->lock);
    free(store->buckets);
    free(store);
}

/* --- Coming ----------------------------------------------------------------------------------- */

static harborai_str put(char **at, harborai_str text)
{
    harborai_str copy = {*at, text.len};
    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

static struct kept *copy(const struct replay_store *store, harborai_str caller,
                         harborai_str provider, const struct replay_call *calls, size_t count,
                         const struct replay *what)
{
    size_t text =
        caller.len + provider.len + what->reasoning.len + what->details.len + what->maker.len;
    for (size_t i = 0; i < count; i++)
        text += calls[i].id.len;
    size_t size = sizeof(struct kept) + count * sizeof(struct kept_call) + text;
    struct kept *kept = malloc(size);
    if (kept == NULL)
        return NULL;
    char *at = (char *)&kept->calls[count];
    *kept = (struct kept){.references = 1, .size = size, .call_count = count, .found_by = count};
    kept->replay.reasoning = put(&at, what->reasoning);
    kept->replay.details = put(&at, what->details);
    kept->replay.maker = put(&at, what->maker);
    kept->caller = put(&at, caller);
    kept->provider = put(&at, provider);
    for (size_t i = 0; i < count; i++)
        kept->calls[i] = (struct kept_call){.kept = kept,
                                            .call = {put(&at, calls[i].id), calls[i].digest},
                                            .hash = hash_of(store, caller, provider, &calls[i])};
    return kept;
}

/* [locked] */
static struct kept_call *look_up(const struct replay_store *store, uint64_t hash,
                                 harborai_str caller, harborai_str provider,
                                 const struct replay_call *call)
{
    struct kept_call *have = store->buckets != NULL ? *bucket_of(store, hash) : NULL;
    while (have != NULL && !is_it(have, hash, caller, provider, call))
        have = have->next;
    return have;
}

/* [locked] The older answer that this call has led to; it goes when no call leads to it. */
static void replace(struct replay_store *store, const struct kept_call *call, struct list *gone)
{
    const struct kept *kept = call->kept;
    struct kept_call *have =
        look_up(store, call->hash, kept->caller, kept->provider, &call->call);
    if (have == NULL)
        return;
    remove_call(have);
    if (have->kept->found_by == 0)
        put_out(store, have->kept, gone);
}

/* [locked] */
static void put_in(struct replay_store *store, struct kept *kept, struct list *gone)
{
    for (size_t i = 0; i < kept->call_count; i++) {
        replace(store, &kept->calls[i], gone);
        insert_call(bucket_of(store, kept->calls[i].hash), &kept->calls[i]);
    }
    store->size += kept->size;
    list_append(&store->by_use, &kept->link);
    atomic_fetch_add_explicit(provider_slot(store, kept->provider), 1, memory_order_release);
}

void replay_store_keep(struct replay_store *store, harborai_str caller, harborai_str provider,
                       const struct replay_call *calls, size_t count, const struct replay *what)
{
    struct list old, evicted, replaced;
    struct kept *kept = copy(store, caller, provider, calls, count, what);
    size_t size = kept != NULL ? kept->size : 0;
    list_init(&old);
    list_init(&evicted);
    list_init(&replaced);
    pthread_mutex_lock(&store->lock);
    bool fits = kept != NULL && size <= store->options.max_size && has_table(store);
    int64_t now_ns = clock_monotonic_ns(store->options.clock);
    put_out_old(store, now_ns, &old);
    if (fits) {
        make_room(store, size, &evicted);
        kept->used_ns = now_ns;
        put_in(store, kept, &replaced);
    }
    pthread_mutex_unlock(&store->lock);
    if (!fits)
        free(kept);
    replay_store_count(store, fits ? REPLAY_KEPT : REPLAY_DROPPED, 1);
    replay_store_count(store, REPLAY_BYTES, fits ? (int64_t)size : 0);
    free_all(store, &old, REPLAY_EXPIRED);
    free_all(store, &evicted, REPLAY_EVICTED);
    free_all(store, &replaced, REPLAY_EVENTS);
}

/* --- Finding ---------------------------------------------------------------------------------- */

const struct replay *replay_store_find(struct replay_store *store, harborai_str caller,
                                       harborai_str provider, const struct replay_call *call)
{
    uint64_t hash = hash_of(store, caller, provider, call);
    struct list old;
    list_init(&old);
    pthread_mutex_lock(&store->lock);
    int64_t now_ns = clock_monotonic_ns(store->options.clock);
    put_out_old(store, now_ns, &old);
    const struct kept_call *have = look_up(store, hash, caller, provider, call);
    struct kept *kept = have != NULL ? have->kept : NULL;
    if (kept != NULL && is_old(store, kept, now_ns))
        kept = NULL;
    if (kept != NULL) {
        atomic_fetch_add(&kept->references, 1);
        kept->used_ns = now_ns;
        list_remove(&kept->link);
        list_append(&store->by_use, &kept->link);
    }
    pthread_mutex_unlock(&store->lock);
    free_all(store, &old, REPLAY_EXPIRED);
    return kept != NULL ? &kept->replay : NULL;
}
