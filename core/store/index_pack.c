/* SPDX-License-Identifier: MIT */
/* Ids of our own making as bytes. What is unpacked is what was packed, to the byte. */
#include "store/index_parts.h"

#define HYPHENS ((1u << 8) | (1u << 13) | (1u << 18) | (1u << 23)) /* of a UUID, by their places */

/* Of a lower hexadecimal digit its value and 1; 0: it is none. */
static const unsigned char digit_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool is_hyphen(size_t at)
{
    return at < 32 && (HYPHENS >> at & 1) != 0;
}

/* Hyphens stand between bytes, never inside one. */
static bool pack_digits(harborai_str text, bool has_hyphens, unsigned char *bytes)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        if (has_hyphens && is_hyphen(i) && text.data[i++] != '-')
            return false;
        unsigned high = digit_values[(unsigned char)text.data[i]];
        unsigned low = digit_values[(unsigned char)text.data[i + 1]];
        if (high == 0 || low == 0)
            return false;
        *bytes++ = (unsigned char)((high - 1) << 4 | (low - 1));
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
