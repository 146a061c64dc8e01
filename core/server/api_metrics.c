/* SPDX-License-Identifier: MIT */
/* GET /metrics: all that is counted, for Prometheus and whoever reads its formats. */
#include "runtime/runtime.h"
#include "server/api.h"
#include "server/drains.h"
#include "server/gate.h"
#include "server/reply.h"
#include "server/self_metrics.h"
#include "wire/accept.h"
#include "wire/http_head.h"
#include "wire/prometheus.h"

/* Only who names it gets it, and only if he does not like the other better. */
static bool wants_open(const struct conn *conn)
{
    harborai_str accept = http_field(&conn->head->head, "accept");
    unsigned open = accept_quality(accept, "application/openmetrics-text", "1.0.0");
    return open > 0 && open >= accept_quality(accept, "text/plain", "0.0.4");
}

void api_metrics_all(struct conn *conn, harborai_str rest UNUSED)
{
    AUTO(buf) text = BUF_INIT(MIB(16));
    struct prometheus p = {&text, wants_open(conn)};
    runtime_write_metrics(conn->gate->runtime, &p);
    drains_write_metrics(conn->gate->drains, &p);
    self_metrics_write(conn->gate, &p);
    prometheus_end(&p);
    if (text.failed < 0) {
        reply_refuse(conn, 503, "out_of_memory", "no memory left for the metrics: ask again");
        return;
    }
    reply_whole(conn, &(struct reply){.status = 200,
                                      .content_type = slice_of(p.is_open ? PROMETHEUS_OPEN_TYPE
                                                                         : PROMETHEUS_CONTENT_TYPE),
                                      .body = buf_slice(&text)});
}
