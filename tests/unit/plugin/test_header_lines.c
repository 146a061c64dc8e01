/* SPDX-License-Identifier: MIT */
/* Headers on their way to a vendor: nothing of a plugin's can end a line, take the place of a header
 * that is the host's, or bring a key where none was declared. */
#include "plugin/header_lines.h"

#include <string.h>

#include "../unit.h"

extern const CU_TestInfo header_lines_tests[];

#define TEXT(literal)        HARBORAI_STR_INIT(literal)
#define H(name, value)       {TEXT(name), TEXT(value), {NULL, 0}}
#define S(name, value, from) {TEXT(name), TEXT(value), TEXT(from)}
#define AGENT                "user-agent: harborai/" PACKAGE_VERSION "\r\n"

static const struct row {
    const char *name;
    harborai_header headers[3];
    size_t count;
    bool has_body;
    const char *trace_parent, *want; /* NULL = refused */
    harborai_status code;
} rows[] = {
    {"none", {{SLICE_NONE, SLICE_NONE, SLICE_NONE}}, 0, false, "", AGENT, 0},
    {"a body and a trace", {{SLICE_NONE, SLICE_NONE, SLICE_NONE}}, 0, true, "00-ab-cd-01",
     "content-type: application/json\r\n" AGENT "traceparent: 00-ab-cd-01\r\n", 0},
    {"the plugin's go before ours",
     {H("content-type", "text/plain"), H("user-agent", "x/1"), H("traceparent", "t")}, 3, true, "o",
     "content-type: text/plain\r\nuser-agent: x/1\r\ntraceparent: t\r\n", 0},
    {"a secret", {S("authorization", "Bearer %s", "api_key")}, 1, false, "",
     "authorization: Bearer sk-1\r\n" AGENT, 0},
    {"a secret within", {S("x-key", "a%sb%s", "api_key")}, 1, false, "",
     "x-key: ask-1b%s\r\n" AGENT, 0},
    {"a secret without a place", {S("x-key", "plain", "api_key")}, 1, false, "",
     "x-key: plain\r\n" AGENT, 0},
    {"a secret that is declared absent", {S("x-key", "%s", "other"), H("a", "1")}, 2, false, "",
     "a: 1\r\n" AGENT, 0},
    {"secret by itself", {S("x-signed", "abc%s", "*")}, 1, false, "", "x-signed: abc%s\r\n" AGENT,
     0},
    {"no secret: the mark stays", {H("a", "%s")}, 1, false, "", "a: %s\r\n" AGENT, 0},
    {"empty value, tab, UTF-8", {H("a", ""), H("b", "x\ty"), H("c", "\xc3\xa9")}, 3, false, "",
     "a: \r\nb: x\ty\r\nc: \xc3\xa9\r\n" AGENT, 0},
    {"every sign of a token", {H("a1!#$%&'*+-.^_`|~z", "1")}, 1, false, "",
     "a1!#$%&'*+-.^_`|~z: 1\r\n" AGENT, 0},
    {"unknown secret", {S("a", "%s", "nothing")}, 1, false, "", NULL, HARBORAI_E_AUTH},
    {"no name", {H("", "1")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"upper case", {H("Accept", "1")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"blank in the name", {H("a b", "1")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"colon in the name", {H("a:", "1")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"NUL in the name", {H("a\0b", "1")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"line end in the value", {H("a", "1\r\nhost: evil")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"line feed in the value", {H("a", "1\n")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"NUL in the value", {H("a", "1\0")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"DEL in the value", {H("a", "\x7f")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"host", {H("host", "evil")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"content-length", {H("content-length", "1")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"transfer-encoding", {H("transfer-encoding", "chunked")}, 1, false, "", NULL,
     HARBORAI_E_INVALID},
    {"connection", {H("connection", "close")}, 1, false, "", NULL, HARBORAI_E_INVALID},
    {"accept-encoding", {H("accept-encoding", "br")}, 1, false, "", NULL, HARBORAI_E_INVALID},
};

struct setup {
    struct manifest manifest;
    struct provider_secret secrets[2];
    struct provider provider;
};

static void setup_init(struct setup *s)
{
    memset(s, 0, sizeof *s);
    s->manifest.id = HARBORAI_STR("org.test");
    s->secrets[0].name = HARBORAI_STR("api_key");
    s->secrets[1].name = HARBORAI_STR("other");
    s->provider.name = HARBORAI_STR("lab");
    s->provider.manifest = &s->manifest;
    s->provider.secrets = s->secrets;
    s->provider.secret_count = 2;
    CU_ASSERT_FATAL(secret_create(HARBORAI_STR("sk-1"), "k", &s->secrets[0].value, NULL) ==
                    HARBORAI_OK);
}

static void test_lines(void)
{
    struct setup s;
    setup_init(&s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        AUTO(buf) lines = BUF_INIT(KIB(32));
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = header_lines_write(&s.provider, row->headers, row->count,
                                                row->has_body, slice_of(row->trace_parent), &lines,
                                                &error);
        ROW(row->name, st == row->code && error.code == row->code);
        ROW(row->name, row->want == NULL || slice_is(buf_slice(&lines), row->want));
        ROW(row->name, strstr(error.message, "sk-1") == NULL);
    }
    secret_unref(s.secrets[0].value);
}

static void test_limits(void)
{
    static const char long_value[HEADER_LINES_MAX_SIZE + 1];
    struct setup s;
    setup_init(&s);
    harborai_header headers[HEADER_LINES_MAX_COUNT + 1];
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        headers[i] = (harborai_header){HARBORAI_STR("a"), HARBORAI_STR("1"), SLICE_NONE};
    AUTO(buf) lines = BUF_INIT(KIB(32)), small = BUF_INIT(16);
    CU_ASSERT(header_lines_write(&s.provider, headers, HEADER_LINES_MAX_COUNT, false, SLICE_NONE,
                                 &lines, NULL) == HARBORAI_OK);
    CU_ASSERT(header_lines_write(&s.provider, headers, ARRAY_LEN(headers), false, SLICE_NONE,
                                 &lines, NULL) == HARBORAI_E_INVALID);
    CU_ASSERT(header_lines_write(&s.provider, headers, 8, false, SLICE_NONE, &small, NULL) ==
              HARBORAI_E_MEMORY);
    headers[0].value = (harborai_str){long_value, sizeof long_value};
    CU_ASSERT(header_lines_write(&s.provider, headers, 1, false, SLICE_NONE, &lines, NULL) ==
              HARBORAI_E_INVALID);
    secret_unref(s.secrets[0].value);
}

const CU_TestInfo header_lines_tests[] = {
    {"lines, and what is refused", test_lines},
    {"limits", test_limits},
    CU_TEST_INFO_NULL,
};
