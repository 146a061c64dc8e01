/* SPDX-License-Identifier: MIT */
/* Reads the provider's section. What it does not know it refuses, by name: a misspelt option would
 * otherwise do nothing, silently. Must never ask for the key. */
#include "plugins/anthropic/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_value.h"
#include "plugins/anthropic/thinking.h"

static const char *const names[] = {"base_url",   "anthropic_version", "auth_style",
                                    "beta",       "max_tokens",        "reasoning_effort",
                                    "thinking_display"};

static harborai_status refuse(harborai_error *error, const char *option, const char *wanted)
{
    if (error != NULL)
        snprintf(error->param, sizeof error->param, "/%s", option);
    return harborai_error_set(error, HARBORAI_E_CONFIG, "option '%s' must be %s", option, wanted);
}

static harborai_status check_names(harborai_str config, harborai_error *error)
{
    struct json_cursor cursor = json_open(config);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            is_known |= harborai_str_equal(member.key, names[i]);
        if (is_known)
            continue;
        int len = member.key.len > 60 ? 60 : (int)member.key.len;
        if (error != NULL)
            snprintf(error->param, sizeof error->param, "/%.*s", len, member.key.data);
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "plugin anthropic has no option '%.*s': it has "
                                  "anthropic_version, auth_style, beta, max_tokens, "
                                  "reasoning_effort and thinking_display",
                                  len, member.key.data);
    }
    return HARBORAI_OK;
}

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

static harborai_status read_version(harborai_provider *self, harborai_str text,
                                    harborai_error *error)
{
    self->version = text.len > 0 ? text : HARBORAI_STR("2023-06-01");
    /* platform.claude.com/docs/en/api/migration-2026-10-21: any value of these gives 400 */
    self->drops_sampling = harborai_str_equal(self->version, "2026-10-21");
    if (!self->drops_sampling && !harborai_str_equal(self->version, "2023-06-01"))
        return refuse(error, "anthropic_version", "\"2023-06-01\" or \"2026-10-21\"");
    return HARBORAI_OK;
}

static harborai_status read_options(harborai_provider *self, const harborai_host *host,
                                    harborai_error *error)
{
    harborai_str style = host->config(host, "/auth_style");
    harborai_str most = host->config(host, "/max_tokens");
    harborai_status st = read_version(self, host->config(host, "/anthropic_version"), error);
    if (st < 0)
        return st;
    self->is_bearer = harborai_str_equal(style, "bearer");
    if (style.len > 0 && !self->is_bearer && !harborai_str_equal(style, "x-api-key"))
        return refuse(error, "auth_style", "\"x-api-key\" or \"bearer\"");
    if (most.len > 0 && (!json_int64(most, &self->max_tokens) || self->max_tokens < 1))
        return refuse(error, "max_tokens", "a whole number from 1 on");
    self->beta = host->config(host, "/beta");
    self->effort = host->config(host, "/reasoning_effort");
    if (self->effort.len > 0 && !thinking_is_effort(self->effort))
        return refuse(error, "reasoning_effort", THINKING_EFFORTS);
    self->display = host->config(host, "/thinking_display");
    if (self->display.len > 0 && !harborai_str_equal(self->display, "summarized") &&
        !harborai_str_equal(self->display, "omitted"))
        return refuse(error, "thinking_display", "\"summarized\" or \"omitted\"");
    return HARBORAI_OK;
}

harborai_status settings_create(const harborai_host *host, harborai_str config,
                                harborai_provider **provider, harborai_error *error)
{
    harborai_str base = host->config(host, "/base_url");
    harborai_status st = check_names(config, error);
    if (st < 0)
        return st;
    if (base.len == 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "there is no base_url");
    harborai_provider *self = allocate(base);
    if (self == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "out of memory");
    st = read_options(self, host, error);
    if (st < 0) {
        free(self);
        return st;
    }
    *provider = self;
    return HARBORAI_OK;
}

void settings_destroy(harborai_provider *provider)
{
    free(provider);
}
