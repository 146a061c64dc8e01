/* SPDX-License-Identifier: MIT */
/* Plugins that are linked into the program. To everybody but the loader they are files among others:
 * their manifests are read first, and none of their code runs before somebody asks for a model. */
#ifndef PLUGIN_BUILTIN_H
#define PLUGIN_BUILTIN_H

#include <harborai/plugin.h>
#include <string.h>

#include "base/attr.h"
#include "base/slice.h"

/* In the place of a file's directory: no path of a file begins so, for those are absolute. */
#define BUILTIN_DIRECTORY "built-in"

/* What a program has of them. Outlives every catalog and loader that is given it. */
struct builtin_plugins {
    /* The ELF note of the plugin at `index`, and its name, borrowed for ever; NULL: there are no more.
     * The order does not change while the process lives. [any] */
    const void *(*note)(size_t index, harborai_str *ret_name);

    /* Its harborai_plugin_query(). E_INTERNAL: it has none. [job: loader] */
    harborai_status (*find)(const char *name, harborai_plugin_query_fn *ret_query,
                            harborai_error *error);
};

/* Those of this program: what --with-builtin-plugins named; NULL = none. Not of libharborai, where an
 * application's own program would have to hold them. [any] */
const struct builtin_plugins *builtin_of_program(void);

/* "openai" of "built-in/openai"; NULL: the path is a file's. [any] */
static inline const char *builtin_name(const char *path)
{
    const size_t len = sizeof BUILTIN_DIRECTORY "/" - 1;
    return strncmp(path, BUILTIN_DIRECTORY "/", len) == 0 ? path + len : NULL;
}

#endif
