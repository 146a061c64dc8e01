/* SPDX-License-Identifier: MIT */
/* What the look-up of a model costs: processor time a look-up, at three sizes of the map, of readers
 * on one and on two threads while a writer publishes a map a millisecond, and of the same probe by a
 * plain pointer to a map that never changes. Prints one JSON object; the figures of a round are in
 * the same place of each list. Must never count a look-up that found nothing. */
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

#define MOST_PROVIDERS 100
#define LOOKUPS_A_PASS 16             /* between two quiescent points */
#define PASSES 50000                  /* a reader and round */
#define MOST_READERS 2
#define MOST_ROUNDS 100
#define NAMES_AHEAD 8                 /* a client's name was just read: it is in the cache */
#define PUBLISH_EVERY_NS (NS_PER_MS)

/* Each model is listed bare and as provider/model, and both are asked for. */
static const struct size {
    unsigned providers, models; /* of each */
} sizes[] = {{10, 1}, {10, 100}, {MOST_PROVIDERS, 1000}};

struct bench {
    struct size size;
    struct epoch epoch;
    struct snapshot maps;
    struct model_map *built[2]; /* alike; the writer publishes one after the other */
    struct arena arena;
    harborai_str *names; /* in the order in which they are asked for */
    size_t name_count;
    atomic_bool over;
    uint64_t published;
    pthread_t writer;
};

struct reader {
    struct bench *bench;
    pthread_t thread;
    unsigned index;
    uint64_t found;
    int64_t spent_ns;
};

struct figures {
    double fixed[MOST_ROUNDS], one[MOST_ROUNDS], two[MOST_ROUNDS];
};

/* --- The maps -------------------------------------------------------------------------------- */

static struct manifest *manifest_of(unsigned provider, unsigned models)
{
    AUTO(buf) json = BUF_INIT(LIMIT_MANIFEST);
    harborai_error error = HARBORAI_ERROR_INIT;
    struct manifest *manifest = NULL;
    buf_printf(&json, "{\"abi\":[%d,%d,0],\"plugin\":{\"id\":\"bench.p%u\",\"version\":\"1.0.0\","
                      "\"provider\":\"vendor-%u\",\"models\":[",
               HARBORAI_ABI_MAJOR, HARBORAI_ABI_MINOR, provider, provider);
    for (unsigned m = 0; m < models; m++)
        buf_printf(&json, "%s{\"name\":\"family-%u-large-%u-2026-11-21\",\"context\":128000}",
                   m > 0 ? "," : "", provider, m);
    buf_printf(&json, "],\"patterns\":[\"family-%u-*\"]}}", provider);
    if (buf_status(&json, &error) < 0 ||
        manifest_create(buf_slice(&json), "bench.so", &manifest, &error) < 0)
        args_die("%s", error.message);
    return manifest;
}

static struct model_map *new_map(struct arena *arena, struct size size)
{
    static char places[MOST_PROVIDERS]; /* slots are only handed out: any address will do */
    struct model_map_provider providers[MOST_PROVIDERS];
    struct model_map_source source = {.providers = providers, .provider_count = size.providers};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct model_map *map = NULL;
    for (unsigned p = 0; p < size.providers; p++)
        providers[p] = (struct model_map_provider){
            .slot = (struct slot *)(void *)&places[p],
            .name = arena_printf(arena, "vendor-%u", p),
            .manifest = manifest_of(p, size.models),
            .enabled = true,
        };
    if (model_map_create(&source, &map, NULL, &error) < 0)
        args_die("%s", error.message);
    for (unsigned p = 0; p < size.providers; p++)
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

static void add_names(struct bench *b)
{
    harborai_str vendor;
    b->names = arena_alloc(&b->arena, 2 * (size_t)b->size.providers * b->size.models *
                                          sizeof *b->names);
    for (unsigned p = 0; b->names != NULL && p < b->size.providers; p++) {
        for (unsigned m = 0; m < b->size.models; m++) {
            harborai_str full =
                arena_printf(&b->arena, "vendor-%u/family-%u-large-%u-2026-11-21", p, p, m);
            if (full.data == NULL)
                args_die("out of memory");
            b->names[b->name_count++] = full;
            (void)slice_split(full, '/', &vendor, &b->names[b->name_count++]);
        }
    }
    if (b->name_count == 0)
        args_die("out of memory");
    shuffle(b->names, b->name_count);
}

static void bench_init(struct bench *b, struct size size)
{
    *b = (struct bench){.size = size};
    epoch_init(&b->epoch);
    arena_init(&b->arena, MIB(64));
    add_names(b);
    for (size_t i = 0; i < ARRAY_LEN(b->built); i++)
        b->built[i] = new_map(&b->arena, size);
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

static harborai_str next_name(const struct bench *b, size_t *at)
{
    size_t ahead = *at + NAMES_AHEAD;
    *at = *at + 1 < b->name_count ? *at + 1 : 0;
    __builtin_prefetch(b->names[ahead < b->name_count ? ahead : 0].data);
    return b->names[*at];
}

static void *read_maps(void *argument)
{
    struct reader *r = argument;
    struct bench *b = r->bench;
    size_t at = r->index * (b->name_count / MOST_READERS);
    int64_t begin_ns = own_processor_ns();
    for (unsigned pass = 0; pass < PASSES; pass++) {
        epoch_online(&b->epoch, r->index);
        for (unsigned i = 0; i < LOOKUPS_A_PASS; i++) {
            struct route_view route;
            r->found += model_map_find(snapshot_get(&b->maps), next_name(b, &at), &route) ==
                        HARBORAI_OK;
        }
        epoch_offline(&b->epoch, r->index);
    }
    r->spent_ns = own_processor_ns() - begin_ns;
    return NULL;
}

/* What is left when nothing ever changes. */
static void *read_fixed_map(void *argument)
{
    struct reader *r = argument;
    struct bench *b = r->bench;
    const struct model_map *map = b->built[0];
    size_t at = r->index * (b->name_count / MOST_READERS);
    int64_t begin_ns = own_processor_ns();
    for (unsigned i = 0; i < PASSES * LOOKUPS_A_PASS; i++) {
        struct route_view route;
        r->found += model_map_find(map, next_name(b, &at), &route) == HARBORAI_OK;
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
static double measure(struct bench *b, void *(*read)(void *reader), unsigned count)
{
    struct reader readers[MOST_READERS];
    int64_t spent_ns = 0;
    for (unsigned i = 0; i < count; i++) {
        readers[i] = (struct reader){.bench = b, .index = i};
        start(&readers[i].thread, read, &readers[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].found != (uint64_t)PASSES * LOOKUPS_A_PASS)
            args_die("a look-up found nothing");
        spent_ns += readers[i].spent_ns;
    }
    return (double)spent_ns / ((double)count * PASSES * LOOKUPS_A_PASS);
}

static void measure_all(struct bench *b, uint64_t rounds, struct figures *figures)
{
    start(&b->writer, write_maps, b);
    (void)measure(b, read_maps, MOST_READERS); /* warms up */
    for (uint64_t i = 0; i < rounds; i++) {
        figures->fixed[i] = measure(b, read_fixed_map, 1);
        figures->one[i] = measure(b, read_maps, 1);
        figures->two[i] = measure(b, read_maps, MOST_READERS);
    }
    atomic_store(&b->over, true);
    pthread_join(b->writer, NULL);
}

/* --- Output ---------------------------------------------------------------------------------- */

static void print_values(const char *key, const double *values, size_t count)
{
    printf("\"%s\":[", key);
    for (size_t i = 0; i < count; i++)
        printf("%s%.2f", i > 0 ? "," : "", values[i]);
    printf("],");
}

static void print_figures(const struct bench *b, const struct figures *figures, uint64_t rounds)
{
    printf("\"%u\":{", b->size.providers * b->size.models);
    print_values("fixed_map", figures->fixed, rounds);
    print_values("one_thread", figures->one, rounds);
    print_values("two_threads", figures->two, rounds);
    printf("\"names\":%zu,\"published\":%llu}", b->name_count, (unsigned long long)b->published);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static struct figures figures;
    uint64_t rounds = 5;
    const struct args_option options[] = {
        {.name = "rounds", .help = "how often all are measured, at most 100 (5)",
         .number = &rounds},
    };
    args_parse(argc, argv, options, ARRAY_LEN(options));
    if (rounds > MOST_ROUNDS)
        args_die("--rounds is more than %d", MOST_ROUNDS);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        bench_init(&bench, sizes[i]);
        measure_all(&bench, rounds, &figures);
        printf(i == 0 ? "{" : ",");
        print_figures(&bench, &figures, rounds);
        bench_release(&bench);
    }
    printf("}\n");
    return 0;
}
