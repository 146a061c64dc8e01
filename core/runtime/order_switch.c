/* SPDX-License-Identifier: MIT */
/* The order to switch something off, or on again: what is meant, and what plugins.json says of it from
 * now on. That it is in force is the keeper's business. */
#include "runtime/state.h"
#include "runtime/subject.h"

/* What a provider is made of may have no name any more, because its file is refused now. */
static bool find_running(const struct runtime *runtime, harborai_str name,
                         struct subject *ret_subject)
{
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        bool is_plugin = slice_equal(spec->manifest->id, name) ||
                         slice_equal(spec->manifest->provider, name);
        if (!is_plugin && !slice_equal(spec->name, name))
            continue;
        *ret_subject = (struct subject){is_plugin ? PLUGIN_STATE_PLUGIN : PLUGIN_STATE_PROVIDER,
                                        is_plugin ? spec->manifest->id : spec->name, NULL};
        return true;
    }
    return false;
}

static harborai_status find(const struct runtime_order *order, const struct subject_world *world,
                            struct subject *ret_subject, harborai_error *error)
{
    harborai_status st = subject_find(world, order->name, ret_subject, error);
    if (st == HARBORAI_E_NOT_FOUND && find_running(order->runtime, order->name, ret_subject))
        st = HARBORAI_OK;
    if (st >= 0 && order->enabled)
        subject_prefer_off(world, order->name, ret_subject);
    return st < 0 ? st : subject_check_switch(world, ret_subject, order->enabled, error);
}

harborai_status order_switch(struct runtime_order *order, const struct subject_world *world,
                             harborai_error *error)
{
    struct subject subject;
    harborai_status st = find(order, world, &subject, error);
    if (st < 0)
        return st;
    const struct plugin_state_change change = {subject.kind, subject.name, order->enabled, order->by};
    st = plugin_state_apply(slice_of(order->runtime->state_dir), &change, &clock_system,
                            &order->changed, error);
    if (st < 0)
        return st;
    order->kind_switched = subject.kind;
    memcpy(order->switched, subject.name.data, subject.name.len); /* plugin_state_apply() has checked it */
    order->switched[subject.name.len] = '\0';
    snprintf(order->text, sizeof order->text, "%s '%.300s' is %s%s", subject_kind_name(subject.kind),
             order->switched, order->enabled ? "enabled" : "disabled",
             order->changed ? "" : " already");
    return st;
}
