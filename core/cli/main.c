/* SPDX-License-Identifier: MIT */
/* harborai: finds the command and runs it. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <harborai/plugin.h>

#include "base/attr.h"
#include "base/slice.h"
#include "cli/command.h"

static const struct command *const commands[] = {&command_chat, &command_config,
                                                 &command_list_models, &command_list_plugins,
                                                 &command_serve};

static void print_help(FILE *to)
{
    fprintf(to, "usage: harborai COMMAND [OPTION…]\n\n"
           "One port for all model vendors.\n\nCommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  %-14s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(to, "\n'harborai COMMAND --help' tells more; 'harborai --version' tells which this is.\n");
}

static enum exit_code print_version(void)
{
    printf("harborai %s (plugin ABI %d.%d)\n", PACKAGE_VERSION, HARBORAI_ABI_MAJOR,
           HARBORAI_ABI_MINOR);
    return command_finish();
}

static enum exit_code unknown_command(const char *name)
{
    const char *nearest = NULL;
    unsigned least = 3;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        unsigned distance = slice_distance(slice_of(name), slice_of(commands[i]->name), 2);
        if (distance < least) {
            least = distance;
            nearest = commands[i]->name;
        }
    }
    if (nearest != NULL)
        command_complain("there is no command '%s': did you mean '%s'?", name, nearest);
    else
        command_complain("there is no command '%s': 'harborai --help' lists them", name);
    return EXIT_USAGE;
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

int main(int argc, char **argv)
{
    struct arguments arguments;
    enum exit_code code;

    if (!fill_standard_descriptors())
        return EXIT_FAILED;
    setlocale(LC_CTYPE, "C.UTF-8"); /* texts are UTF-8; numbers stay as C has them */
    signal(SIGPIPE, SIG_IGN);       /* a reader that left is an error of write(), */
    signal(SIGXFSZ, SIG_IGN);       /* and so is a file that may not grow */
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return command_finish();
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return print_version();
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i]->name) != 0)
            continue;
        if (!command_parse(commands[i], argc - 1, argv + 1, &arguments, &code))
            return code;
        return commands[i]->run(&arguments);
    }
    return unknown_command(argv[1]);
}
