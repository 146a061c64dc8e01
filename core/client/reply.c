/* SPDX-License-Identifier: MIT */
/* Reads what came of a call. Everything was found before: these only look. */
#include <stdlib.h>

#include "chat/usage.h"
#include "client/outcome.h"

static const harborai_usage no_usage = {.size = sizeof no_usage};

const char *harborai_reply_text(const harborai_reply *reply)
{
    return reply != NULL ? reply->text : "";
}

const char *harborai_reply_reasoning(const harborai_reply *reply)
{
    return reply != NULL ? reply->reasoning : "";
}

harborai_str harborai_reply_json(const harborai_reply *reply)
{
    return reply != NULL ? reply->json : HARBORAI_STR("");
}

const char *harborai_reply_finish_reason(const harborai_reply *reply)
{
    return reply != NULL ? reply->finish_reason : "";
}

const char *harborai_reply_provider(const harborai_reply *reply)
{
    return reply != NULL ? reply->provider : "";
}

const char *harborai_reply_model(const harborai_reply *reply)
{
    return reply != NULL ? reply->model : "";
}

const char *harborai_reply_completion_id(const harborai_reply *reply)
{
    return reply != NULL ? reply->completion_id : "";
}

const char *harborai_reply_id(const harborai_reply *reply)
{
    return reply != NULL ? reply->id : "";
}

const char *harborai_reply_record_key(const harborai_reply *reply)
{
    return reply != NULL ? reply->key : "";
}

const char *harborai_reply_trace_id(const harborai_reply *reply)
{
    return reply != NULL ? reply->trace_id : "";
}

const harborai_usage *harborai_reply_usage(const harborai_reply *reply)
{
    return reply != NULL ? &reply->usage : &no_usage;
}

/* Without this class the others are a part of the sum only. */
static bool knows(const harborai_usage *usage, unsigned usage_class)
{
    return (usage->known_mask >> usage_class & 1) != 0;
}

int64_t harborai_reply_tokens_in(const harborai_reply *reply)
{
    bool is_known = reply != NULL && knows(&reply->usage, HARBORAI_TOKENS_INPUT);
    return is_known ? usage_input_total(&reply->usage) : -1;
}

int64_t harborai_reply_tokens_out(const harborai_reply *reply)
{
    bool is_known = reply != NULL && knows(&reply->usage, HARBORAI_TOKENS_OUTPUT);
    return is_known ? usage_output_total(&reply->usage) : -1;
}

const char *harborai_reply_cost(const harborai_reply *reply)
{
    return reply != NULL ? reply->cost : "";
}

const char *harborai_reply_currency(const harborai_reply *reply)
{
    return reply != NULL ? reply->currency : "";
}

const char *harborai_reply_cost_reason(const harborai_reply *reply)
{
    return reply != NULL ? reply->cost_reason : "";
}

const char *harborai_reply_changed(const harborai_reply *reply)
{
    return reply != NULL ? reply->changed : "";
}

int64_t harborai_reply_total_ns(const harborai_reply *reply)
{
    return reply != NULL ? reply->total_ns : 0;
}

int64_t harborai_reply_first_ns(const harborai_reply *reply)
{
    return reply != NULL ? reply->first_ns : -1;
}

void harborai_reply_free(harborai_reply *reply)
{
    if (reply == NULL)
        return;
    outcome_release(reply);
    free(reply);
}
