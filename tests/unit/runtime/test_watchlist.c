/* SPDX-License-Identifier: MIT */
/* What happens to files and directories, and whether it counts. The kernel has told of it when the
 * system call returns: nothing here waits. */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "runtime/watchlist.h"

extern const CU_TestInfo watchlist_tests[];

static char place[64];

/* Two at a time. */
static const char *in_place(const char *name)
{
    static char paths[2][256];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", place, name);
    return path;
}

static void make_file(const char *name)
{
    int fd = open(in_place(name), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
}

static void make_directory(const char *name)
{
    CU_ASSERT_FATAL(mkdir(in_place(name), 0755) == 0);
}

static void rename_file(const char *from, const char *to)
{
    CU_ASSERT_FATAL(rename(in_place(from), in_place(to)) == 0);
}

static void remove_file(const char *name)
{
    CU_ASSERT_FATAL(remove(in_place(name)) == 0);
}

static int remove_one(const char *path, const struct stat *status UNUSED, int type UNUSED,
                      struct FTW *ftw UNUSED)
{
    return remove(path);
}

static void open_place(void)
{
    snprintf(place, sizeof place, "/tmp/harborai-test-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(place) != NULL);
}

static void close_place(void)
{
    CU_ASSERT(nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static void aim(struct watchlist *list, const char *directory, const char *file)
{
    watchlist_begin(list);
    if (directory != NULL)
        CU_ASSERT(watchlist_add_directory(list, in_place(directory), NULL) == HARBORAI_OK);
    if (file != NULL)
        CU_ASSERT(watchlist_add_file(list, in_place(file), NULL) == HARBORAI_OK);
    watchlist_end(list);
}

/* --- One event after the other -------------------------------------------------------------------- */

enum deed { MAKE, RENAME, REMOVE, MODE, LINK, HARD_LINK, MAKE_DIRECTORY, TOUCH_OPEN, READ };

struct row {
    const char *name;
    enum deed deed;
    const char *path, *other;
    bool counts;
};

/* Each begins with what those before it left. */
static const struct row rows[] = {
    {"a plugin is written", MAKE, "p/a.so", NULL, true},
    {"another file", MAKE, "p/a.txt", NULL, false},
    {"one that is on its way", MAKE, "p/.new.so", NULL, false},
    {"it is put in the place of the plugin", RENAME, "p/.new.so", "p/a.so", true},
    {"a version", MAKE, "p/b.so.1.2", NULL, true},
    {"a symlink to it", LINK, "b.so.1.2", "p/b.so", true},
    {"a second name", HARD_LINK, "p/a.txt", "p/c.so", true},
    {"it is opened for writing, and not closed", TOUCH_OPEN, "p/d.so", NULL, false},
    {"it is read", READ, "p/a.so", NULL, false},
    {"its mode", MODE, "p/a.so", NULL, true},
    {"the mode of another file", MODE, "p/b.so.1.2", NULL, true},
    {"it is taken out of the directory", RENAME, "p/a.so", "a.so", true},
    {"and changes there", MAKE, "a.so", NULL, false},
    {"it is removed", REMOVE, "p/b.so", NULL, true},
    {"another file is removed", REMOVE, "p/a.txt", NULL, false},
    {"the directory's mode", MODE, "p", NULL, true},
    {"something beside the directory", MAKE, "q", NULL, false},
    {"the state", MAKE, "s/plugins.json.new", NULL, false},
    {"is renamed", RENAME, "s/plugins.json.new", "s/plugins.json", true},
    {"is written over", MAKE, "s/plugins.json", NULL, true},
    {"its lock", MAKE, "s/plugins.json.lock", NULL, false},
    {"a directory in it", MAKE_DIRECTORY, "s/journal", NULL, false},
    {"is removed", REMOVE, "s/plugins.json", NULL, true},
    {"the directory is renamed", RENAME, "p", "r", true},
};

static int held = -1;

static bool do_deed(const struct row *row)
{
    char byte;
    switch (row->deed) {
    case MAKE: make_file(row->path); return true;
    case RENAME: rename_file(row->path, row->other); return true;
    case REMOVE: remove_file(row->path); return true;
    case MODE: return chmod(in_place(row->path), 0700) == 0;
    case LINK: return symlink(row->path, in_place(row->other)) == 0;
    case HARD_LINK: return link(in_place(row->path), in_place(row->other)) == 0;
    case MAKE_DIRECTORY: make_directory(row->path); return true;
    case TOUCH_OPEN:
        held = open(in_place(row->path), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        return held >= 0;
    case READ: {
        int fd = open(in_place(row->path), O_RDONLY | O_CLOEXEC);
        return fd >= 0 && read(fd, &byte, 1) == 1 && close(fd) == 0;
    }
    }
    return false;
}

static void test_events(void)
{
    struct watchlist *list;
    open_place();
    make_directory("p");
    make_directory("s");
    CU_ASSERT_FATAL(watchlist_create(&list, NULL) == HARBORAI_OK);
    aim(list, "p", "s/plugins.json");
    CU_ASSERT(!watchlist_read(list));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ROW(rows[i].name, do_deed(&rows[i]));
        ROW(rows[i].name, watchlist_read(list) == rows[i].counts);
        ROW(rows[i].name, !watchlist_read(list));
    }
    CU_ASSERT(close(held) == 0);
    watchlist_destroy(list);
    close_place();
}

/* --- What is not there ---------------------------------------------------------------------------- */

/* Each part of the way that comes counts, and what is aimed at again is what there is then. */
static void test_comes_later(void)
{
    struct watchlist *list;
    open_place();
    CU_ASSERT_FATAL(watchlist_create(&list, NULL) == HARBORAI_OK);
    aim(list, "a/b/p/", NULL);
    make_directory("other");
    CU_ASSERT(!watchlist_read(list));
    static const char *const parts[] = {"a", "a/b", "a/b/p"};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        make_directory(parts[i]);
        ROW(parts[i], watchlist_read(list));
        aim(list, "a/b/p/", NULL);
        ROW(parts[i], !watchlist_read(list));
    }
    make_file("a/b/p/x.so");
    CU_ASSERT(watchlist_read(list));
    rename_file("a/b/p", "a/b/old");
    CU_ASSERT(watchlist_read(list));
    aim(list, "a/b/p/", NULL);
    (void)watchlist_read(list);
    remove_file("a/b/old/x.so");
    CU_ASSERT(!watchlist_read(list));
    rename_file("a/b/old", "a/b/p");
    CU_ASSERT(watchlist_read(list));
    aim(list, "a/b/p/", NULL);
    make_file("a/b/p/y.so");
    CU_ASSERT(watchlist_read(list));
    CU_ASSERT(nftw(in_place("a"), remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
    CU_ASSERT(watchlist_read(list));
    aim(list, "a/b/p/", NULL);
    make_directory("a");
    CU_ASSERT(watchlist_read(list));
    watchlist_destroy(list);
    close_place();
}

/* As a deployment does it that keeps the one before. */
static void test_symlink_on_the_way(void)
{
    struct watchlist *list;
    open_place();
    make_directory("1");
    make_directory("1/p");
    make_directory("2");
    make_directory("2/p");
    CU_ASSERT_FATAL(symlink("1", in_place("now")) == 0);
    CU_ASSERT_FATAL(watchlist_create(&list, NULL) == HARBORAI_OK);
    aim(list, "now/p", NULL);
    make_file("1/p/x.so");
    CU_ASSERT(watchlist_read(list));
    CU_ASSERT_FATAL(symlink("2", in_place("next")) == 0);
    CU_ASSERT(!watchlist_read(list));
    rename_file("next", "now");
    CU_ASSERT(watchlist_read(list));
    aim(list, "now/p", NULL);
    make_file("1/p/y.so");
    CU_ASSERT(!watchlist_read(list));
    make_file("2/p/x.so");
    CU_ASSERT(watchlist_read(list));
    watchlist_destroy(list);
    close_place();
}

static void test_not_any_more(void)
{
    struct watchlist *list;
    open_place();
    make_directory("p");
    make_directory("s");
    CU_ASSERT_FATAL(watchlist_create(&list, NULL) == HARBORAI_OK);
    aim(list, "p", "s/plugins.json");
    aim(list, "s", NULL);
    make_file("p/x.so");
    make_file("s/plugins.json");
    CU_ASSERT(!watchlist_read(list));
    make_file("s/x.so");
    CU_ASSERT(watchlist_read(list));
    aim(list, NULL, NULL);
    make_file("s/y.so");
    CU_ASSERT(!watchlist_read(list));
    watchlist_destroy(list);
    close_place();
}

/* --- Too much, too little -------------------------------------------------------------------------- */

static void test_overflow(void)
{
    struct watchlist *list;
    long most = 0;
    char text[32] = "";
    FILE *file = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
    if (file != NULL && fgets(text, sizeof text, file) != NULL)
        most = strtol(text, NULL, 10);
    if (file != NULL)
        fclose(file);
    if (most <= 0 || most > 100000)
        return;
    open_place();
    make_directory("p");
    CU_ASSERT_FATAL(watchlist_create(&list, NULL) == HARBORAI_OK);
    aim(list, "p", NULL);
    make_file("p/a");
    for (long i = 0; i <= most; i++)
        rename_file(i % 2 == 0 ? "p/a" : "p/b", i % 2 == 0 ? "p/b" : "p/a");
    CU_ASSERT(watchlist_read(list));
    make_file("p/c");
    CU_ASSERT(!watchlist_read(list));
    watchlist_destroy(list);
    close_place();
}

static void test_no_descriptor(void)
{
    struct rlimit before, none;
    struct watchlist *list;
    harborai_error error = HARBORAI_ERROR_INIT;
    CU_ASSERT_FATAL(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &none) == 0);
    CU_ASSERT(watchlist_create(&list, &error) == HARBORAI_E_MEMORY);
    CU_ASSERT_FATAL(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CU_ASSERT(strstr(error.message, "max_user_instances") != NULL);
}

const CU_TestInfo watchlist_tests[] = {{"what counts", test_events},
                                       {"a directory comes and goes", test_comes_later},
                                       {"a symlink on the way", test_symlink_on_the_way},
                                       {"what is not watched any more", test_not_any_more},
                                       {"more than the kernel keeps", test_overflow},
                                       {"no descriptor is left", test_no_descriptor},
                                       CU_TEST_INFO_NULL};
