/* SPDX-License-Identifier: MIT */
/* Whatever stands in a segment: no more calls than lines, and what is given out is JSON. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json_scan.h"
#include "store/journal_read.h"

static char directory[64], file[128];

static void remove_directory(void)
{
    unlink(file);
    *strrchr(file, '/') = '\0';
    rmdir(file);
    rmdir(directory);
}

static void make_directory(void)
{
    strcpy(directory, "/tmp/harborai-fuzz-XXXXXX");
    MUST(mkdtemp(directory) != NULL);
    snprintf(file, sizeof file, "%s/journal", directory);
    MUST(mkdir(file, 0700) == 0);
    strcat(file, "/s.jsonl");
    atexit(remove_directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_reader *reader;
    struct journal_call call;
    size_t lines = 0, calls = 0;
    if (directory[0] == '\0')
        make_directory();
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    MUST(journal_reader_create(slice_of(directory), NULL, NULL, &reader, NULL) == HARBORAI_OK);
    for (; journal_reader_next(reader, &call); calls++) {
        AUTO(buf) json = BUF_INIT(MIB(1));
        journal_call_write(&call, &json);
        MUST(json_scan(buf_slice(&json), NULL, NULL, NULL) == HARBORAI_OK);
        (void)journal_call_member(&call, "cost");
    }
    MUST(calls <= lines);
    journal_reader_destroy(reader);
    return 0;
}
