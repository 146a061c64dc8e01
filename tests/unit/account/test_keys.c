/* SPDX-License-Identifier: MIT */
/* Keys: their texts, their file, and the tables that loops read. */
#include "account/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"

extern const CU_TestInfo keys_tests[];

#define NOON_S INT64_C(1795341600) /* 2026-11-22T10:00:00Z */

static int64_t fixed_ns(const struct clock *self)
{
    (void)self;
    return NOON_S * NS_PER_S;
}

static const struct clock fixed = {fixed_ns, fixed_ns};

/* ---- Texts ---------------------------------------------------------------------------------- */

static void test_texts(void)
{
    char text[KEY_TEXT_LEN + 1], other[KEY_TEXT_LEN + 1];
    CU_ASSERT_FATAL(key_text_make(text, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(key_text_make(other, NULL) == HARBORAI_OK);
    CU_ASSERT_EQUAL(strlen(text), KEY_TEXT_LEN);
    CU_ASSERT_STRING_NOT_EQUAL(text, other);
    CU_ASSERT_EQUAL(key_text_form(slice_of(text)), KEY_TEXT_WHOLE);
    CU_ASSERT_EQUAL(key_text_form(slice_cut(slice_of(text), KEY_TEXT_LEN - 1)), KEY_TEXT_BROKEN);
    CU_ASSERT_EQUAL(key_text_form(HARBORAI_STR("hk-")), KEY_TEXT_BROKEN);
    CU_ASSERT_EQUAL(key_text_form(HARBORAI_STR("sk-abc")), KEY_TEXT_FOREIGN);
    CU_ASSERT_EQUAL(key_text_form(SLICE_NONE), KEY_TEXT_FOREIGN);
}

/* One wrong letter anywhere, or two that changed places, as people mistype. */
static void test_mistyped(void)
{
    char text[KEY_TEXT_LEN + 1], wrong[KEY_TEXT_LEN + 1];
    CU_ASSERT_FATAL(key_text_make(text, NULL) == HARBORAI_OK);
    for (size_t i = 3; i < KEY_TEXT_LEN; i++) {
        memcpy(wrong, text, sizeof wrong);
        wrong[i] = text[i] == 'x' ? 'y' : 'x';
        CU_ASSERT_EQUAL(key_text_form(slice_of(wrong)), KEY_TEXT_BROKEN);
        if (i + 1 == KEY_TEXT_LEN || text[i] == text[i + 1])
            continue;
        memcpy(wrong, text, sizeof wrong);
        wrong[i] = text[i + 1];
        wrong[i + 1] = text[i];
        CU_ASSERT_EQUAL(key_text_form(slice_of(wrong)), KEY_TEXT_BROKEN);
    }
}

/* Of 43 letters of 62 each comes about as often as the others. */
static void test_chance_is_fair(void)
{
    unsigned counts[256] = {0};
    char text[KEY_TEXT_LEN + 1];
    for (int i = 0; i < 2000; i++) {
        CU_ASSERT_FATAL(key_text_make(text, NULL) == HARBORAI_OK);
        for (size_t k = 3; k < 3 + KEY_TEXT_RANDOM; k++)
            counts[(unsigned char)text[k]]++;
    }
    for (const char *c = "09AZaz5Mm"; *c != '\0'; c++) /* 1387 of each; 37 is one deviation */
        CU_ASSERT(counts[(unsigned char)*c] > 1387 - 300 && counts[(unsigned char)*c] < 1387 + 300);
}

static void test_masks(void)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        {"ours", "hk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000", "hk-01********0000"},
        {"short", "secret", "********"},
        {"empty", "", "********"},
        {"a line's end", "hk-\r\n67890123456789012", "hk-?""?********9012"},
    };
    char shown[KEY_TEXT_MASK_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        key_text_mask(slice_of(rows[i].text), shown);
        ROW(rows[i].name, strcmp(shown, rows[i].want) == 0);
    }
}

static void test_digest(void)
{
    static const unsigned char want[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    unsigned char digest[KEY_DIGEST_SIZE], again[KEY_DIGEST_SIZE];
    struct key_hasher *hasher;
    CU_ASSERT_FATAL(key_hasher_create(&hasher, NULL) == HARBORAI_OK);
    CU_ASSERT(key_hasher_digest(hasher, HARBORAI_STR("abc"), digest)); /* FIPS 180-2, B.1 */
    CU_ASSERT(memcmp(digest, want, sizeof want) == 0);
    CU_ASSERT(key_hasher_digest(hasher, HARBORAI_STR("abd"), again));
    CU_ASSERT(!key_digest_equal(digest, again));
    CU_ASSERT(key_hasher_digest(hasher, HARBORAI_STR("abc"), again));
    CU_ASSERT(key_digest_equal(digest, again));
    key_hasher_destroy(hasher);
}

/* ---- A state directory ---------------------------------------------------------------------- */

struct place {
    char dir[64], file[80];
};

static struct place place_make(void)
{
    struct place p;
    snprintf(p.dir, sizeof p.dir, "/tmp/harborai-keys-XXXXXX");
    CU_ASSERT_FATAL(mkdtemp(p.dir) != NULL);
    snprintf(p.file, sizeof p.file, "%s/keys.json", p.dir);
    return p;
}

static void place_remove(const struct place *p)
{
    static const char *const names[] = {"keys.json", "keys.json.lock", "keys.json.new"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", p->dir, names[i]);
        (void)unlink(path);
    }
    CU_ASSERT(rmdir(p->dir) == 0);
}

static void place_write(const struct place *p, const char *text, mode_t mode)
{
    (void)unlink(p->file);
    int fd = open(p->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CU_ASSERT_FATAL(fd >= 0 && fchmod(fd, mode) == 0);
    CU_ASSERT_FATAL(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static harborai_status add(const struct place *p, const struct key_spec *spec,
                           char text[KEY_TEXT_LEN + 1], char id[KEY_ID_LEN + 1],
                           harborai_error *error)
{
    return key_file_add(slice_of(p->dir), spec, &fixed, text, id, error);
}

static struct key_list *load(const struct place *p)
{
    struct key_list *list = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = key_list_load(slice_of(p->dir), &list, &error);
    if (st < 0)
        fprintf(stderr, "\n%s\n", error.message);
    CU_ASSERT_FATAL(st == HARBORAI_OK);
    return list;
}

static void test_file(void)
{
    struct place p = place_make();
    char text[KEY_TEXT_LEN + 1], id[KEY_ID_LEN + 1];
    const harborai_str models[] = {HARBORAI_STR_INIT("gpt-4o"), HARBORAI_STR_INIT("lab/*")};
    const struct key_spec spec = {.name = HARBORAI_STR("ci"), .expires_s = NOON_S + 86400,
                                  .models = models, .model_count = 2,
                                  .rpm = 60, .tpm = 100000, .concurrency = 4};
    harborai_error error = HARBORAI_ERROR_INIT;
    struct stat status;

    struct key_list *list = load(&p);
    CU_ASSERT_EQUAL(list->count, 0);
    key_list_destroy(list);
    CU_ASSERT_FATAL(add(&p, &spec, text, id, &error) == HARBORAI_OK);
    CU_ASSERT(stat(p.file, &status) == 0 && (status.st_mode & 07777) == 0600);
    list = load(&p);
    CU_ASSERT_FATAL(list->count == 1);
    const struct key_spec *key = &list->keys[0];
    CU_ASSERT(slice_is(key->id, id) && slice_is(key->name, "ci"));
    CU_ASSERT(key->created_s == NOON_S && key->expires_s == NOON_S + 86400 && key->revoked_s == 0);
    CU_ASSERT(key->rpm == 60 && key->tpm == 100000 && key->concurrency == 4);
    CU_ASSERT(key->model_count == 2 && slice_is(key->models[1], "lab/*"));
    CU_ASSERT_EQUAL(key_spec_state(key, (NOON_S + 86399) * NS_PER_S), KEY_ACTIVE);
    CU_ASSERT_EQUAL(key_spec_state(key, (NOON_S + 86400) * NS_PER_S), KEY_EXPIRED);
    key_list_destroy(list);
    place_remove(&p);
}

/* By its name, its id, or itself; and the name is free again. */
static void test_revoking(void)
{
    struct place p = place_make();
    char text[3][KEY_TEXT_LEN + 1], id[3][KEY_ID_LEN + 1];
    const struct key_spec spec = {.name = HARBORAI_STR("ci")};
    harborai_error error = HARBORAI_ERROR_INIT;
    for (int i = 0; i < 3; i++) {
        struct key_list *list;
        const struct key_spec *key;
        bool changed = false;
        CU_ASSERT_FATAL(add(&p, &spec, text[i], id[i], &error) == HARBORAI_OK);
        CU_ASSERT(add(&p, &spec, text[i == 0], id[i == 0], &error) == HARBORAI_E_INVALID);
        harborai_str called = i == 0   ? HARBORAI_STR("ci")
                              : i == 1 ? slice_of(id[1])
                                       : slice_of(text[2]);
        CU_ASSERT_FATAL(key_file_revoke(slice_of(p.dir), called, &fixed, &list, &key, &changed,
                                        &error) == HARBORAI_OK);
        CU_ASSERT(changed && slice_is(key->id, id[i]) && key->revoked_s == NOON_S);
        key_list_destroy(list);
        CU_ASSERT_FATAL(key_file_revoke(slice_of(p.dir), called, &fixed, &list, &key, &changed,
                                        &error) == HARBORAI_OK);
        CU_ASSERT(!changed && slice_is(key->id, id[i]));
        key_list_destroy(list);
    }
    struct key_list *list;
    const struct key_spec *key;
    bool changed;
    CU_ASSERT(key_file_revoke(slice_of(p.dir), HARBORAI_STR("nobody"), &fixed, &list, &key, &changed,
                              &error) == HARBORAI_E_NOT_FOUND);
    char foreign[KEY_TEXT_LEN + 1];
    CU_ASSERT(key_text_make(foreign, NULL) == HARBORAI_OK);
    CU_ASSERT(key_file_revoke(slice_of(p.dir), slice_of(foreign), &fixed, &list, &key, &changed,
                              &error) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT_PTR_NULL(strstr(error.message, foreign));
    place_remove(&p);
}

static void test_names(void)
{
    static const struct {
        const char *name;
        bool is_good;
    } rows[] = {
        {"ci", true},      {"jane.doe@example.com", true}, {"a", true},     {"team-1_x+y", true},
        {"", false},       {"-x", false},                  {"a b", false},  {"hk-abc", false},
        {"key_abc", false}, {"a/b", false},                {"ä", false},    {"a\nb", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ROW(rows[i].name, key_name_is_good(slice_of(rows[i].name)) == rows[i].is_good);
    char longest[KEY_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    CU_ASSERT(key_name_is_good((harborai_str){longest, KEY_NAME_MAX}));
    CU_ASSERT(!key_name_is_good((harborai_str){longest, KEY_NAME_MAX + 1}));
}

#define ENTRY(more)                                                                                \
    "{\"id\":\"key_0123456789ab\",\"name\":\"ci\",\"sha256\":\"" HEX "\","                         \
    "\"created\":\"2026-11-22T10:00:00Z\"" more "}"
#define HEX "0dee73d5f33b6d03dc70a2c6a43e28f9d71b7d37a8417ab7527a1e12df1d8119"
#define FILE_OF(entries) "{\"version\":1,\"keys\":[" entries "]}"

/* Nothing that is not understood lets anybody in. */
static void test_broken_files(void)
{
    static const struct {
        const char *name, *text, *want; /* in the message; NULL: it is sound */
    } rows[] = {
        {"sound", FILE_OF(ENTRY("")), NULL},
        {"without keys", FILE_OF(""), NULL},
        {"empty", "", "this is no JSON object"},
        {"no JSON", "keys", "this is no JSON object"},
        {"no version", "{\"keys\":[]}", "it needs"},
        {"another version", "{\"version\":2,\"keys\":[]}", "another HarborAI"},
        {"more", "{\"version\":1,\"keys\":[],\"x\":1}", "this is no JSON object"},
        {"no list", "{\"version\":1,\"keys\":{}}", "is no list"},
        {"no object", FILE_OF("1"), "this is no object"},
        {"an unknown member", FILE_OF(ENTRY(",\"only_from\":\"10.0.0.0/8\"")), "may be a limit"},
        {"a limit of nothing", FILE_OF(ENTRY(",\"rpm\":0")), "no whole number"},
        {"a negative limit", FILE_OF(ENTRY(",\"tpm\":-1")), "no whole number"},
        {"a limit as text", FILE_OF(ENTRY(",\"concurrency\":\"1\"")), "no whole number"},
        {"no model", FILE_OF(ENTRY(",\"models\":[]")), "is empty"},
        {"a model that is none", FILE_OF(ENTRY(",\"models\":[1]")), "no text"},
        {"models that are no list", FILE_OF(ENTRY(",\"models\":\"*\"")), "no list"},
        {"a time that is none", FILE_OF(ENTRY(",\"expires\":\"tomorrow\"")), "no time"},
        {"a time too late", FILE_OF(ENTRY(",\"expires\":\"9999-12-31T23:59:59Z\"")), "before 2262"},
        {"a time as a number", FILE_OF(ENTRY(",\"revoked\":1")), "no time"},
        {"twice", FILE_OF(ENTRY(",\"rpm\":1,\"rpm\":2")), "stands twice"},
        {"two of one digest", FILE_OF(ENTRY("") "," ENTRY("")), "one id, or one digest"},
        {"no digest", FILE_OF("{\"id\":\"key_0123456789ab\",\"name\":\"ci\","
                              "\"created\":\"2026-11-22T10:00:00Z\"}"), "lacks its"},
        {"a key for a digest", FILE_OF("{\"sha256\":\"hk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabc\"}"),
         "no SHA-256"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_str text = unit_tight(slice_of(rows[i].text));
        struct key_list *list = NULL;
        harborai_status st = key_list_create(text, "/s/keys.json", &list, &error);
        ROW(rows[i].name, st == (rows[i].want == NULL ? HARBORAI_OK : HARBORAI_E_CONFIG));
        ROW(rows[i].name, rows[i].want == NULL || strstr(error.message, rows[i].want) != NULL);
        ROW(rows[i].name, st == HARBORAI_OK || strstr(error.message, "/s/keys.json") != NULL);
        ROW(rows[i].name, strstr(error.message, "456789AB") == NULL);
        key_list_destroy(list);
        unit_drop(text);
    }
}

static void test_others_may_not_write(void)
{
    static const mode_t modes[] = {0620, 0602, 0666};
    struct place p = place_make();
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        struct key_list *list;
        place_write(&p, FILE_OF(ENTRY("")), modes[i]);
        CU_ASSERT(key_list_load(slice_of(p.dir), &list, &error) == HARBORAI_E_CONFIG);
        CU_ASSERT_PTR_NOT_NULL(strstr(error.message, "others may write"));
    }
    place_remove(&p);
}

/* Each of several processes at once gets its key, and none is lost. */
static void test_processes_at_once(void)
{
    enum { PROCESSES = 4, EACH = 8 };
    struct place p = place_make();
    for (int i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        CU_ASSERT_FATAL(child >= 0);
        if (child > 0)
            continue;
        for (int k = 0; k < EACH; k++) {
            char name[32], text[KEY_TEXT_LEN + 1], id[KEY_ID_LEN + 1];
            snprintf(name, sizeof name, "p%d.%d", i, k);
            const struct key_spec spec = {.name = slice_of(name)};
            if (add(&p, &spec, text, id, NULL) < 0)
                _exit(1);
        }
        _exit(0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        CU_ASSERT(wait(&status) > 0 && status == 0);
    }
    struct key_list *list = load(&p);
    CU_ASSERT_EQUAL(list->count, PROCESSES * EACH);
    key_list_destroy(list);
    place_remove(&p);
}

/* ---- Tables --------------------------------------------------------------------------------- */

static struct key *find(const struct key_table *table, const char *text)
{
    unsigned char digest[KEY_DIGEST_SIZE];
    struct key_hasher *hasher;
    CU_ASSERT_FATAL(key_hasher_create(&hasher, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(key_hasher_digest(hasher, slice_of(text), digest));
    key_hasher_destroy(hasher);
    return key_table_find(table, digest);
}

static struct key_table *read_table(struct keys *keys, const struct place *p)
{
    struct key_table *table = NULL;
    CU_ASSERT_FATAL(keys_read(keys, slice_of(p->dir), &table, NULL) == HARBORAI_OK);
    return table;
}

static void test_tables(void)
{
    enum { COUNT = 100 };
    static char text[COUNT][KEY_TEXT_LEN + 1];
    char id[KEY_ID_LEN + 1], name[16];
    struct place p = place_make();
    struct keys *keys;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "n%d", i);
        const struct key_spec spec = {.name = slice_of(name), .rpm = i + 1};
        CU_ASSERT_FATAL(add(&p, &spec, text[i], id, NULL) == HARBORAI_OK);
    }
    CU_ASSERT_FATAL(keys_create(&keys, NULL) == HARBORAI_OK);
    struct key_table *table = read_table(keys, &p);
    CU_ASSERT_EQUAL(key_table_count(table), COUNT);
    for (int i = 0; i < COUNT; i++) {
        const struct key *key = find(table, text[i]);
        CU_ASSERT_FATAL(key != NULL);
        CU_ASSERT_EQUAL(key->requests.per_minute, i + 1);
    }
    CU_ASSERT_PTR_NULL(find(table, "hk-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000"));
    key_table_destroy(table);
    keys_destroy(keys);
    place_remove(&p);
}

/* What a key has used stays with it while others come and go, and when it goes itself for whoever has it
 * still. */
static void test_reading_again(void)
{
    struct place p = place_make();
    char text[2][KEY_TEXT_LEN + 1], id[KEY_ID_LEN + 1];
    const struct key_spec one = {.name = HARBORAI_STR("one"), .rpm = 2, .concurrency = 9};
    const struct key_spec two = {.name = HARBORAI_STR("two")};
    struct rate_state state;
    struct keys *keys;
    struct key_list *list;
    const struct key_spec *revoked;
    bool changed;
    CU_ASSERT_FATAL(keys_create(&keys, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(add(&p, &one, text[0], id, NULL) == HARBORAI_OK);
    struct key_table *before = read_table(keys, &p);
    struct key *key = find(before, text[0]);
    CU_ASSERT_FATAL(key != NULL && key_begin(key, NS_PER_S, &state));
    CU_ASSERT_FATAL(add(&p, &two, text[1], id, NULL) == HARBORAI_OK);
    struct key_table *after = read_table(keys, &p);
    CU_ASSERT(!key_table_is_same(before, after));
    CU_ASSERT_PTR_EQUAL(find(after, text[0]), key);
    CU_ASSERT_EQUAL(key_table_count_active(after, NOON_S * NS_PER_S), 2);
    key_table_destroy(before);
    before = read_table(keys, &p);
    CU_ASSERT(key_table_is_same(before, after));
    key_table_destroy(before);
    CU_ASSERT_FATAL(key_file_revoke(slice_of(p.dir), HARBORAI_STR("one"), &fixed, &list, &revoked,
                                    &changed, NULL) == HARBORAI_OK);
    key_list_destroy(list);
    key_table_destroy(after);
    after = read_table(keys, &p);
    CU_ASSERT_EQUAL(key_table_count_active(after, NOON_S * NS_PER_S), 1);
    struct key *gone = find(after, text[0]);
    CU_ASSERT_FATAL(gone != NULL);
    CU_ASSERT(gone != key && gone->revoked_ns == NOON_S * NS_PER_S && key->revoked_ns == 0);
    key_end(key);
    CU_ASSERT_EQUAL(atomic_load(&key->running), 0);
    key_table_destroy(after);
    keys_destroy(keys);
    place_remove(&p);
}

static void test_models(void)
{
    static const harborai_str lists[][2] = {
        {HARBORAI_STR_INIT("gpt-4o"), HARBORAI_STR_INIT("lab/*")},
        {HARBORAI_STR_INIT("openai/gpt-4o"), HARBORAI_STR_INIT("smart")},
    };
    static const struct {
        const char *name, *model, *provider, *upstream;
        int list; /* -1: all */
        bool allowed;
    } rows[] = {
        {"all", "anything", "x", "y", -1, true},
        {"by name", "gpt-4o", "openai", "gpt-4o", 0, true},
        {"another", "gpt-4o-mini", "openai", "gpt-4o-mini", 0, false},
        {"an exact way round it", "lab/gpt-4o-mini", "lab", "gpt-4o-mini", 0, true},
        {"by provider", "my-model", "lab", "my-model", 0, true},
        {"an alias by its target", "smarter", "openai", "gpt-4o", 1, true},
        {"an alias by its name", "smart", "deepseek", "chat", 1, true},
        {"another provider's", "gpt-4o", "azure", "gpt-4o", 1, false},
        {"nowhere", "nothing", "", "", 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct key key = {.models = rows[i].list < 0 ? NULL : lists[rows[i].list],
                                .model_count = rows[i].list < 0 ? 0 : 2};
        ROW(rows[i].name, key_allows(&key, slice_of(rows[i].model), slice_of(rows[i].provider),
                                     slice_of(rows[i].upstream)) == rows[i].allowed);
    }
}

static void test_concurrency(void)
{
    struct key key = {.concurrency = 2};
    struct rate_state state;
    CU_ASSERT(key_begin(&key, 0, &state) && key_begin(&key, 0, &state));
    CU_ASSERT(!key_begin(&key, 0, &state));
    CU_ASSERT_EQUAL(state.wait_ns, 0);
    key_end(&key);
    CU_ASSERT(key_begin(&key, 0, &state));
    /* Who is over his requests does not hold a place. */
    struct key both = {.concurrency = 1};
    rate_limit_init(&both.requests, 1);
    CU_ASSERT(key_begin(&both, NS_PER_S, &state));
    key_end(&both);
    CU_ASSERT(!key_begin(&both, NS_PER_S, &state) && state.wait_ns > 0);
    CU_ASSERT_EQUAL(atomic_load(&both.running), 0);
}

const CU_TestInfo keys_tests[] = {
    {"texts", test_texts},
    {"mistyped", test_mistyped},
    {"chance is fair", test_chance_is_fair},
    {"masks", test_masks},
    {"digest", test_digest},
    {"the file", test_file},
    {"revoking", test_revoking},
    {"names", test_names},
    {"broken files", test_broken_files},
    {"a file that others may write to", test_others_may_not_write},
    {"processes at once", test_processes_at_once},
    {"tables", test_tables},
    {"reading again", test_reading_again},
    {"models", test_models},
    {"concurrency", test_concurrency},
    CU_TEST_INFO_NULL,
};
