/* SPDX-License-Identifier: MIT */
/* Which files a configuration comes from, and reading them. [any] */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include <sys/stat.h>

#include "base/arena.h"
#include "base/buf.h"
#include "config/environment.h"

struct config_sources;

enum files_kind { FILES_ENV, FILES_USER, FILES_SYSTEM, FILES_COUNT };

struct files_entry {
    harborai_str name;  /* a NUL behind it; empty: there is nowhere to look */
    const char *origin; /* " that HARBORAI_CONFIG names", or "" */
    bool is_required;   /* somebody named it: it must be there */
};

/* The .env file: $HARBORAI_ENV_FILE, else .env in the working directory; none with elevated
 * privileges. The user's file: the one that `sources` names, else $HARBORAI_CONFIG, else
 * ${XDG_CONFIG_HOME:-~/.config}/harborai/config.yaml. The system's, unless the user's file was
 * named: $HARBORAI_SYSTEM_CONFIG, else /etc/harborai/config.yaml below configure's --sysconfdir. */
MUST_CHECK harborai_status files_find(const struct config_sources *sources,
                                      const struct environment *environment, struct arena *arena,
                                      struct files_entry ret_entries[static FILES_COUNT],
                                      harborai_error *error);

/* "user's file", for messages. */
const char *files_kind_name(enum files_kind kind);

/* Adds the file to `text`, at most a little more than `most` bytes. 0, or an errno; ENOMEM also
 * where `text` has no room. What must be a regular file and is none gives EISDIR or EINVAL,
 * without a wait for whoever holds its other end. */
int files_read(const char *name, size_t most, struct buf *text, struct stat *ret_stat);
int files_read_regular(const char *name, size_t most, struct buf *text, struct stat *ret_stat);
#define FILES_SLACK ((size_t)8 << 10) /* what `text` needs beyond `most` */

/* Whether nobody but root and the user of this process could have written it. */
bool files_is_own(const struct stat *about);

/* The folder of a file with its '/', or nothing. Borrowed. */
harborai_str files_folder(const char *name);

#endif
