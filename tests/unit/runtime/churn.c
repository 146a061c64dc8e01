/* SPDX-License-Identifier: MIT */
#include "churn.h"

#include <string.h>
#include <sys/stat.h>

#include "../unit.h"
#include "store/plugin_state.h"

void churn_put(const struct stage *stage, const char *name, const char *bytes, size_t len)
{
    char fresh[128], path[128];
    snprintf(fresh, sizeof fresh, "%s/plugins/.new", stage->directory);
    snprintf(path, sizeof path, "%s/plugins/%s", stage->directory, name);
    FILE *file = fopen(fresh, "w");
    CU_ASSERT_FATAL(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0);
    CU_ASSERT_FATAL(chmod(fresh, 0644) == 0 && rename(fresh, path) == 0);
}

void churn_install(const struct stage *stage, const char *plugin, const char *name)
{
    static char bytes[4 << 20]; /* an instrumented one is large */
    char path[512];
    snprintf(path, sizeof path, BUILD_DIRECTORY "/tests/fault/.libs/%s.so", plugin);
    FILE *file = fopen(path, "r");
    CU_ASSERT_FATAL(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    CU_ASSERT_FATAL(len < sizeof bytes);
    fclose(file);
    churn_put(stage, name, bytes, len);
}

int churn_count_mapped(const struct stage *stage, const char *name)
{
    char line[1024];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    CU_ASSERT_FATAL(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL)
        count += strstr(line, stage->directory) != NULL && strstr(line, name) != NULL &&
                 strstr(line, " r-xp ") != NULL;
    fclose(maps);
    return count;
}

static void on_done(struct runtime_order *order)
{
    sem_post(&CONTAINER_OF(order, struct churn_order, order)->done);
}

void churn_send(struct churn_order *o, struct stage *stage)
{
    o->order.done = on_done;
    sem_init(&o->done, 0, 0);
    CU_ASSERT_FATAL(runtime_order(stage->runtime, &o->order, NULL) == HARBORAI_OK);
}

void churn_give(struct churn_order *o, struct stage *stage, enum runtime_order_kind kind,
                const char *name)
{
    o->order = (struct runtime_order){.kind = kind, .name = slice_of(name)};
    churn_send(o, stage);
}

harborai_status churn_await(struct churn_order *o)
{
    while (sem_wait(&o->done) != 0)
        ;
    sem_destroy(&o->done);
    return o->order.status;
}

harborai_status churn_order(struct churn_order *o, struct stage *stage,
                            enum runtime_order_kind kind, const char *name)
{
    churn_give(o, stage, kind, name);
    return churn_await(o);
}

void churn_turn(struct stage *stage, const char *provider, bool enabled)
{
    const struct plugin_state_change change = {PLUGIN_STATE_PROVIDER, slice_of(provider), enabled,
                                               "a test"};
    struct churn_order o;
    bool changed;
    CU_ASSERT_FATAL(plugin_state_apply(slice_of(stage_path(stage, "state")), &change, &clock_system,
                                       &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(churn_order(&o, stage, RUNTIME_ORDER_RESCAN, "") == HARBORAI_OK);
}
