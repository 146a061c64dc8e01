/* SPDX-License-Identifier: MIT */
/* harborai: finds the command and runs it. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <harborai/plugin.h>

#include "base/attr.h"
#include "cli/command.h"
#include "cli/core_dump.h"

static enum exit_code print_version(void)
{
    printf("harborai %s (plugin ABI %d.%d)\n", PACKAGE_VERSION, HARBORAI_ABI_MAJOR,
           HARBORAI_ABI_MINOR);
    return command_finish();
}

/* A standard descriptor that came closed would be given to a file of ours, into which others would
 * then read and write. Output is opened for reading: that it cannot be printed must still show. */
static bool fill_standard_descriptors(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < (int)ARRAY_LEN(modes); fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
            return false;
    return true;
}

/* What stands before the command's name: options of all, or what the program itself is asked. */
enum { ASK_HELP, ASK_VERSION, ASK_TABLES, ASK_COUNT };

static const struct option_spec own_options[] = {
    [ASK_HELP] = {"help", 'h', NULL, ""},
    [ASK_VERSION] = {"version", 'V', NULL, ""},
    [ASK_TABLES] = {"json", 0, NULL, ""}, /* with --help: the tables, for scripts */
    {NULL, 0, NULL, NULL},
};

static const struct command program = {
    .name = "",
    .summary = "One port for all model vendors",
    .rest = "COMMAND",
    .options = own_options,
};

/* How many words stand before the command; options that take a value are two. */
static int count_leading(int argc, char **argv)
{
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
        const char *word = argv[at++];
        if (strcmp(word, "--") == 0)
            break;
        for (size_t i = 0; command_globals[i].name != NULL; i++) {
            const struct option_spec *o = &command_globals[i];
            bool is_it = (word[1] == '-' && strcmp(word + 2, o->name) == 0) ||
                         (word[1] == o->letter && word[2] == '\0');
            if (o->argument != NULL && is_it && at < argc)
                at++;
        }
    }
    return at;
}

static enum exit_code run_program(int argc, char **argv)
{
    struct arguments arguments = {.rest = NULL};
    enum exit_code code;
    int leading = count_leading(argc, argv), words;

    if (!command_parse(&program, leading, argv, &arguments, &code))
        return code;
    if (arguments.value[ASK_VERSION] != NULL)
        return print_version();
    if (arguments.value[ASK_HELP] != NULL) {
        if (arguments.value[ASK_TABLES] != NULL)
            command_print_tables();
        else
            command_print_overview(stdout);
        return command_finish();
    }
    if (leading == argc && arguments.value[ASK_TABLES] != NULL) {
        command_complain("'--json' stands behind a command's name, or beside --help");
        return EXIT_USAGE;
    }
    if (leading == argc) {
        command_print_overview(stderr);
        return EXIT_USAGE;
    }
    const struct command *command = command_find(argc - leading, argv + leading, &words);
    if (command == NULL)
        return command_refuse(argc - leading, argv + leading);
    int before = leading + words - 1;
    if (command->takes_raw) {
        arguments.rest = argv + before + 1;
        arguments.rest_count = argc - before - 1;
    } else if (!command_parse(command, argc - before, argv + before, &arguments, &code)) {
        return code;
    }
    return command->run(&arguments);
}

/* Called as harborai-view-logs, a link to this program, it is 'harborai logs'. */
static enum exit_code run_as_view_logs(int argc, char **argv)
{
    char logs[] = "logs";
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (words == NULL) {
        command_complain("no memory left");
        return EXIT_FAILED;
    }
    words[0] = argv[0];
    words[1] = logs;
    for (int i = 1; i < argc; i++)
        words[i + 1] = argv[i];
    enum exit_code code = run_program(argc + 1, words);
    free(words);
    return code;
}

static bool is_called(const char *path, const char *name)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    return path != NULL && strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

int main(int argc, char **argv)
{
    if (!fill_standard_descriptors())
        return EXIT_FAILED;
    core_dump_forbid();
    setlocale(LC_CTYPE, "C.UTF-8"); /* texts are UTF-8; numbers stay as C has them */
    signal(SIGPIPE, SIG_IGN);       /* a reader that left is an error of write(), */
    signal(SIGXFSZ, SIG_IGN);       /* and so is a file that may not grow */
    signal(SIGCHLD, SIG_DFL);       /* whoever started us may have ignored it: exec: waits */
    return (int)(is_called(argv[0], "harborai-view-logs") ? run_as_view_logs(argc, argv)
                                                          : run_program(argc, argv));
}
