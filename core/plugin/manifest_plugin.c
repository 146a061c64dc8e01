/* SPDX-License-Identifier: MIT */
/* The plugin object of a manifest, member by member. Must never fail for a member that it does not
 * know: it may be younger than this host. */
#include "json_value.h"
#include "plugin/grammar.h"
#include "plugin/manifest_reader.h"
#include "wire/json_schema.h"

/* ---- Secrets ------------------------------------------------------------------------------- */

static harborai_status read_secret_member(struct manifest_reader *r, const char *where,
                                          harborai_str key, harborai_str value,
                                          struct manifest_secret *secret)
{
    char place[256];
    snprintf(place, sizeof place, "%s.%.*s", where, SLICE_ARG(slice_cut(key, 64)));
    if (slice_is(key, "env"))
        return manifest_read_text(r, place, value, &secret->env);
    if (slice_is(key, "description"))
        return manifest_read_text(r, place, value, &secret->description);
    if (slice_is(key, "required"))
        return manifest_read_bool(r, place, value, &secret->required);
    if (slice_is(key, "readable"))
        return manifest_read_bool(r, place, value, &secret->readable);
    if (!slice_starts_with(key, "x-"))
        manifest_warn_unknown(r, where, key);
    return HARBORAI_OK;
}

static harborai_status read_secret(struct manifest_reader *r, harborai_str name,
                                   harborai_str value, struct manifest_secret *secret)
{
    char where[160];
    snprintf(where, sizeof where, "plugin.secrets.%.*s", SLICE_ARG(slice_cut(name, 64)));
    if (name.len == 0 || name.len > 64 || !grammar_has_only(name, "_-"))
        return manifest_fault(r, where, "a secret's name has 1 to 64 of a-z, 0-9, '_' and '-'");
    if (json_kind(value) != JSON_OBJECT)
        return manifest_fault(r, where, "must be an object");
    secret->name = arena_copy(&r->m->arena, name);
    if (secret->name.data == NULL)
        return manifest_out_of_memory(r);
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = manifest_read_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_secret_member(r, where, key, member.value, secret);
        if (st < 0)
            return st;
    }
    if (secret->required && secret->env.len == 0 && !slice_is(name, "api_key"))
        return manifest_fault(r, where, "is required and needs an 'env': nothing else can give it");
    return HARBORAI_OK;
}

static harborai_status read_secrets(struct manifest_reader *r, const char *where,
                                    harborai_str value)
{
    if (json_kind(value) != JSON_OBJECT)
        return manifest_fault(r, where, "must be an object");
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    size_t count = 0;
    while (json_object_next(&cursor, &member))
        count++;
    if (count > MANIFEST_SECRETS)
        return manifest_fault(r, where, "has %zu secrets, more than %d", count, MANIFEST_SECRETS);
    r->m->secrets = arena_alloc(&r->m->arena, (count + 1) * sizeof *r->m->secrets);
    if (r->m->secrets == NULL)
        return manifest_out_of_memory(r);
    cursor = json_open(value);
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = manifest_read_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_secret(r, key, member.value, &r->m->secrets[r->m->secret_count]);
        if (st < 0)
            return st;
        r->m->secret_count++;
    }
    return HARBORAI_OK;
}

/* ---- The plugin object --------------------------------------------------------------------- */

static harborai_status read_id(struct manifest_reader *r, const char *where, harborai_str value)
{
    harborai_status st = manifest_read_text(r, where, value, &r->m->id);
    if (st == HARBORAI_OK &&
        (r->m->id.len < 3 || r->m->id.len > 100 || !grammar_has_only(r->m->id, ".-")))
        return manifest_fault(r, where, "must have 3 to 100 of a-z, 0-9, '.' and '-'");
    return st;
}

static harborai_status read_version(struct manifest_reader *r, const char *where,
                                    harborai_str value)
{
    harborai_status st = manifest_read_text(r, where, value, &r->m->version);
    if (st == HARBORAI_OK && !grammar_is_version(r->m->version))
        return manifest_fault(r, where, "must be a semantic version, such as 1.2.0");
    return st;
}

static harborai_status read_provider(struct manifest_reader *r, const char *where,
                                     harborai_str value)
{
    harborai_status st = manifest_read_text(r, where, value, &r->m->provider);
    if (st == HARBORAI_OK && !grammar_is_provider_name(r->m->provider))
        return manifest_fault(r, where, "must have 1 to 32 of a-z, 0-9 and '-'");
    return st;
}

static harborai_status read_base_url(struct manifest_reader *r, const char *where,
                                     harborai_str value)
{
    return manifest_read_url(r, where, value, &r->m->base_url);
}

static harborai_status read_patterns(struct manifest_reader *r, const char *where,
                                     harborai_str value)
{
    harborai_status st = manifest_read_texts(r, where, value, &r->m->patterns);
    for (size_t i = 0; st == HARBORAI_OK && i < r->m->patterns.count; i++)
        if (!grammar_is_model_name(r->m->patterns.items[i]))
            st = manifest_fault(r, where, "'%s' is no pattern of names",
                                r->m->patterns.items[i].data);
    return st;
}

static harborai_status read_headers(struct manifest_reader *r, const char *where,
                                    harborai_str value)
{
    static const char *const never[] = {"authorization", "cookie", "proxy-authorization", NULL};
    harborai_status st = manifest_read_texts(r, where, value, &r->m->request_headers);
    for (size_t i = 0; st == HARBORAI_OK && i < r->m->request_headers.count; i++) {
        harborai_str name = r->m->request_headers.items[i];
        if (!grammar_has_only(name, "-_."))
            st = manifest_fault(r, where, "'%s' must be a header's name in lower case", name.data);
        else if (manifest_is_any_of(name, never))
            st = manifest_fault(r, where, "'%s' is never handed to a plugin", name.data);
    }
    return st;
}

/* There are no workers yet: a plugin that has to have one must not be run without. */
static harborai_status read_isolation(struct manifest_reader *r, const char *where,
                                      harborai_str value)
{
    static const char *const good[] = {"any", "in-process", NULL};
    harborai_str isolation;
    harborai_status st = manifest_read_text(r, where, value, &isolation);
    if (st == HARBORAI_OK && slice_is(isolation, "worker"))
        return manifest_fault(r, where, "needs a worker process, which this HarborAI cannot give");
    if (st == HARBORAI_OK && !manifest_is_any_of(isolation, good))
        return manifest_fault(r, where, "must be any, in-process or worker");
    return st;
}

static harborai_status read_replay(struct manifest_reader *r, const char *where,
                                   harborai_str value)
{
    harborai_status st = manifest_read_text(r, where, value, &r->m->replay);
    if (st == HARBORAI_OK && r->m->replay.len > 0 && !slice_is(r->m->replay, "reasoning_content"))
        return manifest_fault(r, where, "must be reasoning_content, or empty");
    return st;
}

static harborai_status read_config_schema(struct manifest_reader *r, const char *where,
                                          harborai_str value)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (json_schema_vet(value, &error) < 0)
        return manifest_fault(r, where, "%.250s", error.message);
    r->m->config_schema = value;
    return HARBORAI_OK;
}

static harborai_status read_ignored(struct manifest_reader *r, const char *where,
                                    harborai_str value)
{
    (void)r, (void)where, (void)value;
    return HARBORAI_OK;
}

#define TEXT_READER(member)                                                                        \
    static harborai_status read_##member(struct manifest_reader *r, const char *where,             \
                                         harborai_str value)                                       \
    {                                                                                              \
        return manifest_read_text(r, where, value, &r->m->member);                                 \
    }
#define TEXTS_READER(member)                                                                       \
    static harborai_status read_##member(struct manifest_reader *r, const char *where,             \
                                         harborai_str value)                                       \
    {                                                                                              \
        return manifest_read_texts(r, where, value, &r->m->member);                                \
    }
TEXT_READER(name)
TEXT_READER(description)
TEXT_READER(homepage)
TEXT_READER(license)
TEXT_READER(request_id_header)
TEXT_READER(prices_date)
TEXTS_READER(network)
TEXTS_READER(capabilities)
TEXTS_READER(operations)

static harborai_status read_unsupported(struct manifest_reader *r, const char *where,
                                        harborai_str value)
{
    return manifest_read_unsupported(r, where, value, &r->m->unsupported);
}

static harborai_status read_dynamic_models(struct manifest_reader *r, const char *where,
                                           harborai_str value)
{
    return manifest_read_bool(r, where, value, &r->m->dynamic_models);
}

static const struct {
    const char *name;
    harborai_status (*read)(struct manifest_reader *r, const char *where, harborai_str value);
} members[] = {
    {"id", read_id},
    {"version", read_version},
    {"provider", read_provider},
    {"name", read_name},
    {"description", read_description},
    {"homepage", read_homepage},
    {"license", read_license},
    {"authors", read_ignored},
    {"capabilities", read_capabilities},
    {"operations", read_operations},
    {"models", manifest_read_models},
    {"unsupported", read_unsupported},
    {"patterns", read_patterns},
    {"dynamic_models", read_dynamic_models},
    {"base_url", read_base_url},
    {"presets", manifest_read_presets},
    {"network", read_network},
    {"request_headers", read_headers},
    {"request_id_header", read_request_id_header},
    {"replay", read_replay},
    {"secrets", read_secrets},
    {"config_schema", read_config_schema},
    {"isolation", read_isolation},
    {"x-prices-date", read_prices_date},
};

static harborai_status read_plugin_member(struct manifest_reader *r, harborai_str key,
                                          harborai_str value)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (slice_is(key, members[i].name)) {
            char where[64];
            snprintf(where, sizeof where, "plugin.%s", members[i].name);
            return members[i].read(r, where, value);
        }
    if (!slice_starts_with(key, "x-"))
        manifest_warn_unknown(r, "plugin", key);
    return HARBORAI_OK;
}

static harborai_status check_complete(struct manifest_reader *r)
{
    struct manifest *m = r->m;
    if (m->id.len == 0)
        return manifest_fault(r, "plugin", "has no 'id'");
    if (m->version.len == 0)
        return manifest_fault(r, "plugin", "has no 'version'");
    if (m->provider.len == 0)
        return manifest_fault(r, "plugin", "has no 'provider'");
    if (m->model_count == 0 && m->patterns.count == 0 && !m->dynamic_models)
        return manifest_fault(r, "plugin", "has none of 'models', 'patterns' and 'dynamic_models'");
    if (m->name.len == 0)
        m->name = m->provider;
    if (m->operations.count > 0)
        return manifest_check_presets(r);
    m->operations.items = arena_alloc(&m->arena, sizeof *m->operations.items);
    if (m->operations.items == NULL)
        return manifest_out_of_memory(r);
    m->operations.items[m->operations.count++] = HARBORAI_STR("chat");
    return manifest_check_presets(r);
}

harborai_status manifest_read_plugin(struct manifest_reader *r, harborai_str plugin)
{
    struct json_cursor cursor = json_open(plugin);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = manifest_read_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_plugin_member(r, key, member.value);
        if (st < 0)
            return st;
    }
    return check_complete(r);
}
