/* SPDX-License-Identifier: MIT */
/* A provider that is wanted, before it is known whether it exists already. [keeper] */
#ifndef RUNTIME_WANTED_H
#define RUNTIME_WANTED_H

#include "runtime/state.h"

struct wanted {
    const struct config_provider *spec; /* NULL: the configuration says nothing of it */
    const struct plugin_file *file;
    const struct manifest_preset *preset; /* NULL = none */
    harborai_str name;
    struct provider_secret secrets[MANIFEST_SECRETS];
    size_t secret_count;
    bool anew; /* even if there is one that is the same */
    bool only_if_sound; /* not with options that are faults */
    bool anew_if_failed; /* … that is to come, but could not be loaded */
};

/* Those that its plugin declares, from the configuration and the environment. */
MUST_CHECK harborai_status wanted_find_secrets(struct wanted *w, const struct config *config,
                                               harborai_error *error);
/* Whether all that its plugin cannot do without were found. */
bool wanted_has_secrets(const struct wanted *w);
void wanted_release(struct wanted *w);

/* Makes it, or keeps the one that is the same, and marks that `wanted`. Wrong options are faults, and
 * it goes on. */
MUST_CHECK harborai_status wanted_provide(const struct wanted *w, struct runtime *runtime,
                                          const struct config *config,
                                          struct config_faults *faults, harborai_error *error);

#endif
