/* SPDX-License-Identifier: MIT */
/* harborai/types.h: what HarborAI's two public headers share.
 *
 * <harborai/plugin.h> (for plugins) and <harborai/harborai.h> (for applications) include this file,
 * and a program may include both. It is under the promise of the plugin ABI: members are appended,
 * never moved, changed or taken away. C11 and C++17; needs the standard library alone.
 */
#ifndef HARBORAI_TYPES_H
#define HARBORAI_TYPES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether `pointer`, a `type *` from the other side, is long enough to contain `member`. */
#define HARBORAI_HAS(type, pointer, member) \
    ((pointer)->size >= offsetof(type, member) + sizeof(((type *)0)->member))

/* ---- Text -------------------------------------------------------------------------------- */

/* A borrowed piece of text or bytes: UTF-8 unless stated, not NUL-terminated. Frozen. */
typedef struct harborai_str {
    const char *data; /* may be NULL when len is 0 */
    size_t len;       /* bytes */
} harborai_str;

/* A harborai_str from a string literal: as an initialiser of static data, and as an expression. */
#define HARBORAI_STR_INIT(literal) { (literal), sizeof(literal) - 1 }
#ifdef __cplusplus
#define HARBORAI_STR(literal) (harborai_str HARBORAI_STR_INIT(literal))
#else
#define HARBORAI_STR(literal) ((harborai_str)HARBORAI_STR_INIT(literal))
#endif

/* ---- Status and errors -------------------------------------------------------------------- */

typedef int32_t harborai_status; /* negative = error; zero and above = success */
enum {
    HARBORAI_OK = 0,
    HARBORAI_PAUSE = 1, /* of emit(): taken, but the reader is slow */
    HARBORAI_AGAIN = 2, /* of map_error(): the plugin goes on with the call */

    /* In brackets the status that a client of the gateway sees, then the flags (R, F, N) that
     * harborai_error_set() gives the code. 401 and 429 about the gateway's own keys are made by
     * the gateway and never come from a plugin. */
    HARBORAI_E_INVALID = -1,      /* the request is wrong; again cannot help          (400) N   */
    HARBORAI_E_AUTH = -2,         /* the vendor refused the operator's credentials    (502) FN  */
    HARBORAI_E_NOT_FOUND = -3,    /* unknown model or resource                        (404) FN  */
    HARBORAI_E_RATE_LIMIT = -4,   /* too many requests or tokens; see retry_after_ms  (429) RFN */
    HARBORAI_E_QUOTA = -5,        /* the operator's account is out of credit          (502) FN  */
    HARBORAI_E_CONTEXT = -6,      /* prompt longer than the model's context window    (400) FN  */
    HARBORAI_E_FILTERED = -7,     /* the vendor's content policy said no              (400)     */
    HARBORAI_E_OVERLOADED = -8,   /* vendor at capacity                               (503) RFN */
    HARBORAI_E_VENDOR = -9,       /* vendor failed otherwise                          (502) RF  */
    HARBORAI_E_PROTOCOL = -10,    /* the answer is not what the vendor's API promises (502) RF  */
    HARBORAI_E_NETWORK = -11,     /* no connection, TLS failure, reset                (502) RF  */
    HARBORAI_E_TIMEOUT = -12,     /* a time limit passed                              (504) RF  */
    HARBORAI_E_CANCELLED = -13,   /* the caller went away                             (499)     */
    HARBORAI_E_UNSUPPORTED = -14, /* this plugin or model cannot do that              (400) FN  */
    HARBORAI_E_CONFIG = -15,      /* the provider's configuration is wrong            (500) FN  */
    HARBORAI_E_MEMORY = -16,      /* allocation failed, or a limit of memory passed   (500)     */
    HARBORAI_E_CLOSED = -17,      /* the call has ended already; stop working on it             */
    HARBORAI_E_INTERNAL = -18     /* a bug in the plugin                              (500) F   */
};

enum { /* harborai_error.flags: what to do about it, and whose word its code is */
    HARBORAI_ERROR_RETRYABLE = 1u << 0, /* R: the same request may succeed here later            */
    HARBORAI_ERROR_FALLBACK = 1u << 1,  /* F: another provider may succeed with the same request */
    HARBORAI_ERROR_NOT_BILLED = 1u << 2, /* N: the vendor does not charge for it                 */
    HARBORAI_ERROR_OPENAI_CODE = 1u << 3 /* vendor_code is OpenAI's word for what is wrong with the
                                            request, such as "invalid_value": E_INVALID's goes to
                                            the application as `code`, any other as `vendor_code`.
                                            The host drops it from a plugin's other codes */
};

/* Whoever allocates it sets `size`. The texts are NUL-terminated; nothing needs freeing. */
typedef struct harborai_error {
    uint32_t size;
    harborai_status code;   /* HARBORAI_E_… */
    uint32_t flags;         /* HARBORAI_ERROR_… */
    int32_t http_status;    /* the vendor's status, 0 = none */
    int64_t retry_after_ms; /* wait before a retry; 0 = not known */
    char vendor_code[64];   /* the vendor's own code, such as "context_length_exceeded" */
    char param[64];         /* JSON Pointer to the member at fault, of the request or, in create(),
                               of the configuration; "" = none */
    char message[512];      /* one sentence for a person: what happened and the way out. No keys. */
} harborai_error;

#define HARBORAI_ERROR_INIT { sizeof(harborai_error), 0, 0, 0, 0, "", "", "" }

static inline uint32_t harborai_error_flags(harborai_status code)
{
    const uint32_t R = HARBORAI_ERROR_RETRYABLE, F = HARBORAI_ERROR_FALLBACK,
                   N = HARBORAI_ERROR_NOT_BILLED;
    switch (code) {
    case HARBORAI_E_INVALID: return N;
    case HARBORAI_E_AUTH: case HARBORAI_E_NOT_FOUND: case HARBORAI_E_QUOTA:
    case HARBORAI_E_CONTEXT: case HARBORAI_E_UNSUPPORTED: case HARBORAI_E_CONFIG: return F | N;
    case HARBORAI_E_RATE_LIMIT: case HARBORAI_E_OVERLOADED: return R | F | N;
    case HARBORAI_E_VENDOR: case HARBORAI_E_PROTOCOL: case HARBORAI_E_NETWORK:
    case HARBORAI_E_TIMEOUT: return R | F;
    case HARBORAI_E_INTERNAL: return F;
    default: return 0;
    }
}

/* Set code, its flags and the message, and return the code: return harborai_error_set(error, …);
 * Change `flags` afterwards where the vendor is odd. `error` may be NULL. */
__attribute__((format(printf, 3, 4))) static inline harborai_status
harborai_error_set(harborai_error *error, harborai_status code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        error->code = code;
        error->flags = harborai_error_flags(code);
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return code;
}

/* ---- The log ------------------------------------------------------------------------------ */

enum { HARBORAI_LOG_ERROR = 1, HARBORAI_LOG_WARN, HARBORAI_LOG_INFO, HARBORAI_LOG_DEBUG };

/* ---- Usage -------------------------------------------------------------------------------- */

enum { /* Classes of usage, disjoint: a token is counted in exactly one. */
    HARBORAI_TOKENS_INPUT = 0,          /* prompt tokens at the full price */
    HARBORAI_TOKENS_CACHE_READ = 1,     /* prompt tokens served from the vendor's cache */
    HARBORAI_TOKENS_CACHE_WRITE = 2,    /* kept for 5 minutes, or the vendor does not say */
    HARBORAI_TOKENS_CACHE_WRITE_1H = 3,
    HARBORAI_TOKENS_OUTPUT = 4,         /* the answer; with its reasoning if not told apart */
    HARBORAI_TOKENS_REASONING = 5,
    HARBORAI_TOKENS_AUDIO_IN = 6,
    HARBORAI_TOKENS_AUDIO_OUT = 7,
    HARBORAI_TOKENS_IMAGE_IN = 8,
    HARBORAI_TOKENS_IMAGE_OUT = 9,
    HARBORAI_TOKENS_VIDEO_IN = 10,
    HARBORAI_TOKENS_AUDIO_CACHE_READ = 11,
    HARBORAI_TOKENS_IMAGE_CACHE_READ = 12,
    HARBORAI_TOKENS_CACHE_WRITE_30M = 13,
    HARBORAI_TOKENS_CACHE_WRITE_12H = 14,
    HARBORAI_TOKENS_PREDICTION_REJECTED = 15,
    HARBORAI_UNITS_SEARCHES = 24, /* from 24 on: priced but no tokens, not part of vendor_total */
    HARBORAI_UNITS_IMAGES = 25,   /* generated */
    HARBORAI_UNITS_AUDIO_MS = 26, /* milliseconds, heard or spoken */
    HARBORAI_UNITS_VIDEO_MS = 27, /* milliseconds, generated */
    HARBORAI_UNITS_PAGES = 28,    /* of documents, read */
    HARBORAI_USAGE_CLASSES = 32   /* for ever: one bit of `known_mask` each */
};
enum { HARBORAI_USAGE_ESTIMATED = 1u << 0 }; /* harborai_usage.flags: not counted by the vendor */

typedef struct harborai_usage {
    uint32_t size;
    uint32_t flags;           /* HARBORAI_USAGE_… */
    uint32_t known_mask;      /* bit c set: count[c] is known (it may be 0) */
    uint32_t reserved;        /* 0 */
    int64_t vendor_total;     /* the vendor's total of tokens, 0 = not given; the host warns when
                                 the classes do not add up to it */
    harborai_str vendor_json; /* the vendor's usage object as it wrote it; empty = none */
    int64_t count[HARBORAI_USAGE_CLASSES]; /* never negative */
} harborai_usage;

static inline void harborai_usage_set(harborai_usage *usage, uint32_t usage_class, int64_t count)
{
    usage->known_mask |= 1u << usage_class;
    usage->count[usage_class] = count;
}

#ifdef __cplusplus
}
#endif
#endif /* HARBORAI_TYPES_H */
