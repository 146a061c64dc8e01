/* SPDX-License-Identifier: MIT */
/* The columns of an export, called as those of PostgreSQL, and what a call has in each. The list is
 * part of the product (doc/export.md): new ones go to its end. [any] */
#ifndef CLI_EXPORT_VALUE_H
#define CLI_EXPORT_VALUE_H

#include "store/call.h"

enum export_kind {
    EXPORT_TEXT,   /* words of strangers, too */
    EXPORT_JSON,   /* an object */
    EXPORT_NUMBER, /* `number` * 10^-`scale` */
    EXPORT_MONEY,  /* the same; must not become a double */
    EXPORT_TIME,   /* `number`: ns since 1970 UTC */
    EXPORT_FLAG    /* `number`: 0 or 1 */
};

struct export_value {
    enum export_kind kind;
    bool is_known;
    harborai_str text; /* borrowed from the call or the scratch */
    int64_t number;
    unsigned scale;
};

size_t export_value_count(void);
const char *export_value_name(size_t column);

/* What stands in the column. `scratch` is cleared when it is needed. */
struct export_value export_value_of(size_t column, const struct call *call, struct buf *scratch);

/* Adds it as plain text: decimals exact, times in ISO 8601 with a Z, true and false. Nothing if it is
 * not known. */
void export_value_write(const struct export_value *value, struct buf *out);

#endif
