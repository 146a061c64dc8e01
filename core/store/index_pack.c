/* SPDX-License-Identifier: MIT */
/* Ids of our own making as bytes. What is unpacked is what was packed, to the byte. */
#include "store/index_parts.h"

#define HYPHENS ((1u << 8) | (1u << 13) | (1u << 18) | (1u << 23)) /* of a UUID, by their places */

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hyphen(size_t at)
{
    return at < 32 && (HYPHENS >> at & 1) != 0;
}

static bool pack_digits(harborai_str text, bool has_hyphens, unsigned char *bytes)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.data[i]);
        if (has_hyphens && is_hyphen(i)) {
            if (text.data[i] != '-')
                return false;
            continue;
        }
        if (digit < 0)
            return false;
        bytes[digits / 2] = (unsigned char)(bytes[digits / 2] << 4 | digit);
        digits++;
    }
    return true;
}

bool index_pack(enum index_pack kind, harborai_str text, unsigned char bytes[static 16],
                size_t *ret_len)
{
    static const size_t lengths[] = {[INDEX_PACK_UUID] = 36,
                                     [INDEX_PACK_TRACE] = 32,
                                     [INDEX_PACK_SPAN] = 16,
                                     [INDEX_PACK_REQUEST] = 36};
    if (text.len != lengths[kind] ||
        (kind == INDEX_PACK_REQUEST && !slice_starts_with(text, "req_")))
        return false;
    memset(bytes, 0, 16);
    if (!pack_digits(slice_from(text, kind == INDEX_PACK_REQUEST ? 4 : 0),
                     kind == INDEX_PACK_UUID, bytes))
        return false;
    *ret_len = kind == INDEX_PACK_SPAN ? 8 : 16;
    return true;
}

void index_unpack(enum index_pack kind, const unsigned char *bytes, size_t len, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t begin = out->len;
    if (kind == INDEX_PACK_REQUEST)
        buf_add(out, HARBORAI_STR("req_"));
    for (size_t i = 0; i < len; i++) {
        if (kind == INDEX_PACK_UUID && is_hyphen(out->len - begin))
            buf_add_char(out, '-');
        buf_add_char(out, digits[bytes[i] >> 4]);
        buf_add_char(out, digits[bytes[i] & 15]);
    }
}
