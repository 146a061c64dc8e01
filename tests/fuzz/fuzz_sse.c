/* SPDX-License-Identifier: MIT */
/* The same events and lines, however the bytes are split: the first byte says in which pieces. */
#include <string.h>

#include "fuzz.h"
#include "lines.h"
#include "sse.h"

struct log {
    char *text;
    size_t len;
};

static void add(struct log *log, harborai_str text)
{
    log->text = realloc(log->text, log->len + text.len + 1);
    if (text.len > 0)
        memcpy(log->text + log->len, text.data, text.len);
    log->len += text.len;
    log->text[log->len++] = '|';
}

static int on_event(void *context, const struct sse_event *event)
{
    MUST(event->begin <= event->end);
    add(context, event->type);
    add(context, event->data);
    add(context, event->id);
    return 0;
}

static int on_line(void *context, harborai_str line)
{
    MUST(line.len > 0);
    add(context, line);
    return 0;
}

/* Each piece is a copy of its own, so that AddressSanitizer sees what outlives its feed. */
static void decode(const uint8_t *data, size_t size, size_t step, struct log *events,
                   struct log *lines)
{
    struct sse sse;
    struct lines decoder;
    harborai_status st = HARBORAI_OK, line_st = HARBORAI_OK;
    sse_init(&sse, 64);
    lines_init(&decoder, 64);
    for (size_t at = 0; at < size; at += step) {
        size_t len = size - at < step ? size - at : step;
        char *copy = malloc(len);
        memcpy(copy, data + at, len);
        if (st == HARBORAI_OK)
            st = sse_feed(&sse, (harborai_str){copy, len}, on_event, events, NULL);
        if (line_st == HARBORAI_OK)
            line_st = lines_feed(&decoder, (harborai_str){copy, len}, on_line, lines, NULL);
        free(copy);
    }
    if (line_st == HARBORAI_OK)
        line_st = lines_end(&decoder, on_line, lines);
    add(events, st == HARBORAI_OK ? HARBORAI_STR("ok") : HARBORAI_STR("refused"));
    add(lines, line_st == HARBORAI_OK ? HARBORAI_STR("ok") : HARBORAI_STR("refused"));
    sse_release(&sse);
    lines_release(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log whole[2] = {{NULL, 0}}, split[2] = {{NULL, 0}};
    if (size < 2)
        return 0;
    decode(data + 1, size - 1, size, &whole[0], &whole[1]);
    decode(data + 1, size - 1, 1 + data[0] % 16, &split[0], &split[1]);
    for (int i = 0; i < 2; i++) {
        MUST(whole[i].len == split[i].len);
        MUST(memcmp(whole[i].text, split[i].text, whole[i].len) == 0);
        free(whole[i].text);
        free(split[i].text);
    }
    return 0;
}
