/* SPDX-License-Identifier: MIT */
/* What tells whole lines of the journal from those that a disk has damaged, and shows that none is
 * missing: the last two members of each line,
 *
 *     {"type":"end",…,"seq":17,"crc":"0a1b2c3d"}
 *
 * `seq` counts the lines of a file from 0, `crc` is the CRC-32C, in eight lower hexadecimal digits,
 * of the line's bytes before `,"crc"`. [any] */
#ifndef STORE_LINE_CHECK_H
#define STORE_LINE_CHECK_H

#include "base/attr.h"
#include "base/buf.h"

/* By so much at most a line grows. */
#define LINE_CHECK_MOST (sizeof ",\"seq\":18446744073709551615,\"crc\":\"01234567\"" - 1)

/* Appends the line, an object with at least one member, with both and without a line end. The
 * buffer's failure is sticky; then a part of it may stand there. */
void line_seal(struct buf *out, harborai_str line, uint64_t seq);

/* The same for the line that stands at the end of `out`, from `begin` on. */
void line_seal_last(struct buf *out, size_t begin, uint64_t seq);

enum line_check {
    LINE_WHOLE,     /* *ret_seq is set */
    LINE_UNCHECKED, /* it has none of the two: of before the first release, or no line of ours */
    LINE_DAMAGED
};

/* Of a line without its line end. A line that lost its very end is LINE_UNCHECKED: in a file whose
 * first line is whole it was damaged. */
enum line_check line_verify(harborai_str line, uint64_t *ret_seq);

#endif
