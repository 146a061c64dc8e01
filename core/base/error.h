/* SPDX-License-Identifier: MIT */
/* The one table of error codes: what each is called and how it is shown to a client. The codes
 * themselves, and harborai_error_set(), stand in <harborai/types.h>. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

#include "base/attr.h"
#include "base/slice.h"

struct error_kind {
    harborai_status code;
    const char *name;        /* "E_AUTH" */
    int http_status;         /* what a client of the gateway sees */
    const char *openai_type; /* error.type */
    const char *openai_code; /* error.code where nothing more exact is known; NULL = null */
    const char *meaning;     /* what happened, for a message that is not given: "no memory left" */
    const char *way_out;     /* what to do about it */
};

/* Never NULL: an unknown code is E_INTERNAL. [any] */
const struct error_kind *error_kind_of(harborai_status code);

/* E_OVERLOADED: there is no room for this request now, but soon there will be. */
harborai_status error_set_full(harborai_error *error);

/* Gives an error whose maker said nothing its kind's meaning and way out, behind `who`, as
 * "plugin 'org.acme'". What has a message keeps it. */
void error_explain(harborai_error *error, const char *who);

/* A system error in words, as "No such file or directory". `text` has room for 128 bytes. Returns
 * `text` or a constant. */
const char *error_of_errno(int number, char text[static 128]);

/* harborai_error_set() for functions that take a format themselves. */
__attribute__((format(printf, 3, 0))) harborai_status
error_set_list(harborai_error *error, harborai_status code, const char *format, va_list arguments);

/* A code of ours, for the client in place of the kind's; behind harborai_error_set(). `error` may be
 * NULL. */
void error_set_code(harborai_error *error, const char *code);

/* Of a plugin's error: its codes are the vendor's, but for those of E_INVALID that are OpenAI's words. */
void error_check_code(harborai_error *error);

/* Puts `prefix` before the message of `error`, as "providers.lab: …". */
PRINTF(2, 3) void error_prefix(harborai_error *error, const char *format, ...);

#endif
