/* SPDX-License-Identifier: MIT */
/* Opens a client and ends it. Never prints, never touches a signal. */
#include "client/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "client/ask.h"
#include "config/config.h"
#include "wire/masker.h"

const char *harborai_version(void)
{
    return PACKAGE_VERSION;
}

void harborai_free(void *text)
{
    free(text);
}

/* --- Open --------------------------------------------------------------------------------------- */

/* Whatever size the application's struct has. */
static harborai_status take_options(const harborai_client_options *given,
                                    harborai_client_options *options, harborai_error *error)
{
    *options = (harborai_client_options){.size = sizeof *options};
    if (given == NULL)
        return HARBORAI_OK;
    if (given->size < offsetof(harborai_client_options, config_file))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "harborai_client_options.size is not set: { sizeof options }");
    memcpy(options, given, given->size < sizeof *options ? given->size : sizeof *options);
    if (options->log_level < 0 || options->log_level > HARBORAI_LOG_DEBUG)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the option log_level is %d: HARBORAI_LOG_ERROR to _DEBUG, or 0",
                                  (int)options->log_level);
    return HARBORAI_OK;
}

static void give_line(void *context, enum log_level level, harborai_str line)
{
    const harborai_client_options *o = context;
    o->log(o->log_context, (int)level, line);
}

/* Before there is a client: the lines go to the application at once. */
static void tell_faults(harborai_client_options *o, const struct config_faults *faults)
{
    char text[512];
    struct log log;
    log_init_sink(&log, give_line, o, LOG_LEVEL_ERROR);
    log_set_mask(&log, masker_apply_all);
    for (size_t i = 0; o->log != NULL && i < faults->count; i++) {
        config_fault_format(&faults->items[i], text, sizeof text);
        log_write(&log, LOG_LEVEL_ERROR, "config.fault", "fault='%s'", text);
    }
}

static harborai_status load_config(harborai_client_options *o, struct config **ret_config,
                                   harborai_error *error)
{
    struct config_override *overrides = calloc(o->setting_count + 1, sizeof *overrides);
    struct config_sources sources = {
        .file = o->config_file, .text = o->config_text, .overrides = overrides};
    struct config_faults faults;

    if (overrides == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    for (size_t i = 0; i < o->setting_count; i++)
        overrides[sources.override_count++] =
            (struct config_override){o->settings[i].path, o->settings[i].value};
    if (o->state_dir != NULL)
        overrides[sources.override_count++] = (struct config_override){"state_dir", o->state_dir};
    config_faults_init(&faults);
    harborai_status st = config_load(&sources, &environment_process, ret_config, &faults, error);
    if (st < 0)
        tell_faults(o, &faults);
    config_faults_release(&faults);
    free(overrides);
    return st;
}

static void wake_for_line(void *owner)
{
    struct harborai_client *client = owner;
    loop_wake(client->loop);
}

static void init(struct harborai_client *client, const harborai_client_options *o,
                 const struct config *config)
{
    enum log_level level = config->log_level;
    client->pid = getpid();
    atomic_init(&client->refs, 1);
    pthread_mutex_init(&client->lock, NULL);
    pthread_cond_init(&client->handed, NULL);
    list_init(&client->waiting);
    list_init(&client->ready);
    sink_init(&client->sink, client);
    totals_init(&client->totals);
    client->log_fn = o->log;
    client->log_context = o->log_context;
    if (o->log_level > 0)
        level = (enum log_level)o->log_level;
    log_init_sink(&client->log, sink_add, &client->sink, level);
    log_set_mask(&client->log, masker_apply_all);
    if (o->log == NULL)
        atomic_store(&client->log.level, 0);
}

static harborai_status build(struct harborai_client *client, harborai_client_options *o,
                             struct config *config, harborai_error *error)
{
    AUTO(config_faults) faults;
    struct runtime_options with = {.log = &client->log, .loops = 1,
                                   .with_journal = true, .with_late_journal = true,
                                   .subscriber = &client->totals.subscriber,
                                   .with_user_plugins = true, .system_plugin_dir = PLUGINDIR,
                                   .faults = &faults};
    config_faults_init(&faults);
    init(client, o, config);
    client->name = slice_dup(slice_of(o->name != NULL ? o->name : "library"));
    if (client->name == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = runtime_create(config, &with, &client->runtime, error);
    if (st < 0) {
        tell_faults(o, &faults);
        return st;
    }
    client->loop = runtime_loop(client->runtime, 0);
    sink_set_wake(&client->sink, wake_for_line);
    return HARBORAI_OK;
}

harborai_client *harborai_client_open(const harborai_client_options *options,
                                      harborai_error *error)
{
    int64_t began_ns = clock_monotonic_ns(&clock_system);
    harborai_client_options o;
    struct config *config;

    if (take_options(options, &o, error) < 0 || load_config(&o, &config, error) < 0)
        return NULL;
    struct harborai_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    if (client == NULL || build(client, &o, config, error) < 0) {
        config_destroy(config);
        if (client == NULL)
            return NULL;
        pthread_mutex_lock(&client->lock);
        turn_flush_lines(client);
        pthread_mutex_unlock(&client->lock);
        client_unref(client);
        return NULL;
    }
    client->opened_ns = clock_monotonic_ns(&clock_system);
    client->opening_ns = client->opened_ns - began_ns;
    pthread_mutex_lock(&client->lock);
    turn_flush_lines(client);
    pthread_mutex_unlock(&client->lock);
    return client;
}

void client_unref(struct harborai_client *client)
{
    if (atomic_fetch_sub(&client->refs, 1) > 1)
        return;
    sink_release(&client->sink);
    totals_release(&client->totals);
    pthread_cond_destroy(&client->handed);
    pthread_mutex_destroy(&client->lock);
    free(client->name);
    free(client);
}

/* --- Who may call ------------------------------------------------------------------------------- */

harborai_status client_refuse_nothing(harborai_error *error, const char *what)
{
    if (error != NULL && error->code < 0)
        return error->code;
    return harborai_error_set(error, HARBORAI_E_INVALID, "there is no %s: it is NULL", what);
}

bool client_is_forked(const struct harborai_client *client)
{
    return client->pid != getpid();
}

static harborai_status check(const struct harborai_client *client, bool waits,
                             harborai_error *error)
{
    if (client->is_closing)
        return harborai_error_set(error, HARBORAI_E_INVALID, "the client is being closed");
    if (waits && client->in_handler && pthread_equal(client->handler, pthread_self()))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "a handler may not wait: start the call by harborai_chat_start()");
    return HARBORAI_OK;
}

harborai_status client_enter(struct harborai_client *client, bool waits, harborai_error *error)
{
    if (client == NULL)
        return client_refuse_nothing(error, "client");
    if (client_is_forked(client)) /* the lock may be held by a thread that is not there */
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the client belongs to the process that forked this one: open one "
                                  "here");
    pthread_mutex_lock(&client->lock);
    harborai_status st = check(client, waits, error);
    if (st < 0)
        pthread_mutex_unlock(&client->lock);
    return st;
}

void client_leave(struct harborai_client *client)
{
    pthread_mutex_unlock(&client->lock);
}

void harborai_client_interrupt(harborai_client *client)
{
    if (client == NULL || client_is_forked(client)) /* what would wake is the parent's, too */
        return;
    atomic_fetch_add(&client->interrupts, 1);
    loop_wake(client->loop);
}

/* --- Close -------------------------------------------------------------------------------------- */

/* Nothing of it may be freed: threads are still inside. The lock is held. */
static harborai_status abandon(struct harborai_client *client)
{
    turn_abandon(client);
    pthread_mutex_unlock(&client->lock);
    return HARBORAI_E_TIMEOUT;
}

/* Every call ends here; how many providers hold on. The loop has a thread for it, for a plugin that
 * does not return would hold this one; without it we turn the loop ourselves. */
static unsigned stop(struct harborai_client *client)
{
    if (client->has_thread) /* it gave the loop up, and is on its way out */
        pthread_join(client->thread, NULL);
    harborai_status st = runtime_start(client->runtime, NULL);
    (void)st;
    return runtime_stop(client->runtime);
}

harborai_status harborai_client_close(harborai_client *client)
{
    if (client == NULL)
        return HARBORAI_OK;
    harborai_status st = client_enter(client, true, NULL);
    if (st < 0)
        return st;
    client->is_closing = true;
    pthread_cond_broadcast(&client->handed); /* who waits to dispatch does so no more */
    if (!turn_claim(client, CLIENT_DRIVER_CLOSE)) {
        runtime_name_holders(client->runtime);
        return abandon(client);
    }
    pthread_mutex_unlock(&client->lock);
    unsigned held = stop(client);
    pthread_mutex_lock(&client->lock);
    turn_deliver(client);
    while (held == 0 && client->inside > 0)
        pthread_cond_wait(&client->handed, &client->lock);
    client->is_closed = true;
    if (held > 0) {
        runtime_destroy(client->runtime); /* closes the journal alone */
        return abandon(client);
    }
    outer_destroy(client->outer);
    client->outer = NULL;
    roster_release(&client->roster);
    pthread_mutex_unlock(&client->lock);
    sink_set_wake(&client->sink, NULL);
    uint64_t lost = runtime_destroy(client->runtime);
    pthread_mutex_lock(&client->lock);
    turn_flush_lines(client);
    pthread_mutex_unlock(&client->lock);
    client_unref(client);
    return lost > 0 ? HARBORAI_E_INTERNAL : HARBORAI_OK;
}
