/* SPDX-License-Identifier: MIT */
/* The one table of settings. Checks, hints, --help and the reference in doc/ come from it: a
 * setting that is not here does not exist. [any] */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/buf.h"
#include "base/slice.h"

enum setting_type {
    SETTING_TEXT,
    SETTING_NUMBER,
    SETTING_SIZE,     /* int64_t, bytes */
    SETTING_DURATION, /* int64_t, ms */
    SETTING_LEVEL,    /* enum log_level */
    SETTING_PARAMS,   /* enum config_params */
    SETTING_LEAVE,    /* enum config_leave */
    SETTING_FAILURE,  /* enum config_on_failure */
    SETTING_DURABILITY, /* enum config_durability */
    SETTING_CONTENT,  /* enum config_content */
    SETTING_SWITCH,   /* bool */
    SETTING_TRUST,    /* enum config_trust */
    SETTING_PATH,     /* a file or directory; "~/" and, in a file, what is relative are resolved */
    SETTING_PATHS,    /* a list of them */
    SETTING_NAMES,    /* a list of names and globs */
    SETTING_WHICH,    /* a list of names; "all" as its only one: whichever there are */
    SETTING_PLUGIN,   /* a plugin's name or id */
    SETTING_PRESET,   /* a preset's name */
    SETTING_URL,      /* http or https */
    SETTING_SECRET,       /* of a provider */
    SETTING_PASSWORD,     /* struct config_secret */
    SETTING_DATABASE_URL, /* struct config_secret: "postgresql://…" */
    SETTING_SSLMODE,      /* enum config_sslmode */
    SETTING_MIGRATE,      /* enum config_migrate */
    SETTING_LOGS,         /* enum config_logs */
    SETTING_AUTH,         /* enum config_auth */
    SETTING_HALF_CLOSE,   /* enum config_half_close */
    SETTING_ORIGINS,      /* a list of origins of web pages, or "*" */
    SETTING_ACCESS,       /* enum config_access */
    SETTING_TLS_VERSION,  /* enum config_tls_version */
    SETTING_OBJECT, /* a mapping that goes to the plugin as JSON */
    SETTING_TARGET  /* provider/model */
};

struct setting {
    const char *path; /* '*' stands for a name that the operator chose */
    enum setting_type type;
    const char *fallback;  /* the default as one would write it; NULL = `otherwise` in words */
    const char *otherwise; /* NULL = no default */
    int64_t least, most;   /* of NUMBER, SIZE, DURATION; of texts `most` is a length in bytes */
    const char *variable;  /* of the environment; NULL = none */
    const char *flag;      /* "--port"; NULL = none */
    size_t offset; /* of the field in struct config, or in struct config_provider where the path
                      begins with "providers.*." */
    const char *help;
};

/* The words of a type that is a choice, by the value of its enum; NULL behind the last. NULL: the
 * type is no such. */
const char *const *settings_words(enum setting_type type);

/* Whether values of the type appear in no message. */
bool settings_is_secret(enum setting_type type);

extern const struct setting settings[];
extern const size_t settings_count;

#define SETTINGS_PROVIDER "providers.*"

/* By its whole path, as in the table; NULL if there is none. */
const struct setting *settings_find(harborai_str path);

/* One step down from `section` ("" = the top) by a key of a file. *ret_setting is set for a
 * setting, NULL for a section; *ret_path is its path in the table. False: no such key. */
bool settings_step(harborai_str section, harborai_str key, const struct setting **ret_setting,
                   harborai_str *ret_path);

/* The index-th key right below `section`, in the order of the table; "*" where the operator
 * chooses. False: there are no more. */
bool settings_key_at(harborai_str section, size_t index, harborai_str *ret_key);

/* Adds the way out for an unknown key: ", did you mean 'models'?" or what the section takes. */
void settings_add_hint(harborai_str section, harborai_str key, struct buf *out);

/* "a duration from 1ms to 24h" */
void settings_describe_type(const struct setting *setting, struct buf *out);

/* The table of doc/configuration.md, in Markdown. */
void settings_describe(struct buf *out);

#endif
