/* SPDX-License-Identifier: MIT */
/* json_out: writes JSON into one piece of memory that grows, for a request that a plugin makes
 * itself. Values that were read come through as they were written; nothing is parsed. The first
 * failure to get memory is remembered and what follows is ignored: check `failed` once, at the end.
 *
 *     struct json_out out = {0};
 *     json_out_open(&out, '{');
 *     json_out_key(&out, "model");
 *     json_out_text(&out, model);
 *     json_out_close(&out, '}');
 *
 * Commas write themselves: before a key, and before an item that json_out_item() announces.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_JSON_OUT_H
#define SDK_JSON_OUT_H

#include <stdbool.h>

#include <harborai/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

struct json_out { /* zeroed is empty */
    char *data;   /* owned */
    size_t len, capacity;
    bool failed; /* out of memory; what is there is not whole */
};

void json_out_release(struct json_out *out); /* frees; empty, and can be used again */
void json_out_clear(struct json_out *out);   /* empty and without failure; keeps its memory */
/* Room for `len` more bytes, so that a text of known size is allocated for once. */
void json_out_reserve(struct json_out *out, size_t len);

void json_out_open(struct json_out *out, char bracket);  /* '{' or '[', as the next value */
void json_out_close(struct json_out *out, char bracket); /* '}' or ']' */
void json_out_key(struct json_out *out, const char *key); /* plain ASCII */
void json_out_item(struct json_out *out); /* before an item of an array, or a member that is raw */

/* JSON text, as it is: a value, or with json_out_item() before it a member's span. */
void json_out_raw(struct json_out *out, harborai_str json);
/* Text as a JSON string. It must be UTF-8. */
void json_out_text(struct json_out *out, harborai_str text);
void json_out_int64(struct json_out *out, int64_t number);

/* What a checked JSON string stands for, without quotes: for JSON that travels in a string. Nothing
 * if `string` is none. */
void json_out_decoded(struct json_out *out, harborai_str string);

static inline harborai_str json_out_str(const struct json_out *out)
{
    harborai_str text = {out->data, out->len};
    return text;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_JSON_OUT_H */
