/* SPDX-License-Identifier: MIT */
/* A page of any site may have a browser send a request to a gateway that this machine alone can reach: without
 * asking, as long as the request is one that a form could send, and with anything in it once the page's own name
 * is made to lead to this machine (DNS rebinding). Must never take such a request for one of a program's. */
#include "server/site.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "runtime/runtime.h"
#include "server/conn.h"
#include "server/gate.h"
#include "server/reply.h"
#include "wire/http_head.h"

#define SHOWN_MAX 200 /* of what a client sent, in a message */

static harborai_str without_port(harborai_str host)
{
    harborai_str name, rest;
    if (slice_starts_with(host, "[")) {
        (void)slice_split(slice_from(host, 1), ']', &name, &rest);
        return name;
    }
    (void)slice_split(host, ':', &name, &rest);
    return name;
}

/* Browsers ask no name server for it (RFC 6761, 6.3). */
static bool is_localhost(harborai_str name)
{
    static const harborai_str word = HARBORAI_STR_INIT("localhost");
    if (name.len < word.len)
        return false;
    return slice_equal_ignoring_case(slice_from(name, name.len - word.len), word) &&
           (name.len == word.len || name.data[name.len - word.len - 1] == '.');
}

bool site_is_local(harborai_str host)
{
    harborai_str name = without_port(host);
    char text[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;
    if (name.len == 0 || is_localhost(name))
        return true;
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(name));
    if (inet_pton(AF_INET, text, &four) == 1)
        return name.len < sizeof text && ntohl(four.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &six) == 1 && name.len < sizeof text &&
           IN6_IS_ADDR_LOOPBACK(&six);
}

/* "https://chat.example:8443": what is behind the slashes; empty: it is no origin of a scheme, as "null". */
static harborai_str authority_of(harborai_str origin)
{
    harborai_str scheme, rest;
    (void)slice_split(origin, '/', &scheme, &rest);
    return slice_starts_with(rest, "/") ? slice_from(rest, 1) : SLICE_NONE;
}

/* Browsers say so to their own machine and over TLS (W3C, Fetch Metadata): not to a name that another has made to
 * lead there. */
static bool is_said_to_be_another(const struct http_request_head *request)
{
    harborai_str site = http_field(&request->head, "sec-fetch-site");
    return slice_is(site, "cross-site") || slice_is(site, "same-site");
}

static bool is_said_to_be_own(const struct http_request_head *request)
{
    harborai_str site = http_field(&request->head, "sec-fetch-site");
    return slice_is(site, "same-origin") || slice_is(site, "none");
}

bool site_is_another(const struct http_request_head *request)
{
    harborai_str origin = http_field(&request->head, "origin");
    if (is_said_to_be_another(request))
        return true;
    harborai_str authority = authority_of(origin);
    return origin.len > 0 &&
           (authority.len == 0 || !slice_equal_ignoring_case(authority, request->host));
}

/* ---- Requests that cost something ----------------------------------------------------------- */

static bool is_of_the_web(harborai_str origin)
{
    return slice_equal_ignoring_case(slice_cut(origin, 7), HARBORAI_STR("http://")) ||
           slice_equal_ignoring_case(slice_cut(origin, 8), HARBORAI_STR("https://"));
}

/* What no form sends: a browser asks first whether a page may, and is told no. */
static bool is_json(const struct http_request_head *request)
{
    harborai_str type, parameters;
    (void)slice_split(http_field(&request->head, "content-type"), ';', &type, &parameters);
    return slice_equal_ignoring_case(slice_trim(type), HARBORAI_STR("application/json"));
}

/* One that a stranger may have: no address, no name without a dot, none of those that are of no registry. */
static bool is_public_name(harborai_str name)
{
    static const char *const local[] = {"localhost", "local", "internal", "lan", "home", "arpa", "test"};
    harborai_str label = SLICE_NONE;
    size_t dots = 0;
    uint64_t number;
    if (slice_ends_with(name, "."))
        name.len--;
    for (bool more = true; more; dots += more)
        more = slice_split(name, '.', &label, &name);
    for (size_t i = 0; i < ARRAY_LEN(local); i++)
        if (slice_equal_ignoring_case(label, slice_of(local[i])))
            return false;
    return dots > 0 && !slice_to_u64(label, &number);
}

/* A name that others can have lead to this machine is none of a gateway's that only this machine reaches. */
static bool has_own_name(const struct conn *conn, const struct http_request_head *request)
{
    harborai_str name = without_port(request->host);
    bool is_address = slice_starts_with(request->host, "[");
    return !conn->gate->acceptor.listener->is_loopback || is_address || !is_public_name(name) ||
           slice_equal_ignoring_case(name, runtime_config(conn->gate->runtime)->host);
}

enum finding { FINE, FOREIGN_PAGE, FOREIGN_HOST, NO_JSON };

/* Applications with windows of a browser's (Electron, Tauri, extensions) have origins of schemes of their own; or
 * one of a page on this machine, or "null", which any page's sandboxed frame has, too: but no page can send JSON. */
static enum finding judge(const struct conn *conn, const struct http_request_head *request)
{
    harborai_str origin = http_field(&request->head, "origin");
    if (is_said_to_be_own(request)) /* whatever a proxy has made of Host */
        return FINE;
    if (origin.len == 0)
        return is_said_to_be_another(request) ? FOREIGN_PAGE : FINE;
    if (!has_own_name(conn, request))
        return FOREIGN_HOST;
    harborai_str authority = authority_of(origin);
    bool is_page = is_of_the_web(origin), is_app = !is_page && !slice_is(origin, "null");
    if (is_app || (is_page && slice_equal_ignoring_case(authority, request->host)))
        return FINE;
    if (is_page && !site_is_local(authority))
        return FOREIGN_PAGE;
    return is_json(request) ? FINE : NO_JSON;
}

static void refuse(struct conn *conn, const struct http_request_head *request, enum finding finding)
{
    static const char code[] = "origin_not_allowed";
    harborai_str origin = http_field(&request->head, "origin");
    gate_count(conn->gate, METRIC_REFUSED_ORIGIN, 1);
    if (conn->body_unread)
        conn->keep_alive = false;
    if (finding == NO_JSON)
        reply_refuse(conn, 403, code,
                     "a request with Origin '%.*s' has to have content-type: application/json, or a key",
                     SLICE_ARG(slice_cut(origin, SHOWN_MAX)));
    else if (finding == FOREIGN_HOST)
        reply_refuse(conn, 403, code,
                     "a web page asks for the host '%.*s', which is no name of this machine's own: ask "
                     "127.0.0.1 or localhost, send a key, or name the page's origin, '%.*s', in "
                     "server.cors.origins",
                     SLICE_ARG(slice_cut(request->host, SHOWN_MAX)),
                     SLICE_ARG(slice_cut(origin, SHOWN_MAX)));
    else
        reply_refuse(conn, 403, code,
                     "web pages of another site may ask only with a key, or where server.cors.origins "
                     "names their origin: this one is '%.*s'",
                     SLICE_ARG(slice_cut(origin, SHOWN_MAX)));
}

static bool is_safe(harborai_str method)
{
    return slice_is(method, "GET") || slice_is(method, "HEAD");
}

bool site_admit(struct conn *conn, const struct http_request_head *request)
{
    if (conn->pass.key != NULL || !conn_has_address(conn) || is_safe(request->method) ||
        conn->origin.len > 0)
        return true;
    enum finding finding = judge(conn, request);
    if (finding == FINE)
        return true;
    refuse(conn, request, finding);
    return false;
}
