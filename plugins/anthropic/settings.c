/* SPDX-License-Identifier: MIT */
/* Reads the provider's section, which is as the manifest's config_schema has it. Must never ask for
 * the key. */
#include "plugins/anthropic/settings.h"

#include <stdlib.h>

#include "json_value.h"

/* "…" and "…/v1" are the same address. */
static harborai_provider *allocate(harborai_str base)
{
    static const char path[] = "/v1/messages";
    if (base.len > 3 && memcmp(base.data + base.len - 3, "/v1", 3) == 0 &&
        base.data[base.len - 4] != '/')
        base.len -= 3;
    harborai_provider *self = calloc(1, sizeof *self + base.len + sizeof path);
    if (self == NULL)
        return NULL;
    memcpy(self->url, base.data, base.len);
    memcpy(self->url + base.len, path, sizeof path);
    self->url_len = base.len + sizeof path - 1;
    return self;
}

static void read_options(harborai_provider *self, const harborai_host *host)
{
    self->version = host->config(host, "/anthropic_version");
    if (self->version.len == 0)
        self->version = HARBORAI_STR("2023-06-01");
    /* platform.claude.com/docs/en/api/migration-2026-10-21: any value of these gives 400 */
    self->drops_sampling = harborai_str_equal(self->version, "2026-10-21");
    self->is_bearer = harborai_str_equal(host->config(host, "/auth_style"), "bearer");
    (void)json_int64(host->config(host, "/max_tokens"), &self->max_tokens);
    self->beta = host->config(host, "/beta");
    self->effort = host->config(host, "/reasoning_effort");
    self->display = host->config(host, "/thinking_display");
}

harborai_status settings_create(const harborai_host *host, harborai_str config,
                                harborai_provider **provider, harborai_error *error)
{
    harborai_str base = host->config(host, "/base_url");
    (void)config;
    if (base.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "there is no base_url");
    harborai_provider *self = allocate(base);
    if (self == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    read_options(self, host);
    *provider = self;
    return HARBORAI_OK;
}

void settings_destroy(harborai_provider *provider)
{
    free(provider);
}
