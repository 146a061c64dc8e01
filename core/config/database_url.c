/* SPDX-License-Identifier: MIT */
/* Where what may be a password stands: in doubt it is one. */
#include "config/database_url.h"

#include <string.h>

static size_t scheme_len(harborai_str text)
{
    for (size_t i = 0; i + 3 <= text.len; i++)
        if (memcmp(text.data + i, "://", 3) == 0)
            return i + 3;
    return 0;
}

/* Behind the last '@', for a password may have one too; 0: there is none. */
static size_t place_begin(harborai_str text)
{
    for (size_t i = text.len; i > 0; i--)
        if (text.data[i - 1] == '@')
            return i;
    return 0;
}

struct database_url database_url_split(harborai_str text)
{
    struct database_url url = {0};
    harborai_str rest = text;
    url.has_parameters = slice_split(text, '?', &rest, &url.parameters);
    url.scheme = slice_cut(rest, scheme_len(rest));
    rest = slice_from(rest, url.scheme.len);
    size_t place = place_begin(rest);
    url.place = slice_from(rest, place);
    if (place == 0)
        return url;
    url.has_user = true;
    url.user = slice_cut(rest, place - 1);
    url.has_password = slice_split(url.user, ':', &url.user, &url.password);
    return url;
}

bool database_url_next_password(harborai_str *rest, harborai_str *ret_value)
{
    while (rest->len > 0) {
        harborai_str one = *rest, name;
        if (!slice_split(*rest, '&', &one, rest))
            *rest = SLICE_NONE;
        if (slice_split(one, '=', &name, ret_value) && slice_ends_with(name, "password"))
            return true;
    }
    return false;
}
