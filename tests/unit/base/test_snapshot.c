/* SPDX-License-Identifier: MIT */
#include "base/snapshot.h"

#include <sched.h>
#include <stdlib.h>

#include "../unit.h"
#include "base/mpsc.h"
#include "base/thread.h"

extern const CU_TestInfo snapshot_tests[];

enum { READERS = 8, PUBLICATIONS = 10000, PRODUCERS = 4, MESSAGES = 5000 };

struct value {
    int a, b; /* always equal, until it is freed */
};

struct world {
    struct epoch epoch;
    struct snapshot snapshot;
    atomic_int stop, torn;
};

struct reader {
    struct world *world;
    unsigned index;
    pthread_t thread;
    long looks;
};

static void *read_until_stopped(void *argument)
{
    struct reader *self = argument;
    while (!atomic_load(&self->world->stop) || self->looks == 0) {
        epoch_online(&self->world->epoch, self->index);
        for (int i = 0; i < 16; i++) {
            const struct value *v = snapshot_get(&self->world->snapshot);
            if (v->a != v->b)
                atomic_fetch_add(&self->world->torn, 1);
            self->looks++;
        }
        epoch_offline(&self->world->epoch, self->index);
        sched_yield(); /* as a loop sleeps: 8 of them share what may be two cores */
    }
    return NULL;
}

static struct value *value_of(int number)
{
    struct value *v = malloc(sizeof *v);
    if (v == NULL)
        abort();
    v->a = v->b = number;
    return v;
}

/* Under ThreadSanitizer and AddressSanitizer this shows use after free and missing order. */
static void test_readers_against_a_writer(void)
{
    static struct world world;
    struct reader readers[READERS];
    epoch_init(&world.epoch);
    atomic_init(&world.snapshot.current, value_of(0));
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.world = &world, .index = i};
        CU_ASSERT_FATAL(thread_start(&readers[i].thread, "reader", read_until_stopped, &readers[i],
                                     NULL) == HARBORAI_OK);
    }
    for (int i = 1; i <= PUBLICATIONS; i++) {
        struct value *old = (struct value *)(uintptr_t)snapshot_publish(&world.snapshot, value_of(i));
        epoch_synchronize(&world.epoch);
        old->a = -1;
        free(old);
    }
    atomic_store(&world.stop, 1);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        CU_ASSERT(readers[i].looks > 0);
    }
    CU_ASSERT(atomic_load(&world.torn) == 0);
    free((void *)(uintptr_t)atomic_load(&world.snapshot.current));
}

struct message {
    struct mpsc_item item;
    unsigned producer;
    int number;
};

struct producer {
    struct mpsc *queue;
    unsigned index;
    pthread_t thread;
    struct message messages[MESSAGES];
};

static void *produce(void *argument)
{
    struct producer *self = argument;
    for (int i = 0; i < MESSAGES; i++) {
        self->messages[i] = (struct message){.producer = self->index, .number = i};
        mpsc_push(self->queue, &self->messages[i].item);
    }
    return NULL;
}

static void test_mpsc_keeps_each_producers_order(void)
{
    static struct mpsc queue;
    static struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0}, taken = 0;
    for (unsigned i = 0; i < PRODUCERS; i++) {
        producers[i].queue = &queue;
        producers[i].index = i;
        CU_ASSERT_FATAL(thread_start(&producers[i].thread, "producer", produce, &producers[i],
                                     NULL) == HARBORAI_OK);
    }
    while (taken < PRODUCERS * MESSAGES) {
        for (struct mpsc_item *item = mpsc_take_all(&queue); item != NULL;) {
            struct message *m = CONTAINER_OF(item, struct message, item);
            item = item->next;
            CU_ASSERT(m->number == next[m->producer]);
            next[m->producer] = m->number + 1;
            taken++;
        }
    }
    for (unsigned i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    CU_ASSERT(mpsc_take_all(&queue) == NULL);
}

const CU_TestInfo snapshot_tests[] = {
    {"8 readers, 10,000 publications", test_readers_against_a_writer},
    {"mpsc keeps each producer's order", test_mpsc_keeps_each_producers_order},
    CU_TEST_INFO_NULL,
};
