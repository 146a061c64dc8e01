/* SPDX-License-Identifier: MIT */
/* What a call holds of bodies and answers, told to whoever counts it. */
#include "base/error.h"
#include "engine/state.h"

#define GATHERED_FREE KIB(16)

harborai_status call_charge_more(const struct call *call, size_t bytes, harborai_error *error)
{
    const struct call_charge *charge = &call->charge;
    if (charge->more == NULL || charge->more(charge->owner, bytes))
        return HARBORAI_OK;
    return error_set_full(error);
}

/* A usual answer is not worth a look at what all share. */
void call_charge_gathered(struct attempt *a)
{
    const struct call_charge *charge = &a->call->charge;
    size_t capacity = a->gathered.capacity;
    if (capacity <= GATHERED_FREE || capacity <= a->gathered_charged || charge->add == NULL)
        return;
    charge->add(charge->owner, capacity - a->gathered_charged);
    a->gathered_charged = capacity;
}

void call_give_back(const struct call *call, size_t bytes)
{
    const struct call_charge *charge = &call->charge;
    if (charge->give_back != NULL && bytes > 0)
        charge->give_back(charge->owner, bytes);
}
