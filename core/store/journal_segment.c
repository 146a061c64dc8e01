/* SPDX-License-Identifier: MIT */
/* Backwards a call's lines come as amend, end, begin (one for each attempt, the last one first). The
 * first of end and begin is the call; what follows with its key belongs to it. Must never hold more
 * than a line or two: a segment may be of any length. */
#include "store/journal_segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/limits.h"
#include "json_scan.h"
#include "json_value.h"
#include "store/journal_list.h"
#include "store/line_check.h"

#define MOST_MEMBERS 128
#define MOST_KEYS MIB(64)
#define MOST_AMENDMENTS 4096 /* whose end lines have not come: there are none such in a good file */
#define MOST_FAULTS 3        /* that are named one by one */

struct amendment {
    uint64_t key, at;
    size_t len;
};

/* --- What is wrong --------------------------------------------------------------------------- */

PRINTF(2, 3) static void say(struct journal_segment *s, const char *format, ...)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    char reason[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    buf_printf(&text, "%s.jsonl%s: %s", s->name,
               segment_text_is_compressed(&s->text) ? ".zst" : "", reason);
    buf_add_char(&text, '\0');
    if (text.failed == HARBORAI_OK && s->on_fault != NULL)
        s->on_fault(s->context, text.data);
}

static void fault_at(struct journal_segment *s, uint64_t at, const char *reason)
{
    if (s->faults++ < MOST_FAULTS)
        say(s, "left out what stands at byte %llu: %s", (unsigned long long)at, reason);
}

/* --- Keys that were seen --------------------------------------------------------------------- */

/* A key's place, or the free place where it would stand; 0 is free. The table has free places. */
static uint64_t *key_place(const struct buf *keys, uint64_t key)
{
    uint64_t *table = (uint64_t *)(void *)keys->data;
    size_t count = keys->len / sizeof *table, at = key & (count - 1);
    while (table[at] != 0 && table[at] != key)
        at = (at + 1) & (count - 1);
    return &table[at];
}

static bool grow_keys(struct journal_segment *s)
{
    size_t count = s->keys.len / sizeof(uint64_t), grown = count > 0 ? 2 * count : 64;
    struct buf larger = BUF_INIT(MOST_KEYS);
    char *room = buf_reserve(&larger, grown * sizeof(uint64_t));
    if (room == NULL) {
        buf_release(&larger);
        return false;
    }
    memset(room, 0, grown * sizeof(uint64_t));
    buf_commit(&larger, grown * sizeof(uint64_t));
    const uint64_t *old = (const uint64_t *)(const void *)s->keys.data;
    for (size_t i = 0; i < count; i++)
        if (old[i] != 0)
            *key_place(&larger, old[i]) = old[i];
    buf_release(&s->keys);
    s->keys = larger;
    return true;
}

/* Remembers a key; false: it was there. Without memory for it nothing is joined any more. */
static bool add_key(struct journal_segment *s, uint64_t key)
{
    if (2 * (s->key_count + 1) * sizeof key > s->keys.len && !grow_keys(s))
        return true;
    uint64_t *place = key_place(&s->keys, key);
    if (*place == key)
        return false;
    *place = key;
    s->key_count++;
    return true;
}

/* --- Amend lines ----------------------------------------------------------------------------- */

static void remember_amendment(struct journal_segment *s, uint64_t key, uint64_t at, size_t len)
{
    struct amendment amendment = {key, at, len};
    if (s->amendments.len >= MOST_AMENDMENTS * sizeof amendment)
        buf_consume(&s->amendments, sizeof amendment);
    buf_add(&s->amendments, (harborai_str){(const char *)&amendment, sizeof amendment});
}

/* The amend line of a key, read again where it stands; empty if it has none. */
static harborai_str find_amendment(struct journal_segment *s, uint64_t key)
{
    const struct amendment *a = (const struct amendment *)(const void *)s->amendments.data;
    size_t count = s->amendments.len / sizeof *a;
    for (size_t i = 0; i < count; i++) {
        if (a[i].key != key)
            continue;
        buf_clear(&s->amend);
        char *room = buf_reserve(&s->amend, a[i].len);
        size_t got;
        if (room == NULL ||
            segment_text_read(&s->text, a[i].at, room, a[i].len, &got, NULL) < 0 ||
            got < a[i].len)
            return SLICE_NONE;
        buf_commit(&s->amend, a[i].len);
        harborai_str line = buf_slice(&s->amend);
        return json_scan(line, NULL, NULL, NULL) == HARBORAI_OK ? line : SLICE_NONE;
    }
    return SLICE_NONE;
}

/* --- Lines ----------------------------------------------------------------------------------- */

struct line {
    harborai_str text, type;
    uint64_t key;   /* hash of its key; never 0 */
    int64_t at_ns;
};

/* Others are of the segment, or of a HarborAI to come. */
static bool is_of_call(harborai_str type)
{
    return slice_is(type, "begin") || slice_is(type, "end") || slice_is(type, "amend");
}

/* NULL: it is a line of the journal, *ret_line says which. Else what is wrong with it. */
static const char *read_line(harborai_str text, struct line *ret_line)
{
    struct json_member members[MOST_MEMBERS];
    struct json_fault fault = {0};
    harborai_str type = SLICE_NONE, key = SLICE_NONE;
    size_t count;
    uint64_t seq;
    if (line_verify(text, &seq) == LINE_DAMAGED)
        return "its check sum does not hold";
    if (json_scan_object(text, NULL, members, MOST_MEMBERS, &count, &fault) < 0)
        return fault.reason != NULL ? fault.reason : "too many members";
    *ret_line = (struct line){.text = text};
    for (size_t i = 0; i < count; i++) {
        const struct json_member *m = &members[i];
        if (slice_is(m->key, "type"))
            (void)json_string_plain(m->value, &type);
        else if (slice_is(m->key, "key"))
            (void)json_string_plain(m->value, &key);
        else if (slice_is(m->key, "begin_ns") && ret_line->at_ns == 0)
            (void)json_int64(m->value, &ret_line->at_ns);
        else if (slice_is(m->key, "end_ns"))
            (void)json_int64(m->value, &ret_line->at_ns);
    }
    if (type.len == 0 || (key.len == 0 && is_of_call(type)))
        return "no 'type' or no 'key'";
    ret_line->type = type;
    ret_line->key = hash_slice(key, 1) | 1;
    return NULL;
}

/* Whether the line is the first that is seen of a call. */
static bool take_line(struct journal_segment *s, const struct line *line, uint64_t at)
{
    bool is_end = slice_is(line->type, "end");
    if (slice_is(line->type, "amend")) {
        remember_amendment(s, line->key, at, line->text.len);
        return false;
    }
    if ((!is_end && !slice_is(line->type, "begin")) || !add_key(s, line->key))
        return false;
    s->call = (struct journal_call){
        .state = is_end      ? JOURNAL_CALL_ENDED
                 : s->is_live ? JOURNAL_CALL_UNDER_WAY
                              : JOURNAL_CALL_LOST,
        .at_ns = line->at_ns,
        .line = line->text,
        .amend = is_end ? find_amendment(s, line->key) : SLICE_NONE,
        .segment = slice_of(s->name),
        .offset = at};
    return true;
}

void journal_segment_advance(struct journal_segment *s)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    enum tail_step step = TAIL_END;
    harborai_str text;
    uint64_t at;
    s->has_call = false;
    while (s->text.fd >= 0 && (step = tail_previous(&s->tail, &text, &at, &error)) == TAIL_LINE) {
        struct line line;
        const char *reason = text.len > 0 ? read_line(text, &line) : NULL;
        if (reason != NULL)
            fault_at(s, at, reason);
        else if (text.len > 0 && take_line(s, &line, at)) {
            s->has_call = true;
            return;
        }
    }
    if (step == TAIL_FAILED)
        say(s, "%s", error.message);
    if (s->tail.long_lines > 0)
        say(s, "left out %llu %s too long", (unsigned long long)s->tail.long_lines,
            s->tail.long_lines == 1 ? "line that is" : "lines that are");
    if (s->faults > MOST_FAULTS)
        say(s, "left out %u more", s->faults - MOST_FAULTS);
    journal_segment_close(s);
}

/* --- Files ----------------------------------------------------------------------------------- */

/* First whether somebody writes, then how long it is: a process that ended in between has its end
 * lines in it. */
static harborai_status open_tail(struct journal_segment *s, harborai_error *error)
{
    uint64_t size;
    s->is_live = !segment_text_is_compressed(&s->text) && journal_file_is_live(s->text.fd);
    harborai_status st = segment_text_size(&s->text, &size, error);
    return st < 0 ? st : tail_open(&s->tail, &s->text, size, error);
}

void journal_segment_open(struct journal_segment *s, int directory)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    buf_init(&s->amend, LIMIT_JOURNAL_LINE + 1);
    buf_init(&s->keys, MOST_KEYS);
    buf_init(&s->amendments, (MOST_AMENDMENTS + 1) * sizeof(struct amendment));
    harborai_status st = segment_text_open(&s->text, directory, slice_of(s->name), &error);
    if (st == HARBORAI_E_NOT_FOUND) /* its process ended and had written nothing, or its time is over */
        return;
    if (st == HARBORAI_OK)
        st = open_tail(s, &error);
    if (st < 0) {
        say(s, "%s", error.message);
        journal_segment_close(s);
        return;
    }
    if (s->tail.torn > 0 && !s->is_live)
        say(s, "left out its last line, which is torn (%llu bytes)",
            (unsigned long long)s->tail.torn);
    journal_segment_advance(s);
}

void journal_segment_close(struct journal_segment *s)
{
    tail_close(&s->tail);
    buf_release(&s->amend);
    buf_release(&s->keys);
    buf_release(&s->amendments);
    segment_text_close(&s->text);
    s->has_call = false;
}
