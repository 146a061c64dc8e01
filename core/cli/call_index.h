/* SPDX-License-Identifier: MIT */
/* The index of the calls, as commands ask it: up to date with the journal, whether a gateway runs or
 * not. */
#ifndef CLI_CALL_INDEX_H
#define CLI_CALL_INDEX_H

#include "cli/command.h"
#include "config/config.h"
#include "store/index.h"

/* Copies what the index lacks, unless a gateway does so all the time. Returns owned. NULL: it cannot
 * be had, for the reason in `error`. */
struct index *call_index_open(const struct config *config, harborai_error *error);

/* Calls that began longer ago leave it; 0: none does. A day longer than the journal's files, which
 * stay until their last line is so old. */
int64_t call_index_age_ns(const struct config *config);

/* Options that say which calls are meant: add them to a command's table. */
#define CALL_QUERY_TIMES                                                                           \
    {"days", 0, "N", "begun in the last N days"},                                                  \
    {"since", 0, "TIME", "begun at that time or later, as 2026-11-21T11:03:05Z, yesterday or 2h (ago)"},    \
    {"until", 0, "TIME", "begun before that time"}
#define CALL_QUERY_OPTIONS                                                                         \
    CALL_QUERY_TIMES,                                                                              \
    {"model", 'm', "MODEL", "of that model, as the client called it; '*' stands for anything"},    \
    {"provider", 0, "PROVIDER", "that went there"},                                                \
    {"plugin", 0, "PLUGIN", "by a plugin of that id"},                                             \
    {"client", 0, "CLIENT", "of that client: an address, cli, library"},                           \
    {"status", 0, "STATUS",                                                                        \
     "ok, error, cancelled, interrupted, failed (all but ok), or of HTTP, as 429 or 5xx"},         \
    {"level", 0, "DEBUG|INFO|WARNING|ERROR",                                                       \
     "INFO: that have ended; WARNING: all but ok; ERROR: error or interrupted; DEBUG: any"},       \
    {"has-error", 0, NULL, "that did not end well: the same as --status failed"},                  \
    {"no-error", 0, NULL, "that ended well: the same as --status ok"},                             \
    {"id", 0, "ID", "with that key, id, completion, request or trace id"},                         \
    {"trace-id", 0, "ID", "the same as --id"},                                                     \
    {"search", 0, "TEXT", "with that text in the error or the tags"},                              \
    {"min-tokens", 0, "N", "of so many tokens at least"},                                          \
    {"max-tokens", 0, "N", "of so many tokens at most"},                                           \
    {"min-cost", 0, "AMOUNT", "that cost so much at least, whatever the currency"},                \
    {"max-cost", 0, "AMOUNT", "that cost so much at most"},                                        \
    {"min-duration", 0, "TIME", "that took so long at least, as 500ms or 10s"},                    \
    {"start-time", 0, "TIME", "the same as --since"},                                              \
    {"end-time", 0, "TIME", "the same as --until"}

/* Reads those that were given; false: one is wrong, and that was said. Texts are borrowed. */
bool call_query_read(const struct command *command, const struct arguments *arguments,
                     struct log_query *ret_query);

/* A time range alone: --days, --since, --until. */
bool call_query_read_times(const struct command *command, const struct arguments *arguments,
                           int64_t *ret_since_ns, int64_t *ret_until_ns);

#endif
