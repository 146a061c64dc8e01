/* SPDX-License-Identifier: MIT */
/* harborai serve: the gateway, until SIGTERM or SIGINT; the second one ends it at once. SIGHUP has
 * the configuration read again; what is wrong with it never ends the gateway. Nor do SIGUSR1 and
 * SIGUSR2, which people send to daemons: they are refused aloud. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/command.h"
#include "cli/core_dump.h"
#include "cli/descriptors.h"
#include "cli/fatal.h"
#include "cli/service.h"
#include "cli/setup.h"
#include "cli/signals.h"
#include "config/settings.h"
#include "runtime/runtime.h"
#include "server/drains.h"
#include "server/logs_desk.h"
#include "server/server.h"
#include "server/takeover.h"
#include "store/postgres.h"
#include "store/postgres_store.h"
#include "wire/url.h"

#define DRAIN_LIMIT_MS 5000

static const struct option_spec options[] = {
    {"host", 0, "ADDRESS", "the address to listen on (default 127.0.0.1)"},
    {"port", 'p', "PORT", "the port (default 8000; 0: any that is free)"},
    {"socket", 0, "FILE", "listen on this Unix socket, too; with --host none on nothing else"},
    {"workers", 'w', "N", "event loops (default: one a core)"},
    {"plugin", 0, "FILE", "use this plugin before all others; may be given again"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {"takeover", 0, NULL, "replace the gateway that runs on the same state directory"},
    {"log-level", 0, "LEVEL", "error, warn, info or debug (default info)"},
    {NULL, 0, NULL, NULL},
};

/* What lives as long as the gateway. */
struct serving {
    const struct arguments *arguments;
    struct service service;
    struct log log;
    struct runtime *runtime;
    struct drains *drains;
    struct postgres_store *postgres; /* until the drains have it, to compare with from then on; or NULL */
    struct drains_options drains_options;
    struct logs_desk *logs;
    struct takeover takeover; /* from the gateway that this one replaces */
    enum config_logs logs_for;
    int64_t shutdown_ms; /* of the configuration in force */
    int64_t began_ns;    /* monotonic */

    /* What a running gateway cannot change; texts are owned. */
    char *host, *socket, *state_dir;
    enum config_access socket_access;
    int64_t port, workers, max_body;
    struct config_limits limits;
    enum config_half_close half_close;
    char *cors_origins; /* with commas between them; owned */
    bool has_tls;
    bool is_recording;
    bool has_index;

    char *files[FILES_COUNT]; /* that the configuration in force comes from; owned, NULL = none */
};

/* ---- Reading the configuration again ------------------------------------------------------ */

static void log_fault(const struct log *log, enum log_level level, const char *text)
{
    if (level == LOG_LEVEL_ERROR)
        log_write(log, LOG_LEVEL_ERROR, "config.fault", "fault='%s'", text);
    else
        log_write(log, LOG_LEVEL_WARN, "config.warning", "warning='%s'", text);
}

static void log_faults(const struct log *log, enum log_level level,
                       const struct config_faults *faults)
{
    char text[1024];
    for (unsigned i = 0; i < faults->count; i++) {
        config_fault_format(&faults->items[i], text, sizeof text);
        log_fault(log, level, text);
    }
    if (faults->total > faults->count) {
        snprintf(text, sizeof text, "... and %u more", faults->total - faults->count);
        log_fault(log, level, text);
    }
}

static void look_for_nothing(struct runtime *runtime, void *context)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    const struct serving *s = context;
    if (model_map_provider_count(runtime_models(runtime)) > 0)
        return;
    setup_add_what_to_set(runtime, &text);
    log_write(&s->log, LOG_LEVEL_WARN, "serve.no_provider", "help='there is no model%.*s'",
              SLICE_ARG(buf_slice(&text)));
}

/* A gateway that can be asked nothing starts all the same: SIGHUP may bring what is missing. Models may be
 * replaced at any time, by plugins that come. */
static void warn_of_nothing(struct serving *s)
{
    (void)!runtime_look(s->runtime, look_for_nothing, s, NULL);
}

static bool is_loopback(harborai_str host)
{
    return slice_is(host, "localhost") || slice_is(host, "::1") || slice_starts_with(host, "127.");
}

/* OPENAI_BASE_URL is often set for the clients of a gateway, and then read by the gateway too. */
static void warn_of_circles(const struct serving *s, const struct config *config)
{
    for (size_t i = 0; i < config->provider_count; i++) {
        const struct config_provider *p = &config->providers[i];
        struct url url;
        if (p->base_url.len > 0 && url_parse(p->base_url, &url, NULL) >= 0 &&
            url.port == config->port && (is_loopback(url.host) || slice_equal(url.host, config->host)))
            log_write(&s->log, LOG_LEVEL_WARN, "config.warning",
                      "warning='providers.%.*s.base_url is %.*s, which is this gateway: its calls "
                      "would come back without end'",
                      SLICE_ARG(p->name), SLICE_ARG(p->base_url));
    }
}

static void keep_number(const struct log *log, const char *setting, int64_t running,
                        int64_t configured)
{
    if (running != configured)
        log_write(log, LOG_LEVEL_WARN, "config.needs_restart",
                  "setting='%s' running='%lld' configured='%lld'", setting, (long long)running,
                  (long long)configured);
}

static void keep_text(const struct log *log, const char *setting, const char *running,
                      harborai_str configured)
{
    if (!slice_is(configured, running))
        log_write(log, LOG_LEVEL_WARN, "config.needs_restart",
                  "setting='%s' running='%s' configured='%.*s'", setting, running,
                  SLICE_ARG(configured));
}

/* Returns owned, NULL when out of memory. */
static char *join(const struct config_names *names)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    for (size_t i = 0; i < names->count; i++) {
        buf_add(&text, i > 0 ? HARBORAI_STR(",") : SLICE_NONE);
        buf_add(&text, names->items[i]);
    }
    return slice_dup(buf_slice(&text));
}

static void keep_origins(const struct serving *s, const struct config *config)
{
    char *configured = join(&config->cors_origins);
    keep_text(&s->log, "server.cors.origins", s->cors_origins, slice_of(configured));
    free(configured);
}

/* All of struct config_limits, each a number. */
static void tell_of_limits(const struct serving *s, const struct config *config)
{
    const size_t from = offsetof(struct config, limits);
    for (size_t i = 0; i < settings_count; i++) {
        size_t at = settings[i].offset;
        if (!slice_starts_with(slice_of(settings[i].path), "server.") || at < from ||
            at >= from + sizeof s->limits)
            continue;
        keep_number(&s->log, settings[i].path,
                    *(const int64_t *)(const void *)((const char *)&s->limits + (at - from)),
                    *(const int64_t *)(const void *)((const char *)config + at));
    }
}

static void keep_word(const struct log *log, const char *setting, enum setting_type type,
                      unsigned running, unsigned configured)
{
    const char *const *words = settings_words(type);
    keep_text(log, setting, words[running], slice_of(words[configured]));
}

static void tell_what_stays(const struct serving *s, const struct config *config)
{
    keep_text(&s->log, "server.host", s->host, config->host);
    keep_number(&s->log, "server.port", s->port, config->port);
    keep_text(&s->log, "server.socket", s->socket, config->socket);
    keep_word(&s->log, "server.socket_access", SETTING_ACCESS, s->socket_access,
              config->socket_access);
    keep_text(&s->log, "server.tls", s->has_tls ? "on" : "off",
              slice_of(config->tls.certificate.len > 0 ? "on" : "off"));
    keep_number(&s->log, "server.workers", s->workers, config->workers);
    keep_number(&s->log, "server.max_body", s->max_body, config->max_body);
    tell_of_limits(s, config);
    keep_word(&s->log, "server.half_close", SETTING_HALF_CLOSE, s->half_close, config->half_close);
    keep_origins(s, config);
    keep_word(&s->log, "server.logs", SETTING_LOGS, s->logs_for, config->logs);
    keep_text(&s->log, "state_dir", s->state_dir, config->state_dir);
    keep_text(&s->log, "journal.enabled", s->is_recording ? "true" : "false",
              slice_of(config->journal_enabled ? "true" : "false"));
    keep_number(&s->log, "store.sqlite.enabled", s->has_index, config->has_index);
    if (s->drains != NULL && !postgres_store_is_of(s->drains_options.postgres, config))
        log_write(&s->log, LOG_LEVEL_WARN, "config.needs_restart", "setting='store.postgres'");
}

static void forget_files(char *files[static FILES_COUNT])
{
    for (unsigned i = 0; i < FILES_COUNT; i++)
        free(files[i]);
}

/* Where memory is short a file is not asked for next time. */
static void copy_files(const struct config *config, char *ret_files[static FILES_COUNT])
{
    for (unsigned i = 0; i < FILES_COUNT; i++)
        ret_files[i] = config->files[i].len > 0 ? slice_dup(config->files[i]) : NULL;
}

/* A file that is not there is no fault at the start; later it is more likely an accident, as is one
 * that is being written, or a pipe that was read already. */
static harborai_status check_files(const struct serving *s, const struct config *config,
                                   struct config_faults *faults, harborai_error *error)
{
    for (unsigned i = 0; i < FILES_COUNT; i++)
        if (s->files[i] != NULL && config->files[i].len == 0)
            config_faults_add(faults, (struct config_place){s->files[i], 0, 0},
                              "is gone, empty or not read, and the settings in force come from it: "
                              "restore it, or start the gateway again to go on without it");
    if (faults->total == 0)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_CONFIG, "a configuration file is gone");
}

/* Owns `config` from here on. */
static harborai_status apply(struct serving *s, struct config *config,
                             struct config_faults *faults, harborai_error *error)
{
    int64_t shutdown_ms = config->shutdown_ms;
    enum log_level level = config->log_level;
    size_t aliases = config->alias_count;
    tell_what_stays(s, config);
    warn_of_circles(s, config);
    char *files[FILES_COUNT];
    copy_files(config, files);
    harborai_status st = runtime_apply(s->runtime, config, faults, error);
    if (st < 0) {
        forget_files(files);
        config_destroy(config);
        return st;
    }
    forget_files(s->files);
    memcpy(s->files, files, sizeof s->files);
    s->shutdown_ms = shutdown_ms;
    log_write(&s->log, LOG_LEVEL_INFO, "config.applied", "aliases=%zu", aliases);
    warn_of_nothing(s);
    atomic_store_explicit(&s->log.level, (int)level, memory_order_relaxed);
    return st;
}

/* A certificate that is no good is no reason to keep the rest as it was. */
static void renew_tls(const struct serving *s, struct server *server)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (server_renew_tls(server, &runtime_config(s->runtime)->tls, &error) < 0)
        log_write(&s->log, LOG_LEVEL_ERROR, "tls.kept", "error='%s' help='%s'", error.message,
                  "the certificate and key in force are as before: correct this and send SIGHUP again");
}

static void reload(struct serving *s, struct server *server)
{
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config;

    config_faults_init(&faults);
    config_faults_init_warnings(&warnings);
    harborai_status st =
        setup_load(&command_serve, s->arguments, &config, &faults, &warnings, &error);
    if (st >= 0) {
        st = check_files(s, config, &faults, &error);
        if (st < 0)
            config_destroy(config);
    }
    log_faults(&s->log, LOG_LEVEL_WARN, &warnings);
    if (st >= 0)
        st = apply(s, config, &faults, &error);
    if (st >= 0) {
        renew_tls(s, server);
        return;
    }
    log_faults(&s->log, LOG_LEVEL_ERROR, &faults);
    if (faults.count == 0)
        log_write(&s->log, LOG_LEVEL_ERROR, "config.fault", "fault='%s'", error.message);
    log_write(&s->log, LOG_LEVEL_ERROR, "config.kept", "faults=%u help='%s'",
              faults.total > 0 ? faults.total : 1,
              "the settings are as before: correct this and send SIGHUP again");
}

static void reload_aloud(struct serving *s, struct server *server)
{
    service_say_reloading(&s->service, &s->log);
    reload(s, server);
    service_say_ready(&s->service, server_url(server), false, &s->log);
}

/* The signal that ends the gateway; 0: another one has taken over. */
static int await_stop(struct serving *s, struct server *server)
{
    for (;;) {
        int number = signals_wait(server_handed_descriptor(server));
        if (number == 0 || signals_stop(number))
            return number;
        if (number == SIGHUP)
            reload_aloud(s, server);
        else
            log_write(&s->log, LOG_LEVEL_WARN, "serve.signal_ignored", "signal=%d help='%s'",
                      number, "it has no meaning here");
    }
}

static void tell_stop(const struct serving *s, int number)
{
    log_write(&s->log, LOG_LEVEL_INFO, "serve.stop", "signal=%d limit_ms=%lld", number,
              (long long)s->shutdown_ms);
}

/* Calls take the time that they need, or limit_ms; a signal ends that. Returns it; 0: there was none. */
static int retire(struct server *server, int64_t limit_ms)
{
    int hurry_fd = signals_stop_descriptor();
    server_retire(server, limit_ms, hurry_fd);
    if (hurry_fd >= 0)
        close(hurry_fd);
    return signals_take_stop();
}

/* Calls get shutdown_ms to end, or until the next signal, which is never read: whoever waits later
 * hurries too. How many hold on. */
static unsigned stop(struct server *server, struct runtime *runtime, int64_t shutdown_ms)
{
    int hurry_fd = signals_stop_descriptor();
    server_stop(server, shutdown_ms, hurry_fd);
    unsigned held = runtime_stop_or_hurry(runtime, hurry_fd);
    if (hurry_fd >= 0)
        close(hurry_fd);
    return held;
}

/* glibc gives memory back to the system after each request that is larger than its threshold, and
 * asks for it again at the next: 128 KiB are one request of 20 KiB on each of a few connections. */
static void keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, (int)MIB(8));
}

/* Calls come first in what a graceful stop may take; what is not copied then is copied later. */
static int64_t drain_limit_ms(const struct serving *s)
{
    return s->shutdown_ms < DRAIN_LIMIT_MS ? s->shutdown_ms : DRAIN_LIMIT_MS;
}

/* Without them calls are on record all the same, and are copied by whoever drains next. */
static void start_drains(struct serving *s, struct server *server)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    s->postgres = NULL; /* theirs from here on */
    if (drains_start(&s->drains_options, &s->drains, &error) < 0)
        log_write(&s->log, LOG_LEVEL_WARN, "drain.none", "error='%s'", error.message);
    server_show_drains(server, s->drains);
}

/* Until something ends it. */
static void serve_well(struct serving *s, struct server *server, bool is_successor)
{
    fprintf(stderr, "harborai: listening on %s\n", server_url(server));
    service_say_ready(&s->service, server_url(server), is_successor, &s->log);
    int number = await_stop(s, server);
    if (number == 0) { /* the service does not stop, whatever this process does from now on */
        log_write(&s->log, LOG_LEVEL_INFO, "serve.replaced",
                  "help='another gateway has taken over: this one ends with its last call'");
        service_say_replaced(&s->service, server_successor(server), &s->log);
        number = retire(server, INT64_MAX);
    } else {
        service_say_stopping(&s->service, &s->log);
    }
    if (number > 0)
        tell_stop(s, number);
}

/* False: this one is not to serve, and *ret_code says why. A signal that came by now must not end both: the
 * other one has not been told anything yet. */
static bool finish_takeover(struct serving *s, struct server *server, enum exit_code *ret_code)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (s->takeover.fd < 0)
        return true;
    int number = signals_take_stop();
    bool serves = number == 0;
    if (!serves) {
        tell_stop(s, number);
    } else if (server_finish_takeover(server, &s->takeover, &error) < 0) {
        *ret_code = command_fail(&error);
        serves = false;
    }
    takeover_release(&s->takeover);
    return serves;
}

static enum exit_code serve(struct serving *s)
{
    struct server_options where = {.host = slice_of(s->host),
                                   .port = s->port,
                                   .socket = slice_of(s->socket),
                                   .socket_access = s->socket_access,
                                   .tls = &runtime_config(s->runtime)->tls,
                                   .sockets = s->service.sockets,
                                   .socket_count = s->service.socket_count,
                                   .max_body = s->max_body,
                                   .limits = s->limits,
                                   .cors_origins = slice_of(s->cors_origins),
                                   .answers_half_closed =
                                       s->half_close == CONFIG_HALF_CLOSE_ANSWER,
                                   .logs_for = s->logs_for,
                                   .began_ns = s->began_ns,
                                   .with_control = true,
                                   .state_dir = slice_of(s->state_dir),
                                   .takeover = s->takeover.fd >= 0 ? &s->takeover : NULL};
    harborai_error error = HARBORAI_ERROR_INIT;
    enum exit_code code = EXIT_OK;
    bool is_successor = s->takeover.fd >= 0;
    struct server *server;

    if (server_create(s->runtime, &where, &server, &error) < 0)
        return command_fail(&error);
    start_drains(s, server);
    server_show_logs(server, s->logs);
    if (runtime_start(s->runtime, &error) < 0) {
        logs_desk_destroy(take(s->logs));
        server_destroy(server);
        return command_fail(&error);
    }
    if (finish_takeover(s, server, &code))
        serve_well(s, server, is_successor);
    else
        (void)retire(server, s->shutdown_ms); /* it has taken connections, which are answered */
    if (stop(server, s->runtime, s->shutdown_ms) > 0) { /* their threads may still reach everything */
        runtime_destroy(s->runtime);                    /* so this closes the journal alone */
        (void)drains_stop(s->drains, drain_limit_ms(s));
        _exit(code);
    }
    logs_desk_destroy(take(s->logs));
    server_destroy(server);
    return code;
}

/* ---- The start ---------------------------------------------------------------------------- */

/* Complains of what is wrong; what is not good is told by the log, once there is one. */
static struct config *load(struct serving *s)
{
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config;

    config_faults_init(&faults);
    config_faults_init_warnings(&warnings);
    if (setup_load(&command_serve, s->arguments, &config, &faults, &warnings, &error) < 0) {
        setup_print_faults(&faults, "");
        if (faults.count == 0)
            command_complain("%s", error.message);
        return NULL;
    }
    if (setup_check_certificate(config, &faults) < 0) { /* here it is known where the file is named */
        setup_print_faults(&faults, "");
        config_destroy(config);
        return NULL;
    }
    setup_log(&s->log, config);
    log_faults(&s->log, LOG_LEVEL_WARN, &warnings);
    warn_of_circles(s, config);
    return config;
}

static bool remember(struct serving *s, const struct config *config)
{
    s->host = slice_dup(config->host);
    s->socket = slice_dup(config->socket);
    s->socket_access = config->socket_access;
    s->state_dir = slice_dup(config->state_dir);
    s->port = config->port;
    s->has_tls = config->tls.certificate.len > 0;
    s->workers = config->workers;
    s->max_body = config->max_body;
    s->limits = config->limits;
    s->half_close = config->half_close;
    s->cors_origins = join(&config->cors_origins);
    s->logs_for = config->logs;
    s->is_recording = config->journal_enabled;
    s->has_index = config->has_index;
    s->shutdown_ms = config->shutdown_ms;
    copy_files(config, s->files);
    return s->host != NULL && s->socket != NULL && s->state_dir != NULL && s->cors_origins != NULL;
}

/* While the configuration is ours. */
static void prepare_drains(struct serving *s, const struct config *config)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct config_postgres *p = &config->postgres;
    s->drains_options = (struct drains_options){.state_dir = slice_of(s->state_dir),
                                                .log = &s->log,
                                                .with_index = s->has_index,
                                                .index_age_ns = call_index_age_ns(config),
                                                .postgres_batch = (unsigned)p->batch,
                                                .postgres_max_failures = (unsigned)p->max_failures,
                                                .postgres_most_wait_ms = p->health_check_ms};
    if (p->is_configured && postgres_store_create(config, &s->postgres, &error) < 0)
        log_write(&s->log, LOG_LEVEL_WARN, "drain.none", "error='%s'", error.message);
    s->drains_options.postgres = s->postgres;
}

/* Without it calls are on record all the same. */
static void prepare_logs(struct serving *s, const struct config *config)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct logs_desk_options desk = {.state_dir = slice_of(s->state_dir),
                                     .with_index = s->has_index,
                                     .log = &s->log};
    harborai_status st = HARBORAI_OK;
    if (!s->is_recording || s->state_dir[0] == '\0')
        return;
    if (config->postgres.is_configured)
        st = postgres_address_create(config, &desk.address, &error);
    if (st == HARBORAI_OK)
        st = logs_desk_create(&desk, &s->logs, &error);
    if (st < 0)
        log_write(&s->log, LOG_LEVEL_WARN, "logs.none", "error='%s'", error.message);
}

/* Where --takeover asks for it, and there is one to take over from. False: that one goes on, and *ret_code is
 * this one's end. */
static bool take_over(struct serving *s, enum exit_code *ret_code)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (command_argument(&command_serve, s->arguments, "takeover") == NULL)
        return true;
    harborai_status st = takeover_ask(slice_of(s->state_dir), &s->takeover, &error);
    if (st == HARBORAI_OK)
        return true;
    if (st == HARBORAI_E_CLOSED) {
        log_write(&s->log, LOG_LEVEL_INFO, "takeover.none", "reason='%s' help='this gateway starts as any'",
                  error.message);
        return true;
    }
    *ret_code = command_fail(&error);
    return false;
}

static enum exit_code start(struct serving *s, struct config *config)
{
    struct runtime_options with = {.log = &s->log, .loops = (unsigned)config->workers,
                                   .with_journal = true, .with_crash_marks = true,
                                   .with_user_plugins = true, .system_plugin_dir = PLUGINDIR,
                                   .with_preload = true, .with_watch = true,
                                   .with_upkeep = true, .with_keys = true,
                                   .goes_on_without = true};
    AUTO(config_faults) faults;
    harborai_error error = HARBORAI_ERROR_INIT;
    config_faults_init(&faults);
    with.faults = &faults;
    prepare_drains(s, config);
    prepare_logs(s, config);
    if (runtime_create(config, &with, &s->runtime, &error) < 0) {
        logs_desk_destroy(s->logs);
        postgres_store_destroy(s->postgres);
        config_destroy(config);
        enum exit_code code = setup_fail(&faults, &error);
        return code == EXIT_CONFIG ? EXIT_SERVE_CONFIG : code;
    }
    warn_of_nothing(s);
    enum exit_code code = EXIT_OK;
    if (take_over(s, &code))
        code = serve(s);
    takeover_release(&s->takeover);
    postgres_store_destroy(s->postgres); /* only if it did not come as far as the drains */
    logs_desk_destroy(s->logs);          /* likewise */
    runtime_destroy(s->runtime);
    if (!drains_stop(s->drains, drain_limit_ms(s))) /* its thread may still reach everything */
        _exit(code);
    return code;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct serving serving = {.arguments = arguments,
                              .takeover.fd = -1,
                              .began_ns = clock_monotonic_ns(&clock_system)};
    enum exit_code code = EXIT_FAILED;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = NULL;

    if (service_take(&serving.service, &error) < 0)
        command_complain("%s", error.message);
    else
        config = load(&serving);
    if (config == NULL)
        return EXIT_SERVE_CONFIG;
    keep_memory();
    descriptors_raise(&serving.log, config->workers,
                      config->limits.connections > 0 ? config->limits.connections
                                                     : LIMIT_CONNECTIONS_USUAL);
    if (config->core_dumps)
        core_dump_allow();
    fatal_watch();
    signals_block(); /* before threads start: they inherit it */
    if (remember(&serving, config)) {
        code = start(&serving, config);
    } else {
        config_destroy(config);
        command_complain("no memory left");
    }
    free(serving.host);
    free(serving.socket);
    free(serving.state_dir);
    free(serving.cors_origins);
    forget_files(serving.files);
    return code;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Run the OpenAI-compatible gateway",
    .options = options,
    .run = run,
};
