/* SPDX-License-Identifier: MIT */
/* A JSON Schema and descriptions out of the table of settings: nothing about a single setting
 * stands here. */
#include "config/schema.h"

#include "base/limits.h"
#include "config/legacy.h"
#include "config/settings.h"
#include "config/value.h"
#include "wire/json_write.h"

#define SCHEMA_MAX KIB(256)

/* Numbers with units as value.c reads them. */
#define NUMBER_PATTERN "[0-9]+([.][0-9]{1,6})? *"

/* ---- Pieces ------------------------------------------------------------------------------- */

static void write_strings(struct json_writer *w, const char *key, const char *const *texts)
{
    json_write_key(w, slice_of(key));
    json_write_array(w);
    for (; *texts != NULL; texts++)
        json_write_string(w, slice_of(*texts));
    json_write_end(w);
}

static void write_scalar_types(struct json_writer *w)
{
    static const char *const types[] = {"string", "number", "boolean", NULL};
    write_strings(w, "type", types);
}

static void write_pattern(struct json_writer *w, const char *pattern)
{
    json_write_object(w);
    json_write_key_string(w, "type", HARBORAI_STR("string"));
    json_write_key_string(w, "pattern", slice_of(pattern));
    json_write_end(w);
}

/* A value with ${VAR} can be anything. */
static void write_expanded(struct json_writer *w)
{
    json_write_object(w);
    json_write_key_string(w, "$ref", HARBORAI_STR("#/definitions/expanded"));
    json_write_end(w);
}

static void write_text_limits(struct json_writer *w, const struct setting *setting)
{
    json_write_key_int64(w, "minLength", 1);
    if (setting->most > 0)
        json_write_key_int64(w, "maxLength", setting->most);
}

/* What a number may be, then its text with a unit. */
static void write_number(struct json_writer *w, const struct setting *setting, const char *type,
                         unsigned scale, const char *pattern)
{
    AUTO(buf) least = BUF_INIT(64), most = BUF_INIT(64);
    json_write_decimal(&least, setting->least, scale);
    json_write_decimal(&most, setting->most, scale);
    json_write_key(w, HARBORAI_STR("anyOf"));
    json_write_array(w);
    json_write_object(w);
    json_write_key_string(w, "type", slice_of(type));
    json_write_key(w, HARBORAI_STR("minimum"));
    json_write_raw(w, buf_slice(&least));
    json_write_key(w, HARBORAI_STR("maximum"));
    json_write_raw(w, buf_slice(&most));
    json_write_end(w);
    write_pattern(w, pattern);
    write_expanded(w);
    json_write_end(w);
}

static void write_any_of_pattern(struct json_writer *w, const char *pattern)
{
    json_write_key(w, HARBORAI_STR("anyOf"));
    json_write_array(w);
    write_pattern(w, pattern);
    write_expanded(w);
    json_write_end(w);
}

static void write_list(struct json_writer *w, const struct setting *setting)
{
    json_write_key_string(w, "type", HARBORAI_STR("array"));
    json_write_key_int64(w, "minItems", 1);
    json_write_key(w, HARBORAI_STR("items"));
    json_write_object(w);
    write_scalar_types(w);
    write_text_limits(w, setting);
    json_write_end(w);
}

/* The list, or the words and names in one text. */
static void write_which(struct json_writer *w, const struct setting *setting)
{
    json_write_key(w, HARBORAI_STR("anyOf"));
    json_write_array(w);
    json_write_object(w);
    write_list(w, setting);
    json_write_end(w);
    json_write_object(w);
    write_scalar_types(w);
    json_write_end(w);
    json_write_end(w);
}

static void write_choice(struct json_writer *w, const char *const *words)
{
    json_write_key(w, HARBORAI_STR("anyOf"));
    json_write_array(w);
    json_write_object(w);
    write_strings(w, "enum", words);
    json_write_end(w);
    write_expanded(w);
    json_write_end(w);
}

/* Without quotes YAML has them as numbers. */
static void write_versions(struct json_writer *w, const char *const *words)
{
    json_write_key(w, HARBORAI_STR("anyOf"));
    json_write_array(w);
    json_write_object(w);
    json_write_key(w, HARBORAI_STR("enum"));
    json_write_array(w);
    for (size_t i = 0; words[i] != NULL; i++) {
        json_write_string(w, slice_of(words[i]));
        json_write_raw(w, slice_of(words[i]));
    }
    json_write_end(w);
    json_write_end(w);
    write_expanded(w);
    json_write_end(w);
}

/* As YAML has it, or as a text that says so. */
static void write_switch(struct json_writer *w, const char *const *words)
{
    json_write_key(w, HARBORAI_STR("anyOf"));
    json_write_array(w);
    json_write_object(w);
    json_write_key_string(w, "type", HARBORAI_STR("boolean"));
    json_write_end(w);
    json_write_object(w);
    write_strings(w, "enum", words);
    json_write_end(w);
    write_expanded(w);
    json_write_end(w);
}

static void write_level(struct json_writer *w)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "ERROR", "WARN", "INFO",
                                         "DEBUG", "WARNING", "CRITICAL", NULL};
    write_choice(w, levels);
}

static void write_open_object(struct json_writer *w)
{
    static const char *const types[] = {"object", "null", NULL};
    write_strings(w, "type", types);
}

static void write_options(struct json_writer *w)
{
    static const char *const outside[] = {"base_url", "api_key"};
    write_open_object(w);
    json_write_key(w, HARBORAI_STR("properties"));
    json_write_object(w);
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        json_write_key(w, slice_of(outside[i]));
        json_write_bool(w, false);
    }
    json_write_end(w);
}

/* ---- One setting -------------------------------------------------------------------------- */

static void write_type(struct json_writer *w, const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_SECRET:
    case SETTING_PASSWORD:
    case SETTING_DATABASE_URL:
        write_scalar_types(w);
        write_text_limits(w, setting);
        return;
    case SETTING_NUMBER:
        write_number(w, setting, "integer", 0, "^[0-9]+$");
        return;
    case SETTING_SIZE:
        write_number(w, setting, "number", 0, "^" NUMBER_PATTERN "(GiB|MiB|KiB|B)?$");
        return;
    case SETTING_DURATION: /* the table has ms, a bare number is seconds */
        write_number(w, setting, "number", 3, "^" NUMBER_PATTERN "(h|m|s|ms)?$");
        return;
    case SETTING_LEVEL:
        write_level(w);
        return;
    case SETTING_PARAMS:
    case SETTING_LEAVE:
    case SETTING_FAILURE:
    case SETTING_DURABILITY:
    case SETTING_CONTENT:
    case SETTING_TRUST:
    case SETTING_SSLMODE:
    case SETTING_MIGRATE:
    case SETTING_LOGS:
    case SETTING_AUTH:
    case SETTING_HALF_CLOSE:
    case SETTING_ACCESS:
        write_choice(w, settings_words(setting->type));
        return;
    case SETTING_TLS_VERSION:
        write_versions(w, settings_words(setting->type));
        return;
    case SETTING_SWITCH:
        write_switch(w, settings_words(setting->type));
        return;
    case SETTING_PATHS:
    case SETTING_NAMES:
    case SETTING_ORIGINS:
        write_list(w, setting);
        return;
    case SETTING_WHICH:
        write_which(w, setting);
        return;
    case SETTING_PLUGIN:
        write_any_of_pattern(w, "^[a-z0-9.-]{1,100}$");
        return;
    case SETTING_PRESET:
        write_any_of_pattern(w, "^[a-z0-9-]{1,32}$");
        return;
    case SETTING_URL:
        write_any_of_pattern(w, "^[Hh][Tt][Tt][Pp][Ss]?://[^ ?#@]+$");
        return;
    case SETTING_OBJECT:
        write_options(w);
        return;
    case SETTING_TARGET:
        write_any_of_pattern(w, "^[^/]+/.+$");
        return;
    }
}

/* Numbers as numbers. */
static void write_default(struct json_writer *w, const struct setting *setting)
{
    if (setting->fallback == NULL)
        return;
    json_write_key(w, HARBORAI_STR("default"));
    if (setting->type == SETTING_NUMBER || setting->type == SETTING_SWITCH)
        json_write_raw(w, slice_of(setting->fallback));
    else
        json_write_string(w, slice_of(setting->fallback));
}

static void write_setting(struct json_writer *w, const struct setting *setting)
{
    json_write_object(w);
    json_write_key_string(w, "description", slice_of(setting->help));
    write_type(w, setting);
    write_default(w, setting);
    json_write_end(w);
}

/* ---- Sections ----------------------------------------------------------------------------- */

static void write_section(struct json_writer *w, harborai_str section);

static void write_child(struct json_writer *w, harborai_str section, harborai_str key)
{
    const struct setting *setting;
    harborai_str path;
    if (!settings_step(section, key, &setting, &path)) {
        json_write_bool(w, true);
    } else if (setting != NULL) {
        write_setting(w, setting);
    } else {
        json_write_object(w);
        write_section(w, path);
        json_write_end(w);
    }
}

static void write_chosen_names(struct json_writer *w, harborai_str section)
{
    if (slice_is(section, "providers")) {
        json_write_key(w, HARBORAI_STR("propertyNames"));
        json_write_object(w);
        json_write_key_string(w, "pattern", HARBORAI_STR("^[a-z0-9-]{1,32}$"));
        json_write_end(w);
    }
    json_write_key(w, HARBORAI_STR("additionalProperties"));
    write_child(w, section, HARBORAI_STR("*"));
}

/* As deep as the table. */
static void write_section(struct json_writer *w, harborai_str section)
{
    harborai_str key;
    write_open_object(w);
    if (settings_key_at(section, 0, &key) && slice_is(key, "*")) {
        write_chosen_names(w, section);
        return;
    }
    json_write_key(w, HARBORAI_STR("additionalProperties"));
    json_write_bool(w, false);
    json_write_key(w, HARBORAI_STR("properties"));
    json_write_object(w);
    if (section.len == 0) { /* by which a JSON file names this schema */
        json_write_key(w, HARBORAI_STR("$schema"));
        write_pattern(w, ".");
    }
    for (size_t i = 0; settings_key_at(section, i, &key); i++) {
        json_write_key(w, key);
        write_child(w, section, key);
    }
    json_write_end(w);
}

static void write_definitions(struct json_writer *w)
{
    json_write_key(w, HARBORAI_STR("definitions"));
    json_write_object(w);
    json_write_key(w, HARBORAI_STR("expanded"));
    json_write_object(w);
    json_write_key_string(w, "description", HARBORAI_STR("a text with ${VAR} in it"));
    json_write_key_string(w, "type", HARBORAI_STR("string"));
    json_write_key_string(w, "pattern", HARBORAI_STR("[$][{]"));
    json_write_end(w);
    json_write_end(w);
}

/* ---- Indentation -------------------------------------------------------------------------- */

static void add_line(struct buf *out, unsigned depth)
{
    buf_add_char(out, '\n');
    for (unsigned i = 0; i < depth; i++)
        buf_add(out, HARBORAI_STR("  "));
}

/* Of JSON without blanks. Lists of plain values stay in one line. */
static void indent(harborai_str json, struct buf *out)
{
    unsigned depth = 0, lists = 0; /* lists: how many of the innermost brackets stay in line */
    bool is_text = false;
    for (size_t i = 0; i < json.len; i++) {
        char c = json.data[i], next = i + 1 < json.len ? json.data[i + 1] : '\0';
        if (c == '"' && !(is_text && json.data[i - 1] == '\\' && json.data[i - 2] != '\\'))
            is_text = !is_text;
        bool opens = !is_text && (c == '{' || (c == '[' && next == '{'));
        bool closes = !is_text && (c == '}' || (c == ']' && lists == 0));
        if (closes)
            add_line(out, --depth);
        buf_add_char(out, c);
        if (opens)
            add_line(out, ++depth);
        else if (!is_text && c == '[')
            lists++;
        else if (!is_text && c == ']' && lists > 0)
            lists--;
        else if (!is_text && c == ',' && lists == 0)
            add_line(out, depth);
        else if (!is_text && (c == ':' || c == ','))
            buf_add_char(out, ' ');
    }
    buf_add_char(out, '\n');
}

void schema_write(struct buf *out)
{
    AUTO(buf) json = BUF_INIT(SCHEMA_MAX);
    struct json_writer w = JSON_WRITER(&json);
    json_write_object(&w);
    json_write_key_string(&w, "$schema", HARBORAI_STR("http://json-schema.org/draft-07/schema#"));
    json_write_key_string(&w, "title", HARBORAI_STR("HarborAI configuration"));
    write_section(&w, SLICE_NONE);
    write_definitions(&w);
    json_write_end(&w);
    if (json.failed != HARBORAI_OK)
        out->failed = json.failed;
    else
        indent(buf_slice(&json), out);
}

/* ---- Descriptions ------------------------------------------------------------------------- */

static const char *type_name(enum setting_type type)
{
    static const char *const names[] = {
        [SETTING_TEXT] = "text",     [SETTING_NUMBER] = "number", [SETTING_SIZE] = "size",
        [SETTING_DURATION] = "duration", [SETTING_LEVEL] = "level", [SETTING_PATH] = "path",
        [SETTING_PATHS] = "paths",   [SETTING_NAMES] = "names",   [SETTING_PLUGIN] = "plugin",
        [SETTING_PRESET] = "preset",
        [SETTING_URL] = "url",       [SETTING_SECRET] = "secret", [SETTING_OBJECT] = "object",
        [SETTING_TARGET] = "target", [SETTING_PARAMS] = "word",   [SETTING_LEAVE] = "word",
        [SETTING_SWITCH] = "switch", [SETTING_WHICH] = "names", [SETTING_TRUST] = "word",
        [SETTING_FAILURE] = "word", [SETTING_DURABILITY] = "word", [SETTING_CONTENT] = "word",
        [SETTING_PASSWORD] = "secret", [SETTING_DATABASE_URL] = "secret",
        [SETTING_SSLMODE] = "word",  [SETTING_MIGRATE] = "word",
        [SETTING_LOGS] = "word",     [SETTING_AUTH] = "word",
        [SETTING_HALF_CLOSE] = "word", [SETTING_ORIGINS] = "origins",
        [SETTING_ACCESS] = "word",   [SETTING_TLS_VERSION] = "word",
    };
    return names[type];
}

static void describe_json(struct json_writer *w, const struct setting *setting)
{
    AUTO(buf) type = BUF_INIT(256);
    settings_describe_type(setting, &type);
    json_write_object(w);
    json_write_key_string(w, "setting", slice_of(setting->path));
    json_write_key_string(w, "type", slice_of(type_name(setting->type)));
    json_write_key_string(w, "value", buf_slice(&type));
    if (setting->fallback != NULL)
        json_write_key_string(w, "default", slice_of(setting->fallback));
    if (setting->otherwise != NULL)
        json_write_key_string(w, "default_in_words", slice_of(setting->otherwise));
    if (setting->variable != NULL)
        json_write_key_string(w, "variable", slice_of(setting->variable));
    if (setting->flag != NULL)
        json_write_key_string(w, "flag", slice_of(setting->flag));
    json_write_key_string(w, "help", slice_of(setting->help));
    json_write_end(w);
}

void schema_describe_json(struct buf *out)
{
    struct json_writer w = JSON_WRITER(out);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("settings"));
    json_write_array(&w);
    for (size_t i = 0; i < settings_count; i++)
        describe_json(&w, &settings[i]);
    json_write_end(&w);
    json_write_end(&w);
}

void schema_describe(struct buf *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        buf_printf(out, "%s%s\n    %s\n    ", i > 0 ? "\n" : "", s->path, s->help);
        settings_describe_type(s, out);
        if (s->fallback != NULL || s->otherwise != NULL)
            buf_printf(out, "; default: %s", s->fallback != NULL ? s->fallback : s->otherwise);
        buf_add_char(out, '\n');
        if (s->variable != NULL || s->flag != NULL)
            buf_printf(out, "    %s%s%s\n", s->variable != NULL ? s->variable : "",
                       s->variable != NULL && s->flag != NULL ? ", " : "",
                       s->flag != NULL ? s->flag : "");
    }
}

void schema_describe_env(struct buf *out)
{
    buf_add(out, HARBORAI_STR("# HarborAI reads this as .env in the working directory, or where\n"
                              "# HARBORAI_ENV_FILE says. What is set already counts before it.\n\n"
                              "# The keys of vendors, as the plugins name them:\n"
                              "# OPENAI_API_KEY=\n# DEEPSEEK_API_KEY=\n"));
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        if (s->variable == NULL || legacy_is_outside_only(slice_of(s->variable)))
            continue;
        buf_printf(out, "\n# %s: %s, ", s->path, s->help);
        settings_describe_type(s, out);
        buf_printf(out, "\n# %s=%s\n", s->variable, s->fallback != NULL ? s->fallback : "");
    }
}
