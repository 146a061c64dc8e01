/* SPDX-License-Identifier: MIT */
/* The life of a provider, with the real loader, real job threads and plugins that misbehave. */
#include "plugin/slot.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/thread.h"
#include "fixture.h"

extern const CU_TestInfo slot_tests[];

enum { RACERS = 32 };

/* Everything that a runtime would be. */
struct world {
    struct fixture files;
    struct plugin_catalog *catalog;
    struct plugin_loader *loader;
    struct jobs *loading, *providing;
    struct log log;
    int log_fd;
    struct clock clock;
    _Atomic int64_t now_ns;
    struct provider_services services;
    sem_t gone;
    atomic_int quiescent;
    bool has_no_threads;
    void (*meanwhile)(struct world *w); /* while a thread is asked for in vain */
    struct slot *asked;
    struct slot_waiter *asker;
};

static int64_t world_now(const struct clock *clock)
{
    return atomic_load(&CONTAINER_OF((uintptr_t)clock, struct world, clock)->now_ns);
}

static harborai_status world_run_job(const struct provider_services *services,
                                     enum provider_duty duty, struct job *job,
                                     harborai_error *error)
{
    struct world *w = CONTAINER_OF((uintptr_t)services, struct world, services);
    if (w->has_no_threads) {
        if (w->meanwhile != NULL)
            w->meanwhile(w);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no thread to be had");
    }
    return jobs_submit(duty == PROVIDER_DUTY_LOADER ? w->loading : w->providing, job, error);
}

static void world_open(struct world *w, const char *plugin)
{
    memset(w, 0, sizeof *w);
    fixture_open(&w->files);
    fixture_add(&w->files, plugin, "x.so");
    w->catalog = fixture_scan(&w->files);
    w->log_fd = memfd_create("log", MFD_CLOEXEC);
    log_init(&w->log, w->log_fd, LOG_LEVEL_DEBUG);
    w->now_ns = 1;
    w->clock = (struct clock){world_now, world_now};
    w->services = (struct provider_services){
        .log = &w->log, .clock = &w->clock, .run_job = world_run_job};
    sem_init(&w->gone, 0, 0);
    CU_ASSERT_FATAL(plugin_loader_create(&w->loader, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(jobs_create("loader", 1, &w->loading, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(jobs_create("provider", 4, &w->providing, NULL) == HARBORAI_OK);
}

static void world_close(struct world *w)
{
    jobs_destroy(w->providing);
    jobs_destroy(w->loading);
    plugin_loader_destroy(w->loader);
    plugin_catalog_destroy(w->catalog);
    fixture_close(&w->files);
    close(w->log_fd);
    sem_destroy(&w->gone);
}

/* How often the log has `text`. */
static int world_said(struct world *w, const char *text)
{
    static char lines[65536];
    ssize_t len = pread(w->log_fd, lines, sizeof lines - 1, 0);
    int count = 0;
    lines[len > 0 ? len : 0] = '\0';
    for (const char *at = lines; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* How many objects of its directory are. */
static int count_mapped(struct world *w)
{
    char line[1024];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    CU_ASSERT_FATAL(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL)
        count += strstr(line, w->files.directory) != NULL && strstr(line, " r-xp ") != NULL;
    fclose(maps);
    return count;
}

static bool is_mapped(struct world *w)
{
    return count_mapped(w) > 0;
}

static void on_quiescent(struct slot *slot)
{
    struct world *w = slot->owner;
    atomic_fetch_add(&w->quiescent, 1);
}

static void on_gone(struct slot *slot)
{
    struct world *w = slot->owner;
    sem_post(&w->gone);
}

static struct slot *world_slot(struct world *w, const char *config, bool with_key)
{
    const struct provider_secret none = {HARBORAI_STR("api_key"), NULL};
    const struct provider_options provider = {.name = HARBORAI_STR("lab"),
                                              .config = slice_of(config),
                                              .secrets = &none,
                                              .secret_count = with_key ? 1 : 0,
                                              .file = &w->catalog->files[0]};
    const struct slot_options options = {.provider = &provider,
                                         .services = &w->services,
                                         .loader = w->loader,
                                         .loop_count = RACERS,
                                         .on_quiescent = on_quiescent,
                                         .on_gone = on_gone,
                                         .owner = w};
    struct slot *slot = NULL;
    CU_ASSERT_FATAL(slot_create(&options, &slot, NULL) == HARBORAI_OK);
    return slot;
}

/* Closed as the keeper would, and freed. */
static void world_end(struct world *w, struct slot *slot)
{
    slot_retire(slot);
    for (unsigned i = 0; i < slot->loop_count; i++)
        slot_loop_drain(slot, i);
    slot_close(slot);
    sem_wait(&w->gone);
    CU_ASSERT(slot_state(slot) == SLOT_GONE);
    slot_destroy(slot);
}

struct caller {
    struct slot_waiter waiter; /* first */
    sem_t posted;
};

static void caller_wake(struct slot_waiter *waiter)
{
    sem_post(&CONTAINER_OF(waiter, struct caller, waiter)->posted);
}

/* A call until it has its provider, or an error. */
static harborai_status call(struct slot *slot, unsigned loop, harborai_error *error)
{
    struct caller caller = {.waiter = {.post = caller_wake}};
    harborai_status st = HARBORAI_OK;
    sem_init(&caller.posted, 0, 0);
    slot_pin(slot, loop);
    if (slot_acquire_fast(slot) == NULL) {
        st = slot_request_load(slot, &caller.waiter, error);
        if (st == HARBORAI_PAUSE) {
            sem_wait(&caller.posted);
            st = caller.waiter.status;
            CU_ASSERT(st == HARBORAI_OK || slot_failure(slot, NULL, error) == HARBORAI_OK);
        }
    }
    if (st == HARBORAI_OK && slot_acquire_fast(slot) == NULL)
        st = HARBORAI_E_INTERNAL;
    slot_unpin(slot, loop);
    sem_destroy(&caller.posted);
    return st;
}

/* ---- Loads that fail ----------------------------------------------------------------------- */

static const struct {
    const char *plugin;
    enum plugin_stage stage;
    harborai_status code;
    const char *want;
} failures[] = {
    {"undefined", PLUGIN_STAGE_DLOPEN, HARBORAI_E_CONFIG, "harborai_no_such_function"},
    {"no_symbol", PLUGIN_STAGE_SYMBOL, HARBORAI_E_CONFIG, "does not export"},
    {"null_table", PLUGIN_STAGE_TABLE, HARBORAI_E_UNSUPPORTED, "no table for ABI"},
    {"tiny_table", PLUGIN_STAGE_TABLE, HARBORAI_E_CONFIG, "too short"},
    {"table_differs", PLUGIN_STAGE_TABLE, HARBORAI_E_CONFIG, "version '1.0.1', its manifest '1.0.0'"},
    {"no_chat", PLUGIN_STAGE_TABLE, HARBORAI_E_CONFIG, "lacks one of create, destroy and chat"},
    {"create_fails", PLUGIN_STAGE_CREATE, HARBORAI_E_CONFIG, "providers.lab: no such region"},
    {"create_lies", PLUGIN_STAGE_CREATE, HARBORAI_E_INTERNAL, "create() gives no provider"},
    {"slow_create", PLUGIN_STAGE_CREATE, HARBORAI_E_CONFIG, "no gate"},
};

static void test_failures(void)
{
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        struct world w;
        harborai_error error = HARBORAI_ERROR_INIT;
        enum plugin_stage stage = PLUGIN_STAGE_NONE;
        world_open(&w, failures[i].plugin);
        struct slot *slot = world_slot(&w, "", true);
        ROW(failures[i].plugin, call(slot, 0, &error) == failures[i].code);
        ROW(failures[i].plugin, strstr(error.message, failures[i].want) != NULL);
        ROW(failures[i].plugin, slot_failure(slot, &stage, NULL) == HARBORAI_OK);
        ROW(failures[i].plugin, stage == failures[i].stage);
        ROW(failures[i].plugin, slot_state(slot) == SLOT_FAILED);
        world_end(&w, slot);
        world_close(&w);
    }
}

/* A failed load is not tried again for 1 s, then 2 s, and so on up to 60 s. */
static void test_negative_cache(void)
{
    struct world w;
    harborai_error error = HARBORAI_ERROR_INIT;
    world_open(&w, "create_fails");
    struct slot *slot = world_slot(&w, "", true);
    int64_t wait_s = 1;
    for (int tries = 1; tries <= 8; tries++) {
        CU_ASSERT(call(slot, 0, &error) == HARBORAI_E_CONFIG);
        CU_ASSERT(world_said(&w, "create fails'") == tries);
        atomic_fetch_add(&w.now_ns, wait_s * NS_PER_S - 1);
        memset(&error, 0, sizeof error);
        CU_ASSERT(call(slot, 0, &error) == HARBORAI_E_CONFIG);
        CU_ASSERT(world_said(&w, "create fails'") == tries);
        CU_ASSERT(strcmp(error.param, "/region") == 0);
        atomic_fetch_add(&w.now_ns, 1);
        wait_s = wait_s * 2 < 60 ? wait_s * 2 : 60;
    }
    CU_ASSERT(plugin_loader_count(w.loader) == 1); /* it stays mapped: its table is good */
    world_end(&w, slot);
    world_close(&w);
}

static void ask_meanwhile(struct world *w)
{
    w->meanwhile = NULL;
    CU_ASSERT(slot_request_load(w->asked, w->asker, NULL) == HARBORAI_PAUSE);
}

/* A call that wants a load just while a tick finds no thread is told so. */
static void test_no_thread(void)
{
    struct world w;
    struct caller caller = {.waiter = {.post = caller_wake}};
    world_open(&w, "good");
    struct slot *slot = world_slot(&w, "", true);
    sem_init(&caller.posted, 0, 0);
    w.has_no_threads = true;
    w.meanwhile = ask_meanwhile;
    w.asked = slot;
    w.asker = &caller.waiter;
    slot_tick(slot);
    CU_ASSERT(sem_trywait(&caller.posted) == 0 && caller.waiter.status == HARBORAI_E_MEMORY);
    w.has_no_threads = false;
    atomic_fetch_add(&w.now_ns, NS_PER_S);
    CU_ASSERT(call(slot, 0, NULL) == HARBORAI_OK);
    sem_destroy(&caller.posted);
    world_end(&w, slot);
    world_close(&w);
}

static void test_missing_secret(void)
{
    struct world w;
    harborai_error error = HARBORAI_ERROR_INIT;
    world_open(&w, "good");
    struct slot *slot = world_slot(&w, "", false);
    CU_ASSERT(call(slot, 0, &error) == HARBORAI_E_AUTH);
    CU_ASSERT_STRING_EQUAL(error.message, "provider 'lab' has no api_key: set GOOD_API_KEY or "
                                          "providers.lab.api_key");
    CU_ASSERT(slot_state(slot) == SLOT_READY && !is_mapped(&w));
    world_end(&w, slot);
    world_close(&w);
}

/* ---- Loads that do not --------------------------------------------------------------------- */

static void test_life(void)
{
    struct world w;
    world_open(&w, "good");
    struct slot *slot = world_slot(&w, "", true);
    CU_ASSERT(slot_acquire_fast(slot) == NULL && !is_mapped(&w));
    CU_ASSERT(call(slot, 3, NULL) == HARBORAI_OK);
    CU_ASSERT(slot_state(slot) == SLOT_SERVING && is_mapped(&w));
    CU_ASSERT(slot_failure(slot, NULL, NULL) == HARBORAI_E_CLOSED);
    CU_ASSERT(world_said(&w, "'created'") == 1 && world_said(&w, "'tick'") == 1);
    const struct slot_provider *p = slot_acquire_fast(slot);
    CU_ASSERT_FATAL(p != NULL);
    CU_ASSERT_STRING_EQUAL(p->table->id, "test.good");
    CU_ASSERT(p->host->data == &slot->host && p->spec == slot->provider);
    slot_retire(slot);
    CU_ASSERT(slot_state(slot) == SLOT_DRAINING);
    world_end(&w, slot);
    CU_ASSERT(world_said(&w, "'drain'") == 1 && world_said(&w, "'destroyed'") == 1);
    CU_ASSERT(!is_mapped(&w));
    world_close(&w);
}

/* What an older plugin does not have is NULL; without `unload` it stays mapped. */
static void test_short_table(void)
{
    struct world w;
    world_open(&w, "short_table");
    for (int i = 0; i < 2; i++) {
        struct slot *slot = world_slot(&w, "", true);
        CU_ASSERT(call(slot, 0, NULL) == HARBORAI_OK);
        const struct slot_provider *p = slot_acquire_fast(slot);
        CU_ASSERT_FATAL(p != NULL);
        CU_ASSERT(p->table->get_extension == NULL && p->table->unload == NULL);
        world_end(&w, slot);
        CU_ASSERT(is_mapped(&w));
    }
    CU_ASSERT(plugin_loader_count(w.loader) == 1);
    world_close(&w);
}

struct racer {
    struct slot *slot;
    unsigned index;
    pthread_barrier_t *start;
    pthread_t thread;
    harborai_status status;
};

static void *race(void *argument)
{
    struct racer *self = argument;
    pthread_barrier_wait(self->start);
    self->status = call(self->slot, self->index, NULL);
    return NULL;
}

static int count_answers(struct slot *slot, harborai_status want)
{
    struct racer racers[RACERS];
    pthread_barrier_t start;
    int answers = 0;
    pthread_barrier_init(&start, NULL, RACERS);
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.slot = slot, .index = i, .start = &start};
        CU_ASSERT_FATAL(thread_start(&racers[i].thread, "racer", race, &racers[i], NULL) ==
                        HARBORAI_OK);
    }
    for (unsigned i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        answers += racers[i].status == want;
    }
    pthread_barrier_destroy(&start);
    return answers;
}

/* 32 first calls of a cold plugin are one dlopen, one create, 32 answers. */
static void test_cold_race(void)
{
    for (int round = 0; round < 20; round++) {
        struct world w;
        world_open(&w, round % 2 == 0 ? "good" : "create_fails");
        struct slot *slot = world_slot(&w, "", true);
        CU_ASSERT(count_answers(slot, round % 2 == 0 ? HARBORAI_OK : HARBORAI_E_CONFIG) == RACERS);
        CU_ASSERT(plugin_loader_count(w.loader) == 1);
        CU_ASSERT(atomic_load(&slot->load_count) == 1);
        world_end(&w, slot);
        world_close(&w);
    }
}

/* A create() that takes its time holds up no other provider. */
static void test_slow_create(void)
{
    struct world w;
    int gate[2];
    char config[32];
    struct caller caller = {.waiter = {.post = caller_wake}};
    CU_ASSERT_FATAL(pipe(gate) == 0);
    snprintf(config, sizeof config, "{\"gate\":%d}", gate[0]);
    world_open(&w, "slow_create");
    sem_init(&caller.posted, 0, 0);
    struct slot *slow = world_slot(&w, config, true), *other = world_slot(&w, "", true);
    slot_pin(slow, 0);
    CU_ASSERT(slot_request_load(slow, &caller.waiter, NULL) == HARBORAI_PAUSE);
    CU_ASSERT(call(other, 0, NULL) == HARBORAI_E_CONFIG); /* has no gate; came to its end */
    CU_ASSERT(slot_acquire_fast(slow) == NULL && slot_state(slow) == SLOT_LOADING);
    slot_retire(slow); /* a load under way comes to its end, and its call is served */
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    sem_wait(&caller.posted);
    CU_ASSERT(caller.waiter.status == HARBORAI_OK && slot_acquire_fast(slow) != NULL);
    slot_unpin(slow, 0);
    world_end(&w, slow);
    world_end(&w, other);
    sem_destroy(&caller.posted);
    world_close(&w);
    close(gate[0]);
    close(gate[1]);
}

/* ---- Files --------------------------------------------------------------------------------- */

static void test_shared_object(void)
{
    struct world w;
    world_open(&w, "good");
    struct slot *a = world_slot(&w, "", true), *b = world_slot(&w, "", true);
    CU_ASSERT(call(a, 0, NULL) == HARBORAI_OK && call(b, 0, NULL) == HARBORAI_OK);
    CU_ASSERT(plugin_loader_count(w.loader) == 1 && world_said(&w, "'created'") == 2);
    world_end(&w, a);
    CU_ASSERT(is_mapped(&w));
    world_end(&w, b);
    CU_ASSERT(!is_mapped(&w));
    world_close(&w);
}

/* A file that was replaced is loaded beside the old one, once it has been checked. */
static void test_replaced_file(void)
{
    struct world w;
    harborai_error error = HARBORAI_ERROR_INIT;
    world_open(&w, "good");
    struct slot *old = world_slot(&w, "", true), *stale = world_slot(&w, "", true);
    CU_ASSERT(call(old, 0, NULL) == HARBORAI_OK);
    const void *old_create = (const void *)(uintptr_t)slot_acquire_fast(old)->table->create;
    fixture_add(&w.files, "good", "x.so");
    struct plugin_catalog *before = w.catalog;
    w.catalog = fixture_scan(&w.files);
    struct slot *fresh = world_slot(&w, "", true);
    CU_ASSERT(call(fresh, 0, NULL) == HARBORAI_OK);
    CU_ASSERT((const void *)(uintptr_t)slot_acquire_fast(fresh)->table->create != old_create);
    CU_ASSERT(plugin_loader_count(w.loader) == 2);
    CU_ASSERT(call(stale, 0, NULL) == HARBORAI_OK); /* what it was checked for is still mapped */
    world_end(&w, old);
    world_end(&w, stale);
    stale = NULL;
    fixture_add(&w.files, "good", "x.so");
    struct slot *late = world_slot(&w, "", true);
    world_end(&w, fresh);
    CU_ASSERT(!is_mapped(&w));
    CU_ASSERT(call(late, 0, &error) == HARBORAI_E_OVERLOADED && error.retry_after_ms == 1000);
    CU_ASSERT(strstr(error.message, "has changed since it was checked: it is looked at") != NULL);
    world_end(&w, late);
    plugin_catalog_destroy(before);
    world_close(&w);
}

/* Each time as a new file, beside the one before it, which goes. */
static void test_many_loads(void)
{
    struct world w;
    struct slot *before = NULL;
    world_open(&w, "good");
    for (int i = 0; i < 300; i++) {
        struct plugin_catalog *old = w.catalog;
        fixture_add(&w.files, "good", "x.so");
        w.catalog = fixture_scan(&w.files);
        plugin_catalog_destroy(old);
        struct slot *slot = world_slot(&w, "", true);
        CU_ASSERT(call(slot, 0, NULL) == HARBORAI_OK);
        CU_ASSERT(count_mapped(&w) == (before != NULL ? 2 : 1));
        if (before != NULL)
            world_end(&w, before);
        CU_ASSERT(count_mapped(&w) == 1);
        before = slot;
    }
    CU_ASSERT(plugin_loader_count(w.loader) == 300);
    world_end(&w, before);
    CU_ASSERT(!is_mapped(&w));
    world_close(&w);
}

/* What is written into a mapped file changes code that runs; its mode does not. */
static void test_same_inode(void)
{
    struct world w;
    harborai_error error = HARBORAI_ERROR_INIT;
    world_open(&w, "good");
    struct slot *old = world_slot(&w, "", true);
    CU_ASSERT(call(old, 0, NULL) == HARBORAI_OK);
    struct plugin_catalog *before = w.catalog;
    CU_ASSERT(chmod(fixture_path(&w.files, "x.so"), 0600) == 0);
    w.catalog = fixture_scan(&w.files);
    struct slot *other = world_slot(&w, "", true);
    CU_ASSERT(call(other, 0, NULL) == HARBORAI_OK && plugin_loader_count(w.loader) == 1);
    plugin_catalog_destroy(before);
    before = w.catalog;
    CU_ASSERT(utimensat(AT_FDCWD, fixture_path(&w.files, "x.so"), NULL, 0) == 0);
    w.catalog = fixture_scan(&w.files);
    struct slot *written = world_slot(&w, "", true);
    CU_ASSERT(call(written, 0, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "was written over while it was loaded") != NULL);
    world_end(&w, old);
    CU_ASSERT(is_mapped(&w) && slot_acquire_fast(other) != NULL);
    world_end(&w, other);
    CU_ASSERT(!is_mapped(&w));
    world_end(&w, written);
    plugin_catalog_destroy(before);
    world_close(&w);
}

/* ---- Pins ---------------------------------------------------------------------------------- */

static void test_pins(void)
{
    struct world w;
    world_open(&w, "good");
    struct slot *slot = world_slot(&w, "", true);
    slot_pin(slot, 0);
    slot_pin(slot, 0);
    slot_pin(slot, 5);
    slot_retire(slot);
    for (unsigned i = 0; i < RACERS; i++)
        slot_loop_drain(slot, i);
    CU_ASSERT(atomic_load(&w.quiescent) == 0);
    slot_unpin(slot, 5);
    slot_unpin(slot, 0);
    CU_ASSERT(atomic_load(&w.quiescent) == 0);
    slot_unpin(slot, 0);
    CU_ASSERT(atomic_load(&w.quiescent) == 1);
    world_end(&w, slot);
    CU_ASSERT(atomic_load(&w.quiescent) == 1); /* a loop reports once */
    world_close(&w);
}

struct drainer {
    struct slot *slot;
    unsigned index;
    pthread_t thread;
};

static void *pin_and_drain(void *argument)
{
    struct drainer *self = argument;
    for (int i = 0; i < 1000; i++) {
        slot_pin(self->slot, self->index);
        slot_unpin(self->slot, self->index);
    }
    slot_pin(self->slot, self->index);
    slot_loop_drain(self->slot, self->index);
    slot_unpin(self->slot, self->index);
    return NULL;
}

/* Each loop drains on its own thread: exactly one of them is the last. */
static void test_parallel_drain(void)
{
    struct world w;
    struct drainer drainers[RACERS];
    world_open(&w, "good");
    struct slot *slot = world_slot(&w, "", true);
    for (unsigned i = 0; i < RACERS; i++) {
        drainers[i] = (struct drainer){.slot = slot, .index = i};
        CU_ASSERT_FATAL(thread_start(&drainers[i].thread, "drainer", pin_and_drain, &drainers[i],
                                     NULL) == HARBORAI_OK);
    }
    for (unsigned i = 0; i < RACERS; i++)
        pthread_join(drainers[i].thread, NULL);
    CU_ASSERT(atomic_load(&w.quiescent) == 1);
    world_end(&w, slot);
    world_close(&w);
}

const CU_TestInfo slot_tests[] = {
    {"loads that fail, each at its stage", test_failures},
    {"a failure is remembered for a while", test_negative_cache},
    {"no thread to be had", test_no_thread},
    {"a secret that is missing", test_missing_secret},
    {"a whole life", test_life},
    {"a table that is shorter", test_short_table},
    {"32 first calls of a cold plugin", test_cold_race},
    {"a slow create holds up nobody", test_slow_create},
    {"two providers share an object", test_shared_object},
    {"a file that was replaced", test_replaced_file},
    {"a file that was changed in place", test_same_inode},
    {"300 files, one after the other", test_many_loads},
    {"pins and draining", test_pins},
    {"draining on many threads", test_parallel_drain},
    CU_TEST_INFO_NULL,
};
