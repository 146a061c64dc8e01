/* SPDX-License-Identifier: MIT */
/* What the operator switched off, in the words of the errors that callers get. [keeper] */
#include <stdlib.h>

#include "base/arena.h"
#include "runtime/state.h"
#include "wire/shell.h"

/* "by 'harborai plugin disable' since 2026-11-22T10:00:00Z, in /…/plugins.json: 'harborai plugin
 * enable acme' enables it" */
static harborai_str explain(struct arena *arena, const struct plugin_state *state,
                            const struct plugin_state_entry *entry, harborai_str name)
{
    if (entry->is_removal)
        return arena_printf(arena, "by '%.*s' since %.*s: 'harborai plugin install' brings it back",
                            SLICE_ARG(entry->by), SLICE_ARG(entry->since));
    struct shell_word word;
    bool has_by = entry->by.len > 0, has_since = entry->since.len > 0;
    return arena_printf(arena, "%s%.*s%s%s%s%.*s%sin %s: 'harborai plugin enable %s' enables it",
                        has_by ? "by '" : "", SLICE_ARG(entry->by), has_by ? "'" : "",
                        has_by && has_since ? " " : "", has_since ? "since " : "",
                        SLICE_ARG(entry->since), has_by || has_since ? ", " : "",
                        plugin_state_path(state), shell_word(name, &word));
}

/* Who and since when stand first in all of these, if it is known, and then where or the way out. A text
 * in the file that holds one of the marks is cut short by it: that says less, and never more. */
harborai_str switch_told(harborai_str why)
{
    static const char *const marks[] = {", in ", ": '"};
    if (!slice_starts_with(why, "by '") && !slice_starts_with(why, "since "))
        return SLICE_NONE;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        const char *mark = memmem(why.data, why.len, marks[i], strlen(marks[i]));
        if (mark != NULL)
            why.len = (size_t)(mark - why.data);
    }
    return why;
}

static harborai_str explain_setting(struct arena *arena, const struct config *config,
                                    harborai_str pattern)
{
    harborai_str file = config->file.len > 0 ? config->file : HARBORAI_STR("the configuration");
    return arena_printf(arena, "by '%.*s' in disabled_models of %.*s: take that out",
                        SLICE_ARG(pattern), SLICE_ARG(file));
}

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* "since 2026-11-22T10:00:00Z, when a process died in its plugin (create): …" */
static harborai_str explain_crash(struct arena *arena, const struct crash *crash)
{
    return arena_printf(arena, "since %s, when a process died in its plugin (%s): 'harborai plugin "
                        "enable %s' has it tried again", crash->since.data, crash->stage.data,
                        crash->subject.id.data);
}

harborai_status switch_explain(const struct runtime *runtime, const struct provider *provider,
                               char **ret_why, harborai_error *error)
{
    const struct plugin_state *state = runtime->switches;
    harborai_str name = provider->manifest->id, why = HARBORAI_STR("");
    struct arena arena;
    const struct crash *crash =
        crash_find(runtime, provider->path, provider->manifest, &provider->identity);
    const struct plugin_state_entry *entry = plugin_state_disabled(state, PLUGIN_STATE_PLUGIN, name);
    if (entry == NULL) {
        name = provider->name;
        entry = plugin_state_disabled(state, PLUGIN_STATE_PROVIDER, name);
    }
    arena_init(&arena, KIB(64));
    if (entry != NULL)
        why = explain(&arena, state, entry, name);
    else if (crash != NULL)
        why = explain_crash(&arena, crash);
    char *copy = why.data != NULL ? slice_dup(why) : NULL;
    arena_release(&arena);
    if (copy == NULL)
        return out_of_memory(error);
    *ret_why = copy;
    return HARBORAI_OK;
}

harborai_status switch_list_models(const struct runtime *runtime, const struct config *config,
                                   struct arena *arena, const struct model_map_off **ret_off,
                                   size_t *ret_count, harborai_error *error)
{
    size_t entries, count = 0;
    const struct plugin_state_entry *all =
        plugin_state_list(runtime->switches, PLUGIN_STATE_MODEL, &entries);
    struct model_map_off *off =
        arena_alloc(arena, (entries + config->disabled_models.count + 1) * sizeof *off);
    if (off == NULL)
        return out_of_memory(error);
    for (size_t i = 0; i < config->disabled_models.count; i++) {
        off[count].pattern = config->disabled_models.items[i];
        off[count].why = explain_setting(arena, config, off[count].pattern);
        off[count].why_told = arena_printf(arena, "by '%.*s' in disabled_models of the configuration",
                                           SLICE_ARG(off[count].pattern));
        if (off[count].why.data == NULL || off[count].why_told.data == NULL)
            return out_of_memory(error);
        count++;
    }
    for (size_t i = 0; i < entries; i++) {
        if (all[i].enabled)
            continue;
        off[count].pattern = all[i].name;
        off[count].why = explain(arena, runtime->switches, &all[i], all[i].name);
        if (off[count].why.data == NULL)
            return out_of_memory(error);
        off[count].why_told = switch_told(off[count].why);
        count++;
    }
    *ret_off = off;
    *ret_count = count;
    return HARBORAI_OK;
}
