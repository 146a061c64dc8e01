/* SPDX-License-Identifier: MIT */
/* Errors in OpenAI's words. What a vendor says about the operator's key or account is not the
 * client's: type and code of the table stand there instead. */
#include "chat/error_json.h"

#include "base/error.h"
#include "chat/json_line.h"

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

/* For these OpenAI has words that applications act upon, such as by a shorter conversation. */
static bool has_one_code(harborai_status code)
{
    return code == HARBORAI_E_CONTEXT || code == HARBORAI_E_FILTERED;
}

void error_json_write(struct buf *b, const harborai_error *error, const char *type)
{
    const struct error_kind *kind = error_kind_of(error->code);
    bool is_ours = is_operators(error->code) || has_one_code(error->code);
    const char *code = is_ours || error->vendor_code[0] == '\0' ? kind->openai_code
                                                                : error->vendor_code;
    if (is_ours || type == NULL || type[0] == '\0')
        type = kind->openai_type;
    buf_add(b, HARBORAI_STR("{\"error\":{\"message\":"));
    json_line_text(b, slice_of(error->message));
    buf_add(b, HARBORAI_STR(",\"type\":"));
    json_line_text(b, slice_of(type));
    buf_add(b, HARBORAI_STR(",\"param\":"));
    if (error->param[0] != '\0')
        write_param(b, slice_of(error->param));
    else
        buf_add(b, HARBORAI_STR("null"));
    buf_add(b, HARBORAI_STR(",\"code\":"));
    if (code != NULL)
        json_line_text(b, slice_of(code));
    else
        buf_add(b, HARBORAI_STR("null"));
    if (has_one_code(error->code) && error->vendor_code[0] != '\0' &&
        !slice_is(slice_of(error->vendor_code), code)) {
        buf_add(b, HARBORAI_STR(",\"vendor_code\":"));
        json_line_text(b, slice_of(error->vendor_code));
    }
    buf_add(b, HARBORAI_STR("}}"));
}
