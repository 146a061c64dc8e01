/* SPDX-License-Identifier: MIT */
/* Requests of web pages: an origin that is not in the list is never allowed, and no preflight adds a line of its
 * own to the answer. The first line is the list, the rest a request. */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"
#include "server/cors.h"
#include "wire/http_head.h"

/* Each line ends with CR LF, and has a name of ours. */
static void check_fields(harborai_str text)
{
    while (text.len > 0) {
        harborai_str line;
        MUST(slice_split(text, '\n', &line, &text));
        MUST(slice_ends_with(line, "\r"));
        MUST(memchr(line.data, '\r', line.len) == line.data + line.len - 1);
        MUST(slice_starts_with(line, "access-control-") || slice_starts_with(line, "vary: "));
    }
}

static bool is_listed(harborai_str list, harborai_str origin)
{
    harborai_str item;
    bool more = true, found = false;
    while (more) {
        more = slice_split(list, ',', &item, &list);
        item = slice_trim(item);
        found |= slice_is(item, "*") || (item.len > 0 && slice_equal_ignoring_case(item, origin));
    }
    return found;
}

static void answer(const struct cors *cors, harborai_str list, const struct http_request_head *request)
{
    AUTO(buf) out = BUF_INIT(KIB(256));
    harborai_str origin = http_field(&request->head, "origin"), allowed = cors_allow(cors, origin);
    MUST(allowed.len == 0 || is_listed(list, origin));
    cors_write(cors, allowed, &out);
    if (cors_is_preflight(request))
        cors_write_preflight(request, "GET, HEAD, OPTIONS", &out);
    MUST(out.failed == HARBORAI_OK);
    check_fields(buf_slice(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str list, bytes, text = {(const char *)data, size};
    struct http_request_head request;
    struct http_resume resume = {0};
    struct http_fault fault;
    struct cors *cors = NULL;
    (void)slice_split(text, '\n', &list, &bytes);
    if (memchr(list.data, '\r', list.len) != NULL || memchr(list.data, '\0', list.len) != NULL)
        return 0; /* no configuration has it */
    MUST(cors_create(list, &cors, NULL) == HARBORAI_OK);
    MUST((cors == NULL) == (list.len == 0));
    if (cors != NULL && http_request_parse(bytes, &resume, NULL, &request, &fault) == HTTP_COMPLETE)
        answer(cors, list, &request);
    cors_destroy(cors);
    return 0;
}
