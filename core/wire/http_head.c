/* SPDX-License-Identifier: MIT */
/* Parses heads of HTTP/1.1. First the end of the head is looked for, where the last call stopped;
 * then it is parsed once, as a whole. It must never guess: what is ambiguous is how requests are
 * smuggled past a gateway. */
#include "wire/http_head.h"

#include <string.h>

#include "json_word.h"

/* Classes of bytes: RFC 9110, 5.6.2 and 5.5; RFC 3986, 2 and 3.2.2. A row is 16 bytes. */
enum { TOKEN = 1, VALUE = 2, TARGET = 4, HOST = 8 };
/* clang-format off */
static const unsigned char classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    2, 15, 2, 3, 15, 15, 15, 15, 14, 14, 15, 15, 14, 15, 15, 6,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 14, 2, 14, 2, 6,
    6, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 2, 14, 3, 15,
    3, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2, 3, 2, 15, 0,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
};
/* clang-format on */

/* The parser's place in a complete head: `end` is behind its empty line. */
struct parse {
    const char *at, *end;
    const struct http_limits *limits;
    struct http_head *head;
    struct http_fault *fault;
    harborai_str host, expect;
    bool is_request; /* what a vendor sends is read as the RFC lets one, a request as strictly as it can be */
    bool has_host, has_chunked, has_upgrade, close, keep_alive, asks_upgrade;
};

static harborai_status refuse(struct http_fault *fault, int status, const char *reason)
{
    *fault = (struct http_fault){status, reason, 0};
    return HARBORAI_E_INVALID;
}

static harborai_status refuse_size(struct http_fault *fault, int status, const char *reason,
                                   size_t limit)
{
    *fault = (struct http_fault){status, reason, limit};
    return HARBORAI_E_INVALID;
}

/* Past the bytes of a class, at most to `end`. */
static inline const char *skip_class(const char *p, const char *end, int class)
{
    while (p < end && (classes[(unsigned char)*p] & class) != 0)
        p++;
    return p;
}

/* The same for VALUE, 8 bytes at a time: to the first control that is no tab. */
static inline const char *skip_value(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t controls = json_word_control(json_word_load((const unsigned char *)p));
        if (controls == 0) {
            p += 8;
            continue;
        }
        p += json_word_first(controls);
        if (*p != '\t')
            return p;
        p++;
    }
    return skip_class(p, end, VALUE);
}

static bool is_all(harborai_str text, int class)
{
    const char *end = text.len > 0 ? text.data + text.len : text.data;
    return skip_class(text.data, end, class) == end;
}

static inline harborai_str str_between(const char *from, const char *to)
{
    return (harborai_str){from, (size_t)(to - from)};
}

/* Whether `text` is `lower`, a text in lower case, but for the case of its letters. */
static bool is_word(harborai_str text, const char *lower)
{
    return slice_equal_ignoring_case(text, slice_of(lower));
}

/* ---- The end of a head ----------------------------------------------------------------------- */

/* What is known of a head whose lines reach to `at`, the end of one or of what has come. */
static harborai_status check_size(const struct http_resume *resume, const struct http_limits *limits,
                                  size_t at, struct http_fault *fault)
{
    bool is_large = at >= limits->head;
    if (resume->lines == 0 &&
        (is_large || at - resume->head_at > limits->target + HTTP_METHOD_ROOM))
        return refuse_size(fault, 414, "the first line has too many bytes", limits->target);
    return is_large ? refuse_size(fault, 431, "the head has too many bytes", limits->head)
                    : HARBORAI_OK;
}

/* Look for the empty line that ends the head which begins at resume->head_at. */
static harborai_status find_end(harborai_str bytes, struct http_resume *resume,
                                const struct http_limits *limits, size_t *ret_end,
                                struct http_fault *fault)
{
    harborai_status st;
    while (resume->scanned < bytes.len) {
        const char *from = bytes.data + resume->scanned;
        const char *lf = memchr(from, '\n', bytes.len - resume->scanned);
        size_t at = lf != NULL ? (size_t)(lf - bytes.data) : bytes.len;
        st = check_size(resume, limits, at, fault);
        if (st < 0)
            return st;
        resume->scanned = lf != NULL ? at + 1 : at;
        if (lf == NULL)
            break;
        if (at == resume->line_at || bytes.data[at - 1] != '\r')
            return refuse(fault, 400, "a line does not end with CR LF");
        if (at == resume->line_at + 1) {
            *ret_end = at + 1;
            return HTTP_COMPLETE;
        }
        resume->line_at = at + 1;
        if (++resume->lines > limits->fields + 1)
            return refuse_size(fault, 431, "there are too many header fields", limits->fields);
    }
    return HTTP_INCOMPLETE;
}

/* ---- Fields ---------------------------------------------------------------------------------- */

bool http_list_has(harborai_str list, const char *token)
{
    harborai_str item;
    bool more = true;
    while (more) {
        more = slice_split(list, ',', &item, &list);
        if (is_word(slice_trim(item), token))
            return true;
    }
    return false;
}

harborai_str http_field(const struct http_head *head, const char *name)
{
    harborai_str wanted = slice_of(name);
    for (size_t i = 0; i < head->field_count; i++)
        if (slice_equal_ignoring_case(head->fields[i].name, wanted))
            return head->fields[i].value;
    return SLICE_NONE;
}

static harborai_status take_content_length(struct parse *p, harborai_str value)
{
    uint64_t length;
    if (!slice_to_u64(value, &length) || length > INT64_MAX)
        return refuse(p->fault, 400, "Content-Length is not a number");
    if (p->head->content_length >= 0 &&
        (p->is_request || p->head->content_length != (int64_t)length))
        return refuse(p->fault, 400, "Content-Length stands twice");
    p->head->content_length = (int64_t)length;
    return HARBORAI_OK;
}

static harborai_status take_transfer_encoding(struct parse *p, harborai_str value)
{
    if (p->has_chunked)
        return refuse(p->fault, 400, "Transfer-Encoding stands twice");
    if (value.len == 0)
        return refuse(p->fault, 400, "Transfer-Encoding is empty");
    if (!is_word(value, "chunked"))
        return refuse(p->fault, 501, "a Transfer-Encoding other than chunked");
    p->has_chunked = true;
    return HARBORAI_OK;
}

static bool is_digits(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

static bool has_bracket(harborai_str text)
{
    return memchr(text.data, '[', text.len) != NULL || memchr(text.data, ']', text.len) != NULL;
}

/* A host, which may be an IPv6 address in brackets, and perhaps a port (RFC 3986, 3.2.2); no user. */
static bool is_authority(harborai_str text)
{
    harborai_str host, port;
    if (text.len == 0 || !is_all(text, HOST))
        return false;
    if (text.data[0] == '[') {
        if (!slice_split(slice_from(text, 1), ']', &host, &port) ||
            (port.len > 0 && port.data[0] != ':'))
            return false;
        port = slice_from(port, port.len > 0 ? 1 : 0);
    } else {
        (void)slice_split(text, ':', &host, &port);
    }
    return host.len > 0 && !has_bracket(host) && is_digits(port);
}

static harborai_status take_host(struct parse *p, harborai_str value)
{
    if (p->has_host)
        return refuse(p->fault, 400, "Host stands twice");
    if (value.len > 0 && !is_authority(value)) /* empty: RFC 9112, 3.2, has it of URIs without one */
        return refuse(p->fault, 400, "Host is not a name and a port");
    p->has_host = true;
    p->host = value;
    return HARBORAI_OK;
}

static void take_connection(struct parse *p, harborai_str options)
{
    harborai_str option;
    bool more = true;
    while (more) {
        more = slice_split(options, ',', &option, &options);
        option = slice_trim(option);
        p->close |= is_word(option, "close");
        p->keep_alive |= is_word(option, "keep-alive");
        p->asks_upgrade |= is_word(option, "upgrade");
    }
}

/* The fields that say how the message is framed; all others are nothing to the parser. */
static harborai_status take_framing(struct parse *p, harborai_str name, harborai_str value)
{
    switch (name.len) {
    case 4:
        return is_word(name, "host") ? take_host(p, value) : HARBORAI_OK;
    case 6:
        if (is_word(name, "expect") && (p->expect.len == 0 || is_word(p->expect, "100-continue")))
            p->expect = value; /* of several the first that nobody can meet */
        return HARBORAI_OK;
    case 7:
        p->has_upgrade |= is_word(name, "upgrade");
        return HARBORAI_OK;
    case 10:
        if (is_word(name, "connection"))
            take_connection(p, value);
        return HARBORAI_OK;
    case 14:
        return is_word(name, "content-length") ? take_content_length(p, value) : HARBORAI_OK;
    case 17:
        return is_word(name, "transfer-encoding") ? take_transfer_encoding(p, value) : HARBORAI_OK;
    default:
        return HARBORAI_OK;
    }
}

static harborai_status parse_field(struct parse *p, struct http_field *field)
{
    const char *start = p->at, *stop, *last;
    p->at = skip_class(start, p->end, TOKEN);
    if (p->at == start)
        return refuse(p->fault, 400,
                      *start == ' ' || *start == '\t' ? "a header field is folded over two lines"
                                                      : "a header field has no name");
    if (*p->at != ':')
        return refuse(p->fault, 400, "a header field's name is not followed by a colon");
    field->name = str_between(start, p->at);
    for (p->at++; *p->at == ' ' || *p->at == '\t';)
        p->at++;
    stop = last = skip_value(p->at, p->end);
    if (stop[0] != '\r' || stop[1] != '\n')
        return refuse(p->fault, 400, "a control character in a header field");
    while (last > p->at && (last[-1] == ' ' || last[-1] == '\t'))
        last--;
    field->value = str_between(p->at, last);
    p->at = stop + 2;
    return HARBORAI_OK;
}

/* All fields, from behind the first line to the empty line; find_end() has seen that they are not
 * more than there is room for, and that the head ends with CR LF CR LF. */
static harborai_status parse_fields(struct parse *p)
{
    struct http_head *head = p->head;
    head->field_count = 0;
    head->content_length = -1;
    while (p->at < p->end - 2) {
        struct http_field *field = &head->fields[head->field_count];
        harborai_status st = parse_field(p, field);
        if (st == HARBORAI_OK)
            st = take_framing(p, field->name, field->value);
        if (st < 0)
            return st;
        head->field_count++;
    }
    if (p->has_chunked && head->content_length >= 0)
        return refuse(p->fault, 400, "Content-Length beside Transfer-Encoding");
    if (p->has_chunked && head->minor == 0)
        return refuse(p->fault, 400, "Transfer-Encoding in HTTP/1.0");
    head->keep_alive = !p->close && (head->minor > 0 || p->keep_alive);
    head->upgrade = p->has_upgrade && p->asks_upgrade && head->minor > 0;
    head->body_kind = p->has_chunked             ? HTTP_BODY_CHUNKED
                      : head->content_length > 0 ? HTTP_BODY_LENGTH
                                                 : HTTP_BODY_NONE;
    return HARBORAI_OK;
}

/* "HTTP/1.x" at p->at. */
static harborai_status parse_version(struct parse *p)
{
    const char *v = p->at;
    if (p->end - v < 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' || v[5] > '9' || v[6] != '.' ||
        v[7] < '0' || v[7] > '9')
        return refuse(p->fault, 400, "not HTTP: no version in the first line");
    if (v[5] != '1')
        return refuse(p->fault, 505, "a version other than HTTP/1.1 and HTTP/1.0");
    p->head->minor = (unsigned)(v[7] - '0');
    p->at = v + 8;
    return HARBORAI_OK;
}

static harborai_status expect_line_end(struct parse *p)
{
    if (p->at[0] != '\r' || p->at[1] != '\n')
        return refuse(p->fault, 400, "the first line is malformed");
    p->at += 2;
    return HARBORAI_OK;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* Absolute form (RFC 9112, 3.2.2): its host counts, whatever the field says. */
static harborai_status split_absolute(struct parse *p, struct http_request_head *request,
                                      harborai_str rest)
{
    size_t len = 0;
    while (len < rest.len && rest.data[len] != '/' && rest.data[len] != '?')
        len++;
    request->host = slice_cut(rest, len);
    if (!is_authority(request->host))
        return refuse(p->fault, 400, "the request target has no good host");
    request->path = slice_from(rest, len);
    return HARBORAI_OK;
}

static harborai_status split_target(struct parse *p, struct http_request_head *request)
{
    harborai_str target = request->target, scheme = slice_cut(target, 8);
    harborai_status st = HARBORAI_OK;
    request->path = request->query = request->host = SLICE_NONE;
    if (slice_is(request->method, "CONNECT")) {
        request->host = target;
        return is_authority(target) ? HARBORAI_OK
                                    : refuse(p->fault, 400, "CONNECT needs a host and a port");
    }
    if (target.data[0] == '/')
        request->path = target;
    else if (is_word(slice_cut(scheme, 7), "http://"))
        st = split_absolute(p, request, slice_from(target, 7));
    else if (is_word(scheme, "https://"))
        st = split_absolute(p, request, slice_from(target, 8));
    else if (slice_is(target, "*") && slice_is(request->method, "OPTIONS"))
        request->path = target;
    else
        return refuse(p->fault, 400, "the request target is not a path");
    if (st < 0)
        return st;
    slice_split(request->path, '?', &request->path, &request->query);
    if (request->path.len == 0)
        request->path = HARBORAI_STR("/");
    return HARBORAI_OK;
}

static harborai_status parse_request_line(struct parse *p, struct http_request_head *request)
{
    const char *start = p->at;
    harborai_status st;
    p->at = skip_class(start, p->end, TOKEN);
    if (p->at == start || *p->at != ' ')
        return refuse(p->fault, 400, "the request line has no method");
    request->method = str_between(start, p->at);
    start = ++p->at;
    p->at = skip_class(start, p->end, TARGET);
    if ((size_t)(p->at - start) > p->limits->target)
        return refuse_size(p->fault, 414, "the request target has too many bytes",
                           p->limits->target);
    if (p->at == start || *p->at != ' ')
        return refuse(p->fault, 400, "the request target is malformed");
    request->target = str_between(start, p->at);
    p->at++;
    st = parse_version(p);
    if (st == HARBORAI_OK)
        st = expect_line_end(p);
    return st == HARBORAI_OK ? split_target(p, request) : st;
}

static harborai_status finish_request(struct parse *p, struct http_request_head *request)
{
    if (!p->has_host && p->head->minor > 0)
        return refuse(p->fault, 400, "Host is missing");
    if (request->host.len == 0)
        request->host = p->host;
    request->expect_continue = false;
    if (p->expect.len > 0 && p->head->minor > 0) {
        if (!is_word(p->expect, "100-continue"))
            return refuse(p->fault, 417, "an expectation other than 100-continue");
        request->expect_continue = p->head->body_kind != HTTP_BODY_NONE;
    }
    return HARBORAI_OK;
}

/* What is no HTTP at all (a TLS handshake on a plain port) has no line that ever ends: refuse it by
 * its first bytes. */
static harborai_status check_first_bytes(harborai_str bytes, size_t at, struct http_fault *fault)
{
    for (size_t i = at; i < bytes.len && i < at + 16; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        if (c == ' ' || c == '\r' || c == '\n')
            break;
        if ((classes[c] & TOKEN) == 0)
            return refuse(fault, 400, "not HTTP: the first bytes are no method");
    }
    return HARBORAI_OK;
}

harborai_status http_request_parse(harborai_str bytes, struct http_resume *resume,
                                   const struct http_limits *limits,
                                   struct http_request_head *ret_head, struct http_fault *fault)
{
    static const struct http_limits most = HTTP_LIMITS_MOST;
    struct parse p = {.head = &ret_head->head, .fault = fault, .is_request = true};
    size_t end = 0;
    harborai_status st;
    p.limits = limits != NULL ? limits : &most;
    if (resume->lines == 0) {
        st = check_first_bytes(bytes, resume->head_at, fault);
        if (st < 0)
            return st;
    }
    st = find_end(bytes, resume, p.limits, &end, fault);
    if (st == HTTP_COMPLETE && end == 2 && resume->lines == 0) {
        /* an empty line before the request, from clients that end a body with one too many
         * (RFC 9112, 2.2) */
        resume->head_at = resume->line_at = resume->scanned = 2;
        return http_request_parse(bytes, resume, limits, ret_head, fault);
    }
    if (st != HTTP_COMPLETE)
        return st;
    p.at = bytes.data + resume->head_at;
    p.end = bytes.data + end;
    ret_head->head.size = end;
    st = parse_request_line(&p, ret_head);
    if (st == HARBORAI_OK)
        st = parse_fields(&p);
    if (st == HARBORAI_OK)
        st = finish_request(&p, ret_head);
    return st == HARBORAI_OK ? (harborai_status)HTTP_COMPLETE : st;
}

/* ---- Answers --------------------------------------------------------------------------------- */

static harborai_status parse_status_line(struct parse *p, struct http_response_head *response)
{
    harborai_status st = parse_version(p);
    const char *s = p->at;
    if (st < 0)
        return st;
    if (p->end - s < 6 || s[0] != ' ' || s[1] < '1' || s[1] > '5' || s[2] < '0' || s[2] > '9' ||
        s[3] < '0' || s[3] > '9' || (s[4] != ' ' && s[4] != '\r'))
        return refuse(p->fault, 400, "no status in the first line");
    response->status = (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
    s += s[4] == ' ' ? 5 : 4; /* many leave out the blank before an empty reason */
    p->at = skip_class(s, p->end, VALUE);
    response->reason = str_between(s, p->at);
    return expect_line_end(p);
}

static void finish_response(struct http_response_head *response)
{
    struct http_head *head = &response->head;
    bool has_framing = head->body_kind == HTTP_BODY_CHUNKED || head->content_length >= 0;
    if (response->status == 204 || response->status == 304) {
        /* what is announced here is nowhere to be found on some connections and there on others */
        if (head->body_kind != HTTP_BODY_NONE && response->status == 204)
            head->keep_alive = false;
        head->body_kind = HTTP_BODY_NONE;
    } else if (!has_framing) {
        head->body_kind = HTTP_BODY_UNTIL_CLOSE;
        head->keep_alive = false;
    }
}

/* One answer of perhaps several; HTTP_INCOMPLETE also after an interim one, which is skipped. */
static harborai_status parse_response(harborai_str bytes, struct http_resume *resume, size_t end,
                                      struct http_response_head *response, struct http_fault *fault)
{
    struct parse p = {.at = bytes.data + resume->head_at,
                      .end = bytes.data + end,
                      .head = &response->head,
                      .fault = fault};
    harborai_status st = parse_status_line(&p, response);
    if (st == HARBORAI_OK)
        st = parse_fields(&p);
    if (st < 0)
        return st;
    if (response->status == 101)
        return refuse(fault, 502, "the server switches protocols unasked");
    if (response->status < 200) {
        *resume = (struct http_resume){end, end, end, 0, resume->interim + 1};
        return HTTP_INCOMPLETE;
    }
    response->head.size = end;
    response->interim = resume->interim;
    finish_response(response);
    return HTTP_COMPLETE;
}

harborai_status http_response_parse(harborai_str bytes, struct http_resume *resume,
                                    struct http_response_head *ret_head, struct http_fault *fault)
{
    static const struct http_limits limits = {HTTP_HEAD_MAX, HTTP_HEAD_MAX, HTTP_FIELDS_MAX};
    harborai_status st;
    do {
        harborai_str first = slice_cut(slice_from(bytes, resume->head_at), 5);
        size_t end = 0;
        if (!slice_equal(first, slice_cut(HARBORAI_STR("HTTP/"), first.len)))
            st = refuse(fault, 502, "not HTTP: the first bytes are no version");
        else
            st = find_end(bytes, resume, &limits, &end, fault);
        if (st == HTTP_COMPLETE)
            st = parse_response(bytes, resume, end, ret_head, fault);
    } while (st == HTTP_INCOMPLETE && resume->scanned < bytes.len);
    if (st >= 0)
        return st;
    fault->status = 502;
    return HARBORAI_E_PROTOCOL;
}
