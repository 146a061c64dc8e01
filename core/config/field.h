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
    const struct environment *environment; /* with the .env file */
    const struct config_sources *sources;
    struct config_faults *faults, *warnings;
    enum config_origin_kind kind;  /* of what is being read */
    struct config_origin *origins; /* of the object being filled, one a setting */
    struct node *options;          /* of the provider being read */
    bool is_out_of_memory;      /* then nothing else counts */
};

/* A copy in the configuration's arena, NUL-terminated. */
harborai_str field_copy(struct config_reader *r, harborai_str text);
void *field_alloc(struct config_reader *r, size_t count, size_t size);

/* Reads `node` into the field of `base` (struct config or struct config_provider). `shown` is the
 * setting's path as the operator has it: "providers.lab.base_url". */
void field_read(struct config_reader *r, const struct setting *setting, struct node *node,
                harborai_str shown, void *base);

/* Adds the fault "'server.port' must be a whole number from 0 to 65535, not 'abc'"; of a secret
 * without what it is. */
void field_refuse(struct config_reader *r, const struct setting *setting, const struct node *node,
                  harborai_str shown);

/* A file's name as somebody wrote it: "~/x" is in the home directory, what is relative in a file
 * begins at the file's folder. False: there is no home directory, which has become a fault, or no
 * memory. */
bool field_resolve_path(struct config_reader *r, const struct node *node, harborai_str text,
                        harborai_str shown, harborai_str *ret_path);

/* Whether `node` is a text without control characters, of 1 to `most` bytes; else adds a fault. */
bool field_check_text(struct config_reader *r, const struct node *node, harborai_str shown,
                      int64_t most);

#endif
