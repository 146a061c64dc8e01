/* SPDX-License-Identifier: MIT */
/* Answers for foreign names, from the tables. Never changes a configuration, never quotes a
 * value. */
#include "config/legacy.h"

#include "base/nearest.h"
#include "config/legacy_table.h"
#include "config/settings.h"

/* ---- Aliases and vendors ------------------------------------------------------------------- */

size_t legacy_alias_count(void)
{
    size_t count = 0;
    while (legacy_aliases[count].name != NULL)
        count++;
    return count;
}

const struct legacy_alias *legacy_alias_at(size_t index)
{
    return &legacy_aliases[index];
}

/* Whether the process's own environment has it. */
static bool is_outside(const struct config *config, const char *name)
{
    return config->layers.above->get(config->layers.above, name) != NULL;
}

bool legacy_alias_counts(const struct config *config, const struct legacy_alias *alias)
{
    return slice_starts_with(slice_of(alias->name), "HARBORAI_") ||
           (!is_outside(config, alias->name) &&
            dotenv_find(&config->dotenv, slice_of(alias->name)) != NULL);
}

size_t legacy_vendor_count(void)
{
    size_t count = 0;
    while (legacy_vendors[count].provider != NULL)
        count++;
    return count;
}

const char *legacy_vendor_name(size_t index)
{
    return legacy_vendors[index].provider;
}

const struct legacy_vendor *legacy_vendor_find(harborai_str provider)
{
    for (const struct legacy_vendor *v = legacy_vendors; v->provider != NULL; v++)
        if (slice_is(provider, v->provider))
            return v;
    return NULL;
}

static bool has_key(const struct legacy_vendor *vendor, harborai_str variable)
{
    for (size_t i = 0; i < ARRAY_LEN(vendor->keys); i++)
        if (vendor->keys[i] != NULL && slice_is(variable, vendor->keys[i]))
            return true;
    return false;
}

bool legacy_key_find(const struct environment *environment, harborai_str variable,
                     harborai_str *ret_variable, harborai_str *ret_value)
{
    *ret_variable = variable;
    if (environment_find_filled(environment, variable, ret_value))
        return true;
    for (const struct legacy_vendor *v = legacy_vendors; v->provider != NULL; v++) {
        for (size_t i = 0; has_key(v, variable) && i < ARRAY_LEN(v->keys); i++) {
            *ret_variable = v->keys[i] != NULL ? slice_of(v->keys[i]) : variable;
            if (v->keys[i] != NULL &&
                environment_find_filled(environment, *ret_variable, ret_value))
                return true;
        }
    }
    return false;
}

bool legacy_vendor_key_is_outside(const struct config *config, const struct legacy_vendor *vendor)
{
    for (size_t i = 0; i < ARRAY_LEN(vendor->keys); i++)
        if (vendor->keys[i] != NULL && is_outside(config, vendor->keys[i]))
            return true;
    return false;
}

/* ---- Whose to say -------------------------------------------------------------------------- */

bool legacy_is_outside_only(harborai_str name)
{
    for (const char *const *own = legacy_outside_variables; *own != NULL; own++)
        if (slice_is(name, *own))
            return true;
    return false;
}

/* ---- Warnings ------------------------------------------------------------------------------ */

static bool is_of_setting(harborai_str name)
{
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].variable != NULL && slice_is(name, settings[i].variable))
            return true;
    for (const struct legacy_alias *a = legacy_aliases; a->name != NULL; a++)
        if (slice_is(name, a->name))
            return true;
    return false;
}

static const struct legacy_note *find_note(harborai_str name)
{
    for (const struct legacy_note *note = legacy_notes; note->name != NULL; note++)
        if (slice_matches_glob(name, slice_of(note->name)))
            return note;
    return NULL;
}

static harborai_str find_nearest(harborai_str name)
{
    struct nearest nearest = NEAREST_TO(name);
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].variable != NULL)
            nearest_consider(&nearest, slice_of(settings[i].variable));
    for (const char *const *own = legacy_outside_variables; *own != NULL; own++)
        nearest_consider(&nearest, slice_of(*own));
    return nearest.name;
}

static bool is_key_of_provider(const struct config *config, harborai_str name)
{
    for (size_t i = 0; i < config->provider_count; i++)
        if (slice_equal(config->providers[i].key_variable, name))
            return true;
    return false;
}

/* "DEEPSEEK_TIMEOUT": neither the vendor's key nor its address. NULL: nothing of that kind. */
static const struct legacy_vendor *find_vendor_of(harborai_str name)
{
    for (const struct legacy_vendor *v = legacy_vendors; v->provider != NULL; v++) {
        harborai_str prefix = slice_of(v->base_url);
        prefix.len -= strlen("BASE_URL");
        if (!slice_equal(slice_cut(name, prefix.len), prefix))
            continue;
        return has_key(v, name) || slice_is(name, v->base_url) ? NULL : v;
    }
    return NULL;
}

static bool is_mentioned(harborai_str name, const harborai_str texts[static FILES_COUNT])
{
    for (unsigned i = 0; i < FILES_COUNT; i++)
        if (texts[i].len > 0 && memmem(texts[i].data, texts[i].len, name.data, name.len) != NULL)
            return true;
    return false;
}

static void warn_of_vendors_variable(const struct config *config, const struct dotenv_variable *v,
                                     const harborai_str texts[static FILES_COUNT],
                                     struct config_faults *warnings)
{
    const struct legacy_vendor *vendor = find_vendor_of(v->name);
    if (vendor == NULL || find_note(v->name) != NULL || is_mentioned(v->name, texts) ||
        is_outside(config, v->name.data))
        return;
    config_faults_add(warnings, v->place,
                      "%.*s has no effect: of this vendor's variables only %s and %s have one: its "
                      "settings go below 'providers.%s' in the configuration file",
                      SLICE_ARG(slice_cut(v->name, 64)), vendor->keys[0], vendor->base_url,
                      vendor->provider);
}

void legacy_warn_of_vendor(const struct config *config, const struct legacy_vendor *vendor,
                           struct config_faults *warnings)
{
    const struct config_provider *p = config_provider_find(config, slice_of(vendor->provider));
    const char *const names[] = {vendor->keys[0], vendor->keys[1], vendor->keys[2],
                                 vendor->base_url};
    if (p != NULL && p->place.line > 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct dotenv_variable *v =
            names[i] != NULL ? dotenv_find(&config->dotenv, slice_of(names[i])) : NULL;
        if (v != NULL && v->value.len > 0 && !is_key_of_provider(config, v->name))
            config_faults_add(warnings, v->place,
                              "%s has no effect: no plugin '%s' is installed: 'harborai "
                              "list-plugins' shows those that are",
                              names[i], vendor->provider);
    }
}

/* `name` is a C string that lives as long as the configuration, or `place` is in a file. */
static void warn(const struct config *config, harborai_str name, struct config_place place,
                 struct config_faults *warnings)
{
    bool is_ours = slice_starts_with(name, "HARBORAI_"), is_in_file = place.line > 0;
    const struct legacy_note *note = find_note(name);
    harborai_str nearest = find_nearest(name);

    if (is_in_file && is_outside(config, name.data))
        return; /* the environment's counts, and is told of */
    if (legacy_is_outside_only(name) && is_in_file)
        config_faults_add(warnings, place, "%.*s is not taken from a .env file: set it in the "
                                           "environment", SLICE_ARG(name));
    else if (legacy_is_outside_only(name) || is_of_setting(name))
        return;
    else if (note != NULL && (is_ours || is_in_file))
        config_faults_add(warnings, place, "%.*s %s: %s", SLICE_ARG(name),
                          note->kind == LEGACY_NOT_YET ? "has no effect yet" : "has no effect",
                          note->instead);
    else if (is_ours && nearest.len > 0)
        config_faults_add(warnings, place, "unknown variable %.*s, did you mean %.*s?",
                          SLICE_ARG(slice_cut(name, 64)), SLICE_ARG(nearest));
    else if (is_ours)
        config_faults_add(warnings, place, "unknown variable %.*s: doc/configuration.md has those "
                                           "that there are", SLICE_ARG(slice_cut(name, 64)));
}

void legacy_warn(const struct config *config, const char *const *variables,
                 const harborai_str texts[static FILES_COUNT], struct config_faults *warnings)
{
    for (const struct dotenv_variable *v = config->dotenv.first; v != NULL; v = v->next) {
        if (v->value.len == 0)
            continue;
        warn(config, v->name, v->place, warnings);
        warn_of_vendors_variable(config, v, texts, warnings);
    }
    for (; variables != NULL && *variables != NULL; variables++) {
        harborai_str name, value;
        if (slice_split(slice_of(*variables), '=', &name, &value) && value.len > 0 &&
            slice_starts_with(name, "HARBORAI_"))
            warn(config, name, (struct config_place){"environment", 0, 0}, warnings);
    }
}

const char *legacy_key_answer(harborai_str section, harborai_str key)
{
    for (const struct legacy_key *k = legacy_keys; k->key != NULL; k++)
        if (slice_is(section, k->section) && slice_is(key, k->key))
            return k->answer;
    return NULL;
}
