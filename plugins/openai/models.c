/* SPDX-License-Identifier: MIT */
/* Facts alone. Sources, as of 2026-11-21:
 *  [1] OpenAI's OpenAPI text of reasoning_effort, as in learn.microsoft.com/…/reasoningeffort: none is
 *      younger than gpt-5.1, whose default it is; xhigh than gpt-5.1-codex-max; before: medium.
 *  [2] developers.openai.com/api/docs/guides/latest-model?model=gpt-5: minimal, low, medium, high
 *      (quoted in github.com/QwenLM/qwen-code/pull/11295).
 *  [3] LiteLLM 1.109.1, model_prices_and_context_window_backup.json: supports_…_reasoning_effort.
 *      Second-hand.
 *  [4] github.com/BerriAI/litellm/pull/34569, github.com/livekit/agents/pull/7169 and /5088,
 *      github.com/openai/openai-openapi/issues/541, github.com/onyx-dot-app/onyx/issues/15008: function
 *      tools are a 400 unless reasoning_effort is none. Of gpt-5.2 and gpt-5.4 none is the default, of
 *      gpt-5.6 and gpt-6-sol it has to be written. Second-hand, with the vendor's message.
 *  [5] github.com/BerriAI/litellm-docs/pull/1173: gpt-6-astra takes low to xhigh here, max in Responses
 *      alone. github.com/bolna-ai/bolna/pull/1019: no stop either. Second-hand.
 *  [6] OpenAI's OpenAPI text of stop: not supported with the latest reasoning models o3 and o4-mini.
 *  [7] github.com/egoist/chatwise-releases/issues/1257: gpt-5.2-chat takes medium alone. Second-hand.
 *  [8] github.com/BerriAI/litellm/issues/13781: gpt-5-chat does not reason. Second-hand.
 *  [9] github.com/davidmigloz/langchain_dart/issues/712, the vendor's message: "Unrecognized request
 *      argument supplied: reasoning_effort" of gpt-4o. Second-hand. */
#include "plugins/openai/models.h"

#include "plugins/openai/options.h"

#define LOW_TO_HIGH (EFFORT_LOW | EFFORT_MEDIUM | EFFORT_HIGH)
#define LOW_TO_XHIGH (LOW_TO_HIGH | EFFORT_XHIGH)

/* The first that fits. */
static const struct model_rules rules[] = {
    {"gpt-5-chat*", 0, EFFORT_NONE, false, false, false, false},                      /* [8] */
    {"gpt-5.1-chat*", EFFORT_MEDIUM, 0, false, false, false, false},                  /* [7] */
    {"gpt-5.2-chat*", EFFORT_MEDIUM, 0, false, false, false, false},                  /* [7] */
    {"gpt-5.3-chat*", EFFORT_MEDIUM, 0, false, false, false, false},                  /* [7] */
    {"chat-latest", EFFORT_MEDIUM, 0, false, false, false, false},                    /* [3] */
    {"gpt-5.1*", EFFORT_NONE | LOW_TO_HIGH, EFFORT_NONE, false, false, false, false}, /* [1] */
    {"gpt-5.2*", EFFORT_NONE | LOW_TO_XHIGH, EFFORT_NONE, false, true, false, false}, /* [1] [3] [4] */
    {"gpt-5.4*", EFFORT_NONE | LOW_TO_XHIGH, EFFORT_NONE, false, true, false, false}, /* [3] [4] */
    {"gpt-5.5*", EFFORT_NONE | LOW_TO_XHIGH, 0, false, true, true, false},            /* [3] [4] */
    {"gpt-5.6*", EFFORT_NONE | LOW_TO_XHIGH, 0, false, true, true, false},            /* [3] [4] */
    {"gpt-5*", EFFORT_MINIMAL | LOW_TO_HIGH, 0, false, false, false, false},          /* [2] */
    {"gpt-6-astra*", LOW_TO_XHIGH, 0, true, false, false, false},                     /* [3] [5] */
    {"gpt-6.1-sol*", LOW_TO_XHIGH | EFFORT_MAX, 0, false, false, false, false},       /* [3] */
    {"gpt-6*", EFFORT_NONE | LOW_TO_XHIGH | EFFORT_MAX, 0, false, true, true, false}, /* [3] [4] */
    {"o1*", LOW_TO_HIGH, 0, false, false, false, false},                              /* [1] */
    {"o3-mini*", LOW_TO_HIGH, 0, false, false, false, false},                         /* [1] */
    {"o3*", LOW_TO_HIGH, 0, true, false, false, false},                               /* [1] [6] */
    {"o4*", LOW_TO_HIGH, 0, true, false, false, false},                               /* [1] [6] */
    {"gpt-4*", 0, EFFORT_NONE, false, false, false, true},                            /* [9] */
    {"gpt-3.5*", 0, EFFORT_NONE, false, false, false, true},                          /* [9] */
    {"chatgpt-*", 0, EFFORT_NONE, false, false, false, true},                         /* [9] */
};

/* As options_fits(): nearly all differ within the first few bytes. */
static bool fits(harborai_str model, const char *pattern)
{
    size_t i = 0;
    while (i < model.len && pattern[i] == model.data[i] && pattern[i] != '*' && pattern[i] != '\0')
        i++;
    return pattern[i] == '*' || (pattern[i] == '\0' && i == model.len);
}

const struct model_rules *model_rules_find(harborai_str model)
{
    if (model.len > 3 && memcmp(model.data, "ft:", 3) == 0)
        model = (harborai_str){model.data + 3, model.len - 3};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (model.len > 0 && model.data[0] == rules[i].pattern[0] && fits(model, rules[i].pattern))
            return &rules[i];
    return NULL;
}
