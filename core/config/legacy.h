/* SPDX-License-Identifier: MIT */
/* Names that are not ours and that people bring along: variables of HarborAI's Python forebears and
 * of LiteLLM, sections of their files. One place says of each what it means here. [any] */
#ifndef CONFIG_LEGACY_H
#define CONFIG_LEGACY_H

#include "config/config.h"
#include "config/environment.h"

/* ---- Variables that give a setting under another name -------------------------------------- */

struct legacy_alias {
    const char *name, *setting;
};

size_t legacy_alias_count(void);
const struct legacy_alias *legacy_alias_at(size_t index);

/* Whether it is meant for us: names without HARBORAI_ are anybody's, and count in a .env file
 * only. */
bool legacy_alias_counts(const struct config *config, const struct legacy_alias *alias);

/* ---- Vendors whose address a variable can give --------------------------------------------- */

struct legacy_vendor {
    const char *provider, *base_url; /* "openai", "OPENAI_BASE_URL" */
    const char *keys[3];             /* variables that hold its key, the vendor's own name of it first */
};

size_t legacy_vendor_count(void);
const char *legacy_vendor_name(size_t index);

/* By the provider's name; NULL if its address has no variable. */
const struct legacy_vendor *legacy_vendor_find(harborai_str provider);

/* The first of the variables that is set and not empty: `variable`, then others that hold a key of the
 * same vendor. The name is a C string, and borrowed as `variable` is, or static. */
bool legacy_key_find(const struct environment *environment, harborai_str variable,
                     harborai_str *ret_variable, harborai_str *ret_value);

/* Whether one of its keys is set, but not by the .env file. */
bool legacy_vendor_key_is_outside(const struct config *config, const struct legacy_vendor *vendor);

/* ---- Whose to say -------------------------------------------------------------------------- */

/* Whether a .env file, which is the folder's, does not set the variable. */
bool legacy_is_outside_only(harborai_str name);

/* ---- What has no effect -------------------------------------------------------------------- */

/* Tells of each variable of the .env file and of `variables` ("NAME=value", then NULL; NULL =
 * none) that seems to be meant for us and has no effect, and what to use instead. Of `variables`
 * only HARBORAI_* are looked at. A vendor's variable that `texts`, the configuration's files,
 * speak of has an effect. */
void legacy_warn(const struct config *config, const char *const *variables,
                 const harborai_str texts[static FILES_COUNT], struct config_faults *warnings);

/* Tells of the keys and the address of a vendor in the .env file, if no plugin of that name is
 * installed and no provider of the configuration uses them. */
void legacy_warn_of_vendor(const struct config *config, const struct legacy_vendor *vendor,
                           struct config_faults *warnings);

/* What a key of a foreign configuration is called here, as a way out for a message; NULL: unknown.
 * `section` is a path as in the table of settings. */
const char *legacy_key_answer(harborai_str section, harborai_str key);

#endif
