/* SPDX-License-Identifier: MIT */
/* What plugins call outside of calls. They may be wrong in any argument: nothing here trusts one
 * further than the ABI makes it. */
#include "plugin/host.h"

#include "base/limits.h"
#include "json_value.h"
#include "plugin/slot.h"

#define LOG_MESSAGE_MAX 1024
#define CONFIG_TEXTS_MAX MIB(1)
#define MASKED_MIN 4 /* a shorter secret is no secret, and would mask half of the line */

struct host_text {
    struct host_text *next;
    const char *at; /* the value in the configuration */
    harborai_str text;
};

/* Looks in the whole message: a secret that the cut divides must not show its first half. */
static void mask(char *text, size_t shown, harborai_str message, harborai_str secret)
{
    if (secret.len < MASKED_MIN)
        return;
    for (size_t i = 0; i < shown && secret.len <= message.len - i; i++)
        if (memcmp(message.data + i, secret.data, secret.len) == 0)
            memset(text + i, '*', secret.len < shown - i ? secret.len : shown - i);
}

static enum log_level level_of(int32_t level)
{
    if (level <= HARBORAI_LOG_ERROR)
        return LOG_LEVEL_ERROR;
    return level >= HARBORAI_LOG_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level)level;
}

static void host_log(const harborai_host *host, harborai_call *call, int32_t level,
                     harborai_str message)
{
    const struct provider_host *h = provider_host_of(host);
    char text[LOG_MESSAGE_MAX];
    (void)call;
    if (!log_is_on(h->services->log, level_of(level)))
        return;
    harborai_str shown = slice_cut(message, sizeof text);
    if (shown.len > 0)
        memcpy(text, shown.data, shown.len);
    for (size_t i = 0; i < h->provider->secret_count; i++)
        if (h->provider->secrets[i].value != NULL)
            mask(text, shown.len, message, secret_reveal(h->provider->secrets[i].value));
    log_write(h->services->log, level_of(level), "plugin.says", "provider=%s message='%.*s'",
              h->provider->name.data, (int)shown.len, text);
}

static int64_t host_now_ms(const harborai_host *host)
{
    return clock_wall_ns(provider_host_of(host)->services->clock) / NS_PER_MS;
}

static const void *host_get_extension(const harborai_host *host, const char *name)
{
    (void)host, (void)name;
    return NULL;
}

/* A string that has escapes, decoded once and kept. */
static harborai_str decode(struct provider_host *h, harborai_str value)
{
    harborai_str text;
    for (const struct host_text *t = h->decoded; t != NULL; t = t->next)
        if (t->at == value.data)
            return t->text;
    char *buffer = arena_alloc(&h->texts, value.len);
    struct host_text *kept = arena_alloc(&h->texts, sizeof *kept);
    if (buffer == NULL || kept == NULL || json_string(value, buffer, value.len, &text) < 0)
        return SLICE_NONE;
    *kept = (struct host_text){h->decoded, value.data, text};
    h->decoded = kept;
    return text;
}

static harborai_str host_config(const harborai_host *host, const char *pointer)
{
    struct provider_host *h = provider_host_of(host);
    harborai_str text, value = json_pointer_find(h->provider->config, slice_of(pointer));
    if (json_kind(value) != JSON_STRING || json_string_plain(value, &text))
        return json_kind(value) == JSON_STRING ? text : value;
    return decode(h, value);
}

static harborai_str host_secret(const harborai_host *host, const char *name)
{
    const struct provider_host *h = provider_host_of(host);
    const struct manifest_secret *asked =
        manifest_secret_find(h->provider->manifest, slice_of(name));
    const struct provider_secret *given = provider_secret_find(h->provider, slice_of(name));
    if (asked == NULL || !asked->readable || given == NULL || given->value == NULL)
        return SLICE_NONE;
    return secret_reveal(given->value);
}

static harborai_status host_http_wait(const harborai_host *host,
                                      const harborai_http_request *request,
                                      void (*done)(void *context,
                                                   const harborai_http_response *answer,
                                                   harborai_str body),
                                      void *context, harborai_error *error)
{
    const struct provider_host *h = provider_host_of(host);
    harborai_http_request own = {0};
    if (request == NULL || request->size == 0 || done == NULL)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "http_wait() needs a request with its size, and done");
    if (h->services->http_wait == NULL)
        return harborai_error_set(error, HARBORAI_E_UNSUPPORTED, "there is no network here");
    memcpy(&own, request, request->size < sizeof own ? request->size : sizeof own);
    own.size = sizeof own;
    return h->services->http_wait(h->services, h->provider, &own, done, context, error);
}

static void host_tick_now(const harborai_host *host)
{
    slot_tick(provider_host_of(host)->slot);
}

void provider_host_init(struct provider_host *h, struct slot *slot,
                        const struct provider *provider, const struct provider_services *services,
                        const harborai_host *call_functions)
{
    *h = (struct provider_host){.slot = slot, .provider = provider, .services = services};
    arena_init(&h->texts, CONFIG_TEXTS_MAX);
    if (call_functions != NULL)
        h->functions = *call_functions;
    h->functions.size = sizeof h->functions;
    h->functions.abi_major = HARBORAI_ABI_MAJOR;
    h->functions.abi_minor = HARBORAI_ABI_MINOR;
    h->functions.version = PACKAGE_VERSION;
    h->functions.data = h;
    h->functions.log = host_log;
    h->functions.now_ms = host_now_ms;
    h->functions.get_extension = host_get_extension;
    h->functions.config = host_config;
    h->functions.secret = host_secret;
    h->functions.http_wait = host_http_wait;
    h->functions.tick_now = host_tick_now;
}

void provider_host_release(struct provider_host *h)
{
    arena_release(&h->texts);
}
