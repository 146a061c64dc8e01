/* SPDX-License-Identifier: MIT */
/* URLs, and what is percent-encoded: parts lie in the text they were taken from, nothing in them could end a line,
 * and what was encoded comes back as it was. */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "fuzz.h"
#include "server/percent.h"
#include "wire/url.h"

static void check_part(harborai_str text, harborai_str part)
{
    MUST(part.len == 0 || (part.data >= text.data && part.data + part.len <= text.data + text.len));
    for (size_t i = 0; i < part.len; i++)
        MUST(part.data[i] > ' ' && part.data[i] < 0x7f);
}

static void try_url(harborai_str text)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct url url;
    harborai_status st = url_parse(text, &url, &error);
    MUST(st == HARBORAI_OK || (st == HARBORAI_E_INVALID && error.message[0] != '\0'));
    MUST(st == HARBORAI_OK || !url_is_base(text));
    if (st < 0)
        return;
    check_part(text, url.host);
    check_part(text, url.authority);
    check_part(text, url.target);
    MUST(url.host.len > 0 && url.host.len <= URL_HOST_LEN && url.port != 0);
    MUST(url.target.len == 0 || url.target.data[0] == '/' || url.target.data[0] == '?');
    MUST(!url_is_base(text) || memchr(url.target.data, '?', url.target.len) == NULL ||
         url.target.len == 0);
}

static void try_decode(harborai_str text, bool (*decode)(harborai_str, struct buf *))
{
    AUTO(buf) out = BUF_INIT(MIB(1));
    if (!decode(text, &out))
        return;
    MUST(out.len <= text.len);
    MUST(memchr(text.data, '%', text.len) != NULL || out.len == text.len);
}

static void try_encoded(harborai_str bytes)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    AUTO(buf) encoded = BUF_INIT(MIB(1)), out = BUF_INIT(MIB(1));
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        size_t low = c & 15;
        buf_add_char(&encoded, '%');
        buf_add_char(&encoded, digits[c >> 4]);
        buf_add_char(&encoded, digits[low >= 10 && i % 2 == 1 ? low + 6 : low]);
    }
    MUST(percent_decode(buf_slice(&encoded), &out));
    MUST(slice_equal(buf_slice(&out), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harborai_str text = {(const char *)data, size};
    if (size == 0)
        return 0;
    try_url(text);
    try_decode(text, percent_decode);
    try_decode(text, percent_decode_form);
    try_encoded(text);
    return 0;
}
