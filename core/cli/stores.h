/* SPDX-License-Identifier: MIT */
/* Where calls stand: in PostgreSQL, in files of the journal, or in both. */
#ifndef CLI_STORES_H
#define CLI_STORES_H

#include "cli/database_state.h"

struct stores {
    const struct config *config; /* `database`'s */
    bool has_postgres;           /* it is configured */
    struct database database;
    struct database_state state;
    uint64_t files, bytes; /* of the journal */
    uint64_t waiting;      /* files of it that PostgreSQL does not have whole */
};

/* Complains of a configuration that is at fault; a database that is away is what it is asked for.
 * stores_release() is due in any case, of a zeroed one too. */
enum exit_code stores_look(struct stores *stores, const struct command *command,
                           const struct arguments *arguments);
void stores_release(struct stores *stores);

void stores_print(const struct stores *stores);

/* As a value. */
void stores_write(const struct stores *stores, struct json_writer *w);

#endif
