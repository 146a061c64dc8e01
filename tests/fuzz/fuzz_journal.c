/* SPDX-License-Identifier: MIT */
/* Whatever stands in a segment: no more calls than lines, and what is given out is JSON, or has the
 * checksum that it got when it was; read forward,
 * no part of a line is given out, and from each position on comes what comes without a stop there. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "fuzz.h"
#include "json_scan.h"
#include "store/journal_follow.h"
#include "store/journal_read.h"

static char directory[64], file[128]; /* the state directory, the segment */

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

/* The last line's end, and a hash of all that were given out. */
struct pass {
    uint64_t lines, last, sum;
};

static void take_line(struct pass *pass, const struct journal_line *line, const uint8_t *data,
                      size_t size)
{
    MUST(line->offset + line->text.len < size && line->offset >= pass->last);
    MUST(memcmp(data + line->offset, line->text.data, line->text.len) == 0);
    MUST(data[line->offset + line->text.len] == '\n');
    MUST(line->offset == 0 || data[line->offset - 1] == '\n');
    MUST(line->is_checked || json_scan(line->text, NULL, NULL, NULL) == HARBORAI_OK);
    pass->last = line->offset + line->text.len + 1;
    pass->sum = pass->sum * 31 + line->offset * 7 + line->seq;
    pass->lines++;
}

static struct journal_follow *open_at(int journal, const struct journal_position *at)
{
    struct journal_follow *follow;
    MUST(journal_follow_open(journal, at, NULL, NULL, &follow, NULL) == HARBORAI_OK);
    return follow;
}

static struct pass follow_lines(int journal, const uint8_t *data, size_t size, bool with_stops)
{
    struct journal_position at = {.segment = "s"};
    struct journal_follow *follow = open_at(journal, &at);
    struct pass pass = {0, 0, 0};
    struct journal_line line;
    while (journal_follow_next(follow, &line, NULL) == JOURNAL_FOLLOW_LINE) {
        take_line(&pass, &line, data, size);
        at = *journal_follow_position(follow);
        if (!with_stops)
            continue;
        journal_follow_close(follow);
        follow = open_at(journal, &at);
    }
    MUST(journal_follow_position(follow)->offset <= size);
    journal_follow_close(follow);
    return pass;
}

static void follow_segment(const uint8_t *data, size_t size)
{
    int journal;
    MUST(journal_directory_open(slice_of(directory), &journal, NULL) == HARBORAI_OK);
    struct pass at_once = follow_lines(journal, data, size, false);
    struct pass with_stops = follow_lines(journal, data, size, true);
    MUST(memcmp(&at_once, &with_stops, sizeof at_once) == 0);
    close(journal);
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
    follow_segment(data, size);
    return 0;
}
