/* SPDX-License-Identifier: MIT */
/* Forms of the names that a manifest and a configuration hold. Pure. */
#include "plugin/grammar.h"

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool grammar_has_only(harborai_str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_lower_or_digit(text.data[i]) && strchr(others, text.data[i]) == NULL)
            return false;
    return true;
}

/* Digits without a leading zero, from *at on. */
static bool skip_number(harborai_str text, size_t *at)
{
    size_t start = *at;
    while (*at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9')
        ++*at;
    return *at > start && (*at == start + 1 || text.data[start] != '0');
}

/* Dot-separated identifiers of [0-9A-Za-z-], none of them empty. */
static bool skip_identifiers(harborai_str text, size_t *at)
{
    for (;; ++*at) {
        size_t start = *at;
        while (*at < text.len && (is_lower_or_digit(text.data[*at]) || text.data[*at] == '-' ||
                                  (text.data[*at] >= 'A' && text.data[*at] <= 'Z')))
            ++*at;
        if (*at == start)
            return false;
        if (*at == text.len || text.data[*at] != '.')
            return true;
    }
}

/* SemVer 2.0: 1.2.3, then -pre.release and +build. */
bool grammar_is_version(harborai_str text)
{
    size_t at = 0;
    for (int part = 0; part < 3; part++) {
        if (part > 0 && (at >= text.len || text.data[at++] != '.'))
            return false;
        if (!skip_number(text, &at))
            return false;
    }
    for (const char *mark = "-+"; *mark != '\0'; mark++)
        if (at < text.len && text.data[at] == *mark) {
            at++;
            if (!skip_identifiers(text, &at))
                return false;
        }
    return at == text.len && text.len <= 64;
}

/* A model's name or pattern: no blanks at its ends, no control characters. */
bool grammar_is_provider_name(harborai_str text)
{
    return text.len > 0 && text.len <= 32 && grammar_has_only(text, "-");
}

bool grammar_is_model_name(harborai_str text)
{
    if (text.len == 0 || text.len > GRAMMAR_MODEL_NAME_MAX || slice_trim(text).len != text.len)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    return true;
}
