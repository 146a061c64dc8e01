/* SPDX-License-Identifier: MIT */
/* Each type of setting has one function here, which checks and stores; secrets are key.c's. */
#include "config/field.h"

#include <limits.h>

#include "base/limits.h"
#include "config/key.h"
#include "config/value.h"
#include "wire/url.h"

#define FAULT(r, node, ...) config_faults_add((r)->faults, (node)->place, __VA_ARGS__)

harborai_str field_copy(struct config_reader *r, harborai_str text)
{
    harborai_str copy = arena_copy(&r->config->arena, text);
    if (copy.data == NULL)
        r->is_out_of_memory = true;
    return copy;
}

void *field_alloc(struct config_reader *r, size_t count, size_t size)
{
    void *memory = arena_alloc(&r->config->arena, count * size);
    if (memory == NULL)
        r->is_out_of_memory = true;
    return memory;
}

void field_refuse(struct config_reader *r, const struct setting *setting, const struct node *node,
                  harborai_str shown)
{
    AUTO(buf) wanted = BUF_INIT(256);
    settings_describe_type(setting, &wanted);
    if (node_is_scalar(node) && !settings_is_secret(setting->type))
        FAULT(r, node, "'%.*s' must be %.*s, not '%.*s'", SLICE_ARG(shown),
              SLICE_ARG(buf_slice(&wanted)), SLICE_ARG(node_excerpt(node->text)));
    else
        FAULT(r, node, "'%.*s' must be %.*s, not %s", SLICE_ARG(shown),
              SLICE_ARG(buf_slice(&wanted)), node_kind_name(node->kind));
}

/* ---- Texts -------------------------------------------------------------------------------- */

static bool has_control(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

bool field_check_text(struct config_reader *r, const struct node *node, harborai_str shown,
                      int64_t most)
{
    if (node->is_faulty)
        return false;
    if (!node_is_scalar(node))
        FAULT(r, node, "'%.*s' must be a text, not %s", SLICE_ARG(shown),
              node_kind_name(node->kind));
    else if (node->kind == NODE_NULL)
        FAULT(r, node, "'%.*s' has no value: give one or leave it out", SLICE_ARG(shown));
    else if (node->text.len == 0)
        FAULT(r, node, "'%.*s' is empty: give a value or leave it out", SLICE_ARG(shown));
    else if (has_control(node->text))
        FAULT(r, node, "'%.*s' holds a line end or another control character", SLICE_ARG(shown));
    else if (node->text.len > (uint64_t)most)
        FAULT(r, node, "'%.*s' is longer than %lld bytes", SLICE_ARG(shown), (long long)most);
    else
        return true;
    return false;
}

bool field_resolve_path(struct config_reader *r, const struct node *node, harborai_str text,
                        harborai_str shown, harborai_str *ret_path)
{
    harborai_str before = SLICE_NONE, home;
    if (slice_starts_with(text, "~/")) {
        if (!environment_find_filled(r->environment, HARBORAI_STR("HOME"), &home)) {
            FAULT(r, node, "'%.*s' begins with '~' but HOME is not set", SLICE_ARG(shown));
            return false;
        }
        before = home;
        text = slice_from(text, 1);
    } else if (text.data[0] != '/' && node->place.line > 0) {
        before = files_folder(node->place.file);
    }
    harborai_str path = arena_printf(&r->config->arena, "%.*s%.*s", SLICE_ARG(before),
                                     SLICE_ARG(text));
    if (path.data == NULL)
        r->is_out_of_memory = true;
    else
        *ret_path = path;
    return path.data != NULL;
}

static void read_path(struct config_reader *r, const struct node *node, harborai_str shown,
                      harborai_str *field)
{
    (void)field_resolve_path(r, node, node->text, shown, field);
}

static bool is_plugin_name(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.')
            return false;
    }
    return true;
}

/* What stands before an '@' may be a password. */
static harborai_str without_user(harborai_str text)
{
    harborai_str user, rest;
    return slice_split(text, '@', &user, &rest) ? rest : text;
}

static void read_url(struct config_reader *r, const struct node *node, harborai_str shown,
                     harborai_str *field)
{
    harborai_str text = node->text, quoted = without_user(text);
    if (!url_is_base(text)) {
        FAULT(r, node,
              "'%.*s' must be a URL such as https://api.example.com/v1, without user, '?' and '#', "
              "not '%s%.*s'",
              SLICE_ARG(shown), quoted.len < text.len ? "…@" : "", SLICE_ARG(node_excerpt(quoted)));
        return;
    }
    while (text.data[text.len - 1] == '/')
        text.len--;
    *field = field_copy(r, text);
}

static void read_text(struct config_reader *r, const struct setting *setting,
                      const struct node *node, harborai_str shown, harborai_str *field)
{
    if (!field_check_text(r, node, shown, setting->most))
        return;
    if (setting->type == SETTING_PATH)
        read_path(r, node, shown, field);
    else if (setting->type == SETTING_URL)
        read_url(r, node, shown, field);
    else if ((setting->type == SETTING_PLUGIN || setting->type == SETTING_PRESET) &&
             !is_plugin_name(node->text))
        field_refuse(r, setting, node, shown);
    else
        *field = field_copy(r, node->text);
}

/* ---- Lists -------------------------------------------------------------------------------- */

/* As browsers send it: a scheme, a host, perhaps a port, and nothing else; "*" is any. */
static bool is_origin(harborai_str text)
{
    harborai_str scheme, rest;
    if (slice_is(text, "*"))
        return true;
    if (!slice_split(text, ':', &scheme, &rest) || scheme.len == 0 ||
        !slice_starts_with(rest, "//") || rest.len == 2)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("?#@,*\\\"", c) != NULL ||
            (c == '/' && i > scheme.len + 2))
            return false;
    }
    return true;
}

static void read_list(struct config_reader *r, const struct setting *setting,
                      const struct node *node, harborai_str shown, struct config_names *field)
{
    if (node->is_faulty)
        return;
    if (node->kind != NODE_SEQUENCE) {
        field_refuse(r, setting, node, shown);
        return;
    }
    if (node->count == 0) {
        FAULT(r, node, "'%.*s' is an empty list: name something or leave it out",
              SLICE_ARG(shown));
        return;
    }
    harborai_str *items = field_alloc(r, node->count, sizeof *items);
    size_t count = 0;
    for (const struct node *child = node->first; items != NULL && child != NULL;
         child = child->next) {
        if (!field_check_text(r, child, shown, setting->most))
            continue;
        if (setting->type == SETTING_ORIGINS && !is_origin(child->text))
            FAULT(r, child,
                  "'%.*s' must be * or origins such as https://chat.example.com, without a path, not "
                  "'%.*s'",
                  SLICE_ARG(shown), SLICE_ARG(node_excerpt(child->text)));
        if (setting->type == SETTING_PATHS)
            read_path(r, child, shown, &items[count]);
        else
            items[count] = field_copy(r, child->text);
        count++;
    }
    *field = (struct config_names){items, items != NULL ? count : 0};
}

/* "all", "none", "a,b" of a variable, or a list. The words of a switch are understood. */
static void read_which(struct config_reader *r, const struct setting *setting,
                       const struct node *node, harborai_str shown, struct config_names *field)
{
    if (!node_is_scalar(node)) {
        read_list(r, setting, node, shown, field);
        return;
    }
    if (!field_check_text(r, node, shown, PATH_MAX))
        return;
    bool is_all = slice_is(node->text, "all") || slice_is(node->text, "true");
    bool is_none = slice_is(node->text, "none") || slice_is(node->text, "false");
    harborai_str rest = is_all ? HARBORAI_STR("all") : node->text, name;
    harborai_str *items = field_alloc(r, rest.len + 1, sizeof *items);
    size_t count = 0;
    for (bool more = items != NULL && !is_none; more;) {
        more = slice_split(rest, ',', &name, &rest);
        if (name.len == 0) {
            field_refuse(r, setting, node, shown);
            return;
        }
        items[count++] = field_copy(r, name);
    }
    *field = (struct config_names){items, count};
}

/* ---- Numbers ------------------------------------------------------------------------------ */

static bool parse_number(enum setting_type type, harborai_str text, int64_t *ret_value)
{
    uint64_t number;
    if (type == SETTING_SIZE)
        return value_parse_size(text, ret_value);
    if (type == SETTING_DURATION)
        return value_parse_duration_ms(text, ret_value);
    if (!slice_to_u64(text, &number) || number > INT64_MAX)
        return false;
    *ret_value = (int64_t)number;
    return true;
}

static void read_number(struct config_reader *r, const struct setting *setting,
                        const struct node *node, harborai_str shown, int64_t *field)
{
    int64_t value;
    if (node->is_faulty)
        return;
    if (node_is_scalar(node) && parse_number(setting->type, node->text, &value) &&
        value >= setting->least && value <= setting->most)
        *field = value;
    else
        field_refuse(r, setting, node, shown);
}

/* Python's names are taken too: they stand in many a .env file. */
static harborai_str own_level_name(harborai_str text)
{
    if (slice_equal_ignoring_case(text, HARBORAI_STR("warning")))
        return HARBORAI_STR("warn");
    return slice_equal_ignoring_case(text, HARBORAI_STR("critical")) ? HARBORAI_STR("error") : text;
}

static void read_level(struct config_reader *r, const struct setting *setting,
                       const struct node *node, harborai_str shown, enum log_level *field)
{
    if (!node->is_faulty &&
        (!node_is_scalar(node) || !log_level_parse(own_level_name(node->text), field)))
        field_refuse(r, setting, node, shown);
}

/* The place of the text among the type's words. False: it is none of them, which has been said. */
static bool read_word(struct config_reader *r, const struct setting *setting,
                      const struct node *node, harborai_str shown, unsigned *ret_word)
{
    const char *const *words = settings_words(setting->type);
    if (node->is_faulty)
        return false;
    for (unsigned i = 0; node_is_scalar(node) && words[i] != NULL; i++)
        if (slice_is(node->text, words[i])) {
            *ret_word = i;
            return true;
        }
    field_refuse(r, setting, node, shown);
    return false;
}

/* ---- Dispatch ----------------------------------------------------------------------------- */

static void read_object(struct config_reader *r, const struct setting *setting,
                        struct node *node, harborai_str shown)
{
    if (node->kind == NODE_MAPPING)
        r->options = node;
    else if (node->kind != NODE_NULL && !node->is_faulty)
        field_refuse(r, setting, node, shown);
}

void field_read(struct config_reader *r, const struct setting *setting, struct node *node,
                harborai_str shown, void *base)
{
    void *field = (char *)base + setting->offset;
    unsigned word;
    r->origins[setting - settings] = (struct config_origin){r->kind, node->place};
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_PLUGIN:
    case SETTING_PRESET:
    case SETTING_URL:
        read_text(r, setting, node, shown, field);
        return;
    case SETTING_NUMBER:
    case SETTING_SIZE:
    case SETTING_DURATION:
        read_number(r, setting, node, shown, field);
        return;
    case SETTING_LEVEL:
        read_level(r, setting, node, shown, field);
        return;
    case SETTING_PARAMS:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_params *)field = (enum config_params)word;
        return;
    case SETTING_LEAVE:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_leave *)field = (enum config_leave)word;
        return;
    case SETTING_DURABILITY:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_durability *)field = (enum config_durability)word;
        return;
    case SETTING_CONTENT:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_content *)field = (enum config_content)word;
        return;
    case SETTING_FAILURE:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_on_failure *)field = (enum config_on_failure)word;
        return;
    case SETTING_TRUST:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_trust *)field = (enum config_trust)word;
        return;
    case SETTING_SSLMODE:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_sslmode *)field = (enum config_sslmode)word;
        return;
    case SETTING_MIGRATE:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_migrate *)field = (enum config_migrate)word;
        return;
    case SETTING_LOGS:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_logs *)field = (enum config_logs)word;
        return;
    case SETTING_AUTH:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_auth *)field = (enum config_auth)word;
        return;
    case SETTING_HALF_CLOSE:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_half_close *)field = (enum config_half_close)word;
        return;
    case SETTING_TLS_VERSION:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_tls_version *)field = (enum config_tls_version)word;
        return;
    case SETTING_ACCESS:
        if (read_word(r, setting, node, shown, &word))
            *(enum config_access *)field = (enum config_access)word;
        return;
    case SETTING_SWITCH:
        if (read_word(r, setting, node, shown, &word))
            *(bool *)field = word != 0;
        return;
    case SETTING_PATHS:
    case SETTING_NAMES:
    case SETTING_ORIGINS:
        read_list(r, setting, node, shown, field);
        return;
    case SETTING_WHICH:
        read_which(r, setting, node, shown, field);
        return;
    case SETTING_SECRET:
        key_read(r, setting, node, shown, base);
        return;
    case SETTING_PASSWORD:
    case SETTING_DATABASE_URL:
        key_read_secret(r, setting, node, shown, field);
        return;
    case SETTING_OBJECT:
        read_object(r, setting, node, shown);
        return;
    case SETTING_TARGET: /* aliases are a list of their own */
        return;
    }
}
