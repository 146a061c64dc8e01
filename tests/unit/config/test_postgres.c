/* SPDX-License-Identifier: MIT */
/* The settings of PostgreSQL: when it is used, where its secrets are read from and who sees them. */
#include "../unit.h"
#include "base/limits.h"
#include "config/show.h"
#include "support.h"

extern const CU_TestInfo postgres_tests[];

static const char *const pairs[] = {"PW=sk-pass", "DB_URL=postgres://u:sk-pw@h/d", "HOME=/h", NULL};

#define SECTION(members) "store: { postgres: { " members " } }"

static void test_secrets(void)
{
    static const struct row {
        const char *text;
        const char *url, *password; /* "" = none */
        const char *shown;          /* stands in `config show` */
    } rows[] = {
        {SECTION("password: sk-open"), "", "sk-open", "    password: \"***\"\n"},
        {SECTION("password: none"), "", "none", "    password: \"***\"\n"},
        {SECTION("password: env:PW"), "", "sk-pass", "    password: \"***\"\n"},
        {SECTION("password: '${PW}'"), "", "sk-pass", "    password: \"***\"\n"},
        {SECTION("password: env:NO"), "", "", "    # password: NO has no value\n"},
        {SECTION("url: env:DB_URL"), "postgres://u:sk-pw@h/d", "", "\"postgres://u:***@h/d\""},
        {SECTION("url: 'postgresql+asyncpg://u:sk-p@sk@h:1/d?password=sk-x'"),
         "postgresql+asyncpg://u:sk-p@sk@h:1/d?password=sk-x", "",
         "\"postgresql+asyncpg://u:***@h:1/d?***\""},
        {SECTION("url: 'postgresql://h/d'"), "postgresql://h/d", "", "\"postgresql://h/d\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) faults = BUF_INIT(KIB(4)), out = BUF_INIT(MIB(1));
        struct config *c = load_text(rows[i].text, pairs, NULL, 0, &faults);
        ROW(rows[i].text, c != NULL);
        if (c == NULL)
            continue;
        const struct config_postgres *p = &c->postgres;
        harborai_str none = SLICE_NONE;
        ROW(rows[i].text,
            slice_is(p->url.text != NULL ? secret_reveal(p->url.text) : none, rows[i].url));
        ROW(rows[i].text, slice_is(p->password.text != NULL ? secret_reveal(p->password.text) : none,
                                   rows[i].password));
        show_yaml(c, true, &out);
        ROW(rows[i].text, memmem(out.data, out.len, "sk-", 3) == NULL);
        buf_clear(&out);
        show_yaml(c, false, &out);
        ROW(rows[i].text,
            memmem(out.data, out.len, rows[i].shown, strlen(rows[i].shown)) != NULL);
        config_destroy(c);
    }
}

/* What a variable of the setting's own holds is no reference; the file below it loses. */
static void test_variables(void)
{
    static const char *const variables[] = {
        "HARBORAI_POSTGRES_PASSWORD=env:PW", "HARBORAI_POSTGRES_HOST=db", "PW=sk",
        "HARBORAI_POSTGRES_PORT=5433",       "HARBORAI_HEALTH_CHECK_INTERVAL=30.0", NULL};
    AUTO(buf) faults = BUF_INIT(KIB(4));
    struct config *c = load_text(SECTION("password: sk-file"), variables, NULL, 0, &faults);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(slice_is(secret_reveal(c->postgres.password.text), "env:PW"));
    CU_ASSERT(slice_is(c->postgres.host, "db"));
    CU_ASSERT_EQUAL(c->postgres.port, 5433);
    CU_ASSERT_EQUAL(c->postgres.health_check_ms, 30000);
    config_destroy(c);
}

static void test_when_it_is_used(void)
{
    static const struct row {
        const char *text;
        bool is_configured;
    } rows[] = {
        {"", false},
        {SECTION("port: 5433, batch: 10"), false},
        {SECTION("host: db"), true},
        {SECTION("database: calls"), true},
        {SECTION("password: x"), true},
        {SECTION("url: 'postgresql://h/d'"), true},
        {SECTION("host: db, enabled: false"), false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) faults = BUF_INIT(KIB(4));
        struct config *c = load_text(rows[i].text, pairs, NULL, 0, &faults);
        ROW(rows[i].text, c != NULL && c->postgres.is_configured == rows[i].is_configured);
        ROW(rows[i].text, c != NULL && c->postgres.host.len > 0);
        config_destroy(c);
    }
}

static void test_faults(void)
{
    static const struct row {
        const char *text, *fault;
    } rows[] = {
        {SECTION("url: 'mysql://u:sk-p@h/d'"),
         "c.yaml:1:27: 'store.postgres.url' must begin with postgresql://\n"},
        {SECTION("sslmode: on"), "c.yaml:1:31: 'store.postgres.sslmode' must be disable, allow, "
                                 "prefer, require, verify-ca or verify-full, not 'on'\n"},
        {SECTION("migrate: never"),
         "c.yaml:1:31: 'store.postgres.migrate' must be auto or manual, not 'never'\n"},
        {SECTION("password: [a]"),
         "c.yaml:1:32: 'store.postgres.password' must be a password, not a list\n"},
        {SECTION("passwort: a"),
         "c.yaml:1:22: unknown key 'passwort' in 'store.postgres', did you mean 'password'?\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) faults = BUF_INIT(KIB(4));
        struct config *c = load_text(rows[i].text, pairs, NULL, 0, &faults);
        ROW(rows[i].text, c == NULL && slice_is(buf_slice(&faults), rows[i].fault));
        if (c != NULL || !slice_is(buf_slice(&faults), rows[i].fault))
            fprintf(stderr, "  got %.*s\n", SLICE_ARG(buf_slice(&faults)));
        config_destroy(c);
    }
}

const CU_TestInfo postgres_tests[] = {
    {"secrets", test_secrets},
    {"variables", test_variables},
    {"when it is used", test_when_it_is_used},
    {"faults", test_faults},
    CU_TEST_INFO_NULL,
};
