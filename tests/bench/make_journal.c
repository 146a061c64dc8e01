/* SPDX-License-Identifier: MIT */
/* make_journal STATE_DIR COUNT DAYS: a journal of made-up calls that ended within the last days, to
 * measure what reads it. The same arguments make the same calls, but for the time. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "record/line.h"
#include "record/record.h"
#include "store/segment_writer.h"

#define SEGMENT_SIZE MIB(64)
#define DAY_NS (INT64_C(86400) * NS_PER_S)

static const struct route {
    const char *provider, *model, *plugin;
} routes[] = {
    {"openai", "gpt-4o", "openai"},         {"openai", "gpt-4o-mini", "openai"},
    {"openai", "o3", "openai"},             {"deepseek", "deepseek-chat", "deepseek"},
    {"deepseek", "deepseek-reasoner", "deepseek"}, {"anthropic", "claude-sonnet-4-5", "anthropic"},
    {"anthropic", "claude-haiku-4-5", "anthropic"}, {"doubao", "doubao-seed-1-6", "doubao"},
    {"wenxin", "ernie-4.5-turbo", "wenxin"}, {"lab", "llama-3.3-70b", "openai"},
};

struct maker {
    uint64_t random;
    const char *directory;
    int fd;
    unsigned segments;
    struct segment_writer *segment; /* of the open file: numbers and checksums */
    struct buf line, lines;
};

static uint64_t next(struct maker *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

static harborai_str text(char *room, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static harborai_str text(char *room, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(room, size, format, arguments);
    va_end(arguments);
    return slice_of(room);
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void flush_lines(struct maker *m, bool is_last)
{
    if (m->lines.len < MIB(1) && !is_last)
        return;
    if (write(m->fd, m->lines.data, m->lines.len) != (ssize_t)m->lines.len)
        die("write");
    buf_clear(&m->lines);
}

static void open_segment(struct maker *m, int64_t at_ns)
{
    char name[32], path[4096];
    time_t seconds = (time_t)(at_ns / NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(name, sizeof name, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(path, sizeof path, "%s/%s-%u-0.jsonl", m->directory, name, 4000 + m->segments++);
    m->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (m->fd < 0)
        die(path);
    m->segment = segment_writer_create(at_ns, 0);
    if (m->segment == NULL)
        die("memory");
}

static void close_segment(struct maker *m, int64_t at_ns)
{
    segment_writer_seal(m->segment, at_ns, &m->lines);
    flush_lines(m, true);
    close(m->fd);
    segment_writer_destroy(m->segment);
    m->fd = -1;
}

static void add_line(struct maker *m, void (*write)(struct buf *, const struct record *),
                     const struct record *r, int64_t at_ns)
{
    buf_clear(&m->line);
    write(&m->line, r);
    segment_writer_add(m->segment, buf_slice(&m->line), at_ns, &m->lines);
}

static void fill_usage(struct maker *m, struct record *r, char *room, size_t size)
{
    int64_t input = (int64_t)(next(m) % 4000) + 20, output = (int64_t)(next(m) % 900) + 1;
    harborai_usage_set(&r->usage, HARBORAI_TOKENS_INPUT, input);
    harborai_usage_set(&r->usage, HARBORAI_TOKENS_OUTPUT, output);
    r->usage.vendor_json = text(room, size,
                                "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,"
                                "\"total_tokens\":%lld,\"prompt_tokens_details\":{\"cached_tokens\":0}}",
                                (long long)input, (long long)output, (long long)(input + output));
    r->usage_confidence = 10;
    r->is_cost_known = true;
    r->cost_input_pico = input * 2500000;
    r->cost_output_pico = output * 10000000;
    r->cost_pico = r->cost_input_pico + r->cost_output_pico;
    r->cost_currency = HARBORAI_STR("USD");
    r->cost_date = HARBORAI_STR("2026-11-21");
    r->finish_reason = HARBORAI_STR("stop");
}

static void add_call(struct maker *m, uint64_t number, int64_t at_ns)
{
    struct record r;
    char request[64], client[32], usage[256], source[64], method[64], plugin[64];
    const struct route *route = &routes[next(m) % 100 < 60 ? next(m) % 2 : next(m) % ARRAY_LEN(routes)];
    uint64_t a = next(m), b = next(m);
    record_init(&r);
    snprintf(r.key, sizeof r.key, "%08llx-%04llx-7%03llx-8%03llx-%012llx",
             (unsigned long long)((uint64_t)(at_ns / NS_PER_MS) >> 16 & 0xffffffff),
             (unsigned long long)((uint64_t)(at_ns / NS_PER_MS) & 0xffff),
             (unsigned long long)(a & 0xfff), (unsigned long long)(b & 0xfff),
             (unsigned long long)(number & 0xffffffffffff));
    snprintf(r.hb_id, sizeof r.hb_id, "hb_%lld_%08x", (long long)(at_ns / NS_PER_MS),
             (unsigned)number);
    snprintf(r.trace_id, sizeof r.trace_id, "%016llx%016llx", (unsigned long long)a,
             (unsigned long long)number);
    snprintf(r.span_id, sizeof r.span_id, "%016llx", (unsigned long long)b);
    r.request_id = text(request, sizeof request, "req_%016llx%016llx", (unsigned long long)b,
                        (unsigned long long)number);
    r.client = text(client, sizeof client, "10.0.0.%u", (unsigned)(next(m) % 50));
    r.provider = slice_of(route->provider);
    r.plugin = text(plugin, sizeof plugin, "org.harborai.%s", route->plugin);
    r.model = r.upstream_model = r.vendor_model = slice_of(route->model);
    r.is_stream = next(m) % 2 == 0;
    r.attempts = 1;
    r.begin_ns = r.attempt_begin_ns = at_ns;
    r.total_ns = (int64_t)(next(m) % 8000 + 200) * NS_PER_MS;
    r.ttft_ns = r.total_ns / 10;
    r.http_status = r.vendor_status = 200;
    if (next(m) % 100 == 0) {
        r.status = HARBORAI_E_RATE_LIMIT;
        r.http_status = r.vendor_status = 429;
        r.error_message = HARBORAI_STR("the vendor says: rate limit reached for requests");
    } else {
        r.cost_source = text(source, sizeof source, "plugin:org.harborai.%s 0.1.0", route->plugin);
        r.usage_method = text(method, sizeof method, "%s_direct", route->plugin);
        fill_usage(m, &r, usage, sizeof usage);
    }
    r.client_bytes_in = 900, r.client_bytes_out = 1800;
    r.vendor_bytes_in = 2500, r.vendor_bytes_out = 1400;
    add_line(m, line_begin, &r, at_ns);
    add_line(m, line_end, &r, at_ns + r.total_ns);
    m->segment->ends++;
}

int main(int argc, char **argv)
{
    struct maker m = {.random = 88172645463325252u, .fd = -1, .line = BUF_INIT(KIB(64)),
                      .lines = BUF_INIT(MIB(4))};
    char directory[4096];
    uint64_t count = 0, days = 0;
    if (argc != 4 || !slice_to_u64(slice_of(argv[2]), &count) ||
        !slice_to_u64(slice_of(argv[3]), &days) || count == 0 || days == 0) {
        fprintf(stderr, "usage: make_journal STATE_DIR COUNT DAYS\n");
        return 2;
    }
    snprintf(directory, sizeof directory, "%s/journal", argv[1]);
    m.directory = directory;
    if (mkdir(argv[1], 0700) < 0 || mkdir(directory, 0700) < 0)
        die(directory);
    int64_t now_ns = clock_wall_ns(&clock_system), from_ns = now_ns - (int64_t)days * DAY_NS;
    for (uint64_t i = 0; i < count; i++) {
        int64_t at_ns = from_ns + (int64_t)((double)i / (double)count * (double)days * (double)DAY_NS);
        if (m.fd >= 0 && m.segment->bytes >= SEGMENT_SIZE)
            close_segment(&m, at_ns);
        if (m.fd < 0)
            open_segment(&m, at_ns);
        add_call(&m, i, at_ns);
        flush_lines(&m, false);
    }
    close_segment(&m, now_ns);
    buf_release(&m.line);
    buf_release(&m.lines);
    return 0;
}
