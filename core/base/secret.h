/* SPDX-License-Identifier: MIT */
/* A secret (an API key) in memory. It has a type of its own, so that no logger and no JSON writer
 * can format it: secret_reveal() is the one way to its text, and is easy to search for. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/attr.h"
#include "base/slice.h"

/* Bytes: what is shorter, such as "ollama", is no secret but may be a word. */
#define SECRET_LEAST 8

struct secret; /* opaque; shared by reference count */

/* Copies `text`. E_CONFIG: it is empty or holds CR, LF, NUL or another control character, which
 * could end an HTTP header. `name` is for the message. */
MUST_CHECK harborai_status secret_create(harborai_str text, const char *name,
                                         struct secret **ret_secret, harborai_error *error);
struct secret *secret_ref(struct secret *secret); /* [any] NULL gives NULL */
void secret_unref(struct secret *secret);         /* [any] wipes it with the last reference */

/* Borrowed from the secret. For the one place that puts it on the wire. */
harborai_str secret_reveal(const struct secret *secret);

/* Replaces by "***" what of the secret stands in the NUL-terminated `text`: the whole, or any eight
 * bytes of it in a row, for who quotes a key may cut it. NULL, or shorter than 8 bytes: nothing. */
void secret_mask(const struct secret *secret, char *text);

/* The same for a text of any kind and length; returns the length that is left. It passes over text that
 * has nothing of the secret quickly. */
size_t secret_mask_in(const struct secret *secret, char *text, size_t len);

/* How much of the secret stands at the beginning of `text`: the longest run that is also found in it. */
size_t secret_run_at(const struct secret *secret, harborai_str text);

/* Whether both are the same text; NULL equals NULL. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
