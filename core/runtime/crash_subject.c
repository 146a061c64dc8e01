/* SPDX-License-Identifier: MIT */
/* Which file it is that a process dies with: of what is built in the whole program. */
#include "runtime/crash_subject.h"

#include <sys/stat.h>

#include "plugin/builtin.h"

/* The one that runs, even if another one lies in its place by now. */
#define PROGRAM "/proc/self/exe"

struct crash_subject crash_subject_of(const char *path, const struct manifest *manifest,
                                      const struct file_identity *identity)
{
    struct file_identity own = *identity;
    struct stat status;
    if (builtin_name(path) != NULL) {
        path = PROGRAM;
        if (stat(PROGRAM, &status) == 0)
            own = file_identity_of(&status);
    }
    return (struct crash_subject){slice_of(path), manifest->id, own.inode, own.size,
                                  own.modified_ns};
}
