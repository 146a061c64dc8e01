/* SPDX-License-Identifier: MIT */
/* libedit by its callbacks, so that it is we who wait: a signal then ends the wait and not the
 * program, and no handler has to jump out of it. */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <editline/readline.h>

#include "base/attr.h"

#define MOST_HISTORY 1000

/* --- History --------------------------------------------------------------------------------- */

static void open_history(struct input *in, const char *state_dir)
{
    using_history();
    stifle_history(MOST_HISTORY);
    if (state_dir[0] == '\0' || asprintf(&in->history, "%s/history", state_dir) < 0) {
        in->history = NULL;
        return;
    }
    (void)read_history(in->history);
}

static void remember(const struct input *in, const char *line)
{
    HIST_ENTRY *last = history_get(history_base + history_length - 1);
    if (line[0] == '\0' || (last != NULL && strcmp(last->line, line) == 0))
        return;
    add_history(line);
    if (in->history == NULL)
        return;
    int fd = open(in->history, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    close(fd);
    (void)write_history(in->history);
}

/* --- The terminal ---------------------------------------------------------------------------- */

/* What libedit and signals tell, for they know nothing but what is static. */
static char *whole_line;
static bool is_over;
static volatile sig_atomic_t was_interrupted, was_resized, was_continued, was_ended;

static void on_line(char *line)
{
    whole_line = line;
    is_over = true;
    rl_callback_handler_remove();
}

static void on_interrupt(int number UNUSED)
{
    was_interrupted = 1;
}

static void on_resize(int number UNUSED)
{
    was_resized = 1;
}

static void on_continue(int number UNUSED)
{
    was_continued = 1;
}

static void on_end(int number)
{
    was_ended = number;
}

/* After Ctrl-Z the shell has set the terminal its own way. */
static void take_terminal_again(void)
{
    was_continued = 0;
    rl_deprep_terminal();
    rl_prep_terminal(1);
    rl_forced_update_display();
}

static enum input_result wait_for_line(char **ret_line, const sigset_t *mask)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!is_over) {
        int ready = ppoll(&in, 1, NULL, mask);
        bool has_failed = ready < 0 ? errno != EINTR : (in.revents & (POLLHUP | POLLERR)) != 0;
        if (was_interrupted || was_ended != 0 || has_failed) {
            rl_callback_handler_remove(); /* the terminal is as it was */
            putchar('\n');
            fflush(stdout);
            return was_interrupted ? INPUT_INTERRUPTED : INPUT_END;
        }
        if (was_resized) {
            was_resized = 0;
            rl_resize_terminal();
        }
        if (was_continued)
            take_terminal_again();
        if (ready > 0)
            rl_callback_read_char();
    }
    if (whole_line == NULL)
        return INPUT_END;
    *ret_line = whole_line;
    return INPUT_LINE;
}

static const struct {
    int number;
    void (*handler)(int number);
} caught[] = {{SIGINT, on_interrupt}, {SIGWINCH, on_resize}, {SIGCONT, on_continue},
              {SIGTERM, on_end},      {SIGHUP, on_end},      {SIGQUIT, on_end}};

/* The signals come only while we wait: none is lost in between. */
static enum input_result read_edited(struct input *in, const char *prompt, char **ret_line)
{
    struct sigaction before[ARRAY_LEN(caught)];
    sigset_t blocked, mask;
    sigemptyset(&blocked);
    for (size_t i = 0; i < ARRAY_LEN(caught); i++)
        sigaddset(&blocked, caught[i].number);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    for (size_t i = 0; i < ARRAY_LEN(caught); i++)
        sigaction(caught[i].number, &(struct sigaction){.sa_handler = caught[i].handler}, &before[i]);
    was_interrupted = was_resized = was_continued = was_ended = 0;
    is_over = false;
    whole_line = NULL;
    rl_callback_handler_install(prompt, on_line);
    enum input_result result = wait_for_line(ret_line, &mask);
    for (size_t i = 0; i < ARRAY_LEN(caught); i++)
        sigaction(caught[i].number, &before[i], NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (was_ended != 0)
        raise(was_ended);
    if (result == INPUT_LINE)
        remember(in, *ret_line);
    return result;
}

/* --- Anything else --------------------------------------------------------------------------- */

static enum input_result read_plain(char **ret_line)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len = getline(&line, &size, stdin);
    if (len < 0) {
        free(line);
        return INPUT_END;
    }
    if (len > 0 && line[len - 1] == '\n')
        line[--len] = '\0';
    for (char *nul; (nul = memchr(line, '\0', (size_t)len)) != NULL;)
        *nul = '?'; /* a text cannot hold it, and the rest of the line is not to be lost */
    *ret_line = line;
    return INPUT_LINE;
}

enum input_result input_read(struct input *in, const char *prompt, char **ret_line)
{
    return in->is_terminal ? read_edited(in, prompt, ret_line) : read_plain(ret_line);
}

void input_open(struct input *in, const char *state_dir)
{
    *in = (struct input){.is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
    if (!in->is_terminal)
        return;
    rl_readline_name = "harborai";
    rl_catch_signals = 0; /* before anything of it: else it signals the whole process group */
    open_history(in, state_dir);
}

void input_close(struct input *in)
{
    free(in->history);
    in->history = NULL;
}
