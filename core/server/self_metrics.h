/* SPDX-License-Identifier: MIT */
/* Metrics of the process itself, and of its parts as GET /health has them. [loop] */
#ifndef SERVER_SELF_METRICS_H
#define SERVER_SELF_METRICS_H

struct gate;
struct prometheus;

void self_metrics_write(const struct gate *gate, struct prometheus *p);

#endif
