/* SPDX-License-Identifier: MIT */
/* The environment, injected: tests bring their own, and none of ours calls setenv(). */
#ifndef CONFIG_ENVIRONMENT_H
#define CONFIG_ENVIRONMENT_H

#include "base/attr.h"
#include "base/slice.h"

struct environment {
    /* NULL = not set. Borrowed until the variable changes. */
    const char *(*get)(const struct environment *self, const char *name);
};

/* The process's, by secure_getenv(): a set-uid program sees nothing. [init] or any thread of a
 * process in which nobody calls setenv(). */
extern const struct environment environment_process;

/* Whether `name` could be a variable's: letters, digits and underscores, no digit first, at most
 * 128 bytes. [any] */
bool environment_is_name(harborai_str name);

/* False: it is not set, or `name` is no variable's name. Borrowed as above. */
bool environment_find(const struct environment *environment, harborai_str name,
                      harborai_str *ret_value);

/* The same, but an empty value counts as not set, as it does for all settings of ours. */
bool environment_find_filled(const struct environment *environment, harborai_str name,
                             harborai_str *ret_value);

#endif
