/* SPDX-License-Identifier: MIT */
/* The rules of each model, as of 2026-11-21. Sources:
 *   [T] platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting and /thinking: which
 *       thinking.type each model takes; budgets alone up to 4.5, refused from 4.7 on
 *   [S] …/docs/en/models/sonnet-5-5/migration-guide and whats-new-sonnet-5-5: between_tools, effort
 *       up to high with it, no forced tools, no sampling, display "omitted" by default
 *   [O] …/docs/en/models/opus-5-5/whats-new-opus-5-5: thinking always on, no forced tools; of Opus 5,
 *       that it can be disabled at effort high or lower. Fable 5.1 is told to be alike
 *   [L] LiteLLM 1.109.1 (second-hand): supports_sampling_params, thinking_always_on,
 *       supports_forced_tool_use, supports_xhigh_reasoning_effort, supports_native_structured_output
 *   [A] docs.apiyi.com "claude thinking guide refresh" (second-hand): Haiku 5.5 can disable thinking
 *       at effort high or lower */
#include "plugins/anthropic/models.h"

#include <string.h>

/* The longest prefix that fits holds. */
static const struct model_rules table[] = {
    /* prefix              off           budget low_off xhigh  hides  sampl. forced schema */
    {"claude-opus-5-5",    OFF_NEVER,    false, false,  true,  true,  false, false, true}, /* O L */
    {"claude-opus-5",      OFF_DISABLED, false, true,   true,  true,  false, true,  true}, /* O L */
    {"claude-sonnet-5-5",  OFF_BETWEEN,  false, true,   true,  true,  false, false, true}, /* S L */
    {"claude-sonnet-5",    OFF_DISABLED, false, false,  true,  true,  false, true,  true}, /* S L */
    {"claude-haiku-5",     OFF_DISABLED, false, true,   true,  true,  false, true,  true}, /* A L */
    {"claude-fable-5-",    OFF_NEVER,    false, false,  true,  true,  false, false, true}, /* T L */
    {"claude-fable-5",     OFF_NEVER,    false, false,  true,  true,  false, true,  true}, /* T L */
    {"claude-mythos",      OFF_NEVER,    false, false,  true,  true,  false, false, true}, /* T L */
    {"claude-opus-4-8",    OFF_UNSAID,   false, false,  true,  true,  false, true,  true}, /* T L */
    {"claude-opus-4-7",    OFF_UNSAID,   false, false,  true,  true,  false, true,  true}, /* T L */
    {"claude-opus-4-6",    OFF_UNSAID,   false, false,  false, false, true,  true,  true}, /* T L */
    {"claude-sonnet-4-6",  OFF_UNSAID,   false, false,  false, false, true,  true,  true}, /* T L */
    {"claude-opus-4-5",    OFF_UNSAID,   true,  false,  false, false, true,  true,  true}, /* T L */
    {"claude-sonnet-4-5",  OFF_UNSAID,   true,  false,  false, false, true,  true,  true}, /* T L */
    {"claude-haiku-4-5",   OFF_UNSAID,   true,  false,  false, false, true,  true,  true}, /* T L */
    {"claude-opus-4",      OFF_UNSAID,   true,  false,  false, false, true,  true,  false}, /* T */
    {"claude-sonnet-4",    OFF_UNSAID,   true,  false,  false, false, true,  true,  false}, /* T */
    {"claude-3",           OFF_UNSAID,   true,  false,  false, false, true,  true,  false}, /* T */
    {"claude-2",           OFF_UNSAID,   true,  false,  false, false, true,  true,  false},
    {"",                   OFF_NEVER,    false, false,  true,  true,  false, false, true},
};

const struct model_rules *model_rules_of(harborai_str model)
{
    const struct model_rules *best = &table[sizeof table / sizeof *table - 1];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t len = strlen(table[i].prefix);
        if (len > strlen(best->prefix) && model.len >= len &&
            memcmp(model.data, table[i].prefix, len) == 0)
            best = &table[i];
    }
    return best;
}
