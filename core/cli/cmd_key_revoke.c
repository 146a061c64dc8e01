/* SPDX-License-Identifier: MIT */
/* harborai key revoke: a key is good for nothing from now on, also where a gateway runs. */
#include <stdio.h>

#include "base/limits.h"
#include "cli/key_show.h"
#include "cli/setup.h"

static const struct option_spec options[] = {
    {"state-dir", 0, "DIR", "the state directory of the gateway"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

static void print(const struct key_spec *key, bool changed, bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    if (!as_json) {
        printf("key '%.*s' (%.*s) is revoked%s\n", SLICE_ARG(key->name), SLICE_ARG(key->id),
               changed ? "" : " already");
        return;
    }
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    key_show_members(&w, key, clock_wall_ns(&clock_system));
    json_write_key(&w, HARBORAI_STR("changed"));
    json_write_bool(&w, changed);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static enum exit_code revoke(const struct arguments *arguments, const struct config *config)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct key_list *list;
    const struct key_spec *key;
    bool changed;
    if (key_file_revoke(config->state_dir, slice_of(arguments->rest[0]), &clock_system, &list, &key,
                        &changed, &error) < 0) {
        if (error.code != HARBORAI_E_NOT_FOUND)
            return command_fail(&error);
        command_complain("%s", error.message);
        return EXIT_USAGE;
    }
    print(key, changed, command_argument(&command_key_revoke, arguments, "json") != NULL);
    key_list_destroy(list);
    enum exit_code code = command_finish(); /* before what may change errno */
    bool is_heard = key_show_tell_gateway(config->state_dir);
    return code == EXIT_OK && !is_heard ? EXIT_FAILED : code;
}

static enum exit_code run(const struct arguments *arguments)
{
    if (arguments->rest_count != 1) {
        command_complain("'key revoke' takes the id or the name of one key");
        return EXIT_USAGE;
    }
    struct config *config = setup_config_without_keys(&command_key_revoke, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = revoke(arguments, config);
    config_destroy(config);
    return code;
}

const struct command command_key_revoke = {
    .name = "key revoke",
    .summary = "Take a key back: it is good for nothing at once",
    .rest = "ID | NAME",
    .more = "The key itself is understood, too: whoever found one where it should not be has no name for it.\n"
            "What runs with it is not broken off.",
    .options = options,
    .run = run,
};
