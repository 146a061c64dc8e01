/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of the chat room share. */
#ifndef TESTS_FUZZ_CHAT_H
#define TESTS_FUZZ_CHAT_H

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"
#include "json_scan.h"

/* One JSON value, of the strict kind. */
static inline bool is_json(harborai_str text)
{
    const struct json_limits limits = {JSON_DEPTH_MAX};
    return json_scan(text, &limits, NULL, NULL) == HARBORAI_OK;
}

/* What goes into one server-sent event or one line of the journal: JSON without a line end. */
static inline bool is_json_line(harborai_str text)
{
    return is_json(text) && memchr(text.data, '\n', text.len) == NULL &&
           memchr(text.data, '\r', text.len) == NULL;
}

/* Whether `part` is empty or lies within `whole`. */
static inline bool is_within(harborai_str part, harborai_str whole)
{
    return part.len == 0 || (part.data >= whole.data &&
                             part.data + part.len <= whole.data + whole.len);
}

/* The text up to the next line end, taken off `rest`. */
static inline harborai_str cut_line(harborai_str *rest)
{
    const char *at = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
    harborai_str line = {rest->data, len};
    len += at != NULL;
    *rest = (harborai_str){rest->data + len, rest->len - len};
    return line;
}

#endif
