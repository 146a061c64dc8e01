/* SPDX-License-Identifier: MIT */
/* The tables behind legacy.h, for legacy.c. Each ends with a NULL name. */
#ifndef CONFIG_LEGACY_TABLE_H
#define CONFIG_LEGACY_TABLE_H

#include "config/legacy.h"

enum legacy_kind {
    LEGACY_NOT_YET, /* no effect yet */
    LEGACY_OBSOLETE /* nor ever */
};

struct legacy_note {
    const char *name; /* or a glob */
    enum legacy_kind kind;
    const char *instead;
};

struct legacy_key {
    const char *section, *key, *answer;
};

extern const struct legacy_alias legacy_aliases[];
extern const struct legacy_vendor legacy_vendors[];
extern const char *const legacy_outside_variables[];
extern const struct legacy_note legacy_notes[];
extern const struct legacy_key legacy_keys[];

#endif
