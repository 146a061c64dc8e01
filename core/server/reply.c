/* SPDX-License-Identifier: MIT */
/* Writes answers. What comes from a request or a vendor gets into a head only by field_text(),
 * which leaves nothing that could end a line. */
#include "server/reply.h"

#include <stdarg.h>

#include "base/error.h"
#include "chat/error_json.h"
#include "record/record.h"
#include "server/cors.h"
#include "server/gate.h"
#include "server/ping.h"
#include "wire/json_write.h"

#define HEAD_ROOM 832 /* a usual head and the first events of a stream; more is no fault */
#define ERROR_BODY_MAX KIB(16) /* a message of 512 bytes, each escaped as six, and the rest */

static const char *phrase_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } rows[] = {
        {200, "OK"}, {202, "Accepted"}, {204, "No Content"}, {400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"},
        {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
        {408, "Request Timeout"}, {409, "Conflict"}, {411, "Length Required"},
        {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
        {417, "Expectation Failed"}, {422, "Unprocessable Content"}, {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
        {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
        {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].phrase;
    return status < 500 ? "Request Refused" : "Server Error"; /* a vendor's own */
}

/* --- Heads ------------------------------------------------------------------------------------ */

/* Names come with their colon and blank. */
static void field(struct buf *b, harborai_str name, harborai_str value)
{
    buf_add(b, name);
    buf_add(b, value);
    buf_add(b, HARBORAI_STR("\r\n"));
}

static void field_number(struct buf *b, harborai_str name, uint64_t value)
{
    buf_add(b, name);
    buf_add_u64(b, value);
    buf_add(b, HARBORAI_STR("\r\n"));
}

/* Anything but visible ASCII becomes '?'. An empty text gives no field. */
static void field_text(struct buf *b, harborai_str name, harborai_str text)
{
    if (text.len == 0)
        return;
    buf_add(b, name);
    char *room = buf_reserve(b, text.len);
    if (room == NULL)
        return;
    for (size_t i = 0; i < text.len; i++)
        room[i] = text.data[i] > ' ' && text.data[i] < 0x7f ? text.data[i] : '?';
    buf_commit(b, text.len);
    buf_add(b, HARBORAI_STR("\r\n"));
}

/* A list that is made of a request's names and our words: as field_text(), but for its blanks. */
static void field_list(struct buf *b, harborai_str name, harborai_str list)
{
    if (list.len == 0)
        return;
    buf_add(b, name);
    char *room = buf_reserve(b, list.len);
    if (room == NULL)
        return;
    for (size_t i = 0; i < list.len; i++)
        room[i] = list.data[i] >= ' ' && list.data[i] < 0x7f ? list.data[i] : '?';
    buf_commit(b, list.len);
    buf_add(b, HARBORAI_STR("\r\n"));
}

/* `more` bytes will follow the head: one allocation for all. */
static void begin_head(struct conn *conn, int status, harborai_str content_type, size_t more)
{
    struct buf *b = &conn->out;
    if (conn->gate->metrics != NULL)
        metrics_count_request(conn->gate->metrics, status);
    (void)buf_reserve(b, HEAD_ROOM + more);
    if (status == 200) {
        buf_add(b, HARBORAI_STR("HTTP/1.1 200 OK\r\n"));
    } else {
        buf_add(b, HARBORAI_STR("HTTP/1.1 "));
        buf_add_u64(b, (uint64_t)status);
        buf_add_char(b, ' ');
        buf_add(b, slice_of(phrase_of(status)));
        buf_add(b, HARBORAI_STR("\r\n"));
    }
    field(b, HARBORAI_STR("date: "), (harborai_str){gate_date(conn->gate), 29});
    if (content_type.len > 0)
        field(b, HARBORAI_STR("content-type: "), content_type);
    field(b, HARBORAI_STR("x-request-id: "), slice_of(conn->request_id));
}

static void end_head(struct conn *conn)
{
    if (conn->pass.is_call)
        auth_write_limits(conn, &conn->out);
    if (gate_is_leaving(conn->gate))
        conn->keep_alive = false;
    if (conn->gate->cors != NULL)
        cors_write(conn->gate->cors, conn->origin, &conn->out);
    if (!conn->keep_alive)
        buf_add(&conn->out, HARBORAI_STR("connection: close\r\n"));
    else if (conn->is_http10)
        buf_add(&conn->out, HARBORAI_STR("connection: keep-alive\r\n"));
    buf_add(&conn->out, HARBORAI_STR("\r\n"));
}

static void add_extras(struct buf *b, const struct extras *extras)
{
    if (!extras->is_asked)
        return;
    buf_add(b, HARBORAI_STR("x-harborai-include: "));
    extras_write_list(extras, b);
    buf_add(b, HARBORAI_STR("\r\n"));
}

/* Where the call went, as far as that is known. */
static void add_route(struct buf *b, const struct record *r)
{
    field_text(b, HARBORAI_STR("x-harborai-id: "), slice_of(r->hb_id));
    field_text(b, HARBORAI_STR("x-harborai-provider: "), r->provider);
    field_text(b, HARBORAI_STR("x-harborai-model: "), r->upstream_model);
    field_number(b, HARBORAI_STR("x-harborai-attempts: "), r->attempts);
    if (r->overhead_ns >= 0)
        field_number(b, HARBORAI_STR("x-harborai-overhead-us: "),
                     (uint64_t)(r->overhead_ns / NS_PER_US));
    field_list(b, HARBORAI_STR("x-harborai-changed: "), r->changed);
}

static void add_record(struct buf *b, const struct record *r)
{
    add_route(b, r);
    if (!r->is_cost_known)
        return;
    buf_add(b, HARBORAI_STR("x-harborai-cost: "));
    json_write_decimal(b, r->cost_pico, 12);
    buf_add_char(b, ' ');
    buf_add(b, r->cost_currency); /* ISO 4217, checked where prices are read */
    buf_add(b, HARBORAI_STR("\r\n"));
}

static void add_retry_after(struct buf *b, int64_t after_ms)
{
    if (after_ms <= 0)
        return;
    uint64_t after_s = (uint64_t)after_ms / 1000 + (after_ms % 1000 != 0);
    field_number(b, HARBORAI_STR("retry-after: "), after_s);
    field_number(b, HARBORAI_STR("retry-after-ms: "), (uint64_t)after_ms);
}

/* OpenAI's clients ask again upon these, unless they are told not to: openai-python, _base_client.py,
 * _should_retry(); openai-node, client.ts, shouldRetry(). */
static void add_should_retry(struct buf *b, int status, const harborai_error *error)
{
    bool is_retried = status == 408 || status == 409 || status == 429 || status >= 500;
    if (is_retried && (error->flags & HARBORAI_ERROR_RETRYABLE) == 0)
        buf_add(b, HARBORAI_STR("x-should-retry: false\r\n"));
}

static void has_answered(struct conn *conn)
{
    conn->state = CONN_ANSWERED;
    conn_write_soon(conn);
}

/* --- Whole answers ---------------------------------------------------------------------------- */

void reply_whole(struct conn *conn, const struct reply *reply)
{
    AUTO(buf) error_body = BUF_INIT(ERROR_BODY_MAX);
    AUTO(buf) more = BUF_INIT(LIMIT_RESPONSE_BODY + MIB(1));
    struct buf *b = &conn->out;
    harborai_str type = reply->content_type, body = reply->body;

    if (reply->error != NULL) {
        error_json_write(&error_body, reply->error);
        body = buf_slice(&error_body);
    }
    if (reply->record != NULL && extras_add(&conn->extras, reply->record, body, &more))
        body = buf_slice(&more);
    bool has_body = reply->status != 204;
    if (has_body && type.len == 0)
        type = HARBORAI_STR("application/json");
    begin_head(conn, reply->status, type, body.len);
    if (has_body)
        field_number(b, HARBORAI_STR("content-length: "), body.len);
    if (reply->allow != NULL)
        field(b, HARBORAI_STR("allow: "), slice_of(reply->allow));
    if (reply->status == 401) /* RFC 9110, 15.5.2 */
        buf_add(b, HARBORAI_STR("www-authenticate: Bearer\r\n"));
    buf_add(b, reply->fields);
    if (reply->error != NULL) {
        add_retry_after(b, reply->error->retry_after_ms);
        add_should_retry(b, reply->status, reply->error);
    }
    if (reply->record != NULL) {
        add_record(b, reply->record);
        add_extras(b, &conn->extras);
    }
    end_head(conn);
    if (!conn->is_head)
        buf_add(b, body);
    has_answered(conn);
}

void reply_refuse(struct conn *conn, int status, const char *code, const char *format, ...)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    va_list arguments;

    /* 501 and 505, too, are about what the client sent. */
    error.code = status == 503 ? HARBORAI_E_OVERLOADED : HARBORAI_E_INVALID;
    error.flags = status == 408 ? HARBORAI_ERROR_RETRYABLE : harborai_error_flags(error.code);
    va_start(arguments, format);
    vsnprintf(error.message, sizeof error.message, format, arguments);
    va_end(arguments);
    if (code != NULL)
        error_set_code(&error, code);
    reply_whole(conn, &(struct reply){.status = status, .error = &error});
}

void reply_busy(struct conn *conn)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    error_set_full(&error);
    reply_whole(conn, &(struct reply){.status = 503, .error = &error});
}

/* --- Streams ---------------------------------------------------------------------------------- */

static void begin_stream(struct conn *conn)
{
    if (conn->is_http10)
        conn->keep_alive = false;
    begin_head(conn, 200, HARBORAI_STR("text/event-stream; charset=utf-8"), 0);
    buf_add(&conn->out, HARBORAI_STR("cache-control: no-cache\r\nx-accel-buffering: no\r\n"));
    if (!conn->is_http10)
        buf_add(&conn->out, HARBORAI_STR("transfer-encoding: chunked\r\n"));
    if (conn->record != NULL)
        add_route(&conn->out, conn->record);
    add_extras(&conn->out, &conn->extras);
    end_head(conn);
    conn->has_head = true;
}

/* JSON may have line ends between its tokens: each line is a data line of its own. */
static void add_data(struct buf *b, harborai_str json)
{
    while (json.len > 0) {
        size_t len = 0;
        while (len < json.len && json.data[len] != '\n' && json.data[len] != '\r')
            len++;
        buf_add(b, HARBORAI_STR("data: "));
        buf_add(b, slice_cut(json, len));
        buf_add(b, HARBORAI_STR("\n"));
        json = slice_from(json, len < json.len ? len + 1 : len);
    }
    buf_add(b, HARBORAI_STR("\n"));
}

static bool is_one_line(harborai_str json)
{
    return memchr(json.data, '\n', json.len) == NULL && memchr(json.data, '\r', json.len) == NULL;
}

void reply_event(struct conn *conn, harborai_str json)
{
    struct buf *b = &conn->out;
    if (!conn->has_head)
        begin_stream(conn);
    conn_open_chunk(conn);
    if (is_one_line(json)) {
        buf_add(b, HARBORAI_STR("data: "));
        buf_add(b, json);
        buf_add(b, HARBORAI_STR("\n\n"));
    } else {
        add_data(b, json);
    }
    ping_said(conn);
    conn_write_soon(conn);
}

void reply_comment(struct conn *conn, harborai_str text)
{
    struct buf *b = &conn->out;
    if (!conn->has_head)
        begin_stream(conn);
    conn_open_chunk(conn);
    buf_add(b, HARBORAI_STR(": "));
    buf_add(b, text);
    buf_add(b, HARBORAI_STR("\n\n"));
    ping_said(conn);
    conn_write_soon(conn);
}

void reply_stream_end(struct conn *conn)
{
    reply_event(conn, HARBORAI_STR("[DONE]"));
    conn_close_chunk(conn);
    if (!conn->is_http10)
        buf_add(&conn->out, HARBORAI_STR(HTTP_LAST_CHUNK));
    has_answered(conn);
}

void reply_stream_error(struct conn *conn, const harborai_error *error)
{
    AUTO(buf) body = BUF_INIT(ERROR_BODY_MAX);
    error_json_write(&body, error);
    reply_event(conn, buf_slice(&body));
    conn->keep_alive = false; /* the last chunk is left out: its reader must notice */
    has_answered(conn);
}
