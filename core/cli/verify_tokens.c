/* SPDX-License-Identifier: MIT */
/* Looks for tokens that do not fit together, in PostgreSQL: rows there outlive the journal, which the
 * others are compared with. */
#include "cli/verify_tokens.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "cli/database.h"
#include "cli/setup.h"
#include "store/tokens.h"
#include "wire/json_write.h"

struct checking {
    bool as_json, repairs;
    size_t most, listed;
    struct log log;
    struct buf rows; /* elements of a JSON array; or lines */
    struct json_writer rows_json;
    struct tokens_result result;
};

static void write_tokens(struct json_writer *w, const char *key, const struct tokens *tokens)
{
    const struct {
        const char *name;
        int64_t count;
    } members[] = {{"prompt_tokens", tokens->prompt},
                   {"completion_tokens", tokens->completion},
                   {"total_tokens", tokens->total}};
    json_write_key(w, slice_of(key));
    json_write_object(w);
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (members[i].count >= 0)
            json_write_key_int64(w, members[i].name, members[i].count);
    json_write_end(w);
}

static void on_row(void *context, const char *key, const struct tokens *is,
                   const struct tokens *should_be)
{
    struct checking *c = context;
    if (c->repairs)
        log_write(&c->log, LOG_LEVEL_WARN, "tokens.repaired",
                  "key=%s prompt=%lld/%lld completion=%lld/%lld total=%lld/%lld", key,
                  (long long)is->prompt, (long long)should_be->prompt, (long long)is->completion,
                  (long long)should_be->completion, (long long)is->total,
                  (long long)should_be->total);
    if (c->listed++ >= c->most)
        return;
    if (!c->as_json) {
        buf_printf(&c->rows,
                   "call %s: %" PRId64 " + %" PRId64 " = %" PRId64 ", not %" PRId64 " + %" PRId64
                   " = %" PRId64 "\n",
                   key, should_be->prompt, should_be->completion, should_be->total, is->prompt,
                   is->completion, is->total);
        return;
    }
    json_write_object(&c->rows_json);
    json_write_key_string(&c->rows_json, "key", slice_of(key));
    write_tokens(&c->rows_json, "is", is);
    write_tokens(&c->rows_json, "should_be", should_be);
    json_write_end(&c->rows_json);
}

static void print_json(struct checking *c)
{
    AUTO(buf) out = BUF_INIT(MIB(64));
    struct json_writer w = JSON_WRITER(&out);
    json_write_end(&c->rows_json);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key_int64(&w, "wrong", (int64_t)c->result.wrong);
    json_write_key_int64(&w, "repaired", (int64_t)c->result.repaired);
    json_write_key_int64(&w, "kept", (int64_t)c->result.kept);
    json_write_key(&w, HARBORAI_STR("rows"));
    json_write_raw(&w, buf_slice(&c->rows));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}

static enum exit_code print(struct checking *c)
{
    if (c->as_json) {
        print_json(c);
    } else {
        printf("%.*s", SLICE_ARG(buf_slice(&c->rows)));
        printf("%" PRIu64 " rows of PostgreSQL do not fit together; %" PRIu64 " were repaired\n",
               c->result.wrong, c->result.repaired);
        if (c->result.kept > 0)
            printf("%" PRIu64 " have a total of the vendor's that is not the sum of its parts, and "
                   "keep it\n", c->result.kept);
    }
    enum exit_code code = command_finish();
    return code == EXIT_OK && c->result.wrong > c->result.repaired ? EXIT_FAILED : code;
}

static enum exit_code check(struct database *database, struct checking *c)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct postgres_schema schema;
    struct postgres writer = {.connection = NULL};
    harborai_status st = postgres_schema_look(&database->pg, &schema, &error);
    if (st == HARBORAI_OK)
        st = postgres_schema_check(&schema, false, &error);
    if (st == HARBORAI_OK && c->repairs)
        st = postgres_open(&writer, database->address, -1, &error);
    if (st == HARBORAI_OK)
        st = tokens_check(&database->pg, c->repairs ? &writer : NULL, on_row, c, &c->result, &error);
    postgres_close(&writer);
    return st < 0 ? database_fail(&error) : print(c);
}

enum exit_code verify_tokens(const struct command *command, const struct arguments *arguments,
                             size_t most)
{
    struct database database = {.config = NULL};
    struct checking c = {.as_json = command_argument(command, arguments, "json") != NULL,
                         .repairs = command_argument(command, arguments, "repair") != NULL &&
                                    command_argument(command, arguments, "dry-run") == NULL,
                         .most = most,
                         .rows = BUF_INIT(MIB(16))};
    c.rows_json = (struct json_writer)JSON_WRITER(&c.rows);
    if (c.as_json)
        json_write_array(&c.rows_json);
    enum exit_code code = database_open(&database, command, arguments);
    if (code == EXIT_OK) {
        setup_quiet_log(&c.log, database.config);
        code = check(&database, &c);
    }
    database_release(&database);
    buf_release(&c.rows);
    return code;
}
