/* SPDX-License-Identifier: MIT */
/* What each of Anthropic's models takes, where they differ: data. */
#ifndef ANTHROPIC_MODELS_H
#define ANTHROPIC_MODELS_H

#include <stdbool.h>

#include <harborai/types.h>

enum thinking_off { /* how a request says that the model shall not think */
    OFF_UNSAID,   /* by saying nothing: it does not think unless it is told to */
    OFF_DISABLED, /* {"type":"disabled"} */
    OFF_BETWEEN,  /* {"type":"between_tools"} at the least: short notes between tool calls remain */
    OFF_NEVER     /* it always thinks */
};

struct model_rules {
    const char *prefix;     /* of the model's name */
    enum thinking_off off;
    bool budget;            /* thinking is {"type":"enabled","budget_tokens":N}, not "adaptive" */
    bool low_off;           /* thinking can be off up to effort "high" only */
    bool xhigh;             /* has effort "xhigh" */
    bool hides;             /* leaves the text of its thinking out unless display says otherwise */
    bool sampling;          /* takes temperature, top_p, top_k */
    bool forced_tools;      /* takes tool_choice any and tool */
    bool schema;            /* has output_config.format */
};

/* Never NULL: of a name that is not in the table, the rules of the youngest models, which refuse
 * most and hence are given least. */
const struct model_rules *model_rules_of(harborai_str model);

#endif
