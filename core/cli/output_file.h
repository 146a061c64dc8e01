/* SPDX-License-Identifier: MIT */
/* Where a command writes much: to a file that is there as a whole or not at all, or to stdout. A file has
 * no name until it is whole, where the file system can do that; who is killed leaves nothing behind. */
#ifndef CLI_OUTPUT_FILE_H
#define CLI_OUTPUT_FILE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

struct output_file {
    char *path;      /* owned; NULL: stdout */
    char *part;      /* owned: the name that it has until it is whole; NULL: none */
    int fd;          /* owned, but stdout; -1 = closed */
    bool may_replace;
    bool is_copied;  /* to stdout, when it is whole */
    uint64_t size;   /* written so far */
};

#define OUTPUT_FILE_INIT {.fd = -1}

/* `path` NULL or "-": stdout. `is_seekable`: whoever writes it must be able to go back in it, so that even
 * stdout gets it as a whole. The mode is 0600. E_INVALID: it exists, and may not be replaced, or is no
 * plain file. E_INTERNAL: it cannot be made. */
MUST_CHECK harborai_status output_file_open(struct output_file *file, const char *path,
                                            bool may_replace, bool is_seekable,
                                            harborai_error *error);

/* Gives up what was not committed. A closed one too. */
void output_file_close(struct output_file *file);

/* E_INTERNAL: the disk is full, or the like. E_CANCELLED: the reader of stdout left. */
MUST_CHECK harborai_status output_file_write(struct output_file *file, harborai_str text,
                                             harborai_error *error);

/* Gives it its name, or its bytes to stdout. Errors as of both. */
MUST_CHECK harborai_status output_file_commit(struct output_file *file, harborai_error *error);

/* What it is called in messages: "'calls.csv'", "standard output". */
const char *output_file_name(const struct output_file *file);

#endif
