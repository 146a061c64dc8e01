/* SPDX-License-Identifier: MIT */
/* Replaces ${…} in texts. Reads the environment that it is given, and nothing else. */
#include "config/expand.h"

#include "base/limits.h"
#include "config/mask.h"

static struct expansion broken(harborai_str what, const char *message)
{
    return (struct expansion){EXPANSION_BROKEN, what, slice_of(message), false};
}

/* False: beyond the ceiling. */
static bool add(struct buf *out, harborai_str text)
{
    if (text.len > out->ceiling - out->len)
        return false;
    buf_add(out, text);
    return true;
}

/* The text between "${" and "}". */
static struct expansion expand_reference(const struct environment *environment, harborai_str inside,
                                         struct buf *out)
{
    harborai_str name, rest, value = SLICE_NONE;
    bool has_rest = slice_split(inside, ':', &name, &rest);

    if (!environment_is_name(name))
        return broken(name, "is no variable's name");
    if (has_rest && (rest.len == 0 || (rest.data[0] != '-' && rest.data[0] != '?')))
        return broken(name, "must be followed by '}', ':-default}' or ':?message}'");
    for (size_t i = 0; i + 1 < rest.len; i++)
        if (rest.data[i] == '$' && rest.data[i + 1] == '{')
            return broken(name, "has another '${' in its default, which is not possible");
    bool is_set = environment_find(environment, name, &value);
    if (!has_rest && !is_set)
        return (struct expansion){EXPANSION_UNSET, name, SLICE_NONE, false};
    if (has_rest && value.len == 0) {
        if (rest.data[0] == '?')
            return (struct expansion){EXPANSION_REQUIRED, name, slice_from(rest, 1), false};
        value = slice_from(rest, 1);
    }
    if (!add(out, value))
        return (struct expansion){EXPANSION_TOO_LONG, name, SLICE_NONE, false};
    return (struct expansion){EXPANSION_DONE, name, SLICE_NONE, mask_is_secret_name(name)};
}

struct expansion expand_text(const struct environment *environment, harborai_str text,
                             struct buf *out)
{
    const struct expansion too_long = {EXPANSION_TOO_LONG, SLICE_NONE, SLICE_NONE, false};
    struct expansion result = {EXPANSION_DONE, SLICE_NONE, SLICE_NONE, false};
    harborai_str before, rest, inside;

    while (slice_split(text, '$', &before, &rest)) {
        if (!add(out, before))
            return too_long;
        if (rest.len > 0 && rest.data[0] == '{') {
            if (!slice_split(slice_from(rest, 1), '}', &inside, &text))
                return broken(rest, "has no '}' at its end: write '$${' for the characters");
            struct expansion one = expand_reference(environment, inside, out);
            if (one.outcome != EXPANSION_DONE)
                return one;
            if (result.variable.len == 0)
                result.variable = one.variable;
            result.is_secret = result.is_secret || one.is_secret;
        } else {
            if (!add(out, HARBORAI_STR("$")))
                return too_long;
            text = rest.len > 0 && rest.data[0] == '$' ? slice_from(rest, 1) : rest;
        }
    }
    return add(out, text) ? result : too_long;
}

void expand_add_fault(struct config_faults *faults, struct config_place place,
                      const struct expansion *expansion)
{
    harborai_str name = node_excerpt(expansion->variable), message = expansion->message;
    switch (expansion->outcome) {
    case EXPANSION_DONE:
        break;
    case EXPANSION_UNSET:
        config_faults_add(faults, place,
                          "environment variable '%.*s' is not set: set it, "
                          "or write ${%.*s:-default}",
                          SLICE_ARG(name), SLICE_ARG(name));
        break;
    case EXPANSION_REQUIRED:
        config_faults_add(faults, place, "environment variable '%.*s' is not set or empty%s%.*s",
                          SLICE_ARG(name), message.len > 0 ? ": " : "", SLICE_ARG(message));
        break;
    case EXPANSION_BROKEN:
        config_faults_add(faults, place, "'%.*s' after '$' %.*s", SLICE_ARG(name),
                          SLICE_ARG(message));
        break;
    case EXPANSION_TOO_LONG:
        config_faults_add(faults, place, "longer than %zu KiB with its variables in place",
                          EXPANDED_MAX / KIB(1));
        break;
    }
}

static harborai_status expand_scalar(const struct environment *environment, struct node *node,
                                     struct arena *arena, struct config_faults *faults,
                                     harborai_error *error)
{
    AUTO(buf) out = BUF_INIT(EXPANDED_MAX);
    if (node->text.len == 0 || memchr(node->text.data, '$', node->text.len) == NULL)
        return HARBORAI_OK;
    struct expansion expansion = expand_text(environment, node->text, &out);
    if (expansion.outcome != EXPANSION_DONE) {
        expand_add_fault(faults, node->place, &expansion);
        node->is_faulty = true;
        return HARBORAI_OK;
    }
    harborai_status st = buf_status(&out, error);
    if (st < 0)
        return st;
    node->text = arena_copy(arena, buf_slice(&out));
    if (node->text.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    node->is_secret = expansion.is_secret;
    if (node->is_plain)
        node->kind = node_kind_of_plain(node->text);
    return HARBORAI_OK;
}

harborai_status expand_tree(const struct environment *environment, struct node *node,
                            struct arena *arena, struct config_faults *faults,
                            harborai_error *error)
{
    harborai_status st = HARBORAI_OK;
    if (node->is_expanded)
        return HARBORAI_OK;
    node->is_expanded = true;
    if (node_is_scalar(node))
        return expand_scalar(environment, node, arena, faults, error);
    for (struct node *child = node->first; child != NULL && st >= 0; child = child->next)
        st = expand_tree(environment, child, arena, faults, error);
    return st;
}
