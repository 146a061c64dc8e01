/* SPDX-License-Identifier: MIT */
/* Answers browsers that ask on behalf of pages. Must never allow an origin that the operator has not named. */
#include "server/cors.h"

#include <stdlib.h>

#include "base/error.h"
#include "wire/http_head.h"

#define HEADERS_MAX 1024 /* of a preflight's list that is repeated */

struct cors {
    bool is_for_all;
    size_t count;
    harborai_str *origins; /* of `texts` */
    char *texts;
};

/* Those that a page may look at besides the few that any may: ours and OpenAI's. */
#define EXPOSED                                                                                    \
    "x-request-id, x-harborai-id, x-harborai-provider, x-harborai-model, x-harborai-attempts, "    \
    "x-harborai-overhead-us, x-harborai-cost, x-harborai-changed, x-harborai-include, "            \
    "retry-after, retry-after-ms, x-should-retry, x-ratelimit-limit-requests, "                    \
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, "     \
    "x-ratelimit-reset-requests, x-ratelimit-reset-tokens"

/* ---- The list ------------------------------------------------------------------------------- */

static size_t count_of(harborai_str origins)
{
    size_t count = 1;
    for (size_t i = 0; i < origins.len; i++)
        count += origins.data[i] == ',';
    return count;
}

/* Browsers send them so, and want to read what they sent, byte for byte. */
static void lower(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text + ('a' - 'A'));
}

static void split(struct cors *cors, harborai_str rest)
{
    bool more = true;
    while (more) {
        harborai_str item;
        more = slice_split(rest, ',', &item, &rest);
        item = slice_trim(item);
        cors->is_for_all |= slice_is(item, "*");
        if (item.len > 0)
            cors->origins[cors->count++] = item;
    }
}

harborai_status cors_create(harborai_str origins, struct cors **ret_cors, harborai_error *error)
{
    struct cors *cors = NULL;
    if (origins.len > 0) {
        cors = calloc(1, sizeof *cors);
        if (cors == NULL)
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        cors->texts = slice_dup(origins);
        cors->origins = calloc(count_of(origins), sizeof *cors->origins);
        if (cors->texts == NULL || cors->origins == NULL) {
            cors_destroy(cors);
            return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
        }
        lower(cors->texts);
        split(cors, slice_of(cors->texts));
    }
    *ret_cors = cors;
    return HARBORAI_OK;
}

void cors_destroy(struct cors *cors)
{
    if (cors == NULL)
        return;
    free(cors->origins);
    free(cors->texts);
    free(cors);
}

/* ---- Answers -------------------------------------------------------------------------------- */

harborai_str cors_allow(const struct cors *cors, harborai_str origin)
{
    if (cors == NULL)
        return SLICE_NONE;
    if (cors->is_for_all)
        return HARBORAI_STR("*");
    for (size_t i = 0; i < cors->count; i++)
        if (slice_equal_ignoring_case(cors->origins[i], origin))
            return cors->origins[i];
    return SLICE_NONE;
}

static void field(struct buf *out, harborai_str name, harborai_str value)
{
    buf_add(out, name);
    buf_add(out, value);
    buf_add(out, HARBORAI_STR("\r\n"));
}

/* A cache must not give one origin what was made for another. */
void cors_write(const struct cors *cors, harborai_str allowed, struct buf *out)
{
    if (!cors->is_for_all)
        buf_add(out, HARBORAI_STR("vary: origin\r\n"));
    if (allowed.len == 0)
        return;
    field(out, HARBORAI_STR("access-control-allow-origin: "), allowed);
    buf_add(out, HARBORAI_STR("access-control-expose-headers: " EXPOSED "\r\n"));
}

bool cors_is_preflight(const struct http_request_head *request)
{
    return http_field(&request->head, "origin").len > 0 &&
           http_field(&request->head, "access-control-request-method").len > 0;
}

static bool is_list_of_names(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_' && c != ',' && c != ' ')
            return false;
    }
    return text.len > 0 && text.len <= HEADERS_MAX;
}

/* Whatever headers a client's library has: `*` would leave out Authorization, and any list would grow old. */
void cors_write_preflight(const struct http_request_head *request, const char *methods,
                          struct buf *out)
{
    harborai_str headers = http_field(&request->head, "access-control-request-headers");
    field(out, HARBORAI_STR("access-control-allow-methods: "), slice_of(methods));
    if (is_list_of_names(headers))
        field(out, HARBORAI_STR("access-control-allow-headers: "), headers);
    buf_add(out, HARBORAI_STR("access-control-max-age: 600\r\n"
                              "vary: access-control-request-method, "
                              "access-control-request-headers\r\n"));
}
