/* SPDX-License-Identifier: MIT */
/* Reads answers as cheaply as a client can that still notices a wrong one: status, length or
 * chunks, and the number of events. It is no validator, and shares no parser with core/. */
#include "tests/bench/answer.h"

#include <string.h>
#include <strings.h>

#include "tests/bench/args.h"

void answer_clear(struct answer *answer)
{
    memset(answer, 0, offsetof(struct answer, head));
}

static bool line_starts(const char *line, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    return len >= name_len && strncasecmp(line, name, name_len) == 0;
}

static void head_line(struct answer *answer, const char *line, size_t len)
{
    const char *value = memchr(line, ':', len), *end = line + len;
    if (!value)
        return;
    for (value++; value < end && *value == ' ';)
        value++;
    if (line_starts(line, len, "content-length:")) {
        answer->left = args_number(value, end, &value);
        answer->state = answer->left > 0 ? ANSWER_BODY : ANSWER_DONE;
    } else if (line_starts(line, len, "transfer-encoding:")) {
        answer->state = ANSWER_CHUNK_SIZE;
    } else if (line_starts(line, len, "connection:")) {
        answer->closes = line_starts(value, (size_t)(end - value), "close");
    }
}

/* A head that names no length leaves the state as it is, which makes it a bad one. */
static void head_parse(struct answer *answer, size_t head_len)
{
    const char *line = answer->head, *end = answer->head + head_len, *next;
    if (!line_starts(line, head_len, "HTTP/1.1 "))
        return;
    answer->status = (unsigned)args_number(line + 9, end, &next);
    while ((next = memchr(line, '\n', (size_t)(end - line)))) {
        head_line(answer, line, (size_t)(next - line) - 1);
        line = next + 1;
    }
}

static size_t head_feed(struct answer *answer, const char *data, size_t len)
{
    size_t before = answer->head_len, room = sizeof answer->head - before;
    size_t copied = len < room ? len : room;
    memcpy(answer->head + before, data, copied);
    answer->head_len += copied;
    size_t from = before > 3 ? before - 3 : 0;
    const char *end = memmem(answer->head + from, answer->head_len - from, "\r\n\r\n", 4);
    if (!end) {
        if (answer->head_len == sizeof answer->head)
            answer->state = ANSWER_BAD;
        return copied;
    }
    size_t head_len = (size_t)(end - answer->head) + 4;
    head_parse(answer, head_len);
    if (answer->state == ANSWER_HEAD)
        answer->state = ANSWER_BAD;
    return head_len - before;
}

/* Counts the empty lines that end an event with data; lines end in LF alone. */
static void events_count(struct answer *answer, const char *data, size_t len)
{
    const char *end = data + len;
    for (const char *newline; (newline = memchr(data, '\n', (size_t)(end - data)));
         data = newline + 1) {
        answer->line_len += (size_t)(newline - data);
        if (answer->line_len == 0 && answer->in_event)
            answer->events++;
        answer->in_event = answer->line_len > 0;
        answer->line_len = 0;
    }
    answer->line_len += (size_t)(end - data);
}

static size_t payload_feed(struct answer *answer, const char *data, size_t len,
                           enum answer_state next)
{
    size_t taken = len < answer->left ? len : (size_t)answer->left;
    if (next == ANSWER_CHUNK_END)
        events_count(answer, data, taken);
    answer->left -= taken;
    if (answer->left == 0)
        answer->state = next;
    return taken;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits, perhaps an extension that nobody sends, and the line's end. */
static size_t chunk_size_feed(struct answer *answer, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int digit = hex_digit(data[i]);
        if (digit >= 0 && answer->left < UINT32_MAX) {
            answer->left = answer->left * 16 + (unsigned)digit;
        } else if (data[i] == '\n') {
            answer->state = answer->left > 0 ? ANSWER_CHUNK_DATA : ANSWER_LAST_LINES;
            return i + 1;
        } else if (data[i] != '\r') {
            answer->state = ANSWER_BAD;
            return i;
        }
    }
    return len;
}

static size_t line_end_feed(struct answer *answer, const char *data, size_t len)
{
    const char *newline = memchr(data, '\n', len);
    if (!newline)
        return len;
    answer->state = ANSWER_CHUNK_SIZE;
    return (size_t)(newline - data) + 1;
}

/* Trailers, then an empty line; an event stream's own lines have ended, so line_len is free. */
static size_t last_lines_feed(struct answer *answer, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            if (answer->line_len == 0) {
                answer->state = ANSWER_DONE;
                return i + 1;
            }
            answer->line_len = 0;
        } else if (data[i] != '\r') {
            answer->line_len++;
        }
    }
    return len;
}

static size_t feed_once(struct answer *answer, const char *data, size_t len)
{
    switch (answer->state) {
    case ANSWER_HEAD:
        return head_feed(answer, data, len);
    case ANSWER_BODY:
        return payload_feed(answer, data, len, ANSWER_DONE);
    case ANSWER_CHUNK_SIZE:
        return chunk_size_feed(answer, data, len);
    case ANSWER_CHUNK_DATA:
        return payload_feed(answer, data, len, ANSWER_CHUNK_END);
    case ANSWER_CHUNK_END:
        return line_end_feed(answer, data, len);
    case ANSWER_LAST_LINES:
        return last_lines_feed(answer, data, len);
    case ANSWER_DONE:
    case ANSWER_BAD:
        break;
    }
    return 0;
}

size_t answer_feed(struct answer *answer, const char *data, size_t len)
{
    size_t taken = 0;
    while (taken < len && answer->state != ANSWER_DONE && answer->state != ANSWER_BAD)
        taken += feed_once(answer, data + taken, len - taken);
    return taken;
}
