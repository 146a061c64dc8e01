/* SPDX-License-Identifier: MIT */
/* harborai serve: the gateway, until SIGTERM or SIGINT; the second one ends it at once. Must never
 * die of SIGHUP, SIGUSR1 or SIGUSR2, which people send to daemons: they are refused aloud. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/command.h"
#include "cli/setup.h"
#include "runtime/runtime.h"
#include "server/server.h"

static const struct option_spec options[] = {
    {"host", 0, "ADDRESS", "the address to listen on (default 127.0.0.1)"},
    {"port", 'p', "PORT", "the port (default 8000; 0: any that is free)"},
    {"workers", 'w', "N", "event loops (default: one a core)"},
    {"config", 'c', "FILE", "the configuration file"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {"log-level", 0, "LEVEL", "error, warn, info or debug (default info)"},
    {NULL, 0, NULL, NULL},
};

static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

static sigset_t all_signals(void)
{
    sigset_t signals = stop_signals();
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    return signals;
}

/* The signal that ends the gateway. */
static int await_stop(const struct log *log)
{
    sigset_t signals = all_signals(), stop = stop_signals();
    for (int number = 0;;) {
        if (sigwait(&signals, &number) != 0)
            continue;
        if (sigismember(&stop, number))
            return number;
        log_write(log, LOG_LEVEL_WARN, "serve.signal_ignored", "signal=%d help='%s'", number,
                  number == SIGHUP ? "start again to have the configuration read again"
                                   : "it has no meaning here");
    }
}

/* Calls get shutdown_ms to end, or until the next signal, which is never read: whoever waits later
 * hurries too. How many hold on. */
static unsigned stop(struct server *server, struct runtime *runtime, int64_t shutdown_ms)
{
    sigset_t signals = stop_signals();
    int hurry_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    server_stop(server, shutdown_ms, hurry_fd);
    unsigned held = runtime_stop_or_hurry(runtime, hurry_fd);
    if (hurry_fd >= 0)
        close(hurry_fd);
    return held;
}

/* A call takes two descriptors, and the usual soft limit of 1024 is there only for select(), which
 * nobody here uses. A refusal leaves what was. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* glibc gives memory back to the system after each request that is larger than its threshold, and
 * asks for it again at the next: 128 KiB are one request of 20 KiB on each of a few connections. */
static void keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, (int)MIB(8));
}

static enum exit_code serve(struct runtime *runtime, const struct server_options *where,
                            int64_t shutdown_ms)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct server *server;

    if (server_create(runtime, where, &server, &error) < 0)
        return command_fail(&error);
    if (runtime_start(runtime, &error) < 0) {
        server_destroy(server);
        return command_fail(&error);
    }
    fprintf(stderr, "harborai: listening on %s\n", server_url(server));
    int number = await_stop(runtime_log(runtime));
    log_write(runtime_log(runtime), LOG_LEVEL_INFO, "serve.stop", "signal=%d limit_ms=%lld", number,
              (long long)shutdown_ms);
    if (stop(server, runtime, shutdown_ms) > 0) { /* their threads may still reach everything */
        runtime_destroy(runtime);                 /* so this closes the journal alone */
        _exit(EXIT_OK);
    }
    server_destroy(server);
    return EXIT_OK;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct config *config = setup_config(&command_serve, arguments);
    harborai_error error = HARBORAI_ERROR_INIT;
    sigset_t signals = all_signals();
    struct runtime *runtime;
    struct log log;

    if (config == NULL)
        return EXIT_SERVE_CONFIG;
    keep_memory();
    raise_descriptors();
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before threads start: they inherit it */
    setup_log(&log, config);
    int64_t shutdown_ms = config->shutdown_ms;
    struct server_options where = {config->host, config->port, config->max_body, 0};
    struct runtime_options with = {.log = &log, .loops = (unsigned)config->workers,
                                   .with_journal = true, .system_plugin_dir = PLUGINDIR};
    if (runtime_create(config, &with, &runtime, &error) < 0) {
        config_destroy(config);
        enum exit_code code = command_fail(&error);
        return code == EXIT_CONFIG ? EXIT_SERVE_CONFIG : code;
    }
    enum exit_code code = serve(runtime, &where, shutdown_ms);
    runtime_destroy(runtime);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Run the OpenAI-compatible gateway",
    .options = options,
    .run = run,
};
