/* SPDX-License-Identifier: MIT */
/* What the drivers of the library share: a client by the arguments, and a loud failure. */
#ifndef TESTS_LIBRARY_DRIVER_H
#define TESTS_LIBRARY_DRIVER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <harborai/harborai.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* argv: MODE CONFIG STATE … */
static inline harborai_client *driver_open(char **argv)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client_options options = {.size = sizeof options,
                                       .config_file = argv[2],
                                       .state_dir = argv[3]};
    harborai_client *client = harborai_client_open(&options, &error);
    if (client == NULL)
        fprintf(stderr, "%s\n", error.message);
    MUST(client != NULL);
    return client;
}

/* A request with this text. Owned. */
static inline harborai_body *driver_body(const char *model, const char *text)
{
    harborai_body *body = harborai_body_new(model);
    harborai_body_message(body, "user", text);
    return body;
}

#endif
