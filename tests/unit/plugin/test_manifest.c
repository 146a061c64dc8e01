/* SPDX-License-Identifier: MIT */
#include "plugin/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"

extern const CU_TestInfo manifest_tests[];

/* The smallest plugin, into which a row puts its member. */
#define PLUGIN(MEMBERS)                                                                        \
    "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"com.acme\",\"version\":\"1.0.0\",\"provider\":\"a\"," \
    MEMBERS "}}"
#define MODELS "\"models\":[{\"name\":\"m\"}]"

/* Each message has to name the member, or what is wrong with the whole. */
static const struct {
    const char *name, *json, *want;
    harborai_status code; /* 0 stands for E_CONFIG */
} refused[] = {
    {"empty", "", "not JSON", 0},
    {"cut short", "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"x\",", "not JSON", 0},
    {"text behind it", PLUGIN(MODELS) "x", "not JSON", 0},
    {"an array", "[]", "must be an object", 0},
    {"no abi", "{\"plugin\":{}}", "abi: must be", 0},
    {"abi of two", "{\"abi\":[0,3],\"plugin\":{}}", "abi: must be", 0},
    {"abi no integers", "{\"abi\":[0,2.5,0],\"plugin\":{}}", "abi: must be three integers", 0},
    {"abi negative", "{\"abi\":[0,-2,0],\"plugin\":{}}", "abi: must be three integers", 0},
    {"abi text", "{\"abi\":\"0.2\",\"plugin\":{}}", "abi: must be", 0},
    {"no plugin", "{\"abi\":[0,3,0]}", "plugin: must be an object", 0},
    {"older abi", "{\"abi\":[0,1,0],\"plugin\":{\"id\":\"x.y\",\"version\":\"3.1\"}}",
     "x.y 3.1 needs plugin ABI 0.1", HARBORAI_E_UNSUPPORTED},
    {"newer abi", "{\"abi\":[1,0,0],\"plugin\":{}}", "update HarborAI", HARBORAI_E_UNSUPPORTED},
    {"no id", "{\"abi\":[0,3,0],\"plugin\":{\"version\":\"1.0.0\",\"provider\":\"a\"," MODELS "}}",
     "has no 'id'", 0},
    {"id short", PLUGIN("\"x-\":1," MODELS ",\"authors\":[],\"id\":\"ab\""), "'id' stands twice", 0},
    {"id grammar", "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"Com.Acme\"}}", "plugin.id: must have", 0},
    {"version", "{\"abi\":[0,3,0],\"plugin\":{\"version\":\"1.0\"}}", "plugin.version: must be", 0},
    {"provider", "{\"abi\":[0,3,0],\"plugin\":{\"provider\":\"a/b\"}}", "plugin.provider: must", 0},
    {"nothing to serve", PLUGIN("\"models\":[]"), "none of 'models', 'patterns'", 0},
    {"id no text", "{\"abi\":[0,3,0],\"plugin\":{\"id\":7}}", "plugin.id: must be a string", 0},
    {"models no array", PLUGIN("\"models\":{}"), "plugin.models: must be an array", 0},
    {"model no object", PLUGIN("\"models\":[\"m\"]"), "plugin.models[0]: must be an object", 0},
    {"model without name", PLUGIN("\"models\":[{\"context\":1}]"), "models[0]: has no 'name'", 0},
    {"context fraction", PLUGIN("\"models\":[{\"name\":\"m\",\"context\":1.5}]"),
     "plugin.models[0].context: must be an integer", 0},
    {"secret without a way in", PLUGIN(MODELS ",\"secrets\":{\"token\":{\"required\":true}}"),
     "plugin.secrets.token: is required and needs an 'env'", 0},
    {"nine secrets", PLUGIN(MODELS ",\"secrets\":{\"a\":{},\"b\":{},\"c\":{},\"d\":{},"
                            "\"e\":{},\"f\":{},\"g\":{},\"h\":{},\"i\":{}}"),
     "plugin.secrets: has 9 secrets, more than 8", 0},
    {"isolation that is none", PLUGIN(MODELS ",\"isolation\":\"jail\""),
     "plugin.isolation: must be any", 0},
    {"isolation by a worker", PLUGIN(MODELS ",\"isolation\":\"worker\""),
     "plugin.isolation: needs a worker process", 0},
    {"unsupported no list", PLUGIN(MODELS ",\"unsupported\":\"/n\""),
     "plugin.unsupported: must be an array of strings", 0},
    {"unsupported no pointer", PLUGIN(MODELS ",\"unsupported\":[\"n\"]"),
     "plugin.unsupported: 'n' is no JSON Pointer", 0},
    {"unsupported bad escape", PLUGIN("\"models\":[{\"name\":\"m\",\"unsupported\":[\"/a~2\"]}]"),
     "plugin.models[0].unsupported: '/a~2' is no JSON Pointer", 0},
    {"unsupported model", PLUGIN(MODELS ",\"unsupported\":[\"/n\",\"/model\"]"),
     "plugin.unsupported: '/model': no request can do without it", 0},
    {"unsupported part of messages", PLUGIN(MODELS ",\"unsupported\":[\"/messages/0/name\"]"),
     "'/messages/0/name': no request can do without it", 0},
    {"unsupported stream", PLUGIN(MODELS ",\"unsupported\":[\"/stream\"]"),
     "'/stream': no request can do without it", 0},
    {"context text", PLUGIN("\"models\":[{\"name\":\"m\",\"context\":\"1\"}]"),
     "plugin.models[0].context: must be an integer", 0},
    {"context huge", PLUGIN("\"models\":[{\"name\":\"m\",\"context\":1e30}]"),
     "plugin.models[0].context: must be an integer", 0},
    {"context negative", PLUGIN("\"models\":[{\"name\":\"m\",\"context\":-1}]"),
     "plugin.models[0].context: must not be negative", 0},
    {"model with star", PLUGIN("\"models\":[{\"name\":\"m*\"}]"), "models[0].name: must not hold", 0},
    {"model with blank", PLUGIN("\"models\":[{\"name\":\" m\"}]"), "models[0].name: must have", 0},
    {"model with control", PLUGIN("\"models\":[{\"name\":\"m\\n\"}]"), "models[0].name: must", 0},
    {"model with NUL", PLUGIN("\"models\":[{\"name\":\"m\\u0000x\"}]"), "NUL", 0},
    {"model twice", PLUGIN("\"models\":[{\"name\":\"m\"},{\"name\":\"n\",\"aliases\":[\"m\"]}]"),
     "'m' stands twice", 0},
    {"alias empty", PLUGIN("\"models\":[{\"name\":\"m\",\"aliases\":[\"\"]}]"),
     "models[0].aliases[0]: must not be empty", 0},
    {"member twice, escaped", PLUGIN("\"models\":[{\"name\":\"m\",\"n\\u0061me\":\"n\"}]"),
     "'name' stands twice", 0},
    {"member twice, deep", PLUGIN(MODELS ",\"x-a\":[{\"b\":1,\"b\":2}]"), "'b' stands twice", 0},
    {"dynamic no bool", PLUGIN("\"dynamic_models\":1"), "plugin.dynamic_models: must be true", 0},
    {"base_url", PLUGIN(MODELS ",\"base_url\":\"ftp://x\""), "plugin.base_url: must be", 0},
    {"base_url quote", PLUGIN(MODELS ",\"base_url\":\"http://x/\\\"\""), "plugin.base_url", 0},
    {"replay", PLUGIN(MODELS ",\"replay\":\"thinking\""), "plugin.replay: must be", 0},
    {"replay no text", PLUGIN(MODELS ",\"replay\":true"), "plugin.replay: must be a string", 0},
    {"prices date", PLUGIN(MODELS ",\"x-prices-date\":20261121"), "x-prices-date: must be", 0},
    {"header case", PLUGIN(MODELS ",\"request_headers\":[\"X-A\"]"), "request_headers: 'X-A'", 0},
    {"header secret", PLUGIN(MODELS ",\"request_headers\":[\"cookie\"]"), "never handed", 0},
    {"presets no object", PLUGIN(MODELS ",\"presets\":[]"), "plugin.presets: must be an object", 0},
    {"preset no object", PLUGIN(MODELS ",\"presets\":{\"p\":1}"), "plugin.presets.p: must be", 0},
    {"preset name", PLUGIN(MODELS ",\"presets\":{\"P\":{}}"), "presets.P: a preset's name has", 0},
    {"preset without name", PLUGIN(MODELS ",\"presets\":{\"\":{}}"), "a preset's name has 1", 0},
    {"preset twice", PLUGIN(MODELS ",\"presets\":{\"p\":{},\"p\":{}}"), "'p' stands twice", 0},
    {"preset base_url", PLUGIN(MODELS ",\"presets\":{\"p\":{\"base_url\":\"x/v1\"}}"),
     "plugin.presets.p.base_url: must be an http or https URL", 0},
    {"preset env", PLUGIN(MODELS ",\"presets\":{\"p\":{\"env\":1}}"), "p.env: must be a string", 0},
    {"preset key", PLUGIN(MODELS ",\"presets\":{\"p\":{\"key_required\":0}}"),
     "plugin.presets.p.key_required: must be true or false", 0},
    {"preset models", PLUGIN(MODELS ",\"presets\":{\"p\":{\"models\":[\" m\"]}}"),
     "plugin.presets.p.models: ' m' is neither a name nor a pattern", 0},
    {"preset models no array", PLUGIN(MODELS ",\"presets\":{\"p\":{\"models\":\"m\"}}"),
     "plugin.presets.p.models: must be an array", 0},
    {"preset options", PLUGIN(MODELS ",\"presets\":{\"p\":{\"options\":[]}}"),
     "plugin.presets.p.options: must be an object", 0},
    {"schema no schema", PLUGIN(MODELS ",\"config_schema\":[]"), "plugin.config_schema: must be", 0},
    {"schema with an unknown keyword", PLUGIN(MODELS ",\"config_schema\":{\"properties\":{\"a\":"
     "{\"pattern\":\"^x\"}}}"), "config_schema: properties.a.pattern: this keyword is not", 0},
    {"preset options by the schema", PLUGIN(MODELS ",\"presets\":{\"p\":{\"options\":{\"a\":[1]}}},"
     "\"config_schema\":{\"properties\":{\"a\":{\"items\":{\"type\":\"string\"}}}}"),
     "plugin.presets.p.options.a[0]: must be a text", 0},
    {"preset option unknown", PLUGIN(MODELS ",\"config_schema\":{\"additionalProperties\":false},"
     "\"presets\":{\"p\":{\"options\":{\"a\":1}}}"),
     "plugin.presets.p.options.a: is not in config_schema", 0},
    {"preset option without a member", PLUGIN(MODELS ",\"config_schema\":{\"properties\":{\"a\":{"
     "\"required\":[\"b\"]}}},\"presets\":{\"p\":{\"options\":{\"a\":{}}}}"),
     "plugin.presets.p.options.a: has no 'b'", 0},
    {"preset options with a key", PLUGIN(MODELS ",\"presets\":{\"p\":{\"options\":"
     "{\"api_key\":\"k\"}}}"), "plugin.presets.p.options: 'api_key' is no option", 0},
    {"preset unsupported", PLUGIN(MODELS ",\"presets\":{\"p\":{\"unsupported\":[\"n\"]}}"),
     "plugin.presets.p.unsupported: 'n' is no JSON Pointer", 0},
    {"preset replay", PLUGIN(MODELS ",\"presets\":{\"p\":{\"replay\":\"all\"}}"),
     "plugin.presets.p.replay: must be reasoning_content or empty", 0},
    {"secret name", PLUGIN(MODELS ",\"secrets\":{\"A\":{}}"), "plugin.secrets.A: a secret's", 0},
    {"secret no object", PLUGIN(MODELS ",\"secrets\":{\"a\":1}"), "plugin.secrets.a: must be", 0},
    {"secret required", PLUGIN(MODELS ",\"secrets\":{\"a\":{\"required\":\"yes\"}}"),
     "plugin.secrets.a.required: must be true or false", 0},
};

static void test_refused(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct manifest *m = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status want = refused[i].code != 0 ? refused[i].code : HARBORAI_E_CONFIG;
        ROW(refused[i].name, manifest_create(slice_of(refused[i].json), "/p/x.so", &m, &error) == want);
        ROW(refused[i].name, m == NULL);
        ROW(refused[i].name, strstr(error.message, refused[i].want) != NULL);
        ROW(refused[i].name, strstr(error.message, "'/p/x.so'") != NULL);
        if (strstr(error.message, refused[i].want) == NULL)
            fprintf(stderr, "    said: %s\n", error.message);
        manifest_unref(m);
    }
}

static const struct {
    const char *version;
    bool good;
} versions[] = {
    {"0.0.0", true},         {"1.2.3", true},          {"10.20.30-rc.1+build.7", true},
    {"1.0.0-a-b", true},     {"1.0.0+5", true},        {"1.0.0+5-x", true},
    {"1.0", false},          {"1.0.0.0", false},       {"01.0.0", false},
    {"1.0.0-", false},       {"1.0.0-a..b", false},    {"1.0.0+", false},
    {"v1.0.0", false},       {"1.0.0 ", false},        {"", false},
    {"1.0.0+a+b", false},    {"1.-0.0", false},
};

static void test_versions(void)
{
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        char json[256];
        struct manifest *m = NULL;
        snprintf(json, sizeof json,
                 "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"com.acme\",\"version\":\"%s\","
                 "\"provider\":\"a\"," MODELS "}}", versions[i].version);
        ROW(versions[i].version,
            (manifest_create(slice_of(json), "x", &m, NULL) == HARBORAI_OK) == versions[i].good);
        manifest_unref(m);
    }
}

static void test_whole(void)
{
    struct manifest *m = NULL;
    const char *json = PLUGIN(
        "\"name\":\"A\\u0063me\",\"base_url\":\"https://api.acme.example/v1/\",\"nmae\":1,\"x-mine\":2,"
        "\"models\":[{\"name\":\"big\",\"aliases\":[\"b1\",\"b2\"],\"context\":128000,"
        "\"max_output\":8e3,\"colour\":0},{\"name\":\"small\",\"deprecated\":\"2027-01-01\"}],"
        "\"replay\":\"reasoning_content\","
        "\"patterns\":[\"ft:*\"],\"x-prices-date\":\"2026-11-21\",\"network\":[\"api.acme.example:443\"],"
        "\"secrets\":{\"api_key\":{\"env\":\"ACME_API_KEY\",\"required\":true}}");
    CU_ASSERT_FATAL(manifest_create(slice_of(json), "x", &m, NULL) == HARBORAI_OK);
    CU_ASSERT(slice_is(m->id, "com.acme") && slice_is(m->name, "Acme"));
    CU_ASSERT(slice_is(m->base_url, "https://api.acme.example/v1"));
    CU_ASSERT(slice_is(m->prices_date, "2026-11-21"));
    CU_ASSERT(slice_is(m->replay, "reasoning_content"));
    CU_ASSERT(m->model_count == 2 && m->models[0].context == 128000);
    CU_ASSERT(m->models[0].max_output == 8000);
    CU_ASSERT(slice_starts_with(m->models[1].json, "{\"name\":\"small\""));
    CU_ASSERT(slice_ends_with(m->models[1].json, "}"));
    CU_ASSERT(manifest_model_find(m, HARBORAI_STR("b2")) == &m->models[0]);
    CU_ASSERT(manifest_model_find(m, HARBORAI_STR("ft:x")) == NULL);
    CU_ASSERT(m->operations.count == 1 && slice_is(m->operations.items[0], "chat"));
    CU_ASSERT(m->warnings.count == 2);
    CU_ASSERT(slice_is(m->warnings.items[0], "plugin.nmae: unknown member"));
    CU_ASSERT(slice_is(m->warnings.items[1], "plugin.models[0].colour: unknown member"));
    const struct manifest_secret *secret = manifest_secret_find(m, HARBORAI_STR("api_key"));
    CU_ASSERT_FATAL(secret != NULL);
    CU_ASSERT(secret->required && !secret->readable && slice_is(secret->env, "ACME_API_KEY"));
    CU_ASSERT(manifest_secret_find(m, HARBORAI_STR("other")) == NULL);
    manifest_unref(manifest_ref(m));
    manifest_unref(m);
}

static void test_presets(void)
{
    static const char json[] = PLUGIN(
        MODELS ",\"presets\":{\"bare\":{},\"f\\u0075ll\":{\"base_url\":\"https://f.example/v1//\","
        "\"env\":\"F_KEY\",\"key_required\":false,\"models\":[],\"options\":{ \"a\" : 1 },"
        "\"unsupported\":[\"/n\"],\"replay\":\"\",\"homepage\":\"https://f.example\","
        "\"x-source\":\"s\",\"colour\":1}},\"config_schema\":{\"required\":[\"z\"],"
        "\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    struct manifest *m = NULL;
    CU_ASSERT_FATAL(manifest_create(slice_of(json), "x", &m, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(m->preset_count == 2);
    const struct manifest_preset *bare = manifest_preset_find(m, HARBORAI_STR("bare")),
                                 *full = manifest_preset_find(m, HARBORAI_STR("full"));
    CU_ASSERT(manifest_preset_find(m, HARBORAI_STR("ful")) == NULL);
    CU_ASSERT_FATAL(bare != NULL && full != NULL);
    CU_ASSERT(bare->key_required && bare->base_url.len == 0 && bare->env.len == 0);
    CU_ASSERT(!bare->has_models && !bare->has_unsupported && !bare->has_replay);
    CU_ASSERT(slice_is(full->base_url, "https://f.example/v1") && slice_is(full->env, "F_KEY"));
    CU_ASSERT(!full->key_required && full->has_models && full->models.count == 0);
    CU_ASSERT(slice_is(full->options, "{ \"a\" : 1 }") && full->has_replay && full->replay.len == 0);
    CU_ASSERT(full->has_unsupported && full->unsupported.count == 1);
    CU_ASSERT(slice_starts_with(m->config_schema, "{\"required\"")); /* of the operator, too */
    CU_ASSERT(m->warnings.count == 1);
    CU_ASSERT(slice_is(m->warnings.items[0], "plugin.presets.full.colour: unknown member"));
    manifest_unref(m);
}

/* Cut anywhere, a manifest is refused, and read no further than it goes. */
static void test_every_prefix(void)
{
    const harborai_str json = HARBORAI_STR(
        PLUGIN(MODELS ",\"secrets\":{\"a\":{\"env\":\"E\"}},\"patterns\":[\"p*\"],"
                       "\"presets\":{\"p\":{\"models\":[\"q*\"],\"options\":{\"a\":[1]}}},"
                       "\"config_schema\":{\"properties\":{\"a\":{\"items\":{\"minimum\":1}}}}"));
    for (size_t len = 0; len < json.len; len++) {
        struct manifest *m = NULL;
        char *copy = slice_dup(slice_cut(json, len));
        CU_ASSERT_FATAL(copy != NULL);
        CU_ASSERT(manifest_create(slice_of(copy), "x", &m, NULL) == HARBORAI_E_CONFIG);
        free(copy);
    }
}

/* The largest manifest that is let in neither overflows a ceiling nor takes long. */
static void test_large(void)
{
    AUTO(buf) b = BUF_INIT(LIMIT_MANIFEST);
    struct manifest *m = NULL;
    buf_printf(&b, "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"com.acme\",\"version\":\"1.0.0\","
                   "\"provider\":\"a\",\"models\":[");
    for (int i = 0; b.len < LIMIT_MANIFEST - 64; i++)
        buf_printf(&b, "%s{\"name\":\"m%d\",\"aliases\":[\"a%d\"]}", i > 0 ? "," : "", i, i);
    buf_printf(&b, "]}}");
    CU_ASSERT_FATAL(buf_status(&b, NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(manifest_create(buf_slice(&b), "x", &m, NULL) == HARBORAI_OK);
    CU_ASSERT(m->model_count > 5000);
    manifest_unref(m);
}

const CU_TestInfo manifest_tests[] = {
    {"what is refused, and the member that is named", test_refused},
    {"semantic versions", test_versions},
    {"a whole manifest", test_whole},
    {"presets", test_presets},
    {"every prefix of one", test_every_prefix},
    {"as large as it may be", test_large},
    CU_TEST_INFO_NULL,
};
