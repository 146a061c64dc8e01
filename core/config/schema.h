/* SPDX-License-Identifier: MIT */
/* The table of settings in forms for other programs and for people. [any] */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "base/buf.h"

/* A JSON Schema (draft 7) of a configuration file, for editors: indented, with a line end. What it
 * refuses the reader refuses; not the other way round, for values with ${VAR} are known later. */
void schema_write(struct buf *out);

/* {"version":1,"settings":[{"setting","type","value","default","variable","flag","help"}]} */
void schema_describe_json(struct buf *out);

/* The same to be read. */
void schema_describe(struct buf *out);

/* A .env file with every variable of a setting, all of them commented out. */
void schema_describe_env(struct buf *out);

#endif
