/* SPDX-License-Identifier: MIT */
/* Asks for calls, wherever they are. What goes wrong with the index keeps no question from its answer,
 * unless it was asked for by name: there is the journal. */
#include "cli/log_source.h"

#include "cli/call_index.h"
#include "cli/setup.h"
#include "store/journal_query.h"
#include "store/postgres_query.h"

bool log_source_read(const struct command *command, const struct arguments *arguments,
                      enum log_source_kind *ret_kind)
{
    static const struct {
        const char *name;
        enum log_source_kind kind;
    } kinds[] = {{"auto", LOG_SOURCE_AUTO},         {"index", LOG_SOURCE_INDEX},
                 {"postgres", LOG_SOURCE_POSTGRES}, {"journal", LOG_SOURCE_JOURNAL},
                 {"file", LOG_SOURCE_JOURNAL}};
    const char *text = command_argument(command, arguments, "source");
    *ret_kind = LOG_SOURCE_AUTO;
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(kinds); i++)
        if (strcmp(text, kinds[i].name) == 0) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    if (text != NULL)
        command_complain("--source: '%s' is none of auto, index, postgres and journal", text);
    return text == NULL;
}

struct config *log_source_config(const struct command *command, const struct arguments *arguments,
                                  enum log_source_kind kind)
{
    return kind == LOG_SOURCE_POSTGRES ? setup_config(command, arguments)
                                        : setup_config_without_keys(command, arguments);
}

static enum exit_code open_index(struct log_source *source, bool is_asked_for)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    source->kind = LOG_SOURCE_INDEX;
    source->index = call_index_open(source->config, &error);
    if (source->index != NULL)
        return EXIT_OK;
    if (is_asked_for)
        return command_fail(&error);
    command_complain("%s; the journal is read instead", error.message);
    source->kind = LOG_SOURCE_JOURNAL;
    return EXIT_OK;
}

static enum exit_code open_postgres(struct log_source *source)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = postgres_address_create(source->config, &source->address, &error);
    if (st == HARBORAI_OK)
        st = postgres_open(&source->pg, source->address, -1, &error);
    if (st == HARBORAI_OK)
        return EXIT_OK;
    command_complain("%s", error.message);
    return st == HARBORAI_E_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

enum exit_code log_source_open(struct log_source *source, const struct config *config,
                                enum log_source_kind kind)
{
    *source = (struct log_source){.kind = kind, .config = config};
    if (kind == LOG_SOURCE_POSTGRES)
        return open_postgres(source);
    if (config->state_dir.len == 0) {
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
        return EXIT_CONFIG;
    }
    return kind == LOG_SOURCE_JOURNAL ? EXIT_OK : open_index(source, kind == LOG_SOURCE_INDEX);
}

void log_source_close(struct log_source *source)
{
    index_destroy(take(source->index));
    postgres_close(&source->pg);
    postgres_address_destroy(take(source->address));
}

/* --- Asking --------------------------------------------------------------------------------------- */

static void on_fault(void *context UNUSED, const char *text)
{
    command_complain("%s", text);
}

harborai_status log_source_find(struct log_source *source, const struct log_query *query,
                                 query_call_fn *on_call, void *context, harborai_error *error)
{
    if (source->kind == LOG_SOURCE_INDEX)
        return index_find(source->index, query, on_call, context, error);
    if (source->kind == LOG_SOURCE_POSTGRES)
        return postgres_find(&source->pg, query, on_call, context, error);
    const struct journal_question question = {.state_dir = source->config->state_dir,
                                              .on_fault = on_fault};
    return journal_find(&question, query, on_call, context, error);
}

bool log_source_count(struct log_source *source, const struct log_query *query,
                       uint64_t *ret_count)
{
    if (source->kind == LOG_SOURCE_INDEX)
        return index_count(source->index, query, ret_count, NULL) == HARBORAI_OK;
    if (source->kind == LOG_SOURCE_POSTGRES)
        return postgres_count(&source->pg, query, ret_count, NULL) == HARBORAI_OK;
    return false;
}
