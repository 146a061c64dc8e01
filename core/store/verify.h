/* SPDX-License-Identifier: MIT */
/* Proves that nothing was lost: for each segment of the journal that every line is there and whole,
 * that each call which began has ended, once, that no segment is gone before its time nor there twice,
 * and that each store has every call up to where it has
 * copied the segment, as its lines say. Counts, and checksums over what matters of each call, computed
 * alike from the lines and from the rows (call_digest.h).
 *
 * No answer ends before its end line is on record: so what is proven of end lines is proven of
 * answers. Changes nothing. Memory grows with the calls of one segment, 64 bytes each. [job] */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "store/call_digest.h"
#include "store/journal_follow.h"

/* --- A store, as it is asked ------------------------------------------------------------------- */

/* A call of the journal that a store is to have. */
struct verify_call {
    unsigned char key[16]; /* as struct call_digest has it */
    uint64_t end, use;
    int64_t begin_ns;
    uint64_t offset; /* of its end line */
    uint32_t first_amend, amends; /* of verify_reading.amends */
    bool is_uuid, is_found;
};

struct verify_sums {
    uint64_t rows, sum; /* of call_digest_sum() */
};

/* A segment that a store has copied something of. */
struct verify_known {
    const char *name;  /* borrowed until close() */
    uint64_t offset;   /* how far */
    int64_t calls;     /* that it has of it; -1: that is not known */
    int64_t newest_ns; /* when the last of these ended; 0: that is not known */
};

struct verify_store;

/* A row. Borrowed until it returns. */
typedef harborai_status verify_row_fn(void *context, const struct call *row, harborai_error *error);

struct verify_store_functions {
    const char *name; /* "sqlite", "postgres" */

    /* From here to close() all answers are of one moment. E_CONFIG, E_NETWORK …: it cannot be
     * looked at. */
    harborai_status (*open)(struct verify_store *store, harborai_error *error);
    void (*close)(struct verify_store *store); /* also when not open */
    void (*destroy)(struct verify_store *store); /* a closed one, by who made it */

    /* How far it has copied that segment, in bytes of its text. */
    uint64_t (*position)(struct verify_store *store, harborai_str segment);

    /* The segments that it has copied something of, one after the other, from 0 on. False: there are
     * no more. */
    bool (*known)(struct verify_store *store, size_t number, struct verify_known *ret_known);

    /* What it has of that segment. False: that is only known by rows(). */
    bool (*sums)(struct verify_store *store, harborai_str segment, struct verify_sums *ret_sums);

    /* The rows of that segment; or of those calls, sorted by key, whose lines stand before its
     * position. */
    harborai_status (*rows)(struct verify_store *store, harborai_str segment,
                            const struct verify_call *calls, size_t count, verify_row_fn *on_row,
                            void *context, harborai_error *error);

    /* Whether it no longer keeps calls that began then. */
    bool (*has_dropped)(struct verify_store *store, int64_t begin_ns);

    /* Keys that it has more than once, of calls that began then. NULL: there cannot be any. */
    harborai_status (*twice)(struct verify_store *store, int64_t since_ns, int64_t until_ns,
                             void (*on_key)(void *context, harborai_str key), void *context,
                             harborai_error *error);
};

struct verify_store {
    const struct verify_store_functions *functions;
};

/* --- What came of it --------------------------------------------------------------------------- */

enum { VERIFY_STORES_MOST = 2 };

/* Of one store and one segment, or of all. */
struct verify_count {
    uint64_t drained;   /* calls that it has, and is to have */
    uint64_t backlog;   /* … that come after its position */
    uint64_t aside;     /* … that it refused, and that are in refused/NAME.jsonl */
    uint64_t dropped;   /* … that are older than it keeps them */
    uint64_t missing, different, extra; /* disagreements */
};

enum verify_state {
    VERIFY_LIVE,       /* a process may write to it: it was read up to its last whole line */
    VERIFY_SEALED,
    VERIFY_UNFINISHED, /* its process is gone: a gateway has yet to finish it */
    VERIFY_GONE        /* the file is gone, before its time */
};

struct verify_segment {
    char name[JOURNAL_NAME_MOST]; /* "" of the sums of all */
    enum verify_state state;
    uint64_t lines, begun, ended;   /* whole lines; calls */
    uint64_t interrupted;           /* of those that ended: cut off, by recovery */
    uint64_t open;                  /* begun, and not ended (yet) */
    uint64_t amended;               /* lines */
    uint64_t sum;                   /* checksum of its calls, as they were amended */
    uint64_t faults;                /* of the journal itself */
    uint64_t head;                  /* hash of its first line, which no other has; 0: it has none */
    int64_t since_ns, until_ns;     /* of the begins of its calls; 0: it has none */
    struct verify_count stores[VERIFY_STORES_MOST];
};

bool verify_segment_agrees(const struct verify_segment *segment);

/* Something that disagrees. */
struct verify_fault {
    const char *segment;
    uint64_t at;       /* byte of its text */
    harborai_str key;  /* of the call; "": it is about a line */
    const char *store; /* "journal", or who differs from it */
    harborai_str what; /* "is missing", "status: 200, not 500", … */
};

struct verify_options {
    harborai_str state_dir;
    int64_t age_ns; /* segments stay that long after their last line; 0: for ever */
    struct verify_store *stores[VERIFY_STORES_MOST]; /* borrowed; opened and closed by this */
    size_t store_count;
    size_t most_faults; /* of each store and segment that are told one by one */
    void (*on_segment)(void *context, const struct verify_segment *segment);
    void (*on_fault)(void *context, const struct verify_fault *fault);
    void (*on_progress)(void *context, uint64_t done, uint64_t all); /* bytes of files; or NULL */
    void *context;
};

struct verify_result {
    struct verify_segment all; /* sums */
    size_t segments;
    size_t gone, copies; /* files that are gone before their time, or are there twice: faults, too */
    uint64_t twice; /* rows of stores that have a call again */
    bool is_unread; /* something could not be looked at, and `error` says what, as far as it has room */
    harborai_error error;
    bool has_store[VERIFY_STORES_MOST]; /* this one could be looked at, to the end */
};

/* A failure is of what has to be there: the journal's directory, memory. A store or a segment that
 * cannot be looked at is told in the result, and the others are verified. */
MUST_CHECK harborai_status verify_run(const struct verify_options *options,
                                      struct verify_result *ret_result, harborai_error *error);

#endif
