/* SPDX-License-Identifier: MIT */
/* Where a command asks for calls: the index, PostgreSQL, or the journal's files. */
#ifndef CLI_LOG_SOURCE_H
#define CLI_LOG_SOURCE_H

#include "cli/command.h"
#include "config/config.h"
#include "store/index.h"
#include "store/postgres.h"

enum log_source_kind {
    LOG_SOURCE_AUTO, /* the index; where that cannot be had, the journal */
    LOG_SOURCE_INDEX,
    LOG_SOURCE_POSTGRES,
    LOG_SOURCE_JOURNAL
};

struct log_source {
    enum log_source_kind kind; /* which it is: not AUTO */
    const struct config *config;
    struct index *index;              /* owned */
    struct postgres_address *address; /* owned */
    struct postgres pg;
};

/* Add it to a command's table. */
#define LOG_SOURCE_OPTION                                                                         \
    {"source", 0, "auto|index|postgres|journal", "where to look (default auto: the index, else the journal)"}

/* Reads --source; false: it is none, and that was said. */
bool log_source_read(const struct command *command, const struct arguments *arguments,
                      enum log_source_kind *ret_kind);

/* The configuration that it takes: with keys where it needs one. Complains; NULL: EXIT_CONFIG. */
struct config *log_source_config(const struct command *command, const struct arguments *arguments,
                                  enum log_source_kind kind);

/* Opens it; an index is brought up to date before. Complains. `config` is borrowed. log_source_close()
 * is due in any case. */
enum exit_code log_source_open(struct log_source *source, const struct config *config,
                                enum log_source_kind kind);
void log_source_close(struct log_source *source);

/* The ended calls that are asked for, the newest first. What of the journal cannot be read is named on
 * stderr. */
MUST_CHECK harborai_status log_source_find(struct log_source *source,
                                            const struct log_query *query, query_call_fn *on_call,
                                            void *context, harborai_error *error);

/* How many there are, but for the page; false: that takes as long as reading them. */
bool log_source_count(struct log_source *source, const struct log_query *query,
                       uint64_t *ret_count);

#endif
