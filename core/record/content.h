/* SPDX-License-Identifier: MIT */
/* What a call asked and was answered, as a line of the journal: only where the operator wants it
 * (`content`), without keys, and cut off at a limit. doc/journal.md describes it. [any] */
#ifndef RECORD_CONTENT_H
#define RECORD_CONTENT_H

#include "chat/excerpt.h"
#include "record/record.h"
#include "wire/masker.h"
#include "wire/secrets.h"

/* So much more than the limit is looked at, and so much of a text's end not written where it is cut:
 * what is to be masked is not known by its beginning alone. */
#define CONTENT_BEHIND KIB(2)

/* Borrowed. */
struct content {
    enum masker_what masks;
    size_t limit;               /* bytes of a request, and of the texts of an answer, as written */
    harborai_str request;       /* the body, as the client sent it */
    harborai_str answer;        /* a whole one, as the client gets it; empty: none, or a stream */
    const struct excerpt *said; /* by a stream, of `limit` + CONTENT_BEHIND; NULL: nothing, or no stream */
    const struct secrets *secrets; /* masked by their value; NULL: none */
};

/* Appends the line, without its line end, of less than LIMIT_JOURNAL_CONTENT bytes. The buffer's failure
 * is sticky: check buf_status(). */
void content_write(struct buf *out, const struct record *record, const struct content *content);

#endif
