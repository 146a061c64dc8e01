/* SPDX-License-Identifier: MIT */
/* Asks what is in PostgreSQL. */
#include "store/postgres_status.h"

#include <libpq-fe.h>
#include <stdio.h>

#include "store/postgres_sql.h"

static uint64_t number_at(const PGresult *result, int column)
{
    uint64_t number;
    return slice_to_u64(slice_of(PQgetvalue(result, 0, column)), &number) ? number : 0;
}

harborai_status postgres_status_read(struct postgres *pg, struct postgres_status *ret_status,
                                     harborai_error *error)
{
    PGresult *result;
    harborai_status st = postgres_ask(pg, postgres_sql_status, 0, NULL, &result, error);
    if (st < 0)
        return st;
    *ret_status = (struct postgres_status){.calls = number_at(result, 0),
                                           .bytes = number_at(result, 1),
                                           .days = number_at(result, 2),
                                           .segments = number_at(result, 6)};
    snprintf(ret_status->first_day, sizeof ret_status->first_day, "%s", PQgetvalue(result, 0, 3));
    snprintf(ret_status->last_day, sizeof ret_status->last_day, "%s", PQgetvalue(result, 0, 4));
    snprintf(ret_status->newest, sizeof ret_status->newest, "%s", PQgetvalue(result, 0, 5));
    PQclear(result);
    return HARBORAI_OK;
}
