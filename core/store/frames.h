/* SPDX-License-Identifier: MIT */
/* A text as a file of independent zstd frames with a table of them at its end, so that any part of it
 * can be read without what stands before. It is the "Zstandard Seekable Format" 0.1.0 (a skippable
 * frame holds the table), which zstd(1) unpacks as any other file. [job] */
#ifndef STORE_FRAMES_H
#define STORE_FRAMES_H

#include <stdint.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/slice.h"

#define FRAMES_MOST MIB(1) /* of plain text in one; it ends with a whole line, if it has one */

/* --- Reading --------------------------------------------------------------------------------- */

struct frames; /* of one file, with its table and one frame unpacked */

/* Reads the table; borrows the descriptor. E_INVALID: the file has none, or a wrong one. E_INTERNAL,
 * E_MEMORY. */
MUST_CHECK harborai_status frames_open(int fd, struct frames **ret_frames, harborai_error *error);
void frames_close(struct frames *f); /* NULL too; the descriptor stays open */

uint64_t frames_size(const struct frames *f); /* of the plain text */

/* Where in the plain text the frame ends in which `at` stands, which is before its end. */
uint64_t frames_after(const struct frames *f, uint64_t at);

/* Up to `len` bytes of the plain text from `at` on: fewer only where it ends. E_INVALID: the frame is
 * damaged. */
MUST_CHECK harborai_status frames_read(struct frames *f, uint64_t at, char *to, size_t len,
                                       size_t *ret_got, harborai_error *error);

/* --- Writing --------------------------------------------------------------------------------- */

struct frames_writer;

MUST_CHECK harborai_status frames_writer_create(struct frames_writer **ret_writer,
                                                harborai_error *error);
void frames_writer_destroy(struct frames_writer *w); /* NULL too */

/* The packed frame of `text`, of at most FRAMES_MOST bytes; borrowed until the next one. E_MEMORY. */
MUST_CHECK harborai_status frames_writer_add(struct frames_writer *w, harborai_str text,
                                             harborai_str *ret_packed, harborai_error *error);
/* The table of all that were added, which ends the file; likewise. */
MUST_CHECK harborai_status frames_writer_end(struct frames_writer *w, harborai_str *ret_packed,
                                             harborai_error *error);

#endif
