/* SPDX-License-Identifier: MIT */
/* GET /health and GET /metrics: for those who watch the process. */
#include "runtime/runtime.h"
#include "server/api.h"
#include "server/drains.h"
#include "server/gate.h"
#include "server/reply.h"
#include "wire/json_write.h"
#include "wire/prometheus.h"

/* Whatever becomes of its stores, calls are served and on record. */
static void reply_healthy(struct conn *conn)
{
    AUTO(buf) text = BUF_INIT(KIB(4));
    struct json_writer w = JSON_WRITER(&text);
    json_write_object(&w);
    json_write_key_string(&w, "status", HARBORAI_STR("ok"));
    drains_write_health(conn->gate->drains, &w);
    json_write_end(&w);
    if (text.failed < 0)
        reply_refuse(conn, 503, "out_of_memory", "no memory left: ask again");
    else
        reply_whole(conn, &(struct reply){.status = 200, .body = buf_slice(&text)});
}

void api_status_health(struct conn *conn, harborai_str rest UNUSED)
{
    if (conn->gate->stopping)
        reply_whole(conn, &(struct reply){.status = 503,
                                          .body = HARBORAI_STR("{\"status\":\"stopping\"}")});
    else
        reply_healthy(conn);
}

void api_status_metrics(struct conn *conn, harborai_str rest UNUSED)
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
