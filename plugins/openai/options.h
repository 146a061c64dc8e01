/* SPDX-License-Identifier: MIT */
/* The options of a provider: in what its server differs from OpenAI. doc/providers/compatible.md
 * tells what each means. */
#ifndef OPENAI_OPTIONS_H
#define OPENAI_OPTIONS_H

#include <harborai/plugin.h>
#include <stdbool.h>

enum options_reasoning {    /* how reasoning is switched, and what becomes of the other switches */
    OPTIONS_OPENAI,        /* by the table of OpenAI's models; nothing for others */
    OPTIONS_AS_SENT,
    OPTIONS_EFFORT,        /* reasoning_effort */
    OPTIONS_THINKING,      /* thinking: {"type": "enabled" | "disabled"} */
    OPTIONS_ADAPTIVE,      /* thinking: {"type": "adaptive" | "disabled"} */
    OPTIONS_ENABLE_THINKING, /* enable_thinking: true | false */
    OPTIONS_CHAT_TEMPLATE, /* chat_template_kwargs: {"enable_thinking": … }, and reasoning_effort */
    OPTIONS_DROP
};

enum options_max_tokens { MAX_TOKENS_AS_SENT, MAX_TOKENS_OLD, MAX_TOKENS_NEW };

enum { /* values of reasoning_effort, as bits; in ascending order */
    EFFORT_NONE = 1 << 0,
    EFFORT_MINIMAL = 1 << 1,
    EFFORT_LOW = 1 << 2,
    EFFORT_MEDIUM = 1 << 3,
    EFFORT_HIGH = 1 << 4,
    EFFORT_XHIGH = 1 << 5,
    EFFORT_MAX = 1 << 6
};

enum { OPTIONS_PATTERNS = 32, OPTIONS_HEADERS = 8 };

struct options_models { /* names and patterns */
    harborai_str pattern[OPTIONS_PATTERNS];
    size_t count;
};

struct options { /* texts are the host's, until destroy() */
    struct options_rule {
        harborai_str pattern; /* of models; `*` at its end stands for the rest */
        enum options_reasoning how;
    } reasoning[OPTIONS_PATTERNS]; /* the first that fits */
    size_t reasoning_count;
    uint32_t efforts; /* EFFORT_… that are taken; 0 = all */
    struct options_models fixed_sampling;
    struct options_models think_tags; /* reasoning may stand in their text, in <think>…</think> */
    enum options_max_tokens max_tokens;
    harborai_str seed_member;          /* in place of "seed"; empty = that */
    const char *tool_choice_required;  /* in place of "required"; NULL = that */
    harborai_str defaults;             /* a JSON object: members of each request without them */
    bool has_system_role; /* "developer" is sent as "system" */
    bool removes_names;   /* messages[].name */
    bool removes_history; /* messages[].reasoning_content and its like */
    bool requires_history; /* messages without it are refused while the model thinks */
    bool never_asks_usage;
    bool has_prices; /* OpenAI's book holds */
    harborai_header headers[OPTIONS_HEADERS];
    size_t header_count;
};

/* The manifest's config_schema, as a string literal. What it does not say options_read() sees to. */
#define OPTIONS_EFFORTS_                                                                           \
    "[\"none\",\"minimal\",\"low\",\"medium\",\"high\",\"xhigh\",\"max\"]"
#define OPTIONS_REASONING_                                                                         \
    "{\"enum\":[\"openai\",\"as_sent\",\"effort\",\"thinking\",\"adaptive\",\"enable_thinking\","  \
    "\"chat_template\",\"drop\"]}"
#define OPTIONS_SCHEMA                                                                             \
    "{\"additionalProperties\":false,\"properties\":{"                                             \
    "\"defaults\":{\"type\":\"object\"},"                                                          \
    "\"developer_role\":{\"enum\":[\"developer\",\"system\"]},"                                    \
    "\"efforts\":{\"type\":\"array\",\"items\":{\"enum\":" OPTIONS_EFFORTS_ "}},"                  \
    "\"fixed_sampling\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"                     \
    "\"headers\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"            \
    "\"history_reasoning\":{\"enum\":[\"keep\",\"remove\",\"required\"]},"                         \
    "\"list_prices\":{\"type\":\"boolean\"},"                                                      \
    "\"max_tokens_member\":{\"enum\":[\"as_sent\",\"max_tokens\",\"max_completion_tokens\"]},"     \
    "\"message_names\":{\"enum\":[\"keep\",\"remove\"]},"                                          \
    "\"organization\":{\"type\":\"string\"},"                                                      \
    "\"project\":{\"type\":\"string\"},"                                                           \
    "\"reasoning\":{\"anyOf\":[" OPTIONS_REASONING_ ",{\"type\":\"object\","                       \
    "\"additionalProperties\":" OPTIONS_REASONING_ "}]},"                                          \
    "\"seed_member\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"                      \
    "\"stream_usage\":{\"enum\":[\"ask\",\"never\"]},"                                             \
    "\"think_tags\":{\"anyOf\":[{\"type\":\"boolean\"},{\"type\":\"array\",\"items\":"             \
    "{\"type\":\"string\"}}]},"                                                                    \
    "\"tool_choice_required\":{\"enum\":[\"required\",\"any\",\"auto\"]}}}"

/* [job] E_CONFIG, with the way out: an option that is unknown or wrong; error->param names it. */
harborai_status options_read(const harborai_host *host, harborai_str config, struct options *ret,
                             harborai_error *error);

/* The bit of a value of reasoning_effort, and the other way round; 0 and NULL = none. */
uint32_t options_effort_bit(harborai_str name);
const char *options_effort_name(uint32_t bit);

/* Whether `name` is `pattern`, or begins with what stands before its star. */
bool options_fits(harborai_str name, harborai_str pattern);
bool options_models_have(const struct options_models *models, harborai_str name);

#endif
