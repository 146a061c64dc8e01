/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "../unit.h"
#include "base/limits.h"
#include "config/schema.h"
#include "config/settings.h"

extern const CU_TestInfo settings_tests[];

static void test_table(void)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *s = &settings[i];
        ROW(s->path, settings_find(slice_of(s->path)) == s);
        ROW(s->path, s->help != NULL && s->help[0] != '\0');
        ROW(s->path, s->flag == NULL || slice_starts_with(slice_of(s->flag), "--"));
        ROW(s->path, s->most == 0 || s->least <= s->most);
        ROW(s->path, strchr(s->help, '|') == NULL);
    }
    CU_ASSERT_PTR_NULL(settings_find(HARBORAI_STR("server")));
}

static void test_steps(void)
{
    const struct setting *setting;
    harborai_str path;
    CU_ASSERT(settings_step(SLICE_NONE, HARBORAI_STR("server"), &setting, &path));
    CU_ASSERT(setting == NULL && slice_is(path, "server"));
    CU_ASSERT(settings_step(path, HARBORAI_STR("port"), &setting, &path));
    CU_ASSERT(setting != NULL && slice_is(path, "server.port"));
    CU_ASSERT(!settings_step(SLICE_NONE, HARBORAI_STR("serve"), &setting, &path));
    CU_ASSERT(!settings_step(SLICE_NONE, HARBORAI_STR("server.port"), &setting, &path));
    CU_ASSERT(!settings_step(SLICE_NONE, HARBORAI_STR(""), &setting, &path));
    CU_ASSERT(settings_step(HARBORAI_STR(SETTINGS_PROVIDER), HARBORAI_STR("tls"), &setting, &path));
    CU_ASSERT(setting == NULL && slice_is(path, "providers.*.tls"));
}

static void read_document(const char *document, struct buf *text)
{
    const char *top = getenv("srcdir");
    char name[4096];
    snprintf(name, sizeof name, "%s/doc/%s", top != NULL ? top : ".", document);
    FILE *file = fopen(name, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (;;) {
        char *room = buf_reserve(text, KIB(4));
        size_t len = room != NULL ? fread(room, 1, KIB(4), file) : 0;
        if (len == 0)
            break;
        buf_commit(text, len);
    }
    fclose(file);
}

/* The reference has the table as it is generated: `harborai config describe --markdown`. */
static void test_reference(void)
{
    AUTO(buf) text = BUF_INIT(MIB(1)), table = BUF_INIT(MIB(1));
    read_document("configuration.md", &text);
    settings_describe(&table);
    buf_add(&table, HARBORAI_STR("\n")); /* it ends there */
    bool is_there = memmem(text.data, text.len, table.data, table.len) != NULL;
    CU_ASSERT(is_there);
    if (!is_there)
        fprintf(stderr, "  doc/configuration.md lacks this table:\n%.*s\n",
                SLICE_ARG(buf_slice(&table)));
}

/* `harborai config describe --schema >doc/config.schema.json` after a change of the table. */
static void test_schema(void)
{
    AUTO(buf) text = BUF_INIT(MIB(1)), schema = BUF_INIT(MIB(1));
    read_document("config.schema.json", &text);
    schema_write(&schema);
    CU_ASSERT(slice_equal(buf_slice(&text), buf_slice(&schema)));
}

static void test_descriptions(void)
{
    AUTO(buf) text = BUF_INIT(MIB(1)), json = BUF_INIT(MIB(1)), env = BUF_INIT(MIB(1));
    schema_describe(&text);
    schema_describe_json(&json);
    schema_describe_env(&env);
    CU_ASSERT(memmem(env.data, env.len, "\n# HARBORAI_PORT=8000\n", 22) != NULL);
    CU_ASSERT_EQUAL(json.failed, HARBORAI_OK);
    for (size_t i = 0; i < settings_count; i++) {
        ROW(settings[i].path, memmem(text.data, text.len, settings[i].help,
                                     strlen(settings[i].help)) != NULL);
        ROW(settings[i].path, memmem(json.data, json.len, settings[i].path,
                                     strlen(settings[i].path)) != NULL);
    }
}

const CU_TestInfo settings_tests[] = {{"table", test_table},
                                      {"schema", test_schema},
                                      {"descriptions", test_descriptions},
                                      {"steps", test_steps},
                                      {"reference", test_reference},
                                      CU_TEST_INFO_NULL};
