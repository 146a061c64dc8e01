/* SPDX-License-Identifier: MIT */
/* The book of keys and its tables. Must never change what a reader may see, but for counts. */
#include "account/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"

/* A key with its texts behind it, in one piece of memory. */
struct page {
    struct key key; /* first: aligned */
    struct list link;
    unsigned char digest[KEY_DIGEST_SIZE];
};

struct keys {
    struct list pages;
};

struct key_table {
    size_t count, mask;
    struct page *slots[]; /* mask + 1 of them: at least half are empty */
};

/* ---- The book ------------------------------------------------------------------------------- */

harborai_status keys_create(struct keys **ret_keys, harborai_error *error)
{
    struct keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    list_init(&keys->pages);
    *ret_keys = keys;
    return HARBORAI_OK;
}

void keys_destroy(struct keys *keys)
{
    if (keys == NULL)
        return;
    for (struct list *item; (item = list_pop(&keys->pages)) != NULL;)
        free(CONTAINER_OF(item, struct page, link));
    free(keys);
}

static bool is_same(const struct page *page, const struct key_spec *spec)
{
    const struct key *key = &page->key;
    return key_digest_equal(page->digest, spec->digest) && slice_equal(key->id, spec->id) &&
           slice_equal(key->name, spec->name) && key->expires_ns == spec->expires_s * NS_PER_S &&
           key->revoked_ns == spec->revoked_s * NS_PER_S &&
           slice_lists_equal(key->models, key->model_count, spec->models, spec->model_count) &&
           key->requests.per_minute == spec->rpm && key->tokens.per_minute == spec->tpm &&
           key->concurrency == spec->concurrency;
}

static harborai_str put(char **at, harborai_str text)
{
    harborai_str copy = {*at, text.len};
    memcpy(*at, text.data, text.len);
    *at += text.len;
    return copy;
}

static size_t size_of_texts(const struct key_spec *spec)
{
    size_t size = spec->id.len + spec->name.len;
    for (size_t i = 0; i < spec->model_count; i++)
        size += spec->models[i].len;
    return size;
}

static struct page *make_page(const struct key_spec *spec)
{
    size_t lists = spec->model_count * sizeof(harborai_str);
    size_t size = sizeof(struct page) + lists + size_of_texts(spec);
    struct page *page = aligned_alloc(CACHE_LINE, (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (page == NULL)
        return NULL;
    memset(page, 0, sizeof *page);
    harborai_str *models = (harborai_str *)(page + 1);
    char *texts = (char *)(models + spec->model_count);
    page->key.id = put(&texts, spec->id);
    page->key.name = put(&texts, spec->name);
    for (size_t i = 0; i < spec->model_count; i++)
        models[i] = put(&texts, spec->models[i]);
    page->key.models = models;
    page->key.model_count = spec->model_count;
    page->key.expires_ns = spec->expires_s * NS_PER_S;
    page->key.revoked_ns = spec->revoked_s * NS_PER_S;
    page->key.concurrency = spec->concurrency;
    rate_limit_init(&page->key.requests, spec->rpm);
    rate_limit_init(&page->key.tokens, spec->tpm);
    memcpy(page->digest, spec->digest, sizeof page->digest);
    return page;
}

/* ---- Tables --------------------------------------------------------------------------------- */

/* A digest is as good as chance: its first bytes need no other hash. */
static size_t place_of(const unsigned char digest[static KEY_DIGEST_SIZE])
{
    uint64_t word;
    memcpy(&word, digest, sizeof word);
    return (size_t)word;
}

static struct key_table *make_table(size_t count)
{
    size_t slots = 4;
    while (slots < 2 * count)
        slots *= 2;
    struct key_table *table = calloc(1, sizeof *table + slots * sizeof table->slots[0]);
    if (table != NULL)
        table->mask = slots - 1;
    return table;
}

static void add(struct key_table *table, struct page *page)
{
    size_t i = place_of(page->digest) & table->mask;
    while (table->slots[i] != NULL)
        i = (i + 1) & table->mask;
    table->slots[i] = page;
    table->count++;
}

static struct page *find_page(const struct key_table *table,
                              const unsigned char digest[static KEY_DIGEST_SIZE])
{
    for (size_t i = place_of(digest) & table->mask; table->slots[i] != NULL;
         i = (i + 1) & table->mask)
        if (key_digest_equal(table->slots[i]->digest, digest))
            return table->slots[i];
    return NULL;
}

/* All that were ever there, by digest: the newest of one that was changed. */
static struct key_table *make_index(const struct keys *keys)
{
    size_t count = 0;
    for (const struct list *i = keys->pages.next; i != &keys->pages; i = i->next)
        count++;
    struct key_table *index = make_table(count);
    for (struct list *i = keys->pages.prev; index != NULL && i != &keys->pages; i = i->prev) {
        struct page *page = CONTAINER_OF(i, struct page, link);
        if (find_page(index, page->digest) == NULL)
            add(index, page);
    }
    return index;
}

/* False: no memory. */
static bool fill(struct keys *keys, struct key_table *table, const struct key_table *index,
                 const struct key_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct page *page = find_page(index, list->keys[i].digest);
        if (page == NULL || !is_same(page, &list->keys[i])) {
            page = make_page(&list->keys[i]);
            if (page == NULL)
                return false;
            list_append(&keys->pages, &page->link);
        }
        add(table, page);
    }
    return true;
}

/* NULL: no memory. */
static struct key_table *table_of(struct keys *keys, const struct key_list *list)
{
    struct key_table *index = make_index(keys), *table = make_table(list->count);
    bool is_whole = index != NULL && table != NULL && fill(keys, table, index, list);
    key_table_destroy(index);
    if (is_whole)
        return table;
    key_table_destroy(table);
    return NULL;
}

harborai_status keys_read(struct keys *keys, harborai_str state_dir, struct key_table **ret_table,
                          harborai_error *error)
{
    struct key_list *list;
    harborai_status st = key_list_load(state_dir, &list, error);
    if (st < 0)
        return st;
    struct key_table *table = table_of(keys, list);
    key_list_destroy(list);
    if (table == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the keys");
    *ret_table = table;
    return HARBORAI_OK;
}

void key_table_destroy(struct key_table *table)
{
    free(table);
}

bool key_table_is_same(const struct key_table *a, const struct key_table *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i <= a->mask; i++)
        if (a->slots[i] != NULL && find_page(b, a->slots[i]->digest) != a->slots[i])
            return false;
    return true;
}

struct key *key_table_find(const struct key_table *table,
                           const unsigned char digest[static KEY_DIGEST_SIZE])
{
    struct page *page = find_page(table, digest);
    return page != NULL ? &page->key : NULL;
}

struct key *key_table_find_again(const struct key_table *table, const struct key *key)
{
    const struct page *page = (const struct page *)(const void *)key;
    return key_table_find(table, page->digest);
}

size_t key_table_count(const struct key_table *table)
{
    return table->count;
}

static bool is_active(const struct key *key, int64_t wall_ns)
{
    return key->revoked_ns == 0 && (key->expires_ns == 0 || wall_ns < key->expires_ns);
}

size_t key_table_count_active(const struct key_table *table, int64_t wall_ns)
{
    size_t count = 0;
    for (size_t i = 0; i <= table->mask; i++)
        count += table->slots[i] != NULL && is_active(&table->slots[i]->key, wall_ns);
    return count;
}

/* ---- A key ---------------------------------------------------------------------------------- */

static bool matches_any(const struct key *key, harborai_str name)
{
    for (size_t i = 0; i < key->model_count; i++)
        if (slice_matches_glob(name, key->models[i]))
            return true;
    return false;
}

bool key_allows(const struct key *key, harborai_str model, harborai_str provider,
                harborai_str upstream)
{
    char target[512];
    if (key->model_count == 0 || matches_any(key, model))
        return true;
    if (provider.len == 0 || provider.len + 1 + upstream.len > sizeof target)
        return false;
    memcpy(target, provider.data, provider.len);
    target[provider.len] = '/';
    memcpy(target + provider.len + 1, upstream.data, upstream.len);
    return matches_any(key, (harborai_str){target, provider.len + 1 + upstream.len});
}

bool key_begin(struct key *key, int64_t now_ns, struct rate_state *ret_state)
{
    if (key->concurrency > 0 && atomic_fetch_add(&key->running, 1) >= key->concurrency) {
        *ret_state = rate_limit_look(&key->requests, &key->requests_used, now_ns);
        key_end(key);
        return false;
    }
    *ret_state = (struct rate_state){.limit = 0};
    if (key->requests.per_minute == 0 ||
        rate_limit_take(&key->requests, &key->requests_used, now_ns, 1, NULL, ret_state))
        return true;
    key_end(key);
    return false;
}

void key_end(struct key *key)
{
    if (key->concurrency > 0)
        atomic_fetch_sub(&key->running, 1);
}
