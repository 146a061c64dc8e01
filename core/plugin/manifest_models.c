/* SPDX-License-Identifier: MIT */
/* The models that a manifest lists. Must never let one name mean two of them. */
#include <stdlib.h>

#include "json_value.h"
#include "plugin/grammar.h"
#include "plugin/manifest_reader.h"

static harborai_status check_model_name(struct manifest_reader *r, const char *where,
                                        harborai_str name)
{
    if (!grammar_is_model_name(name))
        return manifest_fault(r, where,
                              "must have 1 to %d characters, none of them a control character, "
                              "and no blank at its ends",
                              GRAMMAR_MODEL_NAME_MAX);
    if (memchr(name.data, '*', name.len) != NULL)
        return manifest_fault(r, where, "must not hold '*': write it in 'patterns'");
    return HARBORAI_OK;
}

static harborai_status read_model_value(struct manifest_reader *r, const char *place,
                                        harborai_str key, harborai_str value,
                                        struct manifest_model *model)
{
    harborai_status st = HARBORAI_OK;
    if (slice_is(key, "name")) {
        st = manifest_read_text(r, place, value, &model->name);
        return st < 0 ? st : check_model_name(r, place, model->name);
    }
    if (slice_is(key, "context"))
        return manifest_read_count(r, place, value, &model->context);
    if (slice_is(key, "max_output"))
        return manifest_read_count(r, place, value, &model->max_output);
    if (slice_is(key, "deprecated"))
        return manifest_read_text(r, place, value, &model->deprecated);
    if (slice_is(key, "unsupported"))
        return manifest_read_unsupported(r, place, value, &model->unsupported);
    if (slice_is(key, "aliases")) {
        st = manifest_read_texts(r, place, value, &model->aliases);
        for (size_t i = 0; st == HARBORAI_OK && i < model->aliases.count; i++)
            st = check_model_name(r, place, model->aliases.items[i]);
        return st;
    }
    return 1; /* it is none of these */
}

/* Where it stands is written down when there is something to say of it. */
static harborai_status read_model_member(struct manifest_reader *r, size_t index, harborai_str key,
                                         harborai_str value, struct manifest_model *model)
{
    static const char *const known[] = {"input",       "output",    "capabilities", "media",
                                        "operations", "replacement", NULL};
    char place[256];
    harborai_status st = read_model_value(r, "", key, value, model);
    if (st < 0) {
        snprintf(place, sizeof place, "plugin.models[%zu].%.*s", index,
                 SLICE_ARG(slice_cut(key, 64)));
        return read_model_value(r, place, key, value, model);
    }
    if (st > 0 && !manifest_is_any_of(key, known) && !slice_starts_with(key, "x-")) {
        snprintf(place, sizeof place, "plugin.models[%zu]", index);
        manifest_warn_unknown(r, place, key);
    }
    return HARBORAI_OK;
}

static harborai_status read_model(struct manifest_reader *r, size_t index, harborai_str value,
                                  struct manifest_model *model)
{
    char place[64];
    snprintf(place, sizeof place, "plugin.models[%zu]", index);
    if (json_kind(value) != JSON_OBJECT)
        return manifest_fault(r, place, "must be an object");
    struct json_cursor cursor = json_open(value);
    struct json_member member;
    while (json_object_next(&cursor, &member)) {
        harborai_str key;
        harborai_status st = manifest_read_key(r, &member, &key);
        if (st == HARBORAI_OK)
            st = read_model_member(r, index, key, member.value, model);
        if (st < 0)
            return st;
    }
    if (model->name.len == 0)
        return manifest_fault(r, place, "has no 'name'");
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
static harborai_status check_names_differ(struct manifest_reader *r)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < r->m->model_count; i++)
        count += 1 + r->m->models[i].aliases.count;
    harborai_str *names = arena_alloc(&r->m->arena, (count + 1) * sizeof *names);
    if (names == NULL)
        return manifest_out_of_memory(r);
    for (size_t i = 0; i < r->m->model_count; i++) {
        const struct manifest_model *model = &r->m->models[i];
        names[at++] = model->name;
        for (size_t j = 0; j < model->aliases.count; j++)
            names[at++] = model->aliases.items[j];
    }
    qsort(names, count, sizeof *names, compare_texts);
    for (size_t i = 1; i < count; i++)
        if (slice_equal(names[i - 1], names[i]))
            return manifest_fault(r, "plugin.models", "'%s' stands twice", names[i].data);
    return HARBORAI_OK;
}

harborai_status manifest_read_models(struct manifest_reader *r, const char *where,
                                     harborai_str value)
{
    if (json_kind(value) != JSON_ARRAY)
        return manifest_fault(r, where, "must be an array of objects");
    size_t count = manifest_item_count(value), at = 0;
    r->m->models = arena_alloc(&r->m->arena, (count + 1) * sizeof *r->m->models);
    if (r->m->models == NULL)
        return manifest_out_of_memory(r);
    struct json_cursor cursor = json_open(value);
    harborai_str item;
    for (; json_array_next(&cursor, &item); at++) {
        harborai_status st = read_model(r, at, item, &r->m->models[at]);
        if (st < 0)
            return st;
    }
    r->m->model_count = count;
    return check_names_differ(r);
}
