/* SPDX-License-Identifier: MIT */
#include "chat/request.h"

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"

extern const CU_TestInfo request_tests[];

#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

static void test_read(void)
{
    static const struct row {
        const char *name, *body, *model;
        bool is_stream, wants_usage;
        unsigned choices;
    } rows[] = {
        {"smallest", "{\"model\":\"m\"," MESSAGES "}", "m", false, false, 1},
        {"blanks", " {\n \"model\" : \"m\" , " MESSAGES " } \n", "m", false, false, 1},
        {"stream", "{\"model\":\"m\",\"stream\":true," MESSAGES "}", "m", true, false, 1},
        {"stream false", "{\"model\":\"m\",\"stream\":false," MESSAGES "}", "m", false, false, 1},
        {"stream null", "{\"model\":\"m\",\"stream\":null," MESSAGES "}", "m", false, false, 1},
        {"usage asked",
         "{\"stream_options\":{\"include_usage\":true},\"model\":\"m\",\"stream\":true," MESSAGES
         "}",
         "m", true, true, 1},
        {"usage asked without a stream",
         "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true}," MESSAGES "}", "m", false,
         false, 1},
        {"usage refused",
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":false}," MESSAGES
         "}",
         "m", true, false, 1},
        {"options null", "{\"model\":\"m\",\"stream\":true,\"stream_options\":null," MESSAGES "}",
         "m", true, false, 1},
        {"n", "{\"model\":\"m\",\"n\":128," MESSAGES "}", "m", false, false, 128},
        {"n null", "{\"model\":\"m\",\"n\":null," MESSAGES "}", "m", false, false, 1},
        {"n 2.0", "{\"model\":\"m\",\"n\":2.0," MESSAGES "}", "m", false, false, 2},
        {"escaped model", "{\"model\":\"a\\u002fb\\\"c\"," MESSAGES "}", "a/b\"c", false, false, 1},
        {"escaped key", "{\"mod\\u0065l\":\"m\"," MESSAGES "}", "m", false, false, 1},
        {"unknown members twice", "{\"x\":1,\"x\":2,\"model\":\"m\"," MESSAGES "}", "m", false,
         false, 1},
        {"inner model", "{\"metadata\":{\"model\":\"no\"},\"model\":\"m\"," MESSAGES "}", "m",
         false, false, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena;
        struct chat_request r;
        harborai_error error = HARBORAI_ERROR_INIT;
        arena_init(&arena, MIB(1));
        harborai_status st = chat_request_parse(slice_of(rows[i].body), &arena, &r, &error);
        ROW(rows[i].name, st == HARBORAI_OK);
        if (st == HARBORAI_OK) {
            ROW(rows[i].name, slice_is(r.model, rows[i].model));
            ROW(rows[i].name, r.is_stream == rows[i].is_stream);
            ROW(rows[i].name, r.wants_usage == rows[i].wants_usage);
            ROW(rows[i].name, r.choices == rows[i].choices);
            ROW(rows[i].name, r.messages.len > 2 && r.messages.data[0] == '[');
        }
        arena_release(&arena);
    }
}

static void test_refuse(void)
{
    static const struct row {
        const char *name, *body, *param, *code, *message;
    } rows[] = {
        {"empty", "", "", "invalid_json", "the body is empty: a JSON object is expected"},
        {"blank", " \n", "", "invalid_json", "the body is empty: a JSON object is expected"},
        {"text", "hello", "", "invalid_json", NULL},
        {"array", "[1]", "", "invalid_json", "the body is not a JSON object"},
        {"broken", "{\"model\":\"m\", x}", "", "invalid_json",
         "the body is not JSON: member name expected at byte 14"},
        {"cut", "{\"model\":\"m\"", "", "invalid_json",
         "the body is not JSON: unexpected end at byte 12"},
        {"twice", "{} {}", "", "invalid_json", NULL},
        {"not UTF-8", "{\"model\":\"\xff\"}", "", "invalid_json",
         "the body is not JSON: text is not UTF-8 at byte 10"},
        {"no model", "{" MESSAGES "}", "/model", "missing_required_parameter",
         "'model' is missing: say which model is to answer"},
        {"nothing", "{}", "/model", "missing_required_parameter", NULL},
        {"no messages", "{\"model\":\"m\"}", "/messages", "missing_required_parameter", NULL},
        {"model null", "{\"model\":null," MESSAGES "}", "/model", "invalid_type",
         "'model' must be a string, not null"},
        {"model empty", "{\"model\":\"\"," MESSAGES "}", "/model", "invalid_value", NULL},
        {"model NUL", "{\"model\":\"a\\u0000\"," MESSAGES "}", "/model", "invalid_value", NULL},
        {"messages object", "{\"model\":\"m\",\"messages\":{}}", "/messages", "invalid_type",
         "'messages' must be an array, not an object"},
        {"messages empty", "{\"model\":\"m\",\"messages\":[ ]}", "/messages", "empty_array", NULL},
        {"stream text", "{\"model\":\"m\",\"stream\":\"true\"," MESSAGES "}", "/stream",
         "invalid_type", "'stream' must be a boolean, not a string"},
        {"n 0", "{\"model\":\"m\",\"n\":0," MESSAGES "}", "/n", "integer_below_min_value", NULL},
        {"n 129", "{\"model\":\"m\",\"n\":129," MESSAGES "}", "/n", "integer_above_max_value",
         NULL},
        {"n 1.5", "{\"model\":\"m\",\"n\":1.5," MESSAGES "}", "/n", "invalid_type", NULL},
        {"n text", "{\"model\":\"m\",\"n\":\"1\"," MESSAGES "}", "/n", "invalid_type", NULL},
        {"options text", "{\"model\":\"m\",\"stream_options\":\"x\"," MESSAGES "}",
         "/stream_options", "invalid_type", NULL},
        {"include_usage 1", "{\"model\":\"m\",\"stream_options\":{\"include_usage\":1}," MESSAGES
         "}", "/stream_options/include_usage", "invalid_type",
         "'stream_options/include_usage' must be a boolean, not a number"},
        {"model twice", "{\"model\":\"a\",\"model\":\"b\"," MESSAGES "}", "/model",
         "duplicate_parameter", "'model' stands twice"},
        {"model twice, escaped", "{\"model\":\"a\",\"\\u006dodel\":\"b\"," MESSAGES "}", "/model",
         "duplicate_parameter", NULL},
        {"include_usage twice", "{\"model\":\"m\",\"stream_options\":{\"include_usage\":true,"
         "\"include_usage\":false}," MESSAGES "}", "/stream_options/include_usage",
         "duplicate_parameter", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena;
        struct chat_request r;
        harborai_error error = HARBORAI_ERROR_INIT;
        arena_init(&arena, MIB(1));
        ROW(rows[i].name, chat_request_parse(slice_of(rows[i].body), &arena, &r, &error) ==
                              HARBORAI_E_INVALID);
        ROW(rows[i].name, chat_request_parse(slice_of(rows[i].body), &arena, &r, NULL) ==
                              HARBORAI_E_INVALID);
        ROW(rows[i].name, error.code == HARBORAI_E_INVALID);
        ROW(rows[i].name, strcmp(error.param, rows[i].param) == 0);
        ROW(rows[i].name, strcmp(error.vendor_code, rows[i].code) == 0);
        ROW(rows[i].name, rows[i].message == NULL || strcmp(error.message, rows[i].message) == 0);
        arena_release(&arena);
    }
}

static void test_limits(void)
{
    struct arena arena;
    struct chat_request r;
    harborai_error error = HARBORAI_ERROR_INIT;
    AUTO(buf) b = BUF_INIT(MIB(1));

    arena_init(&arena, MIB(1));
    buf_add(&b, HARBORAI_STR("{\"model\":\"m\"," MESSAGES ",\"x\":"));
    for (int i = 0; i < LIMIT_REQUEST_DEPTH; i++)
        buf_add_char(&b, '[');
    for (int i = 0; i < LIMIT_REQUEST_DEPTH; i++)
        buf_add_char(&b, ']');
    buf_add_char(&b, '}');
    ROW("too deep", chat_request_parse(buf_slice(&b), &arena, &r, &error) == HARBORAI_E_INVALID);
    ROW("too deep", strstr(error.message, "nested too deeply") != NULL);

    buf_clear(&b);
    buf_add(&b, HARBORAI_STR("{\"model\":\"m\"," MESSAGES));
    for (int i = 0; i < CHAT_REQUEST_MEMBERS; i++)
        buf_printf(&b, ",\"x%d\":1", i);
    buf_add_char(&b, '}');
    ROW("members", chat_request_parse(buf_slice(&b), &arena, &r, &error) == HARBORAI_E_INVALID);
    ROW("members", strstr(error.message, "256 members") != NULL);

    for (int escaped = 0; escaped < 2; escaped++) {
        buf_clear(&b);
        buf_add(&b, HARBORAI_STR("{\"model\":\""));
        for (int i = 0; i <= CHAT_MODEL_NAME_MOST; i++)
            buf_add(&b, escaped ? HARBORAI_STR("\\u0061") : HARBORAI_STR("a"));
        buf_add(&b, HARBORAI_STR("\"," MESSAGES "}"));
        ROW("long name",
            chat_request_parse(buf_slice(&b), &arena, &r, &error) == HARBORAI_E_INVALID);
        ROW("long name", strcmp(error.param, "/model") == 0);
    }
    arena_release(&arena);

    arena_init(&arena, 16);
    ROW("arena", chat_request_parse(HARBORAI_STR("{\"model\":\"m\"," MESSAGES "}"), &arena, &r,
                                    &error) == HARBORAI_E_MEMORY);
    arena_release(&arena);
}

static void join(struct buf *b, const struct json_pieces *pieces)
{
    buf_clear(b);
    for (size_t i = 0; i < pieces->count; i++) {
        CU_ASSERT(pieces->piece[i].len > 0);
        buf_add(b, pieces->piece[i]);
    }
    CU_ASSERT(b->len == pieces->len);
}

static void *alloc(void *context, size_t size)
{
    return arena_alloc(context, size);
}

/* The splice, and the same edits by json_edit: both must give what is wanted. */
static void test_splice(void)
{
    static const struct row {
        const char *name, *body, *model;
        bool want_usage;
        const char *want; /* NULL = the body as it is, in one piece */
    } rows[] = {
        {"nothing", "{\"model\":\"m\"," MESSAGES "}", "m", true, NULL},
        {"model", "{\"model\": \"m\" ," MESSAGES "}", "v/m\"2", true,
         "{\"model\": \"v/m\\\"2\" ," MESSAGES "}"},
        {"usage added", "{\"model\":\"m\",\"stream\":true," MESSAGES "}", "m", true,
         "{\"model\":\"m\",\"stream\":true," MESSAGES
         ",\"stream_options\":{\"include_usage\":true}}"},
        {"usage not wanted", "{\"model\":\"m\",\"stream\":true," MESSAGES "}", "m", false, NULL},
        {"usage asked already",
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," MESSAGES
         "}",
         "m", true, NULL},
        {"both, options first",
         "{\"stream_options\":{\"include_usage\":false},\"stream\":true," MESSAGES
         ",\"model\":\"m\"}",
         "up", true,
         "{\"stream_options\":{\"include_usage\":true},\"stream\":true," MESSAGES
         ",\"model\":\"up\"}"},
        {"both, model first",
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":null," MESSAGES "}", "up", true,
         "{\"model\":\"up\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," MESSAGES
         "}"},
        {"options empty", "{\"model\":\"m\",\"stream\":true,\"stream_options\":{}," MESSAGES "}",
         "m", true,
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," MESSAGES
         "}"},
        {"options other",
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"x\":1}," MESSAGES "}", "m", true,
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"x\":1,\"include_usage\":true},"
         MESSAGES "}"},
        {"include_usage null",
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":null}," MESSAGES
         "}",
         "m", true,
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," MESSAGES
         "}"},
        {"blanks at the end", " {\"stream\":true," MESSAGES ",\"model\":\"m\"}\n ", "up", true,
         " {\"stream\":true," MESSAGES
         ",\"model\":\"up\",\"stream_options\":{\"include_usage\":true}}\n "},
    };
    AUTO(buf) b = BUF_INIT(MIB(1));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct arena arena;
        struct chat_request r;
        struct json_pieces pieces;
        harborai_edit edits[CHAT_REQUEST_EDITS];
        harborai_str model = slice_of(rows[i].model);
        harborai_str want = slice_of(rows[i].want != NULL ? rows[i].want : rows[i].body);
        void *memory = NULL;

        arena_init(&arena, MIB(1));
        harborai_status st = chat_request_parse(slice_of(rows[i].body), &arena, &r, NULL);
        ROW(rows[i].name, st == HARBORAI_OK);
        st = chat_request_splice(&r, model, rows[i].want_usage, &arena, &pieces, NULL);
        ROW(rows[i].name, st == HARBORAI_OK);
        join(&b, &pieces);
        ROW(rows[i].name, slice_equal(buf_slice(&b), want));
        size_t count = chat_request_edits(&r, model, rows[i].want_usage, edits);
        ROW(rows[i].name, (count == 0) == (rows[i].want == NULL));
        ROW(rows[i].name, rows[i].want != NULL || pieces.count == 1);
        struct json_edit_body body = {r.body, r.members, r.member_count};
        st = json_edit_apply(&body, edits, count, alloc, &arena, &pieces, &memory, NULL);
        ROW(rows[i].name, st == HARBORAI_OK);
        join(&b, &pieces);
        ROW(rows[i].name, slice_equal(buf_slice(&b), want));
        arena_release(&arena);
    }
}

const CU_TestInfo request_tests[] = {
    {"what is read", test_read},
    {"what is refused", test_refuse},
    {"limits", test_limits},
    {"the host's edits", test_splice},
    CU_TEST_INFO_NULL,
};
