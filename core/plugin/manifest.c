/* SPDX-License-Identifier: MIT */
/* JSON of an untrusted file → struct manifest. Strict where a mistake would be found by nobody
 * (unknown members are warned about, members that stand twice are refused), and never a guess. */
#include "plugin/manifest.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <harborai/plugin.h>

#include "base/buf.h"
#include "base/limits.h"
#include "json_value.h"
#include "plugin/grammar.h"

#define MANIFEST_MEMORY (8 * LIMIT_MANIFEST)
#define MANIFEST_DEPTH 32
#define MANIFEST_MEMBERS 512 /* of one object: they are compared in pairs */
#define MANIFEST_WARNINGS 64

struct reader {
    struct manifest *m;
    const char *path;
    harborai_error *error;
    struct manifest_texts warnings; /* room for MANIFEST_WARNINGS */
};

/* ---- Messages ------------------------------------------------------------------------------ */

PRINTF(3, 4)
static harborai_status fault(struct reader *r, const char *where, const char *format, ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return harborai_error_set(r->error, HARBORAI_E_CONFIG, "'%s': manifest: %s%s%s", r->path, where,
                              *where != '\0' ? ": " : "", text);
}

static harborai_status out_of_memory(struct reader *r)
{
    return harborai_error_set(r->error, HARBORAI_E_MEMORY, "'%s': manifest: too much of it",
                              r->path);
}

static void warn_unknown(struct reader *r, const char *where, harborai_str key)
{
    if (r->warnings.count == MANIFEST_WARNINGS)
        return;
    harborai_str text = arena_printf(&r->m->arena, "%s%s%.*s: unknown member", where,
                                     *where != '\0' ? "." : "", SLICE_ARG(key));
    if (text.data != NULL)
        r->warnings.items[r->warnings.count++] = text;
}

/* ---- Values -------------------------------------------------------------------------------- */

static harborai_status decode(struct reader *r, const char *where, harborai_str value,
                              harborai_str *ret_text)
{
    harborai_str text;
    char *buffer = arena_alloc(&r->m->arena, value.len + 1);
    if (buffer == NULL)
        return out_of_memory(r);
    if (json_string(value, buffer, value.len, &text) < 0)
        return fault(r, where, "must be a string");
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        return fault(r, where, "must not hold a NUL character");
    if (text.data != buffer && text.len > 0)
        memcpy(buffer, text.data, text.len);
    buffer[text.len] = '\0';
    *ret_text = (harborai_str){buffer, text.len};
    return HARBORAI_OK;
}

static harborai_status read_bool(struct reader *r, const char *where, harborai_str value, bool *ret)
{
    return json_boolean(value, ret) ? HARBORAI_OK : fault(r, where, "must be true or false");
}

static harborai_status read_count(struct reader *r, const char *where, harborai_str value,
                                  int64_t *ret)
{
    int64_t number;
    if (json_kind(value) != JSON_NUMBER || !json_int64(value, &number))
        return fault(r, where, "must be an integer");
    if (number < 0)
        return fault(r, where, "must not be negative");
    *ret = number;
    return HARBORAI_OK;
}

static size_t count_items(harborai_str array)
{
    struct json_cursor cursor = json_open(array);
    harborai_str item;
    size_t count = 0;
    while (json_array_next(&cursor, &item))
        count++;
    return count;
}

static harborai_status read_texts(struct reader *r, const char *where, harborai_str value,
                                  struct manifest_texts *ret)
{
    if (json_kind(value) != JSON_ARRAY)
        return fault(r, where, "must be an array of strings");
    size_t count = count_items(value), at = 0;
    harborai_str *items = arena_alloc(&r->m->arena, (count + 1) * sizeof *items), item;
    if (items == NULL)
        return out_of_memory(r);
    struct json_cursor cursor = json_open(value);
    for (; json_array_next(&cursor, &item); at++) {
        char place[128];
        snprintf(place, sizeof place, "%s[%zu]", where, at);
        harborai_status st = decode(r, place, item, &items[at]);
        if (st < 0)
            return st;
        if (items[at].len == 0)
            return fault(r, place, "must not be empty");
    }
    *ret = (struct manifest_texts){items, count};
    return HARBORAI_OK;
}

/* ---- Models -------------------------------------------------------------------------------- */

static harborai_status check_model_name(struct reader *r, const char *where, harborai_str name)
{
    if (!grammar_is_model_name(name))
        return fault(r, where, "must have 1 to %d characters, none of them a control character, "
                     "and no blank at its ends", GRAMMAR_MODEL_NAME_MAX);
    if (memchr(name.data, '*', name.len) != NULL)
        return fault(r, where, "must not hold '*': write it in 'patterns'");
    return HARBORAI_OK;
}

static bool is_any_of(harborai_str key, const char *const *names)
{
    for (; *names != NULL; names++)
        if (slice_is(key, *names))
            return true;
    return false;
}

static harborai_status read_model_member(struct reader *r, const char *where, harborai_str key,
                                         harborai_str value, struct manifest_model *model)
{
    static const char *const known[] = {"input",       "output",    "capabilities", "media",
                                        "unsupported", "operations", "replacement", NULL};
    harborai_status st = HARBORAI_OK;
    char place[256];
    snprintf(place, sizeof place, "%s.%.*s", where, SLICE_ARG(slice_cut(key, 64)));
    if (slice_is(key, "name")) {
        st = decode(r, place, value, &model->name);
        return st < 0 ? st : check_model_name(r, place, model->name);
    }
    if (slice_is(key, "context"))
        return read_count(r, place, value, &model->context);
    if (slice_is(key, "max_output"))
        return read_count(r, place, value, &model->max_output);
    if (slice_is(key, "deprecated"))
        return decode(r, place, value, &model->deprecated);
    if (slice_is(key, "aliases")) {
        st = read_texts(r, place, value, &model->aliases);
        for (size_t i = 0; st == HARBORAI_OK && i < model->aliases.count; i++)
            st = check_model_name(r, place, model->aliases.items[i]);
        return st;
    }
    if (!is_any_of(key, known) && !slice_starts_with(key, "x-"))
        warn_unknown(r, where, key);
    return HARBORAI_OK;
}

/* The key in plain text; escaped ones are decoded into the arena. */
static harborai_status plain_key(struct reader *r, const struct json_member *member,
                                 harborai_str *ret_key)
{
    if (!member->key_escaped) {
        *ret_key = member->key;
        return HARBORAI_OK;
    }
    harborai_str quoted = {member->key.data - 1, member->key.len + 2};
    return decode(r, "", quoted, ret_key);
}

static harborai_status read_model(struct reader *r, const char *where, harborai_str value,
                                  struct manifest_model *model)
{
    if (json_kind(value) != JSON_OBJECT)
        return fault(r, where, "must be an object");
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = plain_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_model_member(r, where, key, member.value, model);
        if (st < 0)
            return st;
    }
    if (model->name.len == 0)
        return fault(r, where, "has no 'name'");
    model->json = value;
    return HARBORAI_OK;
}

static int compare_texts(const void *left, const void *right)
{
    const harborai_str *a = left, *b = right;
    size_t len = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->data, b->data, len);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* No name may mean two models. */
static harborai_status check_names_differ(struct reader *r)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < r->m->model_count; i++)
        count += 1 + r->m->models[i].aliases.count;
    harborai_str *names = arena_alloc(&r->m->arena, (count + 1) * sizeof *names);
    if (names == NULL)
        return out_of_memory(r);
    for (size_t i = 0; i < r->m->model_count; i++) {
        const struct manifest_model *model = &r->m->models[i];
        names[at++] = model->name;
        for (size_t j = 0; j < model->aliases.count; j++)
            names[at++] = model->aliases.items[j];
    }
    qsort(names, count, sizeof *names, compare_texts);
    for (size_t i = 1; i < count; i++)
        if (slice_equal(names[i - 1], names[i]))
            return fault(r, "plugin.models", "'%s' stands twice", names[i].data);
    return HARBORAI_OK;
}

static harborai_status read_models(struct reader *r, const char *where, harborai_str value)
{
    if (json_kind(value) != JSON_ARRAY)
        return fault(r, where, "must be an array of objects");
    size_t count = count_items(value), at = 0;
    r->m->models = arena_alloc(&r->m->arena, (count + 1) * sizeof *r->m->models);
    if (r->m->models == NULL)
        return out_of_memory(r);
    struct json_cursor cursor = json_open(value);
    harborai_str item;
    for (; json_array_next(&cursor, &item); at++) {
        char place[64];
        snprintf(place, sizeof place, "%s[%zu]", where, at);
        harborai_status st = read_model(r, place, item, &r->m->models[at]);
        if (st < 0)
            return st;
    }
    r->m->model_count = count;
    return check_names_differ(r);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static harborai_status read_secret_member(struct reader *r, const char *where, harborai_str key,
                                          harborai_str value, struct manifest_secret *secret)
{
    char place[256];
    snprintf(place, sizeof place, "%s.%.*s", where, SLICE_ARG(slice_cut(key, 64)));
    if (slice_is(key, "env"))
        return decode(r, place, value, &secret->env);
    if (slice_is(key, "description"))
        return decode(r, place, value, &secret->description);
    if (slice_is(key, "required"))
        return read_bool(r, place, value, &secret->required);
    if (slice_is(key, "readable"))
        return read_bool(r, place, value, &secret->readable);
    if (!slice_starts_with(key, "x-"))
        warn_unknown(r, where, key);
    return HARBORAI_OK;
}

static harborai_status read_secret(struct reader *r, harborai_str name, harborai_str value,
                                   struct manifest_secret *secret)
{
    char where[160];
    snprintf(where, sizeof where, "plugin.secrets.%.*s", SLICE_ARG(slice_cut(name, 64)));
    if (name.len == 0 || name.len > 64 || !grammar_has_only(name, "_-"))
        return fault(r, where, "a secret's name has 1 to 64 of a-z, 0-9, '_' and '-'");
    if (json_kind(value) != JSON_OBJECT)
        return fault(r, where, "must be an object");
    secret->name = arena_copy(&r->m->arena, name);
    if (secret->name.data == NULL)
        return out_of_memory(r);
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = plain_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_secret_member(r, where, key, member.value, secret);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status read_secrets(struct reader *r, const char *where, harborai_str value)
{
    if (json_kind(value) != JSON_OBJECT)
        return fault(r, where, "must be an object");
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    size_t count = 0;
    while (json_object_next(&cursor, &member))
        count++;
    r->m->secrets = arena_alloc(&r->m->arena, (count + 1) * sizeof *r->m->secrets);
    if (r->m->secrets == NULL)
        return out_of_memory(r);
    cursor = json_open(value);
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = plain_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_secret(r, key, member.value, &r->m->secrets[r->m->secret_count]);
        if (st < 0)
            return st;
        r->m->secret_count++;
    }
    return HARBORAI_OK;
}

/* ---- The plugin object --------------------------------------------------------------------- */

static harborai_status read_id(struct reader *r, const char *where, harborai_str value)
{
    harborai_status st = decode(r, where, value, &r->m->id);
    if (st == HARBORAI_OK && (r->m->id.len < 3 || r->m->id.len > 100 || !grammar_has_only(r->m->id, ".-")))
        return fault(r, where, "must have 3 to 100 of a-z, 0-9, '.' and '-'");
    return st;
}

static harborai_status read_version(struct reader *r, const char *where, harborai_str value)
{
    harborai_status st = decode(r, where, value, &r->m->version);
    if (st == HARBORAI_OK && !grammar_is_version(r->m->version))
        return fault(r, where, "must be a semantic version, such as 1.2.0");
    return st;
}

static harborai_status read_provider(struct reader *r, const char *where, harborai_str value)
{
    harborai_status st = decode(r, where, value, &r->m->provider);
    if (st == HARBORAI_OK && (r->m->provider.len == 0 || r->m->provider.len > 32 ||
                              !grammar_has_only(r->m->provider, "-")))
        return fault(r, where, "must have 1 to 32 of a-z, 0-9 and '-'");
    return st;
}

static harborai_status read_base_url(struct reader *r, const char *where, harborai_str value)
{
    harborai_status st = decode(r, where, value, &r->m->base_url);
    if (st == HARBORAI_OK && !grammar_is_url(r->m->base_url))
        return fault(r, where, "must be an http or https URL");
    while (st == HARBORAI_OK && slice_ends_with(r->m->base_url, "/"))
        r->m->base_url.len--;
    return st;
}

static harborai_status read_patterns(struct reader *r, const char *where, harborai_str value)
{
    harborai_status st = read_texts(r, where, value, &r->m->patterns);
    for (size_t i = 0; st == HARBORAI_OK && i < r->m->patterns.count; i++)
        if (!grammar_is_model_name(r->m->patterns.items[i]))
            st = fault(r, where, "'%s' is no pattern of names", r->m->patterns.items[i].data);
    return st;
}

static harborai_status read_headers(struct reader *r, const char *where, harborai_str value)
{
    static const char *const never[] = {"authorization", "cookie", "proxy-authorization", NULL};
    harborai_status st = read_texts(r, where, value, &r->m->request_headers);
    for (size_t i = 0; st == HARBORAI_OK && i < r->m->request_headers.count; i++) {
        harborai_str name = r->m->request_headers.items[i];
        if (!grammar_has_only(name, "-_."))
            st = fault(r, where, "'%s' must be a header's name in lower case", name.data);
        else if (is_any_of(name, never))
            st = fault(r, where, "'%s' is never handed to a plugin", name.data);
    }
    return st;
}

static harborai_status read_ignored(struct reader *r, const char *where, harborai_str value)
{
    (void)r, (void)where, (void)value;
    return HARBORAI_OK;
}

#define TEXT_READER(member)                                                                        \
    static harborai_status read_##member(struct reader *r, const char *where, harborai_str value) \
    {                                                                                              \
        return decode(r, where, value, &r->m->member);                                             \
    }
#define TEXTS_READER(member)                                                                       \
    static harborai_status read_##member(struct reader *r, const char *where, harborai_str value) \
    {                                                                                              \
        return read_texts(r, where, value, &r->m->member);                                         \
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
TEXTS_READER(unsupported)

static harborai_status read_dynamic_models(struct reader *r, const char *where, harborai_str value)
{
    return read_bool(r, where, value, &r->m->dynamic_models);
}

static const struct {
    const char *name;
    harborai_status (*read)(struct reader *r, const char *where, harborai_str value);
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
    {"models", read_models},
    {"unsupported", read_unsupported},
    {"patterns", read_patterns},
    {"dynamic_models", read_dynamic_models},
    {"base_url", read_base_url},
    {"network", read_network},
    {"request_headers", read_headers},
    {"request_id_header", read_request_id_header},
    {"secrets", read_secrets},
    {"config_schema", read_ignored},
    {"isolation", read_ignored},
    {"x-prices-date", read_prices_date},
};

static harborai_status read_plugin_member(struct reader *r, harborai_str key, harborai_str value)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (slice_is(key, members[i].name)) {
            char where[64];
            snprintf(where, sizeof where, "plugin.%s", members[i].name);
            return members[i].read(r, where, value);
        }
    if (!slice_starts_with(key, "x-"))
        warn_unknown(r, "plugin", key);
    return HARBORAI_OK;
}

static harborai_status check_complete(struct reader *r)
{
    struct manifest *m = r->m;
    if (m->id.len == 0)
        return fault(r, "plugin", "has no 'id'");
    if (m->version.len == 0)
        return fault(r, "plugin", "has no 'version'");
    if (m->provider.len == 0)
        return fault(r, "plugin", "has no 'provider'");
    if (m->model_count == 0 && m->patterns.count == 0 && !m->dynamic_models)
        return fault(r, "plugin", "has none of 'models', 'patterns' and 'dynamic_models'");
    if (m->name.len == 0)
        m->name = m->provider;
    if (m->operations.count > 0)
        return HARBORAI_OK;
    m->operations.items = arena_alloc(&m->arena, sizeof *m->operations.items);
    if (m->operations.items == NULL)
        return out_of_memory(r);
    m->operations.items[m->operations.count++] = HARBORAI_STR("chat");
    return HARBORAI_OK;
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* Members that stand twice, at any depth: parsers disagree about which one holds. */
static harborai_status check_duplicates(struct reader *r, harborai_str value)
{
    harborai_str keys[MANIFEST_MEMBERS], item;
    size_t count = 0;
    struct json_member member;
    struct json_cursor cursor = json_open(value);
    harborai_status st = HARBORAI_OK;
    if (json_kind(value) == JSON_ARRAY) {
        while (st == HARBORAI_OK && json_array_next(&cursor, &item))
            st = check_duplicates(r, item);
        return st;
    }
    if (json_kind(value) != JSON_OBJECT)
        return HARBORAI_OK;
    while (json_object_next(&cursor, &member)) {
        if (count == MANIFEST_MEMBERS)
            return fault(r, "", "an object has more than %d members", MANIFEST_MEMBERS);
        st = plain_key(r, &member, &keys[count]);
        for (size_t i = 0; st == HARBORAI_OK && i < count; i++)
            if (slice_equal(keys[i], keys[count]))
                st = fault(r, "", "the member '%.*s' stands twice in its object",
                           SLICE_ARG(slice_cut(keys[count], 100)));
        if (st == HARBORAI_OK)
            st = check_duplicates(r, member.value);
        if (st < 0)
            return st;
        count++;
    }
    return HARBORAI_OK;
}

static harborai_status read_abi(struct reader *r, harborai_str value)
{
    uint16_t *const to[] = {&r->m->abi_major, &r->m->abi_minor, &r->m->abi_minor_required};
    struct json_cursor cursor = json_open(value);
    harborai_str item;
    int64_t number;
    if (json_kind(value) != JSON_ARRAY || count_items(value) != ARRAY_LEN(to))
        return fault(r, "abi", "must be [major, minor, minor required]");
    for (size_t i = 0; i < ARRAY_LEN(to) && json_array_next(&cursor, &item); i++) {
        if (json_kind(item) != JSON_NUMBER || !json_int64(item, &number) || number < 0 ||
            number > UINT16_MAX)
            return fault(r, "abi", "must be three integers from 0 to 65535");
        *to[i] = (uint16_t)number;
    }
    return HARBORAI_OK;
}

/* Until 1.0 is frozen a host loads exactly its own minor; from then on what needs no younger one. */
static bool abi_fits(const struct manifest *m)
{
    const unsigned major = HARBORAI_ABI_MAJOR, minor = HARBORAI_ABI_MINOR;
    if (m->abi_major != major)
        return false;
    return major == 0 ? m->abi_minor == minor : m->abi_minor_required <= minor;
}

/* Before anything else of the manifest is read: another ABI may mean other members. */
static harborai_status check_abi(struct reader *r, harborai_str plugin)
{
    const struct manifest *m = r->m;
    if (abi_fits(m))
        return HARBORAI_OK;
    harborai_str id = SLICE_NONE, version = SLICE_NONE;
    (void)json_string_plain(json_member(plugin, HARBORAI_STR("id")), &id);
    (void)json_string_plain(json_member(plugin, HARBORAI_STR("version")), &version);
    bool newer = m->abi_major > HARBORAI_ABI_MAJOR ||
                 (m->abi_major == HARBORAI_ABI_MAJOR && m->abi_minor > HARBORAI_ABI_MINOR);
    return harborai_error_set(
        r->error, HARBORAI_E_UNSUPPORTED,
        "'%s': %.*s %.*s needs plugin ABI %u.%u, this HarborAI " PACKAGE_VERSION
        " offers %u.%u: %s",
        r->path, SLICE_ARG(slice_cut(id, 100)), SLICE_ARG(slice_cut(version, 64)), m->abi_major,
        m->abi_minor, (unsigned)HARBORAI_ABI_MAJOR, (unsigned)HARBORAI_ABI_MINOR,
        newer ? "update HarborAI, or rebuild the plugin" : "rebuild the plugin with today's headers");
}

static harborai_status read_plugin(struct reader *r, harborai_str plugin)
{
    struct json_cursor cursor = json_open(plugin);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = plain_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_plugin_member(r, key, member.value);
        if (st < 0)
            return st;
    }
    return check_complete(r);
}

static harborai_status read_manifest(struct reader *r, harborai_str text)
{
    const struct json_limits limits = {MANIFEST_DEPTH};
    struct json_fault where;
    harborai_str root;
    if (json_scan(text, &limits, &root, &where) < 0)
        return fault(r, "", "not JSON: %s at byte %zu", where.reason, where.at);
    if (json_kind(root) != JSON_OBJECT)
        return fault(r, "", "must be an object");
    harborai_status st = check_duplicates(r, root);
    if (st < 0)
        return st;
    harborai_str abi = json_member(root, HARBORAI_STR("abi")),
                 plugin = json_member(root, HARBORAI_STR("plugin"));
    if (json_kind(plugin) != JSON_OBJECT)
        return fault(r, "plugin", "must be an object");
    st = read_abi(r, abi);
    if (st == HARBORAI_OK)
        st = check_abi(r, plugin);
    if (st == HARBORAI_OK)
        st = read_plugin(r, plugin);
    return st;
}

harborai_status manifest_create(harborai_str json, const char *path,
                                struct manifest **ret_manifest, harborai_error *error)
{
    struct manifest *m = calloc(1, sizeof *m);
    if (m == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "'%s': out of memory", path);
    atomic_init(&m->references, 1);
    arena_init(&m->arena, MANIFEST_MEMORY);
    struct reader reader = {.m = m, .path = path, .error = error};
    reader.warnings.items = arena_alloc(&m->arena, MANIFEST_WARNINGS * sizeof(harborai_str));
    harborai_str text = arena_copy(&m->arena, json);
    harborai_status st = reader.warnings.items == NULL || text.data == NULL
                             ? out_of_memory(&reader)
                             : read_manifest(&reader, text);
    m->warnings = reader.warnings;
    if (st < 0) {
        manifest_unref(m);
        return st;
    }
    *ret_manifest = m;
    return HARBORAI_OK;
}

struct manifest *manifest_ref(struct manifest *m)
{
    if (m != NULL)
        atomic_fetch_add_explicit(&m->references, 1, memory_order_relaxed);
    return m;
}

void manifest_unref(struct manifest *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel) > 1)
        return;
    arena_release(&m->arena);
    free(m);
}

const struct manifest_model *manifest_model_find(const struct manifest *m, harborai_str name)
{
    for (size_t i = 0; i < m->model_count; i++)
        if (slice_equal(m->models[i].name, name))
            return &m->models[i];
    for (size_t i = 0; i < m->model_count; i++)
        for (size_t j = 0; j < m->models[i].aliases.count; j++)
            if (slice_equal(m->models[i].aliases.items[j], name))
                return &m->models[i];
    return NULL;
}

const struct manifest_secret *manifest_secret_find(const struct manifest *m, harborai_str name)
{
    for (size_t i = 0; i < m->secret_count; i++)
        if (slice_equal(m->secrets[i].name, name))
            return &m->secrets[i];
    return NULL;
}
