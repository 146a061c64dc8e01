/* SPDX-License-Identifier: MIT */
/* A plugins.json of any bytes gives entries with good names, or a fault that says why. */
#include "fuzz.h"
#include "store/plugin_state.h"

static void check_entry(const struct plugin_state *state, enum plugin_state_kind kind,
                        const struct plugin_state_entry *entry)
{
    MUST(entry->name.len > 0 && strlen(entry->name.data) == entry->name.len);
    MUST(entry->since.len == 0 || strlen(entry->since.data) == entry->since.len);
    MUST(entry->by.len == 0 || strlen(entry->by.data) == entry->by.len);
    MUST(entry->json.len > 1 && entry->json.data[0] == '{');
    const struct plugin_state_entry *found = plugin_state_disabled(state, kind, entry->name);
    MUST(kind == PLUGIN_STATE_MODEL ? entry->enabled || found != NULL
                                    : found == (entry->enabled ? NULL : entry));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {size > 0 ? (const char *)data : "", size};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct plugin_state *state;
    if (plugin_state_create(text, "f", &state, &error) < 0) {
        MUST(error.code == HARBORAI_E_CONFIG && error.message[0] != '\0');
        return 0;
    }
    for (int kind = 0; kind < PLUGIN_STATE_KINDS; kind++) {
        size_t count;
        const struct plugin_state_entry *list =
            plugin_state_list(state, (enum plugin_state_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            check_entry(state, (enum plugin_state_kind)kind, &list[i]);
    }
    plugin_state_destroy(state);
    return 0;
}
