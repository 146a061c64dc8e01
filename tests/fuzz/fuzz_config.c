/* SPDX-License-Identifier: MIT */
/* A configuration of any bytes is loaded or refused with a fault that says where; never more. */
#include "config/config.h"
#include "fuzz.h"

/* Every other name is set, so that both ways of ${…} are taken; none that is a setting's itself. */
static const char *some_get(const struct environment *self UNUSED, const char *name)
{
    if (slice_starts_with(slice_of(name), "HARBORAI_") || name[0] == 'S' ||
        slice_ends_with(slice_of(name), "_BASE_URL"))
        return NULL;
    return (unsigned char)name[0] % 2 == 0 ? "8" : NULL;
}

static void check_provider(const struct config_provider *provider)
{
    MUST(provider->name.len > 0 && (provider->plugin.len > 0 || provider->preset.len > 0));
    MUST(provider->api_key == NULL || !provider->key_none);
    MUST(provider->config_json.len >= 2 && provider->config_json.data[0] == '{');
    MUST(provider->timeouts.connect_ms > 0 && provider->timeouts.total_ms >= 0);
}

static void load(const char *file, harborai_str text)
{
    static const struct environment some = {some_get};
    struct config_sources sources = {.file = file, .text = text, .without_commands = true};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config_faults faults;
    struct config *config = NULL;

    config_faults_init(&faults);
    harborai_status st = config_load(&sources, &some, &config, &faults, &error);
    MUST((st == HARBORAI_OK) == (config != NULL));
    MUST((st == HARBORAI_E_CONFIG) == (faults.total > 0));
    for (unsigned i = 0; i < faults.count; i++)
        MUST(faults.items[i].line > 0 && faults.items[i].message[0] != '\0');
    for (size_t i = 0; config != NULL && i < config->provider_count; i++)
        check_provider(&config->providers[i]);
    config_destroy(config);
    config_faults_release(&faults);
}

/* Both readers see all of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {size > 0 ? (const char *)data : "", size};
    load("f.yaml", text);
    load("f.json", text);
    return 0;
}
