/* SPDX-License-Identifier: MIT */
/* What the vendor does not get as the application wrote it, for the record and a header: a list as of
 * RFC 9651, "temperature;dropped, thinking;off". */
#include <string.h>

#include "engine/state.h"

enum { CHANGES_MOST = 1024 }; /* bytes of the list: more is no use to anybody */

static const char *const words[] = {
    [HARBORAI_CHANGED_DROPPED] = "dropped",
    [HARBORAI_CHANGED_ADAPTED] = "adapted",
    [HARBORAI_CHANGED_OFF] = "off",
};

/* Whether the list has that item; each once, however often a plugin says it. */
static bool has_item(harborai_str list, harborai_str item)
{
    const char *at = list.data, *end = list.data + list.len;
    while (item.len <= (size_t)(end - at)) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        if (slice_equal((harborai_str){at, (size_t)(stop - at)}, item))
            return true;
        if (comma == NULL)
            return false;
        at = comma + 2;
    }
    return false;
}

harborai_status changes_add(struct call *call, harborai_str path, uint32_t how)
{
    harborai_str *list = &call->record.changed;
    if (path.len < 2 || path.data[0] != '/' || how == 0 || how >= ARRAY_LEN(words))
        return HARBORAI_E_INVALID;
    harborai_str item = arena_printf(&call->arena, "%.*s;%s", SLICE_ARG(slice_from(path, 1)),
                                     words[how]);
    if (item.data == NULL || has_item(*list, item) || list->len + item.len + 2 > CHANGES_MOST)
        return HARBORAI_OK; /* the answer matters more than the word about it */
    harborai_str more = list->len == 0 ? item
                                       : arena_printf(&call->arena, "%.*s, %.*s", SLICE_ARG(*list),
                                                      SLICE_ARG(item));
    if (more.data != NULL)
        *list = more;
    return HARBORAI_OK;
}
