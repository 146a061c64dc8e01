/* SPDX-License-Identifier: MIT */
/* A queue of lines under a lock of its own. Never calls the application. */
#include "client/sink.h"

#include "base/limits.h"

struct head {
    uint32_t level, len;
};

void sink_init(struct sink *sink, void *owner)
{
    pthread_mutex_init(&sink->lock, NULL);
    buf_init(&sink->waiting, KIB(256));
    sink->lost = 0;
    sink->wake = NULL;
    sink->owner = owner;
}

void sink_release(struct sink *sink)
{
    buf_release(&sink->waiting);
    pthread_mutex_destroy(&sink->lock);
}

void sink_set_wake(struct sink *sink, void (*wake)(void *owner))
{
    pthread_mutex_lock(&sink->lock);
    sink->wake = wake;
    pthread_mutex_unlock(&sink->lock);
}

static void put(struct sink *sink, enum log_level level, harborai_str line)
{
    const struct head head = {(uint32_t)level, (uint32_t)line.len};
    char *room = buf_reserve(&sink->waiting, sizeof head + line.len);
    if (room == NULL) {
        sink->waiting.failed = HARBORAI_OK; /* what is in it stays whole */
        sink->lost++;
        return;
    }
    memcpy(room, &head, sizeof head);
    memcpy(room + sizeof head, line.data, line.len);
    buf_commit(&sink->waiting, sizeof head + line.len);
}

void sink_add(void *context, enum log_level level, harborai_str line)
{
    struct sink *sink = context;
    pthread_mutex_lock(&sink->lock);
    bool is_first = sink->waiting.len == 0;
    put(sink, level, line);
    if (is_first && sink->wake != NULL)
        sink->wake(sink->owner);
    pthread_mutex_unlock(&sink->lock);
}

static void tell_lost(struct sink *sink)
{
    char text[80];
    int len = snprintf(text, sizeof text, "library.lines_lost lines=%u", sink->lost);
    sink->lost = 0;
    put(sink, LOG_LEVEL_WARN, (harborai_str){text, (size_t)len});
}

bool sink_take(struct sink *sink, struct buf *to)
{
    pthread_mutex_lock(&sink->lock);
    bool is_any = sink->waiting.len > 0;
    if (is_any) {
        size_t ceiling = sink->waiting.ceiling;
        *to = sink->waiting;
        buf_init(&sink->waiting, ceiling);
        if (sink->lost > 0)
            tell_lost(sink);
    }
    pthread_mutex_unlock(&sink->lock);
    return is_any;
}

bool sink_next(harborai_str *left, int *ret_level, harborai_str *ret_line)
{
    struct head head;
    if (left->len < sizeof head)
        return false;
    memcpy(&head, left->data, sizeof head);
    *ret_level = (int)head.level;
    *ret_line = slice_cut(slice_from(*left, sizeof head), head.len);
    *left = slice_from(*left, sizeof head + head.len);
    return true;
}
