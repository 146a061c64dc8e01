/* SPDX-License-Identifier: MIT */
/* Puts a plugin's file into a plugin directory, and takes one away. Everything that discovery checks is
 * checked first; none of the plugin's code runs. Whoever is killed meanwhile leaves the old file or the
 * new one: the copy is made under a name that no plugin has, and renamed. [job] throughout.
 *
 *     AUTO(install) install = INSTALL_INIT;
 *     st = install_open(&install, "acme.so", "/opt/harborai/plugins", &rules, error);
 *     if (st == HARBORAI_OK)
 *         st = install_check(&install, catalog, may_replace, error);    refused, and nothing changed
 *     if (st == HARBORAI_OK)
 *         st = install_lock(&install, error);
 *     …                                                         the catalog anew, and check() again
 *         st = install_copy(&install, error);
 */
#ifndef PLUGIN_INSTALL_H
#define PLUGIN_INSTALL_H

#include "plugin/discover.h"

struct install {
    struct plugin_file file; /* that is to be installed; its manifest tells what it is */
    char *directory;         /* owned; where to */
    char *target;            /* owned; the file there */
    bool replaces;           /* the target is there: written by install_check() */
    struct trust trust;      /* what was said of it */
    int fd, lock;            /* owned; -1 = none */
};

#define INSTALL_INIT {.fd = -1, .lock = -1}

/* Looks at the file. E_NOT_FOUND: it is not there, or cannot be read; E_INVALID: it is not called
 * NAME.so; E_CONFIG, E_UNSUPPORTED: it is no plugin, not to be trusted, or of another ABI. */
MUST_CHECK harborai_status install_open(struct install *install, const char *path,
                                        const char *directory, const struct trust_rules *rules,
                                        harborai_error *error);

/* Whether it may go there, beside what `catalog` has found. With `may_replace` another file of the same
 * plugin gives way. E_CONFIG: the plugin is installed already, another one would hide it, or another
 * plugin has the file's name. */
MUST_CHECK harborai_status install_check(struct install *install,
                                         const struct plugin_catalog *catalog, bool may_replace,
                                         harborai_error *error);

/* Makes the directory, with mode 0700, sees whom it trusts, and keeps others from installing there at
 * the same time. E_CONFIG: others may write there; E_INTERNAL: another process installs, for 5 s. */
MUST_CHECK harborai_status install_lock(struct install *install, harborai_error *error);

/* E_INTERNAL: it cannot be written, or the file changed meanwhile. Then nothing has changed. */
MUST_CHECK harborai_status install_copy(struct install *install, harborai_error *error);

void install_release(struct install *install);

/* Whether a plugin's file may be taken away. E_CONFIG: it is not in the user's directory. */
MUST_CHECK harborai_status install_check_remove(const struct plugin_file *file,
                                                harborai_error *error);
/* Takes it away. E_NOT_FOUND: somebody else did so; E_INTERNAL: it cannot be removed, or another file is in
 * its place now. */
MUST_CHECK harborai_status install_remove(const struct plugin_file *file, harborai_error *error);

#endif
