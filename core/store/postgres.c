/* SPDX-License-Identifier: MIT */
/* One connection. Must never wait in libpq: each wait is wait_for()'s, which knows limits and stops. */
#include "store/postgres.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

enum { OLDEST_SERVER = 130000, MOST_TEXT = 400 };

/* ---- Waiting -------------------------------------------------------------------------------- */

static harborai_status wait_for(const struct postgres *pg, short events, int64_t until_ns,
                                harborai_error *error)
{
    struct pollfd fds[] = {{PQsocket(pg->connection), events, 0}, {pg->stop_fd, POLLIN, 0}};
    const char *where = postgres_address_text(pg->address);
    for (;;) {
        int64_t left_ns = until_ns - clock_monotonic_ns(&clock_system);
        if (left_ns <= 0)
            return harborai_error_set(error, HARBORAI_E_TIMEOUT,
                                      "PostgreSQL at '%s' does not answer", where);
        int count = poll(fds, ARRAY_LEN(fds), (int)(left_ns / NS_PER_MS) + 1);
        if (count < 0 && errno != EINTR)
            return harborai_error_set(error, HARBORAI_E_INTERNAL, "cannot wait for PostgreSQL");
        if (count > 0 && fds[1].revents != 0)
            return harborai_error_set(error, HARBORAI_E_CANCELLED,
                                      "the work with PostgreSQL at '%s' was stopped", where);
        if (count > 0)
            return HARBORAI_OK;
    }
}

static int64_t limit_of(int64_t limit_ms)
{
    return clock_monotonic_ns(&clock_system) + limit_ms * NS_PER_MS;
}

/* ---- What went wrong ------------------------------------------------------------------------ */

/* On one line, without LOCATION; libpq's has a line for each address it tried. */
static void clean(const char *from, char text[static MOST_TEXT])
{
    size_t len = 0;
    for (; *from != '\0' && len + 1 < MOST_TEXT; from++) {
        bool is_blank = *from == '\n' || *from == '\t' || *from == ' ';
        if (strncmp(from, "\nLOCATION:", 10) == 0)
            break;
        if (!is_blank)
            text[len++] = *from;
        else if (len > 0 && text[len - 1] != ' ')
            text[len++] = ' ';
    }
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
}

static bool is_state_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

static bool is_state(const char *text)
{
    bool has_digit = false;
    for (size_t i = 0; i < 5; i++) {
        if (!is_state_character(text[i]))
            return false;
        has_digit = has_digit || text[i] <= '9';
    }
    return has_digit && text[5] == ':' && text[6] == ' ';
}

/* Of a connection that failed libpq tells no SQLSTATE but in its verbose text, "FATAL:  28P01: …". Both
 * are taken out of that, severity and state. */
static void find_state(char *text, char state[static 6])
{
    for (char *at = text; *at != '\0'; at++) {
        if (!is_state(at) || (at > text && at[-1] != ' '))
            continue;
        memcpy(state, at, 5);
        state[5] = '\0';
        char *from = at - 1;
        while (from > text && from[-1] != ' ')
            from--;
        memmove(from, at + 7, strlen(at + 7) + 1);
        return;
    }
}

static bool is_class(const char *state, const char *class)
{
    return strncmp(state, class, 2) == 0;
}

static harborai_status code_of(const char *state)
{
    if (strcmp(state, "57014") == 0) /* statement_timeout */
        return HARBORAI_E_TIMEOUT;
    if (is_class(state, "22") || is_class(state, "23") || is_class(state, "54"))
        return HARBORAI_E_INVALID;
    if (is_class(state, "28") || is_class(state, "3D") || is_class(state, "3F") ||
        is_class(state, "42"))
        return HARBORAI_E_CONFIG;
    if (is_class(state, "40") || is_class(state, "55"))
        return HARBORAI_E_OVERLOADED;
    if (is_class(state, "08") || is_class(state, "53") || is_class(state, "57") ||
        is_class(state, "58") || strcmp(state, "25006") == 0)
        return HARBORAI_E_NETWORK;
    return HARBORAI_E_INTERNAL;
}

static const char *way_out(const char *state)
{
    if (strcmp(state, "42501") == 0)
        return ": give the role that right (GRANT CREATE, USAGE ON SCHEMA …), or run 'harborai init-db' "
               "as one that has it";
    if (strcmp(state, "25006") == 0)
        return ": the server takes no writes now";
    if (strcmp(state, "53100") == 0)
        return ": make room on the server's disk";
    if (is_class(state, "28"))
        return ": check store.postgres.user and store.postgres.password";
    if (is_class(state, "3D"))
        return ": make it with createdb -E UTF8 -T template0, or check store.postgres.database";
    return "";
}

static harborai_status fail_connecting(struct postgres *pg, harborai_error *error)
{
    char text[MOST_TEXT];
    clean(PQerrorMessage(pg->connection), text);
    find_state(text, pg->sqlstate);
    harborai_status code = HARBORAI_E_NETWORK;
    if (pg->sqlstate[0] != '\0')
        code = code_of(pg->sqlstate);
    else if (strstr(text, "SSL") != NULL || strstr(text, "certificate") != NULL)
        code = HARBORAI_E_CONFIG; /* of libpq's own: TLS is asked for and absent, or not trusted */
    return harborai_error_set(error, code, "cannot connect to PostgreSQL: %s%s", text,
                              way_out(pg->sqlstate));
}

/* The primary message only: what stands behind it has values in it. */
static harborai_status fail_asking(struct postgres *pg, const PGresult *result,
                                   harborai_error *error)
{
    char text[MOST_TEXT];
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message =
        result != NULL ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    snprintf(pg->sqlstate, sizeof pg->sqlstate, "%s", state != NULL ? state : "");
    clean(message != NULL ? message : PQerrorMessage(pg->connection), text);
    harborai_status code = state != NULL ? code_of(state) : HARBORAI_E_NETWORK;
    return harborai_error_set(error, code, "PostgreSQL: %s%s%s%s%s",
                              text[0] != '\0' ? text : "the connection is lost",
                              state != NULL ? " (" : "", pg->sqlstate, state != NULL ? ")" : "",
                              way_out(pg->sqlstate));
}

/* ---- Connecting ----------------------------------------------------------------------------- */

static harborai_status establish(struct postgres *pg, int64_t until_ns, harborai_error *error)
{
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    harborai_status st = HARBORAI_OK;
    while (st == HARBORAI_OK && step != PGRES_POLLING_OK) {
        if (step == PGRES_POLLING_FAILED || PQsocket(pg->connection) < 0) {
            st = fail_connecting(pg, error);
            bool is_late = clock_monotonic_ns(&clock_system) >= until_ns; /* of a name's look-up */
            return st == HARBORAI_E_NETWORK && is_late ? HARBORAI_E_TIMEOUT : st;
        }
        st = wait_for(pg, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ns, error);
        if (st == HARBORAI_OK)
            step = PQconnectPoll(pg->connection);
    }
    return st;
}

static harborai_status check_server(const struct postgres *pg, harborai_error *error)
{
    int version = PQserverVersion(pg->connection);
    if (version < OLDEST_SERVER)
        return harborai_error_set(error, HARBORAI_E_CONFIG,
                                  "PostgreSQL at '%s' is of version %d.%d: HarborAI needs 13 or later",
                                  postgres_address_text(pg->address), version / 10000,
                                  version >= 100000 ? version % 10000 : version / 100 % 100);
    return HARBORAI_OK;
}

static harborai_status check_encoding(struct postgres *pg, harborai_error *error)
{
    PGresult *result;
    harborai_status st = postgres_ask(pg, "SHOW server_encoding", 0, NULL, &result, error);
    if (st < 0)
        return st;
    if (strcmp(PQgetvalue(result, 0, 0), "UTF8") != 0)
        st = harborai_error_set(error, HARBORAI_E_CONFIG,
                                "database '%s' has the encoding %s: HarborAI needs UTF8: make one with "
                                "createdb -E UTF8 -T template0",
                                PQdb(pg->connection), PQgetvalue(result, 0, 0));
    PQclear(result);
    return st;
}

static harborai_status set_session(struct postgres *pg, harborai_error *error)
{
    char sql[160];
    snprintf(sql, sizeof sql,
             "SET TimeZone = 'UTC'; SET statement_timeout = %d; SET lock_timeout = %d; "
             "SET idle_in_transaction_session_timeout = %d",
             POSTGRES_STATEMENT_MS, POSTGRES_STATEMENT_MS / 2, POSTGRES_STATEMENT_MS);
    return postgres_run(pg, sql, error);
}

harborai_status postgres_open_within(struct postgres *pg, const struct postgres_address *address,
                                     int stop_fd, int64_t limit_ms, harborai_error *error)
{
    int64_t until_ns = limit_of(limit_ms);
    *pg = (struct postgres){.address = address, .stop_fd = stop_fd, .limit_ms = limit_ms};
    pg->connection = PQconnectStartParams(postgres_address_keywords(address),
                                          postgres_address_values(address), 0);
    if (pg->connection == NULL)
        return harborai_error_set(error, HARBORAI_E_MEMORY, "no memory left");
    PQsetErrorVerbosity(pg->connection, PQERRORS_VERBOSE);
    harborai_status st = establish(pg, until_ns, error);
    if (st == HARBORAI_OK && PQsetnonblocking(pg->connection, 1) != 0)
        st = fail_connecting(pg, error);
    if (st == HARBORAI_OK)
        st = check_server(pg, error);
    if (st == HARBORAI_OK)
        st = check_encoding(pg, error);
    if (st == HARBORAI_OK)
        st = set_session(pg, error);
    if (st < 0)
        postgres_close(pg);
    return st;
}

harborai_status postgres_open(struct postgres *pg, const struct postgres_address *address,
                              int stop_fd, harborai_error *error)
{
    harborai_status st = postgres_open_within(pg, address, stop_fd, POSTGRES_CONNECT_MS, error);
    pg->limit_ms = POSTGRES_STATEMENT_MS;
    return st;
}

void postgres_close(struct postgres *pg)
{
    PQfinish(pg->connection); /* a goodbye that does not fit into the socket at once is not sent */
    pg->connection = NULL;
}

int postgres_version(const struct postgres *pg)
{
    return PQserverVersion(pg->connection);
}

/* ---- Asking --------------------------------------------------------------------------------- */

static harborai_status flush(struct postgres *pg, int64_t until_ns, harborai_error *error)
{
    for (;;) {
        int left = PQflush(pg->connection);
        if (left < 0)
            return fail_asking(pg, NULL, error);
        if (left == 0)
            return HARBORAI_OK;
        harborai_status st = wait_for(pg, POLLIN | POLLOUT, until_ns, error);
        if (st < 0)
            return st;
        if (PQconsumeInput(pg->connection) == 0) /* so that the server can go on sending */
            return fail_asking(pg, NULL, error);
    }
}

static harborai_status next_result(struct postgres *pg, int64_t until_ns, PGresult **ret_result,
                                   harborai_error *error)
{
    while (PQisBusy(pg->connection)) {
        harborai_status st = wait_for(pg, POLLIN, until_ns, error);
        if (st < 0)
            return st;
        if (PQconsumeInput(pg->connection) == 0)
            return fail_asking(pg, NULL, error);
    }
    *ret_result = PQgetResult(pg->connection);
    return HARBORAI_OK;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* All results; the last one, or the first that is an error, counts. */
static harborai_status collect(struct postgres *pg, bool is_sent, PGresult **ret_result,
                               harborai_error *error)
{
    int64_t until_ns = limit_of(pg->limit_ms);
    PGresult *kept = NULL, *result = NULL;
    pg->sqlstate[0] = '\0';
    harborai_status st = is_sent ? flush(pg, until_ns, error) : fail_asking(pg, NULL, error);
    while (st == HARBORAI_OK) {
        st = next_result(pg, until_ns, &result, error);
        if (st < 0 || result == NULL)
            break;
        if (kept == NULL || is_good(kept)) {
            PQclear(kept);
            kept = result;
        } else {
            PQclear(result);
        }
    }
    if (st == HARBORAI_OK && (kept == NULL || !is_good(kept)))
        st = fail_asking(pg, kept, error);
    if (st == HARBORAI_OK)
        *ret_result = kept;
    else
        PQclear(kept);
    return st;
}

harborai_status postgres_run(struct postgres *pg, const char *sql, harborai_error *error)
{
    PGresult *result;
    harborai_status st = collect(pg, PQsendQuery(pg->connection, sql) == 1, &result, error);
    if (st == HARBORAI_OK)
        PQclear(result);
    return st;
}

harborai_status postgres_ask(struct postgres *pg, const char *sql, int count,
                             const char *const *values, struct pg_result **ret_result,
                             harborai_error *error)
{
    return collect(pg, PQsendQueryParams(pg->connection, sql, count, NULL, values, NULL, NULL, 0) == 1,
                   ret_result, error);
}

harborai_status postgres_prepare(struct postgres *pg, const char *name, const char *sql,
                                 harborai_error *error)
{
    PGresult *result;
    harborai_status st =
        collect(pg, PQsendPrepare(pg->connection, name, sql, 0, NULL) == 1, &result, error);
    if (st == HARBORAI_OK)
        PQclear(result);
    return st;
}

harborai_status postgres_ask_prepared(struct postgres *pg, const char *name, int count,
                                      const char *const *values, struct pg_result **ret_result,
                                      harborai_error *error)
{
    return collect(pg,
                   PQsendQueryPrepared(pg->connection, name, count, values, NULL, NULL, 0) == 1,
                   ret_result, error);
}
