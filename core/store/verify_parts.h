/* SPDX-License-Identifier: MIT */
/* What the files of db verify share among themselves. */
#ifndef STORE_VERIFY_PARTS_H
#define STORE_VERIFY_PARTS_H

#include "store/open_calls.h"
#include "store/verify.h"

/* An amend line. */
struct verify_amend {
    unsigned char key[16];
    uint64_t use;
    size_t segment; /* that has it: its place in the list */
    uint64_t offset;
};

/* What tells a fault: on_fault, with a limit. */
struct verify_teller {
    const struct verify_options *options;
    const char *segment, *store;
    uint64_t told;
};

/* `key` as struct call_digest has it; NULL: it is about a line. */
void verify_tell(struct verify_teller *teller, uint64_t at, const unsigned char *key,
                 const char *what);

/* --- What files prove (verify_files.c) --------------------------------------------------------- */

/* Tells the segments that a store has copied from, whose file is gone, and which retention would have
 * kept. `directory` may be -1: then there is no file at all. */
MUST_CHECK harborai_status verify_tell_gone(const struct verify_options *options, int directory,
                                            struct verify_result *result, harborai_error *error);

/* Tells those of `segments` that begin with the same line: one of them is a copy. */
MUST_CHECK harborai_status verify_tell_copies(const struct verify_options *options,
                                              struct verify_segment *segments, size_t count,
                                              struct verify_result *result, harborai_error *error);

/* --- What lines prove (verify_reading.c) ------------------------------------------------------- */

/* A segment as its lines say. */
struct verify_reading {
    int directory;                /* of the journal; borrowed */
    size_t place;                 /* in the list */
    struct verify_segment *count; /* borrowed */
    struct verify_teller teller;
    struct verify_call *calls;    /* owned; sorted by key */
    size_t call_count, call_capacity;
    struct verify_amend *amends;  /* owned; sorted by key */
    size_t amend_count, amend_capacity;
    uint64_t whole;               /* where its last whole line ends */

    /* While it is read. */
    struct open_calls open;
    struct buf texts;
    uint64_t left_out;    /* stretches of it that cannot be read */
    uint64_t unbegun;     /* calls with an end line and attempts, and without a begin line */
    uint64_t unbegun_at;
    bool is_sealed;
    harborai_status failed;
};

/* Reads and checks all of it, and leaves `calls` and its own `amends` sorted. E_NOT_FOUND: there is no
 * such segment any more. E_INTERNAL: it cannot be read. E_MEMORY. */
MUST_CHECK harborai_status verify_reading_run(struct verify_reading *r,
                                              const struct journal_file *file,
                                              harborai_error *error);
void verify_reading_clear(struct verify_reading *r);   /* keeps its memory */
void verify_reading_release(struct verify_reading *r);

/* False: no memory. */
MUST_CHECK bool verify_amend_add(struct verify_amend **amends, size_t *count, size_t *capacity,
                                 const struct verify_amend *amend);
void verify_amend_sort(struct verify_amend *amends, size_t count);

struct verify_call *verify_call_find(struct verify_call *calls, size_t count,
                                     const unsigned char key[static 16]);

/* The call that stands there, with the amend line, if `amend` is not NULL, in place of what it said.
 * Texts are borrowed from `line`, which holds both, and `texts`. */
struct verify_place {
    const char *segment;
    uint64_t offset;
};
MUST_CHECK harborai_status verify_line_read(int directory, const struct verify_place *end,
                                            const struct verify_place *amend, struct buf *line,
                                            struct buf *texts, struct call *ret_call);

#endif
