/* SPDX-License-Identifier: MIT */
/* Each thing that can be wrong with a configuration, with the words that say so. */
#include "../unit.h"
#include "base/limits.h"
#include "support.h"

extern const CU_TestInfo faults_tests[];

/* Of the top level. */
#define KNOWN                                                                                      \
    "server, default_model, state_dir, plugin_path, plugin_watch, plugin_preload, "                \
    "plugin_trust, plugin_trusted_groups, plugin_lock, plugin_require_lock, "                      \
    "disabled_models, params, on_disconnect, log, tls, timeouts, stream, replay, journal, "        \
    "content, content_limit, store, providers, models"

static const struct row {
    const char *text, *want;
} rows[] = {
    /* Keys. */
    {"providers:\n  lab: { modle: x }\n",
     "c.yaml:2:10: unknown key 'modle' in 'providers.lab', did you mean 'models'?\n"},
    {"sever: {}\n", "c.yaml:1:1: unknown key 'sever', did you mean 'server'?\n"},
    {"server:\n  prot: 1\n", "c.yaml:2:3: unknown key 'prot' in 'server', did you mean 'port'?\n"},
    {"max_body: 1\n", "c.yaml:1:1: unknown key 'max_body', did you mean 'server.max_body'?\n"},
    {"providers: { a: { connect: 1 } }",
     "c.yaml:1:19: unknown key 'connect' in 'providers.a', did you mean "
     "'providers.*.timeouts.connect'?\n"},
    {"server: { frobnicate: 1 }",
     "c.yaml:1:11: unknown key 'frobnicate' in 'server': known are host, port, socket, socket_access, "
     "tls, workers, max_body, limits, timeouts, half_close, cors, logs, auth, requests_per_minute, "
     "core_dumps\n"},
    {"providers: { a: { region: x } }",
     "c.yaml:1:19: unknown key 'region' in 'providers.a': known are plugin, preset, base_url, api_key, "
     "models, priority, tls, timeouts, params, on_disconnect, options; what the plugin itself knows "
     "goes below 'options'\n"},
    {"frobnicate: 1", "c.yaml:1:1: unknown key 'frobnicate': known are " KNOWN "\n"},
    {"\"a\\nb\": 1", "c.yaml:1:1: unknown key 'a?b': known are " KNOWN "\n"},
    {"<<: {}", "c.yaml:1:1: unknown key '<<': known are " KNOWN "\n"},
    {"server: { port: 1, port: 2 }",
     "c.yaml:1:20: duplicate key 'port': it stands in line 1 already\n"},

    /* Kinds. */
    {"server: 8000", "c.yaml:1:9: 'server' must be a mapping, not a number\n"},
    {"providers: [openai]", "c.yaml:1:12: 'providers' must be a mapping, not a list\n"},
    {"providers: { openai: sk-1 }",
     "c.yaml:1:22: 'providers.openai' must be a mapping, not a text\n"},
    {"models: [smart]", "c.yaml:1:9: 'models' must be a mapping, not a list\n"},
    {"server: { host: [a] }", "c.yaml:1:17: 'server.host' must be a text, not a list\n"},
    {"server: { host: }", "c.yaml:1:17: 'server.host' has no value: give one or leave it out\n"},
    {"server: { host: '' }", "c.yaml:1:17: 'server.host' is empty: give a value or leave it out\n"},
    {"server: { host: \"a\\nb\" }",
     "c.yaml:1:17: 'server.host' holds a line end or another control character\n"},
    {"plugin_path: /opt/p", "c.yaml:1:14: 'plugin_path' must be a list of paths, not '/opt/p'\n"},
    {"plugin_path: []",
     "c.yaml:1:14: 'plugin_path' is an empty list: name something or leave it out\n"},
    {"plugin_path: [/a, [/b], ~]", "c.yaml:1:19: 'plugin_path' must be a text, not a list\n"
                                   "c.yaml:1:25: 'plugin_path' has no value: give one or leave it "
                                   "out\n"},

    /* Ranges. */
    {"server: { port: 65536 }",
     "c.yaml:1:17: 'server.port' must be a whole number from 0 to 65535, not '65536'\n"},
    {"server: { port: -1 }",
     "c.yaml:1:17: 'server.port' must be a whole number from 0 to 65535, not '-1'\n"},
    {"server: { port: http }",
     "c.yaml:1:17: 'server.port' must be a whole number from 0 to 65535, not 'http'\n"},
    {"server: { port: {} }",
     "c.yaml:1:17: 'server.port' must be a whole number from 0 to 65535, not a mapping\n"},
    {"server: { workers: 65 }",
     "c.yaml:1:20: 'server.workers' must be a whole number from 0 to 64, not '65'\n"},
    {"server: { max_body: 33MiB }",
     "c.yaml:1:21: 'server.max_body' must be a size from 1KiB to 32MiB, not '33MiB'\n"},
    {"server: { max_body: 1MB }",
     "c.yaml:1:21: 'server.max_body' must be a size from 1KiB to 32MiB, not '1MB'\n"},
    {"timeouts: { connect: 0 }",
     "c.yaml:1:22: 'timeouts.connect' must be a duration from 1ms to 10m, not '0'\n"},
    {"timeouts: { idle: soon }",
     "c.yaml:1:19: 'timeouts.idle' must be a duration from 1ms to 24h, not 'soon'\n"},
    {"params: maybe", "c.yaml:1:9: 'params' must be strict, warn or drop, not 'maybe'\n"},
    {"params: [warn]", "c.yaml:1:9: 'params' must be strict, warn or drop, not a list\n"},
    {"providers: { a: { on_disconnect: stay } }",
     "c.yaml:1:34: 'providers.a.on_disconnect' must be cancel or drain, not 'stay'\n"},
    {"log: { level: loud }",
     "c.yaml:1:15: 'log.level' must be error, warn, info or debug, not 'loud'\n"},

    /* The gateway's own socket and TLS. */
    {"server: { socket_access: all }",
     "c.yaml:1:26: 'server.socket_access' must be user, group or everyone, not 'all'\n"},
    {"server: { tls: { certificate: c.pem } }",
     "c.yaml:1:31: 'server.tls.certificate' needs 'server.tls.key' beside it\n"},
    {"server: { tls: { key: k.pem } }",
     "c.yaml:1:23: 'server.tls.key' needs 'server.tls.certificate' beside it\n"},
    {"server: { tls: { client_ca: ca.pem } }",
     "c.yaml:1:29: 'server.tls.client_ca' needs 'server.tls.certificate' beside it\n"},
    {"server: { tls: { certificate: c, key: k, min_version: 1.1 } }",
     "c.yaml:1:55: 'server.tls.min_version' must be 1.2 or 1.3, not '1.1'\n"},
    {"server: { tls: { ca_file: c } }",
     "c.yaml:1:18: unknown key 'ca_file' in 'server.tls', did you mean 'tls.ca_file'?\n"},

    /* Providers. */
    {"providers: { My Lab: { } }",
     "c.yaml:1:14: a provider's name has 1 to 32 of a-z, 0-9 and '-', not 'My Lab'\n"},
    {"providers: { a: { plugin: Open/AI } }",
     "c.yaml:1:27: 'providers.a.plugin' must be a plugin's name, not 'Open/AI'\n"},
    {"providers: { a: { base_url: localhost:9100 } }",
     "c.yaml:1:29: 'providers.a.base_url' must be a URL such as https://api.example.com/v1, "
     "without "
     "user, '?' and '#', not 'localhost:9100'\n"},
    {"providers: { a: { models: [] } }",
     "c.yaml:1:27: 'providers.a.models' is an empty list: name something or leave it out\n"},
    {"providers: { a: { models: gpt } }",
     "c.yaml:1:27: 'providers.a.models' must be a list of names, not 'gpt'\n"},
    {"providers: { a: { options: [1] } }",
     "c.yaml:1:28: 'providers.a.options' must be a mapping, not a list\n"},
    {"providers: { a: { options: { base_url: x, api_key: y } } }",
     "c.yaml:1:30: 'base_url' is no option of the plugin: write it as 'providers.a.base_url'\n"
     "c.yaml:1:43: 'api_key' is no option of the plugin: write it as 'providers.a.api_key'\n"},
    {"providers: { a: { options: { x: .inf } } }",
     "c.yaml:1:33: '.inf' is no number of JSON: put it in quotes to pass it as text\n"},

    /* Keys of vendors: what they hold is in no message. */
    {"providers: { a: { api_key: '' } }", "c.yaml:1:28: 'providers.a.api_key' is empty: give a "
    "key, "
                                          "or none for a vendor that needs none\n"},
    {"providers: { a: { api_key: } }", "c.yaml:1:28: 'providers.a.api_key' is empty: give a key, "
    "or "
                                       "none for a vendor that needs none\n"},
    {"providers: { a: { api_key: [sk] } }",
     "c.yaml:1:28: 'providers.a.api_key' must be a key or none, not a list\n"},
    {"providers: { a: { api_key: \"sk\\n\" } }",
     "c.yaml:1:28: 'providers.a.api_key' holds a line end or another control character: write the "
     "key alone, without a trailing newline\n"},
    {"providers: { a: { api_key: \"${sk\" } }",
     "c.yaml:1:28: 'providers.a.api_key' holds a '${' that names no variable: write '$${' for the "
     "characters\n"},
    {"providers: { a: { api_key: \"${NO_KEY:?get one at example.com}\" } }",
     "c.yaml:1:28: environment variable 'NO_KEY' is not set or empty: get one at example.com\n"},

    /* Aliases. */
    {"models: { smart: gpt-4o }",
     "c.yaml:1:18: 'models.smart' must be provider/model, not 'gpt-4o'\n"},
    {"models: { smart: a/ }", "c.yaml:1:18: 'models.smart' must be provider/model, not 'a/'\n"},
    {"models: { smart: [a/b] }", "c.yaml:1:18: 'models.smart' must be a text, not a list\n"},
    {"providers: { openai: }\nmodels: { smart: opnai/gpt-4o }",
     "c.yaml:2:18: 'models.smart' names the unknown provider 'opnai', did you mean 'openai'?\n"},
    {"models: { smart: acme/x }\nproviders: {}",
     "c.yaml:1:18: 'models.smart' names the unknown provider 'acme': write it below 'providers'\n"},

    /* Variables. */
    {"server: { host: \"${NO_HOST}\" }",
     "c.yaml:1:17: environment variable 'NO_HOST' is not set: set it, or write "
     "${NO_HOST:-default}\n"},
    {"server: { host: \"${NO_HOST:?say where}\" }",
     "c.yaml:1:17: environment variable 'NO_HOST' is not set or empty: say where\n"},
    {"server: { host: \"${NO HOST}\" }", "c.yaml:1:17: 'NO HOST' after '$' is no variable's "
    "name\n"},
    {"server: { host: \"${A:=b}\" }",
     "c.yaml:1:17: 'A' after '$' must be followed by '}', ':-default}' or ':?message}'\n"},
    {"server: { host: \"${A\" }",
     "c.yaml:1:17: '{A' after '$' has no '}' at its end: write '$${' for the characters\n"},
    {"server: { host: \"${EMPTY}\" }",
     "c.yaml:1:17: 'server.host' is empty: give a value or leave it out\n"},
    {"default_model: ${NO_MODEL}\nnope: ${NEITHER}\n",
     "c.yaml:1:16: environment variable 'NO_MODEL' is not set: set it, or write "
     "${NO_MODEL:-default}\n"
     "c.yaml:2:1: unknown key 'nope': known are " KNOWN "\n"
     "c.yaml:2:7: environment variable 'NEITHER' is not set: set it, or write "
     "${NEITHER:-default}\n"},

    /* Syntax: one fault, for what follows is guesswork. */
    {"server: { port: 1\nproviders: {}\n",
     "c.yaml:2:10: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping "
     "that "
     "begins in line 1\n"},
};

static void test_texts(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) faults = BUF_INIT(KIB(64));
        struct config *c = load_text(rows[i].text, NULL, NULL, 0, &faults);
        ROW(rows[i].text, c == NULL);
        ROW(rows[i].text, slice_is(buf_slice(&faults), rows[i].want));
        if (!slice_is(buf_slice(&faults), rows[i].want))
            fprintf(stderr, "  got %.*s", SLICE_ARG(buf_slice(&faults)));
        config_destroy(c);
    }
}

static void test_urls(void)
{
    static const struct url {
        const char *text;
        bool good;
    } urls[] = {
        {"http://h", true},          {"https://api.openai.com/v1", true},
        {"http://[::1]:80/v1", true}, {"http://h:65535", true},
        {"http://[::1]", true},      {"http://h:", false},
        {"http://h:65536", false},   {"http://h:0", false},
        {"http://h:x", false},       {"http://", false},
        {"http:///v1", false},       {"ftp://h", false},
        {"http://user@h", false},    {"http://h/?a", false},
        {"http://h/#a", false},      {"http://h/a b", false},
        {"http://[::1", false},      {"http://[::1]80", false},
        {"HTTP://h", true}, {"http://exa%mple", false},         {"http://a:1:2", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        char text[256];
        AUTO(buf) faults = BUF_INIT(KIB(4));
        snprintf(text, sizeof text, "providers: { a: { base_url: \"%s\" } }", urls[i].text);
        struct config *c = load_text(text, NULL, NULL, 0, &faults);
        ROW(urls[i].text, (c != NULL) == urls[i].good);
        config_destroy(c);
    }
}

/* What is no file is named as what it is. */
static void test_other_sources(void)
{
    static const char *const pairs[] = {"HARBORAI_PORT=abc", "HARBORAI_LOG_LEVEL=loud",
                                        "SSL_CERT_FILE=~/x", NULL};
    static const struct config_override overrides[] = {
        {"server.workers", "many"}, {"server.max_body", "1"}, {"server.prot", "1"}};
    AUTO(buf) faults = BUF_INIT(KIB(4));
    struct config *c = load_text("", pairs, overrides, ARRAY_LEN(overrides), &faults);
    CU_ASSERT_PTR_NULL(c);
    CU_ASSERT(slice_is(
        buf_slice(&faults),
        "HARBORAI_PORT: 'server.port' must be a whole number from 0 to 65535, not 'abc'\n"
        "HARBORAI_LOG_LEVEL: 'log.level' must be error, warn, info or debug, not 'loud'\n"
        "SSL_CERT_FILE: 'tls.ca_file' begins with '~' but HOME is not set\n"
        "--workers: 'server.workers' must be a whole number from 0 to 64, not 'many'\n"
        "server.max_body: 'server.max_body' must be a size from 1KiB to 32MiB, not '1'\n"
        "server.prot: no such setting\n"));
}

static void test_all_at_once(void)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    struct fixed_environment fixed = fixed_environment(usual_pairs);
    struct config_faults faults;
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *c = NULL;

    for (unsigned i = 0; i < 75; i++)
        buf_printf(&text, "x%u: \"${NO}\"\n", i);
    struct config_sources sources = {.file = "c.yaml", .text = buf_slice(&text)};
    config_faults_init(&faults);
    CU_ASSERT_EQUAL(config_load(&sources, &fixed.environment, &c, &faults, &error),
                    HARBORAI_E_CONFIG);
    CU_ASSERT_EQUAL(faults.count, CONFIG_FAULTS_MAX);
    CU_ASSERT_EQUAL(faults.total, 150);
    CU_ASSERT_STRING_EQUAL(error.message,
                           "c.yaml:1:1: unknown key 'x0': known are " KNOWN " (and 149 more)");
    /* Two a line: the first hundred in the order of the file, whatever was found first. */
    CU_ASSERT(faults.items[1].line == 1 && faults.items[1].column == 5);
    CU_ASSERT_EQUAL(faults.items[CONFIG_FAULTS_MAX - 1].line, 50);
    config_faults_release(&faults);
}

/* What is quoted commands no terminal: neither by C0, nor by C1, nor by bytes that are no character
 * and that a terminal of 8 bits obeys. */
static void test_controls(void)
{
    static const struct row {
        const char *text, *want;
    } controls[] = {
        {"a\033[31m\177\n", "a?[31m??"},
        {"a\xc2\x9b" "31m\xc2\x80\xc2\x9f\xc2\xa0", "a?31m??\xc2\xa0"},
        {"\x9b" "31m\xff\xc2", "?31m??"},
        {"\xe6\xb0\xb4\xf0\x9f\x98\x80\xe6\xb0", "\xe6\xb0\xb4\xf0\x9f\x98\x80??"},
    };
    for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
        AUTO(config_faults) faults;
        char line[64], want[64];
        config_faults_init(&faults);
        config_faults_add(&faults, (struct config_place){controls[i].text, 1, 2}, "%s",
                          controls[i].text);
        config_fault_format(&faults.items[0], line, sizeof line);
        snprintf(want, sizeof want, "%s:1:2: %s", controls[i].want, controls[i].want);
        ROW(want, strcmp(line, want) == 0);
    }
}

/* Of warnings there are many more: one for each variable of a foreign .env file. */
static void test_ceilings(void)
{
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    config_faults_init(&faults);
    config_faults_init_warnings(&warnings);
    for (unsigned i = CONFIG_WARNINGS_MAX + 50; i > 0; i--) {
        config_faults_add(&faults, (struct config_place){"f", i, 1}, "%u", i);
        config_faults_add(&warnings, (struct config_place){"f", i, 1}, "%0500u", i);
    }
    CU_ASSERT_EQUAL(faults.count, CONFIG_FAULTS_MAX);
    CU_ASSERT_EQUAL(warnings.count, CONFIG_WARNINGS_MAX);
    CU_ASSERT(faults.total == warnings.total && warnings.total == CONFIG_WARNINGS_MAX + 50);
    for (unsigned i = 0; i < warnings.count; i++)
        CU_ASSERT_EQUAL(warnings.items[i].line, i + 1);
    CU_ASSERT_EQUAL(faults.items[CONFIG_FAULTS_MAX - 1].line, CONFIG_FAULTS_MAX);
}

const CU_TestInfo faults_tests[] = {{"texts", test_texts},
                                    {"urls", test_urls},
                                    {"variables and flags", test_other_sources},
                                    {"all at once", test_all_at_once},
                                    {"controls", test_controls},
                                    {"ceilings", test_ceilings},
                                    CU_TEST_INFO_NULL};
