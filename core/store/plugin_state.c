/* SPDX-License-Identifier: MIT */
/* Reading <state_dir>/plugins.json. People edit it: what is wrong is said with its line, and nothing
 * is switched on or off by a guess. */
#include "store/plugin_state.h"

#include <stdlib.h>

#include "json_value.h"
#include "store/plugin_state_parts.h"

struct reader {
    struct plugin_state *state;
    harborai_str text;
};

const char *const plugin_state_section_names[PLUGIN_STATE_KINDS] = {
    [PLUGIN_STATE_PLUGIN] = "plugins",
    [PLUGIN_STATE_PROVIDER] = "providers",
    [PLUGIN_STATE_MODEL] = "models",
};

/* ---- What is wrong -------------------------------------------------------------------------- */

#define WAY_OUT "correct it, or remove the file: then nothing is disabled"

static unsigned line_of(const struct reader *r, const char *at)
{
    unsigned line = 1;
    for (const char *p = r->text.data; p < at; p++)
        line += *p == '\n';
    return line;
}

/* "'/…/plugins.json', line 3: 'plugins' is no object; …": `subject` is shown as it stands. */
static harborai_status fault(const struct reader *r, harborai_str subject, const char *reason,
                             harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s', line %u: '%.*s' %s; " WAY_OUT,
                              r->state->path, line_of(r, subject.data),
                              SLICE_ARG(slice_cut(subject, 64)), reason);
}

static harborai_status out_of_memory(const struct reader *r, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot read '%s': out of memory",
                              r->state->path);
}

static harborai_status not_json(const struct reader *r, const struct json_fault *why,
                                harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s', line %u: not a JSON object: %s; " WAY_OUT,
                              r->state->path, line_of(r, r->text.data + why->at), why->reason);
}

/* ---- Texts ---------------------------------------------------------------------------------- */

bool plugin_state_is_name(harborai_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
            return false;
    return name.len > 0 && name.len <= PLUGIN_STATE_NAME_MAX && json_is_utf8(name);
}

/* A JSON string's text in the arena, with a NUL behind it. `value` has its quotes. */
static harborai_status read_text(struct reader *r, harborai_str value, harborai_str *ret_text,
                                 harborai_error *error)
{
    harborai_str text;
    char *room = arena_alloc(&r->state->arena, value.len);
    if (room == NULL)
        return out_of_memory(r, error);
    if (json_string(value, room, value.len, &text) < 0 || memchr(text.data, '\0', text.len) != NULL)
        return fault(r, value, "is no text", error);
    *ret_text = arena_copy(&r->state->arena, text);
    return ret_text->data == NULL ? out_of_memory(r, error) : HARBORAI_OK;
}

/* Only for messages, which it shall not fill. Never cut within a character. */
static harborai_status read_remark(struct reader *r, harborai_str value, harborai_str *ret_text,
                                   harborai_error *error)
{
    harborai_str text;
    harborai_status st = read_text(r, value, &text, error);
    if (st < 0)
        return st;
    size_t len = text.len < PLUGIN_STATE_REMARK_MAX ? text.len : PLUGIN_STATE_REMARK_MAX;
    while (len < text.len && len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    *ret_text = arena_copy(&r->state->arena, slice_cut(text, len));
    return ret_text->data == NULL ? out_of_memory(r, error) : HARBORAI_OK;
}

static harborai_str key_of(const struct json_member *member)
{
    return (harborai_str){member->key.data - 1, member->key.len + 2};
}

/* ---- Entries -------------------------------------------------------------------------------- */

/* One member of an entry; `seen` has a bit for each that was there. */
static harborai_status read_entry_member(struct reader *r, const struct json_member *member,
                                         struct plugin_state_entry *entry, unsigned *seen,
                                         harborai_error *error)
{
    static const char *const names[] = {"enabled", "since", "by"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (!json_key_equal(member, slice_of(names[i])))
            continue;
        if ((*seen & 1U << i) != 0)
            return fault(r, member->key, "stands twice", error);
        *seen |= 1U << i;
        if (i > 0)
            return read_remark(r, member->value, i == 1 ? &entry->since : &entry->by, error);
        return json_boolean(member->value, &entry->enabled)
                   ? HARBORAI_OK
                   : fault(r, member->span, "is neither true nor false", error);
    }
    return HARBORAI_OK;
}

static harborai_status read_entry(struct reader *r, const struct json_member *member,
                                  struct plugin_state_entry *entry, harborai_error *error)
{
    struct json_cursor cursor = json_open(member->value);
    struct json_member inner;
    unsigned seen = 0;
    *entry = (struct plugin_state_entry){.json = arena_copy(&r->state->arena, member->value)};
    harborai_status st = entry->json.data == NULL ? out_of_memory(r, error)
                                                  : read_text(r, key_of(member), &entry->name, error);
    if (st < 0)
        return st;
    if (!plugin_state_is_name(entry->name))
        return fault(r, member->key, "is no name", error);
    if (member->kind != JSON_OBJECT)
        return fault(r, member->span, "is no object", error);
    while (st == HARBORAI_OK && json_object_next(&cursor, &inner))
        st = read_entry_member(r, &inner, entry, &seen, error);
    return st == HARBORAI_OK && (seen & 1) == 0
               ? fault(r, member->key, "does not say whether it is \"enabled\"", error)
               : st;
}

struct plugin_state_entry *plugin_state_entry_find(const struct plugin_state_section *section,
                                                   harborai_str name)
{
    for (size_t i = 0; i < section->count; i++)
        if (slice_equal(section->entries[i].name, name))
            return &section->entries[i];
    return NULL;
}

static size_t count_members(harborai_str object)
{
    struct json_cursor cursor = json_open(object);
    struct json_member member;
    size_t count = 0;
    while (json_object_next(&cursor, &member))
        count++;
    return count;
}

static harborai_status read_section(struct reader *r, const struct json_member *member,
                                    struct plugin_state_section *section, harborai_error *error)
{
    struct json_cursor cursor = json_open(member->value);
    struct json_member inner;
    harborai_status st = HARBORAI_OK;
    size_t count = count_members(member->value);
    if (member->kind != JSON_OBJECT)
        return fault(r, member->span, "is no object", error);
    if (count > PLUGIN_STATE_ENTRIES_MAX)
        return fault(r, member->key, "has more than 1024 members", error);
    section->entries = arena_alloc(&r->state->arena, (count + 1) * sizeof *section->entries);
    if (section->entries == NULL)
        return out_of_memory(r, error);
    while (st == HARBORAI_OK && json_object_next(&cursor, &inner)) {
        struct plugin_state_entry *entry = &section->entries[section->count];
        st = read_entry(r, &inner, entry, error);
        if (st == HARBORAI_OK && plugin_state_entry_find(section, entry->name) != NULL)
            st = fault(r, inner.key, "stands twice", error);
        if (st == HARBORAI_OK)
            section->count++;
    }
    return st;
}

/* ---- The whole ------------------------------------------------------------------------------ */

static harborai_status read_version(const struct reader *r, const struct json_member *member,
                                    harborai_error *error)
{
    int64_t version;
    if (member == NULL || !json_int64(member->value, &version))
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s': it has no \"version\"; " WAY_OUT,
                                  r->state->path);
    if (version != 1)
        return fault(r, member->span, "is of another HarborAI: this one knows version 1", error);
    return HARBORAI_OK;
}

static harborai_status keep_other(struct reader *r, const struct json_member *member,
                                  harborai_error *error)
{
    harborai_str span = arena_copy(&r->state->arena, member->span);
    if (span.data == NULL)
        return out_of_memory(r, error);
    r->state->others[r->state->other_count++] = span;
    return HARBORAI_OK;
}

static harborai_status read_member(struct reader *r, const struct json_member *members, size_t count,
                                   const struct json_member *member, harborai_error *error)
{
    for (unsigned kind = 0; kind < PLUGIN_STATE_KINDS; kind++) {
        harborai_str name = slice_of(plugin_state_section_names[kind]);
        if (!json_key_equal(member, name))
            continue;
        return json_count(members, count, name) > 1
                   ? fault(r, member->key, "stands twice", error)
                   : read_section(r, member, &r->state->sections[kind], error);
    }
    return json_key_equal(member, HARBORAI_STR("version")) ? HARBORAI_OK
                                                           : keep_other(r, member, error);
}

static harborai_status read_state(struct reader *r, harborai_error *error)
{
    struct json_member members[PLUGIN_STATE_MEMBERS_MAX];
    struct json_fault why = {0, ""};
    size_t count;
    harborai_status st = json_scan_object(r->text, NULL, members, ARRAY_LEN(members), &count, &why);
    if (st < 0)
        return not_json(r, &why, error);
    st = read_version(r, json_find(members, count, HARBORAI_STR("version")), error);
    for (size_t i = 0; st == HARBORAI_OK && i < count; i++)
        st = read_member(r, members, count, &members[i], error);
    return st;
}

harborai_status plugin_state_create(harborai_str text, const char *path,
                                    struct plugin_state **ret_state, harborai_error *error)
{
    struct plugin_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot read '%s': out of memory", path);
    arena_init(&state->arena, 16 * PLUGIN_STATE_FILE_MAX);
    state->path = arena_copy(&state->arena, slice_of(path)).data;
    struct reader reader = {state, text};
    harborai_status st = state->path == NULL ? HARBORAI_E_MEMORY : HARBORAI_OK;
    if (st == HARBORAI_OK && text.data != NULL)
        st = read_state(&reader, error);
    if (st < 0) {
        plugin_state_destroy(state);
        return st;
    }
    *ret_state = state;
    return HARBORAI_OK;
}

void plugin_state_destroy(struct plugin_state *state)
{
    if (state == NULL)
        return;
    arena_release(&state->arena);
    free(state);
}

/* ---- Asking --------------------------------------------------------------------------------- */

const char *plugin_state_path(const struct plugin_state *state)
{
    return state->path;
}

const struct plugin_state_entry *plugin_state_disabled(const struct plugin_state *state,
                                                       enum plugin_state_kind kind,
                                                       harborai_str name)
{
    const struct plugin_state_section *section = &state->sections[kind];
    const struct plugin_state_entry *removal =
        kind == PLUGIN_STATE_PLUGIN ? plugin_state_entry_find(&state->removals, name) : NULL;
    if (removal != NULL)
        return removal;
    for (size_t i = 0; i < section->count; i++) {
        const struct plugin_state_entry *entry = &section->entries[i];
        if (!entry->enabled && (kind == PLUGIN_STATE_MODEL ? slice_matches_glob(name, entry->name)
                                                           : slice_equal(name, entry->name)))
            return entry;
    }
    return NULL;
}

bool plugin_state_is_removing(const struct plugin_state *state)
{
    return state->removals.count > 0;
}

const struct crash *plugin_state_crash(const struct plugin_state *state,
                                       const struct crash_subject *subject)
{
    for (size_t i = 0; i < state->crash_count; i++)
        if (crash_is_of(&state->crashes[i], subject))
            return &state->crashes[i];
    return NULL;
}

const struct plugin_state_entry *plugin_state_list(const struct plugin_state *state,
                                                   enum plugin_state_kind kind, size_t *ret_count)
{
    *ret_count = state->sections[kind].count;
    return state->sections[kind].entries;
}
