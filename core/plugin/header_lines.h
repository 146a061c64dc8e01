/* SPDX-License-Identifier: MIT */
/* A plugin's headers as lines for the wire: checked, with the provider's secrets put in. The one
 * place where a key becomes part of a request. */
#ifndef PLUGIN_HEADER_LINES_H
#define PLUGIN_HEADER_LINES_H

#include "base/buf.h"
#include "base/limits.h"
#include "plugin/provider.h"

#define HEADER_LINES_MAX_COUNT 64
#define HEADER_LINES_MAX_SIZE KIB(16) /* of one header */

/* Adds "name: value\r\n" for each header, then what a request needs and `headers` do not give:
 * content-type (if it `has_body`), user-agent, traceparent (if that is not empty). A header whose
 * secret the operator declared absent ("api_key: none") is left out. E_INVALID: a name or value
 * that is not allowed, or too many; E_AUTH: no such secret. [any] */
MUST_CHECK harborai_status header_lines_write(const struct provider *provider,
                                              const harborai_header *headers, size_t count,
                                              bool has_body, harborai_str trace_parent,
                                              struct buf *lines, harborai_error *error);

#endif
