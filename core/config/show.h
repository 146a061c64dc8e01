/* SPDX-License-Identifier: MIT */
/* A configuration in words: every setting that has a value, and where the value is from. Of a key
 * no more than its last four characters, and those of long ones only. [any] */
#ifndef CONFIG_SHOW_H
#define CONFIG_SHOW_H

#include "base/buf.h"
#include "config/config.h"

/* As a file that would say the same, but for the keys. `with_origins`: a comment behind each
 * value. */
void show_yaml(const struct config *config, bool with_origins, struct buf *out);

/* {"version":1,"settings":[{"setting","value","origin":{"kind","name","line","column"}}]} */
void show_json(const struct config *config, struct buf *out);

#endif
