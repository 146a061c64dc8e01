/* SPDX-License-Identifier: MIT */
/* harborai __complete WORD…: what the last word may become, one a line, with a tab and a description
 * where there is one; or a line ":file" or ":dir": what the shell knows itself. For the scripts of
 * cmd_completion.c. Must never complain: whoever presses TAB has not finished writing. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/slice.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "registry/model_map.h"

/* --- What is being written ------------------------------------------------------------------- */

struct writing {
    int count;
    char *const *words; /* the last one is incomplete */
    const struct command *command;
    int command_words;
    const char *config; /* --config that was given, or NULL */
};

static bool is_option_of(const struct option_spec *o, const char *word)
{
    return (word[0] == '-' && word[1] == '-' && strcmp(word + 2, o->name) == 0) ||
           (o->letter != '\0' && word[0] == '-' && word[1] == o->letter && word[2] == '\0');
}

/* The option that a word is, of the command's own or of all; NULL if it is none. */
static const struct option_spec *option_of(const struct command *command, const char *word)
{
    for (const struct option_spec *o = command != NULL ? command->options : NULL;
         o != NULL && o->name != NULL; o++)
        if (is_option_of(o, word))
            return o;
    for (const struct option_spec *o = command_globals; o->name != NULL; o++)
        if (is_option_of(o, word))
            return o;
    return NULL;
}

/* Finds the command behind leading options, and how many words it and they are. */
static int find_command(struct writing *w)
{
    int at = 0;
    while (at < w->count - 1 && w->words[at][0] == '-') {
        const struct option_spec *o = option_of(NULL, w->words[at++]);
        at += o != NULL && o->argument != NULL;
    }
    if (at < w->count - 1)
        w->command = command_find(w->count - 1 - at, w->words + at, &w->command_words);
    return at;
}

static void find_config(struct writing *w)
{
    for (int i = 0; i + 1 < w->count; i++) {
        const struct option_spec *o = option_of(w->command, w->words[i]);
        if (o != NULL && strcmp(o->name, "config") == 0 && i + 2 < w->count)
            w->config = w->words[i + 1];
        else if (strncmp(w->words[i], "--config=", strlen("--config=")) == 0)
            w->config = w->words[i] + strlen("--config=");
    }
}

/* --- Candidates ------------------------------------------------------------------------------ */

/* `lead` stands before each: "--model=" of a word "--model=g". */
struct asking {
    const struct writing *writing;
    harborai_str lead, begun;
};

static void offer(const struct asking *a, harborai_str text, const char *description)
{
    if (text.len < a->begun.len || memcmp(text.data, a->begun.data, a->begun.len) != 0 ||
        memchr(text.data, '\n', text.len) != NULL)
        return;
    printf("%.*s%.*s", SLICE_ARG(a->lead), SLICE_ARG(text));
    if (description != NULL)
        printf("\t%s", description);
    putchar('\n');
}

static void offer_words(const struct asking *a, const char *words)
{
    harborai_str rest = slice_trim(slice_of(words)), word;
    if (slice_starts_with(rest, "[") && slice_ends_with(rest, "]"))
        rest = slice_cut(slice_from(rest, 1), rest.len - 2);
    for (bool more = true; more;) {
        more = slice_split(rest, '|', &word, &rest);
        word = slice_trim(word);
        if (word.len > 1 && word.data[0] >= 'a' && word.data[0] <= 'z')
            offer(a, word, NULL);
    }
}

enum { OFFER_MODELS, OFFER_PROVIDERS };

static void offer_of_runtime(const struct asking *a, int what)
{
    struct arguments arguments = {.global = {[COMMAND_GLOBAL_CONFIG] = a->writing->config}};
    struct runtime *runtime;
    harborai_str last = SLICE_NONE;
    struct log log;
    size_t count;
    struct config *config = setup_config_without_keys(&command_complete, &arguments);
    if (setup_runtime(config, &log, &runtime) != EXIT_OK)
        return;
    const struct model_listing *models = model_map_list(runtime_models(runtime), &count);
    for (size_t i = 0; i < count; i++) {
        if (what == OFFER_MODELS)
            offer(a, models[i].name, NULL);
        else if (!models[i].is_alias && !slice_equal(models[i].provider, last))
            offer(a, models[i].provider, NULL);
        last = models[i].provider;
    }
    runtime_destroy(runtime);
}

static void offer_models(const struct asking *a)
{
    offer_of_runtime(a, OFFER_MODELS);
}

static void offer_providers(const struct asking *a)
{
    offer_of_runtime(a, OFFER_PROVIDERS);
}

static void offer_plugins(const struct asking *a)
{
    struct arguments arguments = {.global = {[COMMAND_GLOBAL_CONFIG] = a->writing->config}};
    struct config *config = setup_config_without_keys(&command_complete, &arguments);
    struct plugin_catalog *catalog = NULL;
    if (config != NULL && setup_catalog(config, &catalog, NULL) == HARBORAI_OK)
        for (size_t i = 0; i < catalog->file_count; i++)
            if (catalog->files[i].state == PLUGIN_FILE_KNOWN)
                offer(a, catalog->files[i].manifest->provider, NULL);
    plugin_catalog_destroy(catalog);
    config_destroy(config);
}

static void offer_levels(const struct asking *a)
{
    offer_words(a, "error|warn|info|debug");
}

static void offer_files(const struct asking *a UNUSED)
{
    puts(":file");
}

static void offer_directories(const struct asking *a UNUSED)
{
    puts(":dir");
}

static harborai_str first_word(const struct command *command)
{
    harborai_str first, rest;
    (void)slice_split(slice_of(command->name), ' ', &first, &rest);
    return first;
}

/* The first word of each name; behind "config", the second ones. */
static void offer_commands(const struct asking *a)
{
    for (size_t i = 0; command_list[i] != NULL; i++) {
        const struct command *c = command_list[i];
        harborai_str first, second;
        bool has_two = slice_split(slice_of(c->name), ' ', &first, &second);
        if (!c->is_hidden && !has_two)
            offer(a, first, c->summary);
        else if (!c->is_hidden && (i == 0 || !slice_equal(first_word(command_list[i - 1]), first)))
            offer(a, first, NULL);
    }
}

static void offer_sub_commands(const struct asking *a, const char *word)
{
    for (size_t i = 0; command_list[i] != NULL; i++) {
        harborai_str first, second;
        if (slice_split(slice_of(command_list[i]->name), ' ', &first, &second) &&
            slice_is(first, word) && !command_list[i]->is_hidden)
            offer(a, second, command_list[i]->summary);
    }
}

static const struct kind {
    const char *argument;
    void (*offer)(const struct asking *asking);
} kinds[] = {{"MODEL", offer_models},   {"PROVIDER", offer_providers}, {"PLUGIN", offer_plugins},
             {"LEVEL", offer_levels},   {"FILE", offer_files},         {"DIR", offer_directories},
             {"COMMAND", offer_commands}};

/* `argument` as tables name it, or the text behind a command's name: "MODEL", "[PLUGIN | MODEL]". */
static void offer_values(const struct asking *a, const char *argument)
{
    harborai_str rest = slice_of(argument), name;
    if (slice_starts_with(rest, "[") && slice_ends_with(rest, "]"))
        rest = slice_cut(slice_from(rest, 1), rest.len - 2);
    for (bool more = true; more;) {
        more = slice_split(rest, '|', &name, &rest);
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            if (slice_is(slice_trim(name), kinds[i].argument))
                kinds[i].offer(a);
    }
    offer_words(a, argument);
}

static void offer_option(const struct asking *a, const struct option_spec *o)
{
    char text[64];
    snprintf(text, sizeof text, "--%s", o->name);
    offer(a, slice_of(text), o->help);
}

static void offer_options(const struct asking *a, const struct command *command)
{
    static const struct option_spec help = {"help", 'h', NULL, "show this"},
                                    version = {"version", 'V', NULL, "which version this is"};
    if (command != NULL)
        for (const struct option_spec *o = command->options; o->name != NULL; o++)
            offer_option(a, o);
    for (const struct option_spec *o = command_globals; o->name != NULL; o++)
        offer_option(a, o);
    offer_option(a, &help);
    if (command == NULL)
        offer_option(a, &version);
}

/* --- Which of them --------------------------------------------------------------------------- */

static void complete(const struct writing *w, int before)
{
    const char *last = w->words[w->count - 1];
    const char *previous = w->count > 1 ? w->words[w->count - 2] : "";
    const struct option_spec *o = option_of(w->command, previous);
    struct asking a = {w, SLICE_NONE, slice_of(last)};
    harborai_str name, value;
    char word[64];

    if (o != NULL && o->argument != NULL) {
        offer_values(&a, o->argument);
    } else if (strncmp(last, "--", 2) == 0 && slice_split(slice_of(last), '=', &name, &value)) {
        snprintf(word, sizeof word, "%.*s", SLICE_ARG(name));
        o = option_of(w->command, word);
        a = (struct asking){w, {last, name.len + 1}, value};
        if (o != NULL && o->argument != NULL)
            offer_values(&a, o->argument);
    } else if (last[0] == '-') {
        offer_options(&a, w->command);
    } else if (w->command != NULL) {
        if (w->count - 1 - before == w->command_words)
            offer_sub_commands(&a, w->words[before]);
        if (w->command->rest != NULL)
            offer_values(&a, w->command->rest);
    } else if (w->count - 1 == before) {
        offer_commands(&a);
    } else if (w->count - 2 == before) {
        offer_sub_commands(&a, w->words[before]);
    }
}

static enum exit_code run(const struct arguments *arguments)
{
    struct writing w = {.count = arguments->rest_count, .words = arguments->rest};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
        close(null);
    }
    if (w.count == 0)
        return EXIT_OK;
    int before = find_command(&w);
    find_config(&w);
    complete(&w, before);
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

static const struct option_spec options[] = {{NULL, 0, NULL, NULL}};

const struct command command_complete = {
    .name = "__complete",
    .summary = "Print what may stand there",
    .rest = "WORD…",
    .options = options,
    .run = run,
    .is_hidden = true,
    .takes_raw = true,
};
