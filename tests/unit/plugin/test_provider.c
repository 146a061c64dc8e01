/* SPDX-License-Identifier: MIT */
/* Providers as they are configured, and what their plugins get from the host. */
#include "plugin/host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../unit.h"
#include "fixture.h"
#include "plugin/slot.h"

extern const CU_TestInfo provider_tests[];

static struct slot *slot_of(const struct provider_options *options,
                            const struct provider_services *services)
{
    const struct slot_options how = {.provider = options, .services = services, .loop_count = 1};
    struct slot *slot = NULL;
    CU_ASSERT_FATAL(slot_create(&how, &slot, NULL) == HARBORAI_OK);
    return slot;
}

static const struct {
    const char *name, *config, *base_url, *want_url, *want_config;
} urls[] = {
    {"the vendor's", "", "", "https://api.good.example/v1",
     "{\"base_url\":\"https://api.good.example/v1\"}"},
    {"the section's", "{\"base_url\":\"http://a:1/v1/\",\"x\":1}", "", "http://a:1/v1",
     "{\"base_url\":\"http://a:1/v1\",\"x\":1}"},
    {"the section's as it is", " {\"x\":1, \"base_url\":\"http://a\"} ", "", "http://a",
     "{\"x\":1, \"base_url\":\"http://a\"}"},
    {"the operator's", "{\"x\":[{}],\"base_url\":\"http://a\"}", "http://b", "http://b",
     "{\"base_url\":\"http://b\",\"x\":[{}]}"},
    {"scheme in capitals", "", "HTTPS://b", "HTTPS://b", "{\"base_url\":\"HTTPS://b\"}"},
    {"no URL", "", "b:80", NULL, NULL},
    {"host that is none", "", "http://exa%mple", NULL, NULL},
    {"query", "{\"base_url\":\"http://a?b\"}", "", NULL, NULL},
    {"no host", "", "http:///x", NULL, NULL},
    {"quote", "{\"base_url\":\"http://a\\\"\"}", "", NULL, NULL},
    {"no object", "[]", "", NULL, NULL},
    {"no JSON", "{", "", NULL, NULL},
};

static void test_base_url(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    struct plugin_catalog *c = fixture_scan(&f);
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct provider *p = NULL;
        const struct provider_options options = {.name = HARBORAI_STR("lab"),
                                                 .config = slice_of(urls[i].config),
                                                 .base_url = slice_of(urls[i].base_url),
                                                 .file = &c->files[0]};
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = provider_create(&options, &p, &error);
        ROW(urls[i].name, st == (urls[i].want_url != NULL ? HARBORAI_OK : HARBORAI_E_CONFIG));
        ROW(urls[i].name, (p != NULL) == (st == HARBORAI_OK));
        if (p == NULL) {
            ROW(urls[i].name, strncmp(error.message, "providers.lab", 13) == 0);
            continue;
        }
        ROW(urls[i].name, slice_is(p->base_url, urls[i].want_url));
        ROW(urls[i].name, slice_is(p->config, urls[i].want_config));
        provider_destroy(p);
    }
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

static const struct {
    const char *preset, *config, *base_url, *model; /* what the operator says; NULL: nothing */
    const char *want_url, *want_config, *want_model, *want_variable, *want_unsupported;
    bool is_open, needs_key;
} presets[] = {
    {NULL, NULL, NULL, NULL, "https://api.good.example/v1",
     "{\"base_url\":\"https://api.good.example/v1\"}", NULL, "GOOD_API_KEY", "/n", false, true},
    {"good-eu", NULL, NULL, NULL, "https://eu.good.example/v1",
     "{\"base_url\":\"https://eu.good.example/v1\",\"colour\": \"red\",\"deep\": { \"a\": 1 }}",
     "good-eu-*", "GOOD_EU_API_KEY", "/seed", true, true},
    {"good-eu", "{\"deep\":2,\"own\":[]}", "http://a:1", "m", "http://a:1",
     "{\"base_url\":\"http://a:1\",\"deep\":2,\"own\":[],\"colour\": \"red\"}", "m",
     "GOOD_EU_API_KEY", "/seed", false, true},
    {"good-home", NULL, NULL, NULL, "http://127.0.0.1:8080/v1",
     "{\"base_url\":\"http://127.0.0.1:8080/v1\"}", NULL, "", "/n", true, false},
    {"good-plain", NULL, NULL, NULL, "https://api.good.example/v1",
     "{\"base_url\":\"https://api.good.example/v1\"}", NULL, "", "/n", false, true},
};

static void test_presets(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    struct plugin_catalog *c = fixture_scan(&f);
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        const char *row = presets[i].preset != NULL ? presets[i].preset : "none";
        const harborai_str model = slice_of(presets[i].model), name = slice_of(presets[i].preset);
        const struct provider_options options = {
            .name = HARBORAI_STR("lab"),
            .config = slice_of(presets[i].config),
            .base_url = slice_of(presets[i].base_url),
            .models = &model,
            .model_count = model.len > 0,
            .file = &c->files[0],
            .preset = name.len > 0 ? manifest_preset_find(c->files[0].manifest, name) : NULL};
        struct provider *p = NULL;
        ROW(row, (options.preset != NULL) == (name.len > 0));
        CU_ASSERT_FATAL(provider_create(&options, &p, NULL) == HARBORAI_OK);
        ROW(row, slice_equal(p->preset, name));
        ROW(row, slice_is(p->base_url, presets[i].want_url));
        ROW(row, slice_is(p->config, presets[i].want_config));
        ROW(row, slice_is(p->key_variable, presets[i].want_variable));
        ROW(row, p->unsupported.count == 1 &&
                     slice_is(p->unsupported.items[0], presets[i].want_unsupported));
        ROW(row, p->is_open == presets[i].is_open);
        ROW(row, presets[i].want_model != NULL
                     ? p->models.count > 0 && slice_is(p->models.items[0], presets[i].want_model)
                     : p->models.count == 0);
        ROW(row, (provider_check_secrets(p, NULL) == HARBORAI_E_AUTH) == presets[i].needs_key);
        ROW(row, provider_may_reach(p, HARBORAI_STR("eu.good.example"), 443) ==
                     slice_is(p->base_url, "https://eu.good.example/v1"));
        provider_destroy(p);
    }
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

static const struct {
    const char *host;
    uint16_t port;
    bool may;
} targets[] = {
    {"api.good.example", 443, true}, /* the manifest's */
    {"api.good.example", 80, false},
    {"10.0.0.7", 8443, true}, /* base_url's */
    {"10.0.0.7", 443, false},
    {"extra.example", 1, true}, /* the operator's, any port */
    {"EXTRA.example", 65535, true},
    {"[::1]", 9000, true},
    {"::1", 9000, true}, /* as a URL gives it */
    {"[::1]", 9001, false},
    {"evil.example", 443, false},
    {"", 443, false},
};

static void test_network(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    struct plugin_catalog *c = fixture_scan(&f);
    const harborai_str network[] = {HARBORAI_STR("extra.example"), HARBORAI_STR("[::1]:9000")};
    const struct provider_options options = {.name = HARBORAI_STR("lab"),
                                             .base_url = HARBORAI_STR("https://10.0.0.7:8443/v1"),
                                             .network = network,
                                             .network_count = ARRAY_LEN(network),
                                             .file = &c->files[0]};
    struct provider *p = NULL;
    CU_ASSERT_FATAL(provider_create(&options, &p, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        ROW(targets[i].host,
            provider_may_reach(p, slice_of(targets[i].host), targets[i].port) == targets[i].may);
    provider_destroy(p);
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

static const struct {
    const char *secret, *want;
} missing[] = {
    {"\"api_key\":{\"required\":true}", "provider 'lab' has no api_key: set providers.lab.api_key"},
    {"\"api_key\":{\"required\":true,\"env\":\"A_KEY\"}",
     "provider 'lab' has no api_key: set A_KEY or providers.lab.api_key"},
    {"\"token\":{\"required\":true,\"env\":\"A_TOKEN\"}",
     "provider 'lab' has no token: set A_TOKEN"},
};

/* Only the way out that there is: a file can hold an api_key, and no other secret. */
static void test_missing_secrets(void)
{
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        char json[512], path[] = "x.so";
        struct plugin_file file = {.path = path};
        struct provider *p = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        snprintf(json, sizeof json, "{\"abi\":[0,%d,0],\"plugin\":{\"id\":\"x.y\",\"version\":"
                 "\"1.0.0\",\"provider\":\"y\",\"patterns\":[\"y-*\"],\"secrets\":{%s}}}",
                 HARBORAI_ABI_MINOR, missing[i].secret);
        CU_ASSERT_FATAL(manifest_create(slice_of(json), path, &file.manifest, NULL) == HARBORAI_OK);
        const struct provider_options options = {.name = HARBORAI_STR("lab"), .file = &file};
        CU_ASSERT_FATAL(provider_create(&options, &p, NULL) == HARBORAI_OK);
        ROW(missing[i].want, provider_check_secrets(p, &error) == HARBORAI_E_AUTH);
        ROW(missing[i].want, strcmp(error.message, missing[i].want) == 0);
        provider_destroy(p);
        manifest_unref(file.manifest);
    }
}

static int64_t wall_ns(const struct clock *self)
{
    (void)self;
    return INT64_C(1234567890123456789);
}

static void test_host_functions(void)
{
    struct fixture f;
    fixture_open(&f);
    fixture_add(&f, "good", "x.so");
    struct plugin_catalog *c = fixture_scan(&f);
    struct secret *key = NULL, *signing = NULL;
    CU_ASSERT_FATAL(secret_create(HARBORAI_STR("sk-topsecret"), "k", &key, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(secret_create(HARBORAI_STR("signing!"), "s", &signing, NULL) == HARBORAI_OK);
    const struct provider_secret secrets[] = {{HARBORAI_STR("api_key"), key},
                                              {HARBORAI_STR("signing_key"), signing}};
    const struct provider_options options = {
        .name = HARBORAI_STR("lab"),
        .config = HARBORAI_STR("{\"plain\":\"text\",\"escaped\":\"a\\n\\u00e9\",\"n\":1.50,"
                               "\"deep\":[{\"a/b\":[1, 2]}],\"none\":null}"),
        .secrets = secrets,
        .secret_count = 2,
        .file = &c->files[0]};
    struct log log;
    const struct clock clock = {.monotonic_ns = wall_ns, .wall_ns = wall_ns};
    const struct provider_services services = {.log = &log, .clock = &clock};
    int fd = memfd_create("log", MFD_CLOEXEC);
    log_init(&log, fd, LOG_LEVEL_INFO);
    struct slot *slot = slot_of(&options, &services);
    const harborai_host *host = &slot->host.functions;
    secret_unref(key);
    secret_unref(signing);

    CU_ASSERT(host->size == sizeof *host && host->abi_minor == HARBORAI_ABI_MINOR);
    CU_ASSERT(host->now_ms(host) == INT64_C(1234567890123));
    CU_ASSERT(host->get_extension(host, "harborai.nothing/1") == NULL);
    CU_ASSERT(slice_is(host->config(host, "/plain"), "text"));
    CU_ASSERT(slice_is(host->config(host, "/escaped"), "a\n\xc3\xa9"));
    CU_ASSERT(host->config(host, "/escaped").data == host->config(host, "/escaped").data);
    CU_ASSERT(slice_is(host->config(host, "/n"), "1.50"));
    CU_ASSERT(slice_is(host->config(host, "/deep/0/a~1b"), "[1, 2]"));
    CU_ASSERT(slice_is(host->config(host, "/none"), "null"));
    CU_ASSERT(slice_is(host->config(host, "/base_url"), "https://api.good.example/v1"));
    CU_ASSERT(host->config(host, "/absent").len == 0);
    CU_ASSERT(slice_is(host->secret(host, "signing_key"), "signing!"));
    CU_ASSERT(host->secret(host, "api_key").len == 0); /* not readable */
    CU_ASSERT(host->secret(host, "other").len == 0);
    harborai_error error = HARBORAI_ERROR_INIT;
    const harborai_http_request request = {.size = sizeof request};
    CU_ASSERT(host->http_wait(host, &request, NULL, NULL, &error) == HARBORAI_E_INVALID);

    host->log(host, NULL, HARBORAI_LOG_WARN, HARBORAI_STR("key sk-topsecret refused"));
    host->log(host, NULL, HARBORAI_LOG_DEBUG, HARBORAI_STR("not on"));
    host->log(host, NULL, 99, SLICE_NONE);
    char text[512] = "";
    CU_ASSERT(pread(fd, text, sizeof text - 1, 0) > 0);
    CU_ASSERT(strstr(text, "warn plugin.says provider=lab") != NULL);
    CU_ASSERT(strstr(text, "key ************ refused") != NULL);
    CU_ASSERT(strstr(text, "topsecret") == NULL && strstr(text, "not on") == NULL);

    char long_message[1100], line[2048] = ""; /* cut at 1,024, in the middle of the key */
    memset(long_message, '.', sizeof long_message);
    memcpy(long_message + 1018, "sk-topsecret", 12);
    CU_ASSERT(ftruncate(fd, 0) == 0);
    host->log(host, NULL, HARBORAI_LOG_WARN, (harborai_str){long_message, sizeof long_message});
    CU_ASSERT(pread(fd, line, sizeof line, 0) > 0);
    CU_ASSERT(memmem(line, sizeof line, "..******'", 9) != NULL);
    CU_ASSERT(memmem(line, sizeof line, "sk-", 3) == NULL);
    close(fd);
    slot_destroy(slot);
    plugin_catalog_destroy(c);
    fixture_close(&f);
}

const CU_TestInfo provider_tests[] = {
    {"which base_url holds", test_base_url},
    {"what a preset gives, and what the operator says", test_presets},
    {"what it may reach", test_network},
    {"secrets that are missing", test_missing_secrets},
    {"the host's functions", test_host_functions},
    CU_TEST_INFO_NULL,
};
