/* SPDX-License-Identifier: MIT */
/* One child process, two pipes, one time limit. Never runs on a loop, never passes a descriptor of
 * ours on, never leaves a child behind. */
#include "config/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"

#define COMPLAINT_MAX KIB(4)

/* ---- Words -------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One word from `at`, which is no blank; returns where it ends, line.len + 1 if a quote is open. */
static size_t split_word(harborai_str line, size_t at, struct buf *storage)
{
    char quote = '\0';
    for (; at < line.len && (quote != '\0' || !is_blank(line.data[at])); at++) {
        char c = line.data[at];
        if (c == '\\' && quote != '\'' && at + 1 < line.len)
            buf_add_char(storage, line.data[++at]);
        else if (quote == '\0' && (c == '\'' || c == '"'))
            quote = c;
        else if (c == quote && quote != '\0')
            quote = '\0';
        else
            buf_add_char(storage, c);
    }
    buf_add_char(storage, '\0');
    return quote == '\0' ? at : line.len + 1;
}

harborai_status command_split(harborai_str line, struct buf *storage,
                              char *words[static COMMAND_WORDS_MAX + 1], harborai_error *error)
{
    size_t starts[COMMAND_WORDS_MAX], count = 0;
    for (size_t at = 0; at < line.len;) {
        if (is_blank(line.data[at])) {
            at++;
            continue;
        }
        if (count == COMMAND_WORDS_MAX)
            return harborai_error_set(error, HARBORAI_E_CONFIG, "has more than %d words",
                                      COMMAND_WORDS_MAX);
        starts[count++] = storage->len;
        at = split_word(line, at, storage);
        if (at > line.len)
            return harborai_error_set(error, HARBORAI_E_CONFIG, "has a quote that is not closed");
    }
    if (count == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "names no program");
    if (storage->failed != HARBORAI_OK)
        return buf_status(storage, error);
    for (size_t i = 0; i < count; i++)
        words[i] = storage->data + starts[i];
    words[count] = NULL;
    return HARBORAI_OK;
}

/* ---- The child ---------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int out, err; /* to read from; -1 = closed */
    int64_t end_ns;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* 0 or an errno. Signals are as a program expects them; it leads a group, to be killed as a whole. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int out,
                   int err)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    int number = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, out, 1);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(actions, err, 2);
    if (number == 0)
        number = posix_spawnattr_setsigmask(attributes, &none);
    if (number == 0)
        number = posix_spawnattr_setsigdefault(attributes, &usual);
    if (number == 0)
        number = posix_spawnattr_setpgroup(attributes, 0);
    if (number == 0)
        number = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                          POSIX_SPAWN_SETSIGDEF |
                                                          POSIX_SPAWN_SETPGROUP);
    return number;
}

static int spawn(char *const words[], int out, int err, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return number;
    number = posix_spawnattr_init(&attributes);
    if (number == 0) {
        number = prepare(&actions, &attributes, out, err);
        if (number == 0)
            number = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

static int start(char *const words[], struct child *child)
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return errno;
    if (pipe2(err, O_CLOEXEC) < 0) {
        int number = errno;
        close(out[0]);
        close(out[1]);
        return number;
    }
    int number = spawn(words, out[1], err[1], &child->pid);
    close(out[1]);
    close(err[1]);
    child->out = out[0];
    child->err = err[0];
    if (number != 0) {
        close_fd(&child->out);
        close_fd(&child->err);
    }
    return number;
}

/* What came; of what is beyond the buffer's ceiling nothing is kept. False: the end. */
static bool drain(int fd, struct buf *to)
{
    char piece[4096];
    ssize_t len = read(fd, piece, sizeof piece);
    if (len < 0)
        return errno == EINTR;
    buf_add(to, (harborai_str){piece, (size_t)len});
    explicit_bzero(piece, sizeof piece);
    return len > 0;
}

/* Until the output ends or is too long; false: the time is over. */
static bool listen_to(struct child *child, struct buf *output, struct buf *complaint)
{
    while (child->out >= 0 && output->failed == HARBORAI_OK) {
        struct pollfd fds[] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0}};
        int64_t left_ms = (child->end_ns - clock_monotonic_ns(&clock_system)) / NS_PER_MS;
        if (left_ms <= 0)
            return false;
        if (poll(fds, ARRAY_LEN(fds), (int)left_ms) < 0 && errno != EINTR)
            return false;
        if (fds[0].revents != 0 && !drain(child->out, output))
            close_fd(&child->out);
        if (child->err >= 0 && fds[1].revents != 0 && !drain(child->err, complaint))
            close_fd(&child->err);
    }
    return true;
}

/* Whoever has closed its output has the rest of the time to end. False: it had to be killed. */
static bool reap(struct child *child, bool kill_it, int *ret_status)
{
    while (!kill_it && clock_monotonic_ns(&clock_system) < child->end_ns) {
        if (waitpid(child->pid, ret_status, WNOHANG) == child->pid)
            return true;
        (void)poll(NULL, 0, 10);
    }
    kill(-child->pid, SIGKILL);
    while (waitpid(child->pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    return false;
}

/* What it said last may still wait in the pipe. */
static void hear_rest(struct child *child, struct buf *complaint)
{
    struct pollfd fd = {child->err, POLLIN, 0};
    if (child->err >= 0 && poll(&fd, 1, 0) > 0)
        (void)drain(child->err, complaint);
}

static harborai_str first_line(const struct buf *complaint)
{
    harborai_str line, rest;
    slice_split(buf_slice(complaint), '\n', &line, &rest);
    return slice_cut(slice_trim(line), 200);
}

static harborai_status judge(const char *program, int status, const struct buf *complaint,
                             harborai_error *error)
{
    harborai_str said = first_line(complaint);
    if (WIFSIGNALED(status))
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' was ended by signal %d%s%.*s",
                                  program, WTERMSIG(status), said.len > 0 ? ": " : "",
                                  SLICE_ARG(said));
    if (WEXITSTATUS(status) != 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' failed with status %d%s%.*s",
                                  program, WEXITSTATUS(status), said.len > 0 ? ": " : "",
                                  SLICE_ARG(said));
    return HARBORAI_OK;
}

harborai_status command_run(char *const words[], struct buf *output, harborai_error *error)
{
    AUTO(buf) complaint = BUF_INIT(COMPLAINT_MAX);
    struct child child = {
        0, -1, -1, clock_monotonic_ns(&clock_system) + NS_PER_MS * COMMAND_LIMIT_MS};
    char text[128];
    int status;

    int number = start(words, &child);
    if (number != 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot start '%s': %s", words[0],
                                  error_of_errno(number, text));
    bool has_ended = listen_to(&child, output, &complaint);
    bool is_too_long = output->failed != HARBORAI_OK;
    has_ended = reap(&child, !has_ended || is_too_long, &status);
    hear_rest(&child, &complaint);
    close_fd(&child.out);
    close_fd(&child.err);
    if (is_too_long)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' printed more than %zu KiB",
                                  words[0], COMMAND_OUTPUT_MAX / KIB(1));
    if (!has_ended)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' did not end within %d s",
                                  words[0], COMMAND_LIMIT_MS / 1000);
    return judge(words[0], status, &complaint, error);
}
