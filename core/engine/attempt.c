/* SPDX-License-Identifier: MIT */
/* One attempt of a call with one target: runs the plugin's functions one at a time, ends once, and
 * is released once, after the last thread that the plugin let into it has left. */
#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "engine/callback.h"
#include "engine/phase.h"

/* Which attempt's plugin function runs on this thread: what it says is taken at once and without a
 * copy, what any other thread says goes through the mail. */
static _Thread_local struct attempt *running_attempt;
/* The one whose chat() runs on this job thread. */
static _Thread_local struct attempt *translated_attempt;

struct attempt *attempt_enter(struct attempt *a)
{
    struct attempt *before = running_attempt;
    running_attempt = a;
    a->depth++;
    return before;
}

void attempt_leave(struct attempt *a, struct attempt *before)
{
    running_attempt = before;
    if (--a->depth == 0)
        attempt_settle(a);
}

bool attempt_is_current_thread(const struct attempt *a)
{
    return running_attempt == a;
}

bool attempt_is_translated_here(const struct attempt *a)
{
    return running_attempt == a || translated_attempt == a;
}

const char *engine_running_plugin(void)
{
    const struct attempt *a = running_attempt != NULL ? running_attempt : translated_attempt;
    return a != NULL ? attempt_plugin_id(a) : NULL;
}

const char *attempt_plugin_id(const struct attempt *a)
{
    return a->provider->table->id;
}

/* --- Begin --------------------------------------------------------------------------------- */

static void on_wake(struct timer *timer)
{
    struct attempt *a = CONTAINER_OF(timer, struct attempt, wake);
    if (a->closed)
        return;
    struct attempt *before = attempt_enter(a);
    if (a->provider->table->on_wake != NULL) {
        int64_t began_ns = callback_begin(a);
        a->provider->table->on_wake(a->provider->provider, &a->api);
        callback_end(a, METER_ON_WAKE, 0, began_ns);
    }
    attempt_leave(a, before);
}

static void fill_request(struct attempt *a)
{
    struct call *call = a->call;
    int64_t passed_ns = loop_now_ns(call->engine->s.loop) - call->started_ns;
    a->request = (harborai_request){
        .size = sizeof a->request,
        .flags = call->request.is_stream ? HARBORAI_REQUEST_STREAM : 0,
        .operation = HARBORAI_OP_CHAT,
        .attempt = a->number,
        .call_id = slice_of(call->record.key),
        .model = call->upstream_model,
        .requested_model = call->record.model,
        .model_info = call->model_info,
        .body = call->request.body,
        .trace_parent = {a->trace_parent, TRACEPARENT_LEN},
    };
    if (call->total_limit_ns > 0)
        a->request.time_left_ms = (call->total_limit_ns - passed_ns) / NS_PER_MS;
}

/* Each attempt is a span of its own in the call's trace. */
static void name_span(struct attempt *a)
{
    struct call *call = a->call;
    struct record *r = &call->record;
    ids_span(&call->engine->ids, r->span_id);
    struct traceparent parent = {.flags = r->is_sampled ? TRACEPARENT_SAMPLED : 0};
    memcpy(parent.trace_id, r->trace_id, sizeof parent.trace_id);
    memcpy(parent.parent_id, r->span_id, sizeof parent.parent_id);
    traceparent_format(&parent, a->trace_parent);
}

static struct attempt *new_attempt(struct call *call)
{
    const struct slot_provider *provider = slot_acquire_fast(call->slot);
    size_t state_size = provider->table->call_state_size;
    struct attempt *a = arena_alloc(&call->arena, sizeof *a);
    void *state = state_size > 0 ? arena_alloc(&call->arena, state_size) : NULL;

    if (a == NULL || (state_size > 0 && state == NULL))
        return NULL;
    a->api = (harborai_call){.size = sizeof a->api, .host = provider->host, .state = state};
    a->call = call;
    a->slot = call->slot;
    a->provider = provider;
    call->record.plugin = arena_copy(&call->arena, slice_of(provider->table->id));
    a->number = call->attempts++;
    a->trimmed = a->asked = &call->request;
    a->changed = call->record.changed;
    name_span(a);
    a->wake.on_due = on_wake;
    a->exchange.events = &answer_events;
    buf_init(&a->gathered, LIMIT_RESPONSE_BODY);
    buf_init(&a->one_line, LIMIT_STREAM_EVENT);
    fill_request(a);
    mail_init(a);
    list_append(&call->unreleased, &a->link);
    return a;
}

/* What the plugin passes on or caused, fit to be read. */
static void check_error(const struct attempt *a, harborai_error *error)
{
    char who[128];
    if (error->code == HARBORAI_E_INVALID && a->has_erred) {
        error->code = HARBORAI_E_INTERNAL;
        error->flags = harborai_error_flags(error->code);
        error->param[0] = error->vendor_code[0] = '\0'; /* were about the request */
        if (!slice_starts_with(slice_of(error->message), "plugin '"))
            error_prefix(error, "plugin '%s': ", attempt_plugin_id(a));
    }
    if ((error->flags & HARBORAI_ERROR_RETRYABLE) == 0)
        error->retry_after_ms = 0; /* before the message says so */
    provider_mask_secrets(a->provider->spec, error);
    snprintf(who, sizeof who, "plugin '%s'", attempt_plugin_id(a));
    error_explain(error, who);
}

void attempt_fail_by_plugin(struct attempt *a, const harborai_error *error)
{
    harborai_error copy = *error;
    check_error(a, &copy);
    attempt_fail(a, &copy);
}

/* An error from before chat() is the host's own, and stays as it is. */
static void after_chat(struct attempt *a, harborai_status st, const harborai_error *error)
{
    harborai_error copy = HARBORAI_ERROR_INIT;
    if (st >= 0 || a->closed)
        return;
    if (!a->has_run_chat) {
        attempt_fail(a, error);
        return;
    }
    if (take_error(error, &copy) < 0 || copy.code >= 0)
        harborai_error_set(&copy, st, "%s", "");
    check_error(a, &copy);
    (void)answer_hide_error(a, &copy);
    attempt_fail(a, &copy);
}

/* So that a plugin need not walk the body again; without memory for it, it does. */
static void tell_members(struct attempt *a)
{
    const struct chat_request *asked = a->asked;
    size_t count = asked->member_count;
    harborai_member *members = arena_alloc(&a->call->arena, count * sizeof *members);
    if (members == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        members[i] = (harborai_member){
            .name = asked->members[i].key,
            .value = asked->members[i].value,
            .flags = asked->members[i].key_escaped ? HARBORAI_MEMBER_ESCAPED : 0,
        };
    a->request.members = members;
    a->request.member_count = count;
}

static harborai_status run_chat(struct attempt *a, harborai_error *error)
{
    const harborai_plugin *table = a->provider->table;
    bool streams = a->asked->is_stream && table->stream != NULL;
    harborai_status st = replay_give(a, error);
    if (st < 0)
        return st;
    tell_members(a);
    a->has_run_chat = true;
    int64_t began_ns = a->chat_began_ns = callback_begin(a);
    if (!a->on_job)
        phase_end_at(a->call, a->call->has_waited ? RECORD_QUEUE : RECORD_ROUTE, began_ns);
    st = (streams ? table->stream : table->chat)(a->provider->provider, &a->api, &a->request, error);
    callback_end(a, METER_CHAT, a->request.body.len, began_ns);
    return st;
}

/* What is known on the loop of the request that goes out. */
static void publish(struct attempt *a)
{
    struct call *call = a->call;
    if (a->trimmed != &call->request)
        call->request = *a->trimmed;
    call->record.changed = a->changed;
}

static void chat_on_loop(struct attempt *a)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct attempt *before = attempt_enter(a);
    harborai_status st = unsupported_leave_out(a, &error);
    publish(a); /* before: chat() may emit */
    after_chat(a, st < 0 ? st : run_chat(a, &error), &error);
    attempt_leave(a, before);
}

/* A large request is translated on a job thread: no loop may stand still for it. */
static void chat_on_job(struct job *job)
{
    struct attempt *a = CONTAINER_OF(job, struct attempt, job);
    struct loop *loop = a->call->engine->s.loop;
    a->job_error = (harborai_error)HARBORAI_ERROR_INIT;
    translated_attempt = a;
    a->job_status = unsupported_leave_out(a, &a->job_error);
    if (a->job_status >= 0)
        a->job_status = run_chat(a, &a->job_error);
    translated_attempt = NULL;
    loop_post(loop, &a->job_done);
}

static void on_job_done(struct message *message)
{
    struct attempt *a = CONTAINER_OF(message, struct attempt, job_done);
    struct attempt *before = attempt_enter(a);

    a->on_job = false;
    if (a->chat_began_ns > 0)
        phase_end_at(a->call, RECORD_QUEUE, a->chat_began_ns);
    a->call->record.phase_ns[RECORD_PLUGIN] += a->job_ns;
    publish(a);
    if (a->closed)
        a->phase = EXCHANGE_NONE; /* the call ended meanwhile: nothing goes out */
    else
        commit_starting(a);
    if (a->mail_due)
        mail_deliver(a); /* what chat() said comes before what it returned */
    after_chat(a, a->job_status, &a->job_error);
    attempt_leave(a, before);
}

void attempt_begin(struct call *call)
{
    struct engine_loop *engine = call->engine;
    harborai_error error = HARBORAI_ERROR_INIT;
    if (unsupported_find(call, &error) < 0) {
        call_fail(call, &error);
        return;
    }
    struct attempt *a = new_attempt(call);
    if (a == NULL) {
        call_fail_with(call, HARBORAI_E_MEMORY, "no memory left for this call");
        return;
    }
    call->state = CALL_RUNNING;
    call->attempt = call->last_attempt = a;
    if (call->body.len > LIMIT_CHAT_ON_LOOP) {
        a->on_job = call->has_waited = true;
        phase_end(call, RECORD_ROUTE);
        a->job.run = chat_on_job;
        a->job_done.run = on_job_done;
        if (jobs_submit(engine->s.translators, &a->job, NULL) == HARBORAI_OK)
            return;
        a->on_job = false; /* no thread to be had: late is better than never */
    }
    commit_starting(a);
    chat_on_loop(a);
}

/* --- End ----------------------------------------------------------------------------------- */

/* Entered like any function of the plugin: what it says here is taken or refused at once, and never
 * becomes mail of an attempt that is gone. */
static void tell_release(struct attempt *a)
{
    struct attempt *before = running_attempt;
    running_attempt = a;
    a->depth++;
    a->released = true;
    if (a->provider->table->on_release != NULL) {
        int64_t began_ns = callback_begin(a);
        a->provider->table->on_release(a->provider->provider, &a->api);
        callback_end(a, METER_ON_RELEASE, 0, began_ns);
    }
    a->depth--;
    running_attempt = before;
}

static void release(struct attempt *a)
{
    struct call *call = a->call;
    tell_release(a);
    list_remove(&a->link);
    buf_release(&a->gathered);
    buf_release(&a->one_line);
    buf_release(&a->body);
    call_give_back(call, a->charged + a->gathered_charged);
    replay_draft_release(a->draft);
    sse_release(&a->sse);
    stream_release(&a->stream);
    lines_release(&a->lines);
    fold_destroy(a->fold);
    collect_destroy(a->collect);
    if (call->attempt == a)
        call->attempt = NULL;
    if (a->usage_is_late)
        commit_amending(call);
    call_settle(call);
}

static bool is_idle(const struct attempt *a)
{
    return a->phase == EXCHANGE_NONE && a->holds == 0 && !timer_is_set(&a->wake);
}

static void resume_if_due(struct attempt *a)
{
    if (a->closed || !atomic_load(&a->pause_told) || output_is_slow(a->call))
        return;
    atomic_store(&a->pause_told, false);
    if (a->provider->table->on_resume == NULL)
        return;
    int64_t began_ns = callback_begin(a);
    a->provider->table->on_resume(a->provider->provider, &a->api);
    callback_end(a, METER_ON_RESUME, 0, began_ns);
}

static void tell_cancel(struct attempt *a)
{
    a->cancel_due = false;
    if (a->provider->table->on_cancel == NULL)
        return;
    int64_t began_ns = callback_begin(a);
    a->provider->table->on_cancel(a->provider->provider, &a->api);
    callback_end(a, METER_ON_CANCEL, 0, began_ns);
}

/* What is due when none of the plugin's functions runs. Each of them may make something else due,
 * so it is entered like a function of the plugin; the depth keeps it from entering itself. */
void attempt_settle(struct attempt *a)
{
    if (a->depth > 0 || a->on_job || a->released)
        return;
    struct attempt *before = running_attempt;
    running_attempt = a;
    a->depth++;
    resume_if_due(a);
    if (a->cancel_due)
        tell_cancel(a);
    if (!a->closed && is_idle(a))
        attempt_fail_with(a, HARBORAI_E_INTERNAL,
                          "plugin '%s' left the call idle: no exchange, hold or wake",
                          attempt_plugin_id(a));
    a->depth--;
    running_attempt = before;
    if (a->closed && a->holds == 0)
        release(a);
}

/* The plugin has run, so the attempt is on record even if it ends before its begin line was due: the
 * line goes out in one write with what comes next, and nothing is sent. */
static void keep_begin_line(struct attempt *a)
{
    if (a->call->record.attempts > a->number)
        list_remove(&a->starting); /* it is written: what was due is another exchange */
    else
        commit_starting(a);
}

void attempt_close(struct attempt *a, bool cancel)
{
    struct loop *loop = a->call->engine->s.loop;
    if (a->closed)
        return;
    a->closed = true;
    atomic_store(&a->closed_for_all, true);
    phase_end_upstream(a);
    a->cancel_due = cancel;
    loop_timer_clear(loop, &a->wake);
    keep_begin_line(a);
    if (a->on_job)
        return; /* chat() may be asking for an exchange right now; see on_job_done() */
    exchange_cancel(&a->exchange);
    a->phase = EXCHANGE_NONE;
    attempt_settle(a);
}

void attempt_fail(struct attempt *a, const harborai_error *error)
{
    struct call *call = a->call;
    harborai_error copy = *error;
    if (a->closed)
        return;
    attempt_close(a, false);
    if (policy_try_again(call, a, EXCHANGE_SENT))
        return;
    call_fail(call, &copy);
}

void attempt_fail_with(struct attempt *a, harborai_status code, const char *format, ...)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    va_list arguments;

    va_start(arguments, format);
    error_set_list(&error, code, format, arguments);
    va_end(arguments);
    attempt_fail(a, &error);
}

static void note_result(struct attempt *a, const harborai_result *result)
{
    struct record *r = &a->call->record;
    struct arena *arena = &a->call->arena;
    if (result->vendor_request_id.len > 0)
        r->vendor_request_id = arena_copy(arena, result->vendor_request_id);
    if (result->vendor_model.len > 0)
        r->vendor_model = arena_copy(arena, result->vendor_model);
    if (result->service_tier.len > 0)
        r->service_tier = arena_copy(arena, result->service_tier);
}

void attempt_finish(struct attempt *a, const harborai_result *result)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct call *call = a->call;

    note_result(a, result);
    if (result->error != NULL) {
        if (take_error(result->error, &error) < 0 || error.code >= 0)
            harborai_error_set(&error, HARBORAI_E_INTERNAL, "plugin '%s' gave a broken error",
                               attempt_plugin_id(a));
        check_error(a, &error);
        answer_name_error(a, &error);
        attempt_fail(a, &error);
        return;
    }
    if (result->finish_reason > HARBORAI_FINISH_CONTENT_FILTER) {
        attempt_fail_with(a, HARBORAI_E_INTERNAL, "plugin '%s' gave finish_reason %u",
                          attempt_plugin_id(a), (unsigned)result->finish_reason);
        return;
    }
    if (a->has_refused) {
        attempt_fail_with(a, HARBORAI_E_INTERNAL,
                          "plugin '%s' went on with a request that is to be refused",
                          attempt_plugin_id(a));
        return;
    }
    if (atomic_load(&a->has_lost_piece)) {
        attempt_fail_with(a, HARBORAI_E_MEMORY, "no memory left for a piece of plugin '%s'",
                          attempt_plugin_id(a));
        return;
    }
    a->finish_reason = result->finish_reason;
    if (output_finish(a, &error) < 0) {
        a->has_erred = true;
        attempt_fail_by_plugin(a, &error);
        return;
    }
    replay_keep(a);
    exchange_detach(&a->exchange);
    attempt_close(a, false);
    call_succeed(call);
}
