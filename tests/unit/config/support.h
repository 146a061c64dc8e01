/* SPDX-License-Identifier: MIT */
/* What the tests of this room share: an environment of their own, and faults as text. */
#ifndef TESTS_UNIT_CONFIG_SUPPORT_H
#define TESTS_UNIT_CONFIG_SUPPORT_H

#include "base/buf.h"
#include "config/config.h"
#include "config/environment.h"

/* "NAME=value" pairs, then NULL. */
struct fixed_environment {
    struct environment environment;
    const char *const *pairs;
};

struct fixed_environment fixed_environment(const char *const *pairs);

/* OPENAI_API_KEY=sk-1, PORT=8100, EMPTY=, HOME=/home/me and YAML=a: [1] */
extern const char *const usual_pairs[];

/* Loads `text` as file "c.yaml". Its faults, one a line, are added to `faults`. NULL: refused. */
struct config *load_text(const char *text, const char *const *pairs,
                         const struct config_override *overrides, size_t override_count,
                         struct buf *faults);

/* What a reader makes of a text, as text. */
struct read_row {
    const char *text, *want;
};
void check_reads(const struct read_row *rows, size_t count,
                 void (*read)(harborai_str text, struct buf *out));

#endif
