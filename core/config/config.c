/* SPDX-License-Identifier: MIT */
/* Reads the files, lays the user's over the system's, and hands out what came of it. Never prints;
 * never changes anything. */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"
#include "config/json.h"
#include "config/legacy.h"
#include "config/read.h"
#include "config/settings.h"
#include "config/yaml.h"

#define ARENA_MAX MIB(64) /* of the tree, and of what is kept of it; far above a file's ceiling */

/* What lives while a configuration is made. */
struct loading {
    const struct config_sources *sources;
    struct config_faults *faults, *warnings;
    struct config *config;
    const struct environment *environment; /* without the .env file */
    struct files_entry files[FILES_COUNT];
    struct arena tree;
    struct buf text[FILES_COUNT]; /* wiped, as keys may stand in it */
    harborai_str open[FILES_COUNT]; /* of the files that everybody can read: their names */
};

static void loading_release(struct loading *loading)
{
    for (unsigned i = 0; i < FILES_COUNT; i++) {
        if (loading->text[i].len > 0)
            explicit_bzero(loading->text[i].data, loading->text[i].len);
        buf_release(&loading->text[i]);
    }
    arena_release(&loading->tree);
    config_destroy(loading->config);
}

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

/* A name in the configuration's arena, which places keep. */
static harborai_status keep_name(struct loading *l, harborai_str name, harborai_str *ret_name,
                                 harborai_error *error)
{
    *ret_name = arena_copy(&l->config->arena, name);
    return ret_name->data != NULL ? HARBORAI_OK : out_of_memory(error);
}

/* ---- The .env file ------------------------------------------------------------------------ */

static const char *reason_of(int number, char words[static 128])
{
    return number == EINVAL ? "it is no regular file" : error_of_errno(number, words);
}

static void refuse_file(struct loading *l, const struct files_entry *entry, const char *what,
                        int number)
{
    char words[128];
    config_faults_add(l->faults, (struct config_place){entry->name.data, 0, 0},
                      "cannot read %s%s: %s", what, entry->origin, reason_of(number, words));
}

/* One that nobody named is let be where it cannot be meant for us: a folder of that name, a file of
 * somebody else. */
static bool is_env_file_used(struct loading *l, const struct files_entry *entry, int number,
                             const struct stat *about)
{
    struct config_place place = {entry->name.data, 0, 0};
    char words[128];
    if (number != 0 && entry->is_required) {
        refuse_file(l, entry, "the variables", number);
    } else if (number != 0) {
        if (number != ENOENT && number != EISDIR)
            config_faults_add(l->warnings, place, "not read: %s", reason_of(number, words));
    } else if (!files_is_own(about)) {
        config_faults_add(l->warnings, place,
                          "not read: others than you and root can write it: chmod o-w and chown "
                          "it");
    } else if (l->text[FILES_ENV].len > DOTENV_SIZE_MAX) {
        config_faults_add(l->faults, place, "larger than %zu KiB: that is no .env file",
                          DOTENV_SIZE_MAX / KIB(1));
    } else {
        return true;
    }
    return false;
}

static harborai_status load_env_file(struct loading *l, harborai_error *error)
{
    struct files_entry *entry = &l->files[FILES_ENV];
    struct buf *text = &l->text[FILES_ENV];
    harborai_str name;
    struct stat about;

    if (entry->name.len == 0)
        return HARBORAI_OK;
    int number = files_read_regular(entry->name.data, DOTENV_SIZE_MAX, text, &about);
    if (number == ENOMEM)
        return out_of_memory(error);
    if (!is_env_file_used(l, entry, number, &about))
        return HARBORAI_OK;
    harborai_status st = keep_name(l, entry->name, &name, error);
    if (st < 0)
        return st;
    st = dotenv_read(&l->config->arena, name.data, buf_slice(text), l->faults, &l->config->dotenv,
                     error);
    if (st >= 0 && l->config->dotenv.count > 0)
        l->config->files[FILES_ENV] = name;
    return st;
}

/* ---- The tree ----------------------------------------------------------------------------- */

/* *ret_root stays as it is where the file is faulty, which has been said. */
static harborai_status parse(struct loading *l, harborai_str file, harborai_str text,
                             struct node **ret_root, harborai_error *error)
{
    harborai_str name;
    harborai_status st = keep_name(l, file, &name, error);
    if (st < 0)
        return st;
    if (l->config->file.len == 0)
        l->config->file = name;
    if (text.len > LIMIT_CONFIG_FILE) {
        config_faults_add(l->faults, (struct config_place){name.data, 0, 0},
                          "larger than %zu MiB: that is no configuration",
                          LIMIT_CONFIG_FILE / MIB(1));
        return HARBORAI_OK;
    }
    st = slice_ends_with(name, ".json")
             ? json_tree_read(&l->tree, name.data, text, l->faults, ret_root, error)
             : yaml_tree_read(&l->tree, name.data, text, l->faults, ret_root, error);
    return st == HARBORAI_E_CONFIG ? HARBORAI_OK : st;
}

static harborai_status load_file(struct loading *l, enum files_kind kind, struct node **ret_root,
                                 harborai_error *error)
{
    const struct files_entry *entry = &l->files[kind];
    struct buf *text = &l->text[kind];
    struct stat about;

    if (entry->name.len == 0)
        return HARBORAI_OK;
    int number = files_read(entry->name.data, LIMIT_CONFIG_FILE, text, &about);
    if (number == ENOMEM)
        return out_of_memory(error);
    if (!entry->is_required && (number == ENOENT || number == ENOTDIR))
        return HARBORAI_OK;
    if (number != 0) {
        refuse_file(l, entry, "the configuration", number);
        return HARBORAI_OK;
    }
    if (S_ISREG(about.st_mode) && (about.st_mode & S_IROTH) != 0)
        l->open[kind] = entry->name;
    harborai_status st = parse(l, entry->name, buf_slice(text), ret_root, error);
    if (st >= 0 && *ret_root != NULL && (*ret_root)->count > 0)
        st = keep_name(l, entry->name, &l->config->files[kind], error);
    return st;
}

/* *ret_root is NULL if there is no file. */
static harborai_status load_tree(struct loading *l, struct node **ret_root, harborai_error *error)
{
    struct node *roots[FILES_COUNT] = {NULL};
    harborai_status st = HARBORAI_OK;

    if (l->sources->text.data != NULL)
        return parse(l, slice_of(l->sources->file != NULL ? l->sources->file : "configuration"),
                     l->sources->text, ret_root, error);
    for (unsigned kind = FILES_USER; kind < FILES_COUNT && st >= 0; kind++)
        st = load_file(l, kind, &roots[kind], error);
    *ret_root = roots[FILES_SYSTEM] != NULL ? roots[FILES_SYSTEM] : roots[FILES_USER];
    if (roots[FILES_SYSTEM] != NULL && roots[FILES_USER] != NULL)
        node_lay_over(roots[FILES_SYSTEM], roots[FILES_USER]);
    return st;
}

/* Of a key that is written out, and not referred to. */
static void warn_of_open_key(const struct loading *l, const struct config_provider *provider)
{
    const struct setting *setting = settings_find(HARBORAI_STR(SETTINGS_PROVIDER ".api_key"));
    struct config_place place = provider->origins[setting - settings].place;
    if (provider->api_key == NULL || provider->key_variable.len > 0 ||
        provider->key_reference.len > 0)
        return;
    for (unsigned i = 0; i < FILES_COUNT; i++)
        if (l->open[i].len > 0 && slice_is(l->open[i], place.file))
            config_faults_add(l->warnings, place,
                              "the key stands in a file that everybody can read: chmod 600, or "
                              "write env:NAME or file:PATH");
}

static harborai_status load(struct loading *l, harborai_error *error)
{
    struct config *c = l->config;
    struct config_reader reader = {.config = c,
                                   .environment = &c->layers.environment,
                                   .sources = l->sources,
                                   .faults = l->faults,
                                   .warnings = l->warnings};
    struct node *root = NULL;

    harborai_status st = files_find(l->sources, l->environment, &l->tree, l->files, error);
    if (st >= 0)
        st = load_env_file(l, error);
    dotenv_environment_init(&c->layers, l->environment, &c->dotenv);
    c->environment = &c->layers.environment;
    if (st >= 0)
        st = load_tree(l, &root, error);
    if (st < 0)
        return st;
    read_config(&reader, root);
    if (reader.is_out_of_memory)
        return out_of_memory(error);
    for (size_t i = 0; i < c->provider_count; i++)
        warn_of_open_key(l, &c->providers[i]);
    const harborai_str texts[FILES_COUNT] = {[FILES_USER] = buf_slice(&l->text[FILES_USER]),
                                             [FILES_SYSTEM] = buf_slice(&l->text[FILES_SYSTEM])};
    legacy_warn(c, l->sources->variables, texts, l->warnings);
    return l->faults->total > 0 ? HARBORAI_E_CONFIG : HARBORAI_OK;
}

harborai_status config_load(const struct config_sources *sources,
                            const struct environment *environment, struct config **ret_config,
                            struct config_faults *faults, harborai_error *error)
{
    AUTO(config_faults) own_faults;
    AUTO(config_faults) own_warnings;
    __attribute__((cleanup(loading_release))) struct loading l = {.sources = sources,
                                                                  .environment = environment};
    config_faults_init(&own_faults);
    config_faults_init_warnings(&own_warnings);
    l.faults = faults != NULL ? faults : &own_faults;
    l.warnings = sources->warnings != NULL ? sources->warnings : &own_warnings;
    arena_init(&l.tree, ARENA_MAX);
    for (unsigned i = 0; i < FILES_COUNT; i++)
        buf_init(&l.text[i], LIMIT_CONFIG_FILE + FILES_SLACK);
    l.config = calloc(1, sizeof *l.config);
    if (l.config == NULL)
        return out_of_memory(error);
    arena_init(&l.config->arena, ARENA_MAX);
    harborai_status st = load(&l, error);
    if (st == HARBORAI_E_CONFIG)
        (void)config_faults_summarise(l.faults, error);
    if (st < 0)
        return st;
    *ret_config = take(l.config);
    return HARBORAI_OK;
}

void config_destroy(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->provider_count; i++)
        secret_unref(config->providers[i].api_key);
    secret_unref(config->postgres.url.text);
    secret_unref(config->postgres.password.text);
    dotenv_wipe(&config->dotenv);
    arena_release(&config->arena);
    free(config);
}

/* ---- Look-ups ----------------------------------------------------------------------------- */

const struct config_provider *config_provider_find(const struct config *config, harborai_str name)
{
    for (size_t i = 0; i < config->provider_count; i++)
        if (slice_equal(config->providers[i].name, name))
            return &config->providers[i];
    return NULL;
}

const struct config_alias *config_alias_find(const struct config *config, harborai_str name)
{
    for (size_t i = 0; i < config->alias_count; i++)
        if (slice_equal(config->aliases[i].name, name))
            return &config->aliases[i];
    return NULL;
}

static bool names_equal(const struct config_names *a, const struct config_names *b)
{
    return slice_lists_equal(a->items, a->count, b->items, b->count);
}

bool config_provider_equal(const struct config_provider *a, const struct config_provider *b)
{
    const struct config_timeouts *s = &a->timeouts, *t = &b->timeouts;
    return slice_equal(a->name, b->name) && slice_equal(a->plugin, b->plugin) &&
           slice_equal(a->preset, b->preset) &&
           slice_equal(a->base_url, b->base_url) && secret_equal(a->api_key, b->api_key) &&
           slice_equal(a->key_variable, b->key_variable) && a->key_none == b->key_none &&
           names_equal(&a->models, &b->models) && slice_equal(a->ca_file, b->ca_file) &&
           s->connect_ms == t->connect_ms && s->first_byte_ms == t->first_byte_ms &&
           s->idle_ms == t->idle_ms && s->total_ms == t->total_ms && a->params == b->params &&
           a->on_disconnect == b->on_disconnect &&
           slice_equal(a->config_json, b->config_json);
}
