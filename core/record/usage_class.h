/* SPDX-License-Identifier: MIT */
/* The names of usage classes in records, as "cache_read". They are stable. [any] */
#ifndef RECORD_USAGE_CLASS_H
#define RECORD_USAGE_CLASS_H

/* NULL for a number that is not in use. */
const char *usage_class_name(int usage_class);

#endif
