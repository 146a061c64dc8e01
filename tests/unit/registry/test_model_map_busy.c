/* SPDX-License-Identifier: MIT */
/* A map of many models, and one that is published while others read it. */
#include "registry/model_map.h"

#include <sched.h>
#include <stdlib.h>

#include "../unit.h"
#include "base/snapshot.h"
#include "base/thread.h"

/* Slots are only handed out: any address that differs will do. */
static char places[8];
#define SLOT(n) ((struct slot *)(void *)&places[n])

static struct manifest *openai(void)
{
    struct manifest *m = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    const char *json = "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"test.openai\",\"version\":\"1.0.0\","
                       "\"provider\":\"openai\",\"models\":[{\"name\":\"gpt-4o\"}],"
                       "\"patterns\":[\"gpt-*\"]}}";
    if (manifest_create(slice_of(json), "x.so", &m, &error) < 0)
        CU_FAIL_FATAL(error.message);
    return m;
}

/* ---- Readers against a writer ---------------------------------------------------------------- */

enum { READERS = 8, PUBLICATIONS = 10000 };

struct world {
    struct epoch epoch;
    struct snapshot snapshot;
    pthread_barrier_t start;
    atomic_int stop, wrong;
};

struct reader {
    struct world *world;
    unsigned index;
    pthread_t thread;
    long looks;
};

static void look_up(struct reader *self)
{
    const struct model_map *map = snapshot_get(&self->world->snapshot);
    struct route_view exact, alias, pattern;
    bool right = model_map_find(map, HARBORAI_STR("gpt-4o"), &exact) == HARBORAI_OK &&
                 model_map_find(map, HARBORAI_STR("smart"), &alias) == HARBORAI_OK &&
                 model_map_find(map, HARBORAI_STR("gpt-new"), &pattern) == HARBORAI_OK &&
                 exact.slot == alias.slot && exact.slot == pattern.slot &&
                 exact.model == alias.model && slice_is(exact.model->name, "gpt-4o");
    if (!right)
        atomic_fetch_add(&self->world->wrong, 1);
    self->looks++;
}

static void *look_until_stopped(void *argument)
{
    struct reader *self = argument;
    pthread_barrier_wait(&self->world->start);
    while (!atomic_load(&self->world->stop) || self->looks == 0) {
        epoch_online(&self->world->epoch, self->index);
        for (int i = 0; i < 8; i++)
            look_up(self);
        epoch_offline(&self->world->epoch, self->index);
        sched_yield(); /* as a loop sleeps: 8 of them share what may be two cores */
    }
    return NULL;
}

static struct model_map *map_number(int number, struct manifest *m)
{
    static const struct model_map_alias alias = {HARBORAI_STR_INIT("smart"),
                                                 HARBORAI_STR_INIT("openai/gpt-4o"), {0}};
    const struct model_map_provider provider = {.slot = SLOT(number % 8),
                                                .name = HARBORAI_STR("openai"),
                                                .manifest = m,
                                                .enabled = true};
    const struct model_map_source source = {
        .providers = &provider, .provider_count = 1, .aliases = &alias, .alias_count = 1};
    struct model_map *map = NULL;
    if (model_map_create(&source, &map, NULL, NULL) < 0)
        abort();
    return map;
}

static void test_readers_against_a_writer(void)
{
    static struct world world;
    struct reader readers[READERS];
    struct manifest *m = openai();
    epoch_init(&world.epoch);
    pthread_barrier_init(&world.start, NULL, READERS + 1);
    atomic_init(&world.snapshot.current, map_number(0, m));
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.world = &world, .index = i};
        CU_ASSERT_FATAL(thread_start(&readers[i].thread, "reader", look_until_stopped, &readers[i],
                                     NULL) == HARBORAI_OK);
    }
    pthread_barrier_wait(&world.start);
    for (int i = 1; i <= PUBLICATIONS; i++) {
        const void *old = snapshot_publish(&world.snapshot, map_number(i, m));
        epoch_synchronize(&world.epoch);
        model_map_destroy((struct model_map *)(uintptr_t)old);
    }
    atomic_store(&world.stop, 1);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        CU_ASSERT(readers[i].looks > 0);
    }
    pthread_barrier_destroy(&world.start);
    CU_ASSERT(atomic_load(&world.wrong) == 0);
    model_map_destroy((struct model_map *)(uintptr_t)atomic_load(&world.snapshot.current));
    manifest_unref(m);
}

enum { MANY = 60000 };

/* Each stands twice and is listed once. Were they compared in pairs, this would take minutes. */
static void test_many_models(void)
{
    static char texts[MANY][16];
    static harborai_str models[2 * MANY];
    struct manifest *m = openai();
    for (size_t i = 0; i < 2 * MANY; i++) {
        snprintf(texts[i % MANY], sizeof texts[0], "model-%zu", i % MANY);
        models[i] = slice_of(texts[i % MANY]);
    }
    const struct model_map_provider provider = {.slot = SLOT(0),
                                                .name = HARBORAI_STR_INIT("lab"),
                                                .manifest = m,
                                                .models = models,
                                                .model_count = 2 * MANY,
                                                .enabled = true};
    const struct model_map_source source = {.providers = &provider, .provider_count = 1};
    struct model_map *map = NULL;
    struct route_view route;
    size_t count;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    (void)model_map_list(map, &count);
    CU_ASSERT(count == MANY);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("lab/model-59999"), &route) == HARBORAI_OK);
    CU_ASSERT(slice_is(model_map_suggest(map, HARBORAI_STR("modle-100")), "model-100"));
    model_map_destroy(map);
    manifest_unref(m);
}

const CU_TestInfo model_map_busy_tests[] = {
    {"a hundred thousand models", test_many_models},
    {"8 readers, 10,000 publications", test_readers_against_a_writer},
    CU_TEST_INFO_NULL,
};
