/* SPDX-License-Identifier: MIT */
/* What a provider that is wanted comes with: its secrets, its options and its target; and the one
 * that has them already, or a new one. [keeper] */
#include <stdlib.h>

#include "config/legacy.h"
#include "runtime/options.h"
#include "runtime/preset.h"
#include "runtime/wanted.h"

/* --- Secrets --------------------------------------------------------------------------------- */

static harborai_status add_secret(struct wanted *w, const struct manifest_secret *declared,
                                  const struct config *config, harborai_error *error)
{
    struct provider_secret *to = &w->secrets[w->secret_count];
    bool is_key = slice_is(declared->name, "api_key");
    harborai_str variable = is_key ? provider_key_variable(w->file->manifest, w->preset)
                                   : declared->env;
    bool is_elsewhere = is_key && w->spec != NULL &&
                        (w->spec->key_variable.len > 0 || w->spec->key_reference.len > 0);
    harborai_str text;

    to->name = declared->name;
    to->value = NULL;
    if (is_key && w->spec != NULL && w->spec->key_none) {
        w->secret_count++;
    } else if (is_key && w->spec != NULL && w->spec->api_key != NULL) {
        to->value = secret_ref(w->spec->api_key);
        w->secret_count++;
    } else if (!is_elsewhere && /* else another account's key would go to this address */
               legacy_key_find(config->environment, variable, &variable, &text)) {
        harborai_status st = secret_create(text, variable.data, &to->value, error);
        if (st < 0)
            return st;
        w->secret_count++;
    } else if (is_key && w->preset != NULL && !w->preset->key_required && !is_elsewhere) {
        w->secret_count++; /* as if the operator had written `none` */
    }
    return HARBORAI_OK;
}

harborai_status wanted_find_secrets(struct wanted *w, const struct config *config,
                                    harborai_error *error)
{
    const struct manifest *m = w->file->manifest;
    for (size_t i = 0; i < m->secret_count; i++) {
        harborai_status st = add_secret(w, &m->secrets[i], config, error);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

void wanted_release(struct wanted *w)
{
    for (size_t i = 0; i < w->secret_count; i++)
        secret_unref(w->secrets[i].value);
}

bool wanted_has_secrets(const struct wanted *w)
{
    const struct manifest *m = w->file->manifest;
    for (size_t i = 0; i < m->secret_count; i++) {
        bool found = !m->secrets[i].required;
        for (size_t j = 0; j < w->secret_count && !found; j++)
            found = slice_equal(w->secrets[j].name, m->secrets[i].name);
        if (!found)
            return false;
    }
    return true;
}

/* --- Its provider ---------------------------------------------------------------------------- */

static struct provider_options options_from(const struct wanted *w)
{
    struct provider_options options = {.name = w->name,
                                       .secrets = w->secrets,
                                       .secret_count = w->secret_count,
                                       .file = w->file,
                                       .preset = w->preset};
    if (w->spec == NULL)
        return options;
    options.config = w->spec->config_json;
    options.key_variable = w->spec->key_variable;
    options.key_is_written = w->spec->api_key != NULL || w->spec->key_none;
    options.base_url = w->spec->base_url;
    options.models = w->spec->models.items;
    options.model_count = w->spec->models.count;
    return options;
}

static struct target target_from(const struct wanted *w, const struct config *config)
{
    const struct config_timeouts *t = w->spec != NULL ? &w->spec->timeouts : &config->timeouts;
    return (struct target){.connect_ns = t->connect_ms * NS_PER_MS,
                           .first_byte_ns = t->first_byte_ms * NS_PER_MS,
                           .idle_ns = t->idle_ms * NS_PER_MS,
                           .total_ns = t->total_ms * NS_PER_MS,
                           .params = w->spec != NULL ? w->spec->params : config->params,
                           .on_disconnect = w->spec != NULL ? w->spec->on_disconnect
                                                            : config->on_disconnect};
}

static void check_options(const struct provider *provider, const struct wanted *w,
                          struct config_faults *faults)
{
    struct config_place nowhere = {"", 0, 0};
    options_check(provider, w->spec != NULL ? w->spec->options : NULL,
                  w->spec != NULL ? preset_place(w->spec) : nowhere, faults);
}

harborai_status wanted_provide(const struct wanted *w, struct runtime *runtime,
                               const struct config *config, struct config_faults *faults,
                               harborai_error *error)
{
    struct provider_options options = options_from(w);
    harborai_str ca_file = w->spec != NULL ? w->spec->ca_file : config->ca_file;
    struct target target = target_from(w, config);
    struct provider *spec;
    harborai_status st = provider_create(&options, &spec, error);
    if (st < 0)
        return st;
    size_t faults_before = faults->total;
    char *why_off = NULL;
    check_options(spec, w, faults);
    bool is_left = w->only_if_sound && faults->total > faults_before;
    if (!is_left)
        st = switch_explain(runtime, spec, &why_off, error);
    if (st < 0 || is_left) {
        provider_destroy(spec);
        return st;
    }
    struct runtime_provider *have =
        w->anew ? NULL
                : provider_find_same(runtime, spec, &target, ca_file, why_off, !w->anew_if_failed);
    if (have == NULL) {
        st = provider_make(runtime, &options, &target, ca_file, why_off, &have, error);
    } else {
        have->wanted = true;
        have->why_kept = (harborai_error)HARBORAI_ERROR_INIT;
    }
    free(why_off);
    provider_destroy(spec);
    return st;
}
