/* SPDX-License-Identifier: MIT */
/* The two who are told of every call today: the journal and the metrics of a loop. Of a disk that
 * fails the log is told at most once a minute, and once when it works again. */
#include "base/clock.h"
#include "base/error.h"
#include "record/line.h"
#include "runtime/state.h"

#define SAY_AGAIN_NS (60 * NS_PER_S)

/* --- The journal ------------------------------------------------------------------------------ */

static struct journal_subscriber *journal_of(struct record_subscriber *self)
{
    return CONTAINER_OF(self, struct journal_subscriber, subscriber);
}

static void lose_line(struct journal_subscriber *j, const struct record *record,
                      enum journal_kind kind, const char *why)
{
    journal_skip(&j->journal, kind, slice_of(record->key));
    metrics_add(j->metrics, METRIC_JOURNAL_LOST, 1);
    if (j->lost++ == j->lost_before)
        log_write(j->log, LOG_LEVEL_ERROR, "journal.line_lost", "error='%s'", why);
}

static void add_line(struct record_subscriber *self, const struct record *record,
                     enum journal_kind kind, void (*write)(struct buf *out, const struct record *record))
{
    struct journal_subscriber *j = journal_of(self);
    harborai_error error = HARBORAI_ERROR_INIT;
    buf_clear(&j->line);
    write(&j->line, record);
    harborai_status st = buf_status(&j->line, &error);
    if (st >= 0)
        st = journal_add(&j->journal, kind, slice_of(record->key), buf_slice(&j->line), &error);
    if (st < 0)
        lose_line(j, record, kind, error.message);
}

/* Room for the longest line, both where it is made and where it waits. */
static bool journal_subscriber_has_room(struct record_subscriber *self)
{
    struct journal_subscriber *j = journal_of(self);
    buf_clear(&j->line);
    if (j->drops)
        return true;
    size_t content = j->has_content ? LIMIT_JOURNAL_CONTENT : 0;
    return buf_reserve(&j->line, LIMIT_JOURNAL_LINE) != NULL &&
           journal_has_room(&j->journal, content);
}

static void journal_attempt(struct record_subscriber *self, const struct record *record)
{
    add_line(self, record, JOURNAL_BEGIN, line_begin);
}

/* What has no room is not worth a call's end line. */
static void journal_content(struct record_subscriber *self, const struct record *record,
                            const struct buf *line)
{
    struct journal_subscriber *j = journal_of(self);
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_status st = buf_status(line, &error);
    if (st >= 0)
        st = journal_add(&j->journal, JOURNAL_CONTENT, slice_of(record->key), buf_slice(line), &error);
    if (st < 0)
        lose_line(j, record, JOURNAL_CONTENT, error.message);
}

static void journal_end(struct record_subscriber *self, const struct record *record)
{
    if (record->is_refused)
        metrics_add(journal_of(self)->metrics, METRIC_JOURNAL_REFUSALS, 1);
    else
        add_line(self, record, JOURNAL_END, line_end);
}

static void journal_amend(struct record_subscriber *self, const struct record *record)
{
    add_line(self, record, JOURNAL_AMEND, line_amend);
}

static void say_failure(struct journal_subscriber *j, const char *message)
{
    int64_t now_ns = clock_monotonic_ns(&clock_system);
    if (j->failed_ns == 0)
        j->failed_ns = now_ns;
    if (j->said_ns != 0 && now_ns - j->said_ns < SAY_AGAIN_NS)
        return;
    j->said_ns = now_ns;
    j->is_said = true;
    log_write(j->log, LOG_LEVEL_ERROR, "journal.write_failed", "error='%s'", message);
}

static void say_recovery(struct journal_subscriber *j, uint64_t lines)
{
    int64_t failed_ns = clock_monotonic_ns(&clock_system) - j->failed_ns;
    j->failed_ns = 0;
    if (j->is_said)
        log_write(j->log, LOG_LEVEL_WARN, "journal.recovered",
                  "segment='%s' lines=%zu lost=%zu after_ms=%lld", journal_path(&j->journal),
                  (size_t)lines, (size_t)(j->lost - j->lost_before),
                  (long long)(failed_ns / NS_PER_MS));
    j->lost_before = j->lost;
    j->is_said = false;
}

static void say_speed(struct journal_subscriber *j, bool was_slow)
{
    if (j->journal.is_slow == was_slow)
        return;
    if (!was_slow)
        metrics_add(j->metrics, METRIC_JOURNAL_SLOW, 1);
    log_write(j->log, LOG_LEVEL_DEBUG, was_slow ? "journal.quick" : "journal.slow", "took_ms=%lld",
              (long long)(j->journal.write.took_ns / NS_PER_MS));
}

static enum fanout_commit commit_journal(struct record_subscriber *self)
{
    struct journal_subscriber *j = journal_of(self);
    struct journal_counts before = j->journal.counts;
    harborai_error error = HARBORAI_ERROR_INIT;
    journal_subscriber_use(j, snapshot_get(j->config));
    bool was_slow = j->journal.is_slow;
    harborai_status st = journal_commit(&j->journal, &error);

    say_speed(j, was_slow);

    metrics_add(j->metrics, METRIC_JOURNAL_LINES,
                (int64_t)(j->journal.counts.lines - before.lines));
    metrics_add(j->metrics, METRIC_JOURNAL_BYTES,
                (int64_t)(j->journal.counts.bytes - before.bytes));
    metrics_add(j->metrics, METRIC_JOURNAL_SEGMENTS,
                (int64_t)(j->journal.counts.segments - before.segments));
    if (st < 0) {
        metrics_add(j->metrics, METRIC_JOURNAL_FAILURES, 1);
        say_failure(j, error.message);
    } else if (j->failed_ns != 0 && st == HARBORAI_OK) {
        say_recovery(j, j->journal.counts.lines - before.lines);
    }
    if (st == HARBORAI_OK)
        return FANOUT_ON_RECORD;
    if (st < 0)
        return j->drops ? FANOUT_LAGS : FANOUT_FAILS;
    return j->drops && !j->journal.is_durable ? FANOUT_ON_RECORD : FANOUT_WAITS;
}

static bool journal_refuses(const struct record_subscriber *self, const char **ret_why)
{
    const struct journal_subscriber *j =
        CONTAINER_OF((uintptr_t)self, struct journal_subscriber, subscriber);
    *ret_why = "the journal cannot be written, so no call is begun: is the disk of the state "
               "directory full?";
    return !j->drops && journal_is_full(&j->journal);
}

static const struct record_subscriber_functions journal_functions = {
    .on_attempt = journal_attempt,
    .on_content = journal_content,
    .on_end = journal_end,
    .on_amend = journal_amend,
    .commit = commit_journal,
    .has_room = journal_subscriber_has_room,
    .refuses = journal_refuses,
};

static void on_written(struct message *message)
{
    journal_finish(&CONTAINER_OF(message, struct journal_subscriber, written)->journal);
}

/* [syncer] */
static void say_unsynced(void *context, const char *path, int reason)
{
    const struct journal_subscriber *j = context;
    char text[128];
    log_write(j->log, LOG_LEVEL_ERROR, "journal.sync_failed", "segment='%s' error='%s'", path,
              error_of_errno(reason, text));
}

static void wake_loop(void *context)
{
    struct journal_subscriber *j = context;
    loop_post(j->loop, &j->written);
}

void journal_subscriber_init(struct journal_subscriber *j, struct loop *loop,
                             const struct snapshot *config, struct metrics_shard *metrics,
                             const struct log *log)
{
    j->loop = loop;
    j->written.run = on_written;
    j->subscriber.functions = &journal_functions;
    j->config = config;
    j->metrics = metrics;
    j->log = log;
    buf_init(&j->line, LIMIT_JOURNAL_LINE);
}

void journal_subscriber_use(struct journal_subscriber *j, const struct config *config)
{
    if (j->journal.wake == NULL) { /* once: its thread may read them */
        j->journal.context = j;
        j->journal.wake = wake_loop;
        j->journal.syncer.on_failure = say_unsynced;
        j->journal.syncer.context = j;
    }
    j->journal.segment_size = (uint64_t)config->journal_segment_size;
    j->journal.sync_ns = config->journal_sync_ms * NS_PER_MS;
    j->journal.slow_ns = config->journal_slow_write_ms * NS_PER_MS;
    j->journal.is_durable = config->journal_durability == CONFIG_DURABILITY_POWER;
    j->has_content = config->content != CONFIG_CONTENT_OFF;
    j->journal.most_pending = j->has_content ? LIMIT_JOURNAL_PENDING_CONTENT : LIMIT_JOURNAL_PENDING;
    j->drops = config->journal_on_failure == CONFIG_FAILURE_DROP;
}

uint64_t journal_subscriber_release(struct journal_subscriber *j)
{
    uint64_t lost = journal_close(&j->journal) + j->lost;
    if (lost > 0)
        log_write(j->log, LOG_LEVEL_ERROR, "journal.lines_lost", "lines=%zu", (size_t)lost);
    j->lost = 0;
    buf_release(&j->line);
    return lost;
}

/* --- The metrics ------------------------------------------------------------------------------ */

static struct metrics_shard *shard_of(struct record_subscriber *self)
{
    return CONTAINER_OF(self, struct metrics_subscriber, subscriber)->shard;
}

static void metrics_call(struct record_subscriber *self, const struct record *record UNUSED)
{
    metrics_add(shard_of(self), METRIC_CALLS_IN_FLIGHT, 1);
}

static void metrics_attempt(struct record_subscriber *self, const struct record *record UNUSED)
{
    metrics_add(shard_of(self), METRIC_ATTEMPTS, 1);
}

static void metrics_end(struct record_subscriber *self, const struct record *record)
{
    struct metrics_shard *shard = shard_of(self);
    metrics_add(shard, METRIC_CALLS_IN_FLIGHT, -1);
    metrics_add(shard, METRIC_MODEL_LOOKUPS, record->model.len > 0);
    metrics_add(shard, METRIC_MODEL_UNKNOWN, record->model.len > 0 && record->provider.len == 0);
    if (record->stream_events > 0 || record->stream_repairs > 0) {
        metrics_add_for(shard, record->provider, METRIC_STREAM_EVENTS, record->stream_events);
        metrics_add_for(shard, record->provider, METRIC_STREAM_REPAIRS, record->stream_repairs);
    }
    if (record->usage_method.len > 0)
        metrics_rate_usage(shard, record->provider, record->usage_method, record->usage_confidence);
    metrics_add(shard, METRIC_UPSTREAM_CONNECTS, record->connects);
    metrics_add(shard, METRIC_UPSTREAM_REUSES, record->reuses);
    metrics_count_call(shard, record->http_status, record->status);
    metrics_count_model(shard, record);
    metrics_time_call(shard, record->begin_ns + record->total_ns,
                      record->status < 0 && record->status != HARBORAI_E_CANCELLED,
                      record->total_ns);
    for (unsigned phase = 0; phase < RECORD_PHASES; phase++)
        if (record->phase_ns[phase] > 0)
            metrics_time_phase(shard, (enum record_phase)phase, record->phase_ns[phase]);
}

static const struct record_subscriber_functions metrics_functions = {
    .on_call = metrics_call,
    .on_attempt = metrics_attempt,
    .on_end = metrics_end,
};

void metrics_subscriber_init(struct metrics_subscriber *m, struct metrics_shard *shard)
{
    m->subscriber.functions = &metrics_functions;
    m->shard = shard;
}
