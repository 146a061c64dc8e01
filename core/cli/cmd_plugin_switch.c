/* SPDX-License-Identifier: MIT */
/* harborai plugin enable, plugin disable: told to the gateway that runs on the state directory, which
 * writes down what is switched off; else written down here, for the next that starts. */
#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/plugins.h"

static const struct option_spec options[] = {
    {"state-dir", 0, "DIR", "whose gateway is told, and where plugins.json is kept"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

#define MORE                                                                                       \
    "A plugin goes by its short name, its id or its file, a provider by its name in the\n"         \
    "configuration, a model by provider/model, where '*' stands for any run of characters."

/* What was said of one name. */
struct switching {
    const struct plugins *plugins;
    struct subject subjects[SUBJECT_MOST]; /* those that changed first */
    size_t count, changed;
    bool enabled;
    harborai_str still_off; /* the plugin of a provider that is switched on; empty = it is not off */
};

static void write_subject(struct json_writer *w, const struct subject *subject)
{
    json_write_key_string(w, "kind", slice_of(subject_kind_name(subject->kind)));
    json_write_key_string(w, "name", subject->name);
}

static void print_json(const struct switching *s)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    write_subject(&w, &s->subjects[0]);
    if (s->changed > 1) {
        json_write_key(&w, HARBORAI_STR("also"));
        json_write_object(&w);
        write_subject(&w, &s->subjects[1]);
        json_write_end(&w);
    }
    json_write_key(&w, HARBORAI_STR("enabled"));
    json_write_bool(&w, s->enabled);
    json_write_key(&w, HARBORAI_STR("changed"));
    json_write_bool(&w, s->changed > 0);
    json_write_key_string(&w, "file", slice_of(plugin_state_path(s->plugins->state)));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static void print_line(const struct switching *s)
{
    const struct subject *first = &s->subjects[0], *second = &s->subjects[1];
    printf("%s '%.*s' is %s", subject_kind_name(first->kind), SLICE_ARG(first->name),
           s->enabled ? "enabled" : "disabled");
    if (s->changed > 1)
        printf(", and so is %s '%.*s'", subject_kind_name(second->kind), SLICE_ARG(second->name));
    printf("%s\n", s->changed > 0 ? ", from the next start on" : " already");
    if (s->still_off.len > 0)
        printf("its plugin is not: 'harborai plugin enable %.*s' enables it\n",
               SLICE_ARG(s->still_off));
}

static harborai_status apply(struct switching *s, harborai_error *error)
{
    for (size_t i = 0; i < s->count; i++) {
        struct subject subject = s->subjects[i];
        const struct plugin_state_change change = {subject.kind, subject.name, s->enabled,
                                                   s->enabled ? "harborai plugin enable"
                                                              : "harborai plugin disable"};
        bool changed;
        harborai_status st = plugin_state_apply(s->plugins->config->state_dir, &change,
                                                &clock_system, &changed, error);
        if (st < 0)
            return st;
        if (changed)
            s->subjects[s->changed++] = subject;
    }
    return HARBORAI_OK;
}

/* Everything of the name that is off, where it is to be on. */
static enum exit_code choose(struct switching *s, const char *given)
{
    const struct plugins *plugins = s->plugins;
    const struct subject_world world = {plugins->catalog, plugins->config, plugins->state};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct subject found;
    enum exit_code code = plugins_check_state(plugins);
    if (code == EXIT_OK)
        code = plugins_find(plugins, given, &found);
    if (code != EXIT_OK)
        return code;
    if (subject_check_switch(&world, &found, s->enabled, &error) < 0) {
        command_complain("%s", error.message);
        return EXIT_USAGE;
    }
    s->subjects[0] = found;
    s->count = s->enabled ? subject_list_off(&world, slice_of(given), &found, s->subjects) : 1;
    if (s->enabled && s->count == 1)
        s->still_off = subject_still_off(&world, &s->subjects[0]);
    return EXIT_OK;
}

/* No gateway runs: what plugins.json says is all that there is. */
static enum exit_code change_file(const struct plugins *plugins, const struct arguments *arguments,
                                  bool enabled, bool as_json)
{
    struct switching s = {.plugins = plugins, .enabled = enabled};
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code = choose(&s, arguments->rest[0]);
    if (code != EXIT_OK)
        return code;
    if (apply(&s, &error) < 0)
        return command_fail(&error);
    if (as_json)
        print_json(&s);
    else
        print_line(&s);
    return command_finish();
}

static enum exit_code run(const struct command *command, const struct arguments *arguments,
                          bool enabled)
{
    AUTO(plugins) plugins = {.config = NULL};
    AUTO(gateway_answer) answer = GATEWAY_ANSWER_INIT;
    bool as_json = command_argument(command, arguments, "json") != NULL;
    if (arguments->rest_count != 1) {
        command_complain("'%s' takes one name of a plugin, provider or model", command->name);
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open(&plugins, command, arguments);
    if (code != EXIT_OK)
        return code;
    switch (gateway_ask_about(plugins.config->state_dir, "POST", arguments->rest[0],
                              enabled ? "/enable" : "/disable", &answer)) {
    case GATEWAY_ANSWERS: return gateway_print(&answer, as_json);
    case GATEWAY_REFUSES: return gateway_exit_of(&answer);
    case GATEWAY_NONE:
    default: return change_file(&plugins, arguments, enabled, as_json);
    }
}

static enum exit_code run_enable(const struct arguments *arguments)
{
    return run(&command_plugin_enable, arguments, true);
}

static enum exit_code run_disable(const struct arguments *arguments)
{
    return run(&command_plugin_disable, arguments, false);
}

const struct command command_plugin_enable = {
    .name = "plugin enable",
    .summary = "Have a disabled plugin, provider or model served again",
    .rest = "PLUGIN | MODEL",
    .more = MORE,
    .options = options,
    .run = run_enable,
};

const struct command command_plugin_disable = {
    .name = "plugin disable",
    .summary = "Have a plugin, a provider or a model served no more",
    .rest = "PLUGIN | MODEL",
    .more = MORE,
    .options = options,
    .run = run_disable,
};
