/* SPDX-License-Identifier: MIT */
/* Marks of danger: of living processes, of dead ones, and files that are none. */
#include "store/crash_mark.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/slice.h"
#include "scratch.h"
#include "store/plugin_state.h"

extern const CU_TestInfo crash_mark_tests[];

static int64_t fixed_ns(const struct clock *self)
{
    (void)self;
    return INT64_C(1795341600) * NS_PER_S; /* 2026-11-22T10:00:00Z */
}

static const struct clock fixed = {fixed_ns, fixed_ns};

static const struct crash_subject acme = {HARBORAI_STR_INIT("/p/\"acme\".so"),
                                          HARBORAI_STR_INIT("com.example.acme"), 17, 4096, 123};

#define WHOLE                                                                                      \
    "{\"guilty\":0,\"version\":1,\"file\":\"/p/\\\"acme\\\".so\",\"id\":\"com.example.acme\","              \
    "\"stage\":\"create\",\"since\":\"then\",\"inode\":17,\"size\":4096,\"modified_ns\":123}\n"

/* ---- Files ---------------------------------------------------------------------------------- */

static const char *path_of(const struct scratch *s, const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/loading/%s", s->dir, name);
    return path;
}

static void write_mark(const struct scratch *s, const char *name, const char *text)
{
    mkdir(path_of(s, ""), 0700);
    int fd = open(path_of(s, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static size_t count_files(const struct scratch *s)
{
    char command[200];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s/loading 2>/dev/null | wc -l", s->dir);
    FILE *pipe = popen(command, "re");
    CU_ASSERT_FATAL(pipe != NULL && fscanf(pipe, "%d", &count) == 1);
    pclose(pipe);
    return (size_t)count;
}

/* Of the dead; *ret_first is the first one's stage, if not NULL. */
static size_t count_dead(const struct scratch *s, char ret_first[16])
{
    struct arena arena;
    size_t count;
    arena_init(&arena, 1 << 20);
    const struct crash *list = crash_list(scratch_dir(s), &arena, &count);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(crash_is_of(&list[i], &acme) && slice_is(list[i].subject.id, "com.example.acme"));
    if (ret_first != NULL)
        snprintf(ret_first, 16, "%s", count > 0 ? list[0].stage.data : "");
    arena_release(&arena);
    return count;
}

/* ---- The living ----------------------------------------------------------------------------- */

static void test_set_and_clear(void)
{
    struct scratch s;
    struct crash_marks marks;
    struct crash_mark one = {.path = NULL}, other = {.path = NULL};
    scratch_init(&s);
    CU_ASSERT_FATAL(crash_marks_init(&marks, scratch_dir(&s), &fixed, NULL) == HARBORAI_OK);
    CU_ASSERT(count_files(&s) == 0);
    crash_mark_clear(&marks, &one);
    CU_ASSERT(crash_mark_set(&marks, &one, &acme, "create", &fixed, NULL) == HARBORAI_OK);
    CU_ASSERT(crash_mark_set(&marks, &one, &acme, "tick", &fixed, NULL) == HARBORAI_OK);
    CU_ASSERT(crash_mark_set(&marks, &other, &acme, "dlopen", &fixed, NULL) == HARBORAI_OK);
    CU_ASSERT(count_files(&s) == 2 && count_dead(&s, NULL) == 0);
    crash_mark_clear(&marks, &one);
    CU_ASSERT(count_files(&s) == 1);
    crash_marks_withdraw(&marks);
    CU_ASSERT(count_files(&s) == 0);
    CU_ASSERT(crash_mark_set(&marks, &one, &acme, "create", &fixed, NULL) == HARBORAI_OK);
    CU_ASSERT(count_files(&s) == 0 && one.path == NULL);
    crash_mark_clear(&marks, &other);
    crash_marks_release(&marks);
    crash_marks_release(&marks);
    scratch_release(&s);
}

/* A child that sets a mark, says so, and waits. */
static pid_t begin_child(const struct scratch *s, int *ret_said)
{
    int said[2];
    CU_ASSERT_FATAL(pipe(said) == 0);
    pid_t pid = fork();
    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        struct crash_marks marks;
        struct crash_mark mark = {.path = NULL};
        if (crash_marks_init(&marks, scratch_dir(s), &clock_system, NULL) < 0 ||
            crash_mark_set(&marks, &mark, &acme, "symbol", &clock_system, NULL) < 0 ||
            crash_mark_set(&marks, &mark, &acme, "create", &clock_system, NULL) < 0 ||
            write(said[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(said[1]);
    *ret_said = said[0];
    return pid;
}

static void test_dead(void)
{
    struct scratch s;
    char byte, stage[16];
    size_t count = 7;
    int said;
    scratch_init(&s);
    for (size_t i = 0; i < 2; i++) {
        pid_t pid = begin_child(&s, &said);
        CU_ASSERT(read(said, &byte, 1) == 1);
        CU_ASSERT(count_files(&s) == i + 1 && count_dead(&s, NULL) == i);
        CU_ASSERT(crash_forget(scratch_dir(&s), HARBORAI_STR("com.example.other"), &count, NULL) ==
                  HARBORAI_OK && count == 0);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(said);
        CU_ASSERT(count_dead(&s, stage) == i + 1);
        CU_ASSERT_STRING_EQUAL(stage, "create");
    }
    pid_t pid = begin_child(&s, &said);
    CU_ASSERT(read(said, &byte, 1) == 1);
    CU_ASSERT(crash_forget(scratch_dir(&s), acme.id, &count, NULL) == HARBORAI_OK && count == 2);
    CU_ASSERT(count_files(&s) == 1 && count_dead(&s, NULL) == 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(said);
    scratch_release(&s);
}

static const struct crash_subject other = {HARBORAI_STR_INIT("/p/other.so"),
                                           HARBORAI_STR_INIT("com.example.other"), 1, 2, 3};

enum words { SAYS_NOTHING, ACCUSES, ACQUITS, ACQUITS_FIRST, ACQUITS_BETWEEN };

/* Its end leaves the marks that it has not cleared. */
static void live_and_die(const struct scratch *s, enum words words)
{
    struct crash_marks marks;
    struct crash_mark mine = {.path = NULL}, others = {.path = NULL}, gone = {.path = NULL};
    bool set = crash_marks_init(&marks, scratch_dir(s), &clock_system, NULL) >= 0 &&
               crash_mark_set(&marks, &gone, &other, "create", &clock_system, NULL) >= 0;
    crash_mark_clear(&marks, &gone);
    if (words == ACQUITS_FIRST)
        crash_mark_acquit();
    set = set && crash_mark_set(&marks, &others, &other, "symbol", &clock_system, NULL) >= 0;
    if (words == ACQUITS_BETWEEN)
        crash_mark_acquit();
    set = set && crash_mark_set(&marks, &others, &other, "create", &clock_system, NULL) >= 0;
    set = set && crash_mark_set(&marks, &mine, &acme, "create", &clock_system, NULL) >= 0;
    if (words == ACCUSES)
        crash_mark_accuse();
    else if (words == ACQUITS)
        crash_mark_acquit();
    _exit(set ? 0 : 1);
}

/* Of several that were in danger in one process the one is meant in whose thread it ended, if that is
 * known; nobody, if it is known to have ended otherwise. */
static void test_guilty(void)
{
    static const struct row {
        const char *name;
        enum words words;
        bool tells_of_mine, tells_of_other;
    } rows[] = {
        {"nobody knows", SAYS_NOTHING, true, true},
        {"its own thread", ACCUSES, true, false},
        {"another plugin", ACQUITS, false, false},
        {"before they were set", ACQUITS_FIRST, false, false},
        {"before the next stage", ACQUITS_BETWEEN, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct plugin_state *state;
        int status = 1;
        size_t count = 7;
        scratch_init(&s);
        pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0)
            live_and_die(&s, rows[i].words);
        CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
        CU_ASSERT_FATAL(plugin_state_load(scratch_dir(&s), &state, NULL) == HARBORAI_OK);
        ROW(rows[i].name, (plugin_state_crash(state, &acme) != NULL) == rows[i].tells_of_mine);
        ROW(rows[i].name, (plugin_state_crash(state, &other) != NULL) == rows[i].tells_of_other);
        plugin_state_destroy(state);
        ROW(rows[i].name, count_files(&s) == 2);
        crash_tidy(scratch_dir(&s), &clock_system, NULL);
        ROW(rows[i].name, count_files(&s) == (size_t)rows[i].tells_of_mine + rows[i].tells_of_other);
        CU_ASSERT(crash_forget(scratch_dir(&s), acme.id, &count, NULL) == HARBORAI_OK);
        ROW(rows[i].name, count == (size_t)rows[i].tells_of_mine);
        ROW(rows[i].name, count_files(&s) == (size_t)rows[i].tells_of_other);
        scratch_release(&s);
    }
}

/* ---- What is none --------------------------------------------------------------------------- */

static void test_strange_files(void)
{
    static const struct row {
        const char *name, *text;
    } rows[] = {
        {"empty", ""},
        {"torn", "{\"version\":1,\"file\":\"/p/acme.so\",\"id\":\"com."},
        {"no JSON", "create\n"},
        {"an array", "[1]"},
#define HEAD "{\"guilty\":0,"
#define TAIL "\"id\":\"i\",\"stage\":\"create\",\"since\":\"t\",\"inode\":1,\"modified_ns\":3}"
        {"another version", HEAD "\"version\":2,\"file\":\"/p\",\"size\":2," TAIL},
        {"lacks its file", HEAD "\"version\":1,\"size\":2," TAIL},
        {"file is a number", HEAD "\"version\":1,\"file\":7,\"size\":2," TAIL},
        {"no such verdict", "{\"guilty\":3,\"version\":1,\"file\":\"/p\",\"size\":2," TAIL},
        {"size is a text", HEAD "\"version\":1,\"file\":\"/p\",\"size\":\"2\"," TAIL},
        {"a NUL", HEAD "\"version\":1,\"file\":\"/p\\u0000\",\"size\":2," TAIL},
#undef HEAD
#undef TAIL
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct plugin_state *state;
        scratch_init(&s);
        write_mark(&s, "0-strange", rows[i].text);
        write_mark(&s, "1-good", WHOLE);
        ROW(rows[i].name, count_dead(&s, NULL) == 1);
        CU_ASSERT_FATAL(plugin_state_load(scratch_dir(&s), &state, NULL) == HARBORAI_OK);
        ROW(rows[i].name, plugin_state_crash(state, &acme) != NULL);
        plugin_state_destroy(state);
        scratch_release(&s);
    }
}

/* Nothing of this keeps anybody from starting, nor waits. */
static void test_no_files(void)
{
    struct scratch s;
    char command[200];
    scratch_init(&s);
    CU_ASSERT(count_dead(&s, NULL) == 0);
    write_mark(&s, "9-being-made.new", WHOLE);
    write_mark(&s, ".hidden", WHOLE);
    write_mark(&s, "9-unreadable", WHOLE);
    mkdir(path_of(&s, "1-directory"), 0700);
    CU_ASSERT(mkfifo(path_of(&s, "2-fifo"), 0600) == 0);
    CU_ASSERT(symlink("/dev/zero", path_of(&s, "3-link")) == 0);
    CU_ASSERT(symlink("9-being-made.new", path_of(&s, "4-link")) == 0);
    chmod(path_of(&s, "9-unreadable"), 0);
    CU_ASSERT(count_dead(&s, NULL) == (geteuid() == 0 ? 1U : 0U));
    snprintf(command, sizeof command, "yes x | head -c 40000 > %s/loading/5-long", s.dir);
    CU_ASSERT(system(command) == 0);
    CU_ASSERT(count_dead(&s, NULL) == (geteuid() == 0 ? 1U : 0U));
    scratch_release(&s);
}

static void test_nowhere(void)
{
    struct arena arena;
    size_t count = 7;
    arena_init(&arena, 1 << 20);
    CU_ASSERT(crash_list(SLICE_NONE, &arena, &count) == NULL && count == 0);
    CU_ASSERT(crash_list(HARBORAI_STR("/dev/null"), &arena, &count) == NULL && count == 0);
    arena_release(&arena);
}

/* The plugin is loaded all the same. */
static void test_cannot_be_set(void)
{
    struct scratch s;
    struct crash_marks marks;
    struct crash_mark mark = {.path = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    char path[128];
    scratch_init(&s);
    snprintf(path, sizeof path, "%s/loading", s.dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    CU_ASSERT_FATAL(crash_marks_init(&marks, scratch_dir(&s), &fixed, NULL) == HARBORAI_OK);
    CU_ASSERT(crash_mark_set(&marks, &mark, &acme, "create", &fixed, &error) == HARBORAI_E_INTERNAL);
    CU_ASSERT(strstr(error.message, path) != NULL && mark.path == NULL);
    crash_mark_clear(&marks, &mark);
    crash_marks_release(&marks);
    scratch_release(&s);
}

/* ---- Which file it is about ----------------------------------------------------------------- */

static void test_another_file(void)
{
    static const struct row {
        const char *name;
        struct crash_subject subject;
        bool is_meant;
    } rows[] = {
        {"the same", {HARBORAI_STR_INIT("/p/\"acme\".so"), HARBORAI_STR_INIT("com.example.acme"), 17, 4096,
                      123}, true},
        {"another path", {HARBORAI_STR_INIT("/q/acme.so"), HARBORAI_STR_INIT("com.example.acme"), 17,
                          4096, 123}, false},
        {"another plugin of it", {HARBORAI_STR_INIT("/p/\"acme\".so"), HARBORAI_STR_INIT("com.example.twin"),
                                  17, 4096, 123}, false},
        {"another inode", {HARBORAI_STR_INIT("/p/\"acme\".so"), HARBORAI_STR_INIT("com.example.acme"), 18,
                           4096, 123}, false},
        {"another size", {HARBORAI_STR_INIT("/p/\"acme\".so"), HARBORAI_STR_INIT("com.example.acme"), 17,
                          4097, 123}, false},
        {"written since", {HARBORAI_STR_INIT("/p/\"acme\".so"), HARBORAI_STR_INIT("com.example.acme"), 17,
                           4096, 124}, false},
    };
    struct scratch s;
    struct plugin_state *state;
    scratch_init(&s);
    write_mark(&s, "1", WHOLE);
    CU_ASSERT_FATAL(plugin_state_load(scratch_dir(&s), &state, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].name,
            (plugin_state_crash(state, &rows[i].subject) != NULL) == rows[i].is_meant);
    plugin_state_destroy(state);
    scratch_release(&s);
}

/* As if a process had begun it two minutes ago. */
static void set_old(const struct scratch *s, const char *name)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {0, 0}};
    clock_gettime(CLOCK_REALTIME, &times[1]);
    times[1].tv_sec -= 120;
    CU_ASSERT(utimensat(AT_FDCWD, path_of(s, name), times, 0) == 0);
}

/* Old, too, but of a process that lives. */
static int lock_new(const struct scratch *s, const char *name)
{
    write_mark(s, name, "");
    set_old(s, name);
    int fd = open(path_of(s, name), O_RDWR | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    return fd;
}

static void count_line(void *context, enum log_level level, harborai_str line)
{
    unsigned *count = context;
    *count += level == LOG_LEVEL_WARN && memmem(line.data, line.len, "plugin.bad_mark", 15) != NULL;
}

/* What is gone may come back; what was replaced does not. */
static void test_tidy(void)
{
    static const char *const stays[] = {"gone", "same", "guilty", "young.new", "living.new",
                                        "directory"};
    struct scratch s;
    struct log log;
    unsigned told = 0;
    struct stat status;
    char file[128], text[1024];
    scratch_init(&s);
    snprintf(file, sizeof file, "%s/x.so", s.dir);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && fstat(fd, &status) == 0);
    close(fd);
#define MARK(name, guilty, where, size)                                                            \
    snprintf(text, sizeof text,                                                                    \
             "{\"guilty\":%d,\"version\":1,\"file\":\"%s\",\"id\":\"i\",\"stage\":\"create\","           \
             "\"since\":\"t\",\"inode\":%llu,\"size\":%d,\"modified_ns\":%lld}",                         \
             guilty, where, (unsigned long long)status.st_ino, size,                               \
             (long long)status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec);                \
    write_mark(&s, name, text)
    MARK("gone", 0, "/no/such.so", 0);
    MARK("same", 0, file, 0);
    MARK("replaced", 1, file, 7);
    MARK("guilty", 1, file, 0);
    MARK("innocent", 2, file, 0);
    MARK("innocent, and gone", 2, "/no/such.so", 0);
#undef MARK
    write_mark(&s, "empty", "");
    write_mark(&s, "strange", "{\"guilty\":0,\"version\":2}");
    write_mark(&s, "young.new", "");
    write_mark(&s, "old.new", "");
    mkdir(path_of(&s, "directory"), 0700);
    set_old(&s, "old.new");
    int living = lock_new(&s, "living.new");
    log_init_sink(&log, count_line, &told, LOG_LEVEL_WARN);
    crash_tidy(scratch_dir(&s), &clock_system, &log);
    CU_ASSERT(told == 2);
    CU_ASSERT(count_files(&s) == ARRAY_LEN(stays));
    for (size_t i = 0; i < ARRAY_LEN(stays); i++)
        ROW(stays[i], access(path_of(&s, stays[i]), F_OK) == 0);
    close(living);
    scratch_release(&s);
}

/* plugin enable takes the marks away, whatever else it finds to do. */
static void test_enable(void)
{
    struct scratch s;
    bool changed = false;
    struct plugin_state_change change = {PLUGIN_STATE_PLUGIN, HARBORAI_STR("com.example.other"), true,
                                         "a test"};
    scratch_init(&s);
    write_mark(&s, "1", WHOLE);
    CU_ASSERT(plugin_state_apply(scratch_dir(&s), &change, &fixed, &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(!changed && count_dead(&s, NULL) == 1);
    change.name = acme.id;
    change.kind = PLUGIN_STATE_PROVIDER;
    CU_ASSERT(plugin_state_apply(scratch_dir(&s), &change, &fixed, &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(!changed && count_dead(&s, NULL) == 1);
    change.kind = PLUGIN_STATE_PLUGIN;
    CU_ASSERT(plugin_state_apply(scratch_dir(&s), &change, &fixed, &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(changed && count_files(&s) == 0);
    CU_ASSERT(plugin_state_apply(scratch_dir(&s), &change, &fixed, &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(!changed);
    scratch_release(&s);
}

const CU_TestInfo crash_mark_tests[] = {{"set and clear", test_set_and_clear},
                                        {"of dead processes", test_dead},
                                        {"the guilty one", test_guilty},
                                        {"strange files", test_strange_files},
                                        {"no files", test_no_files},
                                        {"nowhere", test_nowhere},
                                        {"cannot be set", test_cannot_be_set},
                                        {"another file", test_another_file},
                                        {"tidy", test_tidy},
                                        {"plugin enable", test_enable},
                                        CU_TEST_INFO_NULL};
