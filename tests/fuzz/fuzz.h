/* SPDX-License-Identifier: MIT */
/* A fuzz target is one file with LLVMFuzzerTestOneInput(): it feeds foreign bytes to a parser and
 * aborts when an invariant breaks. `make check` links each with replay.c, which runs it over its
 * corpus; with clang, -fsanitize=fuzzer takes replay.c's place. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
