/* SPDX-License-Identifier: MIT */
#include "store/journal_read.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "base/limits.h"
#include "base/slice.h"
#include "json_scan.h"
#include "json_value.h"
#include "scratch.h"
#include "store/tail.h"

extern const CU_TestInfo journal_read_tests[];

#define BEGIN(key, attempt, at)                                                                    \
    "{\"type\":\"begin\",\"key\":\"" key "\",\"attempt\":" #attempt ",\"begin_ns\":" #at "}\n"
#define END(key, at)                                                                               \
    "{\"type\":\"end\",\"key\":\"" key "\",\"begin_ns\":1,\"end_ns\":" #at ",\"cost\":\"1\"}\n"
#define AMEND(key, cost)                                                                           \
    "{\"type\":\"amend\",\"key\":\"" key "\",\"begin_ns\":1,\"amend_ns\":9,\"cost\":\"" cost "\"}\n"

static void add_fault(void *context, const char *text)
{
    struct buf *faults = context;
    buf_add(faults, slice_of(text));
    buf_add_char(faults, '|');
}

/* Each call as "key state cost;", newest first. */
static void read_all(const struct scratch *s, struct buf *calls, struct buf *faults)
{
    static const char *const states[] = {"ended", "under way", "lost"};
    struct journal_reader *reader;
    struct journal_call call;
    CU_ASSERT_FATAL(journal_reader_create(scratch_dir(s), add_fault, faults, &reader, NULL) ==
                    HARBORAI_OK);
    while (journal_reader_next(reader, &call)) {
        harborai_str key = SLICE_NONE, cost = SLICE_NONE;
        AUTO(buf) json = BUF_INIT(MIB(1));
        (void)json_string_plain(journal_call_member(&call, "key"), &key);
        (void)json_string_plain(journal_call_member(&call, "cost"), &cost);
        buf_printf(calls, "%.*s %s %.*s;", SLICE_ARG(key), states[call.state], SLICE_ARG(cost));
        journal_call_write(&call, &json);
        CU_ASSERT(json_scan(buf_slice(&json), NULL, NULL, NULL) == HARBORAI_OK);
        CU_ASSERT(json_member(buf_slice(&json), HARBORAI_STR("crc")).len == 0);
    }
    CU_ASSERT(!journal_reader_next(reader, &call));
    journal_reader_destroy(reader);
    buf_add_char(calls, '\0');
    buf_add_char(faults, '\0');
}

static void test_calls(void)
{
    static const struct row {
        const char *name, *lines, *calls, *faults;
    } rows[] = {
        {"nothing", "", "", ""},
        {"one call", BEGIN("a", 1, 5) END("a", 7), "a ended 1;", ""},
        {"several attempts", BEGIN("a", 1, 5) BEGIN("a", 2, 6) END("a", 7), "a ended 1;", ""},
        {"two calls that overlap", BEGIN("a", 1, 5) BEGIN("b", 1, 6) END("a", 7) END("b", 8),
         "b ended 1;a ended 1;", ""},
        {"without an end", BEGIN("a", 1, 5) BEGIN("b", 1, 6) BEGIN("b", 2, 7) END("a", 8),
         "a ended 1;b lost ;", ""},
        {"end without a begin", END("a", 7), "a ended 1;", ""},
        {"amended", BEGIN("a", 1, 5) END("a", 7) END("b", 8) AMEND("a", "3"),
         "b ended 1;a ended 3;", ""},
        {"amended without a call", AMEND("a", "3") END("b", 8), "b ended 1;", ""},
        {"a kind of line to come", "{\"type\":\"note\",\"key\":\"a\"}\n" END("a", 7), "a ended 1;",
         ""},
        {"a segment's own lines",
         "{\"type\":\"segment\",\"version\":1}\n" END("a", 7) "{\"type\":\"seal\",\"lines\":3}\n",
         "a ended 1;", ""},
        {"checked", "{\"type\":\"end\",\"key\":\"a\",\"end_ns\":7,\"seq\":1,\"crc\":\"28abe7cf\"}\n",
         "a ended ;", ""},
        {"damaged", END("a", 7) "{\"type\":\"end\",\"key\":\"b\",\"seq\":1,\"crc\":\"28abe7ce\"}\n",
         "a ended 1;", "s.jsonl: left out what stands at byte 60: its check sum does not hold|"},
        {"torn", END("a", 7) "{\"type\":\"end\",\"key\":\"b\"", "a ended 1;",
         "s.jsonl: left out its last line, which is torn (23 bytes)|"},
        {"only a torn line", "{\"type\"", "",
         "s.jsonl: left out its last line, which is torn (7 bytes)|"},
        {"broken", END("a", 7) "nonsense\n" END("b", 8), "b ended 1;a ended 1;",
         "s.jsonl: left out what stands at byte 60: not a JSON object|"},
        {"no key", "{\"type\":\"end\"}\n", "",
         "s.jsonl: left out what stands at byte 0: no 'type' or no 'key'|"},
        {"five broken ones", "x\nx\n\nx\nx\nx\n", "",
         "s.jsonl: left out what stands at byte 9: not a JSON object|"
         "s.jsonl: left out what stands at byte 7: not a JSON object|"
         "s.jsonl: left out what stands at byte 5: not a JSON object|s.jsonl: left out 2 more|"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct scratch s;
        AUTO(buf) calls = BUF_INIT(KIB(64));
        AUTO(buf) faults = BUF_INIT(KIB(64));
        scratch_init(&s);
        scratch_write(&s, "s.jsonl", slice_of(rows[i].lines));
        scratch_write(&s, "other.txt", HARBORAI_STR("not a journal\n"));
        read_all(&s, &calls, &faults);
        ROW(rows[i].name, strcmp(calls.data, rows[i].calls) == 0);
        ROW(rows[i].name, strcmp(faults.data, rows[i].faults) == 0);
        scratch_release(&s);
    }
}

static void set_time(const struct scratch *s, const char *name, time_t seconds)
{
    char path[256];
    struct timespec times[2] = {{seconds, 0}, {seconds, 0}};
    snprintf(path, sizeof path, "%s/journal/%s", s->dir, name);
    CU_ASSERT(utimensat(AT_FDCWD, path, times, 0) == 0);
}

/* An amend line's members stand in place of the end line's, whether it has them or not. */
static void test_all_that_is_amended(void)
{
    struct scratch s;
    struct journal_reader *reader;
    struct journal_call call;
    AUTO(buf) json = BUF_INIT(KIB(4));
    scratch_init(&s);
    scratch_write(
        &s, "s.jsonl",
        HARBORAI_STR("{\"type\":\"end\",\"key\":\"a\",\"end_ns\":7,\"tokens\":{},"
                     "\"parsing_method\":\"fallback_zero\",\"confidence\":0,"
                     "\"parsing_error\":\"none\",\"estimated\":true,\"usage\":null,\"cost\":\"1\","
                     "\"cost_input\":\"1\",\"cost_output\":\"0\",\"price_date\":\"x\",\"bytes_in\":5}\n"
                     "{\"type\":\"amend\",\"key\":\"a\",\"amend_ns\":9,\"tokens\":{\"input\":1},"
                     "\"parsing_method\":\"openai_direct\",\"confidence\":1,\"usage\":{},"
                     "\"cost\":null,\"cost_reason\":\"no_price\"}\n"));
    CU_ASSERT_FATAL(journal_reader_create(scratch_dir(&s), NULL, NULL, &reader, NULL) ==
                    HARBORAI_OK);
    CU_ASSERT_FATAL(journal_reader_next(reader, &call));
    CU_ASSERT(slice_is(journal_call_member(&call, "confidence"), "1"));
    CU_ASSERT(slice_is(journal_call_member(&call, "bytes_in"), "5"));
    journal_call_write(&call, &json);
    CU_ASSERT(slice_is(buf_slice(&json),
                       "{\"type\":\"end\",\"key\":\"a\",\"end_ns\":7,\"bytes_in\":5,\"amend_ns\":9,"
                       "\"tokens\":{\"input\":1},\"parsing_method\":\"openai_direct\","
                       "\"confidence\":1,\"usage\":{},\"cost\":null,\"cost_reason\":\"no_price\"}"));
    journal_reader_destroy(reader);
    scratch_release(&s);
}

/* By the calls' time over all files, whatever their names and times say. */
static void test_segments_are_merged(void)
{
    struct scratch s;
    AUTO(buf) calls = BUF_INIT(KIB(64));
    AUTO(buf) faults = BUF_INIT(KIB(64));
    scratch_init(&s);
    scratch_write(&s, "1.jsonl", HARBORAI_STR(END("a", 1000000000) END("d", 60000000000)));
    scratch_write(&s, "2.jsonl", HARBORAI_STR(END("b", 2000000000) END("c", 3000000000)));
    scratch_write(&s, "3.jsonl", HARBORAI_STR(END("e", 50000000000) BEGIN("f", 1, 70000000000)));
    set_time(&s, "1.jsonl", 60);
    set_time(&s, "2.jsonl", 3);
    set_time(&s, "3.jsonl", 70);
    read_all(&s, &calls, &faults);
    CU_ASSERT_STRING_EQUAL(calls.data,
                           "f lost ;d ended 1;e ended 1;c ended 1;b ended 1;a ended 1;");
    CU_ASSERT_STRING_EQUAL(faults.data, "");
    scratch_release(&s);
}

/* The oldest file is not looked at when the newest call is asked for. */
static void test_old_segments_stay_closed(void)
{
    struct scratch s;
    AUTO(buf) faults = BUF_INIT(KIB(64));
    struct journal_reader *reader;
    struct journal_call call;
    scratch_init(&s);
    scratch_write(&s, "old.jsonl", HARBORAI_STR("broken\n"));
    scratch_write(&s, "new.jsonl", HARBORAI_STR(END("a", 60000000000)));
    set_time(&s, "old.jsonl", 3);
    set_time(&s, "new.jsonl", 60);
    CU_ASSERT_FATAL(journal_reader_create(scratch_dir(&s), add_fault, &faults, &reader, NULL) ==
                    HARBORAI_OK);
    CU_ASSERT(journal_reader_next(reader, &call) && faults.len == 0);
    CU_ASSERT(!journal_reader_next(reader, &call) && faults.len > 0);
    journal_reader_destroy(reader);
    scratch_release(&s);
}

/* A call without an end is under way while its process holds the file; what it writes on is torn
 * for nobody. */
static void test_a_live_segment(void)
{
    struct scratch s;
    AUTO(buf) calls = BUF_INIT(KIB(64));
    AUTO(buf) faults = BUF_INIT(KIB(64));
    char path[256];
    scratch_init(&s);
    scratch_write(&s, "s.jsonl", HARBORAI_STR(BEGIN("a", 1, 5) "{\"type\":\"en"));
    snprintf(path, sizeof path, "%s/journal/s.jsonl", s.dir);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    read_all(&s, &calls, &faults);
    CU_ASSERT_STRING_EQUAL(calls.data, "a under way ;");
    CU_ASSERT_STRING_EQUAL(faults.data, "");
    close(fd);
    scratch_release(&s);
}

static void test_a_directory_that_is_not_there_or_not_ours(void)
{
    struct scratch s;
    AUTO(buf) calls = BUF_INIT(KIB(64));
    AUTO(buf) faults = BUF_INIT(KIB(64));
    harborai_error error = HARBORAI_ERROR_INIT;
    struct journal_reader *reader;
    char path[128];
    scratch_init(&s);
    read_all(&s, &calls, &faults);
    CU_ASSERT_STRING_EQUAL(calls.data, "");
    scratch_write(&s, "file", HARBORAI_STR("x"));
    snprintf(path, sizeof path, "%s/journal/file", s.dir);
    CU_ASSERT(journal_reader_create(slice_of(path), NULL, NULL, &reader, &error) ==
              HARBORAI_E_CONFIG);
    CU_ASSERT(strstr(error.message, "Not a directory") != NULL);
    scratch_release(&s);
}

/* Lines of many lengths over many blocks, read both ways. */
static void test_tail_reads_what_was_written(void)
{
    struct scratch s;
    AUTO(buf) text = BUF_INIT(MIB(16));
    size_t lengths[400], count = 0;
    struct tail tail;
    harborai_str line;
    uint64_t at, seed = 7;
    scratch_init(&s);
    for (; count < ARRAY_LEN(lengths); count++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        lengths[count] = seed >> 33 & (count % 10 == 0 ? 0xffff : 0xff);
        if (count % 100 == 7)
            lengths[count] = LIMIT_JOURNAL_CONTENT + (count % 3) - 1;
        for (size_t i = 0; i < lengths[count]; i++)
            buf_add_char(&text, (char)('a' + count % 26));
        buf_add_char(&text, '\n');
    }
    buf_add(&text, HARBORAI_STR("torn"));
    CU_ASSERT_FATAL(text.failed == HARBORAI_OK);
    scratch_write(&s, "f.jsonl", buf_slice(&text));
    int directory = scratch_journal(&s);
    struct segment_text file;
    CU_ASSERT_FATAL(segment_text_open(&file, directory, HARBORAI_STR("f"), NULL) == HARBORAI_OK);
    CU_ASSERT_FATAL(tail_open(&tail, &file, text.len, NULL) == HARBORAI_OK);
    CU_ASSERT(tail.torn == 4);
    size_t left_out = 0, end = text.len - 4;
    while (count-- > 0) {
        end -= lengths[count] + 1;
        if (lengths[count] >= LIMIT_JOURNAL_CONTENT) {
            left_out++;
            continue;
        }
        if (tail_previous(&tail, &line, &at, NULL) != TAIL_LINE || line.len != lengths[count] ||
            at != end || (line.len > 0 && memcmp(line.data, text.data + end, line.len) != 0)) {
            CU_FAIL("line differs");
            break;
        }
    }
    CU_ASSERT(tail_previous(&tail, &line, &at, NULL) == TAIL_END);
    CU_ASSERT(left_out > 0 && left_out == tail.long_lines);
    tail_close(&tail);
    CU_ASSERT(tail_open(&tail, &file, text.len + 1, NULL) == HARBORAI_E_INTERNAL);
    segment_text_close(&file);
    close(directory);
    scratch_release(&s);
}

const CU_TestInfo journal_read_tests[] = {
    {"calls", test_calls},
    {"all that is amended", test_all_that_is_amended},
    {"segments are merged", test_segments_are_merged},
    {"old segments stay closed", test_old_segments_stay_closed},
    {"a live segment", test_a_live_segment},
    {"a directory that is not there, or not ours", test_a_directory_that_is_not_there_or_not_ours},
    {"tail reads what was written", test_tail_reads_what_was_written},
    CU_TEST_INFO_NULL};
