/* SPDX-License-Identifier: MIT */
/* Writes a request piece by piece. The messages grow in one buffer, the other members are kept apart
 * so that each can be set again. */
#include <stdlib.h>

#include <harborai/harborai.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/list.h"
#include "json_value.h"
#include "wire/json_write.h"

struct member {
    struct list link;
    harborai_str name;
    char *json; /* owned: it may be replaced often */
};

struct harborai_body {
    struct arena arena;  /* owns the members and their names */
    struct list members; /* in the order in which they were first set */
    struct buf messages; /* joined by commas */
    struct buf whole;    /* what harborai_body_str() lent */
    harborai_error error; /* the first that happened */
};

harborai_body *harborai_body_new(const char *model)
{
    struct harborai_body *body = calloc(1, sizeof *body);
    if (body == NULL)
        return NULL;
    arena_init(&body->arena, LIMIT_REQUEST_BODY);
    list_init(&body->members);
    buf_init(&body->messages, LIMIT_REQUEST_BODY);
    buf_init(&body->whole, LIMIT_REQUEST_BODY);
    body->error = (harborai_error)HARBORAI_ERROR_INIT;
    struct json_writer w = JSON_WRITER(&body->whole);
    json_write_string(&w, slice_of(model));
    char *json = buf_take(&body->whole);
    if (json != NULL)
        harborai_body_json(body, "model", json);
    else
        harborai_error_set(&body->error, HARBORAI_E_MEMORY, "no memory left");
    free(json);
    return body;
}

void harborai_body_free(harborai_body *body)
{
    if (body == NULL)
        return;
    for (struct list *i = body->members.next; i != &body->members; i = i->next)
        free(CONTAINER_OF(i, struct member, link)->json);
    buf_release(&body->whole);
    buf_release(&body->messages);
    arena_release(&body->arena);
    free(body);
}

/* --- Messages ----------------------------------------------------------------------------------- */

void harborai_body_message(harborai_body *body, const char *role, const char *text)
{
    if (body == NULL)
        return;
    if (body->messages.len > 0)
        buf_add_char(&body->messages, ',');
    struct json_writer w = JSON_WRITER(&body->messages);
    json_write_object(&w);
    json_write_key_string(&w, "role", slice_of(role));
    json_write_key_string(&w, "content", slice_of(text));
    json_write_end(&w);
}

/* The value without blanks around it; false: it is none, which the body remembers. */
static bool check(struct harborai_body *body, const char *what, harborai_str json,
                  harborai_str *ret_value)
{
    static const struct json_limits limits = {LIMIT_REQUEST_DEPTH};
    struct json_fault fault;
    if (json_scan(json, &limits, ret_value, &fault) >= 0)
        return true;
    if (body->error.code >= 0)
        harborai_error_set(&body->error, HARBORAI_E_INVALID, "'%s' is no JSON: %s at byte %zu", what,
                           fault.reason, fault.at);
    return false;
}

void harborai_body_message_json(harborai_body *body, harborai_str message)
{
    harborai_str value;
    if (body == NULL || !check(body, "messages", message, &value))
        return;
    if (body->messages.len > 0)
        buf_add_char(&body->messages, ',');
    buf_add(&body->messages, value);
}

/* --- Other members ------------------------------------------------------------------------------ */

static struct member *find(const struct harborai_body *body, harborai_str name)
{
    for (struct list *i = body->members.next; i != &body->members; i = i->next) {
        struct member *member = CONTAINER_OF(i, struct member, link);
        if (slice_equal(member->name, name))
            return member;
    }
    return NULL;
}

static struct member *add(struct harborai_body *body, harborai_str name)
{
    struct member *member = arena_alloc(&body->arena, sizeof *member);
    harborai_str copy = arena_copy(&body->arena, name);
    if (member == NULL || copy.data == NULL)
        return NULL;
    member->name = copy;
    member->json = NULL;
    list_append(&body->members, &member->link);
    return member;
}

void harborai_body_json(harborai_body *body, const char *name, const char *json)
{
    harborai_str value;
    if (body == NULL || !check(body, name, slice_of(json), &value))
        return;
    struct member *member = find(body, slice_of(name));
    if (member == NULL)
        member = add(body, slice_of(name));
    char *copy = slice_dup(value);
    if (member != NULL && copy != NULL) {
        free(member->json);
        member->json = copy;
        return;
    }
    free(copy);
    if (body->error.code >= 0)
        harborai_error_set(&body->error, HARBORAI_E_MEMORY, "no memory left");
}

/* --- The whole ---------------------------------------------------------------------------------- */

static void write_whole(struct harborai_body *body)
{
    struct json_writer w = JSON_WRITER(&body->whole);
    bool has_messages = find(body, HARBORAI_STR("messages")) != NULL;
    buf_clear(&body->whole);
    json_write_object(&w);
    for (const struct list *i = body->members.next; i != &body->members; i = i->next) {
        const struct member *member = CONTAINER_OF((uintptr_t)i, struct member, link);
        json_write_key(&w, member->name);
        json_write_raw(&w, slice_of(member->json));
    }
    if (!has_messages) {
        json_write_key(&w, HARBORAI_STR("messages"));
        buf_add_char(&body->whole, '[');
        buf_add(&body->whole, buf_slice(&body->messages));
        json_write_raw(&w, HARBORAI_STR("]"));
    }
    json_write_end(&w);
}

harborai_str harborai_body_str(harborai_body *body, harborai_error *error)
{
    if (body == NULL) {
        if (error == NULL || error->code >= 0) /* what came before stands */
            harborai_error_set(error, HARBORAI_E_MEMORY,
                               "there is no body: no memory was left for it");
        return SLICE_NONE;
    }
    if (body->error.code < 0) {
        harborai_error_set(error, body->error.code, "%s", body->error.message);
        return SLICE_NONE;
    }
    write_whole(body);
    if (buf_status(&body->messages, error) < 0 || buf_status(&body->whole, error) < 0)
        return SLICE_NONE;
    return buf_slice(&body->whole);
}
