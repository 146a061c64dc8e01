/* SPDX-License-Identifier: MIT */
/* libyaml's events become nodes. What YAML allows and a configuration does not need is refused with
 * its place: several documents, duplicate keys, foreign tags, keys that are no text, many aliases.
 * Never expands a variable and knows no setting. */
#include "config/yaml.h"

#include <yaml.h>

#include "base/limits.h"

struct anchor {
    harborai_str name;
    const struct node *node;
    struct anchor *next; /* older */
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    const char *file;
    harborai_str text;
    struct config_faults *faults;
    struct anchor *anchors; /* of finished nodes only: an alias never meets itself */
    unsigned nodes, aliases;
};

static struct config_place place_at(const struct reader *r, yaml_mark_t mark)
{
    return (struct config_place){r->file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static harborai_str slice_of_yaml(const yaml_char_t *text, size_t len)
{
    return (harborai_str){(const char *)text, len};
}

#define REFUSE(r, mark, ...)                                                                       \
    (config_faults_add((r)->faults, place_at(r, mark), __VA_ARGS__), HARBORAI_E_CONFIG)

/* ---- libyaml's own complaints ------------------------------------------------------------- */

static struct config_place place_of_offset(const struct reader *r, size_t offset)
{
    struct config_place place = {r->file, 1, 1};
    for (size_t i = 0; i < offset && i < r->text.len; i++) {
        unsigned char c = (unsigned char)r->text.data[i];
        if (c == '\n') {
            place.line++;
            place.column = 1;
        } else if ((c & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static bool is_tab_at(const struct reader *r, yaml_mark_t mark)
{
    harborai_str rest = r->text, line = SLICE_NONE;
    for (size_t i = 0; i <= mark.line; i++)
        slice_split(rest, '\n', &line, &rest);
    for (size_t i = 0; i <= mark.column && i < line.len; i++)
        if (line.data[i] != ' ')
            return line.data[i] == '\t';
    return false;
}

static harborai_status refuse_syntax(struct reader *r, harborai_error *error)
{
    const yaml_parser_t *p = &r->parser;
    switch (p->error) {
    case YAML_MEMORY_ERROR:
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    case YAML_READER_ERROR:
        config_faults_add(r->faults, place_of_offset(r, p->problem_offset),
                          "not UTF-8 text: %s (0x%02x)", p->problem, (unsigned)p->problem_value);
        return HARBORAI_E_CONFIG;
    case YAML_SCANNER_ERROR:
    case YAML_PARSER_ERROR:
    case YAML_NO_ERROR:
    case YAML_COMPOSER_ERROR:
    case YAML_WRITER_ERROR:
    case YAML_EMITTER_ERROR:
        break;
    }
    if (is_tab_at(r, p->problem_mark))
        return REFUSE(r, p->problem_mark, "not valid YAML: a tab cannot indent, use blanks");
    if (p->context != NULL)
        return REFUSE(r, p->problem_mark, "not valid YAML: %s %s that begins in line %zu",
                      p->problem, p->context, p->context_mark.line + 1);
    return REFUSE(r, p->problem_mark, "not valid YAML: %s", p->problem);
}

/* ---- Nodes -------------------------------------------------------------------------------- */

static harborai_status make_node(struct reader *r, struct config_place place,
                                 struct node **ret_node, harborai_error *error)
{
    if (++r->nodes > LIMIT_CONFIG_NODES) {
        config_faults_add(r->faults, place, "more than %d values in one file", LIMIT_CONFIG_NODES);
        return HARBORAI_E_CONFIG;
    }
    struct node *node = arena_alloc(r->arena, sizeof *node);
    if (node == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    node->place = place;
    *ret_node = node;
    return HARBORAI_OK;
}

static harborai_status check_depth(struct reader *r, struct config_place place, unsigned depth)
{
    if (depth <= LIMIT_CONFIG_DEPTH)
        return HARBORAI_OK;
    config_faults_add(r->faults, place, "nested deeper than %d levels", LIMIT_CONFIG_DEPTH);
    return HARBORAI_E_CONFIG;
}

static harborai_status remember(struct reader *r, const yaml_char_t *name, const struct node *node,
                                harborai_error *error)
{
    if (name == NULL)
        return HARBORAI_OK;
    struct anchor *anchor = arena_alloc(r->arena, sizeof *anchor);
    if (anchor == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    anchor->name = arena_copy(r->arena, slice_of((const char *)name));
    if (anchor->name.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    anchor->node = node;
    anchor->next = r->anchors;
    r->anchors = anchor;
    return HARBORAI_OK;
}

static harborai_status copy_node(struct reader *r, const struct node *from, unsigned depth,
                                 struct node **ret_node, harborai_error *error)
{
    struct node *copy;
    harborai_status st = check_depth(r, from->place, depth);
    if (st < 0)
        return st;
    st = make_node(r, from->place, &copy, error);
    if (st < 0)
        return st;
    *copy = *from;
    copy->first = copy->last = copy->next = NULL;
    copy->count = 0;
    for (const struct node *child = from->first; child != NULL; child = child->next) {
        struct node *twin;
        st = copy_node(r, child, depth + 1, &twin, error);
        if (st < 0)
            return st;
        node_append(copy, twin);
    }
    *ret_node = copy;
    return HARBORAI_OK;
}

static harborai_status read_alias(struct reader *r, const yaml_event_t *event, unsigned depth,
                                  struct node **ret_node, harborai_error *error)
{
    harborai_str name = slice_of((const char *)event->data.alias.anchor);
    const struct anchor *anchor = r->anchors;

    if (++r->aliases > YAML_ALIASES_MAX)
        return REFUSE(r, event->start_mark, "more than %d aliases in one file", YAML_ALIASES_MAX);
    while (anchor != NULL && !slice_equal(anchor->name, name))
        anchor = anchor->next;
    if (anchor == NULL)
        return REFUSE(r, event->start_mark, "no anchor '&%.*s' before this alias",
                      SLICE_ARG(node_excerpt(name)));
    return copy_node(r, anchor->node, depth, ret_node, error);
}

/* The one tag that a configuration needs is !!str, which quotes say more simply. */
static harborai_status check_tag(struct reader *r, const yaml_event_t *event,
                                 const yaml_char_t *tag)
{
    harborai_str name = slice_of((const char *)tag);
    if (name.len == 0 || slice_is(name, YAML_STR_TAG))
        return HARBORAI_OK;
    return REFUSE(r, event->start_mark, "tag '%.*s' has no meaning here: leave it out",
                  SLICE_ARG(node_excerpt(name)));
}

static harborai_status read_scalar(struct reader *r, const yaml_event_t *event,
                                   struct node **ret_node, harborai_error *error)
{
    struct node *node;
    harborai_status st = check_tag(r, event, event->data.scalar.tag);
    if (st < 0)
        return st;
    st = make_node(r, place_at(r, event->start_mark), &node, error);
    if (st < 0)
        return st;
    node->text = arena_copy(
        r->arena, slice_of_yaml(event->data.scalar.value, event->data.scalar.length));
    if (node->text.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    node->is_plain = event->data.scalar.plain_implicit != 0 &&
                     event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->kind = node->is_plain ? node_kind_of_plain(node->text) : NODE_STRING;
    st = remember(r, event->data.scalar.anchor, node, error);
    if (st >= 0)
        *ret_node = node;
    return st;
}

/* ---- Collections, which read nodes themselves --------------------------------------------- */

static harborai_status next_event(struct reader *r, yaml_event_t *event, harborai_error *error)
{
    if (yaml_parser_parse(&r->parser, event) == 0)
        return refuse_syntax(r, error);
    return HARBORAI_OK;
}

static harborai_status read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
                                 struct node **ret_node, harborai_error *error);

static harborai_status read_items(struct reader *r, struct node *parent, unsigned depth,
                                  harborai_error *error)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        struct node *item;
        harborai_status st = next_event(r, &event, error);
        if (st < 0)
            return st;
        more = event.type != YAML_SEQUENCE_END_EVENT;
        if (more) {
            st = read_node(r, &event, depth + 1, &item, error);
            if (st >= 0)
                node_append(parent, item);
        }
        yaml_event_delete(&event);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status check_key(struct reader *r, const struct node *parent,
                                 const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT)
        return REFUSE(r, event->start_mark, "a key must be a text, not a list, mapping or alias");
    harborai_str key =
        slice_of_yaml(event->data.scalar.value, event->data.scalar.length);
    if (key.len == 0)
        return REFUSE(r, event->start_mark, "a key is empty");
    const struct node *twin = node_member(parent, key);
    if (twin != NULL)
        return REFUSE(r, event->start_mark, "duplicate key '%.*s': it stands in line %u already",
                      SLICE_ARG(node_excerpt(key)), twin->key_place.line);
    if (parent->count == YAML_MEMBERS_MAX)
        return REFUSE(r, event->start_mark, "more than %d members in one mapping",
                      YAML_MEMBERS_MAX);
    return HARBORAI_OK;
}

static harborai_status read_member(struct reader *r, struct node *parent, const yaml_event_t *key,
                                   unsigned depth, harborai_error *error)
{
    yaml_event_t event;
    struct node *value;
    harborai_status st = check_key(r, parent, key);
    if (st < 0)
        return st;
    harborai_str name =
        arena_copy(r->arena, slice_of_yaml(key->data.scalar.value, key->data.scalar.length));
    if (name.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    st = next_event(r, &event, error);
    if (st < 0)
        return st;
    st = read_node(r, &event, depth + 1, &value, error);
    yaml_event_delete(&event);
    if (st < 0)
        return st;
    value->key = name;
    value->key_place = place_at(r, key->start_mark);
    node_append(parent, value);
    return HARBORAI_OK;
}

static harborai_status read_members(struct reader *r, struct node *parent, unsigned depth,
                                    harborai_error *error)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        harborai_status st = next_event(r, &event, error);
        if (st < 0)
            return st;
        more = event.type != YAML_MAPPING_END_EVENT;
        if (more)
            st = read_member(r, parent, &event, depth, error);
        yaml_event_delete(&event);
        if (st < 0)
            return st;
    }
    return HARBORAI_OK;
}

static harborai_status read_collection(struct reader *r, const yaml_event_t *event, unsigned depth,
                                       struct node **ret_node, harborai_error *error)
{
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag =
        is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_char_t *anchor =
        is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    struct node *node;

    harborai_status st = check_depth(r, place_at(r, event->start_mark), depth);
    if (st >= 0)
        st = check_tag(r, event, tag);
    if (st >= 0)
        st = make_node(r, place_at(r, event->start_mark), &node, error);
    if (st < 0)
        return st;
    node->kind = is_mapping ? NODE_MAPPING : NODE_SEQUENCE;
    st = is_mapping ? read_members(r, node, depth, error) : read_items(r, node, depth, error);
    if (st >= 0)
        st = remember(r, anchor, node, error);
    if (st >= 0)
        *ret_node = node;
    return st;
}

static harborai_status read_node(struct reader *r, const yaml_event_t *event, unsigned depth,
                                 struct node **ret_node, harborai_error *error)
{
    if (event->type == YAML_SCALAR_EVENT)
        return read_scalar(r, event, ret_node, error);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(r, event, depth, ret_node, error);
    return read_collection(r, event, depth, ret_node, error);
}

/* ---- The document ------------------------------------------------------------------------- */

/* An event that is no node's. For what ends a stream, and a document that is empty. */
static harborai_status make_empty(struct reader *r, struct node **ret_root, harborai_error *error)
{
    struct config_place start = {r->file, 1, 1};
    harborai_status st = make_node(r, start, ret_root, error);
    if (st >= 0)
        (*ret_root)->kind = NODE_MAPPING;
    return st;
}

static harborai_status check_root(struct reader *r, struct node *root)
{
    if (root->kind == NODE_NULL)
        root->kind = NODE_MAPPING;
    if (root->kind == NODE_MAPPING)
        return HARBORAI_OK;
    config_faults_add(r->faults, root->place, "a configuration is a mapping, not %s",
                      node_kind_name(root->kind));
    return HARBORAI_E_CONFIG;
}

/* Events of a stream: its start, then for each document start, one node, end. */
static harborai_status read_stream(struct reader *r, struct node **ret_root, harborai_error *error)
{
    struct node *root = NULL;
    for (;;) {
        yaml_event_t event;
        harborai_status st = next_event(r, &event, error);
        if (st < 0)
            return st;
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && root != NULL)
            st = REFUSE(r, event.start_mark, "a second document: one file is one document");
        else if (type == YAML_SCALAR_EVENT || type == YAML_ALIAS_EVENT ||
                 type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
            st = read_node(r, &event, 1, &root, error);
        yaml_event_delete(&event);
        if (st < 0)
            return st;
        if (type == YAML_STREAM_END_EVENT)
            break;
    }
    if (root == NULL)
        return make_empty(r, ret_root, error);
    *ret_root = root;
    return check_root(r, root);
}

harborai_status yaml_tree_read(struct arena *arena, const char *file, harborai_str text,
                               struct config_faults *faults, struct node **ret_root,
                               harborai_error *error)
{
    struct reader r = {.arena = arena, .file = file, .text = text, .faults = faults};
    struct node *root;

    if (yaml_parser_initialize(&r.parser) == 0)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text.data, text.len);
    harborai_status st = read_stream(&r, &root, error);
    yaml_parser_delete(&r.parser);
    if (st >= 0)
        *ret_root = root;
    return st;
}
