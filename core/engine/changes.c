/* SPDX-License-Identifier: MIT */
/* What the vendor does not get as the application wrote it, for the record and a header: a list as of
 * RFC 9651, "temperature;dropped, thinking;off". What is left out is refused where the operator wants
 * it, and else told to the log once for each provider and member. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "engine/state.h"

enum { CHANGES_MOST = 512 }; /* bytes of the list: more is no use to anybody */

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

void changes_add(struct call *call, harborai_str *list, harborai_str path, uint32_t how)
{
    harborai_str item = arena_printf(&call->arena, "%.*s;%s", SLICE_ARG(slice_from(path, 1)),
                                     words[how]);
    if (item.data == NULL || has_item(*list, item) || list->len + item.len + 2 > CHANGES_MOST)
        return; /* the answer matters more than the word about it */
    harborai_str more = list->len == 0 ? item
                                       : arena_printf(&call->arena, "%.*s, %.*s", SLICE_ARG(*list),
                                                      SLICE_ARG(item));
    if (more.data != NULL)
        *list = more;
}

/* --- What is left out --------------------------------------------------------------------------- */

static harborai_status refuse(const struct call *call, harborai_str path, harborai_error *error)
{
    harborai_error_set(error, HARBORAI_E_INVALID,
                       "'%.*s' is not taken by model '%.*s' of provider '%s', and such requests are "
                       "refused here: leave it out, or have the operator set params to warn or drop",
                       SLICE_ARG(slice_from(path, 1)), SLICE_ARG(call->upstream_model),
                       slot_name(call->slot));
    error_set_code(error, "unsupported_parameter");
    if (error != NULL)
        snprintf(error->param, sizeof error->param, "%.*s", SLICE_ARG(path));
    return HARBORAI_E_INVALID;
}

static void tell(const struct call *call, harborai_str path)
{
    const struct engine_services *s = &call->engine->s;
    uint64_t hash = hash_slice(path, hash_slice(slice_of(slot_name(call->slot)), 0));
    enum log_level level =
        once_is_first(s->dropped, hash) ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG;
    log_write(s->log, level, "params.dropped", "provider='%s' model='%.*s' member='%.*s'",
              slot_name(call->slot), SLICE_ARG(call->upstream_model),
              SLICE_ARG(slice_from(path, 1)));
}

harborai_status changes_drop(struct call *call, harborai_str *list, harborai_str path,
                             harborai_error *error)
{
    enum config_params params = target_of(call->slot)->params;
    if (params == CONFIG_PARAMS_STRICT)
        return refuse(call, path, error);
    if (params == CONFIG_PARAMS_WARN)
        tell(call, path);
    changes_add(call, list, path, HARBORAI_CHANGED_DROPPED);
    return HARBORAI_OK;
}
