/* SPDX-License-Identifier: MIT */
/* Looks at one file: whose it is, what it is, and what it says of itself. Loads nothing. */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

#include "base/attr.h"
#include "plugin/discover.h"
#include "plugin/trust.h"

/* Checks the file `name` of `directory`, which was checked already, and reads its manifest. On success
 * file->manifest is a reference, and *ret_fd, owned, is open for reading that very file. On failure
 * file->stage and file->error say what is wrong. In any case file->path, owned, is absolute; it is what
 * it was where the file could not be opened; file->manifest and file->warning are owned, or NULL. A symlink must lead into one of the `directories`. [job] */
MUST_CHECK harborai_status probe_open(struct trust *trust, const char *directory, const char *name,
                                      const char *const *directories, size_t directory_count,
                                      struct plugin_file *file, int *ret_fd);

/* Reads the manifest of a plugin that is built in, from its note. The rest as above; file->path is
 * there already. [any] */
MUST_CHECK harborai_status probe_builtin(const void *note, struct plugin_file *file);

#endif
