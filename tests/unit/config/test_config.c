/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "config/node.h"
#include "support.h"

extern const CU_TestInfo config_tests[];

/* Loads what must be right. */
static struct config *load_good(const char *text, const char *const *pairs)
{
    AUTO(buf) faults = BUF_INIT(KIB(64));
    struct config *config = load_text(text, pairs, NULL, 0, &faults);
    if (config == NULL)
        fprintf(stderr, "%.*s", SLICE_ARG(buf_slice(&faults)));
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    return config;
}

static void test_defaults(void)
{
    struct config *c = load_good("", NULL);
    CU_ASSERT(!c->has_file && slice_is(c->file, "c.yaml"));
    CU_ASSERT(slice_is(c->host, "127.0.0.1"));
    CU_ASSERT_EQUAL(c->port, 8000);
    CU_ASSERT_EQUAL(c->workers, 0);
    CU_ASSERT_EQUAL(c->max_body, 32 << 20);
    CU_ASSERT_EQUAL(c->default_model.len, 0);
    CU_ASSERT(slice_is(c->state_dir, "/home/me/.local/state/harborai"));
    CU_ASSERT_EQUAL(c->plugin_path.count, 0);
    CU_ASSERT_EQUAL(c->log_level, LOG_LEVEL_INFO);
    CU_ASSERT_EQUAL(c->params, CONFIG_PARAMS_WARN);
    CU_ASSERT_EQUAL(c->on_disconnect, CONFIG_LEAVE_CANCEL);
    CU_ASSERT(slice_is(c->ca_file, "/etc/ssl/certs/ca-certificates.crt"));
    CU_ASSERT_EQUAL(c->timeouts.connect_ms, 10000);
    CU_ASSERT_EQUAL(c->timeouts.first_byte_ms, 300000);
    CU_ASSERT_EQUAL(c->timeouts.idle_ms, 300000);
    CU_ASSERT_EQUAL(c->timeouts.total_ms, 600000);
    CU_ASSERT_EQUAL(c->shutdown_ms, 30000);
    CU_ASSERT(c->stream_ping_s == 15 && c->stream_first_ping_s == 0);
    CU_ASSERT_EQUAL(c->provider_count, 0);
    config_destroy(c);
}

/* The example of the reference. */
static void test_whole(void)
{
    struct config *c = load_good(
        "server: { host: 0.0.0.0, port: \"${PORT:-8000}\" }\n"
        "providers:\n"
        "  openai: { api_key: \"${OPENAI_API_KEY}\" }\n"
        "  lab:\n"
        "    plugin: openai\n"
        "    base_url: \"http://127.0.0.1:9100/v1/\"\n"
        "    api_key: none\n"
        "    models: [my-model, \"fb-*\", 4]\n"
        "    tls: { ca_file: lab.pem }\n"
        "    timeouts: { connect: 500ms, total: 0 }\n"
        "    params: strict\n"
        "    on_disconnect: cancel\n"
        "    options: { region: no, n: 0x10, deep: [{ b: \"${PORT}\" }] }\n"
        "  bare:\n"
        "    options:\n"
        "      a: ${PORT}\n"
        "      b: '${PORT}'\n"
        "      c: ${EMPTY}\n"
        "      d: ${YAML}\n"
        "models:\n"
        "  smart: openai/gpt-4o\n"
        "  meta: lab/org/model\n"
        "plugin_path: [~/plugins, /opt/p, rel]\n"
        "log: { level: debug }\n"
        "params: drop\n"
        "on_disconnect: drain\n"
        "timeouts: { idle: 1m, shutdown: 0 }\n",
        NULL);
    CU_ASSERT_EQUAL(c->port, 8100);
    CU_ASSERT_EQUAL_FATAL(c->provider_count, 3);
    const struct config_provider *openai = &c->providers[0], *lab = &c->providers[1],
                                 *bare = &c->providers[2];
    CU_ASSERT(slice_is(openai->name, "openai") && slice_is(openai->plugin, "openai"));
    CU_ASSERT(slice_is(secret_reveal(openai->api_key), "sk-1"));
    CU_ASSERT(slice_is(openai->key_variable, "OPENAI_API_KEY") && !openai->key_none);
    CU_ASSERT(slice_is(openai->config_json, "{}") && openai->place.line == 3);
    CU_ASSERT_EQUAL(openai->timeouts.idle_ms, 60000);
    CU_ASSERT(slice_is(lab->plugin, "openai") && lab->key_none && lab->api_key == NULL);
    CU_ASSERT(slice_is(lab->base_url, "http://127.0.0.1:9100/v1"));
    CU_ASSERT_EQUAL_FATAL(lab->models.count, 3);
    CU_ASSERT(slice_is(lab->models.items[1], "fb-*") && slice_is(lab->models.items[2], "4"));
    CU_ASSERT(slice_is(lab->ca_file, "lab.pem"));
    CU_ASSERT(c->params == CONFIG_PARAMS_DROP && c->on_disconnect == CONFIG_LEAVE_DRAIN);
    CU_ASSERT(bare->params == CONFIG_PARAMS_DROP && bare->on_disconnect == CONFIG_LEAVE_DRAIN);
    CU_ASSERT(lab->params == CONFIG_PARAMS_STRICT && lab->on_disconnect == CONFIG_LEAVE_CANCEL);
    CU_ASSERT_EQUAL(lab->timeouts.connect_ms, 500);
    CU_ASSERT_EQUAL(lab->timeouts.total_ms, 0);
    CU_ASSERT_EQUAL(lab->timeouts.idle_ms, 60000);
    CU_ASSERT(slice_is(lab->config_json,
                       "{\"base_url\":\"http://127.0.0.1:9100/v1\",\"region\":\"no\",\"n\":16,"
                       "\"deep\":[{\"b\":\"8100\"}]}"));
    const struct node *deep = node_member(lab->options, HARBORAI_STR("deep"));
    CU_ASSERT(lab->options->place.line == 13 && lab->options->count == 3);
    CU_ASSERT_FATAL(deep != NULL && deep->key_place.column == 37 && deep->first != NULL);
    CU_ASSERT(deep->first->first->place.column == 49 && slice_is(deep->first->first->text, "8100"));
    CU_ASSERT(openai->options == NULL);
    CU_ASSERT(slice_is(bare->plugin, "bare") && bare->api_key == NULL && !bare->key_none);
    CU_ASSERT(bare->key_variable.len == 0 && bare->models.count == 0);
    CU_ASSERT(slice_is(bare->config_json,
                       "{\"a\":8100,\"b\":\"8100\",\"c\":null,\"d\":\"a: [1]\"}"));
    CU_ASSERT_EQUAL_FATAL(c->alias_count, 2);
    CU_ASSERT(slice_is(c->aliases[1].provider, "lab"));
    CU_ASSERT(slice_is(c->aliases[1].model, "org/model"));
    CU_ASSERT(config_alias_find(c, HARBORAI_STR("smart")) == &c->aliases[0]);
    CU_ASSERT(config_alias_find(c, HARBORAI_STR("dumb")) == NULL);
    CU_ASSERT(config_provider_find(c, HARBORAI_STR("lab")) == lab);
    CU_ASSERT_EQUAL_FATAL(c->plugin_path.count, 3);
    CU_ASSERT(slice_is(c->plugin_path.items[0], "/home/me/plugins"));
    CU_ASSERT(slice_is(c->plugin_path.items[1], "/opt/p"));
    CU_ASSERT_EQUAL(c->log_level, LOG_LEVEL_DEBUG);
    CU_ASSERT_EQUAL(c->shutdown_ms, 0);
    config_destroy(c);
}

static void test_keys(void)
{
    static const struct row {
        const char *name, *value, *want, *variable;
        bool none;
    } rows[] = {
        {"from the environment", "\"${OPENAI_API_KEY}\"", "sk-1", "OPENAI_API_KEY", false},
        {"plain reference", "${OPENAI_API_KEY}", "sk-1", "OPENAI_API_KEY", false},
        {"written out", "sk-2", "sk-2", "", false},
        {"a number", "12345", "12345", "", false},
        {"with a dollar", "a$$b$c", "a$b$c", "", false},
        {"none", "none", NULL, "", true},
        {"none by default", "\"${NO_KEY:-none}\"", NULL, "NO_KEY", true},
        {"unset", "\"${NO_KEY}\"", NULL, "NO_KEY", false},
        {"set but empty", "\"${EMPTY}\"", NULL, "EMPTY", false},
        {"empty by default", "\"${NO_KEY:-}\"", NULL, "NO_KEY", false},
        {"two, the second unset", "\"${OPENAI_API_KEY}-${NO_KEY}\"", NULL, "NO_KEY", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "providers:\n  a:\n    api_key: %s\n", rows[i].value);
        struct config *c = load_good(text, NULL);
        const struct config_provider *a = &c->providers[0];
        ROW(rows[i].name, (a->api_key != NULL) == (rows[i].want != NULL));
        if (a->api_key != NULL)
            ROW(rows[i].name, slice_is(secret_reveal(a->api_key), rows[i].want));
        ROW(rows[i].name, slice_is(a->key_variable, rows[i].variable));
        ROW(rows[i].name, a->key_none == rows[i].none);
        config_destroy(c);
    }
}

/* Flag over environment over file over default. */
static void test_precedence(void)
{
    static const char *const pairs[] = {"HARBORAI_HOST=::1",        "HARBORAI_PORT=2",
                                        "HARBORAI_WORKERS=",        "HARBORAI_STATE_DIR=/env",
                                        "HARBORAI_DEFAULT_MODEL=m", "HARBORAI_LOG_LEVEL=warn",
                                        "SSL_CERT_FILE=/my.pem",    NULL};
    static const struct config_override overrides[] = {{"server.port", "3"}, {"state_dir", "rel"}};
    AUTO(buf) faults = BUF_INIT(KIB(4));
    struct config *c = load_text("server: { host: a, port: 1, workers: 7 }\n"
                                 "tls: { ca_file: /file.pem }\nproviders: { a: }\n",
                                 pairs, overrides, ARRAY_LEN(overrides), &faults);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(slice_is(c->host, "::1"));
    CU_ASSERT_EQUAL(c->port, 3);
    CU_ASSERT_EQUAL(c->workers, 7); /* an empty variable is as good as none */
    CU_ASSERT(slice_is(c->state_dir, "rel"));
    CU_ASSERT(slice_is(c->default_model, "m"));
    CU_ASSERT_EQUAL(c->log_level, LOG_LEVEL_WARN);
    CU_ASSERT(slice_is(c->ca_file, "/my.pem"));
    CU_ASSERT(slice_is(c->providers[0].ca_file, "/my.pem"));
    config_destroy(c);
}

static void test_state_dir(void)
{
    static const struct row {
        const char *name, *pairs[3], *want;
    } rows[] = {
        {"XDG", {"XDG_STATE_HOME=/x", "HOME=/h", NULL}, "/x/harborai"},
        {"relative XDG is ignored", {"XDG_STATE_HOME=x", "HOME=/h", NULL},
         "/h/.local/state/harborai"},
        {"home", {"HOME=/h", NULL}, "/h/.local/state/harborai"},
        {"nothing known", {NULL}, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config *c = load_good("", rows[i].pairs);
        ROW(rows[i].name, slice_is(c->state_dir, rows[i].want));
        config_destroy(c);
    }
}

static void test_equal(void)
{
    static const char *const base = "providers: { a: { base_url: \"http://h\", models: [m] } }";
    static const struct row {
        const char *text;
        bool want;
    } rows[] = {
        {"\n\nproviders:\n  a: { base_url: \"http://h/\", models: [m] }", true},
        {"providers: { a: { base_url: \"http://h\", models: [m, n] } }", false},
        {"providers: { a: { base_url: \"http://h\", models: [n] } }", false},
        {"providers: { a: { base_url: \"http://i\", models: [m] } }", false},
        {"providers: { a: { base_url: \"http://h\", models: [m], api_key: k } }", false},
        {"providers: { a: { base_url: \"http://h\", models: [m], api_key: none } }", false},
        {"providers: { a: { base_url: \"http://h\", models: [m], options: { x: 1 } } }", false},
        {"timeouts: { idle: 1 }\nproviders: { a: { base_url: \"http://h\", models: [m] } }", false},
    };
    struct config *a = load_good(base, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config *b = load_good(rows[i].text, NULL);
        ROW(rows[i].text,
            config_provider_equal(&a->providers[0], &b->providers[0]) == rows[i].want);
        config_destroy(b);
    }
    config_destroy(a);
}

/* ---- Files -------------------------------------------------------------------------------- */

struct place {
    char folder[64], file[128], home[80], xdg[80];
};

static void make_place(struct place *p)
{
    strcpy(p->folder, "/tmp/check_config.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(p->folder));
    snprintf(p->home, sizeof p->home, "HOME=%s", p->folder);
    snprintf(p->xdg, sizeof p->xdg, "XDG_CONFIG_HOME=%s", p->folder);
    snprintf(p->file, sizeof p->file, "%s/harborai", p->folder);
    CU_ASSERT_EQUAL_FATAL(mkdir(p->file, 0700), 0);
    strcat(p->file, "/config.yaml");
}

static void write_file(const struct place *p, const char *text)
{
    FILE *file = fopen(p->file, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

static void remove_place(const struct place *p)
{
    char name[128];
    unlink(p->file);
    snprintf(name, sizeof name, "%s/harborai", p->folder);
    rmdir(name);
    rmdir(p->folder);
}

static void test_files(void)
{
    struct place p;
    make_place(&p);
    char variable[160];
    snprintf(variable, sizeof variable, "HARBORAI_CONFIG=%s", p.file);
    const char *const by_xdg[] = {p.xdg, NULL}, *const by_home[] = {p.home, NULL},
        *const by_variable[] = {variable, "HOME=/nowhere", NULL}, *const by_nothing[] = {NULL};
    const struct row {
        const char *name;
        const char *const *pairs;
        struct config_sources sources;
        bool has_file;
    } rows[] = {
        {"flag", by_nothing, {.file = p.file}, true},
        {"variable", by_variable, {0}, true},
        {"XDG", by_xdg, {0}, true},
        {"not in this home", by_home, {0}, false},
        {"nowhere to look", by_nothing, {0}, false},
        {"not wanted", by_variable, {.without_file = true}, false},
    };
    write_file(&p, "tls: { ca_file: ca/x.pem }\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixed_environment fixed = fixed_environment(rows[i].pairs);
        struct config *c = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        ROW(rows[i].name,
            config_load(&rows[i].sources, &fixed.environment, &c, NULL, &error) == HARBORAI_OK);
        if (c == NULL)
            continue;
        ROW(rows[i].name, (c->file.len > 0) == rows[i].has_file);
        ROW(rows[i].name, slice_is(c->file, rows[i].has_file ? p.file : ""));
        ROW(rows[i].name, slice_ends_with(c->ca_file, "/harborai/ca/x.pem") == rows[i].has_file);
        config_destroy(c);
    }
    remove_place(&p);
}

static void test_unreadable(void)
{
    static const char *const pairs[] = {"HARBORAI_CONFIG=/nonexistent/c.yaml", NULL};
    static const struct row {
        const char *file, *want;
    } rows[] = {
        {NULL, "/nonexistent/c.yaml: cannot read the configuration that HARBORAI_CONFIG names: "
               "No such file or directory"},
        {"/nonexistent", "/nonexistent: cannot read the configuration: No such file or directory"},
        {"/tmp", "/tmp: cannot read the configuration: Is a directory"},
        {"/dev/zero", "/dev/zero: larger than 4 MiB: that is no configuration"},
    };
    struct fixed_environment fixed = fixed_environment(pairs);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config_sources sources = {.file = rows[i].file};
        struct config *c = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        ROW(rows[i].want,
            config_load(&sources, &fixed.environment, &c, NULL, &error) == HARBORAI_E_CONFIG);
        ROW(rows[i].want, strcmp(error.message, rows[i].want) == 0);
        ROW(rows[i].want, c == NULL);
    }
}

const CU_TestInfo config_tests[] = {
    {"defaults", test_defaults}, {"whole", test_whole},           {"keys", test_keys},
    {"precedence", test_precedence}, {"state_dir", test_state_dir}, {"equal", test_equal},
    {"files", test_files},       {"unreadable", test_unreadable}, CU_TEST_INFO_NULL};
