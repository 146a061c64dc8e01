/* SPDX-License-Identifier: MIT */
/* The commands, in the order in which they are listed, and what is shown of their tables. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/slice.h"
#include "cli/command.h"
#include "wire/json_write.h"

const struct command *const command_list[] = {
    &command_chat,           &command_interactive,    &command_config,
    &command_list_models,    &command_list_plugins,   &command_plugin_list,
    &command_plugin_info,    &command_plugin_enable,  &command_plugin_disable,
    &command_plugin_reload,  &command_plugin_install, &command_plugin_remove,
    &command_plugin_lock,    &command_plugin_doctor,  &command_logs,
    &command_logs_show,      &command_export,         &command_stats,          &command_init_db,
    &command_db_status,      &command_db_migrate,     &command_db_drain,
    &command_db_reindex,     &command_db_verify,      &command_key_create,
    &command_key_list,       &command_key_revoke,     &command_serve,          &command_completion,     &command_help,
    &command_complete,       NULL};

/* --- Finding --------------------------------------------------------------------------------- */

/* How many of the words the command's name consists of; 0: it is not called so. */
static int match(const struct command *command, int word_count, char *const *words)
{
    harborai_str rest = slice_of(command->name), head;
    for (int i = 0; i < word_count; i++) {
        bool is_longer = slice_split(rest, ' ', &head, &rest);
        if (!slice_is(head, words[i]))
            return 0;
        if (!is_longer)
            return i + 1;
    }
    return 0;
}

const struct command *command_find(int word_count, char *const *words, int *ret_words)
{
    const struct command *found = NULL;
    *ret_words = 0;
    for (size_t i = 0; command_list[i] != NULL; i++) {
        int count = match(command_list[i], word_count, words);
        if (count > *ret_words) {
            *ret_words = count;
            found = command_list[i];
        }
    }
    return found;
}

/* Of "config nope", where only "config show" exists: the sub-commands. */
static bool refuse_sub_command(int word_count, char *const *words)
{
    AUTO(buf) known = BUF_INIT(KIB(4));
    harborai_str first, second;
    for (size_t i = 0; command_list[i] != NULL; i++)
        if (slice_split(slice_of(command_list[i]->name), ' ', &first, &second) &&
            slice_is(first, words[0]) && !command_list[i]->is_hidden)
            buf_printf(&known, "%s'%.*s'", known.len > 0 ? ", " : "", SLICE_ARG(second));
    if (known.len == 0)
        return false;
    if (word_count > 1 && words[1][0] != '-')
        command_complain("'%s' has no command '%s': known are %.*s", words[0], words[1],
                         SLICE_ARG(buf_slice(&known)));
    else
        command_complain("'%s' needs a command: %.*s", words[0], SLICE_ARG(buf_slice(&known)));
    return true;
}

enum exit_code command_refuse(int word_count, char *const *words)
{
    struct nearest nearest = NEAREST_TO(slice_of(words[0]));
    if (refuse_sub_command(word_count, words))
        return EXIT_USAGE;
    for (size_t i = 0; command_list[i] != NULL; i++)
        if (!command_list[i]->is_hidden)
            nearest_consider(&nearest, slice_of(command_list[i]->name));
    if (nearest.name.len > 0)
        command_complain("there is no command '%s': did you mean '%.*s'?", words[0],
                         SLICE_ARG(nearest.name));
    else
        command_complain("there is no command '%s': 'harborai --help' lists them", words[0]);
    return EXIT_USAGE;
}

/* --- Help ------------------------------------------------------------------------------------ */

static void print_option(FILE *to, const struct option_spec *o)
{
    char left[64];
    char letter[8] = "    ";
    if (o->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->argument != NULL ? " " : "",
             o->argument != NULL ? o->argument : "");
    fprintf(to, "  %-31s %s\n", left, o->help);
}

static bool has_option(const struct command *command, const char *name)
{
    for (size_t i = 0; command->options[i].name != NULL; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    return false;
}

void command_print_help(const struct command *command)
{
    printf("usage: harborai %s [OPTION…]%s%s\n\n%s.\n\n", command->name,
           command->rest != NULL ? " " : "", command->rest != NULL ? command->rest : "",
           command->summary);
    for (size_t i = 0; command->options[i].name != NULL; i++)
        print_option(stdout, &command->options[i]);
    printf("%sOptions of every command:\n", command->options[0].name != NULL ? "\n" : "");
    for (size_t i = 0; command_globals[i].name != NULL; i++)
        if (!has_option(command, command_globals[i].name))
            print_option(stdout, &command_globals[i]);
    printf("  %-31s %s\n", "-h, --help", "show this");
    if (command->more != NULL)
        printf("\n%s\n", command->more);
}

void command_print_overview(FILE *to)
{
    fprintf(to, "usage: harborai [OPTION…] COMMAND [OPTION…]\n\n"
                "One port for all model vendors.\n\nCommands:\n");
    for (size_t i = 0; command_list[i] != NULL; i++)
        if (!command_list[i]->is_hidden)
            fprintf(to, "  %-15s %s\n", command_list[i]->name, command_list[i]->summary);
    fprintf(to, "\nOptions of every command:\n");
    for (size_t i = 0; command_globals[i].name != NULL; i++)
        print_option(to, &command_globals[i]);
    fprintf(to, "  %-31s %s\n", "-h, --help", "show this, or the command's own");
    fprintf(to, "  %-31s %s\n", "-V, --version", "tell which version this is");
    fprintf(to, "\n'harborai help COMMAND' tells more of one, and 'man harborai' has the whole of it.\n"
                "First: export OPENAI_API_KEY=…, then: harborai chat -m gpt-4o-mini Hello\n");
}

/* --- The tables as JSON ---------------------------------------------------------------------- */

static void write_options(struct json_writer *w, const char *key, const struct option_spec *options)
{
    json_write_key(w, slice_of(key));
    json_write_array(w);
    for (; options->name != NULL; options++) {
        json_write_object(w);
        json_write_key_string(w, "name", slice_of(options->name));
        if (options->letter != '\0')
            json_write_key_string(w, "letter", (harborai_str){&options->letter, 1});
        if (options->argument != NULL)
            json_write_key_string(w, "argument", slice_of(options->argument));
        json_write_key_string(w, "help", slice_of(options->help));
        json_write_end(w);
    }
    json_write_end(w);
}

void command_print_tables(void)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    write_options(&w, "options", command_globals);
    json_write_key(&w, HARBORAI_STR("commands"));
    json_write_array(&w);
    for (size_t i = 0; command_list[i] != NULL; i++) {
        const struct command *c = command_list[i];
        if (c->is_hidden)
            continue;
        json_write_object(&w);
        json_write_key_string(&w, "name", slice_of(c->name));
        json_write_key_string(&w, "summary", slice_of(c->summary));
        if (c->rest != NULL)
            json_write_key_string(&w, "rest", slice_of(c->rest));
        write_options(&w, "options", c->options);
        json_write_end(&w);
    }
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

/* --- harborai help --------------------------------------------------------------------------- */

static enum exit_code run_help(const struct arguments *arguments)
{
    int words;
    if (arguments->rest_count == 0) {
        command_print_overview(stdout);
        return command_finish();
    }
    const struct command *command = command_find(arguments->rest_count, arguments->rest, &words);
    if (command == NULL)
        return command_refuse(arguments->rest_count, arguments->rest);
    command_print_help(command);
    return command_finish();
}

static const struct option_spec no_options[] = {{NULL, 0, NULL, NULL}};

const struct command command_help = {
    .name = "help",
    .summary = "Show the help of a command",
    .rest = "[COMMAND]",
    .options = no_options,
    .run = run_help,
};
