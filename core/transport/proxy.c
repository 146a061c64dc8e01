/* SPDX-License-Identifier: MIT */
/* Which proxy leads to a host, by the variables that curl and others read. */
#include "transport/proxy.h"

#include <stdlib.h>

#define PROXY_PORT 1080 /* curl's, where none is named */

struct proxies {
    char *plain, *tls, *except; /* owned; NULL = not set */
};

/* HTTP_PROXY is not read: in CGI a client can set it by a header. */
static harborai_status read_first(const char *const names[2], char **ret_value,
                                  harborai_error *error)
{
    for (int i = 0; i < 2 && names[i] != NULL; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || *value == '\0')
            continue;
        *ret_value = slice_dup(slice_of(value));
        return *ret_value != NULL ? HARBORAI_OK
                                  : harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    return HARBORAI_OK;
}

harborai_status proxies_create(struct proxies **ret_proxies, harborai_error *error)
{
    static const char *const tls[] = {"https_proxy", "HTTPS_PROXY"};
    static const char *const plain[] = {"http_proxy", NULL};
    static const char *const all[] = {"all_proxy", "ALL_PROXY"};
    static const char *const except[] = {"no_proxy", "NO_PROXY"};
    struct proxies *proxies = calloc(1, sizeof *proxies);
    if (proxies == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = read_first(tls, &proxies->tls, error);
    if (st == HARBORAI_OK)
        st = read_first(plain, &proxies->plain, error);
    if (st == HARBORAI_OK)
        st = read_first(except, &proxies->except, error);
    if (st == HARBORAI_OK && proxies->tls == NULL)
        st = read_first(all, &proxies->tls, error);
    if (st == HARBORAI_OK && proxies->plain == NULL)
        st = read_first(all, &proxies->plain, error);
    if (st < 0) {
        proxies_destroy(proxies);
        return st;
    }
    *ret_proxies = proxies;
    return HARBORAI_OK;
}

void proxies_destroy(struct proxies *proxies)
{
    if (proxies == NULL)
        return;
    free(proxies->plain);
    free(proxies->tls);
    free(proxies->except);
    free(proxies);
}

/* An item names a host, and every host below it: "example.com" and ".example.com" alike. */
static bool item_covers(harborai_str item, harborai_str host)
{
    if (slice_is(item, "*"))
        return true;
    if (item.len > 0 && item.data[0] == '.')
        item = slice_from(item, 1);
    if (item.len == 0 || item.len > host.len)
        return false;
    size_t before = host.len - item.len;
    return slice_equal_ignoring_case(slice_from(host, before), item) &&
           (before == 0 || host.data[before - 1] == '.');
}

static bool is_excepted(harborai_str list, harborai_str host)
{
    while (list.len > 0) {
        harborai_str item, rest;
        slice_split(list, ',', &item, &rest);
        if (item_covers(slice_trim(item), host))
            return true;
        list = rest;
    }
    return false;
}

/* Host and port of "[scheme://][user:password@]host[:port][/]". */
static bool find_host(harborai_str url, struct proxy *proxy)
{
    uint64_t port = PROXY_PORT;
    harborai_str text = url, rest, digits = SLICE_NONE;
    const char *mark = memmem(text.data, text.len, "://", 3);
    if (mark != NULL)
        text = slice_from(text, (size_t)(mark - text.data) + 3);
    slice_split(text, '/', &text, &rest);
    mark = memrchr(text.data, '@', text.len);
    if (mark != NULL)
        text = slice_from(text, (size_t)(mark - text.data) + 1);
    if (text.len > 0 && text.data[0] == '[') {
        slice_split(slice_from(text, 1), ']', &proxy->host, &rest);
        slice_split(rest, ':', &text, &digits);
    } else {
        slice_split(text, ':', &proxy->host, &digits);
    }
    if (digits.len > 0 && (!slice_to_u64(digits, &port) || port == 0 || port > UINT16_MAX))
        return false;
    proxy->port = (uint16_t)port;
    return proxy->host.len > 0;
}

struct proxy proxy_for(const struct proxies *proxies, bool is_tls, harborai_str host)
{
    const struct proxy none = {.url = ""};
    const char *url = is_tls ? proxies->tls : proxies->plain;
    struct proxy proxy = {.url = url};
    if (url == NULL || is_excepted(slice_of(proxies->except), host) ||
        !find_host(slice_of(url), &proxy))
        return none;
    return proxy;
}
