/* SPDX-License-Identifier: MIT */
/* Tells characters by their bytes. Knows no locale. */
#include "config/character.h"

#include "base/attr.h"

size_t character_len(harborai_str text, size_t at)
{
    static const struct form {
        unsigned char first, last, second_first, second_last;
        size_t len;
    } forms[] = {
        {0x20, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *c = (const unsigned char *)text.data + at;
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        const struct form *f = &forms[i];
        if (c[0] < f->first || c[0] > f->last)
            continue;
        if (f->len > text.len - at ||
            (f->len > 1 && (c[1] < f->second_first || c[1] > f->second_last)))
            return 0;
        for (size_t j = 2; j < f->len; j++)
            if ((c[j] & 0xc0) != 0x80)
                return 0;
        return f->len;
    }
    return 0;
}

bool character_is_control(harborai_str text, size_t at)
{
    const unsigned char *c = (const unsigned char *)text.data + at;
    return c[0] < 0x20 || c[0] == 0x7f ||
           (c[0] == 0xc2 && text.len - at > 1 && c[1] >= 0x80 && c[1] < 0xa0);
}
