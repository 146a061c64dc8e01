/* SPDX-License-Identifier: MIT */
/* What is linked in, with this program's own table in the place of libltdl's. */
#include "plugin/builtin.h"

#include <stdlib.h>

#include "../unit.h"
#include "fixture.h"
#include "plugin/install.h"
#include "plugin/object.h"

extern const CU_TestInfo builtin_tests[];

HARBORAI_MANIFEST({ "id": "test.good", "version": "9.9.9", "provider": "good",
                    "models": [ { "name": "good-built-in" } ] });

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **ret_provider, harborai_error *error)
{
    (void)host, (void)config, (void)ret_provider;
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "not asked for here");
}

static void destroy(harborai_provider *provider)
{
    (void)provider;
}

static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    (void)provider, (void)call, (void)request;
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "not asked for here");
}

static void unload(void)
{
    CU_FAIL("what is linked in was unloaded");
}

#define TABLE(number)                                                                              \
    {                                                                                              \
        .size = sizeof(harborai_plugin), .abi_major = HARBORAI_ABI_MAJOR,                          \
        .abi_minor = HARBORAI_ABI_MINOR, .id = "test.good", .version = number, .create = create,   \
        .destroy = destroy, .chat = chat, .unload = unload                                         \
    }

static const harborai_plugin table = TABLE("9.9.9"), other_table = TABLE("9.9.8");

static unsigned queries; /* of this test */

static const void *query(uint32_t abi_major)
{
    queries++;
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}

static const void *query_other(uint32_t abi_major)
{
    (void)abi_major;
    return &other_table;
}

/* A note of somebody else, and two of ours, of which the first wins. */
static const struct {
    uint32_t name_size, descriptor_size, type;
    char name[4];
} foreign_note = {4, 0, 1, "GNU"};

static const struct {
    const char *name;
    const void *note;
    harborai_plugin_query_fn query;
} list[] = {
    {"foreign", &foreign_note, NULL},
    {"good", &harborai_manifest_note_, query},
    {"twin", &harborai_manifest_note_, query_other},
};

static const void *note_at(size_t index, harborai_str *ret_name)
{
    if (index >= ARRAY_LEN(list))
        return NULL;
    *ret_name = slice_of(list[index].name);
    return list[index].note;
}

static harborai_status find(const char *name, harborai_plugin_query_fn *ret_query,
                            harborai_error *error)
{
    for (size_t i = 0; i < ARRAY_LEN(list); i++)
        if (strcmp(list[i].name, name) == 0 && list[i].query != NULL) {
            *ret_query = list[i].query;
            return HARBORAI_OK;
        }
    return harborai_error_set(error, HARBORAI_E_INTERNAL, "no '%s'", name);
}

static const struct builtin_plugins own = {note_at, find};

static struct plugin_catalog *scan(const char *directory)
{
    struct plugin_catalog *c = NULL;
    const struct discover_options options = {.system = directory, .builtin = &own};
    CU_ASSERT_FATAL(plugin_catalog_create(&options, &c, NULL) == HARBORAI_OK);
    return c;
}

static void test_found(void)
{
    queries = 0;
    struct plugin_catalog *c = scan(NULL);
    CU_ASSERT_FATAL(c->file_count == 3);
    const struct plugin_file *foreign = &c->files[0], *good = &c->files[1], *twin = &c->files[2];
    CU_ASSERT(foreign->state == PLUGIN_FILE_REFUSED && foreign->stage == PLUGIN_STAGE_MANIFEST);
    CU_ASSERT_STRING_EQUAL(foreign->error.message,
                           "'built-in/foreign': has no manifest: build HarborAI again");
    CU_ASSERT(good->state == PLUGIN_FILE_KNOWN && good->origin == PLUGIN_ORIGIN_BUILT_IN);
    CU_ASSERT_STRING_EQUAL(good->path, "built-in/good");
    CU_ASSERT(slice_is(good->manifest->models[0].name, "good-built-in"));
    CU_ASSERT(twin->state == PLUGIN_FILE_SHADOWED);
    CU_ASSERT(!file_identity_equal(&good->identity, &twin->identity));
    CU_ASSERT(plugin_catalog_find(c, HARBORAI_STR("good")) == good);
    CU_ASSERT(queries == 0); /* none of its code is run for that */
    plugin_catalog_destroy(c);
}

/* Who puts a file of it into any directory wants that. */
static void test_file_goes_first(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "a.so");
    struct plugin_catalog *c = scan(f.directory);
    CU_ASSERT_FATAL(c->file_count == 4);
    CU_ASSERT(c->files[0].state == PLUGIN_FILE_KNOWN && c->files[0].origin == PLUGIN_ORIGIN_SYSTEM);
    CU_ASSERT(c->files[2].state == PLUGIN_FILE_SHADOWED && !c->files[2].is_rival);
    CU_ASSERT(strstr(c->files[2].error.message, "a.so' comes first") != NULL);
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

static void on_enter(const struct plugin_watcher *watcher, enum plugin_stage stage)
{
    (void)watcher;
    CU_ASSERT(stage == PLUGIN_STAGE_SYMBOL); /* there is nothing to map, and nothing is unmapped */
}

static const struct plugin_watcher watcher = {on_enter};

static harborai_status open_file(struct plugin_loader *loader, const struct plugin_file *file,
                                 const struct plugin_object **ret_object,
                                 enum plugin_stage *ret_stage, harborai_error *error)
{
    return plugin_object_open(loader, file->path, &file->identity, file->manifest, &watcher,
                              ret_object, ret_stage, error);
}

static void test_loaded(void)
{
    const struct plugin_object *first, *second;
    enum plugin_stage stage = PLUGIN_STAGE_NONE;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct plugin_loader *loader;
    struct plugin_catalog *c = scan(NULL);
    CU_ASSERT_FATAL(plugin_loader_create(&loader, NULL) == HARBORAI_OK);
    plugin_loader_set_builtin(loader, &own);
    queries = 0;
    CU_ASSERT_FATAL(open_file(loader, &c->files[1], &first, &stage, &error) == HARBORAI_OK);
    CU_ASSERT_FATAL(open_file(loader, &c->files[1], &second, &stage, &error) == HARBORAI_OK);
    CU_ASSERT(first == second && queries == 1 && first->table.chat == chat);
    CU_ASSERT(plugin_loader_count(loader) == 0); /* no dlopen() */
    plugin_object_close(loader, first, &watcher);
    plugin_object_close(loader, second, &watcher);
    CU_ASSERT_FATAL(open_file(loader, &c->files[1], &second, &stage, &error) == HARBORAI_OK);
    CU_ASSERT(first == second);
    plugin_object_close(loader, second, &watcher);
    /* The same is asked of its table as of a file's. */
    CU_ASSERT(open_file(loader, &c->files[2], &first, &stage, &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(stage == PLUGIN_STAGE_TABLE && strstr(error.message, "9.9.8") != NULL);
    plugin_loader_destroy(loader);
    plugin_catalog_destroy(c);
}

static void test_without_code(void)
{
    const struct plugin_object *object;
    enum plugin_stage stage = PLUGIN_STAGE_NONE;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct plugin_loader *loader;
    struct plugin_catalog *c = scan(NULL);
    CU_ASSERT_FATAL(plugin_loader_create(&loader, NULL) == HARBORAI_OK);
    plugin_loader_set_builtin(loader, &own);
    CU_ASSERT(plugin_object_open(loader, "built-in/none", &c->files[1].identity,
                                 c->files[1].manifest, &watcher, &object, &stage, &error) ==
              HARBORAI_E_INTERNAL);
    CU_ASSERT(stage == PLUGIN_STAGE_SYMBOL);
    plugin_loader_destroy(loader);
    plugin_catalog_destroy(c);
}

static void test_stays(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct plugin_catalog *c = scan(NULL);
    CU_ASSERT(install_remove(&c->files[1], &error) == HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "'built-in/good' is part of harborai itself") != NULL);
    CU_ASSERT(strstr(error.message, "plugin disable") != NULL);
    plugin_catalog_destroy(c);
}

/* --with-builtin-plugins is for the program harborai alone. */
static void test_none_of_others(void)
{
    CU_ASSERT(builtin_of_program() == NULL);
    CU_ASSERT(builtin_name("/usr/lib/built-in/x.so") == NULL);
    CU_ASSERT_STRING_EQUAL(builtin_name("built-in/x"), "x");
}

const CU_TestInfo builtin_tests[] = {
    {"their manifests are read and no code is run", test_found},
    {"a file goes before what is built in", test_file_goes_first},
    {"opened once, by the same checks, never unloaded", test_loaded},
    {"without its function it is refused", test_without_code},
    {"cannot be removed", test_stays},
    {"other programs have none", test_none_of_others},
    CU_TEST_INFO_NULL,
};
