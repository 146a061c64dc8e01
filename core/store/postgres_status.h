/* SPDX-License-Identifier: MIT */
/* What is in PostgreSQL, for people. [job] */
#ifndef STORE_POSTGRES_STATUS_H
#define STORE_POSTGRES_STATUS_H

#include "store/postgres.h"

struct postgres_status {
    uint64_t calls; /* as the sums have them, of deleted days too */
    uint64_t bytes; /* of all tables and indexes */
    uint64_t days;  /* that are kept */
    char first_day[16], last_day[16]; /* "2026-11-22"; "" = none */
    char newest[40];                  /* the last begin of a call: "2026-11-22 08:00:00+00"; "" */
    uint64_t segments;                /* of all journals, of which something was copied */
};

/* Of current tables. */
MUST_CHECK harborai_status postgres_status_read(struct postgres *pg,
                                                struct postgres_status *ret_status,
                                                harborai_error *error);

#endif
