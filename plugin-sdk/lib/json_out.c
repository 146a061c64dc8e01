/* SPDX-License-Identifier: MIT */
/* Writing JSON. It trusts what it is given to be in order; only the commas are its own business. */
#include "json_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_value.h"

enum { FIRST_CAPACITY = 256 };

/* Room for `len` bytes at the end; NULL = none left. */
static char *room(struct json_out *out, size_t len)
{
    size_t capacity = out->capacity > 0 ? out->capacity : FIRST_CAPACITY;
    if (out->failed)
        return NULL;
    if (len <= out->capacity - out->len)
        return out->data + out->len;
    while (capacity - out->len < len)
        if (__builtin_mul_overflow(capacity, (size_t)2, &capacity)) {
            out->failed = true;
            return NULL;
        }
    char *data = (char *)realloc(out->data, capacity);
    if (data == NULL) {
        out->failed = true;
        return NULL;
    }
    out->data = data;
    out->capacity = capacity;
    return data + out->len;
}

static void add(struct json_out *out, const char *data, size_t len)
{
    char *at = len > 0 ? room(out, len) : NULL;
    if (at == NULL)
        return;
    memcpy(at, data, len);
    out->len += len;
}

static void add_char(struct json_out *out, char c)
{
    add(out, &c, 1);
}

void json_out_release(struct json_out *out)
{
    free(out->data);
    *out = (struct json_out){0};
}

void json_out_clear(struct json_out *out)
{
    out->len = 0;
    out->failed = false;
}

void json_out_reserve(struct json_out *out, size_t len)
{
    if (out->failed || len <= out->capacity - out->len)
        return;
    size_t capacity = out->len + len;
    char *data = capacity >= len ? (char *)realloc(out->data, capacity) : NULL;
    if (data == NULL) {
        out->failed = true;
        return;
    }
    out->data = data;
    out->capacity = capacity;
}

void json_out_raw(struct json_out *out, harborai_str json)
{
    add(out, json.data, json.len);
}

void json_out_item(struct json_out *out)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '[';
    if (last != '{' && last != '[')
        add_char(out, ',');
}

void json_out_open(struct json_out *out, char bracket)
{
    add_char(out, bracket);
}

void json_out_close(struct json_out *out, char bracket)
{
    add_char(out, bracket);
}

void json_out_key(struct json_out *out, const char *key)
{
    json_out_item(out);
    add_char(out, '"');
    add(out, key, strlen(key));
    add(out, "\":", 2);
}

void json_out_int64(struct json_out *out, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)number);
    add(out, text, (size_t)len);
}

static void add_escaped(struct json_out *out, char c)
{
    char text[8];
    if (c == '"' || c == '\\') {
        text[0] = '\\';
        text[1] = c;
        add(out, text, 2);
        return;
    }
    int len = snprintf(text, sizeof text, "\\u%04x", (unsigned)(unsigned char)c);
    add(out, text, (size_t)len);
}

void json_out_text(struct json_out *out, harborai_str text)
{
    const char *p = text.data, *end = text.len > 0 ? p + text.len : p;
    add_char(out, '"');
    while (p < end) {
        const char *from = p;
        while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
        add(out, from, (size_t)(p - from));
        if (p < end)
            add_escaped(out, *p++);
    }
    add_char(out, '"');
}

void json_out_decoded(struct json_out *out, harborai_str string)
{
    harborai_str text;
    char *at = json_kind(string) == JSON_STRING ? room(out, string.len) : NULL;
    if (at == NULL)
        return;
    if (json_string_plain(string, &text))
        add(out, text.data, text.len);
    else if (json_string(string, at, string.len, &text) == HARBORAI_OK)
        out->len += text.len;
}
