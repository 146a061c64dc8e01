/* SPDX-License-Identifier: MIT */
/* harborai logs --validate-trace-id. */
#include "cli/log_id.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "wire/json_write.h"

enum kind { KIND_OTHER, KIND_HB, KIND_COMPLETION, KIND_TRACE, KIND_KEY };

static const struct {
    const char *name, *words;
} kinds[] = {[KIND_OTHER] = {"other", "no id of HarborAI's, though a client's request id may be anything"},
             [KIND_HB] = {"hb_trace_id", "an id of HarborAI's"},
             [KIND_COMPLETION] = {"completion_id", "a completion's id of HarborAI's"},
             [KIND_TRACE] = {"otel_trace_id", "a trace id"},
             [KIND_KEY] = {"record_key", "a record's key"}};

static bool is_zero(harborai_str text)
{
    return text.len == 32 && strncmp(text.data, "00000000000000000000000000000000", 32) == 0;
}

/* 8-4-4-4-12 */
static bool is_uuid(harborai_str id)
{
    static const unsigned char lengths[] = {8, 4, 4, 4, 12};
    for (size_t i = 0; i < sizeof lengths; i++) {
        if (id.len < lengths[i] || !slice_is_hex(slice_cut(id, lengths[i])))
            return false;
        id = slice_from(id, lengths[i]);
        if (i + 1 < sizeof lengths) {
            if (id.len == 0 || id.data[0] != '-')
                return false;
            id = slice_from(id, 1);
        }
    }
    return id.len == 0;
}

/* hb_<ms>_<8 digits> */
static bool is_hb(harborai_str id, int64_t *ret_ms)
{
    harborai_str head, tail;
    return query_id_time(id, ret_ms) && slice_split(slice_from(id, 3), '_', &head, &tail) &&
           tail.len == 8 && slice_is_hex(tail);
}

static enum kind kind_of(harborai_str id, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (is_hb(id, ret_ms))
        return KIND_HB;
    if (is_hb(query_bare_id(id), ret_ms))
        return KIND_COMPLETION;
    if (id.len == 32 && slice_is_hex(id) && !is_zero(id))
        return KIND_TRACE;
    return is_uuid(id) ? KIND_KEY : KIND_OTHER;
}

static bool count_call(void *context, const struct call *call UNUSED)
{
    ++*(uint64_t *)context;
    return true;
}

static void print_json(harborai_str id, enum kind kind, int64_t ms, uint64_t count)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    char time[25];
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_string(&w, "id", id);
    json_write_key(&w, HARBORAI_STR("valid"));
    json_write_bool(&w, kind != KIND_OTHER);
    json_write_key_string(&w, "kind", slice_of(kinds[kind].name));
    if (ms > 0) {
        clock_format_utc(ms * NS_PER_MS, time);
        json_write_key_string(&w, "time", slice_of(time));
    }
    json_write_key_int64(&w, "calls", (int64_t)count);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
}

enum exit_code log_id_validate(struct log_source *source, harborai_str id, bool as_json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct log_query query;
    int64_t ms;
    uint64_t count = 0;
    char time[25];
    enum kind kind = kind_of(id, &ms);
    query_init(&query);
    query.id = id;
    if (log_source_find(source, &query, count_call, &count, &error) < 0)
        return command_fail(&error);
    if (as_json) {
        print_json(id, kind, ms, count);
    } else {
        clock_format_utc(ms * NS_PER_MS, time);
        printf("%.*s: %s%s%s; %llu call%s it\n", SLICE_ARG(id), kinds[kind].words,
               ms > 0 ? ", made " : "", ms > 0 ? time : "", (unsigned long long)count,
               count == 1 ? " has" : "s have");
    }
    enum exit_code code = command_finish();
    return code == EXIT_OK && kind == KIND_OTHER ? EXIT_FAILED : code;
}
