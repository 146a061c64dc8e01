/* SPDX-License-Identifier: MIT */
/* libyaml's events become nodes. What YAML allows and a configuration does not need is refused with
 * its place: several documents, duplicate keys, foreign tags, keys that are no text, many aliases.
 * Never expands a variable and knows no setting. */
#include "config/yaml.h"

#include <yaml.h>

#include "config/tree.h"

struct anchor {
    harborai_str name;
    const struct node *node;
    struct anchor *next; /* older */
};

struct reader {
    yaml_parser_t parser;
    struct tree tree;
    struct anchor *anchors; /* of finished nodes only: an alias never meets itself */
    unsigned aliases;
};

static struct config_place place_at(const struct reader *r, yaml_mark_t mark)
{
    return (struct config_place){r->tree.file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

static harborai_str slice_of_yaml(const yaml_char_t *text, size_t len)
{
    return (harborai_str){(const char *)text, len};
}

#define FAULT(r, mark, ...) config_faults_add((r)->tree.faults, place_at(r, mark), __VA_ARGS__)
#define REFUSE(r, mark, ...) (FAULT(r, mark, __VA_ARGS__), HARBORAI_E_CONFIG)

/* ---- libyaml's own complaints ------------------------------------------------------------- */

static bool is_tab_at(const struct reader *r, yaml_mark_t mark)
{
    harborai_str rest = r->tree.text, line = SLICE_NONE;
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
        config_faults_add(r->tree.faults, tree_place_of(&r->tree, p->problem_offset),
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

static harborai_status remember(struct reader *r, const yaml_char_t *name, const struct node *node,
                                harborai_error *error)
{
    if (name == NULL)
        return HARBORAI_OK;
    struct anchor *anchor = arena_alloc(r->tree.arena, sizeof *anchor);
    if (anchor == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    anchor->name = arena_copy(r->tree.arena, slice_of((const char *)name));
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
    harborai_status st = tree_check_depth(&r->tree, from->place, depth);
    if (st < 0)
        return st;
    st = tree_make_node(&r->tree, from->place, &copy, error);
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
    if (anchor == NULL) {
        FAULT(r, event->start_mark, "no anchor '&%.*s' before this alias",
              SLICE_ARG(node_excerpt(name)));
        harborai_status st =
            tree_make_node(&r->tree, place_at(r, event->start_mark), ret_node, error);
        if (st >= 0)
            (*ret_node)->is_faulty = true;
        return st;
    }
    return copy_node(r, anchor->node, depth, ret_node, error);
}

/* The one tag that a configuration needs is !!str, which quotes say more simply. */
static bool check_tag(struct reader *r, const yaml_event_t *event, const yaml_char_t *tag)
{
    harborai_str name = slice_of((const char *)tag);
    if (name.len == 0 || slice_is(name, YAML_STR_TAG))
        return true;
    FAULT(r, event->start_mark, "tag '%.*s' has no meaning here: leave it out",
          SLICE_ARG(node_excerpt(name)));
    return false;
}

static harborai_status read_scalar(struct reader *r, const yaml_event_t *event,
                                   struct node **ret_node, harborai_error *error)
{
    struct node *node;
    harborai_status st = tree_make_node(&r->tree, place_at(r, event->start_mark), &node, error);
    if (st < 0)
        return st;
    node->text = arena_copy(
        r->tree.arena, slice_of_yaml(event->data.scalar.value, event->data.scalar.length));
    if (node->text.data == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    node->is_faulty = !check_tag(r, event, event->data.scalar.tag);
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

static harborai_status read_member(struct reader *r, struct node *parent, const yaml_event_t *key,
                                   unsigned depth, harborai_error *error)
{
    yaml_event_t event;
    struct node *value;
    if (key->type != YAML_SCALAR_EVENT)
        return REFUSE(r, key->start_mark, "a key must be a text, not a list, mapping or alias");
    harborai_status st = next_event(r, &event, error);
    if (st < 0)
        return st;
    st = read_node(r, &event, depth + 1, &value, error);
    yaml_event_delete(&event);
    if (st < 0)
        return st;
    return tree_add_member(&r->tree, parent, place_at(r, key->start_mark),
                           slice_of_yaml(key->data.scalar.value, key->data.scalar.length), value,
                           error);
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

    harborai_status st = tree_check_depth(&r->tree, place_at(r, event->start_mark), depth);
    if (st >= 0)
        st = tree_make_node(&r->tree, place_at(r, event->start_mark), &node, error);
    if (st < 0)
        return st;
    (void)check_tag(r, event, tag);
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
    struct config_place start = {r->tree.file, 1, 1};
    harborai_status st = tree_make_node(&r->tree, start, ret_root, error);
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
    config_faults_add(r->tree.faults, root->place, "a configuration is a mapping, not %s",
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
    struct reader r = {
        .tree = {.arena = arena, .file = file, .text = text, .faults = faults}};
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
