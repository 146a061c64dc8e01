/* SPDX-License-Identifier: MIT */
/* URLs, strictly (RFC 3986): what a request line could be split by is refused here, so that no
 * later part has to escape anything. */
#include "wire/url.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_alphanumeric(char c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

static bool take_scheme(harborai_str *text, bool *ret_tls)
{
    static const struct {
        harborai_str prefix;
        bool tls;
    } schemes[] = {{HARBORAI_STR_INIT("https://"), true}, {HARBORAI_STR_INIT("http://"), false}};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (text->len > schemes[i].prefix.len &&
            slice_equal_ignoring_case(slice_cut(*text, schemes[i].prefix.len),
                                      schemes[i].prefix)) {
            *text = slice_from(*text, schemes[i].prefix.len);
            *ret_tls = schemes[i].tls;
            return true;
        }
    return false;
}

static bool is_host(harborai_str host, bool ipv6)
{
    if (host.len == 0 || host.len > URL_HOST_LEN)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        if (!is_alphanumeric(c) && c != '.' && !(ipv6 ? c == ':' : c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* Splits "host", "host:port" or "[v6]:port"; `port` is empty if there is none. */
static bool split_authority(harborai_str authority, struct url *url, harborai_str *ret_port)
{
    harborai_str rest;
    url->is_ipv6 = authority.len > 0 && authority.data[0] == '[';
    if (!url->is_ipv6) {
        bool has_port = slice_split(authority, ':', &url->host, ret_port);
        return !has_port || ret_port->len > 0;
    }
    if (!slice_split(slice_from(authority, 1), ']', &url->host, &rest))
        return false;
    *ret_port = rest.len > 0 ? slice_from(rest, 1) : SLICE_NONE;
    return rest.len == 0 || (rest.data[0] == ':' && rest.len > 1);
}

static bool parse_port(harborai_str text, struct url *url)
{
    uint64_t port = url->is_tls ? 443 : 80;
    if (text.len > 0 && (!slice_to_u64(text, &port) || port == 0 || port > UINT16_MAX))
        return false;
    url->port = (uint16_t)port;
    return true;
}

static bool is_target(harborai_str target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.data[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return false;
    }
    return true;
}

static size_t authority_len(harborai_str text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != '/' && text.data[len] != '?' &&
           text.data[len] != '#')
        len++;
    return len;
}

harborai_status url_parse(harborai_str text, struct url *ret_url, harborai_error *error)
{
    struct url url;
    harborai_str port = SLICE_NONE, rest = text;

    if (!take_scheme(&rest, &url.is_tls))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the URL does not begin with https:// or http://");
    url.authority = slice_cut(rest, authority_len(rest));
    url.target = slice_from(rest, url.authority.len);
    if (memchr(url.authority.data, '@', url.authority.len) != NULL)
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the URL holds a user name; put credentials into a header");
    if (!split_authority(url.authority, &url, &port) || !is_host(url.host, url.is_ipv6))
        return harborai_error_set(error, HARBORAI_E_INVALID, "the URL's host '%.*s' is malformed",
                                  SLICE_ARG(slice_cut(url.authority, 64)));
    if (!parse_port(port, &url))
        return harborai_error_set(error, HARBORAI_E_INVALID, "the URL's port '%.*s' is malformed",
                                  SLICE_ARG(slice_cut(port, 16)));
    if (!is_target(url.target))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "the URL of '%.*s' has a fragment, or a character in its path "
                                  "that must be percent-encoded",
                                  SLICE_ARG(url.host));
    *ret_url = url;
    return HARBORAI_OK;
}

bool url_is_base(harborai_str text)
{
    struct url url;
    if (text.len > URL_BASE_LEN || url_parse(text, &url, NULL) < 0)
        return false;
    for (size_t i = 0; i < url.target.len; i++)
        if (strchr("?\"\\<>^`{|}", url.target.data[i]) != NULL)
            return false;
    return true;
}
