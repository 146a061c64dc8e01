/* SPDX-License-Identifier: MIT */
/* What the look-up of a model costs: processor time a look-up, of readers on one and on two
 * threads, while a writer publishes a map a millisecond. Prints one JSON object: "values" has the
 * dearer of both in each round, so that a look-up that threads make slower cannot hide. Must never
 * count a look-up that found nothing. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/snapshot.h"
#include "base/thread.h"
#include "registry/model_map.h"
#include "tests/bench/args.h"

#define PROVIDERS 10
#define MODELS 100                    /* each, listed bare and as provider/model */
#define NAMES (2 * PROVIDERS * MODELS)
#define LOOKUPS_A_PASS 16             /* between two quiescent points */
#define PASSES 100000                 /* a reader and round */
#define MOST_READERS 2
#define MOST_ROUNDS 100
#define PUBLISH_EVERY_NS (NS_PER_MS)

struct bench {
    struct epoch epoch;
    struct snapshot maps;
    struct model_map *built[2]; /* alike; the writer publishes one after the other */
    struct arena arena;
    harborai_str names[NAMES]; /* in the order in which they are asked for */
    atomic_bool over;
    uint64_t published;
};

struct reader {
    struct bench *bench;
    pthread_t thread;
    unsigned index;
    uint64_t found;
    int64_t spent_ns;
};

/* --- The maps -------------------------------------------------------------------------------- */

static struct manifest *manifest_of(unsigned provider)
{
    AUTO(buf) json = BUF_INIT(KIB(64));
    harborai_error error = HARBORAI_ERROR_INIT;
    struct manifest *manifest = NULL;
    buf_printf(&json, "{\"abi\":[%d,%d,0],\"plugin\":{\"id\":\"bench.p%u\",\"version\":\"1.0.0\","
                      "\"provider\":\"vendor-%u\",\"models\":[",
               HARBORAI_ABI_MAJOR, HARBORAI_ABI_MINOR, provider, provider);
    for (unsigned m = 0; m < MODELS; m++)
        buf_printf(&json, "%s{\"name\":\"family-%u-large-%u-2026-11-21\",\"context\":128000}",
                   m > 0 ? "," : "", provider, m);
    buf_printf(&json, "],\"patterns\":[\"family-%u-*\"]}}", provider);
    if (buf_status(&json, &error) < 0 ||
        manifest_create(buf_slice(&json), "bench.so", &manifest, &error) < 0)
        args_die("%s", error.message);
    return manifest;
}

static struct model_map *new_map(struct arena *arena)
{
    static char places[PROVIDERS]; /* slots are only handed out: any address will do */
    struct model_map_provider providers[PROVIDERS];
    struct model_map_source source = {.providers = providers, .provider_count = PROVIDERS};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct model_map *map = NULL;
    for (unsigned p = 0; p < PROVIDERS; p++)
        providers[p] = (struct model_map_provider){
            .slot = (struct slot *)(void *)&places[p],
            .name = arena_printf(arena, "vendor-%u", p),
            .manifest = manifest_of(p),
            .enabled = true,
        };
    if (model_map_create(&source, &map, NULL, &error) < 0)
        args_die("%s", error.message);
    for (unsigned p = 0; p < PROVIDERS; p++)
        manifest_unref(providers[p].manifest);
    return map;
}

/* Always the same order, and none that a processor's prefetch could guess. */
static void shuffle(harborai_str *names, size_t count)
{
    uint64_t state = 1;
    for (size_t left = count; left > 1; left--) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t other = (state >> 33) % left;
        harborai_str swapped = names[left - 1];
        names[left - 1] = names[other];
        names[other] = swapped;
    }
}

static void bench_init(struct bench *b)
{
    size_t count = 0;
    *b = (struct bench){.published = 0};
    epoch_init(&b->epoch);
    arena_init(&b->arena, MIB(4));
    for (unsigned p = 0; p < PROVIDERS; p++) {
        for (unsigned m = 0; m < MODELS; m++) {
            harborai_str full =
                arena_printf(&b->arena, "vendor-%u/family-%u-large-%u-2026-11-21", p, p, m);
            if (full.data == NULL)
                args_die("out of memory");
            b->names[count++] = full;
            b->names[count++] = arena_copy(&b->arena, slice_from(full, sizeof "vendor-0/" - 1));
        }
    }
    shuffle(b->names, count);
    for (size_t i = 0; i < ARRAY_LEN(b->built); i++)
        b->built[i] = new_map(&b->arena);
    snapshot_publish(&b->maps, b->built[0]);
}

static void bench_release(struct bench *b)
{
    for (size_t i = 0; i < ARRAY_LEN(b->built); i++)
        model_map_destroy(b->built[i]);
    arena_release(&b->arena);
}

/* --- Threads --------------------------------------------------------------------------------- */

static int64_t own_processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void *write_maps(void *argument)
{
    struct bench *b = argument;
    while (!atomic_load(&b->over)) {
        snapshot_publish(&b->maps, b->built[++b->published % ARRAY_LEN(b->built)]);
        epoch_synchronize(&b->epoch);
        nanosleep(&(struct timespec){.tv_nsec = PUBLISH_EVERY_NS}, NULL);
    }
    return NULL;
}

static void *read_maps(void *argument)
{
    struct reader *r = argument;
    struct bench *b = r->bench;
    size_t at = r->index * (NAMES / MOST_READERS);
    int64_t begin_ns = own_processor_ns();
    for (unsigned pass = 0; pass < PASSES; pass++) {
        epoch_online(&b->epoch, r->index);
        for (unsigned i = 0; i < LOOKUPS_A_PASS; i++) {
            struct route_view route;
            at = at + 1 < NAMES ? at + 1 : 0;
            r->found += model_map_find(snapshot_get(&b->maps), b->names[at], &route) == HARBORAI_OK;
        }
        epoch_offline(&b->epoch, r->index);
    }
    r->spent_ns = own_processor_ns() - begin_ns;
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (thread_start(thread, "lookup", run, argument, &error) < 0)
        args_die("%s", error.message);
}

/* Nanoseconds a look-up, the mean over all readers. */
static double measure(struct bench *b, unsigned count)
{
    struct reader readers[MOST_READERS];
    int64_t spent_ns = 0;
    for (unsigned i = 0; i < count; i++) {
        readers[i] = (struct reader){.bench = b, .index = i};
        start(&readers[i].thread, read_maps, &readers[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].found != (uint64_t)PASSES * LOOKUPS_A_PASS)
            args_die("a look-up found nothing");
        spent_ns += readers[i].spent_ns;
    }
    return (double)spent_ns / ((double)count * PASSES * LOOKUPS_A_PASS);
}

/* --- Output ---------------------------------------------------------------------------------- */

static void print_values(const char *key, const double *values, size_t count)
{
    printf("\"%s\":[", key);
    for (size_t i = 0; i < count; i++)
        printf("%s%.2f", i > 0 ? "," : "", values[i]);
    printf("],");
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint64_t rounds = 5;
    double one[MOST_ROUNDS], two[MOST_ROUNDS], dearer[MOST_ROUNDS];
    const struct args_option options[] = {
        {.name = "--rounds", .help = "how often both are measured, at most 100 (5)",
         .number = &rounds},
    };
    pthread_t writer;
    args_parse(argc, argv, options, ARRAY_LEN(options));
    if (rounds > MOST_ROUNDS)
        args_die("--rounds is more than %d", MOST_ROUNDS);
    bench_init(&bench);
    start(&writer, write_maps, &bench);
    (void)measure(&bench, MOST_READERS); /* warms up */
    for (uint64_t i = 0; i < rounds; i++) {
        one[i] = measure(&bench, 1);
        two[i] = measure(&bench, 2);
        dearer[i] = one[i] > two[i] ? one[i] : two[i];
    }
    atomic_store(&bench.over, true);
    pthread_join(writer, NULL);
    printf("{");
    print_values("values", dearer, rounds);
    print_values("one_thread", one, rounds);
    print_values("two_threads", two, rounds);
    printf("\"names\":%d,\"published\":%llu}\n", NAMES, (unsigned long long)bench.published);
    bench_release(&bench);
    return 0;
}
