/* SPDX-License-Identifier: MIT */
#include "store/journal_list.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "scratch.h"

extern const CU_TestInfo journal_list_tests[];

#define LINE "{\"type\":\"begin\",\"key\":\"a\"}\n"
#define SEAL "{\"type\":\"seal\",\"lines\":1,\"ends\":0}\n"

static void test_files(void)
{
    static const struct row {
        const char *file, *bytes;
        bool is_sealed;
    } rows[] = {
        {"1.jsonl", LINE, false},
        {"2.jsonl", LINE SEAL, true},
        {"3.jsonl", SEAL, true},
        {"4.jsonl", LINE SEAL LINE, false},
        {"5.jsonl", LINE "{\"type\":\"seal\"", false}, /* torn */
        {"6.jsonl", "", false},
        {"7.jsonl", "\n", false},
        {"8.jsonl.zst", "whatever", true},
    };
    static const char *const others[] = {"1.json", ".jsonl", "x.jsonl.zst.new", ".hidden.jsonl"};
    struct scratch s;
    struct journal_list list;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    for (size_t i = ARRAY_LEN(rows); i-- > 0;)
        scratch_write(&s, rows[i].file, slice_of(rows[i].bytes));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        scratch_write(&s, others[i], HARBORAI_STR(LINE));
    CU_ASSERT(mkdirat(directory, "9.jsonl", 0700) == 0);
    CU_ASSERT(symlinkat("1.jsonl", directory, "link.jsonl") == 0);
    CU_ASSERT_FATAL(journal_list_read(directory, &list, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(list.count == ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct journal_file *file = &list.files[i];
        harborai_str name = slice_of(rows[i].file);
        ROW(rows[i].file, slice_starts_with(name, file->name) && strlen(file->name) == 1);
        ROW(rows[i].file, file->is_compressed == slice_ends_with(name, ".zst"));
        ROW(rows[i].file, file->is_sealed == rows[i].is_sealed);
        ROW(rows[i].file, file->size == strlen(rows[i].bytes));
        ROW(rows[i].file, !file->is_live && file->mtime_ns > 0);
    }
    journal_list_release(&list);
    close(directory);
    scratch_release(&s);
}

static void on_odd(void *context, const char *file, const char *what)
{
    static const struct row {
        const char *file, *what;
    } rows[] = {
        {"dir.jsonl", "it is a directory"},
        {"fifo.jsonl.zst", "it is no file"},
        {"link.jsonl", "it is a symbolic link"},
    };
    unsigned *seen = context;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].file, file) == 0) {
            ROW(file, strcmp(rows[i].what, what) == 0);
            *seen |= 1u << i;
            return;
        }
    ROW(file, false);
}

static void test_odd(void)
{
    struct scratch s;
    unsigned seen = 0;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "1.jsonl", HARBORAI_STR(LINE));
    CU_ASSERT(mkdirat(directory, "dir.jsonl", 0700) == 0 && mkdirat(directory, "dir", 0700) == 0);
    CU_ASSERT(symlinkat("1.jsonl", directory, "link.jsonl") == 0);
    CU_ASSERT(symlinkat("1.jsonl", directory, ".link.jsonl") == 0);
    CU_ASSERT(mkfifoat(directory, "fifo.jsonl.zst", 0600) == 0);
    CU_ASSERT(journal_list_odd(directory, on_odd, &seen, NULL) == HARBORAI_OK && seen == 7);
    close(directory);
    scratch_release(&s);
}

static void test_live(void)
{
    struct scratch s;
    struct journal_list list;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "1.jsonl", HARBORAI_STR(LINE));
    int owner = openat(directory, "1.jsonl", O_WRONLY | O_CLOEXEC);
    CU_ASSERT(owner >= 0 && flock(owner, LOCK_EX) == 0);
    CU_ASSERT_FATAL(journal_list_read(directory, &list, NULL) == HARBORAI_OK && list.count == 1);
    CU_ASSERT(list.files[0].is_live);
    journal_list_release(&list);
    close(owner);
    CU_ASSERT_FATAL(journal_list_read(directory, &list, NULL) == HARBORAI_OK && list.count == 1);
    CU_ASSERT(!list.files[0].is_live);
    journal_list_release(&list);
    close(directory);
    scratch_release(&s);
}

/* As it stands between the new file's rename and the end of the old one. */
static void test_both_forms(void)
{
    struct scratch s;
    struct journal_list list;
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "1.jsonl.zst", HARBORAI_STR("whatever"));
    scratch_write(&s, "1.jsonl", HARBORAI_STR(LINE SEAL));
    scratch_write(&s, "1-1.jsonl", HARBORAI_STR(LINE));
    CU_ASSERT_FATAL(journal_list_read(directory, &list, NULL) == HARBORAI_OK && list.count == 2);
    CU_ASSERT(strcmp(list.files[0].name, "1") == 0 && !list.files[0].is_compressed);
    CU_ASSERT(strcmp(list.files[1].name, "1-1") == 0);
    journal_list_release(&list);
    close(directory);
    scratch_release(&s);
}

static void test_directory(void)
{
    struct scratch s;
    struct journal_list list;
    harborai_error error = HARBORAI_ERROR_INIT;
    char path[128];
    int directory = 0;
    scratch_init(&s);
    CU_ASSERT(journal_directory_open(scratch_dir(&s), &directory, NULL) == HARBORAI_OK);
    CU_ASSERT(directory == -1);
    snprintf(path, sizeof path, "%s/journal", s.dir);
    CU_ASSERT(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
    CU_ASSERT(journal_directory_open(scratch_dir(&s), &directory, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "/journal'") != NULL);
    unlink(path);
    close(scratch_journal(&s));
    CU_ASSERT(journal_directory_open(scratch_dir(&s), &directory, NULL) == HARBORAI_OK);
    CU_ASSERT(directory >= 0);
    CU_ASSERT(journal_list_read(directory, &list, NULL) == HARBORAI_OK && list.count == 0);
    journal_list_release(&list);
    close(directory);
    scratch_release(&s);
}

const CU_TestInfo journal_list_tests[] = {{"files", test_files},
                                          {"odd", test_odd},
                                          {"live", test_live},
                                          {"both forms", test_both_forms},
                                          {"directory", test_directory},
                                          CU_TEST_INFO_NULL};
