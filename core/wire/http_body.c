/* SPDX-License-Identifier: MIT */
/* Takes the framing off HTTP/1.1 bodies. Data is never copied; the lines between chunks are read
 * byte by byte, since they may be split anywhere. */
#include "wire/http_body.h"

#include <string.h>

enum {
    STATE_DATA,
    STATE_SIZE,       /* hexadecimal digits */
    STATE_SIZE_BLANK, /* blanks behind them, which some send */
    STATE_EXTENSION,
    STATE_SIZE_LF,
    STATE_DATA_CR, /* behind a chunk's data */
    STATE_DATA_LF,
    STATE_TRAILER, /* a field's name, or the empty line */
    STATE_TRAILER_VALUE,
    STATE_TRAILER_LF,
    STATE_END
};

void http_body_init(struct http_body *body, enum http_body_kind kind, int64_t content_length)
{
    *body = (struct http_body){.kind = kind, .state = STATE_DATA, .room = HTTP_SURPLUS_MAX};
    if (kind == HTTP_BODY_CHUNKED)
        body->state = STATE_SIZE;
    else if (kind == HTTP_BODY_LENGTH && content_length > 0)
        body->left = (uint64_t)content_length;
    else if (kind != HTTP_BODY_UNTIL_CLOSE)
        body->state = STATE_END;
}

bool http_body_may_end(const struct http_body *body)
{
    return body->state == STATE_END || body->kind == HTTP_BODY_UNTIL_CLOSE;
}

uint64_t http_body_announced(const struct http_body *body)
{
    return body->state == STATE_DATA && body->kind != HTTP_BODY_UNTIL_CLOSE ? body->left : 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* The line that holds a chunk's size; NULL, or what is wrong with it. */
static const char *read_size(struct http_body *b, char c)
{
    int digit = b->state == STATE_SIZE ? hex_digit(c) : -1;
    if (++b->line > HTTP_CHUNK_LINE_USUAL && (b->line > HTTP_CHUNK_LINE_MAX || --b->room < 0))
        return "a chunk's extensions are too long";
    if (digit >= 0) {
        if (b->left >> 56 != 0) /* no leading zeros without end either: the line has its limit */
            return "a chunk is too large";
        b->left = b->left << 4 | (unsigned)digit;
        b->has_digit = true;
        return NULL;
    }
    if (!b->has_digit)
        return "a chunk has no size";
    if (c == '\r')
        b->state = STATE_SIZE_LF;
    else if (b->state == STATE_EXTENSION && !is_control(c))
        return NULL;
    else if (c == ';')
        b->state = STATE_EXTENSION;
    else if (c == ' ' || c == '\t')
        b->state = STATE_SIZE_BLANK;
    else
        return "a chunk's size is malformed";
    return NULL;
}

/* RFC 9110, 5.6.2 */
static bool is_token(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static const char *read_trailer_value(struct http_body *b, char c)
{
    if (c == '\r')
        b->state = STATE_TRAILER_LF;
    return c != '\r' && is_control(c) ? "a control character in the trailer" : NULL;
}

/* Nobody wants its fields, but what is none is no trailer: perhaps it was meant as a request. */
static const char *read_trailer(struct http_body *b, char c)
{
    if (++b->line > HTTP_TRAILERS_MAX)
        return "the trailer is too long";
    if (b->state == STATE_TRAILER_VALUE)
        return read_trailer_value(b, c);
    if (c == '\r' && !b->has_name)
        b->state = STATE_TRAILER_LF;
    else if (c == ':' && b->has_name)
        b->state = STATE_TRAILER_VALUE;
    else if (is_token(c))
        b->has_name = true;
    else
        return "a trailer field is malformed";
    return NULL;
}

/* One byte of framing; NULL, or what is wrong with it. */
static const char *read_framing(struct http_body *b, char c)
{
    switch (b->state) {
    case STATE_SIZE:
    case STATE_SIZE_BLANK:
    case STATE_EXTENSION:
        return read_size(b, c);
    case STATE_SIZE_LF:
        if (c != '\n')
            return "a chunk's size does not end with CR LF";
        b->state = b->left > 0 ? STATE_DATA : STATE_TRAILER;
        b->line = 0;
        b->has_name = false;
        return NULL;
    case STATE_DATA_CR:
        b->state = STATE_DATA_LF;
        return c == '\r' ? NULL : "a chunk is longer than its size";
    case STATE_DATA_LF:
        b->state = STATE_SIZE;
        b->line = 0;
        b->has_digit = false;
        return c == '\n' ? NULL : "a chunk does not end with CR LF";
    case STATE_TRAILER:
    case STATE_TRAILER_VALUE:
        return read_trailer(b, c);
    default: /* STATE_TRAILER_LF */
        b->state = b->has_name ? STATE_TRAILER : STATE_END;
        b->has_name = false;
        return c == '\n' ? NULL : "the trailer does not end with CR LF";
    }
}

/* The data that begins `bytes`. */
static harborai_str take_data(struct http_body *b, harborai_str bytes)
{
    harborai_str data = bytes;
    if (b->kind == HTTP_BODY_UNTIL_CLOSE)
        return data;
    if (data.len > b->left)
        data.len = (size_t)b->left;
    b->left -= data.len;
    b->room += (int64_t)data.len;
    if (b->left == 0)
        b->state = b->kind == HTTP_BODY_CHUNKED ? STATE_DATA_CR : STATE_END;
    return data;
}

harborai_status http_body_feed(struct http_body *body, harborai_str bytes, harborai_str *ret_data,
                               size_t *ret_consumed, const char **ret_reason)
{
    size_t at = 0;
    harborai_str data = SLICE_NONE;
    while (at < bytes.len && body->state != STATE_END) {
        if (body->state != STATE_DATA) {
            const char *reason = read_framing(body, bytes.data[at++]);
            if (reason == NULL)
                continue;
            *ret_reason = reason;
            return HARBORAI_E_PROTOCOL;
        }
        if (data.len > 0)
            break;
        data = take_data(body, slice_from(bytes, at));
        at += data.len;
    }
    *ret_data = data;
    *ret_consumed = at;
    return body->state == STATE_END ? HTTP_BODY_END : HTTP_BODY_MORE;
}

harborai_str http_chunk_head(char buffer[HTTP_CHUNK_HEAD_MAX], size_t size)
{
    size_t at = HTTP_CHUNK_HEAD_MAX;
    buffer[--at] = '\n';
    buffer[--at] = '\r';
    do
        buffer[--at] = "0123456789abcdef"[size & 15];
    while ((size >>= 4) > 0);
    return (harborai_str){buffer + at, HTTP_CHUNK_HEAD_MAX - at};
}
