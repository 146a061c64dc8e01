/* SPDX-License-Identifier: MIT */
/* harborai plugin doctor: why a plugin or a model is not there, and what mends it. It looks at what can
 * be seen without loading a plugin: files, configuration, what was disabled, keys. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/findings.h"
#include "cli/plugins.h"
#include "cli/setup.h"
#include "wire/shell.h"

static const struct option_spec options[] = {
    {"plugin", 0, "FILE", "use this plugin before all others; may be given again"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct doctor {
    struct findings findings;
    struct plugins plugins;
    struct runtime *runtime; /* NULL: the configuration cannot be used */
    struct log log;
};

static void doctor_release(struct doctor *d)
{
    if (d->runtime != NULL)
        runtime_destroy(d->runtime);
    plugins_release(&d->plugins);
    findings_release(&d->findings);
}

static const struct model_map *models_of(const struct doctor *d)
{
    return runtime_models(d->runtime);
}

static void add_command(struct buf *text, const char *command, harborai_str word)
{
    buf_printf(text, "%s ", command);
    shell_add_word(text, word);
}

/* ---- Files ---------------------------------------------------------------------------------- */

/* "rm /…/acme.so", or the command for what was installed. */
static void add_removal(struct buf *text, const struct plugin_file *file)
{
    const char *name = strrchr(file->path, '/') + 1;
    if (file->origin == PLUGIN_ORIGIN_USER)
        add_command(text, "harborai plugin remove", slice_of(name[0] == '-' ? file->path : name));
    else if (file->origin < PLUGIN_ORIGIN_USER && file->origin != PLUGIN_ORIGIN_EXPLICIT)
        add_command(text, "rm", slice_of(file->path));
}

static void tell_disabled(struct doctor *d, const struct plugin_state_entry *entry,
                          const char *what, harborai_str name)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    AUTO(buf) mend = BUF_INIT(KIB(4));
    buf_printf(&text, "%s '%.*s' is ", what, SLICE_ARG(entry->name));
    plugins_add_reason(d->plugins.state, entry, name, &text);
    if (!entry->is_removal)
        add_command(&mend, "harborai plugin enable", name);
    findings_add(&d->findings, buf_slice(&text), buf_slice(&mend));
}

static void tell_crash(struct doctor *d, const struct plugin_file *file, const struct crash *crash)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    AUTO(buf) mend = BUF_INIT(KIB(4));
    buf_printf(&text, "plugin '%s' is ", file->manifest->id.data);
    plugins_add_crash(crash, file->manifest->provider, &text);
    add_command(&mend, "harborai plugin enable", file->manifest->provider);
    findings_add(&d->findings, buf_slice(&text), buf_slice(&mend));
}

static void look_at_file(struct doctor *d, const struct plugin_file *file)
{
    AUTO(buf) mend = BUF_INIT(KIB(8));
    const struct plugin_state_entry *entry = plugins_disabled(&d->plugins, file);
    const struct crash *crash = plugins_crash(&d->plugins, file);
    /* Whom a file belongs to, the message tells how to mend. */
    if (file->error.code != HARBORAI_OK && file->stage != PLUGIN_STAGE_TRUST)
        add_removal(&mend, file);
    if (file->error.code != HARBORAI_OK)
        findings_add(&d->findings, slice_of(file->error.message), buf_slice(&mend));
    if (entry != NULL)
        tell_disabled(d, entry, "plugin", file->manifest->provider);
    else if (crash != NULL)
        tell_crash(d, file, crash);
}

static void look_at_directories(struct doctor *d)
{
    const struct plugin_catalog *c = d->plugins.catalog;
    for (size_t i = 0; i < c->directory_count; i++)
        if (c->directories[i].error.code != HARBORAI_OK)
            findings_add(&d->findings, slice_of(c->directories[i].error.message), SLICE_NONE);
}

/* ---- Providers ------------------------------------------------------------------------------ */

static void look_for_crash(struct doctor *d, const struct provider *p)
{
    const struct plugin_file *file = plugin_catalog_find(d->plugins.catalog, p->manifest->id);
    const struct crash *crash = file != NULL ? plugins_crash(&d->plugins, file) : NULL;
    if (crash != NULL)
        tell_crash(d, file, crash);
}

static void look_at_provider(struct doctor *d, const struct provider *p)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct plugin_state_entry *entry =
        plugin_state_disabled(d->plugins.state, PLUGIN_STATE_PROVIDER, p->name);
    AUTO(buf) mend = BUF_INIT(KIB(4));
    if (entry != NULL)
        tell_disabled(d, entry, "provider", entry->name);
    entry = plugin_state_disabled(d->plugins.state, PLUGIN_STATE_PLUGIN, p->manifest->id);
    if (entry != NULL)
        tell_disabled(d, entry, "plugin", p->manifest->provider);
    else
        look_for_crash(d, p);
    if (provider_check_secrets(p, &error) >= 0)
        return;
    if (p->key_variable.len > 0)
        buf_printf(&mend, "export %.*s=…", SLICE_ARG(p->key_variable));
    findings_add(&d->findings, slice_of(error.message), buf_slice(&mend));
}

/* Those that exist, and are of this plugin; NULL = of any. How many. */
static size_t look_at_providers(struct doctor *d, const struct manifest *of)
{
    size_t count, found = 0;
    const struct model_listing *list = model_map_list(models_of(d), &count);
    const struct provider *last = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct provider *p = list[i].slot->provider;
        if (p == last || (of != NULL && !slice_equal(p->manifest->id, of->id)))
            continue;
        look_at_provider(d, p);
        last = p;
        found++;
    }
    const struct config *config = runtime_config(d->runtime);
    for (size_t i = 0; i < config->provider_count; i++) { /* those that list no model */
        const struct provider *p = model_map_provider(models_of(d), config->providers[i].name);
        if (p == NULL || (of != NULL && !slice_equal(p->manifest->id, of->id)))
            continue;
        look_at_provider(d, p);
        found++;
    }
    return found;
}

/* A plugin that can be used, and is not, for there is no provider of it. */
static void look_for_dormant(struct doctor *d, const struct manifest *m)
{
    size_t count;
    const struct model_map_dormant *list = model_map_dormants(models_of(d), &count);
    const struct config *config = runtime_config(d->runtime);
    AUTO(buf) mend = BUF_INIT(KIB(4));
    for (size_t i = 0; i < count; i++) {
        harborai_str missing = list[i].missing;
        if (missing.len == 0 || !slice_equal(list[i].manifest->id, m->id))
            continue;
        buf_printf(&mend, "export %.*s=…", SLICE_ARG(missing));
        findings_tell(&d->findings, buf_slice(&mend),
                      "no provider of plugin '%.*s' exists: %.*s is not set", SLICE_ARG(m->provider),
                      SLICE_ARG(missing));
        return;
    }
    if (config->has_file)
        findings_tell(&d->findings, SLICE_NONE,
                      "no provider of plugin '%.*s' is configured: add '%.*s: {}' to providers in %.*s",
                      SLICE_ARG(m->provider), SLICE_ARG(m->provider), SLICE_ARG(config->file));
}

/* ---- Whom it was asked about ---------------------------------------------------------------- */

static void look_at_plugin(struct doctor *d, const struct plugin_file *file)
{
    look_at_file(d, file);
    if (d->runtime != NULL && file->state == PLUGIN_FILE_KNOWN &&
        look_at_providers(d, file->manifest) == 0)
        look_for_dormant(d, file->manifest);
}

static void look_at_target(struct doctor *d, const struct subject *target)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(d->plugins.state, target->kind, target->name);
    if (target->kind == PLUGIN_STATE_PLUGIN) {
        look_at_plugin(d, target->file);
        return;
    }
    if (entry != NULL)
        tell_disabled(d, entry, subject_kind_name(target->kind), entry->name);
    if (target->file != NULL)
        look_at_file(d, target->file);
    const struct provider *p =
        d->runtime != NULL ? model_map_provider(models_of(d), target->name) : NULL;
    if (p != NULL)
        look_at_provider(d, p);
}

/* "acme" of "libacme.so". */
static harborai_str stem_of(const struct plugin_file *file)
{
    harborai_str name = slice_of(strrchr(file->path, '/') + 1);
    if (slice_ends_with(name, ".so"))
        name = slice_cut(name, name.len - strlen(".so"));
    return slice_starts_with(name, "lib") ? slice_from(name, strlen("lib")) : name;
}

/* Of a file that was refused nobody knows which models it has: its name may tell, else it is one of all. */
static void look_for_refused(struct doctor *d, harborai_str model)
{
    const struct plugin_catalog *c = d->plugins.catalog;
    harborai_str provider, rest;
    bool found = false;
    (void)slice_split(model, '/', &provider, &rest);
    for (size_t i = 0; i < c->file_count; i++)
        if (c->files[i].state != PLUGIN_FILE_KNOWN && slice_equal(stem_of(&c->files[i]), provider)) {
            look_at_file(d, &c->files[i]);
            found = true;
        }
    for (size_t i = 0; !found && i < c->file_count; i++)
        if (c->files[i].state == PLUGIN_FILE_REFUSED)
            look_at_file(d, &c->files[i]);
    look_at_directories(d);
}

/* What is disabled may have the model, as its manifest says, or the model's name. */
static bool look_for_disabled(struct doctor *d, harborai_str model)
{
    const struct plugin_catalog *c = d->plugins.catalog;
    harborai_str provider, rest;
    bool is_qualified = slice_split(model, '/', &provider, &rest), found = false;
    for (size_t i = 0; i < c->file_count; i++) {
        const struct plugin_file *file = &c->files[i];
        if (file->state != PLUGIN_FILE_KNOWN || (plugins_disabled(&d->plugins, file) == NULL &&
                                                 plugins_crash(&d->plugins, file) == NULL))
            continue;
        if ((is_qualified && slice_equal(provider, file->manifest->provider)) ||
            manifest_model_find(file->manifest, model) != NULL) {
            look_at_file(d, file);
            found = true;
        }
    }
    const struct plugin_state_entry *entry =
        is_qualified ? plugin_state_disabled(d->plugins.state, PLUGIN_STATE_PROVIDER, provider) : NULL;
    if (entry != NULL)
        tell_disabled(d, entry, "provider", entry->name);
    return found || entry != NULL;
}

static void tell_glob(struct doctor *d, harborai_str glob)
{
    AUTO(buf) text = BUF_INIT(KIB(16));
    buf_printf(&text, "model '%.*s' is ", SLICE_ARG(glob));
    plugins_add_glob(d->plugins.config, glob, &text);
    findings_add(&d->findings, buf_slice(&text), SLICE_NONE);
}

static bool look_at_glob(struct doctor *d, harborai_str qualified)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(d->plugins.state, PLUGIN_STATE_MODEL, qualified);
    const harborai_str *glob = plugins_glob_of(d->plugins.config, qualified);
    if (entry != NULL)
        tell_disabled(d, entry, "model", entry->name);
    if (glob != NULL)
        tell_glob(d, *glob);
    return entry != NULL || glob != NULL;
}

/* Of a name without a provider: whose models are called so. */
static bool look_at_globs(struct doctor *d, harborai_str name)
{
    size_t count;
    const struct model_listing *list = model_map_list(models_of(d), &count);
    bool found = look_at_glob(d, name);
    for (size_t i = 0; i < count; i++)
        if (slice_equal(list[i].upstream, name))
            found |= look_at_glob(d, list[i].qualified);
    return found;
}

/* It has a provider, which may be off, or lack its key. */
static void look_at_route(struct doctor *d, const struct route_view *route)
{
    AUTO(buf) qualified = BUF_INIT(KIB(4));
    buf_printf(&qualified, "%.*s/%.*s", SLICE_ARG(route->provider), SLICE_ARG(route->upstream));
    (void)look_at_glob(d, buf_slice(&qualified));
    look_at_provider(d, route->slot->provider);
}

static void look_at_model(struct doctor *d, harborai_str name)
{
    struct route_view route;
    harborai_error error = HARBORAI_ERROR_INIT;
    if (d->runtime != NULL && model_map_find(models_of(d), name, &route) >= 0) {
        look_at_route(d, &route);
        return;
    }
    bool is_disabled = look_for_disabled(d, name);
    if (d->runtime == NULL || (look_at_globs(d, name) | is_disabled))
        return;
    model_map_explain(models_of(d), name, MODEL_MAP_IN_PROCESS, &error);
    findings_add(&d->findings, slice_of(error.message), SLICE_NONE);
    look_for_refused(d, name);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static void look_at_state(struct doctor *d)
{
    AUTO(buf) path = BUF_INIT(KIB(8));
    AUTO(buf) mend = BUF_INIT(KIB(16));
    if (d->plugins.state_error.code != HARBORAI_OK) {
        buf_printf(&path, "%.*s/plugins.json", SLICE_ARG(d->plugins.config->state_dir));
        add_command(&mend, "rm", buf_slice(&path));
        findings_add(&d->findings, slice_of(d->plugins.state_error.message), buf_slice(&mend));
    }
}

static void look_at_all(struct doctor *d)
{
    const struct plugin_catalog *c = d->plugins.catalog;
    AUTO(buf) text = BUF_INIT(KIB(64));
    if (d->plugins.config->plugin_trust == CONFIG_TRUST_OFF)
        findings_tell(&d->findings, SLICE_NONE,
                      "plugin_trust is off: plugins are loaded whoever may write to them; take it out "
                      "of %.*s, unless that is for development",
                      SLICE_ARG(d->plugins.config->file));
    look_at_directories(d);
    for (size_t i = 0; i < c->file_count; i++)
        look_at_file(d, &c->files[i]);
    for (int kind = PLUGIN_STATE_PROVIDER; kind < PLUGIN_STATE_KINDS; kind++) {
        size_t count;
        const struct plugin_state_entry *list =
            plugin_state_list(d->plugins.state, (enum plugin_state_kind)kind, &count);
        for (size_t i = 0; i < count; i++)
            if (!list[i].enabled)
                tell_disabled(d, &list[i], subject_kind_name((enum plugin_state_kind)kind),
                              list[i].name);
    }
    for (size_t i = 0; i < d->plugins.config->disabled_models.count; i++)
        tell_glob(d, d->plugins.config->disabled_models.items[i]);
    if (d->runtime != NULL && look_at_providers(d, NULL) == 0) {
        buf_printf(&text, "nothing can be asked");
        setup_add_what_to_set(d->runtime, &text);
        findings_add(&d->findings, buf_slice(&text), SLICE_NONE);
    }
}

static void add_faults(struct doctor *d, const struct config_faults *faults,
                       const harborai_error *error)
{
    for (unsigned i = 0; i < faults->count; i++) {
        char text[2048];
        config_fault_format(&faults->items[i], text, sizeof text);
        findings_add(&d->findings, slice_of(text), SLICE_NONE);
    }
    if (faults->count == 0)
        findings_add(&d->findings, slice_of(error->message), SLICE_NONE);
}

static struct config *load(struct doctor *d, const struct arguments *arguments)
{
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = NULL;
    config_faults_init(&faults);
    config_faults_init(&warnings);
    if (setup_load(&command_plugin_doctor, arguments, &config, &faults, &warnings, &error) >= 0)
        return config;
    add_faults(d, &faults, &error);
    return NULL;
}

/* The models, as a process would have them; takes the configuration. */
static void make_runtime(struct doctor *d, struct config *config)
{
    AUTO(config_faults) faults;
    harborai_error error = HARBORAI_ERROR_INIT;
    config_faults_init(&faults);
    log_init(&d->log, STDERR_FILENO, LOG_LEVEL_ERROR); /* what it would warn of is a finding */
    struct runtime_options with = {.log = &d->log, .loops = 1, .with_user_plugins = true,
                                   .system_plugin_dir = PLUGINDIR, .faults = &faults};
    if (runtime_create(config, &with, &d->runtime, &error) < 0) {
        config_destroy(config);
        d->runtime = NULL;
        add_faults(d, &faults, &error);
    }
}

static bool open_all(struct doctor *d, const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = load(d, arguments);
    if (config == NULL)
        return false;
    harborai_status st = plugins_open_with(&d->plugins, config, &error);
    if (st < 0)
        findings_add(&d->findings, slice_of(error.message), SLICE_NONE);
    return st >= 0;
}

static void examine(struct doctor *d, const struct arguments *arguments)
{
    struct subject target;
    const char *name = arguments->rest_count > 0 ? arguments->rest[0] : NULL;
    look_at_state(d);
    struct config *config = load(d, arguments);
    if (config != NULL)
        make_runtime(d, config);
    if (name == NULL)
        look_at_all(d);
    else if (plugins_look_up(&d->plugins, name, &target))
        look_at_target(d, &target);
    else
        look_at_model(d, slice_of(name));
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(doctor) d = {.runtime = NULL};
    bool as_json = command_argument(&command_plugin_doctor, arguments, "json") != NULL;
    findings_init(&d.findings, as_json);
    if (arguments->rest_count > 1) {
        command_complain("'plugin doctor' takes one name of a plugin, provider or model");
        return EXIT_USAGE;
    }
    if (open_all(&d, arguments))
        examine(&d, arguments);
    if (d.findings.count == 0 && !as_json)
        printf("nothing is wrong that can be seen without loading a plugin\n");
    return findings_finish(&d.findings);
}

const struct command command_plugin_doctor = {
    .name = "plugin doctor",
    .summary = "Tell why a plugin or a model is not there, and what mends it",
    .rest = "[PLUGIN | MODEL]",
    .options = options,
    .run = run,
};
