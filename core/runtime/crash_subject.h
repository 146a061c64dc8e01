/* SPDX-License-Identifier: MIT */
/* Which file a plugin's mark of danger is about. */
#ifndef RUNTIME_CRASH_SUBJECT_H
#define RUNTIME_CRASH_SUBJECT_H

#include "plugin/discover.h"
#include "store/crash_mark.h"

/* The plugin's own file as it was when it was checked; of what is built in the program as it is now, so
 * that another program has another chance, like another file. Borrows. [any] It may look at a file. */
struct crash_subject crash_subject_of(const char *path, const struct manifest *manifest,
                                      const struct file_identity *identity);

#endif
