/* SPDX-License-Identifier: MIT */
/* harborai/harborai.h: HarborAI as a C library: one door to all model vendors.
 *
 *     #include <stdio.h>
 *     #include <harborai/harborai.h>
 *
 *     int main(void)
 *     {
 *         harborai_error error = HARBORAI_ERROR_INIT;
 *         harborai_client *client = harborai_client_open(NULL, &error);
 *         harborai_reply *reply = harborai_chat(client, HARBORAI_STR("{\"model\":\"gpt-4o\","
 *             "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"), &error);
 *         if (reply != NULL)
 *             printf("%s\n", harborai_reply_text(reply));
 *         else
 *             fprintf(stderr, "%s\n", error.message);
 *         harborai_reply_free(reply);
 *         harborai_client_close(client);
 *         return error.code == HARBORAI_OK ? 0 : 1;
 *     }
 *
 *     cc hello.c $(pkg-config --cflags --libs harborai)
 *
 * Bodies are the JSON of OpenAI's chat completions, in and out; accessors cover what everybody
 * reads. A call is made in one of three ways: wait for the whole answer (harborai_chat), take it
 * piece by piece (harborai_chat_stream), or be called back (harborai_chat_start), on a loop of the
 * application's own (harborai_client_fd, harborai_client_dispatch) or on a thread of the library's
 * (harborai_client_run_thread). doc/library.md leads through them.
 *
 * THREADS. Each function carries one of these marks:
 *   [any]     any thread, at any time, in parallel with everything else.
 *   [signal]  that, and from inside a signal handler too.
 *   [owner]   one thread at a time for one object; different objects are free of each other.
 * The application's functions (handlers, the log) run only on threads of its own, from inside a
 * function of the library that says so, and never two at once for one client; on a thread of the
 * library's only after harborai_client_run_thread(). From inside such a function calls may be
 * started and cancelled, but what waits is refused with E_INVALID. The library's threads, for what
 * may block (names, plugins, files), start when first needed, have every signal blocked, and are
 * joined by harborai_client_close().
 *
 * MEMORY. What a function returns as owned is freed by the function named there; what it borrows
 * or lends lives as long as is said there. Arguments are copied before a function returns. Every
 * function that frees accepts NULL.
 *
 * ERRORS are values: NULL, 0, false or a negative status, and `error`, which may be NULL, says why:
 * a code of <harborai/types.h>, a sentence for a person, and what the vendor said. Nothing is
 * printed, nothing exits. On success `error` is left as it was, unless stated. One check at the end
 * of a chain is enough: what is given NULL (or an empty body) because something before it failed
 * fails too, and leaves that error as it stands; without one before it is E_INVALID.
 *
 * SIGNALS. The library installs no handler, changes no disposition, and raises no SIGPIPE. A signal
 * does not end a wait by itself; harborai_client_interrupt(), from a handler or any thread, does.
 *
 * FORK. A client belongs to the process that opened it: in a child every function on it, or on a
 * stream of it, is refused with E_INVALID (and frees nothing): open another one there. Replies and
 * bodies are memory, and the child has its own copies. Descriptors are closed by exec. Clients of one
 * process share nothing; open one for the whole program.
 *
 * VERSIONS. A struct that may grow starts with `size`, set by the application to its own sizeof;
 * zero-initialise the rest, for zero always means the default. New members and functions are
 * added, none is changed or taken away while the soname stays. C11 and C++17.
 */
#ifndef HARBORAI_HARBORAI_H
#define HARBORAI_HARBORAI_H

#include <stdbool.h>

#include <harborai/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the library exports. */
#define HARBORAI_API __attribute__((visibility("default")))

/* A configuration at work; open one for the whole program. Opaque. */
typedef struct harborai_client harborai_client;

/* What came of a call. Opaque. */
typedef struct harborai_reply harborai_reply;

/* An answer that is read piece by piece. Opaque. */
typedef struct harborai_stream harborai_stream;

/* A request that is being written. Opaque. */
typedef struct harborai_body harborai_body;

/* A call that was started by harborai_chat_start(); 0 is none. Used once. */
typedef uint64_t harborai_call_id;

/* The version of the library that runs, "0.1.0". Static. [any] */
HARBORAI_API const char *harborai_version(void);

/* ---- The client --------------------------------------------------------------------------- */

/* A line of the log, logfmt without a line end; doc/log-events.md lists the events. `line` is
 * borrowed until the function returns. It runs on a thread of the application that is inside a
 * function of the library, or on that of harborai_client_run_thread(); lines wait until then. */
typedef void harborai_log_fn(void *context, int level, harborai_str line);

/* A setting by its path of doc/configuration.md: { "timeouts.total", "30s" }. */
typedef struct harborai_setting {
    const char *path;
    const char *value;
} harborai_setting;

/* How to open a client. { sizeof it } alone: as the command line does it. */
typedef struct harborai_client_options {
    uint32_t size;
    int32_t log_level;        /* HARBORAI_LOG_…; 0: the setting log.level */
    const char *config_file;  /* NULL: $HARBORAI_CONFIG, else ~/.config/harborai/config.yaml, if
                                 that exists, else what the environment has keys for */
    harborai_str config_text; /* a configuration in memory, YAML or JSON, in place of a file */
    const char *state_dir;    /* where the journal is kept; NULL: the setting state_dir */
    const harborai_setting *settings; /* these win over file and environment */
    size_t setting_count;
    harborai_log_fn *log; /* NULL: nothing is logged */
    void *log_context;
    const char *name; /* who asks, `client` in the journal; NULL: "library" */
} harborai_client_options;

/* Reads the configuration and looks at the plugins; loads none and connects to nobody: both wait
 * for the first call. `options` may be NULL. Returns owned, for harborai_client_close(). E_CONFIG:
 * `error` has the first fault and how many more there are, the log all of them. E_MEMORY. [any] */
HARBORAI_API harborai_client *harborai_client_open(const harborai_client_options *options,
                                                   harborai_error *error);

/* Ends the client. Calls under way end as cancelled, each with its record; waits return, handlers
 * are told from inside; streams stay the application's to close. No other function may be called
 * on the client once this one was. A handler that runs is waited for, however long.
 * HARBORAI_OK; E_TIMEOUT: a plugin did not return within 10 s (12 s if it was called from here), or
 * a name's look-up hangs: its threads and what they use stay, so the process is to end by _exit();
 * waits return all the same, but for a thread inside the plugin; no handler is called any more.
 * E_INTERNAL: the client is closed, but the disk did not take all records: the log says how many are
 * lost. E_INVALID: from inside a handler, or in a child of fork(); nothing was done. [any] */
HARBORAI_API harborai_status harborai_client_close(harborai_client *client);

/* Breaks off what is waited for: every harborai_chat() and open stream of this client, begun until
 * now, ends with E_CANCELLED, even if the answer had come and only was not read; calls that were
 * started by harborai_chat_start() go on. For Ctrl-C.
 * While a plugin or a handler does not return, the thread that it holds stays, and the others return within 2 s.
 * Writes to one descriptor, errno is kept. [signal] */
HARBORAI_API void harborai_client_interrupt(harborai_client *client);

/* Whether a call of this model would reach a vendor, as far as can be told without making one: the
 * name leads to a provider, and its key is there. `provider` as in harborai_call_options, may be
 * NULL; so may `model`, and then only the provider is looked for. HARBORAI_OK; E_NOT_FOUND: no such
 * model or provider; E_AUTH: a key is missing; E_INVALID: several providers have the name. [any] */
HARBORAI_API harborai_status harborai_client_check(harborai_client *client, const char *model,
                                                   const char *provider, harborai_error *error);

/* Statistics as a JSON object. `what` is one of
 *   "memory"       what the process and the undelivered answers take, and how long opening took
 *   "concurrency"  calls, connections, throughput, latency
 *   "cost"         tokens, and the sum for each currency as exact decimal strings
 *   "health"       providers with their state, and whether calls can be recorded
 * Returns owned, NUL-terminated, for harborai_free(). NULL: E_INVALID (no such word), E_MEMORY.
 * [any] */
HARBORAI_API char *harborai_client_stats(harborai_client *client, const char *what,
                                         harborai_error *error);

/* Frees text that a function returned as owned. [any] */
HARBORAI_API void harborai_free(void *text);

/* ---- A call ------------------------------------------------------------------------------- */

/* What may differ from call to call. Texts are UTF-8, NUL-terminated. */
typedef struct harborai_call_options {
    uint32_t size;
    uint32_t reserved;        /* 0 */
    int64_t timeout_ms;       /* for the whole call, in place of timeouts.total; 0: that setting.
                                 Not for the wait for a disk that does not take the record: that
                                 ends when the call is broken off */
    const char *provider;     /* only this one, whatever the model's name alone would lead to */
    const char *tags;         /* a JSON object for the journal, at most 4096 bytes: who, what for */
    const char *trace_parent; /* W3C traceparent: the call becomes part of this trace */
    const char *request_id;   /* the application's own, for the journal; at most 128 bytes */
} harborai_call_options;

/* Asks and waits for the whole answer. `body` is a request as of OpenAI's chat completions; its
 * member `stream` is set by the function that is called, whatever it says. Returns owned, for
 * harborai_reply_free(). NULL: any error of the table, and E_CANCELLED after
 * harborai_client_interrupt() or harborai_client_close(). [any] */
HARBORAI_API harborai_reply *harborai_chat(harborai_client *client, harborai_str body,
                                           harborai_error *error);

/* The same with options, which may be NULL. [any] */
HARBORAI_API harborai_reply *harborai_chat_with(harborai_client *client, harborai_str body,
                                                const harborai_call_options *options,
                                                harborai_error *error);

/* ---- A call, piece by piece --------------------------------------------------------------- */

/* A piece of an answer. Frozen. Texts are borrowed until the next function on the stream, or until
 * the handler returns; empty, but never NULL: the piece has none. */
typedef struct harborai_chunk {
    harborai_str text;          /* of the answer */
    harborai_str reasoning;     /* of what the model thinks before it answers */
    harborai_str finish_reason; /* "stop", "length" …: this choice has ended */
    harborai_str json;          /* the whole chat.completion.chunk object: tool calls, usage … */
    uint32_t choice;            /* which answer it belongs to, where `n` asked for several */
    uint32_t reserved;
} harborai_chunk;

/* Asks, and returns before anything has come. Returns owned, for harborai_stream_close(). NULL:
 * E_INVALID, E_MEMORY; what the vendor says comes by harborai_stream_next(). While nobody reads,
 * the vendor is paused once 64 KiB wait; its time limits stand still meanwhile, but for the one of
 * the whole call (timeout_ms, timeouts.total). [any] */
HARBORAI_API harborai_stream *harborai_chat_stream(harborai_client *client, harborai_str body,
                                                   harborai_error *error);

/* The same with options, which may be NULL. [any] */
HARBORAI_API harborai_stream *harborai_chat_stream_with(harborai_client *client, harborai_str body,
                                                        const harborai_call_options *options,
                                                        harborai_error *error);

/* Waits for the next piece. False: there is none any more, and error->code says why: HARBORAI_OK,
 * the answer is complete and recorded; else it broke off. Asked again it says the same. [owner] */
HARBORAI_API bool harborai_stream_next(harborai_stream *stream, harborai_chunk *chunk,
                                       harborai_error *error);

/* After the end: usage, cost, ids. Its text and JSON are empty, for the pieces had them. Borrowed
 * until harborai_stream_close(); NULL before the end. [owner] */
HARBORAI_API const harborai_reply *harborai_stream_reply(const harborai_stream *stream);

/* Frees the stream; before its end the call is cancelled, and recorded as such. [owner] */
HARBORAI_API void harborai_stream_close(harborai_stream *stream);

/* ---- Calls with handlers ------------------------------------------------------------------ */

/* What is called back, from inside harborai_client_dispatch() or harborai_client_close(), or on the
 * thread of harborai_client_run_thread(). Copied when the call starts. */
typedef struct harborai_handlers {
    uint32_t size;
    /* A piece of the answer. NULL: the answer is wanted whole. */
    void (*on_chunk)(void *context, harborai_call_id id, const harborai_chunk *chunk);
    /* The last word, exactly once for each call that was started, unless harborai_client_close()
     * gave E_TIMEOUT: then some are not told. `error` is NULL on success;
     * `reply` is never NULL: of a failure it has the ids, and the cost where that is known. Both
     * are borrowed until it returns. May be NULL. */
    void (*on_done)(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error);
    void *context;
} harborai_handlers;

/* Asks and returns at once. 0: E_INVALID, E_MEMORY; what else fails comes by on_done. [any] */
HARBORAI_API harborai_call_id harborai_chat_start(harborai_client *client, harborai_str body,
                                                  const harborai_handlers *handlers,
                                                  harborai_error *error);

/* The same with options, which may be NULL. [any] */
HARBORAI_API harborai_call_id harborai_chat_start_with(harborai_client *client, harborai_str body,
                                                       const harborai_handlers *handlers,
                                                       const harborai_call_options *options,
                                                       harborai_error *error);

/* Breaks a started call off: no on_chunk comes any more, and on_done with E_CANCELLED; unless the
 * call has ended meanwhile, which then goes on to its last piece. Of a call that is over nothing
 * happens. The vendor is broken off, whatever `on_disconnect` says. [any] */
HARBORAI_API void harborai_call_cancel(harborai_client *client, harborai_call_id id);

/* A descriptor that is readable (POLLIN) when harborai_client_dispatch() has something to do, its
 * time limits included. The client's: poll it, and nothing else. The same each time. Negative:
 * E_MEMORY, E_INVALID (the library has a thread for it). [any] */
HARBORAI_API int harborai_client_fd(harborai_client *client, harborai_error *error);

/* Does what is due and calls handlers: for as long as there is something to do, and, if nothing is,
 * waits for it at most timeout_ms (0: not at all, -1: until a handler was called, or a signal came).
 * Returns how many handlers were called. E_INVALID: from inside a handler, or another thread
 * dispatches this client or the library's does. [any] */
HARBORAI_API int harborai_client_dispatch(harborai_client *client, int timeout_ms,
                                          harborai_error *error);

/* Starts a thread of the library's that does what harborai_client_dispatch() would, until the
 * client is closed: handlers run there from now on. Again it does nothing. E_MEMORY: no thread is
 * to be had. [any] */
HARBORAI_API harborai_status harborai_client_run_thread(harborai_client *client,
                                                        harborai_error *error);

/* ---- What came of a call ------------------------------------------------------------------ */

/* Texts below are borrowed from the reply and NUL-terminated; "" is none, never NULL. All [any]. */

/* The answer's text (of choice 0). */
HARBORAI_API const char *harborai_reply_text(const harborai_reply *reply);

/* What the model thought before it answered, where the vendor shows it. */
HARBORAI_API const char *harborai_reply_reasoning(const harborai_reply *reply);

/* The chat.completion object as it came; empty, but never NULL: there is none. */
HARBORAI_API harborai_str harborai_reply_json(const harborai_reply *reply);

/* Why choice 0 ended: "stop", "length", "tool_calls", "content_filter". */
HARBORAI_API const char *harborai_reply_finish_reason(const harborai_reply *reply);

/* The provider that answered, as the configuration names it. */
HARBORAI_API const char *harborai_reply_provider(const harborai_reply *reply);

/* The model that answered, as its vendor names it; where the vendor does not say, the one that was
 * asked for, by the vendor's name of it. */
HARBORAI_API const char *harborai_reply_model(const harborai_reply *reply);

/* `id` of the chat.completion object, the vendor's own: "chatcmpl-…". */
HARBORAI_API const char *harborai_reply_completion_id(const harborai_reply *reply);

/* The call's number for people, "hb_…"; `id` in the journal. */
HARBORAI_API const char *harborai_reply_id(const harborai_reply *reply);

/* The record's key, a UUID; `key` in the journal. */
HARBORAI_API const char *harborai_reply_record_key(const harborai_reply *reply);

/* The W3C trace that the call belongs to, 32 hexadecimal digits. */
HARBORAI_API const char *harborai_reply_trace_id(const harborai_reply *reply);

/* Token counts; a class whose bit is not set in known_mask is not known. Borrowed, never NULL. */
HARBORAI_API const harborai_usage *harborai_reply_usage(const harborai_reply *reply);

/* Tokens of the prompt, of all its classes; -1: not known, though a class of it may be. */
HARBORAI_API int64_t harborai_reply_tokens_in(const harborai_reply *reply);

/* Tokens of the answer, of all its classes; -1: not known, though a class of it may be. */
HARBORAI_API int64_t harborai_reply_tokens_out(const harborai_reply *reply);

/* What the call cost: the exact decimal, "0.0000125". "": not known, which is not 0. */
HARBORAI_API const char *harborai_reply_cost(const harborai_reply *reply);

/* The currency of it, as of ISO 4217: "USD". */
HARBORAI_API const char *harborai_reply_currency(const harborai_reply *reply);

/* Why the cost is not known: "no_price", "no_usage" … as `cost_reason` in the journal. */
HARBORAI_API const char *harborai_reply_cost_reason(const harborai_reply *reply);

/* Members of the request that the vendor did not get as they were written, with what became of each:
 * "temperature;dropped, max_tokens;adapted, thinking;off". `params` of the configuration decides
 * whether such a request is refused instead. */
HARBORAI_API const char *harborai_reply_changed(const harborai_reply *reply);

/* How long the call took, in ns, from its start to its end. */
HARBORAI_API int64_t harborai_reply_total_ns(const harborai_reply *reply);

/* How long the first text, reasoning or tool call took to come, in ns; -1: none came. */
HARBORAI_API int64_t harborai_reply_first_ns(const harborai_reply *reply);

/* Frees the reply. Not for one that a stream or a handler lends. [owner] */
HARBORAI_API void harborai_reply_free(harborai_reply *reply);

/* ---- A request without a JSON library ----------------------------------------------------- */

/* A request to this model, without messages yet. What fails while it is written is remembered and
 * told by harborai_body_str(). Returns owned, for harborai_body_free(); NULL: no memory, and every
 * function below accepts that. [any] */
HARBORAI_API harborai_body *harborai_body_new(const char *model);

/* Adds a message: "system", "user", "assistant" …, and its text. [owner] */
HARBORAI_API void harborai_body_message(harborai_body *body, const char *role, const char *text);

/* Adds a message that is JSON: with images, tool calls, or an answer of a tool. [owner] */
HARBORAI_API void harborai_body_message_json(harborai_body *body, harborai_str message);

/* Sets a member to JSON: harborai_body_json(b, "temperature", "0.2"). Set again it is replaced.
 * "messages" takes the place of all messages that are added one by one. [owner] */
HARBORAI_API void harborai_body_json(harborai_body *body, const char *name, const char *json);

/* The request, for harborai_chat(). Borrowed until the next function on the body: more messages may
 * be added for the next call. Empty: E_INVALID (something in it is no JSON: that takes the place of
 * an earlier error), E_MEMORY (of NULL, too, if there is no earlier error). [owner] */
HARBORAI_API harborai_str harborai_body_str(harborai_body *body, harborai_error *error);

/* Frees it. [owner] */
HARBORAI_API void harborai_body_free(harborai_body *body);

#ifdef __cplusplus
}
#endif
#endif /* HARBORAI_HARBORAI_H */
