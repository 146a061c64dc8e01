/* SPDX-License-Identifier: MIT */
/* The application log: one line an event, to stderr by default, as logfmt:
 *     2026-11-21T11:03:05.123Z warn plugin.refused file=/x/y.so reason='not an ELF file'
 * Event names are constants of the form room.event. Never a prompt, an answer or a key. [any] */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>

#include "base/attr.h"
#include "base/slice.h"

enum log_level { LOG_LEVEL_ERROR = 1, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Opaque to those who write: a runtime owns one and hands it down. NULL = write nothing. */
struct log {
    _Atomic int level; /* lines above it cost one load */
    int fd;            /* borrowed; not used with a sink */
    /* Takes a line without its end, borrowed. [any] */
    void (*sink)(void *context, enum log_level level, harborai_str line);
    void *context;
    void (*mask)(char *text, size_t size); /* NULL: fields are written as they come */
};

void log_init(struct log *log, int fd, enum log_level level);
/* Lines go to `sink` in place of a descriptor. */
void log_init_sink(struct log *log,
                   void (*sink)(void *context, enum log_level level, harborai_str line),
                   void *context, enum log_level level);

/* Has the fields of each line, NUL-terminated, masked in their place before they are written. */
void log_set_mask(struct log *log, void (*mask)(char *text, size_t size));

/* The level of an event that the error of a call tells as well. With a sink whoever asks is the
 * application, who would read it twice: info. */
static inline enum log_level log_level_told(const struct log *log, enum log_level level)
{
    return log != NULL && log->sink != NULL ? LOG_LEVEL_INFO : level;
}

static inline bool log_is_on(const struct log *log, enum log_level level)
{
    return log != NULL && (int)level <= atomic_load_explicit(&((struct log *)(uintptr_t)log)->level,
                                                             memory_order_relaxed);
}

/* `fields` is a printf format that gives key=value pairs; a value that may hold blanks, and every
 * one that is not ours, is written by %s inside single quotes: log_write(log, LOG_LEVEL_WARN,
 * "plugin.refused", "file='%s'", path). In such a value ' and \ get a \ in front; line ends and
 * control characters become blanks everywhere. Of printf's conversions it has %s, %.*s, %d, %u, %zu
 * and %lld, without flags or widths. */
PRINTF(4, 5)
void log_write(const struct log *log, enum log_level level, const char *event, const char *fields,
               ...);

/* "error", "warn", "info", "debug"; false if `name` is none of them. */
bool log_level_parse(harborai_str name, enum log_level *ret_level);

#endif
