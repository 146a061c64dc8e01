/* SPDX-License-Identifier: MIT */
/* A configuration file as a tree: what was written, and where. The nodes live in the reader's
 * arena, with the texts that they borrow. Not for two threads at once. */
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include "base/arena.h"
#include "config/faults.h"
#include "wire/json_write.h"

enum node_kind {
    NODE_NULL,
    NODE_BOOL,
    NODE_INTEGER,
    NODE_FLOAT,
    NODE_STRING,
    NODE_SEQUENCE,
    NODE_MAPPING
};

struct node {
    enum node_kind kind;
    bool is_plain;    /* a scalar without quotes: its kind follows its text */
    bool is_expanded; /* its ${…} have been replaced */
    bool is_faulty;   /* … or could not be, which has been said: it has no value */
    bool is_secret;   /* it came from a variable whose name speaks of a key */
    struct config_place place;
    harborai_str text; /* of a scalar; a NUL stands behind it */

    /* A mapping's member has a key. */
    harborai_str key;
    struct config_place key_place;

    struct node *first, *last, *next; /* children in their order; the next one beside it */
    size_t count;                     /* of children */
};

static inline bool node_is_scalar(const struct node *node)
{
    return node->kind < NODE_SEQUENCE;
}

/* What a plain scalar is by YAML 1.2's core schema (10.3.2): `no`, `on` and `1:30` are strings. */
enum node_kind node_kind_of_plain(harborai_str text);

/* "null", "a boolean", … for messages. */
const char *node_kind_name(enum node_kind kind);

/* The first 40 bytes, whole characters, for messages that quote what was written. */
harborai_str node_excerpt(harborai_str text);

/* The member of a mapping, or NULL. */
struct node *node_member(const struct node *mapping, harborai_str key);

void node_append(struct node *parent, struct node *child);

/* A copy of the subtree, with its texts, in `arena`; `place.file` is borrowed as before. NULL: no
 * memory. */
struct node *node_copy(const struct node *node, struct arena *arena);

/* Lays one mapping over another: of a key of both the upper's value counts, but two mappings are
 * laid over one another in turn, and a key without a value leaves a mapping as it is. The upper one
 * is taken apart. */
void node_lay_over(struct node *lower, struct node *upper);

/* Writes the tree as JSON: integers and floats with every digit that they had. Adds a fault for
 * what JSON cannot say (.inf, .nan). The writer's buffer keeps its failures. */
void node_write_json(const struct node *node, struct json_writer *out,
                     struct config_faults *faults);

/* The members of a mapping into the object that is open. */
void node_write_json_members(const struct node *mapping, struct json_writer *out,
                             struct config_faults *faults);

#endif
