/* SPDX-License-Identifier: MIT */
/* What is counted of plugins, by whom, and what of it the log is told. */
#include "plugin/meter.h"

#include <sys/mman.h>
#include <unistd.h>

#include "../unit.h"

extern const CU_TestInfo meter_tests[];

enum { LOOPS = 3 };

static const struct {
    const char *name;
    size_t input;
    int64_t want_ns;
} allowances[] = {
    {"nothing", 0, NS_PER_MS},
    {"100 KiB", KIB(100), NS_PER_MS},
    {"150 KiB", KIB(150), NS_PER_MS * 3 / 2},
    {"32 MiB", MIB(32), NS_PER_MS * 32768 / 100},
};

static void test_allowance(void)
{
    for (size_t i = 0; i < ARRAY_LEN(allowances); i++)
        ROW(allowances[i].name, meter_allowed_ns(allowances[i].input) == allowances[i].want_ns);
}

static struct meter *get(struct meter_set *set, const char *plugin, const char *provider)
{
    struct meter *meter = meter_set_get(set, slice_of(plugin), slice_of(provider));
    CU_ASSERT_FATAL(meter != NULL);
    return meter;
}

static void test_sums(void)
{
    struct meter_set set = {.loop_count = LOOPS};
    struct meter *m = get(&set, "test.good", "lab");
    for (unsigned i = 0; i < LOOPS; i++)
        meter_add(m, i, METER_ON_EVENT, 10 + i);
    meter_add_shared(m, METER_ON_EVENT, 100);
    meter_add_shared(m, METER_CREATE, 7);
    struct meter_sums events = meter_sum(m, METER_ON_EVENT), creates = meter_sum(m, METER_CREATE);
    CU_ASSERT(events.count == LOOPS + 1 && events.ns == 133 && events.slow == 0);
    CU_ASSERT(creates.count == 1 && creates.ns == 7);
    CU_ASSERT(strcmp(meter_callback_name(METER_CHAT), "chat") == 0);
    CU_ASSERT(strcmp(meter_callback_name(METER_DESTROY), "destroy") == 0);
    meter_count_load(m, PLUGIN_STAGE_NONE);
    meter_count_load(m, PLUGIN_STAGE_CREATE);
    meter_count_load(m, PLUGIN_STAGE_CREATE);
    meter_count_result(m, METER_KEPT);
    CU_ASSERT(m->loads == 1 && m->failures[PLUGIN_STAGE_CREATE] == 2);
    CU_ASSERT(m->failures[PLUGIN_STAGE_DLOPEN] == 0);
    CU_ASSERT(m->results[METER_KEPT] == 1 && m->results[METER_REPLACED] == 0);
    meter_count_load(NULL, PLUGIN_STAGE_NONE);
    meter_count_result(NULL, METER_KEPT);
    meter_set_release(&set);
}

/* The same names are the same meter; there is a ceiling, and beyond it one for all others. */
static void test_set(void)
{
    struct meter_set set = {.loop_count = LOOPS};
    struct meter *all[METERS_MOST];
    char name[16];
    for (unsigned i = 0; i < METERS_MOST; i++) {
        snprintf(name, sizeof name, "lab-%u", i / 2);
        all[i] = get(&set, i % 2 == 0 ? "test.good" : "test.rogue", name);
        CU_ASSERT(all[i]->index == i);
    }
    for (unsigned i = 0; i < METERS_MOST; i++) {
        snprintf(name, sizeof name, "lab-%u", i / 2);
        CU_ASSERT(get(&set, i % 2 == 0 ? "test.good" : "test.rogue", name) == all[i]);
    }
    struct meter *other = get(&set, "test.good", "lab-late");
    CU_ASSERT(slice_is(other->provider, "_other") && slice_is(other->plugin_id, "_other"));
    CU_ASSERT(other == get(&set, "test.late", "lab") && other->index == METERS_MOST);
    meter_set_release(&set);
}

/* --- Slow functions ------------------------------------------------------------------------------ */

struct telling {
    int fd;
    struct log log;
    char text[4096];
};

static void telling_open(struct telling *t)
{
    t->fd = memfd_create("log", MFD_CLOEXEC);
    log_init(&t->log, t->fd, LOG_LEVEL_DEBUG);
}

/* How many lines there are. */
static int telling_read(struct telling *t)
{
    ssize_t len = pread(t->fd, t->text, sizeof t->text - 1, 0);
    int count = 0;
    t->text[len > 0 ? len : 0] = '\0';
    for (const char *at = t->text; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

/* Once a minute for each function of a plugin, whichever of its providers it serves. */
static void test_slow(void)
{
    struct telling t;
    struct meter_set set = {.loop_count = LOOPS};
    struct meter *a = get(&set, "test.good", "a"), *b = get(&set, "test.good", "b"),
                 *c = get(&set, "test.rogue", "c");
    telling_open(&t);
    for (int64_t ms = 0; ms < 60000; ms += 1000)
        meter_tell_slow(ms % 2000 == 0 ? a : b, &t.log, METER_CHAT, KIB(200), 3456 * 1000,
                        (1 + ms) * NS_PER_MS);
    CU_ASSERT(telling_read(&t) == 1);
    CU_ASSERT(strstr(t.text, " warn plugin.slow plugin=test.good provider=a callback=chat took_us=3456 "
                             "allowed_us=2000 input_bytes=204800 left_out=0 help=") != NULL);
    meter_tell_slow(b, &t.log, METER_ON_EVENT, 1, NS_PER_S, NS_PER_S);
    CU_ASSERT(telling_read(&t) == 2);
    CU_ASSERT(strstr(t.text, "provider=b callback=on_event took_us=1000000 allowed_us=1000") != NULL);
    meter_tell_slow(c, &t.log, METER_CHAT, 1, NS_PER_S, NS_PER_S);
    CU_ASSERT(telling_read(&t) == 3 && strstr(t.text, "plugin=test.rogue provider=c") != NULL);
    meter_tell_slow(b, &t.log, METER_CHAT, 1, NS_PER_S, 61 * NS_PER_S);
    CU_ASSERT(telling_read(&t) == 4);
    CU_ASSERT(strstr(t.text, "provider=b callback=chat took_us=1000000 allowed_us=1000 "
                             "input_bytes=1 left_out=59 ") != NULL);
    CU_ASSERT(meter_sum(a, METER_CHAT).slow == 30 && meter_sum(b, METER_CHAT).slow == 31);
    CU_ASSERT(meter_sum(b, METER_ON_EVENT).slow == 1);
    close(t.fd);
    meter_set_release(&set);
}

const CU_TestInfo meter_tests[] = {{"what a function may take", test_allowance},
                                   {"sums", test_sums},
                                   {"meters and their ceiling", test_set},
                                   {"slow functions in the log", test_slow},
                                   CU_TEST_INFO_NULL};
