/* SPDX-License-Identifier: MIT */
/* Names that more than one provider would answer for: collected while a map is built, weighed when
 * it is complete. For the files that build the map, and no others. */
#ifndef REGISTRY_MODEL_CLAIMS_H
#define REGISTRY_MODEL_CLAIMS_H

#include "registry/model_map_parts.h"

struct model_claims {
    struct model_claim *items; /* owned; in the order in which they were found */
    size_t count, room;
};

/* Copies, but for the texts. False: no memory left. */
MUST_CHECK bool model_claims_add(struct model_claims *claims, const struct model_claim *claim);

MUST_CHECK bool model_claims_add_patterns(struct model_claims *claims, const struct model_map *map);

/* Gives the map those of names that providers differ on, by name, the best first, with their
 * verdicts. False: no memory left. */
MUST_CHECK bool model_claims_weigh(struct model_claims *claims, struct model_map *map);
void model_claims_release(struct model_claims *claims);

#endif
