/* SPDX-License-Identifier: MIT */
/* What providers get from the rooms around them: threads, time, an exchange of their own. */
#include "plugin/header_lines.h"
#include "runtime/state.h"
#include "transport/exchange.h"
#include "transport/http_wait.h"

static struct runtime_provider *provider_of(const struct provider_services *services)
{
    return CONTAINER_OF((uintptr_t)services, struct runtime_provider, services);
}

static void prepare(struct job *job)
{
    struct runtime *runtime = CONTAINER_OF(job, struct runtime, prepare);
    transport_shared_prepare(runtime->transport);
}

/* The loader has one thread: what is asked for first is done first. */
static harborai_status load(struct runtime *runtime, struct job *job, harborai_error *error)
{
    if (!atomic_exchange(&runtime->is_prepared, true)) {
        runtime->prepare.run = prepare;
        /* Without a thread the first exchange does it. */
        harborai_status st = jobs_submit(runtime->loading, &runtime->prepare, NULL);
        (void)st;
    }
    return jobs_submit(runtime->loading, job, error);
}

static harborai_status run_job(const struct provider_services *services, enum provider_duty duty,
                               struct job *job, harborai_error *error)
{
    struct runtime *runtime = provider_of(services)->runtime;
    return duty == PROVIDER_DUTY_LOADER ? load(runtime, job, error)
                                        : jobs_submit(runtime->provider_jobs, job, error);
}

static void look_again(const struct provider_services *services)
{
    /* Without memory or a thread for it, the next that asks has it looked at. */
    (void)watcher_order(provider_of(services)->runtime);
}

/* --- tick(): a timer of loop 0 ------------------------------------------------------------- */

static void on_tick(struct timer *timer)
{
    slot_tick(CONTAINER_OF(timer, struct runtime_provider, tick)->slot);
}

static void on_tick_order(struct message *message)
{
    struct runtime_provider *p = CONTAINER_OF(message, struct runtime_provider, tick_order);
    struct loop *loop = p->runtime->loops[0].loop;
    atomic_store(&p->tick_ordered, false);
    int64_t at_ns = atomic_load(&p->tick_at_ns);
    p->tick.on_due = on_tick;
    if (at_ns == 0)
        loop_timer_clear(loop, &p->tick);
    else
        loop_timer_set(loop, &p->tick, at_ns);
}

static void tick_after(const struct provider_services *services, struct slot *slot UNUSED,
                       int64_t delay_ms)
{
    struct runtime_provider *p = provider_of(services);
    int64_t at_ns =
        delay_ms < 0 ? 0 : clock_after_ms(clock_monotonic_ns(services->clock), delay_ms);
    atomic_store(&p->tick_at_ns, at_ns);
    if (!atomic_exchange(&p->tick_ordered, true))
        loop_post(p->runtime->loops[0].loop, &p->tick_order);
}

void services_cancel_tick(struct runtime_provider *p)
{
    loop_timer_clear(p->runtime->loops[0].loop, &p->tick);
}

/* --- http_wait() --------------------------------------------------------------------------- */

static harborai_status check_reach(const struct provider *provider, harborai_str text,
                                   harborai_error *error)
{
    struct url url;
    harborai_status st = url_parse(text, &url, error);
    if (st >= 0 && !provider_may_reach(provider, url.host, url.port))
        st = harborai_error_set(error, HARBORAI_E_INVALID,
                                "plugin '%s' may not reach '%.*s:%u': it is neither in its "
                                "manifest's \"network\" nor the provider's base_url",
                                provider->manifest->id.data, SLICE_ARG(url.host), url.port);
    return st;
}

static harborai_status wait_for_http(const struct provider_services *services,
                                     const struct provider *provider,
                                     const harborai_http_request *request,
                                     void (*done)(void *context,
                                                  const harborai_http_response *answer,
                                                  harborai_str body),
                                     void *context, harborai_error *error)
{
    AUTO(buf) lines = BUF_INIT(HEADER_LINES_MAX_COUNT * HEADER_LINES_MAX_SIZE);
    harborai_status st = check_reach(provider, request->url, error);
    if (st < 0)
        return st;
    st = header_lines_write(provider, request->headers, request->header_count,
                            request->body_kind != HARBORAI_BODY_NONE, SLICE_NONE, &lines, error);
    if (st < 0)
        return st;
    harborai_str method = request->method.len > 0 ? request->method : HARBORAI_STR("POST");
    return http_wait(method, request->url, buf_slice(&lines), request->body, provider_of(services)->ca_file.data,
                     done, context, error);
}

void services_init(struct runtime_provider *p)
{
    p->tick_order.run = on_tick_order;
    p->services = (struct provider_services){
        .log = p->runtime->options.log,
        .clock = &clock_system,
        .run_job = run_job,
        .look_again = look_again,
        .enter = crash_enter,
        .tick_after = tick_after,
        .http_wait = wait_for_http,
    };
}
