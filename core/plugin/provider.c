/* SPDX-License-Identifier: MIT */
/* Copies what the configuration says of a provider, joined with what its plugin's manifest says. */
#include "plugin/provider.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"
#include "wire/masker.h"
#include "wire/url.h"

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot set up a provider: out of memory");
}

static bool copy_texts(struct arena *a, const harborai_str *texts, size_t count, size_t extra,
                       struct manifest_texts *ret)
{
    ret->items = arena_alloc(a, (count + extra + 1) * sizeof *ret->items);
    if (ret->items == NULL)
        return false;
    for (; ret->count < count; ret->count++) {
        ret->items[ret->count] = arena_copy(a, texts[ret->count]);
        if (ret->items[ret->count].data == NULL)
            return false;
    }
    return true;
}

static bool copy_secrets(struct provider *p, const struct provider_options *options)
{
    p->secrets = arena_alloc(&p->arena, (options->secret_count + 1) * sizeof *p->secrets);
    if (p->secrets == NULL)
        return false;
    for (; p->secret_count < options->secret_count; p->secret_count++) {
        struct provider_secret *to = &p->secrets[p->secret_count];
        to->name = arena_copy(&p->arena, options->secrets[p->secret_count].name);
        if (to->name.data == NULL)
            return false;
        to->value = secret_ref(options->secrets[p->secret_count].value);
    }
    return true;
}

/* ---- The address --------------------------------------------------------------------------- */

/* "host:port" of a URL that has been checked. */
static harborai_str authority_of(struct arena *a, harborai_str base_url)
{
    struct url url;
    if (url_parse(base_url, &url, NULL) < 0)
        return SLICE_NONE;
    return arena_printf(a, url.is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", SLICE_ARG(url.host), url.port);
}

static harborai_str text_member(struct arena *a, harborai_str object, harborai_str name)
{
    harborai_str value = json_member(object, name), text;
    if (json_kind(value) != JSON_STRING)
        return SLICE_NONE;
    char *buffer = arena_alloc(a, value.len + 1);
    if (buffer == NULL || json_string(value, buffer, value.len, &text) < 0)
        return SLICE_NONE;
    return text;
}

/* The operator's address, else the section's, else the preset's, else the vendor's. */
static harborai_status choose_base_url(struct provider *p, const struct provider_options *options,
                                       harborai_error *error)
{
    harborai_str url = options->base_url;
    if (url.len == 0)
        url = text_member(&p->arena, p->config, HARBORAI_STR("base_url"));
    if (url.len == 0 && options->preset != NULL)
        url = options->preset->base_url;
    if (url.len == 0)
        url = p->manifest->base_url;
    if (url.len == 0)
        return HARBORAI_OK;
    if (!url_is_base(url))
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "providers.%s.base_url: '%.*s' is no http or https URL",
                                  p->name.data, SLICE_ARG(slice_cut(url, 200)));
    while (slice_ends_with(url, "/"))
        url.len--;
    p->base_url = arena_copy(&p->arena, url);
    harborai_str authority = authority_of(&p->arena, p->base_url);
    if (p->base_url.data == NULL || authority.data == NULL)
        return out_of_memory(error);
    p->network.items[p->network.count++] = authority;
    return HARBORAI_OK;
}

/* ---- The preset ----------------------------------------------------------------------------- */

/* Members of the preset's options that the section has not. */
static void add_options(struct buf *b, harborai_str options, harborai_str section)
{
    struct json_cursor cursor = json_open(options);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        struct json_cursor said = json_open(section);
        struct json_member own;
        bool is_said = false;
        while (!is_said && json_object_next(&said, &own))
            is_said = slice_equal(own.key, member.key);
        if (!is_said)
            buf_printf(b, "%s%.*s", b->len > 1 ? "," : "", SLICE_ARG(member.span));
    }
}

/* The operator's options stand; those of the preset are added to them. */
static harborai_status merge_options(struct provider *p, harborai_str options,
                                     harborai_error *error)
{
    harborai_str section = p->config;
    struct buf b = BUF_INIT(section.len + options.len + 64);
    struct json_cursor cursor = json_open(section);
    struct json_member member;
    buf_add_char(&b, '{');
    while (json_object_next(&cursor, &member))
        buf_printf(&b, "%s%.*s", b.len > 1 ? "," : "", SLICE_ARG(member.span));
    add_options(&b, options, section);
    buf_add_char(&b, '}');
    harborai_status st = buf_status(&b, error);
    if (st == HARBORAI_OK) {
        p->config = arena_copy(&p->arena, buf_slice(&b));
        if (p->config.data == NULL)
            st = out_of_memory(error);
    }
    buf_release(&b);
    return st;
}

static harborai_status apply_preset(struct provider *p, const struct provider_options *options,
                                    harborai_error *error)
{
    const struct manifest_preset *preset = options->preset;
    const struct manifest_secret *key = manifest_secret_find(p->manifest, HARBORAI_STR("api_key"));
    p->unsupported = p->manifest->unsupported;
    p->key_required = key != NULL && key->required;
    if (preset == NULL)
        return HARBORAI_OK;
    p->preset = preset->name; /* the manifest lives as long */
    p->key_required = key != NULL && (preset->key_required || options->key_variable.len > 0);
    if (preset->has_unsupported)
        p->unsupported = preset->unsupported;
    if (preset->has_replay)
        p->replay = preset->replay;
    if (options->model_count == 0 && preset->has_models) {
        p->is_open = true;
        if (!copy_texts(&p->arena, preset->models.items, preset->models.count, 0, &p->models))
            return out_of_memory(error);
    }
    return preset->options.len > 0 ? merge_options(p, preset->options, error) : HARBORAI_OK;
}

/* create() and host->config() see the address that holds, whoever gave it. */
static harborai_status put_base_url(struct provider *p, harborai_error *error)
{
    harborai_str rest = p->config;
    if (p->base_url.len == 0 || json_string_equal(json_member(rest, HARBORAI_STR("base_url")),
                                                  p->base_url))
        return HARBORAI_OK;
    struct buf b = BUF_INIT(rest.len + p->base_url.len + 64);
    struct json_cursor cursor = json_open(rest);
    struct json_member member;
    buf_printf(&b, "{\"base_url\":\"%s\"", p->base_url.data); /* a good URL needs no quoting */
    while (json_object_next(&cursor, &member))
        if (!json_key_equal(&member, HARBORAI_STR("base_url"))) {
            buf_add_char(&b, ',');
            buf_add(&b, member.span);
        }
    buf_add_char(&b, '}');
    harborai_status st = buf_status(&b, error);
    if (st == HARBORAI_OK) {
        p->config = arena_copy(&p->arena, buf_slice(&b));
        if (p->config.data == NULL)
            st = out_of_memory(error);
    }
    buf_release(&b);
    return st;
}

/* ---- The whole ----------------------------------------------------------------------------- */

harborai_str provider_key_variable(const struct manifest *m, const struct manifest_preset *preset)
{
    const struct manifest_secret *key = manifest_secret_find(m, HARBORAI_STR("api_key"));
    if (key == NULL)
        return SLICE_NONE;
    return preset != NULL ? preset->env : key->env;
}

static harborai_str key_variable(const struct manifest *m, const struct provider_options *options)
{
    if (options->key_variable.len > 0 || options->key_is_written)
        return options->key_variable;
    return provider_key_variable(m, options->preset);
}

static harborai_status fill_in(struct provider *p, const struct provider_options *options,
                               harborai_error *error)
{
    harborai_str config = options->config.len > 0 ? options->config : HARBORAI_STR("{}"), checked;
    p->name = arena_copy(&p->arena, options->name);
    p->path = arena_copy(&p->arena, slice_of(options->file->path)).data;
    p->key_variable = arena_copy(&p->arena, key_variable(p->manifest, options));
    if (p->name.data == NULL || p->path == NULL || p->key_variable.data == NULL)
        return out_of_memory(error);
    if (json_scan(config, NULL, &checked, NULL) < 0 || json_kind(checked) != JSON_OBJECT)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "providers.%s: not a JSON object",
                                  p->name.data);
    p->config = arena_copy(&p->arena, checked);
    if (p->config.data == NULL ||
        !copy_texts(&p->arena, options->network, options->network_count, 1, &p->network) ||
        !copy_texts(&p->arena, options->models, options->model_count, 0, &p->models) ||
        !copy_secrets(p, options))
        return out_of_memory(error);
    harborai_status st = choose_base_url(p, options, error);
    if (st == HARBORAI_OK)
        st = apply_preset(p, options, error);
    return st < 0 ? st : put_base_url(p, error);
}

harborai_status provider_create(const struct provider_options *options,
                                struct provider **ret_provider, harborai_error *error)
{
    struct provider *p = calloc(1, sizeof *p);
    if (p == NULL)
        return out_of_memory(error);
    arena_init(&p->arena, 4 * LIMIT_CONFIG_FILE);
    p->manifest = manifest_ref(options->file->manifest);
    p->identity = options->file->identity;
    p->replay = p->manifest->replay;
    harborai_status st = fill_in(p, options, error);
    if (st < 0) {
        provider_destroy(p);
        return st;
    }
    *ret_provider = p;
    return HARBORAI_OK;
}

void provider_destroy(struct provider *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->secret_count; i++)
        secret_unref(p->secrets[i].value);
    manifest_unref(p->manifest);
    arena_release(&p->arena);
    free(p);
}

const struct provider_secret *provider_secret_find(const struct provider *p, harborai_str name)
{
    for (size_t i = 0; i < p->secret_count; i++)
        if (slice_equal(p->secrets[i].name, name))
            return &p->secrets[i];
    return NULL;
}

/* Ours, as they stand; then what looks like a key: a vendor may quote ours in another encoding, or
 * one of its own. */
static void mask_text(const struct provider *p, char *text, size_t size)
{
    for (size_t i = 0; i < p->secret_count; i++)
        secret_mask(p->secrets[i].value, text);
    masker_apply(text, size, MASKER_KEYS);
}

void provider_mask_secrets(const struct provider *p, harborai_error *error)
{
    mask_text(p, error->message, sizeof error->message);
    mask_text(p, error->vendor_code, sizeof error->vendor_code);
    mask_text(p, error->param, sizeof error->param);
}

bool provider_needs_secret(const struct provider *p, const struct manifest_secret *secret)
{
    return slice_is(secret->name, "api_key") ? p->key_required : secret->required;
}

harborai_status provider_check_secrets(const struct provider *p, harborai_error *error)
{
    for (size_t i = 0; i < p->manifest->secret_count; i++) {
        const struct manifest_secret *needed = &p->manifest->secrets[i];
        if (!provider_needs_secret(p, needed) || provider_secret_find(p, needed->name) != NULL)
            continue;
        if (!slice_is(needed->name, "api_key")) /* no other can stand in a configuration file */
            return harborai_error_set(error, HARBORAI_E_AUTH, "provider '%s' has no %s: set %s",
                                      p->name.data, needed->name.data, needed->env.data);
        return harborai_error_set(error, HARBORAI_E_AUTH,
                                  "provider '%s' has no api_key: set %.*s%sproviders.%s.api_key",
                                  p->name.data, SLICE_ARG(p->key_variable),
                                  p->key_variable.len > 0 ? " or " : "", p->name.data);
    }
    return HARBORAI_OK;
}

/* The port behind the last colon, if there is one outside of an IPv6 address in brackets. */
static bool split_port(harborai_str entry, harborai_str *ret_host, uint64_t *ret_port)
{
    size_t at = entry.len;
    while (at > 0 && entry.data[at - 1] != ':' && entry.data[at - 1] != ']')
        at--;
    if (at == 0 || entry.data[at - 1] == ']') {
        *ret_host = entry;
        return false;
    }
    *ret_host = slice_cut(entry, at - 1);
    return slice_to_u64(slice_from(entry, at), ret_port);
}

static harborai_str without_brackets(harborai_str host)
{
    bool has_them = slice_starts_with(host, "[") && slice_ends_with(host, "]");
    return has_them ? slice_from(slice_cut(host, host.len - 1), 1) : host;
}

static bool texts_allow(const struct manifest_texts *texts, harborai_str host, uint16_t port)
{
    for (size_t i = 0; i < texts->count; i++) {
        harborai_str name;
        uint64_t number = 0;
        bool has_port = split_port(texts->items[i], &name, &number);
        if (slice_equal_ignoring_case(without_brackets(name), without_brackets(host)) &&
            (!has_port || number == port))
            return true;
    }
    return false;
}

bool provider_may_reach(const struct provider *p, harborai_str host, uint16_t port)
{
    return texts_allow(&p->network, host, port) || texts_allow(&p->manifest->network, host, port);
}
