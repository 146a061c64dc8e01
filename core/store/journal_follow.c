/* SPDX-License-Identifier: MIT */
/* Reads forward, a block at a time. Invariant: what is held are bytes of the text from `start` on, and
 * what is taken of them are whole lines. A part of a line is never kept: it is read again, for the
 * recovery may cut it off and put something else there. */
#include "store/journal_follow.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/limits.h"
#include "json_scan.h"
#include "json_value.h"
#include "store/frames.h"
#include "store/line_check.h"
#include "store/segment_text.h"

#define BLOCK (KIB(64) + LIMIT_JOURNAL_CONTENT + 1)
#define FIRST_MOST KIB(4) /* of a segment's first line */

struct journal_follow {
    struct segment_text text;
    struct journal_position at;
    journal_follow_fault_fn *on_fault;
    void *context;
    char *bytes;          /* owned; BLOCK */
    size_t held, taken;   /* of `bytes`: how many there are, and how many of them lie before `at` */
    bool is_over;
    bool is_checked;      /* lines of it have a checksum: those without one are damaged */
    bool was_damaged;     /* the line before */
};

static harborai_status no_memory(harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
}

static harborai_status check_position(const struct journal_follow *f, harborai_error *error)
{
    uint64_t size;
    harborai_status st = segment_text_size(&f->text, &size, error);
    if (st == HARBORAI_OK && size < f->at.offset)
        st = harborai_error_set(error, HARBORAI_E_INVALID,
                                "segment '%s' ends at byte %llu, before the position %llu",
                                f->at.segment, (unsigned long long)size,
                                (unsigned long long)f->at.offset);
    return st;
}

harborai_status journal_follow_open(int directory, const struct journal_position *from,
                                    journal_follow_fault_fn *on_fault, void *context,
                                    struct journal_follow **ret_follow, harborai_error *error)
{
    struct journal_follow *f = calloc(1, sizeof *f);
    if (f == NULL)
        return no_memory(error);
    f->text.fd = -1;
    f->at = *from;
    f->on_fault = on_fault;
    f->context = context;
    f->bytes = malloc(BLOCK);
    harborai_status st = f->bytes != NULL ? HARBORAI_OK : no_memory(error);
    if (st == HARBORAI_OK)
        st = segment_text_open(&f->text, directory, slice_of(from->segment), error);
    if (st == HARBORAI_OK)
        st = check_position(f, error);
    if (st < 0) {
        journal_follow_close(f);
        return st;
    }
    *ret_follow = f;
    return HARBORAI_OK;
}

void journal_follow_close(struct journal_follow *f)
{
    if (f == NULL)
        return;
    segment_text_close(&f->text);
    free(f->bytes);
    free(f);
}

const struct journal_position *journal_follow_position(const struct journal_follow *f)
{
    return &f->at;
}

uint64_t journal_follow_size(const struct journal_follow *f)
{
    uint64_t size;
    return segment_text_size(&f->text, &size, NULL) == HARBORAI_OK ? size : f->at.offset;
}

/* --- Bytes ----------------------------------------------------------------------------------- */

/* E_INVALID: it is compressed, and damaged there; what is damaged behind that keeps nothing back. */
static harborai_status read_block(struct journal_follow *f, uint64_t at, harborai_error *error)
{
    f->held = f->taken = 0;
    harborai_status st = segment_text_read(&f->text, at, f->bytes, BLOCK, &f->held, error);
    if (st != HARBORAI_E_INVALID || !segment_text_is_compressed(&f->text))
        return st;
    uint64_t left = frames_after(f->text.frames, at) - at;
    return left < BLOCK ? segment_text_read(&f->text, at, f->bytes, (size_t)left, &f->held, error)
                        : st;
}

static void step_over(struct journal_follow *f, size_t len)
{
    f->taken += len;
    f->at.offset += len;
    f->at.seq++;
}

static void tell(const struct journal_follow *f, const char *reason)
{
    if (f->on_fault != NULL)
        f->on_fault(f->context, f->at.segment, f->at.offset, reason);
}

/* One that cannot be unpacked: the next one begins with a whole line. */
static void skip_frame(struct journal_follow *f)
{
    char reason[64];
    uint64_t after = frames_after(f->text.frames, f->at.offset);
    snprintf(reason, sizeof reason, "the %llu bytes from here on are damaged",
             (unsigned long long)(after - f->at.offset));
    tell(f, reason);
    f->was_damaged = true;
    f->at.offset = after;
}

/* A line that fills a block: behind it, if it has an end already. */
static enum journal_follow_step skip_long_line(struct journal_follow *f, harborai_error *error)
{
    uint64_t at = f->at.offset;
    for (;;) {
        const char *end = memchr(f->bytes, '\n', f->held);
        if (end != NULL) {
            at += (uint64_t)(end - f->bytes) + 1;
            break;
        }
        bool is_last = f->held < BLOCK;
        at += f->held;
        f->held = 0;
        if (is_last)
            return JOURNAL_FOLLOW_WAIT;
        if (read_block(f, at, error) < 0)
            return JOURNAL_FOLLOW_FAILED;
    }
    tell(f, "it is too long");
    f->was_damaged = true;
    f->held = f->taken = 0;
    f->at.offset = at;
    f->at.seq++;
    return JOURNAL_FOLLOW_LINE;
}

/* The next whole line, taken from what is held, or read; without data: something was left out. */
static enum journal_follow_step find_line(struct journal_follow *f, harborai_str *ret_text,
                                          harborai_error *error)
{
    const char *end = memchr(f->bytes + f->taken, '\n', f->held - f->taken);
    *ret_text = SLICE_NONE;
    if (end == NULL) {
        harborai_status st = read_block(f, f->at.offset, error);
        if (st == HARBORAI_E_INVALID) {
            skip_frame(f);
            return JOURNAL_FOLLOW_LINE;
        }
        if (st < 0)
            return JOURNAL_FOLLOW_FAILED;
        end = memchr(f->bytes, '\n', f->held);
    }
    if (end == NULL && f->held < BLOCK)
        return JOURNAL_FOLLOW_WAIT;
    if (end == NULL)
        return skip_long_line(f, error);
    const char *begin = f->bytes + f->taken;
    *ret_text = (harborai_str){begin, (size_t)(end - begin)};
    return JOURNAL_FOLLOW_LINE;
}

/* --- Lines ----------------------------------------------------------------------------------- */

static enum journal_line_kind kind_of(harborai_str type)
{
    static const struct {
        const char *type;
        enum journal_line_kind kind;
    } kinds[] = {{"begin", JOURNAL_LINE_BEGIN}, {"end", JOURNAL_LINE_END},
                 {"amend", JOURNAL_LINE_AMEND}, {"content", JOURNAL_LINE_CONTENT},
                 {"seal", JOURNAL_LINE_SEAL},   {"segment", JOURNAL_LINE_SEGMENT}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (slice_is(type, kinds[i].type))
            return kinds[i].kind;
    return JOURNAL_LINE_OTHER;
}

/* Whether the lines of this segment have checksums. Its first line shows it, wherever we began. */
static bool is_checked(struct journal_follow *f)
{
    uint64_t seq;
    size_t got;
    if (f->is_checked || f->at.offset == 0)
        return f->is_checked;
    char first[FIRST_MOST];
    if (segment_text_read(&f->text, 0, first, sizeof first, &got, NULL) < 0)
        return false;
    const char *end = memchr(first, '\n', got);
    f->is_checked = end != NULL && line_verify((harborai_str){first, (size_t)(end - first)}, &seq) ==
                                       LINE_WHOLE;
    return f->is_checked;
}

/* NULL: its bytes are as they were written, or it has no checksum, as those of older versions. */
static const char *check_line(struct journal_follow *f, struct journal_line *line)
{
    enum line_check check = line_verify(line->text, &line->seq);
    if (check == LINE_DAMAGED)
        return "its checksum does not hold";
    if (check == LINE_UNCHECKED && is_checked(f))
        return "it lacks its checksum";
    line->is_checked = check == LINE_WHOLE;
    f->is_checked = f->is_checked || line->is_checked;
    return NULL;
}

/* NULL: it is a line of the journal. Else what is wrong with it. */
static const char *read_line(struct journal_follow *f, struct journal_line *line)
{
    struct json_fault fault = {0};
    harborai_str type = SLICE_NONE;
    if (line->text.len >= LIMIT_JOURNAL_CONTENT)
        return "it is too long";
    const char *reason = check_line(f, line);
    if (reason != NULL)
        return reason;
    if (!line->is_checked && json_scan(line->text, NULL, NULL, &fault) < 0)
        return fault.reason; /* what has a checksum was JSON when it got it */
    (void)json_string_plain(json_member(line->text, HARBORAI_STR("type")), &type);
    if (type.len == 0)
        return "it has no 'type'";
    line->kind = kind_of(type);
    return NULL;
}

/* One that is damaged may have become two, or two one: then only more than that are missing. */
static void check_number(struct journal_follow *f, const struct journal_line *line)
{
    char reason[96];
    if (line->seq == f->at.seq + 1)
        snprintf(reason, sizeof reason, "the line before it is missing");
    else if (line->seq > f->at.seq)
        snprintf(reason, sizeof reason, "%llu lines before it are missing",
                 (unsigned long long)(line->seq - f->at.seq));
    else if (line->seq < f->at.seq && !f->was_damaged)
        snprintf(reason, sizeof reason, "it is line %llu, where %llu is due",
                 (unsigned long long)line->seq, (unsigned long long)f->at.seq);
    else
        return;
    tell(f, reason);
}

/* Takes a line: whether it is to be given out. */
static bool take_line(struct journal_follow *f, harborai_str text, struct journal_line *ret_line)
{
    struct journal_line line = {.text = text, .offset = f->at.offset, .seq = f->at.seq};
    const char *reason = read_line(f, &line);
    if (reason != NULL)
        tell(f, reason);
    else if (line.is_checked)
        check_number(f, &line);
    f->was_damaged = reason != NULL;
    f->at.seq = reason == NULL ? line.seq : f->at.seq;
    step_over(f, text.len + 1);
    if (reason != NULL)
        return false;
    f->is_over = line.kind == JOURNAL_LINE_SEAL;
    *ret_line = line;
    return true;
}

enum journal_follow_step journal_follow_next(struct journal_follow *f,
                                             struct journal_line *ret_line, harborai_error *error)
{
    for (;;) {
        harborai_str text;
        enum journal_follow_step step = find_line(f, &text, error);
        if (step == JOURNAL_FOLLOW_WAIT && f->is_over)
            return JOURNAL_FOLLOW_OVER;
        if (step != JOURNAL_FOLLOW_LINE)
            return step;
        if (text.data != NULL && take_line(f, text, ret_line))
            return JOURNAL_FOLLOW_LINE;
    }
}
