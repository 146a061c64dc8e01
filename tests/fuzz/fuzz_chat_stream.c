/* SPDX-License-Identifier: MIT */
/* A vendor's stream, an event a line; the first byte says what the client asked for. Whatever comes,
 * nothing is forwarded that is no JSON, nothing overtakes what is held, and what was taken can be
 * written as one answer. */
#include "chat.h"
#include "chat/collect.h"
#include "chat/stream.h"

enum { MEMORY = MIB(1) };

struct run {
    struct stream watch;
    struct collect *collect;
    struct buf usage; /* the last one */
    bool has_held;
};

static void check_event(struct run *r, harborai_str event)
{
    enum stream_verdict verdict = stream_event(&r->watch, event);
    MUST(verdict >= STREAM_FORWARD && verdict <= STREAM_BAD);
    MUST(is_within(r->watch.usage, event) && is_within(r->watch.error, event));
    MUST(r->watch.error.len == 0 || verdict == STREAM_ERROR);
    MUST(verdict != STREAM_FORWARD || !r->has_held);
    if (verdict == STREAM_FORWARD || verdict == STREAM_HOLD) {
        MUST(is_json(event));
        r->has_held |= verdict == STREAM_HOLD;
    }
    if (r->watch.usage.len > 0) {
        buf_clear(&r->usage);
        buf_add(&r->usage, r->watch.usage);
    }
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = collect_add(r->collect, event, &error);
    MUST(st == HARBORAI_OK || (error.code == st && error.message[0] != '\0'));
    MUST(st != HARBORAI_OK || is_json(event));
}

static void check_end(struct run *r)
{
    AUTO(buf) text = BUF_INIT(MEMORY);
    MUST(r->watch.closed <= LIMIT_REQUEST_CHOICES);
    MUST(!stream_is_finished(&r->watch) || r->watch.chunks > 0);
    if (stream_needs_usage_chunk(&r->watch) && r->usage.len > 0) {
        stream_write_usage_chunk(&r->watch, buf_slice(&r->usage), &text);
        MUST(text.failed == HARBORAI_OK);
        MUST(is_json_line(buf_slice(&text)));
        buf_clear(&text);
    }
    if (collect_write(r->collect, HARBORAI_FINISH_STOP, NULL, &text, NULL) == HARBORAI_OK)
        MUST(is_json_line(buf_slice(&text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct answer_id answer = {HARBORAI_STR_INIT("chatcmpl-1"), HARBORAI_STR_INIT("m"),
                                            HARBORAI_STR_INIT("org.fuzz"), 1};
    if (size == 0)
        return 0;
    harborai_str rest = {(const char *)data + 1, size - 1};
    unsigned choices = 1 + (data[0] & 3);
    struct run r = {.collect = collect_create(&answer, choices, MEMORY)};
    MUST(r.collect != NULL);
    buf_init(&r.usage, MEMORY);
    const struct stream_options options = {.choices = choices, .wants_usage = (data[0] & 4) != 0};
    stream_init(&r.watch, &options);
    while (rest.len > 0)
        check_event(&r, cut_line(&rest));
    check_end(&r);
    stream_release(&r.watch);
    collect_destroy(r.collect);
    buf_release(&r.usage);
    return 0;
}
