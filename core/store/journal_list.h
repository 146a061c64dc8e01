/* SPDX-License-Identifier: MIT */
/* Which segments stand in a journal's directory. [job] */
#ifndef STORE_JOURNAL_LIST_H
#define STORE_JOURNAL_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/slice.h"

enum { JOURNAL_NAME_MOST = 96 }; /* with its NUL */

/* A segment as it was when it was looked at. */
struct journal_file {
    char name[JOURNAL_NAME_MOST]; /* without suffix: "20261121T110305Z-4711-0" */
    bool is_live;       /* a process holds its lock, and may write to it */
    bool is_sealed;     /* its last line says that it is whole */
    bool is_compressed; /* NAME.jsonl.zst; with NAME.jsonl beside it, that one counts */
    uint64_t size;      /* bytes of the file */
    int64_t mtime_ns;
};

struct journal_list {
    struct journal_file *files; /* owned; the oldest first */
    size_t count, capacity;
};

/* Opens <state_dir>/journal. *ret_directory is -1 if there is none, which is no error. E_CONFIG: it
 * cannot be read. */
MUST_CHECK harborai_status journal_directory_open(harborai_str state_dir, int *ret_directory,
                                                  harborai_error *error);

/* Looks at each; the directory stays the caller's. A segment stands there once, whether it is being
 * compressed at the moment or not. E_INTERNAL, E_MEMORY. */
MUST_CHECK harborai_status journal_list_read(int directory, struct journal_list *ret_list,
                                             harborai_error *error);
void journal_list_release(struct journal_list *list);

/* What has a segment's name, and is no file or cannot be opened: the list is without it. `what` as
 * "it is a symbolic link". Both borrowed. E_INTERNAL: the directory cannot be read. */
typedef void journal_odd_fn(void *context, const char *file, const char *what);
MUST_CHECK harborai_status journal_list_odd(int directory, journal_odd_fn *on_odd, void *context,
                                            harborai_error *error);

/* Of an open plain file. Whether a process has it locked for writing; whether its last line is a
 * seal. */
bool journal_file_is_live(int fd);
bool journal_file_is_sealed(int fd, uint64_t size);

#endif
