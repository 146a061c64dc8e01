/* SPDX-License-Identifier: MIT */
/* harborai export: all calls that the filters choose, as a file that other programs read. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/call_index.h"
#include "cli/log_source.h"
#include "cli/export.h"
#include "cli/progress.h"
#include "cli/setup.h"
#include "config/value.h"

static const struct option_spec options[] = {
    {"format", 'f', "json|jsonl|csv|xlsx", "which; what the file's name ends with, else csv"},
    {"output", 'o', "FILE", "the same as FILE: the file; stdout without one, or as '-'"},
    {"force", 0, NULL, "put the file in the place of one that is there"},
    {"bom", 0, NULL, "of csv: begin with the mark by which Excel knows UTF-8"},
    {"json", 0, NULL, "the same as --format json"},
    {"number", 'n', "N", "the newest N only"},
    LOG_SOURCE_OPTION,
    CALL_QUERY_OPTIONS,
    {"state-dir", 0, "DIR", "where the journal is kept"},
    {NULL, 0, NULL, NULL},
};

struct exporting {
    struct export export;
    struct progress progress;
    harborai_status st;
    harborai_error *error;
};

static const char *value_of(const struct arguments *arguments, const char *name)
{
    return command_argument(&command_export, arguments, name);
}

/* NULL: stdout. */
static const char *path_of(const struct arguments *arguments)
{
    return arguments->rest_count > 0 ? arguments->rest[0] : value_of(arguments, "output");
}

static bool read_path(const struct arguments *arguments)
{
    const char *named = value_of(arguments, "output");
    if (arguments->rest_count > 1)
        command_complain("export writes one FILE: '%s' is one too many", arguments->rest[1]);
    else if (arguments->rest_count == 1 && named != NULL)
        command_complain("export writes one FILE: '%s' is one, and --output '%s' another",
                         arguments->rest[0], named);
    else
        return true;
    return false;
}

#define FORMATS "json, jsonl, csv and xlsx"

/* What is asked for, else what the file's name says, else csv. NULL: it was complained of. */
static const struct export_format *choose_format(const struct arguments *arguments)
{
    const char *name = value_of(arguments, "format"), *path = path_of(arguments);
    harborai_str ending = export_file_ending(path);
    if (name == NULL && value_of(arguments, "json") != NULL)
        name = "json";
    if (name == NULL && ending.len == 0)
        return &export_csv;
    const struct export_format *by_ending = export_format_find(ending);
    const struct export_format *format = name != NULL ? export_format_find(slice_of(name)) : by_ending;
    if (format == NULL && name != NULL)
        command_complain("--format: '%s' is none of " FORMATS, name);
    else if (format == NULL)
        command_complain("'%s' ends with none of " FORMATS ": say with --format which it is to be", path);
    else if (by_ending != NULL && by_ending != format)
        command_complain("'%s' will be %s, whatever its name ends with", path, format->name);
    return format;
}

static bool read_format(const struct arguments *arguments, const struct export_format **ret_format)
{
    const char *path = path_of(arguments);
    *ret_format = choose_format(arguments);
    if (*ret_format == NULL)
        return false;
    if ((*ret_format)->is_binary && (path == NULL || strcmp(path, "-") == 0) &&
             isatty(STDOUT_FILENO))
        command_complain("a terminal cannot show %s: name a FILE", (*ret_format)->name);
    else if (value_of(arguments, "bom") != NULL && *ret_format != &export_csv)
        command_complain("--bom is of --format csv");
    else
        return true;
    return false;
}

static bool read_number(const struct arguments *arguments, uint64_t *ret_number)
{
    const char *text = value_of(arguments, "number");
    if (text == NULL || (slice_to_u64(slice_of(text), ret_number) && *ret_number > 0))
        return true;
    command_complain("-n: '%s' is not a number from 1 on", text);
    return false;
}

static bool add_call(void *context, const struct call *call)
{
    struct exporting *x = context;
    x->st = export_add(&x->export, call, x->error);
    progress_step(&x->progress);
    return x->st == HARBORAI_OK;
}

static harborai_status write_calls(struct exporting *x, struct log_source *source,
                                   const struct log_query *query)
{
    x->st = log_source_find(source, query, add_call, x, x->error) < 0 && x->st == HARBORAI_OK
                ? x->error->code
                : x->st;
    if (x->st == HARBORAI_OK)
        x->st = export_end(&x->export, x->error);
    if (x->st == HARBORAI_OK)
        x->st = output_file_commit(x->export.file, x->error);
    return x->st;
}

static void tell(const struct exporting *x, const struct output_file *file, int64_t begin_ns)
{
    char size[32];
    int64_t ms = (clock_monotonic_ns(&clock_system) - begin_ns) / NS_PER_MS;
    if (file->path == NULL)
        return;
    value_format_size((int64_t)(file->size & ~(uint64_t)1023), size, sizeof size);
    fprintf(stderr, "%llu calls in '%s', %s, in %lld.%lld s\n",
            (unsigned long long)x->export.count, file->path, size, (long long)(ms / 1000),
            (long long)(ms % 1000 / 100));
}

/* A reader that left is told by nobody, as of any command. */
static enum exit_code fail(const harborai_error *error)
{
    if (error->code == HARBORAI_E_CANCELLED)
        return EXIT_FAILED;
    (void)command_fail(error);
    return error->code == HARBORAI_E_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

static enum exit_code export_calls(const struct arguments *arguments, struct log_source *source,
                                   const struct log_query *query,
                                   const struct export_format *format)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    struct exporting x = {.error = &error};
    struct output_file file = OUTPUT_FILE_INIT;
    int64_t begin_ns = clock_monotonic_ns(&clock_system);
    const char *path = path_of(arguments);
    bool is_quiet = command_is_quiet(arguments);
    harborai_status st = output_file_open(&file, path, value_of(arguments, "force") != NULL,
                                          format->is_binary, &error);
    x.export.has_mark = value_of(arguments, "bom") != NULL;
    if (st == HARBORAI_OK)
        st = export_begin(&x.export, format, &file, &error);
    progress_begin(&x.progress, "calls",
                   !is_quiet && (file.fd != STDOUT_FILENO || !isatty(STDOUT_FILENO)));
    if (st == HARBORAI_OK && x.progress.is_on && log_source_count(source, query, &x.progress.total) &&
        query->limit > 0 && query->limit < x.progress.total)
        x.progress.total = query->limit;
    if (st == HARBORAI_OK)
        st = write_calls(&x, source, query);
    progress_end(&x.progress);
    if (st == HARBORAI_OK && !is_quiet)
        tell(&x, &file, begin_ns);
    export_release(&x.export);
    output_file_close(&file);
    return st < 0 ? fail(&error) : EXIT_OK;
}

static enum exit_code run(const struct arguments *arguments)
{
    struct log_query query;
    const struct export_format *format;
    enum log_source_kind kind;
    struct log_source source = {.config = NULL};
    if (!call_query_read(&command_export, arguments, &query) ||
        !read_path(arguments) || !read_format(arguments, &format) || !read_number(arguments, &query.limit) ||
        !log_source_read(&command_export, arguments, &kind))
        return EXIT_USAGE;
    struct config *config = log_source_config(&command_export, arguments, kind);
    if (config == NULL)
        return EXIT_CONFIG;
    enum exit_code code = log_source_open(&source, config, kind);
    if (code == EXIT_OK)
        code = export_calls(arguments, &source, &query, format);
    log_source_close(&source);
    config_destroy(config);
    return code;
}

const struct command command_export = {
    .name = "export",
    .summary = "Write calls to a file as JSON, JSONL, CSV or for Excel",
    .rest = "[FILE]",
    .more = "All calls that have ended and that the filters choose, the newest first. What the columns\n"
            "are, and how exact, is told in doc/export.md.",
    .options = options,
    .run = run,
};
