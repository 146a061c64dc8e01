/* SPDX-License-Identifier: MIT */
/* The compiler's extensions that we use, each under one name. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define UNUSED __attribute__((unused))
#define CACHE_LINE 64
#define CACHE_ALIGNED _Alignas(CACHE_LINE)

#define ARRAY_LEN(array) (sizeof(array) / sizeof *(array))

/* The object of `type` whose `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* AUTO(buf) name; releases `struct buf name` by buf_release() at the end of its scope. */
#define AUTO(noun) __attribute__((cleanup(noun##_release))) struct noun

/* Hands a pointer's ownership out: the variable becomes NULL. */
#define take(pointer)                                                                              \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#endif
