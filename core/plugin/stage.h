/* SPDX-License-Identifier: MIT */
/* The stages at which a plugin can be refused, told apart so that the way out can be named. From DLOPEN
 * on its own code runs, which may end the process. */
#ifndef PLUGIN_STAGE_H
#define PLUGIN_STAGE_H

enum plugin_stage {
    PLUGIN_STAGE_NONE, /* nothing is wrong */
    PLUGIN_STAGE_FIND,
    PLUGIN_STAGE_TRUST,
    PLUGIN_STAGE_MANIFEST,
    PLUGIN_STAGE_ABI,
    PLUGIN_STAGE_DLOPEN,
    PLUGIN_STAGE_SYMBOL,
    PLUGIN_STAGE_TABLE,
    PLUGIN_STAGE_CREATE,
    PLUGIN_STAGE_TICK, /* the first, which belongs to the load */
    PLUGIN_STAGE_DESTROY,
    PLUGIN_STAGE_UNLOAD,
    PLUGIN_STAGE_COUNT
};

/* "find", "trust" …; "" for NONE. [any] */
static inline const char *plugin_stage_name(enum plugin_stage stage)
{
    static const char *const names[] = {"",    "find",   "trust",  "manifest", "abi",
                                        "dlopen", "symbol", "table", "create", "tick", "destroy", "unload"};
    return names[stage];
}

#endif
