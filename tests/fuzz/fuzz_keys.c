/* SPDX-License-Identifier: MIT */
/* A keys.json of any bytes gives keys whose limits are in their ranges and that are told apart, or a fault
 * that says where; and none of its bytes, which may be a key's in the wrong file. */
#include <string.h>

#include "account/key_file.h"
#include "account/key_parts.h"
#include "account/rate_limit.h"
#include "fuzz.h"

static void check_models(const struct key_spec *key)
{
    MUST(key->model_count <= KEY_MODELS_MAX && (key->model_count > 0) == (key->models != NULL));
    for (size_t i = 0; i < key->model_count; i++)
        MUST(key->models[i].len > 0 && key->models[i].len <= KEY_MODEL_MAX);
}

static void check_key(const struct key_spec *key)
{
    MUST(key_id_is_good(key->id));
    MUST(key->name.len == 0 || key_name_is_good(key->name));
    MUST(key->created_s > 0 && key->expires_s >= 0 && key->revoked_s >= 0);
    MUST(key->rpm >= 0 && key->rpm <= RATE_LIMIT_MOST && key->tpm >= 0 && key->tpm <= RATE_LIMIT_MOST);
    MUST(key->concurrency >= 0 && key->concurrency <= KEY_CONCURRENCY_MAX);
    check_models(key);
    MUST(key->revoked_s == 0 || key_spec_state(key, INT64_MAX) == KEY_REVOKED);
}

static void check_list(const struct key_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        check_key(&list->keys[i]);
        for (size_t k = 0; k < i; k++)
            MUST(!slice_equal(list->keys[i].id, list->keys[k].id) &&
                 !key_digest_equal(list->keys[i].digest, list->keys[k].digest));
    }
}

/* As clients send it: whole, foreign or broken, and never more of it shown than its ends. */
static void try_text(harborai_str text)
{
    char shown[KEY_TEXT_MASK_SIZE];
    enum key_text_form form = key_text_form(text);
    MUST(form != KEY_TEXT_WHOLE || text.len == KEY_TEXT_LEN);
    key_text_mask(text, shown);
    MUST(strlen(shown) < KEY_TEXT_MASK_SIZE && strstr(shown, "****") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {size > 0 ? (const char *)data : "", size};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct key_list *list;
    try_text(slice_cut(text, 200));
    if (key_list_create(text, "f", &list, &error) < 0) {
        MUST(error.code == HARBORAI_E_CONFIG && slice_starts_with(slice_of(error.message), "'f'"));
        return 0;
    }
    check_list(list);
    key_list_destroy(list);
    return 0;
}
