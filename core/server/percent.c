/* SPDX-License-Identifier: MIT */
/* Names in a path, as RFC 3986, 2.1 has them written; values of forms, as HTML has them. */
#include "server/percent.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(harborai_str text, char blank, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%') {
            buf_add_char(out, text.data[i] == blank ? ' ' : text.data[i]);
            continue;
        }
        int high = i + 2 < text.len ? digit_of(text.data[i + 1]) : -1;
        int low = high >= 0 ? digit_of(text.data[i + 2]) : -1;
        if (low < 0)
            return false;
        buf_add_char(out, (char)(high << 4 | low));
        i += 2;
    }
    return out->failed == HARBORAI_OK;
}

bool percent_decode(harborai_str text, struct buf *out)
{
    return decode(text, ' ', out);
}

bool percent_decode_form(harborai_str text, struct buf *out)
{
    return decode(text, '+', out);
}
