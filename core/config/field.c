/* SPDX-License-Identifier: MIT */
/* Each type of setting has one function here, which checks and stores. A secret's text appears in
 * no fault and is wiped from the tree. */
#include "config/field.h"

#include "base/limits.h"
#include "config/expand.h"
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

/* "'server.port' must be a whole number from 0 to 65535, not 'abc'" */
static void refuse(struct config_reader *r, const struct setting *setting, const struct node *node,
                   harborai_str shown)
{
    AUTO(buf) wanted = BUF_INIT(256);
    settings_describe_type(setting, &wanted);
    if (node_is_scalar(node) && setting->type != SETTING_SECRET)
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

static harborai_str folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? SLICE_NONE : (harborai_str){file, (size_t)(slash - file) + 1};
}

/* "~/x" is in the home directory; what is relative in a file begins at the file's folder. */
static void read_path(struct config_reader *r, const struct node *node, harborai_str shown,
                      harborai_str *field)
{
    harborai_str text = node->text, before = SLICE_NONE, home;
    if (slice_starts_with(text, "~/")) {
        if (!environment_find_filled(r->environment, HARBORAI_STR("HOME"), &home)) {
            FAULT(r, node, "'%.*s' begins with '~' but HOME is not set", SLICE_ARG(shown));
            return;
        }
        before = home;
        text = slice_from(text, 1);
    } else if (text.data[0] != '/' && node->place.line > 0) {
        before = folder_of(node->place.file);
    }
    harborai_str path = arena_printf(&r->config->arena, "%.*s%.*s", SLICE_ARG(before),
                                     SLICE_ARG(text));
    if (path.data == NULL)
        r->is_out_of_memory = true;
    else
        *field = path;
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

static void read_url(struct config_reader *r, const struct node *node, harborai_str shown,
                     harborai_str *field)
{
    harborai_str text = node->text;
    if (!url_is_base(text)) {
        FAULT(r, node,
              "'%.*s' must be a URL such as https://api.example.com/v1, without user, '?' and '#', "
              "not '%.*s'",
              SLICE_ARG(shown), SLICE_ARG(node_excerpt(text)));
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
    else if (setting->type == SETTING_PLUGIN && !is_plugin_name(node->text))
        refuse(r, setting, node, shown);
    else
        *field = field_copy(r, node->text);
}

/* ---- Lists -------------------------------------------------------------------------------- */

static void read_list(struct config_reader *r, const struct setting *setting,
                      const struct node *node, harborai_str shown, struct config_names *field)
{
    if (node->is_faulty)
        return;
    if (node->kind != NODE_SEQUENCE) {
        refuse(r, setting, node, shown);
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
        if (setting->type == SETTING_PATHS)
            read_path(r, child, shown, &items[count]);
        else
            items[count] = field_copy(r, child->text);
        count++;
    }
    *field = (struct config_names){items, items != NULL ? count : 0};
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
        refuse(r, setting, node, shown);
}

static void read_level(struct config_reader *r, const struct setting *setting,
                       const struct node *node, harborai_str shown, enum log_level *field)
{
    if (!node->is_faulty && (!node_is_scalar(node) || !log_level_parse(node->text, field)))
        refuse(r, setting, node, shown);
}

/* ---- Secrets ------------------------------------------------------------------------------ */

static void wipe(harborai_str text)
{
    if (text.len > 0)
        explicit_bzero((char *)(uintptr_t)text.data, text.len);
}

static void store_secret(struct config_reader *r, const struct node *node, harborai_str shown,
                         harborai_str text, struct config_provider *provider)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char name[128];
    if (slice_is(text, "none")) {
        provider->key_none = true;
        return;
    }
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(shown));
    harborai_status st = secret_create(text, name, &provider->api_key, &error);
    if (st == HARBORAI_E_MEMORY)
        r->is_out_of_memory = true;
    else if (st < 0)
        FAULT(r, node, "%s", error.message);
}

/* What was expanded. A variable without a value is no fault of the file: the provider is there and
 * lacks its key. */
static void take_secret(struct config_reader *r, const struct node *node, harborai_str shown,
                        const struct expansion *expansion, struct config_provider *provider,
                        harborai_str text)
{
    if (expansion->variable.len > 0)
        provider->key_variable = field_copy(r, expansion->variable);
    if (expansion->outcome == EXPANSION_DONE && text.len > 0)
        store_secret(r, node, shown, text, provider);
    else if (expansion->variable.len == 0)
        FAULT(r, node, "'%.*s' is empty: give a key, or none for a vendor that needs none",
              SLICE_ARG(shown));
}

static void expand_secret(struct config_reader *r, const struct node *node, harborai_str shown,
                          struct config_provider *provider, struct buf *text)
{
    struct expansion expansion = expand_text(r->environment, node->text, text);
    if (text->failed != HARBORAI_OK)
        r->is_out_of_memory = true;
    else if (expansion.outcome == EXPANSION_BROKEN)
        FAULT(r, node, "'%.*s' holds a '${' that names no variable: write '$${' for the characters",
              SLICE_ARG(shown));
    else if (expansion.outcome == EXPANSION_REQUIRED)
        expand_add_fault(r->faults, node->place, &expansion);
    else
        take_secret(r, node, shown, &expansion, provider, buf_slice(text));
}

static void read_secret(struct config_reader *r, const struct setting *setting,
                        const struct node *node, harborai_str shown,
                        struct config_provider *provider)
{
    AUTO(buf) text = BUF_INIT(EXPANDED_MAX);
    if (!node_is_scalar(node)) {
        refuse(r, setting, node, shown);
        return;
    }
    expand_secret(r, node, shown, provider, &text);
    wipe(node->text);
    wipe(buf_slice(&text));
}

/* ---- Dispatch ----------------------------------------------------------------------------- */

static void read_object(struct config_reader *r, const struct setting *setting,
                        const struct node *node, harborai_str shown)
{
    if (node->kind == NODE_MAPPING)
        r->options = node;
    else if (node->kind != NODE_NULL && !node->is_faulty)
        refuse(r, setting, node, shown);
}

void field_read(struct config_reader *r, const struct setting *setting, struct node *node,
                harborai_str shown, void *base)
{
    void *field = (char *)base + setting->offset;
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_PLUGIN:
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
    case SETTING_PATHS:
    case SETTING_NAMES:
        read_list(r, setting, node, shown, field);
        return;
    case SETTING_SECRET:
        read_secret(r, setting, node, shown, base);
        return;
    case SETTING_OBJECT:
        read_object(r, setting, node, shown);
        return;
    case SETTING_TARGET: /* aliases are a list of their own */
        return;
    }
}
