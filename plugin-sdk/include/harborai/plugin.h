/* SPDX-License-Identifier: MIT */
/* harborai/plugin.h: the HarborAI provider plugin interface.
 *
 * A plugin is one shared object that teaches HarborAI to speak to one model vendor. It contains
 *   1. a manifest: JSON in an ELF note, read by the host WITHOUT loading the object;
 *   2. one exported function, harborai_plugin_query(), which returns a constant table of functions.
 * The host does the network, timers, retries, keys, logging and accounting. The plugin translates:
 * an OpenAI-shaped request into the vendor's HTTP request, the vendor's answer into deltas. A short
 * one is examples/plugins/echo/echo.c. What is promised here and not kept by a host of 0.3 yet
 * stands in doc/abi-history.md: such members may be set, and do nothing.
 *
 * THREADS. Each function below carries one of these marks:
 *   [job]   a thread that may block, for seconds; never two at once for one provider.
 *   [call]  the one thread that the host runs this call on at the moment: an event loop or, for a
 *           large request, a job thread. It may change between two functions, never during one.
 *           No I/O, no sleep, no lock that is held for long; time in proportion to the input,
 *           about 1 ms for each 100 KiB. Functions for ONE call never overlap; functions for
 *           DIFFERENT calls of one provider run in parallel.
 *   [any]   any thread, at any time, in parallel with everything else.
 * No function of the plugin runs from inside a host function, except `done` of http_wait() and
 * `add` of harborai_models.list(): a plugin may hold its own lock while it calls the host.
 *
 * MEMORY. Nobody frees what the other side allocated.
 *   - Arguments are borrowed: valid until the function returns, unless a longer life is stated.
 *   - What lives as long as a call comes from host->alloc() or is call->state; the host frees both
 *     after on_release(). For a buffer that grows use malloc(), and free() it in on_release().
 *   - Strings are harborai_str; names that a programmer writes (id, version, the name of a secret)
 *     are C strings.
 *
 * VERSIONS. Every struct that may grow starts with `size`, set by whoever allocates it to its own
 * sizeof; 0 is E_INVALID. The other side reads and writes no further than that. New members are
 * appended, in a new ABI minor; members never move, change meaning or go away. Use a member of the
 * host that is younger than the first frozen ABI only after HARBORAI_HAS(harborai_host, host, it).
 * Structs without `size` (harborai_str, harborai_header, harborai_member, harborai_edit) are frozen for
 * ever. Zero-initialise what you fill in: zero always means default.
 *
 * CONDUCT. No exception or panic leaves the plugin. A plugin does not write to stdout or stderr,
 * install signal handlers, fork, exit, call setenv(), setlocale(), chdir() or umask(). It makes its
 * threads in create(), with all signals blocked, and joins them in destroy().
 *
 * LIMITS, and what passing them gives:
 *   manifest 256 KiB, 8 secrets, call_state_size 64 KiB                    the plugin is refused
 *   one call: 64 MiB by alloc(), 1 MiB emitted and undelivered after PAUSE             E_MEMORY
 *   one request: 4,096 edits, 64 headers of 16 KiB, a path of 1 KiB and 32 levels      E_INVALID
 *   one call: 16 exchanges, 2 times AGAIN, 128 choices, 128 tool calls a choice        E_INVALID
 *   one answer: 64 KiB of headers, 32 MiB as BUFFER, 16 MiB a line or an event         E_PROTOCOL
 * What map_error() is given is cut after 64 KiB.
 */
#ifndef HARBORAI_PLUGIN_H
#define HARBORAI_PLUGIN_H

#include <string.h>

#include "types.h"

#ifdef __cplusplus
extern "C" {
#define HARBORAI_EXPORT extern "C" __attribute__((visibility("default")))
#define HARBORAI_ALIGNAS_(n) alignas(n)
#define HARBORAI_ASSERT_(condition, text) static_assert(condition, text)
#else
#define HARBORAI_EXPORT __attribute__((visibility("default")))
#define HARBORAI_ALIGNAS_(n) _Alignas(n)
#define HARBORAI_ASSERT_(condition, text) _Static_assert(condition, text)
#endif

/* Until 1.0 is frozen a host loads exactly its own major and minor; from then on its own major. */
#define HARBORAI_ABI_MAJOR 0
#define HARBORAI_ABI_MINOR 3

/* From 1.0 on: the oldest host minor that the plugin can live with. A plugin that cannot work
 * without something younger defines it before the #include; older hosts then refuse it by name. */
#ifndef HARBORAI_ABI_MINOR_REQUIRED
#define HARBORAI_ABI_MINOR_REQUIRED 0
#endif

/* ---- The manifest ------------------------------------------------------------------------ */

/* HARBORAI_MANIFEST({ ...JSON... }); once per plugin, at file scope. Required are id, version,
 * provider, and one of models, patterns, dynamic_models. An unknown member is warned about unless
 * its name begins with "x-". The macro adds the ABI version, so that it cannot be wrong.
 *
 * { "id": "com.example.acme",           reverse DNS, [a-z0-9.-]{3,100}; equals harborai_plugin.id
 *   "version": "1.2.0",                 SemVer; equals harborai_plugin.version
 *   "provider": "acme",                 [a-z0-9-]{1,32}, the first half of "acme/acme-large"
 *   "name": "Acme AI", "description": "…", "homepage": "https://…", "license": "MIT",
 *   "capabilities": [ "chat", "stream", "tools", "vision", "json_schema", "reasoning" ],
 *   "operations": [ "chat", "embeddings" ],   HARBORAI_OP_… that it serves; default: chat
 *   "models": [ { "name": "acme-large", "aliases": [ "acme-large-latest" ],
 *                 "context": 128000, "max_output": 8192, "input": [ "text", "image" ],
 *                 "capabilities": [ "tools" ], "deprecated": "2027-01-01",
 *                 "media": "inline",          the host replaces http(s) URLs of images, audio and
 *                                             files by data: URLs before chat()
 *                 "unsupported": [ "/n" ],
 *                 "x-price": { "currency": "USD", "input": "2.5", "output": "10" } } ],
 *                                     for listings only: today's standard price of 10^6 tokens
 *   "x-prices-date": "2026-11-21",    when pricing()'s prices were checked; goes into the journal
 *   "unsupported": [ "/logit_bias" ],   request members that the vendor does not take: the host drops
 *                                       or refuses them, as the operator wishes (`params`). What
 *                                       depends on more than the model is for host->changed()
 *   "patterns": [ "acme-*" ],           for models that are younger than the plugin; only `*`
 *   "dynamic_models": false,            true: ask extension "harborai.models/1" as well
 *   "base_url": "https://api.acme.example/v1",  the vendor's address where the operator gives none;
 *                                             host->config("/base_url") gives the one that holds
 *   "presets": { "acme-eu": {           other places where this dialect is spoken. `preset: acme-eu` of
 *     "base_url": "https://…/v1",       a provider's configuration stands for all that is here; what
 *     "env": "ACME_EU_API_KEY",         the operator says himself goes before. `env` names the
 *     "key_required": false,            variable of api_key (default: required); `models` are names
 *     "models": [ "acme-*" ],           and patterns in place of the manifest's, [] = none, only
 *     "options": { … },                 "name/model" leads there; `options` are members of create()'s
 *     "unsupported": [ "/n" ],          `config`; the rest as of the plugin itself, but for `env`,
 *     "replay": "reasoning_content",    which is none then: a key goes to its own vendor alone. A
 *                                       preset's name is [a-z0-9-]{1,32}
 *     "homepage": "https://…" } },
 *   "replay": "reasoning_content",      the vendor wants the reasoning_content of messages with tool
 *                                       calls back in later turns: the host keeps it and puts it into
 *                                       the messages of applications that do not send it. "" (default):
 *                                       it does not. HARBORAI_DELTA_REPLAY is kept without being named
 *   "network": [ "api.acme.example:443" ],    what http_start() and http_wait() may reach; the
 *                                             operator's base_url is added to it
 *   "request_headers": [ "acme-beta" ], the application's headers that go into harborai_request
 *   "request_id_header": "acme-id",     where the vendor puts its request id; the host reads it
 *                                       from every answer. Default: x-request-id, request-id
 *   "secrets": { "api_key": { "env": "ACME_API_KEY", "required": true, "description": "…",
 *                             "readable": true } },    readable: host->secret() gives it out.
 *                                     A configuration file can hold api_key only; for others `env`
 *   "config_schema": { "properties": { "region": { "enum": [ "eu", "us" ] } },
 *                      "additionalProperties": false },   what create()'s `config` may be; see below
 *   "isolation": "any" }                any | in-process | worker: what the plugin can live with;
 *                                     a host without workers refuses "worker"
 *
 * config_schema: before any code of the plugin is run, the host checks create()'s `config` against
 * it (the operator's options, those of the preset, base_url), and tells the operator each fault at its
 * line. Without it everything goes to create(), which sees to what a schema cannot say. It is this
 * part of JSON Schema, in which a keyword holds for values of its kind alone:
 *     type (a word, or a list of them), enum, const (of texts, numbers, true, false, null),
 *     minimum, maximum, minLength, maxLength (in characters), properties, required,
 *     additionalProperties, items (one schema for all), anyOf; the schemas true and false.
 *     description, of at most 250 bytes, is shown with a fault; title, default, examples, format,
 *     $schema and $comment do nothing. Any other keyword makes the manifest wrong: nothing is
 *     checked by halves.
 * At most 32 schemas may stand in one another. "base_url" need not be named. { "anyOf": [ false ],
 * "description": "it is …" } refuses a member and says why. The options of a preset have to be good
 * by themselves, but for what is required at the top: that the operator may give.
 *
 * Other languages put the same bytes into section ".note.harborai": an ELF note, 4-byte aligned,
 * owner "HarborAI", type HARBORAI_NOTE_TYPE, descriptor NUL-terminated UTF-8 JSON:
 *     { "abi": [major, minor, minor required], "plugin": { … } }                              */
#define HARBORAI_NOTE_OWNER "HarborAI"
#define HARBORAI_NOTE_TYPE 0x48414931u /* "HAI1" */
#define HARBORAI_NOTE_SECTION ".note.harborai"

#define HARBORAI_TEXT__(x) #x
#define HARBORAI_TEXT_(x) HARBORAI_TEXT__(x)
#define HARBORAI_MANIFEST(...) HARBORAI_MANIFEST_LITERAL(#__VA_ARGS__)
/* The same from a string literal, where a macro takes part: "{\"version\":\"" VERSION "\"…" */
#define HARBORAI_MANIFEST_LITERAL(json)                                                       \
    HARBORAI_NOTE_("{\"abi\":[" HARBORAI_TEXT_(HARBORAI_ABI_MAJOR) ","                        \
                   HARBORAI_TEXT_(HARBORAI_ABI_MINOR) ","                                     \
                   HARBORAI_TEXT_(HARBORAI_ABI_MINOR_REQUIRED) "],\"plugin\":" json "}")
#define HARBORAI_NOTE_(json)                                                                  \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Woverlength-strings\"") \
    __attribute__((used, section(HARBORAI_NOTE_SECTION))) HARBORAI_ALIGNAS_(4)                \
    static const struct {                                                                     \
        uint32_t name_size, descriptor_size, type;                                            \
        char name[(sizeof HARBORAI_NOTE_OWNER + 3) / 4 * 4];                                  \
        char descriptor[sizeof(json)];                                                        \
    } harborai_manifest_note_ = { sizeof HARBORAI_NOTE_OWNER, sizeof(json),                   \
                                  HARBORAI_NOTE_TYPE, HARBORAI_NOTE_OWNER, json };            \
    _Pragma("GCC diagnostic pop")                                                             \
    HARBORAI_ASSERT_(sizeof harborai_manifest_note_.descriptor <= 262144, "at most 256 KiB")

/* ---- A call ------------------------------------------------------------------------------ */

typedef struct harborai_host harborai_host;         /* what the host offers to one provider */
typedef struct harborai_provider harborai_provider; /* a configured account; the plugin's own */

/* One request of an application, on its way. Valid until on_release() returns, which does not come
 * before the plugin function that called finish() has returned. */
typedef struct harborai_call {
    uint32_t size;
    uint32_t flags;            /* reserved, 0 */
    const harborai_host *host; /* the one that create() was given */
    void *state;               /* harborai_plugin.call_state_size zeroed bytes for the plugin,
                                  aligned for any type; freed by the host after on_release() */
} harborai_call;

/* One HTTP header. Frozen. With `secret` the host completes the value: it sends `value` with the
 * first "%s" replaced by the secret of that name, and the plugin is never handed the key:
 *     { "authorization", "Bearer %s", "api_key" }
 * The secret "*" means: the value itself is secret (a token that the plugin fetched, a signature);
 * it is sent as it is and masked in logs, traces and recordings. */
typedef struct harborai_header {
    harborai_str name; /* lower case */
    harborai_str value;
    harborai_str secret;
} harborai_header;

enum { HARBORAI_MEMBER_ESCAPED = 1u << 0 }; /* harborai_member.flags: its name has escapes */

/* A member of a JSON object, as it is written there. Frozen. */
typedef struct harborai_member {
    harborai_str name;  /* between the quotes */
    harborai_str value; /* JSON text, without the blanks around it */
    uint32_t flags;     /* HARBORAI_MEMBER_… */
    uint32_t reserved;  /* 0 */
} harborai_member;

enum { /* harborai_request.operation. Others than CHAT come only if "operations" names them. */
    HARBORAI_OP_CHAT = 0,
    HARBORAI_OP_EMBEDDINGS = 1,
    HARBORAI_OP_RERANK = 2,
    HARBORAI_OP_RESPONSES = 3
};
enum { HARBORAI_REQUEST_STREAM = 1u << 0 }; /* .flags: the application reads a stream */

/* Valid, with everything it points to, until on_release(). */
typedef struct harborai_request {
    uint32_t size;
    uint32_t flags;               /* HARBORAI_REQUEST_… */
    uint32_t operation;           /* HARBORAI_OP_… */
    uint32_t attempt;             /* 0, then one more each time that the host begins this call
                                     again, here or with another provider */
    harborai_str call_id;         /* the same in every attempt: an idempotency key */
    harborai_str model;           /* the vendor's name of the model, aliases resolved */
    harborai_str requested_model; /* as the application wrote it */
    harborai_str model_info;      /* the model's entry in the manifest with the operator's changes,
                                     JSON: context, max_output …; "{}" = nothing known */
    harborai_str body;            /* OpenAI's request of this operation: a JSON object, checked to
                                     be valid JSON with `model` and what must go with it. Members
                                     as sent, unknown ones too; without HarborAI's own, what
                                     "unsupported" dropped, and replays of other plugins */
    const harborai_header *headers; /* the application's that "request_headers" names and the
                                       operator permits; never credentials, never cookies */
    size_t header_count;
    int64_t time_left_ms;         /* until the caller gives up, counted from chat(); 0 = no limit */
    harborai_str trace_parent;    /* W3C traceparent, also sent by the host; empty = not traced */
    const harborai_member *members; /* of `body`, in order, as the host found them when it checked it;
                                       NULL = walk it yourself. A name may stand there twice, unless
                                       the host acts on it */
    size_t member_count;
} harborai_request;

/* ---- The vendor's HTTP exchange ----------------------------------------------------------- */

enum { /* harborai_edit.kind; 0 is an error */
    HARBORAI_EDIT_REMOVE = 1, /* take it out; nothing happens if it is not there */
    HARBORAI_EDIT_JSON = 2,   /* put `value`, JSON text, in its place, or add it */
    HARBORAI_EDIT_TEXT = 3    /* the same with a string: the host quotes and escapes `value` */
};

/* A change to the application's JSON body on its way out. Frozen.
 * `path` is a JSON Pointer (RFC 6901) into harborai_request.body as it stands there, so no edit
 * moves the index of another: "/model", "/messages/3/role", and "/tools/-" to append to an array.
 * A member that is absent is added at the end of its object, which must exist. E_INVALID: that it
 * does not, an array item that is not there, two edits of which one contains the other, a value
 * that is not JSON, a member on the path that stands twice in its object. */
typedef struct harborai_edit {
    harborai_str path;
    harborai_str value;
    uint32_t kind;  /* HARBORAI_EDIT_… */
    uint32_t flags; /* 0 */
} harborai_edit;

enum { /* harborai_http_request.body_kind */
    HARBORAI_BODY_NONE = 0,
    HARBORAI_BODY_BYTES = 1, /* send `body` */
    HARBORAI_BODY_EDITED = 2 /* send harborai_request.body with `edits`: bytes that no edit touches
                                go out from where they were received, never serialised again. The
                                host sets "/model" itself, unless an edit names it */
};
enum { /* harborai_http_request.response_kind: how a 2xx answer reaches the plugin */
    HARBORAI_RESPONSE_BUFFER = 0,     /* on_data() once with the whole body */
    HARBORAI_RESPONSE_BYTES = 1,      /* on_data() for each piece as it arrives */
    HARBORAI_RESPONSE_SSE = 2,        /* on_event() for each server-sent event, "[DONE]" too;
                                         comments are left out */
    HARBORAI_RESPONSE_LINES = 3,      /* on_event() for each line (NDJSON), text in `data`: without
                                         \r\n, no empty ones, the last one also without \n */
    HARBORAI_RESPONSE_PASSTHROUGH = 4 /* the vendor speaks OpenAI's format: the host forwards the
                                         bytes as they are, asks for the usage in a stream and
                                         reads it, sees the end and finishes the call. An `error`
                                         in a 2xx answer or event goes to map_error(). A vendor
                                         that signals errors otherwise: SSE and emit_json() */
};

enum { /* harborai_http_request.flags; others are E_INVALID */
    HARBORAI_HTTP_THINK_TAGS = 1u << 0 /* PASSTHROUGH alone: of a text that begins with <think> what
                                          stands before </think> goes out as reasoning_content, for
                                          servers that leave a model's tags in `content`. Of one that
                                          tells reasoning apart itself the tags are text. A plugin
                                          that emits deltas says itself what is which */
};

/* Everything is copied by http_start(), except `body`, which must stay valid until on_release().
 * The host adds host, content-length, accept-encoding, connection; and, where the plugin gives
 * none, content-type (application/json), user-agent, traceparent. The first four are E_INVALID in
 * `headers`. Headers of the operator's configuration are added last and win. */
typedef struct harborai_http_request {
    uint32_t size;
    uint32_t body_kind;     /* HARBORAI_BODY_… */
    uint32_t response_kind; /* HARBORAI_RESPONSE_… */
    uint32_t flags;         /* HARBORAI_HTTP_… */
    harborai_str method;    /* empty = "POST" */
    harborai_str url;       /* absolute; its host must be in the manifest's or operator's list */
    const harborai_header *headers;
    size_t header_count;
    harborai_str body;
    const harborai_edit *edits;
    size_t edit_count;
    int64_t first_byte_timeout_ms; /* 0 = the operator's setting, which is also the upper limit */
    int64_t idle_timeout_ms;       /* longest silence between two pieces; 0 as above */
} harborai_http_request;

typedef struct harborai_http_response {
    uint32_t size;
    int32_t status;                 /* such as 200 */
    const harborai_header *headers; /* names in lower case */
    size_t header_count;
} harborai_http_response;

typedef struct harborai_event { /* a server-sent event (WHATWG HTML, 9.2), or a line */
    uint32_t size;
    uint32_t flags;    /* reserved, 0 */
    harborai_str type; /* the `event:` field; empty = "message" */
    harborai_str data; /* the `data:` lines, joined by \n */
    harborai_str id;
} harborai_event;

/* ---- What comes out ------------------------------------------------------------------------ */

enum { /* harborai_delta.kind */
    HARBORAI_DELTA_TEXT = 0,
    HARBORAI_DELTA_REASONING = 1,    /* shown to the application as reasoning_content */
    HARBORAI_DELTA_REFUSAL = 2,
    HARBORAI_DELTA_TOOL_CALL = 3,    /* begins a tool call: tool_id (empty: the host makes one),
                                        tool_name, and its arguments in `text` if known already */
    HARBORAI_DELTA_TOOL_INPUT = 4,   /* a piece of its arguments, JSON text; none at all is "{}" */
    HARBORAI_DELTA_EXTRA = 5,        /* a JSON object; its members join choices[choice].delta:
                                        annotations … */
    HARBORAI_DELTA_EXTRA_CHOICE = 6, /* … join choices[choice]: logprobs */
    HARBORAI_DELTA_EXTRA_ANSWER = 7, /* … join the answer itself: citations, timings */
    HARBORAI_DELTA_REPLAY = 8,       /* a JSON object that the vendor wants back unchanged in the
                                        next turn: signed or redacted reasoning. The application
                                        finds it in the message, as an item of "reasoning_details":
                                        { "provider": id of the plugin, "data": the object }. Of an
                                        answer with tool calls the host keeps it too, and puts it
                                        into the messages of applications that do not send it. A
                                        plugin finds only its own there; what is gone is not there */
    HARBORAI_DELTA_END = 9           /* this choice is complete, for its finish_reason; `text`: the
                                        vendor's own word for the reason */
};

/* A piece of the answer. The host wraps it as chat.completion.chunk, or collects it when the
 * application wants one answer: a plugin emits the same deltas in chat() and in stream().
 * Collected EXTRAs are merged: objects member by member, arrays are appended, of anything else the
 * last one holds. What needs other rules, such as audio, goes through emit_json(). */
typedef struct harborai_delta {
    uint32_t size;
    uint32_t kind;          /* HARBORAI_DELTA_… */
    uint32_t choice;        /* index of the choice, from 0 */
    uint32_t tool_index;    /* index of the tool call within the choice, from 0 */
    uint32_t finish_reason; /* HARBORAI_FINISH_…, for HARBORAI_DELTA_END */
    uint32_t reserved;      /* 0 */
    harborai_str text;
    harborai_str tool_id;
    harborai_str tool_name;
} harborai_delta;

enum { /* as OpenAI's; a reason that is a failure, such as out of resources, is an error instead */
    HARBORAI_FINISH_STOP = 0,
    HARBORAI_FINISH_LENGTH = 1,
    HARBORAI_FINISH_TOOL_CALLS = 2,
    HARBORAI_FINISH_CONTENT_FILTER = 3
};
enum { /* harborai_host.changed(): what becomes of a member of the request */
    HARBORAI_CHANGED_DROPPED = 1, /* not sent: this model would refuse or ignore it */
    HARBORAI_CHANGED_ADAPTED = 2, /* sent by another name, or with the nearest value that is taken */
    HARBORAI_CHANGED_OFF = 3      /* a feature is off for this turn: what the vendor wants back of an
                                     earlier one, such as its reasoning, is gone */
};

typedef struct harborai_result {
    uint32_t size;
    uint32_t finish_reason;         /* of choices without HARBORAI_DELTA_END; not read on error */
    const harborai_usage *usage;    /* NULL = what usage() said last */
    const harborai_error *error;    /* NULL = success. Before any delta: the host may try again or
                                       go to another provider; after one: the answer is partial */
    harborai_str vendor_request_id; /* if it is not in "request_id_header" */
    harborai_str vendor_model;      /* the model that answered, if the vendor says; else empty */
    harborai_str vendor_finish_reason; /* the vendor's own word, for the log */
    harborai_str service_tier;      /* what the vendor billed it as, in the words that pricing() knows:
                                       "batch"; empty = standard */
} harborai_result;

typedef struct harborai_price_query {
    uint32_t size;
    uint32_t flags;            /* reserved, 0 */
    harborai_str model;        /* the vendor's name */
    harborai_str service_tier; /* such as "batch"; empty = standard */
    int64_t at_unix_s;         /* the moment of the call: prices change with date and hour */
    int64_t input_tokens;      /* all input classes: some prices depend on it; 0 = not known yet */
    int64_t output_tokens;     /* likewise, all output classes */
} harborai_price_query;
typedef struct harborai_price {
    uint32_t size;
    uint32_t known_mask;     /* bit c set: per_unit[c] holds. Unset: that class is not priced */
    char currency[8];        /* ISO 4217, such as "USD" or "CNY" */
    int64_t per_unit[HARBORAI_USAGE_CLASSES]; /* in 10^-12 currency: 1 USD per 10^6 = 1000000 */
    int64_t per_request;     /* in 10^-12 currency */
    int64_t valid_until_unix_s;    /* ask again after this moment; 0 = does not change */
    int32_t scale_num, scale_den;  /* the exact sum is multiplied by num/den and then rounded,
                                      once: 11 and 10 for a region at +10 %; 0 and 0 = 1 */
} harborai_price;

/* ---- The host ------------------------------------------------------------------------------ */

/* One for each provider; valid from create() until destroy() returns. */
struct harborai_host {
    uint32_t size;
    uint16_t abi_major, abi_minor; /* of the host */
    const char *version;           /* of HarborAI, for logs; never compare it */
    void *data;                    /* the host's */

    /* [any] Write one line to the host's log, about `call` if not NULL. Secrets are masked. */
    void (*log)(const harborai_host *host, harborai_call *call, int32_t level,
                harborai_str message);

    /* [any] The wall clock, milliseconds since 1970 UTC. Tests may set it. */
    int64_t (*now_ms)(const harborai_host *host);

    /* [any] An optional interface by name, such as "harborai.metrics/1"; NULL = this host has none.
     * An interface never changes: a new version has a new name. */
    const void *(*get_extension)(const harborai_host *host, const char *name);

    /* [job] One member of the provider's configuration, by JSON Pointer: a string without quotes
     * and escapes, anything else as JSON text. Empty = absent. Valid until destroy(). */
    harborai_str (*config)(const harborai_host *host, const char *pointer);

    /* [job] The value of a secret that the manifest marks "readable"; for vendors that sign
     * requests. Empty = not configured or not permitted. Valid until destroy(): a new value means
     * a new provider. */
    harborai_str (*secret)(const harborai_host *host, const char *name);

    /* [job] One blocking exchange outside a call: for create(), tick() and harborai_models.list().
     * `done` runs before this returns, for any status; not at all when there was no answer. */
    harborai_status (*http_wait)(const harborai_host *host, const harborai_http_request *request,
                                 void (*done)(void *context, const harborai_http_response *answer,
                                              harborai_str body),
                                 void *context, harborai_error *error);

    /* [any] Have harborai_plugin.tick() run soon. Several requests may be served by one run. */
    void (*tick_now)(const harborai_host *host);

    /* [call] Zeroed memory, aligned for any type, freed after on_release(). NULL = none left. */
    void *(*alloc)(harborai_call *call, size_t size);

    /* [call] Start the HTTP exchange; one at a time, another after on_end() or in map_error().
     * Redirects are not followed. If a kept connection turns out dead, with no byte of an answer,
     * the host sends the same bytes again; every other retry goes through chat() or stream().
     * Errors: E_INVALID (bad URL, header or edit), E_AUTH (no such secret), E_CLOSED. E_INVALID of
     * this function or of emit(), passed on by the plugin, is told as E_INTERNAL: no client is to
     * blame for it, unless its own body made an edit impossible. */
    harborai_status (*http_start)(harborai_call *call, const harborai_http_request *request,
                                  harborai_error *error);

    /* [any] Emit a piece of the answer. On the call's thread its texts are not copied; on another
     * the piece is copied and handed over. Pieces from one thread keep their order, between threads
     * there is none: after hold() let one thread emit and finish. E_CLOSED: the call has ended.
     * PAUSE: taken, but the reader is slow; nothing is lost. A plugin that translates may ignore
     * it: the host stops reading from the vendor, what has arrived already still comes and may be
     * emitted. A source of its own stops within 64 KiB until on_resume(). After one or more PAUSE
     * comes at least one on_resume() or on_cancel(); on_resume() may run before emit() has
     * returned, and may come without a PAUSE. E_MEMORY: there was no room; with a piece missing
     * the call ends as failed, by this error. */
    harborai_status (*emit)(harborai_call *call, const harborai_delta *delta);

    /* [any] As emit(), for a chat.completion.chunk that the vendor wrote itself; for operations
     * other than CHAT the one whole answer. The host sets id, created and model, and reads usage
     * and finish_reason from it as in PASSTHROUGH; collected by OpenAI's rule (strings append).
     * A call uses emit() or emit_json(), not both (E_INVALID). */
    harborai_status (*emit_json)(harborai_call *call, harborai_str chunk);

    /* [any] What is known of the usage so far. Cumulative: a class that is known replaces its last
     * value. A call that is cancelled or breaks off is accounted from it, so say it as soon as the
     * vendor does. Taken until on_release() or the last unhold(), also after the call has ended. */
    harborai_status (*usage)(harborai_call *call, const harborai_usage *usage);

    /* [any] End the call, once: on_release() is all that follows, a wake() is void. May come before
     * on_end(): the host reads the rest by itself, so that the connection lives. If the host had
     * ended the call already (caller gone, time limit) only result->usage is taken: E_CLOSED. */
    harborai_status (*finish)(harborai_call *call, const harborai_result *result);

    /* [any] Have on_wake() run after delay_ms; 0 = at once. One may serve several requests. */
    harborai_status (*wake)(harborai_call *call, int64_t delay_ms);

    /* [call] Keep the call valid for a thread of the plugin: on_release() comes only after the last
     * unhold(). Without a hold only the call's thread may touch the call. */
    void (*hold)(harborai_call *call);
    /* [any] The thread's last word about the call. A thread that destroy() does not join needs
     * harborai_plugin.unload to be NULL. */
    void (*unhold)(harborai_call *call);

    /* [call] Before http_start(): the vendor does not get a member of the application's request as
     * it was written. `path` is its JSON Pointer, such as "/temperature"; `how` is HARBORAI_CHANGED_….
     * The application reads it in the header x-harborai-changed, the operator in the journal. The host
     * does nothing to the body: leave the member out, or edit it. OK: go on. E_INVALID, of DROPPED
     * alone: the operator wants such requests refused (`params: strict`); return it, with the
     * `error` that was set. */
    harborai_status (*changed)(harborai_call *call, harborai_str path, uint32_t how,
                               harborai_error *error);
};

/* ---- The plugin ---------------------------------------------------------------------------- */

/* Life: query → create → (tick, calls) → drain → (last call released) → destroy → unload.
 * Of a call: chat or stream → … → finish → on_release. "opt": may be NULL. */
typedef struct harborai_plugin {
    uint32_t size;
    uint16_t abi_major, abi_minor; /* HARBORAI_ABI_MAJOR, HARBORAI_ABI_MINOR */
    const char *id;                /* the same as in the manifest, or the host refuses the object */
    const char *version;           /* likewise */
    uint32_t call_state_size;      /* bytes of harborai_call.state */
    uint32_t flags;                /* reserved, 0 */

    /* [job] Set up one account. `config` is the provider's section of the configuration as JSON,
     * checked against the manifest's config_schema; host->config() reads one member of it. Must
     * work without network (a check of a configuration may create and destroy). OK: *provider is
     * set and not NULL, also by a plugin without state of its own; NULL is E_INTERNAL. An error: no
     * other function is called for it. */
    harborai_status (*create)(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error);
    /* [job] opt. No new calls will come; calls in flight go on. */
    void (*drain)(harborai_provider *provider);
    /* [job] Every call was released. Stop and join the provider's threads, free everything. */
    void (*destroy)(harborai_provider *provider);
    /* [job] opt. The provider's own work, such as renewing a token: after create(), then again
     * after as many ms as it returned (negative: not again) or on host->tick_now(). Calls wait
     * until it has returned for the first time. */
    int64_t (*tick)(harborai_provider *provider);

    /* [call] Begin a call: http_start(), or start own work (hold() first if on a thread); emit()
     * and finish() are allowed at once. stream() serves REQUEST_STREAM, chat() the rest, and both
     * if stream is NULL: most plugins write chat() alone and always stream from the vendor. An
     * error return is finish() with that error: an exchange that was begun is broken off.
     * on_release() follows in every case. A call that this or a function below leaves idle, with no
     * exchange, hold or wake, is ended with E_INTERNAL that names the plugin. */
    harborai_status (*chat)(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error);
    harborai_status (*stream)(harborai_provider *provider, harborai_call *call,
                              const harborai_request *request, harborai_error *error);

    /* [call] opt, as response_kind needs. The 2xx answer of http_start(), in this order. */
    void (*on_response)(harborai_provider *provider, harborai_call *call,
                        const harborai_http_response *response);
    void (*on_data)(harborai_provider *provider, harborai_call *call, harborai_str bytes);
    void (*on_event)(harborai_provider *provider, harborai_call *call,
                     const harborai_event *event);
    /* The answer is complete: finish(), http_start() again, or wake(). If the connection broke the
     * host ends the call itself and this is not called. */
    void (*on_end)(harborai_provider *provider, harborai_call *call);

    /* [call] opt. An answer that is not 2xx, or an `error` found on the PASSTHROUGH lane. `error`
     * is filled in from the status, Retry-After and OpenAI's error format; change what is odd here,
     * and add HARBORAI_ERROR_OPENAI_CODE where the vendor's codes are OpenAI's.
     * OK: the host ends the call with `error`. AGAIN: the plugin has called http_start() or wake(),
     * such as with a new token after 401, and the call goes on. `call` is NULL outside a call
     * (in a test of the plugin), then any thread: only translate. */
    harborai_status (*map_error)(harborai_provider *provider, harborai_call *call,
                                 const harborai_http_response *response, harborai_str body,
                                 harborai_error *error);

    /* [call] opt. What wake() asked for; room again after HARBORAI_PAUSE. */
    void (*on_wake)(harborai_provider *provider, harborai_call *call);
    void (*on_resume)(harborai_provider *provider, harborai_call *call);
    /* [call] opt. The host ends the call because its caller went away or a time limit passed: stop
     * own work soon, say usage(). Does not come where the host ends it for another reason. */
    void (*on_cancel)(harborai_provider *provider, harborai_call *call);
    /* [call] opt. The last word about a call; exactly once, whatever chat() returned. */
    void (*on_release)(harborai_provider *provider, harborai_call *call);

    /* [any] opt. The usage in a vendor's JSON: on the PASSTHROUGH lane the usage object alone, for
     * logs and batch files a whole answer, or a stream's events in order into one `usage`. Its size
     * is set. Pure; `provider` may be NULL. E_NOT_FOUND: there is none. NULL: OpenAI's format. */
    harborai_status (*parse_tokens)(harborai_provider *provider, harborai_str model,
                                    harborai_str json, harborai_usage *usage,
                                    harborai_error *error);
    /* [any] opt. The tariff; the host multiplies. Pure; `provider` may be NULL. NULL or
     * E_NOT_FOUND: the books that HarborAI ships decide. The operator's prices come before both. */
    harborai_status (*pricing)(harborai_provider *provider, const harborai_price_query *query,
                               harborai_price *price, harborai_error *error);

    /* [any] opt. An optional interface by name, such as HARBORAI_EXT_MODELS; NULL = none. */
    const void *(*get_extension)(harborai_provider *provider, const char *name);

    /* [job] opt. Every provider is destroyed: join the last threads, delete thread-specific keys.
     * The object is unmapped afterwards. NULL: it stays mapped until the process ends. */
    void (*unload)(void);
} harborai_plugin;

/* The only symbol that a plugin must export: its table for that major, or NULL. Pure; called before
 * anything else, and more than once. Name and type hold for every ABI major. */
HARBORAI_EXPORT const void *harborai_plugin_query(uint32_t abi_major);
#define HARBORAI_PLUGIN_QUERY_SYMBOL "harborai_plugin_query"
typedef const void *(*harborai_plugin_query_fn)(uint32_t abi_major);

/* ---- Extension "harborai.models/1": models that only a running provider knows --------- */

#define HARBORAI_EXT_MODELS "harborai.models/1"
typedef struct harborai_models { /* frozen */
    /* [job] Report each model through `add`, as an entry of the manifest's "models". */
    harborai_status (*list)(harborai_provider *provider,
                            void (*add)(void *context, harborai_str model_json), void *context,
                            harborai_error *error);
} harborai_models;

/* ---- Helpers, compiled into the plugin; not part of the ABI ----------------------------- */

static inline int harborai_str_equal(harborai_str a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.data, b, a.len) == 0);
}

/* [call] A copy, NUL-terminated, that lives as long as the call. Out of memory: { NULL, 0 }. */
static inline harborai_str harborai_keep(harborai_call *call, harborai_str text)
{
    char *data = (char *)call->host->alloc(call, text.len + 1);
    if (data != NULL && text.len > 0)
        memcpy(data, text.data, text.len);
    text.data = data;
    text.len = data != NULL ? text.len : 0;
    return text;
}

static inline harborai_delta harborai_delta_of_(uint32_t kind)
{
    harborai_str none = { NULL, 0 };
    harborai_delta delta = { sizeof delta, kind, 0, 0, 0, 0, none, none, none };
    return delta;
}

/* [any] Emit `text` as TEXT, REASONING, REFUSAL, EXTRA … of choice 0; nothing if it is empty. */
static inline harborai_status harborai_emit_text(harborai_call *call, uint32_t kind,
                                                 harborai_str text)
{
    harborai_delta delta = harborai_delta_of_(kind);
    delta.text = text;
    return text.len > 0 ? call->host->emit(call, &delta) : HARBORAI_OK;
}

/* [any] Begin a tool call of choice 0. */
static inline harborai_status harborai_emit_tool(harborai_call *call, uint32_t tool_index,
                                                 harborai_str id, harborai_str name)
{
    harborai_delta delta = harborai_delta_of_(HARBORAI_DELTA_TOOL_CALL);
    delta.tool_index = tool_index;
    delta.tool_id = id;
    delta.tool_name = name;
    return call->host->emit(call, &delta);
}

/* [any] A piece of a tool call's arguments. */
static inline harborai_status harborai_emit_tool_input(harborai_call *call, uint32_t tool_index,
                                                       harborai_str json)
{
    harborai_delta delta = harborai_delta_of_(HARBORAI_DELTA_TOOL_INPUT);
    delta.tool_index = tool_index;
    delta.text = json;
    return call->host->emit(call, &delta);
}

/* [any] End the call well. `usage` may be NULL. */
static inline harborai_status harborai_finish(harborai_call *call, uint32_t finish_reason,
                                              const harborai_usage *usage)
{
    harborai_str none = { NULL, 0 };
    harborai_result result = { sizeof result, finish_reason, usage, NULL,
                               none,          none,          none,  none };
    return call->host->finish(call, &result);
}

/* [any] End the call with an error; its flags come from the code. */
__attribute__((format(printf, 3, 4))) static inline harborai_status
harborai_fail(harborai_call *call, harborai_status code, const char *format, ...)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_str none = { NULL, 0 };
    harborai_result result = { sizeof result, 0, NULL, &error, none, none, none, none };
    va_list arguments;
    error.code = code;
    error.flags = harborai_error_flags(code);
    va_start(arguments, format);
    vsnprintf(error.message, sizeof error.message, format, arguments);
    va_end(arguments);
    return call->host->finish(call, &result);
}

#ifdef __cplusplus
}
#endif
#endif /* HARBORAI_PLUGIN_H */
