/* SPDX-License-Identifier: MIT */
/* GET /metrics: all that is counted, for Prometheus and whoever reads its formats. */
#include "runtime/runtime.h"
#include "server/api.h"
#include "server/drains.h"
#include "server/gate.h"
#include "server/reply.h"
#include "wire/prometheus.h"

void api_metrics_all(struct conn *conn, harborai_str rest UNUSED)
{
    AUTO(buf) text = BUF_INIT(MIB(4));
    runtime_write_metrics(conn->gate->runtime, &text);
    drains_write_metrics(conn->gate->drains, &text);
    if (text.failed < 0) {
        reply_refuse(conn, 503, "out_of_memory", "no memory left for the metrics: ask again");
        return;
    }
    reply_whole(conn, &(struct reply){.status = 200,
                                      .content_type = HARBORAI_STR(PROMETHEUS_CONTENT_TYPE),
                                      .body = buf_slice(&text)});
}
