/* SPDX-License-Identifier: MIT */
/* Faults of options in the words of the configuration. Must never quote what `config show` would
 * hide: what was written is masked already, and what it does not have is not shown. */
#include "runtime/options.h"

#include "base/limits.h"
#include "config/mask.h"
#include "json_value.h"
#include "plugin/schema_words.h"

#define DESCRIPTION_MAX 250

struct options {
    const struct provider *provider;
    const struct node *written;
    struct config_place otherwise;
    struct config_faults *faults;
};

/* ---- Places ------------------------------------------------------------------------------- */

/* As deep as a schema may be. */
static const struct node *find_node(const struct node *root, const struct json_schema_at *at)
{
    if (root == NULL || at->up == NULL)
        return root;
    const struct node *parent = find_node(root, at->up);
    const struct node *child = parent != NULL ? parent->first : NULL;
    if (at->key.data == NULL)
        for (size_t i = 0; child != NULL && i < at->index; i++)
            child = child->next;
    else
        while (child != NULL && json_key_compare(at->key, at->key_escaped, child->key) != 0)
            child = child->next;
    return child;
}

/* Of a value, or where `is_name`, of its name. */
static struct config_place place_of(const struct options *o, const struct node *node, bool is_name)
{
    if (node == NULL || node->place.line == 0)
        return o->otherwise;
    return is_name && node->key.len > 0 ? node->key_place : node->place;
}

static bool is_base_url(const struct json_schema_at *at)
{
    return at->key.data != NULL && at->up->up == NULL &&
           json_key_compare(at->key, at->key_escaped, HARBORAI_STR("base_url")) == 0;
}

/* "providers.lab.options.reasoning" */
static void add_path(const struct options *o, const struct json_schema_at *at, struct buf *out)
{
    bool is_option = !is_base_url(at);
    buf_printf(out, "providers.%s%s%s", o->provider->name.data, is_option ? ".options" : "",
               at->up != NULL ? "." : "");
    json_schema_add_path(at, out);
}

/* ---- Sentences ---------------------------------------------------------------------------- */

static bool wants_text(harborai_str schema)
{
    harborai_str type = json_member(schema, HARBORAI_STR("type")), item;
    struct json_cursor cursor = json_open(type);
    bool wants = json_string_equal(type, HARBORAI_STR("string"));
    while (!wants && json_array_next(&cursor, &item))
        wants = json_string_equal(item, HARBORAI_STR("string"));
    return wants;
}

/* ", not 'loud'"; of a scalar that stands nowhere, or is masked, nothing. */
static void add_scalar(const struct json_schema_fault *fault, const struct node *node,
                       struct buf *out)
{
    bool is_text = json_kind(fault->value) == JSON_STRING;
    if (node != NULL && !mask_is_hidden(node)) {
        harborai_str text = node_excerpt(node->text);
        bool is_like_text = text.len == 0 || node_kind_of_plain(text) == NODE_STRING;
        buf_printf(out, is_text ? ", not %s'%.*s'" : ", not %s%.*s",
                   is_text && !is_like_text ? "the text " : "", SLICE_ARG(text));
    }
    if (!is_text && wants_text(fault->schema))
        buf_add(out, HARBORAI_STR(": put it in quotes"));
}

static void add_written(const struct json_schema_fault *fault, const struct node *node,
                        struct buf *out)
{
    switch (json_kind(fault->value)) {
    case JSON_OBJECT:
        buf_add(out, HARBORAI_STR(", not a mapping"));
        break;
    case JSON_ARRAY:
        buf_add(out, HARBORAI_STR(", not a list"));
        break;
    case JSON_NULL:
        buf_add(out, HARBORAI_STR(" and has no value: give one or leave it out"));
        break;
    case JSON_STRING:
    case JSON_NUMBER:
    case JSON_BOOL:
        add_scalar(fault, node, out);
        break;
    case JSON_NONE:
        break;
    }
}

/* What the plugin's author says of it, unless he says too much. */
static void add_description(harborai_str schema, struct buf *out)
{
    harborai_str said = json_member(schema, HARBORAI_STR("description")), text;
    char room[DESCRIPTION_MAX];
    if (json_string(said, room, sizeof room, &text) < 0 || text.len > sizeof room)
        return;
    buf_printf(out, schema_words_is_never(schema) ? ": %.*s" : " (%.*s)", SLICE_ARG(text));
}

static void add_wrong(const struct options *o, const struct json_schema_fault *fault)
{
    const struct node *node = find_node(o->written, fault->at);
    AUTO(buf) text = BUF_INIT(KIB(64));
    buf_add_char(&text, '\'');
    add_path(o, fault->at, &text);
    buf_add(&text, HARBORAI_STR("' must be "));
    schema_words_add_wanted(fault->schema, &text);
    if (!schema_words_is_never(fault->schema))
        add_written(fault, node, &text);
    add_description(fault->schema, &text);
    config_faults_add(o->faults, place_of(o, node, false), "%.*s", SLICE_ARG(buf_slice(&text)));
}

static void add_unknown(const struct options *o, const struct json_schema_fault *fault)
{
    const struct node *node = find_node(o->written, fault->at);
    harborai_str key = node != NULL ? node->key : fault->at->key;
    AUTO(buf) path = BUF_INIT(KIB(64));
    AUTO(buf) hint = BUF_INIT(KIB(64));
    add_path(o, fault->at->up, &path);
    schema_words_add_hint(fault->schema, key, &hint);
    config_faults_add(o->faults, place_of(o, node, true), "unknown key '%.*s' in '%.*s'%.*s",
                      SLICE_ARG(node_excerpt(key)), SLICE_ARG(buf_slice(&path)),
                      SLICE_ARG(buf_slice(&hint)));
}

static void add_missing(const struct options *o, const struct json_schema_fault *fault)
{
    bool is_url = fault->at->up == NULL &&
                  json_key_compare(fault->missing, fault->missing_escaped,
                                   HARBORAI_STR("base_url")) == 0;
    harborai_str properties = json_member(fault->schema, HARBORAI_STR("properties"));
    harborai_str schema = json_member(properties, fault->missing);
    AUTO(buf) path = BUF_INIT(KIB(64));
    AUTO(buf) wanted = BUF_INIT(KIB(64));
    add_path(o, fault->at, &path);
    if (is_url) {
        buf_clear(&path);
        buf_printf(&path, "providers.%s", o->provider->name.data);
    }
    if (schema.len > 0)
        schema_words_add_wanted(schema, &wanted);
    config_faults_add(o->faults, place_of(o, find_node(o->written, fault->at), true),
                      "'%.*s.%.*s' is missing%s%.*s", SLICE_ARG(buf_slice(&path)),
                      SLICE_ARG(slice_cut(fault->missing, 64)), wanted.len > 0 ? ": " : "",
                      SLICE_ARG(buf_slice(&wanted)));
}

static void add_other(const struct options *o, const struct json_schema_fault *fault,
                      const char *before, const char *after)
{
    AUTO(buf) path = BUF_INIT(KIB(64));
    add_path(o, fault->at, &path);
    config_faults_add(o->faults, place_of(o, find_node(o->written, fault->at), true),
                      "'%.*s' %s plugin %s %s", SLICE_ARG(buf_slice(&path)), before,
                      o->provider->manifest->id.data, after);
}

/* base_url is the host's to check: a schema need not name it. */
static void add_fault(void *context, const struct json_schema_fault *fault)
{
    const struct options *o = context;
    switch (fault->kind) {
    case JSON_SCHEMA_WRONG:
        add_wrong(o, fault);
        break;
    case JSON_SCHEMA_UNKNOWN:
        if (!is_base_url(fault->at))
            add_unknown(o, fault);
        break;
    case JSON_SCHEMA_MISSING:
        add_missing(o, fault);
        break;
    case JSON_SCHEMA_AMBIGUOUS:
        add_other(o, fault, "fits none of the alternatives that", "takes");
        break;
    case JSON_SCHEMA_ENDLESS:
        add_other(o, fault, "cannot be checked:", "has a config_schema that asks for too much");
        break;
    }
}

void options_check(const struct provider *p, const struct node *written,
                   struct config_place otherwise, struct config_faults *faults)
{
    struct options o = {p, written, otherwise, faults};
    if (p->manifest->config_schema.len > 0)
        (void)json_schema_check(p->manifest->config_schema, p->config, add_fault, &o);
}
