/* SPDX-License-Identifier: MIT */
/* A client over a directory of its own, with the plugins of the tests in it. */
#ifndef TESTS_CLIENT_SUPPORT_H
#define TESTS_CLIENT_SUPPORT_H

#include <harborai/harborai.h>

#include "../engine/stage.h"
#include "../unit.h"

#define ECHO_BODY                                                                                  \
    HARBORAI_STR("{\"model\":\"echo\",\"messages\":[{\"role\":\"user\",\"content\":\"one two "     \
                 "three\"}]}")

/* With these providers, and options that are completed; aborts on failure. */
harborai_client *support_open(struct stage *stage, const char *yaml,
                              const harborai_client_options *options);
/* Closes the client, too. */
void support_close(struct stage *stage, harborai_client *client);

#endif
