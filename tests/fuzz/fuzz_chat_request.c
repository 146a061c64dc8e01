/* SPDX-License-Identifier: MIT */
/* A request that is taken is JSON, stays JSON with the host's edits, and then names the upstream's
 * model and asks for the usage; the quick splice and the edits say the same. */
#include "chat.h"
#include "chat/request.h"
#include "json_value.h"

#define UPSTREAM "up/stream-1"

static void *alloc_arena(void *context, size_t size)
{
    return arena_alloc(context, size);
}

static harborai_str joined(struct arena *arena, const struct json_pieces *pieces)
{
    char *text = arena_alloc(arena, pieces->len + 1);
    size_t len = 0;
    MUST(text != NULL);
    for (size_t i = 0; i < pieces->count; i++) {
        MUST(pieces->piece[i].len > 0);
        memcpy(text + len, pieces->piece[i].data, pieces->piece[i].len);
        len += pieces->piece[i].len;
    }
    MUST(len == pieces->len);
    return (harborai_str){text, len};
}

static harborai_str edited(const struct chat_request *r, bool wants_usage, struct arena *arena)
{
    harborai_edit edits[CHAT_REQUEST_EDITS];
    const struct json_edit_body body = {r->body, r->members, r->member_count};
    struct json_pieces pieces;
    void *memory;
    size_t count = chat_request_edits(r, HARBORAI_STR(UPSTREAM), wants_usage, edits);
    MUST(count <= CHAT_REQUEST_EDITS);
    MUST(json_edit_apply(&body, edits, count, alloc_arena, arena, &pieces, &memory, NULL) ==
         HARBORAI_OK);
    return joined(arena, &pieces);
}

static void check_taken(const struct chat_request *r, struct arena *arena, bool wants_usage)
{
    struct json_pieces pieces;
    struct chat_request again;
    MUST(r->model.len > 0 && r->model.len <= CHAT_MODEL_NAME_MOST);
    MUST(r->choices >= 1 && r->choices <= LIMIT_REQUEST_CHOICES);
    MUST(is_within(r->messages, r->body) && r->messages.len > 2);
    MUST(is_within(r->stream_options, r->body) && is_within(r->include_usage, r->body));
    MUST(!r->wants_usage || r->is_stream);
    MUST(chat_request_splice(r, HARBORAI_STR(UPSTREAM), wants_usage, arena, &pieces, NULL) ==
         HARBORAI_OK);
    harborai_str quick = joined(arena, &pieces), slow = edited(r, wants_usage, arena);
    MUST(quick.len == slow.len); /* they may differ in the blanks around what is inserted */
    MUST(chat_request_parse(slow, arena, &again, NULL) == HARBORAI_OK);
    MUST(slice_is(again.model, UPSTREAM) && (!wants_usage || !r->is_stream || again.wants_usage));
    MUST(chat_request_parse(quick, arena, &again, NULL) == HARBORAI_OK);
    MUST(slice_is(again.model, UPSTREAM));
    MUST(again.is_stream == r->is_stream && again.choices == r->choices);
    MUST(!wants_usage || !r->is_stream || again.wants_usage);
    MUST(again.messages.len == r->messages.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chat_request request;
    struct arena arena;
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str body = {(const char *)data, size};
    arena_init(&arena, MIB(16));
    harborai_status st = chat_request_parse(body, &arena, &request, &error);
    if (st == HARBORAI_OK) {
        MUST(is_json(body));
        check_taken(&request, &arena, false);
        check_taken(&request, &arena, true);
    } else {
        MUST(st == HARBORAI_E_INVALID && error.code == st && error.message[0] != '\0');
        MUST(json_is_utf8(slice_of(error.message)) && json_is_utf8(slice_of(error.param)));
    }
    arena_release(&arena);
    return 0;
}
