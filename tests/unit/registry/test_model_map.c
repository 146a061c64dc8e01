/* SPDX-License-Identifier: MIT */
#include "registry/model_map.h"

#include <stdlib.h>
#include <string.h>

#include "../unit.h"

extern const CU_TestInfo model_map_tests[];

/* Slots are only handed out: any address that differs will do. */
static char places[8];
#define NOBODY SLICE_NONE, SLICE_NONE /* disabled it */
#define SLOT(n) ((struct slot *)(void *)&places[n])

#define HEAD(ID) "{\"abi\":[0,3,0],\"plugin\":{\"id\":\"" ID "\",\"version\":\"1.0.0\",\"provider\":\"x\","

static struct manifest *manifest_of(const char *json)
{
    struct manifest *m = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    if (manifest_create(slice_of(json), "x.so", &m, &error) < 0)
        CU_FAIL_FATAL(error.message);
    return m;
}

static struct manifest *openai(void)
{
    return manifest_of(HEAD("test.openai")
                       "\"models\":[{\"name\":\"gpt-4o\",\"aliases\":[\"gpt-4o-latest\"],"
                       "\"context\":128000},{\"name\":\"gpt-4o-mini\"},{\"name\":\"shared\"},"
                       "{\"name\":\"o1\",\"aliases\":[\"best\"]}],"
                       "\"patterns\":[\"gpt-*\",\"ft:gpt-*:*\"]}}");
}

static struct manifest *acme(void)
{
    return manifest_of(HEAD("test.acme")
                       "\"models\":[{\"name\":\"acme-large\"},{\"name\":\"shared\"},"
                       "{\"name\":\"best\"},{\"name\":\"openai/gpt-x\"},{\"name\":\"other/m\"}],"
                       "\"patterns\":[\"gpt-*\",\"gpt-5-*\"],\"dynamic_models\":true}}");
}

static const struct model_map_alias aliases[] = {
    {HARBORAI_STR_INIT("smart"), HARBORAI_STR_INIT("openai/gpt-4o"), {0}},
    {HARBORAI_STR_INIT("chain"), HARBORAI_STR_INIT("smart"), {0}},
    {HARBORAI_STR_INIT("tuned"), HARBORAI_STR_INIT("acme/whatever"), {0}},
    {HARBORAI_STR_INIT("o1"), HARBORAI_STR_INIT("lab/my-model"), {0}},
};
static const harborai_str lab_models[] = {
    HARBORAI_STR_INIT("my-model"), HARBORAI_STR_INIT("fb-*"), HARBORAI_STR_INIT("*-mini"),
    HARBORAI_STR_INIT("gpt-4o-latest"), HARBORAI_STR_INIT("my-model")};

static const harborai_str kimi_models[] = {HARBORAI_STR_INIT("kimi-*"),
                                           HARBORAI_STR_INIT("kimi-k3")};

/* openai and acme as they are; lab with models of its own; off is disabled; any and kimi take what
 * is asked of them by name, and list nothing of their manifest. */
static struct model_map *map_of_all(void)
{
    struct manifest *o = openai(), *a = acme();
    const struct model_map_provider providers[] = {
        {SLOT(0), HARBORAI_STR_INIT("openai"), o, NULL, 0, true, NOBODY, false, 0},
        {SLOT(1), HARBORAI_STR_INIT("acme"), a, NULL, 0, true, NOBODY, false, 0},
        {SLOT(2), HARBORAI_STR_INIT("lab"), o, lab_models, ARRAY_LEN(lab_models), true, NOBODY,
         false, 0},
        {SLOT(3), HARBORAI_STR_INIT("off"), o, lab_models, 2, false, NOBODY, false, 0},
        {SLOT(4), HARBORAI_STR_INIT("any"), o, NULL, 0, true, NOBODY, true, 0},
        {SLOT(5), HARBORAI_STR_INIT("kimi"), o, kimi_models, ARRAY_LEN(kimi_models), true, NOBODY,
         true, 0},
    };
    const struct model_map_source source = {.providers = providers,
                                            .provider_count = ARRAY_LEN(providers),
                                            .aliases = aliases,
                                            .alias_count = ARRAY_LEN(aliases)};
    struct model_map *map = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    if (model_map_create(&source, &map, NULL, &error) < 0)
        CU_FAIL_FATAL(error.message);
    manifest_unref(o);
    manifest_unref(a);
    return map;
}

static const struct {
    const char *name, *provider, *upstream; /* provider NULL: not found; "?": ambiguous */
    const char *entry;                      /* the manifest's, NULL = none */
} finds[] = {
    {"gpt-4o", "openai", "gpt-4o", "gpt-4o"},
    {"openai/gpt-4o", "openai", "gpt-4o", "gpt-4o"},
    {"openai/gpt-4o-latest", "openai", "gpt-4o", "gpt-4o"},
    {"acme-large", "acme", "acme-large", "acme-large"},
    {"smart", "openai", "gpt-4o", "gpt-4o"},
    {"chain", "openai", "gpt-4o", "gpt-4o"},
    {"tuned", "acme", "whatever", NULL},
    {"o1", "lab", "my-model", NULL}, /* an alias of the configuration hides a model */
    {"openai/o1", "openai", "o1", "o1"},
    {"shared", "?", NULL, NULL},
    {"openai/shared", "openai", "shared", "shared"},
    {"best", "acme", "best", "best"}, /* exact before another's alias */
    {"openai/best", "openai", "o1", "o1"},
    {"my-model", "lab", "my-model", NULL},
    {"lab/my-model", "lab", "my-model", NULL},
    {"gpt-4o-latest", "lab", "gpt-4o-latest", "gpt-4o"}, /* as it stands, before openai's alias */
    {"gpt-4o-mini", "?", NULL, NULL},                    /* lab's glob lists it too */
    {"lab/gpt-4o-mini", "lab", "gpt-4o-mini", "gpt-4o-mini"},
    {"any/llama3.2:1b", "any", "llama3.2:1b", NULL},
    {"any/vendor/m", "any", "vendor/m", NULL},
    {"any/gpt-4o", "any", "gpt-4o", NULL},
    {"any/", NULL, NULL, NULL},
    {"llama3.2:1b", NULL, NULL, NULL},
    {"kimi-k3", "kimi", "kimi-k3", NULL},
    {"kimi-next", "kimi", "kimi-next", NULL},
    {"kimi/moonshot-v2", "kimi", "moonshot-v2", NULL},
    {"lab/gpt-4o", NULL, NULL, NULL}, /* in place of the manifest's */
    {"fb-anything", "lab", "fb-anything", NULL},
    {"lab/fb-anything", "lab", "fb-anything", NULL},
    {"lab/other", NULL, NULL, NULL},
    {"gpt-9", "?", NULL, NULL},        /* two patterns of one length */
    {"gpt-5-x", "acme", "gpt-5-x", NULL}, /* the longer text before the star */
    {"ft:gpt-4:me", "openai", "ft:gpt-4:me", NULL},
    {"openai/gpt-9", "openai", "gpt-9", NULL},
    {"openai/gpt-x", "openai", "gpt-x", NULL}, /* the provider's, not acme's model of that name */
    {"acme/openai/gpt-x", "acme", "openai/gpt-x", "openai/gpt-x"},
    {"other/m", "acme", "other/m", "other/m"},
    {"acme/nobody-knows", "acme", "nobody-knows", NULL}, /* dynamic_models */
    {"acme/", NULL, NULL, NULL},
    {"nobody-knows", NULL, NULL, NULL},
    {"off/my-model", NULL, NULL, NULL},
    {"off/fb-x", NULL, NULL, NULL},
    {"GPT-4o", NULL, NULL, NULL},
    {" gpt-9", NULL, NULL, NULL},
    {"gpt-9 ", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
    {"/", NULL, NULL, NULL},
    {"openai/", NULL, NULL, NULL},
};

static void test_find(void)
{
    struct model_map *map = map_of_all();
    for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
        struct route_view view = {0};
        const char *name = finds[i].name;
        harborai_status st = model_map_find(map, slice_of(name), &view), want = HARBORAI_OK;
        if (finds[i].provider == NULL)
            want = HARBORAI_E_NOT_FOUND;
        else if (*finds[i].provider == '?')
            want = HARBORAI_E_INVALID;
        ROW(name, st == want);
        if (st < 0 || want < 0)
            continue;
        ROW(name, slice_is(view.provider, finds[i].provider));
        ROW(name, slice_is(view.upstream, finds[i].upstream));
        ROW(name, (view.model != NULL) == (finds[i].entry != NULL));
        if (view.model != NULL && finds[i].entry != NULL)
            ROW(name, slice_is(view.model->name, finds[i].entry));
    }
    model_map_destroy(map);
}

static const struct {
    int64_t openai, acme; /* their priorities */
    const char *name, *provider; /* provider NULL: ambiguous */
} ranked[] = {
    {0, 0, "shared", NULL},
    {200, 200, "shared", NULL},
    {1, 0, "shared", "openai"},
    {0, 1, "shared", "acme"},
    {0, 1, "openai/shared", "openai"}, /* says whose it is */
    {1, 0, "best", "acme"},            /* exact before another's alias, whatever the priority */
    {0, 0, "gpt-9", NULL},
    {1, 0, "gpt-9", "openai"},
    {0, 1, "gpt-9", "acme"},
    {1, 0, "gpt-5-x", "acme"}, /* the longer pattern, whatever the priority */
    {0, 1, "gpt-4o-mini", "openai"},
    {0, 1, "o1", "lab"}, /* an alias of the configuration */
};

static void test_priorities(void)
{
    struct manifest *o = openai(), *a = acme();
    for (size_t i = 0; i < ARRAY_LEN(ranked); i++) {
        const struct model_map_provider providers[] = {
            {SLOT(0), HARBORAI_STR_INIT("openai"), o, NULL, 0, true, NOBODY, false, ranked[i].openai},
            {SLOT(1), HARBORAI_STR_INIT("acme"), a, NULL, 0, true, NOBODY, false, ranked[i].acme},
            {SLOT(2), HARBORAI_STR_INIT("lab"), o, lab_models, 1, true, NOBODY, false, 0},
            {SLOT(3), HARBORAI_STR_INIT("off"), o, NULL, 0, false, NOBODY, false, 1000},
        };
        const struct model_map_source source = {.providers = providers,
                                                .provider_count = ARRAY_LEN(providers),
                                                .aliases = aliases,
                                                .alias_count = ARRAY_LEN(aliases)};
        struct model_map *map = NULL;
        struct route_view view = {0};
        CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
        harborai_status st = model_map_find(map, slice_of(ranked[i].name), &view);
        ROW(ranked[i].name, st == (ranked[i].provider != NULL ? HARBORAI_OK : HARBORAI_E_INVALID));
        if (ranked[i].provider != NULL)
            ROW(ranked[i].name, slice_is(view.provider, ranked[i].provider));
        model_map_destroy(map);
    }
    manifest_unref(o);
    manifest_unref(a);
}

#define BY(GLOB)                                                                                   \
    {HARBORAI_STR_INIT(GLOB), HARBORAI_STR_INIT("by " GLOB ": take it out"), HARBORAI_STR_INIT("by " GLOB)}

static const struct model_map_off disabled[] = {
    BY("openai/gpt-4o"),      /* with its alias; smart and chain lead there */
    BY("acme/shared"),        /* nothing is ambiguous any more */
    BY("openai/gpt-*-preview"), BY("acme/gpt-*-preview"), BY("acme/gpt-5-old*"),
    BY("openai/best"),        /* an alias alone */
    BY("lab/*"),
};

static const struct {
    const char *name, *provider, *upstream; /* provider NULL: disabled, by upstream */
} switched[] = {
    {"gpt-4o", NULL, "openai/gpt-4o"},
    {"openai/gpt-4o", NULL, "openai/gpt-4o"},
    {"openai/gpt-4o-latest", NULL, "openai/gpt-4o"},
    {"smart", NULL, "openai/gpt-4o"},
    {"chain", NULL, "openai/gpt-4o"},
    {"shared", "openai", "shared"},
    {"acme/shared", NULL, "acme/shared"},
    {"gpt-9-preview", NULL, "openai/gpt-*-preview"},
    {"acme/gpt-9-preview", NULL, "acme/gpt-*-preview"},
    {"gpt-5-old", "openai", "gpt-5-old"}, /* acme's longer pattern does not count */
    {"openai/best", NULL, "openai/best"},
    {"openai/o1", "openai", "o1"},
    {"my-model", NULL, "lab/*"},
    {"lab/fb-1", NULL, "lab/*"},
    {"o1", NULL, "lab/*"}, /* the configuration's alias means lab's */
    {"acme/anything", "acme", "anything"},
};

static struct model_map *map_with_disabled(struct manifest *o, struct manifest *a)
{
    const struct model_map_provider providers[] = {
        {SLOT(0), HARBORAI_STR_INIT("openai"), o, NULL, 0, true, NOBODY, false, 0},
        {SLOT(1), HARBORAI_STR_INIT("acme"), a, NULL, 0, true, NOBODY, false, 0},
        {SLOT(2), HARBORAI_STR_INIT("lab"), o, lab_models, 2, true, NOBODY, false, 0},
    };
    const struct model_map_source source = {.providers = providers,
                                            .provider_count = ARRAY_LEN(providers),
                                            .aliases = aliases,
                                            .alias_count = ARRAY_LEN(aliases),
                                            .off = disabled,
                                            .off_count = ARRAY_LEN(disabled)};
    struct model_map *map = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;
    if (model_map_create(&source, &map, NULL, &error) < 0)
        CU_FAIL_FATAL(error.message);
    return map;
}

static void test_disabled(void)
{
    struct manifest *o = openai(), *a = acme();
    struct model_map *map = map_with_disabled(o, a);
    static char long_name[5000] = "acme/";
    memset(long_name + 5, 'x', sizeof long_name - 6);
    for (size_t i = 0; i < ARRAY_LEN(switched); i++) {
        const char *name = switched[i].name;
        struct route_view view = {0};
        harborai_error told = HARBORAI_ERROR_INIT, told_client = HARBORAI_ERROR_INIT;
        harborai_status st = model_map_find(map, slice_of(name), &view);
        ROW(name, (st == HARBORAI_OK) == (switched[i].provider != NULL));
        ROW(name, st < 0 || (slice_is(view.provider, switched[i].provider) &&
                             slice_is(view.upstream, switched[i].upstream)));
        if (st == HARBORAI_OK)
            continue;
        (void)model_map_explain(map, slice_of(name), MODEL_MAP_IN_PROCESS, &told);
        (void)model_map_explain(map, slice_of(name), MODEL_MAP_OVER_HTTP, &told_client);
        ROW(name, strcmp(told_client.vendor_code, "model_not_found") == 0);
        ROW(name, strstr(told_client.message, "' is disabled by ") != NULL);
        ROW(name, strstr(told_client.message, switched[i].upstream) != NULL);
        ROW(name, strstr(told_client.message, "take it out") == NULL);
        ROW(name, strstr(told.message, switched[i].upstream) != NULL);
        ROW(name, strstr(told.message, ": take it out") != NULL);
    }
    struct route_view view;
    CU_ASSERT(model_map_find(map, slice_of(long_name), &view) == HARBORAI_E_NOT_FOUND);
    size_t count, on = 0;
    const struct model_listing *list = model_map_list(map, &count);
    for (size_t i = 0; i < count; i++) {
        on += list[i].enabled;
        ROW(list[i].name.data, list[i].enabled ==
                                   (model_map_find(map, list[i].qualified, &view) == HARBORAI_OK));
    }
    CU_ASSERT(on > 0 && on < count);
    model_map_destroy(map);
    manifest_unref(o);
    manifest_unref(a);
}

static const struct {
    const char *name, *means;
    enum model_claim_kind kind;
    enum model_claim_verdict verdict;
} claims[] = {
    {"best", "acme/best", MODEL_CLAIM_NAME, MODEL_CLAIM_CHOSEN},
    {"best", "openai/o1", MODEL_CLAIM_PLUGINS_ALIAS, MODEL_CLAIM_PASSED_OVER},
    {"gpt-*", "acme/gpt-*", MODEL_CLAIM_PATTERN, MODEL_CLAIM_AMBIGUOUS},
    {"gpt-*", "openai/gpt-*", MODEL_CLAIM_PATTERN, MODEL_CLAIM_AMBIGUOUS},
    {"gpt-4o-latest", "lab/gpt-4o-latest", MODEL_CLAIM_NAME, MODEL_CLAIM_CHOSEN},
    {"gpt-4o-latest", "openai/gpt-4o", MODEL_CLAIM_PLUGINS_ALIAS, MODEL_CLAIM_PASSED_OVER},
    {"gpt-4o-mini", "lab/gpt-4o-mini", MODEL_CLAIM_NAME, MODEL_CLAIM_AMBIGUOUS},
    {"gpt-4o-mini", "openai/gpt-4o-mini", MODEL_CLAIM_NAME, MODEL_CLAIM_AMBIGUOUS},
    {"o1", "lab/my-model", MODEL_CLAIM_ALIAS, MODEL_CLAIM_CHOSEN},
    {"o1", "openai/o1", MODEL_CLAIM_NAME, MODEL_CLAIM_PASSED_OVER},
    {"shared", "acme/shared", MODEL_CLAIM_NAME, MODEL_CLAIM_AMBIGUOUS},
    {"shared", "openai/shared", MODEL_CLAIM_NAME, MODEL_CLAIM_AMBIGUOUS},
};

/* What is claimed is what a look-up finds. */
static void test_claims(void)
{
    struct model_map *map = map_of_all();
    size_t count;
    const struct model_claim *list = model_map_claims(map, &count);
    CU_ASSERT_FATAL(count == ARRAY_LEN(claims));
    for (size_t i = 0; i < count; i++) {
        char means[128];
        struct route_view view = {0};
        snprintf(means, sizeof means, "%.*s/%.*s", SLICE_ARG(list[i].provider),
                 SLICE_ARG(list[i].model));
        ROW(claims[i].means, slice_is(list[i].name, claims[i].name));
        ROW(claims[i].means, strcmp(means, claims[i].means) == 0);
        ROW(claims[i].means, list[i].kind == claims[i].kind);
        ROW(claims[i].means, list[i].verdict == claims[i].verdict);
        harborai_status st = model_map_find(map, list[i].name, &view);
        ROW(claims[i].means, (st == HARBORAI_E_INVALID) ==
                                 (list[i].verdict == MODEL_CLAIM_AMBIGUOUS));
        ROW(claims[i].means, st < 0 || slice_equal(view.provider, list[i].provider) ==
                                           (list[i].verdict == MODEL_CLAIM_CHOSEN));
    }
    model_map_destroy(map);
}

static const struct {
    const char *name, *code, *want;
} reasons[] = {
    {"gpt4o", "model_not_found", "did you mean 'gpt-4o'?"},
    {"opnai/gpt-4o", "model_not_found", "did you mean 'openai/gpt-4o'?"},
    {"nothing-like-it", "model_not_found", "does not exist: 'harborai list-models' and GET"},
    {"off/my-model", "model_not_found", "provider 'off' is disabled"},
    {"off/fb-1", "model_not_found", "provider 'off' is disabled"},
    {"shared", "model_ambiguous", "use 'openai/shared' or 'acme/shared'"},
    {"gpt-9", "model_ambiguous", "use 'openai/gpt-9' or 'acme/gpt-9'"},
    {"a\nb", "model_not_found", "'a?b' does not exist"},
};

static void test_explain(void)
{
    struct model_map *map = map_of_all();
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        (void)model_map_explain(map, slice_of(reasons[i].name), MODEL_MAP_OVER_HTTP, &error);
        ROW(reasons[i].name, strcmp(error.vendor_code, reasons[i].code) == 0);
        ROW(reasons[i].name, strstr(error.message, reasons[i].want) != NULL);
        if (strstr(error.message, reasons[i].want) == NULL)
            fprintf(stderr, "    said: %s\n", error.message);
    }
    CU_ASSERT(model_map_explain(map, HARBORAI_STR("smart"), MODEL_MAP_IN_PROCESS, NULL) ==
              HARBORAI_OK);
    CU_ASSERT(model_map_explain(map, HARBORAI_STR("x"), MODEL_MAP_IN_PROCESS, NULL) == HARBORAI_E_NOT_FOUND);
    model_map_destroy(map);
}

static const struct {
    const char *name, *want;
} dormant_reasons[] = {
    {"gpt-4o", "no key: set A_KEY, and plugin 'x' serves 'gpt-4o'"},
    {"best", "no key: set A_KEY"},
    {"gpt-new", "no key: set A_KEY"},
    {"x/o1", "no key: set A_KEY, and plugin 'x' serves 'x/o1'"},
    {"acme-large", "no key: set B_KEY and C_KEY, and"}, /* the first has none of that name */
    {"x/nobody-knows", "no key: set B_KEY and C_KEY"}, /* dynamic_models */
    {"nobody-knows", "does not exist: 'harborai list-models' shows those that do, 'harborai"},
    {"y/gpt-4o", "does not exist"},
    {"off/my-model", "provider 'off' is disabled"},
    {"here", ""},
};

/* Plugins that wait for their keys: what they would serve is not found, and said. */
static void test_dormants(void)
{
    struct manifest *o = openai(), *a = acme();
    const struct model_map_provider providers[] = {
        {SLOT(0), HARBORAI_STR_INIT("off"), o, lab_models, 2, false, NOBODY, false, 0},
        {SLOT(1), HARBORAI_STR_INIT("on"), o, &(harborai_str)HARBORAI_STR_INIT("here"), 1, true, NOBODY,
         false, 0},
    };
    const struct model_map_dormant dormants[] = {{o, HARBORAI_STR_INIT("A_KEY")},
                                                 {a, HARBORAI_STR_INIT("B_KEY and C_KEY")}};
    const struct model_map_source source = {.providers = providers,
                                            .provider_count = ARRAY_LEN(providers),
                                            .dormants = dormants,
                                            .dormant_count = ARRAY_LEN(dormants)};
    struct model_map *map = NULL;
    size_t count;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    manifest_unref(o);
    manifest_unref(a);
    for (size_t i = 0; i < ARRAY_LEN(dormant_reasons); i++) {
        const char *name = dormant_reasons[i].name, *want = dormant_reasons[i].want;
        harborai_error error = HARBORAI_ERROR_INIT;
        bool lacks_key = strncmp(want, "no key", 6) == 0;
        harborai_status st =
            model_map_explain(map, slice_of(name), MODEL_MAP_IN_PROCESS, &error);
        ROW(name, st == (*want == '\0' ? HARBORAI_OK
                         : lacks_key   ? HARBORAI_E_AUTH
                                       : HARBORAI_E_NOT_FOUND));
        ROW(name, strstr(error.message, want) != NULL);
        ROW(name, st == HARBORAI_OK ||
                      strcmp(error.vendor_code, lacks_key ? "" : "model_not_found") == 0);
    }
    CU_ASSERT(slice_is(model_map_dormants(map, &count)[1].missing, "B_KEY and C_KEY"));
    CU_ASSERT(count == 2);
    model_map_destroy(map);
}

/* Plugins that the configuration's file does not name. */
static void test_unnamed(void)
{
    static const char *const said[][2] = {
        {"gpt-4o", "no provider serves 'gpt-4o': plugin 'x' would; add 'x: {}' to providers in a.yaml"},
        {"x/gpt-new", "plugin 'x' would; add 'x: {}'"},
        {"nobody-knows", "does not exist"},
    };
    struct manifest *o = openai();
    const struct model_map_dormant dormant = {o, SLICE_NONE};
    const struct model_map_source source = {
        .dormants = &dormant, .dormant_count = 1, .file = HARBORAI_STR("a.yaml")};
    struct model_map *map = NULL;
    size_t count = 1;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    manifest_unref(o);
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st =
            model_map_explain(map, slice_of(said[i][0]), MODEL_MAP_IN_PROCESS, &error);
        ROW(said[i][0], st == HARBORAI_E_NOT_FOUND && strstr(error.message, said[i][1]) != NULL);
    }
    harborai_error told = HARBORAI_ERROR_INIT;
    CU_ASSERT(model_map_explain(map, HARBORAI_STR("gpt-4o"), MODEL_MAP_OVER_HTTP, &told) ==
              HARBORAI_E_NOT_FOUND);
    CU_ASSERT(strstr(told.message, "a.yaml") == NULL);
    CU_ASSERT(strstr(told.message, "to providers in the gateway's configuration") != NULL);
    (void)model_map_dormants(map, &count);
    CU_ASSERT(count == 0); /* none of them waits for a variable */
    model_map_destroy(map);
}

/* In this order; what is listed by a name is found by it, and means the same. */
static const char *const listed[] = {
    "gpt-4o", "openai/gpt-4o-mini", "openai/shared", "openai/o1",  "acme-large",
    "acme/shared", "best", "acme/openai/gpt-x", "other/m", "my-model",
    "lab/gpt-4o-mini", "gpt-4o-latest", "off/my-model", "kimi-k3", "smart", "chain", "tuned", "o1"};

static void test_list(void)
{
    struct model_map *map = map_of_all();
    size_t count;
    const struct model_listing *list = model_map_list(map, &count);
    CU_ASSERT_FATAL(count == ARRAY_LEN(listed));
    for (size_t i = 0; i < count; i++) {
        struct route_view view;
        ROW(listed[i], slice_is(list[i].name, listed[i]));
        ROW(listed[i], list[i].enabled == !slice_is(list[i].provider, "off"));
        ROW(listed[i], list[i].is_alias == (i >= 14));
        if (!list[i].enabled)
            continue;
        ROW(listed[i], model_map_find(map, list[i].name, &view) == HARBORAI_OK);
        ROW(listed[i], view.slot == list[i].slot && slice_equal(view.upstream, list[i].upstream));
        ROW(listed[i], model_map_find(map, list[i].qualified, &view) == HARBORAI_OK);
        ROW(listed[i], view.slot == list[i].slot && slice_equal(view.upstream, list[i].upstream));
    }
    CU_ASSERT(list[0].model != NULL && list[0].model->context == 128000);
    model_map_destroy(map);
}

static const struct {
    const char *name, *provider, *models, *alias, *target, *alias2, *target2, *want;
} faults[] = {
    {"itself", "a", "", "x", "x", "", "", "a.yaml:2:3: models.x: its alias 'x' leads back to itself"},
    {"a circle", "a", "", "x", "y", "y", "x", "models.x: its alias 'y' leads back"},
    {"nowhere", "a", "", "x", "a/gpt4o", "", "", "a.yaml:2:3: models.x: the model 'a/gpt4o' does not "
     "exist; did you mean 'a/gpt-4o'"},
    {"far away", "a", "", "x", "a/other", "", "", "a.yaml:2:3: models.x: no provider serves 'a/other'"},
    {"nearly", "a", "", "x", "gpt4o", "", "", "did you mean 'gpt-4o'"},
    {"alias twice", "a", "", "x", "gpt-4o", "x", "o1", "models.x: is no name for an alias, or stands twice"},
    {"alias with star", "a", "", "x*", "gpt-4o", "", "", "no name for an alias"},
    {"provider twice", "b", "", "", "", "", "", "providers.b stands twice"},
    {"provider with slash", "a/c", "", "", "", "", "", "must not be empty or hold '/'"},
    {"provider without name", "", "", "", "", "", "", "must not be empty"},
    {"model with blank", "a", "m ", "", "", "", "", "providers.a.models[0] must have"},
};

static void test_faults(void)
{
    struct manifest *o = openai();
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        const harborai_str model = slice_of(faults[i].models);
        const struct model_map_provider providers[] = {
            {SLOT(0), HARBORAI_STR("b"), o, &model, 0, false, NOBODY, false, 0},
            {SLOT(1), slice_of(faults[i].provider), o, &model, model.len > 0, true, NOBODY,
             false, 0},
        };
        const struct model_map_alias both[] = {
            {slice_of(faults[i].alias), slice_of(faults[i].target), {"a.yaml", 2, 3}},
            {slice_of(faults[i].alias2), slice_of(faults[i].target2), {0}},
        };
        const struct model_map_source source = {.providers = providers,
                                                .provider_count = 2,
                                                .aliases = both,
                                                .alias_count = (size_t)(both[0].name.len > 0) +
                                                               (both[1].name.len > 0)};
        struct model_map *map = NULL;
        harborai_error error = HARBORAI_ERROR_INIT;
        ROW(faults[i].name, model_map_create(&source, &map, NULL, &error) == HARBORAI_E_CONFIG);
        ROW(faults[i].name, map == NULL && strstr(error.message, faults[i].want) != NULL);
        if (strstr(error.message, faults[i].want) == NULL)
            fprintf(stderr, "    said: %s\n", error.message);
    }
    manifest_unref(o);
}

static const struct {
    const char *name, *over_http, *in_process; /* NULL: it is served */
} switched_off[] = {
    {"gpt-4o", NULL, NULL},
    {"openai/gpt-4o-mini", "the model 'openai/gpt-4o-mini' is disabled",
     "the model 'openai/gpt-4o-mini' is disabled by X since Y, in /y"},
    {"gpt-4o-mini", "'gpt-4o-mini' is disabled", "by X since Y, in /y"},
    {"gpt-9-mini", "the model 'gpt-9-mini' is disabled", "by X since Y, in /y"},
    {"openai/gpt-9-mini", "is disabled", "by X since Y, in /y"},
    {"gpt-9", NULL, NULL},
    {"tiny", "the model 'tiny' is disabled", "by X since Y, in /y"},
    {"acme/acme-large", "provider 'acme' is disabled", "provider 'acme' is disabled by Z, in /z"},
    {"acme-large", "provider 'acme' is disabled", "provider 'acme' is disabled by Z, in /z"},
    {"o1", "the model 'o1' is not served: provider 'acme' is disabled", "by Z, in /z"}, /* as an alias */
    {"openai/o1", NULL, NULL},
    {"shared", NULL, NULL}, /* acme's is disabled */
};

/* What is disabled is no fault of an alias, and means nothing else meanwhile. */
static void test_switched_off(void)
{
    static const struct model_map_alias some[] = {
        {HARBORAI_STR_INIT("tiny"), HARBORAI_STR_INIT("openai/gpt-4o-mini"), {0}},
        {HARBORAI_STR_INIT("o1"), HARBORAI_STR_INIT("acme/acme-large"), {0}},
    };
    static const struct model_map_off off = {HARBORAI_STR_INIT("openai/*-mini"),
                                             HARBORAI_STR_INIT("by X since Y, in /y"),
                                             HARBORAI_STR_INIT("by X since Y")};
    struct manifest *o = openai(), *a = acme();
    const struct model_map_provider providers[] = {
        {SLOT(0), HARBORAI_STR("openai"), o, NULL, 0, true, NOBODY, false, 0},
        {SLOT(1), HARBORAI_STR("acme"), a, NULL, 0, false, HARBORAI_STR("by Z, in /z"),
         HARBORAI_STR("by Z"), false, 0},
    };
    const struct model_map_source source = {.providers = providers, .provider_count = 2,
                                            .aliases = some, .alias_count = 2,
                                            .off = &off, .off_count = 1};
    struct model_map *map = NULL;
    struct route_view view;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(switched_off); i++) {
        harborai_str name = slice_of(switched_off[i].name);
        harborai_error http = HARBORAI_ERROR_INIT, process = HARBORAI_ERROR_INIT;
        bool served = switched_off[i].over_http == NULL;
        ROW(switched_off[i].name, (model_map_find(map, name, &view) == HARBORAI_OK) == served);
        if (served)
            continue;
        (void)model_map_explain(map, name, MODEL_MAP_OVER_HTTP, &http);
        (void)model_map_explain(map, name, MODEL_MAP_IN_PROCESS, &process);
        ROW(switched_off[i].name, strstr(http.message, switched_off[i].over_http) != NULL);
        ROW(switched_off[i].name, strstr(http.message, " by ") != NULL);
        ROW(switched_off[i].name, strstr(http.message, ", in /") == NULL);
        ROW(switched_off[i].name, strcmp(http.vendor_code, "model_not_found") == 0);
        ROW(switched_off[i].name, strstr(process.message, switched_off[i].in_process) != NULL);
    }
    model_map_destroy(map);
    manifest_unref(o);
    manifest_unref(a);
}

/* Aliases were checked with other providers than those of this moment. */
static void test_interim(void)
{
    static const struct model_map_alias some[] = {
        {HARBORAI_STR_INIT("gone"), HARBORAI_STR_INIT("a/nobody"), {0}},
        {HARBORAI_STR_INIT("chained"), HARBORAI_STR_INIT("gone"), {0}},
        {HARBORAI_STR_INIT("there"), HARBORAI_STR_INIT("a/o1"), {0}},
    };
    struct manifest *o = openai();
    const struct model_map_provider provider = {
        SLOT(0), HARBORAI_STR("a"), o, NULL, 0, true, NOBODY, false, 0};
    struct model_map_source source = {
        .providers = &provider, .provider_count = 1, .aliases = some, .alias_count = 3};
    struct model_map *map = NULL;
    struct route_view view;
    CU_ASSERT(model_map_create(&source, &map, NULL, NULL) == HARBORAI_E_CONFIG);
    source.is_interim = true;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("gone"), &view) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("chained"), &view) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("there"), &view) == HARBORAI_OK);
    CU_ASSERT(slice_is(view.upstream, "o1"));
    model_map_destroy(map);
    manifest_unref(o);
}

static const struct left_out {
    const char *name;
    const char *provider; /* that it says is left out; NULL: it does not exist */
} left_out[] = {
    {"acme/any", "acme"}, {"smart", "acme"}, {"chained", "acme"}, {"bare", "acme"},
    {"any", NULL},        {"nobody/any", NULL},
};

/* An alias of theirs is not answered by another provider meanwhile, be it called as a model of that one. */
static void test_left_out(void)
{
    static const struct model_map_alias some[] = {
        {HARBORAI_STR_INIT("chained"), HARBORAI_STR_INIT("smart"), {0}},
        {HARBORAI_STR_INIT("smart"), HARBORAI_STR_INIT("acme/best"), {0}},
        {HARBORAI_STR_INIT("bare"), HARBORAI_STR_INIT("acme-large"), {0}},
        {HARBORAI_STR_INIT("o1"), HARBORAI_STR_INIT("acme/best"), {0}},
        {HARBORAI_STR_INIT("there"), HARBORAI_STR_INIT("a/o1"), {0}},
    };
    static const harborai_str names[] = {HARBORAI_STR_INIT("acme"), HARBORAI_STR_INIT("lab")};
    struct manifest *o = openai();
    const struct model_map_provider provider = {
        SLOT(0), HARBORAI_STR("a"), o, NULL, 0, true, NOBODY, false, 0};
    struct model_map_source source = {.providers = &provider, .provider_count = 1,
                                      .aliases = some, .alias_count = ARRAY_LEN(some),
                                      .left_out = names, .left_out_count = 1, .is_interim = true};
    struct model_map *map = NULL;
    struct route_view view;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        char want[64];
        snprintf(want, sizeof want, "provider '%s' is left out", left_out[i].provider);
        ROW(left_out[i].name, model_map_explain(map, slice_of(left_out[i].name), MODEL_MAP_OVER_HTTP,
                                                &error) == HARBORAI_E_NOT_FOUND);
        ROW(left_out[i].name, strcmp(error.vendor_code, "model_not_found") == 0);
        ROW(left_out[i].name, strstr(error.message, left_out[i].provider != NULL
                                                        ? want : "does not exist") != NULL);
    }
    CU_ASSERT(model_map_find(map, HARBORAI_STR("o1"), &view) == HARBORAI_E_NOT_FOUND);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("a/o1"), &view) == HARBORAI_OK);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("there"), &view) == HARBORAI_OK);
    model_map_destroy(map);
    source.left_out_count = 2; /* whose it is nobody knows then */
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("bare"), &view) == HARBORAI_E_NOT_FOUND);
    model_map_destroy(map);
    manifest_unref(o);
}

static void test_empty(void)
{
    const struct model_map_source source = {0};
    struct model_map *map = NULL;
    struct route_view view;
    size_t count = 1;
    CU_ASSERT_FATAL(model_map_create(&source, &map, NULL, NULL) == HARBORAI_OK);
    CU_ASSERT(model_map_find(map, HARBORAI_STR("gpt-4o"), &view) == HARBORAI_E_NOT_FOUND);
    (void)model_map_list(map, &count);
    CU_ASSERT(count == 0);
    model_map_destroy(map);
    model_map_destroy(NULL);
}

const CU_TestInfo model_map_tests[] = {
    {"what names mean", test_find},
    {"the operator's priorities", test_priorities},
    {"models that are disabled", test_disabled},
    {"names that several would answer for", test_claims},
    {"why a name means nothing", test_explain},
    {"plugins that wait for a key", test_dormants},
    {"plugins that the file does not name", test_unnamed},
    {"what is listed", test_list},
    {"faults of the configuration", test_faults},
    {"what is switched off", test_switched_off},
    {"aliases that lead nowhere for a while", test_interim},
    {"models of providers that are left out", test_left_out},
    {"an empty map", test_empty},
    CU_TEST_INFO_NULL,
};
