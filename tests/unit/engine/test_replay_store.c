/* SPDX-License-Identifier: MIT */
#include "engine/replay_store.h"

#include <stdatomic.h>

#include "../unit.h"
#include "base/limits.h"
#include "base/thread.h"

extern const CU_TestInfo replay_store_tests[];

#define ANN HARBORAI_STR("ann")
#define LAB HARBORAI_STR("lab")

/* --- A store with a clock that the test sets ------------------------------------------------------- */

static int64_t now_ns;
static atomic_llong counts[REPLAY_EVENTS];

static int64_t now(const struct clock *self)
{
    (void)self;
    return now_ns;
}

static const struct clock hand_set = {now, now};

static void count(void *context, enum replay_event event, int64_t number)
{
    CU_ASSERT_PTR_EQUAL(context, &now_ns);
    atomic_fetch_add(&counts[event], number);
}

static struct replay_store *open_store(size_t max_size)
{
    struct replay_options options = {.max_size = max_size, .lifetime_ns = NS_PER_S,
                                     .clock = &hand_set, .count = count, .context = &now_ns};
    struct replay_store *store = NULL;
    now_ns = NS_PER_S;
    memset(counts, 0, sizeof counts);
    CU_ASSERT_FATAL(replay_store_create(&options, &store, NULL) == HARBORAI_OK);
    return store;
}

static struct replay_call call_of(const char *id, uint64_t digest)
{
    return (struct replay_call){slice_of(id), digest};
}

static void keep(struct replay_store *store, const char *id, const char *reasoning)
{
    struct replay_call call = call_of(id, 1);
    struct replay what = {.reasoning = slice_of(reasoning)};
    replay_store_keep(store, ANN, LAB, &call, 1, &what);
}

/* Whether that call leads to an answer with this reasoning; NULL: to none. */
static bool leads_to(struct replay_store *store, const char *id, const char *reasoning)
{
    struct replay_call call = call_of(id, 1);
    const struct replay *found = replay_store_find(store, ANN, LAB, &call);
    bool is_it = reasoning == NULL ? found == NULL
                                   : found != NULL && slice_is(found->reasoning, reasoning);
    replay_unref(found);
    return is_it;
}

/* --- What is found ------------------------------------------------------------------------------- */

static void test_key(void)
{
    static const struct {
        const char *name, *caller, *provider, *id;
        uint64_t digest;
        bool found;
    } rows[] = {
        {"the first call", "ann", "lab", "a", 1, true},
        {"the second call", "ann", "lab", "b", 2, true},
        {"another caller", "bob", "lab", "a", 1, false},
        {"no caller", "", "lab", "a", 1, false},
        {"another provider", "ann", "la", "a", 1, false},
        {"another id", "ann", "lab", "ab", 1, false},
        {"other arguments", "ann", "lab", "a", 2, false},
        {"halves of the key moved", "annlab", "", "a", 1, false},
    };
    struct replay_store *store = open_store(MIB(1));
    struct replay_call calls[] = {call_of("a", 1), call_of("b", 2)};
    struct replay what = {HARBORAI_STR("\"hm\""), HARBORAI_STR("[{}]"), HARBORAI_STR("m-1")};
    CU_ASSERT(!replay_store_may_have(store, LAB));
    replay_store_keep(store, ANN, LAB, calls, 2, &what);
    CU_ASSERT(replay_store_may_have(store, LAB));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct replay_call call = call_of(rows[i].id, rows[i].digest);
        const struct replay *found = replay_store_find(store, slice_of(rows[i].caller),
                                                       slice_of(rows[i].provider), &call);
        ROW(rows[i].name, (found != NULL) == rows[i].found);
        ROW(rows[i].name, found == NULL || (slice_equal(found->reasoning, what.reasoning) &&
                                            slice_equal(found->details, what.details) &&
                                            slice_equal(found->maker, what.maker)));
        replay_unref(found);
    }
    CU_ASSERT(counts[REPLAY_KEPT] == 1);
    replay_store_destroy(store);
}

/* Two callers may be given the same id: each finds his own. */
static void test_callers(void)
{
    struct replay_store *store = open_store(MIB(1));
    struct replay_call call = call_of("functions.get:0", 7);
    const harborai_str callers[] = {ANN, HARBORAI_STR("bob"), SLICE_NONE};
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        struct replay what = {.reasoning = callers[i].len > 0 ? callers[i] : HARBORAI_STR("-")};
        replay_store_keep(store, callers[i], LAB, &call, 1, &what);
    }
    for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
        const struct replay *found = replay_store_find(store, callers[i], LAB, &call);
        CU_ASSERT_FATAL(found != NULL);
        CU_ASSERT(slice_equal(found->reasoning,
                              callers[i].len > 0 ? callers[i] : HARBORAI_STR("-")));
        replay_unref(found);
    }
    replay_store_destroy(store);
}

static void test_newest_holds(void)
{
    struct replay_store *store = open_store(MIB(1));
    keep(store, "a", "old");
    keep(store, "a", "new");
    CU_ASSERT(leads_to(store, "a", "new"));
    replay_store_destroy(store);
}

/* An answer to which no call leads any more goes, and is none that went for want of room. */
static void test_replaced(void)
{
    struct replay_store *store = open_store(MIB(1));
    struct replay_call both[] = {call_of("a", 1), call_of("b", 1), call_of("a", 1)};
    struct replay what = {.reasoning = HARBORAI_STR("both")};
    keep(store, "a", "same");
    long long one = counts[REPLAY_BYTES];
    keep(store, "a", "same");
    CU_ASSERT(counts[REPLAY_BYTES] == one);
    replay_store_keep(store, ANN, LAB, both, ARRAY_LEN(both), &what);
    CU_ASSERT(leads_to(store, "a", "both") && leads_to(store, "b", "both"));
    keep(store, "a", "same");
    CU_ASSERT(leads_to(store, "a", "same") && leads_to(store, "b", "both"));
    keep(store, "b", "same");
    CU_ASSERT(leads_to(store, "a", "same") && leads_to(store, "b", "same"));
    CU_ASSERT(counts[REPLAY_BYTES] == 2 * one && counts[REPLAY_EVICTED] == 0);
    replay_store_set(store, 0, NS_PER_S);
    CU_ASSERT(counts[REPLAY_BYTES] == 0 && !replay_store_may_have(store, LAB));
    replay_store_destroy(store);
}

/* Another table: what is kept is still found. */
static void test_other_size(void)
{
    static const size_t sizes[] = {MIB(16), MIB(1), MIB(64), MIB(1)};
    struct replay_store *store = open_store(MIB(1));
    char id[16];
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (int j = 0; j < 500; j++) {
            snprintf(id, sizeof id, "call_%d", j);
            keep(store, id, id);
        }
        replay_store_set(store, sizes[i], NS_PER_S);
        for (int j = 0; j < 500; j++) {
            snprintf(id, sizeof id, "call_%d", j);
            ROW(id, leads_to(store, id, id));
        }
    }
    replay_store_destroy(store);
}

/* --- What goes ----------------------------------------------------------------------------------- */

static void test_lifetime(void)
{
    struct replay_store *store = open_store(MIB(1));
    keep(store, "a", "A");
    now_ns += NS_PER_S / 2;
    keep(store, "b", "B");
    CU_ASSERT(leads_to(store, "a", "A")); /* from here its time is counted anew */
    now_ns += NS_PER_S - 1;
    CU_ASSERT(leads_to(store, "b", "B") && leads_to(store, "a", "A"));
    now_ns += NS_PER_S;
    CU_ASSERT(counts[REPLAY_EXPIRED] == 0);
    CU_ASSERT(leads_to(store, "a", NULL) && leads_to(store, "b", NULL));
    CU_ASSERT(counts[REPLAY_EXPIRED] == 2 && counts[REPLAY_BYTES] == 0);
    CU_ASSERT(!replay_store_may_have(store, LAB));
    replay_store_destroy(store);
}

/* More than one use of the store throws away, and none of them is found meanwhile. */
static void test_many_are_old(void)
{
    enum { MANY = 1000 };
    struct replay_store *store = open_store(MIB(1));
    char id[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "call_%d", i);
        keep(store, id, "x");
    }
    now_ns += NS_PER_S;
    for (int i = MANY - 1; i >= 0; i--) {
        snprintf(id, sizeof id, "call_%d", i);
        ROW(id, leads_to(store, id, NULL));
    }
    CU_ASSERT(counts[REPLAY_EXPIRED] == MANY && counts[REPLAY_BYTES] == 0);
    replay_store_destroy(store);
}

static void test_size(void)
{
    static char thought[1001];
    enum { MANY = 100 };
    struct replay_store *store = open_store(KIB(16));
    char id[16];
    memset(thought, 'x', sizeof thought - 1);
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "call_%d", i);
        keep(store, id, thought);
        CU_ASSERT(counts[REPLAY_BYTES] <= (long long)KIB(16));
        CU_ASSERT(leads_to(store, "call_0", thought)); /* what is used stays */
    }
    CU_ASSERT(leads_to(store, "call_99", thought) && leads_to(store, "call_1", NULL));
    CU_ASSERT(counts[REPLAY_KEPT] == MANY && counts[REPLAY_EVICTED] >= MANY - 16);
    CU_ASSERT(counts[REPLAY_BYTES] > 12 * 1001);
    replay_store_set(store, 4 * sizeof thought, NS_PER_S); /* a smaller one */
    CU_ASSERT(counts[REPLAY_BYTES] <= 4 * (long long)sizeof thought);
    CU_ASSERT(leads_to(store, "call_0", thought) && leads_to(store, "call_90", NULL));
    replay_store_set(store, 0, NS_PER_S);
    CU_ASSERT(leads_to(store, "call_0", NULL) && counts[REPLAY_BYTES] == 0);
    keep(store, "call_0", "x");
    CU_ASSERT(leads_to(store, "call_0", NULL) && counts[REPLAY_DROPPED] == 1);
    CU_ASSERT(!replay_store_may_have(store, LAB));
    replay_store_destroy(store);
}

/* What was found stays whole for whoever has it. */
static void test_reference(void)
{
    struct replay_store *store = open_store(MIB(1));
    keep(store, "a", "thought");
    struct replay_call call = call_of("a", 1);
    const struct replay *found = replay_store_find(store, ANN, LAB, &call);
    replay_store_set(store, 0, NS_PER_S);
    CU_ASSERT(leads_to(store, "a", NULL));
    CU_ASSERT_FATAL(found != NULL);
    CU_ASSERT(slice_is(found->reasoning, "thought"));
    replay_store_destroy(store);
    CU_ASSERT(slice_is(found->reasoning, "thought"));
    replay_unref(found);
    replay_unref(NULL);
    replay_store_destroy(NULL);
}

/* --- Threads --------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 4000, IDS = 64 };

struct worker {
    struct replay_store *store;
    unsigned index;
    long found, wrong;
    pthread_t thread;
};

/* Every second one is the same caller as another's. */
static void *work(void *argument)
{
    struct worker *w = argument;
    char caller[16], id[16], thought[64];
    snprintf(caller, sizeof caller, "c%u", w->index / 2);
    for (unsigned i = 0; i < ROUNDS; i++) {
        snprintf(id, sizeof id, "call_%u", i * 7 % IDS);
        snprintf(thought, sizeof thought, "%s of %s", id, caller);
        struct replay_call call = call_of(id, i * 7 % IDS);
        const struct replay *found = replay_store_find(w->store, slice_of(caller), LAB, &call);
        w->found += found != NULL;
        w->wrong += found != NULL && !slice_is(found->reasoning, thought);
        if (found == NULL || i % 3 == 0) {
            struct replay what = {.reasoning = slice_of(thought)};
            replay_store_keep(w->store, slice_of(caller), LAB, &call, 1, &what);
        }
        replay_unref(found);
        if (i % 1000 == 0)
            replay_store_set(w->store, KIB(16), NS_PER_S);
        if (i % 1000 == 500)
            replay_store_set(w->store, KIB(128), NS_PER_S); /* with more buckets */
    }
    return NULL;
}

static void test_threads(void)
{
    struct replay_store *store = open_store(KIB(16)); /* too small for all */
    struct worker workers[THREADS];
    long found = 0, wrong = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.store = store, .index = i};
        CU_ASSERT_FATAL(thread_start(&workers[i].thread, "worker", work, &workers[i], NULL) ==
                        HARBORAI_OK);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        found += workers[i].found;
        wrong += workers[i].wrong;
    }
    CU_ASSERT(found > 0 && wrong == 0);
    CU_ASSERT(counts[REPLAY_EVICTED] > 0 && counts[REPLAY_BYTES] <= (long long)KIB(128));
    replay_store_set(store, 0, NS_PER_S);
    CU_ASSERT(counts[REPLAY_BYTES] == 0 && !replay_store_may_have(store, LAB));
    replay_store_destroy(store);
}

const CU_TestInfo replay_store_tests[] = {
    {"key", test_key},
    {"callers", test_callers},
    {"the newest holds", test_newest_holds},
    {"replaced", test_replaced},
    {"another size", test_other_size},
    {"lifetime", test_lifetime},
    {"many are old", test_many_are_old},
    {"size", test_size},
    {"reference", test_reference},
    {"threads", test_threads},
    CU_TEST_INFO_NULL,
};
