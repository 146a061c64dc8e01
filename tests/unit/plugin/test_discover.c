/* SPDX-License-Identifier: MIT */
#include "plugin/discover.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "fixture.h"
#include "plugin/dynamic.h"
#include "plugin/note.h"

extern const CU_TestInfo discover_tests[];

static const char text[] = "just a text that somebody called x.so\n";

static const struct {
    const char *plugin; /* NULL: a text */
    mode_t mode;
    enum plugin_stage stage; /* NONE: it is taken */
    const char *want;        /* in the message */
} rows[] = {
    {"good", 0644, PLUGIN_STAGE_NONE, ""},
    {"good", 0755, PLUGIN_STAGE_NONE, ""},
    {"good", 0646, PLUGIN_STAGE_TRUST, "writable by everybody: chmod go-w /"},
    {NULL, 0644, PLUGIN_STAGE_MANIFEST, "not an ELF file"},
    {"no_note", 0644, PLUGIN_STAGE_MANIFEST, "no HarborAI plugin"},
    {"broken_note", 0644, PLUGIN_STAGE_MANIFEST, "not JSON"},
    {"textrel", 0644, PLUGIN_STAGE_TRUST, "its code is changed while it is loaded"},
    {"exec_stack", 0644, PLUGIN_STAGE_MANIFEST, "wants an executable stack"},
    {"run_path", 0644, PLUGIN_STAGE_TRUST, "would take libraries from '/tmp/a-path"},
    {"two_notes", 0644, PLUGIN_STAGE_MANIFEST, "more than one manifest"},
    {"foreign_abi", 0644, PLUGIN_STAGE_ABI, "test.foreign 3.1.4 needs plugin ABI 0.1"},
};

static void test_each_file(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *name = rows[i].plugin != NULL ? rows[i].plugin : "a text";
        struct fixture f;
        fixture_open(&f);
        if (rows[i].plugin != NULL)
            fixture_add(&f, rows[i].plugin, "x.so");
        else
            fixture_write(&f, "x.so", text, strlen(text), 0644);
        CU_ASSERT_FATAL(chmod(fixture_path(&f, "x.so"), rows[i].mode) == 0);
        struct plugin_catalog *catalog = fixture_scan(&f);
        ROW(name, catalog->file_count == 1);
        const struct plugin_file *file = &catalog->files[0];
        ROW(name, file->stage == rows[i].stage);
        ROW(name, (file->state == PLUGIN_FILE_KNOWN) == (rows[i].stage == PLUGIN_STAGE_NONE));
        ROW(name, strstr(file->error.message, rows[i].want) != NULL);
        ROW(name, strcmp(file->path, fixture_path(&f, "x.so")) == 0);
        if (rows[i].stage != PLUGIN_STAGE_NONE)
            ROW(name, strstr(file->error.message, file->path) != NULL);
        plugin_catalog_destroy(catalog);
        fixture_close(&f);
    }
}

/* What stands in a directory besides plugins, and how two files of one id are told apart. */
static void test_directory(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "b.so");
    fixture_add(&f, "good", "c.so");
    fixture_add(&f, "short_table", "a.so");
    fixture_write(&f, ".hidden.so", text, 4, 0644);
    fixture_write(&f, "readme.txt", text, 4, 0644);
    fixture_write(&f, "x.so.1", text, 4, 0644);
    CU_ASSERT(mkdir(fixture_path(&f, "d.so"), 0755) == 0);
    CU_ASSERT(mkfifo(fixture_path(&f, "e.so"), 0644) == 0);
    struct plugin_catalog *c = fixture_scan(&f);
    CU_ASSERT_FATAL(c->file_count == 5);
    CU_ASSERT(strstr(c->files[0].path, "/a.so") != NULL);
    CU_ASSERT(c->files[1].state == PLUGIN_FILE_KNOWN && c->files[2].state == PLUGIN_FILE_SHADOWED);
    CU_ASSERT(strstr(c->files[2].error.message, "/b.so' comes first") != NULL);
    CU_ASSERT(strstr(c->files[3].error.message, "not a regular file") != NULL);
    CU_ASSERT(strstr(c->files[4].error.message, "not a regular file") != NULL);
    CU_ASSERT(plugin_catalog_find(c, HARBORAI_STR("test.good")) == &c->files[1]);
    CU_ASSERT(plugin_catalog_find(c, HARBORAI_STR("good")) == &c->files[1]);
    CU_ASSERT(plugin_catalog_find(c, HARBORAI_STR("nobody")) == NULL);
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

static const struct {
    const char *path, *want; /* want: in the message */
} directories[] = {
    {"", "no absolute path"},
    {"tmp", "no absolute path"},
    {"/no/such/place", "cannot look at"},
    {"/dev/null", "is not a directory"},
    {"/dev/null/x", "cannot look at"},
};

static const struct {
    const char *name, *want;
} files[] = {
    {"absent.so", "cannot look at"},
    {"secret.so", "cannot open"},
    {"socket/x.so", "cannot look at"},
};

static void test_trust_refusals(void)
{
    char long_path[PATH_MAX + 16], long_name[PATH_MAX];
    struct trust t;
    struct fixture f;
    struct trusted_file file;
    CU_ASSERT_FATAL(trust_init(&t, NULL, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        ROW(directories[i].path, trust_check_directory(&t, directories[i].path, &error) ==
                                     HARBORAI_E_CONFIG);
        ROW(directories[i].path, strstr(error.message, directories[i].want) != NULL);
    }
    fixture_open(&f);
    fixture_write(&f, "secret.so", "x", 1, 0);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    CU_ASSERT(trust_open(&t, f.directory, long_name, NULL, 0, &file, NULL) == HARBORAI_E_CONFIG);
    snprintf(long_path, sizeof long_path, "/%s", long_name);
    CU_ASSERT(trust_check_directory(&t, long_path, NULL) == HARBORAI_E_CONFIG);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        if (i == 1 && geteuid() == 0)
            continue; /* root may open it */
        ROW(files[i].name, trust_open(&t, f.directory, files[i].name, NULL, 0, &file, &error) ==
                               HARBORAI_E_CONFIG);
        ROW(files[i].name, strstr(error.message, files[i].want) != NULL);
    }
    fixture_close(&f);
}

/* Copies `from` as `to`, with another id of the same length. */
static void add_with_id(struct fixture *f, const char *from, const char *to, const char *id)
{
    static char bytes[65536];
    fixture_add(f, from, to);
    FILE *file = fopen(fixture_path(f, to), "re");
    CU_ASSERT_FATAL(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (char *at = bytes; (at = memmem(at, (size_t)(bytes + len - at), "test.good", 9)) != NULL;)
        memcpy(at, id, 9);
    fixture_write(f, to, bytes, len, 0644);
}

static const struct {
    const char *path, *want; /* want: in the message; "" = taken */
} run_paths[] = {
    {"/usr/lib", ""},
    {"$ORIGIN", ""},
    {"${ORIGIN}/libs:/usr/lib", ""}, /* does not exist: only we could make it */
    {"/tmp", "'/tmp', where everybody may write"},
    {"/usr/lib:/tmp/libs", "'/tmp/libs', where everybody may write"},
    {"$ORIGIN/..", "'$ORIGIN/..', where everybody may write"},
    {"/usr/lib:", "'', which is no absolute directory"},
    {"lib", "'lib', which is no absolute directory"},
    {"/$LIB", "'/$LIB', which only the loader could tell"},
    {"/dev/null/x", "'/dev/null/x', where others may write"},
};

/* The built plugin with another run path in place of its own. */
static void add_with_run_path(struct fixture *f, const char *path)
{
    static char bytes[65536];
    static const char own[] = "/tmp/a-path-that-the-tests-change";
    fixture_add(f, "run_path", "x.so");
    FILE *file = fopen(fixture_path(f, "x.so"), "re");
    CU_ASSERT_FATAL(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    char *at = memmem(bytes, len, own, sizeof own);
    CU_ASSERT_FATAL(at != NULL && strlen(path) < sizeof own);
    memcpy(at, path, strlen(path) + 1);
    fixture_write(f, "x.so", bytes, len, 0644);
}

/* Libraries that a plugin brings along come from where nobody else can put any. */
static void test_run_path(void)
{
    for (size_t i = 0; i < ARRAY_LEN(run_paths); i++) {
        struct fixture f;
        fixture_open(&f);
        add_with_run_path(&f, run_paths[i].path);
        struct plugin_catalog *c = fixture_scan(&f);
        bool is_taken = *run_paths[i].want == '\0';
        ROW(run_paths[i].path, c->file_count == 1);
        ROW(run_paths[i].path, (c->files[0].state == PLUGIN_FILE_KNOWN) == is_taken);
        ROW(run_paths[i].path, strstr(c->files[0].error.message, run_paths[i].want) != NULL);
        plugin_catalog_destroy(c);
        fixture_close(&f);
    }
}

/* Used all the same. */
static void test_exports(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "exports", "x.so");
    struct plugin_catalog *c = fixture_scan(&f);
    CU_ASSERT_FATAL(c->file_count == 1 && c->files[0].warning != NULL);
    CU_ASSERT(c->files[0].state == PLUGIN_FILE_KNOWN);
    /* how many, and the first of them, differs: a build for coverage exports more */
    CU_ASSERT(strstr(c->files[0].warning, " symbols besides harborai_plugin_query") != NULL);
    plugin_catalog_destroy(c);
    fixture_add(&f, "good", "x.so");
    c = fixture_scan(&f);
    CU_ASSERT(c->file_count == 1 && c->files[0].warning == NULL);
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

/* Two plugins of one provider: where no configuration chooses, the first is used. */
static void test_rivals(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "b.so");
    add_with_id(&f, "good", "c.so", "test.goof");
    for (int one = 0; one < 2; one++) {
        struct plugin_catalog *c = NULL;
        const struct discover_options options = {.environment = f.directory,
                                                 .one_a_provider = one == 1};
        CU_ASSERT_FATAL(plugin_catalog_create(&options, &c, NULL) == HARBORAI_OK);
        CU_ASSERT_FATAL(c->file_count == 2 && c->files[0].state == PLUGIN_FILE_KNOWN);
        const struct plugin_file *second = &c->files[1];
        CU_ASSERT(second->state == (one == 1 ? PLUGIN_FILE_SHADOWED : PLUGIN_FILE_KNOWN));
        CU_ASSERT(second->is_rival == (one == 1));
        CU_ASSERT(one == 0 || strstr(second->error.message, "/c.so' is not used: '") != NULL);
        CU_ASSERT(one == 0 || strstr(second->error.message, "/b.so' comes first") != NULL);
        plugin_catalog_destroy(c);
    }
    fixture_close(&f);
}

/* More than fit: the first are looked at, and the directory says so. */
static void test_too_many(void)
{
    struct fixture f;
    fixture_open(&f);
    for (int i = 0; i < LIMIT_PLUGINS + 2; i++) {
        char name[32];
        snprintf(name, sizeof name, "x%04d.so", i);
        CU_ASSERT_FATAL(mkfifo(fixture_path(&f, name), 0644) == 0);
    }
    struct plugin_catalog *c = fixture_scan(&f);
    CU_ASSERT(c->file_count == LIMIT_PLUGINS);
    CU_ASSERT(strstr(c->files[LIMIT_PLUGINS - 1].path, "/x1023.so") != NULL);
    CU_ASSERT(strstr(c->directories[0].error.message, f.directory) != NULL);
    CU_ASSERT(strstr(c->directories[0].error.message, "first 1024 of its 1026 files") != NULL);
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

/* A symlink is followed inside the plugin directories only. */
static void test_symlinks(void)
{
    struct fixture f, other;
    fixture_open(&f);
    fixture_open(&other);
    fixture_add(&f, "good", "libgood.so.1.2.0");
    fixture_add(&other, "short_table", "y.so");
    CU_ASSERT(symlink("libgood.so.1.2.0", fixture_path(&f, "good.so")) == 0);
    char target[512];
    snprintf(target, sizeof target, "%s", fixture_path(&other, "y.so"));
    CU_ASSERT(symlink(target, fixture_path(&f, "other.so")) == 0);
    CU_ASSERT(symlink("nowhere", fixture_path(&f, "zero.so")) == 0);
    struct plugin_catalog *c = fixture_scan(&f);
    CU_ASSERT_FATAL(c->file_count == 3);
    CU_ASSERT(c->files[0].state == PLUGIN_FILE_KNOWN);
    CU_ASSERT(strstr(c->files[0].path, "libgood.so.1.2.0") != NULL);
    CU_ASSERT(c->files[1].state == PLUGIN_FILE_REFUSED);
    CU_ASSERT(strstr(c->files[1].error.message, "in no plugin directory") != NULL);
    CU_ASSERT(strstr(c->files[2].error.message, "cannot follow") != NULL);
    plugin_catalog_destroy(c);
    fixture_close(&f);
    fixture_close(&other);
}

static void test_world_writable_directory(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    CU_ASSERT_FATAL(chmod(f.directory, 0777) == 0);
    struct plugin_catalog *c = fixture_scan(&f);
    CU_ASSERT(c->file_count == 0 && c->directory_count == 1);
    CU_ASSERT(strstr(c->directories[0].error.message, "chmod go-w /tmp/harborai-test-") != NULL);
    plugin_catalog_destroy(c);
    CU_ASSERT_FATAL(chmod(f.directory, 0755) == 0);
    fixture_close(&f);
}

static const struct {
    const char *environment, *want; /* want: in the message; "" = taken */
    size_t directories;
} paths[] = {
    {NULL, "", 0},
    {"", "", 0},
    {"/", "", 1},
    {".", "", 1},
    {"/:/", "", 1},
    {"/no/such/place", "", 1},
    {"/:", "empty element", 0},
    {":/", "empty element", 0},
    {"/::/tmp", "empty element", 0},
};

static void test_path(void)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        const char *name = paths[i].environment != NULL ? paths[i].environment : "(not set)";
        struct plugin_catalog *c = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        const struct discover_options options = {.environment = paths[i].environment,
                                                 .system = "/no/such/system/directory"};
        harborai_status st = plugin_catalog_create(&options, &c, &error);
        ROW(name, (st == HARBORAI_OK) == (*paths[i].want == '\0'));
        ROW(name, strstr(error.message, paths[i].want) != NULL);
        ROW(name, c == NULL || c->directory_count == paths[i].directories);
        ROW(name, c == NULL || c->directory_count == 0 || c->directories[0].path[0] == '/');
        plugin_catalog_destroy(c);
    }
}

/* The user's own directory comes before the system's, and need not be there. */
static void test_user_directory(void)
{
    struct fixture user, system;
    struct plugin_catalog *c = NULL;
    fixture_open(&user);
    fixture_open(&system);
    fixture_add(&user, "good", "a.so");
    fixture_add(&system, "good", "b.so");
    const struct discover_options both = {.user = user.directory, .system = system.directory};
    CU_ASSERT_FATAL(plugin_catalog_create(&both, &c, NULL) == HARBORAI_OK && c->file_count == 2);
    CU_ASSERT(c->files[0].origin == PLUGIN_ORIGIN_USER && c->files[0].state == PLUGIN_FILE_KNOWN);
    CU_ASSERT(c->files[1].origin == PLUGIN_ORIGIN_SYSTEM &&
              c->files[1].state == PLUGIN_FILE_SHADOWED);
    plugin_catalog_destroy(c);
    const struct discover_options none = {.user = "/no/such/directory"};
    CU_ASSERT_FATAL(plugin_catalog_create(&none, &c, NULL) == HARBORAI_OK);
    CU_ASSERT(c->directory_count == 0);
    plugin_catalog_destroy(c);
    fixture_close(&user);
    fixture_close(&system);
}

/* What the operator names comes first, once, and nothing else of its directory. */
static void test_given_files(void)
{
    struct fixture given, path;
    struct plugin_catalog *c = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    char file[128], twin[128], missing[128];
    fixture_open(&given);
    fixture_open(&path);
    fixture_add(&given, "good", "x.so");
    fixture_add(&given, "short_table", "other.so");
    fixture_add(&path, "good", "a.so");
    fixture_add(&path, "no_note", "b.so");
    snprintf(file, sizeof file, "%s", fixture_path(&given, "x.so"));
    snprintf(twin, sizeof twin, "%s", fixture_path(&path, "a.so"));
    snprintf(missing, sizeof missing, "%s", fixture_path(&given, "missing.so"));
    const harborai_str named[] = {slice_of(file), slice_of(twin), slice_of(file), slice_of(missing)};
    const struct discover_options options = {
        .files = named, .file_count = ARRAY_LEN(named), .environment = path.directory};
    CU_ASSERT_FATAL(plugin_catalog_create(&options, &c, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(c->file_count == 4);
    CU_ASSERT(c->files[0].origin == PLUGIN_ORIGIN_EXPLICIT && c->files[0].state == PLUGIN_FILE_KNOWN);
    CU_ASSERT(c->files[1].origin == PLUGIN_ORIGIN_EXPLICIT &&
              c->files[1].state == PLUGIN_FILE_SHADOWED);
    CU_ASSERT(c->files[2].state == PLUGIN_FILE_REFUSED && c->files[2].error.code < 0 &&
              strstr(c->files[2].error.message, "missing.so") != NULL);
    CU_ASSERT(c->files[3].origin == PLUGIN_ORIGIN_ENVIRONMENT &&
              c->files[3].state == PLUGIN_FILE_REFUSED);
    plugin_catalog_destroy(c);
    const harborai_str bad[] = {HARBORAI_STR("/no/such/x.so"), HARBORAI_STR("/"), HARBORAI_STR("")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct discover_options wrong = {.files = &bad[i], .file_count = 1};
        ROW(bad[i].data, plugin_catalog_create(&wrong, &c, &error) == HARBORAI_E_CONFIG);
        ROW(bad[i].data, strstr(error.message, "--plugin '") != NULL);
    }
    CU_ASSERT_FATAL(chmod(given.directory, 0777) == 0);
    CU_ASSERT(plugin_catalog_create(&options, &c, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "is writable by everybody") != NULL);
    fixture_close(&given);
    fixture_close(&path);
}

static void test_home(void)
{
    char *home = getenv("HOME") != NULL ? strdup(getenv("HOME")) : NULL, *path;
    setenv("HOME", "/home/x", 1);
    path = discover_user_directory();
    CU_ASSERT(path != NULL && strcmp(path, "/home/x/.local/lib/harborai/plugins") == 0);
    free(path);
    setenv("HOME", "x", 1);
    CU_ASSERT(discover_user_directory() == NULL);
    unsetenv("HOME");
    CU_ASSERT(discover_user_directory() == NULL);
    if (home != NULL)
        setenv("HOME", home, 1);
    free(home);
}

/* Reading a manifest maps nothing of the file. */
static void test_nothing_is_mapped(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "foreign_abi", "x.so");
    int fd = open(fixture_path(&f, "x.so"), O_RDONLY | O_CLOEXEC);
    char *json = NULL, line[1024];
    CU_ASSERT_FATAL(fd >= 0 && note_read(fd, "x.so", &json, NULL) == HARBORAI_OK);
    FILE *maps = fopen("/proc/self/maps", "re");
    CU_ASSERT_FATAL(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL)
        CU_ASSERT(strstr(line, f.directory) == NULL);
    fclose(maps);
    close(fd);
    free(json);
    fixture_close(&f);
}

static void check_dynamic(int fd)
{
    struct trust t;
    char *warning = NULL;
    CU_ASSERT_FATAL(trust_init(&t, NULL, NULL) == HARBORAI_OK);
    if (dynamic_check(&t, fd, "/usr/lib/x.so", &warning, NULL) < 0)
        CU_ASSERT_PTR_NULL(warning);
    free(warning);
}

/* A file that was cut or bent anywhere in its headers is refused or read, never more than that. */
static void test_broken_elf(void)
{
    struct fixture f;
    static char bytes[65536];
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    FILE *file = fopen(fixture_path(&f, "x.so"), "re");
    CU_ASSERT_FATAL(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    int fd = memfd_create("broken", MFD_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && len > 1024);
    for (size_t at = 0; at < len; at += at < 1024 ? 1 : 7) {
        char *json = NULL, kept = bytes[at];
        bytes[at] = (char)~kept;
        CU_ASSERT_FATAL(pwrite(fd, bytes, len, 0) == (ssize_t)len);
        if (note_read(fd, "x", &json, NULL) == HARBORAI_OK)
            check_dynamic(fd);
        free(json);
        bytes[at] = kept;
    }
    for (size_t cut = 0; cut < len; cut += 61) {
        char *json = NULL;
        CU_ASSERT_FATAL(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, cut, 0) == (ssize_t)cut);
        if (note_read(fd, "x", &json, NULL) == HARBORAI_OK)
            check_dynamic(fd);
        free(json);
    }
    close(fd);
    fixture_close(&f);
}

/* By name and number, and a directory that such a group may write to is used. */
static void test_trusted_groups(void)
{
    struct fixture f;
    struct trust t;
    harborai_error error = HARBORAI_ERROR_INIT;
    const harborai_str third = HARBORAI_STR("3");
    struct plugin_catalog *c = NULL;
    harborai_str many[TRUST_GROUPS + 1];
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = HARBORAI_STR("7");
    many[0] = HARBORAI_STR("root");
    CU_ASSERT(trust_init(&t, &(struct trust_rules){.groups = many, .group_count = TRUST_GROUPS},
                         &error) == HARBORAI_OK);
    CU_ASSERT(t.group_count == TRUST_GROUPS && t.groups[0] == 0 && t.groups[1] == 7);
    CU_ASSERT(trust_init(&t, &(struct trust_rules){.groups = many, .group_count = TRUST_GROUPS + 1},
                         NULL) == HARBORAI_E_CONFIG);
    many[1] = HARBORAI_STR("4294967296");
    CU_ASSERT(trust_init(&t, &(struct trust_rules){.groups = many, .group_count = 2}, NULL) ==
              HARBORAI_E_CONFIG);
    many[1] = HARBORAI_STR("no-such-group");
    CU_ASSERT(trust_init(&t, &(struct trust_rules){.groups = many, .group_count = 2}, &error) ==
              HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "there is no group 'no-such-group'") != NULL);
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    if (geteuid() == 0) { /* who else may give a file away to a group that is not his? */
        CU_ASSERT_FATAL(chown(f.directory, 0, 3) == 0 && chmod(f.directory, 0775) == 0);
        for (size_t groups = 0; groups < 2; groups++) {
            const struct discover_options options = {.environment = f.directory,
                                                     .trust = {.groups = &third,
                                                               .group_count = groups}};
            CU_ASSERT_FATAL(plugin_catalog_create(&options, &c, NULL) == HARBORAI_OK);
            CU_ASSERT(c->file_count == groups);
            plugin_catalog_destroy(c);
        }
    }
    fixture_close(&f);
}

/* The rules of owner and mode, on made-up files. */
static void test_trust_rules(void)
{
    struct trust user = {.user = 1000, .private_group = 1000, .has_private_group = true,
                         .knows_groups = true},
                       staff = {.user = 1000, .private_group = 50}, trusting = user,
                       off = {.user = 1000, .private_group = 50, .is_off = true};
    trusting.groups[trusting.group_count++] = 50;
    const struct {
        const char *name;
        struct trust *trust;
        uid_t owner;
        gid_t group;
        mode_t mode;
        bool good;
    } cases[] = {
        {"root's", &user, 0, 0, S_IFREG | 0644, true},
        {"own", &user, 1000, 1000, S_IFREG | 0644, true},
        {"of another", &user, 1001, 1000, S_IFREG | 0644, false},
        {"own group writes", &user, 1000, 1000, S_IFREG | 0664, true},
        {"shared group writes", &staff, 1000, 50, S_IFREG | 0664, false},
        {"trusted group writes", &trusting, 1000, 50, S_IFREG | 0664, true},
        {"another group writes", &trusting, 1000, 51, S_IFREG | 0664, false},
        {"trusted group, everybody writes", &trusting, 1000, 50, S_IFREG | 0666, false},
        {"foreign group writes", &user, 1000, 50, S_IFREG | 0664, false},
        {"everybody writes, trust is off", &off, 1001, 51, S_IFREG | 0666, true},
        {"everybody writes", &user, 1000, 1000, S_IFREG | 0646, false},
        {"/tmp", &user, 0, 0, S_IFDIR | 01777, true},
        {"sticky of the user", &user, 1000, 1000, S_IFDIR | 01777, false},
        {"sticky file", &user, 0, 0, S_IFREG | 01777, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct stat status = {
            .st_uid = cases[i].owner, .st_gid = cases[i].group, .st_mode = cases[i].mode};
        ROW(cases[i].name,
            (trust_check(cases[i].trust, &status, "x", NULL) == HARBORAI_OK) == cases[i].good);
    }
}

const CU_TestInfo discover_tests[] = {
    {"each kind of file", test_each_file},
    {"a directory", test_directory},
    {"run paths", test_run_path},
    {"symbols besides the one", test_exports},
    {"two plugins of one provider", test_rivals},
    {"more files than fit", test_too_many},
    {"symlinks", test_symlinks},
    {"a world-writable directory", test_world_writable_directory},
    {"the search path", test_path},
    {"the user's directory", test_user_directory},
    {"files that are named", test_given_files},
    {"the home directory", test_home},
    {"nothing is mapped", test_nothing_is_mapped},
    {"broken ELF files", test_broken_elf},
    {"groups that are trusted", test_trusted_groups},
    {"rules of owner and mode", test_trust_rules},
    {"what cannot be opened", test_trust_refusals},
    CU_TEST_INFO_NULL,
};
