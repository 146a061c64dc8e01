/* SPDX-License-Identifier: MIT */
/* One exchange through the real engine and the real plugin, driven step by step. */
#ifndef TESTS_WIRE_PLAY_H
#define TESTS_WIRE_PLAY_H

#include "base/log.h"
#include "engine/call.h"
#include "fold.h"
#include "peer.h"
#include "runtime/runtime.h"

struct stage {
    struct peer peer;
    struct log log;
    struct runtime *runtime;
};

/* `provider` is the provider's section of the configuration, its base_url without "http://host:port";
 * `plugins` a YAML list of directories. Aborts on failure. */
void stage_open(struct stage *stage, const char *name, struct json_object *provider,
                const char *plugins);
void stage_close(struct stage *stage);

/* How the answer's bytes get to the engine. */
enum cut {
    CUT_NOT,       /* at once */
    CUT_IN_TWO,    /* the engine has read the first part before the second is sent */
    CUT_BY_BYTE,   /* each byte alone */
    CUT_OFF,       /* the message ends there, complete for HTTP */
    CUT_HANG_UP    /* the connection does, before the message is complete */
};

struct exchange_text { /* borrowed */
    harborai_str request;
    int status;
    harborai_str headers; /* lines of the answer's head, each with its end */
    harborai_str answer;
};

struct outcome {
    struct json_object *sent_to; /* request line, fields by name, body: NULL = nothing was sent */
    struct fold fold;
    bool has_failed;
    harborai_error error;
    struct json_object *tokens; /* classes of the record */
    char changed[256];
    struct buf out; /* what came out, as it came: chunks a line each, or the answer */
};

/* False: it came to no end. */
bool play(struct stage *stage, const struct exchange_text *text, enum cut cut, size_t at,
          struct outcome *outcome);
void outcome_release(struct outcome *outcome);

#endif
