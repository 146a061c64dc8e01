/* SPDX-License-Identifier: MIT */
/* Plugins are reloaded while they serve: from the same file, from another, from one that is no good. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../engine/stage.h"
#include "../unit.h"
#include "churn.h"
#include "store/plugin_state.h"
#include "store/removal_mark.h"

extern const CU_TestInfo order_tests[];

#define PROVIDERS                                                                                  \
    "providers:\n"                                                                                 \
    "  good: { api_key: none }\n"                                                                  \
    "  second: { plugin: good, api_key: none }\n"                                                  \
    "  rogue: {}\n"                                                                                \
    "  slow: { options: { gate: \"%d\" } }\n"

static struct stage stage;
static int gate[2];

/* Waits until so many objects of that file are mapped. */
static bool maps(const char *name, int want)
{
    for (int i = 0; i < 60000; i++) {
        if (churn_count_mapped(&stage, name) == want)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static harborai_status reload(const char *name, struct churn_order *o)
{
    return churn_order(o, &stage, RUNTIME_ORDER_RELOAD, name);
}

static void open_files(void)
{
    stage_open(&stage);
    CU_ASSERT_FATAL(pipe(gate) == 0);
    churn_install(&stage, "good", "good.so");
}

static void open_rest(void)
{
    stage_run(&stage, 2, PROVIDERS, gate[0]);
    stage_start(&stage);
}

static void open_all(void)
{
    open_files();
    open_rest();
}

static void close_all(void)
{
    stage_stop(&stage);
    CU_ASSERT(stage_logged(&stage, "'created'") == stage_logged(&stage, "'destroyed'"));
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    CU_ASSERT(churn_count_mapped(&stage, "good.so") == 0);
    stage_close(&stage);
    close(gate[0]);
    close(gate[1]);
}

/* --- Reload -------------------------------------------------------------------------------------- */

/* Whatever it is called; the object is the one that is loaded. */
static void test_unchanged(void)
{
    char path[128];
    open_all();
    snprintf(path, sizeof path, "%s/plugins/good.so", stage.directory);
    const char *const names[] = {"good", "test.good", "good.so", path};
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "rogue/r-finish-twice") == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct churn_order g;
        ROW(names[i], reload(names[i], &g) == HARBORAI_OK);
        ROW(names[i], strstr(g.order.text, "plugin test.good 1.2.0: 1 of its 2 providers served; ") !=
                          NULL);
        ROW(names[i], strstr(g.order.text, "is unchanged") != NULL);
        ROW(names[i], stage_logs(&stage, "'destroyed'", (unsigned)i + 1));
        ROW(names[i], stage_logged(&stage, "provider.replaced provider=good") == i + 1);
        ROW(names[i], churn_count_mapped(&stage, "good.so") == 1);
        ROW(names[i], asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    }
    CU_ASSERT(stage_logged(&stage, "'created'") == 2 + ARRAY_LEN(names));
    close_all();
}

/* The old object goes with the last provider of it; other plugins do not notice. */
static void test_another_file(void)
{
    struct churn_order g;
    open_all();
    CU_ASSERT(reload("good", &g) == HARBORAI_OK);
    CU_ASSERT(strstr(g.order.text, "0 of its 2 providers served") != NULL);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "second/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "rogue/r-finish-twice") == HARBORAI_OK);
    for (int i = 1; i <= 3; i++) {
        churn_install(&stage, "good", "good.so");
        churn_install(&stage, "rogue", "rogue.so");
        CU_ASSERT(reload("good", &g) == HARBORAI_OK);
        CU_ASSERT(strstr(g.order.text, "2 of its 2 providers served; ") != NULL);
        CU_ASSERT(strstr(g.order.text, "is another file now") != NULL);
        CU_ASSERT(stage_logs(&stage, "'destroyed'", 2 * (unsigned)i));
        CU_ASSERT(maps("good.so", 1));
        CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    }
    CU_ASSERT(stage_logged(&stage, "provider=rogue file=") == 1);
    close_all();
}

/* What is no good changes nothing, whether it is asked for by name or found. */
static void test_bad_file(void)
{
    struct churn_order g;
    open_all();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(reload("nonesuch", &g) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(strstr(g.order.error.message, "there is no plugin 'nonesuch'") != NULL);
    churn_put(&stage, "good.so", "no object", 9);
    CU_ASSERT(reload("test.good", &g) == HARBORAI_E_CONFIG && g.order.text[0] == '\0');
    CU_ASSERT(strstr(g.order.error.message, "good.so") != NULL);
    CU_ASSERT(churn_order(&g, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
    CU_ASSERT(stage_logged(&stage, "provider.kept provider=good stage=find") == 1);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "'destroyed'") == 0);
    churn_install(&stage, "table_differs", "good.so"); /* another id, which no provider uses */
    CU_ASSERT(reload("good.so", &g) == HARBORAI_OK || g.order.status == HARBORAI_E_CONFIG);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    churn_install(&stage, "good", "good.so");
    CU_ASSERT(churn_order(&g, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
    CU_ASSERT(stage_logged(&stage, "provider.replaced provider=good") == 1);
    CU_ASSERT(maps("good.so", 1));
    close_all();
}

static void rescan(void)
{
    struct churn_order g;
    CU_ASSERT(churn_order(&g, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
}

/* What was never asked is of the file that is there when it is. */
static void test_not_loaded_yet(void)
{
    open_all();
    churn_install(&stage, "good", "good.so");
    rescan();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "provider.replaced") == 0);
    CU_ASSERT(churn_count_mapped(&stage, "good.so") == 1);
    churn_install(&stage, "no_symbol", "good.so"); /* what is loaded already is of no file any more */
    rescan();
    CU_ASSERT(asked_of(&stage, "second/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "provider.left_out") == 0);
    close_all();
}

static bool is_removed(const char *model)
{
    struct asked a;
    asked_init(&a, &stage, model, true);
    CU_ASSERT_FATAL(asked_wait(&a));
    bool removed = a.error.code == HARBORAI_E_NOT_FOUND &&
                   strstr(a.error.message, " was removed") != NULL;
    asked_release(&a);
    return removed;
}

/* Whoever asks is told, until it is there again. */
static void test_removed(void)
{
    struct churn_order g;
    open_all();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(unlink(stage_path(&stage, "plugins/good.so")) == 0);
    for (int i = 0; i < 2; i++) {
        rescan();
        CU_ASSERT(is_removed("good/good-large") && is_removed("good/good-ft-1"));
        CU_ASSERT(is_removed("second/good-small"));
        CU_ASSERT(stage_logs(&stage, "'destroyed'", 1) && maps("good.so", 0));
        CU_ASSERT(stage_logged(&stage, "provider.removed provider=") == 2);
        CU_ASSERT(reload("good", &g) == HARBORAI_E_NOT_FOUND);
    }
    CU_ASSERT(asked_of(&stage, "rogue/r-finish-twice") == HARBORAI_OK);
    churn_put(&stage, "good.so", "no object", 9);
    rescan();
    CU_ASSERT(is_removed("good/good-large"));
    churn_install(&stage, "good", "good.so");
    rescan();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "second/good-small") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "provider.kept") == 0);
    close_all();
}

/* An order is done when its providers are settled; others are taken meanwhile. */
static void test_overtaken(void)
{
    struct churn_order first, second, other;
    open_all();
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(asked_of(&stage, "slow/slow-model") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    churn_give(&first, &stage, RUNTIME_ORDER_RELOAD, "slow");
    CU_ASSERT(reload("good", &other) == HARBORAI_OK);
    CU_ASSERT(sem_trywait(&first.done) != 0);
    churn_give(&second, &stage, RUNTIME_ORDER_RELOAD, "slow");
    CU_ASSERT(churn_await(&first) == HARBORAI_E_CLOSED);
    CU_ASSERT(asked_of(&stage, "slow/slow-model") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(write(gate[1], "xx", 2) == 2);
    CU_ASSERT(churn_await(&second) == HARBORAI_OK);
    CU_ASSERT(stage_logged(&stage, "provider.replaced provider=slow") == 1);
    churn_give(&first, &stage, RUNTIME_ORDER_RELOAD, "slow");
    CU_ASSERT(reload("good", &other) == HARBORAI_OK); /* so that it was begun */
    /* It finds nothing new: what is on its way goes on. */
    churn_give(&second, &stage, RUNTIME_ORDER_RESCAN, "");
    CU_ASSERT(churn_await(&second) == HARBORAI_OK);
    CU_ASSERT(sem_trywait(&first.done) != 0);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    stage_stop(&stage);
    harborai_status st = churn_await(&first);
    CU_ASSERT(st == HARBORAI_E_CLOSED || st == HARBORAI_OK);
    close_all();
}

/* --- Switched off -------------------------------------------------------------------------------- */

static void turn(enum plugin_state_kind kind, const char *name, bool enabled)
{
    const struct plugin_state_change change = {kind, slice_of(name), enabled, "a test"};
    struct churn_order g;
    bool changed;
    CU_ASSERT_FATAL(plugin_state_apply(slice_of(stage_path(&stage, "state")), &change, &clock_system,
                                       &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(churn_order(&g, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
}

static bool is_off(const char *model)
{
    struct asked a;
    asked_init(&a, &stage, model, true);
    CU_ASSERT_FATAL(asked_wait(&a));
    bool off = a.error.code == HARBORAI_E_NOT_FOUND && strstr(a.error.message, " is disabled") != NULL;
    asked_release(&a);
    return off;
}

/* What plugins.json says holds with the next order, and at the start. */
static void test_switches(void)
{
    struct churn_order g;
    open_all();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    turn(PLUGIN_STATE_PLUGIN, "test.good", false);
    CU_ASSERT(is_off("good/good-large") && is_off("second/good-small") && is_off("good/good-ft-1"));
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 1) && maps("good.so", 0));
    CU_ASSERT(asked_of(&stage, "rogue/r-finish-twice") == HARBORAI_OK);
    CU_ASSERT(reload("good", &g) == HARBORAI_OK);
    CU_ASSERT(strstr(g.order.text, " is disabled by 'a test' since ") != NULL);
    CU_ASSERT(is_off("good/good-large") && stage_logged(&stage, "'created'") == 2);
    turn(PLUGIN_STATE_PLUGIN, "test.good", true);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    turn(PLUGIN_STATE_PROVIDER, "second", false);
    turn(PLUGIN_STATE_MODEL, "good/*-small", false);
    CU_ASSERT(is_off("second/good-large") && is_off("good/good-small"));
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "'created'") == 3);
    FILE *file = fopen(stage_path(&stage, "state/plugins.json"), "w");
    CU_ASSERT_FATAL(file != NULL && fputs("{", file) >= 0 && fclose(file) == 0);
    CU_ASSERT(churn_order(&g, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(g.order.error.message, "plugins.json") != NULL);
    CU_ASSERT(is_off("second/good-large"));
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    close_all();
}

static void send_switch(const char *name, bool enabled, const char *by, struct churn_order *g)
{
    g->order = (struct runtime_order){.kind = RUNTIME_ORDER_SWITCH,
                                      .name = slice_of(name),
                                      .enabled = enabled,
                                      .by = by};
    churn_send(g, &stage);
}

static harborai_status give_switch(const char *name, bool enabled, const char *by,
                                   struct churn_order *g)
{
    send_switch(name, enabled, by, g);
    return churn_await(g);
}

static const struct switched {
    const char *name;
    bool enabled;
    harborai_status want;
    const char *text; /* in what was done, or in the error */
    const char *off, *on; /* models; or NULL */
} switched[] = {
    {"good", false, HARBORAI_OK, "plugin 'test.good' is disabled", "second/good-large", NULL},
    {"test.good", false, HARBORAI_OK, "plugin 'test.good' is disabled already", "good/good-large", NULL},
    {"good.so", true, HARBORAI_OK, "plugin 'test.good' is enabled", NULL, "good/good-large"},
    {"second", false, HARBORAI_OK, "provider 'second' is disabled", "second/good-large",
     "good/good-large"},
    {"second", true, HARBORAI_OK, "provider 'second' is enabled", NULL, "second/good-large"},
    {"good/*-small", false, HARBORAI_OK, "model 'good/*-small' is disabled", "good/good-small",
     "good/good-large"},
    {"good/good-small", true, HARBORAI_E_INVALID, "by the glob 'good/*-small'", "good/good-small", NULL},
    {"good/*-small", true, HARBORAI_OK, "is enabled", NULL, "good/good-small"},
    {"goood", false, HARBORAI_E_NOT_FOUND, "did you mean 'good'?", NULL, "good/good-large"},
    {"nobody/x", false, HARBORAI_E_NOT_FOUND, "'nobody'", NULL, "good/good-large"},
};

/* A name is looked up as it is on the disk, what is said of it written, and in force when it is said. */
static void test_switch_orders(void)
{
    struct churn_order g;
    open_all();
    for (size_t i = 0; i < ARRAY_LEN(switched); i++) {
        const struct switched *s = &switched[i];
        ROW(s->text, give_switch(s->name, s->enabled, "a test", &g) == s->want);
        ROW(s->text, strstr(s->want < 0 ? g.order.error.message : g.order.text, s->text) != NULL);
        ROW(s->text, s->off == NULL || is_off(s->off));
        ROW(s->text, s->on == NULL || asked_of(&stage, s->on) == HARBORAI_E_UNSUPPORTED);
    }
    turn(PLUGIN_STATE_PLUGIN, "test.good", false); /* both go with one order */
    turn(PLUGIN_STATE_PROVIDER, "good", false);
    CU_ASSERT(give_switch("good", true, "a test", &g) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(g.order.text, "plugin 'test.good' is enabled, and so is provider 'good'");
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    turn(PLUGIN_STATE_PLUGIN, "test.good", false); /* what else is in its way is said */
    turn(PLUGIN_STATE_PROVIDER, "second", false);
    CU_ASSERT(give_switch("second", true, "a test", &g) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(g.order.text, "provider 'second' is enabled; its plugin is not: 'harborai "
                                         "plugin enable test.good' enables it");
    CU_ASSERT(give_switch("good", true, "a test", &g) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(g.order.text, "plugin 'test.good' is enabled");
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    churn_put(&stage, "good.so", "no object", 9); /* nobody could tell now whose file it is */
    CU_ASSERT(give_switch("good", false, "a test", &g) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(g.order.switched, "test.good");
    CU_ASSERT(give_switch("good", true, "a test", &g) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(g.order.switched, "test.good");
    CU_ASSERT(give_switch("test.good", false, "a test", &g) == HARBORAI_OK);
    CU_ASSERT(g.order.changed && strcmp(g.order.switched, "test.good") == 0);
    CU_ASSERT(is_off("good/good-large"));
    CU_ASSERT(give_switch("test.good", true, "a test", &g) == HARBORAI_OK);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED); /* as it was before */
    close_all();
}

/* How many descriptors the process has of that file. */
static int count_open(const char *path)
{
    char link[300], target[512];
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    CU_ASSERT_FATAL(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
        ssize_t len = readlink(link, target, sizeof target - 1);
        target[len > 0 ? len : 0] = '\0';
        count += strcmp(target, path) == 0;
    }
    closedir(directory);
    return count;
}

/* What cannot be heeded is written down all the same, and that is said. Here because a directory goes
 * in which a plugin was named by hand, while the order waits for whoever else writes something down. */
static void test_switch_unheeded(void)
{
    char lock_path[128], named[128];
    struct churn_order g;
    open_files();
    snprintf(named, sizeof named, "%s/named/none.so", stage.directory);
    stage.plugin_file = named;
    CU_ASSERT_FATAL(mkdir(stage_path(&stage, "named"), 0755) == 0);
    open_rest();
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(give_switch("slow", true, "a test", &g) == HARBORAI_OK); /* makes the lock */
    snprintf(lock_path, sizeof lock_path, "%s/state/plugins.json.lock", stage.directory);
    int lock = open(lock_path, O_RDWR | O_CLOEXEC);
    CU_ASSERT_FATAL(lock >= 0 && flock(lock, LOCK_EX) == 0);
    send_switch("slow", false, "a test", &g);
    while (count_open(lock_path) < 2)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    CU_ASSERT(rmdir(stage_path(&stage, "named")) == 0);
    close(lock);
    CU_ASSERT(churn_await(&g) == HARBORAI_OK);
    CU_ASSERT(g.order.changed && strcmp(g.order.switched, "test.slow") == 0);
    CU_ASSERT(g.order.warning.code < 0 && strstr(g.order.warning.message, "/named'") != NULL);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(mkdir(stage_path(&stage, "named"), 0755) == 0);
    CU_ASSERT(give_switch("rogue", false, "a test", &g) == HARBORAI_OK);
    CU_ASSERT(g.order.warning.code == HARBORAI_OK);
    CU_ASSERT(is_off("slow/slow-model"));
    close_all();
}

/* Off as long as the mark is held, and never in plugins.json. */
static void test_removal_orders(void)
{
    struct churn_order g;
    struct removal_mark mark = REMOVAL_MARK_INIT;
    struct stat status;
    open_all();
    CU_ASSERT(give_switch("good", false, PLUGIN_STATE_BY_REMOVE, &g) == HARBORAI_E_INVALID);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT_FATAL(removal_mark_set(&mark, slice_of(stage_path(&stage, "state")),
                                     HARBORAI_STR("test.good"), NULL) == HARBORAI_OK);
    CU_ASSERT(give_switch("good", false, PLUGIN_STATE_BY_REMOVE, &g) == HARBORAI_OK);
    CU_ASSERT(g.order.changed && is_off("good/good-large") && is_off("second/good-large"));
    CU_ASSERT(give_switch("good", true, "a test", &g) == HARBORAI_E_INVALID);
    CU_ASSERT(strstr(g.order.error.message, "is being removed since") != NULL);
    CU_ASSERT(lstat(stage_path(&stage, "state/plugins.json"), &status) != 0);
    removal_mark_release(&mark);
    CU_ASSERT(churn_order(&g, &stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    close_all();
}

/* --- Listing ------------------------------------------------------------------------------------- */

static const struct listed_provider *find_listed(const struct runtime_listing *l, const char *name,
                                                 bool published)
{
    for (size_t i = 0; i < l->provider_count; i++)
        if (slice_is(l->providers[i].name, name) && l->providers[i].is_published == published)
            return &l->providers[i];
    return NULL;
}

static struct runtime_listing *list(void)
{
    struct churn_order g;
    CU_ASSERT_FATAL(churn_order(&g, &stage, RUNTIME_ORDER_LIST, "") == HARBORAI_OK &&
                    g.order.listing != NULL);
    return g.order.listing;
}

/* How long until the heir is tried again; -1: there is none. */
static int64_t retry_of(const char *name)
{
    struct runtime_listing *l = list();
    const struct listed_provider *p = find_listed(l, name, false);
    int64_t ms = p != NULL && p->is_heir ? p->retry_ms : -1;
    runtime_listing_destroy(l);
    return ms;
}

/* It is tried again by itself, and what has been said is not said again. */
static void test_tried_again(void)
{
    struct churn_order g;
    open_all();
    CU_ASSERT_FATAL(fcntl(gate[0], F_SETFL, O_NONBLOCK) == 0);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(asked_of(&stage, "slow/slow-model") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(reload("slow", &g) == HARBORAI_E_CONFIG);
    CU_ASSERT(stage_logged(&stage, "provider.kept provider=slow stage=create") == 1);
    CU_ASSERT(retry_of("slow") <= 1000);
    bool is_second = false;
    for (int i = 0; i < 60000 && !is_second; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        is_second = retry_of("slow") > 1000;
    }
    CU_ASSERT(is_second);
    rescan(); /* finds nothing new, and does not try it before its time */
    CU_ASSERT(retry_of("slow") > 0);
    CU_ASSERT(asked_of(&stage, "slow/slow-model") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(stage_logged(&stage, "'created'") == 1);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(stage_logs(&stage, "provider.replaced provider=slow", 1));
    CU_ASSERT(stage_logged(&stage, "provider.kept") == 1);
    CU_ASSERT(stage_logged(&stage, "plugin.failed") == 1);
    CU_ASSERT(retry_of("slow") == -1);
    CU_ASSERT(reload("slow", &g) == HARBORAI_E_CONFIG);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(reload("slow", &g) == HARBORAI_OK); /* at once */
    CU_ASSERT(stage_logs(&stage, "'destroyed'", 2));
    CU_ASSERT(reload("slow", &g) == HARBORAI_E_CONFIG); /* and the end comes */
    close_all();
}

static void test_listing(void)
{
    struct churn_order g, slow;
    const struct listed_provider *p;
    open_all();
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(asked_of(&stage, "slow/slow-model") == HARBORAI_E_UNSUPPORTED);
    CU_ASSERT(asked_of(&stage, "good/good-large") == HARBORAI_E_UNSUPPORTED);
    churn_put(&stage, "bad.so", "no object", 9);
    churn_put(&stage, "good.so", "no object", 9);
    turn(PLUGIN_STATE_PROVIDER, "second", false);
    churn_give(&slow, &stage, RUNTIME_ORDER_RELOAD, "slow");
    struct runtime_listing *l = list();
    CU_ASSERT_FATAL((p = find_listed(l, "slow", true)) != NULL);
    CU_ASSERT(p->state == SLOT_SERVING && p->calls == 0 && p->is_current && p->error.len == 0);
    CU_ASSERT_FATAL((p = find_listed(l, "slow", false)) != NULL);
    CU_ASSERT(p->state == SLOT_LOADING && p->is_heir);
    CU_ASSERT_FATAL((p = find_listed(l, "good", true)) != NULL);
    CU_ASSERT(p->state == SLOT_SERVING && !p->is_current && p->why_kept.len > 0);
    CU_ASSERT(p->kept_stage == PLUGIN_STAGE_FIND && slice_is(p->plugin_id, "test.good"));
    CU_ASSERT_FATAL((p = find_listed(l, "rogue", true)) != NULL);
    CU_ASSERT(p->state == SLOT_READY && p->why_kept.len == 0);
    for (size_t i = 0; i < l->plugin_count; i++) {
        bool bad = slice_ends_with(l->plugins[i].path, "/bad.so") ||
                   slice_ends_with(l->plugins[i].path, "/good.so");
        CU_ASSERT((l->plugins[i].state == PLUGIN_FILE_REFUSED) == bad);
        CU_ASSERT((l->plugins[i].error.len > 0) == bad);
    }
    runtime_listing_destroy(l);
    churn_install(&stage, "good", "good.so");
    CU_ASSERT(reload("good", &g) == HARBORAI_OK);
    CU_ASSERT(write(gate[1], "x", 1) == 1);
    CU_ASSERT(churn_await(&slow) == HARBORAI_OK);
    l = list();
    CU_ASSERT_FATAL((p = find_listed(l, "good", true)) != NULL);
    CU_ASSERT(p->state == SLOT_SERVING && p->is_current && p->why_kept.len == 0);
    CU_ASSERT_FATAL((p = find_listed(l, "second", true)) != NULL);
    CU_ASSERT(p->state == SLOT_READY && strstr(p->why_off.data, "'a test'") != NULL);
    runtime_listing_destroy(l);
    close_all();
}

const CU_TestInfo order_tests[] = {{"reload: an unchanged file", test_unchanged},
                                   {"reload: another file", test_another_file},
                                   {"a file that is no good", test_bad_file},
                                   {"a file that is another before it is asked", test_not_loaded_yet},
                                   {"a file that is removed", test_removed},
                                   {"what failed is tried again", test_tried_again},
                                   {"orders overtake each other", test_overtaken},
                                   {"plugins, providers, models switched off", test_switches},
                                   {"orders to switch off and on", test_switch_orders},
                                   {"an order that cannot be heeded", test_switch_unheeded},
                                   {"orders to remove a plugin", test_removal_orders},
                                   {"what there is", test_listing},
                                   CU_TEST_INFO_NULL};
