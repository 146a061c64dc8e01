/* SPDX-License-Identifier: MIT */
/* What a plugin says of itself, from its note's JSON. Immutable and shared by reference count; all
 * texts are owned by the manifest and NUL-terminated. */
#ifndef PLUGIN_MANIFEST_H
#define PLUGIN_MANIFEST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/slice.h"

#define MANIFEST_SECRETS 8 /* at most */

struct manifest_texts {
    harborai_str *items;
    size_t count;
};

struct manifest_model {
    harborai_str name;
    struct manifest_texts aliases;
    int64_t context, max_output; /* tokens; 0 = not known */
    harborai_str deprecated;     /* a date, or empty */
    struct manifest_texts unsupported; /* as of the manifest, besides its list */
    harborai_str json;           /* the entry as it stands: harborai_request.model_info */
};

struct manifest_secret {
    harborai_str name;        /* "api_key" */
    harborai_str env;         /* the environment variable that holds it, or empty */
    harborai_str description; /* or empty */
    bool required;
    bool readable; /* host->secret() gives it out */
};

/* What `preset: NAME` of a provider stands for. What is not given is as of the plugin itself, but
 * for the key: that of the plugin's own vendor must not get elsewhere. */
struct manifest_preset {
    harborai_str name;
    harborai_str base_url; /* without a slash at its end; or empty: the plugin's */
    harborai_str env;      /* the variable of api_key; or empty: only a file gives one */
    harborai_str homepage; /* or empty */
    harborai_str options;  /* a JSON object of create()'s `config`; or empty */
    harborai_str replay;
    struct manifest_texts models; /* names and patterns in place of the manifest's */
    struct manifest_texts unsupported;
    bool key_required, has_models, has_unsupported, has_replay;
};

struct manifest {
    struct arena arena;
    _Atomic unsigned references;

    uint16_t abi_major, abi_minor, abi_minor_required;
    harborai_str id, version, provider; /* never empty */
    harborai_str name;                  /* for people; the provider's if the plugin gives none */
    harborai_str description, homepage, license;
    harborai_str base_url; /* of the vendor, without a slash at its end; or empty */
    harborai_str request_id_header;
    harborai_str replay; /* the member that the vendor wants back in later turns; or empty */
    harborai_str prices_date; /* "x-prices-date": when its prices were checked; or empty */
    struct manifest_model *models;
    size_t model_count;
    struct manifest_texts patterns;
    struct manifest_texts network;         /* "host" or "host:port" */
    struct manifest_texts request_headers; /* lower case */
    struct manifest_texts capabilities;
    struct manifest_texts operations; /* at least one */
    struct manifest_texts unsupported; /* JSON Pointers to members that requests must not have;
                                          never the model, the messages or the stream */
    struct manifest_secret *secrets;
    size_t secret_count;
    struct manifest_preset *presets; /* each name once */
    size_t preset_count;
    bool dynamic_models;
    harborai_str config_schema; /* of create()'s `config`, good by json_schema_vet(); or empty: there
                                   is nothing to check it against */
    struct manifest_texts warnings; /* one sentence each, without the file */
};

/* Reads `json`, copied. `path` is for messages, which name the member at fault.
 * E_UNSUPPORTED: well-formed, but for another ABI; E_CONFIG: anything else is wrong. [any] */
MUST_CHECK harborai_status manifest_create(harborai_str json, const char *path,
                                           struct manifest **ret_manifest, harborai_error *error);

struct manifest *manifest_ref(struct manifest *m); /* [any] */
void manifest_unref(struct manifest *m);           /* [any] */

/* The entry whose name, or else one of whose aliases, is `name`; NULL = none. [any] */
const struct manifest_model *manifest_model_find(const struct manifest *m, harborai_str name);

const struct manifest_secret *manifest_secret_find(const struct manifest *m, harborai_str name);

/* NULL = none. [any] */
const struct manifest_preset *manifest_preset_find(const struct manifest *m, harborai_str name);

#endif
