/* SPDX-License-Identifier: MIT */
/* A bar that fits the terminal's width: what is least worth goes first. Must never write where nobody
 * sees it. */
#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/terminal.h"

#define EVERY_NS (NS_PER_S / 10)
#define LOOK_EVERY 64 /* steps between two looks at the clock */
#define BAR_LEAST 10
#define BAR_MOST 40

void progress_begin(struct progress *progress, const char *what, bool is_wanted)
{
    *progress = (struct progress){.what = what, .begin_ns = clock_monotonic_ns(&clock_system)};
    progress->is_on = is_wanted && isatty(STDERR_FILENO);
}

static void add_left(const struct progress *p, int64_t now_ns, struct buf *out)
{
    int64_t taken_ns = now_ns - p->begin_ns;
    if (p->done == 0 || p->done >= p->total || taken_ns < NS_PER_S)
        return;
    double left = (double)taken_ns / (double)p->done * (double)(p->total - p->done) / NS_PER_S;
    buf_printf(out, ", %.0f s left", left);
}

/* As much as fits into `width`: percent; bar; how many; how long still. */
static void write_line(const struct progress *p, int64_t now_ns, size_t width, struct buf *out)
{
    AUTO(buf) count = BUF_INIT(KIB(1));
    AUTO(buf) left = BUF_INIT(KIB(1));
    if (p->total == 0) {
        buf_printf(out, "%llu %s", (unsigned long long)p->done, p->what);
        return;
    }
    uint64_t done = p->done < p->total ? p->done : p->total;
    buf_printf(out, "%3d %%", (int)((double)done / (double)p->total * 100));
    buf_printf(&count, " %llu of %llu %s", (unsigned long long)done, (unsigned long long)p->total,
               p->what);
    add_left(p, now_ns, &left);
    size_t room = width > out->len ? width - out->len : 0;
    size_t words = count.len + left.len;
    bool has_count = words + BAR_LEAST + 3 <= room;
    size_t bar = (has_count ? room - words : room) - (room > 3 ? 3 : 0);
    bar = bar < BAR_MOST ? bar : BAR_MOST;
    if (room > BAR_LEAST + 3) {
        size_t full = (size_t)((double)done / (double)p->total * (double)bar);
        buf_add(out, HARBORAI_STR(" ["));
        for (size_t i = 0; i < bar; i++)
            buf_add_char(out, i < full ? '#' : '.');
        buf_add_char(out, ']');
    }
    if (has_count) {
        buf_add(out, buf_slice(&count));
        buf_add(out, buf_slice(&left));
    }
}

void progress_step(struct progress *progress)
{
    progress->done++;
    if (!progress->is_on || progress->done % LOOK_EVERY != 1)
        return;
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    if (now_ns - progress->shown_ns < EVERY_NS)
        return;
    AUTO(buf) line = BUF_INIT(KIB(4));
    size_t width = terminal_width(STDERR_FILENO);
    progress->shown_ns = now_ns;
    write_line(progress, now_ns, width > 0 ? width - 1 : 79, &line);
    fprintf(stderr, "\r%.*s\033[K", SLICE_ARG(buf_slice(&line)));
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->is_on && progress->shown_ns > 0)
        fputs("\r\033[K", stderr);
    progress->is_on = false;
}
