/* SPDX-License-Identifier: MIT */
/* The functions of harborai_host that are about a call. From the call's own thread they act at
 * once; from any other they go through the mail. */
#include <string.h>

#include "chat/usage.h"
#include "engine/state.h"
#include "json_scan.h"
#include "json_value.h"

static struct attempt *attempt_of(harborai_call *api)
{
    return CONTAINER_OF(api, struct attempt, api);
}

/* From a thread that may not it would spoil what belongs to another: there is nothing for it. */
static void *call_alloc(harborai_call *api, size_t size)
{
    struct attempt *a = attempt_of(api);
    return attempt_is_translated_here(a) ? arena_alloc(&a->call->arena, size) : NULL;
}

/* What a plugin makes of a vendor's bytes comes to an end with them; a source of its own that does
 * not stop is ended. */
static harborai_status check_flood(struct attempt *a, harborai_error *error)
{
    return a->exchanges == 0 ? output_check_flood(a, error) : HARBORAI_OK;
}

/* A piece for which there was no room is missing, and what the vendor broke stays broken: the answer must
 * not pass for complete. What is wrong otherwise is the plugin's to mend. */
static harborai_status after_piece(struct attempt *a, harborai_status st,
                                   const harborai_error *error)
{
    a->has_erred |= st == HARBORAI_E_INVALID;
    if (st == HARBORAI_E_MEMORY || st == HARBORAI_E_PROTOCOL)
        attempt_fail(a, error);
    return st;
}

static harborai_status call_emit(harborai_call *api, const harborai_delta *given)
{
    struct attempt *a = attempt_of(api);
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_delta delta;
    harborai_status st = take_delta(given, &delta);
    if (st < 0)
        return st;
    if (!attempt_is_current_thread(a))
        return mail_delta(a, &delta);
    st = check_flood(a, &error);
    return after_piece(a, st < 0 ? st : output_delta(a, &delta, &error), &error);
}

static harborai_status call_emit_json(harborai_call *api, harborai_str chunk)
{
    struct attempt *a = attempt_of(api);
    harborai_error error = HARBORAI_ERROR_INIT;
    if (!attempt_is_current_thread(a))
        return mail_json(a, chunk);
    harborai_status st = check_flood(a, &error);
    return after_piece(a, st < 0 ? st : output_json(a, chunk, &error), &error);
}

/* What a plugin calls the vendor's usage object goes into the journal and to clients as it is: only
 * if it is one. Said once an attempt, or a plugin could fill the log. */
static void check_vendor_json(struct attempt *a, harborai_usage *usage)
{
    harborai_str value;
    if (usage->vendor_json.len == 0 ||
        (json_scan(usage->vendor_json, NULL, &value, NULL) >= 0 && json_kind(value) == JSON_OBJECT))
        return;
    usage->vendor_json = SLICE_NONE;
    if (!a->usage_is_odd)
        log_write(a->call->engine->s.log, LOG_LEVEL_WARN, "plugin.bad_usage",
                  "provider='%s' plugin='%s' error='vendor_json is not a JSON object'",
                  slot_name(a->slot), attempt_plugin_id(a));
    a->usage_is_odd = true;
}

/* A vendor may tell the usage in every event of a long stream: each object takes the place of the
 * one before, in room that grows at least twofold. Empty: none is to be had, the last one stays. */
static harborai_str keep_vendor_json(struct attempt *a, harborai_str json)
{
    if (json.len > a->usage_capacity) {
        size_t capacity = json.len > a->usage_capacity * 2 ? json.len : a->usage_capacity * 2;
        char *room = arena_alloc(&a->call->arena, capacity);
        if (room == NULL)
            return SLICE_NONE;
        a->usage_room = room;
        a->usage_capacity = capacity;
    }
    if (json.len > 0)
        memmove(a->usage_room, json.data, json.len);
    return (harborai_str){a->usage_room, json.len};
}

/* A class that is known replaces its last value; what is not mentioned stays. */
void attempt_take_usage(struct attempt *a, const harborai_usage *from)
{
    harborai_usage kept = *from;
    kept.vendor_json = keep_vendor_json(a, from->vendor_json);
    usage_merge(&a->usage, &kept);
    a->has_usage = true;
    a->usage_is_late |= a->call->is_on_record && a == a->call->last_attempt;
}

static harborai_status call_usage(harborai_call *api, const harborai_usage *given)
{
    struct attempt *a = attempt_of(api);
    harborai_usage usage;
    harborai_status st = take_usage(given, &usage);
    if (st < 0)
        return st;
    if (!attempt_is_current_thread(a))
        return mail_usage(a, &usage);
    check_vendor_json(a, &usage);
    attempt_take_usage(a, &usage);
    return HARBORAI_OK;
}

static harborai_status call_finish(harborai_call *api, const harborai_result *given)
{
    struct attempt *a = attempt_of(api);
    harborai_result result;
    harborai_usage usage;
    harborai_status st = take_result(given, &result);
    if (st < 0)
        return st;
    if (!attempt_is_current_thread(a))
        return mail_finish(a, &result);
    if (result.usage != NULL) {
        st = take_usage(result.usage, &usage);
        if (st < 0)
            return st;
        check_vendor_json(a, &usage);
        attempt_take_usage(a, &usage);
    }
    if (a->closed)
        return HARBORAI_E_CLOSED;
    attempt_finish(a, &result);
    return HARBORAI_OK;
}

static harborai_status call_wake(harborai_call *api, int64_t delay_ms)
{
    struct attempt *a = attempt_of(api);
    struct loop *loop = a->call->engine->s.loop;
    if (!attempt_is_current_thread(a))
        return mail_wake(a, delay_ms);
    if (a->closed)
        return HARBORAI_E_CLOSED;
    int64_t at_ns = clock_after_ms(loop_now_ns(loop), delay_ms);
    if (!timer_is_set(&a->wake) || at_ns < a->wake.at_ns)
        loop_timer_set(loop, &a->wake, at_ns);
    return HARBORAI_OK;
}

static void call_hold(harborai_call *api)
{
    struct attempt *a = attempt_of(api);
    a->holds++;
    mail_prepare_unhold(a);
}

static void call_unhold(harborai_call *api)
{
    mail_unhold(attempt_of(api));
}

static bool may_change(const struct attempt *a, harborai_str path, uint32_t how)
{
    return path.len > 1 && path.data[0] == '/' && how >= HARBORAI_CHANGED_DROPPED &&
           how <= HARBORAI_CHANGED_OFF && a->phase != EXCHANGE_WANTED && a->phase != EXCHANGE_OPEN;
}

static harborai_status note_change(struct attempt *a, harborai_str path, uint32_t how,
                                   harborai_error *error)
{
    if (how != HARBORAI_CHANGED_DROPPED) {
        changes_add(a->call, &a->changed, path, how);
        return HARBORAI_OK;
    }
    harborai_status st = changes_drop(a->call, &a->changed, path, error);
    a->has_refused |= st < 0;
    return st;
}

static harborai_status call_changed(harborai_call *api, harborai_str path, uint32_t how,
                                    harborai_error *error)
{
    struct attempt *a = attempt_of(api);
    if (!attempt_is_translated_here(a))
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "changed() is not for threads of a plugin");
    if (!may_change(a, path, how)) {
        a->has_erred = true;
        return harborai_error_set(error, HARBORAI_E_INVALID,
                                  "changed() takes a pointer to a member and what becomes of it, "
                                  "before the exchange that it is about");
    }
    harborai_status st = note_change(a, path, how, error);
    if (attempt_is_current_thread(a))
        a->call->record.changed = a->changed;
    return st;
}

const harborai_host engine_call_functions = {
    .size = sizeof engine_call_functions,
    .abi_major = HARBORAI_ABI_MAJOR,
    .abi_minor = HARBORAI_ABI_MINOR,
    .alloc = call_alloc,
    .http_start = http_start,
    .emit = call_emit,
    .emit_json = call_emit_json,
    .usage = call_usage,
    .finish = call_finish,
    .wake = call_wake,
    .hold = call_hold,
    .unhold = call_unhold,
    .changed = call_changed,
};
