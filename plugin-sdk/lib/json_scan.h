/* SPDX-License-Identifier: MIT */
/* json_scan: checks JSON (RFC 8259) in one pass over borrowed bytes and notes where the members of
 * the top-level object stand. No allocation, no tree. Values are read with json_value.h.
 *
 * Strict: UTF-8 without overlong forms and surrogates, numbers by the grammar, no control
 * characters in strings, nothing behind the document but blanks. Accepted, because vendors and
 * clients emit them: an escape of half a surrogate pair (read as U+FFFD), numbers of any length,
 * and members that stand twice (json_count() tells; which of them is meant is for the caller to
 * decide).
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_JSON_SCAN_H
#define SDK_JSON_SCAN_H

#include <stdbool.h>
#include <string.h>

#include <harborai/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum { JSON_DEPTH_DEFAULT = 128, JSON_DEPTH_MAX = 512 };

struct json_limits {
    uint32_t depth; /* objects and arrays inside each other; 0 = 128, never more than 512 */
};

enum json_kind {
    JSON_NONE = 0, /* no value there */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_BOOL,
    JSON_NULL
};

/* A member of an object. Everything borrows from the scanned text. */
struct json_member {
    harborai_str key;    /* as written, between the quotes */
    harborai_str value;  /* as written, without the blanks around it */
    harborai_str span;   /* from the key's opening quote to the value's end */
    enum json_kind kind; /* of the value */
    bool key_escaped;    /* the key has escapes: compare it by json_key_equal(), not by its bytes */
    bool may_have_u;     /* the value may have \u escapes; only json_scan_object() knows of none */
};

struct json_fault {
    size_t at;          /* offset of the byte at which the text stops being JSON */
    const char *reason; /* such as "unexpected character": "%s at byte %zu" makes the message */
};

/* Check that `text` is one JSON object and note its members in order. `limits` and `fault` may be
 * NULL. E_INVALID: it is not, or too deep. E_MEMORY: it has more than `capacity` members. */
__attribute__((warn_unused_result)) harborai_status
json_scan_object(harborai_str text, const struct json_limits *limits, struct json_member *members,
                 size_t capacity, size_t *ret_count, struct json_fault *fault);

/* Check that `text` is one JSON value of any kind. `ret_value`, which may be NULL, is the value
 * without the blanks around it. E_INVALID: it is not, or too deep. */
__attribute__((warn_unused_result)) harborai_status json_scan(harborai_str text,
                                                              const struct json_limits *limits,
                                                              harborai_str *ret_value,
                                                              struct json_fault *fault);

/* The JSON value with which `text` begins; what stands behind it is not looked at. Empty: it begins
 * with none, or with a blank, or that is too deep. `limits` may be NULL. */
harborai_str json_scan_first(harborai_str text, const struct json_limits *limits);

/* The first member of that name, NULL = none. `name` is plain text: escaped keys are found too. */
const struct json_member *json_find(const struct json_member *members, size_t count,
                                    harborai_str name);
/* How many members have that name; more than 1: parsers disagree about which one holds. */
size_t json_count(const struct json_member *members, size_t count, harborai_str name);

/* Order of a key as written, with or without escapes, and a name in plain text, by their bytes. */
int json_key_compare(harborai_str key, bool key_escaped, harborai_str name);
static inline bool json_key_equal(const struct json_member *member, harborai_str name)
{
    if (member->key_escaped)
        return json_key_compare(member->key, true, name) == 0;
    return member->key.len == name.len &&
           (name.len == 0 || memcmp(member->key.data, name.data, name.len) == 0);
}

/* Whether `text` is UTF-8 as RFC 3629 has it. */
bool json_is_utf8(harborai_str text);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_JSON_SCAN_H */
