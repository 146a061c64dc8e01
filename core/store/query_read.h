/* SPDX-License-Identifier: MIT */
/* Words of people that say which calls they mean: the same in commands and over HTTP. [any] */
#ifndef STORE_QUERY_READ_H
#define STORE_QUERY_READ_H

#include "store/query.h"

/* A day or a time, in the reader's time zone unless it says another: "2026-11-21", "2026/11/21 11:03",
 * "20261121", "2026年11月21日", "2026-11-21T11:03:05Z", "…+08:00"; seconds or milliseconds since 1970;
 * "today", "yesterday", "now"; "2h", "7d", "90m ago": so long before now. False: it is no time. */
bool query_read_time(const char *text, int64_t *ret_ns);

/* As RFC 3339 has it, "2026-11-21T11:03:05.25Z" or with "+08:00"; UTC where it says nothing, the day's
 * begin where it says no hour. False: it is no such time, or is before 1970. */
bool query_read_utc(harborai_str text, int64_t *ret_ns);

/* "ok", "error", "cancelled", "interrupted", "failed" for all but ok, or a status of HTTP as 429 or
 * 5xx. False: it is none of these. */
bool query_read_status(harborai_str text, struct log_query *query);

#endif
