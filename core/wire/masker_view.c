/* SPDX-License-Identifier: MIT */
/* Reads through encodings: percent (RFC 3986), JSON's escapes, base64 (RFC 4648, both alphabets). Must
 * never read beyond the text, whatever ends in the middle of an escape. */
#include <stdlib.h>

#include "wire/masker_parts.h"

#define MOST_ROUNDS 3     /* %2541 is %41 is A */
#define LEAST_BASE64 16   /* letters: the shortest key that has a form has about 12 bytes */
#define MOST_BASE64 65536 /* letters of a word that are looked at */
#define MOST_TAIL 128     /* of a part of one, behind a '/' or '-': a path's last name; a key's begin is
                             enough to know it */

static int hex_of(char c)
{
    if (masker_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* --- Percent and JSON -------------------------------------------------------------------------- */

/* The byte of the escape at `at` and its length; 0: there is none. */
static size_t percent_at(harborai_str text, size_t at, char *ret_byte)
{
    int high = hex_of(masker_char(text, at + 1)), low = hex_of(masker_char(text, at + 2));
    if (high < 0 || low < 0)
        return 0;
    *ret_byte = (char)(high << 4 | low);
    return 3;
}

/* Characters beyond ASCII become a byte that belongs to no word. */
static size_t unicode_at(harborai_str text, size_t at, char *ret_byte)
{
    int value = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        int digit = hex_of(masker_char(text, i));
        if (digit < 0)
            return 0;
        value = value << 4 | digit;
    }
    *ret_byte = value < 0x80 ? (char)value : (char)0x80;
    return 6;
}

static size_t backslash_at(harborai_str text, size_t at, char *ret_byte)
{
    char c = masker_char(text, at + 1);
    if (c == 'u')
        return unicode_at(text, at, ret_byte);
    if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL)
        return 0;
    *ret_byte = strchr("\"\\/", c) != NULL ? c : ' ';
    return 2;
}

/* One round, in place. True: something was decoded. */
static bool decode(char *bytes, uint32_t *from, size_t *len)
{
    harborai_str text = {bytes, *len};
    size_t to = 0, step;
    for (size_t at = 0; at < text.len; at += step, to++) {
        char byte = bytes[at];
        step = byte == '%' ? percent_at(text, at, &byte)
               : byte == '\\' ? backslash_at(text, at, &byte)
                              : 0;
        if (step == 0)
            step = 1;
        from[to] = from[at];
        bytes[to] = byte;
    }
    from[to] = from[text.len];
    *len = to;
    return to < text.len;
}

static bool has_escapes(harborai_str text)
{
    return text.len > 0 && (memchr(text.data, '%', text.len) != NULL ||
                            memchr(text.data, '\\', text.len) != NULL);
}

bool masker_view_init(struct masker_view *view, harborai_str source)
{
    *view = (struct masker_view){.text = source};
    if (!has_escapes(source))
        return true;
    char *bytes = source.len < UINT32_MAX ? malloc(source.len) : NULL;
    uint32_t *from = bytes != NULL ? malloc((source.len + 1) * sizeof *from) : NULL;
    if (from == NULL) {
        free(bytes);
        return false;
    }
    memcpy(bytes, source.data, source.len);
    for (size_t i = 0; i <= source.len; i++)
        from[i] = (uint32_t)i;
    size_t len = source.len;
    for (int round = 0; round < MOST_ROUNDS && decode(bytes, from, &len); round++)
        ;
    view->text = (harborai_str){bytes, len};
    view->from = from;
    return true;
}

void masker_view_release(struct masker_view *view)
{
    if (view->from == NULL)
        return;
    free((void *)(uintptr_t)view->text.data);
    free((void *)(uintptr_t)view->from);
}

/* --- Base64 ------------------------------------------------------------------------------------ */

static int sextet_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (masker_is_digit(c))
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Behind the letters from `at` on, at most `most` of them. */
static size_t base64_end(harborai_str text, size_t at, size_t most)
{
    size_t end = text.len - at < most ? text.len : at + most;
    while (at < end && sextet_of(text.data[at]) >= 0)
        at++;
    return at;
}

/* Decodes until a byte comes that no text has. */
static size_t decode_base64(harborai_str word, char *out)
{
    uint32_t bits = 0;
    size_t len = 0;
    for (size_t i = 0; i < word.len; i++) {
        bits = bits << 6 | (uint32_t)sextet_of(word.data[i]);
        if (i % 4 == 0)
            continue;
        char byte = (char)(bits >> (6 - 2 * (i % 4)));
        if ((unsigned char)byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t')
            break;
        out[len++] = byte;
    }
    return len;
}

bool masker_base64_at(harborai_str text, size_t at, int depth, struct masker_span *ret_span)
{
    bool is_tail = at > 0 && sextet_of(text.data[at - 1]) >= 0;
    size_t end = base64_end(text, at, is_tail ? MOST_TAIL : MOST_BASE64);
    harborai_str word = {text.data + at, end - at};
    if (word.len < LEAST_BASE64)
        return false;
    char *decoded = malloc(word.len);
    bool is_found = decoded == NULL; /* what cannot be looked at is not shown */
    if (decoded != NULL) {
        struct masker_span inside;
        harborai_str plain = {decoded, decode_base64(word, decoded)};
        int deeper = is_tail ? MASKER_DEPTH : depth + 1;
        is_found = plain.len > 8 && masker_find(plain, 0, deeper, &inside);
    }
    free(decoded);
    if (!is_found)
        return false;
    end = base64_end(text, at, text.len);
    while (masker_char(text, end) == '=')
        end++;
    *ret_span = (struct masker_span){at, end, MASKER_KEY};
    return true;
}
