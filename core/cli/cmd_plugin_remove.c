/* SPDX-License-Identifier: MIT */
/* harborai plugin remove: takes a plugin's file away, once no call of the gateway that runs needs it
 * any more. Must never leave a plugin disabled whose file stays: that it is, is a mark which goes with
 * this process. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/gateway.h"
#include "cli/plugins.h"
#include "config/value.h"
#include "plugin/install.h"
#include "store/removal_mark.h"

#define LOOK_EVERY_MS 100
#define SLACK_MS 5000 /* for calls to end that the gateway breaks off */

static const struct option_spec options[] = {
    {"timeout", 0, "DURATION", "how long its calls may take to end (default: timeouts.drain)"},
    {"state-dir", 0, "DIR", "whose gateway is told, and where plugins.json is kept"},
    {"json", 0, NULL, "as JSON"},
    {NULL, 0, NULL, NULL},
};

struct removal {
    struct plugins *plugins;
    const struct plugin_file *file;
    int64_t timeout_ms;
    bool shows_progress;
    bool is_running; /* a gateway, which takes no more calls of it as long as there is the mark */
    struct removal_mark mark;
    struct gateway_answer answer;
};

static harborai_str state_dir(const struct removal *r)
{
    return r->plugins->config->state_dir;
}

/* ---- The calls that are left ---------------------------------------------------------------- */

static enum exit_code give_up(const struct removal *r, int64_t calls)
{
    command_complain("%lld call%s of '%s' did not end within %lld ms: its file stays, and it is "
                     "served again; give it more time by --timeout, or 'harborai plugin disable %s' "
                     "before", (long long)calls, calls == 1 ? "" : "s", r->file->manifest->id.data,
                     (long long)r->timeout_ms, r->file->manifest->id.data);
    return EXIT_TIME_LIMIT;
}

static void show_progress(const struct removal *r, int64_t calls)
{
    if (r->shows_progress && calls > 0)
        fprintf(stderr, "\r\033[K%lld call%s of '%s' still run%s", (long long)calls,
                calls == 1 ? "" : "s", r->file->manifest->id.data, calls == 1 ? "s" : "");
    else if (r->shows_progress)
        fprintf(stderr, "\r\033[K");
}

static enum exit_code drain(struct removal *r)
{
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * NS_PER_MS};
    int64_t until_ns = clock_after_ms(clock_monotonic_ns(&clock_system), r->timeout_ms);
    for (;;) {
        enum gateway_state state =
            gateway_ask_about(state_dir(r), "GET", r->file->manifest->id.data, "", &r->answer);
        if (state == GATEWAY_NONE) /* it has ended, and its calls with it */
            return EXIT_OK;
        if (state == GATEWAY_REFUSES)
            return EXIT_FAILED;
        int64_t calls = gateway_number(buf_slice(&r->answer.body), "leaving");
        show_progress(r, calls);
        if (calls == 0)
            return EXIT_OK;
        if (clock_monotonic_ns(&clock_system) >= until_ns)
            return give_up(r, calls);
        nanosleep(&pause, NULL);
    }
}

/* ---- Taking it away ------------------------------------------------------------------------- */

/* What was disabled stays so as long as another file of the plugin is there. */
static bool has_twin(const struct removal *r)
{
    for (size_t i = 0; i < r->plugins->catalog->file_count; i++) {
        const struct plugin_file *other = &r->plugins->catalog->files[i];
        if (r->file->manifest != NULL && other != r->file && other->manifest != NULL &&
            slice_equal(other->manifest->id, r->file->manifest->id))
            return true;
    }
    return false;
}

static void forget(const struct removal *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const struct plugin_state_change change = {PLUGIN_STATE_PLUGIN, r->file->manifest->id, true, ""};
    bool changed;
    if (plugin_state_apply(state_dir(r), &change, &clock_system, &changed, &error) < 0)
        command_complain("%s", error.message);
}

static enum exit_code rescan(struct removal *r)
{
    return r->is_running &&
                   gateway_ask(state_dir(r), "POST", "/rescan", &r->answer) == GATEWAY_REFUSES
               ? EXIT_FAILED
               : EXIT_OK;
}

/* Told while the mark is there the gateway knows who took it away, and tells its callers. */
static enum exit_code take_away(struct removal *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (install_remove(r->file, &error) < 0) {
        command_complain("%s", error.message);
        return EXIT_FAILED;
    }
    if (r->file->manifest != NULL && !has_twin(r))
        forget(r);
    return rescan(r);
}

static enum exit_code drain_marked(struct removal *r)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    const char *id = r->file->manifest->id.data;
    if (removal_mark_set(&r->mark, state_dir(r), slice_of(id), &error) < 0)
        return command_fail(&error);
    switch (gateway_ask_about(state_dir(r), "POST", id, "/remove", &r->answer)) {
    case GATEWAY_ANSWERS:
        r->is_running = true;
        return gateway_warns(&r->answer) ? EXIT_FAILED : drain(r);
    case GATEWAY_REFUSES: return gateway_exit_of(&r->answer);
    case GATEWAY_NONE:
    default: return EXIT_OK;
    }
}

/* A file that nobody knows the plugin of serves nobody, and without a gateway nobody is served. */
static enum exit_code stop_calls(struct removal *r)
{
    if (r->file->manifest == NULL)
        return EXIT_OK;
    switch (gateway_ask_about(state_dir(r), "GET", r->file->manifest->id.data, "", &r->answer)) {
    case GATEWAY_ANSWERS: return drain_marked(r);
    case GATEWAY_REFUSES: return gateway_exit_of(&r->answer);
    case GATEWAY_NONE:
    default: return EXIT_OK;
    }
}

/* Without the mark the gateway serves what is there: the file that stays, or another one of the plugin. */
static enum exit_code end(struct removal *r, enum exit_code code)
{
    removal_mark_release(&r->mark);
    if (code == EXIT_OK && !has_twin(r))
        return code;
    enum exit_code told = rescan(r);
    return code != EXIT_OK ? code : told;
}

static enum exit_code print(const struct removal *r, bool as_json)
{
    AUTO(buf) text = BUF_INIT(KIB(64));
    struct json_writer w = JSON_WRITER(&text);
    if (!as_json) {
        printf("'%s' is removed%s\n", r->file->path,
               r->is_running && !has_twin(r) ? ", and its models are served no more" : "");
        return command_finish();
    }
    json_write_object(&w);
    plugins_write_file(&w, r->file->manifest, r->file->path);
    json_write_end(&w);
    json_write_end(&w);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    return command_finish();
}

static enum exit_code remove_file(struct removal *r, bool as_json)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (install_check_remove(r->file, &error) < 0) {
        command_complain("%s", error.message);
        return EXIT_FAILED;
    }
    enum exit_code code = stop_calls(r);
    if (code == EXIT_OK)
        code = take_away(r);
    code = end(r, code);
    return code == EXIT_OK ? print(r, as_json) : code;
}

/* ---- The command ---------------------------------------------------------------------------- */

static bool read_timeout(struct removal *r, const struct arguments *arguments)
{
    const char *timeout = command_argument(&command_plugin_remove, arguments, "timeout");
    r->timeout_ms = r->plugins->config->drain_ms + SLACK_MS;
    if (timeout == NULL || value_parse_duration_ms(slice_of(timeout), &r->timeout_ms))
        return true;
    command_complain("--timeout: '%s' is no duration such as 30s or 2m", timeout);
    return false;
}

static enum exit_code run(const struct arguments *arguments)
{
    AUTO(plugins) plugins = {.config = NULL};
    struct subject subject;
    if (arguments->rest_count != 1) {
        command_complain("'plugin remove' takes one name of a plugin");
        return EXIT_USAGE;
    }
    enum exit_code code = plugins_open_at(&plugins, &command_plugin_remove, arguments, &subject);
    if (code != EXIT_OK)
        return code;
    if (subject.kind != PLUGIN_STATE_PLUGIN || subject.file == NULL) {
        command_complain("'%s' is a %s, and no plugin that is found: 'harborai plugin list' shows those",
                         arguments->rest[0], subject_kind_name(subject.kind));
        return EXIT_USAGE;
    }
    struct removal removal = {.plugins = &plugins,
                              .file = subject.file,
                              .shows_progress = isatty(STDERR_FILENO) && !command_is_quiet(arguments),
                              .mark = REMOVAL_MARK_INIT,
                              .answer = GATEWAY_ANSWER_INIT};
    code = read_timeout(&removal, arguments)
               ? remove_file(&removal,
                             command_argument(&command_plugin_remove, arguments, "json") != NULL)
               : EXIT_USAGE;
    gateway_answer_release(&removal.answer);
    return code;
}

const struct command command_plugin_remove = {
    .name = "plugin remove",
    .summary = "Take an installed plugin's file away, when its calls have ended",
    .rest = "PLUGIN",
    .options = options,
    .run = run,
};
