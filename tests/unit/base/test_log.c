/* SPDX-License-Identifier: MIT */
/* Lines of the log: what a vendor says must not read as fields of ours. */
#include <unistd.h>

#include "../unit.h"
#include "base/log.h"

extern const CU_TestInfo log_tests[];

static struct log target;
static int out;

static void begin(void)
{
    int ends[2];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    out = ends[0];
    log_init(&target, ends[1], LOG_LEVEL_INFO);
}

static void end(void)
{
    close(out);
    close(target.fd);
}

/* The line that was written, without its moment. */
static const char *line(char text[static 4096])
{
    ssize_t len = read(out, text, 4095);
    CU_ASSERT_FATAL(len > 25);
    text[len] = '\0';
    return text + 25;
}

static void test_values(void)
{
    static const struct {
        const char *said, *want;
    } rows[] = {
        {"plain words", "warn a.b said='plain words' status=1\n"},
        {"bad ' status=2 x='", "warn a.b said='bad \\' status=2 x=\\'' status=1\n"},
        {"back\\", "warn a.b said='back\\\\' status=1\n"},
        {"two\r\nlines\x1b", "warn a.b said='two  lines ' status=1\n"},
        {"", "warn a.b said='' status=1\n"},
        {"gr\xc3\xbc\xc3\x9f%s", "warn a.b said='gr\xc3\xbc\xc3\x9f%s' status=1\n"},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[4096];
        log_write(&target, LOG_LEVEL_WARN, "a.b", "said='%s' status=%d", rows[i].said, 1);
        ROW(rows[i].said, strcmp(line(text), rows[i].want) == 0);
    }
    end();
}

static void test_conversions(void)
{
    char text[4096];
    begin();
    log_write(&target, LOG_LEVEL_ERROR, "a.b", "d=%d u=%u z=%zu l=%lld s=%s cut='%.*s' x='%.*s'",
              -1, 4000000000U, (size_t)5, -6000000000LL, "it's", 2, "abc", 0, "abc");
    CU_ASSERT_STRING_EQUAL(line(text), "error a.b d=-1 u=4000000000 z=5 l=-6000000000 s=it's "
                                       "cut='ab' x=''\n");
    end();
}

static void test_length_and_level(void)
{
    static char filler[5000];
    char text[4096];
    memset(filler, '\'', sizeof filler - 1);
    begin();
    log_write(&target, LOG_LEVEL_DEBUG, "a.b", "too=%s", "quiet");
    log_write(&target, LOG_LEVEL_INFO, "a.b", "x='%s'", filler);
    const char *got = line(text);
    CU_ASSERT(strlen(got) == 2048 - 25 && got[strlen(got) - 1] == '\n');
    CU_ASSERT(strncmp(got, "info a.b x='\\'\\'", 16) == 0);
    end();
}

static void keep_line(void *context, enum log_level level, harborai_str line)
{
    char *text = context;
    snprintf(text, 128, "%d %.*s", (int)level, SLICE_ARG(slice_from(line, 25)));
}

static void test_sink(void)
{
    struct log log;
    char text[128] = "";
    CU_ASSERT(log_level_told(NULL, LOG_LEVEL_WARN) == LOG_LEVEL_WARN);
    log_init_sink(&log, keep_line, text, LOG_LEVEL_WARN);
    CU_ASSERT(log_level_told(&log, LOG_LEVEL_ERROR) == LOG_LEVEL_INFO);
    log_write(&log, LOG_LEVEL_INFO, "a.b", "x=%d", 1);
    CU_ASSERT_STRING_EQUAL(text, "");
    log_write(&log, LOG_LEVEL_WARN, "a.b", "x=%d", 1);
    CU_ASSERT_STRING_EQUAL(text, "2 warn a.b x=1"); /* no line end */
}

static void hide_digits(char *text, size_t size)
{
    CU_ASSERT(strlen(text) < size);
    for (; *text != '\0'; text++)
        if (*text >= '0' && *text <= '9')
            *text = '#';
}

static void test_mask(void)
{
    char text[4096];
    begin();
    log_set_mask(&target, hide_digits);
    log_write(&target, LOG_LEVEL_WARN, "a.b2", "said='%s' status=%d", "x1", 23);
    CU_ASSERT_STRING_EQUAL(line(text), "warn a.b2 said='x#' status=##\n");
    end();
}

const CU_TestInfo log_tests[] = {
    {"values", test_values},
    {"conversions", test_conversions},
    {"length and level", test_length_and_level},
    {"sink", test_sink},
    {"mask", test_mask},
    CU_TEST_INFO_NULL,
};
