/* SPDX-License-Identifier: MIT */
/* What a call holds of bodies, told to whoever counts it. */
#include "base/error.h"
#include "engine/state.h"

harborai_status call_charge_more(const struct call *call, size_t bytes, harborai_error *error)
{
    const struct call_charge *charge = &call->charge;
    if (charge->more == NULL || charge->more(charge->owner, bytes))
        return HARBORAI_OK;
    return error_set_full(error);
}

void call_give_back(const struct call *call, size_t bytes)
{
    const struct call_charge *charge = &call->charge;
    if (charge->give_back != NULL && bytes > 0)
        charge->give_back(charge->owner, bytes);
}
