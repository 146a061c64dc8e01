/* SPDX-License-Identifier: MIT */
/* Writes a listing as JSON. */
#include "server/plugins_json.h"

#include "base/clock.h"

/* ---- What is chosen -------------------------------------------------------------------------- */

static bool is_file_name(harborai_str path, harborai_str name)
{
    return path.len > name.len && path.data[path.len - name.len - 1] == '/' &&
           slice_equal(slice_from(path, path.len - name.len), name);
}

static bool has_plugin(const struct plugins_choice *c, const struct listed_plugin *p)
{
    harborai_str name = c->name;
    return name.len == 0 || slice_equal(p->path, name) || slice_equal(p->id, name) ||
           slice_equal(p->provider, name) || is_file_name(p->path, name);
}

static bool is_of_plugin(const struct plugins_choice *c, const struct listed_provider *p)
{
    for (size_t i = 0; i < c->listing->plugin_count; i++) {
        const struct listed_plugin *plugin = &c->listing->plugins[i];
        if (has_plugin(c, plugin) &&
            (slice_equal(p->path, plugin->path) || slice_equal(p->plugin_id, plugin->id)))
            return true;
    }
    return false;
}

static bool has_provider(const struct plugins_choice *c, const struct listed_provider *p)
{
    return c->name.len == 0 || slice_equal(p->name, c->name) ||
           slice_equal(p->plugin_id, c->name) || slice_equal(p->path, c->name) || is_of_plugin(c, p);
}

static const struct listed_provider *next_provider(const struct plugins_choice *c, size_t *at)
{
    while (*at < c->listing->provider_count) {
        const struct listed_provider *p = &c->listing->providers[(*at)++];
        if (has_provider(c, p))
            return p;
    }
    return NULL;
}

size_t plugins_json_count(const struct plugins_choice *choice)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < choice->listing->plugin_count; i++)
        count += has_plugin(choice, &choice->listing->plugins[i]);
    while (next_provider(choice, &at) != NULL)
        count++;
    return count;
}

static bool takes_calls(const struct listed_provider *p)
{
    return p->is_published && p->why_off.len == 0;
}

size_t plugins_json_leaving(const struct plugins_choice *choice)
{
    size_t calls = 0, at = 0;
    for (const struct listed_provider *p; (p = next_provider(choice, &at)) != NULL;)
        calls += takes_calls(p) || p->is_heir ? 0 : p->calls;
    return calls;
}

uint64_t plugins_json_generation(const struct plugins_choice *choice)
{
    uint64_t latest = 0;
    size_t at = 0;
    for (const struct listed_provider *p; (p = next_provider(choice, &at)) != NULL;)
        if (p->is_published && p->generation > latest)
            latest = p->generation;
    return latest;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void write_text(struct json_writer *w, const char *key, harborai_str text)
{
    if (text.len > 0)
        json_write_key_string(w, key, text);
}

static void write_bool(struct json_writer *w, const char *key, bool value)
{
    json_write_key(w, slice_of(key));
    json_write_bool(w, value);
}

static void write_plugin(struct json_writer *w, const struct listed_plugin *p)
{
    static const char *const states[] = {[PLUGIN_FILE_KNOWN] = "known",
                                         [PLUGIN_FILE_REFUSED] = "refused",
                                         [PLUGIN_FILE_SHADOWED] = "shadowed"};
    json_write_object(w);
    json_write_key_string(w, "file", p->path);
    write_text(w, "plugin", p->provider);
    write_text(w, "id", p->id);
    write_text(w, "version", p->version);
    if (p->id.len > 0) {
        json_write_key(w, HARBORAI_STR("abi"));
        json_write_array(w);
        json_write_int64(w, p->abi_major);
        json_write_int64(w, p->abi_minor);
        json_write_end(w);
    }
    json_write_key_string(w, "state", slice_of(states[p->state]));
    write_text(w, "reason", p->error);
    json_write_end(w);
}

static void write_failure(struct json_writer *w, const char *key, enum plugin_stage stage,
                          harborai_str error)
{
    json_write_key(w, slice_of(key));
    json_write_object(w);
    json_write_key_string(w, "stage", slice_of(plugin_stage_name(stage)));
    json_write_key_string(w, "error", error);
    json_write_end(w);
}

static void write_loaded(struct json_writer *w, const struct listed_provider *p)
{
    char loaded[25];
    clock_format_utc(p->loaded_ns, loaded);
    json_write_key_string(w, "loaded", slice_of(loaded));
    json_write_key_int64(w, "generation", (int64_t)p->generation);
    write_bool(w, "can_unload", p->can_unload);
}

static void write_provider(struct json_writer *w, const struct listed_provider *p)
{
    bool is_off = p->why_off.len > 0 && p->is_published;
    json_write_object(w);
    json_write_key_string(w, "name", p->name);
    json_write_key_string(w, "plugin", p->plugin_id);
    json_write_key_string(w, "version", p->version);
    json_write_key_string(w, "file", p->path);
    json_write_key_string(w, "state", is_off ? HARBORAI_STR("disabled")
                                             : slice_of(slot_state_name(p->state)));
    write_bool(w, "takes_calls", takes_calls(p));
    write_bool(w, "is_heir", p->is_heir);
    write_bool(w, "is_current", p->is_current);
    json_write_key_int64(w, "calls", (int64_t)p->calls);
    if (p->loaded_ns != 0)
        write_loaded(w, p);
    if (is_off)
        json_write_key_string(w, "disabled", p->why_off);
    if (p->error.len > 0)
        write_failure(w, "failure", p->stage, p->error);
    if (p->retry_ms > 0)
        json_write_key_int64(w, "retry_ms", p->retry_ms);
    if (p->why_kept.len > 0)
        write_failure(w, "kept", p->kept_stage, p->why_kept);
    json_write_end(w);
}

static void write_providers(struct json_writer *w, const struct plugins_choice *choice)
{
    size_t at = 0;
    json_write_key(w, HARBORAI_STR("providers"));
    json_write_array(w);
    for (const struct listed_provider *p; (p = next_provider(choice, &at)) != NULL;)
        write_provider(w, p);
    json_write_end(w);
}

void plugins_json_write(struct json_writer *w, const struct plugins_choice *choice)
{
    size_t calls = 0, at = 0;
    for (const struct listed_provider *p; (p = next_provider(choice, &at)) != NULL;)
        calls += p->calls;
    json_write_key_int64(w, "calls", (int64_t)calls);
    json_write_key_int64(w, "leaving", (int64_t)plugins_json_leaving(choice));
    json_write_key(w, HARBORAI_STR("plugins"));
    json_write_array(w);
    for (size_t i = 0; i < choice->listing->plugin_count; i++)
        if (has_plugin(choice, &choice->listing->plugins[i]))
            write_plugin(w, &choice->listing->plugins[i]);
    json_write_end(w);
    write_providers(w, choice);
}
