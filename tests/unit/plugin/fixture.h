/* SPDX-License-Identifier: MIT */
/* A directory of the test's own with copies of the misbehaving plugins in it. */
#ifndef TESTS_UNIT_PLUGIN_FIXTURE_H
#define TESTS_UNIT_PLUGIN_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include "plugin/discover.h"

struct fixture {
    char directory[64]; /* 0755, empty at first */
};

/* Abort on failure: without it there is no test. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f); /* with everything in it */

/* Path of a file in the directory. Valid until the next call. */
const char *fixture_path(struct fixture *f, const char *name);

/* Copies the built plugin `plugin` ("good") as `name`, by writing anew and renaming. */
void fixture_add(struct fixture *f, const char *plugin, const char *name);
void fixture_write(struct fixture *f, const char *name, const char *bytes, size_t len, mode_t mode);

/* The catalog of that one directory, and the entry of `name` in it, or NULL. */
struct plugin_catalog *fixture_scan(struct fixture *f);
const struct plugin_file *fixture_find(const struct plugin_catalog *catalog, const char *name);

#endif
