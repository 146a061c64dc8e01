/* SPDX-License-Identifier: MIT */
/* Writes JSON onto a buffer. Commas and colons are the writer's business. A failure of the buffer
 * is sticky, as is misuse (a value without its key, a bracket too many), which is E_INTERNAL: check
 * buf_status() once at the end. [any]
 *
 *     struct json_writer w = JSON_WRITER(&buf);
 *     json_write_object(&w);
 *     json_write_key(&w, HARBORAI_STR("model"));
 *     json_write_string(&w, model);
 *     json_write_end(&w);
 */
#ifndef WIRE_JSON_WRITE_H
#define WIRE_JSON_WRITE_H

#include "base/buf.h"

enum { JSON_WRITE_DEPTH_MAX = 64 };

struct json_writer {
    struct buf *out;
    uint64_t objects; /* bit d: what is open at depth d is an object, not an array */
    unsigned depth;
    bool need_comma, has_key;
};

#define JSON_WRITER(buffer)                                                                        \
    {                                                                                              \
        (buffer), 0, 0, false, false                                                               \
    }

void json_write_object(struct json_writer *w);
void json_write_array(struct json_writer *w);
void json_write_end(struct json_writer *w); /* of the innermost object or array */

void json_write_key(struct json_writer *w, harborai_str key);

/* Text of any kind: what is not UTF-8 becomes U+FFFD, one for each byte. */
void json_write_string(struct json_writer *w, harborai_str text);
/* JSON text, as it is. The caller answers for it. */
void json_write_raw(struct json_writer *w, harborai_str json);
void json_write_int64(struct json_writer *w, int64_t number);
void json_write_bool(struct json_writer *w, bool value);
void json_write_null(struct json_writer *w);
/* number * 10^-scale as an exact decimal: 540013821500 of scale 12 is 0.5400138215. */
void json_write_scaled(struct json_writer *w, int64_t number, unsigned scale);

/* A key with a plain value, the most frequent pairs. */
void json_write_key_string(struct json_writer *w, const char *key, harborai_str text);
void json_write_key_int64(struct json_writer *w, const char *key, int64_t number);

/* The same of what may not be known, which is null: an empty text, a number less than 0. */
void json_write_key_text_or_null(struct json_writer *w, const char *key, harborai_str text);
void json_write_key_scaled_or_null(struct json_writer *w, const char *key, int64_t number,
                                   unsigned scale);

/* For who writes no whole JSON: a string's inside, and number * 10^-scale (scale up to 18) as an
 * exact decimal without zeros at its end. */
void json_write_escaped(struct buf *out, harborai_str text);
void json_write_decimal(struct buf *out, int64_t number, unsigned scale);

#endif
