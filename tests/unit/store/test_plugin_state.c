/* SPDX-License-Identifier: MIT */
#include "store/plugin_state.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/slice.h"
#include "scratch.h"

extern const CU_TestInfo plugin_state_tests[];

static int64_t fixed_ns(const struct clock *self)
{
    (void)self;
    return INT64_C(1795341600) * NS_PER_S; /* 2026-11-22T10:00:00Z */
}

static const struct clock fixed = {fixed_ns, fixed_ns};

/* ---- Reading -------------------------------------------------------------------------------- */

static void test_faults(void)
{
    static const struct row {
        const char *name, *text, *says;
    } rows[] = {
        {"nothing in it", "", "line 1: not a JSON object"},
        {"torn", "{\"version\": 1,\n \"plugins\": {", "line 2: not a JSON object"},
        {"an array", "[]", "line 1: not a JSON object"},
        {"no version", "{}", "it has no \"version\""},
        {"another version", "{\n\"version\": 2}", "line 2: '\"version\": 2' is of another HarborAI"},
        {"section", "{\"version\":1,\n\n\"plugins\": []}", "line 3: '\"plugins\": []' is no object"},
        {"section twice", "{\"version\":1,\"models\":{},\n\"models\":{}}", "'models' stands twice"},
        {"entry", "{\"version\":1,\"plugins\":{\n\"a\": false}}", "line 2: '\"a\": false' is no object"},
        {"entry twice", "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":false},\n"
                        "\"\\u0061\":{\"enabled\":true}}}", "line 2: '\\u0061' stands twice"},
        {"does not say", "{\"version\":1,\"plugins\":{\"a\":{\"since\":\"x\"}}}",
         "'a' does not say whether it is \"enabled\""},
        {"no boolean", "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":\"no\"}}}",
         "'\"enabled\":\"no\"' is neither true nor false"},
        {"said twice", "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":false,\"enabled\":true}}}",
         "'enabled' stands twice"},
        {"no text", "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":false,\"by\":7}}}", "'7' is no text"},
        {"a NUL", "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":false,\"by\":\"\\u0000\"}}}",
         "is no text"},
        {"no name", "{\"version\":1,\"models\":{\"\":{\"enabled\":false}}}", "is no name"},
        {"control character", "{\"version\":1,\"models\":{\"a\\u001b\":{\"enabled\":false}}}",
         "is no name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct plugin_state *state = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_str text = unit_tight(slice_of(rows[i].text));
        ROW(rows[i].name,
            plugin_state_create(text, "/s/plugins.json", &state, &error) == HARBORAI_E_CONFIG);
        ROW(rows[i].name, strstr(error.message, rows[i].says) != NULL);
        ROW(rows[i].name, strstr(error.message, "'/s/plugins.json'") != NULL);
        ROW(rows[i].name, strstr(error.message, "remove the file: then nothing is disabled") != NULL);
        unit_drop(text);
    }
}

#define WHOLE                                                                                      \
    "{\"version\": 1, \"plugins\": {\"com.example.a\": {\"enabled\": false, \"since\": \"then\","   \
    " \"by\": \"me\", \"note\": [1]}, \"com.example.b\": {\"enabled\": true}},"                    \
    " \"providers\": {\"lab\": {\"enabled\": false}},"                                             \
    " \"models\": {\"acme/*-preview\": {\"enabled\": false}, \"acme/*\": {\"enabled\": true}},"    \
    " \"crashed\": {\"/x.so\": {\"stage\": \"create\"}}}"

static void test_asking(void)
{
    static const struct row {
        const char *name;
        enum plugin_state_kind kind;
        const char *asked, *found;
    } rows[] = {
        {"a plugin", PLUGIN_STATE_PLUGIN, "com.example.a", "com.example.a"},
        {"an enabled one", PLUGIN_STATE_PLUGIN, "com.example.b", NULL},
        {"another", PLUGIN_STATE_PLUGIN, "com.example.", NULL},
        {"a provider is no plugin", PLUGIN_STATE_PLUGIN, "lab", NULL},
        {"a provider", PLUGIN_STATE_PROVIDER, "lab", "lab"},
        {"a model", PLUGIN_STATE_MODEL, "acme/x-preview", "acme/*-preview"},
        {"another model", PLUGIN_STATE_MODEL, "acme/x", NULL},
    };
    struct plugin_state *state;
    size_t count;
    CU_ASSERT_FATAL(plugin_state_create(HARBORAI_STR(WHOLE), "/s/plugins.json", &state, NULL) ==
                    HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct plugin_state_entry *found =
            plugin_state_disabled(state, rows[i].kind, slice_of(rows[i].asked));
        ROW(rows[i].name, (found != NULL) == (rows[i].found != NULL));
        ROW(rows[i].name, found == NULL || slice_is(found->name, rows[i].found));
    }
    const struct plugin_state_entry *list = plugin_state_list(state, PLUGIN_STATE_PLUGIN, &count);
    CU_ASSERT_FATAL(count == 2);
    CU_ASSERT(slice_is(list[0].since, "then") && slice_is(list[0].by, "me"));
    CU_ASSERT(list[1].enabled && list[1].since.len == 0);
    CU_ASSERT_STRING_EQUAL(plugin_state_path(state), "/s/plugins.json");
    plugin_state_destroy(state);
}

/* Who wrote it, and since when, may be of any length: messages have the beginning, the file keeps all. */
static void test_long_remarks(void)
{
    static const struct row {
        const char *name, *start, *unit;
        size_t times, shown;
    } rows[] = {
        {"as long as may be", "", "x", PLUGIN_STATE_REMARK_MAX, PLUGIN_STATE_REMARK_MAX},
        {"longer", "", "x", PLUGIN_STATE_REMARK_MAX + 1, PLUGIN_STATE_REMARK_MAX},
        {"very long", "", "x", 100000, PLUGIN_STATE_REMARK_MAX},
        {"characters of three bytes", "", "\xe2\x82\xac", 1000, PLUGIN_STATE_REMARK_MAX / 3 * 3},
        {"the same, one off", "x", "\xe2\x82\xac", 1000, 1 + (PLUGIN_STATE_REMARK_MAX - 1) / 3 * 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) text = BUF_INIT(MIB(1));
        struct plugin_state *state;
        buf_printf(&text, "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":false,\"by\":\"%s",
                   rows[i].start);
        for (size_t j = 0; j < rows[i].times; j++)
            buf_add(&text, slice_of(rows[i].unit));
        buf_add(&text, HARBORAI_STR("\"}}}"));
        CU_ASSERT_FATAL(plugin_state_create(buf_slice(&text), "/s", &state, NULL) == HARBORAI_OK);
        const struct plugin_state_entry *e =
            plugin_state_disabled(state, PLUGIN_STATE_PLUGIN, HARBORAI_STR("a"));
        CU_ASSERT_FATAL(e != NULL);
        ROW(rows[i].name, e->by.len == rows[i].shown && e->by.data[e->by.len] == '\0');
        ROW(rows[i].name, e->json.len > rows[i].times);
        plugin_state_destroy(state);
    }
}

/* ---- Changing ------------------------------------------------------------------------------- */

static void read_file(const struct scratch *s, char *text, size_t capacity)
{
    char path[128];
    snprintf(path, sizeof path, "%s/plugins.json", s->dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, capacity - 1) : 0;
    text[len > 0 ? len : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static void write_file(const struct scratch *s, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/plugins.json", s->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static harborai_status change(const struct scratch *s, enum plugin_state_kind kind,
                              const char *name, bool enabled, bool *ret_changed,
                              harborai_error *error)
{
    const struct plugin_state_change what = {kind, slice_of(name), enabled, "harborai plugin disable"};
    return plugin_state_apply(scratch_dir(s), &what, &fixed, ret_changed, error);
}

#define NEW "{\"enabled\": false, \"since\": \"2026-11-22T10:00:00Z\", \"by\": \"harborai plugin disable\"}"

static void test_changes(void)
{
    static const struct row {
        const char *name, *before; /* NULL: no file */
        enum plugin_state_kind kind;
        const char *subject;
        bool enabled, changed;
        const char *after;
    } rows[] = {
        {"the first", NULL, PLUGIN_STATE_PLUGIN, "com.example.a", false, true,
         "{\n  \"version\": 1,\n  \"plugins\": {\n    \"com.example.a\": " NEW "\n  }\n}\n"},
        {"one more", "{\"version\":1,\"models\":{\"a/*\":{\"enabled\":false}}}", PLUGIN_STATE_MODEL,
         "b/\"", false, true,
         "{\n  \"version\": 1,\n  \"models\": {\n    \"a/*\": {\"enabled\":false},\n"
         "    \"b/\\\"\": " NEW "\n  }\n}\n"},
        {"back, and what is not known stays", WHOLE, PLUGIN_STATE_PROVIDER, "lab", true, true,
         "{\n  \"version\": 1,\n  \"plugins\": {\n    \"com.example.a\": {\"enabled\": false, "
         "\"since\": \"then\", \"by\": \"me\", \"note\": [1]},\n"
         "    \"com.example.b\": {\"enabled\": true}\n  },\n"
         "  \"models\": {\n    \"acme/*-preview\": {\"enabled\": false},\n"
         "    \"acme/*\": {\"enabled\": true}\n  },\n"
         "  \"crashed\": {\"/x.so\": {\"stage\": \"create\"}}\n}\n"},
        {"off already", WHOLE, PLUGIN_STATE_PLUGIN, "com.example.a", false, false, WHOLE},
        {"on already", WHOLE, PLUGIN_STATE_PLUGIN, "com.example.c", true, false, WHOLE},
        {"no file, and on", NULL, PLUGIN_STATE_PLUGIN, "com.example.c", true, false, ""},
        {"was on by name", "{\"version\":1,\"plugins\":{\"a\":{\"enabled\":true}}}", PLUGIN_STATE_PLUGIN,
         "a", false, true, "{\n  \"version\": 1,\n  \"plugins\": {\n    \"a\": " NEW "\n  }\n}\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        char after[2048];
        bool changed = !rows[i].changed;
        scratch_init(&s);
        if (rows[i].before != NULL)
            write_file(&s, rows[i].before);
        ROW(rows[i].name, change(&s, rows[i].kind, rows[i].subject, rows[i].enabled, &changed,
                                 NULL) == HARBORAI_OK);
        ROW(rows[i].name, changed == rows[i].changed);
        read_file(&s, after, sizeof after);
        ROW(rows[i].name, strcmp(after, rows[i].after) == 0);
        scratch_release(&s);
    }
}

static void test_new_directory(void)
{
    struct scratch s;
    char path[128];
    struct stat status;
    bool changed;
    scratch_init(&s);
    snprintf(path, sizeof path, "%s/a/b", s.dir);
    const struct plugin_state_change what = {PLUGIN_STATE_PLUGIN, HARBORAI_STR("x"), false, "me"};
    CU_ASSERT(plugin_state_apply(slice_of(path), &what, &fixed, &changed, NULL) == HARBORAI_OK);
    CU_ASSERT(stat(path, &status) == 0 && (status.st_mode & 0777) == 0700);
    snprintf(path, sizeof path, "%s/a/b/plugins.json", s.dir);
    CU_ASSERT(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    scratch_release(&s);
}

/* What cannot be written leaves the old file, and says which file it is about. */
static void check_refused(const struct scratch *s, const char *name, harborai_status want)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char after[2048];
    bool changed;
    ROW(name, change(s, PLUGIN_STATE_PLUGIN, "com.example.c", false, &changed, &error) == want);
    ROW(name, strstr(error.message, s->dir) != NULL);
    read_file(s, after, sizeof after);
    ROW(name, strcmp(after, WHOLE) == 0);
}

static void test_no_room(void)
{
    struct scratch s;
    struct rlimit before, none;
    scratch_init(&s);
    write_file(&s, WHOLE);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    none = before;
    none.rlim_cur = 100;
    setrlimit(RLIMIT_FSIZE, &none);
    check_refused(&s, "no room", HARBORAI_E_INTERNAL);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    scratch_release(&s);
}

static void test_not_writable(void)
{
    struct scratch s;
    char path[128];
    scratch_init(&s);
    write_file(&s, WHOLE);
    snprintf(path, sizeof path, "%s/plugins.json.new", s.dir);
    mkdir(path, 0700); /* nobody, not even root, writes a file over it */
    check_refused(&s, "new file", HARBORAI_E_INTERNAL);
    rmdir(path);
    snprintf(path, sizeof path, "%s/plugins.json.lock", s.dir);
    remove(path);
    mkdir(path, 0700);
    check_refused(&s, "lock", HARBORAI_E_CONFIG);
    rmdir(path);
    if (geteuid() != 0) {
        chmod(s.dir, 0500);
        check_refused(&s, "directory", HARBORAI_E_CONFIG);
        chmod(s.dir, 0700);
    }
    scratch_release(&s);
}

static void test_broken_stays(void)
{
    struct scratch s;
    harborai_error error = HARBORAI_ERROR_INIT;
    char after[64];
    bool changed;
    scratch_init(&s);
    write_file(&s, "{\"version\": 1");
    CU_ASSERT(change(&s, PLUGIN_STATE_PLUGIN, "a", false, &changed, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "line 1") != NULL);
    read_file(&s, after, sizeof after);
    CU_ASSERT_STRING_EQUAL(after, "{\"version\": 1");
    CU_ASSERT(change(&s, PLUGIN_STATE_PLUGIN, "a\n", false, &changed, &error) == HARBORAI_E_INVALID);
    CU_ASSERT(change(&s, PLUGIN_STATE_PLUGIN, "", false, &changed, &error) == HARBORAI_E_INVALID);
    scratch_release(&s);
}

enum { WRITERS = 2, ROUNDS = 50 };

static void write_many(const struct scratch *s, int writer)
{
    for (int i = 0; i < ROUNDS; i++) {
        char name[32];
        bool changed = false;
        snprintf(name, sizeof name, "p%d.%d", writer, i);
        if (change(s, PLUGIN_STATE_PLUGIN, name, false, &changed, NULL) < 0 || !changed)
            _exit(1);
    }
    _exit(0);
}

/* Of two processes that write at the same time neither undoes what the other did, and a reader
 * always finds a whole file. */
static void test_two_writers(void)
{
    struct scratch s;
    struct plugin_state *state;
    size_t count = 0;
    scratch_init(&s);
    for (int i = 0; i < WRITERS; i++) {
        pid_t pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0)
            write_many(&s, i);
    }
    for (int running = WRITERS, status; running > 0;) {
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended > 0) {
            CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            running--;
        }
        CU_ASSERT_FATAL(plugin_state_load(scratch_dir(&s), &state, NULL) == HARBORAI_OK);
        (void)plugin_state_list(state, PLUGIN_STATE_PLUGIN, &count);
        plugin_state_destroy(state);
    }
    CU_ASSERT(count == (size_t)WRITERS * ROUNDS);
    scratch_release(&s);
}

static void test_nowhere(void)
{
    struct plugin_state *state;
    size_t count = 1;
    bool changed;
    const struct plugin_state_change what = {PLUGIN_STATE_PLUGIN, HARBORAI_STR("x"), false, "me"};
    CU_ASSERT_FATAL(plugin_state_load(SLICE_NONE, &state, NULL) == HARBORAI_OK);
    CU_ASSERT(plugin_state_list(state, PLUGIN_STATE_PLUGIN, &count) == NULL && count == 0);
    CU_ASSERT(plugin_state_disabled(state, PLUGIN_STATE_MODEL, HARBORAI_STR("a/b")) == NULL);
    plugin_state_destroy(state);
    CU_ASSERT(plugin_state_apply(SLICE_NONE, &what, &fixed, &changed, NULL) == HARBORAI_E_CONFIG);
}

const CU_TestInfo plugin_state_tests[] = {{"broken files", test_faults},
                                          {"asking", test_asking},
                                          {"long remarks", test_long_remarks},
                                          {"changes", test_changes},
                                          {"a new directory", test_new_directory},
                                          {"no room on the disk", test_no_room},
                                          {"not writable", test_not_writable},
                                          {"a broken file stays", test_broken_stays},
                                          {"two writers", test_two_writers},
                                          {"no state directory", test_nowhere},
                                          CU_TEST_INFO_NULL};
