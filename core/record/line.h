/* SPDX-License-Identifier: MIT */
/* A record as lines of the journal: one begin line for each attempt, before its request is sent, and
 * one end line for the call, before its answer ends; an amend line if its usage came later than
 * that. doc/journal.md describes every member; names and meanings are stable. [any] */
#ifndef RECORD_LINE_H
#define RECORD_LINE_H

#include "base/buf.h"
#include "record/record.h"

/* Append one line, without its line end, of at most LIMIT_JOURNAL_LINE bytes: what a vendor or a
 * client made too long is cut or left out. The buffer's failure is sticky: check buf_status(). */
void line_begin(struct buf *out, const struct record *record);
void line_end(struct buf *out, const struct record *record);
void line_amend(struct buf *out, const struct record *record);

#endif
