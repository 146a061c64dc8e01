/* SPDX-License-Identifier: MIT */
/* What a model does not take, by its plugin's manifest: such members of a request are left out of the
 * body that the plugin sees, or the request is refused, as `params` has it. Must cost nothing where a
 * model takes everything, and no more than a look at the members where a request has none of them. */
#include <string.h>

#include "base/error.h"
#include "engine/state.h"
#include "json_value.h"

enum { LISTS = 2, POINTER_ROOM = 256 /* no pointer of a manifest is longer */ };

/* What does not go to this model of this provider: JSON Pointers, in as many lists as it returns. */
static size_t lists_of(const struct provider *provider, const struct manifest_model *model,
                       const struct manifest_texts *lists[static LISTS])
{
    size_t count = 0;
    if (provider->unsupported.count > 0)
        lists[count++] = &provider->unsupported;
    if (model != NULL && model->unsupported.count > 0)
        lists[count++] = &model->unsupported;
    return count;
}

bool unsupported_has(const struct call *call, harborai_str pointer)
{
    const struct manifest_texts *lists[LISTS];
    size_t count = lists_of(call->slot->provider, call->model, lists);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lists[i]->count; j++)
            if (slice_equal(lists[i]->items[j], pointer))
                return true;
    return false;
}

/* --- What is there ------------------------------------------------------------------------------ */

/* Whether the request has a value there: null asks for nothing. */
static bool is_present(const struct chat_request *request, harborai_str pointer)
{
    char room[POINTER_ROOM];
    harborai_str name;
    if (!json_pointer_next(&pointer, room, sizeof room, &name))
        return false;
    for (size_t i = 0; i < request->member_count; i++) {
        if (!json_key_equal(&request->members[i], name))
            continue;
        harborai_str value = json_pointer_find(request->members[i].value, pointer);
        if (value.len > 0 && !json_is_null(value))
            return true;
    }
    return false;
}

static bool is_within(harborai_str path, harborai_str outer)
{
    return slice_equal(slice_cut(path, outer.len), outer) &&
           (path.len == outer.len || path.data[outer.len] == '/');
}

/* An edit within another is none, by the rules of edits: the outer one takes both out. */
static void add_drop(struct call *call, harborai_str pointer)
{
    size_t kept = 0;
    for (size_t i = 0; i < call->drop_count; i++)
        if (is_within(pointer, call->drops[i].path))
            return;
    for (size_t i = 0; i < call->drop_count; i++)
        if (!is_within(call->drops[i].path, pointer))
            call->drops[kept++] = call->drops[i];
    call->drops[kept++] = (harborai_edit){pointer, SLICE_NONE, HARBORAI_EDIT_REMOVE, 0};
    call->drop_count = kept;
}

static harborai_status drop(struct call *call, harborai_str pointer, size_t most,
                            harborai_error *error)
{
    if (call->drops == NULL)
        call->drops = arena_alloc(&call->arena, most * sizeof *call->drops);
    if (call->drops == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    add_drop(call, pointer);
    return changes_drop(call, &call->record.changed, pointer, error);
}

harborai_status unsupported_find(struct call *call, harborai_error *error)
{
    const struct manifest_texts *lists[LISTS];
    size_t count = lists_of(call->slot->provider, call->model, lists), most = 0;
    for (size_t i = 0; i < count; i++)
        most += lists[i]->count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < lists[i]->count; j++) {
            harborai_str pointer = lists[i]->items[j];
            if (!is_present(&call->request, pointer))
                continue;
            harborai_status st = drop(call, pointer, most, error);
            if (st < 0)
                return st;
        }
    return HARBORAI_OK;
}

/* --- The body without it ------------------------------------------------------------------------ */

static void *alloc_pieces(void *context, size_t size)
{
    return arena_alloc(context, size);
}

/* The edits are the manifest's, and nothing else can be wrong with them. */
static void name_twice(harborai_error *error)
{
    char path[sizeof error->param];
    memcpy(path, error->param, sizeof path);
    harborai_error_set(error, HARBORAI_E_INVALID, "'%s' stands twice", path + 1);
    memcpy(error->param, path, sizeof path);
    error_set_code(error, "duplicate_parameter");
}

/* What stays moves up in the client's body: a large one must not be held twice. */
static harborai_status cut_body(struct call *call, harborai_str *ret_body, harborai_error *error)
{
    struct json_edit_body body = {call->request.body, call->request.members,
                                  call->request.member_count};
    struct json_pieces pieces;
    char *to = call->body.data;
    void *memory;
    harborai_status st = json_edit_apply(&body, call->drops, call->drop_count, alloc_pieces,
                                         &call->arena, &pieces, &memory, error);
    if (st == HARBORAI_E_INVALID)
        name_twice(error);
    if (st < 0)
        return st;
    *ret_body = (harborai_str){to, pieces.len};
    for (size_t i = 0; i < pieces.count; to += pieces.piece[i++].len)
        memmove(to, pieces.piece[i].data, pieces.piece[i].len); /* each is of the body, in order */
    return HARBORAI_OK;
}

/* Of call->request no text is left then. That the client reads the usage is between it and the host,
 * whatever the vendor takes. */
harborai_status unsupported_leave_out(struct attempt *a, harborai_error *error)
{
    struct call *call = a->call;
    harborai_str body;
    if (call->drop_count == 0)
        return HARBORAI_OK;
    struct chat_request *without = arena_alloc(&call->arena, sizeof *without);
    if (without == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left for the request");
    harborai_status st = cut_body(call, &body, error);
    if (st >= 0)
        st = chat_request_parse(body, &call->arena, without, error);
    if (st < 0)
        return st;
    without->wants_usage = call->request.wants_usage;
    a->trimmed = a->asked = without;
    a->request.body = body;
    return HARBORAI_OK;
}
