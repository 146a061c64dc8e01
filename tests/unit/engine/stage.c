/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "chat/usage.h"
#include "wire/prometheus.h"

#define PATIENCE_NS (60 * NS_PER_S) /* valgrind is slow */

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    abort();
}

/* --- Files ------------------------------------------------------------------------------------ */

const char *stage_path(const struct stage *s, const char *name)
{
    static _Thread_local char path[512];
    snprintf(path, sizeof path, "%s/%s", s->directory, name);
    return path;
}

static void copy_plugin(const struct stage *s, const char *from, const char *name)
{
    char to[64];
    struct stat status;
    snprintf(to, sizeof to, "plugins/%s.so", name);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    must(in >= 0 && fstat(in, &status) == 0, from);
    int out = open(stage_path(s, to), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    must(out >= 0 && sendfile(out, in, NULL, (size_t)status.st_size) == status.st_size, to);
    close(in);
    must(fchmod(out, 0644) == 0 && close(out) == 0, to);
}

void stage_open(struct stage *s)
{
    *s = (struct stage){.directory = "/tmp/harborai-test-XXXXXX"};
    signal(SIGPIPE, SIG_IGN);
    must(mkdtemp(s->directory) != NULL && chmod(s->directory, 0755) == 0, s->directory);
    must(mkdir(stage_path(s, "plugins"), 0755) == 0, "plugins");
    int fd = open(stage_path(s, "log"), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0644);
    must(fd >= 0, "log");
    log_init(&s->log, fd, LOG_LEVEL_INFO);
    copy_plugin(s, BUILD_DIRECTORY "/plugins/openai/.libs/openai.so", "openai");
    copy_plugin(s, BUILD_DIRECTORY "/examples/plugins/echo/.libs/echo.so", "echo");
    copy_plugin(s, BUILD_DIRECTORY "/tests/fault/.libs/rogue.so", "rogue");
    copy_plugin(s, BUILD_DIRECTORY "/tests/fault/.libs/odd_usage.so", "odd");
    copy_plugin(s, BUILD_DIRECTORY "/tests/fault/.libs/passes_through.so", "brief");
    copy_plugin(s, BUILD_DIRECTORY "/tests/fault/.libs/slow_create.so", "slow");
    copy_plugin(s, BUILD_DIRECTORY "/tests/fault/.libs/create_fails.so", "create_fails");
}

static int remove_one(const char *path, const struct stat *status UNUSED, int type UNUSED,
                      struct FTW *ftw UNUSED)
{
    return remove(path);
}

void stage_close(struct stage *s)
{
    stage_stop(s);
    close(s->log.fd);
    must(nftw(s->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, s->directory);
}

/* The whole file as a string, owned. */
static char *read_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return calloc(1, 1);
    must(fstat(fd, &status) == 0, path);
    char *text = calloc(1, (size_t)status.st_size + 1);
    must(text != NULL && read(fd, text, (size_t)status.st_size) >= 0, path);
    close(fd);
    return text;
}

static unsigned count_in(const char *all, const char *text)
{
    unsigned count = 0;
    for (const char *at = all; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

unsigned stage_logged(const struct stage *s, const char *text)
{
    char *all = read_file(stage_path(s, "log"));
    unsigned count = count_in(all, text);
    free(all);
    return count;
}

int64_t stage_metric(const struct stage *s, const char *series)
{
    AUTO(buf) text = BUF_INIT(MIB(4));
    size_t len = strlen(series);
    int64_t value = -1;
    runtime_write_metrics(s->runtime, &(struct prometheus){&text, false});
    buf_add_char(&text, '\0');
    must(text.failed == HARBORAI_OK, "metrics");
    for (const char *at = text.data; (at = strstr(at, series)) != NULL; at += len)
        if ((at == text.data || at[-1] == '\n') && at[len] == ' ')
            value = strtoll(at + len, NULL, 10);
    return value;
}

unsigned stage_broken(const struct stage *s)
{
    char *all = read_file(stage_path(s, "log"));
    unsigned count = 0;
    for (char *line = all, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strstr(line, "BROKEN") == NULL)
            continue;
        fprintf(stderr, "\n  %s\n", line);
        count++;
    }
    free(all);
    return count;
}

/* Whether `visit` says so of a segment; each is read as a whole. */
static unsigned sum_segments(const struct stage *s,
                             unsigned (*visit)(const char *all, const char *a, const char *b),
                             const char *a, const char *b)
{
    char path[512];
    unsigned sum = 0;
    snprintf(path, sizeof path, "%s", stage_path(s, "state/journal"));
    DIR *directory = opendir(path);
    if (directory == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char file[1024];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        char *all = entry->d_name[0] != '.' ? read_file(file) : NULL;
        sum += all != NULL ? visit(all, a, b) : 0;
        free(all);
    }
    closedir(directory);
    return sum;
}

static unsigned visit_count(const char *all, const char *a, const char *b UNUSED)
{
    return count_in(all, a);
}

static unsigned visit_lines(const char *all, const char *a, const char *b)
{
    unsigned count = 0;
    for (const char *line = all; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        count += memmem(line, len, a, strlen(a)) && memmem(line, len, b, strlen(b));
        line += len + (line[len] == '\n');
    }
    return count;
}

unsigned stage_recorded(const struct stage *s, const char *text)
{
    return sum_segments(s, visit_count, text, "");
}

bool stage_has_line(const struct stage *s, const char *text, const char *other)
{
    return sum_segments(s, visit_lines, text, other) > 0;
}

/* --- The runtime ------------------------------------------------------------------------------ */

static const char *get_nothing(const struct environment *self UNUSED, const char *name UNUSED)
{
    return NULL;
}

static const struct environment no_environment = {get_nothing};

struct config *stage_config(const struct stage *s, const char *yaml, harborai_error *error)
{
    char state[128], plugins[128];
    const struct config_override overrides[] = {{"state_dir", state},
                                                {CONFIG_PLUGIN_FILE, s->plugin_file}};
    AUTO(buf) text = BUF_INIT(MIB(1));
    struct config *config = NULL;

    snprintf(state, sizeof state, "%s/state", s->directory);
    snprintf(plugins, sizeof plugins, "plugin_path: [\"%s/plugins\"]\n", s->directory);
    buf_add(&text, slice_of(plugins));
    buf_add(&text, slice_of(yaml));
    struct config_sources sources = {.file = "test.yaml", .text = buf_slice(&text),
                                     .overrides = overrides, .override_count = s->plugin_file != NULL ? 2 : 1};
    return config_load(&sources, &no_environment, &config, NULL, error) < 0 ? NULL : config;
}

void stage_run(struct stage *s, unsigned loops, const char *yaml, ...)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    char text[8192];
    va_list arguments;
    va_start(arguments, yaml);
    vsnprintf(text, sizeof text, yaml, arguments);
    va_end(arguments);
    struct config *config = stage_config(s, text, &error);
    struct runtime_options options = {.log = &s->log, .loops = loops, .with_journal = true};
    if (config == NULL || runtime_create(config, &options, &s->runtime, &error) < 0) {
        fprintf(stderr, "stage: %s\n", error.message);
        abort();
    }
}

harborai_status stage_apply(struct stage *s, const char *yaml)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct config *config = stage_config(s, yaml, &error);
    if (config == NULL)
        return error.code;
    harborai_status st = runtime_apply(s->runtime, config, NULL, NULL);
    if (st < 0)
        config_destroy(config);
    return st;
}

void stage_start(struct stage *s)
{
    must(runtime_start(s->runtime, NULL) == HARBORAI_OK, "runtime_start");
    s->has_threads = true;
}

void stage_stop(struct stage *s)
{
    runtime_destroy(s->runtime);
    s->runtime = NULL;
    s->has_threads = false;
}

static int64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

bool stage_logs(const struct stage *s, const char *text, unsigned times)
{
    int64_t until_ns = now_ns() + PATIENCE_NS;
    unsigned seen;
    while ((seen = stage_logged(s, text)) < times && now_ns() <= until_ns)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return seen == times;
}

static void step(struct stage *s)
{
    if (s->has_threads)
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    else
        loop_turn(runtime_loop(s->runtime, 0), 10);
}

bool stage_wait(struct stage *s, const atomic_int *value, int at_least)
{
    int64_t until_ns = now_ns() + PATIENCE_NS;
    while (atomic_load((atomic_int *)(uintptr_t)value) < at_least) {
        if (now_ns() > until_ns)
            return false;
        step(s);
    }
    return true;
}

bool stage_settle(struct stage *s)
{
    int64_t until_ns = now_ns() + PATIENCE_NS;
    while (!engine_loop_is_idle(runtime_engine(s->runtime, 0))) {
        if (now_ns() > until_ns)
            return false;
        step(s);
    }
    return true;
}

void stage_turn(struct stage *s, int passes)
{
    for (int i = 0; i < passes; i++)
        step(s);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static void on_chunk(void *owner, harborai_str json)
{
    struct asked *a = owner;
    buf_add(&a->text, json);
    buf_add_char(&a->text, '\n');
    if (a->is_slow) {
        size_t now = atomic_fetch_add(&a->undelivered, json.len) + json.len;
        if (now > atomic_load(&a->most_undelivered))
            atomic_store(&a->most_undelivered, now);
    }
    atomic_fetch_add(&a->chunks, 1);
    if (a->on_chunk != NULL)
        a->on_chunk(a, json);
}

static void on_end(void *owner, const struct call_result *result)
{
    struct asked *a = owner;
    const struct record *r = result->record;
    a->call = NULL;
    if (result->error != NULL)
        a->error = *result->error;
    memcpy(a->key, r->key, sizeof a->key);
    buf_add(&a->answer, result->answer);
    a->streamed = result->streamed;
    a->chunks_said = result->chunks;
    a->attempts = r->attempts;
    a->status = r->status;
    a->http_status = r->http_status;
    a->bytes_in = r->client_bytes_in;
    a->vendor_bytes_in = r->vendor_bytes_in;
    a->vendor_bytes_out = r->vendor_bytes_out;
    a->output_tokens = usage_output_total(&r->usage);
    if (a->reads_journal)
        a->had_end_line = stage_has_line(a->stage, "\"type\":\"end\"", a->key);
    if (a->on_end != NULL)
        a->on_end(a);
    atomic_fetch_add(&a->ends, 1);
}

static size_t undelivered(const void *owner)
{
    return atomic_load(&((struct asked *)(uintptr_t)owner)->undelivered);
}

static const struct call_front front = {on_chunk, on_end, undelivered, .is_http = true};

static bool charge_more(void *owner, size_t bytes)
{
    struct stage *s = owner;
    if (!s->is_full)
        atomic_fetch_add(&s->taken, (int)bytes);
    return !s->is_full;
}

static void charge_answer(void *owner, size_t bytes)
{
    struct stage *s = owner;
    atomic_fetch_add(&s->taken, (int)bytes);
}

static void give_back(void *owner, size_t bytes)
{
    struct stage *s = owner;
    atomic_fetch_add(&s->given_back, (int)bytes);
}

static void on_gone(void *owner)
{
    struct stage *s = owner;
    atomic_fetch_add(&s->gone, 1);
}

static void begin(struct message *message)
{
    struct asked *a = CONTAINER_OF(message, struct asked, begin);
    struct call_params params = {.front = &front, .owner = a, .body = &a->body,
                                 .charge = {charge_more, charge_answer, give_back, on_gone, a->stage, 1},
                                 .request_id = HARBORAI_STR("test"),
                                 .client = HARBORAI_STR("test")};
    a->call = call_start(runtime_engine(a->stage->runtime, a->loop), &params);
}

static void run_order(struct message *message)
{
    struct asked *a = CONTAINER_OF(message, struct asked, order);
    a->do_order(a);
}

static void asked_say(struct asked *a, const char *text)
{
    asked_body(a, "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":"
                  "\"%s\"}]}", a->model, a->wants_stream ? "true" : "false", text);
}

void asked_init(struct asked *a, struct stage *s, const char *model, bool stream)
{
    memset(a, 0, sizeof *a);
    a->stage = s;
    a->begin.run = begin;
    a->error = (harborai_error)HARBORAI_ERROR_INIT;
    buf_init(&a->body, MIB(32));
    buf_init(&a->text, MIB(64));
    buf_init(&a->answer, MIB(64));
    a->model = model;
    a->wants_stream = stream;
    asked_say(a, "one two three");
}

void asked_fill(struct asked *a, size_t len)
{
    char *text = calloc(1, len + 1);
    must(text != NULL, "memory");
    memset(text, 'z', len);
    asked_say(a, text);
    free(text);
}

void asked_body(struct asked *a, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    must(len > 0, "body");
    buf_clear(&a->body);
    buf_add(&a->body, (harborai_str){text, (size_t)len});
    free(text);
}

void asked_release(struct asked *a)
{
    buf_release(&a->body);
    buf_release(&a->text);
    buf_release(&a->answer);
}

void asked_start(struct asked *a)
{
    loop_post(runtime_loop(a->stage->runtime, a->loop), &a->begin);
}

void asked_again(struct asked *a)
{
    buf_clear(&a->text);
    buf_clear(&a->answer);
    a->error = (harborai_error)HARBORAI_ERROR_INIT;
    asked_say(a, "one two three");
    asked_start(a);
}

void asked_order(struct asked *a, void (*order)(struct asked *asked))
{
    a->do_order = order;
    a->order.run = run_order;
    loop_post(runtime_loop(a->stage->runtime, a->loop), &a->order);
}

void asked_cancel(struct asked *a)
{
    if (a->call == NULL)
        return;
    call_cancel(take(a->call));
    atomic_fetch_add(&a->ends, 1);
}

void asked_leave(struct asked *a)
{
    if (a->call == NULL)
        return;
    call_leave(take(a->call));
    atomic_fetch_add(&a->ends, 1);
}

void asked_resume(struct asked *a)
{
    atomic_store(&a->undelivered, 0);
    if (a->call != NULL)
        call_resume(a->call);
}

bool asked_wait(struct asked *a)
{
    asked_start(a);
    return stage_wait(a->stage, &a->ends, 1);
}

harborai_status asked_of(struct stage *s, const char *model)
{
    struct asked a;
    asked_init(&a, s, model, true);
    harborai_status st = asked_wait(&a) ? a.error.code : HARBORAI_E_TIMEOUT;
    asked_release(&a);
    return st;
}
