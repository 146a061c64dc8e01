/* SPDX-License-Identifier: MIT */
/* Looks at the stores of calls. Must never change one. */
#include "cli/stores.h"

#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/setup.h"
#include "config/value.h"
#include "store/copied_mark.h"
#include "store/journal_list.h"

static enum exit_code look_at_journal(struct stores *s)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct journal_list list = {.files = NULL};
    AUTO(buf) copied = BUF_INIT(MIB(16));
    int directory;
    harborai_status st = journal_directory_open(s->config->state_dir, &directory, &error);
    if (st == HARBORAI_OK && directory >= 0)
        st = journal_list_read(directory, &list, &error);
    if (st == HARBORAI_OK && directory >= 0)
        copied_mark_read(directory, "postgres", &copied);
    for (size_t i = 0; i < list.count; i++) {
        s->files++;
        s->bytes += list.files[i].size;
        s->waiting += !copied_mark_covers(buf_slice(&copied), slice_of(list.files[i].name));
    }
    journal_list_release(&list);
    if (directory >= 0)
        close(directory);
    return st < 0 ? command_fail(&error) : EXIT_OK;
}

enum exit_code stores_look(struct stores *stores, const struct command *command,
                           const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    stores->database.config = setup_config(command, arguments);
    stores->config = stores->database.config;
    if (stores->config == NULL)
        return EXIT_CONFIG;
    stores->has_postgres = stores->config->postgres.is_configured;
    if (stores->has_postgres &&
        postgres_address_create(stores->config, &stores->database.address, &error) < 0)
        return database_fail(&error);
    if (stores->has_postgres)
        database_state_look(&stores->database, &stores->state);
    return look_at_journal(stores);
}

void stores_release(struct stores *stores)
{
    database_release(&stores->database);
}

static void print_journal(const struct stores *s)
{
    char size[32];
    value_format_size((int64_t)(s->bytes & ~(uint64_t)1023), size, sizeof size);
    printf("journal: %llu files, %s", (unsigned long long)s->files, size);
    if (s->has_postgres)
        printf("; PostgreSQL has %llu of them whole", (unsigned long long)(s->files - s->waiting));
    putchar('\n');
}

void stores_print(const struct stores *stores)
{
    putchar('\n');
    if (stores->has_postgres)
        database_state_print(&stores->database, &stores->state);
    else
        puts("PostgreSQL is not configured: calls are in the journal and its index.");
    if (stores->has_postgres && stores->state.error.message[0] != '\0')
        printf("error:   %s\n", stores->state.error.message);
    print_journal(stores);
}

void stores_write(const struct stores *stores, struct json_writer *w)
{
    json_write_object(w);
    if (stores->has_postgres)
        database_state_write(&stores->database, &stores->state, w);
    else
        json_write_key_string(w, "state", HARBORAI_STR("NOT_CONFIGURED"));
    json_write_key_int64(w, "journal_files", (int64_t)stores->files);
    json_write_key_int64(w, "journal_bytes", (int64_t)stores->bytes);
    if (stores->has_postgres)
        json_write_key_int64(w, "files_waiting", (int64_t)stores->waiting);
    json_write_end(w);
}
