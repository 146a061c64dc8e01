/* SPDX-License-Identifier: MIT */
/* How the gateway is: a state for each of its parts, as GET /health, GET /readyz and the metrics tell
 * it. Looks at what is there and asks nobody: it waits for no plugin and no database. [loop] */
#ifndef SERVER_HEALTH_H
#define SERVER_HEALTH_H

#include "base/process.h"
#include "store/drain.h"

struct gate;

enum health_state {
    HEALTH_OK,
    HEALTH_DEGRADED, /* calls are served, but not all of them, or not as they should be */
    HEALTH_ERROR     /* no call can be served */
};

enum health_part {
    HEALTH_LOOPS,
    HEALTH_PROVIDERS,
    HEALTH_JOURNAL,
    HEALTH_INDEX,
    HEALTH_POSTGRES,
    HEALTH_MEMORY,
    HEALTH_PARTS
};

enum { /* why no calls are to be sent here: bits */
    HEALTH_STOPPING = 1,
    HEALTH_NO_PROVIDER = 2, /* not one can be used */
    HEALTH_PRELOADING = 4,  /* those of plugin_preload are not there yet */
    HEALTH_NO_RECORD = 8    /* the journal takes no further call */
};

struct health {
    enum health_state overall; /* the worst */
    unsigned not_ready;
    bool has[HEALTH_PARTS]; /* it is a part of this gateway */
    enum health_state states[HEALTH_PARTS];

    unsigned loops;
    int64_t longest_pass_ns; /* of those under way */
    size_t providers, usable; /* enabled ones */
    bool is_recording;
    struct drain_status index, postgres;
    struct process_memory memory;
    size_t bodies, bodies_most; /* bytes */
};

void health_look(const struct gate *gate, struct health *ret_health);

const char *health_state_name(enum health_state state); /* "ok" … */
const char *health_part_name(enum health_part part);    /* "loops" … */

/* The reasons of `not_ready`, one bit at a time: "stopping" … */
const char *health_reason_name(unsigned bit);

#endif
