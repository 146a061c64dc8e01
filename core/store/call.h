/* SPDX-License-Identifier: MIT */
/* One ended call as its lines of the journal say it, of whatever version they are: members that are
 * missing stay unknown, those that this version does not know are passed over. Texts are borrowed from
 * the lines, or from the caller's buffer where they had escapes. They are UTF-8 without a NUL, which
 * is U+FFFD here: databases refuse it. [any] */
#ifndef STORE_CALL_H
#define STORE_CALL_H

#include <stdbool.h>

#include "base/buf.h"

enum call_outcome { CALL_OK, CALL_ERROR, CALL_CANCELLED, CALL_INTERRUPTED, CALL_OUTCOME_COUNT };

struct call {
    /* Names. */
    harborai_str key; /* UUIDv7: the primary key everywhere */
    harborai_str id;  /* hb_… */
    harborai_str request_id, trace_id, span_id, parent_span_id, client;
    harborai_str tags; /* a JSON object as it stands; empty: none */

    /* What was asked for, and where it went. */
    harborai_str provider, plugin, model, upstream_model, vendor_model, vendor_request_id;
    harborai_str service_tier;
    bool is_stream;
    unsigned attempts;

    /* When: ns since 1970 UTC. */
    int64_t begin_ns, end_ns;
    int64_t ttft_ns;  /* from the begin; -1: none */
    int64_t amend_ns; /* 0: never amended */

    /* How it ended. */
    int status, vendor_status; /* of HTTP; 0: none */
    enum call_outcome outcome;
    harborai_str error_code, error_message, vendor_code, finish_reason, changed;

    /* What it took. */
    int64_t tokens[HARBORAI_USAGE_CLASSES];
    uint32_t known_mask; /* as in harborai_usage */
    bool is_estimated;
    int64_t prompt_tokens, completion_tokens; /* sums of the classes; -1: none is known */
    int64_t total_tokens; /* the vendor's if it gave one, else the sum; -1: not known */
    harborai_str parsing_method, parsing_error;
    harborai_str usage; /* the vendor's JSON object; empty: none */
    int confidence;     /* of parsing_method, in tenths */
    bool is_cost_known;
    int64_t cost_pico, cost_input_pico, cost_output_pico; /* -1 of the parts: not told apart */
    harborai_str currency, cost_reason, cost_class, price_source, price_date;
    uint64_t bytes_in, bytes_out, vendor_bytes_in, vendor_bytes_out;
    unsigned stream_repairs;

    /* What was asked and answered, JSON objects (call_content.h): set by who reads the journal, where that
     * has them, else empty. */
    harborai_str request, response;

    /* Where it stands: set by who reads the journal, empty and 0 where that is not known. */
    harborai_str segment; /* the identity: the file's name without a suffix */
    uint64_t offset;      /* of the end line, in plain text */
    harborai_str line;    /* the end line; of an amendment, the amend line */
};

/* Reads an end line and what an amend line, if it is not empty, puts in its place. With an amend line
 * alone, only what that says is known; its end_ns is 0. `texts` is cleared, and has a ceiling of the
 * two lines' length at least; borrows from all three. E_INVALID: it is no such line, or its key or
 * begin is missing. E_MEMORY. */
MUST_CHECK harborai_status call_read(harborai_str end_line, harborai_str amend_line,
                                     struct buf *texts, struct call *ret_call,
                                     harborai_error *error);

/* prompt_tokens, completion_tokens and total_tokens of what is known: tokens, known_mask and usage. */
void call_derive(struct call *call);

/* Adds the call as JSON on one line, with the names and in the order of the journal's end lines, and
 * behind them its request and response, if they are known. */
void call_write(struct buf *out, const struct call *call);

/* The object "tokens": {"input":10,"output":2}. Reading adds to what is known. */
void call_tokens_write(struct buf *out, const struct call *call);
void call_tokens_read(harborai_str object, struct call *call);

/* An exact decimal without sign, "0.0054", in pico. False: it is none, has more than 12 decimals, or is
 * too large. */
bool call_money_read(harborai_str decimal, int64_t *ret_pico);

/* "ok", "error", "cancelled", "interrupted". */
const char *call_outcome_name(enum call_outcome outcome);

/* False: there is no such outcome. */
bool call_outcome_read(harborai_str name, enum call_outcome *ret_outcome);

#endif
