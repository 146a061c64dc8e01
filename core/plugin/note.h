/* SPDX-License-Identifier: MIT */
/* The manifest of a plugin, read from its ELF note without loading the object: nothing is mapped
 * and none of its code runs. */
#ifndef PLUGIN_NOTE_H
#define PLUGIN_NOTE_H

#include "base/attr.h"
#include "base/slice.h"

/* Reads the manifest's JSON text from the shared object behind `fd`, which stays the caller's.
 * `path` is for messages. *ret_json is owned (free()) and NUL-terminated; it is not checked to be
 * JSON, and ends at the first NUL.
 * E_CONFIG: not an ELF file, for another machine, no shared object, wants an executable stack, no
 * note, more than one, or one that is larger than LIMIT_MANIFEST. [job] It reads a file. */
MUST_CHECK harborai_status note_read(int fd, const char *path, char **ret_json,
                                     harborai_error *error);

/* The same of a note that stands at `note` in this process: a plugin's that is built in. E_CONFIG: it is
 * no note of ours, or too large. [any] */
MUST_CHECK harborai_status note_copy(const void *note, const char *path, char **ret_json,
                                     harborai_error *error);

#endif
