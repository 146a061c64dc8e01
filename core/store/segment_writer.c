/* SPDX-License-Identifier: MIT */
/* Numbers lines. Must never give a number twice, or none to a line that is written. */
#include "store/segment_writer.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/line_check.h"
#include "wire/json_write.h"

int64_t segment_writer_day(int64_t wall_ns)
{
    return wall_ns / (24 * 60 * 60 * NS_PER_S);
}

struct segment_writer *segment_writer_create(int64_t wall_ns, unsigned loop)
{
    struct segment_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->segment.fd = -1;
    w->loop = loop;
    w->day = segment_writer_day(wall_ns);
    return w;
}

void segment_writer_destroy(struct segment_writer *w)
{
    if (w == NULL)
        return;
    list_remove(&w->link);
    segment_close(&w->segment);
    key_set_release(&w->open);
    free(w);
}

/* Gives the line that stands at the end of `out`, from `begin` on, its number and its end. */
static void finish_line(struct segment_writer *w, struct buf *out, size_t begin)
{
    line_seal_last(out, begin, w->seq++);
    buf_add_char(out, '\n');
    w->bytes += out->len - begin;
}

static void add_head(struct segment_writer *w, int64_t wall_ns, struct buf *out)
{
    size_t begin = out->len;
    char host[65] = "";
    struct json_writer json = JSON_WRITER(out);
    (void)gethostname(host, sizeof host - 1);
    json_write_object(&json);
    json_write_key_string(&json, "type", HARBORAI_STR("segment"));
    json_write_key_int64(&json, "version", 1);
    json_write_key_string(&json, "host", slice_of(host));
    json_write_key_int64(&json, "pid", getpid());
    json_write_key_int64(&json, "loop", w->loop);
    json_write_key_int64(&json, "start_ns", wall_ns);
    json_write_key_string(&json, "software", HARBORAI_STR("harborai " PACKAGE_VERSION));
    json_write_end(&json);
    finish_line(w, out, begin);
}

void segment_writer_add(struct segment_writer *w, harborai_str line, int64_t wall_ns,
                        struct buf *out)
{
    assert(!w->is_sealed);
    if (w->seq == 0)
        add_head(w, wall_ns, out);
    size_t begin = out->len;
    buf_add(out, line);
    finish_line(w, out, begin);
}

void segment_writer_seal(struct segment_writer *w, int64_t wall_ns, struct buf *out)
{
    size_t begin = out->len;
    struct json_writer json = JSON_WRITER(out);
    json_write_object(&json);
    json_write_key_string(&json, "type", HARBORAI_STR("seal"));
    json_write_key_int64(&json, "lines", (int64_t)w->seq);
    json_write_key_int64(&json, "ends", (int64_t)w->ends);
    if (w->lost > 0)
        json_write_key_int64(&json, "lost", (int64_t)w->lost);
    json_write_key_int64(&json, "seal_ns", wall_ns);
    json_write_end(&json);
    finish_line(w, out, begin);
    w->is_sealed = true;
}
