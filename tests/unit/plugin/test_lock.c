/* SPDX-License-Identifier: MIT */
/* plugins.lock: what is read, what is written, and which file of a plugin it lets through. */
#include "plugin/lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../unit.h"
#include "fixture.h"
#include "plugin/discover.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define DIGEST A16 A16 A16 A16
#define B16 "bbbbbbbbbbbbbbbb"
#define OTHER B16 B16 B16 B16

static const struct {
    const char *text, *want; /* want NULL: com.example.a is listed as DIGEST; "": it is not */
} texts[] = {
    {"{\"version\":1,\"plugins\":{\"com.example.a\":\"" DIGEST "\"}}", NULL},
    {"{\"plugins\":{\"b\":\"" DIGEST "\",\"com.example.a\":\"" DIGEST "\"},\"version\":1,\"x\":[1]}", NULL},
    {"{\"version\":1,\"plugins\":{\"com.example.a\":[\"" DIGEST "\"]}}", NULL},
    {"{\"version\":1,\"plugins\":{\"com.example.a\":[\"" DIGEST "\",\"" OTHER "\"]}}", NULL},
    {"{\"version\":1,\"plugins\":{\"a\":[\"" DIGEST "\",\"" OTHER "\",\"" DIGEST "\"]}}", "is no SHA-256"},
    {"{\"version\":1,\"plugins\":{\"a\":[]}}", "is no SHA-256"},
    {"{\"version\":1,\"plugins\":{\"a\":[\"" DIGEST "\",1]}}", "is no SHA-256"},
    {"{\"version\":1}", ""},
    {"{\"version\":1,\"plugins\":{}}", ""},
    {"", "line 1"},
    {"{\n\"version\":1,\n\"plugins\":{", "line 3"},
    {"{\"plugins\":{}}", "its \"version\" is not 1"},
    {"{\"version\":2}", "its \"version\" is not 1"},
    {"{\"version\":1,\"plugins\":[]}", "'plugins' is no object"},
    {"{\"version\":1,\"plugins\":{},\"plugins\":{}}", "stands twice"},
    {"{\"version\":1,\n\"plugins\":{\"a\":\"" DIGEST "\",\n\"a\":\"" DIGEST "\"}}", "line 3: a stands twice"},
    {"{\"version\":1,\"plugins\":{\"a\":\"" A16 A16 A16 "\"}}", "is no SHA-256"},
    {"{\"version\":1,\"plugins\":{\"a\":\"" A16 A16 A16 A16 "a\"}}", "is no SHA-256"},
    {"{\"version\":1,\"plugins\":{\"a\":\"" A16 A16 A16 "AAAAAAAAAAAAAAAA\"}}", "is no SHA-256"},
    {"{\"version\":1,\"plugins\":{\"a\":1}}", "is no SHA-256"},
    {"{\"version\":1,\"plugins\":{\"a\\u0062\":\"" DIGEST "\"}}", "is no plugin's id"},
};

static char *path_in(const struct fixture *f, const char *name)
{
    char *path;
    CU_ASSERT_FATAL(asprintf(&path, "%s/%s", f->directory, name) > 0);
    return path;
}

static void test_texts(void)
{
    struct fixture f;
    struct stat status;
    fixture_open(&f);
    char *path = path_in(&f, "plugins.lock");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct plugin_lock *lock = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        const char *want = texts[i].want;
        fixture_write(&f, "plugins.lock", texts[i].text, strlen(texts[i].text), 0644);
        harborai_status st = plugin_lock_load(path, &lock, &status, &error);
        ROW(texts[i].text, st == (want == NULL || *want == '\0' ? HARBORAI_OK : HARBORAI_E_CONFIG));
        if (st < 0) {
            ROW(texts[i].text, strstr(error.message, want) != NULL && lock == NULL);
            ROW(texts[i].text, strstr(error.message, path) != NULL);
            continue;
        }
        harborai_str found = plugin_lock_find(lock, HARBORAI_STR("com.example.a"));
        ROW(texts[i].text, want == NULL ? slice_is(found, DIGEST) : found.len == 0);
        plugin_lock_destroy(lock);
    }
    free(path);
    fixture_close(&f);
}

static bool lists(const char *path, const char *id, const char *digest)
{
    struct plugin_lock *lock;
    struct stat status;
    if (plugin_lock_load(path, &lock, &status, NULL) < 0)
        return false;
    bool found = slice_is(plugin_lock_find(lock, slice_of(id)), digest);
    plugin_lock_destroy(lock);
    return found;
}

static bool allows(const char *path, const char *id, const char *digest)
{
    struct plugin_lock *lock;
    struct stat status;
    if (plugin_lock_load(path, &lock, &status, NULL) < 0)
        return false;
    bool found = plugin_lock_allows(lock, slice_of(id), slice_of(digest));
    plugin_lock_destroy(lock);
    return found;
}

static void test_set(void)
{
    static const char before[] = "{\"version\":1,\"plugins\":{\"a\":\"" DIGEST "\"},\"mine\":{\"x\":[1]}}";
    struct fixture f;
    fixture_open(&f);
    char *path = path_in(&f, "below/of/plugins.lock"), *broken = path_in(&f, "broken");
    harborai_str digest = HARBORAI_STR(DIGEST);
    CU_ASSERT(plugin_lock_set(path, HARBORAI_STR("b"), digest, NULL) == HARBORAI_OK);
    CU_ASSERT(lists(path, "b", DIGEST));
    CU_ASSERT(plugin_lock_set(path, HARBORAI_STR("b"), SLICE_NONE, NULL) == HARBORAI_OK);
    CU_ASSERT(lists(path, "b", ""));
    fixture_write(&f, "broken", before, strlen(before), 0644);
    CU_ASSERT(plugin_lock_set(broken, HARBORAI_STR("b"), digest, NULL) == HARBORAI_OK);
    CU_ASSERT(plugin_lock_set(broken, HARBORAI_STR("a"), SLICE_NONE, NULL) == HARBORAI_OK);
    CU_ASSERT(lists(broken, "b", DIGEST) && lists(broken, "a", ""));
    char text[512] = "";
    FILE *file = fopen(broken, "r");
    CU_ASSERT_FATAL(file != NULL && fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    CU_ASSERT(strstr(text, "\"mine\":{\"x\":[1]}") != NULL); /* what nobody knows stays */
    fixture_write(&f, "broken", "{", 1, 0644);
    CU_ASSERT(plugin_lock_set(broken, HARBORAI_STR("b"), digest, NULL) == HARBORAI_E_CONFIG);
    struct stat status;
    CU_ASSERT(stat(broken, &status) == 0 && status.st_size == 1);
    const struct plugin_lock_change anew = {
        .id = HARBORAI_STR("b"), .digest = digest, .or_still = HARBORAI_STR(OTHER), .is_anew = true};
    CU_ASSERT(plugin_lock_apply(broken, &anew, NULL) == HARBORAI_OK);
    CU_ASSERT(lists(broken, "b", DIGEST) && allows(broken, "b", DIGEST) && allows(broken, "b", OTHER));
    CU_ASSERT(plugin_lock_set(broken, HARBORAI_STR("a"), digest, NULL) == HARBORAI_OK);
    CU_ASSERT(allows(broken, "b", OTHER)); /* as it stood */
    CU_ASSERT(plugin_lock_set(broken, HARBORAI_STR("b"), digest, NULL) == HARBORAI_OK);
    CU_ASSERT(allows(broken, "b", DIGEST) && !allows(broken, "b", OTHER));
    static const char *const made[] = {"below/of/plugins.lock", "below/of", "below"};
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        char *each = path_in(&f, made[i]);
        CU_ASSERT(remove(each) == 0);
        free(each);
    }
    free(path);
    free(broken);
    fixture_close(&f);
}

/* FIPS 180-4's own example, and more than one buffer of it. */
static void test_digest(void)
{
    char digest[PLUGIN_DIGEST_LEN + 1], path[] = "/tmp/harborai-digest-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, "abc", 3) == 3);
    CU_ASSERT(plugin_digest(fd, path, digest, NULL) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(digest,
                           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CU_ASSERT_FATAL(ftruncate(fd, 0) == 0 && ftruncate(fd, 1000000) == 0);
    CU_ASSERT(plugin_digest(fd, path, digest, NULL) == HARBORAI_OK);
    CU_ASSERT_STRING_EQUAL(digest, /* of a million zero bytes */
                           "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025");
    close(fd);
    CU_ASSERT(plugin_digest(-1, path, digest, NULL) == HARBORAI_E_INTERNAL);
    unlink(path);
}

/* Lists what stands in `digest`, or nothing, and looks at the plugin "good". */
static enum plugin_file_state state_of(struct fixture *f, const char *lock, const char *digest,
                                       bool is_required, harborai_error *ret_error)
{
    const struct discover_options options = {
        .environment = f->directory,
        .trust = {.lock = slice_of(lock), .require_lock = is_required}};
    struct plugin_catalog *c = NULL;
    unlink(lock);
    if (digest != NULL)
        CU_ASSERT_FATAL(plugin_lock_set(lock, HARBORAI_STR("test.good"), slice_of(digest),
                                        NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(plugin_catalog_create(&options, &c, NULL) == HARBORAI_OK && c->file_count == 1);
    enum plugin_file_state state = c->files[0].state;
    *ret_error = c->files[0].error;
    CU_ASSERT(state == PLUGIN_FILE_KNOWN || c->files[0].stage == PLUGIN_STAGE_TRUST);
    plugin_catalog_destroy(c);
    return state;
}

static void test_plugins(void)
{
    struct fixture f;
    char digest[PLUGIN_DIGEST_LEN + 1];
    harborai_error error = HARBORAI_ERROR_INIT;
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    char *lock = path_in(&f, "plugins.lock"), *file = path_in(&f, "x.so");
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && plugin_digest(fd, file, digest, NULL) == HARBORAI_OK);
    close(fd);
    CU_ASSERT(state_of(&f, lock, NULL, false, &error) == PLUGIN_FILE_KNOWN);
    CU_ASSERT(state_of(&f, lock, digest, false, &error) == PLUGIN_FILE_KNOWN);
    CU_ASSERT(state_of(&f, lock, digest, true, &error) == PLUGIN_FILE_KNOWN);
    CU_ASSERT(state_of(&f, lock, NULL, true, &error) == PLUGIN_FILE_REFUSED);
    CU_ASSERT(strstr(error.message, "is not listed in") != NULL);
    CU_ASSERT(strstr(error.message, "'harborai plugin lock test.good'") != NULL);
    for (int required = 0; required < 2; required++) {
        CU_ASSERT(state_of(&f, lock, DIGEST, required != 0, &error) == PLUGIN_FILE_REFUSED);
        CU_ASSERT(strstr(error.message, "listed is aaaaaaaaaaaa…") != NULL);
        digest[12] = '\0';
        CU_ASSERT(strstr(error.message, digest) != NULL);
        CU_ASSERT(strstr(error.message, "'harborai plugin lock test.good'") != NULL);
    }
    free(lock);
    free(file);
    fixture_close(&f);
}

/* Who may write to the list decides what is loaded. */
static void test_whose_it_is(void)
{
    static const struct {
        mode_t mode;
        const char *want;
    } rows[] = {{0644, NULL}, {0600, NULL}, {0666, "plugins.lock' is writable by everybody"}};
    struct fixture f;
    fixture_open(&f);
    char *lock = path_in(&f, "plugins.lock");
    const struct trust_rules rules = {.lock = slice_of(lock)};
    CU_ASSERT(plugin_lock_set(lock, HARBORAI_STR("a"), HARBORAI_STR(DIGEST), NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trust t;
        harborai_error error = HARBORAI_ERROR_INIT;
        CU_ASSERT_FATAL(chmod(lock, rows[i].mode) == 0);
        ROW("mode", trust_init(&t, &rules, NULL) == HARBORAI_OK);
        harborai_status st = trust_check_lock(&t, -1, "x.so", HARBORAI_STR("b"), &error);
        ROW("mode", st == (rows[i].want == NULL ? HARBORAI_OK : HARBORAI_E_CONFIG));
        ROW("mode", rows[i].want == NULL || strstr(error.message, rows[i].want) != NULL);
        trust_release(&t);
    }
    free(lock);
    fixture_close(&f);
}

const CU_TestInfo lock_tests[] = {
    {"what it says", test_texts},
    {"what is written", test_set},
    {"digests", test_digest},
    {"plugins that it lists", test_plugins},
    {"whose it is", test_whose_it_is},
    CU_TEST_INFO_NULL,
};
