/* SPDX-License-Identifier: MIT */
/* OPTIONS of any path: which methods it has, and for browsers whether a page may use them. */
#include "server/api.h"
#include "server/cors.h"
#include "server/gate.h"
#include "server/reply.h"

void api_options(struct conn *conn, const struct http_request_head *request, const char *allow)
{
    AUTO(buf) fields = BUF_INIT(KIB(4));
    if (conn->origin.len > 0 && cors_is_preflight(request))
        cors_write_preflight(request, allow, &fields);
    reply_whole(conn,
                &(struct reply){.status = 204, .allow = allow, .fields = buf_slice(&fields)});
}
