/* SPDX-License-Identifier: MIT */
/* Walks the table of settings over a configuration. One walk, two ways to write what it meets.
 * Never writes a key. */
#include "config/show.h"

#include <inttypes.h>

#include "base/limits.h"
#include "config/database_url.h"
#include "config/node.h"
#include "config/settings.h"
#include "config/value.h"

#define LONG_KEY 20 /* of shorter ones four characters would tell too much */

struct walk {
    const struct config *config;
    struct buf *out;
    bool with_origins;
    struct json_writer *json; /* NULL: YAML */

    /* What is being walked: the configuration, or one provider. */
    const void *base;
    const struct config_origin *origins;
    const struct config_provider *provider; /* NULL: the configuration */
    harborai_str name; /* of the provider or alias, in place of '*' */
};

/* ---- Values ------------------------------------------------------------------------------- */

static void write_list(const struct config_names *names, struct json_writer *to)
{
    json_write_array(to);
    for (size_t i = 0; i < names->count; i++)
        json_write_string(to, names->items[i]);
    json_write_end(to);
}

static void mask(const struct secret *key, struct buf *to)
{
    harborai_str text = secret_reveal(key);
    buf_add(to, HARBORAI_STR("***"));
    if (text.len >= LONG_KEY)
        buf_add(to, slice_from(text, text.len - 4));
}

static void write_key(const struct config_provider *provider, struct json_writer *to)
{
    AUTO(buf) masked = BUF_INIT(64);
    if (provider->api_key != NULL)
        mask(provider->api_key, &masked);
    else
        buf_add(&masked, HARBORAI_STR("none"));
    json_write_string(to, buf_slice(&masked));
}

/* What stands before the '@' but for the user's name, and behind the '?', may hold a password. */
static bool write_database_url(const struct config_secret *url, struct json_writer *to)
{
    AUTO(buf) masked = BUF_INIT(KIB(4));
    if (url->text == NULL) {
        json_write_string(to, SLICE_NONE);
        return false;
    }
    struct database_url parts = database_url_split(secret_reveal(url->text));
    buf_add(&masked, parts.scheme);
    if (parts.has_user)
        buf_printf(&masked, "%.*s%s@", SLICE_ARG(parts.user), parts.has_password ? ":***" : "");
    buf_add(&masked, parts.place);
    buf_add(&masked, parts.has_parameters ? HARBORAI_STR("?***") : SLICE_NONE);
    json_write_string(to, buf_slice(&masked));
    return true;
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",
                                        [LOG_LEVEL_WARN] = "warn",
                                        [LOG_LEVEL_INFO] = "info",
                                        [LOG_LEVEL_DEBUG] = "debug"};
    return names[level];
}

/* As JSON, which is YAML. False: it has no value. */
static bool write_value(const struct walk *w, const struct setting *setting,
                        struct json_writer *to)
{
    const void *field = (const char *)w->base + setting->offset;
    const char *const *words = settings_words(setting->type);
    char text[32];
    switch (setting->type) {
    case SETTING_NUMBER:
        json_write_int64(to, *(const int64_t *)field);
        return *(const int64_t *)field >= 0;
    case SETTING_SIZE:
        value_format_size(*(const int64_t *)field, text, sizeof text);
        json_write_string(to, slice_of(text));
        return true;
    case SETTING_DURATION:
        value_format_duration_ms(*(const int64_t *)field, text, sizeof text);
        json_write_string(to, slice_of(text));
        return true;
    case SETTING_LEVEL:
        json_write_string(to, slice_of(level_name(*(const enum log_level *)field)));
        return true;
    case SETTING_PARAMS:
        json_write_string(to, slice_of(words[*(const enum config_params *)field]));
        return true;
    case SETTING_LEAVE:
        json_write_string(to, slice_of(words[*(const enum config_leave *)field]));
        return true;
    case SETTING_DURABILITY:
        json_write_string(to, slice_of(words[*(const enum config_durability *)field]));
        return true;
    case SETTING_CONTENT:
        json_write_string(to, slice_of(words[*(const enum config_content *)field]));
        return true;
    case SETTING_FAILURE:
        json_write_string(to, slice_of(words[*(const enum config_on_failure *)field]));
        return true;
    case SETTING_TRUST:
        json_write_string(to, slice_of(words[*(const enum config_trust *)field]));
        return true;
    case SETTING_SWITCH:
        json_write_bool(to, *(const bool *)field);
        return true;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_PLUGIN:
    case SETTING_PRESET:
    case SETTING_URL:
        json_write_string(to, *(const harborai_str *)field);
        return ((const harborai_str *)field)->len > 0;
    case SETTING_PATHS:
    case SETTING_NAMES:
    case SETTING_ORIGINS:
    case SETTING_WHICH:
        write_list(field, to);
        return ((const struct config_names *)field)->count > 0;
    case SETTING_SECRET:
        write_key(w->provider, to);
        return w->provider->api_key != NULL || w->provider->key_none;
    case SETTING_PASSWORD:
        json_write_string(to, HARBORAI_STR("***"));
        return ((const struct config_secret *)field)->text != NULL;
    case SETTING_DATABASE_URL:
        return write_database_url(field, to);
    case SETTING_SSLMODE:
        json_write_string(to, slice_of(words[*(const enum config_sslmode *)field]));
        return true;
    case SETTING_MIGRATE:
        json_write_string(to, slice_of(words[*(const enum config_migrate *)field]));
        return true;
    case SETTING_LOGS:
        json_write_string(to, slice_of(words[*(const enum config_logs *)field]));
        return true;
    case SETTING_AUTH:
        json_write_string(to, slice_of(words[*(const enum config_auth *)field]));
        return true;
    case SETTING_HALF_CLOSE:
        json_write_string(to, slice_of(words[*(const enum config_half_close *)field]));
        return true;
    case SETTING_TLS_VERSION:
        json_write_string(to, slice_of(words[*(const enum config_tls_version *)field]));
        return true;
    case SETTING_ACCESS:
        json_write_string(to, slice_of(words[*(const enum config_access *)field]));
        return true;
    case SETTING_OBJECT:
        json_write_raw(to, w->provider->options_shown);
        return w->provider->options_shown.len > 0;
    case SETTING_TARGET: /* aliases are no field */
        return false;
    }
    return false;
}

/* ---- Origins ------------------------------------------------------------------------------ */

static const char *kind_name(enum config_origin_kind kind)
{
    static const char *const names[] = {[CONFIG_ORIGIN_DEFAULT] = "default",
                                        [CONFIG_ORIGIN_FILE] = "file",
                                        [CONFIG_ORIGIN_ENV_FILE] = "env_file",
                                        [CONFIG_ORIGIN_VARIABLE] = "variable",
                                        [CONFIG_ORIGIN_FLAG] = "flag"};
    return names[kind];
}

/* Where the place leads on to: a variable, a file of its own. */
static harborai_str reference_of(const struct walk *w, const struct setting *setting)
{
    if (setting == NULL || !settings_is_secret(setting->type))
        return SLICE_NONE;
    if (setting->type != SETTING_SECRET) {
        const struct config_secret *secret =
            (const void *)((const char *)w->base + setting->offset);
        return secret->variable.len > 0 ? secret->variable : secret->reference;
    }
    return w->provider->key_variable.len > 0 ? w->provider->key_variable
                                             : w->provider->key_reference;
}

static void add_origin(const struct walk *w, const struct setting *setting,
                       const struct config_origin *origin)
{
    const struct config_place *place = &origin->place;
    harborai_str reference = reference_of(w, setting);
    switch (origin->kind) {
    case CONFIG_ORIGIN_DEFAULT:
        if (setting != NULL && setting->fallback == NULL && setting->otherwise != NULL)
            buf_printf(w->out, "default: %s", setting->otherwise);
        else
            buf_add(w->out, HARBORAI_STR("default"));
        break;
    case CONFIG_ORIGIN_FILE:
    case CONFIG_ORIGIN_ENV_FILE:
        buf_printf(w->out, "%s:%u:%u", place->file, place->line, place->column);
        break;
    case CONFIG_ORIGIN_VARIABLE:
        buf_printf(w->out, "variable %s", place->file);
        break;
    case CONFIG_ORIGIN_FLAG:
        buf_printf(w->out, "flag %s", place->file);
        break;
    }
    if (reference.len > 0)
        buf_printf(w->out, ", from %.*s", SLICE_ARG(reference));
}

static void write_origin(const struct walk *w, const struct setting *setting,
                         const struct config_origin *origin)
{
    const struct config_place *place = &origin->place;
    harborai_str reference = reference_of(w, setting);
    json_write_key(w->json, HARBORAI_STR("origin"));
    json_write_object(w->json);
    json_write_key_string(w->json, "kind", slice_of(kind_name(origin->kind)));
    if (origin->kind != CONFIG_ORIGIN_DEFAULT)
        json_write_key_string(w->json, "name", slice_of(place->file));
    if (place->line > 0) {
        json_write_key_int64(w->json, "line", place->line);
        json_write_key_int64(w->json, "column", place->column);
    }
    if (reference.len > 0)
        json_write_key_string(w->json, "reference", reference);
    json_write_end(w->json);
}

/* ---- One setting -------------------------------------------------------------------------- */

static bool is_plain(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_word && (i == 0 ? c != '/' : strchr("_./-", c) == NULL))
            return false;
    }
    return text.len > 0 && node_kind_of_plain(text) == NODE_STRING;
}

/* Without quotes where it means the same without them. `json` is a value: "…" or anything else. */
static void add_yaml(struct buf *out, harborai_str json)
{
    harborai_str inside = SLICE_NONE;
    if (json.len > 2 && json.data[0] == '"')
        inside = slice_cut(slice_from(json, 1), json.len - 2);
    if (is_plain(inside)) {
        buf_add(out, inside);
        return;
    }
    for (size_t i = 0; i < json.len; i++) { /* what is a '$' here must not be expanded there */
        buf_add_char(out, json.data[i]);
        if (json.data[i] == '$' && i + 1 < json.len &&
            (json.data[i + 1] == '{' || json.data[i + 1] == '$'))
            buf_add_char(out, '$');
    }
}

static void add_indent(const struct walk *w, unsigned depth)
{
    buf_printf(w->out, "%*s", (int)(2 * depth), "");
}

static void add_key(const struct walk *w, harborai_str key)
{
    AUTO(buf) json = BUF_INIT(KIB(4));
    struct json_writer writer = JSON_WRITER(&json);
    json_write_string(&writer, key);
    add_yaml(w->out, buf_slice(&json));
    buf_add_char(w->out, ':');
}

/* A key that is not there yet is worth a line. */
static void add_absence(const struct walk *w, const struct setting *setting, unsigned depth)
{
    harborai_str reference = reference_of(w, setting);
    if (reference.len == 0 || w->json != NULL)
        return;
    add_indent(w, depth);
    const char *name = strrchr(setting->path, '.') + 1;
    buf_printf(w->out, "# %s: %.*s has no value\n", name, SLICE_ARG(reference));
}

static void write_path(const struct walk *w, const char *path, struct json_writer *to)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    harborai_str before, after;
    if (slice_split(slice_of(path), '*', &before, &after))
        buf_printf(&text, "%.*s%.*s%.*s", SLICE_ARG(before), SLICE_ARG(w->name), SLICE_ARG(after));
    else
        buf_add(&text, before);
    json_write_key_string(to, "setting", buf_slice(&text));
}

static void add_entry(const struct walk *w, harborai_str key, const struct setting *setting,
                      harborai_str json, const struct config_origin *origin, unsigned depth)
{
    if (w->json != NULL) {
        json_write_object(w->json);
        write_path(w, setting->path, w->json);
        json_write_key(w->json, HARBORAI_STR("value"));
        json_write_raw(w->json, json);
        write_origin(w, setting, origin);
        json_write_end(w->json);
        return;
    }
    add_indent(w, depth);
    add_key(w, key);
    buf_add_char(w->out, ' ');
    add_yaml(w->out, json);
    if (w->with_origins) {
        buf_add(w->out, HARBORAI_STR("  # "));
        add_origin(w, setting, origin);
    }
    buf_add_char(w->out, '\n');
}

static void show_setting(const struct walk *w, harborai_str key, const struct setting *setting,
                         unsigned depth)
{
    AUTO(buf) json = BUF_INIT(MIB(16));
    struct json_writer writer = JSON_WRITER(&json);
    if (!write_value(w, setting, &writer))
        add_absence(w, setting, depth);
    else if (json.failed != HARBORAI_OK)
        w->out->failed = json.failed;
    else
        add_entry(w, key, setting, buf_slice(&json), &w->origins[setting - settings], depth);
}

/* ---- The walk ----------------------------------------------------------------------------- */

static void show_section(const struct walk *w, harborai_str section, unsigned depth);

static void show_providers(const struct walk *w, unsigned depth)
{
    for (size_t i = 0; i < w->config->provider_count; i++) {
        const struct config_provider *p = &w->config->providers[i];
        struct walk inner = *w;
        inner.base = inner.provider = p;
        inner.origins = p->origins;
        inner.name = p->name;
        if (w->json == NULL) {
            add_indent(w, depth);
            add_key(w, p->name);
            buf_add_char(w->out, '\n');
        }
        show_section(&inner, HARBORAI_STR(SETTINGS_PROVIDER), depth + 1);
    }
}

static void show_aliases(const struct walk *w, unsigned depth)
{
    const struct setting *setting = settings_find(HARBORAI_STR("models.*"));
    for (size_t i = 0; i < w->config->alias_count; i++) {
        const struct config_alias *a = &w->config->aliases[i];
        struct config_origin origin = {CONFIG_ORIGIN_FILE, a->place};
        AUTO(buf) json = BUF_INIT(KIB(4));
        struct json_writer writer = JSON_WRITER(&json);
        struct walk inner = *w;
        inner.name = a->name;
        json_write_string(&writer, a->target);
        add_entry(&inner, a->name, setting, buf_slice(&json), &origin, depth);
    }
}

static void show_below(const struct walk *w, harborai_str path, unsigned depth)
{
    if (slice_is(path, "providers"))
        show_providers(w, depth);
    else if (slice_is(path, "models"))
        show_aliases(w, depth);
    else
        show_section(w, path, depth);
}

/* A section in which nothing has a value is left out. */
static void show_section(const struct walk *w, harborai_str section, unsigned depth)
{
    const struct setting *setting;
    harborai_str key, path;
    for (size_t i = 0; settings_key_at(section, i, &key); i++) {
        if (!settings_step(section, key, &setting, &path))
            continue;
        if (setting != NULL) {
            show_setting(w, key, setting, depth);
            continue;
        }
        size_t before = w->out->len;
        if (w->json == NULL) {
            add_indent(w, depth);
            buf_printf(w->out, "%.*s:\n", SLICE_ARG(key));
        }
        size_t empty = w->out->len;
        show_below(w, path, depth + 1);
        if (w->out->len == empty)
            w->out->len = before;
    }
}

void show_yaml(const struct config *config, bool with_origins, struct buf *out)
{
    struct walk walk = {.config = config, .out = out, .with_origins = with_origins, .base = config,
                        .origins = config->origins};
    show_section(&walk, SLICE_NONE, 0);
}

void show_json(const struct config *config, struct buf *out)
{
    struct json_writer json = JSON_WRITER(out);
    struct walk walk = {.config = config, .out = out, .json = &json, .base = config,
                        .origins = config->origins};
    json_write_object(&json);
    json_write_key_int64(&json, "version", 1);
    json_write_key(&json, HARBORAI_STR("settings"));
    json_write_array(&json);
    show_section(&walk, SLICE_NONE, 0);
    json_write_end(&json);
    json_write_end(&json);
}
