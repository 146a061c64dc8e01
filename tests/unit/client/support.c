/* SPDX-License-Identifier: MIT */
#include "support.h"

harborai_client *support_open(struct stage *stage, const char *yaml,
                              const harborai_client_options *options)
{
    char text[1024], state[256];
    harborai_error error = HARBORAI_ERROR_INIT;
    stage_open(stage);
    snprintf(text, sizeof text, "plugin_path: [\"%s/plugins\"]\n%s", stage->directory, yaml);
    snprintf(state, sizeof state, "%s/state", stage->directory);
    harborai_client_options with = options != NULL ? *options : (harborai_client_options){0};
    with.size = sizeof with;
    with.config_text = slice_of(text);
    with.state_dir = state;
    harborai_client *client = harborai_client_open(&with, &error);
    if (client == NULL) {
        fprintf(stderr, "support: %s\n", error.message);
        abort();
    }
    return client;
}

void support_close(struct stage *stage, harborai_client *client)
{
    CU_ASSERT(harborai_client_close(client) == HARBORAI_OK);
    stage_close(stage);
}
