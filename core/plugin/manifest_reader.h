/* SPDX-License-Identifier: MIT */
/* How a manifest is read: for the files that do it, and no others. Every function that fails sets
 * the reader's error, which names the file and `where` in it ("plugin.models[3].name"). Texts are
 * copied into the manifest's arena and end with a NUL that does not count. */
#ifndef PLUGIN_MANIFEST_READER_H
#define PLUGIN_MANIFEST_READER_H

#include "base/attr.h"
#include "plugin/manifest.h"

#define MANIFEST_WARNINGS 64

struct json_member;

struct manifest_reader {
    struct manifest *m; /* filled in */
    const char *path;
    harborai_error *error;
    struct manifest_texts warnings; /* room for MANIFEST_WARNINGS */
};

/* --- manifest_value.c --- */
/* E_CONFIG, E_MEMORY: for `return`. */
PRINTF(3, 4)
harborai_status manifest_fault(struct manifest_reader *r, const char *where, const char *format,
                               ...);
harborai_status manifest_out_of_memory(struct manifest_reader *r);
void manifest_warn_unknown(struct manifest_reader *r, const char *where, harborai_str key);

MUST_CHECK harborai_status manifest_read_text(struct manifest_reader *r, const char *where,
                                              harborai_str value, harborai_str *ret_text);
MUST_CHECK harborai_status manifest_read_bool(struct manifest_reader *r, const char *where,
                                              harborai_str value, bool *ret);
/* An integer that is not negative. */
MUST_CHECK harborai_status manifest_read_count(struct manifest_reader *r, const char *where,
                                               harborai_str value, int64_t *ret);
/* Of http or https; slashes at its end are cut off. */
MUST_CHECK harborai_status manifest_read_url(struct manifest_reader *r, const char *where,
                                             harborai_str value, harborai_str *ret_url);
/* An array of texts, none of them empty. */
MUST_CHECK harborai_status manifest_read_texts(struct manifest_reader *r, const char *where,
                                               harborai_str value, struct manifest_texts *ret);
/* The same of JSON Pointers to members that a request can do without. */
MUST_CHECK harborai_status manifest_read_unsupported(struct manifest_reader *r, const char *where,
                                                     harborai_str value,
                                                     struct manifest_texts *ret);
/* The key in plain text; escaped ones are decoded. */
MUST_CHECK harborai_status manifest_read_key(struct manifest_reader *r,
                                             const struct json_member *member,
                                             harborai_str *ret_key);
size_t manifest_item_count(harborai_str array);
/* `names` ends with NULL. */
bool manifest_is_any_of(harborai_str key, const char *const *names);

/* --- manifest_models.c, manifest_presets.c, manifest_plugin.c --- */
MUST_CHECK harborai_status manifest_read_models(struct manifest_reader *r, const char *where,
                                                harborai_str value);
MUST_CHECK harborai_status manifest_read_presets(struct manifest_reader *r, const char *where,
                                                 harborai_str value);
/* Their options, once the whole manifest is read. */
MUST_CHECK harborai_status manifest_check_presets(struct manifest_reader *r);
MUST_CHECK harborai_status manifest_read_plugin(struct manifest_reader *r, harborai_str plugin);

#endif
