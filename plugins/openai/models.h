/* SPDX-License-Identifier: MIT */
/* OpenAI's reasoning models in Chat Completions: what they take. */
#ifndef OPENAI_MODELS_H
#define OPENAI_MODELS_H

#include <harborai/plugin.h>
#include <stdbool.h>

struct model_rules {
    const char *pattern;      /* as options_fits() has it */
    uint32_t efforts;         /* EFFORT_… that reasoning_effort may have */
    uint32_t without;         /* what a request without reasoning_effort means; 0 = the model decides */
    bool has_no_stop;         /* `stop` is refused */
    bool tools_need_none;     /* function tools go with reasoning_effort none alone */
    bool tools_need_it_said;  /* and it has to be written: leaving it out means another */
    bool is_older;            /* than reasoning: takes max_tokens and whatever stands in messages */
};

/* NULL: not a model of OpenAI's, or one that is younger than this table. */
const struct model_rules *model_rules_find(harborai_str model);

#endif
