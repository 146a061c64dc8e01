/* SPDX-License-Identifier: MIT */
#include "wire/json_schema.h"

#include "../unit.h"
#include "base/error.h"
#include "base/limits.h"
#include "json_scan.h"

extern const CU_TestInfo json_schema_tests[];

/* ---- Schemas ------------------------------------------------------------------------------ */

static const struct {
    const char *name, *schema;
    const char *want; /* the begin of what is wrong; NULL: nothing */
} schemas[] = {
    {"nothing", "{}", NULL},
    {"true", "true", NULL},
    {"annotations",
     "{\"$schema\":\"x\",\"title\":1,\"description\":[],\"default\":{\"a\":1},\"examples\":[],"
     "\"format\":\"uri\",\"$comment\":\"\"}", NULL},
    {"every keyword",
     "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",1,true,null],\"const\":\"a\",\"minimum\":-1.5,"
     "\"maximum\":1e2,\"minLength\":0,\"maxLength\":3,\"properties\":{\"type\":{\"type\":\"object\"}},"
     "\"required\":[\"a\"],\"additionalProperties\":{\"items\":false},\"items\":{\"type\":\"number\"},"
     "\"anyOf\":[true,{\"required\":[]}]}", NULL},
    {"keyword with an escape", "{\"t\\u0079pe\":\"strin\"}", "t\\u0079pe: must be string, "},
    {"no schema", "[]", "must be a schema"},
    {"text", "\"string\"", "must be a schema"},
    {"unknown keyword", "{\"pattern\":\"^a\"}", "pattern: this keyword is not understood"},
    {"in a property", "{\"properties\":{\"a\":{\"properties\":{\"b\":{\"$ref\":\"#\"}}}}}",
     "properties.a.properties.b.$ref: this keyword"},
    {"in an alternative", "{\"anyOf\":[{},{\"items\":{\"oneOf\":[]}}]}",
     "anyOf[1].items.oneOf: this keyword"},
    {"in the others", "{\"additionalProperties\":{\"not\":{}}}", "additionalProperties.not: this"},
    {"type", "{\"type\":\"text\"}", "type: must be string, number, "},
    {"type number", "{\"type\":1}", "type: must be string, number, "},
    {"type list", "{\"type\":[\"string\",\"str\"]}", "type: must be string, number, "},
    {"type empty list", "{\"type\":[]}", "type: must not be empty"},
    {"enum empty", "{\"enum\":[]}", "enum: must be a list, and not an empty one"},
    {"enum no list", "{\"enum\":{\"a\":1}}", "enum: must be a list"},
    {"enum of lists", "{\"enum\":[1,[2]]}", "enum: texts, numbers"},
    {"const of an object", "{\"const\":{}}", "const: texts, numbers"},
    {"minimum", "{\"minimum\":\"1\"}", "minimum: must be a number"},
    {"maximum", "{\"maximum\":null}", "maximum: must be a number"},
    {"minLength", "{\"minLength\":-1}", "minLength: must be a whole number"},
    {"maxLength", "{\"maxLength\":1.5}", "maxLength: must be a whole number"},
    {"properties", "{\"properties\":[]}", "properties: must be an object"},
    {"property", "{\"properties\":{\"a\":1}}", "properties.a: must be a schema"},
    {"required", "{\"required\":true}", "required: must be a list of names"},
    {"required number", "{\"required\":[1]}", "required: must be a list of names"},
    {"additionalProperties", "{\"additionalProperties\":\"no\"}", "additionalProperties: must be a"},
    {"items as a list", "{\"items\":[{}]}", "items: must be a schema"},
    {"anyOf empty", "{\"anyOf\":[]}", "anyOf: must be a list of schemas"},
    {"anyOf no list", "{\"anyOf\":{}}", "anyOf: must be a list of schemas"},
};

static void test_schemas(void)
{
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_str schema = unit_tight(slice_of(schemas[i].schema));
        harborai_status st = json_schema_vet(schema, &error);
        ROW(schemas[i].name, json_scan(schema, NULL, NULL, NULL) == HARBORAI_OK);
        ROW(schemas[i].name, st == (schemas[i].want != NULL ? HARBORAI_E_INVALID : HARBORAI_OK));
        ROW(schemas[i].name, schemas[i].want == NULL ||
                                 strncmp(error.message, schemas[i].want, strlen(schemas[i].want)) == 0);
        if (st < 0)
            ROW(error.message, schemas[i].want != NULL);
        unit_drop(schema);
    }
}

/* As deep as it may be, and one deeper. */
static void test_depth(void)
{
    for (unsigned depth = JSON_SCHEMA_DEPTH; depth <= JSON_SCHEMA_DEPTH + 1; depth++) {
        AUTO(buf) schema = BUF_INIT(KIB(4));
        for (unsigned i = 1; i < depth; i++)
            buf_add(&schema, HARBORAI_STR("{\"items\":"));
        buf_add(&schema, HARBORAI_STR("{}"));
        for (unsigned i = 1; i < depth; i++)
            buf_add_char(&schema, '}');
        CU_ASSERT((json_schema_vet(buf_slice(&schema), NULL) == HARBORAI_OK) ==
                  (depth == JSON_SCHEMA_DEPTH));
    }
}

/* ---- Values ------------------------------------------------------------------------------- */

#define OBJECT "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}," \
               "\"b\":{\"items\":{\"enum\":[\"x\",\"y\"]}}},"
#define WORD_OR_MAP "{\"anyOf\":[{\"enum\":[\"on\",\"off\"]},{\"type\":\"object\"," \
                    "\"additionalProperties\":{\"enum\":[\"on\",\"off\"]}}]}"

/* What is said: a letter for the kind and the path, in the order of finding. */
static const struct {
    const char *name, *schema, *value, *want;
} rows[] = {
    {"anything", "{}", "{\"a\":[1,null]}", ""},
    {"true", "true", "1", ""},
    {"false", "false", "1", "wrong ;"},
    {"string", "{\"type\":\"string\"}", "\"\"", ""},
    {"no string", "{\"type\":\"string\"}", "1", "wrong ;"},
    {"boolean", "{\"type\":\"boolean\"}", "false", ""},
    {"no boolean", "{\"type\":\"boolean\"}", "\"false\"", "wrong ;"},
    {"null", "{\"type\":\"null\"}", "null", ""},
    {"no null", "{\"type\":\"null\"}", "0", "wrong ;"},
    {"array", "{\"type\":\"array\"}", "[]", ""},
    {"no array", "{\"type\":\"array\"}", "{}", "wrong ;"},
    {"integer", "{\"type\":\"integer\"}", "1.0", ""},
    {"no integer", "{\"type\":\"integer\"}", "1.5", "wrong ;"},
    {"huge integer", "{\"type\":\"integer\"}", "1e999", ""},
    {"number", "{\"type\":\"number\"}", "1.5", ""},
    {"one of two types", "{\"type\":[\"string\",\"integer\"]}", "7", ""},
    {"none of two types", "{\"type\":[\"string\",\"integer\"]}", "7.5", "wrong ;"},
    {"enum", "{\"enum\":[\"a\",1,null,true]}", "null", ""},
    {"enum of numbers", "{\"enum\":[1,20]}", "2e1", ""},
    {"enum with escapes", "{\"enum\":[\"a\\u00e4\"]}", "\"\\u0061\xc3\xa4\"", ""},
    {"no enum", "{\"enum\":[\"a\",1]}", "\"1\"", "wrong ;"},
    {"enum, longer", "{\"enum\":[\"a\"]}", "\"ab\"", "wrong ;"},
    {"enum, shorter", "{\"enum\":[\"ab\"]}", "\"a\"", "wrong ;"},
    {"const", "{\"const\":\"a\"}", "\"a\"", ""},
    {"no const", "{\"const\":true}", "false", "wrong ;"},
    {"type and enum, told once", "{\"type\":\"string\",\"enum\":[\"a\"]}", "1", "wrong ;"},
    {"least", "{\"minimum\":1,\"maximum\":2.5}", "1", ""},
    {"most", "{\"minimum\":1,\"maximum\":2.5}", "2.50", ""},
    {"too small", "{\"minimum\":1}", "0.999", "wrong ;"},
    {"too large", "{\"maximum\":2.5}", "2.51", "wrong ;"},
    {"ranges of others", "{\"minimum\":1,\"maxLength\":1}", "[\"abc\"]", ""},
    {"length", "{\"minLength\":2,\"maxLength\":2}", "\"\xe4\xb8\xad\\u4e2d\"", ""},
    {"too short", "{\"minLength\":1}", "\"\"", "wrong ;"},
    {"too long", "{\"maxLength\":2}", "\"abc\"", "wrong ;"},
    {"properties", OBJECT "\"additionalProperties\":false}", "{\"a\":1,\"b\":[\"x\"]}", ""},
    {"property", OBJECT "\"additionalProperties\":false}", "{\"a\":\"1\"}", "wrong a;"},
    {"item", OBJECT "\"additionalProperties\":false}", "{\"b\":[\"x\",\"z\",1]}",
     "wrong b[1];wrong b[2];"},
    {"unknown", OBJECT "\"additionalProperties\":false}", "{\"c\":1,\"a\":1,\"d\":{\"a\":\"\"}}",
     "unknown c;unknown d;"},
    {"unknown taken", OBJECT "\"required\":[]}", "{\"c\":1}", ""},
    {"others", OBJECT "\"additionalProperties\":{\"type\":\"string\"}}", "{\"c\":1,\"d\":\"\"}",
     "wrong c;"},
    {"key with an escape", OBJECT "\"additionalProperties\":false}", "{\"\\u0061\":1}", ""},
    {"name with an escape", "{\"properties\":{\"\\u0061\":{\"type\":\"null\"}}}", "{\"a\":1}",
     "wrong a;"},
    {"missing", OBJECT "\"required\":[\"a\",\"b\"]}", "{\"b\":[]}", "missing  a;"},
    {"missing within", "{\"properties\":{\"o\":{\"required\":[\"x\"]}}}", "{\"o\":{}}",
     "missing o x;"},
    {"required of others", "{\"required\":[\"a\"]}", "[]", ""},
    {"all at once", OBJECT "\"required\":[\"z\"],\"additionalProperties\":false}",
     "{\"a\":1.5,\"b\":[\"z\"],\"c\":0}", "wrong a;wrong b[0];missing  z;unknown c;"},
    {"a word", WORD_OR_MAP, "\"on\"", ""},
    {"a mapping", WORD_OR_MAP, "{\"k\":\"off\"}", ""},
    {"neither", WORD_OR_MAP, "1", "wrong ;"},
    {"another word", WORD_OR_MAP, "\"of\"", "wrong ;"},
    {"a wrong mapping", WORD_OR_MAP, "{\"k\":\"of\",\"l\":\"on\"}", "wrong k;"},
    {"two could be meant", "{\"anyOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{}",
     "ambiguous ;"},
    {"what is said twice counts twice", OBJECT "\"required\":[]}", "{\"a\":\"\",\"a\":\"\"}",
     "wrong a;wrong a;"},
};

static void note(void *context, const struct json_schema_fault *fault)
{
    static const char *const kinds[] = {[JSON_SCHEMA_WRONG] = "wrong",
                                        [JSON_SCHEMA_UNKNOWN] = "unknown",
                                        [JSON_SCHEMA_MISSING] = "missing",
                                        [JSON_SCHEMA_AMBIGUOUS] = "ambiguous",
                                        [JSON_SCHEMA_ENDLESS] = "endless"};
    struct buf *out = context;
    buf_printf(out, "%s ", kinds[fault->kind]);
    json_schema_add_path(fault->at, out);
    if (fault->kind == JSON_SCHEMA_MISSING)
        buf_printf(out, " %.*s", SLICE_ARG(fault->missing));
    buf_add_char(out, ';');
}

static void test_values(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(buf) said = BUF_INIT(KIB(4));
        harborai_str schema = unit_tight(slice_of(rows[i].schema));
        harborai_str value = unit_tight(slice_of(rows[i].value));
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = json_schema_vet(schema, &error);
        ROW(rows[i].name, st == HARBORAI_OK);
        ROW(rows[i].name, json_scan(value, NULL, NULL, NULL) == HARBORAI_OK);
        unsigned faults = json_schema_check(schema, value, note, &said);
        ROW(rows[i].name, slice_is(buf_slice(&said), rows[i].want));
        ROW(rows[i].name, faults == json_schema_check(schema, value, NULL, NULL));
        ROW(rows[i].name, (faults == 0) == (rows[i].want[0] == '\0'));
        unit_drop(schema);
        unit_drop(value);
    }
}

/* Each level of alternatives that nearly fit doubles the work; the end comes all the same, once. */
static void test_endless(void)
{
    AUTO(buf) schema = BUF_INIT(KIB(64));
    AUTO(buf) value = BUF_INIT(KIB(64));
    AUTO(buf) said = BUF_INIT(KIB(64));
    enum { DEEP = 25 };
    for (unsigned i = 0; i < DEEP; i++) {
        buf_add(&schema, HARBORAI_STR("{\"anyOf\":[false,{\"items\":"));
        buf_add_char(&value, '[');
    }
    buf_add(&schema, HARBORAI_STR("false"));
    buf_add(&value, HARBORAI_STR("1"));
    for (unsigned i = 0; i < DEEP; i++) {
        buf_add(&schema, HARBORAI_STR("}]}"));
        buf_add_char(&value, ']');
    }
    CU_ASSERT(json_scan(buf_slice(&schema), NULL, NULL, NULL) == HARBORAI_OK);
    CU_ASSERT(json_schema_check(buf_slice(&schema), buf_slice(&value), note, &said) == 1);
    CU_ASSERT(slice_is(buf_slice(&said), "endless ;"));
}

/* Nor does a long number, compared with many, take long. */
static void test_long_number(void)
{
    AUTO(buf) schema = BUF_INIT(MIB(1));
    AUTO(buf) value = BUF_INIT(MIB(1));
    AUTO(buf) said = BUF_INIT(KIB(64));
    buf_add(&schema, HARBORAI_STR("{\"enum\":[0"));
    for (unsigned i = 0; i < 50000; i++)
        buf_add(&schema, HARBORAI_STR(",1"));
    buf_add(&schema, HARBORAI_STR("]}"));
    for (unsigned i = 0; i < 500000; i++)
        buf_add_char(&value, '1');
    CU_ASSERT(json_schema_check(buf_slice(&schema), buf_slice(&value), note, &said) == 1);
    CU_ASSERT(slice_is(buf_slice(&said), "endless ;"));
}

const CU_TestInfo json_schema_tests[] = {{"schemas", test_schemas},
                                         {"depth", test_depth},
                                         {"values", test_values},
                                         {"endless", test_endless},
                                         {"long number", test_long_number},
                                         CU_TEST_INFO_NULL};
