/* SPDX-License-Identifier: MIT */
/* A list of turns. Never prints. */
#include "cli/conversation.h"

#include <stdlib.h>

#include "base/slice.h"

void conversation_clear(struct conversation *c)
{
    while (c->count > 0)
        conversation_drop(c);
}

void conversation_release(struct conversation *c)
{
    conversation_clear(c);
    free(c->turns);
    free(c->system);
    *c = (struct conversation){.system = NULL};
}

harborai_status conversation_add(struct conversation *c, const char *role, harborai_str text)
{
    if (c->count == c->capacity) {
        size_t capacity = c->capacity > 0 ? 2 * c->capacity : 16;
        struct conversation_turn *grown = realloc(c->turns, capacity * sizeof *grown);
        if (grown == NULL)
            return HARBORAI_E_MEMORY;
        c->turns = grown;
        c->capacity = capacity;
    }
    char *copy = slice_dup(text);
    if (copy == NULL)
        return HARBORAI_E_MEMORY;
    c->turns[c->count++] = (struct conversation_turn){role, copy};
    return HARBORAI_OK;
}

harborai_status conversation_set_system(struct conversation *c, harborai_str text)
{
    char *copy = text.len > 0 ? slice_dup(text) : NULL;
    if (text.len > 0 && copy == NULL)
        return HARBORAI_E_MEMORY;
    free(c->system);
    c->system = copy;
    return HARBORAI_OK;
}

void conversation_drop(struct conversation *c)
{
    if (c->count > 0)
        free(c->turns[--c->count].text);
}

harborai_body *conversation_body(const struct conversation *c, const char *model)
{
    harborai_body *body = harborai_body_new(model);
    if (c->system != NULL)
        harborai_body_message(body, "system", c->system);
    for (size_t i = 0; i < c->count; i++)
        harborai_body_message(body, c->turns[i].role, c->turns[i].text);
    return body;
}
