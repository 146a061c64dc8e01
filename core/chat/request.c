/* SPDX-License-Identifier: MIT */
/* The scan of a request: one pass over the body's top level. It reads what the gateway acts on and
 * leaves the rest to the vendor; it must never build a tree or copy the body. */
#include "chat/request.h"

#include <stdio.h>
#include <string.h>

#include <harborai/plugin.h>

#include "base/error.h"
#include "base/limits.h"
#include "chat/json_line.h"
#include "json_value.h"

/* What stream_options must hold for the vendor to report the usage. */
static const harborai_str ask_for_usage = HARBORAI_STR_INIT("{\"include_usage\":true}");

/* Sets the error's param and OpenAI's code besides. */
PRINTF(4, 5)
static harborai_status refuse(harborai_error *error, const char *param, const char *code,
                              const char *format, ...)
{
    va_list arguments;
    if (error == NULL)
        return HARBORAI_E_INVALID;
    snprintf(error->param, sizeof error->param, "%s", param);
    va_start(arguments, format);
    error_set_list(error, HARBORAI_E_INVALID, format, arguments);
    va_end(arguments);
    error_set_code(error, code);
    return HARBORAI_E_INVALID;
}

static const char *kind_name(enum json_kind kind)
{
    switch (kind) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_NUMBER:
        return "a number";
    case JSON_BOOL:
        return "a boolean";
    case JSON_NULL:
        return "null";
    case JSON_NONE:
        break;
    }
    return "nothing";
}

static harborai_status refuse_kind(harborai_error *error, const char *param, const char *wanted,
                                   enum json_kind kind)
{
    return refuse(error, param, "invalid_type", "'%s' must be %s, not %s", param + 1, wanted,
                  kind_name(kind));
}

/* ---- The members -------------------------------------------------------------------------------
 * Each reader is handed its member once; what is absent keeps the value of chat_request_parse(). */

typedef harborai_status member_fn(struct chat_request *r, struct arena *arena,
                                  const struct json_member *member, harborai_error *error);

static harborai_status read_model(struct chat_request *r, struct arena *arena,
                                  const struct json_member *member, harborai_error *error)
{
    if (member->kind != JSON_STRING)
        return refuse_kind(error, "/model", "a string", member->kind);
    r->model_value = member->value;
    if (!json_string_plain(member->value, &r->model)) {
        if (member->value.len > 6 * CHAT_MODEL_NAME_MOST + 2) /* all of it as \uXXXX */
            return refuse(error, "/model", "invalid_value", "'model' is too long a name");
        char *text = arena_alloc(arena, member->value.len);
        if (text == NULL)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
        harborai_status st = json_string(member->value, text, member->value.len, &r->model);
        if (st < 0)
            return refuse(error, "/model", "invalid_value", "'model' cannot be read");
    }
    if (r->model.len > CHAT_MODEL_NAME_MOST)
        return refuse(error, "/model", "invalid_value", "'model' is longer than %d bytes",
                      CHAT_MODEL_NAME_MOST);
    if (r->model.len == 0)
        return refuse(error, "/model", "invalid_value", "'model' is empty: name a model");
    if (memchr(r->model.data, '\0', r->model.len) != NULL)
        return refuse(error, "/model", "invalid_value", "'model' holds a NUL character");
    return HARBORAI_OK;
}

static harborai_status read_messages(struct chat_request *r, UNUSED struct arena *arena,
                                     const struct json_member *member, harborai_error *error)
{
    if (member->kind != JSON_ARRAY)
        return refuse_kind(error, "/messages", "an array", member->kind);
    struct json_cursor cursor = json_open(member->value);
    if (json_at_end(&cursor)) /* and no look at the first, which may be all of a large body */
        return refuse(error, "/messages", "empty_array", "'messages' is empty: one at least");
    r->messages = member->value;
    r->messages_may_have_u = member->may_have_u;
    return HARBORAI_OK;
}

static harborai_status read_stream(struct chat_request *r, UNUSED struct arena *arena,
                                   const struct json_member *member, harborai_error *error)
{
    if (member->kind != JSON_NULL && !json_boolean(member->value, &r->is_stream))
        return refuse_kind(error, "/stream", "a boolean", member->kind);
    return HARBORAI_OK;
}

static harborai_status read_choices(struct chat_request *r, UNUSED struct arena *arena,
                                    const struct json_member *member, harborai_error *error)
{
    int64_t n;
    if (member->kind == JSON_NULL)
        return HARBORAI_OK;
    if (member->kind != JSON_NUMBER)
        return refuse_kind(error, "/n", "an integer", member->kind);
    if (!json_int64(member->value, &n))
        return refuse(error, "/n", "invalid_type", "'n' must be an integer");
    if (n < 1)
        return refuse(error, "/n", "integer_below_min_value", "'n' must be 1 at least");
    if (n > LIMIT_REQUEST_CHOICES)
        return refuse(error, "/n", "integer_above_max_value", "'n' must be %d at most",
                      LIMIT_REQUEST_CHOICES);
    r->choices = (uint32_t)n;
    return HARBORAI_OK;
}

static harborai_status read_stream_options(struct chat_request *r, UNUSED struct arena *arena,
                                           const struct json_member *member, harborai_error *error)
{
    static const char path[] = "/stream_options/include_usage";
    struct json_cursor cursor = json_open(member->value);
    struct json_member option;

    r->stream_options = member->value;
    if (member->kind == JSON_NULL)
        return HARBORAI_OK;
    if (member->kind != JSON_OBJECT)
        return refuse_kind(error, "/stream_options", "an object", member->kind);
    while (json_object_next(&cursor, &option)) {
        if (!json_key_equal(&option, HARBORAI_STR("include_usage")))
            continue;
        if (r->include_usage.len > 0)
            return refuse(error, path, "duplicate_parameter", "'%s' stands twice", path + 1);
        if (option.kind != JSON_NULL && !json_boolean(option.value, &r->wants_usage))
            return refuse_kind(error, path, "a boolean", option.kind);
        r->include_usage = option.value;
    }
    return HARBORAI_OK;
}

static const struct reader {
    harborai_str name;
    const char *path;
    member_fn *read;
} readers[] = {
    {HARBORAI_STR_INIT("model"), "/model", read_model},
    {HARBORAI_STR_INIT("messages"), "/messages", read_messages},
    {HARBORAI_STR_INIT("stream"), "/stream", read_stream},
    {HARBORAI_STR_INIT("stream_options"), "/stream_options", read_stream_options},
    {HARBORAI_STR_INIT("n"), "/n", read_choices},
};

static const struct reader *reader_of(const struct json_member *member)
{
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (json_key_equal(member, readers[i].name))
            return &readers[i];
    return NULL;
}

static harborai_status read_members(struct chat_request *r, struct arena *arena,
                                    harborai_error *error)
{
    unsigned seen = 0; /* a bit for each reader */
    for (size_t i = 0; i < r->member_count; i++) {
        const struct reader *reader = reader_of(&r->members[i]);
        if (reader == NULL)
            continue;
        unsigned bit = 1u << (reader - readers);
        if ((seen & bit) != 0) /* which of them holds is the vendor's guess: not ours */
            return refuse(error, reader->path, "duplicate_parameter", "'%s' stands twice",
                          reader->path + 1);
        seen |= bit;
        harborai_status st = reader->read(r, arena, &r->members[i], error);
        if (st < 0)
            return st;
    }
    if (r->model.len == 0)
        return refuse(error, "/model", "missing_required_parameter",
                      "'model' is missing: say which model is to answer");
    if (r->messages.len == 0)
        return refuse(error, "/messages", "missing_required_parameter",
                      "'messages' is missing: say what is asked");
    r->wants_usage = r->wants_usage && r->is_stream;
    return HARBORAI_OK;
}

/* ---- The body -------------------------------------------------------------------------------- */

static harborai_status refuse_body(harborai_error *error, harborai_str body, harborai_status st,
                                   const struct json_fault *fault)
{
    if (st == HARBORAI_E_MEMORY)
        return refuse(error, "", "invalid_json", "the body has more than %d members",
                      CHAT_REQUEST_MEMBERS);
    if (slice_trim(body).len == 0)
        return refuse(error, "", "invalid_json", "the body is empty: a JSON object is expected");
    if (json_scan(body, &(struct json_limits){LIMIT_REQUEST_DEPTH}, NULL, NULL) == HARBORAI_OK)
        return refuse(error, "", "invalid_json", "the body is not a JSON object");
    return refuse(error, "", "invalid_json", "the body is not JSON: %s at byte %zu", fault->reason,
                  fault->at);
}

harborai_status chat_request_parse(harborai_str body, struct arena *arena,
                                   struct chat_request *ret_request, harborai_error *error)
{
    const struct json_limits limits = {LIMIT_REQUEST_DEPTH};
    struct json_member members[CHAT_REQUEST_MEMBERS];
    struct chat_request r = {.body = body, .choices = 1};
    struct json_fault fault = {0, ""};

    harborai_status st = json_scan_object(body, &limits, members, ARRAY_LEN(members),
                                          &r.member_count, &fault);
    if (st < 0)
        return refuse_body(error, body, st, &fault);
    struct json_member *kept = arena_alloc(arena, (r.member_count + 1) * sizeof *kept);
    if (kept == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    memcpy(kept, members, r.member_count * sizeof *kept);
    r.members = kept;
    st = read_members(&r, arena, error);
    if (st < 0)
        return st;
    *ret_request = r;
    return HARBORAI_OK;
}

/* ---- The host's edits ------------------------------------------------------------------------ */

static bool needs_usage(const struct chat_request *r, bool want_usage)
{
    return want_usage && r->is_stream && !r->wants_usage;
}

static bool options_are_object(const struct chat_request *r)
{
    return json_kind(r->stream_options) == JSON_OBJECT;
}

size_t chat_request_edits(const struct chat_request *request, harborai_str upstream_model,
                          bool want_usage, harborai_edit edits[static CHAT_REQUEST_EDITS])
{
    size_t count = 0;
    if (!slice_equal(request->model, upstream_model))
        edits[count++] = (harborai_edit){HARBORAI_STR("/model"), upstream_model,
                                         HARBORAI_EDIT_TEXT, 0};
    if (!needs_usage(request, want_usage))
        return count;
    if (options_are_object(request))
        edits[count++] = (harborai_edit){HARBORAI_STR("/stream_options/include_usage"),
                                         HARBORAI_STR("true"), HARBORAI_EDIT_JSON, 0};
    else
        edits[count++] = (harborai_edit){HARBORAI_STR("/stream_options"), ask_for_usage,
                                         HARBORAI_EDIT_JSON, 0};
    return count;
}

/* A run of the body that goes out as other text; a run of no bytes is an insertion. */
struct change {
    const char *from, *to;
    harborai_str text;
};

static harborai_status change_of_model(const struct chat_request *r, harborai_str upstream_model,
                                       struct arena *arena, struct change *ret_change,
                                       harborai_error *error)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    json_line_text(&text, upstream_model);
    harborai_status st = buf_status(&text, error);
    if (st < 0)
        return st;
    *ret_change = (struct change){r->model_value.data, r->model_value.data + r->model_value.len,
                                  arena_copy(arena, buf_slice(&text))};
    if (ret_change->text.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    return HARBORAI_OK;
}

static struct change change_of_options(const struct chat_request *r)
{
    harborai_str options = r->stream_options, usage = r->include_usage;
    struct json_member first;
    if (usage.len > 0)
        return (struct change){usage.data, usage.data + usage.len, HARBORAI_STR("true")};
    if (options_are_object(r)) {
        struct json_cursor cursor = json_open(options);
        const char *end = options.data + options.len - 1;
        return (struct change){end, end, json_object_next(&cursor, &first)
                                             ? HARBORAI_STR(",\"include_usage\":true")
                                             : HARBORAI_STR("\"include_usage\":true")};
    }
    if (options.len > 0)
        return (struct change){options.data, options.data + options.len, ask_for_usage};
    /* Behind the last member; there is one, since a request has a model. */
    harborai_str last = r->members[r->member_count - 1].value;
    return (struct change){last.data + last.len, last.data + last.len,
                           HARBORAI_STR(",\"stream_options\":{\"include_usage\":true}")};
}

static void add_piece(harborai_str *pieces, struct json_pieces *ret, harborai_str piece)
{
    if (piece.len == 0)
        return;
    pieces[ret->count++] = piece;
    ret->len += piece.len;
}

harborai_status chat_request_splice(const struct chat_request *request, harborai_str upstream_model,
                                    bool want_usage, struct arena *arena,
                                    struct json_pieces *ret_pieces, harborai_error *error)
{
    struct change changes[CHAT_REQUEST_EDITS];
    size_t count = 0;
    if (!slice_equal(request->model, upstream_model)) {
        harborai_status st = change_of_model(request, upstream_model, arena, &changes[count++],
                                             error);
        if (st < 0)
            return st;
    }
    if (needs_usage(request, want_usage))
        changes[count++] = change_of_options(request);
    if (count == 2 && changes[1].from < changes[0].from) {
        struct change later = changes[0];
        changes[0] = changes[1];
        changes[1] = later;
    }
    harborai_str *pieces = arena_alloc(arena, (2 * CHAT_REQUEST_EDITS + 1) * sizeof *pieces);
    if (pieces == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    struct json_pieces result = {pieces, 0, 0};
    const char *at = request->body.data, *end = at + request->body.len;
    for (size_t i = 0; i < count; i++) {
        add_piece(pieces, &result, (harborai_str){at, (size_t)(changes[i].from - at)});
        add_piece(pieces, &result, changes[i].text);
        at = changes[i].to;
    }
    add_piece(pieces, &result, (harborai_str){at, (size_t)(end - at)});
    *ret_pieces = result;
    return HARBORAI_OK;
}
