/* SPDX-License-Identifier: MIT */
/* One of our plugins, loaded from the build, on a bench: what a host does for it is done here with as
 * little as the functions under test need. The body that would reach the vendor is made by json_edit,
 * as the real host makes it. */
#ifndef TESTS_UNIT_VENDORS_BENCH_H
#define TESTS_UNIT_VENDORS_BENCH_H

#include <harborai/plugin.h>
#include <stdbool.h>

struct bench {
    const harborai_plugin *plugin;
    harborai_provider *provider;
    harborai_error error; /* of the last call that failed */
    char sent[1 << 20];     /* the body of the last http_start() */
    char headers[512];    /* its headers, "name: value\n" each */
    char changed[512];    /* "/temperature 1\n" for each changed() */
    /* private */
    void *object;
    harborai_host host;
    harborai_str config;
    harborai_str body;
    void *memory[4096];
    size_t memory_count;
    bool is_strict;
};

/* `name` such as "deepseek"; `config` is what create() gets. create() must succeed. */
void bench_open(struct bench *b, const char *name, const char *config);
/* The same, where it may fail. */
harborai_status bench_create(struct bench *b, const char *name, const char *config);
void bench_close(struct bench *b);

/* chat(), or stream() of the plugin. */
harborai_status bench_chat(struct bench *b, const char *model, const char *body, bool streams);

#endif
