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
static volatile sig_atomic_t was_interrupted, was_resized;

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

static enum input_result wait_for_line(char **ret_line, const sigset_t *mask)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!is_over) {
        int ready = ppoll(&in, 1, NULL, mask);
        if (was_interrupted) {
            rl_callback_handler_remove();
            putchar('\n');
            fflush(stdout);
            return INPUT_INTERRUPTED;
        }
        if (was_resized) {
            was_resized = 0;
            rl_resize_terminal();
        }
        if (ready > 0)
            rl_callback_read_char();
        else if (ready < 0 && errno != EINTR)
            break;
    }
    if (whole_line == NULL)
        return INPUT_END;
    *ret_line = whole_line;
    return INPUT_LINE;
}

/* The signals come only while we wait: none is lost in between. */
static enum input_result read_edited(struct input *in, const char *prompt, char **ret_line)
{
    struct sigaction interrupt = {.sa_handler = on_interrupt}, resize = {.sa_handler = on_resize};
    struct sigaction old_interrupt, old_resize;
    sigset_t blocked, mask;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGWINCH);
    sigprocmask(SIG_BLOCK, &blocked, &mask);
    sigaction(SIGINT, &interrupt, &old_interrupt);
    sigaction(SIGWINCH, &resize, &old_resize);
    was_interrupted = 0;
    is_over = false;
    whole_line = NULL;
    rl_catch_signals = 0;
    rl_callback_handler_install(prompt, on_line);
    enum input_result result = wait_for_line(ret_line, &mask);
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGWINCH, &old_resize, NULL);
    sigprocmask(SIG_SETMASK, &mask, NULL);
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
        line[len - 1] = '\0';
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
    open_history(in, state_dir);
}

void input_close(struct input *in)
{
    free(in->history);
    in->history = NULL;
}
