/* SPDX-License-Identifier: MIT */
/* What the misbehaving plugins share: a provider that works, so that each file shows its one fault.
 *
 * Beginning and end of what happens are said by host->log(), which is where a test counts them. */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <harborai/plugin.h>

struct harborai_provider {
    const harborai_host *host;
    harborai_str base_url;
    atomic_bool is_taken;
};

static inline void fault_say(const harborai_host *host, const char *text)
{
    harborai_str message = {text, strlen(text)};
    host->log(host, NULL, HARBORAI_LOG_INFO, message);
}

/* Kept in static memory, so that nothing can leak or fail here. */
#define FAULT_PROVIDERS 8
static struct harborai_provider fault_providers[FAULT_PROVIDERS];

__attribute__((unused)) static harborai_status fault_create(const harborai_host *host,
                                                            harborai_str config,
                                                            harborai_provider **provider,
                                                            harborai_error *error)
{
    (void)config;
    for (int i = 0; i < FAULT_PROVIDERS; i++)
        if (!atomic_exchange(&fault_providers[i].is_taken, true)) {
            fault_providers[i].host = host;
            fault_providers[i].base_url = host->config(host, "/base_url");
            *provider = &fault_providers[i];
            fault_say(host, "created");
            return HARBORAI_OK;
        }
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "too many providers");
}

__attribute__((unused)) static void fault_destroy(harborai_provider *provider)
{
    fault_say(provider->host, "destroyed");
    atomic_store(&provider->is_taken, false);
}

__attribute__((unused)) static harborai_status fault_chat(harborai_provider *provider,
                                                          harborai_call *call,
                                                          const harborai_request *request,
                                                          harborai_error *error)
{
    (void)provider, (void)call, (void)request;
    return harborai_error_set(error, HARBORAI_E_UNSUPPORTED, "this plugin answers nothing");
}

/* The head of a table, which further members may follow. */
#define FAULT_TABLE(SIZE, ID, VERSION, CREATE, CHAT)                                  \
    .size = (SIZE), .abi_major = HARBORAI_ABI_MAJOR, .abi_minor = HARBORAI_ABI_MINOR, \
    .id = (ID), .version = (VERSION), .create = (CREATE), .destroy = fault_destroy, .chat = (CHAT)

#endif
