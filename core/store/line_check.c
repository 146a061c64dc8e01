/* SPDX-License-Identifier: MIT */
/* Adds the check of a line and looks at it. Both work on bytes: a reader has to know that a line is
 * whole before it parses it. */
#include "store/line_check.h"

#include "base/crc32c.h"

#define SEQ ",\"seq\":"
#define CRC ",\"crc\":\""
#define DIGITS 8
#define CRC_LEN (sizeof CRC - 1 + DIGITS + sizeof "\"}" - 1)

static void format_crc(char text[static DIGITS], uint32_t crc)
{
    for (int i = 0; i < DIGITS; i++)
        text[i] = "0123456789abcdef"[crc >> (4 * (DIGITS - 1 - i)) & 15];
}

void line_seal_last(struct buf *out, size_t begin, uint64_t seq)
{
    char text[] = CRC "00000000\"}";
    if (out->failed != HARBORAI_OK)
        return;
    out->len--; /* its brace */
    buf_add(out, HARBORAI_STR(SEQ));
    buf_add_u64(out, seq);
    if (out->failed != HARBORAI_OK)
        return;
    format_crc(text + sizeof CRC - 1, crc32c(0, slice_from(buf_slice(out), begin)));
    buf_add(out, (harborai_str){text, CRC_LEN});
}

void line_seal(struct buf *out, harborai_str line, uint64_t seq)
{
    size_t begin = out->len;
    buf_add(out, line);
    line_seal_last(out, begin, seq);
}

/* The digits behind `,"seq":`, with which the checked part of a line ends. */
static bool read_seq(harborai_str checked, uint64_t *ret_seq)
{
    size_t begin = checked.len;
    while (begin > 0 && checked.data[begin - 1] >= '0' && checked.data[begin - 1] <= '9')
        begin--;
    return slice_ends_with(slice_cut(checked, begin), SEQ) &&
           slice_to_u64(slice_from(checked, begin), ret_seq);
}

enum line_check line_verify(harborai_str line, uint64_t *ret_seq)
{
    char want[DIGITS];
    uint64_t seq;
    if (line.len < CRC_LEN)
        return LINE_UNCHECKED;
    harborai_str checked = slice_cut(line, line.len - CRC_LEN);
    const char *tail = line.data + checked.len;
    if (memcmp(tail, CRC, sizeof CRC - 1) != 0 || line.data[line.len - 1] != '}')
        return LINE_UNCHECKED;
    format_crc(want, crc32c(0, checked));
    if (memcmp(tail + sizeof CRC - 1, want, DIGITS) != 0 || line.data[line.len - 2] != '"' ||
        !read_seq(checked, &seq))
        return LINE_DAMAGED;
    *ret_seq = seq;
    return LINE_WHOLE;
}
