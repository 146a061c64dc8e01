/* SPDX-License-Identifier: MIT */
/* Finds plugins: walks the plugin directories, checks whom each file trusts and reads its manifest.
 * No file is loaded. The result is immutable; a new scan makes a new one. */
#ifndef PLUGIN_DISCOVER_H
#define PLUGIN_DISCOVER_H

#include "base/attr.h"
#include "plugin/builtin.h"
#include "plugin/manifest.h"
#include "plugin/stage.h"
#include "plugin/trust.h"

enum plugin_origin {
    PLUGIN_ORIGIN_EXPLICIT,    /* --plugin FILE */
    PLUGIN_ORIGIN_ENVIRONMENT, /* HARBORAI_PLUGIN_PATH */
    PLUGIN_ORIGIN_CONFIGURATION,
    PLUGIN_ORIGIN_USER, /* ~/.local/lib/harborai/plugins */
    PLUGIN_ORIGIN_SYSTEM,
    PLUGIN_ORIGIN_BUILT_IN /* no file: part of the program */
};

enum plugin_file_state {
    PLUGIN_FILE_KNOWN,   /* can be loaded */
    PLUGIN_FILE_REFUSED, /* `error` says why and what helps */
    PLUGIN_FILE_SHADOWED /* a file before it has the same id, or serves the same provider where one
                            plugin a provider is used; `error` names it */
};

struct plugin_file {
    char *path;          /* owned; absolute; of what would be loaded, symlinks followed; or, of what
                            is built in, "built-in/NAME" */
    const char *directory; /* of the catalog; where it was found; or "built-in" */
    enum plugin_origin origin;
    enum plugin_file_state state;
    struct file_identity identity; /* all 0 if it could not be opened; of what is built in its own, on
                                      device 0, which no file is on */
    struct manifest *manifest;     /* owned reference; NULL if it was not read */
    enum plugin_stage stage;       /* where it was refused */
    harborai_error error;          /* code 0 when known */
    char *warning;                 /* owned; a whole sentence about the file, or NULL */
    bool is_rival;                 /* shadowed by another plugin, not by another file of its own */
};

struct plugin_directory {
    char *path; /* owned; absolute, or as given if it could not be resolved */
    enum plugin_origin origin; /* EXPLICIT: only what was named is looked at in it */
    harborai_error error; /* code 0, or why nothing of it, or not all, is used */
};

struct plugin_catalog {
    struct plugin_directory *directories; /* in the order of the search */
    size_t directory_count;
    harborai_error lock_error; /* why plugins.lock cannot be relied on: then every file is refused for it */
    struct plugin_file *files; /* in the order of the search, by name in a directory; then what is
                                  built in */
    size_t file_count;
};

struct discover_options {
    const harborai_str *files; /* before all that is found in directories, */
    size_t file_count;         /* and not necessarily in one of them */
    const char *environment;          /* as HARBORAI_PLUGIN_PATH: "/a:/b"; NULL = none */
    const harborai_str *configuration; /* directories of `plugin_path` */
    size_t configuration_count;
    const char *user;   /* directories that need not exist; NULL = none */
    const char *system;
    struct trust_rules trust;
    const struct builtin_plugins *builtin; /* borrowed; NULL = none */
    bool one_a_provider; /* no file chooses between plugins: the first of a provider wins */
};

/* Of its providers, where the operator gives none: what he named comes before what is installed. */
int64_t plugin_origin_priority(enum plugin_origin origin);

/* HARBORAI_PLUGIN_PATH; NULL if it is not set, or not to be heeded because this process has rights
 * that its caller has not (AT_SECURE). [init] */
const char *discover_environment(void);

/* ~/.local/lib/harborai/plugins of $HOME, where `harborai plugin install` puts plugins; owned. NULL: there
 * is no home directory, it is not to be heeded for the same reason, or no memory is left. [init] */
char *discover_user_directory(void);

/* What cannot be used is in the catalog with its reason. E_CONFIG: an element of the environment's
 * path or of the configuration's is empty, or a group is none. Relative directories are taken from
 * the working directory. [job] */
MUST_CHECK harborai_status plugin_catalog_create(const struct discover_options *options,
                                                 struct plugin_catalog **ret_catalog,
                                                 harborai_error *error);
void plugin_catalog_destroy(struct plugin_catalog *catalog);

/* The known file whose plugin has that id, or else that provider name ("plugin: openai"); NULL =
 * none. [any] */
const struct plugin_file *plugin_catalog_find(const struct plugin_catalog *catalog,
                                              harborai_str name);

#endif
