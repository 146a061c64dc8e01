/* SPDX-License-Identifier: MIT */
/* The presets of a manifest: other places where a plugin's dialect is spoken. Must never take one
 * that is half good: an operator would send his key to where it does not belong. */
#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"
#include "plugin/grammar.h"
#include "plugin/manifest_reader.h"
#include "plugin/schema_words.h"

static harborai_status read_preset_models(struct manifest_reader *r, const char *place,
                                          harborai_str value, struct manifest_preset *preset)
{
    harborai_status st = manifest_read_texts(r, place, value, &preset->models);
    for (size_t i = 0; st == HARBORAI_OK && i < preset->models.count; i++)
        if (!grammar_is_model_name(preset->models.items[i]))
            st = manifest_fault(r, place, "'%s' is neither a name nor a pattern of names",
                                preset->models.items[i].data);
    preset->has_models = true;
    return st;
}

static harborai_status read_preset_unsupported(struct manifest_reader *r, const char *place,
                                               harborai_str value, struct manifest_preset *preset)
{
    preset->has_unsupported = true;
    return manifest_read_unsupported(r, place, value, &preset->unsupported);
}

static harborai_status read_preset_replay(struct manifest_reader *r, const char *place,
                                          harborai_str value, struct manifest_preset *preset)
{
    harborai_status st = manifest_read_text(r, place, value, &preset->replay);
    if (st == HARBORAI_OK && preset->replay.len > 0 && !slice_is(preset->replay, "reasoning_content"))
        return manifest_fault(r, place, "must be reasoning_content or empty");
    preset->has_replay = true;
    return st;
}

static harborai_status read_preset_options(struct manifest_reader *r, const char *place,
                                           harborai_str value, struct manifest_preset *preset)
{
    static const char *const outside[] = {"base_url", "api_key", NULL};
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    if (json_kind(value) != JSON_OBJECT)
        return manifest_fault(r, place, "must be an object");
    while (json_object_next(&cursor, &member))
        if (manifest_is_any_of(member.key, outside))
            return manifest_fault(r, place, "'%.*s' is no option", SLICE_ARG(member.key));
    preset->options = value;
    return HARBORAI_OK;
}

static harborai_status read_preset_member(struct manifest_reader *r, const char *where,
                                          harborai_str key, harborai_str value,
                                          struct manifest_preset *preset)
{
    char place[160];
    snprintf(place, sizeof place, "%s.%.*s", where, SLICE_ARG(slice_cut(key, 64)));
    if (slice_is(key, "base_url"))
        return manifest_read_url(r, place, value, &preset->base_url);
    if (slice_is(key, "env"))
        return manifest_read_text(r, place, value, &preset->env);
    if (slice_is(key, "homepage"))
        return manifest_read_text(r, place, value, &preset->homepage);
    if (slice_is(key, "key_required"))
        return manifest_read_bool(r, place, value, &preset->key_required);
    if (slice_is(key, "models"))
        return read_preset_models(r, place, value, preset);
    if (slice_is(key, "unsupported"))
        return read_preset_unsupported(r, place, value, preset);
    if (slice_is(key, "options"))
        return read_preset_options(r, place, value, preset);
    if (slice_is(key, "replay"))
        return read_preset_replay(r, place, value, preset);
    if (!slice_starts_with(key, "x-"))
        manifest_warn_unknown(r, where, key);
    return HARBORAI_OK;
}

static harborai_status read_preset(struct manifest_reader *r, harborai_str name,
                                   harborai_str value, struct manifest_preset *preset)
{
    char where[80];
    snprintf(where, sizeof where, "plugin.presets.%.*s", SLICE_ARG(slice_cut(name, 40)));
    if (!grammar_is_provider_name(name))
        return manifest_fault(r, where, "a preset's name has 1 to 32 of a-z, 0-9 and '-'");
    if (json_kind(value) != JSON_OBJECT)
        return manifest_fault(r, where, "must be an object");
    preset->name = arena_copy(&r->m->arena, name);
    if (preset->name.data == NULL)
        return manifest_out_of_memory(r);
    preset->key_required = true;
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = manifest_read_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_preset_member(r, where, key, member.value, preset);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

harborai_status manifest_read_presets(struct manifest_reader *r, const char *where,
                                      harborai_str value)
{
    if (json_kind(value) != JSON_OBJECT)
        return manifest_fault(r, where, "must be an object");
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    size_t count = 0;
    while (json_object_next(&cursor, &member))
        count++;
    r->m->presets = arena_alloc(&r->m->arena, (count + 1) * sizeof *r->m->presets);
    if (r->m->presets == NULL)
        return manifest_out_of_memory(r);
    cursor = json_open(value);
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = manifest_read_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_preset(r, key, member.value, &r->m->presets[r->m->preset_count]);
        if (st < 0)
            return st;
        r->m->preset_count++;
    }
    return HARBORAI_OK;
}

/* ---- Their options ------------------------------------------------------------------------- */

struct found {
    struct buf where, what; /* of the first fault */
};

/* What the plugin requires the operator may say himself. */
static void note_fault(void *context, const struct json_schema_fault *fault)
{
    struct found *f = context;
    if (f->what.len > 0 || (fault->kind == JSON_SCHEMA_MISSING && fault->at->up == NULL))
        return;
    json_schema_add_path(fault->at, &f->where);
    switch (fault->kind) {
    case JSON_SCHEMA_WRONG:
        buf_add(&f->what, HARBORAI_STR("must be "));
        schema_words_add_wanted(fault->schema, &f->what);
        break;
    case JSON_SCHEMA_UNKNOWN:
        buf_add(&f->what, HARBORAI_STR("is not in config_schema"));
        break;
    case JSON_SCHEMA_MISSING:
        buf_printf(&f->what, "has no '%.*s'", SLICE_ARG(slice_cut(fault->missing, 64)));
        break;
    case JSON_SCHEMA_AMBIGUOUS:
    case JSON_SCHEMA_ENDLESS:
        buf_add(&f->what, HARBORAI_STR("does not fit config_schema"));
        break;
    }
}

static harborai_status check_preset(struct manifest_reader *r, const struct manifest_preset *preset)
{
    struct found f = {BUF_INIT(KIB(64)), BUF_INIT(KIB(64))};
    harborai_status st = HARBORAI_OK;
    (void)json_schema_check(r->m->config_schema, preset->options, note_fault, &f);
    if (f.what.len > 0) {
        char where[200];
        snprintf(where, sizeof where, "plugin.presets.%s.options%s%.*s", preset->name.data,
                 f.where.len > 0 ? "." : "", SLICE_ARG(slice_cut(buf_slice(&f.where), 100)));
        st = manifest_fault(r, where, "%.*s", SLICE_ARG(buf_slice(&f.what)));
    }
    buf_release(&f.where);
    buf_release(&f.what);
    return st;
}

harborai_status manifest_check_presets(struct manifest_reader *r)
{
    harborai_status st = HARBORAI_OK;
    for (size_t i = 0; st == HARBORAI_OK && i < r->m->preset_count; i++)
        if (r->m->config_schema.len > 0 && r->m->presets[i].options.len > 0)
            st = check_preset(r, &r->m->presets[i]);
    return st;
}

const struct manifest_preset *manifest_preset_find(const struct manifest *m, harborai_str name)
{
    for (size_t i = 0; i < m->preset_count; i++)
        if (slice_equal(m->presets[i].name, name))
            return &m->presets[i];
    return NULL;
}
