/* SPDX-License-Identifier: MIT */
/* How far a call's usage is to be trusted, for its record: whose parser read it, and whether its
 * classes add up to the vendor's total. What does not fit is said once for each provider and kind, or
 * a vendor could fill the log; it is never changed. */
#include <stdio.h>

#include "chat/usage.h"
#include "engine/state.h"

enum { TOLD_SUM = 1u << 0, TOLD_UNREAD = 1u << 1 };

static bool is_first(const struct attempt *a, unsigned kind)
{
    atomic_uint *told = &a->slot->usage_told;
    return (atomic_load_explicit(told, memory_order_relaxed) & kind) == 0 &&
           (atomic_fetch_or_explicit(told, kind, memory_order_relaxed) & kind) == 0;
}

static void tell_sum(const struct attempt *a, int64_t sum)
{
    if (is_first(a, TOLD_SUM))
        log_write(a->call->engine->s.log, LOG_LEVEL_WARN, "usage.sum_differs",
                  "provider='%s' plugin='%s' total=%lld sum=%lld", slot_name(a->slot),
                  attempt_plugin_id(a), (long long)a->usage.vendor_total, (long long)sum);
}

/* An answer without usage, or with one that nobody can read. */
static void note_none(struct attempt *a, struct record *r)
{
    const harborai_error *error = a->call->error;
    bool may_be_billed = error == NULL || (r->vendor_status / 100 == 2 &&
                                           (error->flags & HARBORAI_ERROR_NOT_BILLED) == 0);
    if (!may_be_billed)
        return;
    bool is_there = a->usage_error[0] != '\0'; /* many servers of one's own have none */
    r->usage_method = HARBORAI_STR("fallback_zero");
    r->usage_confidence = 0;
    if (!is_there)
        snprintf(a->usage_error, sizeof a->usage_error, "the answer has no usage");
    r->usage_error = slice_of(a->usage_error);
    if (error == NULL && is_first(a, TOLD_UNREAD))
        log_write(a->call->engine->s.log, is_there ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "usage.unread",
                  "provider='%s' plugin='%s' error='%s'", slot_name(a->slot), attempt_plugin_id(a),
                  a->usage_error);
}

static void name_method(struct attempt *a, bool is_estimated)
{
    struct record *r = &a->call->record;
    harborai_str how = is_estimated ? HARBORAI_STR("_estimated") : HARBORAI_STR("_direct");
    harborai_str vendor = a->usage_is_read_here ? HARBORAI_STR("openai")
                                                : a->provider->spec->manifest->provider;
    vendor = slice_cut(vendor, sizeof a->usage_method - how.len);
    memcpy(a->usage_method, vendor.data, vendor.len);
    memcpy(a->usage_method + vendor.len, how.data, how.len);
    r->usage_method = (harborai_str){a->usage_method, vendor.len + how.len};
}

void usage_check(struct attempt *a)
{
    struct record *r = &a->call->record;
    const harborai_usage *usage = &a->usage;
    r->usage_method = r->usage_error = SLICE_NONE;
    if (usage->known_mask == 0) {
        note_none(a, r);
        return;
    }
    bool is_estimated = (usage->flags & HARBORAI_USAGE_ESTIMATED) != 0;
    name_method(a, is_estimated);
    int64_t sum = usage_input_total(usage) + usage_output_total(usage);
    if (is_estimated) {
        r->usage_confidence = 5;
    } else if (usage->vendor_total == 0) {
        r->usage_confidence = 8;
    } else if (usage->vendor_total == sum) {
        r->usage_confidence = 10;
    } else {
        r->usage_confidence = 9;
        tell_sum(a, sum);
    }
}
