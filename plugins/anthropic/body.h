/* SPDX-License-Identifier: MIT */
/* A Messages request while it is written. Private to the request_….c files. */
#ifndef ANTHROPIC_BODY_H
#define ANTHROPIC_BODY_H

#include <stdbool.h>

#include <harborai/plugin.h>

#include "json_out.h"
#include "plugins/anthropic/models.h"
#include "plugins/anthropic/settings.h"

#define ANTHROPIC_ID "org.harborai.anthropic"

/* Members of the application's request that are read here; all others go out as they came. */
enum field {
    FIELD_MESSAGES, FIELD_MODEL, FIELD_STREAM, FIELD_STREAM_OPTIONS, FIELD_N,
    FIELD_MAX_TOKENS, FIELD_MAX_COMPLETION_TOKENS, FIELD_STOP, FIELD_STOP_SEQUENCES,
    FIELD_TEMPERATURE, FIELD_TOP_P, FIELD_TOP_K,
    FIELD_TOOLS, FIELD_FUNCTIONS, FIELD_TOOL_CHOICE, FIELD_FUNCTION_CALL,
    FIELD_PARALLEL_TOOL_CALLS, FIELD_RESPONSE_FORMAT, FIELD_REASONING_EFFORT,
    FIELD_REASONING, FIELD_ENABLE_THINKING, FIELD_THINKING_BUDGET, /* other vendors' words */
    FIELD_THINKING, FIELD_OUTPUT_CONFIG, FIELD_SYSTEM, FIELD_METADATA,
    FIELD_USER, FIELD_SAFETY_IDENTIFIER, FIELD_SERVICE_TIER, FIELD_MODALITIES, FIELD_AUDIO,
    FIELD_COUNT
};

enum turn { TURN_NONE, TURN_USER, TURN_ASSISTANT };

struct body {
    harborai_call *call;
    const harborai_provider *settings;
    const harborai_request *request;
    const struct model_rules *rules;
    struct json_out *out;           /* the request */
    struct json_out *system;        /* what its `system` will hold: items of an array */
    harborai_error *error;
    harborai_str field[FIELD_COUNT]; /* as written; empty = absent or null */
    int64_t max_tokens;

    size_t index;          /* of the message that is being written */
    enum turn turn;        /* that is open in `out` */
    harborai_str tool;     /* the name of a tool that was called, a JSON string */
    unsigned calls;        /* by the retired function_call, which has no id */
    bool has_turns;        /* a message was written: a system message now is out of its place */
    bool last_has_tools;   /* the last assistant message has tool calls, */
    bool last_has_replay;  /* and what the vendor gave to be sent back */
    bool forces_tool;      /* tool_choice */
    bool thinks;           /* the model will, as far as can be known */
};

/* E_INVALID or E_UNSUPPORTED. `param` is the pointer to the member at fault. */
__attribute__((format(printf, 4, 5))) harborai_status
body_refuse(struct body *b, harborai_status code, const char *param, const char *format, ...);
/* A member does not go out as it was written; see harborai_host.changed(). */
harborai_status body_tell(struct body *b, const char *param, uint32_t how);

/* The members of an object that have these names, each the first of its name, empty = absent: one
 * walk, since a value may be megabytes long. */
void body_read(harborai_str object, const harborai_str *names, harborai_str *ret_values,
               size_t count);

/* request_messages.c: `messages`, and the items of `system`. */
harborai_status body_write_messages(struct body *b);
/* request_parts.c: a message's content as items of that turn; TURN_NONE: of the open array, which is
 * a tool's. `cache` is the cache_control of the message, for a content that is one string. */
harborai_status body_write_content(struct body *b, harborai_str content, harborai_str cache,
                                   enum turn turn);
/* Opens the turn, if it is not open, before the first of its items. */
void body_open_turn(struct body *b, enum turn turn);
void body_write_text(struct json_out *out, harborai_str text, harborai_str cache);
bool body_is_blank(harborai_str text); /* a JSON string without anything to read, or no string */
/* request_tools.c: `tools` and `tool_choice`. */
harborai_status body_write_tools(struct body *b);
/* An id as the vendor takes it, [a-zA-Z0-9_-]; `id` is a JSON string. */
void body_write_tool_id(struct json_out *out, harborai_str id);
/* request_options.c: all that is neither messages, tools nor thinking. */
harborai_status body_write_limits(struct body *b);   /* max_tokens, stop; before thinking */
harborai_status body_write_sampling(struct body *b); /* after thinking */
harborai_status body_write_rest(struct body *b);     /* user, tier */

#endif
