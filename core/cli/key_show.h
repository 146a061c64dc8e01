/* SPDX-License-Identifier: MIT */
/* What `harborai key …` commands have in common. */
#ifndef CLI_KEY_SHOW_H
#define CLI_KEY_SHOW_H

#include "account/key_file.h"
#include "cli/command.h"
#include "wire/json_write.h"

/* The members of a key, into an open object: no digest. */
void key_show_members(struct json_writer *w, const struct key_spec *key, int64_t wall_ns);

/* "2026-12-22 10:00 UTC", or "never" of 0. */
enum { KEY_SHOW_TIME_SIZE = 25 };
void key_show_time(int64_t at_s, char text[static KEY_SHOW_TIME_SIZE]);

/* Has the gateway that runs on the state directory, if one does, heed the file now. False: it does not
 * answer, of which was complained; it will notice by itself. */
bool key_show_tell_gateway(harborai_str state_dir);

#endif
