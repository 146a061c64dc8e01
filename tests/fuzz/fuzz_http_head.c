/* SPDX-License-Identifier: MIT */
/* Requests and answers: the same verdict whether the head comes whole or byte by byte, and nothing
 * in it that could end a line when it is written again. */
#include <string.h>

#include "fuzz.h"
#include "wire/http_head.h"

static void check_text(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        MUST(text.data[i] != '\r' && text.data[i] != '\n' && text.data[i] != '\0');
}

static void check_head(const struct http_head *head, size_t size)
{
    MUST(head->size <= size && head->size <= HTTP_HEAD_MAX && head->field_count <= HTTP_FIELDS_MAX);
    MUST(head->body_kind != HTTP_BODY_LENGTH || head->content_length > 0);
    for (size_t i = 0; i < head->field_count; i++) {
        MUST(head->fields[i].name.len > 0);
        check_text(head->fields[i].name);
        check_text(head->fields[i].value);
    }
}

static void try_request(harborai_str bytes, const struct http_limits *limits)
{
    struct http_request_head whole, slow;
    struct http_fault fault = {0, NULL, 0}, slow_fault = {0, NULL, 0};
    struct http_resume once = {0}, resume = {0};
    harborai_status st = http_request_parse(bytes, &once, limits, &whole, &fault), slow_st = 0;
    for (size_t len = 0; len <= bytes.len && slow_st == HTTP_INCOMPLETE; len++)
        slow_st = http_request_parse(slice_cut(bytes, len), &resume, limits, &slow, &slow_fault);
    MUST(st == slow_st && fault.status == slow_fault.status);
    MUST(st >= 0 || (fault.status >= 400 && fault.reason != NULL));
    if (st != HTTP_COMPLETE)
        return;
    MUST(whole.head.size == slow.head.size && whole.head.body_kind == slow.head.body_kind);
    check_head(&whole.head, bytes.len);
    if (limits != NULL)
        MUST(whole.head.size <= limits->head && whole.target.len <= limits->target &&
             whole.head.field_count <= limits->fields);
    check_text(whole.target);
    check_text(whole.host);
    MUST(whole.method.len > 0);
}

static void try_answer(harborai_str bytes)
{
    struct http_response_head whole, slow;
    struct http_fault fault = {0, NULL, 0}, slow_fault = {0, NULL, 0};
    struct http_resume once = {0}, resume = {0};
    harborai_status st = http_response_parse(bytes, &once, &whole, &fault), slow_st = 0;
    for (size_t len = 0; len <= bytes.len && slow_st == HTTP_INCOMPLETE; len++)
        slow_st = http_response_parse(slice_cut(bytes, len), &resume, &slow, &slow_fault);
    MUST(st == slow_st);
    MUST(st >= 0 || (fault.status == 502 && fault.reason != NULL));
    if (st != HTTP_COMPLETE)
        return;
    MUST(whole.status == slow.status && whole.interim == slow.interim);
    MUST(whole.head.size == slow.head.size);
    MUST(whole.status >= 200 && whole.status <= 599);
    check_head(&whole.head, bytes.len);
    check_text(whole.reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str bytes = {(const char *)data, size};
    static const struct http_limits small = {256, 32, 4};
    try_request(bytes, NULL);
    try_request(bytes, &small);
    try_answer(bytes);
    return 0;
}
