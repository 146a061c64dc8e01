/* SPDX-License-Identifier: MIT */
/* harborai db verify: proves that every call is in the journal and in each store. Changes nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/setup.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/verify_tokens.h"
#include "store/verify_index.h"
#include "store/verify_postgres.h"
#include "wire/json_write.h"

#define USUAL_FAULTS 10
#define MOST_FAULTS 100000
#define PROGRESS_AFTER_NS NS_PER_S
#define DAY_NS (24 * 3600 * NS_PER_S)

static const struct option_spec options[] = {
    {"most", 0, "N", "name up to N disagreements of each segment and store (default 10)"},
    {"tokens", 0, NULL, "look for tokens in PostgreSQL that do not fit together, and for nothing else"},
    {"repair", 0, NULL, "with --tokens: mend them, and the sums"},
    {"dry-run", 0, NULL, "with --repair: change nothing"},
    {"json", 0, NULL, "as JSON"},
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

struct verifying {
    struct verify_options options;
    struct verify_result result;
    bool as_json, shows_progress, has_shown;
    int64_t since_ns;
    struct table table;
    struct buf segments, faults; /* elements of JSON arrays; or lines */
    struct json_writer segments_json, faults_json;
};

/* --- Segments ---------------------------------------------------------------------------------- */

static const char *state_name(enum verify_state state)
{
    static const char *const names[] = {
        [VERIFY_LIVE] = "live",
        [VERIFY_SEALED] = "sealed",
        [VERIFY_UNFINISHED] = "unfinished",
        [VERIFY_GONE] = "gone"};
    return names[state];
}

static void number_cell(struct table *table, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    table_cell(table, slice_of(text));
}

static void head_cells(struct verifying *v)
{
    size_t stores = v->options.store_count;
    table_init(&v->table, 6 + 2 * stores);
    for (size_t i = 2; i < 4 + 2 * stores; i++)
        v->table.to_the_right[i] = true;
    table_cell(&v->table, HARBORAI_STR("SEGMENT"));
    table_cell(&v->table, HARBORAI_STR("STATE"));
    table_cell(&v->table, HARBORAI_STR("CALLS"));
    table_cell(&v->table, HARBORAI_STR("OPEN"));
    for (size_t i = 0; i < stores; i++) {
        bool is_index = strcmp(v->options.stores[i]->functions->name, "sqlite") == 0;
        table_cell(&v->table, is_index ? HARBORAI_STR("SQLITE") : HARBORAI_STR("POSTGRES"));
        table_cell(&v->table, HARBORAI_STR("WAITING"));
    }
    table_cell(&v->table, HARBORAI_STR("CHECKSUM"));
    table_cell(&v->table, HARBORAI_STR("RESULT"));
}

static void add_cells(struct verifying *v, const struct verify_segment *s)
{
    char sum[24];
    snprintf(sum, sizeof sum, "%016" PRIx64, s->sum);
    table_cell(&v->table, slice_of(s->name));
    table_cell(&v->table, slice_of(state_name(s->state)));
    number_cell(&v->table, s->ended);
    number_cell(&v->table, s->open);
    for (size_t i = 0; i < v->options.store_count; i++) {
        number_cell(&v->table, s->stores[i].drained);
        number_cell(&v->table, s->stores[i].backlog);
    }
    table_cell(&v->table, slice_of(sum));
    table_cell(&v->table, verify_segment_agrees(s) ? HARBORAI_STR("agrees")
                                                   : HARBORAI_STR("DISAGREES"));
}

static void write_count(struct json_writer *w, const struct verify_count *count)
{
    json_write_object(w);
    json_write_key_int64(w, "drained", (int64_t)count->drained);
    json_write_key_int64(w, "backlog", (int64_t)count->backlog);
    json_write_key_int64(w, "set_aside", (int64_t)count->aside);
    json_write_key_int64(w, "dropped", (int64_t)count->dropped);
    json_write_key_int64(w, "missing", (int64_t)count->missing);
    json_write_key_int64(w, "different", (int64_t)count->different);
    json_write_key_int64(w, "extra", (int64_t)count->extra);
    json_write_end(w);
}

/* The members of an open object. */
static void write_counts(struct json_writer *w, const struct verifying *v,
                         const struct verify_segment *s)
{
    char sum[24];
    snprintf(sum, sizeof sum, "%016" PRIx64, s->sum);
    json_write_key_int64(w, "lines", (int64_t)s->lines);
    json_write_key_int64(w, "begun", (int64_t)s->begun);
    json_write_key_int64(w, "ended", (int64_t)s->ended);
    json_write_key_int64(w, "interrupted", (int64_t)s->interrupted);
    json_write_key_int64(w, "open", (int64_t)s->open);
    json_write_key_int64(w, "amended", (int64_t)s->amended);
    json_write_key_string(w, "checksum", slice_of(sum));
    json_write_key_int64(w, "faults", (int64_t)s->faults);
    json_write_key(w, HARBORAI_STR("stores"));
    json_write_object(w);
    for (size_t i = 0; i < v->options.store_count; i++) {
        json_write_key(w, slice_of(v->options.stores[i]->functions->name));
        write_count(w, &s->stores[i]);
    }
    json_write_end(w);
}

static void on_segment(void *context, const struct verify_segment *s)
{
    struct verifying *v = context;
    if (!v->as_json) {
        add_cells(v, s);
        return;
    }
    struct json_writer *w = &v->segments_json;
    json_write_object(w);
    json_write_key_string(w, "segment", slice_of(s->name));
    json_write_key_string(w, "state", slice_of(state_name(s->state)));
    json_write_key(w, HARBORAI_STR("agrees"));
    json_write_bool(w, verify_segment_agrees(s));
    write_counts(w, v, s);
    json_write_end(w);
}

/* --- Disagreements ------------------------------------------------------------------------------- */

static void on_fault(void *context, const struct verify_fault *fault)
{
    struct verifying *v = context;
    if (!v->as_json) {
        buf_printf(&v->faults, "%s", fault->store);
        if (fault->segment[0] != '\0')
            buf_printf(&v->faults, ", %s at byte %" PRIu64, fault->segment, fault->at);
        if (fault->key.len > 0)
            buf_printf(&v->faults, ", call %.*s", SLICE_ARG(fault->key));
        buf_printf(&v->faults, ": %.*s\n", SLICE_ARG(fault->what));
        return;
    }
    struct json_writer *w = &v->faults_json;
    json_write_object(w);
    json_write_key_string(w, "store", slice_of(fault->store));
    json_write_key_string(w, "segment", slice_of(fault->segment));
    json_write_key_int64(w, "at", (int64_t)fault->at);
    if (fault->key.len > 0)
        json_write_key_string(w, "key", fault->key);
    json_write_key_string(w, "what", fault->what);
    json_write_end(w);
}

static void on_progress(void *context, uint64_t done, uint64_t all)
{
    struct verifying *v = context;
    if (!v->shows_progress || all == 0 ||
        clock_monotonic_ns(&clock_system) - v->since_ns < PROGRESS_AFTER_NS)
        return;
    fprintf(stderr, "\r%3u %% of %" PRIu64 " MiB verified", (unsigned)(done * 100 / all), all >> 20);
    v->has_shown = true;
}

/* --- What is printed ----------------------------------------------------------------------------- */

static bool is_unlike(const struct verify_count *c)
{
    return c->missing + c->different + c->extra > 0;
}

static bool agrees(const struct verifying *v)
{
    return verify_segment_agrees(&v->result.all) && v->result.twice == 0;
}

static void print_store(const struct verifying *v, size_t place)
{
    const struct verify_count *c = &v->result.all.stores[place];
    const char *name = v->options.stores[place]->functions->name;
    if (!v->result.has_store[place]) {
        printf("%-9s could not be looked at\n", name);
        return;
    }
    printf("%-9s %" PRIu64 " there + %" PRIu64 " waiting", name, c->drained, c->backlog);
    if (c->aside > 0)
        printf(" + %" PRIu64 " set aside in refused/%s.jsonl", c->aside, name);
    if (c->dropped > 0)
        printf(" + %" PRIu64 " older than it keeps them", c->dropped);
    if (is_unlike(c))
        printf("; %" PRIu64 " missing, %" PRIu64 " different, %" PRIu64 " not in the journal",
               c->missing, c->different, c->extra);
    printf("\n");
}

static void print_ways_out(const struct verifying *v)
{
    if (v->result.gone > 0)
        printf("Put files that are gone back from a backup: nothing else has all of their lines. The "
               "index keeps its calls of them until 'harborai db reindex', PostgreSQL for its time. They "
               "are told no more once that is done, and their positions are deleted from "
               "harborai_positions; so too if they are no loss, because journal.retention_days was "
               "shorter when they went.\n");
    if (v->result.copies > 0)
        printf("Take copies out of the journal, then 'harborai db reindex'.\n");
    if (v->result.all.faults > v->result.gone + v->result.copies)
        printf("What the journal lacks nobody can make again; what a store has of it stays there. "
               "Look at the disk.\n");
    for (size_t i = 0; i < v->options.store_count; i++) {
        if (!is_unlike(&v->result.all.stores[i]))
            continue;
        if (strcmp(v->options.stores[i]->functions->name, "sqlite") == 0)
            printf("'harborai db reindex' builds the index anew from the journal.\n");
        else
            printf("Rows that PostgreSQL lacks are copied again once the position of their file is "
                   "deleted from harborai_positions.\n");
    }
}

static void print_text(struct verifying *v, const struct arguments *arguments)
{
    const struct verify_segment *all = &v->result.all;
    AUTO(buf) clean = BUF_INIT(MIB(64));
    if (v->result.segments > 0)
        table_print(&v->table, terminal_width(STDOUT_FILENO), command_has_color(arguments, 1));
    terminal_add_text(&clean, buf_slice(&v->faults)); /* values of rows are in it */
    printf("%.*s", SLICE_ARG(buf_slice(&clean)));
    printf("journal   %" PRIu64 " calls ended, %" PRIu64 " of them cut off; %" PRIu64 " under way\n",
           all->ended, all->interrupted, all->open);
    for (size_t i = 0; i < v->options.store_count; i++)
        print_store(v, i);
    print_ways_out(v);
    if (!agrees(v))
        printf("They DISAGREE.\n");
    else if (!v->result.is_unread)
        printf("Every call that was answered is in the journal once, and in each store or waits for "
               "it.\n");
}

static void print_json(struct verifying *v)
{
    AUTO(buf) out = BUF_INIT(MIB(64));
    struct json_writer w = JSON_WRITER(&out);
    json_write_end(&v->segments_json);
    json_write_end(&v->faults_json);
    json_write_object(&w);
    json_write_key_int64(&w, "version", 1);
    json_write_key(&w, HARBORAI_STR("agrees"));
    json_write_bool(&w, agrees(v));
    json_write_key(&w, HARBORAI_STR("all"));
    json_write_object(&w);
    json_write_key_int64(&w, "segments", (int64_t)v->result.segments);
    write_counts(&w, v, &v->result.all);
    json_write_end(&w);
    json_write_key(&w, HARBORAI_STR("segments"));
    json_write_raw(&w, buf_slice(&v->segments));
    json_write_key_int64(&w, "twice", (int64_t)v->result.twice);
    json_write_key(&w, HARBORAI_STR("disagreements"));
    json_write_raw(&w, buf_slice(&v->faults));
    if (v->result.is_unread)
        json_write_key_string(&w, "not_looked_at", slice_of(v->result.error.message));
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&out)));
}

static enum exit_code print(struct verifying *v, const struct arguments *arguments)
{
    if (v->has_shown)
        fprintf(stderr, "\r%*s\r", 40, "");
    if (v->as_json)
        print_json(v);
    else
        print_text(v, arguments);
    enum exit_code code = command_finish();
    if (v->result.is_unread)
        command_complain("not all could be looked at: %s", v->result.error.message);
    if (code != EXIT_OK)
        return code;
    if (!agrees(v))
        return EXIT_FAILED;
    return v->result.is_unread ? EXIT_PARTLY : EXIT_OK;
}

/* --- Running it ------------------------------------------------------------------------------------ */

static enum exit_code verify(struct verifying *v, const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    v->segments_json = (struct json_writer)JSON_WRITER(&v->segments);
    v->faults_json = (struct json_writer)JSON_WRITER(&v->faults);
    if (v->as_json) {
        json_write_array(&v->segments_json);
        json_write_array(&v->faults_json);
    }
    head_cells(v);
    v->since_ns = clock_monotonic_ns(&clock_system);
    v->options.on_segment = on_segment;
    v->options.on_fault = on_fault;
    v->options.on_progress = on_progress;
    v->options.context = v;
    if (verify_run(&v->options, &v->result, &error) < 0)
        return command_fail(&error);
    return print(v, arguments);
}

static bool add_stores(struct verifying *v, const struct config *config, harborai_error *error)
{
    struct verify_store **next = &v->options.stores[v->options.store_count];
    if (config->has_index) {
        if (verify_index_create(config->state_dir, call_index_age_ns(config), next, error) < 0)
            return false;
        v->options.store_count++;
        next++;
    }
    if (config->postgres.is_configured) {
        if (verify_postgres_create(config, next, error) < 0)
            return false;
        v->options.store_count++;
    }
    return true;
}

static bool has(const struct arguments *arguments, const char *option)
{
    return command_argument(&command_db_verify, arguments, option) != NULL;
}

static bool read_options(struct verifying *v, const struct arguments *arguments)
{
    const char *most = command_argument(&command_db_verify, arguments, "most");
    uint64_t number = USUAL_FAULTS;
    if (most != NULL && (!slice_to_u64(slice_of(most), &number) || number > MOST_FAULTS)) {
        command_complain("--most: '%s' is no number up to %d", most, MOST_FAULTS);
        return false;
    }
    if ((has(arguments, "repair") && !has(arguments, "tokens")) ||
        (has(arguments, "dry-run") && !has(arguments, "repair"))) {
        command_complain("--repair goes with --tokens, and --dry-run with --repair");
        return false;
    }
    v->options.most_faults = (size_t)number;
    v->as_json = has(arguments, "json");
    v->shows_progress = isatty(STDERR_FILENO) && !command_is_quiet(arguments);
    return true;
}

static enum exit_code run(const struct arguments *arguments)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct verifying v = {.segments = BUF_INIT(MIB(16)), .faults = BUF_INIT(MIB(16))};
    if (!read_options(&v, arguments))
        return EXIT_USAGE;
    if (has(arguments, "tokens"))
        return verify_tokens(&command_db_verify, arguments, v.options.most_faults);
    struct config *config = setup_config(&command_db_verify, arguments);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = EXIT_CONFIG;
    v.options.state_dir = config->state_dir;
    v.options.age_ns = config->journal_retention_days * DAY_NS;
    if (config->state_dir.len == 0)
        command_complain("there is no state directory: set --state-dir, HARBORAI_STATE_DIR or HOME");
    else if (!add_stores(&v, config, &error))
        code = command_fail(&error);
    else
        code = verify(&v, arguments);
    for (size_t i = 0; i < v.options.store_count; i++)
        v.options.stores[i]->functions->destroy(v.options.stores[i]);
    table_release(&v.table);
    buf_release(&v.segments);
    buf_release(&v.faults);
    config_destroy(config);
    return code;
}

const struct command command_db_verify = {
    .name = "db verify",
    .summary = "Prove that every call is in the journal, the index and PostgreSQL",
    .more = "Reads all of them and changes nothing. Exits with 0 if they agree, with 1 if they do not, and\n"
            "with 7 if something could not be looked at.",
    .options = options,
    .run = run,
};
