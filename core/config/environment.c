/* SPDX-License-Identifier: MIT */
/* Looks up variables by borrowed text. Never changes the environment. */
#include "config/environment.h"

#include <stdlib.h>

#define NAME_MAX_LEN 128

static const char *process_get(const struct environment *self UNUSED, const char *name)
{
    return secure_getenv(name);
}

const struct environment environment_process = {process_get};

static bool is_name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

bool environment_is_name(harborai_str name)
{
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_char(name.data[i], i == 0))
            return false;
    return true;
}

bool environment_find(const struct environment *environment, harborai_str name,
                      harborai_str *ret_value)
{
    char text[NAME_MAX_LEN + 1];
    if (!environment_is_name(name))
        return false;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    const char *value = environment->get(environment, text);
    if (value == NULL)
        return false;
    *ret_value = slice_of(value);
    return true;
}

bool environment_find_filled(const struct environment *environment, harborai_str name,
                             harborai_str *ret_value)
{
    harborai_str value;
    if (!environment_find(environment, name, &value) || value.len == 0)
        return false;
    *ret_value = value;
    return true;
}
