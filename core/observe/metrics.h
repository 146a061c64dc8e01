/* SPDX-License-Identifier: MIT */
/* Counters and gauges. One table names them all (doc/metrics.md describes them); each loop counts in
 * a shard of its own without a locked instruction, and reading adds the shards up. A value is one
 * load and one store of the owner's, so no reader sees a torn or a lost one. */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include <stdatomic.h>

#include "base/attr.h"
#include "base/buf.h"
#include "observe/by_model.h"
#include "observe/confidence.h"
#include "observe/durations.h"
#include "observe/recent.h"
#include "record/record.h"

/* The statuses that the gateway answers with; any other counts as "other". */
#define METRICS_STATUSES(X)                                                                        \
    X(200) X(400) X(401) X(403) X(404) X(405) X(408) X(411) X(413) X(415) X(422) X(429) X(431)     \
    X(499) X(500) X(501) X(502) X(503) X(504)

/* enum, family, type, label, its value, help. Rows of a family stand together; the first one's help
 * holds. */
#define METRICS_STATUS_ROW_(status)                                                                \
    X_(METRIC_CALLS_##status, "harborai_calls_total", COUNTER, "status", #status,                  \
       "Calls that ended, by the HTTP status that the client saw.")
#define METRICS_REQUEST_ROW_(status)                                                               \
    X_(METRIC_REQUESTS_##status, "harborai_requests_total", COUNTER, "status", #status,            \
       "Requests of HTTP that were answered, whatever they were for, by their status.")
#define METRICS_PLAIN_(code, family, type, help) X_(code, family, type, NULL, NULL, help)
#define METRICS_REPLAY_(code, result, help)                                                        \
    X_(METRIC_REPLAYS_##code, "harborai_replays_total", COUNTER, "result", result, help)
#define METRICS_REFUSED_(code, reason, help)                                                       \
    X_(METRIC_REFUSED_##code, "harborai_requests_refused_total", COUNTER, "reason", reason, help)
#define METRICS_TURNED_AWAY_(code, reason, help)                                                   \
    X_(METRIC_TURNED_AWAY_##code, "harborai_connections_refused_total", COUNTER, "reason", reason, help)
#define METRICS_HANDSHAKES_(code, result, help)                                                    \
    X_(METRIC_HANDSHAKES_##code, "harborai_tls_handshakes_total", COUNTER, "result", result, help)
#define METRICS_ROWS_                                                                              \
    METRICS_STATUSES(METRICS_STATUS_ROW_)                                                          \
    X_(METRIC_CALLS_OTHER, "harborai_calls_total", COUNTER, "status", "other", "")                 \
    METRICS_STATUSES(METRICS_REQUEST_ROW_)                                                         \
    X_(METRIC_REQUESTS_OTHER, "harborai_requests_total", COUNTER, "status", "other", "")           \
    X_(METRIC_OUTCOME_OK, "harborai_call_outcomes_total", COUNTER, "outcome", "ok",                \
       "Calls that ended, by how they ended; a stream that broke off is an error.")                \
    X_(METRIC_OUTCOME_ERROR, "harborai_call_outcomes_total", COUNTER, "outcome", "error", "")      \
    X_(METRIC_OUTCOME_CANCELLED, "harborai_call_outcomes_total", COUNTER, "outcome", "cancelled",  \
       "")                                                                                         \
    METRICS_PLAIN_(METRIC_CALLS_IN_FLIGHT, "harborai_calls_in_flight", GAUGE,                      \
                   "Calls under way.")                                                             \
    METRICS_PLAIN_(METRIC_ATTEMPTS, "harborai_attempts_total", COUNTER,                            \
                   "Attempts begun, resends on a new connection included.")                        \
    METRICS_PLAIN_(METRIC_CLIENT_CONNECTIONS, "harborai_active_connections", GAUGE,                \
                   "Open connections of clients.")                                                 \
    METRICS_PLAIN_(METRIC_CLIENT_ACCEPTS, "harborai_client_accepts_total", COUNTER,                \
                   "Connections of clients that were accepted.")                                   \
    METRICS_TURNED_AWAY_(ALL, "limit",                                                             \
                         "Connections of clients that were one too many, by why: of all, of one "  \
                         "address, or there was no memory.")                                       \
    METRICS_TURNED_AWAY_(ADDRESS, "address", "")                                                   \
    METRICS_TURNED_AWAY_(MEMORY, "memory", "")                                                     \
    METRICS_HANDSHAKES_(OK, "ok",                                                                  \
                        "Handshakes of TLS with clients, by what came of them.")                   \
    METRICS_HANDSHAKES_(FAILED, "failed", "")                                                      \
    METRICS_REFUSED_(KEY, "key",                                                                   \
                     "Requests that were refused before they were calls, by why: they had no key that " \
                     "is good here, there were too many of them, or a page sent them.")             \
    METRICS_REFUSED_(REQUESTS, "requests", "")                                                     \
    METRICS_REFUSED_(RUNNING, "concurrency", "")                                                   \
    METRICS_REFUSED_(ADDRESS, "address", "")                                                       \
    METRICS_REFUSED_(ORIGIN, "origin", "")                                                         \
    METRICS_PLAIN_(METRIC_UPSTREAM_CONNECTS, "harborai_upstream_connects_total", COUNTER,          \
                   "Answers of vendors that came on a new connection.")                            \
    METRICS_PLAIN_(METRIC_UPSTREAM_REUSES, "harborai_upstream_reuses_total", COUNTER,              \
                   "Answers of vendors that came on a connection that was kept.")                  \
    METRICS_REPLAY_(KEPT, "kept",                                                                  \
                    "Reasoning kept for later turns, by what became of it: answers that are kept "  \
                    "or go, messages that were given it or miss it.")                              \
    METRICS_REPLAY_(GIVEN, "given", "")                                                            \
    METRICS_REPLAY_(MISSING, "missing", "")                                                        \
    METRICS_REPLAY_(DROPPED, "dropped", "")                                                        \
    METRICS_REPLAY_(EVICTED, "evicted", "")                                                        \
    METRICS_REPLAY_(EXPIRED, "expired", "")                                                        \
    METRICS_PLAIN_(METRIC_REPLAY_BYTES, "harborai_replay_bytes", GAUGE,                            \
                   "Memory of the reasoning that is kept for later turns.")                        \
    METRICS_PLAIN_(METRIC_MODEL_LOOKUPS, "harborai_model_lookups_total", COUNTER,                  \
                   "Look-ups of a model by its name.")                                             \
    METRICS_PLAIN_(METRIC_MODEL_UNKNOWN, "harborai_model_unknown_total", COUNTER,                  \
                   "Look-ups that found no model.")                                                \
    METRICS_PLAIN_(METRIC_JOURNAL_LINES, "harborai_journal_lines_total", COUNTER,                  \
                   "Journal lines on record.")                                                     \
    METRICS_PLAIN_(METRIC_JOURNAL_BYTES, "harborai_journal_bytes_total", COUNTER,                  \
                   "Journal bytes on record.")                                                     \
    METRICS_PLAIN_(METRIC_JOURNAL_SEGMENTS, "harborai_journal_segments_total", COUNTER,            \
                   "Files of the journal that were begun.")                                        \
    METRICS_PLAIN_(METRIC_JOURNAL_FAILURES, "harborai_journal_failures_total", COUNTER,            \
                   "Writes of the journal that failed; what they held waits.")                     \
    METRICS_PLAIN_(METRIC_JOURNAL_SLOW, "harborai_journal_slow_total", COUNTER,                     \
                   "How often a slow write moved the journal's next ones to a thread.")            \
    METRICS_PLAIN_(METRIC_JOURNAL_LOST, "harborai_journal_lines_lost_total", COUNTER,              \
                   "Journal lines that were given up, with journal.on_failure: drop.")             \
    METRICS_PLAIN_(METRIC_JOURNAL_REFUSALS, "harborai_journal_refusals_total", COUNTER,            \
                   "Calls refused because too much waits for the journal; it has no lines of them.") \
    X_(METRIC_TOTALS_COMPUTED, "harborai_token_consistency_fixes_total", COUNTER, "fix_type",      \
       "total_computed", "Calls whose usage was not consistent, by what was done about it.")       \
    X_(METRIC_TOTALS_KEPT, "harborai_token_consistency_fixes_total", COUNTER, "fix_type",          \
       "total_kept", "")

/* Counters with the label `provider`: enum, family, help. */
#define METRICS_PROVIDER_ROWS_                                                                     \
    X_(METRIC_STREAM_EVENTS, "harborai_stream_events_total", "Events of vendors' streams.")        \
    X_(METRIC_STREAM_REPAIRS, "harborai_stream_repairs_total",                                     \
       "Events, and whole answers, that were not as OpenAI's API promises and were mended or "     \
       "left out.")

#define X_(code, family, type, label, value, help) code,
enum metric { METRICS_ROWS_ METRIC_COUNT };
#undef X_

#define X_(code, family, help) code,
enum metric_of_provider { METRICS_PROVIDER_ROWS_ METRIC_OF_PROVIDER_COUNT };
#undef X_

/* Names come from configurations, of which a process may read many; those that come later than this
 * are counted as "_other". */
enum { METRICS_PROVIDERS_MOST = 128 };

struct metrics_provider {
    char *name; /* owned; never changes once it is counted */
    _Atomic int64_t values[METRIC_OF_PROVIDER_COUNT];
};

struct metrics_shard {
    CACHE_ALIGNED _Atomic int64_t values[METRIC_COUNT];
    atomic_uint provider_count;
    struct metrics_provider providers[METRICS_PROVIDERS_MOST], other;
    struct confidence confidence;
    struct recent recent;
    struct by_model by_model;
    struct durations phases[RECORD_PHASES], totals;
};

struct metrics;

/* Copies `version`, for harborai_build_info. */
MUST_CHECK harborai_status metrics_create(unsigned loops, const char *version,
                                          struct metrics **ret_metrics, harborai_error *error);
void metrics_destroy(struct metrics *metrics); /* accepts NULL */

/* The shard of a loop, borrowed. Only that loop's thread counts in it. */
struct metrics_shard *metrics_shard_of(struct metrics *metrics, unsigned loop);

/* [loop] Its own shard. A gauge that a loop raised is lowered by the same loop. */
static inline void metrics_add(struct metrics_shard *shard, enum metric metric, int64_t delta)
{
    _Atomic int64_t *value = &shard->values[metric];
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + delta,
                          memory_order_relaxed);
}

/* [loop] The same for a provider, in the loop's own list of names: the first count of a name
 * allocates. */
void metrics_add_for(struct metrics_shard *shard, harborai_str provider,
                     enum metric_of_provider metric, int64_t delta);

/* [loop] A call ended. `http_status` is what the client saw, `status` how the call ended. */
void metrics_count_call(struct metrics_shard *shard, int http_status, harborai_status status);

/* [loop] A request of HTTP was answered, or its stream begun. */
void metrics_count_request(struct metrics_shard *shard, int http_status);

/* [loop] A call has ended: counts it by its provider and model. */
static inline void metrics_count_model(struct metrics_shard *shard, const struct record *record)
{
    by_model_add(&shard->by_model, record);
}

/* [loop] The usage of a call that ended: who read it, and how far it is to be trusted, in tenths. */
void metrics_rate_usage(struct metrics_shard *shard, harborai_str provider, harborai_str method,
                        int tenths);

/* [loop] A call has ended at that moment, UTC. */
static inline void metrics_time_call(struct metrics_shard *shard, int64_t ended_ns, bool has_failed,
                                     int64_t duration_ns)
{
    recent_add(&shard->recent, ended_ns, has_failed, duration_ns);
    durations_add(&shard->totals, duration_ns);
}

/* [loop] So long that phase of a call took. */
static inline void metrics_time_phase(struct metrics_shard *shard, enum record_phase phase,
                                      int64_t duration_ns)
{
    durations_add(&shard->phases[phase], duration_ns);
}

/* [any] For threads that are no loop: the loader, the keeper. */
void metrics_add_shared(struct metrics *metrics, enum metric metric, int64_t delta);

/* [any] The sum over all shards. */
int64_t metrics_sum(const struct metrics *metrics, enum metric metric);
int64_t metrics_sum_for(const struct metrics *metrics, harborai_str provider,
                        enum metric_of_provider metric);

/* [any] What ended in the last minute before that moment, UTC. */
struct recent_sum metrics_recent(const struct metrics *metrics, int64_t now_ns);

/* [any] All of them. The buffer's failure is sticky. */
struct prometheus;
void metrics_write(const struct metrics *metrics, struct prometheus *p);

#endif
