/* SPDX-License-Identifier: MIT */
/* A drain copies ended calls from the journal into one store: an index or a database. The journal is
 * the truth; a store may fail, be empty or be thrown away, and the drain makes it whole again from
 * where it stopped: positions stand in the store, in the transaction that has the rows.
 *
 * One thread a store, and of all processes with one state directory, one: it holds
 * <state_dir>/drain-NAME.lock. It sleeps until the journal's directory changes. Its memory is bounded
 * by one batch, whatever waits. A line that the store refuses for ever, or that is no call, is set aside
 * in <state_dir>/refused/NAME.jsonl (in rare cases twice: who reads it goes by the key), and counted.
 *
 * Who touches the lock's file has it read the journal from the store's positions anew. */
#ifndef STORE_DRAIN_H
#define STORE_DRAIN_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/call.h"

struct journal_position;
struct drain_store;

/* What a store must be able to do; all are called on the drain's thread and may wait. Except where
 * said, a failure means that the store is not to be had now: the transaction is rolled back, the
 * store closed, and all tried again later. */
struct drain_store_functions {
    const char *name; /* "sqlite", "postgres" */

    /* Connects, makes or migrates the schema, and counts `opened` up; what is connected stays so.
     * E_CONFIG: it is a schema or a setting that waiting does not mend; it is tried again all the
     * same, but rarely. */
    harborai_status (*open)(struct drain_store *store, harborai_error *error);

    /* How far it has that segment; an offset of 0: nothing of it. */
    harborai_status (*position)(struct drain_store *store, harborai_str segment,
                                struct journal_position *ret_position, harborai_error *error);

    harborai_status (*begin)(struct drain_store *store, harborai_error *error);

    /* Adds a call, or leaves it if it is there already; one that was `interrupted` gives way to its
     * real end. May buffer, then it copies. E_INVALID: this row is refused for ever; the
     * transaction holds still. If that is found out at commit, commit returns it: then each call of
     * the batch comes again, in a transaction of its own. */
    harborai_status (*put)(struct drain_store *store, const struct call *call,
                           harborai_error *error);

    /* What an amend line says (usage, cost, amend_ns; names) of a call that was put before. A call
     * that the store does not have is no failure. */
    harborai_status (*amend)(struct drain_store *store, const struct call *call,
                             harborai_error *error);

    /* Rows and positions, in one transaction: all or none. E_TIMEOUT: they are tried again, fewer at
     * once. */
    harborai_status (*commit)(struct drain_store *store, const struct journal_position *positions,
                              size_t count, harborai_error *error);

    void (*rollback)(struct drain_store *store); /* also without a transaction */
    void (*close)(struct drain_store *store);    /* also when not open; open() may follow */
};

/* First in each store's own struct. */
struct drain_store {
    const struct drain_store_functions *functions;
    char note[384]; /* something that open() has to tell the operator; the drain logs and empties it */
    unsigned opened; /* how often open() has connected: another database may be there since */
};

enum drain_state {
    DRAIN_STARTING, /* has not reached its store yet */
    DRAIN_STANDBY,  /* another process drains this state directory into it */
    DRAIN_ACTIVE,
    DRAIN_FAILING, /* the last attempts failed: calls are in the journal only */
    DRAIN_REFUSED, /* the store's schema, or a setting, must be mended first */
    DRAIN_STATE_COUNT
};

struct drain_settings {
    harborai_str state_dir;    /* copied */
    const struct clock *clock; /* borrowed */
    const struct log *log;     /* borrowed; or NULL */
    unsigned batch;            /* calls a transaction, at most */
    unsigned max_failures;     /* in a row, then the state is DRAIN_FAILING; of E_TIMEOUT one will do */
    int64_t most_wait_ms;      /* between two attempts, which begin at 1 s; and between two looks at the
                                  store while there is nothing to copy */
};

/* A snapshot. */
struct drain_status {
    enum drain_state state;
    uint64_t rows, amends, refused; /* since the start */
    uint64_t failures;              /* attempts that failed */
    uint64_t backlog_bytes;         /* of the journal that the store has not, as of the last look */
    int64_t last_commit_ns;         /* UTC; 0: none yet */
    char error[512];                /* why the last attempt failed; "": it did not */
};

struct drain;

/* [init] Starts the thread. `store` is borrowed until drain_stop(). Returns owned. */
MUST_CHECK harborai_status drain_start(const struct drain_settings *settings,
                                       struct drain_store *store, struct drain **ret_drain,
                                       harborai_error *error);

/* [init] Lets it copy what stands in the journal now and waits for its end, no longer than
 * `timeout_ms`: what was not copied waits in the journal. False: it hangs in its store still; then
 * neither the store nor what it borrows may be freed, and the process is to end. Accepts NULL. */
bool drain_stop(struct drain *drain, int64_t timeout_ms);

/* [any] */
void drain_status_of(struct drain *drain, struct drain_status *ret_status);

/* "starting", "standby", "active", "failing", "refused". */
const char *drain_state_name(enum drain_state state);

/* [job] Copies all that stands in the journal now, on this thread, and returns. With somebody else
 * draining it does nothing: *ret_is_ours is false. `store` stays open. */
MUST_CHECK harborai_status drain_once(const struct drain_settings *settings,
                                      struct drain_store *store, bool *ret_is_ours,
                                      struct drain_status *ret_status, harborai_error *error);

#endif
