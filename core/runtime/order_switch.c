/* SPDX-License-Identifier: MIT */
/* The order to switch something off, or on again: what is meant, and what plugins.json says of it from
 * now on. That it is in force is the keeper's business. */
#include <string.h>

#include "runtime/state.h"
#include "runtime/subject.h"

/* What a provider is made of may have no name any more, because its file is refused now. A plugin goes
 * before providers, as where it has one. */
static bool find_running(const struct runtime *runtime, harborai_str name,
                         struct subject *ret_subject)
{
    bool found = false;
    for (const struct list *i = runtime->providers.next; i != &runtime->providers; i = i->next) {
        const struct runtime_provider *p = CONTAINER_OF((uintptr_t)i, struct runtime_provider, link);
        const struct provider *spec = p->slot->provider;
        if (slice_equal(spec->manifest->id, name) || slice_equal(spec->manifest->provider, name)) {
            *ret_subject = (struct subject){PLUGIN_STATE_PLUGIN, spec->manifest->id, NULL};
            return true;
        }
        if (!slice_equal(spec->name, name))
            continue;
        *ret_subject = (struct subject){PLUGIN_STATE_PROVIDER, spec->name, NULL};
        found = true;
    }
    return found;
}

static harborai_status find(const struct runtime_order *order, const struct subject_world *world,
                            struct subject *ret_subject, harborai_error *error)
{
    struct subject running;
    harborai_status st = subject_find(world, order->name, ret_subject, error);
    bool is_vague = st == HARBORAI_E_NOT_FOUND ||
                    (st >= 0 && ret_subject->kind == PLUGIN_STATE_PROVIDER && ret_subject->file == NULL);
    if (is_vague && find_running(order->runtime, order->name, &running)) {
        *ret_subject = running;
        st = HARBORAI_OK;
    }
    return st < 0 ? st : subject_check_switch(world, ret_subject, order->enabled, error);
}

/* The names are as long as plugin_state_apply() lets them be. */
static void note(struct runtime_order *order, const struct subject *subject)
{
    bool is_first = order->switched[0] == '\0';
    char *to = is_first ? order->switched : order->also;
    *(is_first ? &order->kind_switched : &order->kind_also) = subject->kind;
    memcpy(to, subject->name.data, subject->name.len);
    to[subject->name.len] = '\0';
}

/* What is being removed is off as long as that goes on: the mark says so, and plugins.json does not. */
static harborai_status check_mark(const struct subject_world *world, const struct subject *subject,
                                  harborai_error *error)
{
    const struct plugin_state_entry *entry =
        plugin_state_disabled(world->switches, subject->kind, subject->name);
    if (entry != NULL && entry->is_removal)
        return HARBORAI_OK;
    return harborai_error_set(error, HARBORAI_E_INVALID,
                              "no 'harborai plugin remove' is under way for '%.*s'",
                              SLICE_ARG(slice_cut(subject->name, 200)));
}

/* What changes nothing is named if nothing does. */
static harborai_status apply(struct runtime_order *order, const struct subject *subjects,
                             size_t count, harborai_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct plugin_state_change change = {subjects[i].kind, subjects[i].name, order->enabled,
                                                   order->by};
        bool changed;
        harborai_status st = plugin_state_apply(slice_of(order->runtime->state_dir), &change,
                                                &clock_system, &changed, error);
        if (st < 0)
            return st;
        if (changed || (i + 1 == count && !order->changed))
            note(order, &subjects[i]);
        order->changed |= changed;
    }
    return HARBORAI_OK;
}

/* `still_off`: a plugin's id, or empty. */
static void describe(struct runtime_order *order, harborai_str still_off)
{
    int len = snprintf(order->text, sizeof order->text, "%s '%.150s' is %s%s",
                       subject_kind_name(order->kind_switched), order->switched,
                       order->enabled ? "enabled" : "disabled", order->changed ? "" : " already");
    char *end = order->text + len;
    size_t room = sizeof order->text - (size_t)len;
    if (order->also[0] != '\0')
        snprintf(end, room, ", and so is %s '%.150s'", subject_kind_name(order->kind_also),
                 order->also);
    else if (still_off.len > 0)
        snprintf(end, room, "; its plugin is not: 'harborai plugin enable %.*s' enables it",
                 SLICE_ARG(slice_cut(still_off, 150)));
}

harborai_status order_switch(struct runtime_order *order, const struct subject_world *world,
                             harborai_error *error)
{
    struct subject all[SUBJECT_MOST] = {{.name = SLICE_NONE}};
    size_t count = 1;
    harborai_status st = find(order, world, &all[0], error);
    if (st < 0)
        return st;
    bool is_removal = !order->enabled && strcmp(order->by, PLUGIN_STATE_BY_REMOVE) == 0;
    if (order->enabled) {
        const struct subject found = all[0];
        count = subject_list_off(world, order->name, &found, all);
    }
    st = is_removal ? check_mark(world, &all[0], error) : apply(order, all, count, error);
    if (st >= 0 && is_removal) {
        note(order, &all[0]);
        order->changed = true;
    }
    if (st >= 0)
        describe(order, order->enabled && count == 1 ? subject_still_off(world, &all[0])
                                                     : SLICE_NONE);
    return st;
}
