/* SPDX-License-Identifier: MIT */
/* A key, as it is written or as a reference to where it is:
 *     none              the vendor needs none
 *     env:NAME          a variable
 *     file:PATH         a file's text, without the line end behind it
 *     cred:NAME         the same of $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= sets it
 *     exec:COMMAND …    what a program prints; no shell, words are separated by blanks and may
 *                       stand in '…' or "…"
 *     anything else     the key, with ${VAR} replaced
 * What a variable holds is never taken for a reference. */
#ifndef CONFIG_KEY_H
#define CONFIG_KEY_H

#include "config/field.h"

/* Reads providers.*.api_key. The text appears in no fault and is wiped from the tree. A variable
 * without a value is no fault: the provider is there and lacks its key. */
void key_read(struct config_reader *r, const struct setting *setting, const struct node *node,
              harborai_str shown, struct config_provider *provider);

/* The same of a password, or of a URL that may hold one. A variable of the setting's own has it as it
 * is. */
void key_read_secret(struct config_reader *r, const struct setting *setting,
                     const struct node *node, harborai_str shown, struct config_secret *secret);

#endif
