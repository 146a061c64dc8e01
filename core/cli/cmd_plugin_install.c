/* SPDX-License-Identifier: MIT */
/* harborai plugin install: puts a plugin's file where it is found. None of the plugin's code runs here; the
 * gateway that runs is told to look for it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/plugins.h"
#include "json_value.h"
#include "plugin/install.h"
#include "plugin/lock.h"

static const struct option_spec install_options[] = {
    {"dir", 0, "DIR", "the plugin directory (default ~/.local/lib/harborai/plugins)"},
    {"force", 'f', NULL, "put it in the place of another file of the same plugin"},
    {"lock", 0, NULL, "list it in plugins.lock, too"},
    {"state-dir", 0, "DIR", "whose gateway is told, and where plugins.json is kept"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

/* A file that is refused is no fault of the configuration. */
static enum exit_code fail(const harborai_error *error)
{
    command_complain("%s", error->message);
    return error->code == HARBORAI_E_NOT_FOUND || error->code == HARBORAI_E_INVALID ? EXIT_USAGE
                                                                                    : EXIT_FAILED;
}

/* Who installs a plugin does not want what was said of the one before. */
static void forget(const struct plugins *plugins, harborai_str id)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct plugin_state_change change = {PLUGIN_STATE_PLUGIN, id, true, ""};
    bool changed;
    if (plugin_state_disabled(plugins->state, PLUGIN_STATE_PLUGIN, id) != NULL &&
        plugin_state_apply(plugins->config->state_dir, &change, &clock_system, &changed, &error) < 0)
        command_complain("%s", error.message);
}

static const struct plugin_file *file_at(const struct plugin_catalog *catalog, const char *path)
{
    char *resolved = realpath(path, NULL);
    const struct plugin_file *found = NULL;
    for (size_t i = 0; resolved != NULL && i < catalog->file_count; i++)
        if (slice_is(slice_of(catalog->files[i].path), resolved))
            found = &catalog->files[i];
    free(resolved);
    return found;
}

/* ---- What was done -------------------------------------------------------------------------- */

struct report {
    const struct install *install;
    const struct plugin_file *file; /* as it is found now; NULL = not */
    harborai_str state;
    enum gateway_state gateway;
    struct buf served_by; /* JSON strings of the providers in the gateway, with commas */
};

/* What the gateway made of it. */
static void note_served(struct report *r, harborai_str answer)
{
    struct json_cursor cursor = json_open(json_member(answer, HARBORAI_STR("providers")));
    harborai_str item;
    while (json_array_next(&cursor, &item)) {
        AUTO(buf) path = BUF_INIT(KIB(64));
        bool takes = false;
        gateway_add_text(item, "file", &path);
        (void)json_boolean(json_member(item, HARBORAI_STR("takes_calls")), &takes);
        if (takes && slice_is(buf_slice(&path), r->install->target))
            buf_printf(&r->served_by, "%s%.*s", r->served_by.len > 0 ? ", " : "",
                       SLICE_ARG(json_member(item, HARBORAI_STR("name"))));
    }
}

static void print_line(const struct report *r)
{
    const struct manifest *m = r->install->file.manifest;
    printf("plugin '%.*s' %.*s is installed as '%s'", SLICE_ARG(m->id), SLICE_ARG(m->version),
           r->install->target);
    if (r->file == NULL) /* which is complained of */
        printf("\n");
    else if (r->gateway != GATEWAY_ANSWERS)
        printf(", and served from the next start on\n");
    else if (r->served_by.len > 0)
        printf(", and the gateway serves it as %.*s\n", SLICE_ARG(buf_slice(&r->served_by)));
    else
        printf("; the gateway has no provider of it: 'harborai plugin doctor %.*s' says why\n",
               SLICE_ARG(m->id));
}

static void print_json(const struct report *r)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    plugins_write_file(&w, r->install->file.manifest, r->install->target);
    json_write_key_string(&w, "state", r->state);
    json_write_end(&w);
    json_write_key(&w, HARBORAI_STR("replaced"));
    json_write_bool(&w, r->install->replaces);
    if (r->gateway == GATEWAY_ANSWERS) {
        AUTO(buf) list = BUF_INIT(KIB(64));
        buf_printf(&list, "[%.*s]", SLICE_ARG(buf_slice(&r->served_by)));
        json_write_key(&w, HARBORAI_STR("served_by"));
        json_write_raw(&w, buf_slice(&list));
    }
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void complain_of_file(const struct report *r)
{
    if (r->file == NULL)
        command_complain("'%s' is no plugin directory: add it to plugin_path or HARBORAI_PLUGIN_PATH",
                         r->install->directory);
    else if (r->file->error.code != HARBORAI_OK)
        command_complain("%s", r->file->error.message);
}

/* What became of it beside all others. */
static enum exit_code report(const struct install *install, const struct arguments *arguments)
{
    AUTO(plugins) now = {.config = NULL};
    AUTO(gateway_answer) answer = GATEWAY_ANSWER_INIT;
    struct report r = {.install = install, .served_by = BUF_INIT(KIB(32))};
    enum exit_code code = plugins_open(&now, &command_plugin_install, arguments);
    if (code != EXIT_OK)
        return code;
    r.file = file_at(now.catalog, install->target);
    r.state = r.file != NULL ? plugins_state_name(&now, r.file) : HARBORAI_STR("not found");
    r.gateway = gateway_ask(now.config->state_dir, "POST", "/rescan", &answer);
    if (r.gateway == GATEWAY_ANSWERS)
        note_served(&r, buf_slice(&answer.body));
    if (command_argument(&command_plugin_install, arguments, "json") != NULL)
        print_json(&r);
    else
        print_line(&r);
    buf_release(&r.served_by);
    fflush(stdout);
    complain_of_file(&r);
    code = command_finish();
    return r.gateway == GATEWAY_REFUSES ? EXIT_FAILED : code;
}

/* ---- plugin install ------------------------------------------------------------------------- */

/* Whether this one may join the plugins that there are. */
static enum exit_code check(struct install *install, const struct plugins *plugins,
                            const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool may_replace = command_argument(&command_plugin_install, arguments, "force") != NULL;
    enum exit_code code = plugins_check_state(plugins);
    if (code == EXIT_OK && install_check(install, plugins->catalog, may_replace, &error) < 0)
        code = fail(&error);
    return code;
}

/* The digest of the file whose place is to be taken, if it is listed: of two that a killed process left
 * one is of no file. */
static void digest_there(const struct plugin_lock *lock, const struct install *install,
                         char ret_digest[static PLUGIN_DIGEST_LEN + 1])
{
    harborai_str id = install->file.manifest->id;
    int fd = open(install->target, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || plugin_digest(fd, install->target, ret_digest, NULL) < 0 ||
        !plugin_lock_allows(lock, id, slice_of(ret_digest)))
        snprintf(ret_digest, PLUGIN_DIGEST_LEN + 1, "%.*s", SLICE_ARG(plugin_lock_find(lock, id)));
    if (fd >= 0)
        close(fd);
}

/* Lists the file before it is there, beside the one that is: whoever sees either finds it listed. Then
 * the one that is not there is struck off, after a failure the new one. */
static harborai_status copy_listed(const struct plugins *plugins, struct install *install,
                                   harborai_error *error)
{
    const char *path = plugins->config->plugin_lock.data;
    harborai_str id = install->file.manifest->id;
    char digest[PLUGIN_DIGEST_LEN + 1], before[PLUGIN_DIGEST_LEN + 1] = "";
    struct plugin_lock *lock;
    struct stat status;
    harborai_status st = plugin_digest(install->fd, install->file.path, digest, error);
    if (st == HARBORAI_OK)
        st = plugin_lock_load(path, &lock, &status, error);
    if (st < 0)
        return st;
    digest_there(lock, install, before);
    plugin_lock_destroy(lock);
    const struct plugin_lock_change both = {
        .id = id, .digest = slice_of(digest), .or_still = slice_of(before)};
    st = plugin_lock_apply(path, &both, error);
    if (st < 0)
        return st;
    st = install_copy(install, error);
    if (plugin_lock_set(path, id, slice_of(st < 0 ? before : digest), NULL) < 0)
        command_complain("'%s' lists two files of '%.*s' now: 'harborai plugin lock %.*s' lists the "
                         "one that is there", path, SLICE_ARG(id), SLICE_ARG(id));
    return st;
}

/* What was found may have changed until the lock was taken. */
static enum exit_code copy_locked(struct install *install, const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code = plugins_open(&plugins, &command_plugin_install, arguments);
    if (code == EXIT_OK)
        code = check(install, &plugins, arguments);
    if (code != EXIT_OK)
        return code;
    bool is_listed = command_argument(&command_plugin_install, arguments, "lock") != NULL;
    if ((is_listed ? copy_listed(&plugins, install, &error) : install_copy(install, &error)) < 0)
        return fail(&error);
    forget(&plugins, install->file.manifest->id);
    return EXIT_OK;
}

static enum exit_code install_into(const char *file, const char *directory,
                                   const struct arguments *arguments)
{
    AUTO(install) install = INSTALL_INIT;
    AUTO(plugins) plugins = {.config = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code = plugins_open(&plugins, &command_plugin_install, arguments);
    if (code != EXIT_OK)
        return code;
    bool is_listed = command_argument(&command_plugin_install, arguments, "lock") != NULL;
    if (is_listed && !plugins_has_lock(&plugins))
        return EXIT_CONFIG;
    const struct trust_rules rules = is_listed ? plugins_rules_without_lock(&plugins)
                                               : trust_rules_of(plugins.config);
    if (install_open(&install, file, directory, &rules, &error) < 0)
        return fail(&error);
    code = check(&install, &plugins, arguments);
    if (code == EXIT_OK && install_lock(&install, &error) < 0)
        code = fail(&error);
    if (code == EXIT_OK)
        code = copy_locked(&install, arguments);
    return code != EXIT_OK ? code : report(&install, arguments);
}

static enum exit_code run_install(const struct arguments *arguments)
{
    const char *directory = command_argument(&command_plugin_install, arguments, "dir");
    char *home = directory == NULL ? discover_user_directory() : NULL;
    enum exit_code code = EXIT_USAGE;
    if (arguments->rest_count != 1)
        command_complain("'plugin install' takes one file");
    else if (directory == NULL && home == NULL)
        command_complain("there is no home directory: say --dir DIR");
    else
        code = install_into(arguments->rest[0], directory != NULL ? directory : home, arguments);
    free(home);
    return code;
}

const struct command command_plugin_install = {
    .name = "plugin install",
    .summary = "Check a plugin's file and put it where it is found",
    .rest = "FILE",
    .options = install_options,
    .run = run_install,
};
