/* SPDX-License-Identifier: MIT */
/* What the reader and the writer of the state share. Private to the two. */
#ifndef STORE_PLUGIN_STATE_PARTS_H
#define STORE_PLUGIN_STATE_PARTS_H

#include "base/arena.h"
#include "base/limits.h"
#include "store/plugin_state.h"

#define PLUGIN_STATE_FILE_MAX MIB(1) /* a thousand entries are 100 KiB */

enum {
    PLUGIN_STATE_ENTRIES_MAX = 1024, /* of a kind */
    PLUGIN_STATE_MEMBERS_MAX = 32    /* of the whole: those of versions to come too */
};

struct plugin_state_section {
    struct plugin_state_entry *entries; /* with room for one more; NULL: none */
    size_t count;
};

struct plugin_state {
    struct arena arena; /* owns what follows */
    const char *path;
    struct plugin_state_section sections[PLUGIN_STATE_KINDS];
    harborai_str others[PLUGIN_STATE_MEMBERS_MAX]; /* members that are kept as they stand */
    size_t other_count;
    const struct crash *crashes;
    size_t crash_count;
    struct plugin_state_section removals; /* of plugins */
};

/* "plugins", "providers", "models". */
extern const char *const plugin_state_section_names[PLUGIN_STATE_KINDS];

bool plugin_state_is_name(harborai_str name);
struct plugin_state_entry *plugin_state_entry_find(const struct plugin_state_section *section,
                                                   harborai_str name);

#endif
