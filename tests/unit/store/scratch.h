/* SPDX-License-Identifier: MIT */
/* A state directory of a test's own, and files in its journal. */
#ifndef STORE_SCRATCH_H
#define STORE_SCRATCH_H

#include "base/slice.h"

struct scratch {
    char dir[64];
};

void scratch_init(struct scratch *s);
void scratch_release(struct scratch *s); /* removes it with all it holds */

static inline harborai_str scratch_dir(const struct scratch *s)
{
    return slice_of(s->dir);
}

/* Writes a segment as a test wants it. */
void scratch_write(const struct scratch *s, const char *name, harborai_str bytes);
/* Adds to its end. */
void scratch_append(const struct scratch *s, const char *name, harborai_str bytes);
/* The journal's directory, which is made; the caller closes it. */
int scratch_journal(const struct scratch *s);

#endif
