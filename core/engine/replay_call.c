/* SPDX-License-Identifier: MIT */
/* What makes two tool calls the same, though a client has parsed one and written it again. */
#include "engine/replay_call.h"

#include "base/hash.h"
#include "base/limits.h"
#include "chat/arguments.h"
#include "json_value.h"

#define SEED           UINT64_C(0x7265706c6179)
#define SHORT_ID       9       /* "0", "call_1"; Mistral's nine random letters are enough */
#define DIGITS_MOST    4
#define REWRITTEN_MOST KIB(64) /* a longer message, with an image in it, counts as it is written   \
                                */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "tool-call-1", "call_0001": no digit but a few at the end. */
static bool is_counted(harborai_str id)
{
    size_t at = id.len;
    while (at > 0 && is_digit(id.data[at - 1]))
        at--;
    if (at == id.len || id.len - at > DIGITS_MOST)
        return false;
    while (at > 0 && !is_digit(id.data[at - 1]))
        at--;
    return at == 0;
}

static bool is_numbered(harborai_str id, harborai_str name)
{
    return id.len < SHORT_ID || is_counted(id) ||
           (name.len > 0 && memmem(id.data, id.len, name.data, name.len) != NULL);
}

static harborai_str last_of(harborai_str messages)
{
    struct json_cursor cursor = json_open(messages);
    harborai_str item, last = SLICE_NONE;
    while (json_array_next(&cursor, &item))
        last = item;
    return last;
}

static uint64_t hash_of_message(harborai_str json)
{
    uint64_t hash;
    if (json.len <= REWRITTEN_MOST && arguments_hash_text(json, &hash))
        return hash;
    return hash_slice(json, SEED);
}

static uint64_t hash_of_before(struct replay_before *before)
{
    if (!before->is_hashed) {
        if (before->messages.len > 0)
            before->message = last_of(before->messages);
        before->hash = hash_of_message(before->message);
        before->is_hashed = true;
    }
    return before->hash;
}

uint64_t replay_call_digest(harborai_str id, harborai_str name, uint64_t arguments,
                            struct replay_before *before)
{
    uint64_t digest = hash_mix(hash_slice(name, SEED), arguments | 1);
    return is_numbered(id, name) ? hash_mix(digest ^ hash_of_before(before), SEED) : digest;
}

bool replay_call_read(harborai_str item, struct replay_before *before,
                      char room[static REPLAY_ID_MOST], struct replay_call *ret_call)
{
    harborai_str function = json_member(item, HARBORAI_STR("function"));
    harborai_str id, name;
    char name_room[REPLAY_ID_MOST];
    uint64_t arguments;
    if (json_string(json_member(item, HARBORAI_STR("id")), room, REPLAY_ID_MOST, &id) < 0 ||
        json_string(json_member(function, HARBORAI_STR("name")), name_room, sizeof name_room,
                    &name) < 0 ||
        id.len > REPLAY_ID_MOST || name.len > sizeof name_room ||
        !arguments_hash_value(json_member(function, HARBORAI_STR("arguments")), &arguments))
        return false;
    *ret_call = (struct replay_call){id, replay_call_digest(id, name, arguments, before)};
    return true;
}
