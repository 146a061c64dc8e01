/* SPDX-License-Identifier: MIT */
/* Every allocation of ours fails once: loading says so and keeps nothing. The linker puts these in
 * place of malloc() and its kin, for what is linked into this binary. */
#include <stdlib.h>

#include "../unit.h"
#include "base/limits.h"
#include "support.h"

extern const CU_TestInfo memory_tests[];

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long left = -1; /* allocations until one fails; below 0 none does */

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

static harborai_status load_failing(harborai_str text, long nth, harborai_error *error)
{
    struct fixed_environment fixed = fixed_environment(usual_pairs);
    struct config_sources sources = {.file = "c.yaml", .text = text};
    struct config *config = NULL;

    left = nth;
    harborai_status st = config_load(&sources, &fixed.environment, &config, NULL, error);
    config_destroy(config);
    return st;
}

/* A file of `providers` providers, so that every arena grows by several blocks. */
static void make_text(struct buf *text, unsigned providers)
{
    buf_add(text, HARBORAI_STR("providers:\n"));
    for (unsigned i = 0; i < providers; i++)
        buf_printf(text, "  p%u: { api_key: \"${OPENAI_API_KEY}\", models: [a, b], "
                         "options: { deep: [1, { x: \"${PORT}\" }] } }\n", i);
    buf_add(text, HARBORAI_STR("models: { smart: p1/a }\nplugin_path: [~/a, b]\n"));
}

static void test_each_once(void)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    long nth = 0;
    make_text(&text, 20);
    for (harborai_status st = HARBORAI_E_MEMORY; st != HARBORAI_OK && nth < 10000; nth++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        st = load_failing(buf_slice(&text), nth, &error);
        left = -1;
        CU_ASSERT(st == HARBORAI_OK || (st == HARBORAI_E_MEMORY && error.message[0] != '\0'));
    }
    CU_ASSERT(nth > 20 && nth < 10000);
}

static harborai_status read_failing(harborai_str text, long nth, size_t *ret_count)
{
    struct config_faults faults;
    struct dotenv dotenv = {NULL, NULL, 0};
    struct arena arena;
    config_faults_init(&faults);
    arena_init(&arena, MIB(1));
    left = nth;
    harborai_status st = dotenv_read(&arena, ".env", text, &faults, &dotenv, NULL);
    left = -1;
    *ret_count = dotenv.count;
    config_faults_release(&faults);
    arena_release(&arena);
    return st;
}

static void test_dotenv_each_once(void)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    size_t count = 0;
    long nth = 0;
    for (unsigned i = 0; i < 200; i++)
        buf_printf(&text, "V%u=\"a value of some length, so that buffers grow %u\"\n", i, i);
    for (harborai_status st = HARBORAI_E_MEMORY; st != HARBORAI_OK && nth < 10000; nth++) {
        st = read_failing(buf_slice(&text), nth, &count);
        CU_ASSERT(st == HARBORAI_E_MEMORY || count == 200);
    }
    CU_ASSERT(nth > 20 && nth < 10000);
}

/* Without memory for its words a fault is still a fault. */
static void test_faults_without_memory(void)
{
    for (long nth = 0; nth < 60; nth++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st =
            load_failing(HARBORAI_STR("sever: 1\nserver: { port: x }\n"), nth, &error);
        left = -1;
        CU_ASSERT(st == HARBORAI_E_CONFIG || st == HARBORAI_E_MEMORY);
        CU_ASSERT(error.message[0] != '\0');
    }
}

const CU_TestInfo memory_tests[] = {{"each allocation fails once", test_each_once},
                                    {".env", test_dotenv_each_once},
                                    {"faults", test_faults_without_memory},
                                    CU_TEST_INFO_NULL};
