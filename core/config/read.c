/* SPDX-License-Identifier: MIT */
/* Walks the tree by the table of settings. Lower sources are read first and overwritten by higher
 * ones; a provider inherits what is global, so providers come last. */
#include "config/read.h"

#include "base/limits.h"
#include "base/nearest.h"
#include "config/expand.h"
#include "config/legacy.h"
#include "config/mask.h"

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
    const char *answer = legacy_key_answer(section, node->key);
    if (answer != NULL) {
        config_faults_add(r->faults, node->key_place, "'%.*s%s%.*s' %s", SLICE_ARG(shown),
                          shown.len > 0 ? "." : "", SLICE_ARG(key), answer);
        return;
    }
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

        if (section.len == 0 && slice_is(node->key, "$schema"))
            continue; /* an editor's business */
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

/* ---- What is no file ---------------------------------------------------------------------- */

static bool is_of_provider(const struct setting *setting)
{
    return slice_starts_with(slice_of(setting->path), SETTINGS_PROVIDER ".");
}

static void read_single(struct config_reader *r, const struct setting *setting,
                        struct config_place place, harborai_str value)
{
    struct node node = {.kind = NODE_STRING, .place = place, .text = value};
    field_read(r, setting, &node, slice_of(setting->path), r->config);
}

static void read_defaults(struct config_reader *r)
{
    r->kind = CONFIG_ORIGIN_DEFAULT;
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].fallback != NULL && !is_of_provider(&settings[i]))
            read_single(r, &settings[i], (struct config_place){"default", 0, 0},
                        slice_of(settings[i].fallback));
}

/* False: the variable is not set, or empty. Else where it is set, for messages and origins. */
static bool find_variable(struct config_reader *r, const char *name, harborai_str *ret_value,
                          struct config_place *ret_place)
{
    if (!environment_find_filled(r->environment, slice_of(name), ret_value))
        return false;
    bool is_above = r->config->layers.above->get(r->config->layers.above, name) != NULL;
    const struct dotenv_variable *below =
        is_above ? NULL : dotenv_find(&r->config->dotenv, slice_of(name));
    r->kind = below != NULL ? CONFIG_ORIGIN_ENV_FILE : CONFIG_ORIGIN_VARIABLE;
    *ret_place = below != NULL ? below->value_place : (struct config_place){name, 0, 0};
    return true;
}

static void read_variable(struct config_reader *r, const struct setting *setting, const char *name)
{
    struct config_place place;
    harborai_str value;
    if (!find_variable(r, name, &value, &place))
        return;
    if (r->kind != CONFIG_ORIGIN_ENV_FILE || !legacy_is_outside_only(slice_of(name)))
        read_single(r, setting, place, value);
}

/* Other names of a setting's variable come first, so that its own counts. */
static void read_environment(struct config_reader *r)
{
    for (size_t i = 0; i < legacy_alias_count(); i++) {
        const struct legacy_alias *alias = legacy_alias_at(i);
        if (legacy_alias_counts(r->config, alias))
            read_variable(r, settings_find(slice_of(alias->setting)), alias->name);
    }
    for (size_t i = 0; i < settings_count; i++)
        if (settings[i].variable != NULL)
            read_variable(r, &settings[i], settings[i].variable);
}

static bool is_plugin_file(const struct config_override *override)
{
    return strcmp(override->path, CONFIG_PLUGIN_FILE) == 0;
}

static void read_plugin_files(struct config_reader *r)
{
    const struct config_sources *from = r->sources;
    size_t count = 0;
    harborai_str *files = field_alloc(r, from->override_count + 1, sizeof *files);
    for (size_t i = 0; files != NULL && i < from->override_count; i++)
        if (is_plugin_file(&from->overrides[i]))
            files[count++] = field_copy(r, slice_of(from->overrides[i].value));
    r->config->plugin_files = (struct config_names){files, count};
}

static void read_overrides(struct config_reader *r)
{
    r->kind = CONFIG_ORIGIN_FLAG;
    read_plugin_files(r);
    for (size_t i = 0; i < r->sources->override_count; i++) {
        const struct config_override *override = &r->sources->overrides[i];
        if (is_plugin_file(override))
            continue;
        const struct setting *setting = settings_find(slice_of(override->path));
        if (setting == NULL || is_of_provider(setting))
            config_faults_add(r->faults, (struct config_place){override->path, 0, 0},
                              "no such setting");
        else
            read_single(r, setting,
                        (struct config_place){
                            setting->flag != NULL ? setting->flag : setting->path, 0, 0},
                        slice_of(override->value));
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

/* The tree is not read again. */
static void build_shown(struct config_reader *r, struct config_provider *provider)
{
    AUTO(buf) json = BUF_INIT(JSON_MAX);
    AUTO(config_faults) said_already;
    struct json_writer writer = JSON_WRITER(&json);
    config_faults_init(&said_already);
    bool is_masked = mask_tree(r->options, &r->config->arena);
    if (is_masked)
        node_write_json(r->options, &writer, &said_already);
    if (!is_masked || json.failed != HARBORAI_OK) {
        r->is_out_of_memory = true;
        return;
    }
    provider->options_shown = field_copy(r, buf_slice(&json));
    provider->options = node_copy(r->options, &r->config->arena);
    if (provider->options == NULL)
        r->is_out_of_memory = true;
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
    if (r->options != NULL)
        build_shown(r, provider);
}

/* Whether a .env file may say where the provider's vendor is: only of a key that it holds
 * itself, for it is the folder's, not the user's. */
static bool is_key_of_env_file(const struct config_reader *r,
                               const struct config_provider *provider,
                               const struct legacy_vendor *vendor)
{
    const struct dotenv_environment *layers = &r->config->layers;
    if (provider->key_none)
        return true;
    if (provider->key_variable.len > 0)
        return layers->above->get(layers->above, provider->key_variable.data) == NULL;
    if (provider->api_key != NULL || provider->key_reference.len > 0)
        return false;
    return !legacy_vendor_key_is_outside(r->config, vendor);
}

/* OPENAI_BASE_URL and its like, where no file says where the provider's vendor is. */
static void read_vendor_url(struct config_reader *r, struct config_provider *provider)
{
    const struct legacy_vendor *vendor = legacy_vendor_find(provider->name);
    struct config_place place;
    char shown[SHOWN_MAX];
    harborai_str value;

    if (vendor == NULL || provider->base_url.len > 0 ||
        !find_variable(r, vendor->base_url, &value, &place))
        return;
    if (r->kind == CONFIG_ORIGIN_ENV_FILE && !is_key_of_env_file(r, provider, vendor)) {
        config_faults_add(r->warnings, place,
                          "%s is not used: the key is not in this file, and a .env file decides "
                          "only where its own keys go: write providers.%s.base_url",
                          vendor->base_url, vendor->provider);
        return;
    }
    struct node node = {.kind = NODE_STRING, .place = place, .text = value};
    int len = snprintf(shown, sizeof shown, "providers.%s.base_url", vendor->provider);
    field_read(r, settings_find(HARBORAI_STR(SETTINGS_PROVIDER ".base_url")), &node,
               (harborai_str){shown, (size_t)len}, provider);
}

/* Also makes its origins those that are recorded. */
static void init_provider(struct config_reader *r, struct config_provider *provider,
                          harborai_str name, struct config_place place)
{
    *provider = (struct config_provider){
        .name = field_copy(r, name),
        .ca_file = r->config->ca_file,
        .timeouts = r->config->timeouts,
        .params = r->config->params,
        .on_disconnect = r->config->on_disconnect,
        .priority = -1,
        .place = place,
    };
    provider->plugin = provider->name;
    provider->origins = r->origins = field_alloc(r, settings_count, sizeof *r->origins);
    r->options = NULL;
}

static void read_provider(struct config_reader *r, const struct node *node,
                          struct config_provider *provider)
{
    char text[SHOWN_MAX];
    harborai_str shown = join(text, HARBORAI_STR("providers"), node->key);

    init_provider(r, provider, node->key, node->key_place);
    if (!is_provider_name(node->key))
        config_faults_add(r->faults, node->key_place,
                          "a provider's name has 1 to 32 of a-z, 0-9 and '-', not '%.*s'",
                          SLICE_ARG(node_excerpt(node->key)));
    r->kind = CONFIG_ORIGIN_FILE;
    if (r->origins != NULL && is_section(r, node, shown))
        read_section(r, node, HARBORAI_STR(SETTINGS_PROVIDER), shown, provider);
    provider->has_plugin = node_member(node, HARBORAI_STR("plugin")) != NULL;
    if (provider->preset.len == 0)
        read_vendor_url(r, provider);
    else if (!provider->has_plugin) /* whichever knows the preset, which says where its vendor is */
        provider->plugin = SLICE_NONE;
    build_json(r, provider, shown);
}

/* Without a file plugins make the providers; a variable may still say where one's vendor is. */
static void read_vendor_urls(struct config_reader *r)
{
    size_t most = legacy_vendor_count();
    struct config_provider *providers = field_alloc(r, most, sizeof *providers);
    r->config->providers = providers;
    for (size_t i = 0; providers != NULL && i < most; i++) {
        struct config_provider *provider = &providers[r->config->provider_count];
        harborai_str name = slice_of(legacy_vendor_name(i));
        init_provider(r, provider, name, (struct config_place){"", 0, 0});
        if (r->origins != NULL)
            read_vendor_url(r, provider);
        if (provider->base_url.len == 0)
            continue;
        build_json(r, provider, name);
        r->config->provider_count++;
    }
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
    struct nearest nearest = NEAREST_TO(name);
    for (size_t i = 0; i < config->provider_count; i++)
        nearest_consider(&nearest, config->providers[i].name);
    return nearest.name;
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
    if (!r->config->has_file || config_provider_find(r->config, alias->provider) != NULL)
        return true; /* without named providers it is for the runtime to find */
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
                                   .place = node->key_place};
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

static void find_plugin_lock(struct config_reader *r)
{
    struct arena *arena = &r->config->arena;
    harborai_str base, path, folder = SLICE_NONE;
    if (r->config->plugin_lock.len > 0)
        return;
    if (r->config->file.len > 0)
        folder = files_folder(r->config->file.data);
    if (r->config->file.len > 0)
        path = arena_printf(arena, "%.*splugins.lock", SLICE_ARG(folder));
    else if (environment_find_filled(r->environment, HARBORAI_STR("XDG_CONFIG_HOME"), &base) &&
             base.data[0] == '/')
        path = arena_printf(arena, "%.*s/harborai/plugins.lock", SLICE_ARG(base));
    else if (environment_find_filled(r->environment, HARBORAI_STR("HOME"), &base))
        path = arena_printf(arena, "%.*s/.config/harborai/plugins.lock", SLICE_ARG(base));
    else
        return;
    if (path.data == NULL)
        r->is_out_of_memory = true;
    r->config->plugin_lock = path;
}

static const struct config_origin *postgres_origin(const struct config_reader *r, const char *name)
{
    char path[SHOWN_MAX];
    snprintf(path, sizeof path, "store.postgres.%s", name);
    return &r->config->origins[settings_find(slice_of(path)) - settings];
}

/* A .env file is the folder's, not the user's: it does not lead a password of another place to a
 * server of its choice. */
static void check_postgres_address(struct config_reader *r)
{
    static const char *const address[] = {"host", "port", "url"};
    const struct config_postgres *p = &r->config->postgres;
    if (p->password.text == NULL ||
        postgres_origin(r, "password")->kind == CONFIG_ORIGIN_ENV_FILE)
        return;
    for (size_t i = 0; i < ARRAY_LEN(address); i++) {
        const struct config_origin *origin = postgres_origin(r, address[i]);
        if (origin->kind == CONFIG_ORIGIN_ENV_FILE)
            config_faults_add(r->faults, origin->place,
                              "'store.postgres.%s' is for a .env file to say only where the "
                              "password stands in it too", address[i]);
    }
}

static void find_postgres(struct config_reader *r)
{
    static const char *const any[] = {"url", "host", "user", "password", "database"};
    struct config_postgres *p = &r->config->postgres;
    for (size_t i = 0; i < ARRAY_LEN(any); i++)
        if (postgres_origin(r, any[i])->kind != CONFIG_ORIGIN_DEFAULT)
            p->is_configured = p->is_enabled;
    if (p->host.len == 0)
        p->host = HARBORAI_STR("localhost");
    check_postgres_address(r);
}

/* ---- TLS towards clients ------------------------------------------------------------------ */

static void need_tls(struct config_reader *r, const char *needs, const char *needed)
{
    const struct setting *setting = settings_find(slice_of(needs));
    const struct config_origin *origin = &r->config->origins[setting - settings];
    if (origin->kind != CONFIG_ORIGIN_DEFAULT)
        config_faults_add(r->faults, origin->place, "'%s' needs '%s' beside it", needs, needed);
}

/* Half a setting must not leave a gateway without TLS that was to have it. */
static void check_tls(struct config_reader *r)
{
    const struct config_tls *tls = &r->config->tls;
    if (tls->key.len == 0)
        need_tls(r, "server.tls.certificate", "server.tls.key");
    if (tls->certificate.len > 0)
        return;
    need_tls(r, "server.tls.key", "server.tls.certificate");
    need_tls(r, "server.tls.client_ca", "server.tls.certificate");
}

/* ---- All of it ---------------------------------------------------------------------------- */

/* A key is expanded where it is read: what is unset there is no fault, and what it holds must not
 * be left in the tree. */
static void exempt(const struct node *section, const char *key)
{
    struct node *node = section != NULL ? node_member(section, slice_of(key)) : NULL;
    if (node != NULL)
        node->is_expanded = true;
}

static void exempt_keys(const struct node *root)
{
    const struct node *providers = node_member(root, HARBORAI_STR("providers"));
    const struct node *store = node_member(root, HARBORAI_STR("store"));
    const struct node *postgres =
        store != NULL ? node_member(store, HARBORAI_STR("postgres")) : NULL;
    exempt(postgres, "url");
    exempt(postgres, "password");
    if (providers == NULL)
        return;
    for (const struct node *child = providers->first; child != NULL; child = child->next)
        exempt(child, "api_key");
}

static void expand(struct config_reader *r, struct node *root)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    exempt_keys(root);
    if (expand_tree(r->environment, root, &r->config->arena, r->faults, &error) < 0)
        r->is_out_of_memory = true;
}

void read_config(struct config_reader *r, struct node *root)
{
    struct config_origin *origins = field_alloc(r, settings_count, sizeof *origins);
    if (origins == NULL)
        return;
    r->config->origins = r->origins = origins;
    r->config->has_file =
        root != NULL && node_member(root, HARBORAI_STR("providers")) != NULL;
    read_defaults(r);
    if (root != NULL) {
        r->kind = CONFIG_ORIGIN_FILE;
        expand(r, root);
        read_section(r, root, SLICE_NONE, SLICE_NONE, r->config);
    }
    read_environment(r);
    read_overrides(r);
    find_state_dir(r);
    find_plugin_lock(r);
    find_postgres(r);
    check_tls(r);
    if (r->config->has_file)
        read_providers(r, root);
    else
        read_vendor_urls(r);
    if (root != NULL)
        read_aliases(r, root);
}
