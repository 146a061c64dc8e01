/* SPDX-License-Identifier: MIT */
#include "fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit.h"
#include "runtime/order.h"
#include "runtime/subject.h"
#include "server/gate.h"

struct engine_loop {
    struct runtime *runtime;
    struct loop *loop;
};

struct call {
    struct engine_loop *engine;
    const struct call_front *front;
    void *owner;
    struct action act;
    struct parked parked;
    harborai_error error;
    harborai_status code;
    bool streamed;
    uint32_t chunks;
    struct buf body;
    struct call_charge charge;
    harborai_str answer;
    struct record record;
};

/* --- Calls ------------------------------------------------------------------------------------ */

static void free_call(struct parked *parked)
{
    struct call *call = CONTAINER_OF(parked, struct call, parked);
    buf_release(&call->body);
    struct call_charge charge = call->charge;
    charge.give_back(charge.owner, charge.bytes);
    free(call);
    charge.on_gone(charge.owner);
}

static void on_act(struct action *action)
{
    struct call *call = CONTAINER_OF(action, struct call, act);
    struct call_result result = {
        .error = call->code < 0 ? &call->error : NULL,
        .streamed = call->streamed,
        .chunks = call->chunks,
        .answer = call->answer,
        .record = &call->record,
    };
    call->engine->runtime->over++;
    call->front->on_end(call->owner, &result);
    loop_park(call->engine->loop, &call->parked, free_call);
}

void fake_chunk(struct call *call, harborai_str json)
{
    call->chunks++;
    call->streamed = true;
    call->front->on_chunk(call->owner, json);
}

void fake_end(struct call *call, harborai_status code)
{
    call->code = code;
    if (code == HARBORAI_E_RATE_LIMIT)
        call->error.retry_after_ms = 1500;
    if (code < 0)
        harborai_error_set(&call->error, code, "told to fail");
    loop_act(call->engine->loop, &call->act);
}

size_t fake_undelivered(const struct call *call)
{
    return call->front->undelivered(call->owner);
}

static unsigned number_in(harborai_str text)
{
    uint64_t number = 0;
    return slice_to_u64(text, &number) ? (unsigned)number : 0;
}

static void stream(struct call *call, harborai_str count, harborai_status code)
{
    char json[32];
    for (unsigned i = 0; i < number_in(count); i++) {
        snprintf(json, sizeof json, "{\"n\":%u}", i);
        fake_chunk(call, slice_of(json));
    }
    call->streamed = true;
    fake_end(call, code);
}

static void do_as_told(struct call *call)
{
    harborai_str order, rest;
    (void)slice_split(buf_slice(&call->body), ' ', &order, &rest);
    if (slice_is(order, "stream")) {
        stream(call, rest, HARBORAI_OK);
    } else if (slice_is(order, "break")) {
        stream(call, rest, HARBORAI_E_NETWORK);
    } else if (slice_is(order, "error")) {
        fake_end(call, HARBORAI_E_RATE_LIMIT);
    } else if (slice_is(order, "more")) {
        size_t more = number_in(slice_cut(rest, 4));
        bool fits = call->charge.more(call->charge.owner, more);
        call->charge.bytes += fits ? more : 0;
        fake_end(call, fits ? HARBORAI_OK : HARBORAI_E_RATE_LIMIT);
    } else if (!slice_is(order, "hold")) {
        call->answer = rest;
        fake_end(call, HARBORAI_OK);
    }
}

static void copy_text(char *to, size_t size, harborai_str text)
{
    snprintf(to, size, "%.*s", SLICE_ARG(text));
}

static void note_call(struct runtime *runtime, struct call *call, const struct call_params *params)
{
    struct fake_seen *seen = &runtime->seen;
    seen->call = call;
    copy_text(seen->body, sizeof seen->body, buf_slice(&call->body));
    copy_text(seen->request_id, sizeof seen->request_id, params->request_id);
    copy_text(seen->trace_parent, sizeof seen->trace_parent, params->trace_parent);
    copy_text(seen->client, sizeof seen->client, params->client);
}

struct call *call_start(struct engine_loop *engine, const struct call_params *params)
{
    struct runtime *runtime = engine->runtime;
    struct call *call = runtime->no_memory ? NULL : calloc(1, sizeof *call);
    if (call == NULL)
        return NULL;
    *params->call = call;
    *call = (struct call){.engine = engine, .front = params->front, .owner = params->owner,
                          .act.run = on_act, .error = HARBORAI_ERROR_INIT, .body = *params->body,
                          .charge = params->charge};
    buf_init(params->body, params->body->ceiling);
    memcpy(call->record.hb_id, "hb_1", 5);
    call->record.is_sampled = true;
    call->record.provider = HARBORAI_STR("lab");
    call->record.upstream_model = HARBORAI_STR("fb-\r\nx: y");
    call->record.attempts = 1;
    call->record.overhead_ns = 12345678;
    call->record.changed = HARBORAI_STR("stop;dropped, a\r\nb;off");
    call->record.is_stream = slice_is(buf_slice(&call->body), "hold stream");
    call->record.is_cost_known = true;
    call->record.cost_pico = 150000000;
    call->record.cost_currency = HARBORAI_STR("USD");
    runtime->started++;
    if (runtime->loop_count == 1)
        note_call(runtime, call, params);
    do_as_told(call);
    return call;
}

const struct record *call_record(const struct call *call)
{
    return &call->record;
}

void call_head_sent(struct call *call)
{
    call->engine->runtime->heads++;
}

void call_cancel(struct call *call)
{
    call->engine->runtime->cancelled++;
    list_remove(&call->act.link);
    if (!call->engine->runtime->keeps)
        fake_let_go(call);
}

void call_leave(struct call *call)
{
    call_cancel(call);
}

bool engine_loop_refuses(const struct engine_loop *engine, const char **ret_why)
{
    *ret_why = "the disk is full";
    return engine->runtime->refuses;
}

unsigned engine_loop_waiting(const struct engine_loop *engine)
{
    return engine->runtime->waiting;
}

unsigned engine_loop_left(const struct engine_loop *engine UNUSED)
{
    return 0;
}

void engine_loop_break_off_left(struct engine_loop *engine UNUSED)
{
}

void fake_let_go(struct call *call)
{
    loop_park(call->engine->loop, &call->parked, free_call);
}

void call_resume(struct call *call)
{
    call->engine->runtime->resumed++;
}

/* --- Runtime ---------------------------------------------------------------------------------- */

unsigned runtime_loop_count(const struct runtime *runtime)
{
    return runtime->loop_count;
}

struct loop *runtime_loop(struct runtime *runtime, unsigned index)
{
    return runtime->loops[index];
}

struct engine_loop *runtime_engine(struct runtime *runtime, unsigned index)
{
    return runtime->engines[index];
}

const struct key_table *runtime_keys(struct runtime *runtime UNUSED)
{
    return NULL;
}

const struct model_map *runtime_models(struct runtime *runtime)
{
    return runtime->models;
}

/* Orders are the real runtime's: nobody gives one here. */
harborai_status runtime_order(struct runtime *runtime UNUSED, struct runtime_order *order UNUSED,
                              harborai_error *error)
{
    return harborai_error_set(error, HARBORAI_E_MEMORY, "no keeper");
}

void runtime_listing_destroy(struct runtime_listing *listing UNUSED)
{
}

const char *subject_kind_name(enum plugin_state_kind kind UNUSED)
{
    return "";
}

const struct config *runtime_config(struct runtime *runtime)
{
    return &runtime->config;
}

bool runtime_journal_fails(const struct runtime *runtime)
{
    return runtime->journal_fails;
}

bool runtime_has_journal(const struct runtime *runtime UNUSED)
{
    return true;
}

struct metrics *runtime_metrics(struct runtime *runtime)
{
    return runtime->metrics;
}

void runtime_write_metrics(struct runtime *runtime, struct prometheus *p)
{
    metrics_write(runtime_metrics(runtime), p);
}

const struct log *runtime_log(const struct runtime *runtime UNUSED)
{
    return NULL;
}

static int64_t now(const struct clock *clock)
{
    return ((const struct runtime *)(const void *)clock)->now_ns; /* its first member */
}

static struct model_map *make_models(struct runtime *runtime)
{
    static const harborai_str names[] = {HARBORAI_STR_INIT("my-model"), HARBORAI_STR_INIT("fb-*")};
    static const struct model_map_alias aliases[] = {
        {HARBORAI_STR_INIT("smart"), HARBORAI_STR_INIT("lab/my-model"), {0}}};
    struct manifest *manifest = NULL;
    struct model_map *map = NULL;
    harborai_error error = HARBORAI_ERROR_INIT;

    if (manifest_create(HARBORAI_STR("{\"abi\":[0,3,0],\"plugin\":{\"id\":\"test.lab\","
                                     "\"version\":\"1.0.0\",\"provider\":\"lab\",\"models\":[{"
                                     "\"name\":\"my-model\",\"context\":1000}],\"secrets\":{"
                                     "\"api_key\":{\"required\":true}}}}"),
                        "lab.so", &manifest, &error) < 0)
        CU_FAIL_FATAL(error.message);
    runtime->provider = (struct provider){.name = HARBORAI_STR("lab"), .manifest = manifest,
                                          .key_variable = HARBORAI_STR("LAB_KEY"),
                                          .key_required = true};
    runtime->slot.provider = &runtime->provider;
    struct model_map_provider lab = {.slot = &runtime->slot,
                                     .name = HARBORAI_STR("lab"), .manifest = manifest,
                                     .models = names, .model_count = 2, .enabled = true};
    struct model_map_source source = {
        .providers = &lab, .provider_count = 1, .aliases = aliases, .alias_count = 1};
    if (model_map_create(&source, &map, NULL, &error) < 0)
        CU_FAIL_FATAL(error.message);
    manifest_unref(manifest);
    return map;
}

void fake_begin(struct runtime *runtime, unsigned loops, int64_t max_body)
{
    fake_begin_with(runtime, loops, max_body, 0);
}

void fake_begin_with(struct runtime *runtime, unsigned loops, int64_t max_body,
                     int64_t memory)
{
    struct server_options options = {.host = HARBORAI_STR("127.0.0.1"), .max_body = max_body,
                                     .limits = gate_limits_usual};
    options.limits.memory = memory;
    fake_begin_as(runtime, loops, &options);
}

void fake_begin_as(struct runtime *runtime, unsigned loops, const struct server_options *options)
{
    *runtime = (struct runtime){.clock = {now, now}, .loop_count = loops};
    runtime->now_ns = INT64_C(1700000000) * NS_PER_S;
    epoch_init(&runtime->epoch);
    CU_ASSERT_FATAL(metrics_create(loops, "0", &runtime->metrics, NULL) == HARBORAI_OK);
    runtime->models = make_models(runtime);
    for (unsigned i = 0; i < loops; i++) {
        CU_ASSERT_FATAL(loop_create(i, &runtime->epoch, &runtime->clock, &runtime->loops[i],
                                    NULL) == HARBORAI_OK);
        runtime->engines[i] = calloc(1, sizeof *runtime->engines[i]);
        CU_ASSERT_FATAL(runtime->engines[i] != NULL);
        *runtime->engines[i] = (struct engine_loop){runtime, runtime->loops[i]};
    }
    harborai_error error = HARBORAI_ERROR_INIT;
    if (server_create(runtime, options, &runtime->server, &error) < 0)
        CU_FAIL_FATAL(error.message);
}

void fake_end_all(struct runtime *runtime)
{
    server_destroy(runtime->server);
    for (unsigned i = 0; i < runtime->loop_count; i++) {
        loop_destroy(runtime->loops[i]);
        free(runtime->engines[i]);
    }
    model_map_destroy(runtime->models);
    metrics_destroy(runtime->metrics);
}

static void *run_loop(void *loop)
{
    loop_run(loop);
    return NULL;
}

void fake_start_threads(struct runtime *runtime)
{
    for (unsigned i = 0; i < runtime->loop_count; i++)
        CU_ASSERT_FATAL(pthread_create(&runtime->threads[i], NULL, run_loop, runtime->loops[i]) ==
                        0);
}

void fake_stop_threads(struct runtime *runtime)
{
    for (unsigned i = 0; i < runtime->loop_count; i++) {
        loop_stop(runtime->loops[i]);
        pthread_join(runtime->threads[i], NULL);
    }
}

void fake_pass(struct runtime *runtime)
{
    for (unsigned i = 0; i < runtime->loop_count; i++)
        loop_turn(runtime->loops[i], 0);
}

/* --- Clients ---------------------------------------------------------------------------------- */

int fake_connect(struct runtime *runtime)
{
    uint64_t port = 0;
    harborai_str url = slice_of(server_url(runtime->server));
    CU_ASSERT_FATAL(slice_starts_with(url, "http://127.0.0.1:"));
    CU_ASSERT_FATAL(slice_to_u64(slice_from(url, strlen("http://127.0.0.1:")), &port));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CU_ASSERT_FATAL(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

void fake_send(struct runtime *runtime, int fd, harborai_str bytes)
{
    while (bytes.len > 0) {
        ssize_t len = send(fd, bytes.data, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (len > 0)
            bytes = slice_from(bytes, (size_t)len);
        else if (errno != EAGAIN)
            return; /* the server closed: what it said tells why */
        fake_pass(runtime);
    }
}

int fake_ask(struct runtime *runtime, harborai_str bytes)
{
    int fd = fake_connect(runtime);
    fake_send(runtime, fd, bytes);
    fake_pass(runtime);
    return fd;
}

const char *fake_receive(struct runtime *runtime, int fd, struct buf *into, size_t want,
                         bool *ret_ended)
{
    bool ended = false;
    for (int quiet = 0; quiet < 20 && into->len < want && !ended;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        fake_pass(runtime);
        if (poll(&ready, 1, quiet < 5 ? 0 : 10) == 0) {
            quiet++;
            continue;
        }
        char *room = buf_reserve(into, KIB(64));
        CU_ASSERT_FATAL(room != NULL);
        ssize_t len = recv(fd, room, KIB(64), MSG_DONTWAIT);
        ended = len <= 0;
        quiet = 0;
        if (len > 0)
            buf_commit(into, (size_t)len);
    }
    if (ret_ended != NULL)
        *ret_ended = ended;
    buf_add_char(into, '\0');
    into->len--;
    return into->data;
}
