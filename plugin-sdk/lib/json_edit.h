/* SPDX-License-Identifier: MIT */
/* json_edit: applies harborai_edit (see <harborai/plugin.h>) to a JSON body without serialising it.
 * The result is a list of pieces: what no edit touches stays where it was received, blanks and all,
 * and only inserted text is new memory.
 *
 * Beyond what plugin.h says: an edit of the whole body (path "") is E_INVALID, as are a token with
 * a bad '~', a key or text that is not UTF-8, and `flags` other than 0. REMOVE of what is not
 * there, at any level, is no error.
 *
 * Compiled into whoever uses it and hidden there; not part of the ABI. All functions are [any]. */
#ifndef SDK_JSON_EDIT_H
#define SDK_JSON_EDIT_H

#include <harborai/plugin.h>

#include "json_scan.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(hidden)

enum { JSON_EDITS_MAX = 4096, JSON_EDIT_PATH_MAX = 1024, JSON_EDIT_LEVELS_MAX = 32 };

struct json_edit_body {
    harborai_str text;                 /* an object, or an array, that json_scan has checked */
    const struct json_member *members; /* what json_scan_object() noted of `text`, so that it need
                                          not be walked again; NULL = not at hand */
    size_t member_count;
};

struct json_pieces { /* in order; none is empty */
    const harborai_str *piece;
    size_t count;
    size_t len; /* of all together */
};

/* Where the memory for one result comes from: an arena, or malloc. NULL = none left. */
typedef void *json_edit_alloc_fn(void *context, size_t size);

/* Apply the edits. The pieces borrow from body->text and from one piece of memory that alloc() is
 * asked for, at most once: *ret_memory, also after an error, NULL if it was not. With malloc,
 * free() it after the pieces. The edits are not needed any more. `error->param` is the path at
 * fault. E_INVALID: see plugin.h. E_MEMORY: alloc() gave NULL. */
__attribute__((warn_unused_result)) harborai_status
json_edit_apply(const struct json_edit_body *body, const harborai_edit *edits, size_t count,
                json_edit_alloc_fn *alloc, void *context, struct json_pieces *ret_pieces,
                void **ret_memory, harborai_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif /* SDK_JSON_EDIT_H */
