/* SPDX-License-Identifier: MIT */
/* One value, as somebody wrote it, to one checked field of struct config. Whatever is wrong becomes
 * a fault; the field then keeps what it had. */
#ifndef CONFIG_FIELD_H
#define CONFIG_FIELD_H

#include "config/config.h"
#include "config/node.h"
#include "config/settings.h"

/* What reading a configuration needs and gathers. */
struct config_reader {
    struct config *config; /* being filled; its arena takes the texts */
    const struct environment *environment;
    struct config_faults *faults;
    const struct node *options; /* of the provider being read */
    bool is_out_of_memory;      /* then nothing else counts */
};

/* A copy in the configuration's arena, NUL-terminated. */
harborai_str field_copy(struct config_reader *r, harborai_str text);
void *field_alloc(struct config_reader *r, size_t count, size_t size);

/* Reads `node` into the field of `base` (struct config or struct config_provider). `shown` is the
 * setting's path as the operator has it: "providers.lab.base_url". */
void field_read(struct config_reader *r, const struct setting *setting, struct node *node,
                harborai_str shown, void *base);

/* Whether `node` is a text without control characters, of 1 to `most` bytes; else adds a fault. */
bool field_check_text(struct config_reader *r, const struct node *node, harborai_str shown,
                      int64_t most);

#endif
