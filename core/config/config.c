/* SPDX-License-Identifier: MIT */
/* Finds the file, reads it, and hands out what came of it. Never prints; never changes anything. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "config/read.h"
#include "config/yaml.h"

#define READ_SIZE KIB(4)
#define ARENA_MAX MIB(64) /* of the tree, and of what is kept of it; far above a file's ceiling */

/* ---- The file ----------------------------------------------------------------------------- */

struct source {
    harborai_str name;  /* NUL behind it; empty: no file */
    const char *origin; /* for messages, where the name is not the user's own word */
    bool is_required;
};

static harborai_status find_source(const struct config_sources *sources,
                                   const struct environment *environment, struct arena *arena,
                                   struct source *ret_source, harborai_error *error)
{
    harborai_str base;
    const char *rest = "";
    struct source source = {SLICE_NONE, "", false};

    if (sources->without_file) {
        base = SLICE_NONE;
    } else if (sources->file != NULL) {
        base = slice_of(sources->file);
        source.is_required = true;
    } else if (environment_find_filled(environment, HARBORAI_STR("HARBORAI_CONFIG"), &base)) {
        source.is_required = true;
        source.origin = " that HARBORAI_CONFIG names";
    } else if (environment_find_filled(environment, HARBORAI_STR("XDG_CONFIG_HOME"), &base) &&
               base.data[0] == '/') {
        rest = "/harborai/config.yaml";
    } else if (environment_find_filled(environment, HARBORAI_STR("HOME"), &base)) {
        rest = "/.config/harborai/config.yaml";
    } else {
        base = SLICE_NONE;
    }
    source.name = arena_printf(arena, "%.*s%s", SLICE_ARG(base), rest);
    if (source.name.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    *ret_source = source;
    return HARBORAI_OK;
}

/* 0, or an errno. Stops soon after the ceiling, so that parse() sees that it is passed. */
static int read_all(int fd, struct buf *text)
{
    while (text->len <= LIMIT_CONFIG_FILE) {
        char *room = buf_reserve(text, READ_SIZE);
        if (room == NULL)
            return ENOMEM;
        ssize_t len = read(fd, room, READ_SIZE);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return errno;
        if (len == 0)
            return 0;
        buf_commit(text, (size_t)len);
    }
    return 0;
}

static int read_file(const char *name, struct buf *text)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno;
    int number = read_all(fd, text);
    close(fd);
    return number;
}

/* *ret_found is false if there is no file and need not be. */
static harborai_status load_file(const struct source *source, struct buf *text,
                                 struct config_faults *faults, bool *ret_found,
                                 harborai_error *error)
{
    char words[128];
    int number = read_file(source->name.data, text);

    if (number == ENOMEM)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    *ret_found = number == 0;
    if (number == 0 || (!source->is_required && (number == ENOENT || number == ENOTDIR)))
        return HARBORAI_OK;
    config_faults_add(faults, (struct config_place){source->name.data, 0, 0},
                      "cannot read the configuration%s: %s", source->origin,
                      error_of_errno(number, words));
    return HARBORAI_E_CONFIG;
}

/* ---- Loading ------------------------------------------------------------------------------ */

/* What lives while a configuration is made. */
struct loading {
    const struct config_sources *sources;
    struct config_faults *faults;
    struct config *config;
    struct arena tree;
    struct buf text; /* of the file; wiped, as keys may stand in it */
};

static void loading_release(struct loading *loading)
{
    if (loading->text.len > 0)
        explicit_bzero(loading->text.data, loading->text.len);
    buf_release(&loading->text);
    arena_release(&loading->tree);
    config_destroy(loading->config);
}

static harborai_status parse(struct loading *l, harborai_str file, harborai_str text,
                             struct node **ret_root, harborai_error *error)
{
    l->config->has_file = true;
    l->config->file = arena_copy(&l->config->arena, file);
    if (l->config->file.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (text.len > LIMIT_CONFIG_FILE) {
        config_faults_add(l->faults, (struct config_place){l->config->file.data, 0, 0},
                          "larger than %zu MiB: that is no configuration",
                          LIMIT_CONFIG_FILE / MIB(1));
        return HARBORAI_E_CONFIG;
    }
    return yaml_tree_read(&l->tree, l->config->file.data, text, l->faults, ret_root, error);
}

/* *ret_root is NULL if there is no file. */
static harborai_status load_tree(struct loading *l, const struct environment *environment,
                                 struct node **ret_root, harborai_error *error)
{
    struct source source = {SLICE_NONE, "", false};
    bool is_found = false;

    *ret_root = NULL;
    if (l->sources->text.data != NULL)
        return parse(l, slice_of(l->sources->file != NULL ? l->sources->file : "configuration"),
                     l->sources->text, ret_root, error);
    harborai_status st = find_source(l->sources, environment, &l->tree, &source, error);
    if (st < 0 || source.name.len == 0)
        return st;
    st = load_file(&source, &l->text, l->faults, &is_found, error);
    if (st < 0 || !is_found)
        return st;
    return parse(l, source.name, buf_slice(&l->text), ret_root, error);
}

static harborai_status load(struct loading *l, const struct environment *environment,
                            harborai_error *error)
{
    struct config_reader reader = {
        .config = l->config, .environment = environment, .faults = l->faults};
    struct node *root;

    harborai_status st = load_tree(l, environment, &root, error);
    if (st < 0)
        return st;
    read_config(&reader, root, l->sources->overrides, l->sources->override_count);
    if (reader.is_out_of_memory)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    return l->faults->total > 0 ? HARBORAI_E_CONFIG : HARBORAI_OK;
}

static void summarise(const struct config_faults *faults, harborai_error *error)
{
    char text[400] = "the configuration is wrong";
    if (faults->count > 0)
        config_fault_format(&faults->items[0], text, sizeof text);
    if (faults->total > 1)
        harborai_error_set(error, HARBORAI_E_CONFIG, "%s (and %u more)", text, faults->total - 1);
    else
        harborai_error_set(error, HARBORAI_E_CONFIG, "%s", text);
}

harborai_status config_load(const struct config_sources *sources,
                            const struct environment *environment, struct config **ret_config,
                            struct config_faults *faults, harborai_error *error)
{
    AUTO(config_faults) own;
    __attribute__((cleanup(loading_release))) struct loading l = {.sources = sources};

    config_faults_init(&own);
    l.faults = faults != NULL ? faults : &own;
    arena_init(&l.tree, ARENA_MAX);
    buf_init(&l.text, LIMIT_CONFIG_FILE + 2 * READ_SIZE);
    l.config = calloc(1, sizeof *l.config);
    if (l.config == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    arena_init(&l.config->arena, ARENA_MAX);
    l.config->environment = environment;
    harborai_status st = load(&l, environment, error);
    if (st == HARBORAI_E_CONFIG)
        summarise(l.faults, error);
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
           slice_equal(a->base_url, b->base_url) && secret_equal(a->api_key, b->api_key) &&
           slice_equal(a->key_variable, b->key_variable) && a->key_none == b->key_none &&
           names_equal(&a->models, &b->models) && slice_equal(a->ca_file, b->ca_file) &&
           s->connect_ms == t->connect_ms && s->first_byte_ms == t->first_byte_ms &&
           s->idle_ms == t->idle_ms && s->total_ms == t->total_ms &&
           slice_equal(a->config_json, b->config_json);
}
