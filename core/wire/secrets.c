/* SPDX-License-Identifier: MIT */
/* Looks for each secret in a text as it stands, and in what is left of it without escapes. Must never
 * leave half of an escape. */
#include "wire/secrets.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "wire/masker_parts.h"

#define GRAM 4 /* bytes */

struct secrets {
    uint64_t grams[1024]; /* bits: those of the secrets, by their hash, and others */
    _Atomic unsigned references;
    size_t count, room;
    struct secret **items; /* owned references */
};

struct secrets *secrets_create(void)
{
    struct secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets != NULL)
        atomic_init(&secrets->references, 1);
    return secrets;
}

struct secrets *secrets_ref(struct secrets *secrets)
{
    if (secrets != NULL)
        atomic_fetch_add_explicit(&secrets->references, 1, memory_order_relaxed);
    return secrets;
}

void secrets_unref(struct secrets *secrets)
{
    if (secrets == NULL ||
        atomic_fetch_sub_explicit(&secrets->references, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < secrets->count; i++)
        secret_unref(secrets->items[i]);
    free(secrets->items);
    free(secrets);
}

/* --- Grams ------------------------------------------------------------------------------------ */

static unsigned hash_gram(const char *text)
{
    uint32_t gram;
    memcpy(&gram, text, GRAM);
    return (gram * 2654435761u) >> 16;
}

static bool has_gram(const struct secrets *s, const char *text)
{
    unsigned hash = hash_gram(text);
    return (s->grams[hash / 64] >> hash % 64 & 1) != 0;
}

static void add_grams(struct secrets *s, harborai_str text)
{
    if (text.len < SECRET_LEAST)
        return;
    for (size_t i = 0; i + GRAM <= text.len; i++) {
        unsigned hash = hash_gram(text.data + i);
        s->grams[hash / 64] |= UINT64_C(1) << hash % 64;
    }
}

/* --- Adding ----------------------------------------------------------------------------------- */

static harborai_status out_of_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static bool has(const struct secrets *secrets, const struct secret *secret)
{
    for (size_t i = 0; i < secrets->count; i++)
        if (secret_equal(secrets->items[i], secret))
            return true;
    return false;
}

static harborai_status add(struct secrets *s, struct secret *secret, harborai_error *error)
{
    if (has(s, secret))
        return HARBORAI_OK;
    if (s->count == s->room) {
        size_t room = s->room > 0 ? 2 * s->room : 16;
        struct secret **items = reallocarray(s->items, room, sizeof *items);
        if (items == NULL)
            return out_of_memory(error);
        s->items = items;
        s->room = room;
    }
    s->items[s->count++] = secret_ref(secret);
    add_grams(s, secret_reveal(secret));
    return HARBORAI_OK;
}

/* As a view has characters beyond ASCII that were escaped: each UTF-16 unit is one byte. In place;
 * returns the length. */
static size_t fold(char *text, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x80)
            text[to++] = text[i];
        else if (byte >= 0xc0) /* the first of a character */
            text[to++] = (char)0x80;
        if (byte >= 0xf0)
            text[to++] = (char)0x80;
    }
    return to;
}

/* What a view shows of a text that has the secret in escapes: less than the secret, if that has what
 * looks like an escape itself. */
static harborai_status add_view(struct secrets *s, harborai_str text, harborai_error *error)
{
    struct masker_view view;
    struct secret *shown = NULL;
    if (!masker_view_init(&view, text))
        return out_of_memory(error);
    size_t len = view.text.len;
    char *folded = malloc(len + 1);
    harborai_status st = folded != NULL ? HARBORAI_OK : out_of_memory(error);
    if (st >= 0) {
        memcpy(folded, view.text.data, len);
        st = secret_create((harborai_str){folded, fold(folded, len)}, "secret", &shown, NULL);
        /* A control character in escapes: it is looked for as it stands only. */
        st = st == HARBORAI_E_CONFIG ? HARBORAI_OK : st < 0 ? out_of_memory(error) : add(s, shown, error);
        explicit_bzero(folded, len);
    }
    free(folded);
    secret_unref(shown);
    if (view.from != NULL)
        explicit_bzero((void *)(uintptr_t)view.text.data, view.text.len);
    masker_view_release(&view);
    return st;
}

harborai_status secrets_add(struct secrets *secrets, struct secret *secret, harborai_error *error)
{
    if (secret == NULL || has(secrets, secret))
        return HARBORAI_OK;
    harborai_status st = add(secrets, secret, error);
    return st >= 0 ? add_view(secrets, secret_reveal(secret), error) : st;
}

harborai_status secrets_add_text(struct secrets *secrets, harborai_str text, harborai_error *error)
{
    struct secret *secret = NULL;
    if (text.len == 0)
        return HARBORAI_OK;
    harborai_status st = secret_create(text, "secret", &secret, error);
    if (st >= 0)
        st = secrets_add(secrets, secret, error);
    secret_unref(secret);
    return st;
}

/* --- Masking ---------------------------------------------------------------------------------- */

static size_t source_of(const struct masker_view *view, size_t at)
{
    return view->from != NULL ? view->from[at] : at;
}

/* The longest run of any that begins with the text, which has SECRET_LEAST bytes; 0: none is so long. */
static size_t run_at(const struct secrets *s, harborai_str text)
{
    size_t longest = 0;
    if (!has_gram(s, text.data) || !has_gram(s, text.data + 2))
        return 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t run = secret_run_at(s->items[i], text);
        bool is_secret = secret_reveal(s->items[i]).len >= SECRET_LEAST;
        longest = is_secret && run > longest ? run : longest;
    }
    return longest >= SECRET_LEAST ? longest : 0;
}

/* Steps over what no run can have: its last gram would be one of theirs. After a run it goes on within
 * it, for that of another secret may begin there. */
static void mark(const struct secrets *s, const struct masker_view *view, char *marks)
{
    harborai_str text = view->text;
    size_t step;
    for (size_t at = 0; at < text.len && text.len - at >= SECRET_LEAST; at += step) {
        step = has_gram(s, text.data + at + SECRET_LEAST - GRAM) ? 1 : SECRET_LEAST - GRAM + 1;
        size_t run = step == 1 ? run_at(s, slice_from(text, at)) : 0;
        if (run > 0) {
            size_t from = source_of(view, at);
            memset(marks + from, 1, source_of(view, at + run) - from);
        }
    }
}

/* Whole escapes: of one that is in part marked, the rest too. */
static void mark_escapes(harborai_str text, char *marks)
{
    for (size_t i = 0, len; i < text.len; i += len) {
        len = text.data[i] != '\\' ? 1 : masker_char(text, i + 1) == 'u' ? 6 : 2;
        len = len < text.len - i ? len : text.len - i;
        if (len > 1 && memchr(marks + i, 1, len) != NULL)
            memset(marks + i, 1, len);
    }
}

static size_t replace_marked(char *text, size_t len, const char *marks)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        if (marks[i] == 0) {
            text[to++] = text[i];
        } else if (i == 0 || marks[i - 1] == 0) { /* eight bytes at least are marked */
            memcpy(text + to, "***", 3);
            to += 3;
        }
    }
    return to;
}

/* All are found before any is replaced: two that have a part in common do not hide each other. */
bool secrets_mask(const struct secrets *secrets, struct buf *text)
{
    struct masker_view plain = {.text = buf_slice(text)}, view;
    if (secrets == NULL || secrets->count == 0 || text->len == 0)
        return true;
    char *marks = calloc(1, text->len);
    if (marks == NULL || !masker_view_init(&view, plain.text)) {
        free(marks);
        buf_clear(text);
        return false;
    }
    mark(secrets, &plain, marks);
    if (view.from != NULL)
        mark(secrets, &view, marks);
    masker_view_release(&view);
    if (memchr(marks, 1, text->len) != NULL) {
        mark_escapes(plain.text, marks);
        text->len = replace_marked(text->data, text->len, marks);
    }
    free(marks);
    return true;
}
