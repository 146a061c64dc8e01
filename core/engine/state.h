/* SPDX-License-Identifier: MIT */
/* The engine's own view of a call and its attempts. Private to this room.
 *
 * A call has attempts, one at a time; a policy decides about the next. An attempt is what a plugin
 * knows as harborai_call. Both live in the call's arena, which goes when the front was told and the
 * last attempt was released. */
#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include <stdatomic.h>

#include <harborai/plugin.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/list.h"
#include "account/cost.h"
#include "chat/chunk.h"
#include "chat/collect.h"
#include "chat/excerpt.h"
#include "chat/fold.h"
#include "chat/request.h"
#include "chat/stream.h"
#include "config/config.h"
#include "engine/call.h"
#include "engine/engine.h"
#include "engine/target.h"
#include "plugin/slot.h"
#include "record/fanout.h"
#include "registry/model_map.h"
#include "sse.h"
#include "lines.h"
#include "transport/exchange.h"
#include "wire/traceparent.h"

struct engine_loop {
    struct engine_services s;
    struct commit_hook commit;
    struct action act;
    struct ids ids;
    struct list starting;  /* attempts whose begin line is due in this pass's commit */
    struct list begun;     /* … was made, but is not on record */
    struct list started;   /* … is on record: their exchanges go out in the act phase */
    struct list ending;    /* calls whose end line is due in this pass's commit */
    struct list finished;  /* … was made, but is not on record */
    struct list ended;     /* … is on record: their fronts are told in the act phase */
    struct list refused;   /* calls that end without a line */
    struct list amending;  /* calls whose amend line is due in this pass's commit */
    enum fanout_commit behind; /* what became of the lines that were made */
    struct timer retry;
    int64_t retry_ms;      /* how long it waits now; 0 = it did not have to */
    int64_t give_up_ns;    /* at shutdown: until when a write is waited for; 0 = none is */
    struct list calls;     /* every call that is not freed */
    struct buf chunk;      /* scratch for chunks that we write ourselves */
    int64_t act_ns;        /* when this act phase began */
    unsigned left;         /* calls that go on without their client */
    atomic_uint waiting;   /* … that wait for their plugin to be loaded; read by any thread */
    bool draining;
};

enum call_state {
    CALL_ROUTING,  /* body checked, target looked up */
    CALL_WAITING,  /* for the slot's plugin to be loaded */
    CALL_RUNNING,  /* an attempt is under way */
    CALL_ENDING,   /* its end line is due */
    CALL_OVER,     /* the front was told; attempts may still be held by plugins */
    CALL_STATES
};

struct attempt;
struct letter;
struct replay_draft;

struct call {
    struct engine_loop *engine;
    const struct call_front *front; /* NULL once nobody is to be told */
    void *owner;
    bool is_http; /* the front is */
    bool has_head; /* the client was told that all goes well, and nothing else yet */
    bool is_left; /* the client left, and the call goes on for its usage: what comes is dropped */
    enum call_state state;
    struct list link;     /* engine->calls */
    struct list ending;   /* engine->ending, ->finished, ->ended or ->refused */
    struct list amending; /* engine->amending */
    struct parked parked;
    struct arena arena;
    struct buf body;
    struct call_charge charge; /* for the body */
    struct chat_request request;
    struct record record;
    struct cost cost;     /* what the record says of it */
    bool is_on_record;    /* the end line is committed: what comes later amends it */
    struct timer total;   /* the caller's limit */
    int64_t started_ns, total_limit_ns;
    int64_t mark_ns, plugin_mark_ns; /* see phase.h */
    bool has_waited; /* for its plugin, or for a thread */
    bool has_own_limit; /* total_limit_ns is what this call was started with */
    bool is_draining;   /* its provider leaves, and `total` is due */
    int64_t drain_limit_ms; /* … so long after that */
    harborai_str wanted_provider; /* empty = any */
    harborai_str caller; /* whose it is: what is kept for one is given to no other */
    const struct call_guard *guard; /* who answers for him; or NULL */
    void *account;
    int64_t reserved; /* there */

    /* The target, copied from the snapshot when the call was routed. */
    struct slot *slot;
    bool slot_is_pinned; /* until the call is settled, for its attempts too */
    harborai_str upstream_model, model_info;
    const struct manifest_model *model; /* the slot's; NULL: its manifest does not know it */
    harborai_edit *drops; /* of members that the model does not take, in the arena */
    size_t drop_count;
    struct slot_waiter waiter;
    struct message loaded;
    bool is_parked; /* the waiter is with the slot: the call must not be freed */

    struct attempt *attempt;    /* the current one; NULL when none is under way */
    struct attempt *last_attempt; /* in the arena: still there when it was released */
    struct list unreleased;     /* attempts that a plugin may still use */
    uint32_t attempts;

    /* What the client gets. */
    harborai_error *error;      /* NULL = no failure */
    harborai_error failure;     /* here: a job thread may be at the arena, or no memory is left */
    uint32_t chunks;            /* given to the front */
    struct buf held;            /* chunks held back: 4 bytes length, then the chunk */
    struct buf answer;          /* a whole answer, */
    harborai_str answer_body;   /* … and which part of it the client gets */
    enum config_content content; /* whether the record is told what was asked and answered, */
    size_t content_limit;        /* … how much of it, */
    struct excerpt *said;        /* … and of a stream what came of it; owned, or NULL */
    struct secrets *secrets;     /* … without these; a reference, while it is written */
    struct buf content_line;     /* made of them when it has ended */
    struct job content_job;
    struct message content_written;
    bool paused;                /* the reader is slow */
    size_t after_pause;         /* bytes given to the front since */
};

enum exchange_phase {
    EXCHANGE_NONE,
    EXCHANGE_WANTED,  /* http_start() was called; the begin line is due */
    EXCHANGE_OPEN,    /* the request goes out, the answer comes in */
    EXCHANGE_REFUSED  /* a status that is not 2xx: its body is gathered for map_error() */
};

struct attempt {
    harborai_call api; /* what the plugin sees */
    struct call *call;
    struct slot *slot;
    const struct slot_provider *provider;
    harborai_request request;
    const struct chat_request *trimmed; /* the call's, without what the model does not take:
                                           call->request becomes the same, but not before a job
                                           thread is done */
    harborai_str changed;               /* likewise, record.changed */
    const struct chat_request *asked;   /* what its plugin sees: `trimmed`, or `made` */
    struct chat_request made;           /* with replays given back, or taken out; of `body` */
    struct buf body;
    size_t charged; /* for it */
    struct replay_draft *draft; /* of a stream: what is to be kept of it */
    char trace_parent[TRACEPARENT_LEN + 1]; /* W3C, sent to the vendor */
    uint32_t number;
    struct list link;     /* call->unreleased */
    struct list starting; /* engine->starting, ->begun or ->started */

    /* The exchange with the vendor. */
    enum exchange_phase phase;
    struct exchange exchange;
    struct exchange_request http;
    harborai_str body_bytes; /* the one piece of BODY_BYTES */
    uint32_t response_kind;
    bool think_tags; /* PASSTHROUGH: reasoning may stand in the text, between tags */
    uint32_t exchanges, agains;
    bool has_started; /* one of them */
    bool is_upstream; /* one is under way, as far as the record goes */
    int32_t http_status;
    harborai_header *headers; /* of the answer that map_error() is given */
    size_t header_count;
    int64_t retry_after_ms;
    struct buf gathered;      /* BUFFER, a whole PASSTHROUGH answer, or an error's body */
    size_t gathered_charged;  /* for it, until the attempt is released; the call may have it by then */
    struct sse sse;
    struct buf one_line;      /* an event that came in several */
    int64_t fed_ns;           /* when on_event() was last begun: one ends where the next begins */
    struct lines lines;
    struct stream stream; /* of PASSTHROUGH, and of emit_json() */
    bool streams; /* PASSTHROUGH: server-sent events, not one object */
    char vendor_model[128], service_tier[128]; /* as the answer names them, for the record */

    /* What the plugin emits: deltas or chunks, for a stream or one whole answer. */
    struct answer_id answer_id;
    struct chunk_writer writer; /* of a stream */
    struct fold *fold;          /* of a whole answer: deltas */
    struct collect *collect;    /* likewise: chunks */
    enum { EMITS_NOTHING, EMITS_DELTAS, EMITS_JSON } emits;
    uint32_t finish_reason;

    harborai_usage usage;
    bool has_usage;
    char *usage_room; /* of usage.vendor_json, in the arena */
    size_t usage_capacity;
    bool usage_is_late; /* more of it came after the call's end line */
    bool usage_is_odd;  /* it was said that its vendor_json is none */
    bool usage_is_read_here; /* not by the plugin */
    char usage_method[48], usage_error[96]; /* for the record */
    struct timer wake;

    /* The plugin's side. */
    uint32_t depth;       /* its functions that run now */
    bool has_run_chat;    /* what its status says is the plugin's word, not the host's */
    bool on_job;          /* chat() runs on a job thread: the loop keeps its hands off */
    bool closed;          /* finished: only usage is still taken */
    bool has_erred;       /* the host refused what it asked for, as no fault of the client */
    bool lacks_secret;    /* … as one that it asked for is not set: what is said of it is the host's */
    bool has_refused;     /* … what the operator wants refused: nothing goes out any more */
    bool released, mail_due, cancel_due;
    uint32_t holds;
    int64_t chat_began_ns, job_ns; /* the time of functions on a job thread */
    struct job job;
    struct message job_done;
    harborai_status job_status;
    harborai_error job_error;

    /* Other threads. */
    struct mpsc mail;
    _Atomic(struct letter *) spare_letters; /* one for each hold() */
    struct message mail_message;
    _Atomic size_t mail_bytes;
    _Atomic bool closed_for_all, slow, pause_told, is_flood, has_lost_piece;
};

/* --- call.c --- */
void call_fail(struct call *call, const harborai_error *error);
PRINTF(3, 4)
void call_fail_with(struct call *call, harborai_status code, const char *format, ...);
void call_succeed(struct call *call);
/* Frees the call if its front was told, no attempt is left, and no line of it is due. */
void call_settle(struct call *call);

/* --- content.c: what was asked and answered, for the record --- */
/* Whether it is wanted of this call: as it was configured when the call began. */
void content_begin(struct call *call);
/* A chunk for the client. */
void content_add_chunk(struct call *call, harborai_str json);
/* The call has ended: its end line is due once its content line is made. */
void content_end(struct call *call);
/* Tells those who are told of calls. */
void content_commit(struct call *call);
void content_release(struct call *call);

/* --- charge.c --- */
/* Counts memory of another body, and less of it. E_OVERLOADED: there is no room now. [any] */
MUST_CHECK harborai_status call_charge_more(const struct call *call, size_t bytes,
                                            harborai_error *error);
void call_charge_gathered(struct attempt *a);
void call_give_back(const struct call *call, size_t bytes);

/* --- leave.c --- */
/* An answer begins: of a call without its client little is kept. */
void leave_limit(struct attempt *a);
/* False: it would be too much, and the call was ended. */
bool leave_has_room(struct attempt *a, size_t more);

/* --- route.c --- */
void call_route(struct call *call);

/* --- attempt.c --- */
void attempt_begin(struct call *call);
/* Ends it: no more is taken from its plugin but usage. `cancel`: the caller left or ran out of
 * time, and the plugin is told so. */
void attempt_close(struct attempt *a, bool cancel);
/* The plugin finished: `error` NULL is success. */
void attempt_finish(struct attempt *a, const harborai_result *result);
void attempt_fail(struct attempt *a, const harborai_error *error);
/* By an error that the plugin passes on or caused: E_INVALID blames the client, so after a refusal
 * of the plugin's own doing it becomes E_INTERNAL with the plugin's name. */
void attempt_fail_by_plugin(struct attempt *a, const harborai_error *error);
PRINTF(3, 4)
void attempt_fail_with(struct attempt *a, harborai_status code, const char *format, ...);
/* A function of the plugin begins and ends on the loop; after the outermost, what became due is
 * done: release, or the end of a call that the plugin left idle. */
struct attempt *attempt_enter(struct attempt *a);
void attempt_leave(struct attempt *a, struct attempt *before);
bool attempt_is_current_thread(const struct attempt *a);
/* Whether a function of the plugin runs on this thread, be it the loop's or a job's. [any] */
bool attempt_is_translated_here(const struct attempt *a);
void attempt_settle(struct attempt *a);
const char *attempt_plugin_id(const struct attempt *a);

/* --- changes.c --- */
/* Adds to `list` what the vendor does not get as it was written; `path` is a JSON Pointer to a member,
 * `how` HARBORAI_CHANGED_…. [the thread that runs the plugin] */
void changes_add(struct call *call, harborai_str *list, harborai_str path, uint32_t how);
/* The same of what is left out, with a line in the log. E_INVALID: `params` is strict; the error
 * says so to the client. */
MUST_CHECK harborai_status changes_drop(struct call *call, harborai_str *list, harborai_str path,
                                        harborai_error *error);

/* --- unsupported.c: members that the model does not take --- */
/* Whether the plugin's manifest names this very pointer for the call's model. */
bool unsupported_has(const struct call *call, harborai_str pointer);
/* Finds those that the request has, before an attempt begins. E_INVALID: they are to be refused. */
MUST_CHECK harborai_status unsupported_find(struct call *call, harborai_error *error);
/* Makes the attempt's request without them. [call] As long as the body is large. */
MUST_CHECK harborai_status unsupported_leave_out(struct attempt *a, harborai_error *error);

/* --- host_call.c --- */
/* `from` is checked: its vendor_json is empty or a JSON object. [the thread that runs the plugin] */
void attempt_take_usage(struct attempt *a, const harborai_usage *from);

/* --- usage_check.c --- */
/* Puts on record how far what is known of the usage is to be trusted. */
void usage_check(struct attempt *a);

/* --- mail.c: what other threads say --- */
void mail_init(struct attempt *a);
harborai_status mail_delta(struct attempt *a, const harborai_delta *delta);
harborai_status mail_json(struct attempt *a, harborai_str chunk);
harborai_status mail_usage(struct attempt *a, const harborai_usage *usage);
harborai_status mail_finish(struct attempt *a, const harborai_result *result);
harborai_status mail_wake(struct attempt *a, int64_t delay_ms);
void mail_prepare_unhold(struct attempt *a);
void mail_unhold(struct attempt *a);
void mail_deliver(struct attempt *a);

/* --- exchange: http_start.c, answer.c --- */
harborai_status http_start(harborai_call *api, const harborai_http_request *given,
                           harborai_error *error);
extern const struct exchange_events answer_events;
/* Maps an error of the vendor, and ends the attempt unless the plugin goes on with the call. What is
 * left of the answer is not read. */
void answer_is_error(struct attempt *a, harborai_str body);
/* The operator's key, account and configuration are the operator's business: of an error about them a
 * client over HTTP learns that, and the log has its words, masked already. False: it is none. */
bool answer_hide_error(struct attempt *a, harborai_error *error);
/* … and words any other error of the vendor's for whoever asked. */
void answer_name_error(struct attempt *a, harborai_error *error);

/* --- passthrough.c --- */
void passthrough_data(struct attempt *a, harborai_str bytes);
void passthrough_end(struct attempt *a);
void passthrough_head(struct attempt *a, const struct http_response_head *head);
/* Begins to watch a stream; `is_strict` as in chat/stream.h. */
void passthrough_watch(struct attempt *a, bool is_strict);
/* What emit_json() reads in the same way: a usage object; the finish_reason of choice 0; names. */
void passthrough_usage(struct attempt *a, harborai_str object);
harborai_str passthrough_finish_word(struct attempt *a);
/* Puts what a.stream knows of the model and the service tier on record. */
void passthrough_note_names(struct attempt *a);

/* --- output.c --- */
/* E_MEMORY: the front keeps too much already; the chunk is lost, so the answer must not go on. */
MUST_CHECK harborai_status output_chunk(struct call *call, harborai_str json,
                                        harborai_error *error);
void output_held(struct call *call);
size_t output_held_size(const struct call *call); /* bytes of the chunks that are held back */
/* Something to read has come: the first time, the record's time to first token is set. */
void output_note_content(struct call *call);
MUST_CHECK harborai_status output_hold(struct call *call, harborai_str json,
                                       harborai_error *error);
harborai_status output_delta(struct attempt *a, const harborai_delta *delta, harborai_error *error);
harborai_status output_finish(struct attempt *a, harborai_error *error);
bool output_is_slow(const struct call *call);
harborai_status output_slowness(struct attempt *a); /* PAUSE or OK, for whoever emits */
/* A source of its own that goes on after PAUSE: E_MEMORY once it is too much, which ends the call. */
harborai_status output_check_flood(const struct attempt *a, harborai_error *error);
harborai_status output_flood(const struct attempt *a, harborai_error *error);
void output_name_answer(struct attempt *a);
/* Of a piece that became no chunk: the same status; E_MEMORY says whose piece it was, E_PROTOCOL whose
 * answer. */
harborai_status output_blame(const struct attempt *a, harborai_status st, harborai_error *error);
void output_trim(struct engine_loop *engine); /* after each piece */

/* --- replay_give.c, replay_keep.c: what the vendor wants back in the next turn --- */
/* Before chat(): puts it into what the plugin sees of the request, where the client did not send it,
 * and takes replays of other plugins out. E_MEMORY, E_OVERLOADED. [the thread that runs the plugin] */
MUST_CHECK harborai_status replay_give(struct attempt *a, harborai_error *error);
void replay_note_delta(struct attempt *a, const harborai_delta *delta); /* of a stream */
/* Of a stream of chunks: whether something of it is to be kept, and what choice 0 thinks, a JSON
 * string. */
bool replay_wants_chunks(const struct attempt *a);
void replay_note_reasoning(struct attempt *a, harborai_str json);
void replay_keep(struct attempt *a); /* the answer has ended well */
void replay_draft_release(struct replay_draft *draft);
harborai_str replay_maker(struct attempt *a); /* see replay_store.h; empty: no memory */

/* --- output_json.c --- */
harborai_status output_json(struct attempt *a, harborai_str chunk, harborai_error *error);
harborai_status output_json_finish(struct attempt *a, harborai_error *error);

/* --- take.c: structs of a plugin, whatever size they have --- */
harborai_status take_delta(const harborai_delta *from, harborai_delta *to);
harborai_status take_usage(const harborai_usage *from, harborai_usage *to);
harborai_status take_result(const harborai_result *from, harborai_result *to);
harborai_status take_error(const harborai_error *from, harborai_error *to);
harborai_status take_http_request(const harborai_http_request *from, harborai_http_request *to);

/* --- policy.c --- */
/* Whether and how the call goes on after this attempt failed. True: another was begun. */
bool policy_try_again(struct call *call, struct attempt *failed, enum exchange_fault fault);

/* --- commit.c --- */
void commit_starting(struct attempt *a);
void commit_ending(struct call *call);
/* The call's last attempt is released, after a usage that its end line does not have. */
void commit_amending(struct call *call);
void commit_init(struct engine_loop *engine);
void commit_release(struct engine_loop *engine);

#endif
