/* SPDX-License-Identifier: MIT */
/* Walks the tree by the table of settings. Lower sources are read first and overwritten by higher
 * ones; a provider inherits what is global, so providers come last. */
#include "config/read.h"

#include "base/limits.h"
#include "config/expand.h"

#define JSON_MAX MIB(8) /* the options of one provider */

#define SHOWN_MAX 256 /* a path in a message */

static harborai_str join(char text[static SHOWN_MAX], harborai_str section, harborai_str key)
{
    int len = snprintf(text, SHOWN_MAX, "%.*s%s%.*s", SLICE_ARG(section),
                       section.len > 0 ? "." : "", SLICE_ARG(node_excerpt(key)));
    return (harborai_str){text, len < SHOWN_MAX ? (size_t)len : SHOWN_MAX - 1};
}

/* ---- Sections ----------------------------------------------------------------------------- */

static bool is_section(struct config_reader *r, const struct node *node, harborai_str shown)
{
    if (node->kind == NODE_MAPPING)
        return true;
    if (node->kind != NODE_NULL && !node->is_faulty) /* `server:` and nothing below it is fine */
        config_faults_add(r->faults, node->place, "'%.*s' must be a mapping, not %s",
                          SLICE_ARG(shown), node_kind_name(node->kind));
    return false;
}

static void refuse_key(struct config_reader *r, const struct node *node, harborai_str section,
                       harborai_str shown)
{
    AUTO(buf) hint = BUF_INIT(KIB(4));
    harborai_str key = node_excerpt(node->key);
    settings_add_hint(section, node->key, &hint);
    if (shown.len == 0)
        config_faults_add(r->faults, node->key_place, "unknown key '%.*s'%.*s", SLICE_ARG(key),
                          SLICE_ARG(buf_slice(&hint)));
    else
        config_faults_add(r->faults, node->key_place, "unknown key '%.*s' in '%.*s'%.*s",
                          SLICE_ARG(key), SLICE_ARG(shown), SLICE_ARG(buf_slice(&hint)));
}

/* `section` is the path in the table, `shown` the operator's. Recursion is as deep as the table. */
static void read_section(struct config_reader *r, const struct node *mapping, harborai_str section,
                         harborai_str shown, void *base)
{
    for (struct node *node = mapping->first; node != NULL; node = node->next) {
        char text[SHOWN_MAX];
        const struct setting *setting;
        harborai_str path, name = join(text, shown, node->key);

        if (!settings_step(section, node->key, &setting, &path))
            refuse_key(r, node, section, shown);
        else if (slice_is(path, "providers") || slice_is(path, "models"))
            continue;
        else if (setting != NULL)
            field_read(r, setting, node, name, base);
        else if (is_section(r, node, name))
            read_section(r, node, path, name, base);
    }
}

/* ---- Providers ---------------------------------------------------------------------------- */

static bool is_provider_name(harborai_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return name.len > 0 && name.len <= 32;
}

/* What stands beside `options` must not stand in it: a key would get to the plugin's JSON. */
static void check_options(struct config_reader *r, harborai_str shown)
{
    static const char *const outside[] = {"base_url", "api_key"};
    for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
        const struct node *node = node_member(r->options, slice_of(outside[i]));
        if (node != NULL)
            config_faults_add(r->faults, node->key_place,
                              "'%s' is no option of the plugin: write it as '%.*s.%s'", outside[i],
                              SLICE_ARG(shown), outside[i]);
    }
}

static void build_json(struct config_reader *r, struct config_provider *provider,
                       harborai_str shown)
{
    AUTO(buf) json = BUF_INIT(JSON_MAX);
    struct json_writer writer = JSON_WRITER(&json);
    json_write_object(&writer);
    if (provider->base_url.len > 0)
        json_write_key_string(&writer, "base_url", provider->base_url);
    if (r->options != NULL) {
        check_options(r, shown);
        node_write_json_members(r->options, &writer, r->faults);
    }
    json_write_end(&writer);
    if (json.failed != HARBORAI_OK)
        r->is_out_of_memory = true;
    else
        provider->config_json = field_copy(r, buf_slice(&json));
}

static void read_provider(struct config_reader *r, const struct node *node,
                          struct config_provider *provider)
{
    char text[SHOWN_MAX];
    harborai_str shown = join(text, HARBORAI_STR("providers"), node->key);

    *provider = (struct config_provider){
        .name = field_copy(r, node->key),
        .ca_file = r->config->ca_file,
        .timeouts = r->config->timeouts,
        .line = node->key_place.line,
        .column = node->key_place.column,
    };
    provider->plugin = provider->name;
    if (!is_provider_name(node->key))
        config_faults_add(r->faults, node->key_place,
                          "a provider's name has 1 to 32 of a-z, 0-9 and '-', not '%.*s'",
                          SLICE_ARG(node_excerpt(node->key)));
    r->options = NULL;
    if (is_section(r, node, shown))
        read_section(r, node, HARBORAI_STR(SETTINGS_PROVIDER), shown, provider);
    build_json(r, provider, shown);
}

static void read_providers(struct config_reader *r, const struct node *root)
{
    const struct node *node = node_member(root, HARBORAI_STR("providers"));
    if (node == NULL || !is_section(r, node, HARBORAI_STR("providers")) || node->count == 0)
        return;
    struct config_provider *providers = field_alloc(r, node->count, sizeof *providers);
    if (providers == NULL)
        return;
    r->config->providers = providers;
    for (const struct node *child = node->first; child != NULL; child = child->next)
        read_provider(r, child, &providers[r->config->provider_count++]);
}

/* ---- Aliases ------------------------------------------------------------------------------ */

static harborai_str nearest_provider(const struct config *config, harborai_str name)
{
    harborai_str nearest = SLICE_NONE;
    unsigned best = 3;
    for (size_t i = 0; i < config->provider_count; i++) {
        unsigned distance = slice_distance(name, config->providers[i].name, 2);
        if (distance < best) {
            best = distance;
            nearest = config->providers[i].name;
        }
    }
    return nearest;
}

static bool check_target(struct config_reader *r, const struct node *node, harborai_str shown,
                         const struct config_alias *alias)
{
    harborai_str nearest;
    if (alias->provider.len == 0 || alias->model.len == 0) {
        config_faults_add(r->faults, node->place,
                          "'%.*s' must be provider/model, not '%.*s'", SLICE_ARG(shown),
                          SLICE_ARG(node_excerpt(node->text)));
        return false;
    }
    if (config_provider_find(r->config, alias->provider) != NULL)
        return true;
    nearest = nearest_provider(r->config, alias->provider);
    if (nearest.len > 0)
        config_faults_add(r->faults, node->place,
                          "'%.*s' names the unknown provider '%.*s', did you mean '%.*s'?",
                          SLICE_ARG(shown), SLICE_ARG(node_excerpt(alias->provider)),
                          SLICE_ARG(nearest));
    else
        config_faults_add(r->faults, node->place,
                          "'%.*s' names the unknown provider '%.*s': write it below 'providers'",
                          SLICE_ARG(shown), SLICE_ARG(node_excerpt(alias->provider)));
    return false;
}

static void read_alias(struct config_reader *r, const struct node *node)
{
    const struct setting *setting = settings_find(HARBORAI_STR("models.*"));
    struct config_alias *alias = &r->config->aliases[r->config->alias_count];
    char text[SHOWN_MAX];
    harborai_str shown = join(text, HARBORAI_STR("models"), node->key);
    struct node name = *node;

    name.kind = NODE_STRING;
    name.text = node->key;
    name.place = node->key_place;
    if (!field_check_text(r, &name, shown, setting->most) ||
        !field_check_text(r, node, shown, setting->most))
        return;
    *alias = (struct config_alias){.name = field_copy(r, node->key),
                                   .target = field_copy(r, node->text),
                                   .line = node->key_place.line,
                                   .column = node->key_place.column};
    slice_split(node->text, '/', &alias->provider, &alias->model);
    if (!check_target(r, node, shown, alias))
        return;
    alias->provider = field_copy(r, alias->provider);
    alias->model = field_copy(r, alias->model);
    r->config->alias_count++;
}

static void read_aliases(struct config_reader *r, const struct node *root)
{
    const struct node *node = node_member(root, HARBORAI_STR("models"));
    if (node == NULL || !is_section(r, node, HARBORAI_STR("models")) || node->count == 0)
        return;
    r->config->aliases = field_alloc(r, node->count, sizeof *r->config->aliases);
    for (const struct node *child = node->first; r->config->aliases != NULL && child != NULL;
         child = child->next)
        read_alias(r, child);
}

/* ---- What is no file ---------------------------------------------------------------------- */

static bool is_of_provider(const struct setting *setting)
{
    return slice_starts_with(slice_of(setting->path), SETTINGS_PROVIDER ".");
}

static void read_single(struct config_reader *r, const struct setting *setting, const char *from,
                        harborai_str value)
{
    struct node node = {.kind = NODE_STRING, .place = {from, 0, 0}, .text = value};
    field_read(r, setting, &node, slice_of(setting->path), r->config);
}

static void read_defaults(struct config_reader *r)
{
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].fallback != NULL && !is_of_provider(&settings[i]))
            read_single(r, &settings[i], "default", slice_of(settings[i].fallback));
}

static void read_environment(struct config_reader *r)
{
    harborai_str value;
    for (size_t i = 0; i < settings_count; i++) {
        const char *variable = settings[i].variable;
        if (variable != NULL &&
            environment_find_filled(r->environment, slice_of(variable), &value))
            read_single(r, &settings[i], variable, value);
    }
}

static void read_overrides(struct config_reader *r, const struct config_override *overrides,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *setting = settings_find(slice_of(overrides[i].path));
        if (setting == NULL || is_of_provider(setting))
            config_faults_add(r->faults, (struct config_place){overrides[i].path, 0, 0},
                              "no such setting");
        else
            read_single(r, setting, setting->flag != NULL ? setting->flag : setting->path,
                        slice_of(overrides[i].value));
    }
}

/* The XDG Base Directory Specification: what is not absolute is to be ignored. */
static void find_state_dir(struct config_reader *r)
{
    harborai_str base, path;
    if (r->config->state_dir.len > 0)
        return;
    if (environment_find_filled(r->environment, HARBORAI_STR("XDG_STATE_HOME"), &base) &&
        base.data[0] == '/')
        path = arena_printf(&r->config->arena, "%.*s/harborai", SLICE_ARG(base));
    else if (environment_find_filled(r->environment, HARBORAI_STR("HOME"), &base))
        path = arena_printf(&r->config->arena, "%.*s/.local/state/harborai", SLICE_ARG(base));
    else
        return;
    if (path.data == NULL)
        r->is_out_of_memory = true;
    r->config->state_dir = path;
}

/* ---- All of it ---------------------------------------------------------------------------- */

/* A key is expanded where it is read: what is unset there is no fault, and what it holds must not
 * be left in the tree. */
static void exempt_keys(const struct node *root)
{
    const struct node *providers = node_member(root, HARBORAI_STR("providers"));
    if (providers == NULL)
        return;
    for (const struct node *child = providers->first; child != NULL; child = child->next) {
        struct node *key = node_member(child, HARBORAI_STR("api_key"));
        if (key != NULL)
            key->is_expanded = true;
    }
}

static void expand(struct config_reader *r, struct node *root)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    exempt_keys(root);
    if (expand_tree(r->environment, root, &r->config->arena, r->faults, &error) < 0)
        r->is_out_of_memory = true;
}

void read_config(struct config_reader *r, struct node *root,
                 const struct config_override *overrides, size_t override_count)
{
    read_defaults(r);
    if (root != NULL) {
        expand(r, root);
        read_section(r, root, SLICE_NONE, SLICE_NONE, r->config);
    }
    read_environment(r);
    read_overrides(r, overrides, override_count);
    find_state_dir(r);
    if (root != NULL) {
        read_providers(r, root);
        read_aliases(r, root);
    }
}
