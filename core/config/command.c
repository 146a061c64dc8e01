/* SPDX-License-Identifier: MIT */
/* One child process, two pipes, one time limit. Never runs on a loop, never passes a descriptor of
 * ours on, never kills what is not, or no longer, its own child; leaves no child behind unless we
 * are killed ourselves by SIGKILL. */
#include "config/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
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
    int ending; /* a signalfd: readable when we ourselves are asked to end; -1 = none */
};

/* Why it is listened to no longer. */
enum outcome { OUTCOME_SPOKE, OUTCOME_LATE, OUTCOME_INTERRUPTED };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* 0 or an errno. Signals are as a program expects them; it leads a group, to be killed as a
 * whole. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes, int out,
                   int err)
{
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    sigaddset(&usual, SIGCHLD);
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

/* ---- The end ------------------------------------------------------------------------------ */

/* The signals that end us, blocked in this thread so that the child is ended first: they then
 * take the effect that they have. What the caller has blocked already waits for the caller;
 * SIGHUP, which may then mean something else, is not looked at. */
static void watch_signals(struct child *child, sigset_t *ret_before)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};
    sigset_t watched;
    sigemptyset(&watched);
    sigemptyset(ret_before);
    pthread_sigmask(SIG_BLOCK, NULL, ret_before);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN &&
            (numbers[i] != SIGHUP || !sigismember(ret_before, SIGHUP)))
            sigaddset(&watched, numbers[i]);
    }
    pthread_sigmask(SIG_BLOCK, &watched, NULL);
    child->ending = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void unwatch_signals(struct child *child, const sigset_t *before)
{
    close_fd(&child->ending);
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* Until the output ends or is too long. */
static enum outcome listen_to(struct child *child, struct buf *output, struct buf *complaint)
{
    while (child->out >= 0 && output->failed == HARBORAI_OK) {
        struct pollfd fds[] = {
            {child->out, POLLIN, 0}, {child->err, POLLIN, 0}, {child->ending, POLLIN, 0}};
        int64_t left_ms = (child->end_ns - clock_monotonic_ns(&clock_system)) / NS_PER_MS;
        if (left_ms <= 0)
            return OUTCOME_LATE;
        int count = poll(fds, ARRAY_LEN(fds), (int)left_ms);
        if (count < 0 && errno != EINTR)
            return OUTCOME_LATE;
        if (count <= 0)
            continue;
        if (fds[2].revents != 0)
            return OUTCOME_INTERRUPTED;
        if (fds[0].revents != 0 && !drain(child->out, output))
            close_fd(&child->out);
        if (child->err >= 0 && fds[1].revents != 0 && !drain(child->err, complaint))
            close_fd(&child->err);
    }
    return OUTCOME_SPOKE;
}

/* Whether it has ended. It stays a zombie, so that its number is nobody else's; unless SIGCHLD is
 * ignored or somebody else in this process waits for any child: then it is gone. */
static bool has_ended(const struct child *child, bool *ret_is_gone)
{
    siginfo_t about = {.si_pid = 0};
    int result;
    do
        result = waitid(P_PID, (id_t)child->pid, &about, WEXITED | WNOHANG | WNOWAIT);
    while (result < 0 && errno == EINTR);
    *ret_is_gone = result < 0;
    return result < 0 || about.si_pid != 0;
}

/* Whoever has closed its output has the rest of the time to end. */
static enum outcome await_end(const struct child *child)
{
    bool is_gone;
    while (!has_ended(child, &is_gone)) {
        struct pollfd fd = {child->ending, POLLIN, 0};
        if (clock_monotonic_ns(&clock_system) >= child->end_ns)
            return OUTCOME_LATE;
        if (poll(&fd, 1, 10) > 0)
            return OUTCOME_INTERRUPTED;
    }
    return OUTCOME_SPOKE;
}

/* *ret_status is 0 where nobody can tell any more. */
static void reap(const struct child *child, bool kill_it, int *ret_status)
{
    bool is_gone;
    *ret_status = 0;
    (void)has_ended(child, &is_gone);
    if (kill_it && !is_gone)
        kill(-child->pid, SIGKILL);
    if (is_gone)
        return;
    while (waitpid(child->pid, ret_status, 0) < 0)
        if (errno != EINTR) {
            *ret_status = 0;
            return;
        }
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

static enum outcome attend(struct child *child, struct buf *output, struct buf *complaint,
                           int *ret_status)
{
    enum outcome outcome = listen_to(child, output, complaint);
    bool is_too_long = output->failed != HARBORAI_OK;
    if (outcome == OUTCOME_SPOKE && !is_too_long)
        outcome = await_end(child);
    reap(child, outcome != OUTCOME_SPOKE || is_too_long, ret_status);
    hear_rest(child, complaint);
    close_fd(&child->out);
    close_fd(&child->err);
    return outcome;
}

harborai_status command_run(char *const words[], struct buf *output, harborai_error *error)
{
    AUTO(buf) complaint = BUF_INIT(COMPLAINT_MAX);
    struct child child = {
        0, -1, -1, clock_monotonic_ns(&clock_system) + NS_PER_MS * COMMAND_LIMIT_MS, -1};
    enum outcome outcome = OUTCOME_SPOKE;
    char text[128];
    sigset_t before;
    int status = 0;

    watch_signals(&child, &before);
    int number = start(words, &child);
    if (number == 0)
        outcome = attend(&child, output, &complaint, &status);
    unwatch_signals(&child, &before);
    if (number != 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "cannot start '%s': %s", words[0],
                                  error_of_errno(number, text));
    if (outcome == OUTCOME_INTERRUPTED)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' was ended: this program was to "
                                  "end", words[0]);
    if (output->failed != HARBORAI_OK)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' printed more than %zu KiB",
                                  words[0], COMMAND_OUTPUT_MAX / KIB(1));
    if (outcome == OUTCOME_LATE)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "'%s' did not end within %d s",
                                  words[0], COMMAND_LIMIT_MS / 1000);
    return judge(words[0], status, &complaint, error);
}
