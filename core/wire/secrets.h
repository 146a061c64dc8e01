/* SPDX-License-Identifier: MIT */
/* The secrets of a configuration together, to be masked by their value in texts of others: immutable once
 * it is shared, by reference count. */
#ifndef WIRE_SECRETS_H
#define WIRE_SECRETS_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/secret.h"

struct secrets; /* opaque */

/* Without any. NULL: no memory. */
struct secrets *secrets_create(void);
struct secrets *secrets_ref(struct secrets *secrets); /* [any] NULL gives NULL */
void secrets_unref(struct secrets *secrets);          /* [any] */

/* Before it is shared. NULL, and one that is there already, add nothing. */
MUST_CHECK harborai_status secrets_add(struct secrets *secrets, struct secret *secret,
                                       harborai_error *error);
/* The same of a text, which may be empty: then nothing is added. Copies. */
MUST_CHECK harborai_status secrets_add_text(struct secrets *secrets, harborai_str text,
                                            harborai_error *error);

/* Replaces by "***" what of any of them stands in the text, as secret_mask() does: as it is, and in
 * percent or JSON escapes, also in those of JSON within JSON. An escape goes as a whole, so that JSON's
 * strings stay such. NULL has none. False: no memory, and the text is empty. [any] */
MUST_CHECK bool secrets_mask(const struct secrets *secrets, struct buf *text);

#endif
