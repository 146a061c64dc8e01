/* SPDX-License-Identifier: MIT */
/* Puts trace and cost into answers. Must never touch one whose client has not asked. */
#include "server/extras.h"

#include <stdlib.h>

#include "base/limits.h"
#include "json_edit.h"
#include "json_value.h"
#include "record/record.h"
#include "server/cost_json.h"
#include "wire/http_head.h"

#define NAMES_MAX KIB(2)

static const struct {
    const char *word;
    unsigned what;
} words[] = {{"trace", EXTRAS_TRACE}, {"cost", EXTRAS_COST}};

void extras_init(struct extras *extras)
{
    *extras = (struct extras){.what = 0};
    buf_init(&extras->names, NAMES_MAX);
}

void extras_release(struct extras *extras)
{
    buf_release(&extras->names);
}

/* ---- What is asked for ---------------------------------------------------------------------- */

void extras_read(struct extras *extras, const struct http_head *head)
{
    extras->is_asked = false;
    extras->what = 0;
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        if (!slice_equal_ignoring_case(field->name, HARBORAI_STR("x-harborai-include")))
            continue;
        extras->is_asked = true;
        for (size_t k = 0; k < ARRAY_LEN(words); k++)
            if (http_list_has(field->value, words[k].word))
                extras->what |= words[k].what;
    }
    if (extras->is_asked)
        buf_clear(&extras->names);
}

void extras_write_list(const struct extras *extras, struct buf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if ((extras->what & words[i].what) == 0)
            continue;
        buf_printf(out, "%s%s", separator, words[i].word);
        separator = ", ";
    }
    if (extras->what == 0)
        buf_add(out, HARBORAI_STR("none"));
}

/* ---- What is given -------------------------------------------------------------------------- */

/* The span is the attempt's, as the vendor was told it. */
static void write_trace(struct json_writer *w, const struct record *r)
{
    json_write_object(w);
    json_write_key_string(w, "hb_trace_id", slice_of(r->hb_id));
    json_write_key_string(w, "otel_trace_id", slice_of(r->trace_id));
    json_write_key_text_or_null(w, "span_id", slice_of(r->span_id));
    json_write_key_string(w, "trace_flags", slice_of(r->is_sampled ? "01" : "00"));
    json_write_end(w);
}

static void write_cost(struct json_writer *w, const struct record *r)
{
    const struct cost_json cost = {.is_known = r->is_cost_known,
                                   .input_pico = r->cost_input_pico,
                                   .output_pico = r->cost_output_pico,
                                   .total_pico = r->cost_pico,
                                   .currency = r->cost_currency,
                                   .source = r->cost_source,
                                   .date = r->cost_date,
                                   .reason = r->cost_reason};
    cost_json_write(w, &cost);
}

static const struct {
    const char *path;
    unsigned what;
    void (*write)(struct json_writer *w, const struct record *record);
} members[] = {{"/trace_context", EXTRAS_TRACE, write_trace}, {"/cost_info", EXTRAS_COST, write_cost}};

static void *alloc_edited(void *context UNUSED, size_t size)
{
    return malloc(size);
}

bool extras_add(const struct extras *extras, const struct record *record, harborai_str json,
                struct buf *out)
{
    AUTO(buf) values = BUF_INIT(KIB(16));
    harborai_edit edits[ARRAY_LEN(members)];
    size_t count = 0;
    if (extras->what == 0 || buf_reserve(&values, KIB(8)) == NULL) /* values must not move */
        return false;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct json_writer w = JSON_WRITER(&values);
        size_t begin = values.len;
        if ((extras->what & members[i].what) == 0)
            continue;
        members[i].write(&w, record);
        edits[count++] = (harborai_edit){slice_of(members[i].path),
                                         slice_from(buf_slice(&values), begin),
                                         HARBORAI_EDIT_JSON, 0};
    }
    struct json_edit_body body = {.text = json};
    struct json_pieces pieces;
    void *memory;
    if (values.failed < 0 || values.len > KIB(8))
        return false;
    harborai_status st =
        json_edit_apply(&body, edits, count, alloc_edited, NULL, &pieces, &memory, NULL);
    for (size_t i = 0; st == HARBORAI_OK && i < pieces.count; i++)
        buf_add(out, pieces.piece[i]);
    free(memory);
    return st == HARBORAI_OK && out->failed == HARBORAI_OK;
}

/* ---- Streams -------------------------------------------------------------------------------- */

static void note(struct extras *extras, harborai_str chunk, const char *name)
{
    harborai_str value = json_member(chunk, slice_of(name));
    if (value.len > 0)
        buf_printf(&extras->names, ",\"%s\":%.*s", name, SLICE_ARG(value));
}

/* The first one with an id has them all: some vendors begin with one that is about the prompt. */
void extras_note_chunk(struct extras *extras, harborai_str chunk)
{
    if (extras->what == 0 || extras->names.len > 0 ||
        json_member(chunk, HARBORAI_STR("id")).len <= strlen("\"\""))
        return;
    note(extras, chunk, "id");
    note(extras, chunk, "created");
    note(extras, chunk, "model");
}

void extras_write_chunk(const struct extras *extras, const struct record *record, struct buf *out)
{
    AUTO(buf) plain = BUF_INIT(NAMES_MAX + KIB(1));
    buf_add(&plain, HARBORAI_STR("{\"object\":\"chat.completion.chunk\""));
    buf_add(&plain, extras->names.failed < 0 ? SLICE_NONE : buf_slice(&extras->names));
    buf_add(&plain, HARBORAI_STR(",\"choices\":[]}"));
    if (plain.failed < 0 || !extras_add(extras, record, buf_slice(&plain), out))
        buf_clear(out);
}
