/* SPDX-License-Identifier: MIT */
/* The application log. One write() a line, so that lines of several threads do not mix. */
#include "base/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_MAX_BYTES 2048

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};

void log_init(struct log *log, int fd, enum log_level level)
{
    atomic_init(&log->level, (int)level);
    log->fd = fd;
    log->sink = NULL;
    log->context = NULL;
    log->mask = NULL;
}

void log_init_sink(struct log *log,
                   void (*sink)(void *context, enum log_level level, harborai_str line),
                   void *context, enum log_level level)
{
    log_init(log, -1, level);
    log->sink = sink;
    log->context = context;
}

void log_set_mask(struct log *log, void (*mask)(char *text, size_t size))
{
    log->mask = mask;
}

bool log_level_parse(harborai_str name, enum log_level *ret_level)
{
    for (unsigned i = LOG_LEVEL_ERROR; i < ARRAY_LEN(level_names); i++) {
        if (slice_equal_ignoring_case(name, slice_of(level_names[i]))) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* --- A line ----------------------------------------------------------------------------------- */

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
    bool is_quoted; /* the format stands between two single quotes */
};

static void add_char(struct line *line, char c)
{
    if (line->len < sizeof line->text - 1) /* the line's end always has room */
        line->text[line->len++] = (unsigned char)c < ' ' ? ' ' : c;
}

/* Words of vendors and clients must end no value and begin no field. */
static void add_text(struct line *line, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (line->is_quoted && (text[i] == '\'' || text[i] == '\\'))
            add_char(line, '\\');
        add_char(line, text[i]);
    }
}

static void add_word(struct line *line, const char *word)
{
    add_text(line, word, strlen(word));
    add_char(line, ' ');
}

static void add_signed(struct line *line, long long value)
{
    char text[24];
    add_text(line, text, (size_t)snprintf(text, sizeof text, "%lld", value));
}

static void add_unsigned(struct line *line, unsigned long long value)
{
    char text[24];
    add_text(line, text, (size_t)snprintf(text, sizeof text, "%llu", value));
}

/* One conversion, from behind its '%'; returns what follows it. These are all that lines need: the
 * compiler checks their arguments, the assertion that no other is used. */
static const char *add_value(struct line *line, const char *format, va_list *arguments)
{
    size_t most = LINE_MAX_BYTES;
    if (strncmp(format, ".*", 2) == 0) {
        int given = va_arg(*arguments, int);
        if (given >= 0 && given < LINE_MAX_BYTES)
            most = (size_t)given;
        format += 2;
    }
    if (*format == 's') {
        const char *text = va_arg(*arguments, const char *);
        add_text(line, text, strnlen(text, most));
    } else if (*format == 'd') {
        add_signed(line, va_arg(*arguments, int));
    } else if (*format == 'u') {
        add_unsigned(line, va_arg(*arguments, unsigned));
    } else if (strncmp(format, "zu", 2) == 0) {
        add_unsigned(line, va_arg(*arguments, size_t));
        format++;
    } else if (strncmp(format, "lld", 3) == 0) {
        add_signed(line, va_arg(*arguments, long long));
        format += 2;
    } else {
        assert(!"a conversion that the log does not know");
        return format;
    }
    return format + 1;
}

static void add_fields(struct line *line, const char *format, va_list *arguments)
{
    while (*format != '\0') {
        char c = *format++;
        if (c == '%') {
            format = add_value(line, format, arguments);
            continue;
        }
        add_char(line, c);
        line->is_quoted ^= c == '\'';
    }
}

static void mask_fields(const struct log *log, struct line *line, size_t begin)
{
    line->text[line->len] = '\0';
    log->mask(line->text + begin, sizeof line->text - begin);
    line->len = begin + strlen(line->text + begin);
}

void log_write(const struct log *log, enum log_level level, const char *event, const char *fields,
               ...)
{
    struct line line;
    char moment[25];
    va_list arguments;

    if (!log_is_on(log, level))
        return;
    line.len = 0;
    line.is_quoted = false;
    clock_format_utc(clock_wall_ns(&clock_system), moment);
    add_word(&line, moment);
    add_word(&line, level_names[level]);
    add_word(&line, event);
    va_start(arguments, fields);
    size_t begin = line.len;
    add_fields(&line, fields, &arguments);
    va_end(arguments);
    if (log->mask != NULL)
        mask_fields(log, &line, begin);
    if (log->sink != NULL) {
        log->sink(log->context, level, (harborai_str){line.text, line.len});
        return;
    }
    line.text[line.len++] = '\n';
    /* A log that cannot be written has nobody left to be told. */
    if (write(log->fd, line.text, line.len) < 0)
        return;
}
