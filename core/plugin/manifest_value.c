/* SPDX-License-Identifier: MIT */
/* Single values of a manifest, and what is said of wrong ones. Must never give out text that holds
 * a NUL character. */
#include <stdarg.h>

#include "json_value.h"
#include "plugin/manifest_reader.h"
#include "wire/url.h"

harborai_status manifest_fault(struct manifest_reader *r, const char *where, const char *format,
                               ...)
{
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return harborai_error_set(r->error, HARBORAI_E_CONFIG,
                              "'%s': its manifest is wrong, which its author can mend: %s%s%s",
                              r->path, where, *where != '\0' ? ": " : "", text);
}

harborai_status manifest_out_of_memory(struct manifest_reader *r)
{
    return harborai_error_set(r->error, HARBORAI_E_MEMORY, "'%s': too large a manifest", r->path);
}

void manifest_warn_unknown(struct manifest_reader *r, const char *where, harborai_str key)
{
    if (r->warnings.count == MANIFEST_WARNINGS)
        return;
    harborai_str text = arena_printf(&r->m->arena, "%s%s%.*s: unknown member", where,
                                     *where != '\0' ? "." : "", SLICE_ARG(key));
    if (text.data != NULL)
        r->warnings.items[r->warnings.count++] = text;
}

harborai_status manifest_read_text(struct manifest_reader *r, const char *where,
                                   harborai_str value, harborai_str *ret_text)
{
    harborai_str text;
    char *buffer = arena_alloc(&r->m->arena, value.len + 1);
    if (buffer == NULL)
        return manifest_out_of_memory(r);
    if (json_string(value, buffer, value.len, &text) < 0)
        return manifest_fault(r, where, "must be a string");
    if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
        return manifest_fault(r, where, "must not hold a NUL character");
    if (text.data != buffer && text.len > 0)
        memcpy(buffer, text.data, text.len);
    buffer[text.len] = '\0';
    *ret_text = (harborai_str){buffer, text.len};
    return HARBORAI_OK;
}

harborai_status manifest_read_bool(struct manifest_reader *r, const char *where,
                                   harborai_str value, bool *ret)
{
    return json_boolean(value, ret) ? HARBORAI_OK
                                    : manifest_fault(r, where, "must be true or false");
}

harborai_status manifest_read_count(struct manifest_reader *r, const char *where,
                                    harborai_str value, int64_t *ret)
{
    int64_t number;
    if (json_kind(value) != JSON_NUMBER || !json_int64(value, &number))
        return manifest_fault(r, where, "must be an integer");
    if (number < 0)
        return manifest_fault(r, where, "must not be negative");
    *ret = number;
    return HARBORAI_OK;
}

harborai_status manifest_read_url(struct manifest_reader *r, const char *where,
                                  harborai_str value, harborai_str *ret_url)
{
    harborai_status st = manifest_read_text(r, where, value, ret_url);
    if (st == HARBORAI_OK && !url_is_base(*ret_url))
        return manifest_fault(r, where, "must be an http or https URL");
    while (st == HARBORAI_OK && slice_ends_with(*ret_url, "/"))
        ret_url->len--;
    return st;
}

size_t manifest_item_count(harborai_str array)
{
    struct json_cursor cursor = json_open(array);
    harborai_str item;
    size_t count = 0;
    while (json_array_next(&cursor, &item))
        count++;
    return count;
}

harborai_status manifest_read_texts(struct manifest_reader *r, const char *where,
                                    harborai_str value, struct manifest_texts *ret)
{
    if (json_kind(value) != JSON_ARRAY)
        return manifest_fault(r, where, "must be an array of strings");
    size_t count = manifest_item_count(value), at = 0;
    harborai_str *items = arena_alloc(&r->m->arena, (count + 1) * sizeof *items), item;
    if (items == NULL)
        return manifest_out_of_memory(r);
    struct json_cursor cursor = json_open(value);
    for (; json_array_next(&cursor, &item); at++) {
        char place[128];
        harborai_status st = manifest_read_text(r, where, item, &items[at]);
        if (st == HARBORAI_OK && items[at].len > 0)
            continue;
        snprintf(place, sizeof place, "%s[%zu]", where, at);
        return st < 0 ? manifest_read_text(r, place, item, &items[at])
                      : manifest_fault(r, place, "must not be empty");
    }
    *ret = (struct manifest_texts){items, count};
    return HARBORAI_OK;
}

/* `text` is no longer than its room, so that every token of it finds a place. */
static bool is_pointer(harborai_str text)
{
    char room[256];
    harborai_str token;
    if (text.len >= sizeof room)
        return false;
    while (text.len > 0)
        if (!json_pointer_next(&text, room, sizeof room, &token))
            return false;
    return true;
}

static bool is_needed(harborai_str pointer)
{
    static const char *const needed[] = {"model", "messages", "stream", NULL};
    char room[256];
    harborai_str first;
    return json_pointer_next(&pointer, room, sizeof room, &first) &&
           manifest_is_any_of(first, needed);
}

harborai_status manifest_read_unsupported(struct manifest_reader *r, const char *where,
                                          harborai_str value, struct manifest_texts *ret)
{
    harborai_status st = manifest_read_texts(r, where, value, ret);
    for (size_t i = 0; st == HARBORAI_OK && i < ret->count; i++)
        if (!is_pointer(ret->items[i]))
            st = manifest_fault(r, where, "'%s' is no JSON Pointer, such as \"/logit_bias\"",
                                ret->items[i].data);
        else if (is_needed(ret->items[i]))
            st = manifest_fault(r, where, "'%s': no request can do without it",
                                ret->items[i].data);
    return st;
}

bool manifest_is_any_of(harborai_str key, const char *const *names)
{
    for (; *names != NULL; names++)
        if (slice_is(key, *names))
            return true;
    return false;
}

harborai_status manifest_read_key(struct manifest_reader *r, const struct json_member *member,
                                  harborai_str *ret_key)
{
    if (!member->key_escaped) {
        *ret_key = member->key;
        return HARBORAI_OK;
    }
    harborai_str quoted = {member->key.data - 1, member->key.len + 2};
    return manifest_read_text(r, "", quoted, ret_key);
}
