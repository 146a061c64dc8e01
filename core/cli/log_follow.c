/* SPDX-License-Identifier: MIT */
/* Waits for calls. Must never look again and again: it sleeps until the journal changes, a signal comes or
 * the reader of stdout leaves. */
#include "cli/log_follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/limits.h"
#include "json_value.h"
#include "store/call.h"

static void on_fault(void *context UNUSED, const char *segment, uint64_t offset,
                     const char *reason)
{
    command_complain("%s: byte %llu: %s", segment, (unsigned long long)offset, reason);
}

enum exit_code log_follow_open(struct log_follow *follow, harborai_str state_dir)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (journal_watch_open(state_dir, on_fault, NULL, &follow->watch, &error) < 0)
        return command_fail(&error);
    return EXIT_OK;
}

void log_follow_close(struct log_follow *follow)
{
    journal_watch_close(take(follow->watch));
}

static void print_line(harborai_str line)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    const struct journal_call call = {.line = line};
    journal_call_write(&call, &text);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

static bool on_end(void *context, harborai_str line)
{
    const struct log_follow *follow = context;
    AUTO(buf) texts = BUF_INIT(2 * LIMIT_JOURNAL_LINE + 2);
    struct call call;
    if (call_read(line, SLICE_NONE, &texts, &call, NULL) < 0 ||
        !query_matches(follow->query, &call) || follow->was_shown(follow->context, &call))
        return true;
    if (follow->table == NULL)
        print_line(line);
    else
        log_table_add(follow->table, line, JOURNAL_CALL_ENDED);
    return !ferror(stdout);
}

static enum exit_code print_news(struct log_follow *follow)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (journal_watch_read(follow->watch, on_end, follow, &error) < 0)
        return command_fail(&error);
    if (follow->table != NULL)
        log_table_print(follow->table);
    return command_finish();
}

/* The ways in which it is asked to end become something to wait for. */
static int catch_signals(sigset_t *before)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &wanted, before) != 0)
        return -1;
    return signalfd(-1, &wanted, SFD_CLOEXEC);
}

/* Taken, so that it does not come again when signals are let through. */
static enum exit_code take_signal(int signals)
{
    struct signalfd_siginfo taken;
    return read(signals, &taken, sizeof taken) > 0 ? EXIT_INTERRUPTED : EXIT_FAILED;
}

enum exit_code log_follow_run(struct log_follow *follow)
{
    sigset_t before;
    enum exit_code code = EXIT_OK;
    int signals = catch_signals(&before);
    struct pollfd wanted[] = {{.fd = journal_watch_fd(follow->watch), .events = POLLIN},
                              {.fd = signals, .events = POLLIN},
                              {.fd = STDOUT_FILENO, .events = 0}}; /* POLLERR: nobody reads */
    while (code == EXIT_OK) {
        int count = poll(wanted, ARRAY_LEN(wanted), -1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 || wanted[2].revents != 0)
            code = EXIT_FAILED;
        else if (wanted[1].revents != 0)
            code = take_signal(signals);
        else
            code = print_news(follow);
    }
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}
