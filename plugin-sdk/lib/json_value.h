/* SPDX-License-Identifier: MIT */
/* json_value: walks and reads JSON that json_scan has checked. Values are borrowed slices of the
 * text, without the blanks around them. On text that was not checked the results mean nothing, but
 * no byte outside it is read.
 *
 *     struct json_cursor cursor = json_open(value);
 *     while (json_object_next(&cursor, &member)) …
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_JSON_VALUE_H
#define SDK_JSON_VALUE_H

#include "json_scan.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

struct json_cursor { /* private */
    const char *at, *end;
};
extern const unsigned char json_kinds[256]; /* private: 0 = JSON_NUMBER, which the rest begins */

/* The kind of a value, from its first byte. */
static inline enum json_kind json_kind(harborai_str value)
{
    if (value.len == 0)
        return JSON_NONE;
    return (enum json_kind)(json_kinds[(unsigned char)value.data[0]] ^ JSON_NUMBER);
}

/* A cursor before the first member or item. A value that is neither object nor array has none. */
struct json_cursor json_open(harborai_str value);
/* The next member of an object; false = no more. */
bool json_object_next(struct json_cursor *cursor, struct json_member *ret_member);
/* The next item of an array; false = no more. */
bool json_array_next(struct json_cursor *cursor, harborai_str *ret_item);
/* Whether the cursor has no member or item before it. */
bool json_at_end(struct json_cursor *cursor);

/* To read what is inside a value without a look for its end first: json_object_key() is the first half
 * of json_object_next(), to the value, of which kind and end are not known yet; then json_value_enter()
 * if it, or an item of an array, is an object (false: it is not), and, when json_object_next() has no
 * more of that, json_value_leave(), which tells all of it; or else json_object_value(), the other half.
 *
 *     while (json_object_key(&cursor, &member))
 *         if (… && json_value_enter(&cursor, &inside)) {
 *             while (json_object_next(&inside, &inner)) …
 *             value = json_value_leave(&cursor, &inside);
 *         } else if (json_object_value(&cursor, &member)) … */
bool json_object_key(struct json_cursor *cursor, struct json_member *ret_member);
bool json_object_value(struct json_cursor *cursor, struct json_member *member);
bool json_value_enter(struct json_cursor *cursor, struct json_cursor *ret_inside);
harborai_str json_value_leave(struct json_cursor *cursor, const struct json_cursor *inside);

/* The member of that name of an object, the first if it stands twice; empty = none. */
harborai_str json_member(harborai_str object, harborai_str name);
/* The value that a JSON Pointer (RFC 6901) names, such as "/choices/0/delta"; "" is the whole text.
 * Empty = none. Of members that stand twice the first is meant. */
harborai_str json_pointer_find(harborai_str text, harborai_str pointer);
/* Take the next token off a pointer, decoded; `buffer` is used if it holds "~0" or "~1". False: the
 * pointer is empty, does not begin with '/', or has a '~' before anything else. */
bool json_pointer_next(harborai_str *pointer, char *buffer, size_t capacity,
                       harborai_str *ret_token);

/* The text of a string that has no escapes, borrowed; false = it has, or it is not a string. */
bool json_string_plain(harborai_str value, harborai_str *ret_text);
/* The text of a string: borrowed if it has no escapes, else decoded into `buffer`, which never
 * needs more than value.len bytes. Half a surrogate pair becomes U+FFFD. E_INVALID: it is not a
 * string. E_MEMORY: `capacity` is too small. */
__attribute__((warn_unused_result)) harborai_status
json_string(harborai_str value, char *buffer, size_t capacity, harborai_str *ret_text);
/* Whether the value is a string with this text. */
bool json_string_equal(harborai_str value, harborai_str text);

/* An integer, exactly. 1.0 and 1e3 are integers too, 1.5 is not. False: not one, or out of range.
 */
bool json_int64(harborai_str value, int64_t *ret_number);
bool json_boolean(harborai_str value, bool *ret_bool);
/* Whether the value is null. A value that is absent is not. */
bool json_is_null(harborai_str value);

/* Decode one character of a string's inside, or a run of one byte: what it stands for goes to
 * `text`, its length (1 to 4) is returned, *p moves on. *p must be before `end`. */
size_t json_decode_next(const char **p, const char *end, char text[4]);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_JSON_VALUE_H */
