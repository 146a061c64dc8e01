/* SPDX-License-Identifier: MIT */
/* What counts where several sources say something: files laid over one another, .env files,
 * variables of vendors and of forebears; and where each value is said to come from. */
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "config/legacy.h"
#include "config/settings.h"
#include "support.h"

extern const CU_TestInfo layers_tests[];

static char place[] = "/tmp/check_layers.XXXXXX";
static char user_pair[80], system_pair[80], env_pair[80];

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place, name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

static void make_place(const char *user, const char *system, const char *env)
{
    char path[128];
    strcpy(place, "/tmp/check_layers.XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(place));
    snprintf(path, sizeof path, "%s/harborai", place);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
    write_file("harborai/config.yaml", user);
    write_file("system.yaml", system);
    write_file("env", env);
    snprintf(user_pair, sizeof user_pair, "XDG_CONFIG_HOME=%s", place);
    snprintf(system_pair, sizeof system_pair, "HARBORAI_SYSTEM_CONFIG=%s/system.yaml", place);
    snprintf(env_pair, sizeof env_pair, "HARBORAI_ENV_FILE=%s/env", place);
}

static void remove_place(void)
{
    static const char *const names[] = {"harborai/config.yaml", "system.yaml", "env", "harborai",
                                        ""};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", place, names[i]);
        remove(path);
    }
}

static void add_lines(const struct config_faults *faults, struct buf *out)
{
    char line[1024];
    for (unsigned i = 0; i < faults->count; i++) {
        config_fault_format(&faults->items[i], line, sizeof line);
        harborai_str text = slice_of(line);
        if (slice_starts_with(text, place))
            text = slice_from(text, strlen(place) + 1);
        buf_printf(out, "%.*s\n", SLICE_ARG(text));
    }
}

static struct config *load(const char *const *pairs, const struct config_override *overrides,
                           size_t override_count, const char *const *variables, struct buf *said)
{
    static struct fixed_environment fixed;
    AUTO(config_faults) faults;
    AUTO(config_faults) warnings;
    struct config *config = NULL;

    fixed = fixed_environment(pairs);
    config_faults_init(&faults);
    config_faults_init(&warnings);
    struct config_sources sources = {.overrides = overrides, .override_count = override_count,
                                     .variables = variables, .warnings = &warnings};
    if (config_load(&sources, &fixed.environment, &config, &faults, NULL) < 0)
        config = NULL;
    add_lines(&faults, said);
    add_lines(&warnings, said);
    return config;
}

#define CHECK_SAID(said, want)                                                                     \
    do {                                                                                           \
        CU_ASSERT(slice_is(buf_slice(&(said)), (want)));                                           \
        if (!slice_is(buf_slice(&(said)), (want)))                                                 \
            fprintf(stderr, "\n  got  %.*s\n  want %s\n", SLICE_ARG(buf_slice(&(said))), (want)); \
    } while (0)

static const struct config_origin *origin_of(const struct config_origin *origins, const char *path)
{
    return &origins[settings_find(slice_of(path)) - settings];
}

/* Flag, variable, .env, user's file, system's file, default: each counts before what is behind it. */
static void test_precedence(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    static const struct config_override overrides[] = {{"server.host", "flag"}};
    const char *const pairs[] = {user_pair, system_pair, env_pair, "HARBORAI_HOST=variable",
                                 "HARBORAI_PORT=1", "HARBORAI_DEFAULT_MODEL=", NULL};
    make_place("server: { host: user, port: 10, max_body: 1MiB }\n"
               "timeouts: { idle: 5s, connect: 5s }\nplugin_path: [u]\n"
               "providers:\n  a: { models: [x], options: { p: 1 } }\n  b:\n",
               "server: { host: system, max_body: 2MiB }\ntimeouts: { first_byte: 7s }\n"
               "plugin_path: [s1, s2]\ndefault_model: m\n"
               "providers:\n  a: { base_url: 'http://s', models: [y, z], options: { q: 2 } }\n"
               "  b: { plugin: openai }\n  c: { plugin: openai }\nmodels: { smart: c/x }\n",
               "HARBORAI_HOST=env\nHARBORAI_PORT=2\nHARBORAI_WORKERS=3\n\n"
               "HARBORAI_CONNECT_TIMEOUT=4s\n HARBORAI_DEFAULT_MODEL=n\n");
    struct config *c = load(pairs, overrides, ARRAY_LEN(overrides), NULL, &said);
    CHECK_SAID(said, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(slice_is(c->host, "flag"));
    CU_ASSERT_EQUAL(c->port, 1);
    CU_ASSERT_EQUAL(c->workers, 3);
    CU_ASSERT_EQUAL(c->timeouts.connect_ms, 4000);
    CU_ASSERT_EQUAL(c->timeouts.idle_ms, 5000);
    CU_ASSERT_EQUAL(c->timeouts.first_byte_ms, 7000);
    CU_ASSERT_EQUAL(c->max_body, 1 << 20);
    CU_ASSERT(slice_is(c->default_model, "m")); /* set to nothing: neither it nor .env counts */
    CU_ASSERT(c->plugin_path.count == 1 && slice_ends_with(c->plugin_path.items[0], "harborai/u"));
    CU_ASSERT_EQUAL_FATAL(c->provider_count, 3);
    CU_ASSERT(slice_is(c->providers[0].config_json, "{\"base_url\":\"http://s\",\"q\":2,\"p\":1}"));
    CU_ASSERT_EQUAL(c->providers[0].models.count, 1);
    CU_ASSERT(slice_is(c->providers[1].plugin, "openai"));
    CU_ASSERT(c->alias_count == 1 && c->aliases[0].place.line == 9);
    const struct {
        const char *path, *file;
        enum config_origin_kind kind;
        unsigned line, column;
    } origins[] = {
        {"server.host", "--host", CONFIG_ORIGIN_FLAG, 0, 0},
        {"server.port", "HARBORAI_PORT", CONFIG_ORIGIN_VARIABLE, 0, 0},
        {"server.workers", "/env", CONFIG_ORIGIN_ENV_FILE, 3, 18},
        {"server.max_body", "/harborai/config.yaml", CONFIG_ORIGIN_FILE, 1, 43},
        {"timeouts.first_byte", "/system.yaml", CONFIG_ORIGIN_FILE, 2, 25},
        {"timeouts.total", "default", CONFIG_ORIGIN_DEFAULT, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
        const struct config_origin *o = origin_of(c->origins, origins[i].path);
        ROW(origins[i].path, o->kind == origins[i].kind);
        ROW(origins[i].path, slice_ends_with(slice_of(o->place.file), origins[i].file));
        ROW(origins[i].path,
            o->place.line == origins[i].line && o->place.column == origins[i].column);
    }
    const struct config_origin *url = origin_of(c->providers[0].origins, "providers.*.base_url");
    CU_ASSERT(url->kind == CONFIG_ORIGIN_FILE && url->place.line == 6);
    config_destroy(c);
    remove_place();
}

/* Every source's faults at once, each with its place. */
static void test_faults_everywhere(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    static const struct config_override overrides[] = {{"server.workers", "many"}};
    const char *const pairs[] = {user_pair, system_pair, env_pair, "HARBORAI_PORT=http", NULL};
    make_place("sever: {}\n", "servr: {}\n",
               "HARBORAI_TIMEOUT=soon\nB\n");
    CU_ASSERT_PTR_NULL(load(pairs, overrides, ARRAY_LEN(overrides), NULL, &said));
    CHECK_SAID(said,
               "env:2:1: must be NAME=value: there is no '=' behind the name\n"
               "system.yaml:1:1: unknown key 'servr', did you mean 'server'?\n"
               "harborai/config.yaml:1:1: unknown key 'sever', did you mean 'server'?\n"
               "HARBORAI_PORT: 'server.port' must be a whole number from 0 to 65535, not 'http'\n"
               "env:1:18: 'timeouts.total' must be a duration from 0s to 168h, not 'soon'\n"
               "--workers: 'server.workers' must be a whole number from 0 to 64, not 'many'\n");
    remove_place();
}

/* A named file stands alone. */
static void test_named_file(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    char named[128];
    const char *const pairs[] = {named, system_pair, NULL};
    make_place("server: { port: 10 }\n", "server: { port: 20, host: system }\n", "");
    snprintf(named, sizeof named, "HARBORAI_CONFIG=%s/harborai/config.yaml", place);
    struct config *c = load(pairs, NULL, 0, NULL, &said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(c->port == 10 && slice_is(c->host, "127.0.0.1"));
    config_destroy(c);
    remove_place();
}

static void test_env_file_of_others(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    char path[128];
    const char *const pairs[] = {env_pair, "HARBORAI_SYSTEM_CONFIG=", NULL};
    make_place("", "", "HARBORAI_PORT=1\n");
    snprintf(path, sizeof path, "%s/env", place);
    chmod(path, 0666);
    struct config *c = load(pairs, NULL, 0, NULL, &said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->port, 8000);
    CHECK_SAID(said, "env: not read: others than you and root can write it: chmod o-w and chown "
                     "it\n");
    config_destroy(c);
    remove_place();
    buf_clear(&said);
    CU_ASSERT_PTR_NULL(load(pairs, NULL, 0, NULL, &said)); /* it was named, and is not there */
    CHECK_SAID(said, "env: cannot read the variables that HARBORAI_ENV_FILE names: No such file or "
                     "directory\n");
}

static void test_vendor_urls(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    const char *const plain[] = {"OPENAI_BASE_URL=http://v/v1/", NULL};
    struct config *c = load_text("", plain, NULL, 0, &said);
    CU_ASSERT_FATAL(c != NULL && c->provider_count == 1 && !c->has_file);
    CU_ASSERT(slice_is(c->providers[0].base_url, "http://v/v1"));
    CU_ASSERT(slice_is(c->providers[0].config_json, "{\"base_url\":\"http://v/v1\"}"));
    CU_ASSERT_EQUAL(origin_of(c->providers[0].origins, "providers.*.base_url")->kind,
                    CONFIG_ORIGIN_VARIABLE);
    config_destroy(c);
    c = load_text("providers: { openai: { base_url: 'http://f' }, lab: { plugin: openai } }", plain,
                  NULL, 0, &said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(slice_is(c->providers[0].base_url, "http://f")); /* what a file says counts */
    CU_ASSERT_EQUAL(c->providers[1].base_url.len, 0);          /* another account's is not it */
    config_destroy(c);
    const char *const wrong[] = {"OPENAI_BASE_URL=v", NULL};
    CU_ASSERT_PTR_NULL(load_text("", wrong, NULL, 0, &said));
    CHECK_SAID(said, "OPENAI_BASE_URL: 'providers.openai.base_url' must be a URL such as "
                     "https://api.example.com/v1, without user, '?' and '#', not 'v'\n");
}

/* A folder's .env must not lead the user's own key astray. */
static void test_vendor_url_of_a_folder(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    const char *const pairs[] = {env_pair, "HARBORAI_SYSTEM_CONFIG=", "OPENAI_API_KEY=sk", NULL};
    make_place("", "", "OPENAI_BASE_URL=http://evil\nDEEPSEEK_BASE_URL=http://d\n"
                       "DEEPSEEK_API_KEY=k\n");
    struct config *c = load(pairs, NULL, 0, NULL, &said);
    CU_ASSERT_FATAL(c != NULL && c->provider_count == 1);
    CU_ASSERT(slice_is(c->providers[0].name, "deepseek"));
    CHECK_SAID(said, "env:1:17: OPENAI_BASE_URL is not used: the key is not in this file, and a .env "
                     "file decides only where its own keys go: write providers.openai.base_url\n");
    config_destroy(c);
    remove_place();
}

/* Nor where a password goes that stands elsewhere. */
static void test_postgres_of_a_folder(void)
{
    static const struct row {
        const char *outer, *env_file;
        bool is_refused;
    } rows[] = {
        {"HARBORAI_POSTGRES_PASSWORD=sk", "HARBORAI_POSTGRES_HOST=evil\n", true},
        {"HARBORAI_POSTGRES_PASSWORD=sk", "HARBORAI_POSTGRES_URL=postgresql://evil/\n", true},
        {"HARBORAI_POSTGRES_PASSWORD=sk", "HARBORAI_POSTGRES_DATABASE=d\n", false},
        {"X=1", "HARBORAI_POSTGRES_HOST=db\nHARBORAI_POSTGRES_PASSWORD=sk\n", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) said = BUF_INIT(KIB(8));
        const char *const pairs[] = {env_pair, "HARBORAI_SYSTEM_CONFIG=", rows[i].outer, NULL};
        make_place("", "", rows[i].env_file);
        struct config *c = load(pairs, NULL, 0, NULL, &said);
        ROW(rows[i].env_file, (c == NULL) == rows[i].is_refused);
        config_destroy(c);
        remove_place();
    }
}

/* Nor must it say who vouches for where the key goes. */
static void test_authorities_of_a_folder(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    const char *const pairs[] = {env_pair, "HARBORAI_SYSTEM_CONFIG=", "OPENAI_API_KEY=sk", NULL};
    make_place("", "", "SSL_CERT_FILE=evil.pem\n");
    struct config *c = load(pairs, NULL, 0, NULL, &said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT(slice_is(c->ca_file, "/etc/ssl/certs/ca-certificates.crt"));
    CU_ASSERT_EQUAL(origin_of(c->origins, "tls.ca_file")->kind, CONFIG_ORIGIN_DEFAULT);
    CHECK_SAID(said, "env:1:1: SSL_CERT_FILE is not taken from a .env file: set it in the "
                     "environment\n");
    config_destroy(c);
    remove_place();
}

/* Nor one that the user's own file leads to. */
static void test_vendor_url_of_a_folder_and_a_file(void)
{
    static const struct row {
        const char *key;
        bool is_used;
    } rows[] = {
        {"sk-1", false},          {"env:OUTER", false}, {"'${OUTER}'", false},
        {"env:INNER", true},      {"none", true},       {"'${OUTER:-none}'", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) said = BUF_INIT(KIB(8));
        char file[128];
        const char *const pairs[] = {user_pair, env_pair, "HARBORAI_SYSTEM_CONFIG=", "OUTER=sk",
                                     NULL};
        snprintf(file, sizeof file, "providers: { openai: { api_key: %s } }\n", rows[i].key);
        make_place(file, "", "OPENAI_BASE_URL=http://evil\nINNER=sk\n");
        struct config *c = load(pairs, NULL, 0, NULL, &said);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        ROW(rows[i].key, (c->providers[0].base_url.len > 0) == rows[i].is_used);
        ROW(rows[i].key, (said.len == 0) == rows[i].is_used);
        config_destroy(c);
        remove_place();
    }
}

static void test_foreign_variables(void)
{
    AUTO(buf) said = BUF_INIT(KIB(16));
    static const char *const variables[] = {
        "HARBORAI_PORT=1", "HARBORAI_PROT=1", "HARBORAI_NONSENSE_X=1", "HARBORAI_PLUGIN_PATH=/x",
        "HARBORAI_MAX_RETRIES=", "HARBORAI_FAST_PATH=true", "DB_HOST=x",
        "OTEL_ENABLED=1", "PATH=/bin", "HARBORAI_PLUGIN_AUTO_LOAD=true",
        "HARBORAI_PLUGIN_PRELOAD=true", "HARBORAI_PLUGIN_CACHE_ENABLED=true",
        "HARBORAI_PLUGIN_CACHE_SIZE=100", NULL};
    const char *const pairs[] = {env_pair, "HARBORAI_SYSTEM_CONFIG=", NULL};
    make_place("", "",
               "LOG_LEVEL=WARNING\nREQUEST_TIMEOUT=90\nDB_HOST=localhost\nMY_OWN=1\n"
               "HARBORAI_CONFIG=/evil.yaml\nOPENAI_GPT4_INPUT_PRICE=0.03\n"
               "OTEL_PYTHON_HTTPX_INSTRUMENTATION_ENABLED=true\nOTEL_ENABLED=true\nSMTP_HOST=x\n"
               "HARBORAI_TIMEUOT=3\n");
    struct config *c = load(pairs, NULL, 0, variables, &said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_EQUAL(c->log_level, LOG_LEVEL_WARN);
    CU_ASSERT_EQUAL(c->timeouts.total_ms, 90000);
    CHECK_SAID(said,
               "env:3:1: DB_HOST has no effect: write HARBORAI_POSTGRES_HOST, _USER, _PASSWORD and "
               "_DATABASE\n"
               "env:5:1: HARBORAI_CONFIG is not taken from a .env file: set it in the environment\n"
               "env:6:1: OPENAI_GPT4_INPUT_PRICE has no effect: prices come with the plugins: "
               "'harborai list-models'\n"
               "env:7:1: OTEL_PYTHON_HTTPX_INSTRUMENTATION_ENABLED has no effect: there is no Python "
               "in here\n"
               "env:8:1: OTEL_ENABLED has no effect yet: there are /metrics and the journal\n"
               "env:9:1: SMTP_HOST has no effect yet: watch /metrics\n"
               "env:10:1: unknown variable HARBORAI_TIMEUOT, did you mean HARBORAI_TIMEOUT?\n"
               "environment: unknown variable HARBORAI_PROT, did you mean HARBORAI_PORT?\n"
               "environment: unknown variable HARBORAI_NONSENSE_X: doc/configuration.md has those "
               "that there are\n"
               "environment: HARBORAI_FAST_PATH has no effect: every call takes the one fast path\n"
               "environment: HARBORAI_PLUGIN_AUTO_LOAD has no effect: plugins are always found; "
               "'providers' in the configuration file says which are used\n"
               "environment: HARBORAI_PLUGIN_CACHE_ENABLED has no effect: nothing about plugins is "
               "cached: what each says of itself is read at every start\n"
               "environment: HARBORAI_PLUGIN_CACHE_SIZE has no effect: nothing about plugins is "
               "cached: what each says of itself is read at every start\n");
    config_destroy(c);
    remove_place();
}

/* What a file of ours speaks of has its effect there. */
static void test_variables_of_vendors(void)
{
    AUTO(buf) said = BUF_INIT(KIB(8));
    const char *const pairs[] = {user_pair, env_pair, "HARBORAI_SYSTEM_CONFIG=", "OPENAI_PROJECT=x",
                                 NULL};
    make_place("providers: { openai: { api_key: env:OPENAI_SECOND_KEY,\n"
               "options: { org: '${OPENAI_ORG}' } } }\n", "",
               "OPENAI_API_KEY=a\nOPENAI_BASE_URL=http://h\nOPENAI_SECOND_KEY=b\nOPENAI_ORG=c\n"
               "OPENAI_PROJECT=p\nOPENAI_TIMEOUT=1\nOPENAI_EMPTY=\nOPENAIX=1\nERNIE_API_KEY=e\n");
    struct config *c = load(pairs, NULL, 0, NULL, &said);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CHECK_SAID(said, "env:6:1: OPENAI_TIMEOUT has no effect: of this vendor's variables only "
                     "OPENAI_API_KEY and OPENAI_BASE_URL have one: its settings go below "
                     "'providers.openai' in the configuration file\n");
    config_destroy(c);
    remove_place();
}

static void test_foreign_keys(void)
{
    static const struct row {
        const char *text, *want;
    } rows[] = {
        {"ai_providers: {}", "c.yaml:1:1: 'ai_providers' is called 'providers' here\n"},
        {"app: {}", "c.yaml:1:1: 'app' is not needed: name and version are the program's own\n"},
        {"providers: { a: { timeout: 60, api_base: x } }",
         "c.yaml:1:19: 'providers.a.timeout' is called 'timeouts.total' here: timeouts: { total: 60s "
         "}\n"
         "c.yaml:1:32: 'providers.a.api_base' is called 'base_url' here\n"},
        {"model_list: []", "c.yaml:1:1: 'model_list' is LiteLLM's: vendors go below 'providers', "
                           "names for their models below 'models'\n"},
        {"port: 1\n", "c.yaml:1:1: 'port' is called 'server.port' here\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) said = BUF_INIT(KIB(8));
        ROW(rows[i].text, load_text(rows[i].text, NULL, NULL, 0, &said) == NULL);
        ROW(rows[i].text, slice_is(buf_slice(&said), rows[i].want));
        if (!slice_is(buf_slice(&said), rows[i].want))
            fprintf(stderr, "  got %.*s", SLICE_ARG(buf_slice(&said)));
    }
}

static void test_key_by_other_names(void)
{
    static const struct row {
        const char *name, *pairs[4], *variable, *found, *value;
    } rows[] = {
        {"its own", {"QIANFAN_API_KEY=a", "WENXIN_API_KEY=b"}, "QIANFAN_API_KEY", "QIANFAN_API_KEY",
         "a"},
        {"empty", {"QIANFAN_API_KEY=", "ERNIE_API_KEY=c"}, "QIANFAN_API_KEY", "ERNIE_API_KEY", "c"},
        {"the first", {"ERNIE_API_KEY=c", "WENXIN_API_KEY=b"}, "QIANFAN_API_KEY", "WENXIN_API_KEY",
         "b"},
        {"of another plugin", {"ARK_API_KEY=d"}, "DOUBAO_API_KEY", "ARK_API_KEY", "d"},
        {"another vendor's", {"OPENAI_API_KEY=e"}, "QIANFAN_API_KEY", NULL, NULL},
        {"of no vendor", {"WENXIN_API_KEY=b"}, "ACME_API_KEY", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixed_environment fixed = fixed_environment(rows[i].pairs);
        harborai_str variable, value;
        bool found = legacy_key_find(&fixed.environment, slice_of(rows[i].variable), &variable,
                                     &value);
        ROW(rows[i].name, found == (rows[i].value != NULL));
        if (found && rows[i].value != NULL)
            ROW(rows[i].name, slice_is(variable, rows[i].found) && slice_is(value, rows[i].value));
    }
}

/* The table's own sense: each alias leads to a setting of the top, each answer is of a section. */
static void test_tables(void)
{
    for (size_t i = 0; i < legacy_alias_count(); i++) {
        const struct legacy_alias *alias = legacy_alias_at(i);
        ROW(alias->name, settings_find(slice_of(alias->setting)) != NULL);
    }
    for (size_t i = 0; i < legacy_vendor_count(); i++)
        CU_ASSERT_PTR_NOT_NULL(legacy_vendor_find(slice_of(legacy_vendor_name(i))));
}

const CU_TestInfo layers_tests[] = {{"precedence", test_precedence},
                                    {"faults everywhere", test_faults_everywhere},
                                    {"named file", test_named_file},
                                    {".env of others", test_env_file_of_others},
                                    {"vendor URLs", test_vendor_urls},
                                    {"vendor URL of a folder", test_vendor_url_of_a_folder},
    {"postgres of a folder", test_postgres_of_a_folder},
                                   {"authorities of a folder", test_authorities_of_a_folder},
                                    {"vendor URL of a folder and a file",
                                     test_vendor_url_of_a_folder_and_a_file},
                                    {"foreign variables", test_foreign_variables},
                                   {"variables of vendors", test_variables_of_vendors},
                                    {"foreign keys", test_foreign_keys},
                                    {"key by other names", test_key_by_other_names},
                                    {"tables", test_tables},
                                    CU_TEST_INFO_NULL};
