/* SPDX-License-Identifier: MIT */
/* The endpoints, as the router's table names them. Each leaves the connection with a call that runs
 * or with an answer. [loop] */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "base/slice.h"

struct conn;
struct http_request_head;

/* api_chat.c */
void api_chat_complete(struct conn *conn, harborai_str rest);

/* api_models.c */
void api_models_list(struct conn *conn, harborai_str rest);
void api_models_one(struct conn *conn, harborai_str rest); /* `rest`: the name, percent-encoded */

/* api_options.c. `allow`: the path's methods. */
void api_options(struct conn *conn, const struct http_request_head *request, const char *allow);

/* api_logs.c */
void api_logs_query(struct conn *conn, harborai_str rest);
void api_logs_stats(struct conn *conn, harborai_str rest);
void api_logs_one(struct conn *conn, harborai_str rest); /* `rest`: any id, percent-encoded */

/* api_plugins.c */
void api_plugins_list(struct conn *conn, harborai_str rest);
void api_plugins_one(struct conn *conn, harborai_str rest);    /* `rest`: the name, percent-encoded */
void api_plugins_change(struct conn *conn, harborai_str rest); /* … and a slash, and what to do */
void api_plugins_rescan(struct conn *conn, harborai_str rest);

/* api_keys.c */
void api_keys_read(struct conn *conn, harborai_str rest);

/* api_health.c */
void api_health_live(struct conn *conn, harborai_str rest);
void api_health_ready(struct conn *conn, harborai_str rest);
void api_health_whole(struct conn *conn, harborai_str rest);

/* api_metrics.c */
void api_metrics_all(struct conn *conn, harborai_str rest);

/* api_root.c */
void api_root_show(struct conn *conn, harborai_str rest);

/* api_stats.c */
void api_stats_all(struct conn *conn, harborai_str rest);

/* handover.c */
void api_takeover(struct conn *conn, harborai_str rest);

#endif
