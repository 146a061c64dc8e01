/* SPDX-License-Identifier: MIT */
/* A blocking transfer by libcurl, on a job thread, where blocking is allowed. Must never run on a
 * loop. */
#include "transport/http_wait.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"

#define TIMEOUT_MS 60000L
#define HEADERS_MOST 100

struct transfer {
    CURL *easy;
    struct curl_slist *lines;
    struct buf head, body; /* head: "name\0value\0"… of the last answer */
    char words[CURL_ERROR_SIZE];
};

static void transfer_release(struct transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->lines);
    buf_release(&transfer->head);
    buf_release(&transfer->body);
}

/* --- What comes back ------------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size UNUSED, size_t len, void *user)
{
    struct transfer *transfer = user;
    harborai_str line = {data, len}, name, value;

    if (slice_starts_with(line, "HTTP/")) { /* an interim answer's fields are not wanted */
        buf_clear(&transfer->head);
        return len;
    }
    if (!slice_split(line, ':', &name, &value))
        return len;
    value = slice_trim(value);
    for (size_t i = 0; i < name.len; i++)
        buf_add_char(&transfer->head, (char)tolower((unsigned char)name.data[i]));
    buf_add_char(&transfer->head, '\0');
    buf_add(&transfer->head, value);
    buf_add_char(&transfer->head, '\0');
    return transfer->head.failed < 0 ? 0 : len;
}

static size_t on_body(char *data, size_t size UNUSED, size_t len, void *user)
{
    struct transfer *transfer = user;
    buf_add(&transfer->body, (harborai_str){data, len});
    return transfer->body.failed < 0 ? 0 : len;
}

static harborai_str next_text(harborai_str *rest)
{
    harborai_str text;
    slice_split(*rest, '\0', &text, rest);
    return text;
}

static void answer(struct transfer *transfer,
                   void (*done)(void *context, const harborai_http_response *answer,
                                harborai_str body),
                   void *context)
{
    harborai_header headers[HEADERS_MOST];
    harborai_http_response response = {.size = sizeof response, .headers = headers};
    harborai_str rest = buf_slice(&transfer->head);
    long status = 0;

    while (rest.len > 0 && response.header_count < HEADERS_MOST) {
        harborai_header *header = &headers[response.header_count++];
        header->name = next_text(&rest);
        header->value = next_text(&rest);
    }
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    response.status = (int32_t)status;
    done(context, &response, buf_slice(&transfer->body));
}

/* --- What goes out --------------------------------------------------------------------------- */

static harborai_status add_line(struct transfer *transfer, harborai_str line,
                                harborai_error *error)
{
    char *copy = slice_dup(slice_trim(line));
    if (copy == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    struct curl_slist *lines = curl_slist_append(transfer->lines, copy);
    free(copy);
    if (lines == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    transfer->lines = lines;
    return HARBORAI_OK;
}

static harborai_status add_lines(struct transfer *transfer, harborai_str headers,
                                 harborai_error *error)
{
    harborai_status st = add_line(transfer, HARBORAI_STR("Expect:"), error); /* no 100-continue */
    while (st == HARBORAI_OK && headers.len > 0) {
        harborai_str line;
        slice_split(headers, '\n', &line, &headers);
        if (slice_trim(line).len > 0)
            st = add_line(transfer, line, error);
    }
    return st;
}

static harborai_status set_text(CURL *easy, CURLoption option, harborai_str text,
                                harborai_error *error)
{
    char *copy = slice_dup(text);
    if (copy == NULL || curl_easy_setopt(easy, option, copy) != CURLE_OK) {
        free(copy);
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    }
    free(copy); /* curl has copied it */
    return HARBORAI_OK;
}

static harborai_status set_request(struct transfer *transfer, harborai_str method, harborai_str url,
                                   harborai_str body, harborai_error *error)
{
    CURL *easy = transfer->easy;
    harborai_status st = set_text(easy, CURLOPT_URL, url, error);
    if (body.len > 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data);
    } else if (slice_is(method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (slice_is(method, "POST")) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    if (st == HARBORAI_OK)
        st = set_text(easy, CURLOPT_CUSTOMREQUEST, method, error);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->lines);
    return st;
}

static void set_behaviour(struct transfer *transfer, const char *ca_file)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    if (ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    }
}

/* --- All of it ------------------------------------------------------------------------------- */

static harborai_status explain(const struct transfer *transfer, CURLcode code,
                               harborai_str method, harborai_error *error)
{
    const char *words = transfer->words[0] != '\0' ? transfer->words : curl_easy_strerror(code);
    if (transfer->body.failed < 0)
        return harborai_error_set(error, HARBORAI_E_PROTOCOL,
                                  "%.*s: the answer is larger than %zu MiB", SLICE_ARG(method),
                                  LIMIT_RESPONSE_BODY >> 20);
    return harborai_error_set(error,
                              code == CURLE_OPERATION_TIMEDOUT ? HARBORAI_E_TIMEOUT
                              : code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL
                                  ? HARBORAI_E_INVALID
                                  : HARBORAI_E_NETWORK,
                              "%.*s: %s", SLICE_ARG(method), words);
}

harborai_status http_wait(harborai_str method, harborai_str url, harborai_str headers,
                          harborai_str body, const char *ca_file,
                          void (*done)(void *context, const harborai_http_response *answer,
                                       harborai_str body),
                          void *context, harborai_error *error)
{
    AUTO(transfer) transfer = {.easy = curl_easy_init(),
                               .head = BUF_INIT(LIMIT_RESPONSE_HEAD),
                               .body = BUF_INIT(LIMIT_RESPONSE_BODY)};
    if (transfer.easy == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    harborai_status st = add_lines(&transfer, headers, error);
    if (st == HARBORAI_OK)
        st = set_request(&transfer, method, url, body, error);
    if (st < 0)
        return st;
    set_behaviour(&transfer, ca_file);
    CURLcode code = curl_easy_perform(transfer.easy);
    if (code != CURLE_OK)
        return explain(&transfer, code, method, error);
    answer(&transfer, done, context);
    return HARBORAI_OK;
}
