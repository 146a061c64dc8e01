/* SPDX-License-Identifier: MIT */
/* Answers questions about calls, on threads of its own: a loop waits for no database and reads no file.
 * So many wait at most, and none longer than its time limit. */
#ifndef SERVER_LOGS_DESK_H
#define SERVER_LOGS_DESK_H

#include "base/attr.h"
#include "base/log.h"
#include "base/slice.h"

struct logs_desk;
struct logs_order;
struct postgres_address;

enum logs_kind { LOGS_QUERY = 1, LOGS_STATS = 2, LOGS_ONE = 4 };

struct logs_desk_options {
    harborai_str state_dir; /* copied */
    bool with_index;
    struct postgres_address *address; /* taken, in any case; NULL: PostgreSQL is not configured */
    const struct log *log;            /* borrowed */
};

/* Starts no thread before there is something to do. Returns owned. [init] */
MUST_CHECK harborai_status logs_desk_create(const struct logs_desk_options *options,
                                            struct logs_desk **ret_desk, harborai_error *error);
/* Gives up what is under way, whose `done` is called still, and ends the threads. Accepts NULL. */
void logs_desk_destroy(struct logs_desk *desk);

struct logs_wish {
    enum logs_kind kind;
    harborai_str text;  /* what stands behind the '?'; of LOGS_ONE the id. Copied */
    bool skip_postgres, skip_index; /* known to be away, or to lack the newest calls */
    void (*done)(void *owner); /* [job] */
    void *owner;
};

/* *ret_order is owned, to be destroyed once it is done. E_INVALID: the error's `param` is the parameter
 * that is wrong. E_OVERLOADED: too many wait. E_MEMORY. [any] */
MUST_CHECK harborai_status logs_desk_order(struct logs_desk *desk, const struct logs_wish *wish,
                                           struct logs_order **ret_order, harborai_error *error);

/* Nobody waits for it any more: it will be done soon. [any] */
void logs_order_drop(struct logs_order *order);

/* Once it is done: the answer, as JSON, borrowed from the order. E_NOT_FOUND: there is no such call.
 * E_TIMEOUT. E_CANCELLED: it was dropped, or the desk was closed. */
MUST_CHECK harborai_status logs_order_answer(const struct logs_order *order, harborai_str *ret_json,
                                             harborai_error *error);
void logs_order_destroy(struct logs_order *order);

#endif
