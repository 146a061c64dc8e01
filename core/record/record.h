/* SPDX-License-Identifier: MIT */
/* What is known of a call: flat facts, no content. The engine fills it in as the call goes; its
 * texts are borrowed from the call's arena and live as long as the call. */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include "base/slice.h"

/* Where the time of a call goes; doc/metrics.md says what each is. */
enum record_phase {
    RECORD_PARSE,
    RECORD_ADMIT,
    RECORD_ROUTE,
    RECORD_PLUGIN,
    RECORD_QUEUE,
    RECORD_UPSTREAM,
    RECORD_WRITE, /* the front's: 0 here */
    RECORD_PHASES
};

struct record {
    /* Names: as of ids.h, NUL-terminated. */
    char key[37];            /* UUIDv7, the record's primary key */
    char hb_id[32];          /* hb_<ms>_<8 hex>, for people */
    char trace_id[33];       /* W3C, of the client or ours */
    char parent_span_id[17]; /* the client's span; "" = it sent none */
    char span_id[17];        /* of the attempt, as its traceparent says it to the vendor */
    harborai_str request_id; /* x-request-id */
    harborai_str client;     /* an address, "cli" */
    harborai_str tags;       /* a JSON object that the caller gave; empty = none */

    /* What was asked for, and where it went. */
    harborai_str model;          /* as the client wrote it */
    harborai_str provider;       /* of the last attempt; empty = not routed */
    harborai_str plugin;         /* its id, "org.harborai.openai"; empty = it was not loaded */
    harborai_str upstream_model; /* the vendor's name of it */
    bool is_listed; /* the configuration or a manifest names that model, not the client alone */
    bool is_stream;
    bool is_sampled; /* the trace: as the client's traceparent says; without one, yes */
    bool is_refused; /* somebody who is told of calls had no room for it: it is counted, no more */
    uint32_t attempts; /* begun so far; of the begin line: its number, from 1 */

    /* When. */
    int64_t begin_ns;         /* UTC, ns since 1970: the first byte of the request */
    int64_t attempt_begin_ns; /* UTC: the last attempt */
    int64_t ttft_ns;          /* from begin_ns to the first text, reasoning or tool call; -1 = none */
    int64_t total_ns;         /* from begin_ns to the end, by the monotonic clock */
    int64_t phase_ns[RECORD_PHASES];
    int64_t overhead_ns;      /* until the head of the answer, without the vendor's; -1 = not known yet */
    int64_t write_since_ns;   /* monotonic; once it has ended */
    int64_t amend_ns;         /* UTC: what it took was corrected after the end; 0 = never */

    /* How it ended. */
    harborai_status status;      /* HARBORAI_OK or HARBORAI_E_…, E_CANCELLED: the client left */
    int http_status;             /* that the client saw; 499: it left before; 0 = none, not by HTTP */
    int vendor_status;           /* the vendor's HTTP status; 0 = no answer */
    harborai_str finish_reason;  /* of choice 0, OpenAI's word */
    harborai_str error_message;  /* for people; no prompt, no answer, no key */
    harborai_str vendor_code;    /* the vendor's own error code */
    harborai_str vendor_model;   /* the model that the vendor says has answered */
    harborai_str vendor_request_id;
    harborai_str service_tier;   /* as the vendor says */
    harborai_str changed; /* members that the vendor did not get as they were written, with what became
                             of them: "temperature;dropped, thinking;off" */

    /* What it took. */
    harborai_usage usage;      /* with the vendor's object as it wrote it */
    harborai_str usage_method; /* who read it: "deepseek_direct" …; empty = there was none to read */
    int usage_confidence;      /* in tenths, with a method: 10 = it adds up to the vendor's total */
    harborai_str usage_error;  /* why it could not be read */
    bool is_cost_known;
    int64_t cost_pico;         /* 10^-12 of the currency; 0 if not known */
    int64_t cost_input_pico, cost_output_pico; /* what it is the sum of */
    harborai_str cost_currency;
    harborai_str cost_source;  /* "plugin:org.harborai.openai 0.1.0" */
    harborai_str cost_date;    /* of the source's prices */
    harborai_str cost_reason;  /* why it is not known: "no_price" … */
    int cost_class;            /* the class of usage without a price; -1 = none */
    uint32_t resends; /* attempts because a kept connection had died */
    uint32_t connects, reuses; /* answers that came on a new connection, on a kept one */
    uint32_t stream_events, stream_repairs; /* of the vendor's stream */
    uint64_t client_bytes_in, client_bytes_out;
    uint64_t vendor_bytes_in, vendor_bytes_out;
};

/* A record of which nothing is known yet. */
static inline void record_init(struct record *record)
{
    *record = (struct record){
        .ttft_ns = -1, .overhead_ns = -1, .usage = {.size = sizeof record->usage}, .cost_class = -1};
}

#endif
