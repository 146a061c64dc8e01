/* SPDX-License-Identifier: MIT */
/* Decides whether a call goes on after an attempt failed. Today: one attempt a call; the one thing
 * that is done again is what was sent on a kept connection that had died unseen. Retries and
 * fallback to other targets have their place here. */
#include "engine/state.h"

bool policy_try_again(struct call *call, struct attempt *failed, enum exchange_fault fault)
{
    if (fault != EXCHANGE_STALE || failed->closed || failed->http.fresh ||
        call->is_left)
        return false;
    failed->http.fresh = true;
    failed->phase = EXCHANGE_WANTED;
    failed->number = call->attempts++;
    call->record.resends++;
    commit_starting(failed);
    return true;
}
