/* SPDX-License-Identifier: MIT */
/* A disk that is full: a limit on the size of files makes writes short, then fail, and is lifted
 * again. What has no line on record is seen by nobody, and nothing is lost. */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../unit.h"
#include "stage.h"
#include "vendor.h"

extern const CU_TestInfo disk_tests[];

enum { BURST = 3000 }; /* calls whose lines are more than LIMIT_JOURNAL_PENDING */

static struct stage stage;
static struct vendor vendor;

/* The size of the one segment. */
static rlim_t journal_size(void)
{
    char path[1024];
    struct stat status = {0};
    snprintf(path, sizeof path, "%s", stage_path(&stage, "state/journal"));
    DIR *directory = opendir(path);
    CU_ASSERT_FATAL(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char file[1280];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            CU_ASSERT_FATAL(stat(file, &status) == 0);
    }
    closedir(directory);
    return (rlim_t)status.st_size;
}

static void limit_files(rlim_t most)
{
    struct rlimit limit = {most, RLIM_INFINITY};
    CU_ASSERT_FATAL(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void call_well(void)
{
    struct asked a;
    asked_init(&a, &stage, "echo/echo", false);
    a.reads_journal = true;
    CU_ASSERT(asked_wait(&a) && a.error.code == HARBORAI_OK && a.had_end_line);
    asked_release(&a);
}

/* Room for some bytes of the next line; the log is shorter than the journal and goes on. */
static void fill_disk(void)
{
    for (int i = 0; i < 3; i++)
        call_well();
    limit_files(journal_size() + 100);
}

static void open_all(void (*serve)(struct vendor_side *side))
{
    signal(SIGXFSZ, SIG_IGN);
    vendor = (struct vendor){.serve = serve};
    vendor_start(&vendor);
    stage_open(&stage);
    stage_run(&stage, 1,
              "providers:\n"
              "  lab: { plugin: openai, base_url: \"http://127.0.0.1:%d\", api_key: none, "
              "models: [\"m*\"] }\n"
              "  echo: {}\n",
              vendor.port);
}

static void close_all(void)
{
    stage_stop(&stage);
    limit_files(RLIM_INFINITY);
    CU_ASSERT(stage_logged(&stage, "plugin_holds_on") == 0);
    vendor_stop(&vendor);
    stage_close(&stage);
}

/* --- What waits, and what does not ------------------------------------------------------------ */

static void serve_by_steps(struct vendor_side *side)
{
    for (const char *request; (request = vendor_request(side)) != NULL;) {
        if (strstr(request, "by steps") == NULL) {
            vendor_answer(side, request);
            continue;
        }
        vendor_stream(side);
        vendor_text(side, "first");
        vendor_wait_step(side, 1);
        vendor_text(side, "second");
        vendor_finish(side, "stop");
        vendor_done(side);
    }
}

static const struct {
    const char *name, *model;
    bool stream;
    harborai_status want;
} waiting[] = {
    {"whole", "lab/m", false, HARBORAI_OK},
    {"stream", "lab/m", true, HARBORAI_OK},
    {"whole, own engine", "echo/echo", false, HARBORAI_OK},
    {"stream, own engine", "echo/echo", true, HARBORAI_OK},
    {"an error", "nobody/m", false, HARBORAI_E_NOT_FOUND},
};

static void start(struct asked *a, const char *model, bool stream)
{
    asked_init(a, &stage, model, stream);
    a->reads_journal = true;
    asked_start(a);
}

static void test_waits(void)
{
    struct asked running, all[ARRAY_LEN(waiting)];
    open_all(serve_by_steps);
    asked_init(&running, &stage, "lab/m", true);
    asked_body(&running, "{\"model\":\"lab/m\",\"stream\":true,\"messages\":[{\"role\":\"user\","
                         "\"content\":\"by steps\"}]}");
    running.reads_journal = true;
    asked_start(&running);
    CU_ASSERT_FATAL(stage_wait(&stage, &running.chunks, 1));
    fill_disk();
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
        start(&all[i], waiting[i].model, waiting[i].stream);
    stage_turn(&stage, 20);
    CU_ASSERT(atomic_load(&vendor.requests) == 1); /* the others have no begin line */
    vendor_set_step(&vendor, 1);
    CU_ASSERT(stage_wait(&stage, &running.chunks, 2) && asked_has(&running, "second"));
    stage_turn(&stage, 20);
    CU_ASSERT(atomic_load(&running.ends) == 0 && !asked_has(&running, "\"stop\""));
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
        ROW(waiting[i].name, atomic_load(&all[i].ends) == 0 && !asked_has(&all[i], "\"stop\""));
    limit_files(RLIM_INFINITY);
    for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
        ROW(waiting[i].name, stage_wait(&stage, &all[i].ends, 1) && all[i].had_end_line);
        ROW(waiting[i].name, all[i].error.code == waiting[i].want);
        asked_release(&all[i]);
    }
    CU_ASSERT(stage_wait(&stage, &running.ends, 1) && running.had_end_line);
    CU_ASSERT(running.error.code == HARBORAI_OK && asked_has(&running, "\"stop\""));
    asked_release(&running);
    CU_ASSERT(stage_logged(&stage, " error journal.write_failed ") == 1);
    CU_ASSERT(stage_logged(&stage, " warn journal.recovered ") == 1);
    close_all();
}

/* --- More than the journal has room for ------------------------------------------------------ */

static void test_burst(void)
{
    struct asked *all = calloc(BURST, sizeof *all), refused;
    CU_ASSERT_FATAL(all != NULL);
    open_all(NULL);
    fill_disk();
    unsigned before = stage_recorded(&stage, "\"type\":\"end\"");
    for (int i = 0; i < BURST; i++) {
        asked_init(&all[i], &stage, "echo/echo", i & 1);
        asked_start(&all[i]);
    }
    stage_turn(&stage, 20);
    for (int i = 0; i < BURST; i++)
        CU_ASSERT(atomic_load(&all[i].ends) == 0);
    asked_init(&refused, &stage, "echo/echo", false);
    CU_ASSERT(asked_wait(&refused) && refused.error.code == HARBORAI_E_OVERLOADED);
    CU_ASSERT(refused.error.retry_after_ms == 1000 && refused.http_status == 503);
    CU_ASSERT(metrics_sum(runtime_metrics(stage.runtime), METRIC_JOURNAL_REFUSALS) == 1);
    limit_files(RLIM_INFINITY);
    for (int i = 0; i < BURST; i++) {
        CU_ASSERT(stage_wait(&stage, &all[i].ends, 1) && all[i].error.code == HARBORAI_OK);
        asked_release(&all[i]);
    }
    call_well();
    CU_ASSERT(stage_recorded(&stage, "\"type\":\"begin\"") == before + BURST + 1);
    CU_ASSERT(stage_recorded(&stage, "\"type\":\"end\"") == before + BURST + 1);
    CU_ASSERT(!stage_has_line(&stage, "\"type\":\"end\"", refused.key));
    CU_ASSERT(stage_logged(&stage, "journal.line") == 0);
    asked_release(&refused);
    close_all();
    free(all);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* Nobody waits for a disk that stays full, and nobody hears that all went well. */
static void test_stop(void)
{
    struct asked all[3];
    open_all(NULL);
    fill_disk();
    start(&all[0], "echo/echo", false);
    start(&all[1], "echo/echo", true);
    start(&all[2], "lab/m", false); /* its request never goes out */
    stage_turn(&stage, 20);
    stage_stop(&stage);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        CU_ASSERT(atomic_load(&all[i].ends) == 1 && all[i].error.code < 0);
        CU_ASSERT(!asked_has(&all[i], "\"stop\"") && all[i].answer.len == 0);
        asked_release(&all[i]);
    }
    CU_ASSERT(atomic_load(&vendor.requests) == 0);
    CU_ASSERT(stage_logged(&stage, "journal.lines_lost lines=6") == 1);
    close_all();
}

const CU_TestInfo disk_tests[] = {{"who waits", test_waits},
                                  {"more than there is room for", test_burst},
                                  {"the end", test_stop},
                                  CU_TEST_INFO_NULL};
