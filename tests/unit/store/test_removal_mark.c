/* SPDX-License-Identifier: MIT */
#include "store/removal_mark.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/plugin_state.h"

extern const CU_TestInfo removal_mark_tests[];

static size_t count_of(const struct scratch *s)
{
    struct arena arena;
    size_t count;
    arena_init(&arena, MIB(1));
    const struct removal_found *list = removal_mark_list(scratch_dir(s), &arena, &count);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(slice_ends_with(list[i].since, "Z") && list[i].since.len == 20);
    arena_release(&arena);
    return count;
}

static bool is_there(const struct scratch *s, const char *name)
{
    char path[200];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return lstat(path, &status) == 0;
}

static const struct plugin_state_entry *entry_of(struct plugin_state *state, const char *id)
{
    return plugin_state_disabled(state, PLUGIN_STATE_PLUGIN, slice_of(id));
}

static void test_held(void)
{
    struct scratch s;
    struct removal_mark mark = REMOVAL_MARK_INIT;
    struct plugin_state *before, *state;
    scratch_init(&s);
    CU_ASSERT_FATAL(plugin_state_load(scratch_dir(&s), &before, NULL) == HARBORAI_OK);
    CU_ASSERT(!plugin_state_is_removing(before));
    CU_ASSERT(!plugin_state_removals_changed(before, scratch_dir(&s)));
    CU_ASSERT_FATAL(removal_mark_set(&mark, scratch_dir(&s), HARBORAI_STR("com.example.a"), NULL) ==
                    HARBORAI_OK);
    CU_ASSERT(plugin_state_removals_changed(before, scratch_dir(&s)));
    CU_ASSERT_FATAL(plugin_state_load(scratch_dir(&s), &state, NULL) == HARBORAI_OK);
    CU_ASSERT(plugin_state_is_removing(state));
    CU_ASSERT(!plugin_state_removals_changed(state, scratch_dir(&s)));
    CU_ASSERT(entry_of(state, "com.example.b") == NULL);
    const struct plugin_state_entry *entry = entry_of(state, "com.example.a");
    CU_ASSERT_FATAL(entry != NULL);
    CU_ASSERT(entry->is_removal && slice_is(entry->by, PLUGIN_STATE_BY_REMOVE));
    CU_ASSERT(entry->removed_by == getpid());
    removal_mark_tidy(scratch_dir(&s)); /* takes nothing that is held */
    CU_ASSERT(count_of(&s) == 1);
    removal_mark_release(&mark);
    CU_ASSERT(plugin_state_removals_changed(state, scratch_dir(&s)));
    CU_ASSERT(!is_there(&s, "removing.com.example.a") && !is_there(&s, "plugins.json"));
    plugin_state_destroy(before);
    plugin_state_destroy(state);
    scratch_release(&s);
}

/* Sets it in another process, which is killed. */
static void die_with_mark(const struct scratch *s)
{
    int ready[2];
    char byte;
    CU_ASSERT_FATAL(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct removal_mark mark = REMOVAL_MARK_INIT;
        harborai_status st =
            removal_mark_set(&mark, scratch_dir(s), HARBORAI_STR("com.example.a"), NULL);
        if (st < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    CU_ASSERT_FATAL(read(ready[0], &byte, 1) == 1);
    CU_ASSERT(count_of(s) == 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void test_killed(void)
{
    struct scratch s;
    struct removal_mark mark = REMOVAL_MARK_INIT;
    scratch_init(&s);
    die_with_mark(&s);
    CU_ASSERT(count_of(&s) == 0);
    CU_ASSERT(is_there(&s, "removing.com.example.a"));
    CU_ASSERT(removal_mark_set(&mark, scratch_dir(&s), HARBORAI_STR("com.example.a"), NULL) ==
              HARBORAI_OK); /* what is left there is in nobody's way */
    CU_ASSERT(count_of(&s) == 1);
    removal_mark_release(&mark);
    die_with_mark(&s);
    removal_mark_tidy(scratch_dir(&s));
    CU_ASSERT(!is_there(&s, "removing.com.example.a"));
    scratch_release(&s);
}

static void test_what_is_none(void)
{
    struct scratch s;
    char path[200];
    struct removal_mark mark = REMOVAL_MARK_INIT;
    harborai_error error = HARBORAI_ERROR_INIT;
    scratch_init(&s);
    snprintf(path, sizeof path, "%s/removing.com.example.a", s.dir);
    CU_ASSERT(symlink("/etc/passwd", path) == 0);
    CU_ASSERT(removal_mark_set(&mark, scratch_dir(&s), HARBORAI_STR("com.example.a"), &error) ==
              HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, path) != NULL);
    CU_ASSERT(unlink(path) == 0 && mkfifo(path, 0600) == 0);
    CU_ASSERT(count_of(&s) == 0);
    removal_mark_release(&mark);
    removal_mark_tidy(SLICE_NONE);
    scratch_release(&s);
}

const CU_TestInfo removal_mark_tests[] = {
    {"a mark that is held", test_held},
    {"a mark of a process that was killed", test_killed},
    {"what is no mark", test_what_is_none},
    CU_TEST_INFO_NULL,
};
