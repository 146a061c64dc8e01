/* SPDX-License-Identifier: MIT */
/* Values of JSON against a small part of JSON Schema: no more than can be checked at once, without
 * memory of its own, and told in a sentence. A schema is `true`, `false`, or an object with any of
 *
 *     type (a word, or a list of them), enum and const (of texts, numbers, true, false, null),
 *     minimum, maximum, minLength, maxLength, properties, required, additionalProperties, items
 *     (one schema for all), anyOf
 *
 * and title, description, default, examples, format, $schema, $comment, which do nothing. As in the
 * standard a keyword holds for values of its kind alone. Every other keyword makes the schema one
 * that cannot be honoured, which json_schema_vet() says. All functions are [any]. */
#ifndef WIRE_JSON_SCHEMA_H
#define WIRE_JSON_SCHEMA_H

#include <stdbool.h>

#include <harborai/types.h>

#include "base/attr.h"
#include "base/buf.h"

#define JSON_SCHEMA_DEPTH 32 /* schemas within schemas */

/* A value's place below the one that is checked: the links lead up to it, which has none. */
struct json_schema_at {
    const struct json_schema_at *up; /* NULL: the value that is checked */
    harborai_str key;                /* as written between its quotes; data NULL: an item */
    bool key_escaped;
    size_t index; /* of an item */
};

enum json_schema_kind {
    JSON_SCHEMA_WRONG,     /* a value is not as its schema has it */
    JSON_SCHEMA_UNKNOWN,   /* an object has a member that its schema does not allow */
    JSON_SCHEMA_MISSING,   /* … has not one that its schema requires */
    JSON_SCHEMA_AMBIGUOUS, /* … is as none of several alternatives that could be meant */
    JSON_SCHEMA_ENDLESS    /* the check has been given up: such a schema, such a value */
};

struct json_schema_fault {
    enum json_schema_kind kind;
    const struct json_schema_at *at; /* of the value; valid until the function returns */
    harborai_str schema;             /* the value's; of UNKNOWN and MISSING the object's */
    harborai_str value;              /* of MISSING the object */
    harborai_str missing;            /* the name, as written between its quotes */
    bool missing_escaped;
};

typedef void json_schema_report(void *context, const struct json_schema_fault *fault);

/* E_INVALID: `schema`, JSON that json_scan() found good, is none that can be honoured: the message
 * says where and why. */
MUST_CHECK harborai_status json_schema_vet(harborai_str schema, harborai_error *error);

/* How many faults `value` has by a schema that json_schema_vet() found good; each is reported, of a
 * value at most one. `report` may be NULL. */
unsigned json_schema_check(harborai_str schema, harborai_str value, json_schema_report *report,
                           void *context);

/* Adds "reasoning.kimi*" or "efforts[2]"; nothing for the value that is checked itself. Keys are as
 * they were written, long ones cut. */
void json_schema_add_path(const struct json_schema_at *at, struct buf *out);

#endif
