/* SPDX-License-Identifier: MIT */
/* Errors in OpenAI's words: one type and one code for each class, whoever the vendor is. What a vendor
 * says about the operator's key or account is not the client's. */
#include "chat/error_json.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "chat/json_line.h"
#include "wire/masker.h"

harborai_status error_json_class(int http_status)
{
    switch (http_status) {
    case 401:
    case 403:
        return HARBORAI_E_AUTH;
    case 402:
        return HARBORAI_E_QUOTA;
    case 404:
    case 410:
        return HARBORAI_E_NOT_FOUND;
    case 407: /* of the operator's own proxy */
        return HARBORAI_E_NETWORK;
    case 408:
        return HARBORAI_E_TIMEOUT;
    case 409:
    case 425:
        return HARBORAI_E_VENDOR;
    case 429:
        return HARBORAI_E_RATE_LIMIT;
    case 503:
    case 529: /* Anthropic */
        return HARBORAI_E_OVERLOADED;
    default:
        if (http_status >= 300 && http_status < 400) /* redirects are not followed */
            return HARBORAI_E_CONFIG;
        return http_status >= 400 && http_status < 500 ? HARBORAI_E_INVALID : HARBORAI_E_VENDOR;
    }
}

static bool is_operators(harborai_status code)
{
    return code == HARBORAI_E_AUTH || code == HARBORAI_E_QUOTA || code == HARBORAI_E_CONFIG;
}

int error_json_status(const harborai_error *error)
{
    int status = error->http_status, ours = error_kind_of(error->code)->http_status;
    if (is_operators(error->code) || error->code == HARBORAI_E_NETWORK || status < 400 ||
        status > 599)
        return ours;
    harborai_status class = error_json_class(status);
    if (class == HARBORAI_E_INVALID &&
        (error->code == HARBORAI_E_CONTEXT || error->code == HARBORAI_E_FILTERED))
        return status;
    return class == error->code ? status : ours;
}

/* A JSON Pointer as OpenAI writes it; anything else as it stands. */
static void write_param(struct buf *b, harborai_str param)
{
    AUTO(buf) path = BUF_INIT(1024);
    for (size_t i = 0; i < param.len && param.data[0] == '/'; i++) {
        char c = param.data[i];
        size_t end = i + 1;
        uint64_t index;
        if (c != '/') {
            if (c == '~' && end < param.len && (param.data[end] == '0' || param.data[end] == '1'))
                c = param.data[++i] == '0' ? '~' : '/';
            buf_add_char(&path, c);
            continue;
        }
        while (end < param.len && param.data[end] != '/')
            end++;
        if (slice_to_u64((harborai_str){param.data + i + 1, end - i - 1}, &index)) {
            buf_printf(&path, "[%llu]", (unsigned long long)index);
            i = end - 1;
        } else if (i > 0) {
            buf_add_char(&path, '.');
        }
    }
    json_line_text(b, path.len > 0 ? buf_slice(&path) : param);
}

static void write_text(struct buf *b, harborai_str name, const char *text)
{
    buf_add(b, name);
    if (text != NULL)
        json_line_text(b, slice_of(text));
    else
        buf_add(b, HARBORAI_STR("null"));
}

/* It may quote the request, whose client need not be the one who wrote the key in it. */
static void write_message(struct buf *b, const char *message)
{
    AUTO(buf) masked = BUF_INIT(KIB(64));
    masker_write(&masked, slice_of(message), MASKER_KEYS);
    buf_add(b, HARBORAI_STR("{\"error\":{\"message\":"));
    json_line_text(b, buf_slice(&masked));
}

void error_json_write(struct buf *b, const harborai_error *error)
{
    const struct error_kind *kind = error_kind_of(error->code);
    const char *code = kind->openai_code, *said = is_operators(error->code) ? "" : error->vendor_code;
    if (said[0] != '\0' && (error->flags & HARBORAI_ERROR_OPENAI_CODE) != 0)
        code = said;
    write_message(b, error->message);
    write_text(b, HARBORAI_STR(",\"type\":"), kind->openai_type);
    if (error->param[0] != '\0') {
        buf_add(b, HARBORAI_STR(",\"param\":"));
        write_param(b, slice_of(error->param));
    } else {
        write_text(b, HARBORAI_STR(",\"param\":"), NULL);
    }
    write_text(b, HARBORAI_STR(",\"code\":"), code);
    if (said[0] != '\0' && (code == NULL || strcmp(said, code) != 0))
        write_text(b, HARBORAI_STR(",\"vendor_code\":"), said);
    buf_add(b, HARBORAI_STR("}}"));
}
