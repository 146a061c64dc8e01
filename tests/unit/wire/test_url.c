/* SPDX-License-Identifier: MIT */
#include "../unit.h"
#include "wire/url.h"

extern const CU_TestInfo url_tests[];

static const struct {
    const char *name, *url, *host;
    int port; /* 0: refused */
    bool tls;
    const char *target;
} rows[] = {
    {"plain", "http://example.com/v1", "example.com", 80, false, "/v1"},
    {"tls", "https://api.example.com/v1/x?a=b", "api.example.com", 443, true, "/v1/x?a=b"},
    {"port", "http://127.0.0.1:9100", "127.0.0.1", 9100, false, ""},
    {"no path", "https://h?x=1", "h", 443, true, "?x=1"},
    {"case", "HTTPS://API.Example.COM/A", "API.Example.COM", 443, true, "/A"},
    {"v6", "http://[::1]:81/", "::1", 81, false, "/"},
    {"v6 without port", "https://[FE80::1]/", "FE80::1", 443, true, "/"},
    {"colon in the path", "http://h/a:b@c", "h", 80, false, "/a:b@c"},
    {"no scheme", "example.com/v1", NULL, 0, false, NULL},
    {"other scheme", "ftp://example.com/", NULL, 0, false, NULL},
    {"nothing", "", NULL, 0, false, NULL},
    {"scheme alone", "https://", NULL, 0, false, NULL},
    {"no host", "https:///x", NULL, 0, false, NULL},
    {"user", "https://me:key@h/", NULL, 0, false, NULL},
    {"port 0", "http://h:0/", NULL, 0, false, NULL},
    {"port too large", "http://h:65536/", NULL, 0, false, NULL},
    {"port of letters", "http://h:8a/", NULL, 0, false, NULL},
    {"port empty", "http://h:/", NULL, 0, false, NULL},
    {"blank in the path", "http://h/a b", NULL, 0, false, NULL},
    {"line end in the path", "http://h/a\r\nx: y", NULL, 0, false, NULL},
    {"blank in the host", "http://h x/", NULL, 0, false, NULL},
    {"line end in the host", "http://h\r\nx/", NULL, 0, false, NULL},
    {"fragment", "http://h/a#b", NULL, 0, false, NULL},
    {"not ASCII", "http://h/\xc3\xa4", NULL, 0, false, NULL},
    {"v6 open", "http://[::1/", NULL, 0, false, NULL},
    {"v6 and more", "http://[::1]x/", NULL, 0, false, NULL},
};

static void test_url(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct url url;
        harborai_error error = HARBORAI_ERROR_INIT;
        harborai_status st = url_parse(slice_of(rows[i].url), &url, &error);
        ROW(rows[i].name, (st == HARBORAI_OK) == (rows[i].port != 0));
        ROW(rows[i].name, st == HARBORAI_OK || (st == HARBORAI_E_INVALID && error.message[0]));
        if (st == HARBORAI_OK) {
            ROW(rows[i].name, slice_is(url.host, rows[i].host));
            ROW(rows[i].name, url.port == rows[i].port && url.is_tls == rows[i].tls);
            ROW(rows[i].name, slice_is(url.target, rows[i].target));
        }
    }
}

static const struct {
    const char *url;
    bool is_base;
} bases[] = {
    {"http://127.0.0.1:9100/v1", true}, {"HTTPS://h", true},    {"http://[::1]:1/a%20b/", true},
    {"http://exa%mple/v1", false},      {"http://h/v1?x", false}, {"http://h#x", false},
    {"http://h/a\"b", false},           {"http://h/a\\b", false}, {"ftp://h", false},
    {"http://me@h/", false},            {"", false},
};

static void test_base(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        ROW(bases[i].url, url_is_base(slice_of(bases[i].url)) == bases[i].is_base);
}

const CU_TestInfo url_tests[] = {
    {"taken apart", test_url}, {"bases", test_base}, CU_TEST_INFO_NULL};
