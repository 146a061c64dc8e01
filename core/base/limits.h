/* SPDX-License-Identifier: MIT */
/* Every ceiling of the product, with its reason. Settings may lower some, none is absent. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB(n) ((size_t)(n) << 10)
#define MIB(n) ((size_t)(n) << 20)
#define GIB(n) ((size_t)(n) << 30)

/* Requests of clients. */
#define LIMIT_REQUEST_HEAD KIB(64)  /* line and headers; proxies in front add a few KiB at most */
#define LIMIT_REQUEST_BODY MIB(32)  /* several images inline as base64 */
#define LIMIT_REQUEST_DEPTH 64      /* JSON nesting of a request: tool schemas reach about 15 */
#define LIMIT_REQUEST_CHOICES 128   /* `n`; OpenAI's own ceiling */

/* Answers of vendors. */
#define LIMIT_RESPONSE_HEAD KIB(64) /* plugin.h promises as much */
#define LIMIT_RESPONSE_BODY MIB(32) /* a whole answer, with images or audio inline */
#define LIMIT_STREAM_EVENT MIB(16)  /* one server-sent event or line */
#define LIMIT_ERROR_BODY KIB(64)    /* what map_error() is given */
#define LIMIT_HELD_BACK MIB(1)      /* of a stream, from the last finish_reason on */
#define LIMIT_JSON_DEPTH 128        /* of what vendors and plugins write */

/* Back-pressure: bytes that a reader has not taken. */
#define LIMIT_UNDELIVERED KIB(64)       /* then the source is paused */
#define LIMIT_UNDELIVERED_HARD MIB(1)   /* a source that ignores the pause is ended */
#define LIMIT_UNDELIVERED_MOST MIB(32)  /* in any case: a whole answer in pieces */

/* Calls. */
#define LIMIT_CALL_ALLOC MIB(64)  /* host->alloc(), as plugin.h promises */
#define LIMIT_CHAT_ON_LOOP KIB(64) /* a larger request is translated on a job thread */
#define LIMIT_CALL_STATE KIB(64)  /* harborai_plugin.call_state_size */
#define LIMIT_EXCHANGES 16        /* of one call */
#define LIMIT_AGAIN 2             /* HARBORAI_AGAIN of one call */
#define LIMIT_LEFT 64             /* calls of a loop that go on without their client */
#define LIMIT_LEFT_SIZE MIB(1)    /* what each keeps of its answer: a whole one, or an event */
#define LIMIT_REPLAYS_GIVEN MIB(16) /* put into one request: more than any model reads */

/* Plugins. */
#define LIMIT_MANIFEST KIB(256)
#define LIMIT_PLUGIN_FILE MIB(256) /* a bigger .so is a mistake */
#define LIMIT_PLUGINS 1024         /* files looked at in all directories */

/* Files of the operator. */
#define LIMIT_CONFIG_FILE MIB(4)
#define LIMIT_CONFIG_DEPTH 32  /* and no alias bombs */
#define LIMIT_CONFIG_NODES 100000

#define LIMIT_LOOPS 64          /* --workers; one a core is the default */
#define LIMIT_JOURNAL_LINE KIB(64) /* a record with its vendor's usage object */
#define LIMIT_JOURNAL_PENDING MIB(1) /* lines that wait for a disk that fails */
#define LIMIT_CONTENT KIB(64) /* of a request, and of an answer, in the journal: masking may be slow */
#define LIMIT_JOURNAL_CONTENT KIB(192) /* a line with both, and what stands around an answer's texts */
#define LIMIT_JOURNAL_PENDING_CONTENT MIB(8) /* lines that wait, where the journal has content */
#define LIMIT_CONNECTIONS_USUAL 1000 /* of clients, with a call each: fewer open files are warned of */
#define LIMIT_REQUEST_ID 128    /* a client's own x-request-id that is taken over */

#endif
