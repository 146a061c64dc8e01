/* SPDX-License-Identifier: MIT */
/* The application log. One write() a line, so that lines of several threads do not mix. */
#include "base/log.h"

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

static size_t clamp(int printed, size_t room)
{
    if (printed < 0)
        return 0;
    return (size_t)printed < room ? (size_t)printed : room - 1;
}

void log_write(const struct log *log, enum log_level level, const char *event, const char *fields,
               ...)
{
    char line[LINE_MAX_BYTES], moment[25];
    va_list arguments;

    if (!log_is_on(log, level))
        return;
    clock_format_utc(clock_wall_ns(&clock_system), moment);
    size_t len = clamp(snprintf(line, sizeof line, "%s %s %s ", moment, level_names[level], event),
                       sizeof line);
    size_t room = sizeof line - 1 - len;
    va_start(arguments, fields);
    size_t more = clamp(vsnprintf(line + len, room, fields, arguments), room);
    va_end(arguments);
    for (size_t i = len; i < len + more; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    len += more;
    line[len++] = '\n';
    /* A log that cannot be written has nobody left to be told. */
    if (write(log->fd, line, len) < 0)
        return;
}
