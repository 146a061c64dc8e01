/* SPDX-License-Identifier: MIT */
#include "store/journal_follow.h"

#include <fcntl.h>
#include <unistd.h>

#include "../unit.h"
#include "base/buf.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/line_check.h"

extern const CU_TestInfo journal_follow_tests[];

#define LINE(type, key) "{\"type\":\"" type "\",\"key\":\"" key "\"}\n"

static void add_fault(void *context, const char *segment, uint64_t offset, const char *reason)
{
    buf_printf(context, "%s %llu %s|", segment, (unsigned long long)offset, reason);
}

static struct journal_follow *open_at(int directory, const struct journal_position *at,
                                      struct buf *faults)
{
    struct journal_follow *follow;
    CU_ASSERT_FATAL(journal_follow_open(directory, at, add_fault, faults, &follow, NULL) ==
                    HARBORAI_OK);
    return follow;
}

/* Each line as "seq kind key;", and what the last step was. */
static void read_all(struct journal_follow *follow, struct buf *lines)
{
    static const char *const kinds[] = {"other", "segment", "begin", "end", "amend", "content",
                                        "seal"};
    static const char *const steps[] = {"line", "wait", "over", "failed"};
    enum journal_follow_step step;
    struct journal_line line;
    while ((step = journal_follow_next(follow, &line, NULL)) == JOURNAL_FOLLOW_LINE) {
        const char *key = memmem(line.text.data, line.text.len, "\"key\":\"", 7);
        buf_printf(lines, "%llu %s %.1s;", (unsigned long long)line.seq, kinds[line.kind],
                   key != NULL ? key + 7 : "-");
    }
    buf_printf(lines, "%s", steps[step]);
}

static void test_lines(void)
{
    static const struct row {
        const char *name, *text, *lines, *faults;
    } rows[] = {
        {"nothing", "", "wait", ""},
        {"every kind",
         LINE("segment", "-") LINE("begin", "a") LINE("content", "a") LINE("end", "a")
             LINE("amend", "a") LINE("news", "b") LINE("seal", "-"),
         "0 segment -;1 begin a;2 content a;3 end a;4 amend a;5 other b;6 seal -;over", ""},
        {"torn", LINE("begin", "a") "{\"type\":\"end\"", "0 begin a;wait", ""},
        {"broken", LINE("begin", "a") "nonsense\n" LINE("end", "a"), "0 begin a;2 end a;wait",
         "s 27 unexpected character|"},
        {"empty", "\n" LINE("end", "a"), "1 end a;wait", "s 0 unexpected end|"},
        {"no type", "{\"key\":\"a\"}\n[1]\n{\"type\":1}\n", "wait",
         "s 0 it has no 'type'|s 12 it has no 'type'|s 16 it has no 'type'|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct journal_position start = {.segment = "s"};
        AUTO(buf) lines = BUF_INIT(KIB(64));
        AUTO(buf) faults = BUF_INIT(KIB(64));
        scratch_init(&s);
        int directory = scratch_journal(&s);
        scratch_write(&s, "s.jsonl", slice_of(rows[i].text));
        struct journal_follow *follow = open_at(directory, &start, &faults);
        read_all(follow, &lines);
        ROW(rows[i].name, slice_is(buf_slice(&lines), rows[i].lines));
        ROW(rows[i].name, slice_is(buf_slice(&faults), rows[i].faults));
        journal_follow_close(follow);
        close(directory);
        scratch_release(&s);
    }
}

/* Lines with their checks: 'x' one that is damaged, '-' one that is not there, 'o' of before. */
static void add_checked(struct buf *text, const char *plan)
{
    for (uint64_t seq = 0; plan[seq] != '\0'; seq++) {
        AUTO(buf) line = BUF_INIT(KIB(1));
        line_seal(&line, HARBORAI_STR("{\"type\":\"begin\",\"key\":\"a\"}"),
                  plan[seq] == 'o' ? seq - 1 : seq);
        if (plan[seq] == 'x')
            line.data[2] = 'T';
        if (plan[seq] == 'c')
            line.len -= 20;
        if (plan[seq] == '\n')
            line.data[20] = '\n';
        if (plan[seq] != '-')
            buf_add(text, buf_slice(&line));
        if (plan[seq] != '-' && plan[seq] != 'm')
            buf_add_char(text, '\n');
    }
}

static void test_checks(void)
{
    static const struct row {
        const char *name, *plan, *lines, *faults;
    } rows[] = {
        {"whole", "www", "0 begin a;1 begin a;2 begin a;wait", ""},
        {"damaged", "wxw", "0 begin a;2 begin a;wait", "s 52 its checksum does not hold|"},
        {"lost its end", "wcw", "0 begin a;2 begin a;wait", "s 52 it lacks its checksum|"},
        {"missing", "w--w", "0 begin a;3 begin a;wait", "s 52 2 lines before it are missing|"},
        {"twice", "wwow", "0 begin a;1 begin a;1 begin a;3 begin a;wait",
         "s 104 it is line 1, where 2 is due|s 156 the line before it is missing|"},
        {"two of one", "w\nw", "0 begin a;2 begin a;wait",
         "s 52 it lacks its checksum|s 73 its checksum does not hold|"},
        {"one of two", "wmww", "0 begin a;3 begin a;wait",
         "s 52 its checksum does not hold|s 155 the line before it is missing|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        struct journal_position start = {.segment = "s"};
        AUTO(buf) text = BUF_INIT(KIB(64));
        AUTO(buf) lines = BUF_INIT(KIB(64));
        AUTO(buf) faults = BUF_INIT(KIB(64));
        scratch_init(&s);
        int directory = scratch_journal(&s);
        add_checked(&text, rows[i].plan);
        scratch_write(&s, "s.jsonl", buf_slice(&text));
        struct journal_follow *follow = open_at(directory, &start, &faults);
        read_all(follow, &lines);
        ROW(rows[i].name, slice_is(buf_slice(&lines), rows[i].lines));
        ROW(rows[i].name, slice_is(buf_slice(&faults), rows[i].faults));
        journal_follow_close(follow);
        close(directory);
        scratch_release(&s);
    }
}

/* From a position on: what lacks its check is damaged, for the first line of the segment has one. */
static void test_check_from_a_position(void)
{
    struct scratch s;
    struct journal_position at = {.segment = "s", .offset = 52, .seq = 1};
    AUTO(buf) text = BUF_INIT(KIB(64));
    AUTO(buf) lines = BUF_INIT(KIB(64));
    AUTO(buf) faults = BUF_INIT(KIB(64));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    add_checked(&text, "w");
    buf_add(&text, HARBORAI_STR(LINE("end", "a")));
    scratch_write(&s, "s.jsonl", buf_slice(&text));
    struct journal_follow *follow = open_at(directory, &at, &faults);
    read_all(follow, &lines);
    CU_ASSERT(slice_is(buf_slice(&lines), "wait"));
    CU_ASSERT(slice_is(buf_slice(&faults), "s 52 it lacks its checksum|"));
    journal_follow_close(follow);
    close(directory);
    scratch_release(&s);
}

static void expect(struct journal_follow *follow, const char *lines)
{
    AUTO(buf) got = BUF_INIT(KIB(64));
    read_all(follow, &got);
    ROW(lines, slice_is(buf_slice(&got), lines));
}

static void test_growing(void)
{
    struct scratch s;
    struct journal_position start = {.segment = "s"};
    AUTO(buf) faults = BUF_INIT(KIB(64));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "s.jsonl", HARBORAI_STR(LINE("begin", "a") "{\"type\":\"e"));
    struct journal_follow *follow = open_at(directory, &start, &faults);
    expect(follow, "0 begin a;wait");
    expect(follow, "wait");
    CU_ASSERT(journal_follow_position(follow)->offset == 27 && journal_follow_size(follow) == 37);
    scratch_append(&s, "s.jsonl", HARBORAI_STR("nd\",\"key\":\"a\"}\n" LINE("begin", "b")));
    expect(follow, "1 end a;2 begin b;wait");
    scratch_append(&s, "s.jsonl", HARBORAI_STR("{\"type\":\"torn by a kill"));
    expect(follow, "wait");
    scratch_write(&s, "s.jsonl", /* as the recovery leaves it */
                  HARBORAI_STR(LINE("begin", "a") LINE("end", "a") LINE("begin", "b")
                                   LINE("end", "b") LINE("seal", "-")));
    expect(follow, "3 end b;4 seal -;over");
    expect(follow, "over");
    CU_ASSERT(faults.len == 0);
    journal_follow_close(follow);
    close(directory);
    scratch_release(&s);
}

/* From each line's position on come the lines behind it. */
static void test_positions(void)
{
    enum { COUNT = 3000 };
    static struct journal_position at[COUNT];
    struct scratch s;
    struct journal_position start = {.segment = "s"};
    struct journal_line line;
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) faults = BUF_INIT(KIB(64));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    for (int i = 0; i < COUNT; i++)
        buf_printf(&text, "{\"type\":\"begin\",\"key\":\"a\",\"fill\":\"%0*d\"}\n", i % 400, i);
    scratch_write(&s, "s.jsonl", buf_slice(&text));
    struct journal_follow *follow = open_at(directory, &start, &faults);
    for (unsigned i = 0; i < COUNT; i++) {
        CU_ASSERT_FATAL(journal_follow_next(follow, &line, NULL) == JOURNAL_FOLLOW_LINE);
        CU_ASSERT(line.seq == i && !line.is_checked);
        CU_ASSERT(memcmp(text.data + line.offset, line.text.data, line.text.len) == 0);
        at[i] = *journal_follow_position(follow);
    }
    CU_ASSERT(journal_follow_next(follow, &line, NULL) == JOURNAL_FOLLOW_WAIT);
    journal_follow_close(follow);
    for (unsigned i = 0; i + 1 < COUNT; i += 97) {
        follow = open_at(directory, &at[i], &faults);
        CU_ASSERT(journal_follow_next(follow, &line, NULL) == JOURNAL_FOLLOW_LINE);
        CU_ASSERT(line.seq == i + 1 && line.offset == at[i].offset);
        journal_follow_close(follow);
    }
    CU_ASSERT(faults.len == 0);
    close(directory);
    scratch_release(&s);
}

static void add_filled(struct buf *text, size_t len)
{
    buf_add(text, HARBORAI_STR("{\"type\":\"end\",\"key\":\"x\",\"f\":\""));
    while (text->failed == HARBORAI_OK && len-- > 0)
        buf_add_char(text, 'x');
    buf_add(text, HARBORAI_STR("\"}\n"));
}

static void test_long_lines(void)
{
    struct scratch s;
    struct journal_position start = {.segment = "s"};
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) faults = BUF_INIT(KIB(64));
    scratch_init(&s);
    int directory = scratch_journal(&s);
    add_filled(&text, LIMIT_JOURNAL_CONTENT - 64);
    add_filled(&text, LIMIT_JOURNAL_CONTENT);
    buf_add(&text, HARBORAI_STR(LINE("begin", "a")));
    add_filled(&text, MIB(1));
    buf_add(&text, HARBORAI_STR(LINE("begin", "b")));
    size_t len = text.len;
    add_filled(&text, MIB(1));
    scratch_write(&s, "s.jsonl", slice_cut(buf_slice(&text), text.len - 1));
    struct journal_follow *follow = open_at(directory, &start, &faults);
    expect(follow, "0 end x;2 begin a;4 begin b;wait");
    expect(follow, "wait");
    CU_ASSERT(journal_follow_position(follow)->offset == len);
    scratch_append(&s, "s.jsonl", HARBORAI_STR("\n" LINE("end", "c")));
    expect(follow, "6 end c;wait");
    buf_add_char(&faults, '\0');
    CU_ASSERT(strstr(faults.data, "it is too long") != NULL);
    journal_follow_close(follow);
    close(directory);
    scratch_release(&s);
}

static void test_refused(void)
{
    struct scratch s;
    struct journal_follow *follow;
    struct journal_position gone = {.segment = "gone"}, beyond = {.segment = "s", .offset = 28};
    scratch_init(&s);
    int directory = scratch_journal(&s);
    scratch_write(&s, "s.jsonl", HARBORAI_STR(LINE("begin", "a")));
    CU_ASSERT(journal_follow_open(directory, &gone, NULL, NULL, &follow, NULL) ==
              HARBORAI_E_NOT_FOUND);
    CU_ASSERT(journal_follow_open(directory, &beyond, NULL, NULL, &follow, NULL) ==
              HARBORAI_E_INVALID);
    journal_follow_close(NULL);
    close(directory);
    scratch_release(&s);
}

const CU_TestInfo journal_follow_tests[] = {{"lines", test_lines},
                                            {"checks", test_checks},
                                            {"checks from a position", test_check_from_a_position},
                                            {"growing", test_growing},
                                            {"positions", test_positions},
                                            {"long lines", test_long_lines},
                                            {"refused", test_refused},
                                            CU_TEST_INFO_NULL};
