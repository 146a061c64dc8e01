/* SPDX-License-Identifier: MIT */
/* Nothing here is counted: it is looked up when it is asked for. */
#include "server/self_metrics.h"

#include "engine/engine.h"
#include "runtime/runtime.h"
#include "server/budget.h"
#include "server/gate.h"
#include "server/health.h"
#include "server/tls.h"
#include "wire/prometheus.h"

static void write_one(struct prometheus *p, const char *name, enum prometheus_type type,
                      const char *help, int64_t number, unsigned scale)
{
    prometheus_family(p, name, type, help);
    prometheus_sample_decimal(p, name, NULL, NULL, 0, number, scale);
}

static void write_labelled(struct prometheus *p, const char *name, const char *label,
                           const char *value, int64_t number)
{
    const struct prometheus_label labels = {label, slice_of(value)};
    prometheus_sample(p, name, NULL, &labels, 1, number);
}

/* As clients of Prometheus call them in every language. */
static void write_process(struct prometheus *p, const struct gate *gate, const struct health *health)
{
    int64_t uptime_ns = loop_now_ns(gate->loop) - gate->started_ns;
    int64_t began_ns = loop_wall_ns(gate->loop) - uptime_ns - gate->start_took_ns;
    write_one(p, "process_cpu_seconds_total", PROMETHEUS_COUNTER,
              "Time of processors that the process took.", process_cpu_ns() / NS_PER_US, 6);
    write_one(p, "process_resident_memory_bytes", PROMETHEUS_GAUGE, "Memory that is resident.",
              (int64_t)health->memory.resident_bytes, 0);
    write_one(p, "process_virtual_memory_bytes", PROMETHEUS_GAUGE, "Memory that is mapped.",
              (int64_t)health->memory.virtual_bytes, 0);
    write_one(p, "process_max_fds", PROMETHEUS_GAUGE, "Descriptors that it may have open.",
              (int64_t)process_most_descriptors(), 0);
    write_one(p, "process_start_time_seconds", PROMETHEUS_GAUGE, "When it began, since 1970.",
              began_ns / NS_PER_MS, 3);
}

static void write_memory(struct prometheus *p, const struct gate *gate, const struct health *health)
{
    static const char name[] = "harborai_memory_usage_bytes";
    int64_t replays = metrics_sum(runtime_metrics(gate->runtime), METRIC_REPLAY_BYTES);
    prometheus_family(p, name, PROMETHEUS_GAUGE, "Memory by what it is for; all is the process's.");
    write_labelled(p, name, "component", "all", (int64_t)health->memory.resident_bytes);
    write_labelled(p, name, "component", "bodies", (int64_t)health->bodies);
    write_labelled(p, name, "component", "replays", replays);
}

static void write_queues(struct prometheus *p, const struct gate *gate)
{
    static const char name[] = "harborai_queue_length";
    int64_t waiting = 0;
    for (unsigned i = 0; i < runtime_loop_count(gate->runtime); i++)
        waiting += engine_loop_waiting(runtime_engine(gate->runtime, i));
    prometheus_family(p, name, PROMETHEUS_GAUGE, "Calls that wait, by what they wait for.");
    write_labelled(p, name, "queue_name", "plugin_load", waiting);
}

static void write_health(struct prometheus *p, const struct health *health)
{
    static const char name[] = "harborai_health_check_status";
    prometheus_family(p, name, PROMETHEUS_GAUGE,
                      "Parts as GET /health has them: 0 ok, 1 degraded, 2 error.");
    for (int part = 0; part < HEALTH_PARTS; part++)
        if (health->has[part])
            write_labelled(p, name, "component", health_part_name((enum health_part)part),
                           health->states[part]);
    write_one(p, "harborai_degradation_status", PROMETHEUS_GAUGE, "The worst of them.",
              health->overall, 0);
    write_one(p, "harborai_ready", PROMETHEUS_GAUGE, "1: GET /readyz answers 200.",
              health->not_ready == 0, 0);
}

static void write_certificate(struct prometheus *p, const struct gate *gate)
{
    if (gate->tls != NULL)
        write_one(p, "harborai_tls_certificate_not_after_timestamp_seconds", PROMETHEUS_GAUGE,
                  "When the certificate in force ends, since 1970.", tls_context_end_s(gate->tls), 0);
}

void self_metrics_write(const struct gate *gate, struct prometheus *p)
{
    struct health health;
    health_look(gate, &health);
    write_process(p, gate, &health);
    write_memory(p, gate, &health);
    write_queues(p, gate);
    write_health(p, &health);
    write_certificate(p, gate);
}
