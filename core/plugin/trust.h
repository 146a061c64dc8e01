/* SPDX-License-Identifier: MIT */
/* Who could have put code into a file: only root and the user himself may be able to, in the file
 * and in every directory above it. The check is made on the opened file, and what is loaded later
 * is compared with what was checked here. [job] throughout. */
#ifndef PLUGIN_TRUST_H
#define PLUGIN_TRUST_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/slice.h"
#include "config/config.h"

#define TRUST_GROUPS 16 /* at most, of those that the operator trusts */

struct trust {
    uid_t user;
    bool is_off;
    gid_t private_group; /* may write, */
    bool has_private_group; /* … if it has no member but the user (umask 002) */
    gid_t groups[TRUST_GROUPS]; /* may write, for the operator says so */
    size_t group_count;
    struct plugin_lock *lock; /* owned; NULL = none */
    bool require_lock;
    harborai_error lock_error; /* why it cannot be relied on: then no plugin may be any file */
    bool knows_groups; /* the data base was asked, which takes its time: not before a group may write */
};

/* What the operator says of it. Borrows. */
struct trust_rules {
    bool is_off;                /* `plugin_trust: off`: owners and modes are not looked at */
    const harborai_str *groups; /* `plugin_trusted_groups`, names or numbers: */
    size_t group_count;         /* files that these may write to are taken */
    harborai_str lock;          /* the path of plugins.lock; empty = none */
    bool require_lock;          /* what it does not list is refused */
};

struct trust_rules trust_rules_of(const struct config *config);

/* For this process's user. `rules`: NULL = none. E_CONFIG: there is no group of a name, or there are
 * too many. That plugins.lock is broken, or others may write to it, is a matter of each plugin's. */
MUST_CHECK harborai_status trust_init(struct trust *t, const struct trust_rules *rules,
                                      harborai_error *error);
void trust_release(struct trust *t); /* also after a failure */

/* What a file was when it was checked. Any change of its bytes, owner or mode changes it. */
struct file_identity {
    uint64_t device, inode;
    int64_t size, modified_ns, changed_ns;
};

struct file_identity file_identity_of(const struct stat *status);
bool file_identity_equal(const struct file_identity *a, const struct file_identity *b);

/* One file or directory. `path` is for the message, which names the command that helps.
 * E_CONFIG: its owner is neither root nor the user, or others may write to it. */
MUST_CHECK harborai_status trust_check(struct trust *t, const struct stat *status,
                                       const char *path, harborai_error *error);

/* `path`, absolute and without symlinks, and every directory above it. */
MUST_CHECK harborai_status trust_check_directory(struct trust *t, const char *path,
                                                 harborai_error *error);

/* The same of a directory by any path, without an operator's rules: nobody else may put a file of his own
 * there. E_CONFIG; one that cannot be found, too. */
MUST_CHECK harborai_status trust_check_place(const char *path, harborai_error *error);

/* A checked file, open for reading. */
struct trusted_file {
    int fd;     /* owned */
    char *path; /* owned; absolute, without symlinks */
    struct file_identity identity;
};

/* Opens and checks the regular file `name` in `directory`, which was checked already. A symlink is
 * followed if root or the user made it and its target lies in one of the `directories`. */
MUST_CHECK harborai_status trust_open(struct trust *t, const char *directory,
                                      const char *name, const char *const *directories,
                                      size_t directory_count, struct trusted_file *ret_file,
                                      harborai_error *error);

/* Whether plugins.lock lets the plugin of that id be the file that is open as `fd`. E_CONFIG: it lists
 * another digest, or none where one is required, or cannot be relied on; the message tells which command lists it. */
MUST_CHECK harborai_status trust_check_lock(const struct trust *t, int fd, const char *path,
                                            harborai_str id, harborai_error *error);
void trusted_file_release(struct trusted_file *file);

#endif
