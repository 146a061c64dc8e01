/* SPDX-License-Identifier: MIT */
/* Reads names alone, never a value. */
#include "option_names.h"

#include <stdbool.h>

#include "json_value.h"

/* Once their common begin and end are cut off, at most two characters are left of each. */
static bool is_near(harborai_str a, const char *name)
{
    harborai_str b = {name, strlen(name)};
    size_t i = 0, j = 0;
    while (i < a.len && i < b.len && a.data[i] == b.data[i])
        i++;
    while (j < a.len - i && j < b.len - i && a.data[a.len - 1 - j] == b.data[b.len - 1 - j])
        j++;
    return i + j > 0 && a.len - i - j <= 2 && b.len - i - j <= 2;
}

static harborai_status refuse(harborai_str option, const char *const *names, harborai_error *error)
{
    const char *near = NULL;
    char list[400] = "";
    int cut = option.len < 60 ? (int)option.len : 60;
    size_t len = 0;
    for (size_t i = 0; names[i] != NULL; i++) {
        if (near == NULL && is_near(option, names[i]))
            near = names[i];
        if (len < sizeof list)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len > 0 ? ", " : "",
                                    names[i]);
    }
    if (error != NULL)
        snprintf(error->param, sizeof error->param, "/%.*s", cut, option.data);
    if (near != NULL)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "unknown option '%.*s', did you mean '%s'?", cut, option.data,
                                  near);
    return harborai_error_set(error, HARBORAI_E_CONFIG, "unknown option '%.*s': %s%s", cut,
                              option.data, len > 0 ? "known are " : "this plugin has none", list);
}

harborai_status option_names_check(harborai_str config, const char *const *names,
                                   harborai_error *error)
{
    struct json_cursor cursor = json_open(config);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        size_t i = 0;
        while (names[i] != NULL && !harborai_str_equal(member.key, names[i]))
            i++;
        if (names[i] == NULL && !harborai_str_equal(member.key, "base_url"))
            return refuse(member.key, names, error);
    }
    return HARBORAI_OK;
}
