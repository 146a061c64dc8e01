/* SPDX-License-Identifier: MIT */
/* Finds what is to be masked, from left to right, and writes the rest. Must never let out a part of
 * what it found, nor make JSON of what was none. */
#include "wire/masker.h"

#include "base/limits.h"
#include "json_scan.h"
#include "wire/masker_parts.h"

#define MOST_LOCAL_PART 64 /* of an e-mail address: RFC 5321, 4.5.3.1.1 */

static const char *const words[] = {
    [MASKER_KEY] = "[masked:key]",     [MASKER_EMAIL] = "[masked:email]",
    [MASKER_PHONE] = "[masked:phone]", [MASKER_ID] = "[masked:id]",
    [MASKER_CARD] = "[masked:card]",
};

/* --- E-mail addresses, and users in URLs: known by what stands in the middle ------------------- */

static bool is_local_part(char c)
{
    return masker_is_word(c) || (c != '\0' && strchr("._%+-", c) != NULL);
}

/* Behind the domain that begins at `at`, or `at`: there must be a dot and two letters after it. */
static size_t domain_end(harborai_str text, size_t at)
{
    size_t end = at, labels = 0, i = at;
    while (masker_is_word(masker_char(text, i))) {
        size_t label = i;
        while (masker_is_word(masker_char(text, i)) || masker_char(text, i) == '-')
            i++;
        if (labels++ > 0 && i - label >= 2 && masker_is_letter(text.data[label]))
            end = i;
        if (masker_char(text, i) != '.')
            break;
        i++;
    }
    return end;
}

static bool email_around(harborai_str text, size_t start, size_t at, struct masker_span *ret_span)
{
    size_t begin = at, end = domain_end(text, at + 1);
    while (begin > start && at - begin < MOST_LOCAL_PART && is_local_part(text.data[begin - 1]))
        begin--;
    if (begin == at || end == at + 1)
        return false;
    *ret_span = (struct masker_span){begin, end, MASKER_EMAIL};
    return true;
}

/* scheme://user:password@host */
static bool user_behind(harborai_str text, size_t at, struct masker_span *ret_span)
{
    size_t begin = text.len - at > 3 ? at + 3 : text.len, i = begin;
    bool has_password = false;
    if (masker_char(text, at + 1) != '/' || masker_char(text, at + 2) != '/' ||
        slice_starts_with(slice_from(text, begin), "[masked:"))
        return false;
    for (char c; (c = masker_char(text, i)) > ' ' && strchr("/?#\"'@", c) == NULL; i++)
        has_password |= c == ':';
    if (masker_char(text, i) != '@' || !has_password)
        return false;
    *ret_span = (struct masker_span){begin, i, MASKER_KEY};
    return true;
}

/* --- From left to right ------------------------------------------------------------------------ */

static bool span_at(harborai_str text, size_t start, size_t at, int depth,
                    struct masker_span *ret_span)
{
    char c = text.data[at];
    bool begins_word = at == start || !masker_is_word(text.data[at - 1]);
    if (c == '@')
        return email_around(text, start, at, ret_span);
    if (c == ':')
        return user_behind(text, at, ret_span);
    if (!begins_word)
        return false;
    if (masker_is_digit(c) || c == '+' || c == '(')
        if (masker_number_at(text, at, ret_span))
            return true;
    if ((masker_is_letter(c) || c == '-') && masker_key_at(text, at, ret_span))
        return true;
    if (masker_named_value_at(text, at, ret_span))
        return true;
    return depth < MASKER_DEPTH && masker_base64_at(text, at, depth, ret_span);
}

bool masker_find(harborai_str text, size_t start, int depth, struct masker_span *ret_span)
{
    for (size_t at = start; at < text.len; at++)
        if (span_at(text, start, at, depth, ret_span))
            return true;
    return false;
}

static bool is_asked(enum masker_kind kind, enum masker_what what)
{
    return ((kind == MASKER_KEY ? MASKER_KEYS : MASKER_PERSONS) & what) != 0;
}

static size_t write_view(struct buf *out, harborai_str source, const struct masker_view *view,
                         enum masker_what what)
{
    struct masker_span span;
    size_t count = 0, done = 0;
    for (size_t at = 0; masker_find(view->text, at, 0, &span); at = span.end) {
        if (!is_asked(span.kind, what))
            continue;
        size_t begin = view->from != NULL ? view->from[span.begin] : span.begin;
        size_t end = view->from != NULL ? view->from[span.end] : span.end;
        buf_add(out, (harborai_str){source.data + done, begin - done});
        buf_add(out, slice_of(words[span.kind]));
        done = end;
        count++;
    }
    buf_add(out, slice_from(source, done));
    return count;
}

size_t masker_write(struct buf *out, harborai_str text, enum masker_what what)
{
    struct masker_view view;
    if (text.len == 0)
        return 0;
    if (!masker_view_init(&view, text)) {
        buf_add(out, HARBORAI_STR("[masked:all]"));
        return 1;
    }
    size_t count = write_view(out, text, &view, what);
    masker_view_release(&view);
    return count;
}

bool masker_finds(harborai_str text, enum masker_what what)
{
    struct masker_view view;
    struct masker_span span;
    bool is_found = false;
    if (!masker_view_init(&view, text))
        return true;
    for (size_t at = 0; !is_found && masker_find(view.text, at, 0, &span); at = span.end)
        is_found = is_asked(span.kind, what);
    masker_view_release(&view);
    return is_found;
}

void masker_apply(char *text, size_t size, enum masker_what what)
{
    AUTO(buf) out = BUF_INIT(8 * size + KIB(1)); /* the shortest that is found has 4 letters */
    size_t len = strlen(text);
    if (masker_write(&out, (harborai_str){text, len}, what) == 0)
        return;
    harborai_str masked =
        out.failed == HARBORAI_OK ? buf_slice(&out) : HARBORAI_STR("[masked:all]");
    masked = slice_cut(masked, size - 1);
    memcpy(text, masked.data, masked.len);
    text[masked.len] = '\0';
}

void masker_apply_all(char *text, size_t size)
{
    masker_apply(text, size, MASKER_ALL);
}

/* --- JSON -------------------------------------------------------------------------------------- */

/* Behind the string that begins with the quote at `at`. */
static size_t string_end(harborai_str json, size_t at)
{
    for (at++; at < json.len && json.data[at] != '"'; at++)
        if (json.data[at] == '\\')
            at++;
    return at < json.len ? at + 1 : json.len;
}

static size_t number_end(harborai_str json, size_t at)
{
    while (at < json.len && (masker_is_word(json.data[at]) || strchr("+-.", json.data[at]) != NULL))
        at++;
    return at;
}

static size_t write_number(struct buf *out, harborai_str number, enum masker_what what)
{
    struct masker_span span;
    if (!masker_find(number, 0, MASKER_DEPTH, &span) || !is_asked(span.kind, what)) {
        buf_add(out, number);
        return 0;
    }
    buf_add_char(out, '"');
    buf_add(out, slice_of(words[span.kind]));
    buf_add_char(out, '"');
    return 1;
}

/* Whether the string before the value says that it is a password: {"password": "x"}. */
static bool is_named_secret(harborai_str name)
{
    char text[64];
    struct masker_span span;
    if (name.len < 3 || name.len > 40)
        return false;
    memcpy(text, name.data, name.len);
    memcpy(text + name.len, ":\"xxxxxxxx\"", 11);
    return masker_named_value_at((harborai_str){text, name.len + 11}, 1, &span);
}

size_t masker_write_json(struct buf *out, harborai_str json, enum masker_what what)
{
    harborai_str name = SLICE_NONE;
    size_t count = 0;
    if (json_scan(json, NULL, NULL, NULL) != HARBORAI_OK)
        return masker_write(out, json, what);
    for (size_t at = 0, end; at < json.len; at = end) {
        char c = json.data[at];
        end = at + 1;
        if (c == '"') {
            end = string_end(json, at);
            harborai_str inner = {json.data + at + 1, end - at - 2};
            bool is_secret = (what & MASKER_KEYS) != 0 && is_named_secret(name) && inner.len > 0;
            buf_add_char(out, '"');
            if (is_secret)
                buf_add(out, slice_of(words[MASKER_KEY]));
            count += is_secret ? 1 : masker_write(out, inner, what);
            buf_add_char(out, '"');
            name = (harborai_str){json.data + at, end - at};
        } else if (masker_is_digit(c) || c == '-') {
            end = number_end(json, at);
            count += write_number(out, (harborai_str){json.data + at, end - at}, what);
            name = SLICE_NONE;
        } else {
            buf_add_char(out, c);
            if (c == ',' || c == '{' || c == '[' || c == '}' || c == ']')
                name = SLICE_NONE;
        }
    }
    return count;
}
