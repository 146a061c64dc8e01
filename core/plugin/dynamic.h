/* SPDX-License-Identifier: MIT */
/* What a shared object asks of the dynamic loader, read before the loader is asked. */
#ifndef PLUGIN_DYNAMIC_H
#define PLUGIN_DYNAMIC_H

#include "plugin/trust.h"

/* Checks the object open as `fd`, whose program headers note_read() took. E_CONFIG: it wants its code
 * changed while it is loaded, or libraries from where others could put some. *ret_warning, owned, may
 * be NULL: it exports more than the host asks for. [job] */
MUST_CHECK harborai_status dynamic_check(struct trust *t, int fd, const char *path,
                                         char **ret_warning, harborai_error *error);

#endif
