/* SPDX-License-Identifier: MIT */
/* What there is of plugins and providers at one moment: a copy, which nothing changes. */
#ifndef RUNTIME_LISTING_H
#define RUNTIME_LISTING_H

#include "base/arena.h"
#include "plugin/discover.h"
#include "plugin/slot.h"

/* A file in a plugin directory. */
struct listed_plugin {
    harborai_str path, id, version, provider; /* but the path empty if it was not read */
    unsigned abi_major, abi_minor;
    enum plugin_origin origin;
    enum plugin_file_state state;
    enum plugin_stage stage; /* where it was refused */
    harborai_str error;      /* why it is not known */
};

/* A provider, and each that it was while that has calls or is on its way. */
struct listed_provider {
    harborai_str name, plugin_id, version, path;
    enum slot_state state;
    bool is_published; /* new calls go to it */
    bool is_heir;      /* is loaded beside the one that serves */
    bool is_current;   /* its plugin's file is the one that is there now */
    size_t calls;
    int64_t loaded_ns;   /* UTC; 0 = it was not loaded: then what follows is not known */
    uint64_t generation; /* the how manieth object of this process it is made by, from 1 on */
    bool can_unload;     /* that object, when nothing is made by it any more */
    enum plugin_stage stage; /* of the load that failed last, */
    harborai_str error;      /* and why; empty = none has */
    int64_t retry_ms;        /* until it may be tried again */
    enum plugin_stage kept_stage;
    harborai_str why_kept; /* why it serves on as it was; empty = it is as it should be */
    harborai_str why_off;  /* who switched it off; empty = nobody */
};

struct runtime_listing {
    struct arena arena; /* owns everything */
    struct listed_plugin *plugins;
    size_t plugin_count;
    struct listed_provider *providers; /* in the order in which they were made */
    size_t provider_count;
};

void runtime_listing_destroy(struct runtime_listing *listing);

#endif
