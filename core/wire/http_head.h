/* SPDX-License-Identifier: MIT */
/* Heads of HTTP/1.1 messages (RFC 9110, 9112), for the gateway's requests and the vendors' answers.
 *
 * Strict: what two parsers could read in two ways is refused. Lines end with CRLF; a bare CR or LF,
 * NUL and other controls, blanks before a colon, folded lines, Content-Length beside
 * Transfer-Encoding or twice with two values, codings other than chunked are errors. No allocation:
 * everything borrows from the parsed bytes. [any]
 *
 *     struct http_resume resume = {0};                          once a message
 *     st = http_request_parse(bytes, &resume, NULL, &head, &fault);   each time that more bytes are there
 */
#ifndef WIRE_HTTP_HEAD_H
#define WIRE_HTTP_HEAD_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/slice.h"

enum {
    HTTP_FIELDS_MAX = 100,
    HTTP_HEAD_MAX = 64 << 10, /* bytes, with the interim answers before it */
    HTTP_TARGET_MAX = 16 << 10,
    HTTP_METHOD_ROOM = 64 /* of a request line, beside its target */
};

/* What a server takes of a request; none of it is more than the ceiling above. */
struct http_limits {
    size_t head;   /* bytes */
    size_t target; /* … */
    unsigned fields;
};
#define HTTP_LIMITS_MOST {HTTP_HEAD_MAX, HTTP_TARGET_MAX, HTTP_FIELDS_MAX}

enum http_progress { HTTP_INCOMPLETE = 0, HTTP_COMPLETE = 1 }; /* negative: a harborai_status */

/* How the end of the body is found. */
enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH, /* content_length bytes */
    HTTP_BODY_CHUNKED,
    HTTP_BODY_UNTIL_CLOSE /* an answer's alone */
};

struct http_field {
    harborai_str name;  /* as written: compare without regard to case */
    harborai_str value; /* without the blanks around it */
};

/* What requests and answers have in common. */
struct http_head {
    size_t size;    /* bytes up to the body */
    unsigned minor; /* of the version: HTTP/1.minor; from 2 on read as 1 */
    enum http_body_kind body_kind;
    int64_t content_length; /* of a body of kind LENGTH; -1 = no such field */
    bool keep_alive;        /* the connection may be used again after this message */
    bool upgrade;           /* it asks for another protocol; may be ignored */
    size_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

struct http_request_head {
    harborai_str method;  /* a token; case matters */
    harborai_str target;  /* as written */
    harborai_str path;    /* begins with '/'; "*" of OPTIONS; empty for CONNECT */
    harborai_str query;   /* behind the '?', without it */
    harborai_str host;    /* with its port, from the target if that has one; empty in HTTP/1.0 */
    bool expect_continue; /* the client waits for 100 before it sends the body */
    struct http_head head;
};

struct http_response_head {
    int status; /* 200 to 599 */
    harborai_str reason;
    unsigned interim; /* 1xx answers that were skipped before it; their bytes count in head.size */
    struct http_head head;
};

/* What the parser has seen, so that bytes that arrive one by one are not searched again and again.
 * Zeroed for each message; valid while the bytes before stay as they are (they may move). */
struct http_resume {
    size_t head_at, line_at, scanned;
    unsigned lines, interim;
};

struct http_fault {
    int status;         /* what to answer: 400, 414, 417, 431, 501, 505; 502 for a vendor's head */
    const char *reason; /* for a message */
    size_t limit;       /* that the request is beyond; 0 = none */
};

/* `bytes` begins with the request; more than its head may be there. `limits` may be NULL. Returns HTTP_COMPLETE and fills
 * in `ret_head`, HTTP_INCOMPLETE, or E_INVALID and fills in `fault`. */
MUST_CHECK harborai_status http_request_parse(harborai_str bytes, struct http_resume *resume,
                                              const struct http_limits *limits,
                                              struct http_request_head *ret_head,
                                              struct http_fault *fault);

/* The same for an answer. Interim answers (1xx) before it are skipped; 101 is an error, since
 * nobody asked for it. E_PROTOCOL and fills in `fault`. An answer to HEAD has no body whatever it
 * says. */
MUST_CHECK harborai_status http_response_parse(harborai_str bytes, struct http_resume *resume,
                                               struct http_response_head *ret_head,
                                               struct http_fault *fault);

/* The value of the first field of that name; { NULL, 0 } = none. */
harborai_str http_field(const struct http_head *head, const char *name);

/* Whether a comma-separated list has that token, without regard to case. */
bool http_list_has(harborai_str list, const char *token);

#endif
