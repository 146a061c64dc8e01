/* SPDX-License-Identifier: MIT */
/* A configured provider as it was set up: everything about it that does not change while it lives.
 * A changed configuration is another provider. */
#ifndef PLUGIN_PROVIDER_H
#define PLUGIN_PROVIDER_H

#include <harborai/plugin.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "loop/jobs.h"
#include "plugin/discover.h"
#include "plugin/stage.h"

struct provider;
struct slot;

struct provider_secret {
    harborai_str name;    /* "api_key" */
    struct secret *value; /* NULL: the operator says that there is none ("api_key: none") */
};

/* Which threads a job may take. */
enum provider_duty {
    PROVIDER_DUTY_LOADER,  /* dlopen and dlclose: one thread */
    PROVIDER_DUTY_PROVIDER /* create, tick, destroy: may take seconds */
};

/* What the rooms above give to providers; outlives every slot. */
struct provider_services {
    const struct log *log;     /* NULL = none */
    const struct clock *clock;

    /* [any] Has job->run called on a thread of that duty. On failure the job was not taken. */
    harborai_status (*run_job)(const struct provider_services *services, enum provider_duty duty,
                               struct job *job, harborai_error *error);

    /* [job] Has slot_tick(slot) called, on any thread, in delay_ms. A later request replaces an
     * earlier one. Negative: not any more; one that is on its way may come until on_gone. NULL: a
     * plugin's tick() runs only after create() and on tick_now(). */
    void (*tick_after)(const struct provider_services *services, struct slot *slot,
                       int64_t delay_ms);

    /* [job] Code of the plugin is about to run for which the process may pay: DLOPEN, SYMBOL, CREATE,
     * TICK, DESTROY, UNLOAD; NONE: it has returned. One function of a provider at a time. NULL: nobody
     * wants to know. */
    void (*enter)(const struct provider_services *services, const struct provider *provider,
                  enum plugin_stage stage);

    /* [job] The plugin's file is another one than that which was found: it has to be looked at again,
     * and this provider to make room for one of that file. NULL: nobody does. */
    void (*look_again)(const struct provider_services *services);

    /* [job] One blocking exchange, with the provider's secrets and network list. NULL = none. */
    harborai_status (*http_wait)(const struct provider_services *services,
                                 const struct provider *provider,
                                 const harborai_http_request *request,
                                 void (*done)(void *context, const harborai_http_response *answer,
                                              harborai_str body),
                                 void *context, harborai_error *error);
};

/* Borrowed during provider_create(), which copies. */
struct provider_options {
    harborai_str name;     /* "lab" */
    harborai_str config;   /* its section as JSON object, without secrets; empty = {} */
    harborai_str base_url; /* the operator's; empty = that of `config`, else the manifest's */
    const harborai_str *network; /* hosts to reach besides the manifest's and base_url's */
    size_t network_count;
    const harborai_str *models; /* what it serves in place of the manifest's; may hold '*' */
    size_t model_count;
    const struct provider_secret *secrets;
    size_t secret_count;
    harborai_str key_variable; /* that the operator named for api_key; empty = the manifest's, */
    bool key_is_written;       /* unless the operator wrote a key itself, or that none is needed */
    const struct plugin_file *file; /* known */
    const struct manifest_preset *preset; /* of the file's manifest; NULL = none. What stands above
                                             goes before what the preset says */
};

/* Immutable. Texts are owned and NUL-terminated. */
struct provider {
    struct arena arena;
    harborai_str name, config, base_url; /* base_url: without a slash at its end, or empty */
    harborai_str key_variable; /* that its api_key comes from, for messages; empty = from the
                                  configuration itself */
    struct manifest_texts network; /* the operator's and base_url's host */
    struct manifest_texts models;
    struct manifest_texts unsupported; /* of the preset, else of the manifest: borrowed from there */
    harborai_str replay;               /* likewise */
    harborai_str preset;               /* its name; empty = none */
    bool is_open;      /* serves any model that is asked for by "name/model", and no other but
                          `models`: those of a preset; else no `models` are the manifest's */
    bool key_required; /* api_key, if the manifest has such a secret */
    struct provider_secret *secrets; /* owned references */
    size_t secret_count;
    struct manifest *manifest; /* owned reference */
    const char *path;
    struct file_identity identity;
};

/* E_CONFIG: base_url is no URL, or config no JSON object. [any] */
MUST_CHECK harborai_status provider_create(const struct provider_options *options,
                                           struct provider **ret_provider, harborai_error *error);
void provider_destroy(struct provider *p);

/* NULL = not configured. [any] */
const struct provider_secret *provider_secret_find(const struct provider *p, harborai_str name);

/* Masks what of its secrets stands in any text of the error: vendors quote what they refuse, and plugins
 * pass it on. [any] */
void provider_mask_secrets(const struct provider *p, harborai_error *error);

/* The variable of api_key where the operator names none; empty = there is none. [any] */
harborai_str provider_key_variable(const struct manifest *m, const struct manifest_preset *preset);

/* Whether there is no asking without it; `secret` is of the provider's manifest. [any] */
bool provider_needs_secret(const struct provider *p, const struct manifest_secret *secret);

/* E_AUTH, naming the variable and the line of the configuration, if a secret that the manifest
 * requires is not there. [any] */
MUST_CHECK harborai_status provider_check_secrets(const struct provider *p, harborai_error *error);

/* Whether `host` and `port` may be reached: the manifest's "network", the operator's, base_url. An
 * entry without a port stands for every port. [any] */
bool provider_may_reach(const struct provider *p, harborai_str host, uint16_t port);

#endif
