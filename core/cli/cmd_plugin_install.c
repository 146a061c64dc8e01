/* SPDX-License-Identifier: MIT */
/* harborai plugin install, plugin remove: puts a plugin's file where it is found, and takes it away.
 * None of the plugin's code runs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/plugins.h"
#include "plugin/install.h"

static const struct option_spec install_options[] = {
    {"dir", 0, "DIR", "the plugin directory (default ~/.local/lib/harborai/plugins)"},
    {"force", 'f', NULL, "put it in the place of another file of the same plugin"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static const struct option_spec remove_options[] = {
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

/* Who installs a plugin, or takes it away, does not want what was said of the one before. */
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

static void write_plugin(struct json_writer *w, const struct manifest *m, const char *path)
{
    json_write_key_int64(w, "version", 1);
    json_write_key(w, HARBORAI_STR("plugin"));
    json_write_object(w);
    if (m != NULL) {
        json_write_key_string(w, "plugin", m->provider);
        json_write_key_string(w, "id", m->id);
        json_write_key_string(w, "version", m->version);
    }
    json_write_key_string(w, "file", slice_of(path));
}

static void print_installed(const struct install *install, harborai_str state, bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    const struct manifest *m = install->file.manifest;
    if (!as_json) {
        printf("plugin '%.*s' %.*s is installed as '%s', and served from the next start or SIGHUP on\n",
               SLICE_ARG(m->id), SLICE_ARG(m->version), install->target);
        return;
    }
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    write_plugin(&w, m, install->target);
    json_write_key_string(&w, "state", state);
    json_write_end(&w);
    json_write_key(&w, HARBORAI_STR("replaced"));
    json_write_bool(&w, install->replaces);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

/* What became of it beside all others. */
static enum exit_code report(const struct install *install, const struct arguments *arguments)
{
    AUTO(plugins) now = {.config = NULL};
    enum exit_code code = plugins_open(&now, &command_plugin_install, arguments);
    if (code != EXIT_OK)
        return code;
    const struct plugin_file *file = file_at(now.catalog, install->target);
    print_installed(install, file != NULL ? plugins_state_name(&now, file) : HARBORAI_STR("not found"),
                    command_argument(&command_plugin_install, arguments, "json") != NULL);
    fflush(stdout);
    if (file == NULL)
        command_complain("'%s' is no plugin directory: add it to plugin_path or HARBORAI_PLUGIN_PATH",
                         install->directory);
    else if (file->error.code != HARBORAI_OK)
        command_complain("%s", file->error.message);
    return command_finish();
}

/* ---- plugin install ------------------------------------------------------------------------- */

/* The plugins as they are, and whether this one may join them. */
static enum exit_code check(struct install *install, struct plugins *plugins,
                            const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    bool may_replace = command_argument(&command_plugin_install, arguments, "force") != NULL;
    enum exit_code code = plugins_open(plugins, &command_plugin_install, arguments);
    if (code == EXIT_OK)
        code = plugins_check_state(plugins);
    if (code == EXIT_OK && install_check(install, plugins->catalog, may_replace, &error) < 0)
        code = fail(&error);
    return code;
}

/* What was found may have changed until the lock was taken. */
static enum exit_code copy_locked(struct install *install, const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code = check(install, &plugins, arguments);
    if (code != EXIT_OK)
        return code;
    if (install_copy(install, &error) < 0)
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
    if (install_open(&install, file, directory, &error) < 0)
        return fail(&error);
    enum exit_code code = check(&install, &plugins, arguments);
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

/* ---- plugin remove -------------------------------------------------------------------------- */

/* What was disabled stays so as long as another file of the plugin is there. */
static bool has_twin(const struct plugins *plugins, const struct plugin_file *file)
{
    for (size_t i = 0; i < plugins->catalog->file_count; i++) {
        const struct plugin_file *other = &plugins->catalog->files[i];
        if (other != file && other->manifest != NULL &&
            slice_equal(other->manifest->id, file->manifest->id))
            return true;
    }
    return false;
}

static enum exit_code take_away(const struct plugins *plugins, const struct plugin_file *file,
                                bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    harborai_error error = HARBORAI_ERROR_INIT;
    if (install_remove(file, &error) < 0)
        return fail(&error);
    if (file->manifest != NULL && !has_twin(plugins, file))
        forget(plugins, file->manifest->id);
    if (!as_json) {
        printf("'%s' is removed: not served from the next start or SIGHUP on\n", file->path);
        return command_finish();
    }
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    write_plugin(&w, file->manifest, file->path);
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    return command_finish();
}

static enum exit_code run_remove(const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    struct subject target;
    if (arguments->rest_count != 1) {
        command_complain("'plugin remove' takes one name of a plugin");
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open_at(&plugins, &command_plugin_remove, arguments, &target);
    if (code != EXIT_OK)
        return code;
    if (target.kind != PLUGIN_STATE_PLUGIN || target.file == NULL) {
        command_complain("'%s' is a %s, and no plugin that is found: 'harborai plugin list' shows those",
                         arguments->rest[0], subject_kind_name(target.kind));
        return EXIT_USAGE;
    }
    return take_away(&plugins, target.file,
                     command_argument(&command_plugin_remove, arguments, "json") != NULL);
}

const struct command command_plugin_remove = {
    .name = "plugin remove",
    .summary = "Take an installed plugin's file away",
    .rest = "PLUGIN",
    .options = remove_options,
    .run = run_remove,
};
