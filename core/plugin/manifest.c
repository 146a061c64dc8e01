/* SPDX-License-Identifier: MIT */
/* JSON of an untrusted file → struct manifest. Strict where a mistake would be found by nobody
 * (unknown members are warned about, members that stand twice are refused), and never a guess. */
#include "plugin/manifest.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <harborai/plugin.h>

#include "base/limits.h"
#include "json_value.h"
#include "plugin/manifest_reader.h"

#define MANIFEST_MEMORY (8 * LIMIT_MANIFEST)
#define MANIFEST_DEPTH 32
#define MANIFEST_MEMBERS 512 /* of one object: they are compared in pairs */

/* The objects and arrays that are open, and the keys that were seen in those objects. */
struct open_values {
    harborai_str keys[4 * MANIFEST_MEMBERS];
    size_t count;
    size_t first[MANIFEST_DEPTH + 1]; /* the place in `keys` of the value's first */
    bool is_object[MANIFEST_DEPTH + 1];
    unsigned depth;
};

static harborai_status add_key(struct manifest_reader *r, struct open_values *open,
                               const struct json_member *member)
{
    size_t first = open->first[open->depth];
    if (open->count - first == MANIFEST_MEMBERS || open->count == ARRAY_LEN(open->keys))
        return manifest_fault(r, "", "an object has more than %d members", MANIFEST_MEMBERS);
    harborai_str *key = &open->keys[open->count++];
    harborai_status st = manifest_read_key(r, member, key);
    for (size_t i = first; st == HARBORAI_OK && i + 1 < open->count; i++)
        if (slice_equal(open->keys[i], *key))
            st = manifest_fault(r, "", "the member '%.*s' stands twice in its object",
                                SLICE_ARG(slice_cut(*key, 100)));
    return st;
}

/* From its opening quote to its closing one. */
static const char *end_of_string(const char *p, bool *ret_escaped)
{
    *ret_escaped = false;
    for (p++; *p != '"'; p++)
        if (*p == '\\') {
            *ret_escaped = true;
            p++;
        }
    return p;
}

/* Members that stand twice, at any depth: parsers disagree about which one holds. One pass over JSON
 * that json_scan() has found good, no deeper than MANIFEST_DEPTH. */
static harborai_status check_duplicates(struct manifest_reader *r, harborai_str json)
{
    struct open_values open;
    bool is_key = false;
    harborai_status st = HARBORAI_OK;
    open.count = open.depth = 0;
    memset(open.first, 0, sizeof open.first);
    memset(open.is_object, 0, sizeof open.is_object);
    for (const char *p = json.data, *end = p + json.len; st == HARBORAI_OK && p < end; p++) {
        if (*p == '{' || *p == '[') {
            is_key = *p == '{';
            open.first[++open.depth] = open.count;
            open.is_object[open.depth] = is_key;
        } else if (*p == '}' || *p == ']') {
            open.count = open.first[open.depth--];
            is_key = false;
        } else if (*p == ',') {
            is_key = open.is_object[open.depth];
        } else if (*p == '"') {
            struct json_member member = {.key.data = p + 1};
            p = end_of_string(p, &member.key_escaped);
            member.key.len = (size_t)(p - member.key.data);
            if (is_key)
                st = add_key(r, &open, &member);
            is_key = false;
        }
    }
    return st;
}

static harborai_status read_abi(struct manifest_reader *r, harborai_str value)
{
    uint16_t *const to[] = {&r->m->abi_major, &r->m->abi_minor, &r->m->abi_minor_required};
    struct json_cursor cursor = json_open(value);
    harborai_str item;
    int64_t number;
    if (json_kind(value) != JSON_ARRAY || manifest_item_count(value) != ARRAY_LEN(to))
        return manifest_fault(r, "abi", "must be [major, minor, minor required]");
    for (size_t i = 0; i < ARRAY_LEN(to) && json_array_next(&cursor, &item); i++) {
        if (json_kind(item) != JSON_NUMBER || !json_int64(item, &number) || number < 0 ||
            number > UINT16_MAX)
            return manifest_fault(r, "abi", "must be three integers from 0 to 65535");
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
static harborai_status check_abi(struct manifest_reader *r, harborai_str plugin)
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

static harborai_status read_root(struct manifest_reader *r, harborai_str text)
{
    const struct json_limits limits = {MANIFEST_DEPTH};
    struct json_fault where;
    harborai_str root;
    if (json_scan(text, &limits, &root, &where) < 0)
        return manifest_fault(r, "", "not JSON: %s at byte %zu", where.reason, where.at);
    if (json_kind(root) != JSON_OBJECT)
        return manifest_fault(r, "", "must be an object");
    harborai_status st = check_duplicates(r, root);
    if (st < 0)
        return st;
    harborai_str abi = json_member(root, HARBORAI_STR("abi")),
                 plugin = json_member(root, HARBORAI_STR("plugin"));
    if (json_kind(plugin) != JSON_OBJECT)
        return manifest_fault(r, "plugin", "must be an object");
    st = read_abi(r, abi);
    if (st == HARBORAI_OK)
        st = check_abi(r, plugin);
    if (st == HARBORAI_OK)
        st = manifest_read_plugin(r, plugin);
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
    struct manifest_reader reader = {.m = m, .path = path, .error = error};
    reader.warnings.items = arena_alloc(&m->arena, MANIFEST_WARNINGS * sizeof(harborai_str));
    harborai_str text = arena_copy(&m->arena, json);
    harborai_status st = reader.warnings.items == NULL || text.data == NULL
                             ? manifest_out_of_memory(&reader)
                             : read_root(&reader, text);
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
