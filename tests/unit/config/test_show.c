/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "base/limits.h"
#include "config/show.h"
#include "support.h"

extern const CU_TestInfo show_tests[];

static const char *const text =
    "server: { host: '::1', port: 9000 }\n"
    "default_model: 'a$${b}'\n"
    "providers:\n"
    "  openai: { api_key: env:OPENAI_API_KEY, timeouts: { idle: 90s } }\n"
    "  lab: { plugin: openai, api_key: sk-0123456789-0123456789, models: [m, 'f*'],\n"
    "         options: { region: eu, deep: { my_key: x, on: true } } }\n"
    "  off: { api_key: env:NO_KEY }\n"
    "  free: { api_key: none }\n"
    "models: { '3.5': lab/m }\n";

static void load_and_show(bool with_origins, bool as_json, struct buf *out)
{
    static const char *const pairs[] = {"OPENAI_API_KEY=sk-short", "HOME=/h",
                                        "HARBORAI_LOG_LEVEL=debug", NULL};
    AUTO(buf) faults = BUF_INIT(KIB(4));
    struct config *config = load_text(text, pairs, NULL, 0, &faults);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    if (as_json)
        show_json(config, out);
    else
        show_yaml(config, with_origins, out);
    CU_ASSERT_EQUAL(out->failed, HARBORAI_OK);
    config_destroy(config);
}

static bool contains(const struct buf *out, const char *piece)
{
    return memmem(out->data, out->len, piece, strlen(piece)) != NULL;
}

static void test_yaml(void)
{
    static const char *const pieces[] = {
        "server:\n  host: \"::1\"\n  port: 9000\n  socket_access: user\n  tls:\n    min_version: \"1.2\"\n  workers: 0\n  max_body: 32MiB\n",
        "default_model: \"a$${b}\"\n",
        "log:\n  level: debug\n",
        "  openai:\n    plugin: openai\n    api_key: \"***\"\n",
        "    api_key: \"***6789\"\n    models: [\"m\",\"f*\"]\n",
        "    options: {\"region\":\"eu\",\"deep\":{\"my_key\":\"***\",\"on\":true}}\n",
        "  off:\n    plugin: off\n    # api_key: NO_KEY has no value\n",
        "    api_key: none\n",
        "models:\n  \"3.5\": lab/m\n",
    };
    AUTO(buf) out = BUF_INIT(MIB(1));
    load_and_show(false, false, &out);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        ROW(pieces[i], contains(&out, pieces[i]));
    CU_ASSERT(!contains(&out, "sk-") && !contains(&out, "#  ") && !contains(&out, "plugin_path"));
}

/* But for the keys, what is shown means what was read. */
static void test_yaml_is_a_configuration(void)
{
    static const char *const pairs[] = {NULL};
    AUTO(buf) once = BUF_INIT(MIB(1)), faults = BUF_INIT(KIB(64));
    load_and_show(true, false, &once);
    buf_add_char(&once, '\0');
    struct config *config = load_text(once.data, pairs, NULL, 0, &faults);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    CU_ASSERT(slice_is(config->host, "::1") && slice_is(config->default_model, "a${b}"));
    CU_ASSERT_EQUAL(config->providers[0].timeouts.idle_ms, 90000);
    CU_ASSERT(slice_is(config->aliases[0].name, "3.5"));
    config_destroy(config);
}

static void test_origins(void)
{
    static const char *const pieces[] = {
        "  port: 9000  # c.yaml:1:30\n",
        "  workers: 0  # default\n",
        "  level: debug  # variable HARBORAI_LOG_LEVEL\n",
        "    api_key: \"***\"  # c.yaml:4:22, from OPENAI_API_KEY\n",
        "      idle: 90s  # c.yaml:4:60\n",
        "      total: 10m  # default: timeouts.total\n",
        "  \"3.5\": lab/m  # c.yaml:9:11\n",
    };
    AUTO(buf) out = BUF_INIT(MIB(1));
    load_and_show(true, false, &out);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        ROW(pieces[i], contains(&out, pieces[i]));
}

static void test_json(void)
{
    static const char *const pieces[] = {
        "{\"version\":1,\"settings\":[{\"setting\":\"server.host\",\"value\":\"::1\",\"origin\":"
        "{\"kind\":\"file\",\"name\":\"c.yaml\",\"line\":1,\"column\":17}},",
        "{\"setting\":\"providers.openai.api_key\",\"value\":\"***\",\"origin\":{\"kind\":\"file\","
        "\"name\":\"c.yaml\",\"line\":4,\"column\":22,\"reference\":\"OPENAI_API_KEY\"}}",
        "{\"setting\":\"server.workers\",\"value\":0,\"origin\":{\"kind\":\"default\"}}",
        "{\"setting\":\"models.3.5\",\"value\":\"lab/m\",",
    };
    AUTO(buf) out = BUF_INIT(MIB(1));
    load_and_show(false, true, &out);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        ROW(pieces[i], contains(&out, pieces[i]));
    CU_ASSERT(!contains(&out, "sk-"));
}

/* Whatever may be a secret of a plugin's own, however it is called or written. */
static void test_secrets_of_options(void)
{
    static const struct row {
        const char *option, *want;
    } rows[] = {
        {"apiKey: hush", "{\"apiKey\":\"***\"}"},
        {"clientSecret: hush", "{\"clientSecret\":\"***\"}"},
        {"accessToken: hush", "{\"accessToken\":\"***\"}"},
        {"API_KEY: hush", "{\"API_KEY\":\"***\"}"},
        {"Pin-Passphrase: hush", "{\"Pin-Passphrase\":\"***\"}"},
        {"dbPwd: 1234", "{\"dbPwd\":\"***\"}"},
        {"aws_credentials: { id: hush, list: [hush, 1, true] }",
         "{\"aws_credentials\":{\"id\":\"***\",\"list\":[\"***\",\"***\",true]}}"},
        {"headers: { Authorization: hush, X-Api-Key: hush, Cookie: hush, Accept: text/plain }",
         "{\"headers\":{\"Authorization\":\"***\",\"X-Api-Key\":\"***\",\"Cookie\":\"***\","
         "\"Accept\":\"text/plain\"}}"},
        {"headers: ['X-Api-Key: hush', 'Accept: text/plain']",
         "{\"headers\":[\"***\",\"Accept: text/plain\"]}"},
        {"headers: [{ name: X-Api-Key, value: hush }]",
         "{\"headers\":[{\"name\":\"***\",\"value\":\"***\"}]}"},
        {"x: 'Bearer hush'", "{\"x\":\"***\"}"},
        {"x: sk-hush", "{\"x\":\"***\"}"},
        {"x: '${MY_SECRET}'", "{\"x\":\"***\"}"},
        {"x: 'a-${REGION}-${myKey}'", "{\"x\":\"***\"}"},
        {"x: '${REGION}'", "{\"x\":\"eu\"}"},
        {"url: 'http://me:hush@h:1/p'", "{\"url\":\"http://***@h:1/p\"}"},
        {"url: 'http://hush@h, socks5://me:hu@sh@h2'",
         "{\"url\":\"http://***@h, socks5://***@h2\"}"},
        {"url: 'me:hush@h:5432'", "{\"url\":\"***@h:5432\"}"},
        {"url: 'https://h/p?api_key=hush&n=1'", "{\"url\":\"***\"}"},
        {"mail: me@example.com", "{\"mail\":\"me@example.com\"}"},
        {"deep: { er: [{ password: hush }], depth: 2 }",
         "{\"deep\":{\"er\":[{\"password\":\"***\"}],\"depth\":2}}"},
    };
    static const char *const pairs[] = {"MY_SECRET=hush", "myKey=hush", "REGION=eu", NULL};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) said = BUF_INIT(KIB(4)), yaml = BUF_INIT(KIB(64)), json = BUF_INIT(KIB(64));
        char file[512];
        snprintf(file, sizeof file, "providers: { a: { options: { %s } } }", rows[i].option);
        struct config *c = load_text(file, pairs, NULL, 0, &said);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        show_yaml(c, true, &yaml);
        show_json(c, &json);
        ROW(rows[i].option, contains(&yaml, rows[i].want) && contains(&json, rows[i].want));
        ROW(rows[i].option, !contains(&yaml, "hush") && !contains(&json, "hush"));
        config_destroy(c);
    }
}

const CU_TestInfo show_tests[] = {{"YAML", test_yaml},
                                  {"YAML is a configuration", test_yaml_is_a_configuration},
                                  {"origins", test_origins},
                                  {"JSON", test_json},
                                  {"secrets of options", test_secrets_of_options},
                                  CU_TEST_INFO_NULL};
