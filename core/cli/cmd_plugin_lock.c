/* SPDX-License-Identifier: MIT */
/* harborai plugin lock: lists the file of a plugin in plugins.lock, by its SHA-256. None of the plugin's
 * code runs. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/plugins.h"
#include "plugin/install.h"
#include "plugin/lock.h"

static const struct option_spec options[] = {
    {"force", 'f', NULL, "write a broken plugins.lock anew: it lists nothing else then"},
    {"remove", 0, NULL, "take the plugin out of the list"},
    {"state-dir", 0, "DIR", "whose gateway is told"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

/* A gateway that runs heeds it at once. */
static enum exit_code tell_gateway(const struct plugins *plugins, enum exit_code code)
{
    AUTO(gateway_answer) answer = GATEWAY_ANSWER_INIT;
    fflush(stdout);
    enum gateway_state state = gateway_ask(plugins->config->state_dir, "POST", "/rescan", &answer);
    return code == EXIT_OK && state == GATEWAY_REFUSES ? EXIT_FAILED : code;
}

static enum exit_code print(const struct plugins *plugins, harborai_str id, const char *digest,
                            bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    harborai_str lock = plugins->config->plugin_lock;
    if (!as_json && digest[0] == '\0')
        printf("plugin '%.*s' is no more listed in '%.*s'\n", SLICE_ARG(id), SLICE_ARG(lock));
    else if (!as_json)
        printf("plugin '%.*s' is listed in '%.*s' as the file with the SHA-256 %s\n", SLICE_ARG(id),
               SLICE_ARG(lock), digest);
    if (!as_json)
        return command_finish();
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "id", id);
    json_write_key_string(&w, "lock", lock);
    if (digest[0] != '\0')
        json_write_key_string(&w, "sha256", slice_of(digest));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    return command_finish();
}

static enum exit_code fail(const harborai_error *error)
{
    command_complain("%s", error->message);
    return EXIT_FAILED;
}

/* Reads the file anew: what is listed is what was checked, on the same descriptor. */
static enum exit_code list(const struct plugins *plugins, const struct plugin_file *file, bool is_forced,
                           bool as_json)
{
    AUTO(install) install = INSTALL_INIT;
    char digest[PLUGIN_DIGEST_LEN + 1];
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct trust_rules rules = plugins_rules_without_lock(plugins);
    if (install_open(&install, file->path, file->directory, &rules, &error) < 0 ||
        plugin_digest(install.fd, install.file.path, digest, &error) < 0)
        return fail(&error);
    const struct plugin_lock_change change = {.id = install.file.manifest->id,
                                              .digest = slice_of(digest),
                                              .is_anew = is_forced};
    if (plugin_lock_apply(plugins->config->plugin_lock.data, &change, &error) < 0)
        return command_fail(&error);
    return tell_gateway(plugins, print(plugins, change.id, digest, as_json));
}

/* Its file may have gone. */
static enum exit_code take_out(const struct plugins *plugins, harborai_str id, bool as_json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct plugin_lock *lock;
    struct stat status;
    const char *path = plugins->config->plugin_lock.data;
    if (plugin_lock_load(path, &lock, &status, &error) < 0)
        return command_fail(&error);
    bool is_listed = plugin_lock_find(lock, id).len > 0;
    plugin_lock_destroy(lock);
    if (!is_listed) {
        command_complain("'%.*s' is not listed in '%s'", SLICE_ARG(id), path);
        return EXIT_USAGE;
    }
    if (plugin_lock_set(path, id, SLICE_NONE, &error) < 0)
        return command_fail(&error);
    return tell_gateway(plugins, print(plugins, id, "", as_json));
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    struct subject target = {.file = NULL};
    bool as_json = command_argument(&command_plugin_lock, arguments, "json") != NULL;
    bool removes = command_argument(&command_plugin_lock, arguments, "remove") != NULL;
    if (arguments->rest_count != 1) {
        command_complain("'plugin lock' takes one name of a plugin");
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open(&plugins, &command_plugin_lock, arguments);
    if (code == EXIT_OK && !plugins_has_lock(&plugins))
        code = EXIT_CONFIG;
    if (code != EXIT_OK)
        return code;
    if (removes && !plugins_look_up(&plugins, arguments->rest[0], &target))
        return take_out(&plugins, slice_of(arguments->rest[0]), as_json);
    if (!removes)
        code = plugins_find(&plugins, arguments->rest[0], &target);
    if (code != EXIT_OK)
        return code;
    if (target.file == NULL) {
        command_complain("'%s' has no plugin that is found: 'harborai plugin doctor' says why",
                         arguments->rest[0]);
        return EXIT_FAILED;
    }
    if (removes && target.file->manifest != NULL)
        return take_out(&plugins, target.file->manifest->id, as_json);
    return list(&plugins, target.file,
                command_argument(&command_plugin_lock, arguments, "force") != NULL, as_json);
}

const struct command command_plugin_lock = {
    .name = "plugin lock",
    .summary = "Let a plugin be no other file than the one that is there",
    .rest = "PLUGIN",
    .options = options,
    .run = run,
};
