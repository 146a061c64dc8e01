/* SPDX-License-Identifier: MIT */
/* Calls as a file of some format, one after the other, in constant memory. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "base/buf.h"
#include "cli/export_value.h"
#include "cli/output_file.h"

struct export;

struct export_format {
    const char *name;
    bool is_binary;
    harborai_status (*begin)(struct export *e, harborai_error *error);
    harborai_status (*add)(struct export *e, const struct call *call, harborai_error *error);
    harborai_status (*end)(struct export *e, harborai_error *error);
    void (*release)(struct export *e); /* in any case; NULL: nothing is to be done */
};

struct export {
    const struct export_format *format;
    struct output_file *file; /* borrowed */
    bool has_mark; /* CSV: the byte order mark by which Excel knows UTF-8 */
    uint64_t count;
    struct buf out;           /* not written yet */
    struct buf scratch;
    void *own;                /* the format's */
};

extern const struct export_format export_json, export_jsonl, export_csv, export_xlsx;

/* By its name, or what a file's name ends with. NULL: there is no such format. */
const struct export_format *export_format_find(harborai_str name);

/* What is behind the last point in a file's name: "csv" of "out.d/calls.csv". Borrowed; empty: nothing,
 * as in "calls", or it is stdout. */
harborai_str export_file_ending(const char *path);

/* Writes what stands before the first call. `file` is borrowed until export_release(). */
MUST_CHECK harborai_status export_begin(struct export *e, const struct export_format *format,
                                        struct output_file *file, harborai_error *error);
MUST_CHECK harborai_status export_add(struct export *e, const struct call *call,
                                      harborai_error *error);

/* The rest, all of it in the file. */
MUST_CHECK harborai_status export_end(struct export *e, harborai_error *error);
void export_release(struct export *e);

#endif
