/* SPDX-License-Identifier: MIT */
/* GET /: what this is, and where to go on. */
#include "server/api.h"
#include "server/reply.h"

#define LINK(name, path) "\"" name "\":\"" path "\""

void api_root_show(struct conn *conn, harborai_str rest UNUSED)
{
    static const char text[] =
        "{\"name\":\"HarborAI\",\"version\":\"" PACKAGE_VERSION "\",\"links\":{" /* the links: */
        LINK("chat_completions", "/v1/chat/completions") "," LINK("models", "/v1/models") ","
        LINK("logs", "/v1/logs/query") "," LINK("health", "/health") ","
        LINK("ready", "/readyz") "," LINK("live", "/livez") "," LINK("stats", "/stats") ","
        LINK("metrics", "/metrics") "}}";
    reply_whole(conn, &(struct reply){.status = 200,
                                      .body = {text, sizeof text - 1}});
}
