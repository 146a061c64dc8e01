/* SPDX-License-Identifier: MIT */
/* Reading keys.json. Must never let a key do more than its entry says: what is not understood is a
 * fault. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account/key_file.h"
#include "account/key_parts.h"
#include "account/rate_limit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "json_value.h"

struct reader {
    struct key_list *list;
    harborai_str text;
};

/* ---- What is wrong -------------------------------------------------------------------------- */

#define WAY_OUT "correct it; nothing of it is in force until then"

static unsigned line_of(const struct reader *r, const char *at)
{
    unsigned line = 1;
    for (const char *p = r->text.data; p < at; p++)
        line += *p == '\n';
    return line;
}

/* Says where, not what stands there: it may be a key that somebody wrote into the wrong file. */
static harborai_status fault(const struct reader *r, harborai_str at, const char *what,
                             harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_CONFIG, "'%.*s', line %u: %s; " WAY_OUT,
                              SLICE_ARG(r->list->path), line_of(r, at.data), what);
}

static harborai_status out_of_memory(const struct reader *r, harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot read '%.*s': no memory left",
                              SLICE_ARG(r->list->path));
}

/* ---- Values --------------------------------------------------------------------------------- */

static harborai_status read_text(const struct reader *r, harborai_str value, size_t most,
                                 harborai_str *ret_text, harborai_error *error)
{
    harborai_str text;
    if (!json_string_plain(value, &text) || text.len == 0 || text.len > most)
        return fault(r, value, "this is no text of the right length", error);
    *ret_text = arena_copy(&r->list->arena, text);
    return ret_text->data == NULL ? out_of_memory(r, error) : HARBORAI_OK;
}

static harborai_status read_id(const struct reader *r, harborai_str value, harborai_str *ret_id,
                               harborai_error *error)
{
    harborai_status st = read_text(r, value, KEY_ID_LEN, ret_id, error);
    if (st == HARBORAI_OK && !key_id_is_good(*ret_id))
        return fault(r, value, "this is no id of a key", error);
    return st;
}

static harborai_status read_name(const struct reader *r, harborai_str value, harborai_str *ret_name,
                                 harborai_error *error)
{
    harborai_status st = read_text(r, value, KEY_NAME_MAX, ret_name, error);
    if (st == HARBORAI_OK && !key_name_is_good(*ret_name))
        return fault(r, value, "this is no name of a key", error);
    return st;
}

static unsigned digit_of(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static harborai_status read_digest(const struct reader *r, harborai_str value,
                                   unsigned char digest[static KEY_DIGEST_SIZE],
                                   harborai_error *error)
{
    harborai_str hex;
    if (!json_string_plain(value, &hex) || hex.len != 2 * KEY_DIGEST_SIZE || !slice_is_hex(hex))
        return fault(r, value, "this is no SHA-256 of 64 digits of 0 to 9 and a to f", error);
    for (size_t i = 0; i < KEY_DIGEST_SIZE; i++)
        digest[i] = (unsigned char)(digit_of(hex.data[2 * i]) << 4 | digit_of(hex.data[2 * i + 1]));
    return HARBORAI_OK;
}

/* Keys are compared in nanoseconds, which end in 2262. */
#define LAST_S (INT64_MAX / NS_PER_S)

static harborai_status read_time(const struct reader *r, harborai_str value, int64_t *ret_s,
                                 harborai_error *error)
{
    char copy[21];
    harborai_str text;
    struct tm when = {.tm_sec = 0};
    if (json_string_plain(value, &text) && text.len == sizeof copy - 1) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &when);
        *ret_s = timegm(&when);
        if (end != NULL && *end == '\0' && *ret_s > 0 && *ret_s <= LAST_S)
            return HARBORAI_OK;
    }
    return fault(r, value, "this is no time as 2026-11-22T10:00:00Z, before 2262", error);
}

static harborai_status read_number(const struct reader *r, harborai_str value, int64_t most,
                                   int64_t *ret_number, harborai_error *error)
{
    if (json_int64(value, ret_number) && *ret_number >= 1 && *ret_number <= most)
        return HARBORAI_OK;
    return fault(r, value, "this is no whole number from 1 up to its limit", error);
}

static harborai_status read_models(const struct reader *r, harborai_str value,
                                   struct key_spec *key, harborai_error *error)
{
    struct json_cursor cursor = json_open(value);
    harborai_str item;
    harborai_str *models = arena_alloc(&r->list->arena, KEY_MODELS_MAX * sizeof *models);
    if (models == NULL)
        return out_of_memory(r, error);
    if (json_kind(value) != JSON_ARRAY)
        return fault(r, value, "this is no list of models", error);
    while (json_array_next(&cursor, &item)) {
        if (key->model_count == KEY_MODELS_MAX)
            return fault(r, item, "there are more than 64 models", error);
        harborai_status st =
            read_text(r, item, KEY_MODEL_MAX, &models[key->model_count++], error);
        if (st < 0)
            return st;
    }
    key->models = models;
    /* An empty list would be a key for no model, and reads as one for all. */
    return key->model_count > 0 ? HARBORAI_OK : fault(r, value, "this list is empty", error);
}

/* ---- Entries -------------------------------------------------------------------------------- */

enum member { ID, NAME, SHA256, CREATED, EXPIRES, REVOKED, MODELS, RPM, TPM, CONCURRENCY, MEMBERS };

static const char *const names[MEMBERS] = {
    [ID] = "id",           [NAME] = "name",       [SHA256] = "sha256", [CREATED] = "created",
    [EXPIRES] = "expires", [REVOKED] = "revoked", [MODELS] = "models", [RPM] = "rpm",
    [TPM] = "tpm",         [CONCURRENCY] = "concurrency"};

static harborai_status read_value(const struct reader *r, enum member which, harborai_str value,
                                  struct key_spec *key, harborai_error *error)
{
    switch (which) {
    case ID: return read_id(r, value, &key->id, error);
    case NAME: return read_name(r, value, &key->name, error);
    case SHA256: return read_digest(r, value, key->digest, error);
    case CREATED: return read_time(r, value, &key->created_s, error);
    case EXPIRES: return read_time(r, value, &key->expires_s, error);
    case REVOKED: return read_time(r, value, &key->revoked_s, error);
    case MODELS: return read_models(r, value, key, error);
    case RPM: return read_number(r, value, RATE_LIMIT_MOST, &key->rpm, error);
    case TPM: return read_number(r, value, RATE_LIMIT_MOST, &key->tpm, error);
    case CONCURRENCY:
        return read_number(r, value, KEY_CONCURRENCY_MAX, &key->concurrency, error);
    case MEMBERS:
    default: return fault(r, value, "this member is not known here: it may be a limit", error);
    }
}

static enum member member_of(const struct json_member *member)
{
    unsigned i = 0;
    while (i < MEMBERS && !json_key_equal(member, slice_of(names[i])))
        i++;
    return (enum member)i;
}

static harborai_status read_key(const struct reader *r, harborai_str value, struct key_spec *key,
                                harborai_error *error)
{
    const unsigned needed = 1U << ID | 1U << NAME | 1U << SHA256 | 1U << CREATED;
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    unsigned seen = 0;
    *key = (struct key_spec){.rpm = 0};
    if (json_kind(value) != JSON_OBJECT)
        return fault(r, value, "this is no object", error);
    while (json_object_next(&cursor, &member)) {
        enum member which = member_of(&member);
        if ((seen >> which & 1) != 0)
            return fault(r, member.value, "this member stands twice", error);
        seen |= 1U << which;
        harborai_status st = read_value(r, which, member.value, key, error);
        if (st < 0)
            return st;
    }
    return (seen & needed) == needed
               ? HARBORAI_OK
               : fault(r, value, "this key lacks its id, name, sha256 or created", error);
}

/* Of two with one digest it would be chance which one holds. */
static int by_digest(const void *a, const void *b)
{
    const struct key_spec *const *one = a, *const *other = b;
    return memcmp((*one)->digest, (*other)->digest, KEY_DIGEST_SIZE);
}

static int by_id(const void *a, const void *b)
{
    const struct key_spec *const *one = a, *const *other = b;
    return memcmp((*one)->id.data, (*other)->id.data, KEY_ID_LEN);
}

static harborai_status check_unique(const struct reader *r, harborai_error *error)
{
    int (*const orders[])(const void *, const void *) = {by_digest, by_id};
    const struct key_list *list = r->list;
    const struct key_spec **sorted = arena_alloc(&r->list->arena, (list->count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return out_of_memory(r, error);
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->keys[i];
    for (size_t k = 0; k < ARRAY_LEN(orders); k++) {
        qsort(sorted, list->count, sizeof *sorted, orders[k]);
        for (size_t i = 1; i < list->count; i++)
            if (orders[k](&sorted[i - 1], &sorted[i]) == 0)
                return harborai_error_set(error, HARBORAI_E_CONFIG,
                                          "'%.*s': the keys '%.*s' and '%.*s' have one id, or one "
                                          "digest; " WAY_OUT,
                                          SLICE_ARG(list->path), SLICE_ARG(sorted[i - 1]->name),
                                          SLICE_ARG(sorted[i]->name));
    }
    return HARBORAI_OK;
}

static harborai_status read_keys(const struct reader *r, harborai_str array, harborai_error *error)
{
    struct json_cursor counting = json_open(array), cursor = counting;
    struct key_list *list = r->list;
    harborai_str item;
    size_t count = 0;
    while (json_array_next(&counting, &item))
        count++;
    if (json_kind(array) != JSON_ARRAY)
        return fault(r, array, "\"keys\" is no list", error);
    if (count > KEY_COUNT_MAX)
        return fault(r, array, "there are more than 10000 keys", error);
    list->keys = arena_alloc(&list->arena, (count + 1) * sizeof *list->keys); /* and one to be added */
    if (list->keys == NULL)
        return out_of_memory(r, error);
    while (json_array_next(&cursor, &item)) {
        harborai_status st = read_key(r, item, &list->keys[list->count], error);
        if (st < 0)
            return st;
        list->count++;
    }
    return check_unique(r, error);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static harborai_status read_list(const struct reader *r, harborai_error *error)
{
    struct json_member members[2];
    struct json_fault why = {0, ""};
    size_t count;
    int64_t version;
    if (json_scan_object(r->text, NULL, members, ARRAY_LEN(members), &count, &why) < 0)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "'%.*s', line %u: this is no JSON object with \"version\" and "
                                  "\"keys\": %s; " WAY_OUT,
                                  SLICE_ARG(r->list->path), line_of(r, r->text.data + why.at),
                                  why.reason);
    const struct json_member *number = json_find(members, count, HARBORAI_STR("version"));
    const struct json_member *keys = json_find(members, count, HARBORAI_STR("keys"));
    if (number == NULL || keys == NULL)
        return fault(r, r->text, "it needs \"version\" and \"keys\", and nothing else", error);
    if (!json_int64(number->value, &version) || version != 1)
        return fault(r, number->value, "it is of another HarborAI: this one knows version 1", error);
    return read_keys(r, keys->value, error);
}

harborai_status key_list_create(harborai_str text, const char *path, struct key_list **ret_list,
                                harborai_error *error)
{
    struct key_list *list = calloc(1, sizeof *list);
    if (list == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "cannot read '%s': no memory left", path);
    arena_init(&list->arena, 16 * KEY_FILE_MAX);
    list->path = arena_copy(&list->arena, slice_of(path));
    const struct reader reader = {list, text};
    harborai_status st = list->path.data == NULL ? out_of_memory(&reader, error) : HARBORAI_OK;
    if (st == HARBORAI_OK && text.data != NULL)
        st = read_list(&reader, error);
    else if (st == HARBORAI_OK)
        st = read_keys(&reader, HARBORAI_STR("[]"), error);
    if (st < 0) {
        key_list_destroy(list);
        return st;
    }
    *ret_list = list;
    return HARBORAI_OK;
}

void key_list_destroy(struct key_list *list)
{
    if (list == NULL)
        return;
    arena_release(&list->arena);
    free(list);
}

/* ---- Asking --------------------------------------------------------------------------------- */

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool key_id_is_good(harborai_str id)
{
    if (id.len != KEY_ID_LEN || !slice_starts_with(id, "key_"))
        return false;
    for (size_t i = 4; i < id.len; i++)
        if (!is_letter_or_digit(id.data[i]))
            return false;
    return true;
}

bool key_name_is_good(harborai_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_letter_or_digit(name.data[i]) &&
            (name.data[i] == '\0' || strchr("._@+-", name.data[i]) == NULL))
            return false;
    return name.len > 0 && name.len <= KEY_NAME_MAX && name.data[0] != '-' &&
           !slice_starts_with(name, "key_") && !slice_starts_with(name, KEY_TEXT_PREFIX);
}

enum key_state key_spec_state(const struct key_spec *key, int64_t wall_ns)
{
    if (key->revoked_s != 0)
        return KEY_REVOKED;
    return key->expires_s != 0 && wall_ns / NS_PER_S >= key->expires_s ? KEY_EXPIRED : KEY_ACTIVE;
}

const char *key_state_name(enum key_state state)
{
    static const char *const words[] = {
        [KEY_ACTIVE] = "active", [KEY_EXPIRED] = "expired", [KEY_REVOKED] = "revoked"};
    return words[state];
}
