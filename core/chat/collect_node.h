/* SPDX-License-Identifier: MIT */
/* The nodes of an answer that is collected: JSON values, into which others are merged as collect.h
 * says. A node's memory is the room's. Not for two threads at once. */
#ifndef CHAT_COLLECT_NODE_H
#define CHAT_COLLECT_NODE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

struct json_member;

enum collect_kind {
    COLLECT_PLAIN = 0, /* text: a value as written */
    COLLECT_TEXT,      /* text: the inside of a string */
    COLLECT_ITEMS,     /* text: what stands between the brackets of an array */
    COLLECT_OBJECT,    /* children: its members */
    COLLECT_LIST       /* children: items by their index */
};

struct collect_node {
    struct collect_node *next, *first; /* sibling, child */
    unsigned count;                    /* children */
    enum collect_kind kind;
    int64_t index;    /* as an item of a LIST */
    harborai_str key; /* as a member of an OBJECT: as written, in the arena */
    struct buf text;
};

struct collect_room { /* what all nodes together may take */
    size_t ceiling, left;
    struct arena arena; /* nodes and keys */
};

void collect_room_init(struct collect_room *room, size_t ceiling);
void collect_room_release(struct collect_room *room); /* after the nodes' own release */

/* Of a zeroed node, the caller's; those below it are the room's. */
void collect_node_init(struct collect_room *room, struct collect_node *node,
                       enum collect_kind kind);
/* Forgets the value; its nodes stay in the arena, and paid for. */
void collect_node_release(struct collect_room *room, struct collect_node *node);

/* The item of that index, which is added if there is none; a LIST stands in order. E_MEMORY: the
 * ceiling; E_INVALID: too many. */
MUST_CHECK harborai_status collect_node_item(struct collect_room *room, struct collect_node *list,
                                             int64_t index, struct collect_node **ret_node,
                                             harborai_error *error);
/* The member of that name; NULL: there is none. */
const struct collect_node *collect_node_find(const struct collect_node *object, const char *key);

/* Merges a member of a delta into an OBJECT. */
MUST_CHECK harborai_status collect_node_merge(struct collect_room *room,
                                              struct collect_node *object,
                                              const struct json_member *member,
                                              harborai_error *error);
/* The last value holds, as it stands. */
MUST_CHECK harborai_status collect_node_overwrite(struct collect_room *room,
                                                  struct collect_node *object,
                                                  const struct json_member *member,
                                                  harborai_error *error);

/* Writes "key":value. */
void collect_node_write_member(struct buf *b, const struct collect_node *node);
/* Each member but those of two names, which may be NULL, behind a separator; returns the next. */
const char *collect_node_write_members(struct buf *b, const struct collect_node *object,
                                       const char *separator, const char *without, const char *nor);

#endif
