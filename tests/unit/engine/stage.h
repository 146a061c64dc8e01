/* SPDX-License-Identifier: MIT */
/* What a test of the engine stands on: a directory of its own with plugins, state and log in it, a
 * runtime over them, and calls that note what happens to them. */
#ifndef TESTS_ENGINE_STAGE_H
#define TESTS_ENGINE_STAGE_H

#include <stdatomic.h>

#include "base/attr.h"
#include "base/buf.h"
#include "engine/call.h"
#include "runtime/runtime.h"

struct stage {
    char directory[64];
    struct log log;
    struct runtime *runtime;
    bool has_threads;
    const char *plugin_file; /* as given by --plugin; or NULL */
    /* What calls charge: 1 for a client's body, more for what is made of one. */
    atomic_int taken, given_back, gone;
    bool is_full; /* no more is to be had */
};

/* A directory with every plugin that the tests use. Aborts on failure, as all of these do. */
void stage_open(struct stage *s);
/* A runtime with that configuration; the test drives its loop by stage_wait(). */
PRINTF(3, 4) void stage_run(struct stage *s, unsigned loops, const char *yaml, ...);
void stage_start(struct stage *s); /* a thread for each loop */
void stage_stop(struct stage *s);  /* takes the runtime down */
void stage_close(struct stage *s); /* the same, and the directory goes */

/* What `yaml` says, with plugin and state directories. NULL and the error's text otherwise. */
struct config *stage_config(const struct stage *s, const char *yaml, harborai_error *error);
/* The runtime applies that. */
harborai_status stage_apply(struct stage *s, const char *yaml);
const char *stage_path(const struct stage *s, const char *name); /* until the next call */

/* How often `text` stands in the log, in the journal. */
unsigned stage_logged(const struct stage *s, const char *text);
unsigned stage_recorded(const struct stage *s, const char *text);
/* Waits until it stands in the log so often; false: more often, or not within a minute. */
bool stage_logs(const struct stage *s, const char *text, unsigned times);
/* A metric's value; -1: there is no such series. */
int64_t stage_metric(const struct stage *s, const char *series);
/* Lines of the log in which a plugin says that the host broke a promise; prints them. */
unsigned stage_broken(const struct stage *s);
/* Whether the journal has a line with both. [any] */
bool stage_has_line(const struct stage *s, const char *text, const char *other);

/* --- A call ---------------------------------------------------------------------------------- */

struct asked {
    struct stage *stage;
    unsigned loop;
    struct call *call;
    struct message begin, order;
    void (*do_order)(struct asked *asked); /* [loop], see asked_order() */
    struct buf body;
    const char *model;
    bool wants_stream;
    /* What to do in on_chunk, if anything; [loop]. */
    void (*on_chunk)(struct asked *asked, harborai_str json);
    void (*on_end)(struct asked *asked);
    void *context;
    bool reads_journal; /* on_end looks for the end line */

    /* What came of it. */
    atomic_int chunks, ends;
    atomic_size_t undelivered; /* grows with each chunk if `is_slow` */
    atomic_size_t most_undelivered;
    bool is_slow;
    struct buf text; /* the chunks, a line each */
    struct buf answer;
    harborai_error error;
    char key[37];
    bool streamed, had_end_line;
    uint32_t chunks_said, attempts;
    harborai_status status; /* of the record */
    int http_status;
    uint64_t bytes_in, vendor_bytes_in, vendor_bytes_out;
    int64_t output_tokens;
};

/* With a request of three words to `model`. */
void asked_init(struct asked *asked, struct stage *s, const char *model, bool stream);
/* Makes its message `len` bytes long instead. */
void asked_fill(struct asked *asked, size_t len);
PRINTF(2, 3) void asked_body(struct asked *asked, const char *format, ...);
void asked_release(struct asked *asked);
/* Has the call begun in a pass of its loop. */
void asked_start(struct asked *asked);
/* [loop] Of a call that has ended: forgets what came of it and has another begin. */
void asked_again(struct asked *asked);
/* Has `order` run in a pass of its loop. */
void asked_order(struct asked *asked, void (*order)(struct asked *asked));
/* call_cancel(), for asked_order(). */
void asked_cancel(struct asked *asked);
/* call_leave(), likewise. */
void asked_leave(struct asked *asked);
void asked_resume(struct asked *asked);

/* Until `*value` is at least `at_least`: turns loop 0 unless it has a thread. False: too late. */
bool stage_wait(struct stage *s, const atomic_int *value, int at_least);
/* Until no call is left in loop 0, which the test drives. */
bool stage_settle(struct stage *s);
/* Passes of loop 0 for a while, for things that must not happen. */
void stage_turn(struct stage *s, int passes);
/* asked_start(), until it has ended. */
bool asked_wait(struct asked *asked);
/* A call of that model, from its beginning to its end; how it ended: E_TIMEOUT, not at all. */
harborai_status asked_of(struct stage *s, const char *model);

static inline bool asked_has(const struct asked *asked, const char *text)
{
    return asked->text.len > 0 && memmem(asked->text.data, asked->text.len, text, strlen(text));
}

#endif
