/* SPDX-License-Identifier: MIT */
/* Formats that are text: JSON, JSONL and CSV. Must never let a cell of a stranger be taken for a
 * formula. */
#include "cli/export.h"

#include "base/error.h"
#include "base/limits.h"
#include "wire/json_write.h"

#define BLOCK KIB(64)

/* --- JSON ---------------------------------------------------------------------------------------- */

static void write_json_value(struct json_writer *w, const struct export_value *value,
                             struct buf *text)
{
    if (!value->is_known) {
        json_write_null(w);
        return;
    }
    switch (value->kind) {
    case EXPORT_JSON:
        json_write_raw(w, value->text);
        break;
    case EXPORT_NUMBER:
        json_write_scaled(w, value->number, value->scale);
        break;
    case EXPORT_FLAG:
        json_write_bool(w, value->number != 0);
        break;
    case EXPORT_TEXT:
    case EXPORT_MONEY: /* in a string: readers of JSON make doubles of numbers */
    case EXPORT_TIME:
        buf_clear(text);
        export_value_write(value, text);
        json_write_string(w, buf_slice(text));
        break;
    }
}

static void write_object(struct export *e, const struct call *call)
{
    AUTO(buf) text = BUF_INIT(MIB(1));
    struct json_writer w = JSON_WRITER(&e->out);
    json_write_object(&w);
    for (size_t i = 0; i < export_value_count(); i++) {
        struct export_value value = export_value_of(i, call, &e->scratch);
        json_write_key(&w, slice_of(export_value_name(i)));
        write_json_value(&w, &value, &text);
    }
    json_write_end(&w);
}

static harborai_status begin_json(struct export *e, harborai_error *error UNUSED)
{
    buf_add(&e->out, HARBORAI_STR("["));
    return HARBORAI_OK;
}

static harborai_status add_json(struct export *e, const struct call *call,
                                harborai_error *error UNUSED)
{
    buf_add(&e->out, e->count > 0 ? HARBORAI_STR(",\n") : HARBORAI_STR("\n"));
    write_object(e, call);
    return HARBORAI_OK;
}

static harborai_status end_json(struct export *e, harborai_error *error UNUSED)
{
    buf_add(&e->out, HARBORAI_STR("\n]\n"));
    return HARBORAI_OK;
}

const struct export_format export_json = {
    .name = "json", .begin = begin_json, .add = add_json, .end = end_json};

static harborai_status begin_nothing(struct export *e UNUSED, harborai_error *error UNUSED)
{
    return HARBORAI_OK;
}

static harborai_status add_jsonl(struct export *e, const struct call *call,
                                 harborai_error *error UNUSED)
{
    write_object(e, call);
    buf_add_char(&e->out, '\n');
    return HARBORAI_OK;
}

const struct export_format export_jsonl = {
    .name = "jsonl", .begin = begin_nothing, .add = add_jsonl, .end = begin_nothing};

/* --- CSV: RFC 4180 ------------------------------------------------------------------------------- */

static harborai_str skip_one(harborai_str text, const char *const *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_starts_with(text, kinds[i]))
            return slice_from(text, strlen(kinds[i]));
    return text;
}

/* Whether a spreadsheet might take the text for a formula: also behind blanks of any width, which some
 * take away, and with the full-width signs, which some take for the narrow ones. */
static bool is_formula(harborai_str text)
{
    static const char *const blanks[] = {" ", "\t", "\r", "\n", "\v", "\f", "\xc2\xa0",
                                         "\xe3\x80\x80", "\xe2\x80\x8b", "\xef\xbb\xbf"};
    static const char *const signs[] = {"=", "+", "-", "@", "|", "\xef\xbc\x9d", "\xef\xbc\x8b",
                                        "\xef\xbc\x8d", "\xef\xbc\xa0", "\xe2\x88\x92"};
    static const char *const firsts[] = {"\t", "\r", "\n"};
    if (skip_one(text, firsts, ARRAY_LEN(firsts)).len < text.len)
        return true;
    for (size_t len = text.len + 1; text.len < len;) {
        len = text.len;
        text = skip_one(text, blanks, ARRAY_LEN(blanks));
    }
    return skip_one(text, signs, ARRAY_LEN(signs)).len < text.len;
}

static bool needs_quotes(harborai_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '"' || text.data[i] == ',' || text.data[i] == '\n' ||
            text.data[i] == '\r')
            return true;
    return text.len > 0 && (text.data[0] == ' ' || text.data[text.len - 1] == ' ');
}

static void write_cell_text(struct buf *out, harborai_str text)
{
    bool is_escaped = is_formula(text);
    if (!needs_quotes(text)) {
        buf_add(out, is_escaped ? HARBORAI_STR("'") : SLICE_NONE);
        buf_add(out, text);
        return;
    }
    buf_add(out, is_escaped ? HARBORAI_STR("\"'") : HARBORAI_STR("\""));
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            buf_add_char(out, '"');
        buf_add_char(out, text.data[i]);
    }
    buf_add_char(out, '"');
}

static harborai_status begin_csv(struct export *e, harborai_error *error UNUSED)
{
    if (e->has_mark)
        buf_add(&e->out, HARBORAI_STR("\xef\xbb\xbf"));
    for (size_t i = 0; i < export_value_count(); i++) {
        if (i > 0)
            buf_add_char(&e->out, ',');
        buf_add(&e->out, slice_of(export_value_name(i)));
    }
    buf_add(&e->out, HARBORAI_STR("\r\n"));
    return HARBORAI_OK;
}

static harborai_status add_csv(struct export *e, const struct call *call,
                               harborai_error *error UNUSED)
{
    for (size_t i = 0; i < export_value_count(); i++) {
        struct export_value value = export_value_of(i, call, &e->scratch);
        if (i > 0)
            buf_add_char(&e->out, ',');
        if (value.kind == EXPORT_TEXT || value.kind == EXPORT_JSON)
            write_cell_text(&e->out, value.text);
        else
            export_value_write(&value, &e->out);
    }
    buf_add(&e->out, HARBORAI_STR("\r\n"));
    return HARBORAI_OK;
}

const struct export_format export_csv = {
    .name = "csv", .begin = begin_csv, .add = add_csv, .end = begin_nothing};

/* --- All ----------------------------------------------------------------------------------------- */

static const struct export_format *const formats[] = {&export_json, &export_jsonl, &export_csv,
                                                      &export_xlsx};

const struct export_format *export_format_find(harborai_str name)
{
    if (slice_is(name, "excel"))
        return &export_xlsx;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (slice_equal_ignoring_case(name, slice_of(formats[i]->name)))
            return formats[i];
    return NULL;
}

harborai_str export_file_ending(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *file = slash != NULL ? slash + 1 : path;
    const char *point = file != NULL ? strrchr(file, '.') : NULL;
    return point != NULL && point > file ? slice_of(point + 1) : SLICE_NONE; /* ".hidden" has none */
}

static harborai_status flush(struct export *e, harborai_error *error)
{
    harborai_status st = buf_status(&e->out, error);
    if (st == HARBORAI_OK)
        st = output_file_write(e->file, buf_slice(&e->out), error);
    buf_clear(&e->out);
    return st;
}

harborai_status export_begin(struct export *e, const struct export_format *format,
                             struct output_file *file, harborai_error *error)
{
    e->format = format;
    e->file = file;
    buf_init(&e->out, MIB(2));
    buf_init(&e->scratch, MIB(1));
    return format->begin(e, error);
}

harborai_status export_add(struct export *e, const struct call *call, harborai_error *error)
{
    harborai_status st = e->format->add(e, call, error);
    e->count++;
    return st == HARBORAI_OK && e->out.len >= BLOCK ? flush(e, error) : st;
}

harborai_status export_end(struct export *e, harborai_error *error)
{
    harborai_status st = e->format->end(e, error);
    return st == HARBORAI_OK ? flush(e, error) : st;
}

void export_release(struct export *e)
{
    if (e->format != NULL && e->format->release != NULL)
        e->format->release(e);
    buf_release(&e->out);
    buf_release(&e->scratch);
}
