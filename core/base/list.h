/* SPDX-License-Identifier: MIT */
/* A doubly linked list whose links lie in the objects: an object is in at most one list for each
 * of its links, and leaves it without a search. A zeroed link is in no list. Not thread-safe. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline bool list_is_linked(const struct list *item)
{
    return item->next != NULL;
}

static inline void list_append(struct list *head, struct list *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

/* Does nothing if it is in no list. */
static inline void list_remove(struct list *item)
{
    if (item->next == NULL)
        return;
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = item->prev = NULL;
}

/* The first item, taken off; NULL if the list is empty. */
static inline struct list *list_pop(struct list *head)
{
    struct list *item = head->next;
    if (item == head)
        return NULL;
    head->next = item->next;
    head->next->prev = head;
    item->next = item->prev = NULL;
    return item;
}

/* The last item, taken off; NULL if the list is empty. */
static inline struct list *list_pop_last(struct list *head)
{
    struct list *item = head->prev;
    if (item == head)
        return NULL;
    head->prev = item->prev;
    head->prev->next = head;
    item->next = item->prev = NULL;
    return item;
}

#endif
